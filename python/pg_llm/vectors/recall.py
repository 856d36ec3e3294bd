"""How much of the exact answer the index finds."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from pg_llm.errors import InvalidParameter
from pg_llm.vectors import parts, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database

MAX_SAMPLES = 1_000


def recall(
    database: Database, collection: str, k: int, samples: int, condition: str | None
) -> tuple[float, float, float, bool]:
    """Return the mean recall at k, the median milliseconds by index and exact, and "indexed".

    As in a search, the index hands on more rows than k, and the k nearest count.
    The queries are embeddings of the collection's own rows, taken at random.
    """
    if not 1 <= k <= search.MAX_K or not 1 <= samples <= MAX_SAMPLES:
        raise InvalidParameter(
            f"k must be from 1 to {search.MAX_K}, samples from 1 to {MAX_SAMPLES}"
        )
    found = search.plan(database, collection)
    shape = search.shape(found, search.Request(collection, "", k, condition, parts=[parts.VECTOR]))
    queries = database.execute(
        f"select i.embedding::pg_catalog.text as vector from {shape.storage} i "
        "where i.embedding is not null order by pg_catalog.random() limit $1",
        [samples],
        ["int4"],
    )
    ask = [(database, shape, row["vector"], condition) for row in queries]
    with search.tuned(database, found, shape.candidates, filtered=shape.filtered):
        approximate = [_nearest(*each, shape.nearest, shape.candidates) for each in ask]
    # A sum is no index's order: then every row is compared.
    exact = [_nearest(*each, f"{shape.exact} operator(pg_catalog.+) 0", k) for each in ask]
    if not queries:
        return 1.0, 0.0, 0.0, shape.indexed
    shares = [
        _share(got[:k], right) for (got, _), (right, _) in zip(approximate, exact, strict=True)
    ]
    return (
        statistics.fmean(shares),
        statistics.median(ms for _, ms in approximate),
        statistics.median(ms for _, ms in exact),
        shape.indexed,
    )


def _share(found: Sequence[float], right: Sequence[float]) -> float:
    # By distance, not by row: of equally near rows each is right.
    if not right:
        return 1.0
    worst = right[-1] + 1e-9
    return sum(distance <= worst for distance in found) / len(right)


def _nearest(
    database: Database,
    shape: parts.Shape,
    vector: str,
    condition: str | None,
    order: str,
    limit: int,
) -> tuple[list[float], float]:
    started = time.perf_counter()
    rows = database.execute(
        f"select {shape.exact} as distance from {shape.storage} i "
        f"where {shape.condition} and i.embedding is not null order by {order} limit {limit}",
        # As the statement of a search has them: $5 is the filter.
        [vector, None, None, None, condition],
        ["text", "text", "text", "text", "jsonb"],
    )
    ms = (time.perf_counter() - started) * 1000
    return sorted(row["distance"] for row in rows), ms
