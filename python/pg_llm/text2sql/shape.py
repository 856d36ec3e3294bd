"""What a query returns: its columns, their types, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError, StatementSyntaxError
from pg_llm.lineage import analyser, nodes, server
from pg_llm.lineage.edges import Influence, Transformation
from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.reach import calls, hidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge

# A view has the types that the query returns: a text without a type is a text.
_COLUMNS = """
select
    pg_catalog.format_type(a.atttypid, null) as type,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as declared,
    t.typcategory::pg_catalog.text as category
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
where a.attrelid operator(pg_catalog.=) $1::pg_catalog.regclass
  and a.attnum operator(pg_catalog.>) 0
order by a.attnum
"""
_VIEW = "pg_temp.pg_llm_shape"
_STRENGTH = (
    Transformation.AGGREGATION,
    Transformation.TRANSFORMATION,
    Transformation.IDENTITY,
)


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a query returns: its name, its type as text, `pg_type.typcategory`.

    `declared`: the type with its length or precision.
    """

    name: str
    type: str
    category: str
    declared: str


class _Done(Exception):
    """Rolls the subtransaction back."""


def outputs(database: Database, sql: str) -> list[Output]:
    """Return the columns of one query, which is not run.

    Raises `DatabaseError` for what the server does not analyse, and
    `StatementSyntaxError` for what is no query or more than one statement.
    """
    try:
        tree = server.analyse(database, sql).tree
    except DatabaseError as error:
        raise hidden.as_missing(database, sql, error) from None
    hidden.refuse(database, sql, (one for top in nodes.parse(tree) for one in calls.walk(top)))
    names = _names(tree)
    listed = ", ".join(f"c{number}" for number in range(len(names)))
    text = f"create view {_VIEW} ({listed}) as {sql}\n"
    rows = []
    try:
        with database.subtransaction():
            if ";" in sql and not database.is_one(text, "CREATE VIEW"):
                raise StatementSyntaxError("the text is more than one statement")
            database.execute(text)
            rows = database.execute(_COLUMNS, [_VIEW])
            raise _Done
    except _Done:
        pass
    return [
        Output(name, row["type"], row["category"], row["declared"])
        for name, row in zip(names, rows, strict=True)
    ]


def _names(tree: str) -> list[str]:
    """Return the names of what the only query of a tree returns."""
    found = nodes.parse(tree)
    if len(found) != 1 or found[0].kind != "QUERY" or found[0].number("commandType") != 1:
        raise StatementSyntaxError("the text is not one query")
    return [
        entry.string("resname") or ""
        for entry in found[0].nodes("targetList")
        if not entry.flag("resjunk")
    ]


def definition(columns: Sequence[Output]) -> str:
    """Return the column definition list that takes these columns, `t(a text, b bigint)`."""
    taken: dict[str, int] = {}
    parts = []
    for column in columns:
        name = "column" if column.name in ("", "?column?") else column.name
        count = taken[name] = taken.get(name, 0) + 1
        parts.append(f"{quote(name if count == 1 else f'{name}_{count}')} {column.type}")
    return f"t({', '.join(parts)})"


def lineage(database: Database, sql: str) -> list[dict[str, object]]:
    """Return, for each column that a query returns, the columns of tables behind it.

    `{"column", "sources", "transformation"}`; `sources` are `schema.table.column`,
    `transformation` the strongest of their edges, None without a source.
    """
    tree = server.analyse(database, sql).tree
    edges = analyser.tree_edges(database, tree, through_views=True, fresh=True)
    found: dict[int, list[Edge]] = {}
    for edge in edges:
        if edge.position is not None and edge.influence == Influence.DIRECT:
            found.setdefault(edge.position, []).append(edge)
    return [
        _traced(name, found.get(position, []))
        for position, name in enumerate(_names(tree), start=1)
    ]


def _traced(name: str, edges: Sequence[Edge]) -> dict[str, object]:
    kinds = {edge.transformation for edge in edges if edge.source_relation}
    sources = [
        f"{edge.source_relation}.{quote(edge.source_column)}"
        if edge.source_column
        else str(edge.source_relation)
        for edge in edges
        if edge.source_relation
    ]
    return {
        "column": name,
        "sources": list(dict.fromkeys(sources)),
        "transformation": next((kind for kind in _STRENGTH if kind in kinds), None),
    }
