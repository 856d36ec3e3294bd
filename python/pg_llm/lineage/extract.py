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
from pg_llm.lineage import analyser, statements, utility
from pg_llm.lineage.edges import Edge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.statements import Statement

DIALECTS: Final = (
    "postgres",
    "bigquery",
    "clickhouse",
    "duckdb",
    "hive",
    "mysql",
    "oracle",
    "redshift",
    "snowflake",
    "spark",
    "sqlite",
    "tsql",
)
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
    if folded not in DIALECTS:
        raise InvalidParameter(
            f'unknown SQL dialect "{name}"', hint="The dialects are: " + ", ".join(DIALECTS) + "."
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
    edges: list[Edge] = []
    for statement in found:
        database.check_interrupts()
        edges.extend(_one(database, sql, statement, search_path, through_views))
    return edges


def _standard_strings(database: Database, sql: str) -> bool:
    if "\\" not in sql:
        return True
    row = database.execute(
        "select pg_catalog.current_setting('standard_conforming_strings') as value"
    )[0]
    return bool(row["value"] == "on")


def _one(
    database: Database,
    sql: str,
    statement: Statement,
    search_path: Sequence[str] | None,
    through_views: bool,
) -> list[Edge]:
    try:
        if statement.verb == "utility":
            return utility.checked(database, statement)
        if statement.verb == "add generated":
            return utility.add_generated(database, statement, search_path)
        if statement.query is None:
            return utility.edges(database, statement, through_views=through_views)
        return analyser.statement_edges(
            database, statement, search_path=search_path, through_views=through_views
        )
    except DatabaseError as error:
        if error.sqlstate not in _FALL_BACK:
            raise _pointing(error, sql) from None
        return _fallen_back(database, statement, search_path, error)
    except UndefinedObject as error:
        return _fallen_back(database, statement, search_path, error)


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


def _fallen_back(
    database: Database,
    statement: Statement,
    search_path: Sequence[str] | None,
    error: DatabaseError | UndefinedObject,
) -> list[Edge]:
    with isolated():
        from pg_llm.lineage import parser
    from_parser = parser.extract(
        statement.text,
        "postgres",
        _live(database, statement.text),
        search_path or _path(database),
        statement=statement.number,
        routines=parser.live_routines(database, statement.text),
    )
    note = f"not analysed by the server: {error.message}"
    if not from_parser:
        nothing = Edge(statement.number, None, None, None, None, None, None)
        return [nothing._replace(resolver="parser", confidence=0.0, note=note)]
    return [
        edge._replace(note=f"{note}; {edge.note}" if edge.note else note) for edge in from_parser
    ]


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
