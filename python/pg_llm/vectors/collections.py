"""The registry of collections, and what a table must be like to have one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidParameter,
    UndefinedObject,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database, Row


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a vectorized table; `type` is below any domain."""

    name: str
    type: str
    builtin: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be vectorized. `key`: its primary key in attribute order."""

    oid: int
    name: str
    kind: str
    owner: int
    columns: dict[str, Column]
    key: list[Column]


@dataclass(frozen=True, slots=True)
class Collection:
    """A row of `llm.collections`."""

    id: int
    name: str
    owner: int
    relation: int
    columns: list[str]
    template: str | None
    metadata: list[str]
    language: str
    distance: str
    chunk_size: int
    overflow: str
    active: int | None
    request: str | None


_TABLE = """
select c.oid::bigint as oid, c.oid::pg_catalog.regclass::text as name, c.relkind as kind,
    c.relowner::bigint as owner, c.relpersistence as persistence,
    pg_catalog.pg_has_role(c.relowner, 'usage') as mine,
    exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid) as inherited,
    d.deptype is not null as member
from pg_catalog.pg_class c
left join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.objid = c.oid and d.deptype = 'e'
where c.oid = $1
"""

# A domain is followed to its base type: reading a value never runs a check.
_COLUMNS = """
with recursive base as (
    select a.attnum, a.attname, a.atttypid as typid, a.atttypmod as typmod
    from pg_catalog.pg_attribute a
    where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
    union all
    select b.attnum, b.attname, t.typbasetype, t.typtypmod
    from base b
    join pg_catalog.pg_type t on t.oid = b.typid
    where t.typtype = 'd'
)
select b.attname as name, pg_catalog.format_type(b.typid, b.typmod) as type,
    t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace as builtin,
    t.typcategory = 'A' or t.typtype = 'c' as is_nested,
    exists (
        select
        from pg_catalog.pg_index i
        where i.indrelid = $1 and i.indisprimary
            and b.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    ) as is_key
from base b
join pg_catalog.pg_type t on t.oid = b.typid
where t.typtype <> 'd'
order by b.attnum
"""

_KIND = {"v": "a view", "m": "a materialized view", "f": "a foreign table", "S": "a sequence"}


def table(database: Database, oid: int) -> Table:
    """Describe a table; refuse one that cannot be kept embedded."""
    rows = database.execute(_TABLE, [oid], ["oid"])
    if not rows:
        raise UndefinedObject(f"there is no relation with the identity {oid}")
    found = rows[0]
    _check_kind(found)
    columns = database.execute(_COLUMNS, [oid], ["oid"])
    described = {c["name"]: Column(c["name"], c["type"], c["builtin"]) for c in columns}
    key = [c for c in columns if c["is_key"]]
    if not key:
        raise FeatureNotSupported(
            f"{found['name']} has no primary key, by which its rows could be told apart",
            hint=f"alter table {found['name']} add primary key (…)",
        )
    if any(c["is_nested"] for c in key):
        raise FeatureNotSupported(
            "a primary key with a column of an array or composite type cannot be vectorized"
        )
    return Table(
        oid=found["oid"],
        name=found["name"],
        kind=found["kind"],
        owner=found["owner"],
        columns=described,
        key=[described[c["name"]] for c in key],
    )


def _check_kind(found: Row) -> None:
    name = found["name"]
    if not found["mine"]:
        raise InsufficientPrivilege(f"only the owner of {name} may vectorize it")
    if found["kind"] not in "rp":
        kind = _KIND.get(found["kind"], "no table")
        raise FeatureNotSupported(
            f"{name} is {kind}: only a table can be vectorized",
            hint="Vectorize the tables below it: triggers keep the embeddings fresh.",
        )
    if found["persistence"] == "t":
        raise FeatureNotSupported(f"{name} is a temporary table, and a collection stays")
    if found["kind"] == "r" and found["inherited"]:
        raise FeatureNotSupported(
            f"{name} has tables that inherit from it, whose rows its primary key does not cover",
            hint="Partition it instead.",
        )


_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def placeholders(template: str) -> tuple[str, list[str]]:
    """Turn a template into `format()`'s first argument and the columns it names.

    `{{` and `}}` are braces.
    """
    columns: list[str] = []
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts.append(_literal(template[end : match.start()]))
        end = match.end()
        if match[1] is None:
            parts.append(match[0][0])
        else:
            columns.append(match[1].strip())
            parts.append("%s")
    parts.append(_literal(template[end:]))
    return "".join(parts), columns


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise InvalidParameter(
            "the template has a brace without its partner",
            hint="Placeholders are {column}; write {{ and }} for braces.",
        )
    return text.replace("%", "%%")


def check_columns(described: Table, names: Sequence[str]) -> None:
    """Raise `UndefinedObject` for a name that is not a column."""
    for name in names:
        if name not in described.columns:
            raise UndefinedObject(
                f'{described.name} has no column "{name}"',
                hint="Its columns are: " + ", ".join(described.columns) + ".",
            )


_COLLECTION = """
select c.id, c.name, c.owner::oid::bigint as owner, c.relation::oid::bigint as relation, c.columns,
    c.template, c.metadata, c.language, c.distance, c.chunk_size, c.overflow, c.active, c.request
from llm.collections c
"""


def by_id(database: Database, collection: int) -> Collection:
    """Return the collection, or raise `UndefinedObject`."""
    rows = database.execute(_COLLECTION + "where c.id = $1", [collection], ["int8"])
    if not rows:
        raise UndefinedObject(f"there is no collection {collection}")
    return Collection(**rows[0])


def by_name(database: Database, name: str) -> Collection:
    """Return the collection that the caller may see, or raise `UndefinedObject`."""
    rows = database.execute(_COLLECTION + "where c.name = $1", [name])
    if not rows:
        raise UndefinedObject(
            f'there is no collection "{name}" that you may search',
            hint="Collections are made by llm_vectorize and listed in llm.vectorizers.",
        )
    return Collection(**rows[0])


def key_names(database: Database, relation: int) -> list[str]:
    """Return the names of a table's key columns, in attribute order."""
    rows = database.execute(
        "select a.attname as name from pg_catalog.pg_index i join pg_catalog.pg_attribute a "
        "on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]) "
        "where i.indrelid = $1 and i.indisprimary order by a.attnum",
        [relation],
        ["int8"],
    )
    return [row["name"] for row in rows]
