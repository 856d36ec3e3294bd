# ruff: noqa: RUF001  (Chinese text)
"""The glossary: business words and metrics in questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def taught(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    db.execute("set pg_llm.text2sql_confidence = '0.5'")
    yield db
    db.execute("reset all")
    db.execute("reset role")
    db.execute("delete from llm.terms")


def explain(db: psycopg.Connection, question: str) -> dict[str, Any]:
    with db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute("select * from llm_text2sql_explain(%s)", [question]).fetchone()
    assert found is not None
    return found


def answer(db: psycopg.Connection, question: str) -> list[tuple[Any, ...]]:
    sql = explain(db, question)["sql"]
    assert sql is not None, explain(db, question)
    return db.execute(sql).fetchall()


METRIC = (
    "select llm_metric_add('turnover', 'Fares of trips.', 'trips', 'sum(fare)',"
    " synonyms => '{营业额,takings}')"
)


def test_a_metric_answers_by_its_name(taught: psycopg.Connection) -> None:
    assert explain(taught, "What is the turnover?")["sql"] is None
    taught.execute(METRIC)
    total = taught.execute("select sum(fare) from trips").fetchall()
    assert answer(taught, "What is the turnover?") == total
    assert answer(taught, "What are the takings?") == total
    assert answer(taught, "营业额是多少？") == total


def test_a_metric_per_group_and_period(taught: psycopg.Connection) -> None:
    taught.execute(METRIC)
    assert sorted(answer(taught, "turnover per city")) == sorted(
        taught.execute(
            "select city, sum(fare) from trips join riders using (rider_id) group by city"
        ).fetchall()
    )
    assert (
        answer(taught, "What was the turnover in 2024?")
        == taught.execute(
            "select sum(fare) from trips where extract(year from started_on) = 2024"
        ).fetchall()
    )
    assert sorted(answer(taught, "每个城市的营业额")) == sorted(
        taught.execute(
            "select city, sum(fare) from trips join riders using (rider_id) group by city"
        ).fetchall()
    )


def test_a_condition(taught: psycopg.Connection) -> None:
    taught.execute(
        "select llm_term_add('long trips', 'Over an hour.', 'trips', 'duration_minutes > 60',"
        " synonyms => '{长途行程}')"
    )
    wanted = taught.execute("select count(*) from trips where duration_minutes > 60").fetchall()
    assert answer(taught, "How many long trips are there?") == wanted
    assert answer(taught, "有多少长途行程？") == wanted


def test_a_computed_value(taught: psycopg.Connection) -> None:
    taught.execute(
        "select llm_term_add('minute price', 'Fare by minute.', 'trips', 'fare / duration_minutes')"
    )
    assert (
        answer(taught, "What is the average minute price?")
        == taught.execute("select avg(fare / duration_minutes) from trips").fetchall()
    )


def test_another_name_for_a_relation_and_a_column(taught: psycopg.Connection) -> None:
    taught.execute("select llm_term_add('guests', 'Riders.', 'riders')")
    taught.execute("select llm_term_add('bill', 'The fare.', 'trips', 'fare')")
    assert (
        answer(taught, "How many guests are there?")
        == taught.execute("select count(*) from riders").fetchall()
    )
    assert (
        answer(taught, "What is the highest bill?")
        == taught.execute("select max(fare) from trips").fetchall()
    )


def test_a_term_is_replaced_and_dropped(taught: psycopg.Connection) -> None:
    taught.execute(METRIC)
    first = answer(taught, "What is the turnover?")
    taught.execute("select llm_metric_add('turnover', 'Twice.', 'trips', 'sum(fare) * 2')")
    assert answer(taught, "What is the turnover?") == [(2 * first[0][0],)]
    assert taught.execute("select llm_term_drop('turnover')").fetchone() == (True,)
    assert taught.execute("select llm_term_drop('turnover')").fetchone() == (False,)
    assert explain(taught, "What is the turnover?")["sql"] is None


def test_roles_see_shared_terms_over_what_they_may_read(taught: psycopg.Connection) -> None:
    taught.execute("drop role if exists term_reader; create role term_reader in role llm_user")
    taught.execute("grant select on trips to term_reader")
    taught.execute(METRIC)
    taught.execute("set role term_reader")
    assert explain(taught, "What is the turnover?")["sql"] is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="llm_admin"):
        taught.execute("select llm_term_add('x', 'y', shared => true)")
    with pytest.raises(psycopg.errors.UndefinedTable):
        taught.execute("select llm_term_add('riding', 'y', 'riders', 'city')")
    taught.execute("reset role")
    taught.execute(
        "select llm_metric_add('turnover', 'Fares.', 'trips', 'sum(fare)', shared => true)"
    )
    taught.execute("set role term_reader")
    assert explain(taught, "What is the turnover?")["sql"] is not None
    taught.execute("reset role; revoke select on trips from term_reader; set role term_reader")
    assert taught.execute("select count(*) from llm.terms").fetchone() == (0,)
    assert explain(taught, "What is the turnover?")["sql"] is None
    taught.execute("reset role; drop owned by term_reader; drop role term_reader")


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("llm_term_add('', 'x')", "22023"),
        ("llm_term_add(repeat('x', 101), 'x')", "22023"),
        ("llm_term_add('x', 'x', null, 'fare')", "22023"),
        ("llm_term_add('x', 'x', 'trips', 'nothing')", "42703"),
        ("llm_term_add('x', 'x', 'trips', 'fare from riders')", "22023"),
        ("llm_term_add('x', 'x', 'trips', 'fare, 1')", "22023"),
        ("llm_term_add('x', 'x', 'trips', 'fare) from trips; drop table trips --')", "22023"),
        ("llm_term_add('x', 'x', 'trips', '(select 1)')", "22023"),
        ("llm_term_add('x', 'x', 'trips', 'pg_read_file(''/etc/passwd'')')", "42501"),
        ("llm_metric_add('x', 'x', 'trips', 'fare')", "22023"),
        ("llm_metric_add('x', 'x', 'trips', 'sum(fare) + fare')", "42803"),
    ],
)
def test_what_is_no_term(taught: psycopg.Connection, call: str, state: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        taught.execute(f"select {call}")
    assert raised.value.sqlstate == state
    assert taught.execute("select count(*) from llm.terms").fetchone() == (0,)
