"""What `llm.collection_apply` does, as the extension's owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.vectors import lifecycle, queue, settle, storage, work

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.vectors.collections import Collection


def apply(database: Database, collection: Collection) -> int:
    """Do what the row of a collection asks for; return the rows left to embed."""
    if collection.request == "drop":
        lifecycle.drop(database, collection)
        return 0
    built = [v for v in storage.versions(database, collection.id) if v.built]
    if collection.request is not None:
        _again(database, collection, built)
    queued = lifecycle.build(database, collection)
    lifecycle.follow(database, collection)
    return _start(database, collection, queued) if queued else 0


def _again(database: Database, collection: Collection, built: list[storage.Version]) -> None:
    for version in built:
        count = queue.key_count(database, version)
        if collection.request == "refresh":
            queued = storage.queue_everything(database, collection, count, version)
            # Embeddings of rows that are gone are looked for as after TRUNCATE.
            database.execute(f"insert into {version.queue} (n) values (0)")
            if version.synchronous and queued <= work.AT_ONCE:
                work.apply_own(database, collection, version)
        else:
            queue.retry(database, version)
    database.execute(
        "update llm.collections set request = null where id = $1", [collection.id], ["int8"]
    )


def _start(database: Database, collection: Collection, queued: int) -> int:
    """Embed a new collection at once where that is quick; return the rows left."""
    new = storage.versions(database, collection.id)[-1]
    if not new.synchronous or queued > work.AT_ONCE:
        return queued
    work.apply_own(database, collection, new)
    settle.index(database, new)
    settle.change_version(database, new)
    return 0
