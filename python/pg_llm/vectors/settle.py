"""After a queue ran empty: space, indexes, the change of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.vectors import collections, lifecycle, locks, storage

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.vectors.collections import Collection
    from pg_llm.vectors.storage import Version

# Below this an exact scan is as fast, and exact.
INDEX_ROWS = 2_000

LOCK_NOT_AVAILABLE = "55P03"

OPCLASSES = {"cosine": "cosine_ops", "inner_product": "ip_ops", "l2": "l2_ops"}


def settle(database: Database, version: Version) -> None:
    """Tidy up after a version whose queue is empty, unless another session is at work."""
    if not locks.all_lanes(database, version.id):
        return
    give_back(database, version)
    if not version.indexed:
        index(database, version)
    change_version(database, version)


def change_version(database: Database, version: Version) -> None:
    """Let a version that has every row replace the older one."""
    waiting = database.execute(f"select from {version.queue} limit 1")
    if waiting:
        return
    collection = collections.by_id(database, version.collection)
    if collection.active is not None and collection.active < version.id:
        database.execute(
            "update llm.collections set active = $1 where id = $2",
            [version.id, collection.id],
            ["int8", "int8"],
        )
        collection = collections.by_id(database, version.collection)
    for old in storage.versions(database, collection.id):
        if collection.active is not None and old.id < collection.active:
            _drop_when_free(database, collection, old)


def _drop_when_free(database: Database, collection: Collection, old: Version) -> None:
    """Drop an old version unless its table is being used: then the next time."""
    try:
        with database.subtransaction():
            name = database.execute(
                "select $1::pg_catalog.oid::pg_catalog.regclass::text as name",
                [collection.relation],
                ["int8"],
            )[0]["name"]
            database.execute(f"lock table {name} in access exclusive mode nowait")
            database.execute(f"lock table {old.storage} in access exclusive mode nowait")
            lifecycle.drop_version(database, collection.relation, old)
    except DatabaseError as error:
        if error.sqlstate != LOCK_NOT_AVAILABLE:
            raise


def give_back(database: Database, version: Version) -> None:
    """Truncate a queue that is empty and that nobody writes."""
    try:
        with database.subtransaction():
            database.execute(f"lock table {version.queue} in access exclusive mode nowait")
            if not database.execute(f"select from {version.queue} limit 1"):
                database.execute(f"truncate {version.queue}")
    except DatabaseError as error:
        if error.sqlstate != LOCK_NOT_AVAILABLE:  # somebody writes it: the next time
            raise


def index(database: Database, version: Version) -> None:
    """Build the search indexes of a version with enough rows."""
    enough = database.execute(f"select from {version.storage} offset {INDEX_ROWS - 1} limit 1")
    if not enough:
        return
    distance = database.execute(
        "select c.distance from llm.collections c where c.id = $1",
        [version.collection],
        ["int8"],
    )[0]["distance"]
    schema = storage.vector_schema(database)
    if version.dimensions <= 2 * storage.VECTOR_DIMENSIONS:
        # Half the precision, half the memory: what is found is the same.
        half = f"{schema}.halfvec({version.dimensions})"
        database.execute(
            f"create index on {version.storage} using hnsw "
            f"((embedding::{half}) {schema}.halfvec_{OPCLASSES[distance]})"
        )
    database.execute(f"create index on {version.storage} using gin (terms)")
    database.execute(f"create index on {version.storage} using gin (metadata jsonb_path_ops)")
    database.execute(f"analyze {version.storage}")
    database.execute(
        "update llm.collection_versions set indexed = true where id = $1", [version.id], ["int8"]
    )
