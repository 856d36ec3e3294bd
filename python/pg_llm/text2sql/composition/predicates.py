"""Conditions on one column as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, DateRange, Declined
from pg_llm.text2sql.composition.measures import share_of_one
from pg_llm.text2sql.composition.render import literal
from pg_llm.text2sql.composition.terms import is_key
from pg_llm.text2sql.words import split_identifier

if TYPE_CHECKING:
    from pg_llm.text2sql.index import ColumnRef


NEGATED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def age_of(name: str) -> str:
    """Return the years since a date of birth of that SQL name."""
    return f"extract(year from age({name}))"


def predicate(ref: ColumnRef, name: str, condition: Condition, values: list[object]) -> str:
    """Return the SQL of one condition on a column of that SQL name."""
    op = condition.op
    column = ref.column
    if op in ("is null", "is not null"):
        return _missing(ref, name, op == "is null")
    if op in ("true", "false"):
        wanted = (op == "true") != condition.negated
        return name if wanted else f"not {name}"
    if op == "date":
        text = _period(ref, name, values)
        return f"not ({text})" if condition.negated else text
    if column.category == "D" and all(isinstance(value, int | float) for value in values):
        # older than 30, where only the date of birth is stored
        name = age_of(name)
    aged = condition.term.hints[:1] == ("age",) and "year" in split_identifier(column.name)
    if aged and column.category == "N":
        name = f"extract(year from current_date) - {name}"
    if op == "like":
        return f"{name} {'not ' if condition.negated else ''}ilike {literal(values[0])}"
    if condition.text.endswith("%"):
        values = [_share(ref, v) if isinstance(v, int | float) else v for v in values]
    if op == "between":
        low, high = values
        word = "not between" if condition.negated else "between"
        return f"{name} {word} {literal(low)} and {literal(high)}"
    values = [_typed(column.category, value) for value in values]
    if op == "in":
        texts = ", ".join(literal(value) for value in values)
        return f"{name} {'not ' if condition.negated else ''}in ({texts})"
    if condition.negated:
        op = NEGATED[op]
    if column.category == "B" and values[0] == "true" and op in ("=", "<>"):
        return name if op == "=" else f"not {name}"
    return f"{name} {op} {literal(values[0])}"


def _missing(ref: ColumnRef, name: str, missing: bool) -> str:
    """Return whether there is none of a column; a number that always stands there is 0 then.

    Raises `Declined` for a day that always stands there: what has not happened
    must be told by something else.
    """
    column = ref.column
    if column.not_null and column.category == "D":
        raise Declined(f"{column.name} is never empty")
    if column.not_null and column.category == "N" and not is_key(column.name):
        return f"{name} {'=' if missing else '<>'} 0"
    return f"{name} is {'' if missing else 'not '}null"


_PERCENT = frozenset({"percent", "percentage", "pct", "perc"})


def _share(ref: ColumnRef, value: float) -> float:
    """Return what a column holds for a percentage; raises `Declined` where that is not known."""
    column = ref.column
    said = {*split_identifier(column.name), *split_identifier(column.comment or "")}
    if _PERCENT & said or "%" in (column.comment or ""):
        return value
    if share_of_one(ref):
        return float(f"{value / 100:.10g}")
    raise Declined(f"whether {column.name} holds percents or shares is not known")


def _typed(category: str, value: object) -> object:
    if category == "S" and isinstance(value, int | float):
        return str(value)
    if category == "N" and isinstance(value, str):
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            raise Declined(f'"{value}" is not a number') from None
    return value


def _period(ref: ColumnRef, name: str, values: list[object]) -> str:
    span = values[0]
    assert isinstance(span, DateRange)  # noqa: S101
    if ref.column.category == "D":
        parts = []
        if span.start:
            parts.append(f"{name} >= {span.start}")
        if span.end:
            parts.append(f"{name} < {span.end}")
        return " and ".join(parts)
    if len(values) == 3 and isinstance(values[1], int):
        low, high = (_typed(ref.column.category, value) for value in values[1:])
        return f"{name} between {literal(low)} and {literal(high)}"
    op, year = (values[1], values[2]) if len(values) == 3 else ("=", span.year)
    if year is None or ref.column.category not in "NS":
        raise Declined(f"{ref.column.name} does not hold dates")
    return f"{name} {op} {literal(_typed(ref.column.category, year))}"
