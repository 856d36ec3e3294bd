"""Whether the values of one column occur in another, by what the statistics show.

No row is read: common values and histogram bounds as `pg_stats` shows them to
the caller, which is nothing for columns and rows that are not the caller's to
read. Inclusion dependencies are the classical evidence for undeclared foreign
keys (Rostin et al. 2009, "A machine learning approach to foreign key
discovery"); statistics can refute one, and where they hold all values confirm it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg_llm.catalog import Column, Relation

# Statistics are a sample, and old: a few values may be missing or new.
_REFUTED, _CONFIRMED = 0.5, 0.9
_BEYOND = 0.25
_FEW = 3


def contained(column: Column, other: Relation, key: Column) -> bool | None:
    """Tell whether a column's values seem to be those of a key; None where nothing is known."""
    if column.category == "N":
        return _between(column, key) if other.rows > 0 else None
    if not column.values or not key.values:
        return None
    stored = set(key.values)
    share = sum(value in stored for value in column.values) / len(column.values)
    if _all_known(other, key):
        if share < _REFUTED:
            return False
        return True if share >= _CONFIRMED and len(column.values) >= _FEW else None
    # Two samples of a large key meet by chance only: no value in common says nothing.
    return True if share >= _CONFIRMED and len(column.values) >= _FEW else None


def _all_known(relation: Relation, column: Column) -> bool:
    if column.complete:
        return True
    distinct = -column.distinct * relation.rows if column.distinct < 0 else column.distinct
    return 0 < distinct <= len(column.values)


def _between(column: Column, key: Column) -> bool | None:
    """Refute what lies outside of the key's range; numbers of any kind lie inside of 1 to n."""
    if column.extent is None or key.extent is None:
        return None
    low, high = key.extent
    slack = _BEYOND * max(high - low, 1.0)
    if column.extent[0] < low - slack or column.extent[1] > high + slack:
        return False
    return None
