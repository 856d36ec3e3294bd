"""Two resolvers, one result: the parser agrees with the server's analyser.

Over the system's views, the analyser's own fixtures and `agreement.sql`. What
text alone cannot know is explained there, edge by edge, with the reason.

Generated columns and defaults are in the catalog alone, and left out. Text
knows no types either: where the analyser says IDENTITY because a cast
leaves the bits alone, the parser says TRANSFORMATION. This one is explained
here, once for all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from pg_llm.database import PsycopgDatabase
from pg_llm.lineage import statements as scanner
from pg_llm.lineage.extract import extract as analysed
from pg_llm.lineage.outputs import DEFAULT, GENERATED
from pg_llm.lineage.parser import extract, live_routines, live_schema
from tests.conftest import dsn
from tests.lineage.fixture_files import cases as fixtures
from tests.lineage.parser.support import written

IDENTITY, TRANSFORMATION = " IDENTITY", " TRANSFORMATION"


@dataclass(frozen=True)
class Case:
    name: str
    sql: str
    # Edges that the parser misses or has besides, in order.
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def statements() -> list[Case]:
    """Blocks of `agreement.sql`: a statement, `-- why`, then `--- edge`, `--+ edge`."""
    found = []
    text = (Path(__file__).parent / "agreement.sql").read_text()
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        sql = "\n".join(line for line in lines if not line.startswith("--"))
        differences = [line[2:] for line in lines if re.match(r"--[-+] ", line)]
        reasons = [line for line in lines if re.match(r"-- \w", line)]
        assert bool(reasons) == bool(differences), block
        found.append(Case(" ".join(sql.split())[:70], sql, tuple(sorted(differences))))
    return found


def compare(connection, sql: str) -> tuple[str, ...]:
    """Return the edges by which the parser differs from the analyser."""
    database = PsycopgDatabase(connection)
    edges = analysed(database, sql)
    assert {edge.resolver for edge in edges} <= {"analyser"}, "the server did not analyse it"
    path = connection.execute("select current_schemas(false) as path").fetchone()["path"]
    schema, routines = live_schema(database, sql), live_routines(database, sql)
    found = extract(sql, "postgres", schema, path, statement=1, routines=routines)
    ours = {written(edge._replace(note=None)) for edge in found}
    theirs = {written(edge) for edge in edges if edge.note not in (GENERATED, DEFAULT)}
    for edge in theirs - ours:
        cast = edge.removesuffix(IDENTITY) + TRANSFORMATION
        if edge.endswith(IDENTITY) and cast in ours - theirs:
            theirs.discard(edge)
            ours.discard(cast)
    return tuple(sorted([f"- {e}" for e in theirs - ours] + [f"+ {e}" for e in ours - theirs]))


@pytest.mark.parametrize("case", statements(), ids=str)
def test_statement(fixtures_db, case: Case) -> None:
    assert compare(fixtures_db, case.sql) == case.differences


# The fixtures of the analyser that text cannot resolve, and why.
EXPLAINED = {
    "refresh materialized view": "its query is in the catalog, not in the text",
    "alter ": "events of a node are told by the analyser alone",
    "select m from u": "text knows no types: a branch that is cast to the common type",
    "select s from q union all": "text knows no types: a branch that is cast to the common type",
    "insert into w (v) select n": "text knows no types: a value that is cast to its column's",
    "insert into t (id, n) select": "text knows no types: a value that is cast to its column's",
    "on conflict on constraint": "the columns of a constraint are in the catalog",
    "select (p).* from comp": "the fields of a composite type are in the catalog",
    "from current_date as today": "sqlglot reads no alias there",
    "default t.a) r": "text takes the default of one column for all",
    "tablesample system (u.m": "sqlglot reads a number there",
    "returning *) select k, v from added": "the analyser tells what was scanned once",
    "with a1 as (insert": "the analyser tells what was scanned once",
}


def test_the_fixtures_of_the_analyser(fixtures_db) -> None:
    differing = {}
    for case in fixtures():
        difference = compare(fixtures_db, case.sql)
        if difference and not any(text in case.sql for text in EXPLAINED):
            differing[case.sql] = difference
    assert differing == {}
    assert all(any(text in case.sql for case in fixtures()) for text in EXPLAINED)


def test_the_system_views(fixtures_db) -> None:
    views = fixtures_db.execute(
        """
        select c.oid::regclass::text as name, pg_get_viewdef(c.oid) as query
        from pg_class as c
        where relkind = 'v'
          and relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        """
    ).fetchall()
    assert len(views) > 120
    differing = {view["name"]: compare(fixtures_db, view["query"].rstrip(";")) for view in views}
    assert {name: found for name, found in differing.items() if found} == {}


def test_the_samples_scripts(server, sample_database):
    """The sample's views and its nightly load, one statement after another."""
    name = sample_database("agreement")
    script = (Path(__file__).parents[2] / "sample" / "nightly.sql").read_text()
    address = dsn(server, "postgres")
    with psycopg.connect(
        address, dbname=name, autocommit=True, row_factory=dict_row
    ) as connection:
        views = connection.execute(
            """
            select pg_get_viewdef(oid) as query from pg_class
            where relkind in ('v', 'm')
              and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            """
        ).fetchall()
        texts = [view["query"].rstrip(";") for view in views]
        texts += [s.text for s in scanner.split(script) if s.verb != "utility"]
        differing = {text: compare(connection, text) for text in texts}
    assert len(differing) >= 15
    assert {text: found for text, found in differing.items() if found} == {}
