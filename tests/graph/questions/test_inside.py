"""The functions that the questions are made of."""

from __future__ import annotations

import pytest


@pytest.fixture
def chain(draw, tables):
    """s.a.x -> s.b.x -> s.c.x, and s.a is a table that exists."""
    tables("s.a(x)", "s.b(x)")
    draw.evidence("s.b", ("s.a.x", "s.b.x"), ("s.b.x", "s.c.x", "AGGREGATION"))
    return draw


def node(draw, name):
    return draw.column("select lineage.find_node(%s)", name)[0]


def test_walk_gives_numbers(chain):
    a, b, c = (node(chain, f"s.{n}.x") for n in "abc")
    assert chain.rows("select * from lineage.walk(array[%s::int8], true, 9, '{DIRECT}')", a) == [
        (b, 1, a, 0),
        (c, 2, b, 2),
    ]
    stopped = chain.column(
        "select node from lineage.walk(array[%s::int8], true, 9, '{DIRECT}', null, array[%s::int8])",
        a,
        b,
    )
    assert stopped == [b]
    assert chain.rows("select * from lineage.walk('{}', true, 9, '{DIRECT}')") == []
    assert chain.column("select lineage.influences('All')") == [["DIRECT", "INDIRECT"]]
    reached = chain.rows(
        "select node, object from lineage.reached(array[%s::int8], false, 9, 'DIRECT', null)", c
    )
    assert reached == [(b, "s.b"), (a, "s.a")]
    assert chain.rows("select * from lineage.successors() order by 1") == sorted(
        [(a, [b]), (b, [c])]
    )


def test_names_and_numbers(chain):
    a = node(chain, "s.a")
    assert chain.column("select lineage.start_nodes(%s)", a) == [sorted([a, node(chain, "s.a.x")])]
    label = "select lineage.label(%s, %s, %s, %s)"
    assert chain.column(label, "column", "", "s.a", "A b") == ['s.a."A b"']
    assert chain.column(label, "field", "s3://x", "y", "z") == ["s3://x/y.z"]


def test_objects_of_the_catalog(chain, db):
    assert chain.column("select lineage.relation_oid('s.a') = 's.a'::regclass") == [True]
    for name in ("s.nothing", "a", "", "1", "a.b.c", 's."x'):
        assert chain.column("select lineage.relation_oid(%s)", name) == [None]
    assert chain.column(
        "select lineage.function_oid('pg_catalog.lower(text)') = 'lower(text)'::regprocedure"
    ) == [True]
    for name in ("s.f()", "s.f(s.nosuch)", "nonsense", "f("):
        assert chain.column("select lineage.function_oid(%s)", name) == [None]
    assert chain.column("select lineage.owns_relation('s.a')") == [True]
    assert chain.column("select lineage.sees_relation('s.a'::regclass)") == [True]
    assert chain.column("select lineage.sees_column('s.a'::regclass, 'x')") == [True]
    assert chain.column("select lineage.sees_column(null, 'x')") == [False]
    assert chain.column("select lineage.shows_hidden()") == [False]


def test_uses(chain, db):
    a = node(chain, "s.a")
    assert chain.rows("select * from lineage.uses(array[%s::int8])", a) == []
    assert chain.column("select lineage.logs_read()") in ([False], [True])
    (row,) = chain.rows(
        "select node, feeds, used from lineage.relation_uses(array[%s::int8], 1)", a
    )
    assert row[:2] == (a, 0)


def test_tags_by_number(chain):
    a, b, c = (node(chain, f"s.{n}.x") for n in "abc")
    chain.rows("select lineage_tag('s.a.x', 'pii')")
    assert chain.rows("select * from lineage.declared_tags()") == [(a, "pii")]
    assert chain.rows("select * from lineage.tags_of(array[%s::int8])", c) == [(c, "pii")]
    assert chain.rows("select * from lineage.column_tags('{s.a,s.c}', '{y,x}')") == [(2, "pii")]
    walked = chain.rows(
        "select node, level, via, declared from lineage.tag_walk(array[%s::int8], 'pii')", c
    )
    assert {(a, 2, b, True), (b, 1, c, False), (c, 0, None, False)} <= set(walked)
    assert chain.column("select lineage.tags_settle(array[%s::int8])", b) == [True]
    assert chain.column("select lineage.tags_propagate(array[%s::int8])", b) == [0]
