"""The main job: a text comes in, edges go out.

The server's analyser resolves what it can; the parser serves other dialects,
a catalog of the caller's own, and what the server cannot analyse here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pg_llm.errors import (
    DatabaseError,
    InvalidParameter,
    UndefinedObject,
)
from pg_llm.library import isolated
from pg_llm.lineage import analyser, scripts, server, statements, utility
from pg_llm.lineage.edges import Edge
from pg_llm.lineage.stored import created_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.statements import Statement

_ALIASES: Final = {"postgresql": "postgres", "mssql": "tsql", "sqlserver": "tsql"}

# What the server says where the statement may be right and only the place is
# not: names that are not here, features of other majors, no right to create
# a function in pg_temp, a read-only transaction, a standby.
_FALL_BACK: Final = frozenset(
    {
        "42P01",  # undefined table
        "42703",  # undefined column
        "42883",  # undefined function
        "42704",  # undefined object
        "3F000",  # invalid schema name
        "0A000",  # feature not supported
        "25006",  # read-only transaction
        "42501",  # insufficient privilege
        "26000",  # invalid prepared statement name
    }
)
Schema = dict[str, list[str]]


def extract(
    database: Database,
    sql: str,
    *,
    dialect: str = "postgres",
    catalog: str | None = None,
    search_path: Sequence[str] | None = None,
    through_views: bool = False,
) -> list[Edge]:
    """Return the edges of every statement in `sql`.

    `catalog` is JSON, `{"schema.table": ["column", …]}`, that stands for the
    live catalog; `search_path` is where unqualified names are looked up (the
    session's by default).

    Raises `InvalidParameter` for an unknown dialect, a malformed catalog or an
    empty text, and the server's own error for a statement that it rejects.
    """
    dialect = _dialect(dialect)
    if not sql.strip():
        raise InvalidParameter(
            "the text holds no statement", hint="Pass one or more SQL statements."
        )
    if search_path is not None and None in search_path:
        raise InvalidParameter(
            "the search_path has a null", hint="It is an array of names of schemas."
        )
    if catalog is not None:
        return _parsed(database, sql, dialect, _catalog(catalog), search_path)
    if dialect != "postgres":
        path = search_path or _path(database)
        return _parsed(database, sql, dialect, _live(database, sql), path)
    return _analysed(database, sql, search_path, through_views)


def _dialect(name: str) -> str:
    folded = name.lower()
    folded = _ALIASES.get(folded, folded)
    if folded != "postgres":
        with isolated():
            from pg_llm.lineage.parser import DIALECTS
        if folded not in DIALECTS:
            known = ", ".join(sorted(DIALECTS))
            raise InvalidParameter(
                f'unknown SQL dialect "{name}"', hint=f"The dialects are: {known}."
            )
    return folded


def _catalog(text: str) -> Schema:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(columns, list) and all(isinstance(c, str) for c in columns)
        for columns in found.values()
    ):
        raise InvalidParameter(
            "the catalog is not an object of column lists",
            hint='It looks like {"schema.table": ["column", …], …}.',
        )
    return found


# -- by the server ------------------------------------------------------------


def _analysed(
    database: Database, sql: str, search_path: Sequence[str] | None, through_views: bool
) -> list[Edge]:
    found = statements.split(sql, standard_strings=_standard_strings(database, sql))
    if not found:
        raise InvalidParameter(
            "the text holds no statement", hint="Pass one or more SQL statements."
        )
    run = _Run(database, sql, search_path, through_views)
    if not any(scripts.makes(s) for s in found[:-1]) and found[-1].verb != "create table":
        return run.edges(found)
    edges: list[Edge] = []
    try:
        # What is made for later statements goes with this.
        with database.subtransaction():
            scripts.quietly(database)
            if search_path is not None:
                server.set_path(database, search_path)
            edges = run.edges(found)
            raise _Done
    except _Done:
        return edges


class _Done(Exception):
    """Rolls the subtransaction back."""


def _standard_strings(database: Database, sql: str) -> bool:
    if "\\" not in sql:
        return True
    row = database.execute(
        "select pg_catalog.current_setting('standard_conforming_strings') as value"
    )[0]
    return bool(row["value"] == "on")


class _Run:
    """The statements of one text, analysed one after another."""

    def __init__(
        self,
        database: Database,
        sql: str,
        search_path: Sequence[str] | None,
        through_views: bool,
    ) -> None:
        self._database = database
        self._sql = sql
        self._search_path = search_path
        self._through_views = through_views
        self._made = scripts.Made(database)

    def edges(self, found: Sequence[Statement]) -> list[Edge]:
        edges: list[Edge] = []
        for statement in found:
            self._database.check_interrupts()
            edges.extend(self._made.named(self._one(statement)))
            if statement.verb == "create" and statement is not found[-1]:
                self._make(statement)
        return edges

    def _make(self, statement: Statement) -> str | None:
        real = created_name(self._database, statement)
        return self._made.make(statement, real)

    def _one(self, statement: Statement) -> list[Edge]:
        try:
            return self._analysed(statement)
        except DatabaseError as error:
            if error.sqlstate not in _FALL_BACK:
                raise _pointing(error, self._sql) from None
            return self._fallen_back(statement, error)
        except UndefinedObject as error:
            return self._fallen_back(statement, error)

    def _analysed(self, statement: Statement) -> list[Edge]:
        database = self._database
        if statement.verb == "utility":
            return utility.checked(database, statement)
        if statement.verb == "create table":
            utility.checked(database, statement)
            made = self._make(statement)
            return utility.create_table(database, statement, made) if made else []
        if statement.verb == "add generated":
            return utility.add_generated(database, statement, self._search_path)
        if statement.query is None:
            return utility.edges(database, statement, through_views=self._through_views)
        return analyser.statement_edges(
            database,
            statement,
            search_path=self._search_path,
            through_views=self._through_views,
        )

    def _fallen_back(
        self, statement: Statement, error: DatabaseError | UndefinedObject
    ) -> list[Edge]:
        """Return what the parser reads, with all that was made before in its catalog."""
        with isolated():
            from pg_llm.lineage import parser
        database, missing = self._database, self._made.missing
        text = "\n;\n".join([*(made.text for made in missing), statement.text])
        schema, path = _live(database, text), self._search_path or _path(database)
        routines = parser.live_routines(database, text)
        if missing:
            found = parser.script(text, "postgres", schema, path, routines=routines)
            last = len(parser.split(text, "postgres"))
        else:
            last = statement.number
            found = parser.extract(
                text, "postgres", schema, path, statement=last, routines=routines
            )
        edges = [
            edge._replace(statement=statement.number) for edge in found if edge.statement == last
        ]
        note = f"not analysed by the server: {error.message}"
        if not edges:
            nothing = Edge(statement.number, None, None, None, None, None, None)
            return [nothing._replace(resolver="parser", confidence=0.0, note=note)]
        return [
            edge._replace(note=f"{note}; {edge.note}" if edge.note else note) for edge in edges
        ]


def _pointing(error: DatabaseError, sql: str) -> Exception:
    """Return the server's error with the line that it points to, as psql shows it."""
    detail = error.detail
    if error.position is not None:
        at = min(error.position, len(sql) + 1) - 1
        start = sql.rfind("\n", 0, at) + 1
        end = sql.find("\n", at)
        line = sql[start : end if end >= 0 else len(sql)]
        # A long line is shown around the place, as psql does.
        left = max(start, at - 60)
        shown = ("..." if left > start else "") + sql[left : min(start + len(line), at + 60)]
        head = f"LINE {sql.count(chr(10), 0, at) + 1}: "
        caret = len(head) + (3 if left > start else 0) + at - left
        pointed = f"{head}{shown}\n{' ' * caret}^"
        detail = f"{detail}\n{pointed}" if detail else pointed
    return DatabaseError(
        error.message,
        sqlstate=error.sqlstate,
        hint=error.hint,
        detail=detail,
        position=error.position,
    )


# -- by the parser ------------------------------------------------------------


def _parsed(
    database: Database,
    sql: str,
    dialect: str,
    schema: Mapping[str, Sequence[str]],
    search_path: Sequence[str] | None,
) -> list[Edge]:
    with isolated():
        from pg_llm.lineage import parser
    check = database.check_interrupts
    return parser.script(sql, dialect, schema, search_path, check=check)


def _live(database: Database, sql: str) -> Mapping[str, Sequence[str]]:
    with isolated():
        from pg_llm.lineage import parser
    return parser.live_schema(database, sql)


def _path(database: Database) -> Sequence[str]:
    row = database.execute(
        "select pg_catalog.current_schemas(false)::pg_catalog.text[] as schemas"
    )[0]
    return list(row["schemas"])
