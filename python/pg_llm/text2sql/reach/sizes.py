"""How large a query's values may become: estimated from the server's analysis.

The planner's cost counts rows, and not what one row holds: `repeat('x', 1e9)`
costs nothing. Where the longest value that a statement can make of texts of a
usual length is a thousand times longer than that, it is refused; and so is a
recursion that nothing ends. A bound by type alone (a number, a date) needs no estimate.
"""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Final

from pg_llm.lineage import nodes
from pg_llm.text2sql.reach.calls import Refused, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.database import Row
    from pg_llm.lineage.nodes import Node

    _Columns = list[float]
    _Scopes = tuple[dict[int, _Columns], ...]

# Of what is read: bytes of a text, and of anything of a fixed size.
_USUAL: Final = 100.0
_FIXED: Final = 24.0
_LONGEST: Final = 10_000_000.0
_MOST_REPEATED: Final = 10_000
# What doubles with each step of a recursion is beyond the limit after so many.
_STEPS: Final = 40
_MOST_COLUMNS: Final = 100
# bool, integers, oid, floats, dates and times, numeric, uuid, money: OIDs of pg_type.
_FIXED_TYPES: Final = frozenset(
    {16, 18, 19, 20, 21, 23, 26, 700, 701, 790, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950}
)
_RESULT: Final = re.compile(
    r":(?:vartype|opresulttype|funcresulttype|resulttype|consttype|aggtype|wintype|casetype"
    r"|coalescetype|minmaxtype|refrestype) (\d+)"
)
# A width of format(): of five digits, or taken from an argument.
_WIDTH: Final = re.compile(rb"%(?:\d+\$)?-?(?:\d{5,}|\*)")
_REFERENCE: Final = re.compile(rb"\\[&\d]")
_INT4: Final = 23
# rtekind of parsenodes.h, op of MinMaxExpr.
_FUNCTION, _VALUES, _CTE = 3, 5, 6
_LEAST: Final = 1
_ENTRIES: Final = ("RTE", "RANGETBLENTRY")
_CONDITIONS: Final = ("jointree", "havingQual", "limitOffset", "limitCount")


def refuse(top: Sequence[Node], called: Sequence[Row]) -> None:
    """Refuse a statement whose values have no reasonable bound. Raises `Refused`."""
    names = {row["oid"]: row["name"] for row in called if row["schema"] == "pg_catalog"}
    for query in top:
        for node in walk(query):
            if node.kind == "COMMONTABLEEXPR" and node.flag("cterecursive"):
                _refuse_endless(node)
            elif node.kind == "FUNCEXPR":
                _refuse_long(node, names.get(node.number("funcid"), ""))
        if query.kind == "QUERY":
            _Lengths(names).query(query, (), {})


def _refuse_endless(expression: Node) -> None:
    """Refuse recursion that nothing ends: no relation is read, no row is filtered."""
    for union in expression.nodes("ctequery"):
        for branch in union.nodes("rtable"):
            every = list(walk(branch))
            if not any(one.flag("self_reference") for one in every if one.kind in _ENTRIES):
                continue
            reads = any(
                one.kind in _ENTRIES and one.scalar("relid") and one.number("rtekind") == 0
                for one in every
            )
            if not reads and not any(_filters(one) for one in every if one.kind == "QUERY"):
                raise Refused("the statement recurses without an end")


def _filters(query: Node) -> bool:
    source = query.one("jointree")
    condition = source.one("quals") if source is not None else None
    return condition is not None and any(one.kind == "VAR" for one in walk(condition))


class _Lengths:
    """Estimates the longest value of each output column of a query.

    Raises `Refused` where one, or what it is made of, is longer than `_LONGEST`.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names

    def query(self, query: Node, outer: _Scopes, tables: dict[str, _Columns]) -> _Columns:
        """Return an upper estimate for each column.

        `outer`: the columns of what stands in the FROM clauses around, by the
        number of the range table entry; `tables`: those of the WITH queries.
        """
        tables = dict(tables)
        for expression in query.nodes("cteList"):
            name = expression.string("ctename") or ""
            for inner in expression.nodes("ctequery"):
                tables[name] = (
                    self._recursive(name, inner, outer, tables)
                    if expression.flag("cterecursive")
                    else self.query(inner, outer, tables)
                )
        sources: dict[int, _Columns] = {}
        scopes = (sources, *outer)
        for number, table in enumerate(query.nodes("rtable"), start=1):
            columns = self._table(table, scopes, tables)
            if columns:
                sources[number] = columns
        for field in _CONDITIONS:
            for one in query.nodes(field):
                self._length(one, scopes, tables)
        if query.one("setOperations") is not None:
            return [max(column) for column in zip(*sources.values(), strict=False)]
        return [
            self._length(one, scopes, tables)
            for target in query.nodes("targetList")
            if not target.flag("resjunk")
            for one in target.nodes("expr")
        ]

    def _recursive(
        self, name: str, query: Node, outer: _Scopes, tables: dict[str, _Columns]
    ) -> _Columns:
        """Return the columns after some steps; what is multiplied by each step shows by then."""
        columns: _Columns = []
        for _ in range(_STEPS):
            before = columns
            columns = self.query(query, outer, {**tables, name: before})
            if columns == before:
                break
        return columns

    def _table(self, table: Node, scopes: _Scopes, tables: dict[str, _Columns]) -> _Columns:
        """Return the columns of an entry of the range table; none where they are usual."""
        inner = table.one("subquery")
        if inner is not None:
            return self.query(inner, scopes, tables)
        kind = table.number("rtekind")
        if kind == _CTE:
            return tables.get(table.string("ctename") or "", [])
        if kind in (_FUNCTION, _VALUES):
            made = [self._length(child, scopes, tables) for child in table.every()]
            # each of its columns may be the longest
            return [max(made)] * _MOST_COLUMNS if made else []
        return []

    def _length(self, node: Node, scopes: _Scopes, tables: dict[str, _Columns]) -> float:
        # Depth first without a recursion of ours: an expression may be deep.
        done: dict[int, float] = {}
        stack = [(node, False)]
        while stack:
            one, ready = stack.pop()
            if one.kind == "CONST":
                done[id(one)] = float(len(_bytes(one)))
            elif one.kind == "VAR":
                done[id(one)] = _FIXED if _is_fixed(one) else _variable(one, scopes)
            elif one.kind == "QUERY":
                done[id(one)] = max(self.query(one, scopes, tables), default=0.0)
            elif not ready:
                stack.append((one, True))
                stack.extend((child, False) for child in one.every())
            elif _is_fixed(one):
                done[id(one)] = _FIXED
            else:
                size = done[id(one)] = self._made(one, lambda child: done[id(child)])
                if not size <= _LONGEST:
                    raise Refused("the statement makes a text of any length")
        return done[id(node)]

    def _made(self, node: Node, length: Callable[[Node], float]) -> float:
        """Return the length of what a node makes of its parts."""
        parts = [length(child) for child in node.every()]
        if node.kind in ("CASEEXPR", "CASEWHEN", "COALESCEEXPR", "MINMAXEXPR"):
            return max([0.0, *parts])
        if node.kind != "FUNCEXPR":
            return sum(parts)
        name = self._names.get(node.number("funcid"), "")
        args = node.nodes("args")
        if name == "repeat" and len(args) > 1:
            return length(args[0]) * _at_most(args[1])
        if name in ("lpad", "rpad") and len(args) > 1:
            return max(length(args[0]), 4.0 * _at_most(args[1]))
        if name == "replace" and len(args) > 2:
            shortest = _text_length(args[1]) if args[1].kind == "CONST" else 1
            return length(args[0]) * max(1.0, _text(args[2], length) / max(1, shortest))
        if name == "regexp_replace" and len(args) > 2:
            copies = len(_REFERENCE.findall(_bytes(args[2]))) if args[2].kind == "CONST" else 0
            return length(args[0]) * (1.0 + _text(args[2], length) + copies)
        if name == "array_to_string" and len(args) > 1:
            return length(args[0]) * (1.0 + _text(args[1], length))
        if name == "format" and len(args) > 1:
            return length(args[0]) + max(parts[1:], default=0.0) * _bytes(args[0]).count(b"%")
        return sum(parts)


def _is_fixed(node: Node) -> bool:
    found = _RESULT.search(node.text)
    return found is not None and int(found[1]) in _FIXED_TYPES


def _variable(node: Node, scopes: _Scopes) -> float:
    """Return the length of a column, of the longest one known where it belongs to a join."""
    number, column, level = nodes.var(node)
    if level >= len(scopes):
        return _USUAL
    sources = scopes[level]
    columns = sources.get(number)
    if columns is not None and 0 < column <= len(columns):
        return columns[column - 1]
    if columns is not None:
        return sum(columns[:_MOST_COLUMNS])
    return _USUAL


def _text(node: Node, length: Callable[[Node], float]) -> float:
    return float(_text_length(node)) if node.kind == "CONST" else length(node)


def _text_length(node: Node) -> int:
    """Return the length of a text constant: its header takes four bytes."""
    return max(0, len(_bytes(node)) - 4)


def _at_most(node: Node) -> float:
    """Return an upper bound of an integer expression: a constant, or `least` with one."""
    if node.kind == "CONST" and node.number("consttype") == _INT4:
        return float(max(0, _int4(node)))
    if node.kind == "MINMAXEXPR" and node.number("op") == _LEAST:
        return min(map(_at_most, node.nodes("args")))
    return math.inf


def _refuse_long(call: Node, name: str) -> None:
    """Refuse a call whose result is as long as an argument says, unless that is small."""
    args = call.nodes("args")
    if name == "array_fill":
        sizes = args[1].nodes("elements") if args[1].kind == "ARRAYEXPR" else []
        if not sizes or math.prod(map(_at_most, sizes)) > _MOST_REPEATED:
            raise Refused("the statement makes an array of any length")
    elif name in ("repeat", "lpad", "rpad"):
        if _at_most(args[1]) > _MOST_REPEATED:
            raise Refused("the statement makes a text of any length")
    elif name == "format":
        _refuse_wide(call)


def _refuse_wide(call: Node) -> None:
    """Refuse format(…) with a width that is large or comes from an argument."""
    first = next(iter(call.nodes("args")), None)
    if first is None or first.kind != "CONST":
        raise Refused("the statement makes a text of any length")
    if _WIDTH.search(_bytes(first)):
        raise Refused("the statement makes a text of any length")


def _bytes(node: Node) -> bytes:
    """Return the bytes of a constant, the header of a text included."""
    _, _, rest = node.text.partition("[")
    return bytes(int(part) % 256 for part in rest.partition("]")[0].split())


def _int4(node: Node) -> int:
    """Return the value of an integer constant from its bytes."""
    raw = _bytes(node)
    return int.from_bytes(
        raw[:4] if sys.byteorder == "little" else raw[-4:], sys.byteorder, signed=True
    )
