"""The graph as OpenLineage events with the column lineage facet.

One event for each thing that data passes through: a view, a function, a
statement, a job. It is a JobEvent, because what is told is how data flows, not
that something ran; or, for consumers that know runs alone, a RunEvent whose
run is derived from the content, so that the same content is the same run.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from pg_llm.graph.openlineage import PRODUCER, Place, here
from pg_llm.graph.walk import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pg_llm.database import Database
    from pg_llm.graph.walk import Graph, Link, Node

_SPEC: Final = "https://openlineage.io/spec/"
_EVENT_SCHEMA: Final = _SPEC + "2-0-2/OpenLineage.json#/$defs/"
_LINEAGE_SCHEMA: Final = (
    _SPEC + "facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
)
_NOW: Final = """
select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now
"""
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, PRODUCER)


def events(database: Database, graph: Graph, *, run: bool) -> list[dict[str, Any]]:
    """Return the events of a part of the graph, ordered by job."""
    place = here(database)
    now = database.execute(_NOW)[0]["now"]
    owners = nodes(database, {e.evidence_node for e in graph.links if e.evidence_node})
    jobs: dict[tuple[str, str], list[Link]] = {}
    for link in graph.links:
        if link.influence != "DEPENDENCY":
            jobs.setdefault(_job(place, graph, link, owners), []).append(link)
    found = []
    for (namespace, name), links in sorted(jobs.items()):
        told = _Event(place, graph, links)
        body = {
            "job": {"namespace": namespace, "name": name},
            "inputs": told.inputs(),
            "outputs": told.outputs(),
            "producer": PRODUCER,
            "eventTime": now,
        }
        found.append(_run(body) if run else {**body, "schemaURL": _EVENT_SCHEMA + "JobEvent"})
    return found


def _run(body: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps([body["job"], body["inputs"], body["outputs"]], sort_keys=True)
    return {
        **body,
        "eventType": "COMPLETE",
        "run": {"runId": str(uuid.uuid5(_NAMESPACE, content))},
        "schemaURL": _EVENT_SCHEMA + "RunEvent",
    }


def _job(place: Place, graph: Graph, link: Link, owners: Mapping[int, Node]) -> tuple[str, str]:
    """Return namespace and name of what an edge passes through."""
    owner = owners.get(link.evidence_node or 0)
    if owner is None:
        target = graph.nodes[link.target]
        return place.namespace, f"{place.database}.{link.evidence}.{target.name}"
    if owner.kind == "job":
        return owner.namespace, owner.name
    return place.namespace, f"{place.database}.{link.evidence}.{owner.name}"


class _Event:
    """The datasets of one job."""

    def __init__(self, place: Place, graph: Graph, links: Iterable[Link]) -> None:
        self._place = place
        self._graph = graph
        self._links = list(links)

    def inputs(self) -> list[dict[str, Any]]:
        """Return the datasets that it reads."""
        sources = [self._dataset(self._graph.nodes[link.source]) for link in self._links]
        read = {dataset for dataset in sources if dataset is not None}
        return [{"namespace": n, "name": name} for n, name in sorted(read)]

    def outputs(self) -> list[dict[str, Any]]:
        """Return the datasets that it writes, each with its column lineage."""
        written: dict[tuple[str, str], list[Link]] = {}
        for link in self._links:
            dataset = self._dataset(self._graph.nodes[link.target])
            if dataset is not None:
                written.setdefault(dataset, []).append(link)
        return [
            {
                "namespace": namespace,
                "name": name,
                "facets": {"columnLineage": self._facet(links)},
            }
            for (namespace, name), links in sorted(written.items())
        ]

    def _facet(self, links: Iterable[Link]) -> dict[str, Any]:
        fields: dict[str, dict[tuple[str, str, str], list[dict[str, Any]]]] = {}
        whole: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for link in links:
            source = self._graph.nodes[link.source]
            dataset = self._dataset(source)
            if not source.is_part or dataset is None:
                continue
            target = self._graph.nodes[link.target]
            held = fields.setdefault(target.column_name, {}) if target.is_part else whole
            told = held.setdefault((*dataset, source.column_name), [])
            transformation = _transformation(link)
            if transformation not in told:
                told.append(transformation)
        return {
            "_producer": PRODUCER,
            "_schemaURL": _LINEAGE_SCHEMA,
            "fields": {
                column: {"inputFields": list(_input_fields(sources))}
                for column, sources in sorted(fields.items())
            },
            "dataset": list(_input_fields(whole)),
        }

    def _dataset(self, node: Node) -> tuple[str, str] | None:
        """Return the dataset that a node is or is part of; None for what is none."""
        if node.kind in ("dataset", "field"):
            return node.namespace, node.name
        if node.kind in ("relation", "column") and not node.name.endswith(")"):
            return self._place.namespace, self._place.dataset(node.name)
        return None


def _transformation(link: Link) -> dict[str, Any]:
    return {
        "type": link.influence,
        "subtype": link.transformation,
        "description": link.expression or "",
        "masking": link.masking,
    }


def _input_fields(
    sources: Mapping[tuple[str, str, str], list[dict[str, Any]]],
) -> Iterator[dict[str, Any]]:
    for (namespace, name, field), told in sorted(sources.items()):
        yield {"namespace": namespace, "name": name, "field": field, "transformations": told}
