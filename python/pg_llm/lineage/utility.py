"""Lineage of statements that carry no query of their own but refer to one.

REFRESH MATERIALIZED VIEW, COPY of a table, EXECUTE of a prepared statement.
Other utility statements move no data and have no edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError
from pg_llm.lineage import analyser, names, server, statements
from pg_llm.lineage.edges import Edge, Influence, Transformation

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.lineage.statements import Statement

# BEGIN and END alone are no statements inside of a body.
_LEGACY: Final = frozenset({"begin", "end"})
# Not supported in a body; or no function can be made here, so that nothing
# can be checked.
_UNDERSTOOD: Final = frozenset({"0A000", "25006", "42501"})
_FIND: Final = "select pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8 as oid"
_PREPARED: Final = """
select s.statement
from pg_catalog.pg_prepared_statements s
where s.name operator(pg_catalog.=) $1
"""


def edges(database: Database, statement: Statement, *, through_views: bool) -> list[Edge]:
    """Return the edges of a utility statement, none for one that moves no data."""
    if statement.verb == "refresh":
        oid = _relation(database, statement)
        return analyser.relation_edges(
            database, oid, number=statement.number, through_views=through_views
        )
    if statement.verb == "copy from":
        return _copy_from(database, statement)
    if statement.verb == "copy to":
        return _copy_to(database, statement)
    if statement.verb == "execute":
        return _execute(database, statement, through_views=through_views)
    return []


def checked(database: Database, statement: Statement) -> list[Edge]:
    """Return no edges for a statement without a query, if the server can parse it.

    A function's body takes any statement as far as the grammar goes, and
    refuses utility statements afterwards.
    """
    words = statement.text.split(None, 1)
    if words and words[0].lower() in _LEGACY:
        return []
    try:
        server.analyse(database, statement.text)
    except DatabaseError as error:
        if error.sqlstate in _UNDERSTOOD:
            return []
        raise server.moved(error, statement.offset) from None
    return []


def _relation(database: Database, statement: Statement) -> int:
    name = ".".join(map(statements.quote, statement.target))
    oid = database.execute(_FIND, [name])[0]["oid"]
    if oid is None:
        raise DatabaseError(
            f'relation "{".".join(statement.target)}" does not exist', sqlstate="42P01"
        )
    return int(oid)


def _columns(database: Database, statement: Statement) -> tuple[str, list[str]]:
    named = names.relations(database, [oid := _relation(database, statement)])[oid]
    every = [name for name in named.columns if name is not None]
    return named.name, list(statement.columns) or every


def _copy_from(database: Database, statement: Statement) -> list[Edge]:
    """COPY t FROM: the columns have no source inside of the database."""
    relation, columns = _columns(database, statement)
    return [
        Edge(statement.number, relation, column, None, None, None, None, position=position)
        for position, column in enumerate(columns, 1)
    ]


def _copy_to(database: Database, statement: Statement) -> list[Edge]:
    relation, columns = _columns(database, statement)
    return [
        Edge(
            statement.number,
            None,
            column,
            relation,
            column,
            Influence.DIRECT,
            Transformation.IDENTITY,
            position=position,
        )
        for position, column in enumerate(columns, 1)
    ]


def _execute(database: Database, statement: Statement, *, through_views: bool) -> list[Edge]:
    """EXECUTE: this session's prepared statement of that name."""
    rows = database.execute(_PREPARED, [statement.target[-1]])
    if not rows:
        raise DatabaseError(
            f'prepared statement "{statement.target[-1]}" does not exist', sqlstate="26000"
        )
    found: list[Edge] = []
    for inner in statements.split(rows[0]["statement"]):
        if inner.query is not None:
            found.extend(
                edge._replace(statement=statement.number)
                for edge in analyser.statement_edges(database, inner, through_views=through_views)
            )
    return found
