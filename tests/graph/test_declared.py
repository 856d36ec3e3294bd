"""lineage_add_edge, lineage_drop_edge and lineage_prune: what people say of data, and forget."""

from __future__ import annotations

import psycopg
import pytest

_SETUP = (
    "create schema s",
    'create table s.t (a int, "B c" int)',
    "create table u (x int)",
    "create table s.twin (a int)",
    "create table twin (a int)",
    "create function s.f(int, text) returns int language sql return 1",
)


def _ends(graph):
    return graph.rows(
        """
        select f.kind, f.namespace, f.name, f.column_name, t.kind, t.namespace, t.name, t.column_name,
            e.influence, e.transformation, e.evidence, e.resolver
        from lineage.edges_current e
        join lineage.nodes f on f.id = e.from_node
        join lineage.nodes t on t.id = e.to_node
        """
    )


@pytest.mark.parametrize(
    ("arguments", "source", "target"),
    [
        ("'s.t.a', 'public.u.x'", ("column", "", "s.t", "a"), ("column", "", "public.u", "x")),
        (
            "'s.t', 'u', 'B c', 'x'",
            ("column", "", "s.t", "B c"),
            ("column", "", "public.u", "x"),
        ),
        (
            "'s.t.\"B c\"', 'u.x'",
            ("column", "", "s.t", "B c"),
            ("column", "", "public.u", "x"),
        ),
        (
            "'s.t', 's.f(int, text)'",
            ("relation", "", "s.t", ""),
            ("function", "", "s.f(integer, text)", ""),
        ),
        (
            "'postgres://db:5432/erp.sales.order', 's.t', 'id', 'a'",
            ("field", "postgres://db:5432", "erp.sales.order", "id"),
            ("column", "", "s.t", "a"),
        ),
        (
            "'s.t.a', 's3://bucket/path/to.csv'",
            ("column", "", "s.t", "a"),
            ("dataset", "s3://bucket", "path/to.csv", ""),
        ),
        (
            "'s.t.a', 'bi/revenue', target_kind => 'dashboard'",
            ("column", "", "s.t", "a"),
            ("job", "bi", "revenue", ""),
        ),
    ],
)
def test_what_names_mean(graph, arguments, source, target):
    graph.run(*_SETUP)
    edge = graph.rows(f"select lineage_add_edge({arguments})")
    assert _ends(graph) == [(*source, *target, "DIRECT", "IDENTITY", "manual", "manual")]
    assert graph.rows("select id from lineage.edges_current") == edge


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "message"),
    [
        ("null, 's.t'", "22023", "cannot be null"),
        ("'', 's.t'", "22023", "is empty"),
        ("'s.none', 's.t'", "42704", 'no relation "s.none"'),
        ("'s.t.z', 's.t'", "42704", 's.t has no column "z"'),
        ("'s.t', 's.t', 'z'", "42704", 's.t has no column "z"'),
        ("'d.s.t.a', 's.t'", "22023", "too many parts"),
        ("'twin', 's.t'", "42725", "public.twin, s.twin"),
        ("'s.g(int)', 's.t'", "42704", "no function"),
        ("'s.t', 'a \"b'", "22023", ""),
        ("'s3://', 's.t'", "22023", "not namespace/name"),
        ("'x/', 's.t'", "22023", "not namespace/name"),
        ("'s.t', 'u', transformation => 'magic'", "22023", "unknown transformation"),
        ("'s.t', 'u', confidence => 2", "22023", "between 0 and 1"),
        ("'s.t', 'u', confidence => 'nan'", "22023", "between 0 and 1"),
        ("'s.t', 'u', target_kind => 'robot'", "22023", "unknown kind"),
        ("'s.t', 'u', job => 'nightly'", "22023", "not namespace/name"),
    ],
)
def test_bad_input(graph, arguments, sqlstate, message):
    graph.run(*_SETUP)
    with pytest.raises(psycopg.Error) as caught:
        graph.run(f"select lineage_add_edge({arguments})")
    assert caught.value.sqlstate == sqlstate
    assert message in caught.value.diag.message_primary
    assert graph.rows("select count(*) from lineage.edges") == [(0,)]


@pytest.mark.parametrize(
    ("transformation", "influence"),
    [("aggregation", "DIRECT"), ("FILTER", "INDIRECT"), ("dependency", "DEPENDENCY")],
)
def test_the_influence_follows_the_transformation(graph, transformation, influence):
    graph.run(
        *_SETUP, f"select lineage_add_edge('s.t.a', 'u.x', transformation => '{transformation}')"
    )
    assert [row[8:10] for row in _ends(graph)] == [(influence, transformation.upper())]


def test_the_same_edge_again_is_the_same_row(graph):
    graph.run(*_SETUP)
    call = "select lineage_add_edge('s.t.a', 'u.x', expression => {})"
    first = graph.rows(call.format("'a + 1'"))
    assert graph.rows(call.format("'a + 1'")) == first
    assert graph.rows(call.format("'a + 2'")) != first
    assert graph.rows(
        "select expression, valid_to = 'infinity' from lineage.edges order by id"
    ) == [("a + 1", False), ("a + 2", True)]


def test_declared_edges_end_and_stay_in_history(graph):
    graph.run(
        *_SETUP,
        "select lineage_add_edge('s.t.a', 'u.x')",
        "select lineage_add_edge('s.t.a', 'u.x', transformation => 'FILTER')",
        "select lineage_add_edge('s.t.a', 'u.x', job => 'airflow/nightly')",
        "select lineage_add_edge('s.t.a', 'bi/revenue', target_kind => 'dashboard')",
    )
    assert graph.rows("select lineage_drop_edge('s.t.a', 'u.x', transformation => 'filter')") == [
        (1,)
    ]
    assert graph.rows("select lineage_drop_edge('s.t.a', 'u.x')") == [(1,)]
    assert graph.rows("select lineage_drop_edge('s.t.a', 'u.x', job => 'airflow/nightly')") == [
        (1,)
    ]
    assert graph.rows("select lineage_drop_edge('s.t.a', 'bi/revenue')") == [(1,)]
    assert graph.edges() == set()
    assert graph.rows("select count(*) from lineage.edges") == [(4,)]
    with pytest.raises(psycopg.Error) as caught:
        graph.run("select lineage_drop_edge('s.t.a', 'u.x')")
    assert caught.value.sqlstate == "42704"


def test_what_the_catalog_tells_cannot_be_dropped_by_hand(graph):
    graph.run("create table t (a int)", "create view v as select a from t")
    graph.sync()
    with pytest.raises(psycopg.Error) as caught:
        graph.run("select lineage_drop_edge('t.a', 'v.a')")
    assert caught.value.sqlstate == "42704"
    assert len(graph.edges()) == 1


def test_a_declared_edge_survives_a_sync_and_a_rename(graph):
    graph.run(*_SETUP)
    graph.run("select lineage_add_edge('s.t.a', 'u.x')")
    graph.sync()
    graph.run("alter table u rename to w")
    graph.sync()
    assert graph.edges() == {"s.t.a -> public.w.x DIRECT IDENTITY (manual)"}


def test_history_is_pruned(graph):
    graph.run(
        "create table t (a int, b int)",
        "create view v as select a from t",
        "create view w as select b from t",
    )
    graph.sync()
    graph.run("drop view v")
    graph.sync()
    counts = "select count(*) filter (where valid_to < 'infinity'), count(*) from lineage.edges"
    assert graph.rows(counts) == [(1, 2)]
    assert graph.rows("select * from lineage_prune(now() - interval '1 day')") == [(0, 0)]
    assert graph.rows("select * from lineage_prune(clock_timestamp())") == [(1, 2)]
    assert graph.rows(counts) == [(0, 1)]
    assert graph.node("public.v") is None
    assert graph.node("public.v", "a") is None
    assert graph.alive("public.t", "a") is True
    with pytest.raises(psycopg.Error) as caught:
        graph.run("select lineage_prune('infinity')")
    assert caught.value.sqlstate == "22023"


def test_a_dropped_node_with_history_stays(graph):
    graph.run("create table t (a int)", "create view v as select a from t")
    graph.sync()
    graph.run("drop table t cascade")
    graph.sync()
    graph.run(
        "update lineage.nodes set dropped_at = now() - interval '9 days' where dropped_at is not null"
    )
    assert graph.rows("select * from lineage_prune(now() - interval '1 day')") == [(0, 0)]
    assert graph.node("public.t", "a") is not None


def test_only_administrators_declare(graph):
    graph.run(*_SETUP, "create role plain", "grant llm_user to plain", "set role plain")
    for call in (
        "lineage_add_edge('s.t', 'u')",
        "lineage_drop_edge('s.t', 'u')",
        "lineage_prune(now())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            graph.run(f"select {call}")
