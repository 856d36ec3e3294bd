"""Several candidates: cleaned, guarded, run on a sample, compared by result, voted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pg_llm.models.scripted import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOW = "select count(*) as n from trips a, trips b, trips c, trips d, trips e, trips f, trips g"
ANSWERS = [
    {
        "match": "majority",
        "answers": [
            "select count(*) + 1 as n from bikes",
            "select count(bike_id) as bikes from bikes",
            "```sql\nselect sum(1) from bikes;\n```",
        ],
    },
    {"match": "nonsense", "answer": "I like bicycles."},
    {"match": "attack", "answer": "drop table bikes"},
    {"match": "mixed", "answers": ["no idea", "drop table bikes", "select 1 as one from bikes"]},
    {"match": "split", "answers": ["select 1 as a", "select 2 as a", "select 3 as a"]},
    {"match": "slow", "answers": [SLOW, "select min(bike_id) from bikes", SLOW + ", bikes"]},
    {"match": "How many bikes are there?", "answers": ["select 7 as n", "select 30 as n", "no"]},
    {"match": "two", "answers": ["select max(bike_id) from bikes", "select 30 as n"]},
]


@pytest.fixture
def asked(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A session with two scripted models, and three candidates for each question."""
    server = Server(ANSWERS).start()
    for name in ("first", "second"):
        db.execute(
            "select llm_model_add(%s, 'scripted', 'chat', 'scripted', %s, null, %s)",
            [name, server.endpoint, json.dumps({"retries": 0})],
        )
    db.execute("insert into llm.settings values ('text2sql_candidates', '3')")
    db.execute("insert into llm.settings values ('text2sql_rounds', '1')")
    yield db
    db.execute("delete from llm.settings; delete from llm.model_definitions")
    server.stop()


def explain(db: psycopg.Connection, question: str, model: str = "first") -> dict[str, Any]:
    with db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(
            "select * from llm_text2sql_explain(%s, %s)", [question, model]
        ).fetchone()


def test_the_majority_by_result_wins(asked: psycopg.Connection) -> None:
    found = explain(asked, "majority")
    assert found["sql"] == "select count(bike_id) as bikes from bikes"
    assert found["source"] == "model"
    assert "vote: candidate 2, candidate 3 (2 of 3)" in found["attempts"]
    assert any(one.startswith("candidate 1: first: answered") for one in found["attempts"])
    assert "candidate 3: run: 1 rows, as candidate 2" in found["attempts"]


def test_agreement_is_confidence(asked: psycopg.Connection) -> None:
    alone = explain(asked, "split")
    assert "vote: candidate 1 (1 of 3)" in alone["attempts"]
    assert alone["confidence"] < explain(asked, "majority")["confidence"]


def test_several_models_take_turns(asked: psycopg.Connection) -> None:
    asked.execute("update llm.settings set value = '1' where name = 'text2sql_candidates'")
    found = explain(asked, "two", "first, second")
    assert any(one.startswith("candidate 1: first: ") for one in found["attempts"])
    assert any(one.startswith("candidate 2: second: ") for one in found["attempts"])
    assert "vote: candidate 1, candidate 2 (2 of 2)" in found["attempts"]
    with pytest.raises(psycopg.errors.UndefinedObject):
        explain(asked, "two", "first,unheard of")
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        explain(asked, "two", " , ")


def test_the_grammar_votes(asked: psycopg.Connection) -> None:
    found = explain(asked, "How many bikes are there?")
    assert found["sql"] == "select 30 as n"
    assert "vote: candidate 2, grammar (2 of 3)" in found["attempts"]


def test_bad_candidates_do_not_vote(asked: psycopg.Connection) -> None:
    found = explain(asked, "mixed")
    assert found["sql"] == "select 1 as one from bikes"
    assert "vote: candidate 3 (1 of 1)" in found["attempts"]


def test_a_candidate_that_takes_long_is_stopped(asked: psycopg.Connection) -> None:
    asked.execute("insert into llm.settings values ('text2sql_sample_seconds', '0.2')")
    asked.execute("insert into llm.settings values ('text2sql_cost_limit', '1e300')")
    found = explain(asked, "slow")
    assert "candidate 1: run: the query took longer than 0.2 s" in found["attempts"]
    assert asked.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("question", ["nonsense", "attack"])
def test_nonsense_five_times_is_declined_without_effect(
    asked: psycopg.Connection, question: str
) -> None:
    asked.execute("update llm.settings set value = '5' where name = 'text2sql_candidates'")
    before = asked.execute("select count(*) from bikes").fetchone()
    found = explain(asked, question)
    assert found["sql"] is None
    assert "the model first gave no usable answer, asked for 5" in found["warnings"]
    tried = {one.partition(":")[0] for one in found["attempts"]}
    assert {f"candidate {number}" for number in range(1, 6)} <= tried
    assert asked.execute("select count(*) from bikes").fetchone() == before
