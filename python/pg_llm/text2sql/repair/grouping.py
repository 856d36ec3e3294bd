"""Aggregates, groups and orders that PostgreSQL takes more strictly than others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.repair.change import Change, Risk
from pg_llm.text2sql.repair.tree import column_at, exp, function_at, render, selects_around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.index import SchemaIndex


def grouping(tree: exp.Expr, position: int, _schema: SchemaIndex) -> Iterator[Change]:
    """Yield statements whose aggregates and plain columns stand where they may."""
    copy = tree.copy()
    call = function_at(copy, position)
    if isinstance(call, exp.AggFunc):
        if call.find_ancestor(exp.AggFunc) is not None:
            yield from _nested(copy, call)
        elif _beside_column(call):
            yield from _computed(copy, call)
        elif call.find_ancestor(exp.Where, exp.Select) is not None:
            yield from _having(copy, call)
        return
    column = column_at(copy, position)
    if column is not None:
        yield from _plain(copy, column)


def _beside_column(call: exp.AggFunc) -> bool:
    """Whether a condition of WHERE compares a row's own column with an aggregate."""
    comparison = call.find_ancestor(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Select)
    if comparison is None or isinstance(comparison, exp.Select):
        return False
    above = comparison.find_ancestor(exp.Where, exp.Having, exp.Select)
    other = comparison.this
    if any(node is call for node in other.walk()):
        other = comparison.expression
    plain = other.find(exp.AggFunc) is None and other.find(exp.Column) is not None
    return plain and isinstance(above, exp.Where)


def _computed(tree: exp.Expr, call: exp.AggFunc) -> Iterator[Change]:
    """Compute an aggregate that a row is compared with over all rows that the rest selects."""
    select = next(selects_around(call), None)
    if select is None:
        return
    where = select.args["where"].this
    parts = list(where.flatten()) if isinstance(where, exp.And) else [where]
    kept = [part.copy() for part in parts if part.find(exp.AggFunc) is None]
    inner = exp.select(call.copy())
    for part in ("from_", "from", "joins"):
        if select.args.get(part):
            value = select.args[part]
            inner.set(part, [j.copy() for j in value] if part == "joins" else value.copy())
    if kept:
        inner.set("where", exp.Where(this=exp.and_(*kept)))
    call.replace(exp.Subquery(this=inner))
    yield Change(render(tree), "an aggregate in WHERE was computed in a subquery", Risk.GUESS)


def _having(tree: exp.Expr, call: exp.AggFunc) -> Iterator[Change]:
    """Move the conjuncts of WHERE that aggregate to HAVING."""
    select = next(selects_around(call), None)
    where = select.args.get("where") if select is not None else None
    if select is None or where is None or not any(node is call for node in where.walk()):
        return
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    moved = [part for part in parts if part.find(exp.AggFunc)]
    kept = [part for part in parts if not part.find(exp.AggFunc)]
    select.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)
    having = select.args.get("having")
    conditions = [*([having.this] if having is not None else []), *moved]
    select.set("having", exp.Having(this=exp.and_(*conditions)))
    note = "a condition on an aggregate was moved from WHERE to HAVING"
    if select.args.get("group") is None:
        plain = _plain_items(select)
        argument = next((c for c in call.find_all(exp.Column)), None)
        if plain:
            select.set("group", exp.Group(expressions=plain))
        elif argument is not None and select is tree and _counts_only(select):
            select.set("group", exp.Group(expressions=[argument.copy()]))
            select.set("expressions", [argument.copy()])
            counted = exp.select("count(*)").from_(select.subquery("found"))
            yield Change(render(counted), note, Risk.GUESS)
            return
    yield Change(render(tree), note, Risk.GUESS)


def _counts_only(select: exp.Select) -> bool:
    items = [item.unalias() for item in select.expressions]
    return len(items) == 1 and isinstance(items[0], exp.Count)


def _plain_items(select: exp.Select) -> list[exp.Expr]:
    """Return the select items without aggregates, for GROUP BY."""
    items = [item.unalias() for item in select.expressions]
    return [
        item.copy()
        for item in items
        if not item.find(exp.AggFunc) and not isinstance(item, exp.Literal | exp.Star)
        and not item.is_star
    ]  # fmt: skip


def _nested(tree: exp.Expr, call: exp.AggFunc) -> Iterator[Change]:
    """Compute the inner aggregate in a subquery and the outer one above it."""
    outer = call.find_ancestor(exp.AggFunc)
    select = next(selects_around(call), None)
    if outer is None or select is None or select is not tree:
        return
    if isinstance(outer, exp.Max | exp.Min) and _plain_items(select):
        outer.replace(call.copy())
        direction = exp.Ordered(
            this=call.copy(), desc=isinstance(outer, exp.Max), nulls_first=False
        )
        select.set("order", exp.Order(expressions=[direction]))
        select.set("limit", exp.Limit(expression=exp.Literal.number(1)))
        yield Change(
            render(tree), "the extreme of an aggregate was taken with its group", Risk.GUESS
        )
        return
    inner = select.copy()
    inner.set("expressions", [exp.alias_(call.copy(), "value")])
    inner.set("order", None)
    inner.set("limit", None)
    call.replace(exp.column("value"))
    made = exp.select(*(item.copy() for item in select.expressions if item.find(exp.AggFunc)))
    made = made.from_(inner.subquery("found"))
    yield Change(
        render(made), "an aggregate of an aggregate was computed in two steps", Risk.GUESS
    )


def _plain(tree: exp.Expr, column: exp.Column) -> Iterator[Change]:
    """Group by a column that stands beside aggregates, or take the row of the extreme."""
    select = next(selects_around(column), None)
    if select is None:
        return
    group = select.args.get("group")
    if group is None:
        extreme = _only_extreme(select)
        if extreme is not None and not select.args.get("having"):
            yield _row_of(tree, select, extreme)
            return
        plain = _plain_items(select)
        ordered = select.args.get("order")
        if ordered is not None and any(node is column for node in ordered.walk()) and not plain:
            select.set("order", None)
            yield Change(render(tree), "the order of a single row was left out")
            return
        select.set("group", exp.Group(expressions=plain or [column.copy()]))
        yield Change(render(tree), "the rows were grouped by the columns beside the aggregates")
        return
    within = any(column.find_ancestor(kind) is not None for kind in (exp.Order, exp.Having))
    if within and not any(node is column for item in select.expressions for node in item.walk()):
        descending = isinstance(above := column.find_ancestor(exp.Ordered), exp.Ordered) and bool(
            above.args.get("desc")
        )
        kind = exp.Max if descending else exp.Min
        before = render(column)
        column.replace(kind(this=column.copy()))
        yield Change(render(tree), f"{before} of each group was read as its extreme", Risk.GUESS)
        return
    extreme = _only_extreme(select)
    ending = any(select.args.get(part) for part in ("order", "limit", "having", "distinct"))
    if extreme is not None and not ending:
        yield _rows_of(tree, select, extreme)
    group.append("expressions", column.copy())
    yield Change(render(tree), f"the rows were grouped by {render(column)} too", Risk.GUESS)


def _only_extreme(select: exp.Select) -> exp.Expr | None:
    """Return the lone MAX or MIN beside plain columns, as in MySQL and SQLite."""
    calls = [call for item in select.expressions for call in item.find_all(exp.AggFunc)]
    if len(calls) == 1 and isinstance(calls[0], exp.Max | exp.Min):
        return calls[0]
    return None


def _row_of(tree: exp.Expr, select: exp.Select, call: exp.Expr) -> Change:
    value = call.this.copy()
    call.replace(value)
    direction = exp.Ordered(this=value.copy(), desc=isinstance(call, exp.Max), nulls_first=False)
    select.set("order", exp.Order(expressions=[direction]))
    select.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    return Change(
        render(tree), "columns beside a maximum or minimum were taken from its row", Risk.GUESS
    )


def _rows_of(tree: exp.Expr, select: exp.Select, call: exp.Expr) -> Change:
    """Take columns beside a maximum from its row, group by group, as MySQL and SQLite do."""
    kept = tree.copy()
    number = next(i for i, node in enumerate(tree.find_all(exp.Select)) if node is select)
    chosen = next(node for i, node in enumerate(kept.find_all(exp.Select)) if i == number)
    keys = [key.copy() for key in chosen.args["group"].expressions]
    value = call.this.copy()
    inside = next(node for node in chosen.find_all(type(call)) if node == call)
    inside.replace(value.copy())
    last = exp.Ordered(this=value, desc=isinstance(call, exp.Max), nulls_first=False)
    chosen.set("group", None)
    chosen.set("distinct", exp.Distinct(on=exp.Tuple(expressions=keys)))
    first = [exp.Ordered(this=key.copy()) for key in keys]
    chosen.set("order", exp.Order(expressions=[*first, last]))
    note = "columns beside a maximum or minimum were taken from its row in each group"
    return Change(render(kept), note, Risk.GUESS)


def distinct_order(tree: exp.Expr, _position: int, _schema: SchemaIndex) -> Iterator[Change]:
    """Yield SELECT DISTINCT with an order by what it does not list, as groups."""
    copy = tree.copy()
    for select in copy.find_all(exp.Select):
        order = select.args.get("order")
        distinct = select.args.get("distinct")
        if isinstance(distinct, exp.Distinct) and distinct.args.get("on") and order is not None:
            first = [exp.Ordered(this=key.copy()) for key in distinct.args["on"].expressions]
            order.set("expressions", [*first, *order.expressions])
            yield Change(render(copy), "DISTINCT ON was given its order first", Risk.PLACE)
            return
        if not isinstance(select.args.get("distinct"), exp.Distinct) or order is None:
            continue
        select.set("distinct", None)
        if select.args.get("group") is None:
            select.set("group", exp.Group(expressions=_plain_items(select)))
            for ordered in order.expressions:
                if not ordered.find(exp.AggFunc):
                    kind = exp.Max if ordered.args.get("desc") else exp.Min
                    ordered.set("this", kind(this=ordered.this.copy()))
        yield Change(render(copy), "distinct rows were ordered as groups", Risk.GUESS)
        return


def subquery_columns(tree: exp.Expr) -> Iterator[Change]:
    """Yield the statement with one column in each subquery that is compared."""
    copy = tree.copy()
    changed = False
    for select in copy.find_all(exp.Select):
        holder = select.parent
        compared = isinstance(holder, exp.Subquery) and isinstance(
            holder.parent, exp.Predicate | exp.Binary | exp.In
        )
        if (compared or isinstance(holder, exp.In)) and len(select.expressions) > 1:
            select.set("expressions", select.expressions[:1])
            changed = True
    if changed:
        yield Change(render(copy), "of a compared subquery the first column was taken", Risk.GUESS)
