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


PURPOSE = [
    # the columns that join what is asked for
    ("How many trips did riders from Porto take?", {"trips.rider_id", "riders.rider_id"}),
    # a period needs a date, whatever it is called
    ("repairs in the last 6 months", {"repairs.repaired_on"}),
    # what names a thing to a person
    ("Which stations have electric bikes?", {"stations.name", "bikes.is_electric"}),
    # words that speak of a column without naming it
    ("Where do the oldest riders live?", {"riders.city", "riders.birth_date"}),
    ("Which is the heaviest bike?", {"bikes.weight_kg"}),
    ("revenue of trips", {"trips.fare"}),
]


@pytest.mark.parametrize(("question", "columns"), PURPOSE)
def test_columns_by_what_they_are_for(
    db: psycopg.Connection, question: str, columns: set[str]
) -> None:
    links = link(question, schema(db))
    named = [f"{ref.relation.name}.{ref.column.name}" for ref, _ in links.columns[:8]]
    assert columns <= set(named), named


def test_an_irregular_verb_names_the_table_of_its_deeds(db: psycopg.Connection) -> None:
    with db.transaction(force_rollback=True):
        db.execute("create table poet (pid int primary key, name text)")
        db.execute("create table verse (vid int primary key, title text)")
        db.execute("create table writes (pid int references poet, vid int references verse)")
        links = link("Which poets have written more than 3 verses?", schema(db))
        best = {relation.name for relation, _ in links.relations[:3]}
        assert best == {"poet", "verse", "writes"}


def test_only_what_has_changed_is_read_again(db: psycopg.Connection) -> None:
    """An index made after a change is the one that a new session makes."""
    database = PsycopgDatabase(db)
    with db.transaction(force_rollback=True):
        db.execute("create table depots (depotid int primary key, wagonkind text, label text)")
        before = index(catalog.snapshot(database))
        assert "wagonkind" in before.by_word
        # another table's name says that wagonkind is two words
        db.execute("create table wagons (id int primary key)")
        db.execute("comment on column riders.city is 'Home town'")
        after = index(catalog.snapshot(database))
        assert "wagonkind" not in after.by_word
        same = {relation.oid: relation for relation in before.relations}
        kept = [r.name for r in after.relations if same.get(r.oid) is r]
        assert "trips" in kept
        assert "depots" in kept
        assert "riders" not in kept
        anew = index(catalog.snapshot(PsycopgDatabase(db)))
        assert words(after) == words(anew)
        assert [(one, two.score) for one, two in after.labels] == [
            (one, two.score) for one, two in anew.labels
        ]
        for relation in after.relations:
            assert after.joins.steps(relation.oid) == anew.joins.steps(relation.oid)
            assert after.display(relation) == anew.display(relation)


def words(found: SchemaIndex) -> dict[str, list[tuple[int, str, tuple[tuple[str, float], ...]]]]:
    return {
        word: sorted(
            (term.relation.oid, term.column.name if term.column else "", term.words)
            for term in terms
        )
        for word, terms in found.by_word.items()
    }


def test_roles_do_not_share_what_was_derived(db: psycopg.Connection) -> None:
    with db.transaction(force_rollback=True):
        db.execute("create role t2s_linker in role llm_user")
        db.execute("grant select (rider_id, city) on riders to t2s_linker")
        assert "email" in schema(db).by_word
        database = PsycopgDatabase(db)
        index(catalog.snapshot(database))
        db.execute("set local role t2s_linker")
        assert "email" not in index(catalog.snapshot(database)).by_word


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
