"""A question's answer: the sources in order of trust, then the guard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pg_llm import catalog, settings
from pg_llm.errors import DatabaseError, InvalidParameter
from pg_llm.text2sql import grammar, guard
from pg_llm.text2sql import model as source
from pg_llm.text2sql.frame import Declined
from pg_llm.text2sql.index import index
from pg_llm.text2sql.probe import prober

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.model import Candidate

LONGEST_QUESTION = 4000


@dataclass(frozen=True, slots=True)
class Answer:
    """SQL with its evidence; `sql` is None where the question was declined.

    `source`: `model` or `grammar`. `attempts`: what was tried, in order, each
    with its outcome. `cost`: the planner's, in its own units.
    """

    sql: str | None
    confidence: float = 0.0
    source: str | None = None
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
    cost: float | None = None
    warnings: tuple[str, ...] = ()


def answer(database: Database, question: str, model: str | None = None) -> Answer:
    """Return the SQL for a question, checked by the server and not run.

    `model` names a chat model; by default the setting `chat_model` does, and
    where that is empty no model is asked. A question that no source can
    answer surely is declined: `sql` is None and the last warning says why.
    """
    reason = _unreadable(question)
    if reason:
        return Answer(None, warnings=(reason,))
    schema = index(catalog.snapshot(database))
    if not schema.relations:
        return Answer(None, warnings=("there is no table that you may read",))
    grammatical = _from_grammar(database, question, schema)
    name = source.chosen(database, model)
    if name is None:
        return grammatical
    candidate = source.ask(database, question, schema, name)
    attempts = (*candidate.attempts, *grammatical.attempts)
    if candidate.guarded is None:
        failed = f"the model {name} gave no usable answer"
        return replace(grammatical, attempts=attempts, warnings=(failed, *grammatical.warnings))
    return Answer(
        candidate.guarded.sql,
        _model_confidence(candidate, grammatical),
        "model",
        candidate.guarded.tables,
        attempts=attempts,
        cost=candidate.guarded.cost,
        warnings=tuple(candidate.notes),
    )


def _model_confidence(candidate: Candidate, grammatical: Answer) -> float:
    """Say how sure a model's answer is by what stands beside it.

    A statement of the grammar over the same tables supports it, one over
    others is a doubt, and so is a repair.
    """
    assert candidate.guarded is not None  # noqa: S101  (the caller has looked)
    base = 0.6
    if grammatical.sql is not None:
        same = set(grammatical.tables) == set(candidate.guarded.tables)
        base = 0.6 + 0.3 * grammatical.confidence if same else 0.45
    doubt = 0.1 * (candidate.rounds - 1) + 0.05 * min(candidate.repairs, 4)
    return round(base - doubt, 3)


def _unreadable(question: str) -> str:
    if not question.strip():
        return "the question is empty"
    if len(question) > LONGEST_QUESTION:
        return (
            f"the question has {len(question)} characters, and at most {LONGEST_QUESTION} are read"
        )
    return ""


def _sure(database: Database) -> float:
    value = settings.get(database, "text2sql_confidence")
    try:
        return float(value)
    except ValueError:
        raise InvalidParameter(
            f'text2sql_confidence is "{value}", and not a number from 0 to 1'
        ) from None


def _from_grammar(database: Database, question: str, schema: SchemaIndex) -> Answer:
    try:
        reading = grammar.read(question, schema, prober(database, schema), _sure(database))
    except Declined as declined:
        return Answer(None, attempts=(f"grammar: {declined}",), warnings=(str(declined),))
    composed = reading.composition
    try:
        guarded = guard.check(database, composed.sql)
    except (DatabaseError, guard.Refused) as error:
        return Answer(None, attempts=(f"grammar: {error.message}",), warnings=(error.message,))
    return Answer(
        guarded.sql,
        reading.confidence,
        "grammar",
        composed.tables,
        composed.columns,
        composed.joins,
        ("grammar: answered",),
        guarded.cost,
        composed.warnings,
    )
