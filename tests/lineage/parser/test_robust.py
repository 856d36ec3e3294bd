"""No text makes the parser fail: bad, deep, long, arbitrary."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pg_llm.errors import InvalidParameter
from pg_llm.lineage.parser import DIALECTS, extract, script, split
from tests.lineage.parser.support import CATALOG, SEARCH_PATH, cases, written

WORDS = [
    "select",
    "from",
    "where",
    "join",
    "left",
    "full",
    "on",
    "using",
    "natural",
    "cross",
    "lateral",
    "with",
    "recursive",
    "as",
    "union",
    "all",
    "except",
    "intersect",
    "insert",
    "into",
    "values",
    "update",
    "set",
    "delete",
    "merge",
    "when",
    "matched",
    "then",
    "not",
    "create",
    "table",
    "view",
    "group",
    "by",
    "having",
    "order",
    "limit",
    "distinct",
    "case",
    "else",
    "end",
    "exists",
    "in",
    "any",
    "over",
    "partition",
    "window",
    "filter",
    "returning",
    "conflict",
    "do",
    "nothing",
    "default",
    "null",
    "true",
    "(",
    ")",
    ",",
    ".",
    "*",
    "=",
    "+",
    "-",
    "||",
    "::",
    "[",
    "]",
    ";",
    "'x'",
    "1",
    '"Q"',
    "a",
    "b",
    "c",
    "pair",
    "orders",
    "person",
    "t",
    "shop",
    "id",
    "name",
    "count",
    "sum",
    "unnest",
    "row",
    "array",
    "xmltable",
    "columns",
    "path",
    "$1",
    "@",
    "->",
    "->>",
]
TEXT = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join),
)
NAMES = sorted(set(DIALECTS))


@settings(max_examples=400, deadline=None)
@given(sql=TEXT, dialect=st.sampled_from(NAMES))
def test_arbitrary_text(sql, dialect):
    for number, statement in enumerate(split(sql, dialect), 1):
        for edge in extract(statement, dialect, CATALOG, SEARCH_PATH, statement=number):
            assert edge.statement == number
            assert edge.resolver == "parser"
            assert 0 < edge.confidence < 1
            assert "" not in (edge.source_relation, edge.target_relation)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_statement_cut_anywhere(data):
    case = data.draw(st.sampled_from(cases()))
    end = data.draw(st.integers(0, len(case.sql)))
    extract(case.sql[:end], case.dialect, CATALOG, SEARCH_PATH, statement=1)


MARKS = [*"()'\"`[]{};,.*:$@#\\/-%\n\x00é", "/*", "--", "$$", "", " ", "\u200b"]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_statement_changed_anywhere(data):
    """Words put in, cut or replaced, in any dialect: edges or relations, never an error."""
    case = data.draw(st.sampled_from(cases()))
    words = case.sql.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words)))
        length = data.draw(st.integers(0, 3))
        words[place : place + length] = data.draw(
            st.lists(st.sampled_from(MARKS + WORDS), max_size=2)
        )
    dialect = data.draw(st.one_of(st.just(case.dialect), st.sampled_from(NAMES)))
    for edge in script(" ".join(words), dialect, CATALOG, SEARCH_PATH):
        assert "" not in (edge.source_relation, edge.target_relation)
        assert edge.confidence < 1


@pytest.mark.parametrize(
    ("sql", "note"),
    [
        ("select " + "(" * 500 + "a" + ")" * 500 + " from pair", "nested"),
        ("select " + "not " * 5000 + "a from pair", "nested"),
        ("select " + "case when a then " * 9000 + "b" + " end" * 9000 + " from pair", "nested"),
        ("select * from " + "(select * from " * 500 + "pair" + ")" * 500, "nested"),
        ("select " + "array[" * 100_000, "nested"),
        ("select a from pair" + " join pair" * 500, "joins without a condition"),
        ("select " + "select a from " * 30_000 + "pair", "nested"),
        ("select cast(a as " + "array<" * 60_000 + "int" + ">" * 60_000 + ") from pair", "nested"),
        ("select 'no end from pair", "not a sequence of words"),
        ("frobnicate pair into shop.orders", "not parsed"),
    ],
    ids=[
        "paren",
        "not",
        "case",
        "subquery",
        "array",
        "join",
        "from",
        "type",
        "string",
        "nonsense",
    ],
)
@pytest.mark.parametrize("dialect", ["postgres", "bigquery", "mysql"])
def test_deep_and_broken(sql, note, dialect):
    edges = extract(sql, dialect, CATALOG, SEARCH_PATH, statement=1)
    assert all(note in (edge.note or "") for edge in edges)


def test_a_hundred_levels_are_resolved():
    sql = "select * from " + "(select * from " * 60 + "pair" + ") as x" * 60
    assert [written(e) for e in extract(sql, "postgres", CATALOG, SEARCH_PATH, statement=1)] == [
        "a <- shop.pair.a IDENTITY",
        "b <- shop.pair.b IDENTITY",
    ]


def test_a_megabyte():
    chain = "select a" + " + b" * 200_000 + " as total from pair"
    assert [written(e) for e in extract(chain, "postgres", CATALOG, SEARCH_PATH, statement=1)] == [
        "total <- shop.pair.b TRANSFORMATION",
        "total <- shop.pair.a TRANSFORMATION",
    ]
    wide = "select " + ", ".join(f"a as c{n}" for n in range(60_000)) + " from pair"
    edges = extract(wide, "postgres", CATALOG, SEARCH_PATH, statement=1)
    assert len(edges) == 60_000
    assert edges[-1].position == 60_000
    union = " union all ".join(["select a from pair"] * 20_000)
    assert len(extract(union, "postgres", CATALOG, SEARCH_PATH, statement=1)) == 1


def test_a_wide_table():
    schema = {"s.wide": [f"c{n}" for n in range(2000)]}
    edges = extract("select * from wide", "postgres", schema, ["s"], statement=1)
    assert [edge.target_column for edge in edges] == schema["s.wide"]


def test_relations_without_parsing():
    sql = "insert into shop.orders ?? select x from pair p, other.pair join lost on ((("
    assert {
        (e.target_relation, e.source_relation)
        for e in extract(sql, "postgres", CATALOG, SEARCH_PATH, statement=1)
    } == {("shop.orders", "shop.pair"), ("shop.orders", "other.pair"), ("shop.orders", "lost")}


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        (" ;; select ';' ; -- c;\n", ["select ';'"]),
        ("select $$a;b$$; /* ; */ select 2;", ["select $$a;b$$", "select 2"]),
        ("", []),
    ],
)
def test_split(sql, statements):
    assert split(sql, "postgres") == statements


def test_unknown_dialect():
    with pytest.raises(InvalidParameter, match='There is no SQL dialect "klingon"'):
        extract("select 1", "klingon", {}, [], statement=1)
    assert re.search("postgres", str(sorted(DIALECTS)))


def test_a_script_sees_what_it_made():
    sql = """
        create temp table made as select a as x, b from pair;
        insert into orders (id) select x from made where b > 1;
        select * from made;
        select * from pair
    """
    edges = [(e.statement, written(e)) for e in script(sql, "postgres", CATALOG, SEARCH_PATH)]
    assert edges[2:6] == [
        (2, "shop.orders id <- pg_temp.made.x IDENTITY"),
        (2, "shop.orders (rows) <- pg_temp.made.b FILTER"),
        (3, "x <- pg_temp.made.x IDENTITY"),
        (3, "b <- pg_temp.made.b IDENTITY"),
    ]
    assert "made" not in str(CATALOG)
