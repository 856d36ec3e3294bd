"""Types that do not fit: casts, and what other dialects compare freely."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.repair import text
from pg_llm.text2sql.repair.change import Change, Risk
from pg_llm.text2sql.repair.tree import (
    exp,
    folded,
    function_at,
    operator_at,
    render,
    selects_around,
    sources,
    span,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import Column
    from pg_llm.text2sql.index import SchemaIndex

_TEXTUAL = (exp.Concat, exp.Lower, exp.Upper, exp.Substring, exp.Trim, exp.DPipe, exp.TimeToStr)
_NUMERIC = (exp.Count, exp.Sum, exp.Avg, exp.Length, exp.Extract, exp.Abs, exp.Round)
_DATED = (exp.CurrentDate, exp.CurrentTimestamp, exp.TimestampTrunc, exp.DateTrunc)


def category(node: exp.Expr, schema: SchemaIndex) -> str:
    """Return the type category of an expression (N, S, D, B), empty if not clear."""
    if isinstance(node, exp.Paren | exp.Min | exp.Max | exp.Distinct) and node.this is not None:
        return category(node.this, schema)
    if isinstance(node, exp.Column):
        return _of_column(node, schema)
    if isinstance(node, exp.Literal):
        return "s" if node.is_string else "N"
    if isinstance(node, exp.Cast):
        kind = node.to
        for name, types in (
            ("S", exp.DataType.TEXT_TYPES),
            ("N", exp.DataType.NUMERIC_TYPES),
            ("D", exp.DataType.TEMPORAL_TYPES),
        ):
            if kind.this in types:
                return name
    for name, kinds in (("S", _TEXTUAL), ("N", _NUMERIC), ("D", _DATED)):
        if isinstance(node, kinds):
            return name
    if isinstance(node, exp.Predicate | exp.Not | exp.Connector | exp.Boolean):
        return "B"
    if isinstance(node, exp.Binary):
        return "N"
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
        return category(node.this.expressions[0].unalias(), schema)
    return ""


def _of_column(column: exp.Column, schema: SchemaIndex) -> str:
    found = _found(column, schema)
    return "" if found is None else {"E": "S"}.get(found.category, found.category)


def _found(column: exp.Column, schema: SchemaIndex) -> Column | None:
    qualifier, name = folded(column.args.get("table")), folded(column.this)
    for select in selects_around(column):
        for source in sources(select, schema):
            if qualifier and source.alias != qualifier:
                continue
            found = source.relation.column(name) if source.relation is not None else None
            if found is not None:
                return found
    return None


def undefined_function(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield statements whose functions and operators exist for their arguments."""
    sql = render(tree)
    yield from text.arithmetic(sql)
    yield Change(sql, "functions of other dialects were translated")
    yield from _differences(tree, schema)
    yield from _truths(tree, position, schema)
    yield from _cast_arguments(tree, position, schema)
    yield from _cast_operands(tree, position, schema)


_DAYS = {"DAY": 1, "DAYS": 1, "EPOCH": 86_400}


def _differences(tree: exp.Expr, schema: SchemaIndex) -> Iterator[Change]:
    """Take the days between two dates as they are: that difference is a number already."""
    copy = tree.copy()
    changed = False
    for call in list(copy.find_all(exp.Extract)):
        difference = call.expression.unnest()
        factor = _DAYS.get(str(call.this.name).upper())
        if factor is None or not isinstance(difference, exp.Sub):
            continue
        if all(_is_date(side, schema) for side in (difference.this, difference.expression)):
            made: exp.Expr = exp.Paren(this=difference.copy())
            if factor > 1:
                made = exp.Paren(this=exp.Mul(this=made, expression=exp.Literal.number(factor)))
            call.replace(made)
            changed = True
    if changed:
        yield Change(render(copy), "the difference of two dates was read as its days")


def _is_date(node: exp.Expr, schema: SchemaIndex) -> bool:
    """Whether an expression is a date, and not a time."""
    if isinstance(node, exp.Paren | exp.Min | exp.Max):
        return _is_date(node.this, schema)
    if isinstance(node, exp.Column):
        found = _found(node, schema)
        return found is not None and found.type == "date"
    if isinstance(node, exp.Cast):
        return bool(node.to.this == exp.DataType.Type.DATE)
    return isinstance(node, exp.CurrentDate)


def _truths(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Take the highest truth for: any, and the lowest for: all."""
    copy = tree.copy()
    call = function_at(copy, position)
    if isinstance(call, exp.Max | exp.Min) and category(call.this, schema) == "B":
        name = "bool_or" if isinstance(call, exp.Max) else "bool_and"
        call.replace(exp.Anonymous(this=name, expressions=[call.this.copy()]))
        yield Change(render(copy), f"the extreme of a truth was read as {name}")


def _cast_arguments(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    copy = tree.copy()
    call = function_at(copy, position)
    if call is None:
        return
    within = call.parent
    if isinstance(within, exp.WithinGroup) and isinstance(within.expression, exp.Order):
        for ordered in within.expression.expressions:
            if category(ordered.this, schema) == "S":
                before = render(ordered.this)
                ordered.set("this", exp.cast(ordered.this.copy(), "numeric"))
                yield Change(render(copy), f"{before} was cast to numeric")
                return
    if isinstance(call, exp.Sum | exp.Avg) and category(call.this, schema) == "B":
        test = call.this.copy()
        one, zero = exp.Literal.number(1), exp.Literal.number(0)
        call.set("this", exp.Case(ifs=[exp.If(this=test, true=one)], default=zero))
        yield Change(render(copy), "a condition that is summed was counted as 1 or 0")
        return
    for kind, types in (
        ("timestamp", (exp.Extract, exp.TimestampTrunc, exp.DateTrunc, exp.TimeToStr,
                       exp.Anonymous)),
        ("numeric", (exp.Sum, exp.Avg, exp.Round, exp.Abs, exp.Ceil, exp.Floor, exp.Mod)),
        ("text", (exp.Substring, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Replace,
                  exp.StrPosition, exp.GroupConcat, exp.Left, exp.Right)),
    ):  # fmt: skip
        if isinstance(call, types):
            changed = _cast_first(call, kind, schema)
            if changed:
                yield Change(render(copy), f"{changed} was cast to {kind}")


def _cast_first(call: exp.Expr, kind: str, schema: SchemaIndex) -> str:
    """Cast the argument whose type stands in the way; returns what it was."""
    wanted = {"timestamp": "S", "numeric": "SN", "text": "NDB"}[kind]
    for key in ("this", "expression"):
        argument = call.args.get(key)
        if isinstance(argument, exp.Order) and argument.this is not None:
            call, key, argument = argument, "this", argument.this
        if not isinstance(argument, exp.Expr) or isinstance(argument, exp.Literal | exp.Var):
            continue
        found = category(argument, schema)
        if found and found in wanted:
            before = render(argument)
            call.set(key, exp.cast(argument.copy(), kind))
            return before
    if isinstance(call, exp.Anonymous):
        for argument in call.expressions:
            if category(argument, schema) == "S":
                before = render(argument)
                argument.replace(exp.cast(argument.copy(), kind))
                return before
    return ""


# What the values of a text column look like, told by those that are known.
_NUMBER = re.compile(r"\s*[-+]?\d+(?:\.\d+)?\s*")
_MOMENT = re.compile(r"\s*\d{4}-\d\d?-\d\d?(?:[ T].*)?")


def looks(node: exp.Expr, schema: SchemaIndex) -> str:
    """Return what a text holds by its values: "numeric", "timestamp", or "" where none tell."""
    values: tuple[str, ...] = ()
    if isinstance(node, exp.Literal):
        values = (node.name,)
    if isinstance(node, exp.TimeToStr):
        # a single part of a date, as strftime('%Y', x)
        return (
            "numeric"
            if re.fullmatch(r"'?%[YmdHMSj]'?", str(node.args.get("format") or ""))
            else ""
        )
    column = node if isinstance(node, exp.Column) else node.find(exp.Column)
    if isinstance(column, exp.Column):
        found = _found(column, schema)
        values = found.values if found is not None else ()
    for name, pattern in (("numeric", _NUMBER), ("timestamp", _MOMENT)):
        if values and all(pattern.fullmatch(value) for value in values):
            return name
    return ""


def _cast_operands(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    copy = tree.copy()
    node = operator_at(copy, position)
    if node is None:
        return
    if isinstance(node, exp.In):
        yield from _cast_list(copy, node, schema)
        return
    left, right = node.this, node.args.get("expression")
    if isinstance(node, exp.Like | exp.ILike) and left is not None:
        before = render(left)
        node.set("this", exp.cast(left.copy(), "text"))
        yield Change(render(copy), f"{before} was compared as text")
        return
    if isinstance(node, exp.Between) and category(node.this, schema) == "S":
        if all(category(node.args[end], schema) == "N" for end in ("low", "high")):
            before = render(node.this)
            node.set("this", exp.cast(node.this.copy(), "numeric"))
            yield Change(render(copy), f"{before} was compared as a number")
        return
    if right is None:
        return
    if isinstance(node, exp.Add) and _joins_texts(node, schema):
        before = render(node)
        node.replace(exp.DPipe(this=left.copy(), expression=right.copy()))
        yield Change(render(copy), f"{before} was read as texts put together")
        return
    kinds = category(left, schema), category(right, schema)
    for key, value, other in (("expression", right, kinds[0]), ("this", left, kinds[1])):
        note = _fit(node, key, value, other, schema)
        if note:
            yield Change(render(copy), note)
            return


def _joins_texts(node: exp.Expr, schema: SchemaIndex) -> bool:
    """Whether + stands between texts, at least one of which is no number and no time."""
    sides = [side for operand in (node.this, node.expression) for side in _summands(operand)]
    texts = [side for side in sides if category(side, schema) in ("S", "s")]
    return len(texts) > 1 and any(not looks(side, schema) for side in texts)


def _summands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Add | exp.DPipe):
        return [*_summands(node.this), *_summands(node.expression)]
    return [node]


def _fit(node: exp.Expr, key: str, value: exp.Expr, other: str, schema: SchemaIndex) -> str:
    """Make one operand fit the category of the other; returns what was done."""
    own = category(value, schema)
    before = render(value)
    ordered = isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE)
    arithmetic = isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod)
    if own == "N" and other == "B" and isinstance(value, exp.Literal):
        node.set(key, exp.Boolean(this=before != "0"))
    elif (
        own == "N"
        and other == "S"
        and isinstance(value, exp.Literal)
        and not (ordered or arithmetic)
    ):
        node.set(key, exp.Literal.string(before))
    elif own == "B" and other == "N" and isinstance(value, exp.Boolean):
        node.set(key, exp.Literal.number(1 if value.this else 0))
    elif own == "N" and other == "D" and isinstance(value, exp.Literal) and arithmetic:
        node.set(key, exp.cast(exp.Literal.string(f"{before} days"), "interval"))
    elif own == "S" and other == "N" and (ordered or arithmetic):
        node.set(key, _cast_within(value, "numeric"))
    elif own == "N" and other == "S" and not (ordered or arithmetic):
        node.set(key, exp.cast(value.copy(), "text"))
    elif own == "S" and (other == "D" or (other == "s" and arithmetic)):
        node.set(key, exp.cast(value.copy(), "timestamp"))
    elif own == "D" and other == "N" and not arithmetic:
        year = exp.Extract(this=exp.var("YEAR"), expression=value.copy())
        node.set(key, year)
    elif own == "S" and other == "S" and arithmetic:
        cast = looks(node.this, schema) or looks(node.expression, schema)
        cast = cast or ("timestamp" if isinstance(node, exp.Sub) else "numeric")
        node.set("this", _cast_within(node.this, cast))
        node.set("expression", _cast_within(node.expression, cast))
    else:
        return ""
    return f"{before} was read as {render(node.args[key])}"


def _cast_within(node: exp.Expr, kind: str) -> exp.Expr:
    """Cast an operand; of a MIN or MAX what it is taken of, which decides what is the highest."""
    copy = node.copy()
    if isinstance(copy, exp.Min | exp.Max):
        copy.set("this", exp.cast(copy.this.copy(), kind))
        return copy
    return exp.cast(copy, kind)


def _cast_list(copy: exp.Expr, node: exp.In, schema: SchemaIndex) -> Iterator[Change]:
    own = category(node.this, schema)
    if own == "B" and node.expressions:
        for value in node.expressions:
            if isinstance(value, exp.Literal) and not value.is_string:
                value.replace(exp.Boolean(this=value.name != "0"))
        yield Change(render(copy), "numbers in a list were read as truths")
    elif own == "S" and node.expressions:
        for value in node.expressions:
            if isinstance(value, exp.Literal) and not value.is_string:
                value.replace(exp.Literal.string(value.name))
        yield Change(render(copy), "numbers in a list were compared as texts")
    else:
        before = render(node.this)
        node.set("this", exp.cast(node.this.copy(), "text"))
        query = node.args.get("query")
        inner = query.this if query is not None else None
        if isinstance(inner, exp.Select):
            first = inner.expressions[0]
            first.replace(exp.cast(first.unalias().copy(), "text"))
        yield Change(render(copy), f"{before} was compared as text")


def mismatch(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield statements where a number stands for a truth, or texts meet numbers."""
    copy = tree.copy()
    for node in copy.find_all(exp.Expr):
        begin, _ = span(node)
        if begin != position - 1 or isinstance(node, exp.Identifier):
            continue
        if isinstance(
            node.parent, exp.Where | exp.Connector | exp.Having | exp.Join | exp.If | exp.Not
        ):
            kind = category(node, schema)
            if kind == "N" and isinstance(node, exp.Column | exp.Paren | exp.Func):
                before = render(node)
                test: exp.Expr = exp.NEQ(this=node.copy(), expression=exp.Literal.number(0))
                node.replace(exp.Paren(this=test) if isinstance(node.parent, exp.Not) else test)
                yield Change(render(copy), f"{before} was read as a number other than 0")
                return
    copy = tree.copy()
    for node in copy.find_all(exp.Coalesce, exp.Case):
        begin, end = span(node)
        if begin <= position - 1 <= end:
            _all_text(node)
            yield Change(render(copy), "values of different types were put together as texts")
            return


def _all_text(node: exp.Expr) -> None:
    values = (
        [node.this, *node.expressions]
        if isinstance(node, exp.Coalesce)
        else [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
    )
    for value in values:
        if value is not None and not (isinstance(value, exp.Literal) and value.is_string):
            value.replace(exp.cast(value.copy(), "text"))


def bad_literal(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield statements where a text that is no number or date is compared as text."""
    copy = tree.copy()
    for literal in copy.find_all(exp.Literal):
        if literal.meta.get("start") != position - 1 or not literal.is_string:
            continue
        parent = literal.parent
        if isinstance(parent, exp.Or):
            yield from _alternative(copy, literal, parent)
        elif isinstance(parent, exp.Add | exp.Sub) and looks(literal, schema) == "timestamp":
            before = render(literal)
            literal.replace(exp.cast(literal.copy(), "date"))
            yield Change(render(copy), f"{before} was read as a date")
        elif isinstance(parent, exp.Coalesce | exp.If | exp.Case):
            holder = parent if not isinstance(parent, exp.If) else parent.parent
            if holder is not None:
                _all_text(holder)
                yield Change(render(copy), "values of different types were put together as texts")
        elif isinstance(parent, exp.Binary | exp.In | exp.Between) and parent.this is not literal:
            before = render(parent.this)
            parent.set("this", exp.cast(parent.this.copy(), "text"))
            yield Change(render(copy), f"{before} was compared as text")
        return


def _alternative(copy: exp.Expr, literal: exp.Literal, either: exp.Or) -> Iterator[Change]:
    """Compare the text of `a = 'x' or 'y'` with what the one before it was compared with."""
    before = either.this
    while isinstance(before, exp.Or):
        before = before.expression
    if isinstance(before, exp.EQ | exp.Like | exp.ILike):
        literal.replace(type(before)(this=before.this.copy(), expression=literal.copy()))
        note = "a text after OR was compared as the one before it"
        yield Change(render(copy), note, Risk.PLACE)
