"""Joins that others have made: in statements of the query log, and in views.

The log's joins come from `lineage.join_paths`, which shows those between columns
that the caller may select; the views' from the definitions of views that the
caller may select from. They are read once, and again when
`lineage.joins_version()` says that they have changed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.joins.graph import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pg_llm.catalog import Relation, Snapshot
    from pg_llm.database import Database
    from pg_llm.text2sql.index import SchemaIndex

_VERSION = "select lineage.joins_version() as version"
_MOST = 20_000
_PATHS = f"""
select p.relation, p.column_name, p.other_relation, p.other_column, p.calls, p.patterns
from lineage.join_paths p
order by p.patterns desc, p.calls desc
limit {2 * _MOST}
"""
_RULES = """
select
    r.ev_class::pg_catalog.int8 as oid,
    pg_catalog.concat(r.oid, ' ', r.ctid, ' ', r.xmin) as stamp
from pg_catalog.pg_rewrite r
where r.ev_class operator(pg_catalog.=) any ($1)
  and r.rulename operator(pg_catalog.=) '_RETURN'
"""
_TREES = """
select r.ev_class::pg_catalog.int8 as oid, r.ev_action::pg_catalog.text as tree
from pg_catalog.pg_rewrite r
where r.ev_class operator(pg_catalog.=) any ($1)
  and r.rulename operator(pg_catalog.=) '_RETURN'
"""
# So many trees are in memory at once.
_BATCH = 100

# Two columns, each by its relation's OID and its number.
_Pair = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a view's definition compares; `stamp` says which version of it."""

    stamp: str
    pairs: tuple[_Pair, ...]


# By database and view. OIDs and numbers tell nothing to who may not see the
# columns: all roles of a session share them.
_rules: WeakKeyDictionary[Database, dict[int, _Rule]] = WeakKeyDictionary()


def apply(database: Database, schema: SchemaIndex) -> None:
    """Bring what was seen into the schema's join graph, if it has changed since."""
    version = str(database.execute(_VERSION)[0]["version"])
    if schema.seen == version:
        return
    found = _merged(_logged(database, schema.snapshot), _defined(database, schema.snapshot))
    schema.joins.learn(_with_composites(found, schema.snapshot))
    # which columns are keys depends on the joins
    schema.snapshot.derived.pop("text2sql layout", None)
    schema.seen = version


def _logged(database: Database, snapshot: Snapshot) -> Iterator[Seen]:
    oids = {f"{quote(r.schema)}.{quote(r.name)}": r.oid for r in snapshot.relations}
    for row in database.execute(_PATHS):
        one, two = oids.get(row["relation"]), oids.get(row["other_relation"])
        if one is not None and two is not None:
            ends = (one, row["column_name"]), (two, row["other_column"])
            # each is there in both directions
            if ends[0] < ends[1]:
                yield _seen(*ends, calls=row["calls"], patterns=row["patterns"])


def _defined(database: Database, snapshot: Snapshot) -> Iterator[Seen]:
    names = {
        (relation.oid, column.number): column.name
        for relation in snapshot.relations
        for column in relation.columns
    }
    views = [relation for relation in snapshot.relations if relation.kind in "vm"]
    rules = _read_rules(database, views)
    for view in views:
        for one, two in rules[view.oid].pairs if view.oid in rules else ():
            first, second = names.get(one), names.get(two)
            if first is not None and second is not None:
                ends = sorted([(one[0], first), (two[0], second)])
                yield _seen(ends[0], ends[1], views=(view.sql_name,))


def _seen(
    one: tuple[int, str],
    two: tuple[int, str],
    calls: int = 0,
    patterns: int = 0,
    views: tuple[str, ...] = (),
) -> Seen:
    return Seen(one[0], (one[1],), two[0], (two[1],), calls, patterns, views)


def _read_rules(database: Database, views: list[Relation]) -> dict[int, _Rule]:
    """Return what the views compare; only new definitions are read."""
    from pg_llm.graph.logs import joins

    kept = _rules.setdefault(database, {})
    if not views:
        return kept
    stamps = {
        row["oid"]: row["stamp"]
        for row in database.execute(_RULES, [[view.oid for view in views]], ["oid[]"])
    }
    wanted = [oid for oid, stamp in stamps.items() if oid not in kept or kept[oid].stamp != stamp]
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        for row in database.execute(_TREES, [batch], ["oid[]"]):
            database.check_interrupts()
            try:
                pairs = joins.equal_columns(database, row["tree"])
            except (LookupError, RecursionError):
                # a tree that cannot be followed tells of no join
                pairs = []
            kept[row["oid"]] = _Rule(stamps[row["oid"]], tuple(dict.fromkeys(pairs)))
    return kept


def _merged(*sources: Iterable[Seen]) -> list[Seen]:
    """Add up what was seen of the same columns."""
    found: dict[tuple[int, tuple[str, ...], int, tuple[str, ...]], Seen] = {}
    for source in sources:
        for one in source:
            key = (one.one, one.one_columns, one.two, one.two_columns)
            before = found.get(key)
            found[key] = (
                one
                if before is None
                else replace(
                    before,
                    calls=before.calls + one.calls,
                    patterns=before.patterns + one.patterns,
                    views=tuple(dict.fromkeys([*before.views, *one.views])),
                )
            )
    return list(found.values())


def _with_composites(seen: list[Seen], snapshot: Snapshot) -> Iterator[Seen]:
    """Yield the joins; those of single columns that make up a key together as one."""
    grouped: defaultdict[tuple[int, int], list[Seen]] = defaultdict(list)
    for one in seen:
        grouped[one.one, one.two].append(one)
    for (first, second), group in grouped.items():
        used: set[int] = set()
        if first != second and len(group) > 1:
            for relation, at in ((snapshot.by_oid[first], 0), (snapshot.by_oid[second], 1)):
                for key in relation.unique:
                    parts = _parts(group, key, at) if len(key) > 1 else []
                    whole = _together(parts) if parts else None
                    if whole is not None and whole.weight > 0:
                        used |= {id(part) for part in parts}
                        yield whole
        yield from (one for one in group if id(one) not in used)


def _parts(group: list[Seen], key: tuple[str, ...], at: int) -> list[Seen]:
    """Return the joins that make up a key: for each of its columns the one seen most."""
    parts = []
    for name in key:
        fitting = [one for one in group if (one.one_columns, one.two_columns)[at] == (name,)]
        if not fitting:
            return []
        parts.append(max(fitting, key=lambda one: one.weight))
    return parts


def _together(parts: list[Seen]) -> Seen:
    """Return one join of several columns: seen as often as the part that was seen least."""
    return Seen(
        parts[0].one,
        tuple(part.one_columns[0] for part in parts),
        parts[0].two,
        tuple(part.two_columns[0] for part in parts),
        min(part.calls for part in parts),
        min(part.patterns for part in parts),
        tuple(view for view in parts[0].views if all(view in part.views for part in parts)),
    )
