"""Which columns a statement compares for equality: ON, USING, WHERE, at every level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.graph.store import Key
from pg_llm.lineage import names, server
from pg_llm.lineage.columns import JoinColumnsNeeded
from pg_llm.lineage.expressions import walk
from pg_llm.lineage.flows import IDENTITY, Flow
from pg_llm.lineage.nodes import parse
from pg_llm.lineage.resolve import Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.flows import Source
    from pg_llm.lineage.nodes import Node
    from pg_llm.lineage.statements import Statement

_EQUALITY: Final = """
select o.oid::pg_catalog.int8 as oid
from pg_catalog.pg_operator o
where o.oid operator(pg_catalog.=) any ($1::pg_catalog.oid[])
  and o.oprname operator(pg_catalog.=) '='
"""
Compared = tuple[int, "Source", "Source"]


def pairs(
    database: Database, statement: Statement, path: Sequence[str] | None
) -> list[tuple[Key, Key]]:
    """Return the pairs of columns that a statement with a query joins by.

    Raises `DatabaseError` where the server does not analyse it.
    """
    found = equal_columns(database, server.analyse(database, statement.query or "", path).tree)
    relations = names.relations(database, {oid for pair in found for oid, _ in pair})
    keys = ((_key(relations, a), _key(relations, b)) for a, b in found)
    return [(a, b) for a, b in keys if a is not None and b is not None]


def equal_columns(database: Database, tree: str) -> list[tuple[Source, Source]]:
    """Return the pairs of columns that a statement's tree compares, by OID and number."""
    try:
        compared = list(_compared(tree, join_columns=False))
    except JoinColumnsNeeded:
        compared = list(_compared(tree, join_columns=True))
    operators = sorted({operator for operator, _, _ in compared})
    rows = database.execute(_EQUALITY, [operators], ["oid[]"]) if operators else []
    equal = {row["oid"] for row in rows}
    return [(a, b) for operator, a, b in compared if operator in equal]


def _key(relations: Mapping[int, names.Named], source: Source) -> Key | None:
    named = relations.get(source[0])
    if named is None or not named.visible or named.name.startswith("pg_"):
        return None
    column = named.column(source[1])
    return None if column is None else Key("column", "", named.name, column)


def _compared(tree: str, *, join_columns: bool) -> Iterator[Compared]:
    """Yield an operator and the columns on its sides, for each condition of the statement."""
    context = Context()
    for node in parse(tree, join_columns=join_columns):
        query = Query(node, context)
        for _ in query.everything():
            pass
        for inner in query.written():
            for _ in inner.everything():
                pass
    # Resolving a query finds further ones inside of it.
    for query in list(context.queries):
        for condition in _conditions(query):
            sides = [_column(query, side) for side in condition.nodes("args")]
            if len(sides) == 2 and None not in sides and sides[0] != sides[1]:
                yield condition.number("opno"), sides[0], sides[1]  # type: ignore[misc]


def _conditions(query: Query) -> Iterator[Node]:
    """Yield the comparisons that all have to hold."""
    tree = query.node.one("jointree")
    stack = [tree] if tree is not None else []
    while stack:
        node = stack.pop()
        if node.kind == "OPEXPR":
            yield node
        elif node.kind in ("FROMEXPR", "JOINEXPR"):
            for part in ("fromlist", "larg", "rarg", "quals"):
                stack.extend(node.nodes(part))
        elif node.kind == "BOOLEXPR" and node.scalar("boolop") == "and":
            stack.extend(node.nodes("args"))


def _column(query: Query, side: Node) -> Source | None:
    """Return the column that an expression hands on unchanged, None for anything else."""
    flow = Flow()
    walk(query, side, IDENTITY, flow)
    if len(flow.direct) != 1:
        return None
    (source, how), = flow.direct.items()  # fmt: skip
    return source if how == IDENTITY and source[0] > 0 and source[1] > 0 else None
