"""What models do to SQL, repaired and compared with what was meant, by execution.

The schemas were invented for this. A repair may fail; a valid statement that
returns something else than was meant is worse, and none of these does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.text2sql import model
from pg_llm.text2sql.index import index
from tests.text2sql.damages import farms, observatory, practice

if TYPE_CHECKING:
    import psycopg

SUITES = {"observatory": observatory, "practice": practice, "farms": farms}
CASES = [(name, *case) for name, suite in SUITES.items() for case in suite.CASES]
# Not repaired: what was meant is anybody's guess, or takes more than a rule.
BEYOND = {
    "a condition that was cut off": "select name from targets where kind = 'comet' and",
    "an order that was cut off": "select name from targets where target_id = 1 order by",
    "an act before the query": "set search_path to public; select count(*) from targets",
    "two different queries": "select count(*) from targets; select count(*) from sites",
    "an act after the query": "select count(*) from targets;\n\ndrop table targets",
    "a query and an act in two fences": "```sql\ndrop table targets\n```\n```sql\ndelete from sites\n```",
    "a guess from nowhere": "select mass from galaxies where redshift > 2",
}


@pytest.fixture
def suite(db: psycopg.Connection, request: pytest.FixtureRequest) -> PsycopgDatabase:
    name = request.param
    if not db.execute("select from pg_namespace where nspname = %s", [name]).rowcount:
        db.execute(f"create schema {name}")
        db.execute(f"set search_path = {name}")
        db.execute(SUITES[name].SCHEMA)
        db.execute("analyze")
    db.execute(f"set search_path = {name}, public")
    return PsycopgDatabase(db)


def value(found: object) -> str:
    if isinstance(found, int | float | Decimal) and not isinstance(found, bool):
        return f"{float(found):.5g}"
    return str(found).replace("+00:00", "").removesuffix(" 00:00:00")


def judged(database: PsycopgDatabase, answer: str) -> model.Candidate:
    schema = index(catalog.snapshot(database))
    candidate = model.Candidate()
    model._judge(database, answer, schema, candidate, "model")
    return candidate


@pytest.mark.parametrize(("suite", "kind", "written", "meant"), CASES, indirect=["suite"])
def test_repaired_to_what_was_meant(
    suite: PsycopgDatabase, db: psycopg.Connection, kind: str, written: str, meant: str
) -> None:
    found = judged(suite, written)
    assert found.guarded is not None, found.attempts
    got, wanted = (
        sorted(tuple(map(value, row)) for row in db.execute(sql).fetchall())
        for sql in (found.guarded.sql, meant)
    )
    assert got == wanted, (found.guarded.sql, found.notes)


@pytest.mark.parametrize("suite", ["observatory"], indirect=True)
@pytest.mark.parametrize("written", BEYOND.values(), ids=BEYOND.keys())
def test_what_cannot_be_known_is_not_made_up(
    suite: PsycopgDatabase, db: psycopg.Connection, written: str
) -> None:
    before = db.execute("select count(*) from targets, sites").fetchone()
    found = judged(suite, written)
    assert found.guarded is None
    assert found.attempts
    assert db.execute("select count(*) from targets, sites").fetchone() == before
