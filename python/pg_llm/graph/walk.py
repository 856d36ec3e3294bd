"""Parts of the graph: what a walk reaches, with the edges between.

Everything is read through `lineage.visible_nodes` and `lineage.visible_edges`,
which show what the current role may see; `lineage.walk` alone follows edges
through what it may not, and gives numbers. The queries run in functions whose
search_path is the system's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from pg_llm.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pg_llm.database import Database

HIDDEN: Final = "hidden"

_FIND: Final = "select lineage.find_node($1, $2) as id"
_START: Final = "select lineage.start_nodes($1) as ids"
_WALK: Final = """
select w.node, w.level, w.via
from lineage.walk($1, $2, $3, lineage.influences($4), nullif($5, '')::timestamptz, $6) w
"""
_NODES: Final = """
select n.id, n.kind, n.namespace, n.name, n.column_name, n.subtype, n.comment, n.parent,
    n.last_seen,
    lineage.label(n.kind, n.namespace, n.name, n.column_name) as label
from lineage.visible_nodes n
where n.id = any ($1)
"""
# Edges with both ends among the nodes, or at what one of them is a part of.
_EDGES: Final = """
select e.id, e.from_node, e.to_node, e.influence, e.transformation, e.masking, e.expression,
    e.evidence, e.evidence_node, e.confidence
from lineage.visible_edges e
where e.from_node = any ($1)
    and e.to_node = any ($1)
    and e.from_node <> e.to_node
    and e.influence = any ($2)
    and e.valid_from <= coalesce(nullif($3, '')::timestamptz, 'infinity')
    and case when $3 = '' then e.valid_to = 'infinity' else e.valid_to > $3::timestamptz end
order by e.id
"""
_PARTS: Final = """
select n.id, n.parent
from lineage.visible_nodes n
where n.parent = any ($1) and n.kind in ('column', 'field')
"""
_DIRECTIONS: Final = {"upstream": (False,), "downstream": (True,), "both": (False, True)}


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the current role may see it; `label` is how answers call it."""

    id: int
    kind: str
    namespace: str
    name: str
    column_name: str
    label: str
    subtype: str | None = None
    comment: str | None = None
    parent: int | None = None
    last_seen: str | None = None

    @property
    def is_part(self) -> bool:
        """Whether it is a column or a field."""
        return self.kind in ("column", "field")


@dataclass(frozen=True, slots=True)
class Link:
    """An edge; `evidence_node` where the current role may see it."""

    id: int
    source: int
    target: int
    influence: str
    transformation: str
    masking: bool
    expression: str | None
    evidence: str
    evidence_node: int | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by number, and the edges between them."""

    nodes: Mapping[int, Node]
    links: Sequence[Link]


def find(database: Database, name: str, column: str | None = None) -> int:
    """Return the number of the node that a name means to the current role."""
    return int(database.execute(_FIND, [name, column], ["text", "text"])[0]["id"])


def start(database: Database, node: int) -> list[int]:
    """Return where a walk from a node starts: the node and its visible parts."""
    return list(database.execute(_START, [node], ["int8"])[0]["ids"] or [])


def reach(
    database: Database,
    begin: Sequence[int],
    *,
    forward: bool,
    depth: int,
    influence: str,
    at: str | None = None,
    stop: Sequence[int] | None = None,
) -> dict[int, tuple[int, int]]:
    """Return (level, number before) of each node that is reached, seen or hidden."""
    rows = database.execute(
        _WALK,
        [list(begin), forward, depth, influence, at or "", stop],
        ["int8[]", "bool", "int4", "text", "text", "int8[]"],
    )
    return {row["node"]: (row["level"], row["via"]) for row in rows}


def nodes(database: Database, ids: Iterable[int]) -> dict[int, Node]:
    """Return those nodes that the current role may see, by number."""
    rows = database.execute(_NODES, [list(ids)], ["int8[]"])
    return {row["id"]: _node(row) for row in rows}


def links(
    database: Database, ids: Iterable[int], influences: Sequence[str], at: str | None = None
) -> list[Link]:
    """Return the edges between nodes that the current role may see."""
    rows = database.execute(
        _EDGES, [list(ids), list(influences), at or ""], ["int8[]", "text[]", "text"]
    )
    return [_link(row) for row in rows]


def subgraph(
    database: Database,
    name: str,
    column: str | None = None,
    *,
    direction: str = "both",
    depth: int = 10,
    influence: str = "DIRECT",
    at: str | None = None,
) -> Graph:
    """Return what lies around an object: what is seen of it, in one graph.

    Raises `InvalidParameter` for a direction other than upstream, downstream, both.
    """
    if direction not in _DIRECTIONS:
        raise InvalidParameter(
            f'direction must be upstream, downstream or both, and is "{direction}"'
        )
    begin = start(database, find(database, name, column))
    ids = set(begin)
    for forward in _DIRECTIONS[direction]:
        ids |= set(
            reach(database, begin, forward=forward, depth=depth, influence=influence, at=at)
        )
    seen = nodes(database, ids)
    # A whole stands for its parts, and so do its edges.
    seen |= nodes(database, {n.parent for n in seen.values() if n.is_part and n.parent})
    kept = links(database, seen, influences(influence), at)
    ends = {end for link in kept for end in (link.source, link.target)} | set(begin)
    return Graph({i: seen[i] for i in seen if i in ends}, kept)


def influences(influence: str) -> list[str]:
    """Return the influences that a word means; `lineage.walk` has checked it."""
    return ["DIRECT", "INDIRECT"] if influence.upper() == "ALL" else [influence.upper()]


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of a path; a number below zero stands for what is hidden."""

    source: Node
    target: Node
    link: Link | None


def path(
    database: Database,
    source: str,
    target: str,
    *,
    depth: int,
    influence: str,
    at: str | None,
    show_hidden: bool,
) -> list[Step]:
    """Return the steps of a shortest way from one object to another, none where there is none."""
    begin = start(database, find(database, source))
    stop = start(database, find(database, target))
    found = reach(
        database, begin, forward=True, depth=depth, influence=influence, at=at, stop=stop
    )
    ends = [node for node in stop if node in found]
    if not ends:
        return []
    way = [min(ends, key=lambda node: (found[node][0], node))]
    while way[0] in found:
        way.insert(0, found[way[0]][1])
    seen = nodes(database, way)
    named = [seen.get(node) or _hidden(node) for node in way]
    if not show_hidden:
        named = [node for node in named if node.kind != HIDDEN]
    return _steps(database, named, way, influences(influence), at)


def _steps(
    database: Database, named: list[Node], way: list[int], kinds: Sequence[str], at: str | None
) -> list[Step]:
    parents = {n.id: n.parent for n in named if n.is_part and n.parent}
    whole = {n.id for n in named if not n.is_part}
    parts = {r["id"]: r["parent"] for r in database.execute(_PARTS, [list(whole)], ["int8[]"])}
    ids = {n.id for n in named} | set(parents.values()) | set(parts)
    by_ends: dict[tuple[int, int], Link] = {}
    for link in links(database, ids, kinds, at):
        for one in (link.source, parts.get(link.source)):
            for other in (link.target, parts.get(link.target)):
                if one and other:
                    by_ends.setdefault((one, other), link)
    follows = set(pairwise(way))
    return [
        Step(a, b, _between(by_ends, parents, a, b) if (a.id, b.id) in follows else None)
        for a, b in pairwise(named)
    ]


def _between(
    by_ends: Mapping[tuple[int, int], Link], parents: Mapping[int, int], a: Node, b: Node
) -> Link | None:
    for one in (a.id, parents.get(a.id)):
        for other in (b.id, parents.get(b.id)):
            found = by_ends.get((one or 0, other or 0))
            if found is not None:
                return found
    return None


def _node(row: Mapping[str, Any]) -> Node:
    return Node(
        row["id"],
        row["kind"],
        row["namespace"],
        row["name"],
        row["column_name"],
        row["label"],
        row["subtype"],
        row["comment"],
        row["parent"],
        row["last_seen"],
    )


def _hidden(node: int) -> Node:
    return Node(node, HIDDEN, "", HIDDEN, "", HIDDEN)


def _link(row: Mapping[str, Any]) -> Link:
    return Link(
        row["id"],
        row["from_node"],
        row["to_node"],
        row["influence"],
        row["transformation"],
        row["masking"],
        row["expression"],
        row["evidence"],
        row["evidence_node"],
        row["confidence"],
    )
