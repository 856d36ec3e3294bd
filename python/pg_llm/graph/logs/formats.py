"""csvlog and jsonlog: columns by major version, and how to go on after damage.

csvlog (https://www.postgresql.org/docs/current/runtime-config-logging.html)
has 22 columns in 8.4, 23 with application_name since 9.0, 24 with backend_type
since 13, 26 with leader_pid and query_id since 14; each adds to the end.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from pg_llm.graph.logs.records import Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COLUMNS: Final = frozenset({22, 23, 24, 26})
_FIELD: Final = r'(?:"(?:[^"\n]|"")*")?'
# How a record of csvlog begins. In a statement's text quotes are doubled, so
# that no line of a pasted log looks like this.
_HEAD: Final = (
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^,\"\n]{1,20},"
    rf"{_FIELD},{_FIELD},\d*,{_FIELD},[0-9a-f]+\.[0-9a-f]+,\d+,"
)
_RECORD: Final = re.compile("^" + _HEAD, re.MULTILINE)
_BYTES_HEAD: Final = re.compile(_HEAD.encode())
_CUT: Final = "cut off, or not a record of csvlog"


class CsvLog:
    """log_destination csvlog."""

    name = "csvlog"

    def boundary(self, data: bytes) -> int:
        """Return the last place where a record begins."""
        position = len(data)
        while (position := data.rfind(b"\n", 0, position)) >= 0:
            if _BYTES_HEAD.match(data, position + 1):
                return position + 1
        return 0

    def records(self, block: str) -> Iterable[Record | Skip]:
        """Return the records; a damaged block is read record by record."""
        csv.field_size_limit(sys.maxsize)
        try:
            rows = list(csv.reader(io.StringIO(block, newline="\n")))
        except csv.Error:
            return self._damaged(block)
        if all(len(row) in _COLUMNS and row[0][4:5] == "-" for row in rows):
            return map(_from_columns, rows)
        return self._damaged(block)

    def _damaged(self, block: str) -> Iterator[Record | Skip]:
        starts = [match.start() for match in _RECORD.finditer(block)]
        line = done = 0
        if not starts or starts[0]:
            starts.insert(0, 0)
        for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
            line += block.count("\n", done, start)
            done = start
            yield from _first(block[start:end], line)


def _first(text: str, line: int) -> Iterator[Record | Skip]:
    """Yield the record that a text begins with; what follows it is none."""
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    try:
        row = next(reader, [])
    except csv.Error:
        row = []
    if len(row) not in _COLUMNS or not _RECORD.match(text):
        yield Skip(line, _CUT)
        return
    yield _from_columns(row)
    if reader.line_num < text.count("\n") + (not text.endswith("\n")):
        yield Skip(line + reader.line_num, _CUT)


def _from_columns(row: list[str]) -> Record:
    application = row[22] if len(row) > 22 else ""
    return Record(
        row[0][:23], row[5], row[1], row[2], application, row[11], row[13], row[14]
    )  # fmt: skip


class JsonLog:
    """log_destination jsonlog, of PostgreSQL 15 and later: an object a line."""

    name = "jsonlog"

    def boundary(self, data: bytes) -> int:
        """Return the place after the last line."""
        return data.rfind(b"\n") + 1

    def records(self, block: str) -> Iterable[Record | Skip]:
        """Return the records, one of each line."""
        lines = block.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        try:
            objects = json.loads(f"[{','.join(lines)}]")
        except ValueError:
            return (_from_line(number, line) for number, line in enumerate(lines))
        if len(objects) == len(lines) and all(isinstance(o, dict) for o in objects):
            return map(_from_object, objects)
        return (_from_line(number, line) for number, line in enumerate(lines))


def _from_line(number: int, line: str) -> Record | Skip:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or "error_severity" not in found:
        return Skip(number, "cut off, or not an object of jsonlog")
    return _from_object(found)


def _from_object(found: dict[str, Any]) -> Record:
    get = found.get
    return Record(
        str(get("timestamp") or "")[:23],
        str(get("session_id") or get("pid") or ""),
        str(get("user") or ""),
        str(get("dbname") or ""),
        str(get("application_name") or ""),
        str(get("error_severity") or ""),
        str(get("message") or ""),
        str(get("detail") or ""),
    )
