"""Nodes and edges, written in sets.

A node is what it is called (`Key`); an edge belongs to a piece of evidence: a
view, a function, a pattern of statements. `replace_evidence` says what a piece
tells now: what is new opens, what is no longer told closes, and what stays is
not touched, so that the history of an edge is that of its evidence.

No row is updated without need: who writes a node holds its row until the end
of the transaction, and others would wait.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pg_llm.graph import masking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pg_llm.database import Database

_BATCH: Final = 5000
T = TypeVar("T")
Node = TypeVar("Node", bound="Key | int | None")


class Key(NamedTuple):
    """What a node is called: see the comments of `lineage.nodes`."""

    kind: str
    namespace: str
    name: str
    column_name: str = ""

    @property
    def parent(self) -> Key | None:
        """What it is part of: a column of its relation, a relation of its schema."""
        if self.kind == "field":
            return Key("dataset", self.namespace, self.name)
        if self.kind == "column":
            # The output of a function has columns too.
            kind = "function" if self.name.endswith(")") else "relation"
            return Key(kind, self.namespace, self.name)
        if self.kind in ("relation", "function"):
            return Key("schema", self.namespace, schema_of(self.name))
        return None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """All that is known of a node: what is None here is cleared there."""

    key: Key
    subtype: str | None = None
    comment: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EdgeFacts:
    """One edge between two nodes, given by what they are called or by number.

    `influence` DIRECT, INDIRECT or DEPENDENCY; `transformation`, `resolver`
    and `confidence` as in `lineage.edges`.
    """

    source: Key | int
    target: Key | int
    influence: str
    transformation: str
    expression: str | None = None
    resolver: str = "analyser"
    confidence: float = 1.0
    masking: bool = False


class Piece(NamedTuple):
    """A piece of evidence: its kind, and the node that it was read from."""

    evidence: str
    node: Key | int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """How many edges were opened and closed."""

    added: int = 0
    closed: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.added + other.added, self.closed + other.closed)


def schema_of(name: str) -> str:
    """Return the schema of a qualified name, quoted as it is there; "" without one."""
    return name[: _dot(name)] if _dot(name) > 0 else ""


def parts_of(name: str) -> tuple[str, str]:
    """Return schema and name of a qualified name as the catalog has them, unquoted."""
    dot = _dot(name)
    return _unquoted(name[:dot]) if dot > 0 else "", _unquoted(name[dot + 1 :])


def _dot(name: str) -> int:
    """Return where the schema ends, -1 for a name without one."""
    if not name.startswith('"'):
        return name.find(".")
    end = name.find('"', 1)
    while name[end + 1 : end + 2] == '"':
        end = name.find('"', end + 2)
    return end + 1 if name[end + 1 : end + 2] == "." else -1


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


# -- nodes --------------------------------------------------------------------

_FIND_NODES: Final = """
select g.n, d.id
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    n pg_catalog.int4,
    kind pg_catalog.text,
    namespace pg_catalog.text,
    name pg_catalog.text,
    column_name pg_catalog.text
)
join lineage.nodes d on d.kind operator(pg_catalog.=) g.kind
    and d.namespace operator(pg_catalog.=) g.namespace
    and d.name operator(pg_catalog.=) g.name
    and d.column_name operator(pg_catalog.=) g.column_name
"""
# In the order of the keys, so that two writers do not wait for each other.
_ADD_NODES: Final = """
insert into lineage.nodes (kind, namespace, name, column_name, parent)
select g.kind, g.namespace, g.name, g.column_name, g.parent
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    kind pg_catalog.text,
    namespace pg_catalog.text,
    name pg_catalog.text,
    column_name pg_catalog.text,
    parent pg_catalog.int8
)
order by g.kind, g.namespace, g.name, g.column_name
on conflict do nothing
"""
_DESCRIBE_NODES: Final = """
update lineage.nodes d
set subtype = g.subtype,
    comment = g.comment,
    properties = g.properties,
    last_seen = pg_catalog.clock_timestamp(),
    dropped_at = null
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    id pg_catalog.int8,
    subtype pg_catalog.text,
    comment pg_catalog.text,
    properties pg_catalog.jsonb
)
where d.id operator(pg_catalog.=) g.id
  and (
      d.dropped_at is not null
      or d.properties operator(pg_catalog.<>) g.properties
      or pg_catalog.concat_ws('|', d.subtype is null, d.subtype, d.comment is null, d.comment)
         operator(pg_catalog.<>)
         pg_catalog.concat_ws('|', g.subtype is null, g.subtype, g.comment is null, g.comment)
  )
"""


def ensure_nodes(
    database: Database,
    facts: Iterable[NodeFacts | Key],
    known: Mapping[Key, int] | None = None,
) -> dict[Key, int]:
    """Return the numbers of nodes, making those that are missing, and their parents.

    A `NodeFacts` is also written down, and says that the node exists (again);
    a `Key` alone leaves an existing node as it is. `known`: what `find_nodes`
    returned for them just now.
    """
    given = list(facts)
    described = {fact.key: fact for fact in given if isinstance(fact, NodeFacts)}
    wanted = dict.fromkeys(fact.key if isinstance(fact, NodeFacts) else fact for fact in given)
    found = dict(find_nodes(database, wanted) if known is None else known)
    missing = [key for key in wanted if key not in found]
    if missing:
        parents = ensure_nodes(database, {p for key in missing if (p := key.parent) is not None})
        found |= _add(database, missing, parents)
    if described:
        _describe(database, {found[key]: fact for key, fact in described.items()})
    return found


def find_nodes(database: Database, keys: Iterable[Key]) -> dict[Key, int]:
    """Return the numbers of the nodes that there are."""
    found: dict[Key, int] = {}
    for batch in _batches(keys):
        rows = [{"n": n, **key._asdict()} for n, key in enumerate(batch)]
        for row in database.execute(_FIND_NODES, [json.dumps(rows)], ["jsonb"]):
            found[batch[row["n"]]] = row["id"]
    return found


def _add(database: Database, missing: list[Key], parents: Mapping[Key, int]) -> dict[Key, int]:
    for batch in _batches(missing):
        rows = [
            {**key._asdict(), "parent": parents[key.parent] if key.parent else None}
            for key in batch
        ]
        database.execute(_ADD_NODES, [json.dumps(rows)], ["jsonb"])
    # Another session may have been first: its row is looked up with a new snapshot.
    return find_nodes(database, missing)


def _describe(database: Database, facts: Mapping[int, NodeFacts]) -> None:
    for batch in _batches(facts.items()):
        rows = [
            {
                "id": node,
                "subtype": fact.subtype,
                "comment": fact.comment,
                "properties": dict(fact.properties),
            }
            for node, fact in sorted(batch, key=lambda item: item[0])
        ]
        database.execute(_DESCRIBE_NODES, [json.dumps(rows)], ["jsonb"])


# -- edges --------------------------------------------------------------------

_EDGE_ROWS: Final = """pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    evidence pg_catalog.text,
    piece pg_catalog.int8,
    source pg_catalog.int8,
    target pg_catalog.int8,
    influence pg_catalog.text,
    transformation pg_catalog.text,
    masking pg_catalog.bool,
    expression pg_catalog.text,
    resolver pg_catalog.text,
    confidence pg_catalog.float4
)"""
_HELD: Final = """
select e.id, e.evidence, e.evidence_node as piece, e.from_node as source, e.to_node as target,
    e.influence, e.transformation, e.masking, e.expression, e.resolver,
    e.confidence::pg_catalog.float8 as confidence
from rows from (
    pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.int8[])
) p (evidence, node)
join lineage.edges_current e on e.evidence operator(pg_catalog.=) p.evidence
    and @piece@
"""
_HELD_BY_PIECE: Final = _HELD.replace("@piece@", "e.evidence_node operator(pg_catalog.=) p.node")
_HELD_UNNAMED: Final = _HELD.replace("@piece@", "e.evidence_node is null and p.node is null")
_NOW: Final = "select pg_catalog.to_jsonb(pg_catalog.clock_timestamp())::pg_catalog.text as now"
_CLOSE: Final = """
update lineage.edges e
set valid_to = greatest(
    ($2::pg_catalog.jsonb operator(pg_catalog.#>>) '{}')::pg_catalog.timestamptz, e.valid_from
)
where e.id operator(pg_catalog.=) any ($1::pg_catalog.int8[])
  and e.valid_to operator(pg_catalog.=) 'infinity'::pg_catalog.timestamptz
"""
_OPEN: Final = f"""
with opened as (
    insert into lineage.edges (
        from_node, to_node, influence, transformation, masking, expression, resolver, confidence,
        evidence, evidence_node, valid_from
    )
    select g.source, g.target, g.influence, g.transformation, g.masking, g.expression, g.resolver,
        g.confidence, g.evidence, g.piece,
        ($2::pg_catalog.jsonb operator(pg_catalog.#>>) '{{}}')::pg_catalog.timestamptz
    from {_EDGE_ROWS}
    on conflict do nothing
    returning evidence
)
select o.evidence, pg_catalog.count(*) as n from opened o group by o.evidence
"""
_FIELDS: Final = ("masking", "expression", "resolver")
_EDGE_KEY: Final = ("evidence", "piece", "source", "target", "influence", "transformation")


def replace_evidence(
    database: Database, evidence: str, evidence_node: Key | int | None, edges: Iterable[EdgeFacts]
) -> Changes:
    """Make the current edges of one piece of evidence exactly these.

    New ones open, those that are gone close, the same ones stay. Of several
    edges with the same ends, influence and transformation the surest is kept.
    """
    return replace_evidences(database, evidence, {evidence_node: edges})


def replace_evidences(
    database: Database, evidence: str, pieces: Mapping[Node, Iterable[EdgeFacts]]
) -> Changes:
    """Do so for many pieces of evidence of one kind, in few statements."""
    mixed = {Piece(evidence, node): edges for node, edges in pieces.items()}
    return sum(replace_pieces(database, mixed).values(), Changes())


def replace_pieces(
    database: Database, pieces: Mapping[Piece, Iterable[EdgeFacts]]
) -> dict[str, Changes]:
    """Do so for pieces of several kinds, and return the changes of each kind."""
    listed = masking.marked(database, pieces)
    ids = _numbers(database, listed)
    changes: dict[str, Changes] = {}
    for batch in _by_size(listed):
        numbered = {Piece(p.evidence, _number(ids, p.node)): listed[p] for p in batch}
        rows = [row for piece, edges in numbered.items() for row in _edge_rows(ids, piece, edges)]
        for evidence, change in _replace(database, list(numbered), rows):
            changes[evidence] = changes.get(evidence, Changes()) + change
    return changes


def add_edges(
    database: Database, evidence: str, evidence_node: Key | int | None, edges: Iterable[EdgeFacts]
) -> int:
    """Open edges beside those that the piece of evidence has; return how many are new."""
    piece = Piece(evidence, evidence_node)
    listed = masking.marked(database, {piece: edges})[piece]
    ids = _numbers(database, {piece: listed})
    rows = _edge_rows(ids, Piece(evidence, _number(ids, evidence_node)), listed)
    now = database.execute(_NOW)[0]["now"]
    return sum(n for batch in _batches(rows) for _, n in _open(database, batch, now))


def close_edges(database: Database, ids: Iterable[int]) -> None:
    """End edges by their numbers."""
    now = database.execute(_NOW)[0]["now"]
    database.execute(_CLOSE, [list(ids), now], ["int8[]", "jsonb"])


def _numbers(database: Database, pieces: Mapping[Piece, Iterable[EdgeFacts]]) -> dict[Key, int]:
    keys: dict[Key, None] = {}
    for piece, edges in pieces.items():
        named = [piece.node, *(end for edge in edges for end in (edge.source, edge.target))]
        keys.update((end, None) for end in named if isinstance(end, Key))
    return ensure_nodes(database, keys) if keys else {}


def _number(ids: Mapping[Key, int], node: Key | int | None) -> int | None:
    return ids[node] if isinstance(node, Key) else node


def _edge_rows(
    ids: Mapping[Key, int], piece: Piece, edges: Iterable[EdgeFacts]
) -> list[dict[str, Any]]:
    best: dict[tuple[int | None, int | None, str, str], EdgeFacts] = {}
    for edge in edges:
        source, target = _number(ids, edge.source), _number(ids, edge.target)
        key = (source, target, edge.influence, edge.transformation)
        if key not in best or best[key].confidence < edge.confidence:
            best[key] = edge
    return [
        {
            "evidence": piece.evidence,
            "piece": piece.node,
            "source": key[0],
            "target": key[1],
            "influence": key[2],
            "transformation": key[3],
            "masking": edge.masking,
            "expression": edge.expression,
            "resolver": edge.resolver,
            "confidence": edge.confidence,
        }
        for key, edge in best.items()
    ]


def _replace(
    database: Database, pieces: list[Piece], rows: list[dict[str, Any]]
) -> Iterator[tuple[str, Changes]]:
    """Close and open what differs; an expression that changes closes one and opens another."""
    wanted = {_edge_key(row): row for row in rows}
    gone: list[dict[str, Any]] = []
    for held in _held(database, pieces):
        row = wanted.get(_edge_key(held))
        if row is not None and _same(held, row):
            del wanted[_edge_key(held)]
        else:
            gone.append(held)
    if gone or wanted:
        now = database.execute(_NOW)[0]["now"]
        if gone:
            database.execute(_CLOSE, [[held["id"] for held in gone], now], ["int8[]", "jsonb"])
        for evidence, n in Counter(held["evidence"] for held in gone).items():
            yield evidence, Changes(0, n)
        for evidence, n in _open(database, list(wanted.values()), now):
            yield evidence, Changes(n)


def _held(database: Database, pieces: list[Piece]) -> Iterator[dict[str, Any]]:
    for query, chosen in (
        (_HELD_BY_PIECE, [p for p in pieces if p.node is not None]),
        (_HELD_UNNAMED, [p for p in pieces if p.node is None]),
    ):
        if chosen:
            args = [[p.evidence for p in chosen], [p.node for p in chosen]]
            yield from database.execute(query, args, ["text[]", "int8[]"])


def _edge_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _EDGE_KEY)


def _same(held: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    # A real has seven digits.
    return abs(held["confidence"] - row["confidence"]) < 1e-6 and all(
        held[name] == row[name] for name in _FIELDS
    )


def _open(database: Database, rows: list[dict[str, Any]], now: str) -> list[tuple[str, int]]:
    if not rows:
        return []
    found = database.execute(_OPEN, [json.dumps(rows), now], ["jsonb", "jsonb"])
    return [(row["evidence"], row["n"]) for row in found]


# -- batches ------------------------------------------------------------------


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _by_size(pieces: Mapping[Piece, list[EdgeFacts]]) -> Iterator[list[Piece]]:
    """Yield pieces of evidence that together have about as many edges as a batch."""
    batch: list[Piece] = []
    size = 0
    for piece, edges in pieces.items():
        batch.append(piece)
        size += len(edges) + 1
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
