"""Lineage from text alone: sqlglot's parser, a catalog, and scopes of our own.

`extract` resolves one statement of any dialect in `DIALECTS` against a catalog
that is given, `split` cuts a script, `live_schema` reads the live catalog.
sqlglot is imported at the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.lineage.parser.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge
    from pg_llm.lineage.parser.routines import Routine

__all__ = ["DIALECTS", "extract", "live_routines", "live_schema", "script", "split"]


def extract(
    sql: str,
    dialect: str,
    schema: Mapping[str, Sequence[str]],
    search_path: Sequence[str] | None,
    *,
    statement: int,
    routines: Sequence[Routine] = (),
) -> list[Edge]:
    """Return the edges of one statement, resolved against a given catalog.

    `schema`: `{"schema.table": [columns]}`, names as the catalog stores them.
    `search_path`: schemas in which an unqualified relation is looked for. One
    that is only elsewhere is still taken if there is no other of that name,
    but noted as not on the path, with a low confidence; None or empty: the
    path is not known, and the one relation of that name is meant.
    `statement`: the number that the edges carry.
    `routines`: functions of PostgreSQL's live catalog (`live_routines`);
    without them, only functions that every PostgreSQL has are known.

    What the catalog does not know is kept and noted as unresolved. Text that
    cannot be parsed gives relations only, with a note, and no error.
    Raises `InvalidParameter` for an unknown dialect.
    """
    from pg_llm.lineage.parser import extraction

    return extraction.extract(
        sql, dialect, schema, search_path, statement=statement, routines=routines
    )


def script(
    sql: str,
    dialect: str,
    schema: Mapping[str, Sequence[str]],
    search_path: Sequence[str] | None,
    *,
    check: Callable[[], object] | None = None,
    routines: Sequence[Routine] = (),
) -> list[Edge]:
    """Return the edges of all statements of a script, numbered from 1.

    As `extract`, but a statement sees the relations that those before it made.
    `check` is called before each statement; what it raises ends the work.
    """
    from pg_llm.lineage.parser import extraction

    return extraction.script(sql, dialect, schema, search_path, check, routines)


def split(sql: str, dialect: str) -> list[str]:
    """Return the statements of a script, without their semicolons.

    Raises `InvalidParameter` for an unknown dialect.
    """
    from pg_llm.lineage.parser import reading
    from pg_llm.lineage.parser.dialects import dialect_of

    return reading.split(sql, dialect_of(dialect))


def live_schema(database: Database, sql: str | None = None) -> Mapping[str, Sequence[str]]:
    """Return the relations that the caller may see, `{"schema.table": [columns]}`.

    Tables, views, materialized views, foreign and partitioned tables in
    schemas that the caller may use, with a privilege on the relation or on a
    column of it. With `sql`, only relations whose name occurs in it.
    """
    from pg_llm.lineage.parser.catalog import live_relations

    return live_relations(database, sql)


def live_routines(database: Database, sql: str) -> Sequence[Routine]:
    """Return the functions that a statement may call: kind, result columns.

    Of all schemas that the caller may use, those whose name occurs in `sql`.
    """
    from pg_llm.lineage.parser import routines

    return routines.live_routines(database, sql)
