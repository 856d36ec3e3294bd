"""Nodes and edges are written in sets, and live over time."""

from __future__ import annotations

import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.graph.store import (
    Changes,
    EdgeFacts,
    Key,
    NodeFacts,
    add_edges,
    ensure_nodes,
    parts_of,
    replace_evidence,
    replace_evidences,
    schema_of,
)

_A = Key("column", "", "s.t", "a")
_B = Key("column", "", "s.t", "b")
_V = Key("relation", "", "s.v")
_VA = Key("column", "", "s.v", "a")


@pytest.fixture
def store(connect):
    """The store, in a transaction that is rolled back."""
    with connect(autocommit=False) as connection:
        yield PsycopgDatabase(connection)
        connection.rollback()


def _edges(store):
    return [
        tuple(row.values())
        for row in store.execute(
            """
            select f.column_name as f, t.column_name as t, e.transformation, e.expression,
                e.valid_to = 'infinity' as current
            from lineage.edges e
            join lineage.nodes f on f.id = e.from_node
            join lineage.nodes t on t.id = e.to_node
            order by e.id
            """
        )
    ]


@pytest.mark.parametrize(
    ("name", "schema", "parts"),
    [
        ("s.t", "s", ("s", "t")),
        ('"S"."t.u"', '"S"', ("S", "t.u")),
        ('"a.""b".t', '"a.""b"', ('a."b', "t")),
        ("public.f(s.t, text)", "public", ("public", "f(s.t, text)")),
        ("t", "", ("", "t")),
        ('"t"', "", ("", "t")),
    ],
)
def test_the_parts_of_a_name(name, schema, parts):
    assert schema_of(name) == schema
    assert parts_of(name) == parts


def test_nodes_come_with_what_they_are_part_of(store):
    found = ensure_nodes(store, [_A, _B, Key("column", "", "s.f(integer)", "x")])
    assert ensure_nodes(store, [_B, _A]) == {_A: found[_A], _B: found[_B]}
    rows = store.execute(
        """
        select n.kind, n.name, n.column_name, p.kind as parent
        from lineage.nodes n left join lineage.nodes p on p.id = n.parent
        order by n.kind, n.name, n.column_name
        """
    )
    assert [tuple(row.values()) for row in rows] == [
        ("column", "s.f(integer)", "x", "function"),
        ("column", "s.t", "a", "relation"),
        ("column", "s.t", "b", "relation"),
        ("function", "s.f(integer)", "", "schema"),
        ("relation", "s.t", "", "schema"),
        ("schema", "s", "", None),
    ]


def test_facts_are_written_and_a_key_alone_changes_nothing(store):
    def described():
        row = store.execute(
            "select subtype, comment, properties, dropped_at, xmin::text from lineage.nodes where kind = 'relation'"
        )[0]
        return tuple(row.values())

    ensure_nodes(store, [NodeFacts(_V, "view", 'Was "v" ist', {"n": 1})])
    assert described()[:4] == ("view", 'Was "v" ist', {"n": 1}, None)
    store.execute("update lineage.nodes set dropped_at = now() where kind = 'relation'")
    ensure_nodes(store, [_V])
    assert described()[3] is not None
    ensure_nodes(store, [NodeFacts(_V, "view")])
    assert described()[:4] == ("view", None, {}, None)


def test_an_unchanged_node_is_not_touched(store):
    def version():
        return store.execute("select ctid::text from lineage.nodes where kind = 'relation'")

    ensure_nodes(store, [NodeFacts(_V, "view", "c", {"n": [1]})])
    before = version()
    ensure_nodes(store, [NodeFacts(_V, "view", "c", {"n": [1]})])
    assert version() == before


def test_evidence_is_replaced(store):
    first = EdgeFacts(_A, _VA, "DIRECT", "TRANSFORMATION", "upper(a)")
    second = EdgeFacts(_B, _VA, "DIRECT", "IDENTITY")
    assert replace_evidence(store, "view", _V, [first, second]) == Changes(2, 0)
    assert replace_evidence(store, "view", _V, [second, first]) == Changes(0, 0)
    changed = EdgeFacts(_A, _VA, "DIRECT", "TRANSFORMATION", "lower(a)")
    assert replace_evidence(store, "view", _V, [changed]) == Changes(1, 2)
    assert _edges(store) == [
        ("a", "a", "TRANSFORMATION", "upper(a)", False),
        ("b", "a", "IDENTITY", None, False),
        ("a", "a", "TRANSFORMATION", "lower(a)", True),
    ]
    # What closed can come back: history has both.
    assert replace_evidence(store, "view", _V, [changed, second]) == Changes(1, 0)
    assert replace_evidence(store, "view", _V, []) == Changes(0, 2)


def test_there_is_no_gap_between_an_edge_and_its_successor(store):
    replace_evidence(store, "view", _V, [EdgeFacts(_A, _VA, "DIRECT", "IDENTITY", "a")])
    replace_evidence(store, "view", _V, [EdgeFacts(_A, _VA, "DIRECT", "IDENTITY", "b")])
    row = store.execute(
        """
        select count(*) as n from lineage.edges o
        join lineage.edges n on n.valid_from = o.valid_to and n.valid_to = 'infinity'
        """
    )[0]
    assert row["n"] == 1


def test_pieces_of_evidence_do_not_touch_each_other(store):
    edge = EdgeFacts(_A, _VA, "DIRECT", "IDENTITY")
    other = Key("relation", "", "s.w")
    assert replace_evidences(store, "view", {_V: [edge], other: [edge]}) == Changes(2, 0)
    assert replace_evidence(store, "rule", _V, [edge]) == Changes(1, 0)
    assert replace_evidence(store, "manual", None, [edge]) == Changes(1, 0)
    assert replace_evidence(store, "view", _V, []) == Changes(0, 1)
    assert replace_evidence(store, "manual", None, []) == Changes(0, 1)
    assert [row[4] for row in _edges(store)] == [False, True, True, False]


def test_edges_are_added_beside_others(store):
    edge = EdgeFacts(_A, _VA, "DIRECT", "IDENTITY")
    assert add_edges(store, "manual", None, [edge]) == 1
    assert add_edges(store, "manual", None, [edge]) == 0
    assert add_edges(store, "manual", None, [EdgeFacts(_B, _VA, "DIRECT", "IDENTITY")]) == 1
    assert [row[4] for row in _edges(store)] == [True, True]


def test_of_equal_edges_the_surest_is_kept(store):
    edges = [
        EdgeFacts(_A, _VA, "DIRECT", "IDENTITY", "sure", confidence=1.0),
        EdgeFacts(_A, _VA, "DIRECT", "IDENTITY", "guessed", "parser", 0.5),
    ]
    assert replace_evidence(store, "view", _V, edges) == Changes(1, 0)
    assert _edges(store)[0][3] == "sure"


def test_more_than_a_batch(store):
    nodes = [Key("column", "", f"s.t{i // 50}", f"c{i}") for i in range(12_000)]
    ids = ensure_nodes(store, nodes)
    assert len(set(ids.values())) == 12_000
    edges = [EdgeFacts(ids[node], _VA, "DIRECT", "IDENTITY") for node in nodes]
    assert replace_evidence(store, "view", _V, edges) == Changes(12_000, 0)
    assert replace_evidence(store, "view", _V, edges[1:]) == Changes(0, 1)
