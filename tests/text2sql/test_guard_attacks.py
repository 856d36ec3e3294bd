"""What an analyst's statement may be and what it may not, tried as a role without rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.guards_bad import BAD
from tests.text2sql.guards_good import GOOD
from tests.text2sql.guards_schema import EXTENSIONS, RIVAL, TRUSTED
from tests.text2sql.test_guard import CHECK

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_postgresql.executor import PostgreSQLExecutor


@pytest.fixture(scope="module", autouse=True)
def hostile(fleet: None, server: PostgreSQLExecutor, database_name: str) -> None:
    """Fill the database with what a statement may stumble over."""
    with psycopg.connect(dsn(server, database_name), autocommit=True) as db:
        db.execute(
            "create role t2s_reader in role llm_user; create role t2s_rival in role llm_user"
        )
        db.execute(f'grant create on database "{database_name}" to t2s_rival')
        db.execute("grant create, usage on schema public, fleet to t2s_rival")
        db.execute("grant select on fleet.bikes to t2s_rival")
        there = db.execute("select name from pg_available_extensions")
        missing = set(EXTENSIONS) - {name for (name,) in there}
        assert missing <= {"adminpack"}  # not since PostgreSQL 17
        for extension in set(EXTENSIONS) - missing:
            db.execute(f"create extension if not exists {extension} cascade")
        db.execute(TRUSTED)
        db.execute(CHECK)
        db.execute("set role t2s_rival")
        db.execute(RIVAL)


@pytest.fixture
def reader(connect: Callable[..., psycopg.Connection]) -> psycopg.Connection:
    """A session that has a temporary function of the rival's, and is the reader's now."""
    session = connect()
    session.execute("set role t2s_rival")
    session.execute(
        "create function pg_temp.mine() returns int language sql immutable as 'select 1'"
    )
    session.execute("set role t2s_reader")
    return session


def outcome(session: psycopg.Connection, sql: str) -> str:
    return str(session.execute("select check_sql(%s)", [sql]).fetchone()[0])


@pytest.mark.parametrize("kind", GOOD)
def test_passes(reader: psycopg.Connection, kind: str) -> None:
    found = {sql: outcome(reader, sql) for sql in GOOD[kind]}
    assert not [(sql, out) for sql, out in found.items() if not out.startswith("passed ")]


@pytest.mark.parametrize("kind", GOOD)
def test_what_passes_runs(reader: psycopg.Connection, kind: str) -> None:
    for number, sql in enumerate(GOOD[kind]):
        reader.execute("select llm_verify(%s, %s)", [f"{kind} question {number}", sql])


@pytest.mark.parametrize("kind", BAD)
def test_refuses(reader: psycopg.Connection, kind: str) -> None:
    assert not [sql[:200] for sql in BAD[kind] if outcome(reader, sql).startswith("passed ")]


@pytest.mark.parametrize("kind", BAD)
def test_what_is_refused_is_not_kept(reader: psycopg.Connection, kind: str) -> None:
    for sql in BAD[kind]:
        with pytest.raises(psycopg.Error):
            reader.execute("select llm_verify('a bad question', %s)", [sql])
    kept = "select count(*) from llm.verified_pairs where key = 'a bad question'"
    assert reader.execute(kept).fetchone() == (0,)


def test_a_function_of_ones_own_is_trusted(connect: Callable[..., psycopg.Connection]) -> None:
    session = connect()
    session.execute("set role t2s_rival")
    assert outcome(session, "select rival.plain(model) from rival.looking").startswith("passed ")
