"""Walks and tags on one million edges: beside a plain recursive query, and Apache AGE.

Every figure is the best of some rounds, alternating, in one run. Run by `make
bench`, or by hand where pg_llm can be created (libpq's environment variables
say where):

    python bench/graph_questions.py [EDGES]        (1000000)

The graph has 20 layers; each column feeds five of the next layer, near its own
place, so that ways part and meet again all the time: ten levels from one column
are about ten million paths to some thousand columns.
"""

from __future__ import annotations

import sys
import time

import psycopg

DATABASE = "pg_llm_bench_graph"
LAYERS = 20
FAN = 5
NEAR = 320
ROUNDS = 5

_NODES = """
insert into lineage.nodes (kind, name)
select 'relation', format('s%s.t%s', l, t)
from generate_series(0, {layers} - 1) l, generate_series(0, {tables} - 1) t
order by l, t;
insert into lineage.nodes (kind, name, column_name, parent)
select 'column', r.name, 'c' || c, r.id
from lineage.nodes r, generate_series(0, 19) c
where r.kind = 'relation'
order by r.id, c;
create table bench_columns as
select id, row_number() over (order by id) - 1 as n from lineage.nodes where kind = 'column';
create unique index on bench_columns (n);
"""
_EDGES = """
insert into lineage.edges
    (from_node, to_node, influence, transformation, resolver, confidence, evidence)
select a.id, b.id, 'DIRECT', (array['IDENTITY', 'TRANSFORMATION'])[1 + (a.n + k) %% 2],
    'analyser', 1, 'view'
from bench_columns a
cross join generate_series(0, {fan} - 1) k
join bench_columns b on b.n = (a.n / {width} + 1) * {width}
    + (a.n %% {width} + (hashint8(a.n * {fan} + k) + 2147483648::bigint) %% {near}
        - {near} / 2 + {width})
    %% {width}
on conflict do nothing
"""
_PLAIN = """
with recursive reached (id, depth) as (
    select {start}::bigint, 0
    union
    select e.to_node, r.depth + 1
    from reached r
    join lineage.edges_current e on e.from_node = r.id and e.influence = 'DIRECT'
    where r.depth < 10
)
select min(r.depth) as depth, n.name, n.column_name
from reached r
join lineage.nodes n on n.id = r.id
group by n.id
"""
_DOWNSTREAM = "select depth, relation, column_name, path from lineage_downstream('{name}')"


def best(connection: psycopg.Connection, query: str) -> tuple[float, int]:
    """Return the milliseconds of a query, the best of some rounds, and its rows."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        rows = connection.execute(query.encode()).fetchall()
        times.append((time.perf_counter() - started) * 1000)
    return min(times), len(rows)


def fill(connection: psycopg.Connection, edges: int) -> None:
    """Make the graph."""
    width = edges // FAN // LAYERS
    connection.execute(_NODES.format(layers=LAYERS, tables=width // 20))
    query = _EDGES.format(fan=FAN, width=width, near=NEAR).replace("%%", "%")
    connection.execute(query)
    connection.execute("vacuum analyze lineage.nodes, lineage.edges")


def walks(connection: psycopg.Connection, start: int, name: str) -> None:
    """lineage_downstream beside a recursive query that names its results, without paths."""
    ours, rows = best(connection, _DOWNSTREAM.format(name=name))
    plain, plain_rows = best(connection, _PLAIN.format(start=start))
    print(f"lineage_downstream, 10 levels, {rows} columns with paths: {ours:.0f} ms")
    print(
        f"recursive query, {plain_rows - 1} columns without paths: {plain:.0f} ms ({ours / plain:.1f} x)"  # noqa: E501
    )


def age(connection: psycopg.Connection, name: str) -> None:
    """The same in Cypher, where AGE is installed: three levels, for it follows every path."""
    if not connection.execute(
        "select 1 from pg_available_extensions where name = 'age'"
    ).fetchone():
        print("Apache AGE is not installed: not compared")
        return
    connection.execute("create extension if not exists age")
    started = time.perf_counter()
    connection.execute("select * from lineage_to_age('bench_graph')")
    print(f"lineage_to_age, first: {time.perf_counter() - started:.1f} s")
    connection.execute("load 'age'")
    connection.execute("set search_path = ag_catalog, public")
    for depth in (3, 5):
        cypher = (
            f"select * from cypher('bench_graph', $$ match (a:Column {{label: '{name}'}})"
            f"-[:DIRECT*1..{depth}]->(b) return distinct b.label $$) as (label agtype)"
        )
        theirs, rows = best(connection, cypher)
        mine, _ = best(
            connection, f"select * from lineage_downstream('{name}', max_depth => {depth})"
        )
        print(
            f"AGE, {depth} levels, {rows} columns: {theirs:.0f} ms; lineage_downstream: {mine:.0f} ms"  # noqa: E501
        )
    connection.execute("reset search_path")


def tags(connection: psycopg.Connection, name: str) -> None:
    """What one changed edge costs, with tags that have travelled and without any."""
    change = (
        "update lineage.edges set masking = not masking where id = "
        "(select max(id) from lineage.edges_current) and valid_to = 'infinity' returning id"
    )
    before, _ = best(connection, change)
    started = time.perf_counter()
    connection.execute(f"select lineage_tag('{name}', 'pii')".encode())
    travelled = time.perf_counter() - started
    carried = connection.execute("select count(*) from lineage.node_tags").fetchone()[0]
    after, _ = best(connection, change)
    print(f"a tag travels to {carried} nodes in {travelled * 1000:.0f} ms")
    print(f"one changed edge: {before:.1f} ms without tags, {after:.1f} ms with")
    near = connection.execute(
        "select e.id from lineage.node_tags t "
        "join lineage.edges_current e on e.id = t.edge order by t.edge desc limit 1"
    ).fetchone()
    cut = (
        f"update lineage.edges set masking = not masking where id = {near[0]} "
        "and valid_to = 'infinity' returning id"
    )
    took, _ = best(connection, cut)
    print(f"an edge that a tag came along, masked and not: {took:.1f} ms")


def main() -> None:
    edges = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with psycopg.connect(dbname="postgres", autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE}")
        connection.execute(f"create database {DATABASE}")
    try:
        with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
            connection.execute("create extension pg_llm cascade")
            fill(connection, edges)
            start, name = connection.execute(
                "select b.id, lineage.label(n.kind, n.namespace, n.name, n.column_name) "
                "from bench_columns b join lineage.nodes n on n.id = b.id "
                f"where b.n = {edges // FAN // LAYERS // 2}"
            ).fetchone()
            walks(connection, start, name)
            tags(connection, name)
            age(connection, name)
    finally:
        with psycopg.connect(dbname="postgres", autocommit=True) as connection:
            connection.execute(f"drop database if exists {DATABASE} with (force)")


if __name__ == "__main__":
    main()
