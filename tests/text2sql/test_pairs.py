# ruff: noqa: RUF001  (Chinese text)
"""Verified pairs: exact, with other values, reworded; who sees them; feedback; the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pg_llm.text2sql.pairs import literals
from pg_llm.text2sql.pairs.wording import key, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUESTION = "How many kilometres of riders from Graz?"
SQL = "select sum(t.fare) * 7 from trips t join riders r using (rider_id) where r.city = 'Graz'"


@pytest.fixture
def learned(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield db
    db.execute("reset all")
    db.execute("reset role")
    db.execute("delete from llm.verified_pairs")
    db.execute("delete from llm.answers")


def explain(db: psycopg.Connection, question: str) -> dict[str, Any]:
    with db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute("select * from llm_text2sql_explain(%s)", [question]).fetchone()
    assert found is not None
    return found


def verify(db: psycopg.Connection, question: str, sql: str, **options: object) -> int:
    row = db.execute(
        "select id from llm_verify(%s, %s, %s)", [question, sql, options.get("shared", False)]
    ).fetchone()
    assert row is not None
    return row[0]


def test_verify_runs_the_sql_and_says_what_it_gave(learned: psycopg.Connection) -> None:
    row = learned.execute(
        "select tables, columns, row_count from llm_verify('Cities?', %s)",
        ["select distinct city from riders"],
    ).fetchone()
    cities = learned.execute("select count(distinct city) from riders").fetchone()
    assert row is not None
    assert cities is not None
    assert row == (["riders"], ["city"], cities[0])


def test_the_same_question_gets_the_verified_sql(learned: psycopg.Connection) -> None:
    number = verify(learned, QUESTION, SQL)
    found = explain(learned, "  how many KILOMETRES of riders from Graz ")
    assert (found["sql"], found["source"]) == (SQL, "verified")
    assert found["confidence"] > 0.9
    assert found["examples"] == [QUESTION]
    assert found["attempts"] == [f"pair {number}: verified (0.97)"]


def test_another_value_of_the_same_column_takes_its_place(learned: psycopg.Connection) -> None:
    cities = [
        c for (c,) in learned.execute("select distinct city from riders where city <> 'Graz'")
    ]
    verify(learned, QUESTION, SQL)
    found = explain(learned, QUESTION.replace("Graz", cities[0]))
    assert found["sql"] == SQL.replace("Graz", cities[0])
    assert found["source"] == "verified"


def test_another_year_and_another_number_take_their_place(learned: psycopg.Connection) -> None:
    verify(
        learned,
        "Trips longer than 30 minutes in 2024",
        "select count(*) from trips where duration_minutes > 30"
        " and started_on >= '2024-01-01' and started_on < '2025-01-01'",
    )
    found = explain(learned, "Trips longer than 45 minutes in 2023")
    assert found["sql"] == (
        "select count(*) from trips where duration_minutes > 45"
        " and started_on >= '2023-01-01' and started_on < '2024-01-01'"
    )


def test_a_quote_in_a_value_stays_a_value(learned: psycopg.Connection) -> None:
    verify(learned, 'Kilometres of riders in "Graz"', SQL)
    found = explain(learned, 'Kilometres of riders in "x\' or true --"')
    if found["sql"] is not None:
        assert learned.execute(found["sql"]).fetchone() == (None,)


def test_a_reworded_question_finds_its_pair(learned: psycopg.Connection) -> None:
    verify(learned, "What is the average fare of trips of each rider city?", "select 1 as one")
    verify(learned, "Show the heaviest bike of every station", "select 2 as two")
    learned.execute("set pg_llm.text2sql_confidence = '0.4'")
    found = explain(learned, "Give the mean fare of a trip per city of the rider")
    assert found["source"] in ("verified", "grammar")
    assert any("reworded" in attempt for attempt in found["attempts"])


@pytest.mark.parametrize(
    "asked",
    [
        "How many riders have never taken a trip longer than 30 minutes?",
        "How many riders have taken a trip shorter than 30 minutes?",
        "Which riders have the fewest repairs?",
    ],
)
def test_a_sign_that_turns_the_meaning_is_no_rewording(
    learned: psycopg.Connection, asked: str
) -> None:
    verify(learned, "How many riders have taken a trip longer than 30 minutes?", "select 7 as n")
    assert explain(learned, asked)["sql"] != "select 7 as n"


def test_chinese_pairs(learned: psycopg.Connection) -> None:
    verify(learned, "格拉茨骑行者的总里程是多少？", SQL)
    assert explain(learned, "格拉茨骑行者的总里程是多少")["source"] == "verified"


def test_a_pair_that_no_longer_resolves_is_passed_by(learned: psycopg.Connection) -> None:
    learned.execute("create table passing (x int)")
    verify(learned, "What passes?", "select x from passing")
    learned.execute("alter table passing rename x to y")
    found = explain(learned, "What passes?")
    assert found["source"] != "verified"
    assert any("column" in attempt and "pair" in attempt for attempt in found["attempts"])
    learned.execute("drop table passing")
    assert explain(learned, "What passes?")["source"] != "verified"


def test_roles_see_their_own_and_shared_pairs_that_they_may_read(
    learned: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    learned.execute("drop role if exists pair_reader; create role pair_reader in role llm_user")
    learned.execute("grant select on riders to pair_reader")
    verify(learned, "Own pair of the owner", "select count(*) from riders")
    verify(learned, "Shared pair", "select count(*) from riders", shared=True)
    verify(learned, "Shared, unreadable pair", "select count(*) from trips", shared=True)
    learned.execute("set role pair_reader")
    assert learned.execute("select question from llm.verified_pairs").fetchall() == [
        ("Shared pair",)
    ]
    assert explain(learned, "Shared pair")["source"] == "verified"
    for question in ("Own pair of the owner", "Shared, unreadable pair"):
        found = explain(learned, question)
        assert found["source"] != "verified"
        assert found["examples"] == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="llm_admin"):
        verify(learned, "Mine", "select count(*) from riders", shared=True)
    verify(learned, "Mine", "select count(*) from riders")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        learned.execute("update llm.verified_pairs set shared = true where question = 'Mine'")
    learned.execute("reset role; drop owned by pair_reader; delete from llm.verified_pairs")
    learned.execute("delete from llm.answers; drop role pair_reader")


@pytest.mark.parametrize(
    ("question", "sql", "state"),
    [
        ("", "select 1", "22023"),
        ("x" * 5000, "select 1", "22023"),
        ("Delete them", "delete from riders", "42501"),
        ("Two", "select 1; select 2", "42501"),
        ("File", "select pg_read_file('/etc/passwd')", "42501"),
        ("Missing", "select nothing from riders", "42703"),
        ("Fails", "select 1 / (bike_id - bike_id) from trips", "22012"),
    ],
)
def test_what_is_no_pair(learned: psycopg.Connection, question: str, sql: str, state: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        verify(learned, question, sql)
    assert raised.value.sqlstate == state
    assert learned.execute("select count(*) from llm.verified_pairs").fetchone() == (0,)


def test_a_pair_is_replaced_and_removed(learned: psycopg.Connection) -> None:
    first = verify(learned, QUESTION, SQL)
    assert verify(learned, QUESTION + "?", "select 3 as three") == first
    assert explain(learned, QUESTION)["sql"] == "select 3 as three"
    assert learned.execute("select llm_unverify(%s)", [first]).fetchone() == (True,)
    assert learned.execute("select llm_unverify(%s)", [first]).fetchone() == (False,)
    assert explain(learned, QUESTION)["source"] != "verified"


def test_feedback_makes_a_pair_of_a_right_answer(learned: psycopg.Connection) -> None:
    learned.execute("set pg_llm.text2sql_cache = on")
    given = explain(learned, "How many trips are there?")
    learned.execute("select llm_feedback('How many trips are there?', true)")
    found = explain(learned, "How many trips are there")
    assert (found["sql"], found["source"]) == (given["sql"], "verified")


def test_feedback_on_a_wrong_answer(learned: psycopg.Connection) -> None:
    learned.execute("set pg_llm.text2sql_cache = on")
    question = "How many trips are there?"
    assert explain(learned, question)["sql"] is not None
    learned.execute("select llm_feedback(%s, false, note => 'tests only')", [question])
    declined = explain(learned, question)
    assert declined["sql"] is None
    assert "wrong" in declined["warnings"][-1]
    corrected = "select count(*) from trips where fare > 0"
    learned.execute("select llm_feedback(%s, false, %s)", [question, corrected])
    assert explain(learned, question)["sql"] == corrected
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="not asked"):
        learned.execute("select llm_feedback('Never asked', true)")


def test_a_kept_answer_is_given_again_until_its_objects_change(
    learned: psycopg.Connection,
) -> None:
    learned.execute("set pg_llm.text2sql_cache = on")
    first = explain(learned, "How many repairs are there?")
    again = explain(learned, "how many repairs are there")
    assert again["attempts"][-1] == "cache: answered"
    assert again["sql"] == first["sql"]
    # other words for the same
    assert explain(learned, "How many repairs do we have?")["attempts"][-1] == "cache: answered"
    learned.execute("alter table repairs add note text")
    assert explain(learned, "How many repairs are there?")["attempts"][-1] != "cache: answered"
    learned.execute("alter table repairs drop note")


def test_a_kept_answer_follows_the_rights_of_its_role(learned: psycopg.Connection) -> None:
    learned.execute("set pg_llm.text2sql_cache = on")
    learned.execute("drop role if exists kept_reader; create role kept_reader in role llm_user")
    learned.execute("grant select on repairs to kept_reader; set role kept_reader")
    assert explain(learned, "How many repairs are there?")["sql"] is not None
    learned.execute("reset role; revoke select on repairs from kept_reader; set role kept_reader")
    assert explain(learned, "How many repairs are there?")["sql"] is None
    learned.execute("reset role; drop owned by kept_reader; delete from llm.answers")
    learned.execute("drop role kept_reader")


def test_nothing_is_kept_where_nothing_may_be_written(learned: psycopg.Connection) -> None:
    learned.execute("set pg_llm.text2sql_cache = on")
    learned.execute("set default_transaction_read_only = on")
    explain(learned, "How many repairs are there?")
    learned.execute("set default_transaction_read_only = off")
    assert learned.execute("select count(*) from llm.answers").fetchone() == (0,)


def test_the_version_of_the_pairs_and_what_is_readable(learned: psycopg.Connection) -> None:
    before = learned.execute("select llm.learned_version()").fetchone()
    verify(learned, QUESTION, SQL)
    assert learned.execute("select llm.learned_version()").fetchone() != before
    learned.execute("drop role if exists pair_reader; create role pair_reader in role llm_user")
    learned.execute("grant select (city) on riders to pair_reader; set role pair_reader")
    readable = learned.execute(
        "select llm.readable('{riders}'), llm.readable('{riders,trips}'), llm.readable('{987654}')"
    ).fetchone()
    assert readable == (True, False, False)
    learned.execute("reset role; drop owned by pair_reader; drop role pair_reader")


def test_wording() -> None:
    asked = wording('Which 3 riders from "Graz" never paid more than 1,000.50?')
    assert asked.numbers == ("3", "1000.50")
    assert asked.quoted == ("Graz",)
    assert {"not", "more"} <= asked.signs
    assert "rider" in asked.words
    assert key("  How  Many? ") == key("how many")
    assert wording("去年销售额最高的三个城市是哪些？").signs >= {"highest"}


def test_literals_know_their_columns() -> None:
    sql = "select * from t where lower(a.City) = 'x' and n in (1, 2) and d >= date '2024-01-01'"
    found = literals.literals(sql)
    assert [(one.text, one.column) for one in found] == [
        ("x", "city"),
        ("1", "n"),
        ("2", "n"),
        ("2024-01-01", "d"),
    ]
    assert literals.replaced(sql, found, {0: "o'k", 2: "7"}) == sql.replace(
        "'x'", "'o''k'"
    ).replace("2)", "7)")


_DATED = "select trip_id from trips where duration_minutes > 10 and fare > 100 and started_on >= '2024-01-01'"


@pytest.mark.parametrize(
    ("question", "sql", "asked", "expected"),
    [
        (
            "Trips of at least 10 minutes and over 100 in 2024",
            _DATED,
            "Trips of at least 100 minutes and over 10 in 2024",
            _DATED.replace("> 100", "> x").replace("> 10 ", "> 100 ").replace("> x", "> 10"),
        ),
        (
            "Trips of at least 10 minutes and over 100 in 2024",
            _DATED,
            "Trips of at least 20 minutes and over 2024 in 2025",
            _DATED.replace("> 100", "> 2024").replace("> 10 ", "> 20 ").replace("'2024", "'2025"),
        ),
        (
            "Trips between 5 and 10 minutes",
            "select trip_id from trips where duration_minutes between 5 and 10",
            "Trips between 10 and 20 minutes",
            "select trip_id from trips where duration_minutes between 10 and 20",
        ),
        (
            "Trips started after 2024-03-15",
            "select trip_id from trips where started_on > date '2024-03-15'",
            "Trips started after 2025-01-31",
            "select trip_id from trips where started_on > date '2025-01-31'",
        ),
        (
            "时长超过100的行程",
            "select trip_id from trips where duration_minutes > 100",
            "时长超过200的行程",
            "select trip_id from trips where duration_minutes > 200",
        ),
    ],
)
def test_numbers_and_dates_take_the_places_where_they_stand(
    learned: psycopg.Connection, question: str, sql: str, asked: str, expected: str
) -> None:
    verify(learned, question, sql)
    found = explain(learned, asked)
    assert (found["source"], found["sql"]) == ("verified", expected)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Trips of Q1 2024", "Trips of Q3 2024"),
        ("2024年第1季度的行程", "2024年第3季度的行程"),
        ("Trips longer than 2 days", "Trips longer than 2 weeks"),
        ("Trips of March 2024", "Trips of April 2024"),
        ("Trips since 2024-03-15", "Trips since 2025"),
    ],
)
def test_a_period_that_has_no_place_in_the_sql_is_not_passed_over(
    learned: psycopg.Connection, question: str, asked: str
) -> None:
    sql = (
        "select trip_id from trips where started_on >= '2024-01-01' and started_on < '2024-04-01'"
    )
    verify(learned, question, sql)
    assert explain(learned, asked)["source"] != "verified"
    assert explain(learned, question)["sql"] == sql
    learned.execute("delete from llm.verified_pairs")
    assert explain(learned, asked)["sql"] != sql


def test_an_answer_kept_since_the_snapshot_does_not_fail_the_question(
    learned: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    other = connect()
    for session in (other, learned):
        session.execute("set pg_llm.text2sql_cache = on")
    explain(learned, "How many riders are there?")
    learned.execute("update llm.answers set signature = ''")
    with learned.transaction():
        learned.execute("set transaction isolation level repeatable read")
        learned.execute("select count(*) from llm.answers")
        explain(other, "How many riders are there?")
        assert explain(learned, "How many riders are there?")["sql"] is not None
    other.close()


def test_rows_that_are_no_pairs_or_answers_are_passed_by(learned: psycopg.Connection) -> None:
    learned.execute("set pg_llm.text2sql_cache = on")
    for vector in ("{1,2}", "{{1},{2}}"):
        with pytest.raises(psycopg.errors.CheckViolation):
            learned.execute(
                "insert into llm.verified_pairs (question, key, sql, relations, vector)"
                " values ('x', 'x', 'select 1', '{}', %s)",
                [vector],
            )
    right = explain(learned, "How many riders are there?")["sql"]
    assert right is not None
    for answer in ('{"sql": "select 1"}', '{"sql": "select 1", "source": 7}'):
        learned.execute("update llm.answers set answer = %s", [answer])
        assert explain(learned, "How many riders are there?")["sql"] == right
