"""lineage_extract and lineage_view as SQL functions: input, errors, what stays behind."""

from __future__ import annotations

import contextlib

import psycopg
import pytest

SYSTEM_VIEWS = """
select c.oid::int8 as oid, c.oid::regclass::text as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname in ('pg_catalog', 'information_schema')
order by 1
"""


def extract(db, sql, **arguments):
    named = "".join(f", {name} => %({name})s" for name in arguments)
    query = f"select * from lineage_extract(%(sql)s{named})"
    return db.execute(query, {"sql": sql, **arguments}).fetchall()


def failure(db, sql, **arguments):
    with pytest.raises(psycopg.Error) as caught:
        extract(db, sql, **arguments)
    return caught.value


def test_statements_are_numbered(fixtures_db):
    rows = extract(fixtures_db, "select a from t;; insert into w (id) select b from t;\n-- end\n")
    assert [(r["statement"], r["target_column"], r["source_column"]) for r in rows] == [
        (1, "a", "a"),
        (2, "id", "b"),
    ]


def test_columns_have_positions(fixtures_db):
    rows = extract(fixtures_db, "select b, 1, a from t")
    assert [(r["target_column"], r["position"]) for r in rows] == [
        ("b", 1),
        ("?column?", 2),
        ("a", 3),
    ]


def test_null_text_has_no_rows(fixtures_db):
    assert extract(fixtures_db, None) == []


@pytest.mark.parametrize("text", ["", "  \n", "-- nothing", ";;", "/* /* */ ; */"])
def test_no_statement(fixtures_db, text):
    error = failure(fixtures_db, text)
    assert error.sqlstate == "22023"
    assert "no statement" in error.diag.message_primary


def test_unknown_dialect_names_the_known_ones(fixtures_db):
    error = failure(fixtures_db, "select 1", dialect="klingon")
    assert error.sqlstate == "22023"
    assert "snowflake" in error.diag.message_hint


@pytest.mark.parametrize(
    "catalog", ["[]", '{"t": "a"}', '{"t": [1]}', '"t"'], ids=["list", "text", "number", "name"]
)
def test_malformed_catalog(fixtures_db, catalog):
    error = failure(fixtures_db, "select 1", catalog=catalog)
    assert error.sqlstate == "22023"


def test_syntax_error_is_the_servers_own(fixtures_db):
    error = failure(fixtures_db, "select 1;\nselect a form t")
    assert error.sqlstate == "42601"
    assert error.diag.message_primary == 'pg_llm: syntax error at or near "t"'
    assert error.diag.message_detail == "LINE 2: select a form t\n" + " " * 22 + "^"


def test_error_inside_a_utility_statement_points_into_the_text(fixtures_db):
    error = failure(fixtures_db, "create view x as select b, sum(a) from t")
    assert error.sqlstate == "42803"
    assert error.diag.message_detail.splitlines()[1].index("^") == len(
        "LINE 1: create view x as select "
    )


@pytest.mark.parametrize(
    "text",
    [
        "select 1; end; drop table w; select 1",
        "select 1; end; drop table w; create function f.x() returns void begin atomic select 1",
        "select ';'; end; drop table w; begin; select ';'",
        "select 1 /* ; */ ; end; drop table w --",
        "select '\\'; end; drop table w; select '",
        "select $a$ ; $a$; end; drop table w; --",
        'select 1 as ";"; end; drop table w; --',
    ],
)
def test_a_text_never_runs(fixtures_db, text):
    with contextlib.suppress(psycopg.errors.SyntaxError):
        extract(fixtures_db, text)
    assert fixtures_db.execute("select to_regclass('f.w') is not null as there").fetchone()[
        "there"
    ]


def test_nothing_stays_behind(fixtures_db):
    before = fixtures_db.execute("select count(*) as n from pg_proc").fetchone()["n"]
    extract(fixtures_db, "select a, $1::int from t; update t set a = $1 where b = $2")
    failure(fixtures_db, "select nothing(")
    failure(fixtures_db, "select $1 is null")
    assert fixtures_db.execute("select count(*) as n from pg_proc").fetchone()["n"] == before
    assert (
        fixtures_db.execute(
            "select count(*) as n from pg_prepared_statements where name like 'pg_llm%'"
        ).fetchone()["n"]
        == 0
    )


def test_the_callers_search_path_decides(fixtures_db):
    with fixtures_db.transaction():
        fixtures_db.execute("create schema other; create table other.t (a int)")
        fixtures_db.execute("set local search_path = other, f, public")
        assert extract(fixtures_db, "select a from t")[0]["source_relation"] == "other.t"
        given = extract(fixtures_db, "select a from t", search_path=["f"])
        assert given[0]["source_relation"] == "f.t"
        assert extract(fixtures_db, "select a from t")[0]["source_relation"] == "other.t"
        raise psycopg.Rollback


def test_a_temporary_table_is_in_pg_temp(fixtures_db):
    fixtures_db.execute("create temp table scratch (a int)")
    rows = extract(fixtures_db, "create temp table made as select a from scratch")
    assert (rows[0]["target_relation"], rows[0]["source_relation"]) == (
        "pg_temp.made",
        "pg_temp.scratch",
    )
    fixtures_db.execute("drop table scratch")


def test_an_executed_statement_is_looked_up(fixtures_db):
    fixtures_db.execute("prepare given (int) as select a from t where b = $1")
    rows = extract(fixtures_db, "execute given (1)")
    assert [(r["target_column"], r["source_column"]) for r in rows] == [("a", "a"), (None, "b")]
    fixtures_db.execute("deallocate given")


def test_utility_statements_have_no_rows(fixtures_db):
    assert extract(fixtures_db, "create table x (a int); drop table w; set a.b = 1; vacuum") == []
    assert fixtures_db.execute("select to_regclass('f.w') is not null as there").fetchone()[
        "there"
    ]


def test_every_system_view_resolves(fixtures_db):
    views = fixtures_db.execute(SYSTEM_VIEWS).fetchall()
    assert len(views) > 130
    for view in views:
        rows = fixtures_db.execute(
            "select * from lineage_view(%s::oid::regclass)", [view["oid"]]
        ).fetchall()
        columns = fixtures_db.execute(
            "select attname from pg_attribute where attrelid = %s::oid and attnum > 0 order by attnum",
            [view["oid"]],
        ).fetchall()
        assert list(dict.fromkeys(r["target_column"] for r in rows if r["position"])) == [
            c["attname"] for c in columns
        ], view["name"]
        assert not [r for r in rows if r["note"]], view["name"]


def test_lineage_view_wants_a_view(fixtures_db):
    with pytest.raises(psycopg.Error) as caught:
        fixtures_db.execute("select * from lineage_view('t')")
    assert caught.value.sqlstate == "42704"


def test_through_views(fixtures_db):
    rows = extract(fixtures_db, "select ab from tvv", through_views=True)
    assert [
        (r["target_column"], r["source_relation"], r["source_column"], r["transformation"])
        for r in rows
    ] == [
        ("ab", "f.t", "a", "TRANSFORMATION"),
        ("ab", "f.t", "b", "TRANSFORMATION"),
        (None, "f.t", "flag", "FILTER"),
    ]


def test_a_role_without_rights_may_not_call(fixtures_db):
    with fixtures_db.transaction():
        fixtures_db.execute("create role nobody_here; grant usage on schema f to nobody_here")
        fixtures_db.execute("set local role nobody_here")
        assert failure_in(fixtures_db, "select 1").sqlstate == "42501"
        raise psycopg.Rollback


def failure_in(db, sql):
    with pytest.raises(psycopg.Error) as caught, db.transaction():
        extract(db, sql)
    return caught.value


def test_names_of_relations_without_any_right_are_hidden(fixtures_db):
    with fixtures_db.transaction():
        fixtures_db.execute("create role reader_here in role llm_user")
        fixtures_db.execute("grant usage on schema f to reader_here")
        fixtures_db.execute(
            "grant select (id) on t to reader_here; grant select on tv to reader_here"
        )
        fixtures_db.execute("set local role reader_here")
        rows = extract(fixtures_db, "select t.a, w.k from t, w")
        assert [(r["target_column"], r["source_relation"], r["source_column"]) for r in rows] == [
            ("a", "f.t", "a"),
            ("k", None, None),
        ]
        assert "hidden" in rows[1]["note"]
        raise psycopg.Rollback


def test_a_statement_that_the_session_prepares_later_is_unharmed(fixtures_db):
    extract(fixtures_db, "select a from t where b = $1")
    extract(fixtures_db, "select a from t where b = $1")
    assert extract(fixtures_db, "select $2::text, $1::int")[0]["source_column"] is None
