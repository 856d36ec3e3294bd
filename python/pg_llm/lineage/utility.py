"""Lineage of statements that carry no query of their own but refer to one.

REFRESH MATERIALIZED VIEW, COPY of a table, EXECUTE of a prepared statement.
Other utility statements move no data and have no edges.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError
from pg_llm.lineage import analyser, definitions, names, server, statements
from pg_llm.lineage.edges import Edge, Influence, Transformation
from pg_llm.lineage.outputs import DEFAULT, GENERATED
from pg_llm.lineage.stored import created_name
from pg_llm.lineage.tokens import quote, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.statements import Statement

# BEGIN and END alone are no statements inside of a body.
_LEGACY: Final = frozenset({"begin", "end"})
_BLOCK_WORDS: Final = frozenset(
    {"work", "transaction", "and", "isolation", "read", "not", "deferrable"}
)
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
    """Return the edges of a utility statement."""
    if statement.verb == "refresh":
        oid = _relation(database, statement.target)
        return analyser.relation_edges(
            database, oid, number=statement.number, through_views=through_views
        )
    if statement.verb == "execute":
        return _execute(database, statement, through_views=through_views)
    return _PLAIN[statement.verb](database, statement)


def checked(database: Database, statement: Statement) -> list[Edge]:
    """Return no edges for a statement without a query, if the server can parse it.

    A function's body takes any statement as far as the grammar goes, and
    refuses utility statements afterwards.
    """
    found = list(islice(tokens(statement.text), 3))
    if found and found[0].word in _LEGACY and all(t.word in _BLOCK_WORDS for t in found[1:]):
        return []
    try:
        server.analyse(database, statement.text)
    except DatabaseError as error:
        if error.sqlstate in _UNDERSTOOD:
            return []
        raise server.moved(error, statement.offset) from None
    return []


def _relation(database: Database, parts: Sequence[str]) -> int:
    name = ".".join(map(quote, parts))
    oid = database.execute(_FIND, [name])[0]["oid"]
    if oid is None:
        raise DatabaseError(f'relation "{".".join(parts)}" does not exist', sqlstate="42P01")
    return int(oid)


def _named(database: Database, parts: Sequence[str]) -> names.Named:
    oid = _relation(database, parts)
    return names.relations(database, [oid])[oid]


def _columns(database: Database, statement: Statement) -> tuple[str, list[str]]:
    named = _named(database, statement.target)
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
    """EXECUTE: this session's prepared statement of that name.

    CREATE TABLE … AS EXECUTE puts what it returns into a relation.
    """
    rows = database.execute(_PREPARED, [statement.prepared])
    if not rows:
        raise DatabaseError(
            f'prepared statement "{statement.prepared}" does not exist', sqlstate="26000"
        )
    found: list[Edge] = []
    for inner in statements.split(rows[0]["statement"]):
        if inner.query is None:
            continue
        if statement.target:
            inner = replace(
                inner,
                verb="create",
                target=statement.target,
                temporary=statement.temporary,
                columns=statement.columns,
            )
        found.extend(
            edge._replace(statement=statement.number)
            for edge in analyser.statement_edges(database, inner, through_views=through_views)
        )
    return found


def add_generated(
    database: Database, statement: Statement, search_path: Sequence[str] | None
) -> list[Edge]:
    """ALTER TABLE … ADD COLUMN … GENERATED: the new column's sources."""
    relation = _named(database, statement.target).name
    found = analyser.statement_edges(database, statement, search_path=search_path)
    return [
        edge._replace(target_relation=relation, note=GENERATED)
        for edge in found
        if edge.position is not None
    ]


def create_table(database: Database, statement: Statement, made: str) -> list[Edge]:
    """CREATE TABLE: the columns that it computes; `made` is the table without rows."""
    columns = definitions.read(statement).columns
    relation = created_name(database, statement)
    found = [
        Edge(
            statement.number,
            relation,
            column.name,
            *(None,) * 4,
            expression=column.expression,
            note=DEFAULT,
        )
        for column in columns
        if column.default
    ]
    generated = [(c.name, c.generated) for c in columns if c.generated is not None]
    if generated:
        query = statements.computing(statement, generated, made)
        found += [
            edge._replace(target_relation=relation, note=GENERATED, position=None)
            for edge in analyser.statement_edges(database, query)
            if edge.position is not None
        ]
    return found


# Events of a node: a relation or a column goes on under another name, a
# partition's rows are its parent's.


def _renamed(database: Database, statement: Statement) -> list[Edge]:
    old = _named(database, statement.target).name
    schema = old[: len(old) - len(_last(old))]
    new = schema + _quoted(database, statement.columns[0])
    return [Edge(statement.number, new, None, old, None, None, None, note="renamed")]


def _moved(database: Database, statement: Statement) -> list[Edge]:
    old = _named(database, statement.target).name
    new = f"{_quoted(database, statement.columns[0])}.{_last(old)}"
    return [Edge(statement.number, new, None, old, None, None, None, note="moved to a schema")]


def _last(name: str) -> str:
    """Return the last part of a qualified name, quoted as it is."""
    end = name.rindex('"', 0, -1) if name.endswith('"') else name.rindex(".") + 1
    return name[end:]


def _quoted(database: Database, name: str) -> str:
    row = database.execute("select pg_catalog.quote_ident($1) as name", [name])[0]
    return str(row["name"])


def _renamed_column(database: Database, statement: Statement) -> list[Edge]:
    relation = _named(database, statement.target).name
    old, new = statement.columns
    return [
        Edge(
            statement.number,
            relation,
            new,
            relation,
            old,
            Influence.DIRECT,
            Transformation.IDENTITY,
            note="renamed",
        )
    ]


def _partition(database: Database, statement: Statement) -> list[Edge]:
    parent = _named(database, statement.target).name
    child = _named(database, statement.columns).name
    note = f"partition {statement.verb}ed"
    return [Edge(statement.number, parent, None, child, None, None, None, note=note)]


_PLAIN: Final[dict[str, Callable[[Database, Statement], list[Edge]]]] = {
    "copy from": _copy_from,
    "copy to": _copy_to,
    "rename": _renamed,
    "rename column": _renamed_column,
    "set schema": _moved,
    "attach": _partition,
    "detach": _partition,
}
