"""Embedding many texts: in batches that the provider takes, several at a time.

Runs with the rights of the extension's owner, as `calls` does.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_llm import settings
from pg_llm.models import calls, faults, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pg_llm.database import Database
    from pg_llm.models.registry import Model

Vector = list[float]

# A vector shorter than this has no direction: a server's way to say nothing.
_MIN_NORM = 1e-6


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of one request, and what came back for them."""

    texts: tuple[str, ...]
    vectors: tuple[Vector, ...] = ()


def embed(
    database: Database, texts: Sequence[str | None], name: str | None
) -> list[Vector | None]:
    """Return the embedding of each text, None for a blank text or None.

    Equal texts are sent once. The deadline counts from the last batch that
    came back, so that any number of texts can be embedded.
    """
    seconds = float(settings.get(database, "call_timeout"))
    return calls.with_fallbacks(
        database,
        name,
        "embed",
        time.monotonic() + seconds,
        lambda model, deadline: embed_with(database, model, texts, deadline),
    )


def embed_with(
    database: Database, model: Model, texts: Sequence[str | None], deadline: float
) -> list[Vector | None]:
    """Return the embeddings by this very model."""
    if model.provider.name == "static":
        from pg_llm.models import static

        return list(static.embed([text or "" for text in texts]))
    vectors = _by_text(database, model, _distinct(texts, model), deadline)
    return [vectors.get(text) if text else None for text in texts]


def _distinct(texts: Sequence[str | None], model: Model) -> list[str]:
    distinct = list(dict.fromkeys(text for text in texts if text and not text.isspace()))
    for text in distinct:
        calls.check_size(len(text), model)
    return distinct


def _by_text(
    database: Database, model: Model, texts: Sequence[str], deadline: float
) -> dict[str, Vector]:
    batches = list(_batches(texts, model))
    seconds = deadline - time.monotonic()
    vectors: dict[str, Vector] = {}
    if not batches:
        return vectors
    with calls.lease(database, model) as call:
        found = interruptible.stream(
            database,
            lambda: _concurrently(batches, _request(call, model, seconds), model),
            deadline=deadline,
            abort=call.abort,
            renew=seconds,
        )
        try:
            for batch in found:
                vectors.update(zip(batch.texts, batch.vectors, strict=True))
        except BaseException:
            # Other batches may be under way.
            call.abort()
            raise
    lengths = {len(vector) for vector in vectors.values()}
    if len(lengths) > 1:
        raise faults.not_an_answer(
            model.name, f"vectors of {' and '.join(map(str, sorted(lengths)))} dimensions"
        )
    return vectors


def _batches(texts: Sequence[str], model: Model) -> Iterator[Batch]:
    limit = model.options.batch or model.provider.max_batch
    current: list[str] = []
    characters = 0
    for text in texts:
        full = len(current) >= limit
        if current and (full or characters + len(text) > model.provider.max_batch_characters):
            yield Batch(tuple(current))
            current, characters = [], 0
        current.append(text)
        characters += len(text)
    if current:
        yield Batch(tuple(current))


def _concurrently(
    batches: Sequence[Batch], request: Callable[[Batch], Batch], model: Model
) -> Iterator[Batch]:
    """Yield the answers as they come; the first failure ends it. In the helper thread."""
    at_once = min(model.options.concurrency or model.provider.concurrency, len(batches))
    pool = ThreadPoolExecutor(at_once)
    try:
        pending = {pool.submit(request, batch) for batch in batches}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _request(call: calls.Call, model: Model, seconds: float) -> Callable[[Batch], Batch]:
    body = {**model.provider.embed_body, **model.options.body, "encoding_format": "float"}
    if model.options.send_dimensions and model.options.dimensions:
        body["dimensions"] = model.options.dimensions

    def request(batch: Batch) -> Batch:
        deadline = time.monotonic() + seconds
        answer = call.post(
            "/embeddings", {**body, "model": model.model, "input": list(batch.texts)}, deadline
        )
        return Batch(batch.texts, tuple(_vectors(answer, len(batch.texts), model)))

    return request


def _vectors(answer: Any, count: int, model: Model) -> list[Vector]:
    """Check an answer (some servers say 200 to anything) and put it into order."""
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise faults.not_an_answer(model.name, "it has no embeddings")
    if len(rows) != count:
        raise faults.not_an_answer(model.name, f"{len(rows)} embeddings for {count} texts")
    places = [row.get("index", place) for place, row in enumerate(rows)]
    if sorted(places, key=str) != sorted(range(count), key=str):
        raise faults.not_an_answer(model.name, "its embeddings are not numbered from 0")
    vectors: list[Vector] = [[]] * count
    for place, row in zip(places, rows, strict=True):
        vectors[place] = _vector(row.get("embedding"), model)
    return vectors


def _vector(value: Any, model: Model) -> Vector:
    if not isinstance(value, list) or not value:
        raise faults.not_an_answer(model.name, "an embedding is not an array of numbers")
    wanted = model.options.dimensions
    if wanted and len(value) != wanted:
        raise faults.not_an_answer(
            model.name, f"{len(value)} dimensions where the model has {wanted}"
        )
    try:
        square = math.sumprod(value, value) if hasattr(math, "sumprod") else _square(value)
    except TypeError:
        raise faults.not_an_answer(model.name, "an embedding is not an array of numbers") from None
    if not math.isfinite(square):
        raise faults.not_an_answer(model.name, "an embedding holds NaN or infinity")
    if square < _MIN_NORM**2:
        raise faults.not_an_answer(model.name, "an embedding is zero")
    return value


def _square(value: Vector) -> float:
    return sum([x * x for x in value])
