"""How sure a model's answer is: more evidence never counts for less, and what was measured counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from pg_llm.models.scripted import Server
from pg_llm.text2sql.confidence import Evidence, confidence
from pg_llm.text2sql.repair.change import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWERS = [
    {"match": "How many trips are there?", "answer": "select count(*) as n from trips"},
    {"match": "How many riders are there?", "answer": "select count(*) + 1 as n from riders"},
    {"match": "neither known nor told", "answer": "select count(*) as n from trips"},
    {"match": "spelling", "answer": "select count(*) as n from `trips`"},
    {"match": "place", "answer": "select count(city) as n from trips"},
    {"match": "guess", "answer": "select sum(faree) as n from trips"},
    {"match": "nobody", "answers": ["select trip_id from trips where fare < 0"] * 2},
    {
        "match": "fails",
        "answers": ["select 1 / (bike_id - 3) as n from bikes", "select 5 as n"],
    },
]


@pytest.fixture
def asked(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    server = Server(ANSWERS).start()
    db.execute(
        "select llm_model_add('script', 'scripted', 'chat', 'scripted', %s, null, %s)",
        [server.endpoint, json.dumps({"retries": 0})],
    )
    db.execute("insert into llm.settings values ('text2sql_rounds', '1')")
    yield db
    db.execute("delete from llm.settings; delete from llm.model_definitions")
    db.execute("delete from llm.evaluation_runs")
    server.stop()


def explain(db: psycopg.Connection, question: str) -> dict[str, object]:
    with db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(
            "select * from llm_text2sql_explain(%s, 'script')", [question]
        ).fetchone()


def test_more_evidence_never_counts_for_less() -> None:
    plain = Evidence()
    better = [replace(plain, witness=True), replace(plain, supporters=1)]
    worse = [
        replace(plain, witness=False),
        replace(plain, alone=True),
        replace(plain, rounds=2),
        replace(plain, empty=True),
        *(replace(plain, risk=risk) for risk in Risk),
    ]
    assert all(confidence(one) > confidence(plain) for one in better)
    assert all(confidence(one) < confidence(plain) for one in worse)
    risks = [confidence(replace(plain, risk=risk)) for risk in Risk]
    assert risks == sorted(risks, reverse=True)
    assert confidence(plain) == pytest.approx(0.6)
    assert confidence(Evidence(witness=True, supporters=9), 0.99) == 0.95
    assert confidence(Evidence(False, 0, True, Risk.GUESS, 9, True), 0.01) == 0.02


def test_the_grammar_bears_an_answer_out(asked: psycopg.Connection) -> None:
    agreed, alone = (
        explain(asked, "How many trips are there?"),
        explain(asked, "neither known nor told"),
    )
    against = explain(asked, "How many riders are there?")
    assert agreed["source"] == against["source"] == "model"
    assert agreed["confidence"] > alone["confidence"] > against["confidence"]
    assert "vote: candidate 1, grammar (2 of 2)" in agreed["attempts"]
    assert not any("run:" in one for one in alone["attempts"])


def test_a_riskier_repair_is_less_sure(asked: psycopg.Connection) -> None:
    found = [explain(asked, question) for question in ("spelling", "place", "guess")]
    assert all(one["sql"] for one in found)
    sure = [one["confidence"] for one in found]
    assert sure == sorted(sure, reverse=True)
    assert len(set(sure)) == 3


def test_no_rows_are_less_sure(asked: psycopg.Connection) -> None:
    asked.execute("insert into llm.settings values ('text2sql_candidates', '2')")
    both = explain(asked, "neither known nor told")
    assert explain(asked, "nobody")["confidence"] < both["confidence"]


def test_a_statement_that_fails_when_it_runs_does_not_win(asked: psycopg.Connection) -> None:
    asked.execute("insert into llm.settings values ('text2sql_candidates', '2')")
    found = explain(asked, "fails")
    assert found["sql"] == "select 5 as n"
    assert any("division by zero" in one for one in found["attempts"])


def test_the_share_that_was_right_counts(asked: psycopg.Connection) -> None:
    asked.execute("create table evaluated (question text, sql text)")
    try:
        before = explain(asked, "neither known nor told")["confidence"]
        asked.execute(
            "insert into evaluated select 'neither known nor told', 'select count(*) from trips'"
            " from generate_series(1, 30)"
        )
        asked.execute("""select count(*) from llm_eval('evaluated', '{"models": ["script"]}')""")
        asked.execute("delete from llm.answers")
        good = explain(asked, "neither known nor told")["confidence"]
        assert good > before
        asked.execute("update llm.evaluation_answers set correct = false")
        assert explain(asked, "neither known nor told")["confidence"] < before
        # Another role has measured nothing of its own.
        asked.execute("create role t2s_sure in role llm_user")
        asked.execute("grant select on trips to t2s_sure; set role t2s_sure")
        assert explain(asked, "neither known nor told")["confidence"] == before
    finally:
        asked.execute("reset role")
        asked.execute("drop table evaluated; drop owned by t2s_sure; drop role t2s_sure")
