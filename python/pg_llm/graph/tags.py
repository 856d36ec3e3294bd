"""Tags of columns: declared, and inherited along the graph.

What each node carries stands in `lineage.node_tags`, which triggers keep in
line with the edges (`lineage.tags_propagate`). A tag travels along DIRECT
edges; not through masking, and through an aggregation, unless its rule says
otherwise.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter
from pg_llm.graph import masking, walk
from pg_llm.lineage import analyser
from pg_llm.lineage.edges import Influence, Transformation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pg_llm.database import Database

_MAX_TAG: Final = 63

_DECLARE: Final = """
insert into lineage.tags (node, tag, declared_by)
select $1, u.tag, coalesce(nullif(current_setting('role'), 'none'), session_user)
from unnest($2::text[]) u (tag)
on conflict do nothing
"""
_ROOT: Final = """
insert into lineage.node_tags (node, tag)
select $1, u.tag
from unnest($2::text[]) u (tag)
on conflict (node, tag) do update set via = null, edge = null
"""
_TAGS_AT: Final = "select count(*) as n from lineage.tags t where t.node = $1 and t.tag = any ($2)"
_COLUMN_AMONG: Final = """
select r.name, c.column_name
from lineage.nodes r
join lineage.nodes c on c.namespace = r.namespace and c.name = r.name and c.kind = 'column'
where r.id = $1 and r.kind = 'relation' and c.column_name = any ($2)
limit 1
"""
_WITHDRAW: Final = "delete from lineage.tags t where t.node = $1 and t.tag = any ($2)"
# Rooted no more: its reason is now an edge that there is not.
_UPROOT: Final = """
update lineage.node_tags t
set via = t.node, edge = null
where t.node = $1 and t.tag = any ($2) and t.via is null
"""
_LOCK: Final = "select pg_advisory_xact_lock(hashtext('lineage.node_tags'), 0)"
_PROPAGATE: Final = "select lineage.tags_propagate($1) as n"
# What was declared has a reason of its own again, children of which follow.
_DOWN: Final = """
select array_agg(distinct s.target) as ids
from lineage.tag_steps s
where s.source = $1
"""
_RULE: Final = """
insert into lineage.tag_rules (tag, through_aggregation, through_masking)
values ($1, $2, $3)
on conflict (tag) do update
set through_aggregation = excluded.through_aggregation, through_masking = excluded.through_masking
"""
_CARRIERS: Final = """
select array_agg(distinct x.id) as ids
from (
    select t.node as id from lineage.node_tags t where t.tag = $1
    union all
    select s.target
    from lineage.node_tags t
    join lineage.tag_steps s on s.source = t.node
    where t.tag = $1
) x
"""
_OF: Final = "select t.node, t.tag from lineage.tags_of($1) t"
_COLUMN_TAGS: Final = "select t.n, t.tag from lineage.column_tags($1, $2) t"
_RULES: Final = "select r.tag, r.through_aggregation, r.through_masking from lineage.tag_rules r"
_TAG_WALK: Final = (
    "select w.node, w.via, w.declared from lineage.tag_walk($1, $2) w order by w.level"
)
_DECLARED: Final = "select d.node, d.tag from lineage.declared_tags() d"
_VIEW: Final = """
select c.oid::int8 as oid
from pg_class c
where c.oid = to_regclass($1) and c.relkind in ('v', 'm')
"""
# A column that the graph has not heard of has the tags of its relation.
_FIND_COLUMNS: Final = """
select distinct on (g.n) g.n, v.id
from rows from (unnest($1::text[]), unnest($2::text[]))
    with ordinality g (relation, column_name, n)
join lineage.nodes v on v.namespace = ''
    and v.name = g.relation
    and (
        v.kind = 'column' and v.column_name = g.column_name
        or v.kind = 'relation' and v.column_name = ''
    )
order by g.n, v.column_name = '', v.id
"""
_SET_MASKING: Final = """
insert into lineage.masking_functions (name, masks)
values ($1, $2)
on conflict (name) do update set masks = excluded.masks
"""
_MARKED_EDGES: Final = """
select e.id, e.expression, e.masking, n.column_name
from lineage.edges_current e
join lineage.nodes n on n.id = e.from_node
where e.influence = 'DIRECT'
    and e.resolver in ('analyser', 'parser')
    and position(lower($1) in lower(e.expression)) > 0
"""
_MARK: Final = """
update lineage.edges e
set masking = $2
where e.id = any ($1) and e.valid_to = 'infinity'
"""


def check(tags: Iterable[str | None]) -> list[str]:
    """Return tags, each once. Raises `InvalidParameter` for what is none."""
    found: dict[str, None] = {}
    for tag in tags:
        if tag is None or not tag or tag != tag.strip() or "\n" in tag or len(tag) > _MAX_TAG:
            raise InvalidParameter(
                "a tag is 1 to 63 characters on one line, without white space at its ends"
                + ("" if tag is None else f', and not "{tag[:80]}"')
            )
        found[tag] = None
    return list(found)


def _refuse_column(database: Database, node: int, tags: Sequence[str], caller: str) -> None:
    """Refuse (relation, column, tag): the whole relation would get both as tags.

    Raises `InvalidParameter`. A single tag may be called like a column.
    """
    if len(tags) < 2:
        return
    for row in database.execute(_COLUMN_AMONG, [node, list(tags)], ["int8", "text[]"]):
        name, column = row["name"], row["column_name"]
        raise InvalidParameter(
            f'"{column}" is a column of {name}, and every argument after the first is a tag',
            hint=f"The column: {caller}('{name}.{column}', …). A tag of this name: alone.",
        )


def declare(database: Database, node: int, tags: Sequence[str]) -> int:
    """Tag a node, and what is made of it; return how many tags are new there.

    Raises `InvalidParameter` where one of several tags is a column of the relation.
    """
    _refuse_column(database, node, tags, "lineage_tag")
    database.execute(_LOCK)
    before = _count(database, node, tags)
    database.execute(_DECLARE, [node, list(tags)], ["int8", "text[]"])
    database.execute(_ROOT, [node, list(tags)], ["int8", "text[]"])
    _propagate(database, database.execute(_DOWN, [node], ["int8"])[0]["ids"])
    return _count(database, node, tags) - before


def withdraw(database: Database, node: int, tags: Sequence[str]) -> int:
    """Take tags back; return how many were declared there. Raises as `declare`."""
    _refuse_column(database, node, tags, "lineage_untag")
    database.execute(_LOCK)
    before = _count(database, node, tags)
    database.execute(_WITHDRAW, [node, list(tags)], ["int8", "text[]"])
    database.execute(_UPROOT, [node, list(tags)], ["int8", "text[]"])
    _propagate(database, [node])
    return before


def rule(database: Database, tag: str, *, aggregation: bool, through_masking: bool) -> None:
    """Say how a tag travels, and let it."""
    database.execute(_LOCK)
    database.execute(_RULE, [tag, aggregation, through_masking], ["text", "bool", "bool"])
    _propagate(database, database.execute(_CARRIERS, [tag])[0]["ids"])


def _count(database: Database, node: int, tags: Sequence[str]) -> int:
    return int(database.execute(_TAGS_AT, [node, list(tags)], ["int8", "text[]"])[0]["n"])


def _propagate(database: Database, nodes: Sequence[int] | None) -> None:
    if nodes:
        database.execute(_PROPAGATE, [list(nodes)], ["int8[]"])


# -- reading ----------------------------------------------------------------------


def tags_of(database: Database, nodes: Sequence[int]) -> dict[int, list[str]]:
    """Return the tags that nodes carry, by number."""
    found: dict[int, list[str]] = {}
    for row in database.execute(_OF, [list(nodes)], ["int8[]"]):
        found.setdefault(row["node"], []).append(row["tag"])
    return {node: sorted(tags) for node, tags in found.items()}


def column_tags(
    database: Database, columns: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], frozenset[str]]:
    """Return the tags of columns, given as (relation, column); those without any are missing.

    The relation is spelled `schema.name`, quoted where PostgreSQL quotes; the
    column is not quoted. For any role: a view tells what its columns carry even
    to whom its tables are closed.
    """
    args = [[relation for relation, _ in columns], [column for _, column in columns]]
    found: dict[tuple[str, str], set[str]] = {}
    for row in database.execute(_COLUMN_TAGS, args, ["text[]", "text[]"]):
        found.setdefault(columns[row["n"] - 1], set()).add(row["tag"])
    return {column: frozenset(tags) for column, tags in found.items()}


def carried(
    database: Database, columns: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], set[str]]:
    """Return what `column_tags` does, with rights on the graph.

    A view is followed through its definition of now as well as through the
    graph, which may not have heard of it yet.
    """
    behind: dict[tuple[str, str], list[_Source]] = {}
    views: dict[str, bool] = {}
    todo = deque(columns)
    while todo:
        relation, _ = column = todo.popleft()
        if column in behind:
            continue
        behind[column] = []
        if relation not in views:
            views[relation] = True
            for target, source in _view_sources(database, relation):
                behind.setdefault((relation, target), []).append(source)
                todo.append(source.column)
    tags = _by_name(database, list(behind))
    rules = _rules(database)
    # Views cannot be circular: as many rounds as they are deep.
    changed = True
    while changed:
        changed = False
        for column, sources in behind.items():
            held = tags.setdefault(column, set())
            new = {t for s in sources for t in tags.get(s.column, ()) if s.lets(rules.get(t))}
            changed = changed or not new <= held
            held |= new
    return {column: tags[column] for column in columns if tags.get(column)}


@dataclass(frozen=True, slots=True)
class _Rule:
    aggregation: bool = True
    masking: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """A column that a view's column is made of, and how."""

    column: tuple[str, str]
    aggregated: bool
    masked: bool

    def lets(self, rule: _Rule | None) -> bool:
        """Tell whether a tag of this rule travels."""
        rule = rule or _Rule()
        return (rule.aggregation or not self.aggregated) and (rule.masking or not self.masked)


def _rules(database: Database) -> dict[str, _Rule]:
    return {
        row["tag"]: _Rule(row["through_aggregation"], row["through_masking"])
        for row in database.execute(_RULES)
    }


def _view_sources(database: Database, relation: str) -> Iterator[tuple[str, _Source]]:
    rows = database.execute(_VIEW, [relation])
    if not rows:
        return
    known = masking.functions(database)
    for edge in analyser.relation_edges(database, rows[0]["oid"]):
        if edge.target_column and edge.source_relation and edge.source_column:
            if edge.influence != Influence.DIRECT:
                continue
            yield (
                edge.target_column,
                _Source(
                    (edge.source_relation, edge.source_column),
                    edge.transformation == Transformation.AGGREGATION,
                    masking.is_masked(edge.expression, edge.source_column, known),
                ),
            )


def _by_name(
    database: Database, columns: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], set[str]]:
    args = [[relation for relation, _ in columns], [column for _, column in columns]]
    rows = database.execute(_FIND_COLUMNS, args, ["text[]", "text[]"])
    ids = {columns[row["n"] - 1]: row["id"] for row in rows}
    found = tags_of(database, [row["id"] for row in rows])
    return {column: set(found[i]) for column, i in ids.items() if i in found}


@dataclass(frozen=True, slots=True)
class Carried:
    """A tag that a node carries: where it was declared, and the way from there."""

    node: walk.Node
    tag: str
    declared: bool
    source: walk.Node | None
    path: list[str]


def evidence(database: Database, node: int, *, show_hidden: bool) -> list[Carried]:
    """Return the tags of a node and of its parts, one for each source."""
    seen = walk.nodes(database, walk.start(database, node))
    return [
        found
        for carrier, names in tags_of(database, list(seen)).items()
        for tag in names
        for found in _sources(database, seen[carrier], tag, show_hidden)
    ]


def _sources(
    database: Database, node: walk.Node, tag: str, show_hidden: bool
) -> Iterator[Carried]:
    rows = database.execute(_TAG_WALK, [[node.id], tag], ["int8[]", "text"])
    via = {row["node"]: row["via"] for row in rows}
    sources = [row["node"] for row in rows if row["declared"]]
    ways = {source: _way(via, source) for source in sources}
    named = walk.nodes(database, {n for way in ways.values() for n in way})
    for source, way in ways.items():
        labels = [named[n].label if n in named else walk.HIDDEN for n in way]
        if not show_hidden:
            labels = [label for n, label in zip(way, labels, strict=True) if n in named]
        yield Carried(node, tag, source == node.id, named.get(source), labels)


def _way(via: Mapping[int, int | None], source: int) -> list[int]:
    way = [source]
    while (following := via[way[-1]]) is not None:
        way.append(following)
    return way


def declared(database: Database) -> list[tuple[walk.Node, str]]:
    """Return every declared tag whose object the current role may see."""
    rows = database.execute(_DECLARED)
    named = walk.nodes(database, {row["node"] for row in rows})
    found = [(named[row["node"]], row["tag"]) for row in rows if row["node"] in named]
    return sorted(found, key=lambda pair: (pair[0].label, pair[1]))


def set_masking(database: Database, function: str, masks: bool) -> int:
    """Declare a masking function; mark the current edges anew and return how many changed."""
    database.execute(_SET_MASKING, [function, masks], ["text", "bool"])
    known = masking.functions(database)
    changed: dict[bool, list[int]] = {True: [], False: []}
    for row in database.execute(_MARKED_EDGES, [function.rpartition(".")[2]]):
        now = masking.is_masked(row["expression"], row["column_name"], known)
        if now != row["masking"]:
            changed[now].append(row["id"])
    for now, ids in changed.items():
        if ids:
            database.execute(_MARK, [ids, now], ["int8[]", "bool"])
    return sum(map(len, changed.values()))
