"""Reception for `sql/graph_questions.sql`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.errors import InvalidParameter
from pg_llm.graph import events, impact, survey, tags, walk
from pg_llm.graph.exports import drawing, openlineage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database

    Row = tuple[Any, ...]

_SHOWS_HIDDEN = "select lineage.shows_hidden() as show"


@reception
def lineage_path(
    database: Database,
    source: str | None,
    target: str | None,
    max_depth: int | None,
    influence: str | None,
    at: str | None,
) -> list[Row]:
    """Return the steps of a shortest way."""
    steps = walk.path(
        database,
        _given(source, "source"),
        _given(target, "target"),
        depth=max_depth if max_depth is not None else 0,
        influence=_given(influence, "influence"),
        at=at,
        show_hidden=_shows_hidden(database),
    )
    owners = {s.link.evidence_node for s in steps if s.link and s.link.evidence_node}
    named = walk.nodes(database, owners)
    return [
        (number, *_ends(step), *_link(step.link, named)) for number, step in enumerate(steps, 1)
    ]


def _ends(step: walk.Step) -> Row:
    return (
        step.source.name,
        step.source.column_name or None,
        step.target.name,
        step.target.column_name or None,
    )


def _link(link: walk.Link | None, named: dict[int, walk.Node]) -> Row:
    if link is None:
        return (None, None, None, None, walk.HIDDEN, None, None)
    owner = named.get(link.evidence_node or 0)
    return (
        link.influence,
        link.transformation,
        link.masking,
        link.expression,
        link.evidence,
        owner and owner.label,
        link.confidence,
    )


@reception
def lineage_impact(database: Database, name: str | None, column: str | None) -> list[Row]:
    """Return what a change of an object touches."""
    return [
        (
            impact.sort_of(a.node),
            a.node.label,
            sorted(a.columns) or None,
            a.effect,
            a.depth,
            a.calls,
            a.last_use,
        )
        for a in impact.impact(database, _given(name, "object"), column).affected
    ]


@reception
def lineage_drop_verdict(database: Database, name: str | None, column: str | None) -> list[Row]:
    """Judge whether an object can be dropped."""
    found = impact.verdict(database, _given(name, "object"), column)
    return [
        (
            found.safe,
            found.verdict,
            found.breaks,
            found.changes,
            found.hidden,
            found.calls,
            found.last_use,
        )
    ]


@reception
def lineage_unused(database: Database, days: int | None) -> list[Row]:
    """Return relations that nothing uses."""
    if days is None:
        raise InvalidParameter("days must not be null")
    return [(u.kind, u.name, u.last_use, u.feeds, u.reason) for u in survey.unused(database, days)]


@reception
def lineage_cycles(database: Database) -> list[Row]:
    """Return circles of data."""
    return [
        (number, cycle.members, [node.label for node in cycle.path])
        for number, cycle in enumerate(survey.cycles(database), 1)
    ]


@reception
def lineage_diff(database: Database, since: str | None, until: str | None) -> list[Row]:
    """Return edges that differ between two times."""
    rows = survey.diff(database, _given(since, "since"), until)
    return [tuple(row.values()) for row in rows]


# -- tags -----------------------------------------------------------------------


@reception
def lineage_tag(database: Database, name: str | None, given: Sequence[str | None] | None) -> int:
    """Tag an object."""
    checked = tags.check(given or [None])
    return tags.declare(database, walk.find(database, _given(name, "object")), checked)


@reception
def lineage_untag(database: Database, name: str | None, given: Sequence[str | None] | None) -> int:
    """Take tags back."""
    checked = tags.check(given or [None])
    return tags.withdraw(database, walk.find(database, _given(name, "object")), checked)


@reception
def lineage_tag_rule(
    database: Database,
    tag: str | None,
    through_aggregation: bool | None,
    through_masking: bool | None,
) -> None:
    """Say how a tag travels."""
    if through_aggregation is None or through_masking is None:
        raise InvalidParameter("through_aggregation and through_masking must not be null")
    tags.rule(
        database,
        tags.check([tag])[0],
        aggregation=through_aggregation,
        through_masking=through_masking,
    )


@reception
def lineage_tags(database: Database, relation: str | None) -> list[Row]:
    """Return the tags of a relation's columns, or all declared ones."""
    if relation is None:
        return [
            (node.name, node.column_name or None, tag, True, node.label, [node.label])
            for node, tag in tags.declared(database)
        ]
    found = tags.evidence(
        database, walk.find(database, relation), show_hidden=_shows_hidden(database)
    )
    return [
        (
            c.node.name,
            c.node.column_name or None,
            c.tag,
            c.declared,
            c.source and c.source.label,
            c.path,
        )
        for c in found
    ]


@reception
def column_tags(
    database: Database, relations: Sequence[str] | None, columns: Sequence[str] | None
) -> list[Row]:
    """Return the tags of columns."""
    asked = list(zip(relations or (), columns or (), strict=False))
    carried = tags.carried(database, asked)
    return [(n, tag) for n, c in enumerate(asked, 1) for tag in sorted(carried.get(c, ()))]


@reception
def lineage_masking(database: Database, function: str | None, masks: bool | None) -> int:
    """Declare a masking function."""
    name = _given(function, "function").strip()
    if not name or masks is None:
        raise InvalidParameter("a masking function needs a name, and masks true or false")
    return tags.set_masking(database, name, masks)


# -- out and in --------------------------------------------------------------------


def _graph(
    database: Database,
    name: str | None,
    column: str | None,
    direction: str | None,
    max_depth: int | None,
    influence: str | None,
    at: str | None,
) -> walk.Graph:
    return walk.subgraph(
        database,
        _given(name, "object"),
        column,
        direction=_given(direction, "direction"),
        depth=max_depth if max_depth is not None else 0,
        influence=_given(influence, "influence"),
        at=at,
    )


@reception
def lineage_to_mermaid(database: Database, *args: Any) -> str:
    """Return a flowchart."""
    return drawing.mermaid(_graph(database, *args))


@reception
def lineage_to_dot(database: Database, *args: Any) -> str:
    """Return a graph in Graphviz's language."""
    return drawing.dot(_graph(database, *args))


@reception
def lineage_to_json(database: Database, *args: Any) -> str:
    """Return nodes and edges."""
    return json.dumps(drawing.as_json(_graph(database, *args)), ensure_ascii=False)


@reception
def lineage_to_openlineage(database: Database, *args: Any) -> list[str]:
    """Return OpenLineage events."""
    *around, run = args
    found = openlineage.events(database, _graph(database, *around), run=bool(run))
    return [json.dumps(event, ensure_ascii=False) for event in found]


@reception
def lineage_openlineage_event(database: Database, event: str | None) -> list[Row]:
    """Take an OpenLineage event."""
    taken = events.take(database, json.loads(_given(event, "event")))
    return [(taken.job, taken.inputs, taken.outputs, taken.added, taken.closed, taken.note)]


@reception
def lineage_to_age(database: Database, graph: str | None) -> list[Row]:
    """Project the graph into Apache AGE."""
    from pg_llm.graph.exports import age

    done = age.project(database, _given(graph, "graph"))
    return [(done.added, done.changed, done.removed)]


def _given(value: str | None, argument: str) -> str:
    if value is None:
        raise InvalidParameter(f"{argument} must not be null")
    return value


def _shows_hidden(database: Database) -> bool:
    return bool(database.execute(_SHOWS_HIDDEN)[0]["show"])
