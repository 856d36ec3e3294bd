"""Lineage: milliseconds a statement, against the server's analysis and sqlglot.

Processor time, so that a busy machine does not count; the best of some rounds,
summed over the statements. Everything is measured inside of one backend, on the
same statements, in the
same run. Run by `make bench`, or by hand on any database where pg_llm can be
created (libpq's environment variables say where):

    python bench/lineage.py [CASES.jsonl ...]

A file of cases holds one JSON object a line: `sql`, `schema`
({"schema.table": ["column", ...]}), `search_path`, `origin` and optionally
`types` ({"column": "type"}).
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict

import psycopg

DATABASE = "pg_llm_bench_lineage"

TOOLS = r"""
create or replace function pg_temp.measure(queries text[], schema jsonb, rounds int)
returns table (tool text, ms float8, failed int)
language plpython3u as $$
import json
import time

plpy.execute("select llm.backend_load()")
from sqlglot import parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import ensure_schema

from pg_llm.backend.reception import database
from pg_llm.lineage import analyser, statements

db = database(plpy)


class Done(Exception):
    pass


def server(text):
    "The server's analysis alone: create the function, roll back."
    try:
        with plpy.subtransaction():
            head = "create function pg_temp.bench() returns void language sql begin atomic "
            plpy.execute(f"{head}{text}\n; end")
            raise Done
    except Done:
        pass


def ours(text):
    return [
        tuple(edge)
        for statement in statements.split(text)
        for edge in analyser.statement_edges(db, statement)
    ]


tables = ensure_schema(json.loads(schema), dialect="postgres")


def theirs(text):
    "sqlglot's lineage as its manual calls it: once for each output column."
    for name in parse_one(text, dialect="postgres").named_selects:
        lineage(name, text, tables, dialect="postgres")


def theirs_shared(text):
    "The same, parsed, qualified and scoped once for all columns."
    tree = qualify(
        parse_one(text, dialect="postgres"),
        schema=tables,
        dialect="postgres",
        validate_qualify_columns=False,
    )
    scope = build_scope(tree)
    for name in tree.named_selects:
        lineage(
            name, tree, tables, scope=scope, dialect="postgres", trim_selects=False, copy=False
        )


TOOLS = {"server": server, "pg_llm": ours, "sqlglot": theirs, "shared": theirs_shared}
best = {name: [float("inf")] * len(queries) for name in TOOLS}
failed = {name: set() for name in best}
for turn in range(rounds + 1):
    for number, text in enumerate(queries):
        for name, tool in TOOLS.items():
            start = time.process_time()
            try:
                tool(text)
            except Exception as error:
                failed[name].add(number)
                if not turn and name in ("server", "pg_llm"):
                    plpy.warning(f"{name}: {error}")
            if turn:
                best[name][number] = min(best[name][number], time.process_time() - start)
for name, seconds in best.items():
    # The same statements for all: those that none fails on.
    good = [s for n, s in enumerate(seconds) if not any(n in bad for bad in failed.values())]
    yield name, 1000 * sum(good) / max(1, len(good)), len(failed[name])
$$
"""

SYSTEM_VIEWS = """
select pg_get_viewdef(c.oid) as sql
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname in ('pg_catalog', 'information_schema')
order by c.oid
"""
SCHEMA = """
select
    n.nspname,
    c.relname,
    array_agg(a.attname::text order by a.attnum),
    array_agg(format_type(a.atttypid, null) order by a.attnum)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'v', 'm', 'p') and n.nspname not like 'pg_t%'
group by 1, 2
"""


def schema_of(connection):
    found = defaultdict(dict)
    for namespace, relation, columns, types in connection.execute(SCHEMA).fetchall():
        found[namespace][relation] = dict(zip(columns, types, strict=True))
    return found


def private_memory(connection):
    """Private megabytes of the backend."""
    pid = connection.info.backend_pid
    kilobytes = 0
    with open(f"/proc/{pid}/smaps_rollup") as rollup:  # noqa: PTH123
        for line in rollup:
            if line.startswith("Private_"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


def fresh(database):
    """The first call in a fresh backend, a warm one, and the memory after them."""
    with psycopg.connect(dbname=database, autocommit=True) as connection:
        connection.execute("select 1")
        query = "select count(*) from lineage_extract('select relname from pg_class')"
        start = time.perf_counter()
        connection.execute(query)
        first = time.perf_counter() - start
        start = time.perf_counter()
        for _ in range(50):
            connection.execute(query)
        warm = (time.perf_counter() - start) / 50
        try:
            memory = f"{private_memory(connection):.0f} MB private"
        except OSError:
            memory = "private memory cannot be read here"
    print(f"fresh backend: first call {first * 1000:.0f} ms, then {warm * 1000:.2f} ms; {memory}")


def measure(connection, name, queries, schema, rounds=3):
    rows = connection.execute(
        "select * from pg_temp.measure(%s, %s, %s)", [queries, json.dumps(schema), rounds]
    ).fetchall()
    figures = {tool: ms for tool, ms, _ in rows}
    failed = ", ".join(f"{tool} fails on {bad}" for tool, _, bad in rows if bad)
    print(
        f"{name:16} {len(queries):4} statements: "
        f"server {figures['server']:.2f} ms, pg_llm {figures['pg_llm']:.2f} ms, "
        f"sqlglot {figures['sqlglot']:.2f} ms, "
        f"sharing its scope {figures['shared']:.2f} ms; "
        f"{figures['sqlglot'] / figures['pg_llm']:.1f} times faster than sqlglot "
        f"({figures['shared'] / figures['pg_llm']:.1f} times where it shares), "
        f"{figures['pg_llm'] / figures['server']:.1f} times the server's analysis"
        + (f" ({failed})" if failed else "")
    )
    return figures


def wide(columns):
    names = ", ".join(f"c{i} int" for i in range(columns))
    return f"create table wide ({names})"


def long_query(lines):
    terms = "\n".join(f"    , a.c{i % 1000} + b.c{(i * 7) % 1000} as x{i}" for i in range(lines))
    return f"select a.c0\n{terms}\nfrom wide a join wide b on a.c1 = b.c1"


def scale(connection):
    """Cost against size: a query of many lines over a table of 2,000 columns."""
    with connection.transaction(force_rollback=True):
        connection.execute(wide(1600))
        figures = []
        for lines in (400, 800, 1600):
            query = long_query(lines)
            connection.execute("select count(*) from lineage_extract(%s)", [query])
            start = time.perf_counter()
            connection.execute("select count(*) from lineage_extract(%s)", [query])
            figures.append(f"{lines} lines {1000 * (time.perf_counter() - start):.0f} ms")
    print("size: " + ", ".join(figures))


def cases(connection, path):
    """Statements of a file, where this server analyses them."""
    found = defaultdict(list)
    with open(path) as lines:  # noqa: PTH123
        for line in lines:
            case = json.loads(line)
            found[case.get("origin", path)].append(case)
    for origin, members in found.items():
        with connection.transaction(force_rollback=True):
            queries = []
            for case in members:
                for table, columns in (case.get("schema") or {}).items():
                    types = case.get("types") or {}
                    body = ", ".join(f'"{c}" {types.get(c, "text")}' for c in columns)
                    schema = table.rpartition(".")[0] or "public"
                    connection.execute(f'create schema if not exists "{schema}"')
                    connection.execute(f"create table if not exists {table} ({body})")
                queries.append(case["sql"])
            connection.execute(f"set local search_path = {members[0]['search_path']}, public")
            measure(connection, origin, queries, schema_of(connection))


def main():
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    try:
        with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
            connection.execute("create extension pg_llm cascade")
        fresh(DATABASE)
        with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
            connection.execute(TOOLS)
            views = [row[0].rstrip().rstrip(";") for row in connection.execute(SYSTEM_VIEWS)]
            measure(connection, "system views", views, schema_of(connection))
            scale(connection)
            for path in sys.argv[1:]:
                cases(connection, path)
    finally:
        with psycopg.connect(dbname="postgres", autocommit=True) as admin:
            admin.execute(f"drop database if exists {DATABASE} with (force)")


if __name__ == "__main__":
    main()
