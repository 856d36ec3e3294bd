"""What lineage_extract finds becomes edges between nodes."""

from __future__ import annotations

import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.graph.convert import edge_facts
from pg_llm.graph.store import EdgeFacts, Key
from pg_llm.lineage.extract import extract


@pytest.fixture
def facts(connect):
    """Return the facts that a text has, with its objects made before."""
    with connect(autocommit=False) as connection:

        def facts(sql, *setup):
            for statement in setup:
                connection.execute(statement)
            database = PsycopgDatabase(connection)
            return edge_facts(database, extract(database, sql))

        yield facts
        connection.rollback()


def test_columns_and_rows(facts):
    made = facts(
        "insert into public.sums select k, sum(n) from public.t where x group by k",
        "create table t (k int, n int, x bool)",
        "create table sums (k int, n bigint)",
    )
    found = {(e.source.column_name, e.target.column_name, e.transformation) for e in made}
    assert found == {
        ("k", "k", "IDENTITY"),
        ("n", "n", "AGGREGATION"),
        ("x", "", "FILTER"),
        ("k", "", "GROUP_BY"),
    }
    assert {e.target.name for e in made} == {"public.sums"}
    assert (
        EdgeFacts(
            Key("column", "", "public.t", "n"),
            Key("column", "", "public.sums", "n"),
            "DIRECT",
            "AGGREGATION",
            made[1].expression,
        )
        in made
    )


def test_a_table_without_columns_is_scanned(facts):
    made = facts("create table c as select count(*) as n from public.t", "create table t (k int)")
    assert [(e.source, e.target, e.influence, e.transformation) for e in made] == [
        (
            Key("relation", "", "public.t"),
            Key("relation", "", "public.c"),
            "INDIRECT",
            "SCAN",
        )
    ]


def test_functions_are_functions(facts):
    made = facts(
        "create table c as select x, g from public.f(1) x, generate_series(1, 2) g",
        "create function f(int) returns setof int language sql begin atomic select $1; end",
    )
    assert [(e.source, e.target.column_name) for e in made] == [
        (Key("column", "", "public.f(integer)", "f"), "x")
    ]


def test_a_bare_query_leaves_nothing(facts):
    assert facts("select k from public.t", "create table t (k int)") == []
