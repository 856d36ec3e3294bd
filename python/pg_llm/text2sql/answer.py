"""A question's answer: the sources in order of trust, then the guard."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from pg_llm import catalog, settings
from pg_llm.errors import DatabaseError, InvalidParameter
from pg_llm.text2sql import answers, glossary, grammar, guard, pairs, policy, values, vote
from pg_llm.text2sql import model as source
from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.confidence import Evidence, base, confidence
from pg_llm.text2sql.index import index
from pg_llm.text2sql.joins import seen
from pg_llm.text2sql.joins.joined import joined
from pg_llm.text2sql.linking import link
from pg_llm.text2sql.pairs.wording import LONGEST_QUESTION
from pg_llm.text2sql.probe import prober
from pg_llm.text2sql.vote import Ballot

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.model import Call, Candidate
    from pg_llm.text2sql.vote import Election

# Below this the schema explains little of a question (0 to 1).
_STRANGE = 0.25


@dataclass(frozen=True, slots=True)
class Answer:
    """SQL with its evidence; `sql` is None where the question was declined.

    `source`: `verified`, `model` or `grammar`. `examples`: questions of the
    verified pairs that it was made from or that a model was shown.
    `attempts`: what was tried, in order, each with its outcome.
    `cost`: the planner's, in its own units. `guarded`: what the guard said of `sql`.
    `calls`: of models, for this answer: the model, tokens of the prompt and of the
    answer.
    """

    sql: str | None
    confidence: float = 0.0
    source: str | None = None
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
    cost: float | None = None
    warnings: tuple[str, ...] = ()
    guarded: guard.Guarded | None = None
    calls: tuple[Call, ...] = ()


def answer(database: Database, question: str, model: str | None = None) -> Answer:
    """Return the SQL for a question, checked by the server and not run.

    `model` names a chat model; by default the setting `chat_model` does, and
    where that is empty no model is asked. A question that no source can
    answer surely is declined: `sql` is None and the last warning says why.
    """
    cached = settings.get(database, "text2sql_cache") == "on"
    reason = _unreadable(question)
    if reason:
        unread = _refused(reason)
        if cached:
            answers.keep(database, question, model or "", asdict(unread), (), 0.0)
        return unread
    name = source.chosen(database, model)
    kept = _recalled(database, question, name or "") if cached else None
    if kept is not None:
        return kept
    begun = time.monotonic()
    found = _found(database, question, name)
    if found.sql is not None and found.sql in answers.wrong(database, question):
        reason = "you have called this answer wrong; llm_feedback takes the right one as sql"
        return replace(found, sql=None, confidence=0.0, warnings=(*found.warnings, reason))
    if cached:
        took = (time.monotonic() - begun) * 1000
        written = asdict(replace(found, guarded=None))
        answers.keep(database, question, name or "", written, found.tables, took)
    return found


def fresh(database: Database, question: str, model: str) -> Answer:
    """Return an answer that neither comes from the cache nor goes there; `model` "": no model."""
    reason = _unreadable(question)
    return _refused(reason) if reason else _found(database, question, model or None)


_KEPT = frozenset(field.name for field in fields(Answer)) - {"guarded"}


def _recalled(database: Database, question: str, model: str) -> Answer | None:
    """Return an earlier answer that is sure enough now and that the guard still passes."""
    kept = answers.recall(database, question, model)
    # Rows are their role's own to write: what is no answer is passed by.
    if (
        kept is None
        or not kept.keys() >= _KEPT
        or (kept["source"] != "model" and kept["confidence"] < _sure(database))
    ):
        return None
    try:
        guarded = guard.check(database, kept["sql"])
    except (DatabaseError, guard.Refused):
        return None
    lists = ("tables", "columns", "joins", "examples", "warnings")
    return Answer(
        guarded.sql,
        kept["confidence"],
        kept["source"],
        **{name: tuple(kept[name]) for name in lists},
        attempts=(*kept["attempts"], "cache: answered"),
        cost=guarded.cost,
        guarded=guarded,
    )


def _found(database: Database, question: str, name: str | None) -> Answer:
    schema = index(policy.withhold(database, catalog.snapshot(database)))
    glossary.apply(database, schema)
    seen.apply(database, schema)
    schema.found = values.find(database, question, schema)
    return _with_joins(database, schema, _sourced(database, question, name, schema))


def _with_joins(database: Database, schema: SchemaIndex, found: Answer) -> Answer:
    """Say how SQL joins that the grammar has not made, and what is guessed of a model's joins."""
    if found.sql is None or found.source == "grammar" or len(found.tables) < 2:
        return found
    joins, notes = joined(database, schema, found.sql)
    doubts = notes if found.source == "model" else ()
    return replace(found, joins=joins, warnings=(*found.warnings, *doubts))


def _sourced(database: Database, question: str, name: str | None, schema: SchemaIndex) -> Answer:
    if not schema.relations:
        return _refused("there is no table that you may read")
    verified = _from_pairs(database, question, schema)
    if verified.sql is not None and verified.confidence >= _CERTAIN:
        return verified
    grammatical = _from_grammar(database, question, schema, _sure(database))
    if name is None:
        return _trusted(verified, grammatical, _sure(database))
    shown = pairs.examples(database, question, schema, _SHOWN)
    asked = source.candidates(database, question, schema, name, shown)
    calls = tuple(call for each in asked for call in each.calls)
    examples = tuple(example for example, _ in shown)
    before = (*verified.attempts, *(one for each in asked for one in each.attempts))
    attempts = (*before, *grammatical.attempts)
    usable = [candidate for candidate in asked if candidate.guarded is not None]
    if not usable:
        failed = f"the model {name} gave no usable answer"
        if len(asked) > 1:
            failed += f", asked for {len(asked)}"
        found = _trusted(verified, grammatical, _sure(database))
        warnings = (failed, *found.warnings)
        return replace(found, attempts=attempts, warnings=warnings, calls=calls)
    candidate, election = usable[0], None
    ballots = _ballots(database, question, schema, asked, (grammatical, verified))
    if len(ballots) > 1 or len(asked) > 1:
        election = vote.elect(database, ballots)
        attempts = (*attempts, *election.attempts)
        elected = [one for one in usable if one.guarded in _statements(election)]
        if not elected:
            found = _trusted(verified, grammatical, _sure(database))
            return replace(found, attempts=attempts, calls=calls)
        candidate = elected[0]
    sure = confidence(_evidence(candidate, election, len(asked)), base(database, candidate.model))
    assert candidate.guarded is not None  # noqa: S101  (only such are usable)
    known = link(question, schema).answerable
    doubt = () if known >= _STRANGE else ("few of the question's words name anything here",)
    return Answer(
        candidate.guarded.sql,
        round(sure * (0.6 + 0.4 * min(1.0, 2 * known)), 3),
        "model",
        candidate.guarded.tables,
        examples=examples,
        attempts=attempts,
        cost=candidate.guarded.cost,
        warnings=(*candidate.notes, *candidate.guarded.notes, *doubt),
        guarded=candidate.guarded,
        calls=calls,
    )


def _ballots(
    database: Database,
    question: str,
    schema: SchemaIndex,
    asked: list[Candidate],
    others: tuple[Answer, Answer],
) -> list[Ballot]:
    """Return a vote for each candidate that passed, and those of the other sources.

    A grammar that is not sure enough to answer has no vote, and yet its result
    bears out the same one.
    """
    ballots = [
        Ballot(f"candidate {number}", candidate.guarded)
        for number, candidate in enumerate(asked, start=1)
        if candidate.guarded is not None
    ]
    grammatical, verified = others
    weak = grammatical.sql is None
    if weak:
        grammatical = _from_grammar(database, question, schema, _WITNESS)
    for voter, found in (("grammar", grammatical), ("verified pair", verified)):
        if found.sql is not None:
            unsure = weak and voter == "grammar"
            guarded = guard.check(database, found.sql)
            ballots.append(Ballot(voter, guarded, model=False, weak=unsure))
    return ballots


def _statements(election: Election) -> list[guard.Guarded]:
    return [ballot.guarded for ballot in election.winners]


def _evidence(candidate: Candidate, election: Election | None, asked: int) -> Evidence:
    """Return what speaks for and against a model's answer."""
    risk = max((fix.risk for fix in candidate.fixes), default=None)
    if election is None:
        return Evidence(risk=risk, rounds=candidate.rounds)
    supporters = sum(ballot.model for ballot in election.winners) - 1
    return Evidence(
        election.witness, supporters, asked > 1 and not supporters, risk, candidate.rounds,
        election.empty,
    )  # fmt: skip


# A pair for the same question, its words or its values aside: no model is asked.
_CERTAIN = 0.85
# A reading of the grammar that bears a model's answer out, though it is not sure itself.
_WITNESS = 0.3
# Examples that a model is shown.
_SHOWN = 3


def _from_pairs(database: Database, question: str, schema: SchemaIndex) -> Answer:
    found, attempts = pairs.find(database, question, schema, _sure(database))
    if found is None:
        return Answer(None, attempts=tuple(attempts))
    return Answer(
        found.guarded.sql,
        found.confidence,
        "verified",
        found.guarded.tables,
        examples=(found.question,),
        attempts=(*attempts, f"pair {found.id}: {found.how} ({found.confidence:.2f})"),
        cost=found.guarded.cost,
        warnings=found.guarded.notes,
        guarded=found.guarded,
    )


def _trusted(verified: Answer, grammatical: Answer, sure: float) -> Answer:
    """Return the verified answer where it is sure enough, before the grammar's."""
    attempts = (*verified.attempts, *grammatical.attempts)
    if verified.sql is not None and verified.confidence >= sure:
        return replace(verified, attempts=attempts)
    return replace(grammatical, attempts=attempts)


def _refused(reason: str) -> Answer:
    """Return the answer to a question that no source is asked."""
    return Answer(None, attempts=(f"not read: {reason}",), warnings=(reason,))


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


def _from_grammar(database: Database, question: str, schema: SchemaIndex, sure: float) -> Answer:
    try:
        reading = grammar.read(question, schema, prober(database, schema), sure)
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
        attempts=("grammar: answered",),
        cost=guarded.cost,
        warnings=(*composed.warnings, *guarded.notes),
        guarded=guarded,
    )
