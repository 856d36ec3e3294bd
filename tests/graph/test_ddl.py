"""lineage_track: the graph follows DDL, at its own risk and never at the statement's."""

from __future__ import annotations

import time

import psycopg
import pytest

from pg_llm.graph.ddl import schemas_of


@pytest.fixture
def tracked(graph):
    """A graph that follows DDL."""
    graph.run("select lineage_track(true)")
    graph.notices = []
    _listen(graph, graph.notices)
    return graph


def _listen(graph, warnings):
    """Collect the warnings of a session."""
    graph.connection.add_notice_handler(
        lambda n: warnings.append(n.message_primary) if "pg_llm" in n.message_primary else None
    )


def _agrees(graph):
    """Tell whether a sync finds nothing left to do."""
    return {source: row[1:4] for source, row in graph.sync().items() if any(row[1:4])}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ('"$user", public', ["me", "public"]),
        ('Public,"A b","c""d"', ["public", "A b", 'c"d']),
        ("", []),
    ],
)
def test_the_schemas_of_a_search_path(path, names):
    assert schemas_of(path, "me") == names


def test_it_is_off_until_switched_on(graph):
    graph.run("create table t (a int)")
    assert graph.node("public.t") is None
    assert graph.rows("select lineage_track(true)") == [(False,)]
    assert graph.node("public.t") is not None
    assert graph.rows("select lineage_track(true)") == [(True,)]
    assert graph.rows("select lineage_track(false)") == [(True,)]
    graph.run("create table u (a int)")
    assert graph.node("public.u") is None


def test_what_is_made_is_known_at_once(tracked):
    tracked.run(
        "create schema s",
        "create table s.t (a int primary key, b text default 'x')",
        "create view v as select upper(b) as c from s.t",
        "create materialized view m as select count(*) as n from s.t",
        "create table child (a int references s.t, d int generated always as (a + 1) stored)",
        "create function f() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger g before insert on child for each row execute function f()",
        "create rule r as on delete to child do also insert into s.t (a) values (old.a)",
        "comment on column s.t.a is 'key'",
        "create publication p for table s.t",
        "alter publication p add table child (a)",
    )
    assert tracked.notices == []
    assert tracked.edges() == {
        "s.t.b -> public.v.c DIRECT TRANSFORMATION (view)",
        "s.t -> public.m INDIRECT SCAN (view)",
        "s.t.a -> public.child.a DEPENDENCY FOREIGN_KEY (foreign key)",
        "public.child.a -> public.child.d DIRECT TRANSFORMATION (generated)",
        "public.child -> public.f() INDIRECT TRIGGER (trigger)",
        "public.f() -> public.child DEPENDENCY TRIGGER (trigger)",
        "public.child.a -> s.t.a DIRECT IDENTITY (rule)",
        "s.t.a -> publication p DIRECT REPLICATION (publication)",
        "s.t.b -> publication p DIRECT REPLICATION (publication)",
        "public.child.a -> publication p DIRECT REPLICATION (publication)",
    }
    assert tracked.rows(
        "select comment from lineage.nodes where id = %s", tracked.node("s.t", "a")
    ) == [("key",)]
    assert _agrees(tracked) == {}


def test_what_is_altered_is_followed(tracked):
    tracked.run(
        "create table t (a int, b int)",
        "create view v as select a as x from t",
        "alter table t add c int default 1",
        "alter table t alter b type text",
        "create or replace view v as select c as x from t",
        "create table p (k int, a int) partition by list (k)",
        "create table p1 partition of p for values in (1)",
        "create table p2 (a int, k int)",
        "alter table p attach partition p2 for values in (2)",
        "alter table p add z int",
        "alter table p detach partition p1",
    )
    assert tracked.notices == []
    assert tracked.edges("view", "partition") == {
        "public.t.c -> public.v.x DIRECT IDENTITY (view)",
        "public.p -> public.p2 DEPENDENCY PARTITION (partition)",
        "public.p2.k -> public.p.k DIRECT IDENTITY (partition)",
        "public.p2.a -> public.p.a DIRECT IDENTITY (partition)",
        "public.p2.z -> public.p.z DIRECT IDENTITY (partition)",
    }
    assert tracked.rows(
        "select properties ->> 'type' from lineage.nodes where id = %s",
        tracked.node("public.t", "b"),
    ) == [("text",)]
    assert _agrees(tracked) == {}


def test_renames_are_followed(tracked):
    tracked.run(
        "create schema s",
        "create table s.t (a int)",
        "create view s.v as select a from s.t",
        "create function s.f() returns int language sql return 1",
    )
    before = [
        tracked.node("s.t"),
        tracked.node("s.t", "a"),
        tracked.node("s.v", "a"),
        tracked.node("s.f()"),
    ]
    tracked.run(
        "alter table s.t rename a to z",
        "alter table s.t rename to u",
        "alter view s.v rename column a to y",
        "alter function s.f() rename to g",
        "alter schema s rename to r",
        "create schema q",
        "alter table r.u set schema q",
    )
    after = [
        tracked.node("q.u"),
        tracked.node("q.u", "z"),
        tracked.node("r.v", "y"),
        tracked.node("r.g()"),
    ]
    assert tracked.notices == []
    assert after == before
    assert tracked.edges() == {"q.u.z -> r.v.y DIRECT IDENTITY (view)"}


def test_settings_of_the_session_do_not_change_what_is_written(tracked):
    tracked.run(
        "set quote_all_identifiers = on",
        "set datestyle = 'German'",
        "set timezone = 'Asia/Shanghai'",
        "create table t (a int, at timestamptz)",
        "create view v as select upper(a::text) as b, at > '2026-01-02 03:04:05+00' as late from t",
        "create function f(int) returns int language sql return $1",
        "alter table t rename a to z",
    )
    assert tracked.notices == []
    expected = {
        "public.t.z -> public.v.b DIRECT TRANSFORMATION (view)",
        "public.t.at -> public.v.late DIRECT TRANSFORMATION (view)",
    }
    assert tracked.edges() == expected
    assert tracked.alive("public.f(integer)") is True
    tracked.run("reset quote_all_identifiers", "reset datestyle", "reset timezone")
    assert _agrees(tracked) == {}
    tracked.run("update lineage.objects set fingerprint = null")
    tracked.sync()
    assert tracked.rows(
        "select count(*) from lineage.edges where valid_to < 'infinity' and expression like '%2026%'"
    ) == [(0,)]


def test_what_is_dropped_ends(tracked):
    tracked.run(
        "create table t (a int primary key, b int)",
        "create table c (a int references t)",
        "create view v as select a, b from t",
        "create function f() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger g before insert on c for each row execute function f()",
        "create rule r as on delete to c do also insert into t (a) values (old.a)",
    )
    assert len(tracked.edges()) == 6
    tracked.run("drop trigger g on c")
    assert tracked.edges("trigger") == set()
    tracked.run("drop rule r on c")
    assert tracked.edges("rule") == set()
    tracked.run("alter table t drop b cascade")
    assert tracked.edges("view") == set()
    assert [
        tracked.alive("public.v"),
        tracked.alive("public.t", "b"),
        tracked.alive("public.t"),
    ] == [False, False, True]
    tracked.run("drop table t cascade")
    assert tracked.edges() == set()
    assert tracked.alive("public.t", "a") is False
    tracked.run("drop function f")
    assert tracked.alive("public.f()") is False
    assert tracked.notices == []
    assert _agrees(tracked) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "create table s.made as select upper(b) as c from s.t where a > 0",
        "create table made (c) as select upper(b) from t where a > 0 with no data",
        "select upper(b) as c into made from t where a > 0",
        "select 1; create table made as select upper(b) as c from t where a > 0; select 'create table made as select 2'",
        '/* create table made as select a as c from t; */ create table "made" as select upper(b) as c from t where a > 0',
        "create table if not exists made as select upper(b) as c from t where a > 0",
    ],
)
def test_create_table_as_tells_its_columns(tracked, statement):
    tracked.run(
        "create schema s", "create table s.t (a int, b text)", "set search_path = s", statement
    )
    assert tracked.notices == []
    assert tracked.edges() == {
        "s.t.b -> s.made.c DIRECT TRANSFORMATION (ddl)",
        "s.t.a -> s.made INDIRECT FILTER (ddl)",
    }
    tracked.run("drop table made")
    assert tracked.edges() == set()


@pytest.mark.parametrize(
    "statement",
    [
        # Which of the two made the table is not known.
        "create table made as select a from t; drop table made; create table made as select b from t",
        # The text that made it is not the session's statement.
        "do $$ begin execute 'create table made as select a from t'; end $$",
    ],
)
def test_what_cannot_be_told_is_not_guessed(tracked, statement):
    tracked.run("create table t (a int, b text)", statement)
    assert tracked.notices == []
    assert tracked.alive("public.made") is True
    assert tracked.edges() == set()


def test_temporary_relations_are_passed_by(tracked):
    before = tracked.rows("select count(*) from lineage.nodes")
    tracked.run(
        "create temp table t (a int)", "create temp table u as select a from t", "drop table t"
    )
    assert tracked.rows("select count(*) from lineage.nodes") == before
    tracked.run("create table made as select a from u")
    assert tracked.edges() == set()
    assert tracked.notices == []


def test_a_transaction_that_is_followed_uses_no_temporary_objects(own_graph):
    """It could not be prepared for two-phase commit then."""
    own_graph.run(
        "select lineage_track(true)", "create table t (a int)", "create table u as select a from t"
    )
    assert own_graph.edges() == {"public.t.a -> public.u.a DIRECT IDENTITY (ddl)"}
    assert own_graph.rows("select pg_my_temp_schema()::int") == [(0,)]


def test_analysing_a_statement_is_no_ddl_to_follow(tracked):
    tracked.run("create table t (a int)")
    before = tracked.rows("select count(*) from lineage.nodes")
    tracked.run("select * from lineage_extract('select a from t')")
    assert tracked.rows("select count(*) from lineage.nodes") == before


def test_an_extension_is_not_followed_object_by_object(tracked):
    before = tracked.rows("select count(*) from lineage.nodes")
    tracked.run(
        "create extension postgres_fdw", "create extension tablefunc", "drop extension tablefunc"
    )
    assert tracked.rows("select count(*) from lineage.nodes") == before
    assert tracked.notices == []


def test_anybodys_ddl_is_followed(tracked):
    tracked.run(
        "create role maker",
        "create schema own authorization maker",
        "create schema shadow authorization maker",
        "set role maker",
        # What a definer's function might pick up instead of the system's.
        "create function shadow.current_query() returns text language plpgsql as 'begin raise exception $$run$$; end'",
        "create function shadow.current_setting(text) returns text language plpgsql as 'begin raise exception $$run$$; end'",
        "set search_path = shadow, pg_catalog, own",
        "create table own.t (a int)",
        "create table own.u as select a from own.t",
        "alter table own.t rename to w",
        "drop table own.w",
        "reset role",
        "reset search_path",
    )
    assert tracked.notices == []
    assert tracked.alive("own.u", "a") is True
    assert tracked.alive("own.w") is False


@pytest.mark.parametrize("may_read", [False, True])
def test_what_the_maker_may_not_read_is_not_told(own_graph, may_read):
    """A text can name one statement and run another; its edges are of its author's world."""
    graph = own_graph
    graph.run(
        "select lineage_track(true)",
        "create role maker",
        "create schema own authorization maker",
        "create table secret (a int)",
        "grant select on secret to maker" if may_read else "select",
        "set role maker",
    )
    with pytest.raises(psycopg.Error):
        graph.connection.execute(
            "do $$ begin execute 'create table own.t as select 1 as a'; end $$; commit;"
            " create table own.t as select a from secret"
        )
    graph.run("reset role")
    expected = {"public.secret.a -> own.t.a DIRECT IDENTITY (ddl)"} if may_read else set()
    try:
        assert graph.alive("own.t") is True
        assert graph.edges() == expected
    finally:
        graph.run("drop schema own cascade", "drop owned by maker", "drop role maker")


def test_our_failure_is_a_warning_and_the_next_sync_catches_up(tracked):
    tracked.run(
        "create function public.refuse() returns trigger language plpgsql as 'begin raise exception $$broken$$; end'",
        "create trigger refuse before insert on lineage.nodes for each row execute function refuse()",
        "create table t (a int)",
    )
    assert len(tracked.notices) == 1
    assert tracked.notices[0].startswith(
        "pg_llm: the lineage graph could not follow CREATE TABLE: "
    )
    assert tracked.rows("select command from lineage.pending") == [("CREATE TABLE",)]
    assert tracked.rows("select count(*) from t") == [(0,)]
    assert tracked.node("public.t") is None
    tracked.run("drop trigger refuse on lineage.nodes")
    tracked.sync()
    assert tracked.alive("public.t") is True
    assert tracked.rows("select command from lineage.pending") == []


def test_a_cancel_passes(own_graph):
    graph = own_graph
    graph.run(
        "select lineage_track(true)",
        "create function public.slow() returns trigger language plpgsql as 'begin perform pg_sleep(30); return new; end'",
        "create trigger slow before insert on lineage.nodes for each row execute function slow()",
        "set statement_timeout = '300ms'",
    )
    started = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        graph.run("create table t (a int)")
    assert time.monotonic() - started < 10
    graph.run("set statement_timeout = 0")
    assert graph.rows("select to_regclass('t')") == [(None,)]


def test_nobody_is_waited_for(own_graph, open_graph):
    own_graph.run("select lineage_track(true)")
    other = open_graph(own_graph.connection.info.dbname)
    other.connection.autocommit = False
    other.connection.execute(
        "insert into lineage.nodes (kind, name) values ('relation', 'public.t')"
    )
    notices = []
    _listen(own_graph, notices)
    started = time.monotonic()
    own_graph.run("create table t (a int)")
    assert time.monotonic() - started < 10
    assert len(notices) == 1
    assert "lock timeout" in notices[0]
    other.connection.rollback()
    own_graph.sync()
    assert own_graph.alive("public.t", "a") is True


def test_two_sessions_do_not_wait_for_each_other(own_graph, open_graph):
    """Neither for a schema that both put tables into nor for a table that both refer to."""
    own_graph.run(
        "select lineage_track(true)", "create schema s", "create table s.base (a int primary key)"
    )
    other = open_graph(own_graph.connection.info.dbname)
    notices = []
    for graph in (own_graph, other):
        _listen(graph, notices)
    other.connection.autocommit = False
    other.connection.execute("create table s.t (a int)")
    other.connection.execute("create view s.v as select a from s.base")
    own_graph.run("create table s.u (a int)", "create view s.w as select a from s.base")
    other.connection.commit()
    assert notices == []
    assert own_graph.edges() == {
        "s.base.a -> s.v.a DIRECT IDENTITY (view)",
        "s.base.a -> s.w.a DIRECT IDENTITY (view)",
    }


def test_the_extension_can_be_dropped_while_it_tracks(own_graph):
    own_graph.run(
        "select lineage_track(true)",
        "create table t (a int)",
        "drop extension pg_llm cascade",
        "create table u (a int)",
    )


def test_only_administrators_switch_it(graph):
    graph.run("create role plain", "grant llm_user to plain", "set role plain")
    for call in (
        "lineage_track(true)",
        "lineage.ddl_capture('', '{}', '{}', '', '')",
        "lineage.drop_capture('{}', '{}', '{}', '{}')",
        "lineage.follow_ddl('', '', '')",
        "lineage.ddl_missed('', '')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            graph.run(f"select {call}")
    graph.run(
        "reset role",
        "create role boss",
        "grant llm_admin to boss",
        "set role boss",
        "select lineage_track(true)",
        "reset role",
    )
