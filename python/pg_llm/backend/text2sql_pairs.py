"""Reception for `sql/text2sql_pairs.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.text2sql import glossary, pairs

if TYPE_CHECKING:
    from pg_llm.database import Database


@reception
def llm_verify(
    database: Database, question: str, sql: str, shared: bool, note: str | None
) -> dict[str, Any]:
    """Keep a verified pair and say what its SQL gave."""
    kept = pairs.verify(database, question, sql, shared=shared, note=note)
    return {
        "id": kept.id,
        "tables": list(kept.tables),
        "columns": list(kept.columns),
        "row_count": kept.rows,
    }


@reception
def llm_feedback(
    database: Database, question: str, correct: bool, sql: str | None, note: str | None
) -> int | None:
    """Judge the latest answer to a question; return the pair made of it."""
    return pairs.feedback(database, question, correct, sql, note)


@reception
def llm_term_add(
    database: Database,
    kind: str,
    term: str,
    definition: str,
    relation: str | None,
    sql: str | None,
    synonyms: list[str | None],
    shared: bool,
) -> int:
    """Keep a word or metric of the glossary."""
    names = [name for name in synonyms if name is not None]
    return glossary.add(database, kind, term, definition, relation, sql, names, shared=shared)
