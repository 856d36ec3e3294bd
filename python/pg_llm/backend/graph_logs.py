"""Reception for `sql/graph_logs.sql`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.graph.logs import scanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.database import Database


def sql_normalize(plpy: Any, sql: str) -> str:
    """Return a statement in the form that its pattern's statements share."""
    return scanner.normalize(sql)


def sql_fingerprint(plpy: Any, sql: str) -> str:
    """Return the fingerprint of a statement's pattern."""
    return scanner.fingerprint(scanner.key(sql))


@reception
def save_pattern_edges(database: Database, edges: str) -> None:
    """Write the edges and joins of patterns."""
    from pg_llm.graph.logs import patterns

    patterns.write_edges(database, json.loads(edges))


def lineage_read_logs(
    plpy: Any,
    path: str | None,
    format_name: str | None,
    line_prefix: str | None,
    time_zone: str | None,
    encoding: str | None,
) -> dict[str, int]:
    """Read a file or a directory, committing after each batch."""
    found: dict[str, int] = _read_logs(
        plpy, plpy.commit, path, format_name, line_prefix, time_zone, encoding
    )
    return found


@reception
def _read_logs(
    database: Database,
    commit: Callable[[], None],
    path: str | None,
    format_name: str | None,
    line_prefix: str | None,
    time_zone: str | None,
    encoding: str | None,
) -> dict[str, int]:
    from pg_llm.graph.logs import read

    options = read.options(format_name, line_prefix, time_zone, encoding)
    return asdict(read.files(database, commit, path, options))


@reception
def lineage_read_log_text(
    database: Database,
    log: str | None,
    format_name: str | None,
    line_prefix: str | None,
    time_zone: str | None,
) -> dict[str, int]:
    """Read a piece of a log."""
    from pg_llm.graph.logs import read

    options = read.options(format_name, line_prefix, time_zone, None)
    return asdict(read.text(database, log, options))


@reception
def lineage_read_log_table(
    database: Database,
    relation: str | None,
    column_name: str | None,
    order_by: str | None,
    format_name: str | None,
    line_prefix: str | None,
    time_zone: str | None,
) -> dict[str, int]:
    """Read the lines of a log in a table."""
    from pg_llm.graph.logs import read

    options = read.options(format_name, line_prefix, time_zone, None)
    return asdict(read.table(database, relation, column_name, order_by, options))


@reception
def lineage_read_statements(database: Database) -> dict[str, int]:
    """Read pg_stat_statements."""
    from pg_llm.graph.logs import statistics

    return asdict(statistics.read(database))


@reception
def lineage_analyse_patterns(database: Database, again: bool) -> int:
    """Look for the edges of patterns that have none yet."""
    from pg_llm.graph.logs import read

    return read.analyse(database, again=bool(again))
