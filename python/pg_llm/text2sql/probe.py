"""Looking for a text of the question in the tables, as the caller.

Quoted texts and proper names that the statistics do not know are looked up in
text columns of tables that are small enough to read, in one statement. It
runs with the caller's rights and row-level security, and nothing is kept.
Columns that the value index holds as they are now are left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.index import ColumnRef, ValueMatch, fold
from pg_llm.text2sql.values.refresh import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.catalog import Column, Relation
    from pg_llm.database import Database
    from pg_llm.text2sql.index import SchemaIndex

_MOST_ROWS = 50_000
_MOST_COLUMNS = 60
_MOST_TEXTS = 12
# A subquery for each column: row security of the index is asked of no others.
_INDEXED = """
select c.n
from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) with ordinality a (oid, number, n)
join llm.relation_states($3) s on s.relation operator(pg_catalog.=) a.oid
cross join lateral (
    select a.n
    from llm.indexed_columns c
    where c.relation operator(pg_catalog.=) a.oid
      and c.number operator(pg_catalog.=) a.number
      and c.state operator(pg_catalog.=) s.state
      and c.complete
      and llm.column_indexable(c.relation, c.number, c.column_name, c.type)
    offset 0
) c
"""


def prober(
    database: Database, schema: SchemaIndex
) -> Callable[[Sequence[str]], dict[str, list[ValueMatch]]]:
    """Return the function that looks texts up."""

    def probe(texts: Sequence[str]) -> dict[str, list[ValueMatch]]:
        return _probe(database, schema, list(texts)[:_MOST_TEXTS])

    return probe


def _probe(
    database: Database, schema: SchemaIndex, texts: list[str]
) -> dict[str, list[ValueMatch]]:
    found: dict[str, list[ValueMatch]] = {}
    columns = _columns(schema) if texts else []
    if all(len(text) <= LONGEST for text in texts):
        columns = _unindexed(database, columns)
    if not columns:
        return found
    query = "\nunion all\n".join(
        _branch(number, relation, column) for number, (relation, column) in enumerate(columns)
    )
    lowered = [text.lower() for text in texts]
    try:
        rows = database.execute(query, [lowered], ["text[]"])
    except DatabaseError:
        # A view of somebody else's, a broken foreign server: no values then.
        return found
    for row in rows:
        relation, column = columns[row["number"]]
        match = ValueMatch(ColumnRef(relation, column), row["value"], 1.0)
        found.setdefault(fold(row["value"]), []).append(match)
    return found


def _columns(schema: SchemaIndex) -> list[tuple[Relation, Column]]:
    found = [
        (relation, column)
        for relation in schema.relations
        if relation.kind in "rpm" and relation.rows <= _MOST_ROWS
        for column in relation.columns
        if column.category == "S" and not column.complete and not column.withheld
    ]
    return found[:_MOST_COLUMNS]


def _unindexed(
    database: Database, columns: list[tuple[Relation, Column]]
) -> list[tuple[Relation, Column]]:
    if not columns:
        return columns
    args = [
        [relation.oid for relation, _ in columns],
        [column.number for _, column in columns],
        sorted({relation.oid for relation, _ in columns}),
    ]
    rows = database.execute(_INDEXED, args, ["oid[]", "int2[]", "oid[]"])
    indexed = {row["n"] for row in rows}
    return [one for number, one in enumerate(columns, start=1) if number not in indexed]


def _branch(number: int, relation: Relation, column: Column) -> str:
    table = f"{quote(relation.schema)}.{quote(relation.name)}"
    name = quote(column.name)
    return (
        f"(select distinct {number} as number, t.{name}::pg_catalog.text as value"
        f" from {table} as t where pg_catalog.lower(t.{name}::pg_catalog.text)"
        " operator(pg_catalog.=) any ($1) limit 20)"
    )
