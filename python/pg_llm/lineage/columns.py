"""Columns of range-table entries that are no relation: joins, functions, VALUES, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.lineage.flows import (
    FUNCTION,
    GROUPED,
    IDENTITY,
    JOINED,
    TABLEFUNC,
    TRANSFORMATION,
    VALUES,
    Flow,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.lineage.nodes import Node
    from pg_llm.lineage.resolve import Query


class JoinColumnsNeeded(Exception):
    """A Var points to a column of a join; the tree was read without those."""


def _join_column(query: Query, table: Node, column: int) -> Flow:
    flow = Flow()
    columns = table.members("joinaliasvars")
    if column <= len(columns):
        query.walk(columns[column - 1], IDENTITY, flow)
    else:
        raise JoinColumnsNeeded
    return flow


def _group_column(query: Query, table: Node, column: int) -> Flow:
    flow = Flow()
    query.walk(table.members("groupexprs")[column - 1], IDENTITY, flow)
    return flow


def _values_column(query: Query, table: Node, column: int) -> Flow:
    flow = Flow()
    cells = table.members("values_lists")
    width = len(table.numbers("coltypes")) or 1
    for cell in cells[column - 1 :: width]:
        query.walk(cell, IDENTITY, flow)
    return flow


def _function_column(query: Query, table: Node, column: int) -> Flow:
    flow = Flow()
    first = 0
    for function in table.nodes("functions"):
        count = function.number("funccolcount")
        expression = function.one("funcexpr")
        if first < column <= first + count:
            _one_function(query, table, function, expression, column, column - first, flow)
            return flow
        first += count
    # WITH ORDINALITY: a number for each row that the functions give.
    for function in table.nodes("functions"):
        query.walk(function.one("funcexpr"), TRANSFORMATION, flow)
    return flow


def _one_function(
    query: Query,
    table: Node,
    function: Node,
    expression: Node | None,
    column: int,
    number: int,
    flow: Flow,
) -> None:
    if expression is not None and expression.kind == "FUNCEXPR":
        source = (-expression.number("funcid"), number)
        flow.direct[source] = IDENTITY
        names = function.strings("funccolnames")
        if not names:
            eref = table.one("eref")
            names = eref.strings("colnames") if eref is not None else []
            name = names[column - 1] if column <= len(names) else ""
            query.context.function_columns.setdefault(source, name)
        else:
            query.context.function_columns[source] = names[number - 1]
            query.context.declared.add(source)
    query.walk(expression, TRANSFORMATION, flow)


def _tablefunc_column(query: Query, table: Node, column: int) -> Flow:
    flow = Flow()
    function = table.one("tablefunc")
    if function is None or function.children is None:
        return flow
    for field, nodes in function.children.items():
        if field in ("colexprs", "coldefexprs", "colvalexprs"):
            own = nodes[column - 1 : column]
            for node in own:
                query.walk(node, TRANSFORMATION, flow)
        else:
            for node in nodes:
                query.walk(node, TRANSFORMATION, flow)
    return flow


# By kind of range-table entry.
TABLE_COLUMNS: Final[dict[str, Callable[[Query, Node, int], Flow]]] = {
    JOINED: _join_column,
    FUNCTION: _function_column,
    TABLEFUNC: _tablefunc_column,
    VALUES: _values_column,
    GROUPED: _group_column,
}
