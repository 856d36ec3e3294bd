"""The sources of an expression: a walk over its tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.lineage.flows import (
    AGGREGATION,
    CONDITIONAL,
    CTE,
    FILTER,
    GROUP_BY,
    IDENTITY,
    JOIN,
    SORT,
    SUBQUERY,
    TRANSFORMATION,
    WHOLE_ROW,
    Flow,
)
from pg_llm.lineage.nodes import Node, var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pg_llm.lineage.resolve import Fixpoint, Query

# nodes/primnodes.h: SubLinkType, ParamKind.
_EXISTS, _SCALAR, _MULTIEXPR = "0", "4", "5"
_PARAM_MULTIEXPR: Final = "3"


def walk(query: Query, expression: Node | None, how: int, flow: Flow) -> None:
    """Add the sources of an expression that acts like `how`.

    A loop and not a recursion: an expression is as deep as its author
    likes.
    """
    if expression is None:
        return
    stack = [(expression, how)]
    while stack:
        node, how = stack.pop()
        kind = node.kind
        if kind == "VAR":
            table, column, levels = var(node)
            scope = query if not levels else query.up(levels)
            flow.take(scope.table_column(table, column), how)
            continue
        children = node.children
        special = _SPECIAL.get(kind)
        if special is not None:
            stack.extend(reversed(list(special(query, node, how, flow))))
        elif children is not None:
            if how == IDENTITY and kind not in _UNCHANGED:
                how = TRANSFORMATION
            for nodes in reversed(children.values()):
                for child in reversed(nodes):
                    if child is not None:
                        stack.append((child, how))


def _aggregate(_query: Query, node: Node, how: int, _: Flow) -> Iterable[tuple[Node, int]]:
    inner = max(how, AGGREGATION)
    plain = node.scalar("aggkind") in (None, "n")
    ordered = {clause.scalar("tleSortGroupRef") for clause in node.nodes("aggorder")}
    for argument in node.nodes("args"):
        if not argument.flag("resjunk"):
            yield argument, inner
        if plain and argument.scalar("ressortgroupref") in ordered:
            yield argument, max(how, SORT) if how < JOIN else how
    for argument in node.nodes("aggdirectargs"):
        yield argument, inner
    for argument in node.nodes("aggfilter"):
        yield argument, FILTER if how < JOIN else how


def _window_function(query: Query, node: Node, how: int, flow: Flow) -> Iterable[tuple[Node, int]]:
    inner = max(how, AGGREGATION if node.flag("winagg") else TRANSFORMATION)
    window = query.window(node.scalar("winref") or "0")
    if how > AGGREGATION:
        flow.steer(window, how)
    else:
        flow.take(window, how)
    for argument in node.nodes("args"):
        yield argument, inner
    for argument in node.nodes("aggfilter"):
        yield argument, FILTER if how < JOIN else how


def _case(_query: Query, node: Node, how: int, _: Flow) -> Iterable[tuple[Node, int]]:
    test = CONDITIONAL if how < JOIN else how
    value = max(how, TRANSFORMATION)
    for argument in node.nodes("arg"):
        yield argument, test
    for when in node.nodes("args"):
        for condition in when.nodes("expr"):
            yield condition, test
        for result in when.nodes("result"):
            yield result, value
    for result in node.nodes("defresult"):
        yield result, value


def _array_cast(_query: Query, node: Node, how: int, _: Flow) -> Iterable[tuple[Node, int]]:
    """Yield what an array's cast reads; it acts as the cast of an element does."""
    element = node.one("elemexpr")
    same = element is not None and element.kind in _UNCHANGED
    for argument in node.nodes("arg"):
        yield argument, how if same else max(how, TRANSFORMATION)


def _grouping(_query: Query, node: Node, how: int, _: Flow) -> Iterable[tuple[Node, int]]:
    """Yield the arguments of GROUPING(): it tells the grouping set, not a value."""
    for argument in node.nodes("args"):
        yield argument, GROUP_BY if how < JOIN else how


def _sublink(query: Query, node: Node, how: int, flow: Flow) -> Iterable[tuple[Node, int]]:
    link = node.scalar("subLinkType")
    inner = node.one("subselect")
    if inner is None:
        return
    linked = query.nested(inner)
    if link == _MULTIEXPR:
        return
    flow.steer(linked.rows(), FILTER if how < JOIN else how)
    if link != _EXISTS:
        value = how if link == _SCALAR else max(how, TRANSFORMATION)
        for target in linked.outputs:
            flow.take(linked.output(target.number), value)
    for test in node.nodes("testexpr"):
        yield test, max(how, TRANSFORMATION)


def _param(query: Query, node: Node, how: int, flow: Flow) -> Iterable[tuple[Node, int]]:
    """UPDATE … SET (a, b) = (SELECT …): column and number of the sublink."""
    if node.scalar("paramkind") == _PARAM_MULTIEXPR:
        identity = node.number("paramid")
        linked = query.assigned(identity >> 16)
        if linked is not None:
            flow.steer(linked.rows(), FILTER if how < JOIN else how)
            flow.take(linked.output(identity & 0xFFFF), how)
    return ()


def _field(query: Query, node: Node, how: int, flow: Flow) -> Iterable[tuple[Node, int]]:
    """`(row).field`: that column alone where the row is one that we can look into."""
    argument = node.one("arg")
    number = node.number("fieldnum")
    if argument is None:
        return
    scope, row = _row(query, argument)
    if row is not None and row.kind == "VAR":
        table, _, levels = var(row)
        flow.take(scope.up(levels).table_column(table, number), how)
    elif row is not None:
        walk(scope, row.members("args")[number - 1], how, flow)
    else:
        yield argument, max(how, TRANSFORMATION)


def _row(query: Query, node: Node) -> tuple[Query, Node | None]:
    """Follow a composite value to a whole-row Var or a ROW(…), if it is one."""
    scope: Query = query
    while True:
        if node.kind == "ROWEXPR":
            return scope, node
        if node.kind != "VAR":
            return scope, None
        number, column, levels = var(node)
        if column == WHOLE_ROW:
            return scope, node
        outer = scope.up(levels)
        table = outer.tables[number - 1]
        kind = table.scalar("rtekind")
        inner: Query | Fixpoint | None = None
        if kind == SUBQUERY:
            inner = outer.subquery(number)
        elif kind == CTE:
            inner = outer.cte(table)
        if not isinstance(inner, type(scope)) or inner.node.one("setOperations") is not None:
            return scope, None
        outputs = inner.outputs
        following = outputs[column - 1].expression if column <= len(outputs) else None
        if following is None:
            return scope, None
        scope, node = inner, following


def type_of(expression: Node | None) -> int:
    """Return the type of an expression that only hands a column on, 0 for others."""
    if expression is None:
        return 0
    field = {"VAR": "vartype", "RELABELTYPE": "resulttype", "COERCETODOMAIN": "resulttype"}
    return expression.number(field.get(expression.kind, ""))


# Casts that leave the bits alone, and what only wraps.
_UNCHANGED: Final = frozenset(
    {
        "RELABELTYPE",
        "COERCETODOMAIN",
        "COLLATEEXPR",
        "NAMEDARGEXPR",
        "TARGETENTRY",
        "RETURNINGEXPR",
        "PLACEHOLDERVAR",
    }
)
_SPECIAL: Final[dict[str, Callable[[Query, Node, int, Flow], Iterable[tuple[Node, int]]]]] = {
    "AGGREF": _aggregate,
    "ARRAYCOERCEEXPR": _array_cast,
    "WINDOWFUNC": _window_function,
    "CASE": _case,
    "CASEEXPR": _case,
    "GROUPINGFUNC": _grouping,
    "SUBLINK": _sublink,
    "PARAM": _param,
    "FIELDSELECT": _field,
}
