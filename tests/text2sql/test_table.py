"""llm_ask_table: the answer as a typed record; the lineage that llm_text2sql_explain tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "How many bikes are there per model?"


@pytest.fixture
def taught(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield db
    db.execute("delete from llm.verified_pairs")


def teach(db: psycopg.Connection, question: str, sql: str) -> None:
    db.execute("select llm_verify(%s, %s)", [question, sql])


def test_rows_have_the_types_of_the_definition_list(db: psycopg.Connection) -> None:
    rows = db.execute(
        "select model, n + 1 from llm_ask_table(%s) as t(model text, n bigint)", [QUESTION]
    ).fetchall()
    right = db.execute("select model, count(*) + 1 from bikes group by 1").fetchall()
    assert sorted(rows) == sorted(right)


@pytest.mark.parametrize("given", ["t(model text)", "t(n bigint, model text)"])
def test_another_list_is_refused_with_the_right_one(db: psycopg.Connection, given: str) -> None:
    with pytest.raises(psycopg.errors.DatatypeMismatch) as raised:
        db.execute(f"select * from llm_ask_table(%s) as {given}", [QUESTION])
    hint = raised.value.diag.message_hint
    assert "as t(model text, " in hint
    assert hint.endswith(" bigint)")


def test_hint_holds_for_columns_without_names_or_with_the_same(taught: psycopg.Connection) -> None:
    sql = "select 1, 2, 'a; b', wheel_size as \"Wheel\" from (select 26.5 as wheel_size) w -- end"
    teach(taught, "what is odd?", sql)
    with pytest.raises(psycopg.errors.DatatypeMismatch) as raised:
        taught.execute("select * from llm_ask_table('what is odd?') as t(a text)")
    listed = raised.value.diag.message_hint.partition(" as ")[2]
    assert listed == ('t("column" integer, column_2 integer, column_3 text, "Wheel" numeric)')
    rows = taught.execute(f"select * from llm_ask_table('what is odd?') as {listed}").fetchall()
    assert [list(map(str, row)) for row in rows] == [["1", "2", "a; b", "26.5"]]


def test_order_and_number_of_rows(taught: psycopg.Connection) -> None:
    teach(taught, "bikes backwards", "select bike_id from bikes order by bike_id desc")
    rows = taught.execute(
        "select id from llm_ask_table('bikes backwards', max_rows => 3) as t(id int)"
    ).fetchall()
    highest = taught.execute("select bike_id from bikes order by 1 desc limit 3").fetchall()
    assert rows == highest


def test_declined_and_null(db: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="declined"):
        db.execute("select * from llm_ask_table('why?') as t(a text)")
    assert db.execute("select * from llm_ask_table(null) as t(a text)").fetchall() == []
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="max_rows"):
        db.execute("select * from llm_ask_table(%s, max_rows => 0) as t(a text)", [QUESTION])


def test_runs_read_only_and_as_the_caller(taught: psycopg.Connection) -> None:
    taught.execute(
        "create function bump() returns int immutable language plpgsql as "
        "$$ begin insert into riders default values; return 1; end $$"
    )
    try:
        taught.execute(
            "insert into llm.verified_pairs (question, key, sql, relations) "
            "values ('bump it', 'bump it', 'select bump() as n from bikes', '{bikes}')"
        )
        with pytest.raises(psycopg.Error):
            taught.execute("select * from llm_ask_table('bump it') as t(n int)")
    finally:
        taught.execute("drop function bump()")


@pytest.mark.parametrize(
    "text", ["drop table bikes", "select 1; select 2", "select 1) as x; drop"]
)
def test_column_definitions_takes_one_query(db: psycopg.Connection, text: str) -> None:
    with pytest.raises((psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported)):
        db.execute("select llm.column_definitions(%s)", [text])
    assert db.execute("select to_regclass('bikes') is not null").fetchone() == (True,)


def test_lineage_goes_through_views(taught: psycopg.Connection) -> None:
    taught.execute("create view heavy as select bike_id, upper(model) as m from bikes")
    try:
        teach(
            taught,
            "heavy ones",
            "select m as name, count(*) as n, max(bike_id) + min(bike_id) as ids, 1 as one "
            "from heavy group by m",
        )
        lineage = taught.execute(
            "select lineage from llm_text2sql_explain('heavy ones')"
        ).fetchone()[0]
        assert lineage == [
            {
                "column": "name",
                "sources": ["fleet.bikes.model"],
                "transformation": "TRANSFORMATION",
            },
            {"column": "n", "sources": [], "transformation": None},
            {"column": "ids", "sources": ["fleet.bikes.bike_id"], "transformation": "AGGREGATION"},
            {"column": "one", "sources": [], "transformation": None},
        ]
    finally:
        taught.execute("delete from llm.verified_pairs")
        taught.execute("drop view heavy")


def test_no_lineage_without_an_answer(db: psycopg.Connection) -> None:
    row = db.execute("select sql, lineage from llm_text2sql_explain('why?')").fetchone()
    assert row == (None, None)


def test_deadline(taught: psycopg.Connection) -> None:
    teach(taught, "slow ones", "select count(*) as n from bikes a, bikes b, bikes c, bikes d")
    taught.execute("insert into llm.settings values ('text2sql_timeout', '0.05')")
    taught.execute(
        "insert into bikes select g, 'x', 1, null, false from generate_series(900, 999) g"
    )
    taught.execute("set enable_material = off")
    try:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            taught.execute("select * from llm_ask_table('slow ones') as t(n bigint)")
        # the alarm is gone, and a cancel of the user's stays one
        taught.execute("update llm.settings set value = '30' where name = 'text2sql_timeout'")
        taught.execute("set statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            taught.execute("select * from llm_ask_table('slow ones') as t(n bigint)")
    finally:
        taught.execute("reset all")
        taught.execute("delete from llm.settings")
        taught.execute("delete from bikes where bike_id >= 900")


def test_what_llm_ask_table_is_made_of(db: psycopg.Connection) -> None:
    row = db.execute("select * from llm.ask_sql('How many trips are there?', null, 7)").fetchone()
    assert row is not None
    assert db.execute(row[0]).fetchone() == db.execute("select count(*) from trips").fetchone()
    assert row[1] == 7
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="declined"):
        db.execute("select llm.ask_sql('why?', null, null)")
    # started and stopped in time: it had not passed
    db.execute("select llm.answer_deadline(true)")
    assert db.execute("select llm.answer_deadline(false)").fetchone() == (False,)
