"""Walks along the graph: what is reached, by what path, as of when."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture
def diamond(draw, tables):
    """a -> b, c -> d -> e, and a filter of a on e's rows; d.x -> d.x."""
    tables("s.a(x, y)", "s.b(x)", "s.c(x)", "s.d(x)", "s.e(x, n)")
    draw.node("s.e.n")
    draw.evidence("s.b", ("s.a.x", "s.b.x"))
    draw.evidence("s.c", ("s.a.x", "s.c.x", "TRANSFORMATION"))
    draw.evidence("s.d", ("s.b.x", "s.d.x"), ("s.c.x", "s.d.x"), ("s.d.x", "s.d.x"))
    draw.evidence("s.e", ("s.d.x", "s.e.x", "AGGREGATION"), ("s.a.y", "s.e", "FILTER"))
    return draw


def downstream(draw, *args, what="column_name, relation, depth"):
    marks = ", ".join(["%s"] * len(args))
    return draw.rows(f"select {what} from lineage_downstream({marks})", *args)


def test_each_column_once_by_a_shortest_path(diamond):
    rows = diamond.rows(
        "select depth, relation, column_name, direct, transformation, path "
        "from lineage_downstream('s.a', 'x')"
    )
    assert rows == [
        (1, "s.b", "x", True, "IDENTITY", ["s.a.x", "s.b.x"]),
        (1, "s.c", "x", True, "TRANSFORMATION", ["s.a.x", "s.c.x"]),
        (2, "s.d", "x", True, "IDENTITY", ["s.a.x", "s.b.x", "s.d.x"]),
        (3, "s.e", "x", True, "AGGREGATION", ["s.a.x", "s.b.x", "s.d.x", "s.e.x"]),
    ]


def test_upstream_reads_in_the_direction_of_the_data(diamond):
    rows = diamond.rows("select depth, relation, path from lineage_upstream('s.e.x')")
    assert rows == [
        (1, "s.d", ["s.d.x", "s.e.x"]),
        (2, "s.b", ["s.b.x", "s.d.x", "s.e.x"]),
        (2, "s.c", ["s.c.x", "s.d.x", "s.e.x"]),
        (3, "s.a", ["s.a.x", "s.b.x", "s.d.x", "s.e.x"]),
    ]


def test_depth_bounds(diamond):
    assert [r[2] for r in downstream(diamond, "s.a", "x", 1)] == [1, 1]
    assert [r[2] for r in downstream(diamond, "s.a", "x", 2)] == [1, 1, 2]


def test_influence_says_which_edges_are_followed(diamond):
    assert downstream(diamond, "s.a", "y") == []
    assert downstream(diamond, "s.a", "y", 10, "INDIRECT") == [(None, "s.e", 1)]
    assert downstream(diamond, "s.a", "y", 10, "all", what="direct, relation") == [(False, "s.e")]
    assert len(downstream(diamond, "s.a", None, 10, "all")) == 5


def test_what_is_said_of_a_relation_counts_for_its_columns(diamond):
    diamond.evidence("s.f", ("s.e.n", "s.f.n"))
    # a.y decides on the rows of e, and so on e.n, and so on f.n.
    assert downstream(diamond, "s.a", "y", 10, "all") == [(None, "s.e", 1), ("n", "s.f", 2)]
    assert ("y", "s.a", 2) in diamond.rows(
        "select column_name, relation, depth from lineage_upstream('s.f', 'n', influence => 'all')"
    )


def test_a_whole_that_flows_counts_for_a_column_but_a_scan_does_not(diamond):
    diamond.evidence("s.whole", ("s.e", "s.whole.json", "TRANSFORMATION"))
    diamond.evidence("s.count", ("s.e", "s.count", "SCAN"))
    assert downstream(diamond, "s.e", "n", 10, "all") == [("json", "s.whole", 1)]
    assert ("n", "s.e") not in downstream(
        diamond, "s.a", "y", 10, "all", what="column_name, relation"
    )


def test_a_relation_starts_from_all_of_its_columns(diamond):
    assert [r[1] for r in downstream(diamond, "s.a")] == ["s.b", "s.c", "s.d", "s.e"]
    assert diamond.column("select relation from lineage_upstream('s.e')") == [
        "s.d", "s.b", "s.c", "s.a",
    ]  # fmt: skip


def test_cycles_end(draw, tables):
    tables("s.a(x)", "s.b(x)", "s.c(x)")
    draw.evidence(
        "s.a", ("s.a.x", "s.b.x"), ("s.b.x", "s.c.x"), ("s.c.x", "s.a.x"), ("s.a.x", "s.a.x")
    )
    assert downstream(draw, "s.a", "x") == [("x", "s.b", 1), ("x", "s.c", 2)]
    assert draw.rows("select members, path from lineage_cycles()") == [
        (3, ["s.a.x", "s.b.x", "s.c.x", "s.a.x"])
    ]


def test_a_column_made_of_itself_is_no_cycle(diamond):
    assert diamond.rows("select * from lineage_cycles()") == []


def test_several_cycles_the_largest_first(draw, tables):
    tables("s.a(x)", "s.b(x)", "s.c(x)", "s.d(x)", "s.e(x)")
    draw.evidence("s.a", ("s.a.x", "s.b.x"), ("s.b.x", "s.a.x"), ("s.b.x", "s.c.x"))
    draw.evidence(
        "s.c", ("s.c.x", "s.d.x"), ("s.d.x", "s.e.x"), ("s.e.x", "s.c.x"), ("s.d.x", "s.c.x")
    )
    assert draw.rows("select cycle, members, path from lineage_cycles()") == [
        (1, 3, ["s.c.x", "s.d.x", "s.c.x"]),
        (2, 2, ["s.a.x", "s.b.x", "s.a.x"]),
    ]


def test_as_of_a_time(diamond):
    (before,) = diamond.column("select clock_timestamp()::text")
    diamond.evidence("s.b")
    diamond.evidence("s.e", ("s.c.x", "s.e.x"))
    assert [r[1] for r in downstream(diamond, "s.a", "x")] == ["s.c", "s.d", "s.e"]
    then = downstream(diamond, "s.a", "x", 10, "DIRECT", before)
    assert [r[1] for r in then] == ["s.b", "s.c", "s.d", "s.e"]
    assert downstream(diamond, "s.a", "x", 10, "DIRECT", "2001-01-01") == []


def test_path(diamond):
    rows = diamond.rows(
        "select step, source_relation, source_column, target_relation, target_column, "
        "transformation, evidence, evidence_object from lineage_path('s.a.x', 's.e.x')"
    )
    assert rows == [
        (1, "s.a", "x", "s.b", "x", "IDENTITY", "view", "s.b"),
        (2, "s.b", "x", "s.d", "x", "IDENTITY", "view", "s.d"),
        (3, "s.d", "x", "s.e", "x", "AGGREGATION", "view", "s.e"),
    ]
    assert diamond.rows("select * from lineage_path('s.e.x', 's.a.x')") == []


def test_path_between_relations_and_through_a_row_set(diamond):
    rows = diamond.rows(
        "select source_column, target_relation, target_column, transformation "
        "from lineage_path('s.a.y', 's.e', influence => 'all')"
    )
    assert rows == [("y", "s.e", None, "FILTER")]
    assert len(diamond.rows("select * from lineage_path('s.a', 's.e')")) == 3


def test_names_are_found_as_people_write_them(draw, tables, db):
    tables("s.a(x)", "h.a(x)", "s.lone(x)", 's."Odd ""Name"(x)')
    db.execute('alter table s."Odd ""Name" rename x to "Col.umn"')
    draw.evidence("s.lone", ("s.a.x", "s.lone.x"))
    draw.evidence("h.a", ("s.a.x", "h.a.x"))
    from pg_llm.graph.store import EdgeFacts, Key

    odd = Key("column", "", 's."Odd ""Name"', "Col.umn")
    draw.evidence("s.odd", EdgeFacts(Key("column", "", "s.lone", "x"), odd, "DIRECT", "IDENTITY"))
    for name in ("s.lone", "lone", "S.Lone", '"s"."lone"', "lone.x", "s.lone.x"):
        assert downstream(draw, name) == [("Col.umn", 's."Odd ""Name"', 1)], name
    assert diamond_path(draw) == ["s.lone.x", 's."Odd ""Name"."Col.umn"']
    assert draw.column('select relation from lineage_upstream(\'"Odd ""Name"\')') == [
        "s.lone",
        "s.a",
    ]
    with pytest.raises(psycopg.errors.AmbiguousFunction, match='"a" means several objects'):
        downstream(draw, "a")


def diamond_path(draw):
    return draw.column("select path from lineage_downstream('lone')")[0]


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("lineage_downstream('s.nothing')", "42704"),
        ("lineage_downstream('')", "42704"),
        ("lineage_downstream('a.b.c.d.e')", "42704"),
        ("lineage_downstream('\"open')", "42704"),
        ("lineage_downstream('s.a', 'nothing')", "42704"),
        ("lineage_downstream('s.a', max_depth => 0)", "22023"),
        ("lineage_downstream('s.a', max_depth => null)", "22023"),
        ("lineage_upstream('s.a', max_depth => 1001)", "22023"),
        ("lineage_upstream('s.a', influence => 'SIDEWAYS')", "22023"),
        ("lineage_upstream('s.a', influence => null)", "22023"),
        ("lineage_path('s.a', null)", "22023"),
        ("lineage_path('s.a', 's.nothing')", "42704"),
        ("lineage_diff(now(), now() - interval '1 day')", "22023"),
        ("lineage_diff(null)", "22023"),
        ("lineage_unused(-1)", "22023"),
        ("lineage_search(' ')", "22023"),
        ("lineage_impact(null)", "22023"),
    ],
)
def test_bad_input_gets_a_sentence_and_a_code(diamond, call, state):
    with pytest.raises(psycopg.Error) as caught:
        diamond.rows("select * from " + call)
    assert caught.value.sqlstate == state, caught.value
    assert "pg_llm: " in str(caught.value)


def test_diff_between_times(diamond):
    (before,) = diamond.column("select clock_timestamp()::text")
    diamond.evidence("s.b")
    diamond.evidence("s.c", ("s.a.x", "s.c.x", "TRANSFORMATION"), ("s.a.y", "s.c.x"))
    diamond.evidence(
        "s.e",
        diamond.edge("s.d.x", "s.e.x", "AGGREGATION", expression="sum(d.x)"),
        ("s.a.y", "s.e", "FILTER"),
    )
    (after,) = diamond.column("select clock_timestamp()::text")
    rows = diamond.rows(
        "select change, source_relation, source_column, target_relation, target_column, expression "
        "from lineage_diff(%s)",
        before,
    )
    assert rows == [
        ("removed", "s.a", "x", "s.b", "x", None),
        ("added", "s.a", "y", "s.c", "x", None),
        ("changed", "s.d", "x", "s.e", "x", "sum(d.x)"),
    ]
    # Put back: no difference in the end.
    diamond.evidence("s.b", ("s.a.x", "s.b.x"))
    diamond.evidence("s.c", ("s.a.x", "s.c.x", "TRANSFORMATION"))
    changes = diamond.column("select change from lineage_diff(%s)", before)
    assert changes == ["changed"]
    assert sorted(diamond.column("select change from lineage_diff(%s)", after)) == [
        "added",
        "removed",
    ]
    assert diamond.rows("select * from lineage_diff(%s, %s)", before, before) == []


def test_search(draw, tables):
    tables("s.customers(email)", "s.orders(x)")
    draw.node("s.customers", "table", comment="who buys, and what e-mail 邮箱 they have")
    draw.evidence("s.orders", ("s.customers.email", "s.orders.x"))
    found = draw.rows("select kind, relation, column_name from lineage_search('email')")
    assert found == [("column", "s.customers", "email")]
    assert draw.column("select relation from lineage_search('BUYS e-mail')") == ["s.customers"]
    assert draw.column("select relation from lineage_search('邮箱')") == ["s.customers"]
    assert draw.rows("select * from lineage_search('nothing like it')") == []
