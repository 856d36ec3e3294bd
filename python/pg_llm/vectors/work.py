"""Embedding what is queued.

`Claimed` turns claimed rows into texts for the model and what comes back into
rows to write; `drain` is the loop of `llm_work`: claim, commit, hand the texts
to the model, write what is done, commit. No transaction is open while it waits
for the model, and the model works while it writes.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError, ModelAnswerInvalid, ModelError, PgLlmError
from pg_llm.models import static
from pg_llm.vectors import collections, locks, pieces, queue, steps, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pg_llm.database import Database, Row
    from pg_llm.models.ahead import Embedded, Feed
    from pg_llm.vectors.collections import Collection
    from pg_llm.vectors.storage import Version

STATIC = "static"

# Rows claimed in one go.
BATCH = 1_000

# Rows that llm_vectorize embeds itself with the static model.
AT_ONCE = 10_000

# As pgvector writes and reads them: they go from one statement into the next.
Vectors = list[str | None]


def embed(database: Database, texts: Sequence[str], model: str) -> Vectors:
    """Return a vector for each text, None for one that the model has no vector for."""
    if model == STATIC:
        return static.embed_as_text(texts)
    from pg_llm import models

    return models.embed_as_text(database, texts, model)


class DimensionsChanged(ModelError):
    """The model is another one than the collection was made with."""

    sqlstate = "38004"


@dataclass(slots=True)
class Item:
    """A claimed row: named by its mark and place, split into texts to embed."""

    mark: str
    place: int
    stored: bool
    metadata: str
    digest: str
    texts: list[str]
    note: str | None
    vectors: list[str | None]
    missing: int
    error: str | None = None

    @property
    def name(self) -> tuple[str, int]:
        """Mark and place."""
        return self.mark, self.place


@dataclass(slots=True)
class Claimed:
    """What is under way: rows that wait for vectors, and rows to write.

    `position` is the last mark that was claimed of the lane at hand, `file` the
    file that the marks are places in; `unsent` holds each text once, and
    `wanted` says who waits for it.
    """

    collection: Collection
    version: Version
    file: int = 0
    position: str = queue.START
    unsent: deque[str] = field(default_factory=deque)
    wanted: dict[str, list[tuple[Item, int]]] = field(default_factory=dict)
    ready: list[Item] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)

    def add(self, claimed: Sequence[Row]) -> int:
        """Take claimed rows up; return how many marks there are."""
        marks = [row for row in claimed if row["place"] == 0]
        for row in marks:
            self.open[row["mark"]] = 0
            self.file = row["file"]
            self.position = max(self.position, row["mark"], key=_place)
        for row in claimed:
            if row["place"]:
                self._want(row)
        return len(marks)

    def _want(self, row: Row) -> None:
        rule = self.collection
        split, note = pieces.chunks(row["content"], rule.chunk_size, rule.overflow)
        item = Item(
            mark=row["mark"],
            place=row["place"],
            stored=row["stored"],
            metadata=row["metadata"],
            digest=row["digest"],
            texts=split,
            note=note,
            vectors=[None] * len(split),
            missing=len(split),
        )
        self.open[item.mark] += 1
        for n, text in enumerate(split):
            waiting = self.wanted.setdefault(text, [])
            if not waiting:
                self.unsent.append(text)
            waiting.append((item, n))

    def job(self, batch: int, characters: int) -> list[str]:
        """Take the texts of the next request, as many as fit into it."""
        texts: list[str] = []
        left = characters
        while self.unsent and len(texts) < batch:
            left -= len(self.unsent[0])
            if texts and left < 0:
                break
            texts.append(self.unsent.popleft())
        return texts

    def fulfil(self, texts: Sequence[str], found: Sequence[Embedded]) -> None:
        """Give rows their vectors. Raises `DimensionsChanged`, `ModelAnswerInvalid`."""
        if len(found) != len(texts):
            raise ModelAnswerInvalid(
                f'model "{self.version.model}" gave {len(found)} vectors for {len(texts)} texts'
            )
        check_dimensions(self.version, [each.vector for each in found])
        for text, each in zip(texts, found, strict=True):
            for item, n in self.wanted.pop(text):
                item.vectors[n] = each.vector
                item.error = item.error or each.error
                item.missing -= 1
                if not item.missing:
                    self.ready.append(item)

    def finished(self) -> Finished:
        """Take what can be written now."""
        items, self.ready = self.ready, []
        for item in items:
            self.open[item.mark] -= 1
        done = [mark for mark, left in self.open.items() if not left]
        for mark in done:
            del self.open[mark]
        return Finished(
            self.file,
            done,
            [item for item in items if item.error is None],
            [item for item in items if item.error is not None],
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """Marks that are done with, rows to write, rows to set aside."""

    file: int
    marks: list[str]
    embedded: list[Item]
    failed: list[Item]

    def __bool__(self) -> bool:
        return bool(self.marks or self.embedded or self.failed)

    @property
    def removed(self) -> list[tuple[str, int]]:
        """The rows that have old embeddings."""
        return [item.name for item in self.embedded if item.stored]

    @property
    def columns(self) -> list[list[object]]:
        """The rows to write, as `queue.write` takes them."""
        rows = [row for item in self.embedded for row in _rows(item)]
        return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(10)]


def _rows(item: Item) -> Iterator[tuple[object, ...]]:
    for n, (text, vector) in enumerate(zip(item.texts, item.vectors, strict=True), 1):
        words, grams = pieces.terms(text)
        plain = not grams and words == text
        yield (
            item.mark,
            item.place,
            n,
            text,
            item.note,
            item.metadata,
            None if plain else words,
            grams,
            item.digest,
            vector,
        )


def check_dimensions(version: Version, vectors: Sequence[str | None]) -> None:
    """Raise `DimensionsChanged` unless vectors have the collection's dimensions."""
    for vector in vectors:
        given = vector.count(",") + 1 if vector is not None else version.dimensions
        if given != version.dimensions:
            raise DimensionsChanged(
                f'model "{version.model}" gives {given} dimensions now, '
                f"and the collection was made with {version.dimensions}",
                hint="llm_collection_model(collection, model) embeds the collection anew.",
            )


def _place(mark: str) -> tuple[int, int]:
    block, offset = mark.strip("()").split(",")
    return int(block), int(offset)


def apply_own(database: Database, collection: Collection, version: Version) -> None:
    """Embed what this transaction marked (synchronous version)."""
    from pg_llm.models.ahead import Embedded

    condition = "q.xid = pg_catalog.pg_current_xact_id()"
    while True:
        lane = Claimed(collection, version)
        if not lane.add(queue.claim(database, version, condition, [], [], BATCH)):
            return
        texts = lane.job(len(lane.unsent), 1 << 62)
        lane.fulfil(texts, [Embedded(vector) for vector in static.embed_as_text(texts)])
        finished = lane.finished()
        if finished.embedded:
            queue.write(database, version, collection.language, finished.removed, finished.columns)
        queue.delete_marks(database, version, finished.marks)


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
        except DatabaseError:
            raise
        except PgLlmError as error:
            _note_failure(database, version, error)
            commit()
            continue
        steps.as_owner(database, partial(steps.settle_down, version=version.id))
        commit()
    return total


def _drain_version(database: Database, commit: Callable[[], None], version: Version) -> int:
    """Work on every lane that is free, until a round finds nothing."""
    collection = collections.by_id(database, version.collection)
    session = _Session(database, commit, collection, version)
    try:
        while session.round() and not session.stopped:
            pass
    finally:
        session.close()
    return session.total


# Seconds between two reports of how a version does, and for which a model's row
# and secret are taken as read.
REPORT_SECONDS = 1.0
REOPEN_SECONDS = 60.0

# Texts that lie ready for the model, at most.
AHEAD = 8_000


class _Session:
    """One drain of one version: its feed of the model, and what it reports.

    `stopped`: somebody paused or dropped the version.
    """

    def __init__(
        self,
        database: Database,
        commit: Callable[[], None],
        collection: Collection,
        version: Version,
    ) -> None:
        self.total = 0
        self.stopped = False
        self._database = database
        self._commit = commit
        self._collection = collection
        self._version = version
        self._feed: Feed | None = None
        self._opened = 0.0
        self._texts = 0
        self._reported = time.monotonic()

    def round(self) -> bool:
        """Work on one lane after the other; return whether there was anything.

        A lane is kept to the end of the round: its last texts are under way
        while the next one is begun.
        """
        taken: list[int] = []
        try:
            return self._drain(self._lanes(taken))
        finally:
            for number in taken:
                locks.give(self._database, self._version.id, number)

    def _lanes(self, taken: list[int]) -> Iterator[int]:
        """Take the lanes that are free, one after the other."""
        for number in range(locks.LANES):
            free = locks.take(self._database, self._version.id, number)
            self._commit()
            if free:
                taken.append(number)
                yield number

    def _drain(self, lanes: Iterator[int]) -> bool:
        """Do a round. Raises what the model failed with, after what came back is written."""
        lane = Claimed(self._collection, self._version)
        found = False
        failure: BaseException | None = None
        number = next(lanes, None)
        while number is not None or lane.unsent or self._waiting:
            if number is not None and len(lane.unsent) < self._enough:
                if self._claim(lane, number):
                    found = True
                else:
                    number, lane.position = next(lanes, None), queue.START
            self._hand_in(lane, flush=number is None)
            if self._waiting and not (number is not None and len(lane.unsent) < self._enough):
                failure = self._take(lane) or failure
            if not self._write(lane):
                self._report(None)
                self.close()
                return True
            if failure is not None or self.stopped:
                number = None
                lane.unsent.clear()
        self._report(failure)
        if failure is not None:
            raise failure
        return found

    def close(self) -> None:
        """End what is under way."""
        if self._feed is not None:
            self._feed.close()
        self._feed = None

    @property
    def _waiting(self) -> int:
        return self._feed.waiting if self._feed else 0

    @property
    def _enough(self) -> int:
        """Return how many texts shall lie ready."""
        wide = self._feed.batch * self._feed.at_once if self._feed else 0
        return min(max(wide, BATCH // 2), AHEAD)

    def _claim(self, lane: Claimed, number: int) -> bool:
        claimed = steps.as_owner(
            self._database,
            lambda inside: steps.claim(inside, self._version.id, number, BATCH, lane.position),
        )
        self.stopped = not _going_on(self._database, self._version)
        self._commit()
        return bool(lane.add(claimed))

    def _hand_in(self, lane: Claimed, *, flush: bool) -> None:
        """Give the model what it can take; less than a whole batch only at the end."""
        if not lane.unsent:
            return
        feed = self._open()
        while (
            feed is not None and feed.room > 0 and len(lane.unsent) >= (1 if flush else feed.batch)
        ):
            feed.put(lane.job(feed.batch, feed.characters))

    def _open(self) -> Feed | None:
        """Return the feed; None while an old one runs empty, to be opened anew."""
        if self._feed is not None and time.monotonic() < self._opened + REOPEN_SECONDS:
            return self._feed
        if self._waiting:
            return None
        if self._feed is not None:
            self._report(None)
        self.close()
        self._feed = steps.as_owner(
            self._database, lambda inside: steps.open_feed(inside, self._version.id)
        )
        self._commit()
        self._opened = time.monotonic()
        return self._feed

    def _take(self, lane: Claimed) -> BaseException | None:
        """Wait for what the model gives; return a failure."""
        failure: BaseException | None = None
        assert self._feed is not None  # noqa: S101 - it is waited for
        for texts, found in self._feed.take(self._database):
            if isinstance(found, BaseException):
                failure = found
                continue
            try:
                lane.fulfil(texts, found)
            except ModelError as error:
                failure = error
        return failure

    def _write(self, lane: Claimed) -> bool:
        """Write what is done; False where the marks are no longer what was claimed."""
        finished = lane.finished()
        if not finished:
            return True
        written = steps.as_owner(
            self._database, lambda inside: steps.finish(inside, self._version.id, finished)
        )
        self._texts += sum(len(item.texts) for item in finished.embedded)
        if time.monotonic() > self._reported + REPORT_SECONDS:
            self._report(None)
        self._commit()
        return written

    def _report(self, failure: BaseException | None) -> None:
        """Note what was done since the last time."""
        now = time.monotonic()
        if self._texts:
            _note(self._database, self._version, None, None, self._texts, now - self._reported)
        if (feed := self._feed) is not None:
            from pg_llm.models import ahead

            steps.as_owner(self._database, lambda inside: ahead.record(inside, feed, failure))
        self._commit()
        self.total += self._texts
        self._texts, self._reported = 0, now


def _going_on(database: Database, version: Version) -> bool:
    """Return whether nobody paused or dropped the version meanwhile."""
    return bool(
        database.execute(
            "select from llm.collection_versions v where v.id = $1 and not v.paused",
            [version.id],
            ["int8"],
        )
    )


# A model that does not work is asked again after as long as it said, or after
# this, doubled for each failure in a row.
RETRY_SECONDS = 30.0
MAX_RETRY_SECONDS = 600.0
MAX_ASKED_SECONDS = 3600.0


def _note_failure(database: Database, version: Version, error: PgLlmError) -> None:
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        seconds = min(asked, MAX_ASKED_SECONDS)
    else:
        before = database.execute(
            "select v.failures from llm.collection_versions v where v.id = $1",
            [version.id],
            ["int8"],
        )
        failures = before[0]["failures"] if before else 0
        seconds = min(RETRY_SECONDS * 2 ** min(failures, 10), MAX_RETRY_SECONDS)
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
    steps.as_owner(
        database, lambda inside: queue.note(inside, version.id, error, retry, texts, seconds)
    )
