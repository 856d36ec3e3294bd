"""What the tests of secrets share."""

from __future__ import annotations

import psycopg
import pytest

HOST = "https://api.example.com"
KEY = "sk-Zx81-the-quick-brown-key"


def put(session, name="main", value=KEY, endpoint=HOST):
    session.execute("select llm_secret_set(%s, %s, %s)", [name, value, endpoint])


def notices(session):
    """Collect what the server says to a session from now on."""
    said = []
    session.add_notice_handler(
        lambda n: said.append(f"{n.message_primary} {n.message_detail} {n.message_hint}")
    )
    return said


def refused(session, query, args=(), sqlstate=None):
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query, args)
    if sqlstate is not None:
        assert caught.value.sqlstate == sqlstate
    return caught.value
