"""The result cache: what is kept, for whom, and that it is never another result than now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.conftest import dsn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

COUNT = "select count(*) as n, sum(size) as size from parcels"
TABLES = """
create type mood as enum ('calm', 'tense');
create table parcels (
    parcel_id int primary key, size int, label text, sent_at timestamptz, feeling mood
);
insert into parcels
    select n, n, 'p' || n, timestamptz '2024-06-01 12:00+00' + n * interval '1 hour', 'calm'
    from generate_series(1, 10) n;
create view parcel_sizes as select parcel_id, size from parcels where size > 0;
create table depots (depot_id int, region text) partition by list (region);
create table depots_north partition of depots for values in ('north');
create table depots_south partition of depots for values in ('south');
insert into depots values (1, 'north'), (2, 'south');
create table animals (name text);
create table dogs (breed text) inherits (animals);
create table orders_of (order_id int primary key);
create table lines_of (line_id int, order_id int references orders_of on delete cascade);
insert into orders_of values (1), (2);
insert into lines_of values (1, 1), (2, 1), (3, 2);
create table crates (size int, label text);
insert into crates values (1, 'one'), (2, 'two');
create sequence counter;
create table unwatched (x int);
create materialized view parcels_then as select * from parcels;
create function twice(x int) returns int immutable language sql as 'select 2 * x';
select llm_result_cache(t) from unnest('{parcels,crates,depots,animals,orders_of,lines_of}'::regclass[]) t;
alter database :database set pg_llm.text2sql_cache = on;
alter database :database set pg_llm.text2sql_result_cache = on;
"""


@pytest.fixture(scope="module", autouse=True)
def depot(server: PostgreSQLExecutor, database_name: str, fleet: None) -> None:
    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute(TABLES.replace(":database", f'"{database_name}"'))


@pytest.fixture
def kept(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield db
    db.execute("reset all; reset role")
    db.execute("delete from llm.results; delete from llm.verified_pairs; delete from llm.answers")


def learn(db: psycopg.Connection, sql: str, *, shared: bool = False) -> str:
    """Make a question that is answered by a statement."""
    question = f"Question about {sql}"
    db.execute("select llm_verify(%s, %s, %s)", [question, sql, shared])
    return question


def ask(db: psycopg.Connection, question: str) -> list[Any]:
    return [row for (row,) in db.execute("select * from llm_ask(%s)", [question])]


def reset(db: psycopg.Connection, role: str) -> None:
    """Remove a role that an earlier test may have left behind."""
    if db.execute("select from pg_roles where rolname = %s", [role]).rowcount:
        db.execute(f"drop owned by {role}; drop role {role}")


def hits(db: psycopg.Connection) -> int:
    return db.execute("select coalesce(sum(hits), 0)::int from llm.kept_results").fetchone()[0]


def results(db: psycopg.Connection) -> int:
    return db.execute("select count(*)::int from llm.kept_results").fetchone()[0]


def truth(db: psycopg.Connection, sql: str) -> list[Any]:
    return [row for (row,) in db.execute(f"select to_jsonb(q) from ({sql}) q")]


def test_a_result_is_given_again(kept: psycopg.Connection) -> None:
    question = learn(kept, COUNT)
    notices: list[str] = []
    kept.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    kept.execute("set client_min_messages = debug2")
    first = ask(kept, question)
    again = ask(kept, question)
    kept.execute("reset client_min_messages")
    assert first == again == truth(kept, COUNT)
    assert (results(kept), hits(kept)) == (1, 1)
    row = kept.execute(
        "select role::text, sql, typed, relations::text[], row_count, hits, current"
        " from llm.kept_results"
    ).fetchone()
    assert row == (kept.info.user, COUNT, False, ["parcels"], 1, 1, True)
    assert any("is given again" in notice for notice in notices)


def test_it_is_off_by_default(kept: psycopg.Connection) -> None:
    kept.execute("set pg_llm.text2sql_result_cache = ''")
    assert kept.execute("select llm_setting('text2sql_result_cache')").fetchone() == ("off",)
    question = learn(kept, COUNT)
    assert ask(kept, question) == ask(kept, question)
    assert results(kept) == 0


@pytest.mark.parametrize(
    "change",
    [
        "insert into parcels (parcel_id, size) values (1000, 5)",
        "update parcels set size = size + 1",
        "delete from parcels where parcel_id = 1",
        "truncate parcels",
        (
            "merge into parcels p using (select 1 as id) s on p.parcel_id = s.id"
            " when matched then update set size = 70"
        ),
        (
            "insert into parcels (parcel_id, size) values (1, 4) on conflict (parcel_id)"
            " do update set size = 90"
        ),
        "with gone as (delete from parcels where size > 3 returning 1) select count(*) from gone",
        "update parcel_sizes set size = 50 where parcel_id = 2",
        "do $$ begin execute 'update parcels set size = 7'; end $$",
        "set local session_replication_role = replica; update parcels set size = 12",
        (
            "alter table parcels disable trigger all; update parcels set size = 13;"
            " alter table parcels enable trigger all"
        ),
        (
            "alter table parcels disable trigger pg_llm_result_cache; update parcels set size = 14;"
            " alter table parcels enable always trigger pg_llm_result_cache"
        ),
        (
            "select llm_result_cache('parcels', false); update parcels set size = 15;"
            " select llm_result_cache('parcels')"
        ),
    ],
)
def test_a_change_is_seen_by_everyone_once_it_is_committed(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection], change: str
) -> None:
    question = learn(kept, COUNT)
    writer = connect(autocommit=False)
    before = ask(kept, question)
    kept.execute("select llm_ask(%s)", [question])
    try:
        writer.execute(change)
        if not change.startswith(("alter", "truncate", "select", "set local")):
            assert ask(kept, question) == before
            assert hits(kept) == 2
        # the writer itself
        assert ask(writer, question) == truth(writer, COUNT) != before
        writer.commit()
        assert ask(kept, question) == truth(kept, COUNT) != before
    finally:
        writer.close()
        kept.execute("delete from parcels")
        kept.execute("alter table parcels enable always trigger pg_llm_result_cache")
        kept.execute(
            "insert into parcels select n, n, 'p' || n,"
            " timestamptz '2024-06-01 12:00+00' + n * interval '1 hour', 'calm'"
            " from generate_series(1, 10) n"
        )


def test_what_is_rolled_back_changes_nothing(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    question = learn(kept, COUNT)
    before = ask(kept, question)
    with kept.transaction():
        with kept.transaction(force_rollback=True):
            kept.execute("update parcels set size = 1")
            assert ask(kept, question) != before
            assert ask(kept, question) == truth(kept, COUNT)
        assert ask(kept, question) == before
    with kept.transaction(force_rollback=True):
        kept.execute("update parcels set size = 1")
        assert ask(kept, question) != before
    # also for a writer that kept its own result and rolled only the change back
    with kept.transaction():
        kept.execute("savepoint a")
        kept.execute("update parcels set size = 1")
        kept.execute("savepoint b")
        ask(kept, question)
        kept.execute("release b")
        kept.execute("rollback to a")
        assert ask(kept, question) == before
    assert ask(connect(), question) == before


def test_a_result_of_a_transaction_that_wrote_before_or_after_it_is_not_used(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    question = learn(kept, COUNT)
    other = connect()
    with kept.transaction():
        # a number of its own, older than the snapshot that the result is computed under
        kept.execute("create temporary table anything (x int) on commit drop")
        kept.execute("insert into anything select pg_current_xact_id()::text::int8 * 0")
        other.execute("create table if not exists numbers_go_on (x int)")
        other.execute("insert into numbers_go_on values (1)")
        between = ask(kept, question)
        kept.execute("insert into parcels (parcel_id, size) values (2000, 5)")
        assert ask(kept, question) == truth(kept, COUNT) != between
    assert ask(other, question) == truth(other, COUNT) != between
    kept.execute("delete from parcels where parcel_id = 2000")
    kept.execute("drop table numbers_go_on")


def test_writers_that_commit_out_of_order(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    question = learn(kept, COUNT)
    first, second = connect(autocommit=False), connect(autocommit=False)
    first.execute("insert into parcels (parcel_id, size) values (3001, 1)")
    second.execute("insert into parcels (parcel_id, size) values (3002, 1)")
    seen = [ask(kept, question)]
    second.commit()
    seen += [ask(kept, question), ask(kept, question)]
    assert hits(kept) == 1
    first.commit()
    seen.append(ask(kept, question))
    assert [row[0]["n"] for row in seen] == [10, 11, 11, 12]
    kept.execute("delete from parcels where parcel_id > 3000")


def test_an_old_snapshot_neither_sees_the_future_nor_leaves_the_past_behind(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    question = learn(kept, COUNT)
    ask(kept, question)
    old = connect(autocommit=False)
    old.execute("set transaction isolation level repeatable read")
    before = truth(old, COUNT)
    assert ask(old, question) == before
    kept.execute("insert into parcels (parcel_id, size) values (4000, 1)")
    after = ask(kept, question)
    assert after == truth(kept, COUNT) != before
    assert ask(old, question) == before
    kept.execute("delete from llm.results")
    assert ask(old, question) == before
    old.commit()
    assert ask(kept, question) == after
    assert ask(old, question) == after
    old.rollback()
    old.execute("set transaction isolation level serializable")
    count = hits(kept)
    assert ask(old, question) == after
    old.commit()
    assert hits(kept) == count
    old.close()
    kept.execute("delete from parcels where parcel_id = 4000")


def test_a_row_trigger_sees_its_own_statement(kept: psycopg.Connection) -> None:
    question = learn(kept, COUNT)
    ask(kept, question)
    kept.execute("create table seen (n int)")
    kept.execute(
        "create function look() returns trigger language plpgsql as $$ begin"
        f" insert into seen select (a ->> 'n')::int from llm_ask($q${question}$q$) a;"
        " return null; end $$"
    )
    kept.execute(
        "create trigger look after insert on parcels for each row execute function look()"
    )
    kept.execute("insert into parcels (parcel_id, size) values (5000, 1)")
    assert kept.execute("select n from seen").fetchall() == [(11,)]
    kept.execute("drop function look() cascade; drop table seen")
    kept.execute("delete from parcels where parcel_id = 5000")


def test_a_cascade_is_a_change(kept: psycopg.Connection) -> None:
    question = learn(kept, "select count(*) as n from lines_of")
    assert ask(kept, question) == [{"n": 3}]
    kept.execute("delete from orders_of where order_id = 1")
    assert ask(kept, question) == [{"n": 1}]


def test_a_prepared_transaction_is_a_change_when_it_commits(
    kept: psycopg.Connection,
) -> None:
    question = learn(kept, COUNT)
    before = ask(kept, question)
    kept.execute("begin; update parcels set size = size + 1; prepare transaction 'later'")
    assert ask(kept, question) == before
    kept.execute("commit prepared 'later'")
    assert ask(kept, question) == truth(kept, COUNT) != before
    kept.execute("update parcels set size = parcel_id")


def test_partitions_and_parents(kept: psycopg.Connection) -> None:
    all_of, north = (
        learn(kept, f"select count(*) as n from {t}") for t in ("depots", "depots_north")
    )

    def counts() -> list[int]:
        found = [ask(kept, question)[0]["n"] for question in (all_of, north)]
        assert found == [ask(kept, question)[0]["n"] for question in (all_of, north)]
        return found

    assert counts() == [2, 1]
    assert hits(kept) == 2
    kept.execute("insert into depots_south values (3, 'south')")
    assert counts() == [3, 1]
    kept.execute("insert into depots values (4, 'north')")
    assert counts() == [4, 2]
    kept.execute("update depots set region = 'north' where depot_id = 3")
    assert counts() == [4, 3]
    kept.execute("create table depots_east (like depots); insert into depots_east values (9, 'e')")
    kept.execute("alter table depots attach partition depots_east for values in ('e')")
    before = hits(kept)
    assert counts() == [5, 3]
    assert hits(kept) == before + 2  # the partition's own; the whole has a part not watched
    kept.execute("insert into depots_east values (10, 'e')")
    assert counts() == [6, 3]
    watched = kept.execute("select llm_result_cache('depots')::text[]").fetchone()[0]
    assert sorted(watched) == ["depots", "depots_east", "depots_north", "depots_south"]
    assert counts() == [6, 3]
    assert hits(kept) >= before + 3
    kept.execute("alter table depots detach partition depots_east")
    assert counts() == [4, 3]
    kept.execute("drop table depots_east; truncate depots")
    assert counts() == [0, 0]


def test_children(kept: psycopg.Connection) -> None:
    question = learn(kept, "select count(*) as n from animals")
    kept.execute("insert into dogs values ('Rex', 'collie')")
    assert ask(kept, question) == ask(kept, question) == [{"n": 1}]
    assert hits(kept) == 1
    kept.execute("insert into dogs values ('Bella', 'collie')")
    assert ask(kept, question) == [{"n": 2}]
    # written by way of another parent that nobody watches
    kept.execute("create table pets (name text); alter table dogs inherit pets")
    count = hits(kept)
    assert ask(kept, question) == ask(kept, question)
    kept.execute("delete from pets")
    assert ask(kept, question) == [{"n": 0}]
    assert hits(kept) == count
    kept.execute("alter table dogs no inherit pets; drop table pets")


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from unwatched",
        "select count(*) from parcels, unwatched",
        "select count(*) from parcels_then",
        "select last_value from counter",
        "select count(*) from parcels where sent_at < now()",
        "select count(*) from parcels where sent_at < current_date",
        "select count(*) from parcels where sent_at < statement_timestamp()",
        "select current_user::text as who, count(*) from parcels",
        "select random() as r from parcels",
        "select twice(size) from parcels",
        "select label::date from parcels where size > 100",
        "select age(sent_at) from parcels",
        "select ctid::text from parcels",
        "select p from parcels p",
        "select count(*) from parcels where label = 'parcels'::regclass::text",
        "select size::text::timetz from parcels where size > 100",
        "select sent_at::time::timetz from parcels",
        "select count(*) from parcels where to_tsvector(label) @@ to_tsquery('p1')",
        "select count(*) from short_lived",
        "select count(*) from guarded_rows",
        "select count(*) from soon",
    ],
)
def test_what_depends_on_more_than_is_known_is_not_kept(
    kept: psycopg.Connection, sql: str
) -> None:
    kept.execute("create temporary table short_lived (x int)")
    kept.execute(
        "create table if not exists guarded_rows (x int);"
        " alter table guarded_rows enable row level security;"
        " select llm_result_cache('guarded_rows');"
        " create or replace view soon as select * from parcels where sent_at < now()"
    )
    question = learn(kept, sql)
    assert len(ask(kept, question)) == len(ask(kept, question))
    assert results(kept) == 0
    # evidence that it is the cause and not the question
    ask(kept, learn(kept, COUNT))
    assert results(kept) == 1


def test_what_is_known_is_kept(kept: psycopg.Connection) -> None:
    statements = [
        "select date_trunc('day', sent_at) as day, count(*) from parcels group by 1 order by 1",
        (
            "select extract(year from sent_at) as y, avg(size), string_agg(label, ',') from parcels"
            " group by 1"
        ),
        "select to_char(sent_at, 'YYYY-MM') as m, concat(label, size) from parcels",
        "select sent_at::date as d, size::text || 'x' as t from parcels where label ilike 'p%'",
        "select feeling, count(*) from parcels group by 1",
        (
            "select p.size, s.size as other from parcels p join parcel_sizes s using (parcel_id)"
            " where p.size > (select avg(size) from parcels) order by 1"
        ),
        "select rank() over (order by size desc) as r, coalesce(label, '?') from parcels",
        (
            "with big as (select * from parcels where size in (1, 2)) select count(*) from big"
            " where exists (select from parcels q where q.parcel_id = big.parcel_id)"
        ),
        "select size from parcels where size > 8 union select 3 order by 1 limit 2",
        (
            "select case when size > 5 then 'big' else 'small' end as s, array_agg(size) from parcels"
            " group by 1 having count(*) > 1"
        ),
        (
            "select count(*) filter (where (size, parcel_id) > (1, 2)) from parcels"
            " where sent_at >= timestamptz '2024-01-01' and size is not null"
        ),
    ]
    for number, sql in enumerate(statements, start=1):
        question = learn(kept, sql)
        assert ask(kept, question) == ask(kept, question) == truth(kept, sql)
        assert (results(kept), hits(kept)) == (number, number), sql


@pytest.mark.parametrize(
    ("sql", "change"),
    [
        (
            "select count(*) as n from parcel_sizes",
            (
                "create or replace view parcel_sizes as"
                " select parcel_id, size from parcels where size > 5"
            ),
        ),
        (
            "select feeling from parcels where parcel_id = 1",
            "alter type mood rename value 'calm' to 'serene'",
        ),
        (
            "select max(size) as m from crates",
            "alter table crates alter size type int using size + 100",
        ),
        (
            "select max(label) as m from crates",
            "alter table crates alter label type varchar(1) using 'x'",
        ),
        (
            "select * from parcels where size = 1",
            "alter table parcels add extra int default 7",
        ),
    ],
)
def test_a_changed_definition_is_noticed(kept: psycopg.Connection, sql: str, change: str) -> None:
    kept.execute("set pg_llm.text2sql_cache = off")
    question = learn(kept, sql)
    with kept.transaction(force_rollback=True):
        before = ask(kept, question)
        kept.execute(change)
        assert ask(kept, question) == truth(kept, sql) != before
    assert ask(kept, question) == truth(kept, sql) == before


def test_the_settings_that_decide_how_a_value_is_written(
    kept: psycopg.Connection,
) -> None:
    sql = "select sent_at, sent_at::text as t from parcels where parcel_id = 1"
    question = learn(kept, sql)
    seen = []
    for setting in (
        "timezone = 'UTC'",
        "timezone = 'Asia/Shanghai'",
        "datestyle = 'German'",
    ):
        kept.execute(f"set {setting}")
        assert ask(kept, question) == ask(kept, question) == truth(kept, sql)
        seen.append(str(ask(kept, question)))
    assert len(set(seen)) == 3


def test_rights_are_asked_for_on_every_use(kept: psycopg.Connection) -> None:
    reset(kept, "peeker")
    kept.execute("create role peeker in role llm_user")
    kept.execute("grant select on parcels to peeker")
    question = learn(kept, COUNT, shared=True)
    kept.execute("set role peeker")
    assert ask(kept, question) == ask(kept, question)
    assert hits(kept) == 1
    kept.execute("reset role; revoke select on parcels from peeker; set role peeker")
    with pytest.raises(psycopg.Error):
        ask(kept, question)
    kept.execute("reset role; grant select (parcel_id) on parcels to peeker; set role peeker")
    with pytest.raises(psycopg.Error):
        ask(kept, question)
    kept.execute("reset role; grant select on parcels to peeker; set role peeker")
    assert ask(kept, question) == truth(kept, COUNT)
    kept.execute("reset role; drop owned by peeker; drop role peeker")


def test_a_role_neither_reads_nor_forges_the_results_of_another(
    kept: psycopg.Connection,
) -> None:
    reset(kept, "peeker")
    kept.execute("create role peeker in role llm_user")
    kept.execute("grant select on parcels to peeker")
    question = learn(kept, COUNT, shared=True)
    ask(kept, question)
    kept.execute("set role peeker")
    assert kept.execute("select count(*) from llm.results").fetchone() == (0,)
    assert results(kept) == 0
    for statement in (
        "update llm.results set role = 'postgres'",
        (
            "insert into llm.results (role, key, sql, definition, rows, bytes, relations, tables,"
            " views, routines, types, version, snapshot, milliseconds) values ('postgres', 'k', '',"
            " '', '{}', 0, '{}', '{}', '{}', '{}', '{}', '', '1:1:', 0)"
        ),
        "insert into llm.changes values (1, '1')",
        "delete from llm.changes",
        "delete from llm.change_horizons",
        "select llm.forget_changes(1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            kept.execute(statement)
    assert ask(kept, question) == truth(kept, COUNT)
    kept.execute('update llm.results set rows = \'{"{\\"n\\": 777}"}\'')
    assert ask(kept, question) == [{"n": 777}]  # its own to spoil
    kept.execute("reset role")
    assert ask(kept, question) == truth(kept, COUNT)
    kept.execute("grant llm_monitor to peeker; set role peeker")
    assert results(kept) == 2
    assert kept.execute("select count(*) from llm.results").fetchone() == (1,)
    kept.execute("reset role; drop owned by peeker; delete from llm.results; drop role peeker")


def test_who_may_write_notes_changes_and_who_owns_watches(
    kept: psycopg.Connection,
) -> None:
    reset(kept, "scribe")
    kept.execute("create role scribe")
    kept.execute("grant insert on parcels to scribe; grant delete, select on parcels to scribe")
    question = learn(kept, COUNT)
    before = ask(kept, question)
    kept.execute("set role scribe")
    kept.execute("insert into parcels (parcel_id, size) values (6000, 1)")
    kept.execute("reset role")
    assert ask(kept, question) != before
    kept.execute("grant llm_user to scribe; set role scribe")
    kept.execute("delete from parcels where parcel_id = 6000")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        kept.execute("select llm_result_cache('parcels', false)")
    kept.execute("reset role; drop owned by scribe; drop role scribe")
    for name in ("parcel_sizes", "parcels_then", "pg_class", "llm.settings"):
        with pytest.raises(psycopg.errors.WrongObjectType):
            kept.execute("select llm_result_cache(%s)", [name])
    assert kept.execute("select llm_result_cache(null)").fetchone() == (None,)


RECORD = "t(n bigint, s numeric(6,2), d date, w timestamptz, l text, a int[], f float8, j jsonb)"


def test_a_typed_record_comes_from_the_cache_too(kept: psycopg.Connection) -> None:
    sql = (
        "select count(*) as n, max(size)::numeric(6,2) as s, max(sent_at)::date as d,"
        " max(sent_at) as w, nullif(max(label), 'p9') as l, array_agg(size order by size) as a,"
        " -0.0::float8 as f, 'null'::jsonb as j from parcels group by size > 5 order by 1"
    )
    question = learn(kept, sql)
    call = f"select *, s::text, f::text, j is null from llm_ask_table(%s) as {RECORD}"
    first = kept.execute(call, [question]).fetchall()
    again = kept.execute(call, [question]).fetchall()
    direct = kept.execute(f"select *, s::text, f::text, j is null from ({sql}) q").fetchall()
    assert first == again == direct
    assert (results(kept), hits(kept)) == (1, 1)
    with pytest.raises(psycopg.errors.DatatypeMismatch) as raised:
        kept.execute("select * from llm_ask_table(%s) as t(n bigint)", [question])
    assert "t(n bigint, s numeric, d date" in (raised.value.diag.message_hint or "")
    kept.execute("insert into parcels (parcel_id, size) values (7000, 1)")
    third = kept.execute(call, [question]).fetchall()
    assert third != direct
    kept.execute("delete from parcels where parcel_id = 7000")
    kept.execute("set datestyle = 'German'")
    count = hits(kept)
    texts = call.replace("*", "w::text", 1)
    assert kept.execute(texts, [question]).fetchall() == kept.execute(texts, [question]).fetchall()
    assert hits(kept) == count


def test_what_is_too_large_too_old_or_too_much_is_not_kept(
    kept: psycopg.Connection,
) -> None:
    def limit(name: str, value: int) -> None:
        kept.execute(
            "insert into llm.settings values (%s, %s)"
            " on conflict (name) do update set value = excluded.value",
            [name, str(value)],
        )

    questions = [learn(kept, f"select label from parcels where size < {n}") for n in range(5, 9)]
    limit("text2sql_result_bytes", 10)
    ask(kept, questions[0])
    assert results(kept) == 0
    limit("text2sql_result_bytes", 1000)
    limit("text2sql_results_bytes", 200)
    for question in questions:
        ask(kept, question)
        total = kept.execute("select sum(bytes) from llm.kept_results").fetchone()[0]
        assert 0 < total <= 200
    kept.execute("update llm.results set computed_at = now() - interval '2 days'")
    ask(kept, questions[-1])
    assert hits(kept) == 0
    assert results(kept) == 1
    kept.execute("delete from llm.settings")


def test_two_open_transactions_do_not_wait_for_each_other(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    question = learn(kept, COUNT)
    first, second = connect(autocommit=False), connect(autocommit=False)
    second.execute("set local lock_timeout = '5s'")
    assert ask(first, question) == ask(second, question)
    first.rollback()
    second.commit()
    second.execute("set local lock_timeout = '5s'")
    assert ask(first, question) == ask(second, question) == ask(first, question)
    assert hits(kept) == 0
    first.commit()
    second.commit()
    assert hits(kept) >= 1


def test_what_keeps_changes_from_being_noticed_is_named(kept: psycopg.Connection) -> None:
    state = (
        "select relations::regclass[]::text[], unwatched"
        " from llm.result_state(array[%s::regclass::oid], '{}', '{}', '{}')"
    )
    assert kept.execute(state, ["parcels"]).fetchone() == (["parcels"], None)
    assert kept.execute(state, ["unwatched"]).fetchone() == (
        ["unwatched"],
        "public.unwatched is not watched (llm_result_cache)",
    )
    with kept.transaction(force_rollback=True):
        kept.execute("alter table parcels enable row level security")
        assert kept.execute(state, ["parcels"]).fetchone() == (
            ["parcels"],
            "public.parcels has row-level security",
        )


def test_changes_are_forgotten_when_nothing_needs_them(
    kept: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    question = learn(kept, COUNT)

    def changes() -> int:
        found = kept.execute(
            "select count(*) from llm.changes where relation = 'parcels'::regclass"
        ).fetchone()
        return found[0]

    ask(kept, question)
    holding = connect(autocommit=False)
    holding.execute("insert into unwatched values (1)")
    for _ in range(3):
        kept.execute("update parcels set size = size")
    assert changes() >= 3
    changed = "select llm.result_changed(relations, snapshot, xid) from llm.results"
    assert kept.execute(changed).fetchone() == (True,)
    kept.execute("select llm.forget_changes('parcels'::regclass)")
    assert results(kept) == 0  # untrue by now
    assert changes() >= 3  # a transaction is open that is older than they are
    holding.rollback()
    kept.execute("select llm.forget_changes('parcels'::regclass)")
    assert changes() == 0


def test_a_result_that_is_committed_after_its_changes_were_forgotten_is_not_used(
    kept: psycopg.Connection,
) -> None:
    question = learn(kept, COUNT)
    past = ask(kept, question)
    row = kept.execute("select rows, snapshot::text from llm.results").fetchone()
    kept.execute("insert into parcels (parcel_id, size) values (8000, 1)")
    kept.execute("select llm.forget_changes('parcels'::regclass)")
    present = ask(kept, question)
    assert present == truth(kept, COUNT) != past
    kept.execute("update llm.results set rows = %s, snapshot = %s::pg_snapshot", row)
    assert ask(kept, question) == present
    kept.execute("delete from parcels where parcel_id = 8000")


def test_one_writer_in_a_thousand_tidies_up(kept: psycopg.Connection) -> None:
    for _ in range(1100):
        kept.execute("update parcels set size = size where false")
    found = kept.execute(
        "select count(*) from llm.changes where relation = 'parcels'::regclass"
    ).fetchone()
    assert found[0] < 1100


def test_a_constant_is_what_it_was_when_the_server_read_it(
    kept: psycopg.Connection,
) -> None:
    """The key is the analysed tree: 'today' is a date in it."""
    question = learn(kept, "select count(*) as n from parcels where sent_at > 'today'::date")
    ask(kept, question)
    ask(kept, question)
    (sql, key), *_ = kept.execute("select sql, key from llm.results").fetchall()
    assert "'today'" in sql
    assert hits(kept) == 1
    other = learn(kept, "select count(*) as n from parcels where sent_at > 'tomorrow'::date")
    ask(kept, other)
    assert kept.execute("select count(distinct key) from llm.results").fetchone() == (2,)
    assert key
