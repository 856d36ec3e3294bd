"""Reception for `sql/text2sql_values.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.text2sql import values

if TYPE_CHECKING:
    from pg_llm.database import Database

_OID = "select $1::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8 as oid"


@reception
def llm_values_refresh(
    database: Database, relation: str | None, reread: bool
) -> list[dict[str, Any]]:
    """Bring the value index up to date; return what was done for each column."""
    oid = database.execute(_OID, [relation])[0]["oid"] if relation is not None else None
    return [
        {
            "indexed_relation": str(done.relation),
            "column_name": done.column,
            "outcome": done.outcome,
            "entries": done.entries,
            "added": done.added,
            "removed": done.removed,
        }
        for done in values.refresh(database, oid, reread=reread)
    ]
