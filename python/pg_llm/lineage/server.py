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
select
    p.prosqlbody::pg_catalog.text as tree,
    @body@ as body
from pg_catalog.pg_proc p
where p.proname operator(pg_catalog.=) $1::pg_catalog.name
"""
_WITH_TEXT: Final = _READ.replace("@body@", "pg_catalog.pg_get_function_sqlbody(p.oid)")
_WITHOUT_TEXT: Final = _READ.replace("@body@", "null::pg_catalog.text")
_BEGIN: Final = "BEGIN ATOMIC"
_END: Final = "END"
_SET_PATH: Final = "select pg_catalog.set_config('search_path', $1, true)"
# A tree of some thousand characters is compressed when it is stored; lz4 takes
# a tenth of the time. Where there are words that write, the server also checks
# a function's body by rewriting it, and so refuses what cannot be written.
_FAST: Final = "set local default_toast_compression = lz4"
_UNCHECKED: Final = "set local check_function_bodies = off"
_WRITING: Final = ("insert", "update", "delete", "merge")
_HAS_LZ4: Final = """
select exists (
    select
    from pg_catalog.pg_settings s
    where s.name operator(pg_catalog.=) 'default_toast_compression'
      and 'lz4' operator(pg_catalog.=) any (s.enumvals)
) as has
"""
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


# Whether this server was built with lz4, once it was asked.
_built: dict[str, bool] = {}


def analyse(
    database: Database,
    query: str,
    search_path: Sequence[str] | None = None,
    schema: str = "pg_temp",
) -> Analysed:
    """Return the server's query tree of one statement.

    `search_path`: schemas to look names up in, the session's by default.
    `schema`: where the function is made; the default one is open to whoever may
    make temporary objects, but then the transaction counts as using some.

    Raises `DatabaseError` as the server does, with the position in `query`.
    """
    found: list[Analysed] = []
    try:
        with database.subtransaction():
            if search_path is not None:
                set_path(database, search_path)
            _prepare(database, query)
            found.append(_made(database, query, schema))
            raise _Done
    except _Done:
        return found[0]


def set_path(database: Database, search_path: Sequence[str]) -> None:
    """Set the search_path until the subtransaction at hand is rolled back."""
    path = ", ".join('"' + s.replace('"', '""') + '"' for s in search_path)
    database.execute(_SET_PATH, [path])


def _prepare(database: Database, query: str) -> None:
    """Set, inside of the subtransaction, what makes the server's part cheaper."""
    if "lz4" not in _built:
        _built["lz4"] = bool(database.execute(_HAS_LZ4)[0]["has"])
    if _built["lz4"]:
        database.execute(_FAST)
    lower = query.lower()
    if not any(word in lower for word in _WRITING):
        database.execute(_UNCHECKED)


def _made(database: Database, query: str, schema: str) -> Analysed:
    """Create the function and read what the server made of it."""
    name = "pg_llm_" + secrets.token_hex(8)
    arguments = ", ".join(_parameter_types(database, name, query))
    head = f"create function {schema}.{name}({arguments}) returns void language sql begin atomic "
    text = f"{head}{query}{_TAIL}"
    try:
        if ";" in query:
            _confirm_one(database, text, "CREATE FUNCTION")
        database.execute(text)
    except DatabaseError as error:
        raise moved(_without_tail(error, len(head) + len(query)), -len(head)) from None
    return _read(database, name)


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


def _read(database: Database, name: str) -> Analysed:
    """Return the tree and the statement as the server writes it, None where it cannot."""
    try:
        row = database.execute(_WITH_TEXT, [name])[0]
    except DatabaseError:
        # MERGE, before the minor release that taught ruleutils.c to write it.
        row = database.execute(_WITHOUT_TEXT, [name])[0]
    return Analysed(row["tree"], _statement(row["body"]))


def _statement(body: str | None) -> str | None:
    """Return the only statement of a function's body."""
    text = (body or "").strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        return None
    return text[len(_BEGIN) : -len(_END)].strip().removesuffix(";")


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
