# ruff: noqa: RUF001  (Chinese text)
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


CHINESE = {
    "德国有多少客户？": "select count(*) from trading.customers where country_code = 'DE'",
    "2025年各季度的订单数量": (
        "select date_trunc('quarter', order_date)::date, count(*) from trading.orders"
        " where extract(year from order_date) = 2025 group by 1"
    ),
}


@pytest.mark.parametrize("question", CHINESE)
def test_chinese_question(sample: psycopg.Connection, question: str) -> None:
    sql, confidence = sample.execute(
        "select sql, confidence from llm_text2sql_explain(%s)", [question]
    ).fetchone()
    assert confidence > 0.8
    assert sorted(sample.execute(sql).fetchall()) == sorted(
        sample.execute(CHINESE[question]).fetchall()
    )
