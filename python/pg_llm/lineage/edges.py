"""The one result type of lineage: where each column comes from.

An edge runs from a column that a statement reads to a column that it
produces. Influences and transformations have OpenLineage's names
(column-lineage facet: transformation types DIRECT and INDIRECT with their
subtypes).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

# Notes that both resolvers make.
SCAN: Final = "read, but no column of it"
WRITE: Final = "written as a whole"
# Notes of the parser: the catalog does not know the relation; or it knows one
# of that name in a schema that is not on the search path.
UNRESOLVED: Final = "unresolved"
OFF_PATH: Final = "not on the search path"


class Influence(StrEnum):
    """Whether the source's value flows into the target or steers it."""

    DIRECT = "DIRECT"
    INDIRECT = "INDIRECT"


class Transformation(StrEnum):
    """How the source acts: the first three are DIRECT, the rest INDIRECT.

    The resolvers count in integers for speed: 0 to 8, in this order.
    """

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    JOIN = "JOIN"
    FILTER = "FILTER"
    GROUP_BY = "GROUP_BY"
    SORT = "SORT"
    WINDOW = "WINDOW"
    CONDITIONAL = "CONDITIONAL"

    @property
    def influence(self) -> Influence:
        """DIRECT for the three that carry a value, else INDIRECT."""
        return Influence.DIRECT if self in _STRENGTH else Influence.INDIRECT

    def then(self, outer: Transformation) -> Transformation:
        """Combine along a path: the strongest DIRECT one wins, INDIRECT stays."""
        if self not in _STRENGTH:
            return self
        if outer not in _STRENGTH:
            return outer
        return max(self, outer, key=_STRENGTH.__getitem__)


_STRENGTH = {
    Transformation.IDENTITY: 0,
    Transformation.TRANSFORMATION: 1,
    Transformation.AGGREGATION: 2,
}


class Edge(NamedTuple):
    """One row of `lineage_extract`.

    `statement`: 1-based number of the statement in the text.
    `target_relation`: `schema.name`, quoted where PostgreSQL quotes; None for
    the output of a bare SELECT.
    `target_column`: None where the edge concerns the whole row set.
    `source_relation`, `source_column`: None for an output without any source;
    only `source_column` is None where a relation is read and none of its
    columns is used (`select count(*) from t`).
    `influence`, `transformation`: None for an output without any source.
    `expression`: SQL text of the target column's expression, where known.
    `resolver`: `analyser` (the server's query tree) or `parser` (sqlglot).
    `confidence`: 1.0 for what the server resolved; less where we inferred.
    `position`: 1-based ordinal of the output column in its target list.
    `note`: a warning about this row in plain words.
    """

    statement: int
    target_relation: str | None
    target_column: str | None
    source_relation: str | None
    source_column: str | None
    influence: Influence | None
    transformation: Transformation | None
    expression: str | None = None
    resolver: str = "analyser"
    confidence: float = 1.0
    position: int | None = None
    note: str | None = None
