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
