"""Other dialects: which one a statement is in, and what it says in PostgreSQL's words.

sqlglot translates most of them. What it passes through (SQLite's `julianday`
and date modifiers, `isnull(a, b)`) is translated here, and a reading that loses
an argument on the way is not taken: it would run, and say something else.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pg_llm.text2sql.repair.change import Change
from pg_llm.text2sql.repair.tree import UNREADABLE, exp, parse, render
from pg_llm.text2sql.words import word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg_llm.text2sql.index import SchemaIndex

# Words that tell a dialect from the others, the surest first; then all of them.
_SIGNS = tuple(
    (dialect, re.compile("|".join(words), re.IGNORECASE))
    for dialect, *words in (
        ("sqlite", r"\b(?:strftime|julianday|instr|total|iif)\s*\(",
         r"\bdate(?:time)?\s*\([^()]*,"),
        ("mysql", r"\btimestampdiff\s*\("),
        ("snowflake", r"\bdate(?:diff|add)\s*\(\s*['\"]?[a-z]+['\"]?\s*,",
         r"\b(?:qualify|to_varchar|nvl2?)\b"),
        ("bigquery", r"\b(?:date|timestamp|datetime)_(?:diff|add|sub|trunc)\s*\(",
         r"\bdate_trunc\s*\([^()']*,\s*[a-z]+\s*\)",
         r"\bsafe_", r"\b(?:countif|format_date|format_timestamp)\b"),
        ("tsql", r"\btop\s*[(\d]", r"\bisnull\s*\([^()]*,",
         r"\b(?:getdate|datepart|charindex|len|convert)\s*\(", r"\[\w"),
        ("mysql", r"`", r"\b(?:ifnull|date_format|group_concat|signed|unsigned|regexp|curdate)\b",
         r"\binterval\s+\d", r"\blimit\s+\d+\s*,"),
    )
)  # fmt: skip
_READ = "the statement was read as"
DIALECTS = ("mysql", "sqlite", "tsql", "bigquery", "snowflake")
UNITS = frozenset(
    {"year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "weekday"}
)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_DIGITS = re.compile(r"%\.(\d)f")
_SPAN = re.compile(r"([+-]?\s*\d+(?:\.\d+)?)\s+([a-z]+?)s?", re.IGNORECASE)
_START_OF = re.compile(r"start of (day|month|year)", re.IGNORECASE)


def translations(sql: str, schema: SchemaIndex) -> Iterator[Change]:
    """Yield the statement read as one of other dialects, the likeliest first.

    A name of the schema in double quotes is never read as a text.
    """
    names = {one.lower() for one in re.findall(r'"([^"]+)"', sql)}
    names &= {
        name.lower()
        for relation in schema.relations
        for name in (relation.name, *(column.name for column in relation.columns))
    }
    kept = {text.strip("'").lower() for text in _TEXT.findall(sql)}
    seen = {sql}
    likely = [name for name, sign in _SIGNS if sign.search(sql)]
    for dialect in dict.fromkeys((*likely, *DIALECTS)):
        new = _translated(sql, dialect)
        if new is None or new in seen or loses(sql, new):
            continue
        if not names & ({text.strip("'").lower() for text in _TEXT.findall(new)} - kept):
            seen.add(new)
            yield Change(new, f"{_READ} {dialect}'s")


def is_reading(note: str) -> bool:
    """Whether a change was to read the statement as another dialect's."""
    return note.startswith(_READ)


def _translated(sql: str, dialect: str) -> str | None:
    tree = parse(sql, dialect)
    if tree is None:
        return None
    for ordered in tree.find_all(exp.Ordered):
        # The other dialect's lowest value is NULL: not what was asked for.
        if not ordered.args.get("desc"):
            ordered.set("nulls_first", False)
    for union in list(tree.find_all(exp.SetOperation)):
        _limited_branches(union)
    for kind, change in _CHANGES:
        for node in list(tree.find_all(kind)):
            replacement = change(node)
            if replacement is not None:
                node.replace(replacement)
    try:
        return render(tree)
    except UNREADABLE:
        return None


def loses(sql: str, new: str) -> bool:
    """Whether a text or a name that occurs several times occurs less often than before."""
    texts = [
        sum(
            not (text.lower() in UNITS or _DIGITS.fullmatch(text) or _START_OF.fullmatch(text))
            for text in (found.strip("'") for found in _TEXT.findall(one))
        )
        for one in (sql, new)
    ]
    if texts[1] < texts[0]:
        return True
    before, after = (
        Counter(re.findall(r"\w+(?!\w*\s*\()", _TEXT.sub("", one.lower()))) for one in (sql, new)
    )
    return any(0 < after[word] < count for word, count in before.items() if word not in _WORDS)


_WORDS = word_set(
    """
    as asc and between by case cast date day desc distinct else end extract from group having
    if in inner interval is join left limit month not null numeric on or order real select then
    timestamp union unsigned when where year 0 1
    """
)


def _limited_branches(union: exp.Expr) -> None:
    """Give the last branch its LIMIT where the first one has its own."""
    left, right = union.this, union.expression
    if not isinstance(left.unnest(), exp.Select) or not isinstance(right, exp.Select):
        return
    if left.unnest().args.get("limit") is None or union.args.get("limit") is None:
        return
    for part in ("order", "limit", "offset"):
        right.set(part, union.args.get(part))
        union.set(part, None)
    union.set("expression", exp.Subquery(this=right.copy()))
    if not isinstance(left, exp.Subquery):
        union.set("this", exp.Subquery(this=left.copy()))


def _call(node: exp.Expr) -> tuple[str, list[exp.Expr]]:
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower(), list(node.expressions)
    for kind in (exp.SubstringIndex, exp.NumberToStr, exp.Trunc, exp.Dayname, exp.Monthname):
        if isinstance(node, kind):
            name = {"trunc": "truncate", "number_to_str": "format"}.get(kind.sql_name().lower())
            arguments = [value for value in node.args.values() if isinstance(value, exp.Expr)]
            return name or kind.sql_name().lower(), arguments
    return "", []


def _moment(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Literal) and node.is_string and node.name.lower() == "now":
        return exp.CurrentTimestamp()
    return exp.cast(node.copy(), "timestamp")


def _named(node: exp.Expr) -> exp.Expr | None:
    """Translate a function that sqlglot passed through by its name."""
    name, arguments = _call(node)
    if name == "julianday" and len(arguments) == 1:
        epoch = exp.Extract(this=exp.var("EPOCH"), expression=_moment(arguments[0]))
        # a Julian day begins at noon; 1970-01-01 00:00 is 2440587.5
        day = exp.Div(this=epoch, expression=exp.Literal.number(86400))
        return exp.Paren(this=exp.Add(this=day, expression=exp.Literal.number("2440587.5")))
    if name == "total" and len(arguments) == 1:
        total = exp.Sum(this=arguments[0].copy())
        return exp.Coalesce(this=total, expressions=[exp.Literal.number(0)])
    if name == "isnull" and len(arguments) == 2:
        return exp.Coalesce(this=arguments[0].copy(), expressions=[arguments[1].copy()])
    if name in ("dayname", "monthname") and len(arguments) == 1:
        form = exp.Literal.string("FMDay" if name == "dayname" else "FMMonth")
        return exp.Anonymous(this="to_char", expressions=[_moment(arguments[0]), form])
    if name == "substring_index" and len(arguments) == 3:
        return exp.Anonymous(this="split_part", expressions=[a.copy() for a in arguments])
    if name == "truncate" and len(arguments) == 2:
        number = exp.cast(arguments[0].copy(), "numeric")
        return exp.Anonymous(this="trunc", expressions=[number, arguments[1].copy()])
    if name in ("printf", "format") and len(arguments) == 2:
        return _printed(*arguments)
    if name in ("date", "datetime") and len(arguments) > 1:
        return _modified(name, arguments)
    return None


def _elapsed(node: exp.Expr) -> exp.Expr | None:
    """Translate MySQL's TIMESTAMPDIFF for whole years and months."""
    name, begin, end = str(node.args["unit"].name).upper(), node.expression, node.this
    if name not in ("YEAR", "MONTH"):
        return None
    age = exp.Anonymous(this="age", expressions=[_moment(end), _moment(begin)])
    years = exp.Extract(this=exp.var("YEAR"), expression=age)
    if name == "YEAR":
        return years
    months = exp.Extract(this=exp.var("MONTH"), expression=age.copy())
    twelve = exp.Mul(this=years, expression=exp.Literal.number(12))
    return exp.Paren(this=exp.Add(this=twelve, expression=months))


def _printed(one: exp.Expr, two: exp.Expr) -> exp.Expr | None:
    """Translate printf('%.2f', x) of SQLite and format(x, 2) of MySQL."""
    if isinstance(one, exp.Literal) and one.is_string:
        digits = _DIGITS.fullmatch(one.name)
        number, places = two, exp.Literal.number(digits[1]) if digits else None
    else:
        number, places = one, two if isinstance(two, exp.Literal) and not two.is_string else None
    if places is None:
        return None
    return exp.Anonymous(
        this="round", expressions=[exp.cast(number.copy(), "numeric"), places.copy()]
    )


def _globbed(node: exp.Expr) -> exp.Expr | None:
    """Translate SQLite's GLOB, of a pattern without sets."""
    pattern = node.expression
    if not isinstance(pattern, exp.Literal) or re.search(r"[%_\[\]\\]", pattern.name):
        return None
    text = pattern.name.replace("*", "%").replace("?", "_")
    return exp.Like(this=node.this.copy(), expression=exp.Literal.string(text))


def _modified(name: str, arguments: list[exp.Expr]) -> exp.Expr | None:
    """Translate SQLite's date(x, '-1 month', 'start of year')."""
    value = _moment(arguments[0])
    for argument in arguments[1:]:
        if not isinstance(argument, exp.Literal) or not argument.is_string:
            return None
        span, start = _SPAN.fullmatch(argument.name.strip()), _START_OF.fullmatch(argument.name)
        if span is not None:
            text = f"{''.join(span[1].split())} {span[2].lower()}"
            step = exp.cast(exp.Literal.string(text), "interval")
            value = exp.Paren(this=exp.Add(this=value, expression=step))
        elif start is not None:
            unit = exp.Literal.string(start[1].lower())
            value = exp.Anonymous(this="date_trunc", expressions=[unit, value])
        else:
            return None
    return exp.cast(value, "date" if name == "date" else "timestamp")


_INTEGERS = frozenset({"UBIGINT", "UINT", "USMALLINT", "UTINYINT", "UNSIGNED", "SIGNED"})


def _integer(node: exp.Expr) -> exp.Expr | None:
    """Translate a cast to an unsigned integer."""
    target = node.args["to"]
    name = str(getattr(target.this, "value", target.this)).upper()
    if name == "USERDEFINED":
        name = str(target.args.get("kind") or "").upper()
    return exp.cast(node.this.copy(), "bigint") if name in _INTEGERS else None


def _difference(node: exp.Expr) -> exp.Expr | None:
    """Give a text that an interval is added to the type of a time."""
    known = isinstance(node, exp.DateAdd | exp.DateSub)
    if not known and not isinstance(node.expression, exp.Interval):
        return None
    if not isinstance(node.this, exp.Literal) or not node.this.is_string:
        return None
    copy = node.copy()
    copy.set("this", exp.cast(node.this.copy(), "timestamp"))
    return copy


_CHANGES: tuple[tuple[type[exp.Expr], Callable[[exp.Expr], exp.Expr | None]], ...] = (
    (exp.Func, _named),
    (exp.Glob, _globbed),
    (exp.TimestampDiff, _elapsed),
    (exp.Cast, _integer),
    (exp.Add, _difference),
    (exp.Sub, _difference),
    (exp.DateAdd, _difference),
    (exp.DateSub, _difference),
)
