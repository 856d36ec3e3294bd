"""What the caller may not read is answered like what does not exist.

The server analyses names before it looks at rights, and then says "permission
denied": that tells that there is something. Here the answer is the one that
the server gives for a name that it does not know, in its own words.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError
from pg_llm.lineage import server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.database import Database
    from pg_llm.lineage.nodes import Node

_NO_RIGHT: Final = "42501"
# Columns of a range table entry are numbered from the lowest system column on
# (FirstLowInvalidHeapAttributeNumber); this one is the whole row.
_WHOLE_ROW: Final = 7
_HIDDEN: Final = """
select
    n.nspname::pg_catalog.text as schema,
    c.relname::pg_catalog.text as name,
    a.attname::pg_catalog.text as column
from rows from (
    pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int2[])
) u (oid, number)
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) u.oid
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
left join pg_catalog.pg_attribute a
    on a.attrelid operator(pg_catalog.=) u.oid
    and a.attnum operator(pg_catalog.=) u.number
    and u.number operator(pg_catalog.<>) 0::pg_catalog.int2
where n.nspname operator(pg_catalog.<>) all ('{pg_catalog,information_schema,pg_toast}')
  and case
      when a.attnum is null
          then not pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
      else not pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
  end
order by u.number operator(pg_catalog.<>) 0::pg_catalog.int2, 1, 2, 3
"""


def refuse(database: Database, sql: str, every: Iterable[Node]) -> None:
    """Raise `DatabaseError` where a statement reads what the caller may not, as if it were not.

    A hidden column that the statement does not name (`select *`) is left to the server.
    """
    used: set[tuple[int, int]] = set()
    for node in every:
        if node.scalar("selectedCols") is None and node.kind not in ("RTE", "RANGETBLENTRY"):
            continue
        oid = node.number("relid")
        if oid:
            used.add((oid, 0))
            used |= {(oid, number - _WHOLE_ROW) for number in node.numbers("selectedCols")}
    if not used:
        return
    args = [[oid for oid, _ in sorted(used)], [number for _, number in sorted(used)]]
    for row in database.execute(_HIDDEN, args, ["oid[]", "int2[]"]):
        if row["column"] is None:
            raise _no_relation(database, *_relation(sql, row["schema"], row["name"]))
        found = _name(sql, row["column"])
        if found is not None:
            raise _no_column(database, found)


def as_missing(database: Database, sql: str, error: DatabaseError) -> DatabaseError:
    """Return the error that a relation in a closed schema gives; others as they are."""
    if error.sqlstate == _NO_RIGHT and error.position:
        found = _QUALIFIED.match(sql, error.position - 1)
        if found is not None:
            name = f"{_plain(found[1])}.{_plain(found[2])}"
            return _no_relation(database, name, error.position)
    return error


_IDENTIFIER: Final = r'("(?:[^"]|"")+"|[^\W\d][\w$]*)'
_QUALIFIED: Final = re.compile(rf"{_IDENTIFIER}\s*\.\s*{_IDENTIFIER}(?!\s*[.(])")


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _pattern(name: str) -> str:
    quoted = re.escape('"' + name.replace('"', '""') + '"')
    return rf"(?:{quoted}|(?<![\w$\"]){re.escape(name)}(?![\w$\"]))"


def _relation(sql: str, schema: str, name: str) -> tuple[str, int | None]:
    """Return a relation's name as the statement has it, and where."""
    qualified = re.search(rf"{_pattern(schema)}\s*\.\s*{_pattern(name)}", sql, re.IGNORECASE)
    if qualified is not None:
        return f"{schema}.{name}", qualified.start() + 1
    found = _name(sql, name)
    return name, found.start() + 1 if found is not None else None


def _name(sql: str, name: str) -> re.Match[str] | None:
    return re.search(_pattern(name), sql, re.IGNORECASE)


def _no_relation(database: Database, name: str, position: int | None) -> DatabaseError:
    unknown = "pg_llm_" + secrets.token_hex(8)
    return _said(database, f"select from {unknown}", unknown, name, position)


def _no_column(database: Database, found: re.Match[str]) -> DatabaseError:
    unknown = "pg_llm_" + secrets.token_hex(8)
    owner = re.search(rf"{_IDENTIFIER}\s*\.\s*$", found.string[: found.start()])
    name = _plain(found[0])
    if owner is None:
        return _said(database, f"select {unknown}", unknown, name, found.start() + 1)
    query = f"select {owner[1]}.{unknown} from (select 1) as {owner[1]}"
    return _said(database, query, unknown, name, owner.start() + 1)


def _said(
    database: Database, query: str, unknown: str, name: str, position: int | None
) -> DatabaseError:
    """Return what the server says of a query with an unknown name, for another name."""
    try:
        server.analyse(database, query)
    except DatabaseError as error:
        message = error.message.replace(unknown, name)
        return DatabaseError(message, sqlstate=error.sqlstate, position=position)
    raise AssertionError(query)
