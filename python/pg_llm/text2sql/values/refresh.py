"""Building the value index, and bringing it up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import catalog, settings
from pg_llm.errors import UndefinedObject
from pg_llm.text2sql import policy
from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.values.spelling import grams, plain, size_gram

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pg_llm.catalog import Column, Relation
    from pg_llm.database import Database, Row

_KINDS = "rpm"
# Longer texts are no values that a question would name.
LONGEST = 80
_BATCH = 5_000
# Statistics that are wrong by so much still let a column be read.
_DOUBT = 4

# Only who may write the table can take this lock, so nobody else can hold refreshes up.
_LOCK = "lock table llm.indexed_columns in share row exclusive mode"
_FORGET = "select llm.values_forget()"
# Text, what is text without a function (citext), enums, and domains over them.
_TEXTS = """
with recursive bases (number, oid) as (
    select a.attnum, a.atttypid
    from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) $1
      and a.attnum operator(pg_catalog.>) 0
      and not a.attisdropped
    union all
    select b.number, t.typbasetype
    from bases b
    join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) b.oid
    where t.typtype operator(pg_catalog.=) 'd'
)
select b.number, a.atttypid::pg_catalog.int8 as type
from bases b
join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) b.oid
join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) $1
    and a.attnum operator(pg_catalog.=) b.number
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) a.attrelid
where not c.relrowsecurity
  and (
    t.typtype operator(pg_catalog.=) 'e'
    or t.oid operator(pg_catalog.=) any (
        '{pg_catalog.text,pg_catalog.varchar,pg_catalog.bpchar,pg_catalog.name}'
        ::pg_catalog.regtype[]::pg_catalog.oid[]
    )
    or exists (
        select
        from pg_catalog.pg_cast x
        where x.castsource operator(pg_catalog.=) t.oid
          and x.casttarget operator(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype
          and x.castmethod operator(pg_catalog.=) 'b'
    )
  )
"""
_KNOWN = """
select c.id, c.relation::pg_catalog.int8 as oid, c.number, c.column_name as name, c.complete,
    c.entries, c.state
from llm.indexed_columns c
"""
_STATES = """
select s.relation::pg_catalog.int8 as oid, s.state
from llm.relation_states($1) s
"""
# A snapshot older than the counters may lack rows that they count already.
_RELIABLE = """
select pg_catalog.current_setting('transaction_isolation')
    operator(pg_catalog.=) 'read committed' as reliable
"""
_ADD_COLUMN = """
insert into llm.indexed_columns
    (relation, number, column_name, type, complete, entries, state)
values ($1, $2, $3, $4, $5, $6, $7)
returning id
"""
_UPDATE_COLUMN = """
update llm.indexed_columns c
set complete = $2, entries = $3, state = $4, refreshed_at = pg_catalog.clock_timestamp()
where c.id operator(pg_catalog.=) $1
"""
_DROP_COLUMN = "delete from llm.indexed_columns c where c.id operator(pg_catalog.=) $1"
_VALUES = "select v.value from llm.indexed_values v where v.column_id operator(pg_catalog.=) $1"
_ADD = """
insert into llm.indexed_values (column_id, value, folded, size, grams)
select $1, n.value, n.folded, pg_catalog.length(n.folded), n.grams::pg_catalog.int4[]
from rows from (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4))
    n (value, folded, grams)
"""
_REMOVE = """
delete from llm.indexed_values v
where v.column_id operator(pg_catalog.=) $1 and v.value operator(pg_catalog.=) any ($2)
"""
_EMPTY = "delete from llm.indexed_values v where v.column_id operator(pg_catalog.=) $1"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was done for one column, and how many values came and went.

    `outcome`: `read`, `unchanged`, `too many values` or `left alone`.
    """

    relation: int
    column: str
    outcome: str
    entries: int = 0
    added: int = 0
    removed: int = 0


def refresh(database: Database, oid: int | None, *, reread: bool) -> Iterator[Refreshed]:
    """Bring the index up to date, of one relation (an OID) or of all that the caller may read.

    A relation is read in one statement, and not at all where
    `llm.relation_states` is what it was, unless `reread`. All is one
    transaction: an error or a cancel leaves the index as it was.

    Raises `UndefinedObject` for a relation that the caller cannot read.
    """
    database.execute(_LOCK)
    database.execute(_FORGET)
    snapshot = policy.withhold(database, catalog.snapshot(database))
    relations = [
        relation
        for relation in snapshot.relations
        if relation.kind in _KINDS and not relation.child and oid in (None, relation.oid)
    ]
    if oid is not None and not relations:
        raise UndefinedObject(
            "that is no table or materialized view that you may read",
            hint="Partitions and inheriting tables are read with their parent.",
        )
    known: dict[int, dict[int, Row]] = {}
    for row in database.execute(_KNOWN):
        known.setdefault(row["oid"], {})[row["number"]] = row
    job = _Job(database, reread)
    states = job.states([relation.oid for relation in relations])
    for relation in relations:
        yield from job.relation(relation, known.get(relation.oid, {}), states.get(relation.oid))


class _Job:
    """One refresh."""

    def __init__(self, database: Database, reread: bool) -> None:
        self._database = database
        self._reread = reread
        self._limit = settings.whole(database, "text2sql_values_limit")
        self._reliable = database.execute(_RELIABLE)[0]["reliable"]

    def states(self, oids: list[int]) -> dict[int, str | None]:
        """Return the states of relations, read before their rows are."""
        return {
            row["oid"]: row["state"] if self._reliable else None
            for row in self._database.execute(_STATES, [oids], ["oid[]"])
        }

    def relation(
        self, relation: Relation, known: dict[int, Row], state: str | None
    ) -> Iterator[Refreshed]:
        """Bring the columns of one relation up to date."""
        types = self._text_types(relation)
        wanted: list[Column] = []
        for column in relation.columns:
            entry = known.pop(column.number, None)
            if column.number not in types:
                self._drop(entry)
            elif column.withheld:
                yield Refreshed(relation.oid, column.name, "left alone", removed=self._drop(entry))
            elif self._is_fresh(entry, state):
                assert entry is not None  # noqa: S101  (None is never fresh)
                yield _unchanged(relation, column, entry)
            else:
                if entry is not None:
                    known[column.number] = entry
                wanted.append(column)
        small = [column for column in wanted if self._may_fit(relation, column)]
        values = self._read(relation, small)
        for column in wanted:
            yield self._keep(
                relation,
                column,
                types[column.number],
                known.get(column.number),
                values.get(column.number),
                state,
            )

    def _text_types(self, relation: Relation) -> dict[int, int]:
        rows = self._database.execute(_TEXTS, [relation.oid], ["oid"])
        return {row["number"]: row["type"] for row in rows}

    def _is_fresh(self, entry: Row | None, state: str | None) -> bool:
        if self._reread or entry is None or state is None:
            return False
        if entry["complete"]:
            return bool(entry["state"] == state and entry["entries"] <= self._limit)
        return bool(entry["state"] == self._too_many(state))

    def _too_many(self, state: str | None) -> str | None:
        """Return the state of a column that does not fit: with another limit it may."""
        return None if state is None else f"{state} {self._limit}"

    def _may_fit(self, relation: Relation, column: Column) -> bool:
        """Tell by the statistics whether a column can be within the limit."""
        share = column.distinct
        distinct = -share * max(relation.rows, 0.0) if share < 0 else share
        return distinct <= _DOUBT * self._limit

    def _read(self, relation: Relation, columns: Sequence[Column]) -> dict[int, set[str] | None]:
        """Return the distinct values of columns; None for more than the limit."""
        if not columns:
            return {}
        found: dict[int, set[str] | None] = {column.number: set() for column in columns}
        table = f"{quote(relation.schema)}.{quote(relation.name)}"
        texts = ", ".join(
            f"({column.number}, t.{quote(column.name)}::pg_catalog.text)" for column in columns
        )
        query = (
            'select n.number, n.value collate "C" as value'
            f" from {table} as t cross join lateral (values {texts}) n (number, value)"
            " where pg_catalog.length(n.value) operator(pg_catalog.<=) $1"
            ' group by n.number, n.value collate "C"'
        )
        for row in self._database.cursor(query, [LONGEST], ["int4"], batch=_BATCH):
            values = found[row["number"]]
            if values is None:
                continue
            if plain(row["value"]):
                values.add(row["value"])
            if len(values) > self._limit:
                found[row["number"]] = None
        return found

    def _keep(
        self,
        relation: Relation,
        column: Column,
        type_oid: int,
        entry: Row | None,
        values: set[str] | None,
        state: str | None,
    ) -> Refreshed:
        """Write the difference between what a column holds and what is indexed of it."""
        complete = values is not None
        kept = values or set()
        if not complete:
            state = self._too_many(state)
        if entry is None:
            number = self._add_column(relation, column, type_oid, len(kept), state, complete)
            old: set[str] = set()
        else:
            number = int(entry["id"])
            rows = self._database.cursor(_VALUES, [number], ["int4"], batch=_BATCH)
            old = {row["value"] for row in rows}
            self._database.execute(
                _UPDATE_COLUMN,
                [number, complete, len(kept), state],
                ["int4", "bool", "int4", "text"],
            )
        self._add(number, sorted(kept - old))
        gone = sorted(old - kept)
        for batch in _batches(gone):
            self._database.execute(_REMOVE, [number, batch], ["int4", "text[]"])
        outcome = "read" if complete else "too many values"
        return Refreshed(relation.oid, column.name, outcome, len(kept), len(kept - old), len(gone))

    def _add_column(
        self,
        relation: Relation,
        column: Column,
        type_oid: int,
        entries: int,
        state: str | None,
        complete: bool,
    ) -> int:
        rows = self._database.execute(
            _ADD_COLUMN,
            [relation.oid, column.number, column.name, type_oid, complete, entries, state],
            ["oid", "int2", "text", "oid", "bool", "int4", "text"],
        )
        return int(rows[0]["id"])

    def _add(self, number: int, values: list[str]) -> None:
        for batch in _batches(values):
            folded = [plain(value) for value in batch]
            hashes = [
                "{" + ",".join(map(str, {*grams(text), size_gram(len(text))})) + "}"
                for text in folded
            ]
            self._database.execute(
                _ADD, [number, batch, folded, hashes], ["int4", "text[]", "text[]", "text[]"]
            )

    def _drop(self, entry: Row | None) -> int:
        """Remove a column with its values; return how many they were."""
        if entry is None:
            return 0
        self._database.execute(_EMPTY, [entry["id"]], ["int4"])
        self._database.execute(_DROP_COLUMN, [entry["id"]], ["int4"])
        return int(entry["entries"])


def _unchanged(relation: Relation, column: Column, entry: Row) -> Refreshed:
    outcome = "unchanged" if entry["complete"] else "too many values"
    return Refreshed(relation.oid, column.name, outcome, int(entry["entries"]))


def _batches(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
