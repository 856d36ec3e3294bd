"""Text that no parser takes: quotes, dialects, clauses in the wrong place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.repair.tree import SqlglotError, exp, parse, render, sqlglot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.repair.loop import Change

DIALECTS = ("mysql", "sqlite", "tsql", "bigquery", "snowflake")
# Letters on both sides: an apostrophe, and no end of a text.
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_AGGREGATE = re.compile(r"\b(?:sum|avg|min|max|count)\s*\(", re.IGNORECASE)
_CONDITION = re.compile(
    r"\s*where\s+((?:\w+\([\w.]*\)|[\w.]+)\s*(?:=|<>|!=|<=|>=|<|>|\blike\b)\s*"
    r"(?:'[^']*'|\d+(?:\.\d+)?))\s*",
    re.IGNORECASE,
)


def syntax(sql: str) -> Iterator[Change]:
    """Yield other readings of a text that does not parse, likeliest first."""
    yield from _quotes(sql)
    yield from translations(sql)
    filtered = _filters(sql)
    if filtered != sql:
        yield filtered, "a WHERE after an aggregate was read as its filter"
    ordered = _joins_first(sql)
    if ordered != sql:
        yield ordered, "a JOIN after WHERE was put before it"
    missing = _depth(sql)
    if missing > 0:
        yield sql.rstrip("; \n") + ")" * missing, "parentheses were closed"
    elif missing < 0 and sql.rstrip("; \n").endswith(")"):
        yield sql.rstrip("; \n")[:missing], "parentheses were taken away"
    comma = re.sub(r",(\s*(?:from|where|group|order|limit|\)))", r"\1", sql, flags=re.I)
    if comma != sql:
        yield comma, "a comma too many was taken away"


def _quotes(sql: str) -> Iterator[Change]:
    escaped = sql.replace("\\'", "''").replace('\\"', '"')
    if escaped != sql:
        yield escaped, "backslashes before quotes were read as quotes in a text"
    doubled = _APOSTROPHE.sub("''", sql)
    if doubled != sql:
        yield doubled, "an apostrophe was read as part of a text"
    plain = _ticks(sql)
    if plain != sql:
        yield plain, "the quotes of another dialect were translated"


def _ticks(sql: str) -> str:
    """Write MySQL's and SQL Server's quoted names as PostgreSQL does."""

    def name(match: re.Match[str]) -> str:
        text = match[1]
        return text if re.fullmatch(r"[a-z_][a-z0-9_]*", text) else f'"{text}"'

    return re.sub(r"`([^`']*)`|\[([A-Za-z_][\w ]*)\]", lambda m: name(m) if m[1] else m[0], sql)


def translations(sql: str) -> Iterator[Change]:
    """Yield the statement read as one of other dialects, in PostgreSQL's words."""
    seen = {sql}
    for dialect in DIALECTS:
        try:
            found = sqlglot.transpile(sql, read=dialect, write="postgres", comments=False)
        except (SqlglotError, RecursionError, ValueError):
            continue
        if len(found) == 1 and found[0] not in seen:
            seen.add(found[0])
            yield found[0], f"the statement was read as {dialect}'s"


def _filters(sql: str) -> str:
    """Write `sum(x) where c` inside an expression as an aggregate with a filter.

    Also `sum(x where c)`, with the condition inside of the parentheses.
    """
    position = 0
    while match := _AGGREGATE.search(sql, position):
        close = _closing(sql, match.end() - 1)
        position = match.end()
        if close < 0:
            return sql
        inside = sql[match.end() : close]
        within = re.search(r"\swhere\s", inside, re.IGNORECASE)
        if within and not re.search(r"\bselect\b", inside, re.IGNORECASE):
            argument, rest = inside[: within.start()], inside[within.end() :]
            head = match[0]
            if re.search(r"[<>=]|\bis\b|\blike\b", argument, re.IGNORECASE):
                # a condition is counted, and not summed
                head, argument, rest = "count(", "*", f"({argument.strip()}) and {rest}"
            sql = (
                f"{sql[: match.start()]}{head}{argument}) filter (where {rest}){sql[close + 1 :]}"
            )
            continue
        after = _CONDITION.match(sql, close + 1)
        if after and _before_from(sql, match.start()):
            sql = f"{sql[: close + 1]} filter (where {after[1].strip()}) {sql[after.end() :]}"
    return sql


def _before_from(sql: str, position: int) -> bool:
    """Whether a position stands in a select list: no FROM between SELECT and it."""
    words = re.findall(r"\b(select|from)\b", sql[:position], re.IGNORECASE)
    return bool(words) and words[-1].lower() == "select"


def _closing(sql: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[position], 0)
        if depth == 0:
            return position
    return -1


def _depth(sql: str) -> int:
    plain = re.sub(r"'[^']*'", "", sql)
    return plain.count("(") - plain.count(")")


_MISPLACED = re.compile(
    r"\bwhere\b(?P<condition>.*?)(?P<joins>(?:\b(?:left|right|inner|full|cross)\b\s+)*\bjoin\b"
    r".*?)(?P<rest>\b(?:group\s+by|order\s+by|having|limit)\b|;|\Z)",
    re.IGNORECASE | re.DOTALL,
)


def _joins_first(sql: str) -> str:
    """Put joins that follow WHERE in front of it; only without subqueries."""
    if len(re.findall(r"\bselect\b", sql, re.IGNORECASE)) != 1:
        return sql
    return _MISPLACED.sub(
        lambda m: f"{m['joins'].strip()} where {m['condition'].strip()} {m['rest']}", sql, count=1
    )


_ARITHMETIC = {
    "divide": exp.Div, "safe_divide": exp.Div, "div0": exp.Div, "multiply": exp.Mul,
    "subtract": exp.Sub, "add": exp.Add,
}  # fmt: skip


def arithmetic(sql: str) -> Iterator[Change]:
    """Yield the statement with operators in place of `divide(a, b)` and its like."""
    tree = parse(sql)
    if tree is None:
        return
    changed = True
    found = False
    while changed:
        changed = False
        for call in tree.find_all(exp.Func):
            name = (
                call.name.lower() if isinstance(call, exp.Anonymous) else call.sql_name().lower()
            )
            arguments = list(call.expressions) if isinstance(call, exp.Anonymous) else []
            if not arguments and isinstance(call, exp.SafeDivide):
                name, arguments = "divide", [call.this, call.expression]
            kind = _ARITHMETIC.get(name)
            if kind is None or len(arguments) != 2:
                continue
            left, right = (_wrapped(argument) for argument in arguments)
            if kind is exp.Div:
                left = exp.cast(left, "numeric")
                right = exp.Nullif(this=right, expression=exp.Literal.number(0))
            replacement = exp.Paren(this=kind(this=left, expression=right))
            if call is tree:
                return
            call.replace(replacement)
            changed = found = True
            break
    if found:
        yield render(tree), "arithmetic written as functions was read as operators"


def _wrapped(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()
