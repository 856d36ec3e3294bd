"""Functions of the live catalog: what kind they are, and which columns they return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.lineage.parser.catalog import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg_llm.database import Database


@dataclass(frozen=True, slots=True)
class Routine:
    """A function of the catalog.

    `kind` as in `pg_proc.prokind`: f(unction), a(ggregate), w(indow), p(rocedure).
    `returns_set`: it makes rows. `columns`: those of its result row, none where
    the result is one value or a row that only the call declares. `arguments`:
    how few and how many it takes, None for any number.
    """

    schema: str
    name: str
    kind: str
    returns_set: bool
    columns: tuple[str, ...]
    arguments: tuple[int, int | None]

    def takes(self, count: int) -> bool:
        """Tell whether it can be called with that many arguments."""
        least, most = self.arguments
        return least <= count and (most is None or count <= most)


class Routines:
    """Functions by the name that a statement calls."""

    def __init__(
        self, found: Iterable[Routine] = (), search_path: Sequence[str] | None = None
    ) -> None:
        path = ("pg_catalog", *(search_path or ()))
        self._rank = {schema: place for place, schema in enumerate(path)}
        self._by_name: dict[str, list[Routine]] = {}
        for routine in found:
            self._by_name.setdefault(routine.name, []).append(routine)

    def find(self, schema: str | None, name: str, count: int) -> Routine | None:
        """Return what is called with `count` arguments: the first on the path."""
        known = [
            routine
            for routine in self._by_name.get(name, ())
            if (routine.schema in self._rank if schema is None else routine.schema == schema)
        ]
        fits = [routine for routine in known if routine.takes(count)] or known
        return min(fits, key=lambda each: self._rank.get(each.schema, 0), default=None)


_ROUTINES = """
select
  n.nspname,
  p.proname,
  p.prokind,
  p.proretset,
  p.pronargs operator(pg_catalog.-) p.pronargdefaults as least,
  case when p.provariadic operator(pg_catalog.=) 0 then p.pronargs end as most,
  case
    when p.proargmodes is not null then (
      select pg_catalog.array_agg(coalesce(a.name, '') order by a.place)
      from rows from (
        pg_catalog.unnest(p.proargmodes),
        pg_catalog.unnest(p.proargnames)
      ) with ordinality as a(mode, name, place)
      where a.mode operator(pg_catalog.=) any ('{o,b,t}'::pg_catalog."char"[])
    )
    else (
      select pg_catalog.array_agg(a.attname::pg_catalog.text order by a.attnum)
      from pg_catalog.pg_type as t
      join pg_catalog.pg_attribute as a on a.attrelid operator(pg_catalog.=) t.typrelid
      where t.oid operator(pg_catalog.=) p.prorettype
        and t.typrelid operator(pg_catalog.<>) 0
        and a.attnum operator(pg_catalog.>) 0
        and not a.attisdropped
    )
  end as columns
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) p.pronamespace
where p.proname operator(pg_catalog.=) any ($1::pg_catalog.name[])
  and pg_catalog.has_schema_privilege(n.oid, 'usage')
order by n.nspname, p.proname, p.pronargs, p.oid
"""


def live_routines(database: Database, sql: str) -> list[Routine]:
    """Return the functions that a statement may call, as the caller may see them."""
    rows = database.execute(_ROUTINES, [sorted(words(sql))], ["name[]"])
    return [
        Routine(
            row["nspname"],
            row["proname"],
            row["prokind"],
            row["proretset"],
            tuple(row["columns"] or ()),
            (row["least"], row["most"]),
        )
        for row in rows
    ]
