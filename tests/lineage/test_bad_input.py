"""Input that is wrong, huge or not allowed: one clear error, or the fallback with a note."""

from __future__ import annotations

import psycopg
import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.errors import StatementSyntaxError
from pg_llm.lineage import analyser, server


def extract(db, sql, **arguments):
    named = "".join(f", {name} => %({name})s" for name in arguments)
    query = f"select * from lineage_extract(%(sql)s{named})"
    return db.execute(query, {"sql": sql, **arguments}).fetchall()


@pytest.fixture
def db(fixtures_db):
    """After every text the session works and nothing is left behind."""
    yield fixtures_db
    assert extract(fixtures_db, "select a from t")[0]["source_column"] == "a"
    left = fixtures_db.execute(
        "select (select count(*) from pg_proc where proname ~ '^pg_llm_')"
        " + (select count(*) from pg_prepared_statements where name ~ '^pg_llm_') as n"
    )
    assert left.fetchone()["n"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select nothing from t", 'column "nothing" does not exist'),
        ("select * from nowhere", 'relation "nowhere" does not exist'),
        ("select * from nowhere.t", 'relation "nowhere.t" does not exist'),
        ("select no_such_function(a) from t", "function no_such_function(integer) does not"),
        ("update nowhere set a = 1", 'relation "nowhere" does not exist'),
        ("copy nowhere from stdin", 'relation "nowhere" does not exist'),
        ("refresh materialized view nowhere", 'relation "nowhere" does not exist'),
        ("execute nowhere", 'prepared statement "nowhere" does not exist'),
    ],
)
def test_what_is_not_here_falls_back_to_the_parser(db, text, message):
    rows = extract(db, text)
    assert rows
    assert all(row["resolver"] == "parser" for row in rows)
    assert all(message in row["note"] for row in rows)
    assert all(row["confidence"] < 1 for row in rows)


def test_one_statement_falls_back_alone(db):
    rows = extract(db, "select a from t; select x from nowhere; select b from t")
    assert [(row["statement"], row["resolver"]) for row in rows] == [
        (1, "analyser"),
        (2, "parser"),
        (3, "analyser"),
    ]


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [
        ("select a + flag from t", None),
        ("select c + d from t group by c", None),
        ("select sum(a), b from t", "42803"),
        ("select id from t, u", "42702"),
        ("insert into w values (1, 2, 3, 4)", "42601"),
        ("select 'abc", "42601"),
        ('select "abc', "42601"),
        ("select $x$ abc", "42601"),
        ("select 1 /* abc", "42601"),
        ("select E'\\uD800'", "42601"),
        ("select 1 from", "42601"),
        (")", "42601"),
        ("selec a from t", "42601"),
        ("select 'x'::int", "22P02"),
    ],
)
def test_what_the_server_rejects_is_its_own_error(db, text, sqlstate):
    if sqlstate is None:
        assert all(row["resolver"] == "parser" for row in extract(db, text))
        return
    with pytest.raises(psycopg.Error) as caught:
        extract(db, text)
    assert caught.value.sqlstate == sqlstate


@pytest.mark.parametrize("text", ["alter table", "vacuum t; garbage here", "create nothing"])
def test_utility_statements_that_do_not_parse(db, text):
    with pytest.raises(psycopg.Error) as caught:
        extract(db, text)
    assert caught.value.sqlstate == "42601"


def test_a_statement_of_a_megabyte(db):
    text = "select a from t where b in (" + ", ".join(map(str, range(160_000))) + ")"
    assert len(text) > 1_000_000
    assert [row["source_column"] for row in extract(db, text)] == ["a", "b"]


def test_nested_500_deep(db):
    depth = 500
    subqueries = "select * from (" * depth + "select a from t" + ") s" * depth
    assert [row["source_column"] for row in extract(db, subqueries)] == ["a"]
    brackets = f"select {'(' * depth}a{')' * depth} from t"
    assert [row["source_column"] for row in extract(db, brackets)] == ["a"]
    calls = f"select {'abs(' * depth}a{')' * depth} from t"
    assert [row["transformation"] for row in extract(db, calls)] == ["TRANSFORMATION"]
    scalars = f"select {'(select ' * depth}a{')' * depth} as x from t"
    assert [row["transformation"] for row in extract(db, scalars)] == ["IDENTITY"]


def test_nested_too_deep_is_the_servers_error(db):
    with pytest.raises(psycopg.Error) as caught:
        extract(db, f"select a{' + a' * 40_000} from t")
    assert caught.value.sqlstate == "54001"


def test_a_query_of_5000_lines_over_2000_columns(db):
    with db.transaction(force_rollback=True):
        # A table holds 1,600 columns; two of them joined have more than 2,000.
        for name in ("wide1", "wide2"):
            columns = ", ".join(f"{name}_{i} int" for i in range(1100))
            db.execute(f"create table {name} ({columns})")
        rows = extract(
            db, "select row_to_json(j) as doc from (wide1 join wide2 on wide1_0 = wide2_0) j"
        )
        assert len(rows) == 2202
        lines = "\n".join(
            f"union all select wide1_{i % 1100} + {i} from wide1" for i in range(4999)
        )
        rows = extract(db, f"select wide1_0 from wide1\n{lines}")
        assert len(rows) == 1100


def test_a_nul_character_never_arrives(db):
    with pytest.raises(psycopg.DataError):
        extract(db, "select 1\0")
    with pytest.raises(psycopg.Error) as caught:
        db.execute("select * from lineage_extract(convert_from('\\xff00'::bytea, 'UTF8'))")
    assert caught.value.sqlstate == "22021"


def test_read_only_falls_back(db):
    with db.transaction(force_rollback=True):
        db.execute("set transaction read only")
        rows = extract(db, "select a from t")
        assert [(row["resolver"], row["source_column"]) for row in rows] == [("parser", "a")]
        assert "read-only" in rows[0]["note"]
        assert len(db.execute("select * from lineage_view('f.tv')").fetchall()) == 5


def test_without_the_right_to_make_temporary_objects(db):
    with db.transaction(force_rollback=True):
        name = db.execute("select current_database() as name").fetchone()["name"]
        db.execute(f'revoke temporary on database "{name}" from public')
        db.execute("create role no_temp in role llm_user")
        db.execute("grant usage on schema f to no_temp; grant select on t to no_temp")
        db.execute("set local role no_temp")
        rows = extract(db, "select a from t")
        assert [(row["resolver"], row["source_column"]) for row in rows] == [("parser", "a")]
        assert "permission denied" in rows[0]["note"]


def test_a_schema_that_may_not_be_used(db):
    with db.transaction(force_rollback=True):
        db.execute("create role no_usage in role llm_user")
        db.execute("create schema closed; create table closed.secret (hidden int)")
        db.execute("set local role no_usage")
        rows = extract(db, "select * from closed.secret")
        assert not [row for row in rows if row["source_column"] == "hidden"]


def test_a_view_that_names_what_is_gone(db):
    db.execute("create table going (x int); create view left_over as select x from going")
    # As a superuser can, by force. The database is dropped after these tests.
    db.execute("delete from pg_class where relname = 'going'")
    rows = db.execute("select * from lineage_view('left_over')").fetchall()
    assert [(row["target_column"], row["source_relation"]) for row in rows] == [("x", None)]
    assert "is gone" in rows[0]["note"]


def test_a_tree_of_a_major_that_is_not_known(fixtures_db):
    """A range-table entry, a node and fields of which nothing is known here."""
    relation = fixtures_db.execute("select 'f.t'::regclass::oid::int8 as oid").fetchone()["oid"]
    tree = (
        "({QUERY :commandType 1 :fromTheFuture {THING :of true} :rtable ("
        f"{{RANGETBLENTRY :rtekind 0 :relid {relation} :relkind r}}"
        " {RANGETBLENTRY :rtekind 77 :relid 0})"
        " :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex 1} {RANGETBLREF :rtindex 2})}"
        " :targetList ("
        "{TARGETENTRY :expr {VAR :varno 1 :varattno 2 :varlevelsup 0 :varfuture 1}"
        " :resno 1 :resname a :ressortgroupref 0 :resjunk false}"
        " {TARGETENTRY :expr {NEWEXPR :args ({VAR :varno 1 :varattno 3 :varlevelsup 0})}"
        " :resno 2 :resname b :ressortgroupref 0 :resjunk false}"
        " {TARGETENTRY :expr {VAR :varno 2 :varattno 1 :varlevelsup 0}"
        " :resno 3 :resname c :ressortgroupref 0 :resjunk false})})"
    )
    edges = analyser.tree_edges(PsycopgDatabase(fixtures_db), tree)
    assert [(e.target_column, e.source_column, e.transformation) for e in edges] == [
        ("a", "a", "IDENTITY"),
        ("b", "b", "TRANSFORMATION"),
        ("c", None, None),
    ]
    assert {e.note for e in edges} == {"not known to this version: range-table entry of kind 77"}


@pytest.mark.parametrize(
    "text",
    [
        "select (1",
        "select a from t where b =",
        "select 1 from",
        "select 'abc",
        'select "abc',
        "select $x$ abc",
        "select 1 /* abc",
        "select ';' from",
        "select $1 from",
        "selec 1",
    ],
)
def test_an_unfinished_statement_is_told_as_the_server_tells_it(db, text):
    with pytest.raises(psycopg.errors.SyntaxError) as own:
        db.execute(text)
    with pytest.raises(psycopg.errors.SyntaxError) as caught:
        extract(db, text)
    assert caught.value.diag.message_primary == "pg_llm: " + own.value.diag.message_primary
    column = int(own.value.diag.statement_position)
    assert caught.value.diag.message_detail.splitlines()[1] == " " * (7 + column) + "^"


@pytest.mark.parametrize(
    "text",
    [
        "comment on table t is 'costs $5'",
        "comment on table t is 'costs $5; or more'",
        "create function costs(int) returns int language sql as 'select $1'",
    ],
)
def test_a_dollar_sign_in_a_text_is_no_parameter(db, text):
    assert extract(db, text) == []


def test_parameters_are_typed_in_the_search_path_asked_for(db):
    db.execute(
        "create schema far; create type far.mood as enum ('a'); create table far.m (x far.mood)"
    )
    rows = extract(db, "select x from m where x = $1", search_path=["far"])
    assert {row["resolver"] for row in rows} == {"analyser"}
    assert {row["source_relation"] for row in rows} == {"far.m"}


def test_a_null_in_the_search_path(db):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        extract(db, "select a from t", search_path=["f", None])


NAMES = ['in"side', '"before', 'after"', '" "', 'a" "b', "{x}", "(x)", "a\\b", "line\nend", "<>"]


def test_names_of_any_characters(db):
    columns = ", ".join('"' + name.replace('"', '""') + '" int' for name in NAMES)
    db.execute(f"create table any_name ({columns})")
    rows = extract(db, "select * from any_name")
    assert [row["source_column"] for row in rows] == NAMES
    assert [row["target_column"] for row in rows] == NAMES


def test_a_connection_from_outside_runs_no_text_either(db):
    """The same through psycopg, whose simple protocol would take several statements."""
    database = PsycopgDatabase(db)
    for text in ("select ';'; end; drop table w; --", 'select 1 as ";"; end; drop table w; --'):
        with pytest.raises(StatementSyntaxError):
            server.analyse(database, text)
    assert db.execute("select to_regclass('f.w') is not null as there").fetchone()["there"]
    assert server.analyse(database, "select ';' from w").tree


@pytest.mark.parametrize(
    "text", ["/* c */ end", "-- x\nbegin", "begin work", "commit", "rollback"]
)
def test_transaction_commands_move_no_data(db, text):
    assert extract(db, text) == []


def test_begin_and_garbage_do_not_parse(db):
    with pytest.raises(psycopg.Error) as caught:
        extract(db, "begin garbage")
    assert caught.value.sqlstate == "42601"


def test_a_table_from_a_prepared_statement(db):
    db.execute("prepare source_of as select a from t")
    rows = extract(db, "create table made (x) as execute source_of")
    assert [(r["target_relation"], r["target_column"], r["source_column"]) for r in rows] == [
        ("f.made", "x", "a")
    ]
    db.execute("deallocate source_of")


def test_an_identity_column_has_a_row(db):
    with db.transaction(force_rollback=True):
        db.execute("create table numbered (i int generated always as identity, id int)")
        rows = extract(db, "insert into numbered (id) select a from t")
        assert [(r["target_column"], r["source_column"], r["note"]) for r in rows] == [
            ("id", "a", None),
            ("i", None, "default"),
        ]


def test_what_is_hidden_is_not_told_by_an_expression(db):
    with db.transaction(force_rollback=True):
        db.execute("create table salaries (who text, pay int)")
        db.execute("create view paid as select who, pay * 12 as year from salaries where pay > 9")
        db.execute("create role curious in role llm_user; grant usage on schema f to curious")
        db.execute("grant select on paid to curious; set local role curious")
        found = db.execute("select * from lineage_view('f.paid')").fetchall()
        found += db.execute("select * from lineage_rules('f.paid')").fetchall()
        assert found
        assert "salaries" not in str(found)
        assert "pay " not in str(found)
