"""The plain log (stderr, syslog's text) under any log_line_prefix.

The prefix's escapes
(https://www.postgresql.org/docs/current/runtime-config-logging.html) become
one pattern; a message goes on over the lines that begin with a tab.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter
from pg_llm.graph.logs.records import Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
# What each escape stands for; those with a name are used. Names are not quoted
# in the log, so that a text between two of them is as short as what follows allows.
_ESCAPES: Final = {
    "a": "(?P<application>.*?)",
    "u": "(?P<user>.*?)",
    "d": "(?P<database>.*?)",
    "r": r".*?",
    "h": r".*?",
    "L": r".*?",
    "b": r".*?",
    "p": r"(?P<process>\d+)",
    "P": r"(?:\d+)?",
    "t": rf"(?P<second>{_TIME}) \S{{1,20}}",
    "m": rf"(?P<time>{_TIME}\.\d{{3}}) \S{{1,20}}",
    "n": r"(?P<epoch>\d+\.\d{3})",
    "s": rf"{_TIME} \S{{1,20}}",
    "i": r".*?",
    "e": r"[0-9A-Z]{5}",
    "c": r"(?P<session>[0-9a-f]+\.[0-9a-f]+)",
    "l": r"\d+",
    "v": r"(?:-?\d+/-?\d+)?",
    "x": r"\d+",
    "Q": r"-?\d+",
}
_PART: Final = re.compile(r"%(-?\d*)(.)|([^%]+)|%", re.DOTALL)
_SEVERITY: Final = r"(?P<severity>[^\W\d_][\w]{1,15}):  ?"
_NOTHING: Final = ""


class StandardError:
    """log_destination stderr with a log_line_prefix.

    Raises `InvalidParameter` for a prefix that has an unknown escape.
    """

    name = "stderr"

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        head = prefix_pattern(prefix)
        self._head = re.compile(head + _SEVERITY)
        self._entry = re.compile(
            rf"^{head}{_SEVERITY}(?P<message>[^\n]*+(?:\n\t[^\n]*+)*)\n?",
            re.MULTILINE,
        )
        self._names = frozenset(self._entry.groupindex)

    def boundary(self, data: bytes) -> int:
        """Return the beginning of the last line that does not go on the one before."""
        position = len(data)
        while (position := data.rfind(b"\n", 0, position)) >= 0:
            if data[position + 1 : position + 2] not in (b"", b"\t", b"\n"):
                return position + 1
        return 0

    def records(self, block: str) -> Iterator[Record | Skip]:
        """Yield the entries, and the places between them."""
        done = 0
        for match in self._entry.finditer(block):
            if match.start() > done and block[done : match.start()].strip():
                yield Skip(block.count("\n", 0, done), self._reason)
            done = match.end()
            yield self._record(match)
        if block[done:].strip():
            yield Skip(block.count("\n", 0, done), self._reason)

    @property
    def _reason(self) -> str:
        return "not a line that begins with the log_line_prefix and a severity"

    def _record(self, match: re.Match[str]) -> Record:
        found = match.groupdict(_NOTHING)
        get = found.get
        epoch = get("epoch")
        message = found["message"]
        return Record(
            get("time") or get("second") or (f"@{epoch}" if epoch else ""),
            get("session") or get("process") or "",
            _known(get("user")),
            _known(get("database")),
            _known(get("application")),
            found["severity"],
            message.replace("\n\t", "\n") if "\n\t" in message else message,
            "",
        )


def _known(name: str | None) -> str:
    return "" if not name or name == "[unknown]" else name


def prefix_pattern(prefix: str) -> str:
    """Return a regular expression for what a log_line_prefix writes.

    Raises `InvalidParameter` for an unknown escape.
    """
    written, optional = "", False
    seen: set[str] = set()
    for match in _PART.finditer(prefix):
        width, escape, text = match.groups()
        if text is not None:
            written += re.escape(text)
        elif escape == "%":
            written += "%"
        elif escape == "q":
            # Processes without a session stop here.
            written, optional = written + "(?:", True
        else:
            written += _escape(escape, width, seen)
    return written + (")?" if optional else "")


def _escape(escape: str | None, width: str | None, seen: set[str]) -> str:
    pattern = _ESCAPES.get(escape or "")
    if pattern is None:
        raise InvalidParameter(
            f'the log_line_prefix has an unknown escape "%{escape or ""}"',
            hint="Pass the log_line_prefix of the server that wrote the log, as it stands in its "
            "settings.",
        )
    if escape in seen:
        pattern = re.sub(r"\?P<\w+>", "?:", pattern)
    seen.add(escape or "")
    if width:
        return rf"{pattern} *" if width.startswith("-") else rf" *{pattern}"
    return pattern
