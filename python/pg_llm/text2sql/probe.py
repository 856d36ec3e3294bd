"""Looking for a text of the question in the tables, as the caller.

Quoted texts and proper names that the statistics do not know are looked up in
text columns of tables that are small enough to read, in one statement. It
runs with the caller's rights and row-level security, and nothing is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.text2sql.index import ColumnRef, ValueMatch, fold
from pg_llm.text2sql.render import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.catalog import Column, Relation
    from pg_llm.database import Database
    from pg_llm.text2sql.index import SchemaIndex

_MOST_ROWS = 50_000
_MOST_COLUMNS = 60
_MOST_TEXTS = 12


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
    columns = _columns(schema)
    found: dict[str, list[ValueMatch]] = {}
    if not texts or not columns:
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


def _branch(number: int, relation: Relation, column: Column) -> str:
    table = f"{quote(relation.schema)}.{quote(relation.name)}"
    name = quote(column.name)
    return (
        f"(select distinct {number} as number, t.{name}::pg_catalog.text as value"
        f" from {table} as t where pg_catalog.lower(t.{name}::pg_catalog.text)"
        " operator(pg_catalog.=) any ($1) limit 20)"
    )
