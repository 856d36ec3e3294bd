"""Count statements by pattern: what records of a log say that ran, and how long.

    duration: 1.2 ms  statement: …      ran (log_min_duration_statement)
    duration: 1.2 ms  execute name: …   ran, in the extended protocol
    duration: 1.2 ms  parse | bind …    no run yet
    duration: 1.2 ms  plan: Query Text… ran (auto_explain)
    statement: …   execute name: …      begins (log_statement)
    duration: 1.2 ms                    how long that took (log_duration)
    ERROR, FATAL                        it did not run after all

An execution that is told twice (by log_statement and auto_explain, say) counts
once. What a session left open is part of the state that is kept between calls.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pg_llm.graph.logs import scanner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pg_llm.graph.logs.records import Record

_MAX_SESSIONS: Final = 10_000
_MAX_TEXTS: Final = 20_000
_SHORT: Final = 2_000
_FAILED: Final = frozenset({"ERROR", "FATAL", "PANIC"})
# Statements of ours: the extension's functions and its schemas.
_OURS: Final = re.compile(
    r"\b(?:lineage|llm)(?:\.\w|_[a-z0-9_]+ \()|\bsql_(?:normalize|fingerprint) \("
    r"|\bpg_llm_[0-9a-f]{16}\b"
)
_OUR_APPLICATION: Final = "pg_llm"
# What changes the meaning of a session's later statements.
_SESSION: Final = re.compile(
    r"create (?:local |global )?temp(?:orary)? "
    r"|select .*\binto (?:local |global )?temp(?:orary)? "
    r"|set (?:session |local )?search_path |reset (?:all|search_path)|discard "
    r"|drop (?:table|view) ",
    re.DOTALL,
)
_PLAN_ROWS: Final = re.compile(
    r"\(actual (?:time=[\d.]+\.\.[\d.]+ )?rows=([\d.]+) loops|\"Actual Rows\": ([\d.]+)"
    r"|<Actual-Rows>([\d.]+)<|\bActual Rows: ([\d.]+)"
)
_QUERY_TEXT: Final = re.compile(
    r"\s*(?:Query Text: (?P<text>.*?)\n(?=[^\n]*\((?:cost|actual)|Query Parameters: )"
    r"|\{\s*\"Query Text\": (?P<json>\"(?:[^\"\\]|\\.)*\")"
    r"|<explain[^>]*>\s*<Query-Text>(?P<xml>.*?)</Query-Text>"
    r"|Query Text: (?P<yaml>\"(?:[^\"\\]|\\.)*\"))",
    re.DOTALL,
)


class Pattern:
    """A pattern and what was counted of it since it was last saved."""

    __slots__ = (
        "calls", "first", "fresh", "key", "last", "longest", "ours", "path", "rows", "sample",
        "session", "temporary", "timed", "total", "who",
    )  # fmt: skip

    def __init__(self, key: str) -> None:
        self.key = key
        self.ours = _OURS.search(key) is not None
        # Whether it is to be shown to the session's notes.
        self.session = _SESSION.match(key) is not None
        # Not known to be in the table yet.
        self.fresh = True
        self.clear()

    def clear(self) -> None:
        """Forget what was counted."""
        self.calls = self.timed = 0
        self.total = self.longest = self.rows = 0.0
        self.first = self.last = ""
        self.who: set[tuple[str, str, str]] = set()
        self.sample = ""
        self.path: tuple[str, ...] | None = None
        self.temporary: tuple[str, ...] = ()

    def time(self, milliseconds: float) -> None:
        """Add the duration of one of its calls."""
        self.timed += 1
        self.total += milliseconds
        if milliseconds > self.longest:
            self.longest = milliseconds


class Session:
    """What is to be remembered of a session.

    `running`: the pattern whose `statement:` was seen, to which a duration or
    an error belongs; `timed`: its duration is known already. `planned`:
    patterns whose plan was seen, which the line of the statement repeats.
    `path`: what SET search_path said. `temporary`: the statements that made
    temporary relations, by name.
    """

    __slots__ = ("path", "planned", "running", "temporary", "timed")

    def __init__(self) -> None:
        self.running: Pattern | None = None
        self.timed = False
        self.planned: list[Pattern] = []
        self.path: tuple[str, ...] | None = None
        self.temporary: dict[str, str] = {}


class Tally:
    """Counts what records say. `touched` are the patterns counted since `clear`."""

    def __init__(self) -> None:
        self.patterns: dict[str, Pattern] = {}
        self.touched: dict[str, Pattern] = {}
        self.sessions: dict[str, Session] = {}
        self.entries = self.statements = 0
        self._texts: dict[str, Pattern] = {}

    def feed(self, records: Iterable[Record]) -> None:
        """Count the records."""
        for record in records:
            self.entries += 1
            message = record[6]
            if record[5] == "LOG":
                if message.startswith("duration: "):
                    self._duration(record, message)
                elif message.startswith("statement: "):
                    self._begun(record, message[11:])
                elif message.startswith("execute "):
                    self._begun(record, message[message.find(": ", 8) + 2 :])
            elif record[5] in _FAILED:
                self._failed(record[1])

    def clear(self) -> None:
        """Forget what was counted and saved."""
        for pattern in self.touched.values():
            pattern.clear()
        self.touched.clear()
        self.entries = self.statements = 0

    def forget(self, patterns: int, characters: int) -> None:
        """Forget patterns where there are more than so many, or they are longer together."""
        if len(self.patterns) > patterns or sum(map(len, self.patterns)) > characters:
            self.patterns.clear()
            self._texts.clear()

    # -- kinds of messages ------------------------------------------------------

    def _duration(self, record: Record, message: str) -> None:
        end = message.find(" ms", 10)
        try:
            milliseconds = float(message[10:end])
        except ValueError:
            return
        what = message[end + 3 : end + 14]
        if what == "  statement":
            self._ran(record, message[end + 16 :], milliseconds)
        elif what.startswith("  execute "):
            if not message.startswith("fetch from ", end + 13):
                text = message[message.find(": ", end + 13) + 2 :]
                self._ran(record, text, milliseconds)
        elif what.startswith("  plan:"):
            self._planned(record, message[end + 10 :], milliseconds)
        elif not what:
            self._timed(record[1], milliseconds)

    def _ran(self, record: Record, text: str, milliseconds: float) -> None:
        session = self.sessions.get(record[1])
        pattern = self._pattern(text, record[7])
        planned = session is not None and pattern in session.planned
        if session is not None:
            session.planned.clear()
            session.running = None
        if planned:
            return
        self._count(pattern, record, text)
        pattern.time(milliseconds)

    def _begun(self, record: Record, text: str) -> None:
        if record[6].startswith("execute fetch from "):
            return
        pattern = self._pattern(text, record[7])
        self._count(pattern, record, text)
        session = self._session(record[1])
        session.running, session.timed = pattern, False
        session.planned.clear()

    def _timed(self, name: str, milliseconds: float) -> None:
        session = self.sessions.get(name)
        if session is None or session.running is None:
            return
        if not session.timed:
            self._touch(session.running)
            session.running.time(milliseconds)
        session.running = None
        session.planned.clear()

    def _planned(self, record: Record, plan: str, milliseconds: float) -> None:
        text = plan_text(plan)
        if text is None:
            return
        pattern = self._pattern(text)
        session = self._session(record[1])
        if session.running is pattern and not session.timed:
            session.timed = True
        else:
            self._count(pattern, record, text)
            session.planned.append(pattern)
        self._touch(pattern)
        pattern.time(milliseconds)
        rows = _PLAN_ROWS.search(plan)
        if rows is not None:
            pattern.rows += float(next(filter(None, rows.groups())))

    def _failed(self, name: str) -> None:
        session = self.sessions.get(name)
        if session is None:
            return
        if session.running is not None:
            self._touch(session.running)
            session.running.calls -= 1
            session.running = None
        session.planned.clear()

    # -- patterns and sessions ----------------------------------------------------

    def _pattern(self, text: str, detail: str = "") -> Pattern:
        found = self._texts.get(text)
        if found is None:
            key = scanner.key(text)
            if key.startswith("execute ") and detail.startswith("prepare: "):
                # EXECUTE is told with the statement that was prepared.
                key = scanner.key(detail[9:])
            found = self.patterns.get(key)
            if found is None:
                found = self.patterns[key] = Pattern(key)
            if len(text) < _SHORT and not detail.startswith("prepare: "):
                if len(self._texts) > _MAX_TEXTS:
                    self._texts.clear()
                self._texts[text] = found
        return found

    def _count(self, pattern: Pattern, record: Record, text: str) -> None:
        if pattern.ours or record[4].startswith(_OUR_APPLICATION):
            return
        self.statements += 1
        self._touch(pattern)
        pattern.calls += 1
        pattern.last = record[0]
        who = (record[2], record[3], record[4])
        if who not in pattern.who:
            pattern.who.add(who)
        if not pattern.first:
            pattern.first = record[0]
        if pattern.session:
            self._note(record[1], pattern, text)
        if pattern.fresh and not pattern.sample:
            self._remember(pattern, record, text)

    def _touch(self, pattern: Pattern) -> None:
        if not pattern.ours:
            self.touched[pattern.key] = pattern

    def _remember(self, pattern: Pattern, record: Record, text: str) -> None:
        """Keep what the analysis of a new pattern needs."""
        pattern.sample = record[7][9:] if record[7].startswith("prepare: ") else text
        session = self.sessions.get(record[1])
        if session is not None:
            pattern.path = session.path
            if session.temporary:
                pattern.temporary = tuple(session.temporary.values())

    def _session(self, name: str) -> Session:
        found = self.sessions.get(name)
        if found is None:
            if len(self.sessions) >= _MAX_SESSIONS:
                # The one that began first.
                del self.sessions[next(iter(self.sessions))]
            found = self.sessions[name] = Session()
        return found

    def _note(self, name: str, pattern: Pattern, text: str) -> None:
        from pg_llm.graph.logs import sessions

        sessions.note(self._session(name), pattern.key, text)

    # -- between two calls ----------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what sessions left open, without any statement's text."""
        return {
            name: {
                "running": scanner.fingerprint(session.running.key) if session.running else None,
                "timed": session.timed,
                "planned": [scanner.fingerprint(pattern.key) for pattern in session.planned],
            }
            for name, session in self.sessions.items()
            if session.running is not None or session.planned
        }

    def open_patterns(self, state: Mapping[str, Any]) -> set[str]:
        """Return the fingerprints that a state refers to."""
        found = {s["running"] for s in state.values() if s["running"]}
        return found.union(*(s["planned"] for s in state.values()))

    def resume(self, state: Mapping[str, Any], keys: Mapping[str, str]) -> None:
        """Take up what `state` returned; `keys` gives the patterns by fingerprint."""
        for name, kept in state.items():
            session = self._session(name)
            session.running = self._known(kept["running"], keys)
            session.timed = bool(kept["timed"])
            planned = (self._known(fingerprint, keys) for fingerprint in kept["planned"])
            session.planned = [pattern for pattern in planned if pattern is not None]

    def _known(self, fingerprint: str | None, keys: Mapping[str, str]) -> Pattern | None:
        text = keys.get(fingerprint or "")
        return None if text is None else self._pattern(text)


def plan_text(plan: str) -> str | None:
    """Return the statement in a plan of auto_explain (text, json, xml or yaml)."""
    import html
    import json

    match = _QUERY_TEXT.match(plan)
    if match is None:
        return None
    if match["text"] is not None:
        return match["text"]
    if match["xml"] is not None:
        return html.unescape(match["xml"])
    try:
        return str(json.loads(match["json"] or match["yaml"], strict=False))
    except ValueError:
        return None
