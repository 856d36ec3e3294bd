"""Reading a snapshot, and knowing when an earlier one is still true."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pg_llm.catalog import queries
from pg_llm.catalog.objects import Column, ForeignKey, Relation, Snapshot
from pg_llm.errors import UndefinedObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.database import Database, Row

# A session that sets many roles or search paths keeps the last few.
_KEPT = 8
_snapshots: WeakKeyDictionary[Database, OrderedDict[tuple[str, str], Snapshot]] = (
    WeakKeyDictionary()
)


def snapshot(database: Database) -> Snapshot:
    """Return what the current role may see, read anew only after a change.

    The version is a hash over the physical rows (ctid, xmin) of the catalogs
    that a snapshot is read from, so every committed, uncommitted or rolled
    back change of definitions, comments, rights or memberships changes it, at
    the price of one scan of the user's part of them. A snapshot is kept by
    role and search path: what one role may see is never shown to another.
    """
    state = database.execute(queries.VERSION)[0]
    version = str(state["version"])
    kept = _snapshots.setdefault(database, OrderedDict())
    key = (str(state["role"]), str(state["path"]))
    found = kept.get(key)
    if found is None or found.version != version:
        found = kept[key] = _read(database, key[0], version)
    kept.move_to_end(key)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return found


def view_definition(database: Database, relation: Relation) -> str:
    """Return the SQL of a view or materialised view as PostgreSQL prints it.

    Raises `UndefinedObject` when the relation is gone or not a view.
    """
    rows = database.execute(queries.VIEW_DEFINITION, [relation.oid], ["oid"])
    if not rows or rows[0]["definition"] is None:
        raise UndefinedObject(f"{relation.sql_name} is not a view")
    return str(rows[0]["definition"])


def _read(database: Database, role: str, version: str) -> Snapshot:
    columns = _columns(database)
    unique = _unique(database)
    relations = tuple(
        _relation(row, columns[row["oid"]], unique[row["oid"]])
        for row in database.execute(queries.RELATIONS)
        if columns[row["oid"]]
    )
    return Snapshot(role, version, relations, tuple(_foreign_keys(database, relations)))


def _relation(
    row: Row, columns: list[Column], unique: list[tuple[bool, tuple[str, ...]]]
) -> Relation:
    visible = {column.name for column in columns}
    keys = [(primary, names) for primary, names in unique if set(names) <= visible]
    return Relation(
        oid=row["oid"],
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        comment=row["comment"],
        rows=row["rows"],
        visible=row["visible"],
        row_security=row["row_security"],
        sql_name=row["sql_name"],
        child=row["child"],
        columns=tuple(columns),
        unique=tuple(names for _, names in keys),
        primary_key=next((names for primary, names in keys if primary), ()),
    )


def _columns(database: Database) -> defaultdict[int, list[Column]]:
    enums = {row["type"]: tuple(row["labels"]) for row in database.execute(queries.ENUMS)}
    statistics = {
        (row["schema"], row["relation"], row["column"]): row
        for row in database.execute(queries.STATISTICS)
    }
    columns: defaultdict[int, list[Column]] = defaultdict(list)
    for row in database.execute(queries.COLUMNS):
        known = statistics.get((row["schema"], row["relation"], row["name"]))
        columns[row["oid"]].append(_column(row, enums.get(row["type_oid"]), known))
    return columns


def _column(row: Row, labels: tuple[str, ...] | None, known: Row | None) -> Column:
    values, complete = _values(row, known)
    if labels is not None:
        values, complete = labels, True
    return Column(
        name=row["name"],
        number=row["number"],
        type=row["type"],
        category=row["category"],
        not_null=row["not_null"],
        comment=row["comment"],
        distinct=known["n_distinct"] if known else 0.0,
        values=values,
        complete=complete,
        extent=_extent(row, known),
    )


def _extent(row: Row, known: Row | None) -> tuple[float, float] | None:
    """Return the least and the greatest number that the statistics hold."""
    if known is None or row["category"] != "N":
        return None
    bounds = known["bounds"] or []
    try:
        numbers = [float(value) for value in [*(known["common"] or []), *bounds[:1], *bounds[-1:]]]
    except ValueError:
        # money and its like are written as the locale says
        return None
    return (min(numbers), max(numbers)) if numbers else None


def _values(row: Row, known: Row | None) -> tuple[tuple[str, ...], bool]:
    """Return the values that the statistics hold, and whether they are all.

    A column of few rows has no most common values but a histogram, whose
    bounds are values of the table too.
    """
    if known is None or row["category"] != "S":
        return (), False
    common = known["common"] or []
    bounds = known["bounds"] or []
    values = tuple(dict.fromkeys([*common, *bounds]))
    return values, 0 < known["n_distinct"] <= len(values)


def _unique(database: Database) -> defaultdict[int, list[tuple[bool, tuple[str, ...]]]]:
    unique: defaultdict[int, list[tuple[bool, tuple[str, ...]]]] = defaultdict(list)
    for row in database.execute(queries.UNIQUE):
        unique[row["oid"]].append((row["primary"], tuple(row["columns"])))
    return unique


def _foreign_keys(database: Database, relations: Iterable[Relation]) -> Iterable[ForeignKey]:
    names = {relation.oid: {column.name for column in relation.columns} for relation in relations}
    for row in database.execute(queries.FOREIGN_KEYS):
        key = ForeignKey(
            row["source"],
            tuple(row["source_columns"]),
            row["target"],
            tuple(row["target_columns"]),
        )
        if set(key.source_columns) <= names.get(key.source, set()) and set(
            key.target_columns
        ) <= names.get(key.target, set()):
            yield key
