"""Vectors: search beside plain pgvector, the trigger's cost, backfill, a long queue.

Every ratio is taken in one run, alternating, median or best of some rounds. Run
by `make bench`, or by hand where pg_llm can be created (libpq's environment
variables say where):

    python bench/vectors.py [ROWS ...]        rows of the searched table (10000)
"""

from __future__ import annotations

import statistics
import sys
import threading
import time

import psycopg

from pg_llm.models.scripted import Server

DATABASE = "pg_llm_bench_vectors"
WORDS = (
    "apple river truck invoice doctor winter music garden market price school tax order paint "
    "house letter bridge window coffee engine summer island teacher ticket castle doctor museum "
    "forest payment customer supplier harbour bicycle orange village holiday concert kitchen"
)
QUERIES = [
    "an unpaid invoice",
    "music in the garden",
    "a holiday on the island",
    "the price of coffee",
    "who teaches at school",
    "a truck full of oranges",
]


def timed(connection: psycopg.Connection, statement: str, args: object = None) -> float:
    """Return the milliseconds that a statement takes."""
    started = time.perf_counter()
    connection.execute(statement, args, prepare=True).fetchall()
    return (time.perf_counter() - started) * 1000


def run(connection: psycopg.Connection, statement: str) -> float:
    """Return the seconds that a statement without rows takes."""
    started = time.perf_counter()
    connection.execute(statement)
    return time.perf_counter() - started


def fill(connection: psycopg.Connection, table: str, rows: int) -> None:
    words = "array['" + "','".join(WORDS.split()) + "']"
    connection.execute(f"create table {table} (id int primary key, body text, other int)")
    connection.execute(
        f"""
        insert into {table}
        select i, (
            select string_agg(({words})[1 + (hashint4(i * 31 + j)::bigint + 2147483648)
                % {len(WORDS.split())}], ' ')
            from generate_series(1, 10) j
        ) || ' ' || i
        from generate_series(1, {rows}) i
        """
    )


def searches(connection: psycopg.Connection, rows: int) -> None:
    """The vector part alone and the whole search, beside the same in plain SQL."""
    fill(connection, "items", rows)
    seconds = run(connection, "select llm_vectorize('items', '{body}')")
    seconds += run(connection, "call llm_work('items')")
    print(f"{rows} rows embedded and indexed in {seconds:.1f} s")
    version = connection.execute(
        "select active from llm.collections where name = 'items'"
    ).fetchone()[0]
    storage = f"llm.vectors_{version}"
    plain = (
        f"with q as materialized (select llm_embed(%s) as v) select i.k1, i.content, d "
        f"from (select k1, content, embedding <=> (select v from q) as d from {storage} "
        "order by embedding <=> (select v from q) limit 10) i"
    )
    hybrid = f"""
        with q as materialized (
            select llm_embed(%(q)s) as v,
                replace(plainto_tsquery('english', %(q)s)::text, '&', '|')::tsquery as t
        ),
        v as (
            select id, row_number() over (order by d) as rank from (
                select id, embedding <=> (select v from q) as d from {storage}
                order by embedding <=> (select v from q) limit 40) s
        ),
        t as (
            select id, row_number() over (order by r desc) as rank from (
                select i.id, ts_rank(i.terms, q.t, 1) as r from {storage} i, q
                where i.terms @@ q.t order by r desc limit 40) s
        )
        select i.k1, i.content, coalesce(1.0 / (60 + v.rank), 0) + coalesce(1.0 / (60 + t.rank), 0)
        from v full join t using (id) join {storage} i using (id)
        order by 3 desc limit 10
    """
    ours = "select * from llm_search('items', %s, 10)"
    times: dict[str, list[float]] = {"llm_search": [], "plain vector": [], "plain hybrid": []}
    for turn in range(12):
        for query in QUERIES:
            found = [
                ("llm_search", timed(connection, ours, [query])),
                ("plain vector", timed(connection, plain, [query])),
                ("plain hybrid", timed(connection, hybrid, {"q": query})),
            ]
            for name, milliseconds in found if turn else []:
                times[name].append(milliseconds)
    middle = {name: statistics.median(values) for name, values in times.items()}
    for name, value in middle.items():
        print(f"  {name:13} {value:8.2f} ms")
    print(f"  llm_search / plain hybrid: {middle['llm_search'] / middle['plain hybrid']:.2f}")
    print(
        "  recall@10, ms by index, ms exact, indexed:",
        *connection.execute("select * from llm_search_recall('items')").fetchone(),
    )


def trigger(connection: psycopg.Connection, endpoint: str) -> None:
    """Insert and update 10,000 rows with and without a queued collection."""
    connection.execute(
        "select llm_model_add('remote', 'scripted', 'embed', 'remote', %s, null, "
        '\'{"dimensions": 64, "batch": 100, "concurrency": 4}\')',
        [endpoint],
    )
    fill(connection, "plain", 10_000)
    fill(connection, "watched", 10_000)
    connection.execute("truncate watched")
    connection.execute("select llm_vectorize('watched', '{body}', model => 'remote')")
    for name, statement in (
        ("insert", "insert into {} select * from plain_copy"),
        ("update of another column", "update {} set other = 1"),
        ("update of the text", "update {} set body = body || '.'"),
    ):
        if name == "insert":
            connection.execute("create table plain_copy as select * from plain")
        best = {"plain": 1e9, "watched": 1e9}
        for _ in range(7):
            for table in best:
                if name == "insert":
                    connection.execute(f"truncate {table}")
                best[table] = min(best[table], run(connection, statement.format(table)))
        print(
            f"  {name}: {best['plain'] * 1000:.0f} ms, queued {best['watched'] * 1000:.0f} ms: "
            f"{best['watched'] / best['plain']:.2f} times"
        )


def backfill(connection: psycopg.Connection, server: Server) -> None:
    """Rows a second, with the static model and with a provider of 50 ms a call."""
    for model, rows in (("static", 20_000), ("remote", 20_000)):
        fill(connection, f"fill_{model}", rows)
        connection.execute(f"select llm_vectorize('fill_{model}', '{{body}}', model => '{model}')")
        server.latency = 0.05
        started = time.perf_counter()
        connection.execute(f"call llm_work('fill_{model}')")
        seconds = time.perf_counter() - started
        server.latency = 0
        rate = connection.execute(
            "select rate from llm.vectorizers where collection = %s", [f"fill_{model}"]
        ).fetchone()[0]
        print(
            f"  {model}: {rows / seconds:.0f} rows/s with its indexes, "
            f"{rate:.0f} in the last batches"
        )


def queue(connection: psycopg.Connection, rows: int) -> None:
    """A queue of rows that need no embedding: what draining itself costs."""
    fill(connection, "long", 1)
    connection.execute("truncate long")
    connection.execute("select llm_vectorize('long', '{body}', model => 'remote')")
    connection.execute(f"insert into long select i from generate_series(1, {rows}) i")
    version = connection.execute(
        "select active from llm.collections where name = 'long'"
    ).fetchone()[0]
    size = f"select pg_relation_size('llm.vectors_{version}_queue')"
    before = connection.execute(size).fetchone()[0]
    seconds = run(connection, "call llm_work('long')")
    after = connection.execute(size).fetchone()[0]
    print(
        f"  {rows} marks drained in {seconds:.1f} s ({rows / seconds:.0f}/s); "
        f"queue {before >> 20} MB before, {after >> 20} MB after"
    )


def main() -> None:
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    server = Server().start()
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        connection.execute("create extension pg_llm cascade")
        connection.execute("set client_min_messages = error")
        print("trigger, 10000 rows")
        trigger(connection, server.endpoint)
        print("backfill")
        backfill(connection, server)
        print("queue")
        queue(connection, 200_000)
        for rows in [int(n) for n in sys.argv[1:]] or [10_000]:
            connection.execute("drop table if exists items cascade")
            searches(connection, rows)
    server.stop()
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database {DATABASE} with (force)")


if __name__ == "__main__":
    threading.stack_size(1 << 20)
    main()
