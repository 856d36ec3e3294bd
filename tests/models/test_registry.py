"""Rows of the registry: what is taken, what is refused."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "says"),
    [
        (("m", "nobody", "chat", "x"), "42704", "unknown provider"),
        (("m", "openai", "speech", "x"), "22023", "speech"),
        (("m", "deepseek", "embed", "x"), "22023", "no models of kind"),
        (("m", "openai", "chat", None), "22023", "needs the name"),
        (("", "openai", "chat", "x"), "22023", "needs a name"),
        ((None, "openai", "chat", "x"), "22023", "needs a name"),
        (("m", "openai_compatible", "chat", "x"), "22023", "needs an endpoint"),
        (("m", "openai_compatible", "chat", "x", "ftp://h/v1"), "22023", "address"),
        (("m", "openai_compatible", "chat", "x", "http://h:0/v1"), "22023", "address"),
        (("m", "openai_compatible", "chat", "x", "http://h:99999/v1"), "22023", "address"),
        (("m", "openai_compatible", "chat", "x", "http:///v1"), "22023", "address"),
        (("m", "openai_compatible", "chat", "x", "http://h/v1?key=k"), "22023", "address"),
        (("m", "openai_compatible", "chat", "x", "http://u:p@h/v1"), "22023", "password"),
        (("m", "openai_compatible", "chat", "x", "http://h/v1", "s"), "22023", "without TLS"),
        (("m", "scripted", "chat", "x", "http://example.com/v1"), "22023", "this host"),
        (("m", "openai", "chat", "x", None, None, {"nope": 1}), "22023", "nope"),
        (("m", "openai", "chat", "x", None, None, {"timeout": "1"}), "22023", "timeout"),
        (("m", "openai", "chat", "x", None, None, {"timeout": 0}), "22023", "timeout"),
        (("m", "openai", "chat", "x", None, None, {"retries": True}), "22023", "retries"),
        (("m", "openai", "chat", "x", None, None, {"fallback": [1]}), "22023", "fallback"),
        (("m", "openai", "chat", "x", None, None, {"proxy": "http://u:p@h"}), "22023", "password"),
        (("m", "openai", "chat", "x", None, None, {"json_mode": "xml"}), "22023", "json_mode"),
        (("m", "openai", "chat", "x", None, None, []), "22023", "JSON object"),
    ],
)
def test_bad_rows(fails, arguments, sqlstate, says):
    values = list(arguments) + [None] * (7 - len(arguments))
    values[6] = None if values[6] is None else json.dumps(values[6])
    error = fails(
        "select llm_model_add(%s::text, %s::text, %s::text, %s::text, %s::text, %s::text, %s::jsonb)",
        values,
    )
    assert error.sqlstate == sqlstate
    assert says in error.diag.message_primary


def test_a_name_is_taken_once(model, fails, scripted):
    model("one")
    error = fails("select llm_model_add('one', 'scripted', 'chat', 'x', %s)", [scripted.endpoint])
    assert error.sqlstate == "23505"


def test_change_merges_options_and_takes_them_back(db, model):
    model("one", timeout=5, retries=1)
    db.execute(
        "select llm_model_change('one', options => '{\"retries\": null, \"max_prompt\": 9}')"
    )
    options = db.execute("select options from llm.models where name = 'one'").fetchone()[0]
    assert options == {"timeout": 5, "max_prompt": 9}
    db.execute("select llm_model_change('one', secret => 's')")
    assert db.execute("select has_secret from llm.models").fetchone() == (True,)
    db.execute("select llm_model_change('one', secret => '')")
    assert db.execute("select has_secret from llm.models").fetchone() == (False,)


def test_a_change_is_checked_as_a_whole(model, fails):
    model("one")
    assert fails("select llm_model_change('one', endpoint => 'http://far/v1')").sqlstate == "22023"
    assert fails("select llm_model_change('nobody', kind => 'chat')").sqlstate == "42704"
    assert fails("select llm_model_drop('nobody')").sqlstate == "42704"


def test_drop(db, scripted, fails):
    db.execute("select llm_model_add('gone', 'scripted', 'chat', 'x', %s)", [scripted.endpoint])
    db.execute("select llm_model_drop('gone')")
    assert fails("select llm_complete('x', 'gone')").sqlstate == "42704"
    assert db.execute("select count(*) from llm.cooldowns").fetchone() == (0,)


def test_a_model_that_needs_a_secret_says_so(db, fails):
    db.execute("select llm_model_add('gpt', 'openai', 'chat', 'gpt')")
    try:
        error = fails("select llm_complete('x', 'gpt')")
        assert error.sqlstate == "F0000"
        assert "llm_secret_set" in error.diag.message_hint
        assert db.execute("select endpoint from llm.models where name = 'gpt'").fetchone() == (
            "https://api.openai.com/v1",
        )
    finally:
        db.execute("select llm_model_drop('gpt')")


def test_kinds_are_not_mixed_up(model, fails):
    model("chat")
    model("embed", kind="embed")
    assert fails("select llm_complete('x', 'embed')").sqlstate == "22023"
    assert fails("select llm_embed('x', 'chat')").sqlstate == "22023"


@pytest.mark.parametrize("kind", ["chat", "embed"])
def test_nothing_is_imported_before_it_is_needed(connect, kind):
    session = connect()
    session.execute("select llm_embed('hello')")
    session.execute("select llm_setting('chat_model')")
    session.execute(
        """
        do language plpython3u $$
        import sys
        heavy = {"openai", "httpx2", "jsonschema", "pydantic", "cryptography"} & set(sys.modules)
        assert not heavy, heavy
        $$
        """
    )
