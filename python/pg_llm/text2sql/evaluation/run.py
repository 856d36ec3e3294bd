"""A run over a set of questions."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_llm import settings
from pg_llm.errors import DatabaseError, InvalidParameter, ProgramLimitExceeded
from pg_llm.text2sql import answer, guard
from pg_llm.text2sql.evaluation import results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database
    from pg_llm.text2sql.model import Call

_OPTIONS = frozenset({"models", "limit", "order", "extra_columns"})
_MOST_ROWS = 20_000

_BEGIN = """
insert into llm.evaluation_runs (questions, options)
values ($1, $2::pg_catalog.jsonb)
returning id
"""
_END = """
update llm.evaluation_runs r
set finished_at = pg_catalog.clock_timestamp()
where r.id operator(pg_catalog.=) $1
"""
_INSERT = """
insert into llm.evaluation_answers (
    run, number, model, question, answerable, source, sql, confidence, valid, correct, reason,
    milliseconds, calls, tokens, cost
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_TYPES = (
    *("int8", "int4", "text", "text", "bool", "text", "text", "float4", "bool", "bool", "text"),
    *("float4", "int4", "int8", "float8"),
)
_PRICES = """
select m.name,
    (m.options operator(pg_catalog.->>) 'prompt_price')::pg_catalog.float8 as prompt,
    (m.options operator(pg_catalog.->>) 'answer_price')::pg_catalog.float8 as completion
from llm.models m
where m.name operator(pg_catalog.=) any ($1)
"""
_RUN = "select r::pg_catalog.text as row from llm.run_read_only($1, $2) r"


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is told: models to ask ("" for none), how many questions, how strict."""

    models: tuple[str, ...]
    limit: int | None
    ordered: bool
    extra: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the statements that are right; none where it has no answer."""

    number: int
    text: str
    gold: tuple[str, ...]


def run(database: Database, relation: str, options: str) -> int:
    """Ask the questions of a table, judge and keep the answers; return the run's number.

    Raises `InvalidParameter` for an unknown option or one of a wrong kind.
    """
    chosen = _options(database, options)
    questions = _questions(database, relation, chosen.limit)
    number = int(database.execute(_BEGIN, [relation, options])[0]["id"])
    for question in questions:
        wanted, problem = _wanted(database, question)
        for model in chosen.models:
            row = _judged(database, question, model, wanted, problem, chosen)
            database.execute(_INSERT, [number, question.number, model, *row], _TYPES)
    database.execute(_END, [number], ["int8"])
    return number


def _options(database: Database, text: str) -> Options:
    given = json.loads(text)
    if not isinstance(given, dict) or set(given) - _OPTIONS:
        raise InvalidParameter(
            "options must be a JSON object with some of: " + ", ".join(sorted(_OPTIONS))
        )
    models = given.get("models", [settings.get(database, "chat_model")])
    if not isinstance(models, list) or not all(isinstance(name, str) for name in models):
        raise InvalidParameter('the option "models" must be a list of names, "" for no model')
    limit = given.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise InvalidParameter('the option "limit" must be a number above zero')
    return Options(
        tuple(dict.fromkeys(models)),
        limit,
        bool(given.get("order", False)),
        bool(given.get("extra_columns", True)),
    )


def _questions(database: Database, relation: str, limit: int | None) -> list[Question]:
    rows = database.execute(
        "select t.question::pg_catalog.text as question,"
        f" pg_catalog.to_json(t.sql)::pg_catalog.text as gold from {relation} t",
        limit=limit or 0,
    )
    return [
        Question(number, row["question"], _gold(row["gold"]))
        for number, row in enumerate(rows, 1)
        if row["question"]
    ]


def _gold(text: str | None) -> tuple[str, ...]:
    value = json.loads(text) if text else None
    return tuple(value) if isinstance(value, list) else (value,) if value else ()


def _wanted(database: Database, question: Question) -> tuple[list[list[results.Row]], str | None]:
    """Return what the right statements return, and why none of them could be run."""
    found = []
    problem = None
    for sql in question.gold:
        try:
            found.append(rows(database, guard.check(database, sql).sql))
        except (DatabaseError, ProgramLimitExceeded, guard.Refused) as error:
            problem = f"the right SQL fails: {error.message}"
    return found, None if found else problem


def rows(database: Database, sql: str) -> list[results.Row]:
    """Return what a query gives, read-only and within the deadline, as values to compare."""
    # row() numbers the columns: two of one name stay two.
    query = f"select (pg_catalog.to_jsonb(row(t.*))) as r from (\n{sql}\n) t"
    with database.deadline(settings.seconds(database, "text2sql_timeout")):
        found = database.execute(_RUN, [query, _MOST_ROWS], ["text", "int4"])
    return [results.row(json.dumps(json.loads(row["row"])["r"])) for row in found]


def _judged(
    database: Database,
    question: Question,
    model: str,
    wanted: Sequence[Sequence[results.Row]],
    problem: str | None,
    options: Options,
) -> list[Any]:
    """Return an answer as a row of llm.evaluation_answers, from `question` on."""
    begun = time.monotonic()
    found = answer.fresh(database, question.text, model)
    took = (time.monotonic() - begun) * 1000
    valid, correct = None, not question.gold
    reason = found.warnings[-1] if found.sql is None and found.warnings else None
    if found.sql is not None:
        valid, correct, reason = _verdict(database, found.sql, wanted, options)
    elif question.gold:
        correct = False
    return [
        *(question.text, bool(question.gold), found.source if found.sql else None, found.sql),
        *(found.confidence, valid, correct, problem or reason, took),
        *(len(found.calls), _tokens(found.calls), _cost(database, found.calls)),
    ]


def _tokens(calls: Sequence[Call]) -> int | None:
    """Return the tokens of calls, as far as the providers counted them; None where none did."""
    counted = [tokens for _, *both in calls for tokens in both if tokens is not None]
    return sum(counted) if counted else None


def _cost(database: Database, calls: Sequence[Call]) -> float | None:
    """Return what calls cost by the prices of their models; None where one is not known."""
    rows = database.execute(_PRICES, [[model for model, *_ in calls]], ["text[]"]) if calls else []
    prices = {row["name"]: (row["prompt"], row["completion"]) for row in rows}
    total = 0.0
    for model, *both in calls:
        for tokens, price in zip(both, prices.get(model, (None, None)), strict=True):
            if tokens is None or price is None:
                return None
            total += tokens * price / 1_000_000
    return total if calls else None


def _verdict(
    database: Database, sql: str, wanted: Sequence[Sequence[results.Row]], options: Options
) -> tuple[bool, bool, str | None]:
    """Return whether a statement ran, whether it was right, and what it failed with."""
    try:
        returned = rows(database, sql)
    except (DatabaseError, ProgramLimitExceeded) as error:
        return False, False, error.message
    right = any(
        results.agree(one, returned, ordered=options.ordered, extra=options.extra)
        for one in wanted
    )
    return True, right, None
