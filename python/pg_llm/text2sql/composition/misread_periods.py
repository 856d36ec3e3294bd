"""Whether a period is that of what is said to have happened then.

Each check of a finished statement raises `Declined`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.english.lexicon import ENDINGS, EXISTENTIAL, base
from pg_llm.text2sql.words import root, split_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.text2sql.composition.composer import Composer
    from pg_llm.text2sql.composition.frame import Condition, Frame
    from pg_llm.text2sql.composition.lexeme import Lexeme
    from pg_llm.text2sql.index import ColumnRef


def resolved(made: Composer) -> Iterator[tuple[Condition, ColumnRef]]:
    """Yield the plain conditions with the columns that they are on."""
    for condition in made.frame.conditions:
        if condition.op != "or" and not condition.term.aggregate:
            choice = made.resolver.choice(condition) if condition.choices else None
            yield condition, choice or made.resolver.column(condition.term, condition)


def roots(name: str) -> set[str]:
    """Return the roots of the words of a name."""
    return {root(word) for word in split_identifier(name)}


_YEARLY = frozenset({"birthday", "anniversary"})


def periods(made: Composer) -> None:
    """Decline where a period is not that of what is said to have happened."""
    frame = made.frame
    inner = [one for presence in frame.presences for one in presence.conditions]
    outer = [condition for condition, _ in resolved(made)]
    for condition in (*outer, *inner):
        if condition.op != "date":
            continue
        ref = made.resolver.column(condition.term, condition)
        if _YEARLY & frame.hints and "current_date" in str(condition.values):
            raise Declined("a day that comes again every year is not a date")
        if not condition.term.matches:
            _happened(frame, condition, ref)
        elif condition in outer:
            _of_another(made, ref)


def _happened(frame: Frame, condition: Condition, ref: ColumnRef) -> None:
    said = roots(ref.column.name)
    verbs = [(verb, base(verb.lower())) for verb in frame.verbs]
    if any({root(verb), root(plain)} & said for verb, plain in verbs):
        return
    others = [
        roots(column.name) - said
        for column in ref.relation.columns
        if column.category == "D" and column.name != ref.column.name
    ]
    for verb, plain in verbs:
        if plain in ENDINGS:
            raise Declined(f'{ref.column.name} does not tell when "{verb}" happened')
        if any({root(verb), root(plain)} & other for other in others):
            raise Declined(f'"{verb}" is not what {ref.column.name} tells the day of')
    events = [verb for verb, plain in verbs if root(plain) not in EXISTENTIAL]
    if events and (condition.negated or _denied(frame.units)):
        raise Declined(f'{ref.column.name} may not be when "{events[0]}" happened')


def _denied(units: Sequence[Lexeme]) -> bool:
    """Whether a verb is denied (not seen since)."""
    said = [unit.symbol for unit in units if unit.symbol not in "_I"]
    return ("!", "v") in pairwise(said)


def _of_another(made: Composer, ref: ColumnRef) -> None:
    """Decline the date of what only points here: an order is not due when its invoice is."""
    named = {
        m.relation.oid for unit in made.frame.units if unit.symbol == "T" for m in unit.tables
    }
    if ref.relation.oid in {made.query.root.oid, *named}:
        return
    found = made.schema.joins.path([made.query.root.oid], ref.relation.oid, made.frame.hints)
    if found is None or not all(step.forth for step in found[0]):
        raise Declined(f"{ref.column.name} is a date of {ref.relation.sql_name} only")


def events_of_periods(made: Composer) -> None:
    """Decline a period right behind what happened then, where the date is another's.

    "Delivered in May": not ordered in May and delivered some time. A column
    that is called by an event of its own (launched_on) is not the date of another.
    """
    units = [unit for unit in made.frame.units if unit.symbol not in "_I"]
    events: list[str] = []
    for one, two, three in zip(units, units[1:], [*units[2:], units[-1]], strict=False):
        dated = two.symbol in "DN" or (two.symbol in "FP" and three.symbol in "DN")
        state = one.symbol in "VC" and (_participle(one.text) or _flagged(one))
        if dated and (state or one.symbol in "vc"):
            events.append(one.text)
    if not events or not (made.frame.conditions or made.frame.presences):
        return
    for condition, ref in resolved(made):
        if condition.op != "date" or ref.column.category != "D":
            continue
        said = roots(ref.column.name)
        own = any(_participle(word) for word in split_identifier(ref.column.name))
        for event in events:
            known = {root(event), root(base(event))} & said or _called(made, event, ref)
            verb = any(unit.symbol == "v" and unit.text == event for unit in units)
            light = verb and root(base(event)) in EXISTENTIAL
            if not known and not light and (own or (not verb and _told(made, event))):
                raise Declined(f'{ref.column.name} may not be when "{event}" happened')


def _told(made: Composer, event: str) -> bool:
    """Whether a column nearby tells when it happened (the shipment's delivered_on)."""
    near = made.query.root
    oids = [near.oid, *(step.target for step in made.schema.joins.steps(near.oid))]
    return any(
        column.category == "D" and {root(event), root(base(event))} & roots(column.name)
        for oid in oids
        for column in made.schema.snapshot.by_oid[oid].columns
    )


def _participle(word: str) -> bool:
    return word.endswith("ed") or (base(word) != word and not word.endswith(("s", "ing")))


def _flagged(unit: Lexeme) -> bool:
    best = unit.columns[0].column if unit.columns else None
    return best is not None and best.category == "B"


def _called(made: Composer, event: str, ref: ColumnRef) -> bool:
    """Whether a comment or a synonym names the column by what happened."""
    return any(
        match.column is not None and match.ref == ref
        for unit in made.frame.units
        if unit.text == event
        for match in unit.columns
    )


def twice_dated(made: Composer) -> None:
    """Decline "the last quarter of 2025": not the one before this, if that was in 2025."""
    found: dict[str, list[str]] = {}
    for condition, ref in resolved(made):
        if condition.op == "date" and not condition.negated:
            name = f"{ref.relation.oid}.{ref.column.name}"
            found.setdefault(name, []).append(str(condition.values))
    for spans in found.values():
        relative = ["current_date" in span for span in spans]
        if any(relative) and not all(relative):
            raise Declined("two periods of the question do not go together")
