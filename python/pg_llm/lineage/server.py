"""Let the server analyse a statement, and take nothing along.

A statement in the body of an SQL-standard function (`begin atomic …; end`) is
analysed when the function is created: `pg_proc.prosqlbody` then holds the
query tree, resolved with the caller's search_path. The function is created in
pg_temp, inside a subtransaction that is rolled back.

The statement is untrusted. It is never executed, because a function's body is
not; what has to be excluded is a text that closes the body and goes on
(`select 1; end; drop table t; …`). That needs a semicolon. A text without one
cannot do it; for a text with one (in a string, a comment) the server itself is
asked first whether the whole is one statement (`Database.is_one`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError, StatementSyntaxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database

_READ: Final = """
select p.prosqlbody::pg_catalog.text as tree
from pg_catalog.pg_proc p
where p.proname operator(pg_catalog.=) $1::pg_catalog.name
"""
_DEPARSE: Final = """
select pg_catalog.pg_get_function_sqlbody(p.oid) as body
from pg_catalog.pg_proc p
where p.proname operator(pg_catalog.=) $1::pg_catalog.name
"""
_BODY: Final = re.compile(r"BEGIN ATOMIC\s(.*);\s*END\s*", re.DOTALL)
_SET_PATH: Final = "select pg_catalog.set_config('search_path', $1, true)"
_PARAMETER_TYPES: Final = """
select s.parameter_types::pg_catalog.text[] as types
from pg_catalog.pg_prepared_statements s
where s.name operator(pg_catalog.=) $1
"""
_PARAMETER: Final = re.compile(r"\$\d")
_TAIL: Final = "\n; end"
_SYNTAX_ERROR: Final = "42601"


@dataclass(frozen=True, slots=True)
class Analysed:
    """What the server made of a statement: the tree, and the SQL that it would write."""

    tree: str
    text: str | None


class _Done(Exception):
    """Rolls the subtransaction back."""


def analyse(database: Database, query: str, search_path: Sequence[str] | None = None) -> Analysed:
    """Return the server's query tree of one statement.

    `search_path`: schemas to look names up in, the session's by default.

    Raises `DatabaseError` as the server does, with the position in `query`.
    """
    found: list[Analysed] = []
    try:
        with database.subtransaction():
            if search_path is not None:
                # Local to this subtransaction.
                path = ", ".join('"' + s.replace('"', '""') + '"' for s in search_path)
                database.execute(_SET_PATH, [path])
            found.append(_made(database, query))
            raise _Done
    except _Done:
        return found[0]


def _made(database: Database, query: str) -> Analysed:
    """Create the function and read what the server made of it."""
    name = "pg_llm_" + secrets.token_hex(8)
    arguments = ", ".join(_parameter_types(database, name, query))
    head = f"create function pg_temp.{name}({arguments}) returns void language sql begin atomic "
    text = f"{head}{query}{_TAIL}"
    try:
        if ";" in query:
            _confirm_one(database, text, "CREATE FUNCTION")
        database.execute(text)
    except DatabaseError as error:
        raise moved(_without_tail(error, len(head) + len(query)), -len(head)) from None
    return Analysed(database.execute(_READ, [name])[0]["tree"], _deparsed(database, name))


def _without_tail(error: DatabaseError, length: int) -> DatabaseError:
    """Say of an unfinished statement what the server says of it alone."""
    message, position = error.message, error.position
    if error.sqlstate == _SYNTAX_ERROR and message.endswith(_TAIL + '"'):
        message = message.removesuffix(_TAIL + '"') + '"'
    elif error.sqlstate == _SYNTAX_ERROR and (position or 0) > length:
        message, position = "syntax error at end of input", length + 1
    return DatabaseError(
        message,
        sqlstate=error.sqlstate,
        hint=error.hint,
        detail=error.detail,
        position=position,
    )


def _deparsed(database: Database, name: str) -> str | None:
    """Return the statement as the server writes it, None where it cannot."""
    try:
        body = database.execute(_DEPARSE, [name])[0]["body"]
    except DatabaseError:
        # MERGE, before the minor release that taught ruleutils.c to write it.
        return None
    match = _BODY.fullmatch(body or "")
    return match[1] if match is not None else None


def moved(error: DatabaseError, by: int) -> DatabaseError:
    """Return the error with its position moved."""
    return DatabaseError(
        error.message,
        sqlstate=error.sqlstate,
        hint=error.hint,
        detail=error.detail,
        position=max(1, error.position + by) if error.position else None,
    )


def _confirm_one(database: Database, text: str, command: str) -> None:
    """Make sure that the server reads `text` as one command of this kind."""
    if not database.is_one(text, command):
        raise StatementSyntaxError(
            "the text is more than one statement",
            hint="Pass statements one after another, separated by semicolons.",
        )


def _parameter_types(database: Database, name: str, query: str) -> Sequence[str]:
    """Return the types that the server infers for the parameters."""
    if not _PARAMETER.search(query):
        return ()
    head = f"prepare {name} as "
    text = f"{head}{query}\n"
    try:
        if ";" in query:
            _confirm_one(database, text, "PREPARE")
        database.execute(text)
    except DatabaseError as error:
        if error.sqlstate == _SYNTAX_ERROR:
            # No query that takes parameters: "$1" stands in a string, say.
            return ()
        raise moved(error, -len(head)) from None
    try:
        return list(database.execute(_PARAMETER_TYPES, [name])[0]["types"])
    finally:
        # Not transactional: a rollback would leave it behind.
        database.execute(f"deallocate {name}")
