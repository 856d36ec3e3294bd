"""What flows into a column: the sources of a resolved query, by how they act.

A source is a pair of numbers: (relation OID, attribute number), or (minus the
function's OID, column number) for a table function; attribute 0 is the whole
row, `SCANNED` says only that rows were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.lineage.nodes import Node

Source = tuple[int, int]

# How a source acts. The first three are DIRECT and ordered by strength.
IDENTITY: Final = 0
TRANSFORMATION: Final = 1
AGGREGATION: Final = 2
JOIN: Final = 3
FILTER: Final = 4
GROUP_BY: Final = 5
SORT: Final = 6
WINDOW: Final = 7
CONDITIONAL: Final = 8

WHOLE_ROW: Final = 0
# Lower than any system column's number.
SCANNED: Final = -1000

# Commands (nodes/nodes.h: CmdType).
SELECT, UPDATE, INSERT, DELETE, MERGE = "1", "2", "3", "4", "5"
# Kinds of range-table entry (nodes/parsenodes.h: RTEKind).
RELATION, SUBQUERY, JOINED, FUNCTION, TABLEFUNC, VALUES, CTE = "0", "1", "2", "3", "4", "5", "6"
GROUPED = "9"
EXCEPT: Final = "3"
UNION: Final = "1"


class Flow:
    """What flows into one column (`direct`: strength by source) and what steers it.

    `indirect` maps (source, kind) to None: a set that remembers its order.
    """

    __slots__ = ("direct", "indirect")

    def __init__(self) -> None:
        self.direct: dict[Source, int] = {}
        self.indirect: dict[tuple[Source, int], None] = {}

    def add(self, source: Source, how: int) -> None:
        """Add one source."""
        if how > AGGREGATION:
            self.indirect[source, how] = None
        elif self.direct.get(source, -1) < how:
            self.direct[source] = how

    def take(self, other: Flow, how: int) -> None:
        """Add all that `other` has, seen through an expression that acts like `how`."""
        if how > AGGREGATION:
            for source in other.direct:
                self.indirect[source, how] = None
        else:
            mine = self.direct
            for source, strength in other.direct.items():
                if strength < how:
                    strength = how
                if mine.get(source, -1) < strength:
                    mine[source] = strength
        if other.indirect:
            self.indirect.update(other.indirect)

    def steer(self, other: Flow, kind: int) -> None:
        """Add all that `other` has, direct or not, as `kind`."""
        for source in other.direct:
            self.indirect[source, kind] = None
        for source, _ in other.indirect:
            self.indirect[source, kind] = None

    def same_as(self, other: Flow) -> bool:
        """Tell whether nothing was added since."""
        return self.direct == other.direct and self.indirect.keys() == other.indirect.keys()


NOTHING: Final = Flow()


class Target:
    """An entry of a target list: a column's name, its number and its expression."""

    __slots__ = ("_entry", "expression", "junk")

    def __init__(self, entry: Node) -> None:
        self._entry = entry
        self.expression = entry.one("expr")
        self.junk = ":resjunk true" in entry.text

    @property
    def name(self) -> str | None:
        """The column's name."""
        return self._entry.string("resname")

    @property
    def number(self) -> int:
        """The column's number: of the output, or of the relation that is written."""
        return self._entry.number("resno")

    @property
    def reference(self) -> str | None:
        """What sort and group clauses call it, "0" where none does."""
        return self._entry.scalar("ressortgroupref")


def merged(flows: Iterable[Flow], how: int) -> Flow:
    """Return all that several columns have, seen through what acts like `how`."""
    found = Flow()
    for flow in flows:
        found.take(flow, how)
    return found
