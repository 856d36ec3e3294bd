"""Names of relations, columns and functions, looked up in one query a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pg_llm.database import Database

# Objects that initdb makes keep their OID and their columns.
_FIRST_USER_OID: Final = 16384

# A relation is visible to a role that has any right on it or on one of its
# columns. The system's own are described in the manual.
_RELATIONS: Final = """
select
    c.oid::pg_catalog.int8 as oid,
    pg_catalog.format(
        '%I.%I',
        case when n.oid operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()
             then 'pg_temp'
             else n.nspname
        end,
        c.relname
    ) as name,
    c.oid operator(pg_catalog.<) 16384
        or pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update, references')
        or pg_catalog.has_table_privilege(c.oid, 'delete, truncate, trigger') as visible,
    @columns@ as columns
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) any ($1::pg_catalog.oid[])
"""
_COLUMNS: Final = """array(
        select case when a.attisdropped then null else a.attname::pg_catalog.text end
        from pg_catalog.pg_attribute a
        where a.attrelid operator(pg_catalog.=) c.oid
          and a.attnum operator(pg_catalog.>) 0
        order by a.attnum
    )"""
_WITH_COLUMNS: Final = _RELATIONS.replace("@columns@", _COLUMNS)
_WITHOUT_COLUMNS: Final = _RELATIONS.replace("@columns@", "null::pg_catalog.text[]")
_FUNCTIONS: Final = """
select
    p.oid::pg_catalog.int8 as oid,
    pg_catalog.format('%I.%I', n.nspname, p.proname) as name,
    p.proname::pg_catalog.text as plain,
    case
        when p.proargmodes is not null then array(
            select coalesce(p.proargnames[i], '')
            from pg_catalog.generate_subscripts(p.proargmodes, 1) i
            where p.proargmodes[i] operator(pg_catalog.=) any ('{o,b,t}')
            order by i
        )
        else array(
            select a.attname::pg_catalog.text
            from pg_catalog.pg_type t
            join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) t.typrelid
            where t.oid operator(pg_catalog.=) p.prorettype
              and a.attnum operator(pg_catalog.>) 0
            order by a.attnum
        )
    end as columns
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
where p.oid operator(pg_catalog.=) any ($1::pg_catalog.oid[])
"""
# pg_attribute has no rows for the numbers below zero of a view.
_SYSTEM_COLUMNS: Final = {
    -1: "ctid",
    -2: "xmin",
    -3: "cmin",
    -4: "xmax",
    -5: "cmax",
    -6: "tableoid",
}


class Named(NamedTuple):
    """A relation or a table function: its qualified name and its columns by number.

    `visible`: whether the current role may see it. `plain`: the bare name.
    """

    name: str
    columns: Sequence[str | None]
    visible: bool = True
    plain: str = ""

    def column(self, number: int) -> str | None:
        """Return a column's name, None where there is no such column."""
        if number < 0:
            return _SYSTEM_COLUMNS.get(number)
        if number <= len(self.columns):
            return self.columns[number - 1]
        return None


_system: dict[tuple[str, int], Named] = {}


def relations(
    database: Database,
    oids: Iterable[int],
    columns: Mapping[int, Sequence[str | None]] | None = None,
) -> Mapping[int, Named]:
    """Return the names of relations by OID; those that are gone are missing.

    `columns`: column names that the caller knows already; they cost most.
    """
    found, missing = _remembered("relation", oids)
    known = columns or {}
    found |= _read(database, "relation", _WITHOUT_COLUMNS, [o for o in missing if o in known])
    for oid in missing:
        if oid in found:
            found[oid] = found[oid]._replace(columns=known[oid])
    return found | _read(
        database, "relation", _WITH_COLUMNS, [o for o in missing if o not in known]
    )


def functions(database: Database, oids: Iterable[int]) -> Mapping[int, Named]:
    """Return the names of functions by OID."""
    found, missing = _remembered("function", oids)
    return found | _read(database, "function", _FUNCTIONS, missing)


def _remembered(kind: str, oids: Iterable[int]) -> tuple[dict[int, Named], list[int]]:
    """Return what this session knows, and what has to be looked up.

    Only the system's objects are remembered: others are renamed, and a role's
    view of them is not another's.
    """
    found: dict[int, Named] = {}
    missing: list[int] = []
    for oid in oids:
        known = _system.get((kind, oid)) if oid < _FIRST_USER_OID else None
        if known is None:
            missing.append(oid)
        else:
            found[oid] = known
    return found, missing


def _read(database: Database, kind: str, query: str, oids: list[int]) -> dict[int, Named]:
    found: dict[int, Named] = {}
    if oids:
        for row in database.execute(query, [oids], ["oid[]"]):
            oid, columns = row["oid"], row["columns"]
            found[oid] = Named(
                row["name"], columns or [], row.get("visible", True), row.get("plain", "")
            )
            if oid < _FIRST_USER_OID and columns is not None:
                _system[kind, oid] = found[oid]
    return found
