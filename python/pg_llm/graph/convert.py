"""Edges of a statement (`lineage_extract`) become edges of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.graph.store import EdgeFacts, Key, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge

# A relation that is read without any of its columns (`select count(*) from t`).
SCAN: Final = "SCAN"

# Of functions that share a name, which one a statement means is not known by it.
_FUNCTIONS: Final = """
select distinct on (g.n)
    g.n,
    pg_catalog.format(
        '%I.%I(%s)', s.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)
    ) as name,
    p.oid operator(pg_catalog.<) 16384 as builtin
from rows from (
    pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
) with ordinality g (schema, name, n)
join pg_catalog.pg_namespace s on s.nspname operator(pg_catalog.=) g.schema::pg_catalog.name
join pg_catalog.pg_proc p on p.pronamespace operator(pg_catalog.=) s.oid
    and p.proname operator(pg_catalog.=) g.name::pg_catalog.name
where not exists (
    select
    from pg_catalog.pg_class c
    where c.relnamespace operator(pg_catalog.=) s.oid
      and c.relname operator(pg_catalog.=) g.name::pg_catalog.name
)
order by g.n, p.oid
"""


def edge_facts(database: Database, edges: Iterable[Edge], namespace: str = "") -> list[EdgeFacts]:
    """Return the edges between columns and relations that a statement has.

    Left out are outputs without any source, the output of a bare query, which
    has no relation, and what the system's own functions return.
    """
    whole = [e for e in edges if e.source_relation is not None and e.target_relation is not None]
    keys = _keys(database, [e.source_relation or "" for e in whole], namespace)
    found = []
    for edge in whole:
        source = keys[edge.source_relation or ""]
        if source is None:
            continue
        found.append(
            EdgeFacts(
                _end(source, edge.source_column),
                _end(Key("relation", namespace, edge.target_relation or ""), edge.target_column),
                str(edge.influence or "INDIRECT"),
                str(edge.transformation or SCAN),
                edge.expression,
                edge.resolver,
                edge.confidence,
            )
        )
    return found


def _end(relation: Key, column: str | None) -> Key:
    return relation if column is None else Key("column", relation.namespace, relation.name, column)


def _keys(database: Database, names: list[str], namespace: str) -> dict[str, Key | None]:
    """Return a node for each relation or table function, None for the system's functions."""
    keys: dict[str, Key | None] = {n: Key("relation", namespace, n) for n in names}
    if namespace:
        return keys
    listed = list(keys)
    parts = [parts_of(name) for name in listed]
    args = [[schema for schema, _ in parts], [name for _, name in parts]]
    for row in database.execute(_FUNCTIONS, args, ["text[]", "text[]"]):
        name = listed[row["n"] - 1]
        keys[name] = None if row["builtin"] else Key("function", "", row["name"])
    return keys
