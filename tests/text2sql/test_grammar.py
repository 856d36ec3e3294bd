"""Questions answered by the grammar, compared by what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.text2sql.cases import CASES, DECLINED

if TYPE_CHECKING:
    import psycopg


@pytest.mark.parametrize(("question", "gold"), CASES)
def test_answers(db: psycopg.Connection, question: str, gold: str) -> None:
    sql = db.execute("select llm_text2sql(%s)", [question]).fetchone()[0]
    assert sql is not None
    found, wanted = db.execute(sql).fetchall(), db.execute(gold).fetchall()
    assert wanted, "a case must return something"
    ordered = "order by" in gold
    assert (found if ordered else sorted(found, key=str)) == (
        wanted if ordered else sorted(wanted, key=str)
    ), sql


@pytest.mark.parametrize("question", DECLINED)
def test_declines(db: psycopg.Connection, question: str) -> None:
    notices: list[str] = []
    db.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary))
    assert db.execute("select llm_text2sql(%s)", [question]).fetchone()[0] is None
    assert notices
    assert "declined" in notices[-1]


def test_same_question_same_sql(db: psycopg.Connection) -> None:
    question = "How many trips did each rider make?"
    first, second = (
        db.execute("select llm_text2sql(%s)", [question]).fetchone()[0] for _ in range(2)
    )
    assert first == second


def test_names_are_qualified_where_the_search_path_needs_it(db: psycopg.Connection) -> None:
    question = "How many bikes are there?"
    assert "from bikes" in db.execute("select llm_text2sql(%s)", [question]).fetchone()[0]
    db.execute("set search_path = public")
    assert "from fleet.bikes" in db.execute("select llm_text2sql(%s)", [question]).fetchone()[0]


def test_explain_shows_the_evidence(db: psycopg.Connection) -> None:
    row = db.execute(
        "select source, confidence, tables, columns, joins, cost, warnings"
        " from llm_text2sql_explain('How many trips did each rider make?')"
    ).fetchone()
    source, confidence, tables, columns, joins, cost, warnings = row
    assert source == "grammar"
    assert 0.5 <= confidence <= 1
    assert tables == ["trips", "riders"]
    assert "riders.full_name" in columns
    assert joins == ["trips.rider_id = riders.rider_id"]
    assert cost > 0
    assert warnings == []


def test_explain_of_a_declined_question(db: psycopg.Connection) -> None:
    row = db.execute(
        "select sql, confidence, warnings from llm_text2sql_explain('What is dark matter?')"
    ).fetchone()
    assert row[0] is None
    assert row[1] == 0
    assert row[2]


def test_null_question(db: psycopg.Connection) -> None:
    assert db.execute("select llm_text2sql(null)").fetchone()[0] is None
    assert db.execute("select * from llm_ask(null)").fetchall() == []
    assert db.execute("select (llm_text2sql_explain(null)).sql").fetchone()[0] is None
