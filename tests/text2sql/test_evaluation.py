"""llm_eval: what it asks, how it judges, what it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_llm.models.scripted import Server
from pg_llm.text2sql.evaluation.results import agree, row

if TYPE_CHECKING:
    from collections.abc import Iterator

SET = """
create table asked_set (question text, sql text[]);
insert into asked_set values
    ('How many trips are there?', array['select count(*) from trips']),
    ('How many riders are there?', array['select 1', 'select count(*) as other_name from riders']),
    ('How many repairs are there?', array['select 123456']),
    ('Why do riders smile?', null),
    ('Why do riders frown?', array['select nothing from riders'])
"""


@pytest.fixture
def asked_set(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    db.execute(SET)
    yield db
    db.execute("reset role")
    db.execute("drop table asked_set")
    db.execute("delete from llm.evaluation_runs")
    db.execute("delete from llm.model_definitions")


def test_a_run_is_judged_by_what_the_answers_return(asked_set: psycopg.Connection) -> None:
    with asked_set.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute("select * from llm_eval('asked_set')").fetchall()
    every = rows[0]
    assert every["source"] == "all"
    assert (every["questions_asked"], every["answered"], every["valid"]) == (5, 3, 3)
    assert every["correct"] == 3
    assert every["accuracy"] == pytest.approx(0.6)
    assert every["accuracy_of_answered"] == pytest.approx(2 / 3)
    assert (every["unanswerable"], every["declined_of_unanswerable"]) == (1, 1)
    assert {one["source"] for one in rows} == {"all", "grammar", "declined"}
    assert sum(one["questions_asked"] for one in rows[1:]) == 5
    kept = asked_set.execute(
        "select number, correct, reason from llm.evaluation_answers where run = %s order by number",
        [every["run"]],
    ).fetchall()
    assert [one[1] for one in kept] == [True, True, False, True, False]
    assert "the right SQL fails" in kept[4][2]


def test_models_are_compared(asked_set: psycopg.Connection) -> None:
    answers = [
        {"match": "How many repairs are there?", "answer": "select 123456"},
        {"match": "How many riders are there?", "answer": "select count(*) * 2 from riders"},
        {"match": "How many trips are there?", "answer": "select count(*) from trips"},
        {"match": "Why", "mode": "substring", "answer": "NO ANSWER"},
    ]
    server = Server(answers).start()
    try:
        asked_set.execute(
            "select llm_model_add('script', 'scripted', 'chat', 'scripted', %s, null,"
            " '{\"retries\": 0}')",
            [server.endpoint],
        )
        (first,) = asked_set.execute(
            "select distinct run from llm_eval('asked_set', '{\"models\": [\"\"]}')"
        ).fetchone()
        rows = asked_set.execute(
            "select run, model, source, correct, calls"
            ' from llm_eval(\'asked_set\', \'{"models": ["script"], "limit": 3}\')'
        ).fetchall()
    finally:
        server.stop()
    assert rows[0][1:] == ("script", "all", 2, 3)
    assert {one[2] for one in rows} == {"all", "model"}
    changes = dict(
        asked_set.execute(
            "select question, change from llm_eval_compare(%s, %s)", [first, rows[0][0]]
        ).fetchall()
    )
    assert changes == {
        "How many repairs are there?": "gained",
        "How many riders are there?": "lost",
        "How many trips are there?": "both right",
        "Why do riders smile?": "only in a",
        "Why do riders frown?": "only in a",
    }
    bins = asked_set.execute(
        "select sum(answers) from llm_eval_reliability(%s)", [rows[0][0]]
    ).fetchone()
    assert bins == (3,)
    assert asked_set.execute(
        "select correct from llm.evaluation_summary(%s) where source = 'all'", [first]
    ).fetchone() == (3,)


def test_cost_by_the_prices_of_the_models_for_any_user(asked_set: psycopg.Connection) -> None:
    server = Server([{"match": "", "mode": "substring", "answer": "select 1 as one"}]).start()
    prices = '{"retries": 0, "prompt_price": 2.5, "answer_price": 10}'
    asked_set.execute("drop role if exists payer; create role payer in role llm_user")
    asked_set.execute("grant select on asked_set, trips to payer")
    try:
        for name, options in (("priced", prices), ("unpriced", '{"retries": 0}')):
            asked_set.execute(
                "select llm_model_add(%s, 'scripted', 'chat', 'scripted', %s, null, %s)",
                [name, server.endpoint, options],
            )
        asked_set.execute("set role payer")
        rows = asked_set.execute(
            "select model, calls, tokens, cost from llm_eval('asked_set',"
            ' \'{"models": ["priced", "unpriced", ""], "limit": 2}\') where source = \'all\''
        ).fetchall()
        found = {model: (calls, tokens, cost) for model, calls, tokens, cost in rows}
    finally:
        server.stop()
        asked_set.execute("reset role; drop owned by payer; delete from llm.evaluation_runs")
        asked_set.execute("drop role payer")
    calls, tokens, cost = found["priced"]
    assert calls == 2
    # by the lower price at least, and by the higher one at most
    assert 2.5 * tokens / 1e6 < cost < 10 * tokens / 1e6
    assert found["unpriced"] == (2, tokens, None)
    assert found[""] == (0, None, None)


@pytest.mark.parametrize(
    "options",
    ['{"nonsense": 1}', "[]", '{"models": "x"}', '{"models": [1]}', '{"limit": 0}'],
)
def test_bad_options(asked_set: psycopg.Connection, options: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        asked_set.execute("select * from llm_eval('asked_set', %s)", [options])
    assert asked_set.execute("select count(*) from llm.evaluation_runs").fetchone() == (0,)


def test_a_table_without_the_columns(asked_set: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn):
        asked_set.execute("select * from llm_eval('trips')")


def test_a_role_sees_its_own_runs_and_runs_as_itself(asked_set: psycopg.Connection) -> None:
    asked_set.execute("select count(*) from llm_eval('asked_set')")
    asked_set.execute("drop role if exists judge; create role judge in role llm_user")
    asked_set.execute("grant select on asked_set, trips to judge; set role judge")
    assert asked_set.execute("select count(*) from llm.evaluation_answers").fetchone() == (0,)
    found = asked_set.execute(
        "select correct from llm_eval('asked_set') where source = 'all'"
    ).fetchone()
    # the trips, and the question that has no answer
    assert found == (2,)
    asked_set.execute("reset role; drop owned by judge; delete from llm.evaluation_runs")
    asked_set.execute("drop role judge")


def test_a_set_cannot_make_its_reader_act(asked_set: psycopg.Connection) -> None:
    asked_set.execute("insert into asked_set values ('x', array['delete from trips returning 1'])")
    asked_set.execute(
        "insert into asked_set values ('y', array['select 1) t; delete from trips --'])"
    )
    before = asked_set.execute("select count(*) from trips").fetchone()
    asked_set.execute("select count(*) from llm_eval('asked_set')")
    assert asked_set.execute("select count(*) from trips").fetchone() == before


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["a", "b", "c"]))
RESULTS = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[VALUES] * width), min_size=1, max_size=6)
)


@given(RESULTS, st.randoms())
def test_the_order_of_columns_and_rows_does_not_matter(rows: list[tuple], random: object) -> None:
    places = list(range(len(rows[0])))
    random.shuffle(places)
    shuffled = [tuple(one[place] for place in places) for one in rows]
    random.shuffle(shuffled)
    assert agree(rows, shuffled)
    assert agree(rows, [("more", *one) for one in shuffled])
    assert not agree(rows, [("more", *one) for one in shuffled], extra=False)


@given(RESULTS)
def test_another_row_is_another_result(rows: list[tuple]) -> None:
    assert not agree(rows, [*rows, ("other",) * len(rows[0])])
    assert not agree([*rows, ("other",) * len(rows[0])], rows)


def test_values_that_are_the_same() -> None:
    assert row('{"f1": 1.0000001, "f2": "2024-01-01T00:00:00"}') == (1.0, "2024-01-01")
    assert not agree([(1,), (2,)], [(2,), (1,)], ordered=True)
    assert agree([], [])
    assert not agree([], [(1,)])
