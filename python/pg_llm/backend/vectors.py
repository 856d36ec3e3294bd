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
    settle,
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
def vectors_claim(database: Database, version: int, lane: int, size: int, after: str) -> list[Row]:
    """Return the next marks of a version's queue with their texts."""
    found = storage.version(database, version)
    return [] if found is None else queue.next_marks(database, found, lane, size, after)


@reception
def vectors_finish(
    database: Database,
    version: int,
    file: int,
    marks: list[str],
    *given: list[Any],
) -> bool:
    """Write embeddings, set rows aside, take marks out of the queue."""
    found = storage.version(database, version)
    if found is None or not queue.hold(database, found, file):
        return False
    removed, failed, errors, columns = given[0:2], given[2:4], given[4], given[5:]
    if columns[0]:
        language = collections.by_id(database, found.collection).language
        queue.write(database, found, language, list(zip(*removed, strict=True)), columns)
    queue.fail(database, found, list(zip(*failed, strict=True)), errors)
    queue.delete_marks(database, found, marks)
    return True


@reception
def vectors_feed(database: Database, version: int) -> int:
    """Open the way to a version's model; return its number."""
    from pg_llm.models import ahead

    found = storage.version(database, version)
    return ahead.open_feed(database, found.model if found else "")


@reception
def vectors_called(database: Database, feed: int) -> None:
    """Record the calls of a feed."""
    from pg_llm.models import ahead

    ahead.record(database, feed)


@reception
def vectors_state(
    database: Database,
    version: int,
    error: str | None,
    retry_seconds: float | None,
    embedded: int,
    seconds: float,
) -> None:
    """Note how a version does."""
    queue.note(database, version, error, retry_seconds, embedded, seconds)


@reception
def vectors_settle(database: Database, version: int) -> None:
    """Tidy up after a queue ran empty."""
    found = storage.version(database, version)
    if found is not None:
        settle.settle(database, found)


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
    database: Database, collection: str, k: int, samples: int
) -> tuple[float, float, float, bool]:
    """Return recall, milliseconds by index and exact, and whether there is an index."""
    return recall.recall(database, collection, k, samples)


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
    database: Database, collection: str, query: str, k: int, condition: str | None
) -> list[Row]:
    """Return the nearest rows."""
    if collection is None or query is None or k is None:
        return []
    return search.search(database, collection, query, k, condition)


def llm_work(plpy: Any, collection: str | None) -> None:
    """Embed what is queued, committing after each batch."""
    _work(plpy, plpy.commit, collection)


@reception
def _work(database: Database, commit: Any, collection: str | None) -> None:
    work.drain(database, commit, collection)
