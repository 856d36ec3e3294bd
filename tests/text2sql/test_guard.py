"""What may run and what may not, through the functions that a caller has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.text2sql.guards import PASS, REFUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The guard inside a backend, where cursors are the server's.
CHECK = """
create function check_sql(sql text) returns text
language plpython3u as $$
backend = plpy.execute("select llm.backend_load()") and GD["pg_llm " + plpy.execute("select llm_version() v")[0]["v"]]
from pg_llm.backend.reception import database
from pg_llm.errors import PgLlmError
from pg_llm.text2sql import guard
try:
    return "passed " + guard.check(database(plpy), sql).sql
except PgLlmError as error:
    return f"{error.sqlstate} {error.message}"
$$
"""

# What is not what it is declared to be, calls something behind its back, or is
# somebody else's.
OTHERS = """
create function write() returns int language plpgsql volatile as
    $$ begin update bikes set model = model; return 1; end $$;
create function sneak() returns int language plpgsql immutable as
    $$ begin return write(); end $$;
create function gathered(text, text) returns text language sql volatile as 'select $1 || $2';
create aggregate gather(text) (sfunc = gathered, stype = text);
create view shouted as select shout(model) as model from bikes;
create view shouted_again as select model from shouted;
create function strange(text) returns text language sql immutable as 'select lower($1)';
alter function strange owner to llm_monitor;
"""


@pytest.fixture(scope="module", autouse=True)
def checker(fleet: None, server: object, database_name: str) -> None:
    from tests.conftest import dsn

    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute(CHECK)
        connection.execute(
            "create function shout(text) returns text language sql volatile as 'select upper($1)'"
        )
        connection.execute(
            "create function whisper(text) returns text language sql immutable as 'select lower($1)'"
        )
        connection.execute(
            "create function owner_says(text) returns text language sql stable security definer"
            " as 'select lower($1)'"
        )
        connection.execute(OTHERS)


@pytest.mark.parametrize("sql", PASS)
def test_passes(db: psycopg.Connection, sql: str) -> None:
    assert db.execute("select check_sql(%s)", [sql]).fetchone()[0].startswith("passed ")


@pytest.mark.parametrize("sql", REFUSE)
def test_refuses(db: psycopg.Connection, sql: str) -> None:
    tables = "select count(*), max(bike_id) from bikes"
    before = db.execute(tables).fetchone()
    assert not db.execute("select check_sql(%s)", [sql]).fetchone()[0].startswith("passed ")
    assert db.execute(tables).fetchone() == before
    assert db.execute("select count(*) from pg_proc where proname like 'pg_llm_%'").fetchone() == (
        0,
    )


def test_costly_statement(db: psycopg.Connection) -> None:
    sql = "select count(*) from trips a, trips b, trips c"
    assert db.execute("select check_sql(%s)", [sql]).fetchone()[0].startswith("passed ")
    db.execute("insert into llm.settings values ('text2sql_cost_limit', '1000')")
    try:
        assert "planned to cost" in db.execute("select check_sql(%s)", [sql]).fetchone()[0]
    finally:
        db.execute("delete from llm.settings")


def test_read_only_ends_with_the_call(db: psycopg.Connection) -> None:
    with db.transaction():
        assert db.execute("select * from llm_ask('How many bikes are there?')").fetchall()
        assert db.execute("show transaction_read_only").fetchone() == ("off",)
        db.execute("create temporary table written (a int)")


@pytest.mark.parametrize(
    "sql",
    [
        "insert into riders values (999, 'x', 'y')",
        "with d as (delete from trips returning 1) select * from d",
        "select * from trips for update",
        "select nextval('counter')",
        "select 1; select 2",
    ],
)
def test_run_read_only_refuses(db: psycopg.Connection, sql: str) -> None:
    db.execute("create sequence if not exists counter")
    with pytest.raises(psycopg.Error):
        db.execute("select * from llm.run_read_only(%s, 10)", [sql])


def test_row_limit(db: psycopg.Connection) -> None:
    question = "Show the fare of all trips."
    assert len(db.execute("select llm_ask(%s)", [question]).fetchall()) == 400
    assert len(db.execute("select llm_ask(%s, max_rows => 7)", [question]).fetchall()) == 7
    db.execute("insert into llm.settings values ('text2sql_row_limit', '5')")
    try:
        assert len(db.execute("select llm_ask(%s, max_rows => 7)", [question]).fetchall()) == 5
    finally:
        db.execute("delete from llm.settings")
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        db.execute("select llm_ask(%s, max_rows => 0)", [question])


@pytest.fixture
def clerk(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A session of a role that may read bikes and nothing else."""
    db.execute("create role t2s_clerk in role llm_user")
    db.execute("grant usage on schema fleet to t2s_clerk")
    db.execute("grant select on fleet.bikes to t2s_clerk")
    db.execute("set role t2s_clerk")
    yield db
    db.execute("reset role")
    db.execute("drop owned by t2s_clerk")
    db.execute("drop role t2s_clerk")


def refusal(db: psycopg.Connection, question: str) -> object:
    row = db.execute("select sql, warnings from llm_text2sql_explain(%s)", [question]).fetchone()
    assert row[0] is None
    return row[1]


def test_hidden_table_is_like_one_that_does_not_exist(clerk: psycopg.Connection) -> None:
    assert clerk.execute("select * from llm_ask('How many bikes are there?')").fetchall()
    hidden = refusal(clerk, "How many riders are there?")
    absent = refusal(clerk, "How many dragons are there?")
    assert str(hidden).replace("riders", "dragons") == str(absent)


def test_hidden_column_is_not_used(clerk: psycopg.Connection) -> None:
    clerk.execute("reset role")
    clerk.execute("grant select (rider_id, city) on riders to t2s_clerk")
    clerk.execute("set role t2s_clerk")
    assert clerk.execute("select llm_text2sql('List the cities of riders')").fetchone()[0]
    refusal(clerk, "What is the email of riders?")


def test_row_security_applies(clerk: psycopg.Connection) -> None:
    clerk.execute("reset role")
    clerk.execute("alter table fleet.bikes enable row level security")
    clerk.execute("create policy few on fleet.bikes for select to t2s_clerk using (bike_id <= 4)")
    try:
        clerk.execute("set role t2s_clerk")
        rows = clerk.execute("select * from llm_ask('How many bikes are there?')").fetchall()
        assert list(rows[0][0].values()) == [4]
    finally:
        clerk.execute("reset role")
        clerk.execute("drop policy few on fleet.bikes")
        clerk.execute("alter table fleet.bikes disable row level security")


def test_role_that_may_not_call(connect: Callable[..., psycopg.Connection]) -> None:
    session = connect()
    session.execute("create role t2s_nobody")
    try:
        session.execute("set role t2s_nobody")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("select llm_text2sql('How many bikes are there?')")
    finally:
        session.execute("reset role")
        session.execute("drop role t2s_nobody")


@pytest.mark.parametrize("rows", [0, -1, None])
def test_run_read_only_always_has_a_limit(db: psycopg.Connection, rows: int | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        db.execute("select llm.run_read_only('select 1', %s)", [rows])
