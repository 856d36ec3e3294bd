"""Which entries are calls, and how long they took."""

from __future__ import annotations

import pytest

from pg_llm.graph.logs import scanner
from pg_llm.graph.logs.records import Record
from pg_llm.graph.logs.tally import Tally, plan_text


def _record(message, severity="LOG", session="s", application="app", detail=""):
    return Record("2026-03-01 10:00:00", session, "joe", "shop", application, severity, message, detail)  # fmt: skip


def _count(*records):
    tally = Tally()
    tally.feed(_record(r) if isinstance(r, str) else r for r in records)
    return _counts(tally)


def _counts(tally):
    return {scanner.shown(p.key): (p.calls, p.timed, round(p.total, 3)) for p in tally.touched.values() if p.calls or p.timed}  # fmt: skip


_PLAN = "duration: 4.000 ms  plan:\nQuery Text: select a\nfrom t where b = 1\nSeq Scan on t  (cost=0.00..1.01 rows=1 width=4) (actual time=0.1..0.2 rows=7 loops=1)"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (["duration: 1.500 ms  statement: select 1", "duration: 2 ms  statement: select 2"], {"select $1": (2, 2, 3.5)}),
        (["duration: 0.1 ms  parse q: select $1", "duration: 0.2 ms  bind q: select $1", "duration: 1.0 ms  execute q: select $1"], {"select $1": (1, 1, 1.0)}),
        (["duration: 1.0 ms  execute fetch from q/c: select $1"], {}),
        (["statement: select 1"], {"select $1": (1, 0, 0)}),
        (["statement: select 1", "duration: 2.5 ms"], {"select $1": (1, 1, 2.5)}),
        (["duration: 0.1 ms", "duration: 0.1 ms", "execute <unnamed>: select $1", "duration: 2.5 ms", "duration: 9 ms"], {"select $1": (1, 1, 2.5)}),
        (["statement: select 1/0", _record("division by zero", "ERROR"), "duration: 7 ms"], {}),
        (["statement: select 1/0", _record("division by zero", "ERROR", session="other")], {"select $1 / $2": (1, 0, 0)}),
        (["statement: select 1", _record("duration: 9 ms", session="other")], {"select $1": (1, 0, 0)}),
        ([_PLAN], {"select a from t where b = $1": (1, 1, 4.0)}),
        ([_PLAN, "duration: 5 ms  statement: select a from t where b = 5"], {"select a from t where b = $1": (1, 1, 4.0)}),
        (["statement: select a from t where b=2", _PLAN, "duration: 5 ms"], {"select a from t where b = $1": (1, 1, 4.0)}),
        ([_PLAN, "duration: 5 ms  statement: select f()"], {"select a from t where b = $1": (1, 1, 4.0), "select f ()": (1, 1, 5.0)}),
        (["checkpoint starting: time", "connection authorized: user=x", "duration: abc ms  statement: x"], {}),
        ([_record("statement: execute q(5)", detail="prepare: prepare q as select a from t where b = $1")], {"prepare q as select a from t where b = $1": (1, 0, 0)}),
        ([_record("statement: select 1", application="pg_llm worker")], {}),
        (["statement: select * from lineage_extract('x')", "statement: select llm.backend_load()", "statement: call lineage_read_logs('/x')", "statement: select * from lineage.patterns"], {}),
        (["statement: select lineage from t", "statement: select t.lineage_id from t"], {"select lineage from t": (1, 0, 0), "select t.lineage_id from t": (1, 0, 0)}),
    ],
)  # fmt: skip
def test_calls(records, expected):
    assert _count(*records) == expected


def test_rows_of_a_plan():
    tally = Tally()
    tally.feed([_record(_PLAN)])
    assert [p.rows for p in tally.touched.values()] == [7]


@pytest.mark.parametrize(
    "plan",
    [
        "\nQuery Text: select 'a\nb' from t\nSeq Scan on t  (cost=0.00..1.01 rows=1 width=4)",
        '\n{\n  "Query Text": "select \'a\\nb\' from t",\n  "Plan": {}\n}',
        "\n<explain xmlns=\"x\">\n  <Query-Text>select 'a\nb' from t</Query-Text>\n  <Plan>",
        "\nQuery Text: \"select 'a\\nb' from t\"\nPlan: \n",
    ],
    ids=["text", "json", "xml", "yaml"],
)
def test_plans_of_each_format(plan):
    assert plan_text(plan) == "select 'a\nb' from t"


def test_what_is_open_is_taken_up_again_without_any_text():
    one = Tally()
    one.feed([_record("statement: select 'secret' from t"), _record(_PLAN, session="u")])
    state = one.state()
    assert "secret" not in str(state)
    two = Tally()
    keys = {scanner.fingerprint(key): scanner.shown(key) for key in one.patterns}
    assert two.open_patterns(state) == set(keys)
    two.resume(state, keys)
    two.feed([
        _record("duration: 3 ms"),
        _record("duration: 5 ms  statement: select a from t where b = 9", session="u"),
    ])  # fmt: skip
    assert _counts(two) == {"select $1 from t": (0, 1, 3.0)}


def test_sessions_are_bounded(monkeypatch):
    monkeypatch.setattr("pg_llm.graph.logs.tally._MAX_SESSIONS", 10)
    tally = Tally()
    tally.feed(_record("statement: select 1", session=str(n)) for n in range(100))
    assert len(tally.sessions) == 10
    assert _counts(tally) == {"select $1": (100, 0, 0)}
