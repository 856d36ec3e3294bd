"""Questions to the whole graph: circles, what nothing uses, what changed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pg_llm.errors import InvalidParameter
from pg_llm.graph import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pg_llm.database import Database

_SUCCESSORS: Final = "select s.node, s.targets from lineage.successors() s"
_DIFF: Final = """
with d as (
    select e.*, row_number() over (
        partition by e.from_node, e.to_node, e.influence, e.transformation, e.evidence,
            e.evidence_node, e.stands
        order by e.valid_from desc
    ) as newest
    from (
        select v.*, v.valid_from > $1::timestamptz as stands
        from lineage.visible_edges v
        where v.valid_from > $1::timestamptz
                and v.valid_from <= $2::timestamptz
                and v.valid_to > $2::timestamptz
            or v.valid_to > $1::timestamptz
                and v.valid_to <= $2::timestamptz
                and v.valid_from <= $1::timestamptz
    ) e
), sides as (
    select coalesce(a.from_node, b.from_node) as from_node,
        coalesce(a.to_node, b.to_node) as to_node,
        coalesce(a.influence, b.influence) as influence,
        coalesce(a.transformation, b.transformation) as transformation,
        coalesce(a.expression, b.expression) as expression,
        coalesce(a.evidence, b.evidence) as evidence,
        case when b.id is null then 'added' when a.id is null then 'removed' else 'changed' end
            as change,
        case when a.id is null then b.valid_to else a.valid_from end as changed_at,
        a.id is not null and b.id is not null
            and a.expression is not distinct from b.expression and a.masking = b.masking as same
    from (select * from d where d.stands and d.newest = 1) a
    full join (select * from d where not d.stands and d.newest = 1) b
        on b.from_node = a.from_node and b.to_node = a.to_node and b.influence = a.influence
        and b.transformation = a.transformation and b.evidence = a.evidence
        and b.evidence_node is not distinct from a.evidence_node
)
select s.change, f.name as source, nullif(f.column_name, '') as source_column,
    t.name as target, nullif(t.column_name, '') as target_column,
    s.influence, s.transformation, s.expression, s.evidence, s.changed_at
from sides s
join lineage.visible_nodes f on f.id = s.from_node
join lineage.visible_nodes t on t.id = s.to_node
where not s.same
order by s.changed_at, t.name collate "C", t.column_name collate "C", f.name collate "C",
    f.column_name collate "C", s.transformation
"""
_TIMES: Final = """
select $1::timestamptz <= coalesce($2::timestamptz, clock_timestamp()) as ordered,
    coalesce($2::timestamptz, clock_timestamp())::text as until
"""
_RELATIONS: Final = """
select n.id, coalesce(n.subtype, n.kind) as kind, n.name
from lineage.visible_nodes n
where n.kind = 'relation' and n.namespace = '' and n.dropped_at is null
    and n.subtype is distinct from 'sequence'
order by n.name collate "C"
"""
_UNUSED: Final = """
select u.node, u.last_use, u.feeds, u.used
from lineage.relation_uses($1, $2) u
"""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Nodes that all lead to each other: how many, and a shortest circle through one."""

    members: int
    path: list[walk.Node]


def cycles(database: Database) -> list[Cycle]:
    """Return the circles along DIRECT edges that the current role sees in whole."""
    onward = {row["node"]: row["targets"] for row in database.cursor(_SUCCESSORS, batch=10_000)}
    found = []
    for component in components(onward):
        circle = _circle(onward, set(component))
        named = walk.nodes(database, circle)
        if all(node in named for node in circle):
            found.append(Cycle(len(component), [named[node] for node in circle]))
    return sorted(found, key=lambda cycle: (-cycle.members, cycle.path[0].label))


def components(onward: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Yield the strongly connected parts of more than one node.

    R. Tarjan, Depth-first search and linear graph algorithms (1972), with a
    stack of its own instead of recursion.
    """
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    for root in onward:
        if root in number:
            continue
        work = [(root, iter(onward.get(root, ())))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(onward.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    component = _unstack(stack, on_stack, node)
                    if len(component) > 1:
                        yield component


def _unstack(stack: list[int], on_stack: set[int], root: int) -> list[int]:
    component = []
    while True:
        node = stack.pop()
        on_stack.discard(node)
        component.append(node)
        if node == root:
            return component


def _circle(onward: Mapping[int, Sequence[int]], component: set[int]) -> list[int]:
    """Return a shortest circle through the component's first node, which stands at both ends."""
    first = min(component)
    via: dict[int, int] = {}
    todo = deque([first])
    while first not in via:
        node = todo.popleft()
        for target in onward.get(node, ()):
            if target in component and target not in via and target != node:
                via[target] = node
                todo.append(target)
    circle = [first]
    while len(circle) == 1 or circle[0] != first:
        circle.insert(0, via[circle[0]])
    return circle


@dataclass(frozen=True, slots=True)
class Unused:
    """A relation that nothing has used, since when, and how many that are made of it."""

    kind: str
    name: str
    last_use: str | None
    feeds: int
    reason: str


def unused(database: Database, days: int) -> list[Unused]:
    """Return the relations that nothing has used for so many days."""
    if days < 0:
        raise InvalidParameter(f"days must be 0 or more, and is {days}")
    relations = {row["id"]: row for row in database.execute(_RELATIONS)}
    uses = database.execute(_UNUSED, [list(relations), days], ["int8[]", "int4"])
    return [
        Unused(
            relations[row["node"]]["kind"],
            relations[row["node"]]["name"],
            row["last_use"],
            row["feeds"],
            _reason(row, days),
        )
        for row in uses
        if not row["used"]
    ]


def _reason(row: Mapping[str, Any], days: int) -> str:
    last = "no use is known" if row["last_use"] is None else f"not used for {days} days"
    made = row["feeds"]
    return last + (
        f", nor the {made} relation{'s' if made != 1 else ''} made of it" if made else ""
    )


def diff(database: Database, since: str, until: str | None) -> list[dict[str, Any]]:
    """Return the edges that differ between two times."""
    times = database.execute(_TIMES, [since, until])[0]
    if not times["ordered"]:
        raise InvalidParameter(
            "the second time must not be before the first", hint="lineage_diff(since, until)"
        )
    return database.execute(_DIFF, [since, times["until"]])
