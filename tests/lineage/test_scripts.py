"""Scripts: a relation that an earlier statement makes, and nothing of it stays."""

from __future__ import annotations

import contextlib

import psycopg
import pytest


def extract(db, sql, **arguments):
    named = "".join(f", {name} => %({name})s" for name in arguments)
    query = f"select * from lineage_extract(%(sql)s{named})"
    return db.execute(query, {"sql": sql, **arguments}).fetchall()


def edges(db, sql, statement, **arguments):
    """Return a statement's edges, which the server must have analysed."""
    rows = [r for r in extract(db, sql, **arguments) if r["statement"] == statement]
    assert {row["resolver"] for row in rows} == {"analyser"}, rows
    return [
        (
            row["target_relation"],
            row["target_column"],
            row["source_relation"],
            row["source_column"],
            row["transformation"],
        )
        for row in rows
    ]


@pytest.fixture
def db(fixtures_db):
    """After every script the catalog is what it was."""
    count = "select (select count(*) from pg_class) + (select count(*) from pg_type) as n"
    # The first use makes the session's temporary schema.
    fixtures_db.execute("create temporary table warm (); drop table warm")
    before = fixtures_db.execute(count).fetchone()["n"]
    yield fixtures_db
    assert fixtures_db.execute(count).fetchone()["n"] == before


@pytest.mark.parametrize(
    ("make", "name"),
    [
        ("create temp table made as select a, b from t", "pg_temp.made"),
        ("create table made as select a, b from t", "f.made"),
        ("create table f.made (a, b) as select b, a from t with no data", "f.made"),
        ("select a, b into made from t", "f.made"),
        ("create view made as select a, b from t", "f.made"),
        ("create or replace view made (a, b) as select b, a from t", "f.made"),
        ("create materialized view made as select a, b from t", "f.made"),
        ("create recursive view made (a, b) as select a, b from t", "f.made"),
        ("create table made (a int primary key, b numeric(10, 2) default 0 check (b > 0))", "f.made"),
        ("create temporary table made (a serial, like w, b text references nothing (x))", "pg_temp.made"),
        ("create unlogged table if not exists made (a int, b int) inherits (parent)", "f.made"),
        ("create table made as select ';' as a, b from t -- ;", "f.made"),
    ],
)  # fmt: skip
def test_what_a_statement_makes_is_there_for_the_next(db, make, name):
    assert edges(db, f"{make}\n; select a, b from made", 2) == [
        (None, "a", name, "a", "IDENTITY"),
        (None, "b", name, "b", "IDENTITY"),
    ]


def test_a_chain(db):
    script = """
        create temp table one as select id, a + b as s from t where flag;
        insert into one select id, a from u;
        create view two as select s, count(*) as n from one group by s;
        create table three (s int unique, n bigint);
        insert into three select s, n from two on conflict (s) do update set n = excluded.n;
        drop table one
    """
    assert edges(db, script, 2) == [
        ("pg_temp.one", "id", "f.u", "id", "IDENTITY"),
        ("pg_temp.one", "s", "f.u", "a", "IDENTITY"),
    ]
    assert edges(db, script, 5) == [
        ("f.three", "s", "f.two", "s", "IDENTITY"),
        ("f.three", "n", "f.two", "n", "IDENTITY"),
        ("f.three", "n", "f.two", "n", "IDENTITY"),
        ("f.three", None, "f.three", "s", "FILTER"),
    ]
    numbers = [row["statement"] for row in extract(db, script)]
    assert [numbers.count(number) for number in range(1, 7)] == [4, 2, 3, 0, 4, 0]


def test_what_is_there_already_is_made_anew(db):
    script = (
        "drop table if exists w; create table w as select a as fresh from t; select fresh from w"
    )
    assert edges(db, script, 3) == [(None, "fresh", "f.w", "fresh", "IDENTITY")]
    script = "create table if not exists w as select a as fresh from t; select k from w"
    assert edges(db, script, 2) == [(None, "k", "f.w", "k", "IDENTITY")]


def test_another_schema_is_not_shadowed(db):
    """What is made in a schema that is not on the path is not found by its bare name."""
    script = "create table public.w as select a as fresh from t; select k from w; table public.w"
    assert edges(db, script, 2) == [(None, "k", "f.w", "k", "IDENTITY")]
    assert edges(db, script, 3) == [(None, "fresh", "public.w", "fresh", "IDENTITY")]


def test_the_search_path_that_is_asked_for(db):
    script = "create table made as select 1 as a; select a from public.made"
    assert edges(db, script, 2, search_path=["public"]) == [
        (None, "a", "public.made", "a", "IDENTITY")
    ]
    assert db.execute("show search_path").fetchone()["search_path"] == "f, public"


def test_through_a_view_of_the_script(db):
    script = "create view made as select a + b as s from t; select s from made"
    assert edges(db, script, 2, through_views=True) == [
        (None, "s", "f.t", "a", "TRANSFORMATION"),
        (None, "s", "f.t", "b", "TRANSFORMATION"),
    ]


def test_what_cannot_be_made_is_still_resolved(db):
    script = """
        create schema later;
        create table later.one as select id as k from t;
        create table later.two (i int, j text);
        insert into later.two (i) select k from later.one
    """
    rows = [r for r in extract(db, script) if r["statement"] == 4]
    assert [(r["target_relation"], r["source_relation"], r["source_column"]) for r in rows] == [
        ("later.two", "later.one", "k")
    ]
    assert rows[0]["resolver"] == "parser"
    assert "unresolved" not in rows[0]["note"]


def test_columns_that_a_table_computes(db):
    rows = extract(
        db,
        "create table made (id serial, net int not null, tax int default 7 + 1,"
        " gross int generated always as (net + tax) stored, constraint k primary key (id))",
    )
    assert [
        (r["target_column"], r["source_column"], r["transformation"], r["expression"], r["note"])
        for r in rows
    ] == [
        ("id", None, None, None, "default"),
        ("tax", None, None, "7 + 1", "default"),
        ("gross", "net", "TRANSFORMATION", "(made.net + made.tax)", "generated column"),
        ("gross", "tax", "TRANSFORMATION", "(made.net + made.tax)", "generated column"),
    ]
    assert {row["target_relation"] for row in rows} == {"f.made"}


def test_nothing_of_a_script_runs(db):
    db.execute(
        """
        create temporary table ran (what text);
        create function f.run() returns int language plpgsql immutable as
            'begin insert into ran values (''ran''); raise ''it ran''; end'
        """
    )
    try:
        for made in (
            "create table made as select run() as a",
            "create view made as select run() as a",
            """create table made (a int default run(), b int generated always as (run()) stored,
               check (run() > 0), exclude using btree ((run()) with =))""",
        ):
            assert edges(db, f"{made}; select a from made", 2)[0][:2] == (None, "a")
        assert db.execute("select count(*) as n from ran").fetchone()["n"] == 0
    finally:
        db.execute("drop table ran; drop function f.run()")


@pytest.mark.parametrize(
    "text",
    [
        "create table made (a int; drop table w); select 1",
        "create table made (a int) ; end; drop table w; select 1",
        "create table made as select 1 as a where (true; drop table w); select 1",
        "create view made as (select 1 as a; drop table w); select 1",
    ],
)
def test_no_statement_hides_in_another(db, text):
    with contextlib.suppress(psycopg.errors.SyntaxError):
        extract(db, text)
    assert db.execute("select to_regclass('f.w') is not null as there").fetchone()["there"]


def test_notices_are_kept(db):
    said = []
    db.add_notice_handler(lambda notice: said.append(notice.message_primary))
    extract(db, "create temp table made as select 1 as a; create view v as table made; table v")
    assert said == []


def test_without_the_right_to_create(db):
    with db.transaction(force_rollback=True):
        db.execute("create role reads_only; grant llm_user to reads_only")
        db.execute("grant usage on schema f to reads_only; grant select on f.t to reads_only")
        db.execute("set local role reads_only")
        script = "create table made as select a from t; select a from made"
        assert edges(db, script, 2) == [(None, "a", "f.made", "a", "IDENTITY")]


@pytest.mark.parametrize(
    "script",
    [
        "create table taken.t as select x as other from base; select * from taken.t",
        "create temp table t as select x as other from base; select * from t",
    ],
)
def test_a_name_that_is_taken_is_doubted(db: psycopg.Connection, script: str) -> None:
    db.execute("create schema taken; create table base (x int); create table taken.t (a int)")
    db.execute("create temp table t (a int)")
    try:
        rows = db.execute(
            "select target_column, confidence, note from lineage_extract(%s)"
            " where statement = (select max(statement) from lineage_extract(%s))",
            [script, script],
        ).fetchall()
        assert [(row["target_column"], round(row["confidence"], 2)) for row in rows] == [
            ("a", 0.7)
        ]
        assert "taken" in rows[0]["note"]
    finally:
        db.execute("drop schema taken cascade; drop table base; drop table pg_temp.t")
