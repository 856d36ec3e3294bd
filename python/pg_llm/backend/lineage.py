"""Reception for `sql/lineage.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.lineage import analyser, extract, rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge

    Row = tuple[Any, ...]


@reception
def lineage_extract(
    database: Database,
    sql: str,
    dialect: str,
    catalog: str | None,
    search_path: Sequence[str] | None,
    through_views: bool,
) -> list[Row]:
    """Return the edges of every statement in a text."""
    edges = extract.extract(
        database,
        sql,
        dialect=dialect,
        catalog=catalog,
        search_path=search_path,
        through_views=bool(through_views),
    )
    return [_row(edge) for edge in edges]


@reception
def lineage_view(database: Database, relation: str, through_views: bool) -> list[Row]:
    """Return the edges of a view, from its stored query tree."""
    edges = analyser.relation_edges(
        database, _oid(database, relation), through_views=bool(through_views)
    )
    return [_row(edge) for edge in edges]


@reception
def lineage_rules(database: Database, relation: str) -> list[rules.Rule]:
    """Return the business rules in a relation's definition."""
    return rules.relation_rules(database, _oid(database, relation))


def _oid(database: Database, relation: str) -> int:
    """Return a regclass argument, which arrives as its text, as an OID."""
    row = database.execute(
        "select $1::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8 as oid", [relation]
    )[0]
    return int(row["oid"])


def _row(edge: Edge) -> Row:
    """Return an edge in the order of the SQL function's columns."""
    return (*edge[:10], edge.note, edge.position)
