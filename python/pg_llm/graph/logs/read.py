"""What the functions for logs do: a file or directory, a text, a table, and looking again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter
from pg_llm.graph.logs import analysis, patterns
from pg_llm.graph.logs.files import data_directory
from pg_llm.graph.logs.ingest import Options, Reader, Totals
from pg_llm.lineage.tokens import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg_llm.database import Database

_TEXT_COLUMNS: Final = """
select a.attname::pg_catalog.text as name
from pg_catalog.pg_attribute a
where a.attrelid operator(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid
  and a.attnum operator(pg_catalog.>) 0
  and not a.attisdropped
  and a.atttypid operator(pg_catalog.=) any (
      '{pg_catalog.text,pg_catalog.varchar,pg_catalog.json,pg_catalog.jsonb}'::pg_catalog.regtype[]
  )
order by a.attnum
"""
_NAME: Final = """
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid
"""
_LINES: Final = 2_000
_PENDING: Final = """
select p.fingerprint, p.sample, p.search_path
from lineage.patterns p
where p.sample is not null
  and (p.analysed_at is null or p.note is not null or $1)
  and (p.databases operator(pg_catalog.=) '{}'
       or p.databases operator(pg_catalog.@>)
           array[pg_catalog.current_database()::pg_catalog.text])
  and p.calls operator(pg_catalog.+) p.stat_calls operator(pg_catalog.>) 0
order by p.fingerprint
"""
_AT_ONCE: Final = 200


def options(
    format_name: str | None, line_prefix: str | None, time_zone: str | None, encoding: str | None
) -> Options:
    """Return how a log was written."""
    return Options(format_name, line_prefix, time_zone, encoding or "utf-8")


def files(
    database: Database, commit: Callable[[], None], path: str | None, given: Options
) -> Totals:
    """Read on in a file or directory of the server, as far as the caller may read such."""
    if not path:
        raise InvalidParameter("the path is empty", hint="Name a log file or its directory.")
    directory = data_directory(database)
    # Nothing is read where it cannot be committed.
    commit()
    reader = Reader(database, commit, given)
    reader.path(directory / path)
    return reader.totals


def text(database: Database, log: str | None, given: Options) -> Totals:
    """Read a piece of a log."""
    reader = Reader(database, _nothing, given)
    data = (log or "").encode("utf-8")
    if data.strip():
        reader.text(_pieces(data), data[: 64 * 1024], "the text")
    return reader.totals


def _nothing() -> None:
    """End a batch of what is one transaction anyway."""


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 1 << 20):
        yield data[start : start + (1 << 20)]


def table(
    database: Database,
    relation: str | None,
    column: str | None,
    order_by: str | None,
    given: Options,
) -> Totals:
    """Read the lines of a log in a table. The server checks the caller's right to select."""
    if relation is None:
        raise InvalidParameter("the relation is null", hint="Name the table with the lines.")
    name = database.execute(_NAME, [relation])[0]["name"]
    query = (
        f"select {quote(column or _text_column(database, relation))}::pg_catalog.text as line "
        f"from {name} order by {quote(order_by) if order_by else 'ctid'}"
    )
    reader = Reader(database, _nothing, given)
    data = _joined(database, query)
    first = next(data, b"")
    if first.strip():
        reader.text(_chained(first, data), first, f"the table {name}")
    return reader.totals


def _text_column(database: Database, relation: str) -> str:
    names = [row["name"] for row in database.execute(_TEXT_COLUMNS, [relation])]
    if len(names) != 1:
        raise InvalidParameter(
            f"{relation} has {len(names)} text columns",
            hint="Pass column_name: the column with the lines of the log.",
        )
    return str(names[0])


def _joined(database: Database, query: str) -> Iterator[bytes]:
    lines: list[str] = []
    for row in database.cursor(query, batch=_LINES):
        lines.append(row["line"] or "")
        if len(lines) >= _LINES:
            yield ("\n".join(lines) + "\n").encode("utf-8")
            lines = []
    if lines:
        yield ("\n".join(lines) + "\n").encode("utf-8")


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def analyse(database: Database, *, again: bool) -> int:
    """Look for the edges of patterns from their samples; return how many were looked at."""
    rows = database.execute(_PENDING, [again], ["bool"])
    for start in range(0, len(rows), _AT_ONCE):
        found = {
            row["fingerprint"]: analysis.analyse(
                database, row["fingerprint"], row["sample"], path=row["search_path"]
            )
            for row in rows[start : start + _AT_ONCE]
        }
        patterns.save_analyses(database, found)
    return len(rows)
