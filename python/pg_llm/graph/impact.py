"""What hangs on an object: what breaks, what loses its values, what uses it.

Three degrees. What breaks stops working when the object is dropped: views over
it (PostgreSQL refuses the drop, or CASCADE takes them along), functions and
statements that name it. What changes is fed by it, in the end, through
something stored: it goes on working with values that nobody brings any more.
The rest only points at it: a foreign key, a default.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pg_llm.graph import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pg_llm.database import Database

BREAKS: Final = "breaks"
CHANGES: Final = "changes"

_DEPTH: Final = 100
_ALL: Final = ("DIRECT", "INDIRECT", "DEPENDENCY")
# Evidence whose target is computed at each read: it goes with its source.
_COMPUTED: Final = frozenset({"view", "rule", "generated"})
_USES: Final = """
select u.node, u.calls, u.last_use from lineage.uses($1) u
"""
_BODIES: Final = """
select n.id, p.prosqlbody is not null as bound
from lineage.visible_nodes n
join pg_proc p on p.oid = lineage.function_oid(n.name)
where n.id = any ($1) and n.kind = 'function'
"""
_LOGS_READ: Final = "select lineage.logs_read() as read"


@dataclass(slots=True)
class Affected:
    """One object that a change touches."""

    node: walk.Node
    depth: int
    degree: str
    effect: str
    columns: set[str] = field(default_factory=set)
    calls: int | None = None
    last_use: str | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """All that a change touches; `hidden` counts what the role may not see."""

    affected: Sequence[Affected]
    hidden: int
    own_calls: int | None
    own_last_use: str | None
    logs_read: bool


def impact(database: Database, name: str, column: str | None = None) -> Impact:
    """Return what hangs on an object or a column."""
    begin = walk.start(database, walk.find(database, name, column))
    reached = walk.reach(database, begin, forward=True, depth=_DEPTH, influence="all")
    for node, (_, via) in walk.reach(
        database, begin, forward=True, depth=1, influence="DEPENDENCY"
    ).items():
        reached.setdefault(node, (1, via))
    seen = walk.nodes(database, [*begin, *reached])
    seen |= walk.nodes(database, {n.parent for n in seen.values() if n.is_part and n.parent})
    found = walk.links(database, seen, _ALL)
    owners = walk.nodes(database, {e.evidence_node for e in found if e.evidence_node} - set(seen))
    survey = _Survey(seen | owners, found, begin)
    affected = survey.affected({node: level for node, (level, _) in reached.items()})
    _bodies(database, affected)
    own = _use(database, affected, [i for i in begin if i in seen])
    ordered = sorted(affected.values(), key=lambda a: (a.depth, a.degree, a.node.label))
    hidden = sum(1 for node in reached if node not in seen)
    logs_read = bool(database.execute(_LOGS_READ)[0]["read"])
    return Impact(ordered, hidden, *own, logs_read)


class _Survey:
    """Sorts what is reached into objects, by how they are reached."""

    def __init__(
        self, seen: Mapping[int, walk.Node], links: Sequence[walk.Link], begin: Sequence[int]
    ) -> None:
        self._seen = seen
        self._links = links
        self._begin = set(begin)
        self._owners = {self._whole(node) for node in begin if node in seen}

    def affected(self, levels: Mapping[int, int]) -> dict[int, Affected]:
        """Return what is affected, by number of the whole object."""
        gone = self._gone()
        found: dict[int, Affected] = {}
        for node, level in sorted(levels.items(), key=lambda item: item[1]):
            if node in self._seen:
                self._note(found, self._seen[node], level, node in gone)
        self._depending(found)
        self._evidence(found, gone, levels)
        for owner in self._owners - self._internal(found):
            found.pop(owner, None)
        return found

    def _internal(self, found: Mapping[int, Affected]) -> set[int]:
        """Return the object itself where only one column of it was asked for."""
        asked = {self._seen[node].column_name for node in self._begin if node in self._seen}
        return {owner for owner in self._owners if owner in found and found[owner].columns - asked}

    def _whole(self, node: int) -> int:
        parent = self._seen[node].parent if self._seen[node].is_part else None
        return node if parent is None or parent not in self._seen else parent

    def _gone(self) -> set[int]:
        """Return what goes with the object: what is computed from it at each read."""
        gone = set(self._begin)
        todo = deque(gone)
        onward: dict[int, list[walk.Link]] = {}
        for link in self._links:
            if link.evidence in _COMPUTED and link.influence != "DEPENDENCY":
                onward.setdefault(link.source, []).append(link)
        parts: dict[int, list[int]] = {}
        for part in self._seen.values():
            if part.is_part and part.parent:
                parts.setdefault(part.parent, []).append(part.id)
        while todo:
            node = todo.popleft()
            following = [link.target for link in onward.get(node, ())]
            if not self._seen[node].is_part and node not in self._owners:
                following += parts.get(node, [])
            for target in following:
                if target not in gone and target in self._seen:
                    gone.add(target)
                    todo.append(target)
        return gone

    def _note(self, found: dict[int, Affected], node: walk.Node, depth: int, gone: bool) -> None:
        whole = self._seen[self._whole(node.id)]
        degree = BREAKS if gone or whole.kind in ("function", "pattern") else CHANGES
        known = found.setdefault(whole.id, Affected(whole, depth, degree, ""))
        if degree == BREAKS:
            known.degree = BREAKS
        known.effect = _EFFECTS[known.degree].get(sort_of(whole), _EFFECTS[known.degree][""])
        if node.is_part:
            known.columns.add(node.column_name)

    def _depending(self, found: dict[int, Affected]) -> None:
        """Say what points at the object, without data."""
        for link in self._links:
            if link.influence != "DEPENDENCY" or link.source not in self._begin:
                continue
            target = self._seen[link.target]
            known = found.get(self._whole(target.id))
            effect = _DEPENDENCIES.get(link.transformation)
            if known is None or effect is None or known.depth > 1:
                continue
            others = any(
                other.influence != "DEPENDENCY" and self._whole(other.target) == known.node.id
                for other in self._links
            )
            if not others:
                known.degree, known.effect = BREAKS, effect

    def _evidence(
        self, found: dict[int, Affected], gone: set[int], levels: Mapping[int, int]
    ) -> None:
        """Add the statements, jobs and functions that an edge was read from."""
        for link in self._links:
            owner = self._seen.get(link.evidence_node or 0)
            if owner is None or owner.kind not in ("pattern", "job", "function"):
                continue
            if link.source not in levels and link.source not in self._begin:
                continue
            depth = levels.get(link.source, 0) + 1
            breaks = link.source in gone and link.influence != "DEPENDENCY"
            degree = BREAKS if breaks else CHANGES
            known = found.setdefault(owner.id, Affected(owner, depth, degree, ""))
            known.depth = min(known.depth, depth)
            known.degree = BREAKS if breaks else known.degree
            known.effect = _EFFECTS[known.degree].get(sort_of(owner), _EFFECTS[known.degree][""])


_EFFECTS: Final[Mapping[str, Mapping[str, str]]] = {
    BREAKS: {
        "": "DROP is refused; CASCADE drops it",
        "view": "DROP is refused; CASCADE drops it",
        "materialized view": "DROP is refused; CASCADE drops it",
        "table": "DROP is refused; CASCADE drops the generated column",
        "function": "fails at its next call",
        "pattern": "fails at its next run",
        "job": "fails at its next run",
        "dashboard": "fails at its next refresh",
    },
    CHANGES: {
        "": "loses values that it is made of",
        "view": "shows values that are no longer brought up to date",
        "pattern": "works with values that are no longer brought up to date",
        "job": "works with values that are no longer brought up to date",
        "dashboard": "shows values that are no longer brought up to date",
        "function": "works with values that are no longer brought up to date",
    },
}
_DEPENDENCIES: Final = {
    "FOREIGN_KEY": "DROP is refused; CASCADE drops the foreign key",
    "DEFAULT": "DROP is refused; CASCADE drops the default",
    "CALLS": "DROP is refused; CASCADE drops it",
    "TRIGGER": "DROP is refused; CASCADE drops the trigger",
    "PARTITION": "is dropped with it",
    "INHERITANCE": "DROP is refused; CASCADE drops it",
    "REPLICATION": "is replicated no more",
}


def sort_of(node: walk.Node) -> str:
    """Return what sort of thing a node is: view, table, dashboard, or else its kind."""
    if node.kind == "relation":
        return node.subtype or "table"
    return "dashboard" if node.subtype == "dashboard" else node.kind


def _bodies(database: Database, affected: Mapping[int, Affected]) -> None:
    """Tell functions whose body the server has bound: they are not left behind broken."""
    functions = [i for i, a in affected.items() if a.node.kind == "function"]
    if not functions:
        return
    for row in database.execute(_BODIES, [functions], ["int8[]"]):
        found = affected[row["id"]]
        if row["bound"] and found.degree == BREAKS:
            found.effect = "DROP is refused; CASCADE drops it"


def _use(
    database: Database, affected: Mapping[int, Affected], own: Sequence[int]
) -> tuple[int | None, str | None]:
    """Note calls and last use; return those of the object itself."""
    mine: tuple[int | None, str | None] = (None, None)
    for row in database.execute(_USES, [[*affected, *own]], ["int8[]"]):
        known = affected.get(row["node"])
        if known is not None:
            known.calls, known.last_use = row["calls"], row["last_use"]
        if row["node"] in own:
            calls = None if row["calls"] is None else (mine[0] or 0) + row["calls"]
            mine = (calls or mine[0], max(filter(None, (mine[1], row["last_use"])), default=None))
    return mine


# -- verdict --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an object can be dropped, and why."""

    safe: bool | None
    verdict: str
    breaks: int
    changes: int
    hidden: int
    calls: int | None
    last_use: str | None


def verdict(database: Database, name: str, column: str | None = None) -> Verdict:
    """Judge by what the graph knows; None where nothing is known of its use."""
    found = impact(database, name, column)
    breaks = [a for a in found.affected if a.degree == BREAKS]
    changes = [a for a in found.affected if a.degree == CHANGES]
    used = found.own_calls or found.own_last_use
    reasons = [*_counted("breaks", breaks), *_counted("changes", changes)]
    if found.hidden:
        reasons.append(f"{found.hidden} more that you may not see hang on it")
    if found.own_calls:
        reasons.append(f"statements used it {found.own_calls} times")
    calls = [c for a in (*breaks, *changes) if (c := a.calls) is not None]
    last = max(
        filter(None, [found.own_last_use, *(a.last_use for a in found.affected)]), default=None
    )
    total = sum(calls) + (found.own_calls or 0) if calls or found.own_calls else None
    if reasons or used:
        text = "not safe: " + "; ".join(reasons or ["it was used"])
        return Verdict(False, text, len(breaks), len(changes), found.hidden, total, last)
    if not found.logs_read:
        text = "unknown: nothing in the database hangs on it, but no log of statements was read"
        return Verdict(None, text, 0, 0, 0, None, None)
    text = (
        "safe as far as the graph knows: nothing hangs on it, and no statement in the logs used it"
    )
    return Verdict(True, text, 0, 0, 0, None, None)


def _counted(word: str, affected: Iterable[Affected]) -> Iterator[str]:
    """Say how many of what sort: "breaks 4 views and 1 function"."""
    counts: dict[str, int] = {}
    for one in affected:
        sort = _SORTS.get(sort_of(one.node), sort_of(one.node))
        counts[sort] = counts.get(sort, 0) + 1
    if counts:
        parts = [f"{n} {sort}{'s' if n != 1 else ''}" for sort, n in sorted(counts.items())]
        yield f"{word} " + ", ".join(parts[:-1]) + (" and " if parts[1:] else "") + parts[-1]


_SORTS: Final = {"pattern": "statement"}
