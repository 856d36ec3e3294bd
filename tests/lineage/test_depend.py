"""Columns that a view uses, as lineage sees them and as pg_depend recorded them.

The system's own relations are pinned and have no rows in pg_depend, so their
views are made again over copies of their tables.
"""

from __future__ import annotations

import psycopg
import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.lineage import analyser
from tests.lineage.fixture_files import cases

RECORDED = """
select distinct quote_ident(n.nspname) || '.' || quote_ident(c.relname) as relation,
    a.attname::text as "column"
from pg_rewrite r
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
where r.ev_class = $1::oid and d.refobjsubid <> 0 and c.oid <> r.ev_class
  and c.relkind <> 'c'
"""


def recorded(database, view):
    rows = database.execute(RECORDED, [view])
    return {(row["relation"], row["column"]) for row in rows}


@pytest.fixture(scope="module")
def copies(fixtures_db):
    """Copies of the system's tables in schema cat, and its views over them."""
    db = fixtures_db
    db.execute("create schema cat")
    # Columns of type anyarray, which only a catalog may have.
    db.execute("set allow_system_table_mods = on")
    for row in db.execute(
        """
        select c.relname, c.oid::regclass::text as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname in ('pg_catalog', 'information_schema')
        """
    ).fetchall():
        db.execute(f"create table cat.{row['relname']} as table {row['name']} with no data")
    db.execute("set search_path = information_schema")
    views = db.execute(
        """
        select c.relname, pg_get_viewdef(c.oid) as body
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and n.nspname in ('pg_catalog', 'information_schema')
        order by c.oid
        """
    ).fetchall()
    # The copies first; types and functions are still the system's.
    db.execute("set search_path = cat, pg_catalog, information_schema, public")
    while views:
        left = []
        for view in views:
            try:
                db.execute(f"create view cat.{view['relname']} as {view['body']}")
            except psycopg.Error as error:
                left.append({**view, "error": str(error)})
        if len(left) == len(views):
            break
        views = left
    db.execute("set search_path = f, public")
    return [(view["relname"], view["error"]) for view in views]


def differences(db, schema):
    """Return how many views a schema has, and where the two accounts differ."""
    database = PsycopgDatabase(db)
    found = db.execute(
        "select c.oid::int8 as oid, c.relname from pg_class c where c.relkind in ('v', 'm')"
        " and c.relnamespace = %s::regnamespace",
        [schema],
    ).fetchall()
    wrong = {}
    for view in found:
        used = analyser.used_columns(database, view["oid"])
        # pg_depend has no rows about the relations of pg_catalog.
        used = {pair for pair in used if not pair[0].startswith("pg_catalog.")}
        expected = recorded(database, view["oid"])
        if used != expected:
            wrong[view["relname"]] = (used - expected, expected - used)
    return len(found), wrong


def test_system_views_use_what_the_server_recorded(fixtures_db, copies):
    # Functions of information_schema take a row of the original tables.
    assert {name for name, _ in copies} <= {"attributes", "columns", "parameters", "domains"}
    count, wrong = differences(fixtures_db, "cat")
    assert wrong == {}
    assert count > 120


def test_queries_of_the_fixtures_as_views(fixtures_db):
    """Every fixture that can be a view is made one and compared."""
    fixtures_db.execute("create schema made")
    count = 0
    for number, case in enumerate(cases()):
        try:
            fixtures_db.execute(f"create view made.v{number} as {case.sql}")
            count += 1
        except psycopg.Error:
            continue
    assert count > 30
    _, wrong = differences(fixtures_db, "made")
    assert {cases()[int(name[1:])].sql: pair for name, pair in wrong.items()} == {}
