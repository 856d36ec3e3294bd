"""The grammar source: a question to SQL without a model, or a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese import reader as chinese
from pg_llm.text2sql.composition import compound
from pg_llm.text2sql.composition.compose import Composition, compose
from pg_llm.text2sql.composition.frame import Declined, Frame
from pg_llm.text2sql.composition.render import literal
from pg_llm.text2sql.english import reader as english
from pg_llm.text2sql.english.lexicon import EXISTENTIAL, OPERATORS, infinitive
from pg_llm.text2sql.english.phrasing import rounding
from pg_llm.text2sql.words import is_chinese, root, split_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg_llm.text2sql.english.lexer import Probe
    from pg_llm.text2sql.english.parts import Parts
    from pg_llm.text2sql.index import SchemaIndex, ValueMatch


@dataclass(frozen=True, slots=True)
class Reading:
    """What the grammar composed, and how sure it is (0 to 1)."""

    composition: Composition
    confidence: float


def read(question: str, schema: SchemaIndex, probe: Probe, sure: float = 0.0) -> Reading:
    """Return the SQL that the grammar composes.

    Raises `Declined` where it cannot read the question, and where it is less
    than `sure` of what it read.
    """
    probe = _remembering(probe)
    question, digits = rounding(question)
    for wanted in compound.parts(question, is_chinese(question)):
        try:
            return _compound(wanted, schema, probe, sure, digits)
        except Declined:
            continue
    composition, confidence = _simple(question, schema, probe, sure, digits=digits)
    return Reading(composition, confidence)


def _remembering(probe: Probe) -> Probe:
    """Look the same texts up once for all parts of a question."""
    known: dict[tuple[str, ...], dict[str, list[ValueMatch]]] = {}

    def remembering(texts: Sequence[str]) -> dict[str, list[ValueMatch]]:
        key = tuple(texts)
        if key not in known:
            known[key] = probe(texts)
        return known[key]

    return remembering


def _compound(
    wanted: Parts, schema: SchemaIndex, probe: Probe, sure: float, digits: int | None
) -> Reading:
    """Read a question made of two; raises `Declined`."""

    def read_part(question: str, keyed: bool) -> tuple[Composition, float]:
        return _simple(question, schema, probe, sure, keyed=keyed)

    sql, read_parts, confidence = compound.combine(wanted, read_part, digits)
    if confidence < sure:
        raise Declined(f"the grammar is not sure enough ({confidence:.2f})")
    whole = replace(
        read_parts[0],
        sql=sql,
        tables=_all(part.tables for part in read_parts),
        columns=_all(part.columns for part in read_parts),
        joins=_all(part.joins for part in read_parts),
        warnings=_all(part.warnings for part in read_parts),
    )
    return Reading(whole, round(confidence, 3))


def _all(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for each in lists for one in each))


def _simple(
    question: str,
    schema: SchemaIndex,
    probe: Probe,
    sure: float,
    *,
    keyed: bool = False,
    digits: int | None = None,
) -> tuple[Composition, float]:
    """Read a question of one part; raises `Declined`."""
    language = chinese if is_chinese(question) else english
    frame = language.read(question, schema, probe)
    frame.digits = digits
    missed = [word for word in (*frame.unread, *frame.verbs) if word.lower() in OPERATORS]
    if missed:
        raise Declined("the question asks for more than the grammar knows: " + ", ".join(missed))
    _unread_verbs(question, frame)
    composition = _noted(compose(frame, schema, keyed=keyed), schema)
    confidence = _confidence(frame, composition)
    if confidence < sure and frame.unread:
        words = ", ".join(frame.unread[:5])
        raise Declined(f"the question says more than was understood: {words}")
    if confidence < sure:
        reasons = "; ".join(composition.warnings) or "its words may mean something else"
        raise Declined(f"the grammar is not sure enough ({confidence:.2f}): {reasons}")
    return composition, confidence


def _noted(composition: Composition, schema: SchemaIndex) -> Composition:
    """Say which spellings of values were taken for those of the question."""
    notes = {
        match.value: match.note
        for _, matches in sorted(schema.found.items(), key=lambda one: len(one[0]))
        for match in matches
        if match.note and literal(match.value) in composition.sql
    }
    return replace(composition, warnings=(*composition.warnings, *notes.values()))


_WILL = re.compile(r"\bwill\s+(?:be\s+)?([a-z]+)", re.IGNORECASE)


def _unread_verbs(question: str, frame: Frame) -> None:
    """Decline where a verb that nothing explains may be all that restricts.

    "Which customers left?" is no list of all customers. What will happen is
    not in a database, unless a column says when it is due.
    """
    future = _WILL.search(question)
    if future and not any(
        root(future[1]) in map(root, split_identifier(match.column.name))
        for condition in frame.conditions
        for match in condition.term.matches
        if match.column is not None
    ):
        raise Declined(f'"will {future[1]}" asks about the future')
    parts = (frame.conditions, frame.presences, frame.kin, frame.groups, frame.orders, frame.limit)
    columns = [t for t in frame.select if t.matches or t.aggregate not in (None, "count")]
    verbs = [verb for verb in frame.verbs if root(infinitive(verb)) not in EXISTENTIAL]
    if verbs and not any(parts) and not columns:
        raise Declined(f'"{verbs[0]}" may restrict what is asked for, and no column says so')


# How often a reading of each construction is the one that was meant, relative
# to a plain list of one table (measured on questions of other schemas).
_FORMS = {
    "join": 0.93,
    "exists": 0.74,
    "not exists": 0.8,
    "having": 0.86,
    "few": 0.85,
    "extreme": 0.87,
    "ranked groups": 0.88,
    "most counted group": 0.78,
    "subquery": 0.7,
    "first of groups": 0.87,
}


# What is right about a question that was read without any doubt.
_BEST = 0.95


def _confidence(frame: Frame, composition: Composition) -> float:
    """Combine how much of the question is explained with how well it matched."""
    # an unknown verb says less than an unknown noun
    unread = len(composition.unused) + sum(
        0.5 if word.endswith(("ed", "ing")) else 1.0 for word in frame.unread
    )
    covered = 1.0 - min(1.0, unread * 1.5 / max(1, frame.words))
    scores = [min(1.0, score) for score in composition.scores] or [0.5]
    match = sum(scores) / len(scores) * 0.5 + min(scores) * 0.5
    warnings = set(composition.warnings)
    inferred = sum("is inferred" in warning for warning in warnings)
    doubt = 0.93 ** (len(warnings) - inferred) * 0.99**inferred
    for form in composition.forms:
        doubt *= _FORMS[form]
    return round(float(_BEST * covered**1.5 * match**0.7 * doubt), 3)
