"""Embedding what is queued.

`Embedded` turns claimed rows into what `queue.finish` writes; `drain` is the
loop of `llm_work`: claim, commit, ask the model, finish, commit. No
transaction is open while the model works.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_llm.errors import ModelAnswerInvalid, ModelError, ModelRefused
from pg_llm.models import static
from pg_llm.vectors import collections, locks, pieces, queue, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pg_llm.database import Database, Row
    from pg_llm.vectors.collections import Collection
    from pg_llm.vectors.storage import Version

STATIC = "static"

# Rows read, embedded and written in one go.
BATCH = 1_000

# Rows that llm_vectorize embeds itself with the static model.
AT_ONCE = 10_000

# As pgvector writes and reads them: they go from one statement into the next.
Vectors = list[str | None]


def embed(database: Database, texts: Sequence[str], model: str) -> Vectors:
    """Return a vector for each text, None for one that the model has no vector for."""
    if model == STATIC:
        return [as_text(vector) for vector in static.embed(texts)]
    from pg_llm import models

    return models.embed_as_text(database, texts, model)


class DimensionsChanged(ModelError):
    """The model is another one than the collection was made with."""

    sqlstate = "38004"


@dataclass(slots=True)
class Outcome:
    """What became of claimed rows; the columns of `queue.finish`."""

    marks: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    rows: list[tuple[object, ...]] = field(default_factory=list)
    failed: list[tuple[list[str], str]] = field(default_factory=list)

    @property
    def columns(self) -> list[list[object]]:
        """The rows to write, as one list for each column."""
        return [list(column) for column in zip(*self.rows, strict=True)] or [[] for _ in range(9)]


def embedded(
    database: Database, collection: Collection, version: Version, claimed: Sequence[Row]
) -> Outcome:
    """Embed claimed rows. Raises `ModelError` when the model cannot work at all."""
    outcome = Outcome()
    fresh: list[tuple[Row, list[str], str | None]] = []
    for row in claimed:
        if row["stale"]:
            split, note = pieces.chunks(row["content"], collection.chunk_size, collection.overflow)
            fresh.append((row, split, note))
            continue
        outcome.marks += row["marks"]
        if row["stored"] and row["content"] is None:
            outcome.removed.append(row["marks"][0])
    texts = [piece for _, split, _ in fresh for piece in split]
    vectors, errors = isolate(database, texts, version)
    position = 0
    for row, split, note in fresh:
        span = range(position, position + len(split))
        position += len(split)
        error = next((errors[i] for i in span if i in errors), None)
        if error is not None:
            outcome.failed.append((row["marks"], error))
            continue
        outcome.marks += row["marks"]
        if row["stored"]:
            outcome.removed.append(row["marks"][0])
        # As queue.py computes it in SQL; it tells texts apart and protects nothing.
        whole = (row["content"] + row["metadata"]).encode()
        digest = hashlib.md5(whole, usedforsecurity=False).hexdigest()
        for chunk, (i, piece) in enumerate(zip(span, split, strict=True), 1):
            words, grams = pieces.terms(piece)
            outcome.rows.append(
                (
                    row["marks"][0],
                    chunk,
                    piece,
                    note,
                    row["metadata"],
                    words,
                    grams,
                    digest,
                    vectors[i],
                )
            )
    return outcome


def as_text(vector: Sequence[float] | None) -> str | None:
    """Return pgvector's input for a vector: seven digits are what a float4 holds."""
    if vector is None:
        return None
    return ("[" + ",".join(["%.7g"] * len(vector)) + "]") % tuple(vector)


def isolate(
    database: Database, texts: Sequence[str], version: Version
) -> tuple[Vectors, dict[int, str]]:
    """Embed texts; return the vectors, and the message for each text that is refused.

    A batch that is refused is halved until the texts that the model refuses
    stand alone (bisection); a model that refuses a harmless text as well is not
    at work at all, which raises.
    """
    vectors: Vectors = [None] * len(texts)
    errors: dict[int, str] = {}
    todo = [range(len(texts))] if texts else []
    harmless = False
    while todo:
        span = todo.pop()
        try:
            found = embed(database, [texts[i] for i in span], version.model)
            _check(found, len(span), version)
        except (ModelRefused, ModelAnswerInvalid) as error:
            if not harmless:
                _check(embed(database, ["text"], version.model), 1, version)
                harmless = True
            if len(span) == 1:
                errors[span[0]] = error.message
                continue
            middle = (span.start + span.stop) // 2
            todo += [range(span.start, middle), range(middle, span.stop)]
            continue
        for i, vector in zip(span, found, strict=True):
            vectors[i] = vector
    return vectors, errors


def _check(found: Vectors, expected: int, version: Version) -> None:
    if len(found) != expected:
        raise ModelAnswerInvalid(
            f'model "{version.model}" gave {len(found)} vectors for {expected} texts'
        )
    for vector in found:
        given = vector.count(",") + 1 if vector is not None else version.dimensions
        if given != version.dimensions:
            raise DimensionsChanged(
                f'model "{version.model}" gives {given} dimensions now, '
                f"and the collection was made with {version.dimensions}",
                hint="llm_collection_model(collection, model) embeds the collection anew.",
            )


def apply_own(database: Database, collection: Collection, version: Version) -> None:
    """Embed what this transaction marked (synchronous version)."""
    marks = BATCH
    while marks == BATCH:
        claimed = queue.claim(
            database,
            version,
            "q.xid = pg_catalog.pg_current_xact_id() and q.attempts is null limit $1",
            [BATCH],
            ["int4"],
        )
        marks = sum(len(row["marks"]) for row in claimed)
        outcome = embedded(database, collection, version, claimed)
        for refused, error in outcome.failed:
            queue.fail(database, version, refused, error)
        queue.finish(
            database,
            version,
            collection.language,
            outcome.marks,
            outcome.removed,
            outcome.columns,
        )


# ---- llm_work: as its caller, through the functions that it may execute ------

_WORK = """
select v.id, v.collection, v.model, v.dimensions, v.synchronous, v.built, v.indexed
from llm.collection_versions v
join llm.collections c on c.id = v.collection
where v.built and not v.paused
    and (v.retry_at is null or v.retry_at <= pg_catalog.clock_timestamp())
    and ($1 is null or c.name = $1)
order by v.id
"""

_CLAIM = "select * from llm.vectors_claim($1, $2, $3, $4)"
_FINISH = "select llm.vectors_finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"


def drain(database: Database, commit: Callable[[], None], name: str | None) -> int:
    """Embed all that is queued and can be embedded now; return the texts embedded."""
    if name is not None:
        collections.by_name(database, name)
    total = 0
    found = [storage.Version(**row) for row in database.execute(_WORK, [name])]
    commit()
    for version in found:
        try:
            total += _drain_version(database, commit, version)
        except ModelError as error:
            _note_failure(database, version, error)
            commit()
            continue
        database.execute("select llm.vectors_settle($1)", [version.id], ["int8"])
        commit()
    return total


def _drain_version(database: Database, commit: Callable[[], None], version: Version) -> int:
    """Work on every lane that is free, until a round finds nothing."""
    collection = collections.by_id(database, version.collection)
    total, found = 0, True
    while found:
        found = False
        for lane in range(locks.LANES):
            taken = locks.take(database, version.id, lane)
            commit()
            if not taken:
                continue
            try:
                for texts in _drain_lane(database, commit, collection, version, lane):
                    total += texts
                    found = True
            finally:
                locks.give(database, version.id, lane)
    return total


def _drain_lane(
    database: Database,
    commit: Callable[[], None],
    collection: Collection,
    version: Version,
    lane: int,
) -> Iterator[int]:
    """Yield the texts embedded in each batch of a lane, to its queue's end."""
    position = "(0,0)"
    while True:
        started = time.monotonic()
        claimed = database.execute(
            _CLAIM, [version.id, lane, BATCH, position], ["int8", "int4", "int4", "tid"]
        )
        commit()
        if not claimed:
            return
        position = max((mark for row in claimed for mark in row["marks"]), key=_place)
        outcome = embedded(database, collection, version, claimed)
        _write(database, version, outcome)
        texts = len(outcome.rows)
        _note(database, version, None, None, texts, time.monotonic() - started)
        commit()
        if not _going_on(database, version):
            return
        yield texts


def _going_on(database: Database, version: Version) -> bool:
    """Return whether nobody paused or dropped the version meanwhile."""
    return bool(
        database.execute(
            "select from llm.collection_versions v where v.id = $1 and not v.paused",
            [version.id],
            ["int8"],
        )
    )


def _place(mark: str) -> tuple[int, int]:
    block, offset = mark.strip("()").split(",")
    return int(block), int(offset)


def _write(database: Database, version: Version, outcome: Outcome) -> None:
    for marks, error in outcome.failed:
        database.execute(
            "select llm.vectors_fail($1, $2, $3)",
            [version.id, marks, error],
            ["int8", "text[]", "text"],
        )
    database.execute(
        _FINISH,
        [version.id, outcome.marks, outcome.removed, *outcome.columns],
        ["int8", "text[]", "text[]", "text[]", "int4[]", *["text[]"] * 7],
    )


# A model that does not work is asked again after this, or as long as it said.
RETRY_SECONDS = 30.0


def _note_failure(database: Database, version: Version, error: ModelError) -> None:
    seconds = getattr(error, "retry_after", None) or RETRY_SECONDS
    database.message(
        "warning",
        f'model "{version.model}" does not work now: {error.message}',
        hint=f"Nothing is lost: the rows stay queued, to be tried again after {seconds:.0f} s.",
    )
    _note(database, version, error.message, float(seconds), 0, 0.0)


def _note(
    database: Database,
    version: Version,
    error: str | None,
    retry: float | None,
    texts: int,
    seconds: float,
) -> None:
    database.execute(
        "select llm.vectors_state($1, $2, $3, $4, $5)",
        [version.id, error, retry, texts, seconds],
        ["int8", "text", "float8", "int8", "float8"],
    )
