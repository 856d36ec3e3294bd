"""The samples of docs/models.md, run against the scripted server.

A sample of a provider is run as it stands, with another address: what the
provider would get, the scripted server gets.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pg_llm.models.providers import BUILT_IN

_PAGE = Path(__file__).parents[2] / "docs" / "models.md"
_BLOCK = re.compile(r"^```sql provider=(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCKS = _BLOCK.findall(_PAGE.read_text(encoding="utf-8"))
_SETUPS = [block for block in _BLOCKS if block[0] != "scripted"]


@pytest.fixture
def clean(db):
    yield
    db.execute("rollback")
    db.execute("delete from llm.model_definitions")
    db.execute("delete from llm.cooldowns")
    for (name,) in db.execute("select name from llm.secrets").fetchall():
        db.execute("select llm_secret_drop(%s)", [name])


def _address(sql, provider, scripted):
    """Let the sample's addresses be the scripted server's."""
    sql = re.sub(r"https?://[\w.:-]+(/[\w/]*)?", scripted.endpoint, sql)
    if provider != "openai_compatible":
        # Where the row names no endpoint, name the scripted server.
        sql = sql.replace(", secret =>", f", endpoint => '{scripted.endpoint}', secret =>")
    return sql.replace(":'key'", "'sk-from-the-sample'")


def test_every_provider_has_a_sample():
    assert {provider for provider, _ in _BLOCKS} | {"static"} == set(BUILT_IN)


@pytest.mark.parametrize(("provider", "sql"), _SETUPS)
def test_a_providers_setup_works(db, scripted, clean, provider, sql):
    for statement in filter(str.strip, _address(sql, provider, scripted).split(";\n")):
        db.execute(statement)
    base_url = BUILT_IN[provider].base_url
    assert base_url is None or base_url.removesuffix("/v1").removesuffix("/compatible-mode") in sql
    models = db.execute("select name, kind, options from llm.models").fetchall()
    assert models
    for name, kind, options in models:
        before = len(scripted.requests)
        if kind == "chat":
            assert db.execute("select llm_complete('hello', %s)", [name]).fetchone() == ("Hi!",)
        else:
            dimensions = options.get("dimensions", 64)
            body = f'{{"body": {{"dimensions": {dimensions}}}}}'
            db.execute("select llm_model_change(%s, options => %s)", [name, body])
            query = "select vector_dims(llm_embed('hello', %s))"
            assert db.execute(query, [name]).fetchone() == (dimensions,)
        (request,) = scripted.requests[before:]
        key = "Bearer sk-from-the-sample" if "llm_secret_set" in sql else None
        assert request["headers"].get("authorization") == key


@pytest.mark.parametrize("sql", [sql for provider, sql in _BLOCKS if provider == "scripted"])
def test_the_samples_of_calls_run(db, scripted, clean, sql):
    db.execute("select llm_model_add('local', 'scripted', 'chat', 'x', %s)", [scripted.endpoint])
    db.execute("set pg_llm.chat_model = 'local'")
    for statement in filter(str.strip, sql.split(";\n")):
        db.execute(statement)
