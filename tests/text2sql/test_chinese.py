"""Chinese questions over schemas that Chinese users made: answered by what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.chinese_cases import CASES, DECLINED
from tests.text2sql.chinese_schema import SCHEMA

if TYPE_CHECKING:
    from pytest_postgresql.executor import PostgreSQLExecutor


@pytest.fixture(scope="module", autouse=True)
def fleet(server: PostgreSQLExecutor, database_name: str) -> None:
    """Fill this module's database with the shop, the clinic, the school and the warehouse."""
    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute(SCHEMA.replace(":database", f'"{database_name}"'))
        for setting in ("text2sql_cache = off", "text2sql_confidence = '0.6'"):
            connection.execute(f'alter database "{database_name}" set pg_llm.{setting}')


@pytest.mark.parametrize(("question", "gold"), CASES)
def test_answers(db: psycopg.Connection, question: str, gold: str) -> None:
    assert db.execute(gold).fetchall(), "a case must return something"
    with db.transaction(force_rollback=True):
        db.execute("create temporary table asked (question text, sql text) on commit drop")
        db.execute("insert into asked values (%s, %s)", [question, gold])
        run = db.execute("select run from llm_eval('pg_temp.asked') limit 1").fetchone()[0]
        sql, correct = db.execute(
            "select sql, correct from llm.evaluation_answers where run = %s", [run]
        ).fetchone()
    assert sql is not None
    assert correct, sql


@pytest.mark.parametrize("question", DECLINED)
def test_declines(db: psycopg.Connection, question: str) -> None:
    db.execute("set pg_llm.text2sql_confidence = '0.7'")
    assert db.execute("select llm_text2sql(%s)", [question]).fetchone()[0] is None
