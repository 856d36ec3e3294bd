"""Reception for `sql/text2sql.sql`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pg_llm import settings
from pg_llm.backend.reception import reception
from pg_llm.deadline import Alarm
from pg_llm.errors import InvalidParameter
from pg_llm.text2sql import answer, guard, results, shape

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.answer import Answer
    from pg_llm.text2sql.guard import Guarded


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
        "lineage": json.dumps(shape.lineage(database, found.sql), ensure_ascii=False)
        if found.sql
        else None,
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
    return results.rows(database, *_asked(database, question, model, max_rows))


@reception
def ask_sql(
    database: Database, question: str, model: str | None, max_rows: int | None
) -> dict[str, Any]:
    """Return the query that answers a question, how many of its rows to return, kept ones."""
    guarded, limit = _asked(database, question, model, max_rows)
    kept = results.typed(database, guarded, limit)
    return {
        "sql": guarded.sql,
        "row_limit": limit,
        "kept_sql": kept and kept.sql,
        "kept_rows": kept and kept.rows,
    }


# What llm_ask_table runs under; a server's session runs one at a time, or one in another.
_alarms: list[Alarm] = []


@reception
def answer_deadline(database: Database, running: bool) -> bool:
    """Start a deadline for what follows; or stop it, and say whether it had passed."""
    if running:
        _alarms.append(Alarm(settings.seconds(database, "text2sql_timeout")))
        return False
    return _alarms.pop().stop() if _alarms else False


@reception
def column_definitions(database: Database, query: str) -> str:
    """Return the column definition list that takes what a query returns."""
    return shape.definition(shape.outputs(database, query))


def _asked(
    database: Database, question: str, model: str | None, max_rows: int | None
) -> tuple[Guarded, int]:
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
    return found.guarded or guard.check(database, found.sql), limit


def _warn(database: Database, found: Answer) -> None:
    reason = found.warnings[-1] if found.warnings else "no source could answer it"
    database.message(
        "warning",
        "pg_llm: the question was declined: " + reason,
        hint="llm_text2sql_explain shows what was tried.",
    )
