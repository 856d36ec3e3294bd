"""What a reader of a log gives: records, and places that it had to skip."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Record(NamedTuple):
    """One entry of a log.

    `time` is the log's own text without the zone, or seconds since 1970 after
    an @; empty where the log has none. `session` tells sessions apart: the
    session's id or the process's.
    """

    time: str
    session: str
    user: str
    database: str
    application: str
    severity: str
    message: str
    detail: str


class Skip(NamedTuple):
    """A place that is no record: its line in the block, counted from 0, and why."""

    line: int
    reason: str


class Format(Protocol):
    """A kind of log. A block is text that begins and ends between two records."""

    name: str

    def boundary(self, data: bytes) -> int:
        """Return the last place in `data` where a record begins; 0: none but at the start."""
        ...

    def records(self, block: str) -> Iterable[Record | Skip]:
        """Return the records of a block, and what is none."""
        ...
