"""Questions that are easy to take for others: answered by what was asked, or declined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.workshops import DECLINED, NEVER_WRONG, RIGHT, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor


@pytest.fixture(scope="module")
def shop(
    server: PostgreSQLExecutor, admin: psycopg.Connection, template: str
) -> Iterator[psycopg.Connection]:
    """A connection to the database of a chain of workshops."""
    admin.execute(f'create database t_workshops template "{template}"')
    with psycopg.connect(dsn(server, "t_workshops"), autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("analyze")
        connection.execute("set client_min_messages = error")
        connection.execute("set pg_llm.text2sql_cache = off")
        yield connection
    admin.execute("drop database t_workshops with (force)")


def asked(db: psycopg.Connection, question: str) -> str | None:
    return db.execute("select llm_text2sql(%s)", [question]).fetchone()[0]


def is_right(db: psycopg.Connection, question: str, gold: str) -> bool:
    """Compare as llm_eval does: columns and rows in any order, further columns allowed."""
    assert db.execute(gold).fetchall(), "a case must return something"
    db.execute("create temporary table asked (question text, sql text)")
    try:
        db.execute("insert into asked values (%s, %s)", [question, gold])
        rows = db.execute("""select correct from llm_eval('pg_temp.asked', '{"models": [""]}')""")
        return rows.fetchall()[0][0] == 1
    finally:
        db.execute("drop table asked")


@pytest.mark.parametrize(("question", "gold"), RIGHT)
def test_answered_by_what_was_asked(shop: psycopg.Connection, question: str, gold: str) -> None:
    sql = asked(shop, question)
    assert sql is not None
    assert is_right(shop, question, gold), sql


@pytest.mark.parametrize("question", DECLINED)
def test_declined(shop: psycopg.Connection, question: str) -> None:
    assert asked(shop, question) is None


@pytest.mark.parametrize(("question", "gold"), NEVER_WRONG)
def test_never_answered_wrongly(shop: psycopg.Connection, question: str, gold: str) -> None:
    sql = asked(shop, question)
    assert sql is None or is_right(shop, question, gold), sql
