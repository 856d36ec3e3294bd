"""Collections with a provider's model: queued, drained, and what can go wrong."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.vectors.conftest import hits, in_thread, state, stored


@pytest.fixture
def notes(db, provider):
    """A table of forty rows whose collection is filled by llm_work."""
    db.execute("create table notes (id int primary key, body text, other int default 0)")
    db.execute("insert into notes select i, 'text ' || i from generate_series(1, 40) i")
    db.execute("select llm_vectorize('notes', '{body}', model => 'remote')")
    provider.reset()
    return db


def test_work_embeds_what_is_queued(notes, provider):
    assert state(notes) == (40, 0)
    assert stored(notes) == []
    notes.execute("call llm_work()")
    assert state(notes) == (0, 0)
    assert len(stored(notes)) == 40
    assert sorted(provider.texts) == sorted(f"text {i}" for i in range(1, 41))
    assert hits(notes, "text 7")[0] == {"id": 7}


def test_only_what_changed_is_embedded_again(notes, provider):
    notes.execute("call llm_work()")
    provider.texts.clear()
    notes.execute("update notes set other = 1")
    assert state(notes) == (0, 0)
    notes.execute("update notes set body = 'text 1' where id = 1")
    notes.execute("update notes set body = 'changed' where id = 2")
    notes.execute("update notes set body = 'text 2' where id = 2")
    notes.execute("update notes set body = 'new' where id = 3")
    notes.execute("update notes set body = 'newer' where id = 3")
    notes.execute("call llm_work()")
    assert provider.texts == ["newer"]
    assert state(notes) == (0, 0)


def test_refresh_finds_what_no_trigger_saw(notes, provider):
    notes.execute("call llm_work()")
    provider.texts.clear()
    notes.execute("set session_replication_role = replica")
    notes.execute("update notes set body = 'silent' where id = 1")
    notes.execute("delete from notes where id = 2")
    notes.execute("reset session_replication_role")
    notes.execute("select llm_collection_refresh('notes')")
    notes.execute("call llm_work()")
    assert provider.texts == ["silent"]
    assert dict(stored(notes))[1] == "silent"
    assert 2 not in dict(stored(notes))


def test_a_deleted_row_leaves_at_once(notes):
    notes.execute("call llm_work()")
    notes.execute("delete from notes where id < 40")
    assert [key for key, _ in stored(notes)] == [40]
    notes.execute("call llm_work('notes')")
    assert state(notes) == (0, 0)


def test_a_rollback_after_the_trigger_leaves_no_mark(notes, connect):
    notes.execute("call llm_work()")
    session = connect(autocommit=False)
    session.execute("insert into notes values (99, 'gone')")
    session.execute("update notes set body = 'gone' where id = 1")
    session.rollback()
    assert state(notes) == (0, 0)


def test_copy(notes, provider):
    notes.execute("call llm_work()")
    with notes.cursor().copy("copy notes (id, body) from stdin") as copy:
        for i in range(1000, 3000):
            copy.write_row((i, f"copied {i}"))
    assert state(notes) == (2000, 0)
    notes.execute("call llm_work()")
    assert len(stored(notes)) == 2040
    assert state(notes, "notes", "indexed") == (True,)


def test_the_poisoned_row_is_set_aside_alone(notes, provider):
    notes.execute("update notes set body = 'poison ' || id where id in (5, 23)")
    notes.execute("call llm_work()")
    assert state(notes) == (0, 2)
    assert len(stored(notes)) == 38
    errors = notes.execute(
        "select distinct error from llm_collection_failures('notes')"
    ).fetchall()
    assert len(errors) == 1
    assert "this text is refused" in errors[0][0]
    provider.texts.clear()
    notes.execute("call llm_work()")
    assert provider.texts == []
    notes.execute("update notes set body = 'healed' where id = 5")
    notes.execute("call llm_work()")
    assert state(notes) == (0, 1)
    assert dict(stored(notes))[5] == "healed"
    notes.execute("select llm_collection_retry('notes')")
    assert state(notes) == (1, 0)
    notes.execute("call llm_work()")
    assert state(notes) == (0, 1)
    notes.execute("delete from notes where id = 23")
    notes.execute("call llm_work()")
    assert state(notes) == (0, 0)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_a_provider_that_is_down_fails_no_row(notes, provider, status):
    provider.down = status
    notes.execute("call llm_work()")
    assert state(notes) == (40, 0)
    (error, waits) = state(notes, "notes", "error", "retry_at > now()")
    assert "remote" in error
    assert waits
    asked = len(provider.texts)
    notes.execute("call llm_work()")
    assert len(provider.texts) == asked
    provider.down = 0
    notes.execute("select llm_collection_resume('notes')")
    notes.execute("call llm_work()")
    assert state(notes, "notes", "pending", "failed", "error") == (0, 0, None)
    assert len(stored(notes)) == 40


def test_pause_and_resume(notes, provider):
    notes.execute("select llm_collection_pause('notes')")
    notes.execute("call llm_work()")
    assert state(notes, "notes", "pending", "paused") == (40, True)
    notes.execute("select llm_collection_resume('notes')")
    notes.execute("call llm_work()")
    assert state(notes, "notes", "pending", "paused") == (0, False)


def test_the_view_tells_how_far_it_is(notes, provider):
    notes.execute("call llm_work()")
    rate, embedded, finish = state(notes, "notes", "rate", "embedded", "finish_at")
    assert rate > 0
    assert embedded == 40
    assert finish is None
    notes.execute("update notes set body = body || '!'")
    (ahead,) = state(notes, "notes", "finish_at > clock_timestamp()")
    assert ahead


def test_two_drains_embed_nothing_twice(notes, provider, connect):
    notes.execute("insert into notes select i, 'text ' || i from generate_series(41, 600) i")
    provider.latency = 0.02
    try:
        threads = [in_thread(connect(), "call llm_work()") for _ in range(3)]
        for thread, errors in threads:
            thread.join()
            assert errors == []
    finally:
        provider.latency = 0
    notes.execute("call llm_work()")
    assert sorted(provider.texts) == sorted(f"text {i}" for i in range(1, 601))
    assert [key for key, _ in stored(notes)] == list(range(1, 601))
    assert state(notes) == (0, 0)


def test_a_killed_drain_loses_nothing(notes, provider, connect):
    session = connect()
    pid = session.info.backend_pid
    provider.gate.clear()
    thread, errors = in_thread(session, "call llm_work()")
    assert provider.called.wait(20)
    notes.execute("update notes set body = 'changed ' || id where id <= 10")
    notes.execute("delete from notes where id > 30")
    notes.execute("select pg_terminate_backend(%s)", [pid])
    provider.gate.set()
    thread.join()
    assert len(errors) == 1
    provider.texts.clear()
    notes.execute("call llm_work()")
    assert state(notes) == (0, 0)
    expected = [(i, f"changed {i}" if i <= 10 else f"text {i}") for i in range(1, 31)]
    assert stored(notes) == expected
    assert len(provider.texts) == 30


def test_rows_written_while_the_model_works(notes, provider, connect):
    """The drain read the old text; whatever happens meanwhile wins."""
    provider.gate.clear()
    thread, errors = in_thread(connect(), "call llm_work()")
    assert provider.called.wait(20)
    notes.execute("update notes set body = 'changed ' || id where id <= 10")
    notes.execute("delete from notes where id > 30")
    provider.gate.set()
    thread.join()
    notes.execute("call llm_work()")
    assert errors == []
    assert stored(notes) == [(i, f"changed {i}" if i <= 10 else f"text {i}") for i in range(1, 31)]
    assert state(notes) == (0, 0)


def test_truncate_while_the_model_works(notes, provider, connect):
    provider.gate.clear()
    thread, errors = in_thread(connect(), "call llm_work()")
    assert provider.called.wait(20)
    notes.execute("truncate notes")
    notes.execute("insert into notes values (7, 'after')")
    provider.gate.set()
    thread.join()
    notes.execute("call llm_work()")
    assert errors == []
    assert stored(notes) == [(7, "after")]
    assert state(notes) == (0, 0)


def test_a_collection_dropped_while_the_model_works(notes, provider, connect):
    provider.gate.clear()
    thread, errors = in_thread(connect(), "call llm_work()")
    assert provider.called.wait(20)
    notes.execute("select llm_collection_drop('notes')")
    provider.gate.set()
    thread.join()
    assert errors == []
    assert notes.execute("select count(*) from llm.collection_versions").fetchone() == (0,)


def test_no_transaction_is_open_while_the_model_works(notes, provider, connect):
    session = connect()
    provider.gate.clear()
    thread, _ = in_thread(session, "call llm_work()")
    assert provider.called.wait(20)
    time.sleep(0.3)
    locks = notes.execute(
        "select mode from pg_locks where pid = %s and relation in ('notes'::regclass, "
        "(select ('llm.vectors_' || active || '_queue')::regclass from llm.collections))",
        [session.info.backend_pid],
    ).fetchall()
    provider.gate.set()
    thread.join()
    assert locks == []


def test_work_in_a_transaction_block_is_refused(notes, connect):
    session = connect(autocommit=False)
    with pytest.raises(psycopg.Error) as caught:
        session.execute("call llm_work()")
    assert caught.value.sqlstate == "2D000"


def test_a_model_with_other_dimensions_is_told(notes, provider):
    notes.execute("call llm_work()")
    notes.execute("select llm_model_change('remote', options => '{\"dimensions\": 4}')")
    notes.execute("update notes set body = 'changed' where id = 1")
    notes.execute("call llm_work()")
    pending, failed, error = state(notes, "notes", "pending", "failed", "error")
    assert (pending, failed) == (1, 0)
    assert "gives 4 dimensions now" in error
    notes.execute("select llm_collection_resume('notes')")
    notes.execute("select llm_collection_model('notes', 'remote')")
    notes.execute("call llm_work()")
    assert state(notes, "notes", "pending", "failed", "dimensions") == (0, 0, 4)
    assert dict(stored(notes))[1] == "changed"


def test_a_new_model_takes_over_when_it_is_done(notes, provider, db):
    db.execute("drop role if exists reader")
    db.execute("create role reader in role llm_user")
    notes.execute("select llm_collection_grant('notes', 'reader')")
    notes.execute("call llm_work()")
    notes.execute("select llm_collection_model('notes', 'other')")
    versions = notes.execute(
        "select model, active, pending from llm.vectorizers order by storage"
    ).fetchall()
    assert versions == [("remote", True, 0), ("other", False, 40)]
    notes.execute("insert into notes values (99, 'between')")
    assert hits(notes, "text 7")[0] == {"id": 7}
    with pytest.raises(psycopg.Error) as caught:
        notes.execute("select llm_collection_model('notes', 'other')")
    assert caught.value.sqlstate == "55000"
    notes.execute("call llm_work()")
    assert notes.execute("select model, active, pending from llm.vectorizers").fetchall() == [
        ("other", True, 0)
    ]
    assert dict(stored(notes))[99] == "between"
    notes.execute("set role reader")
    try:
        assert hits(notes, "text 7")[0] == {"id": 7}
    finally:
        notes.execute("reset role")
        notes.execute("drop owned by reader")
        notes.execute("drop role reader")


def test_from_static_to_a_provider_and_back(db, provider):
    db.execute("create table notes (id int primary key, body text)")
    db.execute("insert into notes values (1, 'apples and pears'), (2, 'trucks')")
    db.execute("select llm_vectorize('notes', '{body}')")
    assert state(db) == (0, 0)
    db.execute("select llm_collection_model('notes', 'remote')")
    assert hits(db, "fruit")[0] == {"id": 1}
    db.execute("call llm_work()")
    assert state(db, "notes", "model", "dimensions", "synchronous") == ("remote", 8, False)
    db.execute("insert into notes values (3, 'bananas')")
    assert state(db) == (1, 0)
    db.execute("select llm_collection_model('notes', 'static')")
    assert state(db, "notes", "model", "synchronous") == ("static", True)
    assert hits(db, "fruit")[:2] == [{"id": 1}, {"id": 3}] or hits(db, "fruit")[0] == {"id": 3}


def test_the_queue_is_not_bloated_after_it(notes, provider):
    notes.execute("insert into notes select i, null from generate_series(1000, 30000) i")
    version = notes.execute("select active from llm.collections").fetchone()[0]
    size = f"select pg_relation_size('llm.vectors_{version}_queue')"
    assert notes.execute(size).fetchone()[0] > 0
    notes.execute("call llm_work()")
    assert notes.execute(size).fetchone() == (0,)
