"""Lineage by the server's own analysis: exact, for everything that it accepts."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError, UndefinedObject
from pg_llm.lineage import names, outputs, server
from pg_llm.lineage.columns import JoinColumnsNeeded
from pg_llm.lineage.flows import SCANNED, WHOLE_ROW, Flow
from pg_llm.lineage.naming import named_edges
from pg_llm.lineage.nodes import parse
from pg_llm.lineage.resolve import Context, Query
from pg_llm.lineage.stored import created_name, live_context, stored_tree, view_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge
    from pg_llm.lineage.flows import Source
    from pg_llm.lineage.statements import Statement


def statement_edges(
    database: Database,
    statement: Statement,
    *,
    search_path: Sequence[str] | None = None,
    through_views: bool = False,
) -> list[Edge]:
    """Return the edges of a statement that carries a query.

    Raises `DatabaseError` where the server does not analyse it; its position
    counts in the whole text.
    """
    assert statement.query is not None  # noqa: S101
    try:
        analysed = server.analyse(database, statement.query, search_path)
    except DatabaseError as error:
        raise server.moved(error, statement.origin) from None
    target = created_name(database, statement) if statement.verb == "create" else None
    return tree_edges(
        database,
        analysed.tree,
        number=statement.number,
        target=target,
        columns=statement.columns,
        through_views=through_views,
        text=analysed.text,
        fresh=True,
    )


def relation_edges(
    database: Database, oid: int, *, number: int = 1, through_views: bool = False
) -> list[Edge]:
    """Return the edges of a view or materialised view, from its stored tree."""
    found = stored_tree(database, oid)
    if found is None:
        raise UndefinedObject(
            "the relation is not a view or materialized view",
            hint="lineage_view reads the query that defines a view.",
        )
    named = names.relations(database, [oid])[oid]
    return tree_edges(
        database,
        found,
        number=number,
        target=named.name,
        columns=tuple(name or "" for name in named.columns),
        through_views=through_views,
        text=view_text(database, oid),
    )


def used_columns(database: Database, oid: int) -> set[tuple[str, str]]:
    """Return (relation, column) for every column that a view's query names.

    A subquery may compute a column that nobody reads: it is named, and has no
    edge. A whole row names no column, as in pg_depend.
    """
    tree = stored_tree(database, oid)
    if tree is None:
        return set()
    context = Context()
    with _undisturbed():
        Query(parse(tree, join_columns=True)[0], context).rows()
        sources: set[Source] = set()
        # Resolving a query finds further ones inside of it.
        for query in context.queries:
            for flow in query.everything():
                sources.update(flow.direct, (source for source, _ in flow.indirect))
    relations = names.relations(database, {owner for owner, _ in sources if owner > 0})
    return {
        (named.name, column)
        for owner, number in sources
        if number not in (SCANNED, WHOLE_ROW) and (named := relations.get(owner)) is not None
        if (column := named.column(number)) is not None
    }


def tree_edges(
    database: Database,
    tree: str,
    *,
    number: int = 1,
    target: str | None = None,
    columns: Sequence[str] = (),
    through_views: bool = False,
    text: str | None = None,
    fresh: bool = False,
) -> list[Edge]:
    """Return the edges of a query tree; `target` takes what a bare query returns.

    `text`: the same in SQL as the server writes it, for the expressions.
    `fresh`: the tree was made just now, so the column names in it are right
    (those in a stored tree are from when it was stored).
    """
    with _undisturbed():
        found, context = tree_outputs(
            database, tree, target=target, columns=columns, through_views=through_views, text=text
        )
        return named_edges(database, found, context, number, fresh=fresh)


def tree_outputs(
    database: Database,
    tree: str,
    *,
    target: str | None = None,
    columns: Sequence[str] = (),
    through_views: bool = False,
    text: str | None = None,
) -> tuple[list[outputs.Output], Context]:
    """Return what a query tree produces, by the numbers of relations and columns."""
    texts = outputs.Expressions(text)
    with _undisturbed():
        for join_columns in (False, True):
            context = live_context(database, through_views=through_views)
            try:
                found = [
                    output
                    for node in parse(tree, join_columns=join_columns)
                    for output in outputs.produced(Query(node, context), target, columns, texts)
                ]
                break
            except JoinColumnsNeeded:
                context.release()
        context.release()
        return found, context


def stored_columns_flow(database: Database, relation: int, tree: str) -> Flow:
    """Return the sources of a stored expression over the columns of one relation."""
    with _undisturbed():
        context = live_context(database, through_views=False)
        flow = outputs.column_flow(relation, tree, context)
        context.release()
        return flow


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Allow subqueries as deep as the server does, and no garbage collection meanwhile.

    A subquery is a recursion of ours; since Python 3.11 a Python call takes no
    C stack, so the limit is only a count. A tree is thousands of small objects
    that all live until the end: collecting between them finds nothing.
    """
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, 200_000))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.enable()
