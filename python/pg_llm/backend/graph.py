"""Reception for `sql/graph.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.backend.reception import reception
from pg_llm.graph import sync

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.graph.report import Line


@reception
def lineage_sync_catalog(database: Database) -> list[Line]:
    """Bring the graph in line with the catalog, and report."""
    return list(sync.sync(database))
