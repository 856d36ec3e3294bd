"""How sure an edge is, and what its note says."""

from __future__ import annotations

import pytest

from pg_llm.lineage.edges import OFF_PATH, SCAN, UNRESOLVED
from pg_llm.lineage.parser import extract
from tests.lineage.parser.support import CATALOG

SURE, LIKELY, UNSURE, GUESSED = 0.97, 0.85, 0.7, 0.4


def found(sql, path=("shop", "public"), dialect="postgres"):
    edges = extract(sql, dialect, CATALOG, path, statement=1)
    return {
        (e.source_relation, e.source_column): (round(e.confidence, 2), e.note)
        for e in edges
        if e.target_column is not None
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select a from pair", {("shop.pair", "a"): (SURE, None)}),
        # Which side is the source depends on whether one of them is cast.
        (
            "select a from pair join other.pair as p using (a)",
            {("shop.pair", "a"): (LIKELY, None)},
        ),
        (
            "select a from pair left join other.pair as p using (a)",
            {("shop.pair", "a"): (SURE, None)},
        ),
        ("select x from lost", {("lost", "x"): (GUESSED, UNRESOLVED)}),
        (
            "select pair.a, lost.x from pair, lost",
            {("shop.pair", "a"): (UNSURE, None), ("lost", "x"): (GUESSED, UNRESOLVED)},
        ),
        # Its columns are named after the source's.
        ("insert into lost select a from pair", {("shop.pair", "a"): (UNSURE, None)}),
        ("insert into lost (x) select a from pair", {("shop.pair", "a"): (SURE, None)}),
        # Which field it is stands in the type.
        (
            "select (row(a, b)::kind).x from pair",
            {("shop.pair", "a"): (LIKELY, None), ("shop.pair", "b"): (LIKELY, None)},
        ),
        ("select nowhere from pair", {(None, "nowhere"): (GUESSED, UNRESOLVED)}),
    ],
)
def test_confidence(sql, expected):
    assert found(sql) == expected


@pytest.mark.parametrize(
    ("path", "relation", "expected"),
    [
        (["other"], "other.pair", (SURE, None)),
        (["shop", "other"], "shop.pair", (SURE, None)),
        (["$user", "other", "shop"], "other.pair", (SURE, None)),
        # Both have one: none is meant more than the other.
        (["public"], "pair", (GUESSED, UNRESOLVED)),
        (None, "pair", (GUESSED, UNRESOLVED)),
    ],
)
def test_the_search_path_decides(path, relation, expected):
    assert found("select a from pair", path) == {(relation, "a"): expected}


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "snowflake"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["shop"], (SURE, None)),
        (["public"], (GUESSED, OFF_PATH)),
        # No path is known: the only one of that name.
        ([], (SURE, None)),
        (None, (SURE, None)),
    ],
)
def test_a_relation_that_is_not_on_the_path(dialect, path, expected):
    assert found("select country as c from city", path, dialect) == {
        ("shop.city", "country"): expected
    }


def test_a_qualified_name_needs_no_path():
    assert found("select country from shop.city", ["public"]) == {
        ("shop.city", "country"): (SURE, None)
    }


def test_relations_alone_are_marked_too():
    edges = extract("select count(*) from lost", "postgres", CATALOG, ["shop"], statement=1)
    assert [(e.source_relation, e.confidence, e.note) for e in edges if e.source_relation] == [
        ("lost", GUESSED, f"{SCAN}; lost: {UNRESOLVED}")
    ]
    edges = extract("truncate lost", "postgres", CATALOG, ["shop"], statement=1)
    assert [(e.target_relation, e.confidence) for e in edges] == [("lost", GUESSED)]
