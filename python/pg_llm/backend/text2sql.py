"""Reception for `sql/text2sql.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_llm import settings
from pg_llm.backend.reception import reception
from pg_llm.errors import InvalidParameter
from pg_llm.text2sql import answer, guard
from pg_llm.text2sql.run import run

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.answer import Answer


@reception
def llm_text2sql(database: Database, question: str, model: str | None) -> str | None:
    """Return the SQL for a question; None with a warning where it is declined."""
    found = answer.answer(database, question, model)
    if found.sql is None:
        _warn(database, found)
    return found.sql


@reception
def llm_text2sql_explain(database: Database, question: str, model: str | None) -> dict[str, Any]:
    """Return the SQL for a question with its evidence."""
    found = answer.answer(database, question, model)
    return {
        "sql": found.sql,
        "confidence": found.confidence,
        "source": found.source,
        "tables": list(found.tables),
        "columns": list(found.columns),
        "joins": list(found.joins),
        "examples": list(found.examples),
        "attempts": list(found.attempts),
        "cost": found.cost,
        "warnings": list(found.warnings),
    }


@reception
def llm_ask(
    database: Database, question: str, model: str | None, max_rows: int | None
) -> list[str]:
    """Return the rows of a question's answer, run read-only as the caller."""
    limit = settings.whole(database, "text2sql_row_limit")
    if max_rows is not None:
        if max_rows < 1:
            raise InvalidParameter("max_rows must be at least 1")
        limit = min(limit, max_rows)
    found = answer.answer(database, question, model)
    if found.sql is None:
        reason = found.warnings[-1]
        hint = "Name tables and columns as the database does, or configure a chat model."
        raise InvalidParameter(
            "the question was declined: " + reason,
            hint=None if guard.UNCHECKED in reason else hint,
        )
    return run(database, guard.check(database, found.sql), limit)


def _warn(database: Database, found: Answer) -> None:
    reason = found.warnings[-1] if found.warnings else "no source could answer it"
    database.message(
        "warning",
        "pg_llm: the question was declined: " + reason,
        hint="llm_text2sql_explain shows what was tried.",
    )
