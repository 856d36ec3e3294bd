"""pg_stat_statements as a source."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories

from tests.conftest import dsn
from tests.graph.logs.conftest import SHOP, Log, edges, read_text

_BINDIR = os.environ.get("PG_LLM_TEST_BINDIR", "")

counting_server = factories.postgresql_proc(
    executable=str(Path(_BINDIR) / "pg_ctl"),
    postgres_options="-c fsync=off -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track=all",
)


@pytest.fixture
def counted(counting_server):
    """A database with pg_stat_statements and the shop."""
    with psycopg.connect(dsn(counting_server, "postgres"), autocommit=True) as admin:
        admin.execute("drop database if exists counted with (force)")
        admin.execute("create database counted")
    with psycopg.connect(dsn(counting_server, "counted"), autocommit=True) as connection:
        connection.execute("create extension pg_llm cascade")
        connection.execute("create schema stats; create extension pg_stat_statements schema stats")
        connection.execute(SHOP.encode())
        connection.execute("select stats.pg_stat_statements_reset()")
        yield connection


def _read(db):
    return db.execute("select * from lineage_read_statements()").fetchone()


def test_absent(db):
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="not installed") as caught:
        _read(db)
    assert "shared_preload_libraries" in caught.value.diag.message_hint


def test_counts_are_added_once(counted):
    for number in range(5):
        counted.execute(
            f"select amount from shop.orders where id = {number} and customer in (1, {number})"
        )
    counted.execute("insert into shop.report select name, 1 from shop.customers")
    _read(counted)
    found = (
        "select stat_calls, calls, users from lineage.patterns where query like 'select amount%'"
    )
    assert counted.execute(found).fetchone() == (5, 0, ["postgres"])
    _read(counted)
    assert counted.execute(found).fetchone() == (5, 0, ["postgres"])
    counted.execute("select amount from shop.orders where id = 9 and customer in (1, 2)")
    _read(counted)
    assert counted.execute(found).fetchone()[0] == 6
    counted.execute("select stats.pg_stat_statements_reset()")
    counted.execute("select amount from shop.orders where id = 9 and customer in (1, 2)")
    _read(counted)
    assert counted.execute(found).fetchone()[0] == 7
    assert {"shop.orders amount > pattern IDENTITY", "shop.customers name > shop.report customer IDENTITY"} <= edges(counted)  # fmt: skip


def test_the_same_pattern_as_in_a_log(counted):
    text = "select O.amount, -5 from shop.orders o where id = 7 and customer in (1,2,3) limit 10"
    counted.execute(text)
    _read(counted)
    read_text(counted, Log("counted").ran(text).csv())
    assert counted.execute(
        "select calls, stat_calls from lineage.patterns where query like 'select o.amount%'"
    ).fetchall() == [(1, 1)]


def test_ours_are_left_out(counted):
    counted.execute("select * from lineage_extract('select amount from shop.orders')")
    _read(counted)
    assert (
        counted.execute(
            "select query from lineage.patterns where query ~ 'lineage|llm|pg_proc'"
        ).fetchall()
        == []
    )
