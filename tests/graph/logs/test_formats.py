"""Every format says the same, by version and prefix; damage is skipped and counted."""

from __future__ import annotations

import pytest

from pg_llm.errors import InvalidParameter
from pg_llm.graph.logs import blocks
from pg_llm.graph.logs.formats import CsvLog, JsonLog
from pg_llm.graph.logs.records import Record, Skip
from pg_llm.graph.logs.stderr import StandardError
from tests.graph.logs.conftest import PREFIX, Log


def _some(database="shop"):
    log = Log(database)
    log.ran("select 1")
    log.ran("select *\n\tfrom t\n\nwhere a = 'x;\"y'", session="67c2.b", application="")
    log.add("statement: select ä, 汉字 from t", user="joe the 2nd")
    log.add("division by zero", "ERROR", query="select 1/0", detail="why")
    return log


def _records(found):
    return [(r.session, r.user, r.database, r.application, r.severity, r.message) for r in found if isinstance(r, Record)]  # fmt: skip


@pytest.mark.parametrize("columns", [22, 23, 24, 26])
def test_csvlog_of_each_version(columns):
    found = list(CsvLog().records(_some().csv(columns)))
    assert len(found) == 4
    assert (
        found[1].message
        == "duration: 1.500 ms  statement: select *\n\tfrom t\n\nwhere a = 'x;\"y'"
    )
    assert found[0].application == ("" if columns == 22 else "app")
    assert found[0].time == "2026-03-01 10:00:00.000"


def test_formats_agree():
    log = _some()
    by_csv = _records(CsvLog().records(log.csv()))
    assert _records(JsonLog().records(log.json())) == by_csv
    plain = _records(StandardError(PREFIX).records(log.stderr()))
    assert [r for r in plain if r[4] not in ("DETAIL", "STATEMENT")] == by_csv


@pytest.mark.parametrize(
    ("prefix", "line", "expected"),
    [
        ("", "LOG:  x", ("", "", "", "", "")),
        ("%t ", "2026-03-01 10:00:00 CET LOG:  x", ("2026-03-01 10:00:00", "", "", "", "")),
        ("%m [%p] ", "2026-03-01 10:00:00.123 +03 [17] LOG:  x", ("2026-03-01 10:00:00.123", "17", "", "", "")),
        ("%n %c ", "1772359200.123 67c2d.1f LOG:  x", ("@1772359200.123", "67c2d.1f", "", "", "")),
        ("%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "2026-03-01 10:00:00 UTC [17]: [3-1] user=joe,db=shop,app=a b,client=[local] LOG:  x", ("2026-03-01 10:00:00", "17", "joe", "shop", "a b")),
        ("%m %q%u@%d ", "2026-03-01 10:00:00.123 UTC LOG:  x", ("2026-03-01 10:00:00.123", "", "", "", "")),
        ("%a|%b|%e|%h|%i|%l|%p|%P|%Q|%r|%s|%u|%v|%x|%%|", "psql|client backend|00000|h|SELECT|1|17||-5|h(5)|2026-03-01 10:00:00 UTC|joe|3/4|0|%|LOG:  x", ("", "17", "joe", "", "psql")),
        ("%-10u%5p ", "joe          17 LOG:  x", ("", "17", "joe", "", "")),
        ("%u %u ", "joe joe LOG:  x", ("", "", "joe", "", "")),
        ("%u@%d ", "[unknown]@[unknown] LOG:  x", ("", "", "", "", "")),
    ],
)  # fmt: skip
def test_line_prefix(prefix, line, expected):
    (found,) = StandardError(prefix).records(line + "\n")
    assert (found.time, found.session, found.user, found.database, found.application) == expected
    assert (found.severity, found.message) == ("LOG", "x")


def test_unknown_escape():
    with pytest.raises(InvalidParameter, match='unknown escape "%y"'):
        StandardError("%y")


def _damaged(text, chosen):
    found = list(chosen.records(text))
    return len([f for f in found if isinstance(f, Record)]), [f.line for f in found if isinstance(f, Skip)]  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda lines: [lines[0][:90], *lines[1:]], (2, [0])),
        (lambda lines: [lines[0][:90] + "\n", *lines[1:]], (2, [0])),
        (lambda lines: [lines[0], "garbage\n", *lines[1:]], (3, [1])),
        (lambda lines: [lines[0], '"open\n', *lines[1:]], (3, [1])),
        (lambda lines: ["garbage\n", "more\n", *lines], (3, [0])),
        (lambda lines: [*lines[:2], lines[2][:100]], (2, [2])),
        (lambda lines: [lines[0], "a,b,c\n", *lines[1:]], (3, [1])),
    ],
)
def test_damaged_csvlog(damage, expected):
    log = Log("shop").ran("select 1").ran("select 'two'").ran("select 3")
    lines = log.csv().splitlines(keepends=True)
    records, skipped = _damaged("".join(damage(lines)), CsvLog())
    if damage(lines)[0] == lines[0][:90]:
        # Cut, and the next began on the same line.
        assert (records, skipped) == (1, [0])
    else:
        assert (records, skipped) == expected


def test_damaged_jsonlog():
    lines = Log("shop").ran("select 1").ran("select 2").json().splitlines(keepends=True)
    assert _damaged(lines[0][:50] + "\n" + lines[1], JsonLog()) == (1, [0])
    assert _damaged(lines[0] + "17\n[]\n" + lines[1] + '{"a"', JsonLog()) == (2, [1, 2, 4])


def test_damaged_stderr():
    log = Log("shop").ran("select 1").ran("select\n2")
    lines = log.stderr().splitlines(keepends=True)
    text = "tail of a message\n" + lines[0] + "printed by a library\n" + "".join(lines[1:])
    assert _damaged(text, StandardError(PREFIX)) == (2, [0, 2])


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
@pytest.mark.parametrize("kind", ["csv", "json", "stderr"])
def test_blocks_of_any_size(kind, size):
    log = _some()
    data = getattr(log, kind)().encode()
    chosen = {"csv": CsvLog(), "json": JsonLog(), "stderr": StandardError(PREFIX)}[kind]
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    found = list(blocks.blocks(pieces, chosen, "utf-8", complete=True))
    assert sum(block.bytes for block in found) == len(data)
    assert sum(block.lines for block in found) == data.count(b"\n")
    records = [record for block in found for record in block.records]
    assert records == list(chosen.records(data.decode()))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_is_not_complete_is_left(kind):
    data = getattr(Log("shop").ran("select 1").ran("select 'a\nb'"), kind)().encode()
    chosen = {"csv": CsvLog(), "json": JsonLog()}[kind]
    for cut in range(len(data)):
        read = sum(b.bytes for b in blocks.blocks([data[:cut]], chosen, "utf-8", complete=False))
        rest = blocks.blocks([data[read:]], chosen, "utf-8", complete=False)
        first = blocks.blocks([data[:read]], chosen, "utf-8", complete=True)
        assert sum(len(b.records) for b in [*first, *rest]) == 2


def test_wrong_encoding_is_skipped_with_its_line():
    data = Log("shop").ran("select 1").ran("select 'é'").ran("select 3").csv().encode("latin-1")
    first, last = blocks.blocks([data], CsvLog(), "utf-8", complete=True)
    assert [len(first.records), len(last.records)] == [1, 1]
    assert first.skips == [Skip(1, "bytes that are not text of the encoding")]
    found = blocks.blocks([data], CsvLog(), "latin-1", complete=True)
    assert sum(len(block.records) for block in found) == 3


def test_a_record_without_end_is_passed_over(monkeypatch):
    monkeypatch.setattr(blocks, "LONGEST", 5000)
    log = Log("shop").ran("select 1").ran(f"select '{'x' * 40_000}'").ran("select 3")
    data = log.csv().encode()
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    found = list(blocks.blocks(pieces, CsvLog(), "utf-8", complete=True))
    assert [r.message[-8:] for block in found for r in block.records] == ["select 1", "select 3"]
    assert blocks.LONG in {skip.reason for block in found for skip in block.skips}
    assert max(block.bytes for block in found) < 7000


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("xmllog", b"", "unknown format"),
        ("jsonlog", Log("d").ran("select 1").csv().encode(), "is not a log of format jsonlog: it is csvlog"),
        ("csvlog", b"\x7fELF\x02\x01\0\0\0" * 50, "is not a log of format csvlog"),
        (None, b"\x89PNG\r\n\x1a\n" * 50, "is not a log of a known format"),
        (None, b"hello\nworld\n", "is not a log of a known format"),
    ],
)  # fmt: skip
def test_not_what_was_said(name, data, message):
    with pytest.raises(InvalidParameter, match=message) as raised:
        blocks.named(name, PREFIX, data, "it")
    assert raised.value.hint
