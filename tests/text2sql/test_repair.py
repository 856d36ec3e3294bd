"""Repair against the server: what fails is made valid and means the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.text2sql import guard
from pg_llm.text2sql.index import index
from pg_llm.text2sql.repair import mended, repair
from tests.text2sql.repairs import BEYOND, KEPT, MENDED, REPAIRS

if TYPE_CHECKING:
    import psycopg


def rows(db: psycopg.Connection, sql: str) -> list[str]:
    return sorted(str(tuple(row)) for row in db.execute(sql).fetchall())


@pytest.mark.parametrize(("sql", "meant"), REPAIRS)
def test_repairs(db: psycopg.Connection, sql: str, meant: str) -> None:
    database = PsycopgDatabase(db)
    found = repair(database, sql, index(catalog.snapshot(database)))
    assert found.guarded is not None, found.error
    assert found.fixes, "a case must fail before it is repaired"
    assert all(fix.note and len(fix.sqlstate) == 5 for fix in found.fixes)
    assert rows(db, found.guarded.sql) == rows(db, meant), found.guarded.sql


@pytest.mark.parametrize(("sql", "meant"), MENDED)
def test_mends(db: psycopg.Connection, sql: str, meant: str) -> None:
    database = PsycopgDatabase(db)
    schema = index(catalog.snapshot(database))
    found, notes = mended(database, guard.check(database, sql), schema)
    assert notes
    assert rows(db, found.sql) == rows(db, meant), found.sql


@pytest.mark.parametrize("sql", KEPT)
def test_keeps_what_is_right(db: psycopg.Connection, sql: str) -> None:
    database = PsycopgDatabase(db)
    schema = index(catalog.snapshot(database))
    found = repair(database, sql, schema)
    assert found.guarded is not None
    assert not found.fixes
    kept, notes = mended(database, found.guarded, schema)
    assert (kept.sql, notes) == (sql, [])


@pytest.mark.parametrize("sql", BEYOND)
def test_gives_up(db: psycopg.Connection, sql: str) -> None:
    before = rows(db, "select count(*) from trips")
    database = PsycopgDatabase(db)
    found = repair(database, sql, index(catalog.snapshot(database)))
    assert found.guarded is None
    assert found.error is not None
    assert rows(db, "select count(*) from trips") == before


def test_uses_only_what_the_caller_may_read(db: psycopg.Connection) -> None:
    db.execute("create role t2s_mender in role llm_user")
    db.execute("grant usage on schema fleet to t2s_mender")
    db.execute("grant select on trips to t2s_mender")
    db.execute("set role t2s_mender")
    try:
        database = PsycopgDatabase(db)
        schema = index(catalog.snapshot(database))
        assert repair(database, "select fair from trips", schema).guarded is not None
        assert repair(database, "select full_name from trips", schema).guarded is None
    finally:
        db.execute("reset role")
        db.execute("drop owned by t2s_mender")
        db.execute("drop role t2s_mender")
