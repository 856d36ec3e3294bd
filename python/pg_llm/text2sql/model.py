"""The model source: a chat model's answer, cleaned, guarded, repaired, asked for again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_llm import models, settings
from pg_llm.errors import DatabaseError, InvalidParameter, ModelError
from pg_llm.text2sql import clean, guard, prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.text2sql.guard import Guarded
    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.repair import Fix


_TEMPERATURE = 0.8
Call = tuple[str, int | None, int | None]


@dataclass(slots=True)
class Candidate:
    """What a model came to: a guarded statement or None, and every attempt.

    `model`: whose answer it is, by its name in the registry; `rounds`: how often
    it answered; `fixes`: what was repaired in what it answered last; `notes`:
    what was changed, for the user; `calls`: each answer's model, and the tokens
    of prompt and answer as its provider counted them.
    """

    guarded: Guarded | None = None
    model: str = ""
    rounds: int = 0
    fixes: tuple[Fix, ...] = ()
    calls: list[Call] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def candidates(
    database: Database,
    question: str,
    schema: SchemaIndex,
    model: str,
    examples: Sequence[tuple[str, str]] = (),
) -> list[Candidate]:
    """Ask for `text2sql_candidates` answers, or one of each model where they are more.

    `model`: one, or several with commas between them, which take turns. The
    second answer of a model and those after it are asked for with a
    temperature, because they would be the first again. Raises as `ask` does.
    """
    names = list(dict.fromkeys(name.strip() for name in model.split(",") if name.strip()))
    if not names:
        raise InvalidParameter(
            "the list of models is empty", hint="Name a model, or several: 'one,other'."
        )
    count = max(len(names), settings.whole(database, "text2sql_candidates"))
    if count == 1:
        return [ask(database, question, schema, names[0], examples)]
    found = []
    for number in range(count):
        warm = {"temperature": _TEMPERATURE} if number >= len(names) else None
        name = names[number % len(names)]
        candidate = ask(database, question, schema, name, examples, warm)
        candidate.attempts = [f"candidate {number + 1}: {one}" for one in candidate.attempts]
        found.append(candidate)
    return found


def chosen(database: Database, model: str | None) -> str | None:
    """Return the chat model to ask, None for none."""
    return model or settings.get(database, "chat_model") or None


def ask(
    database: Database,
    question: str,
    schema: SchemaIndex,
    model: str,
    examples: Sequence[tuple[str, str]] = (),
    options: Mapping[str, object] | None = None,
) -> Candidate:
    """Ask a model for a question's SQL, again after each error that it may mend.

    `examples`: questions with their SQL, which it is shown; `options`: of the
    call, as `llm_complete` takes them. At most
    `text2sql_rounds` times, and not after an error that it made before.
    A failed call is an attempt; what is wrong with the request itself (an
    unknown model, a role that may not call it) is raised.
    """
    candidate = Candidate()
    conversation = prompt.messages(database, question, schema, examples)
    seen: set[str] = set()
    for _ in range(settings.whole(database, "text2sql_rounds")):
        try:
            completion = models.complete(database, conversation, model=model, options=options)
        except ModelError as error:
            candidate.attempts.append(f"{model}: {error.message}")
            return candidate
        candidate.rounds += 1
        tokens = completion.prompt_tokens, completion.completion_tokens
        candidate.calls.append((completion.model, *tokens))
        text = completion.text.strip()
        wrong = _judge(database, text, schema, candidate, completion.model)
        if wrong is None or wrong.error.message in seen:
            break
        seen.add(wrong.error.message)
        conversation = prompt.repair(conversation, text, wrong.sql, wrong.error, schema)
    return candidate


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A statement that nothing made valid, with its first error."""

    sql: str
    error: DatabaseError | guard.Refused


def _judge(
    database: Database, text: str, schema: SchemaIndex, candidate: Candidate, name: str
) -> _Wrong | None:
    """Put the first statement that passes into the candidate, or return why none does."""
    if text.upper().startswith(prompt.NO_ANSWER):
        candidate.attempts.append(f"{name}: says that the question has no answer here")
        return None
    if len(text) > clean.LONGEST_ANSWER:
        long = f"the answer has {len(text)} characters, and no statement is as long"
        first: _Wrong | None = _Wrong(text[:1000], guard.Refused(long))
    else:
        first = _statement(database, text, schema, candidate, name)
    if first is not None:
        candidate.attempts.append(f"{name}: {first.error.sqlstate} {first.error.message}")
    return first


def _statement(
    database: Database, text: str, schema: SchemaIndex, candidate: Candidate, name: str
) -> _Wrong | None:
    """Take the first reading that is valid as it stands, then the first that can be repaired."""
    found = list(clean.statements(text))
    sure = _valid(database, [one for readings in found for one in readings])
    first: _Wrong | None = None
    for readings in [(sure,)] if sure else found:
        # Prose is cut off before anything is repaired.
        for sql in (*readings[1:], readings[0]):
            error = _try(database, sql, schema, candidate, name)
            if error is None:
                return None
            first = first or _Wrong(sql, error)
    return first or _Wrong(text, guard.Refused("the answer holds no query"))


def _valid(database: Database, readings: Sequence[str]) -> str | None:
    """Return the first of several readings that the guard passes; None where one is all."""
    for sql in readings if len(readings) > 1 else ():
        try:
            guard.check(database, sql)
        except (DatabaseError, guard.Refused):
            continue
        return sql
    return None


def _try(
    database: Database, sql: str, schema: SchemaIndex, candidate: Candidate, name: str
) -> DatabaseError | guard.Refused | None:
    from pg_llm.text2sql.repair import mended, repair

    repaired = repair(database, sql, schema)
    if repaired.guarded is None:
        return repaired.error
    candidate.guarded, notes = mended(database, repaired.guarded, schema)
    candidate.fixes, candidate.model = repaired.fixes, name
    candidate.attempts += [
        f"{name}: {fix.sqlstate} repaired: {fix.note}" for fix in repaired.fixes
    ]
    candidate.attempts.append(f"{name}: answered")
    candidate.notes = [*(fix.note for fix in repaired.fixes), *notes]
    return None
