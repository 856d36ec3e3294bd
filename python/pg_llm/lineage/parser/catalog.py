"""The relations that text is resolved against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pg_llm.database import Database

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
# What PostgreSQL's quote_ident quotes though it looks plain: all keywords but
# the unreserved ones (pg_get_keywords() of PostgreSQL 15 to 18).
_WORDS_OF_KEYWORDS = """
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
boolean both case cast char character check coalesce collate collation column concurrently
constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user dec decimal default deferrable desc distinct do else end except
exists extract false fetch float for foreign freeze from full grant greatest group grouping
having ilike in initially inner inout int integer intersect interval into is isnull join json
json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
json_serialize json_table json_value lateral leading least left like limit localtime
localtimestamp merge_action national natural nchar none normalize not notnull null nullif
numeric offset on only or order out outer overlaps overlay placing position precision primary
real references returning right row select session_user setof similar smallint some substring
symmetric system_user table tablesample then time timestamp to trailing treat trim true union
unique user using values varchar variadic verbose when where window with xmlattributes
xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize
xmltable
"""
_KEYWORDS = frozenset(_WORDS_OF_KEYWORDS.split())


def quote(name: str) -> str:
    """Return an identifier as PostgreSQL writes it."""
    if _PLAIN.match(name) and name not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def shown(parts: Sequence[str]) -> str:
    """Return a relation's name as it is shown: quoted parts, with dots."""
    return ".".join(map(quote, parts))


class Found(NamedTuple):
    """A relation of the catalog.

    `name` as it is shown; `columns` by their keys. `visible`: the search path
    leads to it; else it is only the one relation of that name.
    """

    name: str
    columns: dict[str, str]
    visible: bool


class Catalog:
    """`{"schema.table": [columns]}`, looked up by names as a statement has them.

    `search_path` None: it is not known. `key` folds names that a dialect
    compares without case.
    """

    def __init__(
        self,
        schema: Mapping[str, Sequence[str]],
        search_path: Sequence[str] | None,
        key: Callable[[str], str],
    ) -> None:
        self._key = key
        # Without a path, as PostgreSQL's own default has it.
        given = ["public"] if search_path is None else search_path
        path = [name for name in given if name != "$user"]
        self._open = search_path is None or not path
        self.current = path[0] if path else None
        self._path = [key(name) for name in ("pg_temp", "pg_catalog", *given)]
        self._relations: dict[tuple[str, ...], tuple[str, Sequence[str]]] = {}
        self._last: dict[str, list[tuple[str, ...]]] = {}
        for name, columns in schema.items():
            self.add(name, columns)

    def add(self, name: str, columns: Sequence[str]) -> None:
        """Add a relation or replace what is known of it."""
        parts = tuple(split_name(name))
        key = tuple(map(self._key, parts))
        self._last.setdefault(key[-1], []).append(key)
        self._relations[key] = (shown(parts), columns)

    def find(self, parts: Sequence[str]) -> Found | None:
        """Return the relation that a name means, None if it is not known."""
        wanted = tuple(map(self._key, parts))
        known = self._last.get(wanted[-1])
        if not known:
            return None
        chosen, visible = self._visible(wanted, known), True
        if chosen is None:
            chosen, visible = _only(wanted, known), self._open or len(wanted) > 1
        if chosen is None:
            return None
        name, columns = self._relations[chosen]
        return Found(name, {self._key(column): column for column in columns}, visible)

    def _visible(
        self, wanted: tuple[str, ...], known: Sequence[tuple[str, ...]]
    ) -> tuple[str, ...] | None:
        """Return the relation of exactly that name, or the first one on the path."""
        if wanted in self._relations:
            return wanted
        for schema in self._path if len(wanted) == 1 else ():
            for key in known:
                if key[-2:] == (schema, *wanted):
                    return key
        return None


def _only(wanted: tuple[str, ...], known: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the one relation that a name can mean if schemas are left out."""
    fits = {key for key in known if key[-len(wanted) :] == wanted}
    fits |= {key for key in known if wanted[-len(key) :] == key}
    return fits.pop() if len(fits) == 1 else None


def split_name(name: str) -> list[str]:
    """Return the parts of a dotted name; a part in double quotes may hold dots."""
    if '"' not in name:
        return name.split(".")
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', name)
    return [quoted.replace('""', '"') or plain for quoted, plain in parts] or [name]


_RELATIONS = """
select
  n.nspname,
  c.relname,
  (
    select pg_catalog.array_agg(a.attname::pg_catalog.text order by a.attnum)
    from pg_catalog.pg_attribute as a
    where a.attrelid operator(pg_catalog.=) c.oid
      and a.attnum operator(pg_catalog.>) 0
      and not a.attisdropped
  ) as columns
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
where (
    $1::pg_catalog.name[] is null
    or c.relname operator(pg_catalog.=) any ($1::pg_catalog.name[])
  )
  and c.relkind operator(pg_catalog.=) any ('{r,v,m,f,p,S}'::pg_catalog."char"[])
  and pg_catalog.has_schema_privilege(n.oid, 'usage')
  and (
    pg_catalog.has_table_privilege(c.oid, 'select, insert, update, delete, truncate')
    or pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update, references')
  )
order by n.nspname, c.relname
"""
# Words, plain or in quotes, that may name a relation.
_WORDS = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')


def live_relations(database: Database, sql: str | None) -> dict[str, Sequence[str]]:
    """Return the relations that the caller may see; with `sql`, those it may name."""
    names = None if sql is None else sorted(words(sql))
    rows = database.execute(_RELATIONS, [names], ["name[]"])
    return {
        f"{_part(row['nspname'])}.{_part(row['relname'])}": row["columns"] or [] for row in rows
    }


def words(sql: str) -> set[str]:
    """Return all words of a text that may be names, folded as PostgreSQL does."""
    found: set[str] = set()
    for quoted, plain in _WORDS.findall(sql):
        found.add(quoted.replace('""', '"') or plain.lower())
    return found


def _part(name: str) -> str:
    return quote(name) if "." in name or '"' in name else name
