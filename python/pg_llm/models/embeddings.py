"""Embedding many texts: in batches that the provider takes, several at a time.

Runs with the rights of the extension's owner, as `calls` does.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_llm.errors import ModelRefused
from pg_llm.models import calls, faults, interruptible
from pg_llm.models.audit import Usage
from pg_llm.models.calls import Call, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    tokens: int = 0


def embed(
    database: Database, texts: Sequence[str | None], name: str | None
) -> list[Vector | None]:
    """Return the embedding of each text, None for a blank text or None.

    Equal texts are sent once. The deadline counts from the last batch that
    came back, so that any number of texts can be embedded.
    """
    return calls.with_fallbacks(
        database,
        name,
        "embed",
        None,
        lambda model, deadline: attempt(database, model, texts, deadline),
    )


def attempt(
    database: Database, model: Model, texts: Sequence[str | None], deadline: float
) -> Outcome[list[Vector | None]]:
    """Return the embeddings by this very model."""
    if model.provider.name == "static":
        from pg_llm.models import static

        # Not a call: nothing leaves the server, and nothing is recorded.
        return Outcome(static.embed_all(database, texts), Usage(attempts=0))
    distinct = _distinct(texts, model)
    if not distinct:
        return Outcome([None] * len(texts), Usage(attempts=0))
    vectors, usage = _by_text(database, model, distinct, deadline)
    return Outcome([vectors.get(text) if text else None for text in texts], usage)


def try_out(database: Database, model: Model) -> str:
    """Make a small real call to a model, and describe what came back."""
    until = calls.starts(database, model.options.timeout, [model])
    (vector,) = attempt(database, model, ["test"], until).value
    return f"{len(vector or ())} dimensions"


def _distinct(texts: Sequence[str | None], model: Model) -> list[str]:
    distinct = list(dict.fromkeys(text for text in texts if text and not text.isspace()))
    for text in distinct:
        calls.check_size(len(text), model)
    return distinct


def _by_text(
    database: Database, model: Model, texts: Sequence[str], deadline: float
) -> tuple[dict[str, Vector], Usage]:
    seconds = deadline - time.monotonic()
    call = Call(database, model)
    jobs = [
        lambda batch=batch: _request(call, model, batch, seconds)
        for batch in _batches(texts, model)
    ]
    found = interruptible.stream(
        database,
        lambda: interruptible.concurrently(jobs, at_once(model)),
        deadline=deadline,
        abort=call.abort,
        renew=seconds,
    )
    vectors: dict[str, Vector] = {}
    tokens = 0
    try:
        for batch in found:
            vectors.update(zip(batch.texts, batch.vectors, strict=True))
            tokens += batch.tokens
    except BaseException:
        # Other batches may be under way.
        call.abort()
        raise
    lengths = sorted({len(vector) for vector in vectors.values()})
    if len(lengths) > 1:
        raise faults.not_an_answer(model.name, f"vectors of {lengths} dimensions")
    return vectors, Usage(call.attempts, tokens or None)


def batch_size(model: Model) -> int:
    """Return how many texts go into one request."""
    return model.options.batch or model.provider.max_batch


def at_once(model: Model) -> int:
    """Return how many requests are made at the same time."""
    return model.options.concurrency or model.provider.concurrency


def _batches(texts: Sequence[str], model: Model) -> Iterator[Batch]:
    limit = batch_size(model)
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


def ask(call: Call, model: Model, batch: Batch, seconds: float) -> Batch:
    """Embed one batch with one request (tried again as the model's options say)."""
    body = {
        **model.provider.embed_body,
        **model.options.body,
        "model": model.model,
        "input": list(batch.texts),
        "encoding_format": "float",
    }
    if model.options.send_dimensions and model.options.dimensions:
        body["dimensions"] = model.options.dimensions
    body = model.provider.adapt("embed", body)
    answer = call.post("/embeddings", body, time.monotonic() + seconds)
    return Batch(batch.texts, tuple(_vectors(answer, batch, model)), _tokens(answer))


def _request(call: Call, model: Model, batch: Batch, seconds: float) -> Batch:
    """Embed one batch; where the endpoint refuses it, find the text that is to blame."""
    try:
        return ask(call, model, batch, seconds)
    except faults.BadRequest as error:
        if len(batch.texts) == 1:
            raise ModelRefused(error.message, hint=error.hint, detail=_blamed(batch)) from None
        return _halves(call, model, batch, seconds)


def _halves(call: Call, model: Model, batch: Batch, seconds: float) -> Batch:
    middle = len(batch.texts) // 2
    first = _request(call, model, Batch(batch.texts[:middle]), seconds)
    second = _request(call, model, Batch(batch.texts[middle:]), seconds)
    return Batch(batch.texts, first.vectors + second.vectors, first.tokens + second.tokens)


def _blamed(batch: Batch) -> str:
    (text,) = batch.texts
    return f"The text that it refuses has {len(text)} characters and begins: {text[:60]}"


def _tokens(answer: Any) -> int:
    usage = answer.get("usage")
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return count if isinstance(count, int) else 0


def _vectors(answer: Any, batch: Batch, model: Model) -> list[Vector]:
    """Check an answer (some servers say 200 to anything) and put it into order."""
    count = len(batch.texts)
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
