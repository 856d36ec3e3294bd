"""Objects of the catalog and the nodes that they are.

A node is known by its name, and an object of the catalog by its OID. The table
`lineage.objects` joins them, so that a node keeps its number when its object
is renamed. OIDs are only believed in the database that they are from: after a
restore the names decide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pg_llm.graph import queries
from pg_llm.graph.lifetime import FORGET_NODES, reopen
from pg_llm.graph.store import Key, NodeFacts, ensure_nodes, find_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg_llm.database import Database


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of the catalog: what it is there, and what its node shall say.

    `catalog`: pg_class, pg_proc, …; `number`: of a column, else 0; `node`: the
    node that it was until now.
    """

    catalog: str
    oid: int
    number: int
    facts: NodeFacts
    node: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of things: the nodes that are new, and those under another name."""

    added: set[int] = field(default_factory=set)
    renamed: set[int] = field(default_factory=set)


_FORGET: Final = "delete from lineage.objects"
_REMEMBER_STAMP: Final = """
insert into lineage.sync_state (stamp) values ($1)
on conflict (single) do update set stamp = excluded.stamp
"""
_RENAMED: Final = """
select g.n, d.id
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    n int4, id int8, name text, column_name text
)
join lineage.nodes d on d.id = g.id
where d.name <> g.name or d.column_name <> g.column_name
"""
# A name that nothing has, so that two can change places.
_STEP_ASIDE: Final = """
update lineage.nodes d
set name = d.name || E'\\n' || d.id
where d.id = any ($1::int8[])
"""
_RENAME: Final = """
update lineage.nodes d
set name = g.name, column_name = g.column_name, parent = g.parent,
    last_seen = pg_catalog.clock_timestamp()
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    id int8, name text, column_name text, parent int8
)
where d.id = g.id
"""
# Columns that were dropped go with their relation's name.
_RENAME_DROPPED: Final = """
update lineage.nodes c
set name = p.name
from lineage.nodes p
where p.id = any ($1::int8[])
  and c.parent = p.id
  and c.kind = 'column'
  and c.dropped_at is not null
  and c.name <> p.name
  and not exists (
      select
      from lineage.nodes o
      where o.kind = 'column' and o.namespace = c.namespace and o.name = p.name
        and o.column_name = c.column_name
  )
"""
_GIVEN: Final = """pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    node int8, class oid, object oid, attribute int4
)"""
_REPLACED: Final = f"""
delete from lineage.objects o
using {_GIVEN}
where o.class = g.class and o.object = g.object and o.attribute = g.attribute
  and o.node <> g.node
"""
_REMEMBER: Final = f"""
insert into lineage.objects (node, class, object, attribute)
select g.node, g.class, g.object, g.attribute
from {_GIVEN}
left join lineage.objects o on o.node = g.node
where o.node is null or (o.class, o.object, o.attribute) <> (g.class, g.object, g.attribute)
on conflict (node) do update
set class = excluded.class, object = excluded.object, attribute = excluded.attribute,
    fingerprint = null
"""
# The same in every database (pg_class.dat and its like).
CLASSES: Final = {
    "pg_class": 1259,
    "pg_proc": 1255,
    "pg_namespace": 2615,
    "pg_database": 1262,
    "pg_publication": 6104,
    "pg_subscription": 6100,
}
_DROPPED: Final = """
select d.id
from lineage.nodes d
where d.id = any ($1::int8[]) and d.dropped_at is not null
"""


def check_stamp(database: Database) -> None:
    """Forget all OIDs if they are from elsewhere: a restored dump, a copied database."""
    row = database.execute(queries.STAMP)[0]
    if row["stamp"] != row["known"]:
        database.execute(_FORGET)
        database.execute(_REMEMBER_STAMP, [row["stamp"]])


def settle(database: Database, things: Sequence[Thing]) -> tuple[dict[Key, int], Settled]:
    """Make the nodes of things say what they are now, under the names of now.

    Returns the nodes' numbers and what changed. Each thing is remembered by
    its OID.
    """
    settled = Settled()
    if not things:
        return {}, settled
    settled.renamed.update(follow(database, [t for t in things if t.node is not None]))
    before = find_nodes(database, [t.facts.key for t in things])
    revived = _ids(database.execute(_DROPPED, [list(before.values())], ["int8[]"]))
    if revived:
        reopen(database, revived)
    ids = ensure_nodes(database, [t.facts for t in things], before)
    settled.added.update(set(ids.values()) - set(before.values()), revived)
    _remember(database, [(ids[t.facts.key], t) for t in things])
    return ids, settled


def _ids(rows: Iterable[dict[str, int]]) -> list[int]:
    return [row["id"] for row in rows]


# -- renames --------------------------------------------------------------------


def follow(database: Database, things: Sequence[Thing]) -> list[int]:
    """Give nodes the names that their objects have now; return those that had others."""
    given = [
        {"n": n, "id": t.node, "name": t.facts.key.name, "column_name": t.facts.key.column_name}
        for n, t in enumerate(things)
    ]
    if not given:
        return []
    rows = database.execute(_RENAMED, [json.dumps(given)], ["jsonb"])
    moved = {row["id"]: things[row["n"]].facts.key for row in rows}
    if not moved:
        return []
    # Who has the name that another gets: gone, only heard of, or moving too.
    occupied = find_nodes(database, moved.values())
    aside = [node for node in occupied.values() if node in moved]
    if aside:
        database.execute(_STEP_ASIDE, [aside], ["int8[]"])
    absorb(
        database,
        [
            (occupied[key], node)
            for node, key in moved.items()
            if key in occupied and occupied[key] not in moved
        ],
    )
    _rename(database, moved)
    return list(moved)


def _rename(database: Database, moved: dict[int, Key]) -> None:
    # Columns last: their relations are their parents.
    for kind in sorted({key.kind for key in moved.values()}, key=lambda kind: kind == "column"):
        chosen = {node: key for node, key in moved.items() if key.kind == kind}
        above = {p for key in chosen.values() if (p := key.parent) is not None}
        parents = ensure_nodes(database, above)
        rows = [
            {
                "id": node,
                "name": key.name,
                "column_name": key.column_name,
                "parent": parents[key.parent] if key.parent else None,
            }
            for node, key in chosen.items()
        ]
        database.execute(_RENAME, [json.dumps(rows)], ["jsonb"])
    database.execute(_RENAME_DROPPED, [list(moved)], ["int8[]"])


_CHILDREN: Final = """
select c.id as from_id, t.id as into_id, p.into_id as parent
from rows from (
    pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])
) p (from_id, into_id)
join lineage.nodes c on c.parent = p.from_id
left join lineage.nodes t on t.parent = p.into_id and t.kind = c.kind
    and t.column_name = c.column_name
"""
_ADOPT: Final = """
update lineage.nodes c
set parent = a.into_id
from rows from (
    pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])
) a (id, into_id)
where c.id = a.id
"""
_RETARGET: Final = """
update lineage.edges e
set @end@ = p.into_id
from rows from (
    pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])
) p (from_id, into_id)
where e.@end@ = p.from_id
  and (
      e.valid_to < 'infinity'
      or not exists (
          select
          from lineage.edges_current o
          where o.from_node = @from@ and o.to_node = @to@
            and o.influence = e.influence and o.transformation = e.transformation
            and o.evidence = e.evidence and o.evidence_node is not distinct from @evidence@
      )
  )
"""
_RETARGETS: Final = tuple(
    _RETARGET.replace("@end@", end)
    .replace("@from@", "p.into_id" if end == "from_node" else "e.from_node")
    .replace("@to@", "p.into_id" if end == "to_node" else "e.to_node")
    .replace("@evidence@", "p.into_id" if end == "evidence_node" else "e.evidence_node")
    for end in ("from_node", "to_node", "evidence_node")
)
_MOVE_TAGS: Final = """
with moved as (
    insert into lineage.tags (node, tag, declared_by, declared_at)
    select p.into_id, t.tag, t.declared_by, t.declared_at
    from rows from (
        pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])
    ) p (from_id, into_id)
    join lineage.tags t on t.node = p.from_id
    on conflict do nothing
    returning node, tag
)
insert into lineage.node_tags (node, tag)
select m.node, m.tag from moved m
on conflict (node, tag) do update set via = null, edge = null
returning node
"""
_SETTLE_TAGS: Final = """
select lineage.tags_settle(array(
    select s.target from lineage.tag_steps s where s.source = any ($1::int8[])
))
"""
_DELETE_EDGES: Final = """
delete from lineage.edges e
where e.from_node = any ($1::int8[]) or e.to_node = any ($1::int8[])
   or e.evidence_node = any ($1::int8[])
"""
_DELETE: Final = "delete from lineage.nodes d where d.id = any ($1::int8[])"


def absorb(database: Database, pairs: Sequence[tuple[int, int]]) -> None:
    """Let nodes take over others: their edges, past and present, their columns and tags.

    A table that gets the name of one that is gone continues it.
    """
    if not pairs:
        return
    args = [[loser for loser, _ in pairs], [winner for _, winner in pairs]]
    types = ["int8[]", "int8[]"]
    children = database.execute(_CHILDREN, args, types)
    absorb(database, [(r["from_id"], r["into_id"]) for r in children if r["into_id"] is not None])
    adopted = [r for r in children if r["into_id"] is None]
    if adopted:
        both = [[r["from_id"] for r in adopted], [r["parent"] for r in adopted]]
        database.execute(_ADOPT, both, types)
    tagged = [row["node"] for row in database.execute(_MOVE_TAGS, args, types)]
    for query in _RETARGETS:
        database.execute(query, args, types)
    database.execute(_DELETE_EDGES, [args[0]], ["int8[]"])
    database.execute(_DELETE, [args[0]], ["int8[]"])
    database.execute(FORGET_NODES, [args[0]], ["int8[]"])
    if tagged:
        database.execute(_SETTLE_TAGS, [tagged], ["int8[]"])


def _remember(database: Database, things: Sequence[tuple[int, Thing]]) -> None:
    rows = json.dumps(
        [
            {
                "node": node,
                "class": CLASSES[thing.catalog],
                "object": thing.oid,
                "attribute": thing.number,
            }
            for node, thing in things
        ]
    )
    database.execute(_REPLACED, [rows], ["jsonb"])
    database.execute(_REMEMBER, [rows], ["jsonb"])
