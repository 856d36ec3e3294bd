"""Attempts, fallbacks, cooldowns and the record of calls."""

from __future__ import annotations

import json
import time

import pytest

from pg_llm.models.scripted import Server


@pytest.fixture
def other():
    """A second endpoint."""
    server = Server([{"match": "hello", "answer": "Other"}]).start()
    yield server
    server.stop()


def _fault(name, **control):
    return {"body": {"scripted": {"fault": name, **control}}}


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut"])
def test_a_failure_that_passes_is_tried_again(db, model, scripted, fault):
    model("chat", **_fault(fault, times=1, id=fault))
    before = len(scripted.requests)
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    assert len(scripted.requests) - before == 2
    attempts = db.execute("select attempts from llm.calls order by at desc limit 1").fetchone()
    assert attempts == (2,)


def test_a_refusal_is_not_tried_again(model, scripted, fails):
    model("chat", model="fault-401")
    before = len(scripted.requests)
    fails("select llm_complete('hello', 'chat')")
    assert len(scripted.requests) - before == 1


def test_retry_after_is_honoured(db, model, scripted):
    model("chat", **_fault("429-after", times=1, seconds=1, id="honoured"))
    started = time.monotonic()
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    assert time.monotonic() - started >= 1


def test_a_wait_can_be_cancelled(db, model, fails):
    model("chat", **_fault("429-after", seconds=30))
    db.execute("set statement_timeout = '300ms'")
    started = time.monotonic()
    assert fails("select llm_complete('hello', 'chat')").sqlstate == "57014"
    assert time.monotonic() - started < 10


def test_a_cooldown_holds_for_all_sessions(db, connect, model, scripted, other):
    model("second")
    model(
        "first",
        endpoint=other.endpoint,
        fallback="second",
        **_fault("429-after", seconds=600, times=1),
    )
    assert db.execute("select llm_complete('hello', 'first')").fetchone() == ("Hi!",)
    endpoint, asked, reason, seconds = db.execute(
        """
        select endpoint, asked, reason, extract(epoch from until - now())
        from llm.cooldowns where until > now()
        """
    ).fetchone()
    assert (endpoint, asked) == (other.endpoint, True)
    assert "429" in reason
    assert 500 < seconds <= 600
    asked_before = len(other.requests)
    assert connect().execute("select llm_complete('hello', 'first')").fetchone() == ("Hi!",)
    assert len(other.requests) == asked_before
    db.execute("update llm.cooldowns set until = now() where endpoint = %s", [other.endpoint])
    assert connect().execute("select llm_complete('hello', 'first')").fetchone() == ("Other",)


def test_a_cooling_endpoint_without_a_fallback_says_how_long(db, model, other, fails):
    model("only", endpoint=other.endpoint, retries=0, **_fault("429-after", seconds=600, times=1))
    fails("select llm_complete('hello', 'only')")
    error = fails("select llm_complete('hello', 'only')")
    assert error.sqlstate == "38002"
    assert "more seconds" in error.diag.message_primary
    assert len(other.requests) == 1


def test_nobody_waits_for_a_cooldown_that_another_transaction_writes(db, connect, model, other):
    model("second")
    model("first", endpoint=other.endpoint, fallback="second", **_fault("500"))
    holder = connect(autocommit=False)
    assert holder.execute("select llm_complete('hello', 'first')").fetchone() == ("Hi!",)
    db.execute("set lock_timeout = '2s'")
    assert db.execute("select llm_complete('hello', 'first')").fetchone() == ("Hi!",)
    holder.rollback()


def test_a_cooldown_that_another_session_wrote_breaks_no_failover(db, connect, model, other):
    model("second")
    model("first", endpoint=other.endpoint, fallback="second", **_fault("500"))
    frozen = connect(autocommit=False)
    frozen.execute("set transaction isolation level repeatable read")
    frozen.execute("select count(*) from llm.cooldowns")
    assert db.execute("select llm_complete('hello', 'first')").fetchone() == ("Hi!",)
    assert frozen.execute("select llm_complete('hello', 'first')").fetchone() == ("Hi!",)
    frozen.rollback()


@pytest.mark.parametrize("value", ["abc", "inf", "nan", "0", "-1", ""])
def test_a_deadline_that_is_none_is_said(db, model, fails, value):
    model("chat")
    db.execute("insert into llm.settings values ('call_timeout', %s)", [value])
    error = fails("select llm_complete('hello', 'chat')")
    db.execute("delete from llm.settings where name = 'call_timeout'")
    assert error.sqlstate == "F0000"
    assert "call_timeout" in error.diag.message_primary


def test_all_failed_says_what_came_before(model, fails, scripted):
    model("b", model="fault-403")
    model("a", model="fault-500", fallback="b")
    error = fails("select llm_complete('hello', 'a')")
    assert error.sqlstate == "38003"
    assert 'model "b"' in error.diag.message_primary
    assert 'model "a"' in error.diag.message_detail


def test_a_stall_leaves_time_for_the_fallback(db, model):
    model("b")
    model("a", model="fault-stall", fallback="b")
    options = json.dumps({"timeout": 2})
    assert db.execute("select llm_complete('hello', 'a', %s)", [options]).fetchone() == ("Hi!",)


def test_calls_are_recorded_with_the_acting_role(db, model, role):
    model("chat")
    caller = role("models_recorded", "llm_user")
    db.execute(f"set role {caller}")
    db.execute("select llm_complete('count', 'chat')")
    db.execute("reset role")
    row = db.execute(
        """
        select session_role, acting_role, model, outcome, attempts, prompt_tokens, completion_tokens
        from llm.calls order by at desc limit 1
        """
    ).fetchone()
    session = db.info.user
    assert row == (session, caller, "chat", "ok", 1, 1, 3)


def test_calls_work_in_a_read_only_transaction(db, model):
    model("chat")
    before = db.execute("select count(*) from llm.calls").fetchone()
    with db.transaction():
        db.execute("set transaction read only")
        assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    assert db.execute("select count(*) from llm.calls").fetchone() == before


def test_who_may_read_the_record(db, role, fails):
    db.execute(f"set role {role('models_user', 'llm_user')}")
    assert fails("select * from llm.calls").sqlstate == "42501"
    assert fails("select * from llm.cooldowns").sqlstate == "42501"
    db.execute("reset role")
    db.execute(f"set role {role('models_monitor', 'llm_monitor')}")
    db.execute("select * from llm.calls, llm.cooldowns, llm.models, llm.provider_plugins")
    assert fails("delete from llm.calls").sqlstate == "42501"


def test_a_proxy_comes_from_the_row(db, model, scripted):
    model(
        "far",
        provider="openai_compatible",
        endpoint="http://models.invalid/v1",
        proxy=f"http://127.0.0.1:{scripted.port}",
    )
    assert db.execute("select llm_complete('hello', 'far')").fetchone() == ("Hi!",)
    assert scripted.requests[-1]["path"] == "http://models.invalid/v1/chat/completions"


def test_a_secret_goes_to_its_endpoint_and_is_never_repeated(db, model, scripted, fails):
    db.execute("select llm_secret_set('scripted', 'sk-very-secret', %s)", [scripted.endpoint])
    model("chat", secret="scripted")
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    assert scripted.requests[-1]["headers"]["authorization"] == "Bearer sk-very-secret"
    db.execute("select llm_model_change('chat', model => 'fault-401')")
    error = fails("select llm_complete('hello', 'chat')")
    assert "***" in error.diag.message_primary
    assert "sk-very-secret" not in str(error) + str(error.diag.context)
    model("elsewhere", secret="scripted", endpoint="http://127.0.0.1:1/v1")
    assert fails("select llm_complete('hello', 'elsewhere')").sqlstate == "42501"
    model("open")
    assert db.execute("select llm_complete('hello', 'open')").fetchone() == ("Hi!",)
    assert "authorization" not in scripted.requests[-1]["headers"]
    db.execute("select llm_secret_drop('scripted')")
