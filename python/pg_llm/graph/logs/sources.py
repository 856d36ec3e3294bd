"""Which logs were read, and how far: `lineage.log_sources`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pg_llm.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pg_llm.database import Database, Row
    from pg_llm.graph.logs.files import Opened
    from pg_llm.graph.logs.records import Skip

_KEPT_SKIPS: Final = 100
_CANDIDATES: Final = """
select s.id, s.path, s.format, s.line_prefix, s.inode, s.head_length, s.head,
    s.read_bytes, s.read_lines, s.state::pg_catalog.text as state, s.skipped
from lineage.log_sources s
where s.head operator(pg_catalog.=) $1
   or s.inode operator(pg_catalog.=) $2
   or s.path operator(pg_catalog.=) $3
order by s.last_read desc
"""
_BEFORE: Final = """
select s.state::pg_catalog.text as state
from lineage.log_sources s
where pg_catalog.starts_with(s.path, $1)
order by s.last_read desc
limit 1
"""
_ADD: Final = """
insert into lineage.log_sources (path, format, line_prefix, inode, head_length, head, state)
values ($1, $2, $3, $4, $5, $6, $7::pg_catalog.jsonb)
returning id
"""
# Two sessions must not find a file unread at the same time.
_ADDING: Final = """
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pg_llm log source', 0))
"""
_LOCK: Final = """
select pg_catalog.pg_try_advisory_lock(
    pg_catalog.hashtextextended(pg_catalog.concat('pg_llm log source ', $1), 0)
) as locked
"""
_UNLOCK: Final = """
select pg_catalog.pg_advisory_unlock(
    pg_catalog.hashtextextended(pg_catalog.concat('pg_llm log source ', $1), 0)
)
"""
_SAVE: Final = """
update lineage.log_sources s
set path = $2,
    inode = $3,
    head_length = $4,
    head = $5,
    read_bytes = $6,
    read_lines = $7,
    entries = s.entries operator(pg_catalog.+) $8,
    statements = s.statements operator(pg_catalog.+) $9,
    skipped = s.skipped operator(pg_catalog.+) $10,
    state = $11::pg_catalog.jsonb,
    note = $12,
    last_read = pg_catalog.clock_timestamp()
where s.id operator(pg_catalog.=) $1
"""
_SAVE_TYPES: Final = ["int8", "text", "int8", "int4", "text", *["int8"] * 5, "jsonb", "text"]
_SKIPS: Final = """
insert into lineage.log_skips (source, line, reason)
select $1, g.line, g.reason
from rows from (
    pg_catalog.unnest($2::pg_catalog.int8[]), pg_catalog.unnest($3::pg_catalog.text[])
) as g (line, reason)
"""
_VANISHED: Final = """
update lineage.log_sources s
set note = 'vanished'
where pg_catalog.starts_with(s.path, $1)
  and pg_catalog.strpos(
      pg_catalog.substr(s.path, pg_catalog.length($1) operator(pg_catalog.+) 1), '/'
  ) operator(pg_catalog.=) 0
  and not s.path operator(pg_catalog.=) any ($2::pg_catalog.text[])
  and s.note is distinct from 'vanished'
"""


class Busy(DatabaseError):
    """Another session reads the log."""


@dataclass(slots=True)
class Source:
    """A log and how far it has been read."""

    id: int
    path: str
    format: str
    line_prefix: str | None
    bytes: int = 0
    lines: int = 0
    skipped: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


def find(database: Database, path: Path, opened: Opened) -> Source | None:
    """Return what is known of a file, None for a file that was never read."""
    identity = opened.identity
    rows = database.execute(
        _CANDIDATES, [identity.head, identity.inode, str(path)], ["text", "int8", "text"]
    )
    same = (row for row in rows if _same(row, opened))
    row = next(same, None)
    if row is None:
        return None
    found = Source(
        row["id"],
        str(path),
        row["format"],
        row["line_prefix"],
        row["read_bytes"],
        row["read_lines"],
        row["skipped"],
        json.loads(row["state"]),
    )
    if opened.size is not None and opened.size < found.bytes:
        found.bytes = opened.size
        found.note = "truncated: what follows is read from its new end"
    return found


def _same(row: Row, opened: Opened) -> bool:
    length = row["head_length"]
    if length > opened.identity.length or opened.head(length) != row["head"]:
        return False
    # A copy under another name is another log, unless the first is gone.
    return bool(row["inode"] == opened.identity.inode) or opened.compressed or _gone(row)


def _gone(row: Row) -> bool:
    from pathlib import Path

    try:
        return bool(Path(row["path"]).stat().st_ino != row["inode"])
    except OSError:
        return True


def add(
    database: Database, path: Path, opened: Opened, name: str, line_prefix: str | None
) -> Source:
    """Note a file that was never read. Its sessions may go on from a file before."""
    database.execute(_ADDING)
    found = find(database, path, opened)
    if found is not None:
        return found
    identity = opened.identity
    before = database.execute(_BEFORE, [f"{path.parent}/"])
    state = before[0]["state"] if before else "{}"
    values = [str(path), name, line_prefix, identity.inode, identity.length, identity.head, state]
    types = ["text", "text", "text", "int8", "int4", "text", "jsonb"]
    row = database.execute(_ADD, values, types)[0]
    return Source(row["id"], str(path), name, line_prefix, state=json.loads(state))


@contextmanager
def locked(database: Database, source: Source) -> Iterator[None]:
    """Keep other sessions from reading a log meanwhile, also between transactions.

    Raises `DatabaseError` (55P03) where one reads it.
    """
    row = database.execute(_LOCK, [source.id], ["int8"])[0]
    if not row["locked"]:
        raise Busy(
            f'"{source.path}" is being read by another session',
            sqlstate="55P03",
            hint="Let one session read a log at a time.",
        )
    try:
        yield
    finally:
        database.execute(_UNLOCK, [source.id], ["int8"])


@dataclass(frozen=True, slots=True)
class Progress:
    """What was read since the last time: bytes, lines and what was found in them."""

    bytes: int
    lines: int
    entries: int
    statements: int
    skips: Sequence[Skip]


def save(
    database: Database, source: Source, opened: Opened, progress: Progress, state: dict[str, Any]
) -> None:
    """Write down how far a log has been read. `Skip.line` counts in the file, from 1."""
    kept = progress.skips[: max(0, _KEPT_SKIPS - source.skipped)]
    if kept:
        columns = [source.id, [s.line for s in kept], [s.reason for s in kept]]
        database.execute(_SKIPS, columns, ["int8", "int8[]", "text[]"])
    source.bytes += progress.bytes
    source.lines += progress.lines
    source.skipped += len(progress.skips)
    identity = opened.identity
    values = [
        source.id, source.path, identity.inode, identity.length, identity.head,
        source.bytes, source.lines, progress.entries, progress.statements, len(progress.skips),
        json.dumps(state), source.note,
    ]  # fmt: skip
    database.execute(_SAVE, values, _SAVE_TYPES)


def vanished(database: Database, directory: Path, present: Sequence[Path]) -> None:
    """Note which files of a directory are no longer there."""
    database.execute(
        _VANISHED, [f"{directory}/", [str(path) for path in present]], ["text", "text[]"]
    )
