"""The model source: a chat model's candidate, cleaned, guarded, repaired once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_llm import models, settings
from pg_llm.errors import DatabaseError, ModelError
from pg_llm.text2sql import clean, guard, prompt

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.guard import Guarded
    from pg_llm.text2sql.index import SchemaIndex

_ROUNDS = 2
# Errors that another dialect's words explain.
_FOREIGN = frozenset({"42601", "42883", "42704"})


@dataclass(slots=True)
class Candidate:
    """What a model came to: a guarded statement or None, and every attempt."""

    guarded: Guarded | None = None
    rounds: int = 0
    attempts: list[str] = field(default_factory=list)


def chosen(database: Database, model: str | None) -> str | None:
    """Return the chat model to ask, None for none."""
    return model or settings.get(database, "chat_model") or None


def ask(database: Database, question: str, schema: SchemaIndex, model: str) -> Candidate:
    """Ask a model for a question's SQL.

    A failed call is an attempt; what is wrong with the request itself (an
    unknown model, a role that may not call it) is raised.
    """
    candidate = Candidate()
    conversation = prompt.messages(question, schema)
    last = ""
    for _ in range(_ROUNDS):
        try:
            completion = models.complete(database, conversation, model=model)
        except ModelError as error:
            candidate.attempts.append(f"{model}: {error.message}")
            return candidate
        candidate.rounds += 1
        text = completion.text.strip()
        wrong = _judge(database, text, candidate, completion.model)
        if wrong is None or wrong.message == last:
            break
        last = wrong.message
        conversation = prompt.repair(conversation, text, wrong.sqlstate, wrong.message, wrong.hint)
    return candidate


def _judge(
    database: Database, text: str, candidate: Candidate, name: str
) -> DatabaseError | guard.Refused | None:
    """Put the first statement that passes into the candidate, or return why none does."""
    if text.upper().startswith(prompt.NO_ANSWER):
        candidate.attempts.append(f"{name}: says that the question has no answer here")
        return None
    first: DatabaseError | guard.Refused | None = None
    for sql in clean.statements(text):
        error = _try(database, sql, candidate)
        if error is not None and error.sqlstate in _FOREIGN:
            for translated in clean.translations(sql):
                if _try(database, translated, candidate) is None:
                    error = None
                    break
        if error is None:
            candidate.attempts.append(f"{name}: answered")
            return None
        first = first or error
    first = first or guard.Refused("the answer holds no query")
    candidate.attempts.append(f"{name}: {first.sqlstate} {first.message}")
    return first


def _try(
    database: Database, sql: str, candidate: Candidate
) -> DatabaseError | guard.Refused | None:
    try:
        candidate.guarded = guard.check(database, sql)
    except (DatabaseError, guard.Refused) as error:
        return error
    return None
