"""What flows where: the sources of one value, packed for speed.

A `Flow` maps each source column to a set of bits, one for each way in which
it acts. Of the three DIRECT ways the strongest wins (AGGREGATION over
TRANSFORMATION over IDENTITY); an INDIRECT way, once taken, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.lineage.edges import Transformation

if TYPE_CHECKING:
    from pg_llm.lineage.parser.relations import Relation

# (relation as it is shown, column as it is shown). No relation: a column that
# nothing visible has. No column: the relation is read, but no column of it.
Source = tuple[str | None, str | None]
Flow = dict[Source, int]

(
    IDENTITY,
    TRANSFORMATION,
    AGGREGATION,
    JOIN,
    FILTER,
    GROUP_BY,
    SORT,
    WINDOW,
    CONDITIONAL,
) = range(9)

WAYS: Final = tuple(Transformation)
_DIRECT = 0b111
# The rows of a relation were read; its source has no column.
SCANNED: Final = 1 << len(WAYS)
# Text alone does not quite tell that it is this source.
DOUBTED: Final = SCANNED << 1


def _through(mask: int, how: int) -> int:
    """Return the bits of a source that acts by `mask` on what acts by `how`."""
    direct = mask & _DIRECT
    if not direct:
        return mask
    if how > AGGREGATION:
        return mask & ~_DIRECT | 1 << how
    return mask & ~_DIRECT | 1 << max(how, direct.bit_length() - 1)


_THROUGH: Final = [[_through(mask, how) for mask in range(2 * DOUBTED)] for how in range(9)]
# Of several direct bits only the strongest is kept.
_STRONGEST: Final = _THROUGH[IDENTITY]
NOTHING: Final[Flow] = {}


class Row(dict[Source, int]):
    """The flow of a whole row, which remembers whose: `(row).column` finds it."""

    __slots__ = ("relation",)

    def __init__(self, flow: Flow, relation: Relation) -> None:
        super().__init__(flow)
        self.relation = relation


def add(out: Flow, flow: Flow, how: int) -> None:
    """Add to `out` all sources of `flow`, acting by `how`."""
    table = _THROUGH[how]
    for source, mask in flow.items():
        old = out.get(source)
        out[source] = table[mask] if old is None else _STRONGEST[old | table[mask]]


def doubtful(flow: Flow) -> Flow:
    """Return a flow whose sources are not certain."""
    return {source: mask | DOUBTED for source, mask in flow.items()}


def demote(out: Flow, flow: Flow, kind: int) -> None:
    """Add to `out` all sources of `flow` as indirect ones of one kind."""
    bit = 1 << kind
    for source in flow:
        out[source] = out.get(source, 0) | bit


def merged(*flows: Flow) -> Flow:
    """Return the union of flows, unchanged in how they act."""
    out: Flow = {}
    for flow in flows:
        add(out, flow, IDENTITY)
    return out


def scan(relation: str) -> Flow:
    """Return what reading a relation's rows adds to what decides rows."""
    return {(relation, None): SCANNED}


def ways(mask: int) -> list[Transformation]:
    """Return the transformations that the bits stand for."""
    return [way for bit, way in enumerate(WAYS) if mask >> bit & 1]
