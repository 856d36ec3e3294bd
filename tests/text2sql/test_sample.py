"""The sample's ten questions return what their SQL written by hand returns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

QUESTIONS = Path(__file__).parents[2] / "sample" / "questions.sql"


@pytest.fixture(scope="module", autouse=True)
def fleet() -> None:
    """No bicycles here."""


@pytest.fixture(scope="module")
def sample(
    server: PostgreSQLExecutor, admin: psycopg.Connection, sample_template: str
) -> Iterator[psycopg.Connection]:
    admin.execute(f'create database "sample_questions" template "{sample_template}"')
    with psycopg.connect(dsn(server, "sample_questions"), autocommit=True) as connection:
        connection.execute(QUESTIONS.read_text(encoding="utf-8"))
        yield connection
    admin.execute('drop database "sample_questions"')


@pytest.mark.parametrize("number", range(1, 11))
def test_question(sample: psycopg.Connection, number: int) -> None:
    question, expected = sample.execute(
        "select question, expected from questions where number = %s", [number]
    ).fetchone()
    sql = sample.execute("select llm_text2sql(%s)", [question]).fetchone()[0]
    assert sql is not None
    wanted = sample.execute(expected).fetchall()
    assert wanted
    assert sorted(map(str, sample.execute(sql).fetchall())) == sorted(map(str, wanted))
    rows = sample.execute("select * from llm_ask(%s)", [question]).fetchall()
    assert len(rows) == len(wanted)
