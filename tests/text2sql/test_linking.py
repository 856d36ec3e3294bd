"""Which relations and columns a question is linked with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.text2sql.index import index
from pg_llm.text2sql.linking import link
from pg_llm.text2sql.prompt import describe

if TYPE_CHECKING:
    import psycopg

    from pg_llm.text2sql.index import SchemaIndex

LINKS = [
    ("How long do people ride on average?", ["trips"], ["trips.duration_minutes"]),
    ("Names of the riders from Porto", ["riders"], ["riders.full_name", "riders.city"]),
    ("Which statoins have the oldest opning?", ["stations"], ["stations.opened_on"]),
    (
        "Total cost of repairs of Cargo bikes",
        ["repairs", "bikes"],
        ["repairs.cost", "bikes.model"],
    ),
    ("What do riders pay in each district?", ["riders", "stations"], ["stations.district"]),
    ("每个站点的维修成本", ["stations", "repairs"], ["repairs.cost"]),
    ("骑行者的城市", ["riders"], ["riders.city"]),
]


def schema(db: psycopg.Connection) -> SchemaIndex:
    return index(catalog.snapshot(PsycopgDatabase(db)))


@pytest.mark.parametrize(("question", "tables", "columns"), LINKS)
def test_links(
    db: psycopg.Connection, question: str, tables: list[str], columns: list[str]
) -> None:
    links = link(question, schema(db))
    best = [relation.name for relation, _ in links.relations[:3]]
    assert set(tables) <= set(best), best
    named = [f"{ref.relation.name}.{ref.column.name}" for ref, _ in links.columns[:10]]
    assert set(columns) <= set(named), named


def test_the_table_between_is_linked(db: psycopg.Connection) -> None:
    links = link("Which riders rented a Swift?", schema(db))
    assert "trips" in [relation.name for relation, _ in links.relations[:4]]


@pytest.mark.parametrize(
    ("answerable", "unanswerable"),
    [
        ("How many bikes does each station have?", "How many dragons does each castle have?"),
        ("Average fare of trips by rider", "Average rainfall of deserts by continent"),
        ("Which riders have no email?", "Which novel was written by Tolstoy?"),
    ],
)
def test_answerable(db: psycopg.Connection, answerable: str, unanswerable: str) -> None:
    found = schema(db)
    assert link(answerable, found).answerable > 0.6
    assert link(unanswerable, found).answerable < 0.4


def test_letters_that_all_tables_begin_with(db: psycopg.Connection) -> None:
    with db.transaction(force_rollback=True):
        db.execute("create schema bank")
        db.execute("create table bank.qzcustomer (qzcustid int primary key, qzcustname text)")
        db.execute("create table bank.qzaccount (qzacctid int primary key, qzacctkind text)")
        db.execute("create table bank.qztransfer (qztid int, qztamount numeric)")
        db.execute("create role t2s_teller in role llm_user")
        db.execute("grant usage on schema bank to t2s_teller")
        db.execute("grant select on all tables in schema bank to t2s_teller")
        db.execute("set local search_path = bank")
        db.execute("set local role t2s_teller")
        row = db.execute(
            "select llm_text2sql('How many customers are there?')".replace("llm_", "public.llm_")
        ).fetchone()
        assert "qzcustomer" in row[0]


def test_a_wide_table_is_described_by_its_likeliest_columns(db: psycopg.Connection) -> None:
    with db.transaction(force_rollback=True):
        columns = ", ".join(f"filler_attribute_number_{n} varchar(100)" for n in range(900))
        db.execute(
            f"create table measurements (reading_id int primary key, {columns}, humidity int)"
        )
        text = describe("What is the average humidity?", schema(db))
        assert "humidity" in text
        assert "reading_id" in text
        assert "columns more" in text
        assert "riders" in text
        assert len(text) < 30_000
