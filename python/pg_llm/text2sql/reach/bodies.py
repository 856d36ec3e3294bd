"""The query trees of SQL functions.

A body in the standard's form (`begin atomic`) is stored as a tree; one that is
a text is analysed as such a body, with the function's arguments and its
search_path, in a subtransaction that is rolled back.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError, StatementSyntaxError

if TYPE_CHECKING:
    from pg_llm.database import Database, Row

_SOURCE: Final = """
select
    p.prosrc::pg_catalog.text as source,
    pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments
from pg_catalog.pg_proc p
where p.oid operator(pg_catalog.=) $1
"""
_PATH: Final = """
select pg_catalog.set_config('search_path', pg_catalog.substr(s.setting, 13), true)
from pg_catalog.pg_proc p, pg_catalog.unnest(p.proconfig) s (setting)
where p.oid operator(pg_catalog.=) $1
  and pg_catalog.starts_with(s.setting, 'search_path=')
"""
_TREE: Final = """
select p.prosqlbody::pg_catalog.text as tree
from pg_catalog.pg_proc p
where p.proname operator(pg_catalog.=) $1::pg_catalog.name
"""


class _Done(Exception):
    """Rolls the subtransaction back."""


def tree(database: Database, function: Row) -> str | None:
    """Return the tree of a function's body; None where it is not SQL, or cannot be analysed.

    `function`: its `oid`, its `language`, and `body`, the tree that is stored.
    """
    if function["body"] is not None or function["language"] != "sql":
        return None if function["body"] is None else str(function["body"])
    found: list[str] = []
    try:
        with database.subtransaction():
            database.execute(_PATH, [function["oid"]], ["oid"])
            found.append(_analysed(database, function["oid"]))
            raise _Done
    except (_Done, DatabaseError, StatementSyntaxError):
        return found[0] if found else None


def _analysed(database: Database, oid: int) -> str:
    row = database.execute(_SOURCE, [oid], ["oid"])[0]
    name = "pg_llm_" + secrets.token_hex(8)
    body = row["source"].strip().rstrip(";")
    text = (
        f"create function pg_temp.{name}({row['arguments']}) returns void"
        f" language sql begin atomic {body}\n; end"
    )
    if ";" in body and not database.is_one(text, "CREATE FUNCTION"):
        raise StatementSyntaxError("the text is more than one statement")
    database.execute(text)
    return str(database.execute(_TREE, [name], ["text"])[0]["tree"])
