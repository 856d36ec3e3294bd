"""Statements that calculate with the aggregates of others: ratios, differences, changes.

What is calculated with are compositions of one aggregate each, grouped alike or
not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.composition.render import quote

if TYPE_CHECKING:
    from pg_llm.text2sql.composition.compose import Composition
    from pg_llm.text2sql.composition.render import Query

_OPERATIONS = {
    "percentage": "100.0 * {one} / nullif({two}, 0)",
    "ratio": "1.0 * {one} / nullif({two}, 0)",
    "difference": "{one} - {two}",
}


def rounded(expression: str, digits: int | None) -> str:
    """Return an expression rounded to so many digits after the point; None: as it is."""
    return expression if digits is None else f"round(({expression})::numeric, {digits})"


def calculated(kind: str, one: Composition, two: Composition, digits: int | None = None) -> str:
    """Return the statement of an operation on the only aggregates of two compositions.

    `kind`: percentage, ratio, difference. Raises `Declined` where they do not
    go together.
    """
    operation = _OPERATIONS[kind]
    if one.sql == two.sql:
        raise Declined("the two sides of the calculation were read alike")
    merged = _merged(one, two)
    if merged is None:
        if not (one.scalar and two.scalar):
            raise Declined("the two sides are not grouped alike")
        sides = (f"({_inline(one.sql)})", f"({_inline(two.sql)})")
        value = operation.format(one=sides[0], two=sides[1])
        return f"select {rounded(value, digits)} as {kind}"
    query, extra_one, extra_two = merged
    value = operation.format(
        one=_filtered(_aggregate(one), extra_one), two=_filtered(_aggregate(two), extra_two)
    )
    return _grouped(query, one, rounded(value, digits), kind)


def share_of_all(kind: str, one: Composition, digits: int | None = None) -> str:
    """Return the statement of each group's share in the sum of all groups."""
    value = _aggregate(one)
    if not one.query or not one.query.group:
        raise Declined("a share of all needs groups")
    times = "100.0" if kind == "percentage" else "1.0"
    share = f"{times} * {value} / nullif(sum({value}) over (), 0)"
    return _grouped(one.query, one, rounded(share, digits), kind, also=value)


def mean_of_groups(one: Composition, digits: int | None = None) -> str:
    """Return the statement of the average of a count over all groups."""
    value = _aggregate(one)
    if not one.query or not one.query.group or not value.startswith("count("):
        raise Declined("an average of counts needs groups")
    query = one.query
    query.select, query.order = [(value, "number")], []
    average = rounded("avg(number)", digits)
    return f"select {average} as average\nfrom (\n{_indented(query.sql())}\n) as found"


def over_time(kind: str, one: Composition, digits: int | None = None) -> str:
    """Return the statement of how an aggregate changes from period to period.

    `kind`: change, growth (in percent of the period before), total (running).
    """
    query, value = one.query, _aggregate(one)
    heads = [sql for sql, _, aggregated in one.items if not aggregated]
    if not query or len(query.group) != 1 or len(heads) != 1 or "date" not in _names(one)[1]:
        raise Declined("a change over time needs one kind of period")
    before = f"lag({value}) over (order by {heads[0]})"
    expression = {
        "change": f"{value} - {before}",
        "growth": f"100.0 * ({value} - {before}) / nullif({before}, 0)",
        "total": f"sum({value}) over (order by {heads[0]})",
    }[kind]
    name = {"total": "running_total"}.get(kind, kind)
    return _grouped(query, one, rounded(expression, digits), name, also=value)


def _names(one: Composition) -> tuple[str, str]:
    """Return the name of the period, and "date" where the groups are periods."""
    heads = [name for _, name, aggregated in one.items if not aggregated]
    units = ("day", "week", "month", "quarter", "year")
    return (heads[0], "date") if heads and heads[0] in units else ("", "")


def _aggregate(one: Composition) -> str:
    values = [sql for sql, _, aggregated in one.items if aggregated]
    if len(values) != 1 or one.query is None or one.query.wrap or one.query.limit:
        raise Declined("a side of the calculation is not one number for each group")
    return values[0]


def _merged(one: Composition, two: Composition) -> tuple[Query, list[str], list[str]] | None:
    """Return the query that reads the rows of both, and the conditions of each alone."""
    first, second = one.query, two.query
    if not first or not second or first.having or second.having:
        return None
    if any(len([item for item in side.items if item[2]]) != 1 for side in (one, two)):
        return None
    if first.wrap or second.wrap or first.limit or second.limit:
        return None
    if first.root.oid != second.root.oid or first.group != second.group:
        return None
    wide, narrow = (first, second) if first.covers(second) else (second, first)
    if not wide.covers(narrow):
        return None
    shared = [text for text in first.predicates() if text in second.predicates()]
    extra_one = [text for text in first.predicates() if text not in shared]
    extra_two = [text for text in second.predicates() if text not in shared]
    wide.keep(shared)
    return wide, extra_one, extra_two


def _filtered(aggregate: str, conditions: list[str]) -> str:
    if not conditions:
        return aggregate
    return f"{aggregate} filter (where {' and '.join(map(_inline, conditions))})"


def _grouped(query: Query, one: Composition, value: str, name: str, also: str = "") -> str:
    heads = [
        (sql, "" if sql.endswith(f".{quote(n)}") else n) for sql, n, agg in one.items if not agg
    ]
    query.select = [*heads, *([(also, "value")] if also else []), (value, name)]
    query.order = list(dict.fromkeys([*(sql for sql, _ in heads), *query.group]))
    query.distinct = False
    return query.sql()


def _inline(sql: str) -> str:
    return " ".join(sql.split())


def _indented(sql: str) -> str:
    return "\n".join("  " + line for line in sql.splitlines())
