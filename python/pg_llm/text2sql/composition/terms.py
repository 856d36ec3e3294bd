"""Terms and conditions from lexemes, in any language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, DateRange, Term
from pg_llm.text2sql.index import ColumnRef, Match

if TYPE_CHECKING:
    from pg_llm.catalog import Column
    from pg_llm.text2sql.composition.lexeme import Lexeme


def either(conditions: list[Condition], negated: bool) -> Condition:
    """Return one condition for several values of one column."""
    head = conditions[0]
    if len(conditions) == 1:
        head.negated = negated
        return head
    shared = set.intersection(
        *(
            {(v.ref.relation.oid, v.ref.column.name) for v in condition.choices}
            for condition in conditions
        )
    )
    choices = tuple(v for v in head.choices if (v.ref.relation.oid, v.ref.column.name) in shared)
    values = tuple(condition.values[0] for condition in conditions)
    return Condition(head.term, "in", values, choices=choices, negated=negated, text=head.text)


def term_of(unit: Lexeme) -> Term:
    """Return the term of a column lexeme, or what was computed of it."""
    if isinstance(unit.payload, Term):
        return unit.payload
    return Term(list(unit.columns), text=unit.text)


def term_of_ref(ref: ColumnRef, aggregate: str | None = None) -> Term:
    """Return the term of one certain column."""
    return Term([Match(ref.relation, ref.column, 1.0)], aggregate=aggregate, text=ref.column.name)


def group_term(unit: Lexeme) -> Term:
    """Return what a noun groups by: rows of its relation, or a column."""
    if unit.symbol == "T":
        table, columns = unit.tables[0], unit.columns
        if columns and columns[0].score > table.score:
            return Term(columns, text=unit.text)
        return Term(relation=table.relation, text=unit.text)
    return term_of(unit)


def is_year(unit: Lexeme) -> bool:
    """Whether a number may be a year."""
    return isinstance(unit.payload, int) and 1500 <= unit.payload <= 2100


def is_key(name: str) -> bool:
    """Whether a column name is that of a key."""
    return name.lower().endswith(("id", "_no", "code", "key", "number", "_num"))


def is_key_of(unit: Lexeme) -> bool:
    """Whether the likeliest column is a key."""
    return bool(unit.columns) and is_key(unit.columns[0].ref.column.name)


_YES = ("t", "true", "y", "yes", "1")
_NO = ("f", "false", "n", "no", "0")


def flag_value(column: Column) -> object | None:
    """Return what a yes-or-no column holds for yes; None for other columns."""
    if column.category == "B":
        return True
    values = {value.strip().lower(): value for value in column.values}
    if values and len(values) <= 2 and set(values) <= {*_YES, *_NO}:
        return next((values[yes] for yes in _YES if yes in values), None)
    if column.category == "N" and 0 < column.distinct <= 2 and column.name.lower() in _FLAGS:
        return 1
    return None


_FLAGS = frozenset({"active", "enabled", "deleted", "valid", "official", "current", "is_active"})


def numeric(unit: Lexeme) -> bool:
    """Whether one of the likeliest columns is a number."""
    return _likely(unit, "N")


def _likely(unit: Lexeme, categories: str) -> bool:
    return any(
        m.column and m.column.category in categories
        for m in unit.columns[:3]
        if m.score >= unit.columns[0].score - 0.1
    )


def orderable(unit: Lexeme) -> bool:
    """Whether "more than 5" makes sense: a number, a date, a text of digits."""
    if numeric_or_date(unit):
        return True
    return any(
        m.column is not None and ("year" in m.column.name.lower() or _all_digits(m.column))
        for m in unit.columns[:1]
    )


def _all_digits(column: Column) -> bool:
    return bool(column.values) and all(value.strip().isdigit() for value in column.values)


def texty(unit: Lexeme) -> bool:
    """Whether the likeliest column is a text."""
    return any(m.column and m.column.category == "S" for m in unit.columns[:1])


def numeric_or_date(unit: Lexeme) -> bool:
    """Whether one of the likeliest columns has an order of size or time."""
    return _likely(unit, "ND")


def dated(unit: Lexeme) -> bool:
    """Whether one of the likeliest columns tells when."""
    return any(
        m.column and (m.column.category in "D" or "year" in m.column.name.lower())
        for m in unit.columns[:3]
    )


def has_column(unit: Lexeme, relation: object) -> bool:
    """Whether a relation has a column of that name."""
    return any(m.relation is relation and m.score >= 0.5 for m in unit.columns)


def dated_condition(term: Term, op: str, span: DateRange) -> Condition:
    """Return the condition that a column lies in, before or after a period."""
    if op == "=":
        return Condition(term, "date", (span,))
    year = span.year
    if op in (">", ">="):
        start = span.end if op == ">" else span.start
        return Condition(term, "date", (DateRange(start, None), op, year))
    if op in ("<", "<="):
        end = span.start if op == "<" else span.end
        return Condition(term, "date", (DateRange(None, end), op, year))
    return Condition(term, "date", (span,), negated=True)
