"""Answers in pieces."""

from __future__ import annotations

import time

import pytest


def test_pieces_make_the_answer(db, model):
    model("chat")
    rows = db.execute("select llm_stream('count', 'chat')").fetchall()
    assert [row[0] for row in rows] == ["one ", "two ", "three"]
    assert db.execute("select * from llm_stream('count', 'chat')").fetchall() == rows
    assert db.execute("select llm_stream(null, 'chat')").fetchall() == []


def test_pieces_come_while_they_arrive(db, model):
    model("chat", body={"scripted": {"fault": "drip", "seconds": 0.5}})
    db.execute("select llm_embed('warm')")
    with db.transaction():
        db.execute("declare pieces no scroll cursor for select llm_stream('count', 'chat')")
        times = []
        for expected in ("one ", "two ", "three"):
            assert db.execute("fetch from pieces").fetchone() == (expected,)
            times.append(time.monotonic())
    assert times[1] - times[0] > 0.25
    assert times[2] - times[1] > 0.25


def test_other_calls_go_on_while_a_cursor_is_open(db, model):
    model("chat")
    with db.transaction():
        db.execute("declare pieces no scroll cursor for select llm_stream('count', 'chat')")
        assert db.execute("fetch from pieces").fetchone() == ("one ",)
        assert db.execute("select llm_complete('hello', 'chat')").fetchone() == ("Hi!",)
        assert db.execute("fetch all from pieces").fetchall() == [("two ",), ("three",)]


@pytest.mark.parametrize("how", ["close pieces", "rollback"])
def test_a_cursor_may_be_left_early(db, model, how):
    model("chat", body={"scripted": {"fault": "drip", "seconds": 1}})
    started = time.monotonic()
    db.execute("begin")
    db.execute("declare pieces no scroll cursor for select llm_stream('count', 'chat')")
    db.execute("fetch from pieces")
    db.execute(how)
    db.execute("rollback")
    assert time.monotonic() - started < 10
    model("works")
    assert db.execute("select llm_complete('hello', 'works')").fetchone() == ("Hi!",)
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


def test_a_cancel_ends_a_stream(db, model, fails):
    model("chat", body={"scripted": {"fault": "drip", "seconds": 30}})
    db.execute("set statement_timeout = '500ms'")
    started = time.monotonic()
    assert fails("select llm_stream('count', 'chat')").sqlstate == "57014"
    assert time.monotonic() - started < 10


def test_limit_takes_no_more_than_it_needs(db, model):
    model("chat", body={"scripted": {"fault": "drip", "seconds": 20}})
    started = time.monotonic()
    assert db.execute("select llm_stream('count', 'chat') limit 1").fetchall() == [("one ",)]
    assert time.monotonic() - started < 10
