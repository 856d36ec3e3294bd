"""Calls of chat models, and how they end."""

from __future__ import annotations

import json
import threading
import time

import psycopg
import pytest

# Far below the 60 s that a stalled answer takes, far above what an idle machine needs.
SOON = 5.0


def test_complete(db, model, scripted):
    model("chat")
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    assert db.execute("select llm_complete('你好', 'chat')").fetchone() == ("您好",)
    assert db.execute("select llm_complete(null, 'chat')").fetchone() == (None,)
    sent = scripted.requests[-1]["body"]
    assert sent == {"model": "scripted", "messages": [{"role": "user", "content": "你好"}]}


def test_chat_says_who_answered_and_what_it_took(db, model):
    model("chat")
    row = db.execute(
        "select * from llm_chat(%s, 'chat')",
        [
            json.dumps(
                [{"role": "system", "content": "be brief"}, {"role": "user", "content": "count"}]
            )
        ],
    ).fetchone()
    assert row[:4] == ("one two three", "chat", 3, 3)
    assert row[4] > 0
    assert row[5] == "stop"


def test_the_only_model_is_the_default_and_with_two_one_must_be_chosen(db, model, fails):
    model("one")
    assert db.execute("select llm_complete('hello')").fetchone() == ("Hi!",)
    model("two", model="fault-500", retries=0)
    assert fails("select llm_complete('hello')").sqlstate == "F0000"
    db.execute("set pg_llm.chat_model = 'one'")
    assert db.execute("select llm_complete('hello')").fetchone() == ("Hi!",)


def test_options_reach_the_provider_under_its_names(db, model, scripted):
    model("chat", parameters={"temperature": 0.5, "seed": 1}, body={"extra": True})
    db.execute(
        "select llm_complete('hello', 'chat', %s)", [json.dumps({"seed": 2, "max_tokens": 9})]
    )
    body = scripted.requests[-1]["body"]
    assert (body["temperature"], body["seed"], body["max_tokens"], body["extra"]) == (
        0.5,
        2,
        9,
        True,
    )


@pytest.mark.parametrize(
    ("query", "sqlstate", "says"),
    [
        ("select llm_complete('x', 'nobody')", "42704", "does not exist"),
        (
            "select llm_complete('x', 'chat', '{\"base_url\": \"http://evil\"}')",
            "22023",
            "base_url",
        ),
        ("select llm_complete('x', 'chat', '[1]')", "22023", "JSON object"),
        ("select llm_complete('x', 'chat', '{\"timeout\": -1}')", "22023", "timeout"),
        ("select llm_chat('[]', 'chat')", "22023", "at least one message"),
        ("select llm_chat('{}', 'chat')", "22023", "at least one message"),
        ('select llm_chat(\'[{"role": "boss", "content": "x"}]\', \'chat\')', "22023", "role"),
        ('select llm_chat(\'[{"role": "user", "content": 1}]\', \'chat\')', "22023", "text"),
        ("select llm_complete(repeat('x', 101), 'chat')", "54000", "101 characters"),
        ("select llm.call('nothing', 'chat', '{}')", "22023", "chat"),
        ("select llm.call('chat', 'chat', '[]')", "22023", "chat"),
        ("select llm.call('chat', null, null)", "22023", "chat"),
    ],
)
def test_bad_input(model, fails, query, sqlstate, says):
    model("chat", max_prompt=100)
    error = fails(query)
    assert error.sqlstate == sqlstate
    assert error.diag.message_primary.startswith("pg_llm: ")
    assert says in error.diag.message_primary


def test_statement_timeout_ends_a_stalled_call(db, model, fails):
    model("chat", model="fault-stall")
    db.execute("set statement_timeout = '300ms'")
    started = time.monotonic()
    assert fails("select llm_complete('hello', 'chat')").sqlstate == "57014"
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("fault", ["stall", "drip", "slow-start"])
@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_cancel_and_terminate_end_a_call(db, connect, model, scripted, fault, how):
    model("chat", model=f"fault-{fault}")
    victim = connect()
    pid = victim.info.backend_pid
    seen = []

    def run():
        try:
            victim.execute("select llm_complete('hello', 'chat')")
        except psycopg.Error as error:
            seen.append((time.monotonic(), error.sqlstate))

    before = len(scripted.requests)
    thread = threading.Thread(target=run)
    thread.start()
    while len(scripted.requests) == before:
        time.sleep(0.01)
    time.sleep(0.1)
    assert not seen
    asked = time.monotonic()
    db.execute(f"select {how}(%s)", [pid])
    thread.join()
    ((ended, sqlstate),) = seen
    assert ended - asked < SOON
    if how == "pg_cancel_backend":
        assert sqlstate == "57014"
        model("works")
        assert victim.execute("select llm_complete('hello', 'works')").fetchone() == ("Hi!",)
    else:
        assert sqlstate == "57P01"


def test_a_cancel_leaves_no_thread_behind(db, model, fails):
    model("chat", model="fault-drip")
    model("works")
    db.execute("set statement_timeout = '200ms'")
    for _ in range(3):
        assert fails("select llm_complete('hello', 'chat')").sqlstate == "57014"
    db.execute("reset statement_timeout")
    db.execute("select llm_complete('hello', 'works')")
    db.execute(
        """
        do language plpython3u $$
        import os, time
        for _ in range(100):
            left = len(os.listdir("/proc/self/task"))
            if left == 1:
                break
            time.sleep(0.05)
        assert left == 1, left
        $$
        """
    )


def test_the_deadline_is_ours(db, model, fails):
    model("chat", model="fault-drip")
    started = time.monotonic()
    error = fails("select llm_complete('hello', 'chat', '{\"timeout\": 0.3}')")
    assert error.sqlstate == "38001"
    assert "call_timeout" in error.diag.message_hint
    assert time.monotonic() - started < SOON


def test_a_role_without_rights_learns_nothing(db, model, role, fails):
    model("hidden_model", secret="hidden_secret")
    stranger = role("models_stranger")
    db.execute(f"set role {stranger}")
    for query in (
        "select llm_complete('x', 'hidden_model')",
        "select llm.call('chat', 'hidden_model', '{\"messages\": []}')",
        "select * from llm.embed_texts(array['x'], 'hidden_model')",
        "select * from llm.models",
        "select * from llm.model_definitions",
        "select llm_model_test('hidden_model')",
    ):
        error = fails(query)
        assert error.sqlstate == "42501"
        assert "hidden" not in error.diag.message_primary


def test_a_caller_can_call_and_change_nothing(db, model, role, fails):
    model("chat")
    caller = role("models_caller", "llm_user")
    db.execute(f"set role {caller}")
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    assert db.execute("select name, has_secret from llm.models").fetchall() == [("chat", False)]
    for query in (
        "select * from llm.model_definitions",
        "update llm.model_definitions set endpoint = 'http://evil'",
        "select llm_model_change('chat', endpoint => 'http://127.0.0.1:1/v1')",
        "select llm_model_drop('chat')",
        "select llm_model_test('chat')",
    ):
        assert fails(query).sqlstate == "42501"


def test_a_model_may_be_for_some_roles_only(db, model, role, fails):
    inside = role("models_inside", "llm_user")
    outside = role("models_outside", "llm_user")
    model("special", roles=[inside])
    db.execute(f"set role {inside}")
    assert db.execute("select llm_complete('hello', 'special')").fetchone() == ("Hi!",)
    assert db.execute("select name from llm.models").fetchall() == [("special",)]
    db.execute(f"set role {outside}")
    assert db.execute("select name from llm.models").fetchall() == []
    refused = fails("select llm_complete('hello', 'special')")
    unknown = fails("select llm_complete('hello', 'spexial')")
    assert refused.sqlstate == unknown.sqlstate == "42704"
    assert (
        str(refused.diag.message_primary).replace("special", "spexial")
        == unknown.diag.message_primary
    )


def test_names_of_the_callers_path_are_never_used(db, model, role):
    """A function that runs with the owner's rights must not find the caller's objects."""
    model("chat")
    caller = role("models_trickster", "llm_user")
    db.execute(f"create schema tricks authorization {caller}")
    db.execute(f"set role {caller}")
    db.execute(
        "create function tricks.unnest(text[]) returns setof text language sql as $$ select current_user::text $$"
    )
    db.execute("create table tricks.model_definitions as select 1")
    db.execute("create temp table model_definitions (name text)")
    db.execute("create temp table pg_roles (name text)")
    db.execute("set search_path = pg_temp, tricks, public, pg_catalog")
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)


def test_a_changed_model_counts_from_the_next_call_on(db, connect, model):
    model("chat", model="fault-401")
    other = connect()
    with pytest.raises(psycopg.Error):
        other.execute("select llm_complete('hello', 'chat')")
    db.execute("select llm_model_change('chat', model => 'scripted')")
    assert other.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)


def test_model_test_says_what_is_wrong_and_what_to_do(db, model):
    model("good")
    model("bad", model="fault-401")
    model("vectors", kind="embed")
    rows = db.execute(
        """
        select m.name, t.works, t.answer, t.problem, t.what_to_do
        from llm.models m, llm_model_test(m.name) t
        order by m.name
        """
    ).fetchall()
    assert [row[:2] for row in rows] == [("bad", False), ("good", True), ("vectors", True)]
    assert "401" in rows[0][3]
    assert "secret" in rows[0][4]
    assert rows[2][2] == "64 dimensions"


def test_the_environment_chooses_nothing(db, model, scripted):
    model("chat")
    db.execute(
        """
        do language plpython3u $$
        import os
        os.environ.update({
            "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9",
            "ALL_PROXY": "http://127.0.0.1:9", "OPENAI_BASE_URL": "http://127.0.0.1:9",
            "OPENAI_API_KEY": "from-the-environment", "OPENAI_ORG_ID": "org",
            "OPENAI_CUSTOM_HEADERS": "X-Secret: 1\\nAuthorization: Bearer no",
        })
        $$
        """
    )
    assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
    headers = {name.lower() for name in scripted.requests[-1]["headers"]}
    assert not headers & {"authorization", "x-secret", "openai-organization"}
