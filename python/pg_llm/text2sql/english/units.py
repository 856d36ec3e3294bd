"""The units of an English question that carry structure, without those that do not."""

from __future__ import annotations

from dataclasses import replace

from pg_llm.text2sql.composition.chunks import word
from pg_llm.text2sql.composition.frame import Condition, Term
from pg_llm.text2sql.composition.lexeme import Lexeme

_LIGHT = "?vI_"


def without_light(units: list[Lexeme]) -> list[Lexeme]:
    """Leave out what carries no structure; a text pattern keeps its text."""
    kept: list[Lexeme] = []
    participle = False
    for position, unit in enumerate(units):
        if (
            unit.symbol == "v"
            and kept
            and kept[-1].symbol == "T"
            and _next(units, position) in ("T", "V", "S")
        ):
            # departments offer degrees, nations use English: no compound of them
            kept.append(word("W", unit.text))
        if unit.symbol == "v" and (column := _column_of_verb(units, position, kept)):
            kept.append(column)
        elif unit.text in _CONTAIN and unit.symbol in "_L" and _next(units, position) in _OF_TEXTS:
            # contain a text; what contains more than 5 of something has them
            if _next(units, position) == "S":
                kept.append(word("L", unit.text, "%{}%"))
        elif unit.symbol == "?" and kept and kept[-1].symbol == "L":
            kept.append(Lexeme("S", unit.text, unit.text))
        elif unit.symbol == "Y" and participle:
            # owned by students: who does it, and no grouping
            kept.append(word("F", unit.text))
        elif unit.symbol == "T" and position and units[position - 1].symbol == "T":
            # car models: the last noun is the head
            kept[-1] = unit
        elif unit.symbol not in _LIGHT:
            kept.append(unit)
        if unit.symbol == "_":
            continue
        participle = unit.symbol == "v" or (unit.symbol == "?" and unit.text.endswith("ed"))
    return kept


def _column_of_verb(units: list[Lexeme], position: int, kept: list[Lexeme]) -> Lexeme | None:
    """Return the column that a verb stands for where it is measured, summed or denied."""
    unit, before = units[position], kept[-1].symbol if kept else ""
    if unit.measures and (_compares(units, position) or before == "A"):
        # weighing over 3000; a charge below 1000; the total spent
        return replace(unit, symbol="C", columns=unit.measures)
    truths = [m for m in unit.columns if m.ref.column.category == "B" and m.score >= 0.8]
    if truths and before != "!":
        # cancelled: a column of truths is called so
        condition = Condition(Term(truths, text=unit.text), "true", text=unit.text)
        return word("c", unit.text, condition)
    if unit.columns and before == "!":
        # not delivered: the column that says when it happened is empty
        return replace(unit, symbol="C")
    return None


def _compares(units: list[Lexeme], position: int) -> bool:
    """Whether a comparison of numbers follows."""
    after = next((u for u in units[position + 1 :] if u.symbol not in _LIGHT), None)
    if after is None or after.symbol not in "PB":
        return False
    return after.symbol == "B" or not (after.payload[2] or after.payload[1].words)


def without_repeated(units: list[Lexeme]) -> list[Lexeme]:
    """Leave out the second noun of "all shops except for shops that have ..."."""
    kept: list[Lexeme] = []
    for position, unit in enumerate(units):
        again = unit.symbol == "T" and kept and kept[-1].symbol == "!"
        followed = position + 1 < len(units) and units[position + 1].symbol == "W"
        oids = {u.tables[0].relation.oid for u in kept if u.symbol == "T"}
        if not (again and followed and unit.tables[0].relation.oid in oids):
            kept.append(unit)
    return kept


def _next(units: list[Lexeme], position: int) -> str:
    return next((u.symbol for u in units[position + 1 :] if u.symbol not in _LIGHT), "")


_CONTAIN = frozenset({"contain", "contains", "contained", "containing"})
_OF_TEXTS = frozenset("STPCQAX")
