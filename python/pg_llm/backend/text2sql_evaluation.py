"""Reception for `sql/text2sql_evaluation.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.text2sql import evaluation

if TYPE_CHECKING:
    from pg_llm.database import Database

_SUMMARY = "select $1 as run, s.* from llm.evaluation_summary($1) s"


@reception
def llm_eval(database: Database, questions: str, options: str) -> list[dict[str, Any]]:
    """Run the questions, and return the run's summary."""
    number = evaluation.run(database, questions, options)
    return [dict(row) for row in database.execute(_SUMMARY, [number], ["int8"])]
