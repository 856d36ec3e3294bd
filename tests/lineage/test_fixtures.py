"""Every statement of the fixtures has exactly the edges that stand below it."""

from __future__ import annotations

import pytest

from tests.lineage.fixture_files import cases, plain


@pytest.mark.parametrize("case", cases(), ids=str)
def test_statement(fixtures_db, case):
    rows = fixtures_db.execute("select * from lineage_extract(%s)", [case.sql]).fetchall()
    assert {row["resolver"] for row in rows} == {"analyser"}
    assert {plain(row) for row in rows} == case.edges
    assert len(rows) == len({tuple(row.items()) for row in rows})
