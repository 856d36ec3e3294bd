"""The catalog's way into the graph: seconds, against pg_dump on the same schema.

A schema of 2,000 tables with 40,000 columns and 1,000 views is made in a
database of its own, and synced: for the first time, with nothing changed, after
a change. pg_dump --schema-only reads the same catalog in the same run. Then
what following a DDL statement costs it, in processor time, so that a busy
machine does not count. Run by `make bench`, or by hand on any
server where pg_llm can be created (libpq's environment variables say where).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import psycopg

DATABASE = "pg_llm_bench_graph"
TABLES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
VIEWS = TABLES // 2
COLUMNS = 20
SCHEMAS = 20


def table(number):
    """A table of 20 columns with keys, a default, a generated column."""
    columns = ", ".join(f"c{n} {('int', 'text', 'numeric')[n % 3]}" for n in range(4, COLUMNS))
    reference = f"references s{(number - 1) % SCHEMAS}.t{number - 1}" if number else ""
    return (
        f"create table s{number % SCHEMAS}.t{number} (id serial primary key,"
        f" parent int {reference}, made timestamptz default now(),"
        f" double int generated always as (parent * 2) stored, {columns})"
    )


def view(number):
    """A view of three relations, every second time of a view."""
    a, b = (number * 7) % TABLES, (number * 13 + 1) % TABLES
    lower = f"s{(number - 1) % SCHEMAS}.v{number - 1}" if number % 2 else f"s{a % SCHEMAS}.t{a}"
    return (
        f"create view s{number % SCHEMAS}.v{number} as"
        f" select l.id, b.c4 as amount, upper(a.c7) as name, coalesce(a.c10, b.c10) as code,"
        f" case when b.c13 = '' then a.c16 else b.c16 end as state,"
        f" sum(a.c6) over (partition by b.c7 order by b.c9) as total,"
        f" (select count(*) from s{b % SCHEMAS}.t{b} x where x.parent = a.id) as children,"
        f" b.double"
        f" from s{a % SCHEMAS}.t{a} a join s{b % SCHEMAS}.t{b} b on b.parent = a.id"
        f" left join {lower} l on l.id = a.id where a.made > now() - interval '1 day'"
    )


def build(connection):
    connection.execute("create extension pg_llm cascade")
    for n in range(SCHEMAS):
        connection.execute(f"create schema s{n}")
    for start in range(0, TABLES, 100):
        with connection.transaction():
            for n in range(start, min(start + 100, TABLES)):
                connection.execute(table(n))
    for start in range(0, VIEWS, 100):
        with connection.transaction():
            for n in range(start, min(start + 100, VIEWS)):
                connection.execute(view(n))
    connection.execute("vacuum analyze")


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def sync(connection):
    return seconds(lambda: connection.execute("select * from lineage_sync_catalog()").fetchall())


def dump(connection):
    binary = Path(bindir(connection)) / "pg_dump"
    command = [str(binary), "--schema-only", "--no-owner", "-f", "/dev/null", "-d", DATABASE]
    return seconds(lambda: subprocess.run(command, check=True))


def bindir(connection):
    row = connection.execute("select setting from pg_config() where name = 'BINDIR'").fetchone()
    return row[0]


STATEMENTS = (
    ("create table", "create table made (id int primary key, a int, b text, c numeric)"),
    ("alter table", "alter table made add d int"),
    ("create view", "create view seen as select a, count(*) from made where b > '' group by a"),
    ("comment", "comment on table made is 'x'"),
    ("rename", "alter table made rename a to a{n}"),
    ("grant", "grant select on made to public"),
    ("drop view", "drop view seen"),
    ("drop table", "drop table made"),
)
# By itself: analysing a statement in a session without a temporary schema makes
# the server plan everything anew.
FILLING = (
    ("base", "create table made (e int, b text)"),
    ("create table as", "create table filled as select e, upper(b) as b from made"),
    ("end", "drop table made, filled"),
)


def processor(connection):
    """Milliseconds that a backend has run; wall clock where that cannot be read."""
    try:
        path = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        return int(path.read_text().split()[0]) / 1e6
    except OSError:
        return 1000 * time.perf_counter()


def statements(script, rounds=20):
    """Median milliseconds of each DDL statement, in a session of its own."""
    found = {name: [] for name, _ in script}
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        for n in range(rounds):
            for name, statement in script:
                start = processor(connection)
                connection.execute(statement.format(n=n))
                found[name].append(processor(connection) - start)
    return {name: statistics.median(times) for name, times in found.items()}


def ddl(connection):
    """What following a statement costs it."""
    connection.execute("select lineage_track(false)")
    without = statements(STATEMENTS) | statements(FILLING)
    connection.execute("select lineage_track(true)")
    tracked = statements(STATEMENTS) | statements(FILLING)
    connection.execute("select lineage_track(false)")
    costs = ", ".join(
        f"{name} {tracked[name] - without[name]:.1f} ms (of {tracked[name]:.1f})"
        for name in without
        if name not in ("base", "end")
    )
    print(f"lineage_track adds: {costs}")


def main():
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
        try:
            with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
                measure(connection)
        finally:
            admin.execute(f"drop database if exists {DATABASE} with (force)")


def measure(connection):
    build(connection)
    columns = connection.execute(
        "select count(*) from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname ~ '^s[0-9]+$' and c.relkind in ('r', 'v') and a.attnum > 0"
    ).fetchone()[0]
    first = sync(connection)
    edges = connection.execute("select count(*) from lineage.edges").fetchone()[0]
    connection.execute("vacuum analyze lineage.nodes, lineage.edges, lineage.objects")
    again = min(sync(connection) for _ in range(3))
    connection.execute("alter table s0.t0 add added int")
    changed = sync(connection)
    peer = min(dump(connection) for _ in range(2))
    print(
        f"{TABLES} tables, {VIEWS} views, {columns} columns, {edges} edges:"
        f" first sync {first:.1f} s, nothing changed {again:.2f} s,"
        f" one table changed {changed:.2f} s;"
        f" pg_dump --schema-only {peer:.1f} s ({first / peer:.1f} times, {again / peer:.2f} times)"
    )
    ddl(connection)


if __name__ == "__main__":
    main()
