"""OpenLineage events in: jobs outside, and what they read and write, join the graph.

What the events of a run tell adds up (the specification says so: an event
need not repeat another's datasets); the first event of a new run that tells
datasets takes the place of what the job's former run told. An event that was
seen before changes nothing; one of a run before the latest is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pg_llm.errors import InvalidParameter
from pg_llm.graph import openlineage
from pg_llm.graph.store import (
    EdgeFacts,
    Key,
    NodeFacts,
    add_edges,
    ensure_nodes,
    replace_evidence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pg_llm.database import Database

EVIDENCE: Final = "openlineage"
# The job says so, we did not see it; without columns, that one has to do with the other.
_TOLD: Final = 0.9
_GUESSED: Final = 0.5
_SUBTYPES: Final = frozenset({"IDENTITY", "TRANSFORMATION", "AGGREGATION"})
_FAILED: Final = frozenset({"FAIL", "ABORT"})

_JOB: Final = """
select n.properties::text as properties
from lineage.nodes n
where n.kind = 'job' and n.namespace = $1 and n.name = $2 and n.column_name = ''
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an event did: the job, its datasets, edges opened and closed; `note` why nothing."""

    job: str
    inputs: int
    outputs: int
    added: int
    closed: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Dataset:
    key: Key
    facets: Mapping[str, Any]


def take(database: Database, event: object) -> Taken:
    """Write down what an event tells. Raises `InvalidParameter` for what is no event."""
    told = _object(event, "the event")
    if "job" not in told and "dataset" in told:
        return _dataset_event(database, told)
    job = _object(told.get("job"), "job")
    key = Key("job", _text(job, "namespace", "job"), _text(job, "name", "job"))
    at = _time(told.get("eventTime"))
    run = _run(told)
    place = openlineage.here(database)
    inputs = [_dataset(database, place, d) for d in _list(told.get("inputs"), "inputs")]
    outputs = [_dataset(database, place, d) for d in _list(told.get("outputs"), "outputs")]
    edges = (
        []
        if told.get("eventType") in _FAILED
        else list(_edges(database, place, key, inputs, outputs))
    )
    before = _properties(database, key)
    label = f"{key.namespace}/{key.name}"
    counts = (label, len(inputs), len(outputs))
    same = run is not None and before.get("run") == run
    if before.get("at", "") > at and not same:
        return Taken(*counts, 0, 0, "the job has told of a later run")
    _describe(database, key, job, before, at, run if edges else None)
    ensure_nodes(database, [fact for d in (*inputs, *outputs) for fact in _nodes(d)])
    if not edges:
        return Taken(*counts, 0, 0, "tells no datasets" if not _failed(told) else "the run failed")
    if same:
        return Taken(*counts, add_edges(database, EVIDENCE, key, edges), 0)
    changes = replace_evidence(database, EVIDENCE, key, edges)
    return Taken(*counts, changes.added, changes.closed)


def _failed(told: Mapping[str, Any]) -> bool:
    return told.get("eventType") in _FAILED


def _dataset_event(database: Database, told: Mapping[str, Any]) -> Taken:
    """Take a DatasetEvent, which tells of a dataset alone."""
    dataset = _dataset(database, openlineage.here(database), told["dataset"])
    ensure_nodes(database, list(_nodes(dataset)))
    return Taken("", 0, 1, 0, 0, "tells of a dataset alone")


def _describe(
    database: Database,
    key: Key,
    job: Mapping[str, Any],
    before: Mapping[str, Any],
    at: str,
    run: str | None,
) -> None:
    facets = _object(job.get("facets") or {}, "job.facets")
    kind = _object(facets.get("jobType") or {}, "job.facets.jobType")
    described = _object(facets.get("documentation") or {}, "job.facets.documentation")
    sort = str(kind.get("jobType") or "").lower() or None
    new_run = run is not None and before.get("run") != run
    properties: dict[str, Any] = {
        **before,
        "at": max(at, before.get("at", "")),
        "runs": int(before.get("runs", 0)) + new_run,
        "integration": kind.get("integration") or before.get("integration"),
    }
    if run is not None:
        properties["run"] = run
    ensure_nodes(database, [NodeFacts(key, sort, described.get("description"), properties)])


def _properties(database: Database, key: Key) -> dict[str, Any]:
    import json

    rows = database.execute(_JOB, [key.namespace, key.name])
    return dict(json.loads(rows[0]["properties"])) if rows else {}


# -- datasets -----------------------------------------------------------------------


def _dataset(database: Database, place: openlineage.Place, told: object) -> _Dataset:
    dataset = _object(told, "a dataset")
    facets = _object(dataset.get("facets") or {}, "facets")
    key = _key(database, place, dataset, "a dataset")
    # Spark names a table by its files, and says what it is called besides.
    links = _object(facets.get("symlinks") or {}, "symlinks")
    for other in _list(links.get("identifiers"), "symlinks.identifiers"):
        if key.kind == "relation":
            break
        named = _key(database, place, _object(other, "an identifier"), "an identifier")
        key = named if named.kind == "relation" else key
    return _Dataset(key, facets)


def _key(database: Database, place: openlineage.Place, told: Mapping[str, Any], what: str) -> Key:
    return openlineage.dataset_key(
        database, place, _text(told, "namespace", what), _text(told, "name", what)
    )


def _nodes(dataset: _Dataset) -> Iterator[NodeFacts | Key]:
    """Yield what is known of a dataset outside; the catalog knows those of this database."""
    if dataset.key.kind == "relation":
        yield dataset.key
        return
    documentation = _object(dataset.facets.get("documentation") or {}, "documentation")
    yield NodeFacts(dataset.key, None, documentation.get("description"))
    schema = _object(dataset.facets.get("schema") or {}, "schema")
    for field in _list(schema.get("fields"), "schema.fields"):
        told = _object(field, "a field")
        yield NodeFacts(
            openlineage.field_key(dataset.key, _text(told, "name", "a field")),
            None,
            told.get("description"),
            {"type": told["type"]} if told.get("type") else {},
        )


# -- edges --------------------------------------------------------------------------


def _edges(
    database: Database,
    place: openlineage.Place,
    job: Key,
    inputs: Sequence[_Dataset],
    outputs: Sequence[_Dataset],
) -> Iterator[EdgeFacts]:
    for output in outputs:
        facet = output.facets.get("columnLineage")
        if facet is None:
            for dataset in inputs:
                yield _edge(dataset.key, output.key, "DIRECT", "TRANSFORMATION", _GUESSED)
            continue
        told = _object(facet, "columnLineage")
        for name, field in _object(told.get("fields"), "columnLineage.fields").items():
            target = openlineage.field_key(output.key, name)
            yield from _sources(database, place, target, _object(field, "a field"), "inputFields")
        yield from _sources(database, place, output.key, told, "dataset")
    if not outputs:
        for dataset in inputs:
            yield _edge(dataset.key, job, "DIRECT", "TRANSFORMATION", _GUESSED)


def _sources(
    database: Database,
    place: openlineage.Place,
    target: Key,
    told: Mapping[str, Any],
    member: str,
) -> Iterator[EdgeFacts]:
    old = str(told.get("transformationType") or "").upper()
    for item in _list(told.get(member), member):
        source = _object(item, "an input field")
        dataset = _key(database, place, source, "an input field")
        field = openlineage.field_key(dataset, _text(source, "field", "an input field"))
        for transformation in _list(source.get("transformations"), "transformations") or [
            _legacy(old, told)
        ]:
            yield _transformed(field, target, _object(transformation, "a transformation"))


def _legacy(old: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a transformation as it was told before version 1-1-0 of the facet."""
    return {
        "type": "DIRECT",
        "subtype": "IDENTITY" if old == "IDENTITY" else "TRANSFORMATION",
        "masking": old == "MASKED",
        "description": told.get("transformationDescription"),
    }


def _transformed(source: Key, target: Key, told: Mapping[str, Any]) -> EdgeFacts:
    influence = "INDIRECT" if str(told.get("type")).upper() == "INDIRECT" else "DIRECT"
    subtype = str(told.get("subtype") or "").upper()
    if influence == "DIRECT" and subtype not in _SUBTYPES:
        subtype = "TRANSFORMATION"
    return _edge(
        source,
        target,
        influence,
        subtype or "CONDITIONAL",
        _TOLD,
        expression=told.get("description") or None,
        masking=told.get("masking") is True,
    )


def _edge(
    source: Key,
    target: Key,
    influence: str,
    transformation: str,
    confidence: float,
    *,
    expression: str | None = None,
    masking: bool = False,
) -> EdgeFacts:
    return EdgeFacts(
        source, target, influence, transformation, expression, EVIDENCE, confidence, masking
    )


# -- reading JSON ---------------------------------------------------------------------


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidParameter(
            f"not an OpenLineage event: {what} is not a JSON object",
            hint="https://openlineage.io/spec describes RunEvent, JobEvent and DatasetEvent.",
        )
    return value


def _list(value: object, what: str) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidParameter(f"not an OpenLineage event: {what} is not a JSON array")
    return value


def _text(value: Mapping[str, Any], member: str, what: str) -> str:
    found = value.get(member)
    if not isinstance(found, str) or not found:
        raise InvalidParameter(f'not an OpenLineage event: {what} has no "{member}"')
    return found


def _run(told: Mapping[str, Any]) -> str | None:
    """Return the run's number; a JobEvent has none, and its time stands for it."""
    if "run" not in told:
        return f"at {_time(told.get('eventTime'))}"
    return _text(_object(told["run"], "run"), "runId", "run")


def _time(value: object) -> str:
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise InvalidParameter(
            'not an OpenLineage event: "eventTime" is not a time', detail=f"It is {value!r}."
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
