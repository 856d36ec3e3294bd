"""Verified pairs for reworded questions: which are found, and what is not taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.rewordings import SETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_postgresql.executor import PostgreSQLExecutor


@pytest.fixture(scope="module", autouse=True)
def schemas(server: PostgreSQLExecutor, database_name: str, fleet: None) -> None:
    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        for schema, *_ in SETS.values():
            connection.execute(schema)


@pytest.fixture(params=SETS)
def learned(
    request: pytest.FixtureRequest, connect: Callable[..., psycopg.Connection]
) -> tuple[psycopg.Connection, str]:
    """A session with the pairs of one schema."""
    db = connect()
    db.execute(f"set search_path = {request.param}, public")
    db.execute("delete from llm.verified_pairs")
    for question, sql in SETS[request.param][1]:
        db.execute("select llm_verify(%s, %s)", [question, sql])
    return db, request.param


def ask(db: psycopg.Connection, question: str) -> Any:
    return db.execute(
        "select source, sql, confidence from llm_text2sql_explain(%s)", [question]
    ).fetchone()


def replaced(sql: str, values: dict[str, str]) -> str:
    """Replace all at once: what is put in is not replaced again."""
    for before, after in values.items():
        sql = sql.replace(before, f"\0{after}\0")
    return sql.replace("\0", "")


def test_a_reworded_question_finds_its_pair(learned: tuple[psycopg.Connection, str]) -> None:
    db, name = learned
    _, pairs, reworded, _ = SETS[name]
    db.execute("set pg_llm.text2sql_confidence = '0'")
    missed = [
        question
        for question, number, values in reworded
        if ask(db, question)[1] != replaced(pairs[number][1], values)
    ]
    assert len(missed) <= len(reworded) // 20, missed


def test_most_are_sure_enough_and_those_are_right(
    learned: tuple[psycopg.Connection, str],
) -> None:
    db, name = learned
    _, pairs, reworded, _ = SETS[name]
    right, wrong = 0, []
    for question, number, values in reworded:
        source, sql, _ = ask(db, question)
        if source == "verified":
            right += sql == replaced(pairs[number][1], values)
            wrong += [question] * (sql != replaced(pairs[number][1], values))
    assert not wrong
    assert right >= 0.65 * len(reworded)


def test_a_question_that_only_looks_alike_is_not_answered_by_a_pair(
    learned: tuple[psycopg.Connection, str],
) -> None:
    db, name = learned
    taken = [question for question in SETS[name][3] if ask(db, question)[0] == "verified"]
    assert not taken
