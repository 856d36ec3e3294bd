"""What goes wrong around a queue: nothing is lost, nothing is embedded twice, states are true."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.vectors.conftest import in_thread, state, stored


@pytest.fixture
def notes(db, provider):
    """Two hundred rows that wait to be embedded."""
    db.execute("create table notes (id int primary key, body text)")
    db.execute("insert into notes select i, 'text ' || i from generate_series(1, 200) i")
    db.execute("select llm_vectorize('notes', '{body}', model => 'remote')")
    provider.reset()
    return db


def queue_of(db):
    version = db.execute("select active from llm.collections").fetchone()[0]
    return f"llm.vectors_{version}_queue"


def test_what_came_back_before_a_failure_is_written(notes, provider):
    """The provider fails in the middle: what it gave is kept and not asked for again."""
    provider.down_after = 5
    notes.execute("call llm_work()")
    done = len(stored(notes))
    assert 16 <= done < 200
    # A mark is pending until all of its rows are written.
    assert 200 - done <= state(notes)[0] <= 200
    provider.down_after = 0
    asked = len(provider.texts)
    notes.execute("select llm_collection_resume('notes')")
    notes.execute("call llm_work()")
    assert len(stored(notes)) == 200
    assert state(notes) == (0, 0)
    # Only texts of requests that failed are sent again.
    assert len(provider.texts) - asked == 200 - done


@pytest.mark.parametrize("seconds", [7, 1800, 90_000])
def test_the_providers_own_pause_is_kept(notes, provider, seconds):
    provider.down, provider.retry_after = 429, seconds
    notes.execute("call llm_work()")
    (waits,) = state(notes, "notes", "extract(epoch from retry_at - clock_timestamp())::float8")
    assert min(seconds, 3600) - 5 < waits <= min(seconds, 3600)
    assert state(notes) == (200, 0)


def test_a_model_that_stays_down_is_asked_less_and_less(notes, provider):
    provider.down = 503
    waited = []
    for _ in range(4):
        notes.execute("update llm.collection_versions set retry_at = null")
        notes.execute("update llm.cooldowns set until = now()")
        notes.execute("call llm_work()")
        (seconds,) = state(
            notes, "notes", "extract(epoch from retry_at - clock_timestamp())::float8"
        )
        waited.append(round(seconds / 30))
    assert waited == [1, 2, 4, 8]
    assert state(notes) == (200, 0)
    assert notes.execute("select * from llm_collection_failures('notes')").fetchall() == []
    provider.down = 0
    notes.execute("select llm_collection_resume('notes')")
    notes.execute("call llm_work()")
    assert state(notes, "notes", "pending", "error", "retry_at") == (0, None, None)
    assert notes.execute("select failures from llm.collection_versions").fetchone() == (0,)


def test_a_model_that_is_gone_holds_up_no_other_collection(notes, provider):
    notes.execute("create table more (id int primary key, body text)")
    notes.execute("insert into more values (1, 'one')")
    notes.execute("select llm_vectorize('more', '{body}', model => 'other')")
    notes.execute("select llm_model_drop('remote')")
    notes.execute("call llm_work()")
    assert state(notes, "more") == (0, 0)
    pending, error = state(notes, "notes", "pending", "error")
    assert pending == 200
    assert "remote" in error


def test_poison_is_found_in_few_requests_and_charged_once(notes, provider):
    notes.execute("update notes set body = 'poison ' || id where id in (17, 90, 91)")
    notes.execute("call llm_work()")
    assert state(notes) == (0, 3)
    assert len(stored(notes)) == 197
    # 13 requests of 16 texts; each poisoned one is halved 4 times; one harmless text.
    assert len(provider.requests) < 60
    failures = notes.execute(
        "select key, attempts from llm_collection_failures('notes') order by key->'id'"
    ).fetchall()
    assert failures == [({"id": 17}, 1), ({"id": 90}, 1), ({"id": 91}, 1)]
    version = notes.execute("select active from llm.collections").fetchone()[0]
    notes.execute(f"update llm.vectors_{version}_failed set retry_at = now() where k1 = 17")
    notes.execute("call llm_work()")
    assert notes.execute(
        "select attempts, retry_at > now() + interval '3 minutes' from llm_collection_failures('notes') where key->>'id' = '17'"
    ).fetchone() == (2, True)


def test_equal_texts_are_sent_once(notes, provider):
    notes.execute("update notes set body = 'the same'")
    notes.execute("call llm_work()")
    assert provider.texts == ["the same"] * len(provider.texts)
    assert len(provider.texts) <= 4
    assert len(stored(notes)) == 200


def test_marks_that_vacuum_full_moved_are_not_mistaken(notes, provider, connect):
    notes.execute("delete from notes where id <= 100")
    notes.execute("update notes set body = 'b ' || id")
    provider.gate.clear()
    thread, errors = in_thread(connect(), "call llm_work()")
    assert provider.called.wait(20)
    notes.execute(f"vacuum full {queue_of(notes)}")
    provider.gate.set()
    thread.join()
    assert errors == []
    notes.execute("call llm_work()")
    assert stored(notes) == [(i, f"b {i}") for i in range(101, 201)]
    assert state(notes) == (0, 0)


def test_a_cancelled_drain_leaves_no_helper_behind(notes, provider, connect):
    session = connect()
    provider.gate.clear()
    thread, errors = in_thread(session, "call llm_work()")
    assert provider.called.wait(20)
    started = time.monotonic()
    session.cancel()
    thread.join(20)
    assert time.monotonic() - started < 10
    provider.gate.set()
    assert [error.sqlstate for error in errors] == ["57014"]
    assert state(notes) == (200, 0)
    locks = notes.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone()
    assert locks == (0,)
    session.execute("call llm_work()")
    assert len(stored(notes)) == 200
    assert state(notes) == (0, 0)


def test_killed_in_the_middle_of_a_backfill(notes, provider, connect):
    """Some batches are written, some are under way."""
    notes.execute("insert into notes select i, 'text ' || i from generate_series(201, 3000) i")
    provider.latency = 0.02
    session = connect()
    thread, errors = in_thread(session, "call llm_work()")
    try:
        deadline = time.monotonic() + 60
        while len(stored(notes)) < 300 and time.monotonic() < deadline:
            time.sleep(0.02)
        notes.execute("select pg_terminate_backend(%s)", [session.info.backend_pid])
        thread.join(20)
    finally:
        provider.latency = 0
    assert len(errors) == 1
    done = len(stored(notes))
    assert 300 <= done < 3000
    # What was under way when it was killed arrives late.
    sent = -1
    while sent != len(provider.texts):
        sent = len(provider.texts)
        time.sleep(0.5)
    notes.execute("call llm_work()")
    assert [key for key, _ in stored(notes)] == list(range(1, 3001))
    assert state(notes) == (0, 0)
    # What was written is not sent again.
    assert len(provider.texts) - sent == 3000 - done


def test_deletes_do_not_wait_for_an_index_that_is_built(notes, connect):
    notes.execute("call llm_work()")
    version = notes.execute("select active from llm.collections").fetchone()[0]
    builder = connect(autocommit=False)
    builder.execute(f"lock table llm.vectors_{version} in share mode")
    notes.execute("set statement_timeout = '20s'")
    notes.execute("delete from notes where id = 1")
    notes.execute("update notes set body = 'changed' where id = 2")
    notes.execute("insert into notes values (300, 'new')")
    assert 1 in dict(stored(notes))
    notes.execute("truncate notes")
    builder.rollback()
    notes.execute("insert into notes values (5, 'after')")
    notes.execute("call llm_work()")
    assert stored(notes) == [(5, "after")]
    assert state(notes) == (0, 0)


def test_rows_are_counted_once_however_often_they_change(notes):
    for turn in range(3):
        notes.execute("update notes set body = body || %s where id <= 10", [str(turn)])
    assert state(notes) == (200, 0)


def test_the_time_of_the_end_counts_the_wait(notes, provider):
    notes.execute("update llm.collection_versions set rate = 100")
    (soon,) = state(notes, "notes", "finish_at - clock_timestamp() < interval '3 seconds'")
    assert soon
    notes.execute("update llm.collection_versions set retry_at = now() + interval '1 hour'")
    (late,) = state(notes, "notes", "finish_at > clock_timestamp() + interval '59 minutes'")
    assert late
    notes.execute("select llm_collection_pause('notes')")
    assert state(notes, "notes", "finish_at") == (None,)


def test_an_old_pgvector_is_refused(db):
    db.execute("create table notes (id int primary key, body text)")
    version = db.execute(
        "select extversion from pg_extension where extname = 'vector'"
    ).fetchone()[0]
    db.execute("update pg_extension set extversion = '0.7.4' where extname = 'vector'")
    try:
        with pytest.raises(psycopg.Error) as caught:
            db.execute("select llm_vectorize('notes', '{body}')")
        assert "0.8" in caught.value.diag.message_primary
        assert "alter extension vector update" in caught.value.diag.message_hint
    finally:
        db.execute("update pg_extension set extversion = %s where extname = 'vector'", [version])


def test_calls_of_a_backfill_are_recorded(notes, provider):
    before = notes.execute("select coalesce(sum(attempts), 0) from llm.calls").fetchone()[0]
    notes.execute("call llm_work()")
    attempts = notes.execute("select sum(attempts) from llm.calls").fetchone()[0] - before
    assert attempts == len(provider.requests)
    assert notes.execute(
        "select outcome, prompt_tokens > 0 from llm.calls order by at desc limit 1"
    ).fetchone() == ("ok", True)


def test_the_models_row_is_read_again_while_a_backfill_goes_on(notes, provider):
    """Once a minute; here at every request, and each request is recorded nevertheless."""
    notes.execute(
        "create function hurry() returns void language plpython3u as "
        "$$ import sys; sys.modules['pg_llm.vectors.work'].REOPEN_SECONDS = 0.0 $$"
    )
    notes.execute("call llm_work('notes')")
    notes.execute("update notes set body = body || '!'")
    notes.execute("select hurry()")
    notes.execute("drop function hurry()")
    provider.reset()
    before = notes.execute("select coalesce(sum(attempts), 0) from llm.calls").fetchone()[0]
    notes.execute("call llm_work('notes')")
    assert state(notes) == (0, 0)
    assert [text for _, text in stored(notes)] == [f"text {i}!" for i in range(1, 201)]
    assert len(provider.texts) == 200
    attempts = notes.execute("select sum(attempts) from llm.calls").fetchone()[0] - before
    assert attempts == len(provider.requests)


def test_dropping_the_extension_needs_cascade_and_leaves_the_table(notes):
    with pytest.raises(psycopg.Error) as caught:
        notes.execute("drop extension pg_llm")
    assert caught.value.sqlstate == "2BP01"
    try:
        notes.execute("drop extension pg_llm cascade")
        notes.execute("insert into notes values (999, 'still')")
        notes.execute("update notes set body = 'here'")
        notes.execute("truncate notes")
        assert (
            notes.execute("select tgname from pg_trigger where not tgisinternal").fetchall() == []
        )
    finally:
        notes.execute("drop table notes")
        notes.execute("create extension if not exists pg_llm")
