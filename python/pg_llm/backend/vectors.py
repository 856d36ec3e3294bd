"""Reception for `sql/vectors.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_llm.backend.reception import reception
from pg_llm.vectors import (
    apply,
    collections,
    knowledge,
    lifecycle,
    locks,
    queue,
    recall,
    registry,
    search,
    steps,
    storage,
    work,
)

if TYPE_CHECKING:
    from pg_llm.database import Database, Row


@reception
def collection_apply(database: Database, collection: int) -> int:
    """Make a collection as its row says."""
    return apply.apply(database, collections.by_id(database, collection))


@reception
def collection_follow(database: Database, collection: int) -> None:
    """Bring a collection in line with its table."""
    lifecycle.follow(database, collections.by_id(database, collection))


@reception
def collection_check_key(database: Database, collection: int) -> None:
    """Refuse another primary key."""
    lifecycle.check_key(database, collections.by_id(database, collection))


@reception
def collection_forget(database: Database, collection: int) -> None:
    """Drop a collection that lost its source."""
    found = collections.by_id(database, collection)
    if not storage.has_source(database, found):
        lifecycle.drop(database, found)


@reception
def vectors_embed(database: Database, trigger: dict[str, Any]) -> None:
    """Embed what this transaction marked, unless llm_work will see the marks."""
    version = storage.version(database, int(trigger["args"][0]))
    if version is not None and locks.all_lanes(database, version.id, shared=True):
        work.apply_own(database, collections.by_id(database, version.collection), version)


@reception
def vectors_step(database: Database, number: int) -> None:
    """Do a step of this session's llm_work."""
    steps.run(database, number)


@reception
def vectors_pending(database: Database, version: int) -> tuple[int, int]:
    """Return the waiting and the failed rows of a queue."""
    found = storage.version(database, version)
    return (0, 0) if found is None else queue.pending(database, found)


@reception
def llm_vectorize(
    database: Database,
    relation: int | str,
    columns: list[str],
    template: str | None,
    collection: str | None,
    model: str | None,
    metadata: list[str] | None,
    language: str,
    distance: str,
    chunk_size: int,
    overflow: str,
) -> str:
    """Make a collection of a table's text; return its name."""
    return registry.vectorize(
        database,
        registry.Request(
            relation=relation,
            columns=columns,
            template=template,
            collection=collection,
            model=model,
            metadata=metadata or [],
            language=language,
            distance=distance,
            chunk_size=chunk_size,
            overflow=overflow,
        ),
    )


@reception
def llm_collection_drop(database: Database, collection: str) -> None:
    """Drop a collection."""
    registry.request(database, collection, "drop")


@reception
def llm_collection_refresh(database: Database, collection: str) -> None:
    """Queue every row."""
    registry.request(database, collection, "refresh")


@reception
def llm_collection_retry(database: Database, collection: str) -> None:
    """Queue the rows again that were set aside."""
    registry.request(database, collection, "retry")


@reception
def llm_collection_failures(database: Database, collection: str) -> list[Row]:
    """Return the rows whose text the model refuses."""
    return registry.failures(database, collection)


@reception
def llm_collection_pause(database: Database, collection: str) -> None:
    """Let llm_work pass a collection by."""
    registry.pause(database, collection, paused=True)


@reception
def llm_collection_resume(database: Database, collection: str) -> None:
    """End a pause."""
    registry.pause(database, collection, paused=False)


@reception
def llm_collection_model(database: Database, collection: str, model: str) -> None:
    """Embed a collection with another model."""
    registry.change_model(database, collection, model)


@reception
def llm_search_recall(
    database: Database, collection: str, k: int, samples: int, condition: str | None
) -> tuple[float, float, float, bool] | None:
    """Return recall, milliseconds by index and exact, and whether there is an index."""
    if collection is None or k is None or samples is None:
        return None
    return recall.recall(database, collection, k, samples, condition)


@reception
def llm_knowledge_add(
    database: Database, source: str | None, content: str | None, metadata: str | None
) -> None:
    """Add a document."""
    knowledge.add(database, source, content, metadata)


@reception
def llm_collection_repair(database: Database, collection: str) -> None:
    """Bring a collection in line with its table."""
    registry.apply(database, collections.by_name(database, collection).id)


@reception
def llm_collection_grant(database: Database, collection: str, role: str) -> None:
    """Let a role search."""
    registry.grant(database, collection, role)


@reception
def llm_collection_revoke(database: Database, collection: str, role: str) -> None:
    """Let a role no longer search."""
    registry.revoke(database, collection, role)


@reception
def llm_search(
    database: Database,
    collection: str,
    query: str,
    k: int,
    condition: str | None,
    parts: list[str] | None,
    fusion: str,
) -> list[Row]:
    """Return the nearest rows."""
    if collection is None or query is None or k is None or fusion is None:
        return []
    return search.search(database, search.Request(collection, query, k, condition, parts, fusion))


def llm_work(plpy: Any, collection: str | None) -> None:
    """Embed what is queued, committing after each batch."""
    _work(plpy, plpy.commit, collection)


@reception
def _work(database: Database, commit: Any, collection: str | None) -> None:
    work.drain(database, commit, collection)
