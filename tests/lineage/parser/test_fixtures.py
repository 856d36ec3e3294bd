"""Statements and the edges that were worked out for them by hand."""

from __future__ import annotations

import pytest

from pg_llm.lineage.parser import extract
from tests.lineage.parser.support import CATALOG, SEARCH_PATH, Case, cases, written


@pytest.mark.parametrize("case", cases(), ids=str)
def test_edges(case: Case) -> None:
    edges = extract(case.sql, case.dialect, CATALOG, SEARCH_PATH, statement=7)
    assert sorted(set(map(written, edges))) == list(case.edges)
    assert {edge.statement for edge in edges} <= {7}
    assert {edge.resolver for edge in edges} <= {"parser"}
    assert all(0 < edge.confidence < 1 for edge in edges)
    assert all(
        edge.influence is (edge.transformation and edge.transformation.influence) for edge in edges
    )


def test_there_are_enough_of_them() -> None:
    found = cases()
    assert len(found) == len({(case.dialect, case.sql) for case in found})
    assert len(found) >= 30


@pytest.mark.parametrize(
    ("sql", "expressions"),
    [
        ("select a + 1 as x, *, b from pair", ["a + 1", None, None, "b"]),
        ("insert into pair (b, a) select amount * 2, id from orders", ["amount * 2", "id"]),
        ("insert into pair values (1, 2 + 3)", ["1", "2 + 3"]),
        ("update pair set a = b + 1, b = 3", ["b + 1", "3"]),
        ("create view v as select a || 'x' from pair", ["a || 'x'"]),
        ("create table v as select a from pair union select b from pair", [None]),
        # Put into other words before it was parsed: not the text any more.
        ("select a <<< 1 from pair", [None]),
        ("select date_part('day', placed) from orders", [None]),
    ],
)
def test_expressions(sql: str, expressions: list[str | None]) -> None:
    edges = extract(sql, "postgres", CATALOG, SEARCH_PATH, statement=1)
    found = {edge.position: edge.expression for edge in edges if edge.position is not None}
    assert [found[position] for position in sorted(found)] == expressions


def test_every_branch_of_a_merge_has_its_own_expressions() -> None:
    sql = """
        merge into pair t using orders s on t.a = s.id
        when matched then update set b = t.b + s.amount
        when not matched then insert (a, b) values (s.id, s.amount)
    """
    edges = extract(sql, "postgres", CATALOG, SEARCH_PATH, statement=1)
    found = {(edge.target_column, edge.expression) for edge in edges if edge.position}
    assert found == {("b", "t.b + s.amount"), ("a", "s.id"), ("b", "s.amount")}
