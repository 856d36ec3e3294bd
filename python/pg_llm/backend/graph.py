"""Reception for `sql/graph.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.backend.reception import reception
from pg_llm.errors import InvalidParameter
from pg_llm.graph import ddl, declared, lifetime, sync
from pg_llm.graph.declared import End

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


@reception
def lineage_add_edge(
    database: Database,
    source: str | None,
    target: str | None,
    source_column: str | None,
    target_column: str | None,
    transformation: str | None,
    expression: str | None,
    masking: bool | None,
    confidence: float | None,
    job: str | None,
    target_kind: str | None,
) -> int:
    """Declare an edge."""
    return declared.add(
        database,
        _end(source, source_column),
        _end(target, target_column),
        transformation=(transformation or "IDENTITY").upper(),
        expression=expression,
        masking=bool(masking),
        confidence=1.0 if confidence is None else confidence,
        job=job,
        target_kind=target_kind or "dataset",
    )


@reception
def lineage_drop_edge(
    database: Database,
    source: str | None,
    target: str | None,
    source_column: str | None,
    target_column: str | None,
    transformation: str | None,
    job: str | None,
) -> int:
    """End declared edges."""
    return declared.end(
        database,
        _end(source, source_column),
        _end(target, target_column),
        transformation=transformation.upper() if transformation else None,
        job=job,
    )


@reception
def lineage_prune(database: Database, before: str) -> tuple[int, int]:
    """Delete history."""
    return lifetime.prune(database, before)


def _end(name: str | None, column: str | None) -> End:
    if name is None:
        raise InvalidParameter("source and target cannot be null")
    return End(name, column)
