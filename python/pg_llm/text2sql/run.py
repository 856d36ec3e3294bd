"""Running a statement that passed the guard: read-only, as the caller, within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.text2sql.composition.render import quote

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.guard import Guarded

_RUN = "select r::pg_catalog.text as row from llm.run_read_only($1, $2) r"


def run(database: Database, guarded: Guarded, limit: int) -> list[str]:
    """Return the first rows as JSON objects, in text.

    An output column that has the name of one before it gets a number, because
    an object holds a name once. Raises `ProgramLimitExceeded` where it takes
    longer than `text2sql_timeout`, and `DatabaseError` as the server does.
    """
    return run_sql(database, distinct(guarded), limit)


def run_sql(database: Database, sql: str, limit: int) -> list[str]:
    """Return the first rows of a query that is made of a guarded one."""
    with database.deadline(settings.seconds(database, "text2sql_timeout")):
        rows = database.execute(_RUN, [sql, limit], ["text", "int4"])
    return [row["row"] for row in rows]


def distinct(guarded: Guarded) -> str:
    """Return the statement with a name of its own for each output column."""
    names: list[str] = []
    for name in guarded.columns:
        unique, number = name, 1
        while unique in names:
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)
    if tuple(names) == guarded.columns:
        return guarded.sql
    listed = ", ".join(map(quote, names))
    return f"select * from (\n{guarded.sql}\n) as answer ({listed})"
