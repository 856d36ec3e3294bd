"""From the bytes of a log to blocks of whole records, whatever is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter
from pg_llm.graph.logs.files import LONGEST, Damaged
from pg_llm.graph.logs.formats import CsvLog, JsonLog
from pg_llm.graph.logs.records import Record, Skip
from pg_llm.graph.logs.stderr import StandardError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pg_llm.graph.logs.records import Format

FORMATS: Final = ("csvlog", "jsonlog", "stderr")
_LINE: Final = re.compile(rb"[^\n]*\n?")
LONG: Final = f"a record longer than {LONGEST >> 20} MB"


@dataclass(frozen=True, slots=True)
class Block:
    """Records that follow each other, and what was skipped between them.

    `bytes` and `lines`: how far the log has been read with them.
    """

    records: list[Record]
    skips: list[Skip]
    bytes: int
    lines: int


def named(name: str | None, prefix: str, sample: bytes, what: str) -> Format:
    """Return a format by its name; None: the one that a log's beginning has.

    Raises `InvalidParameter` for an unknown name, and where no record of the
    sample is of that format.
    """
    if name is not None and name not in FORMATS:
        raise InvalidParameter(
            f'unknown format of a log: "{name}"',
            hint="The formats are: " + ", ".join(FORMATS) + ".",
        )
    if name is not None:
        chosen = _made(name, prefix)
        if not sample.strip() or _fits(chosen, sample):
            return chosen
    fitting = next((f for f in _all(prefix) if _fits(f, sample)), None)
    if fitting is None or name is not None:
        raise InvalidParameter(
            f"{what} is not {_article(name)}" + (f": it is {fitting.name}" if fitting else ""),
            hint="Pass the format (csvlog, jsonlog, stderr), and for stderr the log_line_prefix "
            f"that it was written with; {prefix!r} was assumed.",
        )
    return fitting


def _article(name: str | None) -> str:
    return f"a log of format {name}" if name else "a log of a known format"


def _made(name: str, prefix: str) -> Format:
    if name == "stderr":
        return StandardError(prefix)
    return CsvLog() if name == "csvlog" else JsonLog()


def _all(prefix: str) -> Iterator[Format]:
    for name in FORMATS:
        yield _made(name, prefix)


def _fits(chosen: Format, sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    return any(isinstance(found, Record) and found.severity for found in chosen.records(text))


def blocks(
    data: Iterable[bytes], chosen: Format, encoding: str, *, complete: bool
) -> Iterator[Block]:
    """Yield the records of a log in blocks.

    `complete`: the log ends where the data ends; else what may be the
    beginning of a record is left for the next time.
    """
    pending = bytearray()
    damage: list[Damaged] = []
    for more in _undamaged(data, damage):
        pending += more
        end = chosen.boundary(bytes(pending))
        if end:
            yield _block(bytes(pending[:end]), chosen, encoding)
            del pending[:end]
        elif len(pending) > LONGEST:
            yield _passed_over(pending)
            pending.clear()
    end = len(pending) if complete and not damage else _last_line(pending, chosen)
    if end:
        yield _block(bytes(pending[:end]), chosen, encoding)


def _last_line(pending: bytearray, chosen: Format) -> int:
    """Return how much of the rest is surely whole: a record of csvlog or jsonlog ends its line.

    Lines may still be added to a record of the plain log.
    """
    if chosen.name == "stderr" or not pending.endswith(b"\n"):
        return 0
    block = bytes(pending).decode("utf-8", "replace")
    return len(pending) if all(isinstance(f, Record) for f in chosen.records(block)) else 0


def _undamaged(data: Iterable[bytes], damage: list[Damaged]) -> Iterator[bytes]:
    try:
        yield from data
    except Damaged as error:
        damage.append(error)


def _passed_over(pending: bytearray) -> Block:
    # What is left of it is skipped as damage in the next block.
    return Block([], [Skip(0, LONG)], len(pending), pending.count(b"\n"))


def _block(data: bytes, chosen: Format, encoding: str) -> Block:
    records: list[Record] = []
    skips: list[Skip] = []
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        _sort(_encoded(chosen.records(text)), records, skips)
    else:
        if "\0" in text:
            text = text.replace("\0", "\ufffd")
            _sort(_encoded(chosen.records(text)), records, skips)
        else:
            _sort(chosen.records(text), records, skips)
    return Block(records, skips, len(data), data.count(b"\n"))


def _sort(found: Iterable[Record | Skip], records: list[Record], skips: list[Skip]) -> None:
    listed = list(found)
    if all(type(item) is Record for item in listed):
        records.extend(listed)  # type: ignore[arg-type]
        return
    for item in listed:
        if isinstance(item, Skip):
            skips.append(item)
        else:
            records.append(item)


def _encoded(found: Iterable[Record | Skip]) -> Iterator[Record | Skip]:
    """Skip records with bytes that the encoding does not have."""
    line = 0
    for item in found:
        if isinstance(item, Record):
            if "\ufffd" in item.message:
                yield Skip(line, "bytes that are not text of the encoding")
                line += item.message.count("\n") + 1
                continue
            line += item.message.count("\n") + 1
        else:
            line = item.line + 1
        yield item
