"""How much of the exact answer the index finds."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from pg_llm.errors import InvalidParameter
from pg_llm.vectors import search, storage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database, Row

MAX_SAMPLES = 1_000


def recall(
    database: Database, collection: str, k: int, samples: int
) -> tuple[float, float, float, bool]:
    """Return the mean recall at k, the median milliseconds by index and exact, and "indexed".

    The queries are embeddings of the collection's own rows, taken at random.
    """
    if not 1 <= k <= search.MAX_K or not 1 <= samples <= MAX_SAMPLES:
        raise InvalidParameter(
            f"k must be from 1 to {search.MAX_K}, samples from 1 to {MAX_SAMPLES}"
        )
    plan = search.plan(database, collection)
    table = f"llm.vectors_{plan['version']}"
    queries = database.execute(
        f"select i.embedding::text as vector from {table} i where i.embedding is not null "
        f"order by pg_catalog.random() limit {samples}"
    )
    with search.tuned(database, k):
        approximate = [_nearest(database, plan, table, row["vector"], k) for row in queries]
    exact = [_nearest(database, plan, table, row["vector"], k, " + 0") for row in queries]
    if not queries:
        return 1.0, 0.0, 0.0, plan["indexed"]
    shares = [
        _share(found, right) for (found, _), (right, _) in zip(approximate, exact, strict=True)
    ]
    return (
        statistics.fmean(shares),
        statistics.median(ms for _, ms in approximate),
        statistics.median(ms for _, ms in exact),
        plan["indexed"],
    )


def _share(found: Sequence[float], right: Sequence[float]) -> float:
    # By distance, not by row: of equally near rows each is right.
    if not right:
        return 1.0
    worst = right[-1] + 1e-9
    return sum(distance <= worst for distance in found) / len(right)


def _nearest(
    database: Database, plan: Row, table: str, vector: str, k: int, unindexed: str = ""
) -> tuple[list[float], float]:
    schema, kind = plan["schema"], storage.type_of(plan["dimensions"])
    operator = search.OPERATORS[plan["distance"]]
    distance = f"i.embedding operator({schema}.{operator}) $1::{schema}.{kind}"
    started = time.perf_counter()
    rows = database.execute(
        f"select {distance} as distance from {table} i where i.embedding is not null "
        # A sum is no index's order: then every row is compared.
        f"order by ({distance}){unindexed} limit {k}",
        [vector],
    )
    return [row["distance"] for row in rows], (time.perf_counter() - started) * 1000
