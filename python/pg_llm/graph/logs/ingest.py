"""Read a log: blocks, records, counts, patterns, and the place, batch by batch.

A batch is a transaction: what was counted and how far the log was read are
written together. So a reader that is killed loses and doubles nothing.
"""

from __future__ import annotations

import codecs
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter, UndefinedObject
from pg_llm.graph.logs import blocks, files, sources
from pg_llm.graph.logs.patterns import Patterns
from pg_llm.graph.logs.records import Skip
from pg_llm.graph.logs.stderr import StandardError
from pg_llm.graph.logs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pg_llm.database import Database
    from pg_llm.graph.logs.blocks import Block
    from pg_llm.graph.logs.files import Opened
    from pg_llm.graph.logs.records import Format
    from pg_llm.graph.logs.sources import Source

# Of a batch: blocks, seconds, patterns.
_BLOCKS: Final = 4
_SECONDS: Final = 1.0
_TOUCHED: Final = 5_000
# Patterns that are remembered: how many, and characters of them.
_PATTERNS: Final = 50_000
_CHARACTERS: Final = 32 << 20

_SETTINGS: Final = """
select pg_catalog.current_setting('log_timezone') as time_zone,
    pg_catalog.current_setting('log_line_prefix') as line_prefix
"""
_ZONE: Final = "select pg_catalog.timezone($1, pg_catalog.now())"
_KEYS: Final = """
select p.fingerprint, p.query
from lineage.patterns p
where p.fingerprint operator(pg_catalog.=) any ($1::pg_catalog.text[])
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How a log was written: None stands for what this server does, and for found out."""

    format: str | None = None
    line_prefix: str | None = None
    time_zone: str | None = None
    encoding: str = "utf-8"


@dataclass(slots=True)
class Totals:
    """What was read: entries, statements that ran, patterns that are new, places skipped."""

    entries: int = 0
    statements: int = 0
    patterns: int = 0
    skipped: int = 0


class Reader:
    """Reads logs into patterns.

    `commit` ends a batch. Raises `InvalidParameter` for an unknown time zone
    or encoding.
    """

    def __init__(self, database: Database, commit: Callable[[], None], options: Options) -> None:
        self._database = database
        self._commit = commit
        self._options = options
        settings = database.execute(_SETTINGS)[0]
        given = options.line_prefix
        self._prefix = settings["line_prefix"] if given is None else given
        zone = options.time_zone or settings["time_zone"]
        if options.time_zone is not None:
            database.execute(_ZONE, [zone])
        try:
            self._encoding = codecs.lookup(options.encoding).name
        except LookupError:
            raise InvalidParameter(
                f'unknown encoding "{options.encoding}"', hint="For example utf-8, gbk, latin-1."
            ) from None
        self._tally = Tally()
        self._patterns = Patterns(database, zone)
        self.totals = Totals()

    # -- texts --------------------------------------------------------------------

    def text(self, data: Iterable[bytes], sample: bytes, what: str) -> None:
        """Read a log that is complete, and of which nothing is remembered."""
        chosen = blocks.named(self._options.format, self._prefix, sample, what)
        for count, block in enumerate(blocks.blocks(data, chosen, self._encoding, complete=True)):
            self._database.check_interrupts()
            self._take(block)
            if count % _BLOCKS == _BLOCKS - 1:
                self._save()
        self._save()

    # -- files --------------------------------------------------------------------

    def path(self, path: Path) -> None:
        """Read on in a file, or in the files of a directory, the oldest first.

        Raises `UndefinedObject` and `InsufficientPrivilege` for what cannot be
        read, `InvalidParameter` for a file of another format. What was read
        before stays read.
        """
        listed = files.found(path)
        if listed != [path]:
            sources.vanished(self._database, path, listed)
        for one in listed:
            try:
                self._file(one, alone=listed == [path])
            except OSError as error:
                if listed == [path]:
                    raise files.refused(one, error) from None

    def _file(self, path: Path, *, alone: bool) -> None:
        try:
            opened = files.Opened(path)
        except files.Damaged as error:
            raise _not_compressed(path, error) from None
        try:
            found = self._source(path, opened, alone=alone)
            if found is not None:
                source, chosen = found
                with sources.locked(self._database, source):
                    # It may have been read further before the lock was there.
                    source = sources.find(self._database, path, opened) or source
                    self._resume(source.state)
                    self._read(source, opened, chosen)
        except files.Damaged as error:
            raise _not_compressed(path, error) from None
        finally:
            opened.close()

    def _source(self, path: Path, opened: Opened, *, alone: bool) -> tuple[Source, Format] | None:
        source = sources.find(self._database, path, opened)
        if source is not None:
            prefix = self._prefix if source.line_prefix is None else source.line_prefix
            return source, blocks.named(source.format, prefix, b"", str(path))
        sample = opened.sample()
        if not sample.strip():
            return None
        try:
            chosen = blocks.named(self._options.format, self._prefix, sample, f'"{path}"')
        except InvalidParameter:
            if alone:
                raise
            # Other files may lie in the directory of the logs.
            self.totals.skipped += 1
            return None
        prefix = chosen.prefix if isinstance(chosen, StandardError) else None
        source = sources.add(self._database, path, opened, chosen.name, prefix)
        # Another session that begins now shall see it.
        self._commit()
        return source, chosen

    def _read(self, source: Source, opened: Opened, chosen: Format) -> None:
        lines = position = 0
        skips: list[Skip] = []
        started, count = time.monotonic(), 0
        found = blocks.blocks(opened.blocks(source.bytes), chosen, self._encoding, complete=False)
        for block in found:
            self._database.check_interrupts()
            first = source.lines + lines + 1
            skips.extend(Skip(first + skip.line, skip.reason) for skip in block.skips)
            self._take(block)
            position, lines, count = position + block.bytes, lines + block.lines, count + 1
            if self._is_full(count, started):
                self._end_batch(source, opened, position, lines, skips)
                self._commit()
                position = lines = count = 0
                skips, started = [], time.monotonic()
        self._end_batch(source, opened, position, lines, skips)
        self._commit()

    def _is_full(self, count: int, started: float) -> bool:
        return (
            count >= _BLOCKS
            or time.monotonic() - started > _SECONDS
            or len(self._tally.touched) > _TOUCHED
        )

    def _end_batch(
        self, source: Source, opened: Opened, position: int, lines: int, skips: list[Skip]
    ) -> None:
        tally = self._tally
        progress = sources.Progress(position, lines, tally.entries, tally.statements, skips)
        self._save()
        sources.save(self._database, source, opened, progress, tally.state())

    # -- counting -----------------------------------------------------------------

    def _take(self, block: Block) -> None:
        self.totals.skipped += len(block.skips)
        self._tally.feed(block.records)

    def _save(self) -> None:
        tally = self._tally
        self._patterns.save(list(tally.touched.values()))
        self.totals.entries += tally.entries
        self.totals.statements += tally.statements
        self.totals.patterns = self._patterns.fresh
        tally.clear()
        tally.forget(_PATTERNS, _CHARACTERS)

    def _resume(self, state: Mapping[str, object]) -> None:
        if self._tally.sessions or not state:
            return
        wanted = sorted(self._tally.open_patterns(state))
        rows = self._database.execute(_KEYS, [wanted], ["text[]"])
        keys = {row["fingerprint"]: row["query"] for row in rows}
        self._tally.resume(state, keys)
        for pattern in self._tally.patterns.values():
            pattern.fresh = False


def _not_compressed(path: Path, error: Exception) -> UndefinedObject:
    return UndefinedObject(
        f'"{path}" cannot be uncompressed: {error}',
        hint="It is damaged, or not the kind of file that its first bytes say.",
    )
