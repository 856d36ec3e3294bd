"""The extension as a whole: created, dropped, dumped, refused."""

from __future__ import annotations

import psycopg
import pytest


def test_version(db):
    assert db.execute("select llm_version()").fetchone() == ("0.1.0",)


def test_unknown_setting_names_the_known_ones(db):
    with pytest.raises(psycopg.Error) as caught:
        db.execute("select llm_setting('nope')")
    assert caught.value.sqlstate == "42704"
    assert caught.value.diag.message_primary == 'pg_llm: unknown setting "nope"'
    assert "embed_model" in caught.value.diag.message_hint


def test_session_taste_wins_over_the_table_and_the_default(db):
    assert db.execute("select llm_setting('embed_model')").fetchone() == ("static",)
    db.execute("insert into llm.settings values ('embed_model', 'a'), ('call_timeout', '5')")
    assert db.execute("select llm_setting('embed_model')").fetchone() == ("a",)
    db.execute("set pg_llm.embed_model = 'b'")
    db.execute("set pg_llm.call_timeout = '9999'")
    assert db.execute("select llm_setting('embed_model')").fetchone() == ("b",)
    assert db.execute("select llm_setting('call_timeout')").fetchone() == ("5",)
