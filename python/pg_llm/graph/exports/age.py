"""The graph as a graph of Apache AGE, so that Cypher works on it.

Vertices have the kind of their node as label (Relation, Column, …), edges
their influence, and PART_OF leads from a column to its relation. AGE keeps a
label as a table, whose identifiers are the label's number and one of ours: so
vertex and node, edge and edge have the same number, and what changed since the
last time is written by plain SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.errors import FeatureNotSupported, InvalidParameter

if TYPE_CHECKING:
    from pg_llm.database import Database

_KINDS: Final = {
    "database": "Database",
    "schema": "Schema",
    "relation": "Relation",
    "column": "Column",
    "function": "Function",
    "pattern": "Statement",
    "job": "Job",
    "dataset": "Dataset",
    "field": "Field",
}
_INFLUENCES: Final = ("DIRECT", "INDIRECT", "DEPENDENCY")
_PART_OF: Final = "PART_OF"

_INSTALLED: Final = """
select exists (select from pg_extension where extname = 'age') as created,
    exists (select from pg_available_extensions where name = 'age') as available
"""
_STATE: Final = """
select exists (select from lineage.age_graphs g where g.graph = $1) as ours,
    exists (select from ag_catalog.ag_graph g where g.name = $1::name) as there
"""
_LABELS: Final = """
select l.name::text as name, l.id
from ag_catalog.ag_label l
join ag_catalog.ag_graph g on g.graphid = l.graph
where g.name = $1::name
"""
_MAKE_LABEL: Final = "select format('select ag_catalog.%I(%L, %L)', $1, $2, $3) as statement"
_MARK: Final = """
insert into lineage.age_graphs (graph, projected_until)
values ($1, $2::timestamptz)
on conflict (graph) do update set projected_until = excluded.projected_until
"""
_UNTIL: Final = """
select g.projected_until::text as since, lineage.oldest_start()::text as now
from (values ($1)) v (graph)
left join lineage.age_graphs g on g.graph = v.graph
"""
_VERTEX: Final = """
select ag_catalog._graphid({label}, n.id) as id,
    jsonb_build_object(
        'name', n.name, 'column', n.column_name, 'label',
        lineage.label(n.kind, n.namespace, n.name, n.column_name), 'namespace', n.namespace,
        'type', coalesce(n.subtype, ''), 'comment', coalesce(n.comment, '')
    )::text::ag_catalog.agtype as properties
from lineage.nodes n
where n.kind = '{kind}' and n.dropped_at is null
"""
_DROP_VERTICES: Final = """
delete from {table} v
where not exists (select from ({wanted}) w where w.id operator(ag_catalog.=) v.id)
"""
_CHANGE_VERTICES: Final = """
update {table} v set properties = w.properties
from ({wanted}) w
where w.id operator(ag_catalog.=) v.id and v.properties operator(ag_catalog.<>) w.properties
"""
_ADD_VERTICES: Final = """
insert into {table} (id, properties)
select w.id, w.properties from ({wanted}) w
where not exists (select from {table} v where v.id operator(ag_catalog.=) w.id)
"""
# What was closed since, and edges whose vertex is gone.
_DROP_EDGES: Final = """
delete from {table} a
where a.id operator(ag_catalog.=) any (
    select ag_catalog._graphid({label}, e.id)
    from lineage.edges e
    where e.influence = '{influence}'
        and e.valid_to >= $1::timestamptz
        and e.valid_to < 'infinity'
)
"""
_ADD_EDGES: Final = """
insert into {table} (id, start_id, end_id, properties)
select ag_catalog._graphid({label}, e.id),
    ag_catalog._graphid({start}, f.id),
    ag_catalog._graphid({end}, t.id),
    jsonb_build_object(
        'transformation', e.transformation, 'masking', e.masking, 'evidence', e.evidence,
        'expression', coalesce(e.expression, ''), 'confidence', e.confidence,
        'resolver', e.resolver
    )::text::ag_catalog.agtype
from lineage.edges_current e
join lineage.nodes f on f.id = e.from_node and f.dropped_at is null
join lineage.nodes t on t.id = e.to_node and t.dropped_at is null
where e.influence = '{influence}'
    and (
        e.valid_from >= $1::timestamptz
        or f.last_seen >= $1::timestamptz
        or t.last_seen >= $1::timestamptz
    )
    and not exists (
        select from {table} a
        where a.id operator(ag_catalog.=) ag_catalog._graphid({label}, e.id)
    )
"""
_ORPHANS: Final = """
delete from {table} a
where a.id operator(ag_catalog.=) any (
    select ag_catalog._graphid({label}, e.id)
    from lineage.edges_current e
    join lineage.nodes n on n.id in (e.from_node, e.to_node)
    where e.influence = '{influence}' and n.dropped_at is not null
)
"""
_DROP_PARTS: Final = """
delete from {table} a
where a.id operator(ag_catalog.=) any (
    select ag_catalog._graphid({label}, n.id)
    from lineage.nodes n
    where n.dropped_at is not null
)
"""
_ADD_PARTS: Final = """
insert into {table} (id, start_id, end_id, properties)
select ag_catalog._graphid({label}, n.id),
    ag_catalog._graphid({start}, n.id),
    ag_catalog._graphid({end}, p.id),
    '{{}}'::ag_catalog.agtype
from lineage.nodes n
join lineage.nodes p on p.id = n.parent and p.dropped_at is null
where n.dropped_at is null
    and not exists (
        select from {table} a
        where a.id operator(ag_catalog.=) ag_catalog._graphid({label}, n.id)
    )
"""


@dataclass(frozen=True, slots=True)
class Projected:
    """What was written: vertices and edges added, changed and taken away."""

    added: int
    changed: int
    removed: int


def project(database: Database, graph: str) -> Projected:
    """Make a graph of AGE what the lineage graph is now.

    Raises `FeatureNotSupported` without AGE, `InvalidParameter` for a graph of
    that name that is somebody else's.
    """
    _require(database)
    state = database.execute(_STATE, [graph])[0]
    if state["there"] and not state["ours"]:
        raise InvalidParameter(
            f'graph "{graph}" exists and was not made by lineage_to_age',
            hint="Give another name.",
        )
    times = database.execute(_UNTIL, [graph])[0]
    since = times["since"] if state["there"] else None
    if not state["there"]:
        database.execute("select ag_catalog.create_graph($1::name)", [graph])
    writer = _Writer(database, graph, _labels(database, graph))
    written = writer.write(since or "-infinity")
    database.execute(_MARK, [graph, times["now"]])
    return written


def _require(database: Database) -> None:
    found = database.execute(_INSTALLED)[0]
    if found["created"]:
        return
    raise FeatureNotSupported(
        "lineage_to_age needs the extension age (Apache AGE), which this database does not have",
        hint="CREATE EXTENSION age."
        if found["available"]
        else "Install Apache AGE on the server (Debian: postgresql-<major>-age), then "
        "CREATE EXTENSION age. "
        "lineage_to_mermaid, lineage_to_dot and lineage_to_json need nothing.",
    )


def _labels(database: Database, graph: str) -> dict[str, int]:
    """Return the numbers of the labels, making those that are missing."""
    found = {row["name"]: row["id"] for row in database.execute(_LABELS, [graph])}
    wanted = dict.fromkeys(_KINDS.values(), "create_vlabel")
    wanted |= dict.fromkeys((*_INFLUENCES, _PART_OF), "create_elabel")
    for label, maker in wanted.items():
        if label not in found:
            # Literals: the arguments are of type name or cstring, by AGE's version.
            made = database.execute(_MAKE_LABEL, [maker, graph, label])[0]["statement"]
            database.execute(made)
    return {row["name"]: row["id"] for row in database.execute(_LABELS, [graph])}


class _Writer:
    def __init__(self, database: Database, graph: str, labels: dict[str, int]) -> None:
        self._database = database
        self._labels = labels
        rows = database.execute(
            "select l.name::text as name, l.relation::regclass::text as relation "
            "from ag_catalog.ag_label l join ag_catalog.ag_graph g on g.graphid = l.graph "
            "where g.name = $1::name",
            [graph],
        )
        self._tables = {row["name"]: row["relation"] for row in rows}

    def write(self, since: str) -> Projected:
        """Write what changed since a time."""
        removed = sum(self._edges(_DROP_EDGES, i, [since]) for i in _INFLUENCES)
        removed += sum(self._edges(_ORPHANS, i) for i in _INFLUENCES)
        removed += self._run(_DROP_PARTS, table=_PART_OF)
        added = changed = 0
        for kind, label in _KINDS.items():
            wanted = _VERTEX.format(label=self._labels[label], kind=kind)
            removed += self._run(_DROP_VERTICES, table=label, wanted=wanted)
            changed += self._run(_CHANGE_VERTICES, table=label, wanted=wanted)
            added += self._run(_ADD_VERTICES, table=label, wanted=wanted)
        added += sum(self._edges(_ADD_EDGES, i, [since]) for i in _INFLUENCES)
        added += self._run(_ADD_PARTS, table=_PART_OF, start=self._of("n"), end=self._of("p"))
        return Projected(added, changed, removed)

    def _of(self, node: str) -> str:
        """Return SQL for the number of the label that a node has."""
        cases = " ".join(
            f"when '{kind}' then {self._labels[label]}" for kind, label in _KINDS.items()
        )
        return f"case {node}.kind {cases} end"

    def _edges(self, query: str, influence: str, args: list[str] | None = None) -> int:
        return self._run(
            query,
            args,
            table=influence,
            influence=influence,
            start=self._of("f"),
            end=self._of("t"),
        )

    def _run(self, query: str, args: list[str] | None = None, *, table: str, **parts: str) -> int:
        statement = query.format(
            table=self._tables[table], **{"label": self._labels[table], **parts}
        )
        counted = f"with done as ({statement} returning 1) select count(*) as n from done"
        return int(self._database.execute(counted, args or ())[0]["n"])
