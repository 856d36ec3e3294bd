"""What a sync did, and what it passed by: the rows of `lineage_sync_catalog`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pg_llm.graph.store import Changes

# In this order they are reported.
SOURCES: Final = (
    "schemas",
    "relations",
    "columns",
    "keys",
    "foreign keys",
    "views",
    "rules",
    "generated columns",
    "defaults",
    "partitions",
    "inheritance",
    "foreign tables",
    "functions",
    "function bodies",
    "triggers",
    "publications",
    "subscriptions",
)
_SOURCE_OF: Final = {
    "view": "views",
    "rule": "rules",
    "generated": "generated columns",
    "default": "defaults",
    "partition": "partitions",
    "inheritance": "inheritance",
    "foreign key": "foreign keys",
    "foreign table": "foreign tables",
    "function": "function bodies",
    "trigger": "triggers",
    "publication": "publications",
    "subscription": "subscriptions",
}


class Line(NamedTuple):
    """One row: a source as a whole, or an object of it that was passed by."""

    source: str
    object: str | None
    seen: int | None
    added: int | None
    changed: int | None
    closed: int | None
    skipped: int
    reason: str | None


@dataclass(slots=True)
class _Count:
    seen: int = 0
    added: int = 0
    changed: int = 0
    closed: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Report:
    """Counts by source, and lines about what was skipped."""

    counts: dict[str, _Count] = field(
        default_factory=lambda: {source: _Count() for source in SOURCES}
    )
    skips: list[Line] = field(default_factory=list)

    def count(
        self, source: str, *, seen: int = 0, added: int = 0, changed: int = 0, closed: int = 0
    ) -> None:
        """Add to the counts of a source."""
        total = self.counts[source]
        total.seen += seen
        total.added += added
        total.changed += changed
        total.closed += closed

    def edges(self, changes: Mapping[str, Changes]) -> None:
        """Add edges that opened and closed, by kind of evidence."""
        for evidence, change in changes.items():
            self.count(_SOURCE_OF[evidence], added=change.added, closed=change.closed)

    def skip(self, source: str, name: str | None, reason: str, n: int = 1) -> None:
        """Say that something was passed by."""
        self.counts[source].skipped += n
        self.skips.append(Line(source, name, None, None, None, None, n, reason))

    def note(self, source: str, name: str, reason: str) -> None:
        """Say that something was read in part."""
        self.skips.append(Line(source, name, None, None, None, None, 0, reason))

    def lines(self) -> Iterator[Line]:
        """Yield a line for each source, then those about what was skipped."""
        for source, n in self.counts.items():
            yield Line(source, None, n.seen, n.added, n.changed, n.closed, n.skipped, None)
        yield from self.skips
