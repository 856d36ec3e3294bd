"""What a snapshot of the catalog consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the caller may select.

    `type` is `format_type`'s text; `category` is `pg_type.typcategory` of the
    base type (N numeric, S string, D date or time, B boolean, E enum, …).
    `distinct` is `pg_stats.n_distinct` (negative: a share of the rows; 0: not
    known). `values` are values that occur, as text: all of them for an enum
    and where `complete`, else the most common ones. `extent`: the least and the
    greatest number that the statistics hold. `withheld`: its values are not to
    be looked at, so there are none.
    """

    name: str
    number: int
    type: str
    category: str
    not_null: bool
    comment: str | None = None
    distinct: float = 0.0
    values: tuple[str, ...] = ()
    complete: bool = False
    withheld: bool = False
    extent: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of `source` (an OID) that point to columns of `target`.

    `declared` is false for a join inferred from names and types.
    """

    source: int
    source_columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, materialised view or foreign table.

    `kind` is `pg_class.relkind`; `visible` tells whether the bare name finds
    it on the caller's search path; `rows` is the planner's estimate, negative
    when the relation was never analysed; `row_security` tells that policies
    apply to the caller; `child` that it inherits from another. `unique` lists
    the column sets of primary key (first) and other unique indexes.
    """

    oid: int
    schema: str
    name: str
    kind: str
    comment: str | None
    rows: float
    visible: bool
    row_security: bool
    sql_name: str
    child: bool
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    primary_key: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the column of that name, None where there is none."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Snapshot:
    """What one role may see with one search path at one state of the catalog.

    `version` changes whenever anything does that a snapshot is made of.
    """

    role: str
    version: str
    relations: tuple[Relation, ...]
    foreign_keys: tuple[ForeignKey, ...]
    derived: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_oid(self) -> dict[int, Relation]:
        """The relations by OID."""
        return {relation.oid: relation for relation in self.relations}
