"""Which writes leave a mark: every way to change a row, and none that leaves its text."""

from __future__ import annotations

import psycopg
import pytest

from tests.vectors.conftest import hits, state, stored


@pytest.fixture
def notes(db, provider):
    """Forty rows that are embedded, with a second text column and one that is not text."""
    db.execute(
        "create table notes (id int primary key, body text, lang text default 'en', other int default 0)"
    )
    db.execute("insert into notes select i, 'text ' || i from generate_series(1, 40) i")
    db.execute("select llm_vectorize('notes', '{body}', model => 'remote', metadata => '{lang}')")
    db.execute("call llm_work()")
    provider.texts.clear()
    return db


def marked(db, collection="notes"):
    """Return the keys in the queue, sorted, each once."""
    version = db.execute(
        "select active from llm.collections where name = %s", [collection]
    ).fetchone()[0]
    rows = db.execute(
        f"select distinct unnest(k1)::text from llm.vectors_{version}_queue where n > 0"
    ).fetchall()
    return sorted(key for (key,) in rows)


SILENT = [
    "update notes set other = other + 1",
    "update notes set body = body",
    "update notes set body = body, lang = lang, other = 9",
    "insert into notes (id) select 1 where false",
    "delete from notes where false",
    "insert into notes values (1, 'x') on conflict do nothing",
    "insert into notes values (1, 'x') on conflict (id) do update set other = 7",
]


@pytest.mark.parametrize("statement", SILENT)
def test_what_leaves_the_text_leaves_no_mark(notes, statement):
    notes.execute(statement)
    assert marked(notes) == []


LOUD = [
    ("insert into notes values (50, 'a'), (51, null)", ["50", "51"]),
    ("update notes set body = 'b' where id in (3, 4)", ["3", "4"]),
    ("update notes set body = null where id = 3", ["3"]),
    ("update notes set lang = 'de' where id = 5", ["5"]),
    ("update notes set id = id + 100 where id in (6, 7)", ["106", "107", "6", "7"]),
    ("delete from notes where id in (8, 9)", ["8", "9"]),
    (
        "insert into notes values (1, 'x'), (60, 'y') on conflict (id) do update set body = excluded.body",
        ["1", "60"],
    ),
    (
        """
        merge into notes n using (values (1, 'm'), (70, 'n')) v(id, body) on n.id = v.id
        when matched then update set body = v.body
        when not matched then insert values (v.id, v.body)
        """,
        ["1", "70"],
    ),
    (
        "with gone as (delete from notes where id = 10 returning *) insert into notes select id + 200, body from gone",
        ["10", "210"],
    ),
]


@pytest.mark.parametrize(("statement", "keys"), LOUD)
def test_what_changes_the_text_leaves_a_mark(notes, statement, keys):
    notes.execute(statement)
    assert marked(notes) == sorted(keys)
    notes.execute("call llm_work()")
    assert state(notes) == (0, 0)
    expected = notes.execute("select id, body from notes where body is not null order by 1")
    assert stored(notes) == expected.fetchall()


def test_many_rows_of_a_statement_are_few_marks(notes):
    notes.execute("insert into notes select i, 'text ' || i from generate_series(1001, 31000) i")
    version = notes.execute("select active from llm.collections").fetchone()[0]
    marks, rows = notes.execute(
        f"select count(*), sum(n) from llm.vectors_{version}_queue"
    ).fetchone()
    assert rows == 30_000
    assert marks <= 64
    assert state(notes) == (30_000, 0)


def test_copy_of_a_hundred_thousand_rows(notes):
    with notes.cursor().copy("copy notes (id, body) from stdin") as copy:
        for i in range(1000, 101_000):
            copy.write_row((i, None if i % 50 else f"copied {i}"))
    assert state(notes) == (100_000, 0)
    notes.execute("call llm_work()")
    assert state(notes) == (0, 0)
    assert len(stored(notes)) == 2040


def test_a_savepoint_that_is_rolled_back_takes_its_marks_along(notes, connect):
    session = connect(autocommit=False)
    session.execute("update notes set body = 'kept' where id = 1")
    session.execute("savepoint s")
    session.execute("update notes set body = 'gone' where id = 2")
    session.execute("insert into notes values (99, 'gone')")
    session.execute("delete from notes where id = 3")
    session.execute("rollback to s")
    session.commit()
    assert marked(notes) == ["1"]
    notes.execute("call llm_work()")
    assert dict(stored(notes))[3] == "text 3"


def test_foreign_keys_that_cascade(db, provider):
    db.execute("create table notebooks (id int primary key)")
    db.execute(
        "create table pages (notebook int references notebooks on delete cascade on update cascade, "
        "page int, body text, primary key (notebook, page))"
    )
    db.execute("insert into notebooks values (1), (2)")
    db.execute("insert into pages values (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'c')")
    db.execute("select llm_vectorize('pages', '{body}', model => 'remote')")
    db.execute("call llm_work()")
    db.execute("update notebooks set id = 3 where id = 1")
    db.execute("delete from notebooks where id = 2")
    db.execute("call llm_work()")
    assert stored(db, "pages") == [(3, "a"), (3, "b")]
    assert hits(db, "b", "pages")[0] == {"notebook": 3, "page": 2}


def test_replication_role_is_not_seen_until_a_refresh(notes):
    notes.execute("set session_replication_role = replica")
    notes.execute("update notes set body = 'silent' where id = 1")
    notes.execute("reset session_replication_role")
    assert marked(notes) == []
    notes.execute("select llm_collection_refresh('notes')")
    notes.execute("call llm_work()")
    assert dict(stored(notes))[1] == "silent"


def test_a_before_trigger_that_changes_the_text(notes):
    """It changes a column that the UPDATE does not name: UPDATE OF would not see it."""
    notes.execute(
        "create function shout() returns trigger language plpgsql as "
        "$$ begin new.body = upper(new.body) || new.other; return new; end $$"
    )
    notes.execute(
        "create trigger shout before update on notes for each row execute function shout()"
    )
    notes.execute("update notes set other = 5 where id = 1")
    assert marked(notes) == ["1"]
    notes.execute("call llm_work()")
    assert dict(stored(notes))[1] == "TEXT 15"
    notes.execute("drop trigger shout on notes")
    notes.execute("alter table notes add column more int")
    notes.execute("update notes set other = 6")
    assert marked(notes) == []
    notes.execute("update notes set body = 'x' where id = 2")
    assert marked(notes) == ["2"]
    notes.execute("drop function shout")


def test_a_generated_column(db, provider):
    db.execute(
        "create table people (id int primary key, first text, last text, other int, "
        "whole text generated always as (first || ' ' || last) stored)"
    )
    db.execute("insert into people values (1, 'Ada', 'Lovelace')")
    db.execute("select llm_vectorize('people', '{whole}', model => 'remote')")
    db.execute("call llm_work()")
    db.execute("update people set other = 1")
    assert marked(db, "people") == []
    db.execute("update people set last = 'Byron'")
    assert marked(db, "people") == ["1"]
    db.execute("call llm_work()")
    assert stored(db, "people") == [(1, "Ada Byron")]


def test_values_that_are_equal_and_written_differently(db, provider):
    """Equality of the type is not what counts, the text is."""
    db.execute(
        "create collation if not exists lenient (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    db.execute(
        "create table odd (id int primary key, a numeric, b text collate lenient, c json, d point, e interval)"
    )
    db.execute("insert into odd values (1, 1.0, 'word', '{}', '(1,2)', '24 hours')")
    db.execute("select llm_vectorize('odd', '{a,b,c,d,e}', model => 'remote')")
    db.execute("call llm_work()")
    for change in ("a = 1.00", "b = 'WORD'", "c = '{ }'", "d = '(1,3)'", "e = '1 day'"):
        db.execute(f"update odd set {change}")
        assert marked(db, "odd") == ["1"], change
        db.execute("call llm_work()")
    db.execute("update odd set a = 1.00, b = 'WORD', c = '{ }'")
    assert marked(db, "odd") == []


def test_renamed_columns_are_followed_by_the_triggers(notes):
    notes.execute('alter table notes rename column id to "Number"')
    notes.execute("alter table notes rename column body to words")
    notes.execute("alter table notes rename to memos")
    notes.execute("insert into memos values (50, 'new')")
    notes.execute("update memos set words = 'changed' where \"Number\" = 1")
    notes.execute('update memos set "Number" = 102 where "Number" = 2')
    notes.execute('delete from memos where "Number" = 3')
    assert marked(notes) == ["1", "102", "2", "3", "50"]
    notes.execute("select llm_collection_model('notes', 'other')")
    notes.execute("call llm_work()")
    assert state(notes, "notes", "model", "pending") == ("other", 0)
    assert dict(stored(notes))[102] == "text 2"


def test_a_rename_that_no_event_trigger_saw_is_repaired(notes):
    notes.execute("alter event trigger llm_collections_altered disable")
    try:
        notes.execute("alter table notes rename column id to number")
        notes.execute("select llm_collection_repair('notes')")
    finally:
        notes.execute("alter event trigger llm_collections_altered enable")
    notes.execute("insert into notes values (50, 'new')")
    assert marked(notes) == ["50"]


def test_a_partitioned_table_whose_partitions_are_written(db, provider):
    db.execute(
        "create table p (id int, kind text, body text, primary key (id, kind)) partition by list (kind)"
    )
    db.execute("create table p_a partition of p for values in ('a')")
    db.execute("insert into p select i, 'a', 'text ' || i from generate_series(1, 20) i")
    db.execute("select llm_vectorize('p', '{body}', model => 'remote')")
    db.execute("call llm_work()")
    db.execute("create table p_b partition of p for values in ('b')")
    db.execute("insert into p_b values (30, 'b', 'thirty')")
    db.execute("update p set kind = 'b' where id = 1")
    db.execute("update p_a set body = 'two' where id = 2")
    db.execute("delete from p_a where id = 3")
    assert (3, "text 3") not in stored(db, "p")
    db.execute("call llm_work()")
    assert stored(db, "p") == db.execute("select id, body from p order by 1").fetchall()
    db.execute("truncate p")
    db.execute("call llm_work()")
    assert stored(db, "p") == []


def test_a_partition_that_is_written_under_its_parents_name(db, provider):
    """Also one that became a partition after it was vectorized."""
    db.execute("create table whole (id int, kind text, body text) partition by list (kind)")
    db.execute("create table part_a partition of whole (primary key (id)) for values in ('a')")
    db.execute("create table part_b (id int primary key, kind text, body text)")
    for part in ("part_a", "part_b"):
        db.execute("select llm_vectorize(%s, '{body}', model => 'remote')", [part])
    db.execute("alter table whole attach partition part_b for values in ('b')")
    db.execute("insert into whole values (1, 'a', 'one'), (2, 'a', 'two'), (3, 'b', 'three')")
    db.execute("call llm_work()")
    assert stored(db, "part_a") == [(1, "one"), (2, "two")]
    assert stored(db, "part_b") == [(3, "three")]
    db.execute("update whole set kind = 'b' where id = 1")
    db.execute("update whole set body = 'drei' where id = 3")
    db.execute("delete from whole where id = 2")
    assert stored(db, "part_a") == []
    db.execute("call llm_work()")
    assert stored(db, "part_b") == [(1, "one"), (3, "drei")]
    db.execute("alter table whole detach partition part_b")
    db.execute("insert into part_b select i, 'b', 'x' from generate_series(10, 2009) i")
    version = db.execute("select active from llm.collections where name = 'part_b'").fetchone()[0]
    marks = db.execute(f"select count(*) from llm.vectors_{version}_queue").fetchone()[0]
    db.execute("call llm_work()")
    assert len(stored(db, "part_b")) == 2002
    # By statement again after the next ALTER TABLE at the latest.
    db.execute("alter table part_b add column more int")
    db.execute("delete from part_b")
    assert marks in (4, 2000)
    assert db.execute(f"select count(*) from llm.vectors_{version}_queue").fetchone()[0] <= 8


def test_text_keys_and_composite_keys_in_bulk(db, provider):
    db.execute("create domain code as text check (value <> '')")
    db.execute("create table parts (made date, what code, body text, primary key (what, made))")
    db.execute("select llm_vectorize('parts', '{body}', model => 'remote')")
    db.execute(
        "insert into parts select date '2024-01-01' + i, 'código ' || i % 7, 'part ' || i from generate_series(1, 3000) i"
    )
    db.execute("update parts set body = null where made > '2024-01-31'")
    db.execute("call llm_work()")
    assert state(db, "parts") == (0, 0)
    assert len(stored(db, "parts")) == 30
    db.execute("delete from parts where made <= '2024-01-20'")
    assert len(stored(db, "parts")) == 11
    db.execute("drop table parts cascade")
    db.execute("drop domain code")


def test_a_key_of_a_composite_type_is_refused(db):
    db.execute("create type pair as (a int, b int)")
    db.execute("create table pairs (id pair primary key, body text)")
    with pytest.raises(psycopg.Error) as caught:
        db.execute("select llm_vectorize('pairs', '{body}')")
    assert caught.value.sqlstate == "0A000"
    db.execute("drop table pairs")
    db.execute("drop type pair")


def test_a_writer_gets_nothing_from_the_triggers(notes):
    """Names in the writer's search path do not stand in for those of the functions."""
    notes.execute("create role writer")
    notes.execute("create schema trap")
    notes.execute("grant usage, create on schema trap to writer")
    notes.execute("grant select, insert, update, delete, truncate on notes to writer")
    functions = notes.execute(
        "select p.oid::regprocedure::text from pg_proc p where p.proname ~ '^vectors_[0-9]+_'"
    ).fetchall()
    assert len(functions) == 5
    try:
        notes.execute("set role writer")
        for (name,) in functions:
            with pytest.raises(psycopg.Error) as caught:
                notes.execute(
                    f"create temp table mine (id int primary key, body text); "
                    f"create trigger t after insert on mine for each row execute function {name}"
                )
            assert caught.value.sqlstate == "42501"
        for function in (
            "count() returns bigint language plpgsql as $$ begin raise 'caught as %', current_user; end $$",
            "hash_record_extended(record, bigint) returns bigint language plpgsql as $$ begin raise 'caught as %', current_user; end $$",
            "equal(int, int) returns boolean language plpgsql as $$ begin raise 'caught as %', current_user; end $$",
        ):
            notes.execute(f"create function trap.{function}")
        notes.execute(
            "create operator trap.= (function = trap.equal, leftarg = int, rightarg = int)"
        )
        notes.execute(
            "create operator trap.& (function = trap.equal, leftarg = int, rightarg = int)"
        )
        notes.execute("create domain trap.text as pg_catalog.text check (trap.count() > 0)")
        notes.execute("set search_path = trap, public, pg_catalog")
        notes.execute("insert into notes (id, body) values (50, 'new'), (51, 'new')")
        notes.execute(
            "update notes set body = 'changed', id = 60 where id operator(pg_catalog.=) 50"
        )
        notes.execute("delete from notes where id operator(pg_catalog.=) 51")
        notes.execute("truncate notes")
    finally:
        notes.execute("reset role")
        notes.execute("reset search_path")
        notes.execute("drop schema trap cascade")
        notes.execute("drop owned by writer")
        notes.execute("drop role writer")
    assert stored(notes) == []
