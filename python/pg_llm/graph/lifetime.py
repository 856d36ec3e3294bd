"""The end of nodes and edges, their return, and the end of history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database

# A column goes with its relation.
_MARK: Final = """
update lineage.nodes d
set dropped_at = pg_catalog.clock_timestamp(), last_seen = pg_catalog.clock_timestamp()
where (d.id = any ($1::int8[]) or d.parent = any ($1::int8[]) and d.kind = 'column')
  and d.dropped_at is null
returning d.id
"""
FORGET_NODES: Final = "delete from lineage.objects o where o.node = any ($1::int8[])"
# What is known by other means than the object itself waits for its return.
_CLOSE: Final = """
with closed as (
    update lineage.edges e
    set valid_to = greatest(pg_catalog.clock_timestamp(), e.valid_from),
        suspended = e.evidence in ('log', 'manual', 'openlineage')
    where e.valid_to = 'infinity'
      and (
          e.from_node = any ($1::int8[])
          or e.to_node = any ($1::int8[])
          or e.evidence_node = any ($1::int8[])
      )
    returning 1
)
select pg_catalog.count(*) as n from closed
"""
_REOPEN: Final = """
with back as (
    update lineage.edges e
    set suspended = false
    from lineage.nodes f, lineage.nodes t
    where e.suspended
      and (e.from_node = any ($1::int8[]) or e.to_node = any ($1::int8[]))
      and f.id = e.from_node and (f.dropped_at is null or f.id = any ($1::int8[]))
      and t.id = e.to_node and (t.dropped_at is null or t.id = any ($1::int8[]))
    returning e.*
)
insert into lineage.edges (
    from_node, to_node, influence, transformation, masking, expression, resolver, confidence,
    evidence, evidence_node
)
select b.from_node, b.to_node, b.influence, b.transformation, b.masking, b.expression, b.resolver,
    b.confidence, b.evidence, b.evidence_node
from back b
on conflict do nothing
"""


def drop(database: Database, nodes: Sequence[int]) -> tuple[int, int]:
    """Say that nodes are gone, with their columns; return how many nodes and edges ended."""
    if not nodes:
        return 0, 0
    types = ["int8[]"]
    gone = [row["id"] for row in database.execute(_MARK, [list(nodes)], types)]
    every = list({*nodes, *gone})
    database.execute(FORGET_NODES, [every], types)
    return len(gone), int(database.execute(_CLOSE, [every], types)[0]["n"])


def reopen(database: Database, nodes: Sequence[int]) -> None:
    """Open the edges again that ended because one of these nodes was gone.

    Those of the catalog are read anew; those of logs and people come back.
    """
    database.execute(_REOPEN, [list(nodes)], ["int8[]"])


_PRUNE_EDGES: Final = """
with gone as (
    delete from lineage.edges e
    where e.valid_to < 'infinity' and e.valid_to < $1::timestamptz
    returning 1
)
select pg_catalog.count(*) as n from gone
"""
# A whole stays as long as a part of it does, or an edge of a part.
_PRUNE_NODES: Final = """
with gone as (
    delete from lineage.nodes d
    where d.dropped_at < $1::timestamptz
      and not exists (
          select
          from lineage.nodes c
          where c.parent = d.id and (c.dropped_at is null or c.dropped_at >= $1::timestamptz)
      )
      and not exists (
          select
          from (
              select d.id
              union all
              select c.id from lineage.nodes c where c.parent = d.id
          ) c
          where exists (select from lineage.edges e where e.from_node = c.id)
             or exists (select from lineage.edges e where e.to_node = c.id)
             or exists (select from lineage.edges e where e.evidence_node = c.id)
      )
    returning 1
)
select pg_catalog.count(*) as n from gone
"""
_FUTURE: Final = "select $1::timestamptz > pg_catalog.clock_timestamp() as future"


def prune(database: Database, before: str) -> tuple[int, int]:
    """Delete edges that ended before a time, then dropped nodes that nothing refers to."""
    if database.execute(_FUTURE, [before])[0]["future"]:
        raise InvalidParameter(
            "the time lies in the future", hint="Give a time such as now() - interval '90 days'."
        )
    edges = database.execute(_PRUNE_EDGES, [before])[0]["n"]
    nodes = database.execute(_PRUNE_NODES, [before])[0]["n"]
    return int(edges), int(nodes)
