"""Ways to read a tagged column: none is let through, and masked ones show nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.tagged import READS, READS_MEMBERS, READS_NOT, SCHEMA
from tests.text2sql.test_guard import CHECK

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_postgresql.executor import PostgreSQLExecutor

_ALL = READS | READS_MEMBERS


@pytest.fixture(scope="module", autouse=True)
def tagged(fleet: None, server: PostgreSQLExecutor, database_name: str) -> None:
    with psycopg.connect(dsn(server, database_name), autocommit=True) as db:
        db.execute(SCHEMA)
        db.execute(CHECK)
        db.execute("select lineage_sync_catalog()")
        for column in ("riders.email", "members.email", "members.contact"):
            db.execute("select lineage_tag(%s, 'pii')", [f"public.{column}"])


@pytest.fixture
def checked(db: psycopg.Connection) -> Callable[[str], str]:
    db.execute("delete from llm.tag_policies")
    return lambda sql: str(db.execute("select check_sql(%s)", [sql]).fetchone()[0])


@pytest.mark.parametrize("sql", _ALL.values(), ids=_ALL)
def test_refused(checked: Callable[[str], str], sql: str) -> None:
    found = checked(sql)
    assert found.startswith("42501 ")
    assert 'tagged "pii"' in found
    assert "riders" not in found


@pytest.mark.parametrize("sql", READS_NOT.values(), ids=READS_NOT)
def test_other_columns_pass(checked: Callable[[str], str], sql: str) -> None:
    assert checked(sql) == f"passed {sql}"


@pytest.mark.parametrize("sql", _ALL.values(), ids=_ALL)
def test_allowed(db: psycopg.Connection, checked: Callable[[str], str], sql: str) -> None:
    db.execute("select llm_tag_policy(null, 'pii', 'allow')")
    assert checked(sql) == f"passed {sql}"


@pytest.mark.parametrize("sql", _ALL.values(), ids=_ALL)
def test_masked(db: psycopg.Connection, checked: Callable[[str], str], sql: str) -> None:
    db.execute("select llm_tag_policy(null, 'pii', 'mask')")
    found = checked(sql)
    if found.startswith("42501 "):
        assert 'tagged "pii"' in found
        return
    rows = db.execute(found.removeprefix("passed ")).fetchall()
    plain = db.execute(sql).fetchall()
    assert len(rows) == len(plain)
    for row, right in zip(rows, plain, strict=True):
        assert any(value in ("***", None) for value in row)
        assert not any("@" in str(value) for value in row), right


def test_what_calls_or_hides_it_is_not_masked_but_refused(
    db: psycopg.Connection, checked: Callable[[str], str]
) -> None:
    db.execute("select llm_tag_policy(null, 'pii', 'mask')")
    for name in (
        "function",
        "function of a function",
        "view that calls a function",
        "row of a row",
    ):
        assert 'tagged "pii"' in checked(READS[name]), name
