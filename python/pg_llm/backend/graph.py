"""Reception for `sql/graph.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.backend.reception import reception
from pg_llm.graph import ddl, sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database
    from pg_llm.graph.report import Line


@reception
def lineage_sync_catalog(database: Database) -> list[Line]:
    """Bring the graph in line with the catalog, and report."""
    lines = list(sync.sync(database))
    ddl.restore(database)
    return lines


@reception
def lineage_track(database: Database, enabled: bool) -> bool:
    """Let the graph follow DDL, or no longer."""
    if enabled:
        sync.sync(database)
    return ddl.track(database, enabled)


@reception
def ddl_capture(
    database: Database,
    command: str,
    classes: Sequence[int],
    objects: Sequence[int],
    search_path: str,
    query: str,
) -> None:
    """Follow a statement that made or changed objects."""
    ddl.capture(
        database,
        command,
        [int(c) for c in classes],
        [int(o) for o in objects],
        search_path,
        query,
    )


@reception
def drop_capture(
    database: Database,
    classes: Sequence[int] | None,
    objects: Sequence[int] | None,
    numbers: Sequence[int] | None,
    relations: Sequence[str] | None,
) -> None:
    """Follow a statement that dropped objects, or parts of relations."""
    ddl.capture_drop(
        database,
        [int(c) for c in classes or ()],
        [int(o) for o in objects or ()],
        numbers or (),
        relations or (),
    )
