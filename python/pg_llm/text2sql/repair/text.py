"""Text that no parser takes: quotes, dialects, clauses in the wrong place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.repair import foreign
from pg_llm.text2sql.repair.change import Change, Risk
from pg_llm.text2sql.repair.tree import exp, parse, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.index import SchemaIndex

# Letters on both sides: an apostrophe, and no end of a text.
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_ALIAS = re.compile(r"(\bas\s+)'([^'\"]+)'", re.IGNORECASE)
_AGGREGATE = re.compile(r"\b(?:sum|avg|min|max|count)\s*\(", re.IGNORECASE)
_CONDITION = re.compile(
    r"\s*where\s+((?:\w+\([\w.]*\)|[\w.]+)\s*(?:=|<>|!=|<=|>=|<|>|\blike\b)\s*"
    r"(?:'[^']*'|\d+(?:\.\d+)?))\s*",
    re.IGNORECASE,
)


def syntax(sql: str, schema: SchemaIndex) -> Iterator[Change]:
    """Yield other readings of a text that does not parse, likeliest first."""
    yield from _quotes(sql)
    yield from foreign.translations(sql, schema)
    filtered = _filters(sql)
    if filtered != sql:
        yield Change(filtered, "a WHERE after an aggregate was read as its filter", Risk.PLACE)
    ordered = _joins_first(sql)
    if ordered != sql:
        yield Change(ordered, "a JOIN after WHERE was put before it", Risk.PLACE)
    yield from _clauses(sql)
    missing = _depth(sql)
    if missing > 0:
        for clause in re.finditer(r"\s(?:from|where|group\s+by|order\s+by)\b", sql, re.IGNORECASE):
            closed = sql[: clause.start()] + ")" * missing + sql[clause.start() :]
            if _depth(sql[: clause.start()]) >= missing and parse(closed) is not None:
                yield Change(closed, "parentheses were closed", Risk.GUESS)
        yield Change(sql.rstrip("; \n") + ")" * missing, "parentheses were closed", Risk.GUESS)
    elif missing < 0 and sql.rstrip("; \n").endswith(")"):
        yield Change(sql.rstrip("; \n")[:missing], "parentheses were taken away", Risk.GUESS)
    comma = re.sub(r",(\s*(?:from|where|group|order|limit|\)))", r"\1", sql, flags=re.I)
    if comma != sql:
        yield Change(comma, "a comma too many was taken away")


_LITERAL = r"(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?)"
# An aggregate right behind a name, which is no word of SQL.
_TOGETHER = r"(?<=[\w\"])[ \t]+(?=(?:count|sum|avg|min|max)\s*\()" + "".join(
    f"(?<!\\b{word} )"
    for word in [
        "select",
        "distinct",
        "by",
        "and",
        "or",
        "having",
        "then",
        "else",
        "when",
        "not",
        "in",
        "where",
        "on",
        "like",
    ]
)
# What is written nearly as PostgreSQL writes it: (pattern, what it becomes, what is told).
_REWRITES = tuple(
    (re.compile(pattern, re.IGNORECASE), new, note, risk)
    for pattern, new, note, risk in (
        (rf"\bin\s+({_LITERAL}(?:\s*,\s*{_LITERAL})*)(?!\s*\()", r"in (\1)",
         "a list was put in parentheses", Risk.SPELLING),
        (r"\busing\s+(?!\()(?:\w+\.)?([\w\"]+)", r"using (\1)",
         "the column of USING was put in parentheses", Risk.SPELLING),
        (rf"\bbetween\s+({_LITERAL})\s*,\s*({_LITERAL})", r"between \1 and \2",
         "a comma in BETWEEN was read as AND", Risk.SPELLING),
        (r"=\s*([<>])", r"\1=", "a comparison was turned round", Risk.SPELLING),
        (r"\)\s*,\s*(?=select\b)", ") ", "a comma too many was taken away", Risk.SPELLING),
        (r"\s+from\s+dual\b", "", "a FROM clause without a table was left out", Risk.SPELLING),
        (r"\btop\s*\(?\s*(\d+)\s*\)?\s+with\s+ties\b(.*?);?\s*\Z",
         r"\2 fetch first \1 rows with ties", "TOP was put to the end", Risk.SPELLING),
        (_TOGETHER, ", ", "a comma was put between output columns", Risk.PLACE),
        (rf"(\belse\s+(?:{_LITERAL}|[\w.\"]+))(\s*\))", r"\1 end\2",
         "a CASE was given its END", Risk.PLACE),
    )
)  # fmt: skip


def _clauses(sql: str) -> Iterator[Change]:
    """Yield the statement with what PostgreSQL's clauses ask for."""
    for pattern, new, note, risk in _REWRITES:
        written = pattern.sub(new, sql)
        if written != sql:
            yield Change(written, note, risk)
    tree = parse(sql)
    if tree is None:
        return
    unnamed = [
        node
        for node in tree.find_all(exp.Subquery)
        if isinstance(node.parent, exp.From | exp.Join) and not node.alias
    ]
    for number, node in enumerate(unnamed, start=1):
        node.set("alias", exp.TableAlias(this=exp.to_identifier(f"found_{number}")))
    if unnamed:
        yield Change(render(tree), "a subquery of the FROM clause was given a name")


def _quotes(sql: str) -> Iterator[Change]:
    escaped = sql.replace("\\'", "''").replace('\\"', '"')
    if escaped != sql:
        yield Change(escaped, "backslashes before quotes were read as quotes in a text")
    doubled = _APOSTROPHE.sub("''", sql)
    if doubled != sql:
        yield Change(doubled, "an apostrophe was read as part of a text")
    aliased = _ALIAS.sub(lambda m: m[1] + '"' + m[2] + '"', sql)
    if aliased != sql:
        yield Change(aliased, "the quotes of an output column's name were translated")
    plain = _ticks(sql)
    if plain != sql:
        yield Change(plain, "the quotes of another dialect were translated")


def _ticks(sql: str) -> str:
    """Write MySQL's and SQL Server's quoted names as PostgreSQL does."""

    def name(match: re.Match[str]) -> str:
        text = match[1]
        return text if re.fullmatch(r"[a-z_][a-z0-9_]*", text) else f'"{text}"'

    return re.sub(r"`([^`']*)`|\[([A-Za-z_][\w ]*)\]", lambda m: name(m) if m[1] else m[0], sql)


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
        yield Change(render(tree), "arithmetic written as functions was read as operators")


def _wrapped(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()
