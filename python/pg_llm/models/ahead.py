"""Embedding ahead: requests are under way while the main thread writes what came back.

For `llm_work`, which alternates between transactions and waiting. A feed is
opened by a function with the rights of the extension's owner, which reads the
model's row and its secret; what goes in and comes out afterwards are texts and
vectors. Helper threads make the requests and never touch the database; a feed
is opened, used and closed within one procedure's call.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import (
    ModelAnswerInvalid,
    ModelError,
    ModelTimeout,
    ProgramLimitExceeded,
)
from pg_llm.models import audit, calls, cooldowns, embeddings, faults, interruptible, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.database import Database
    from pg_llm.models.registry import Model

# Requests that wait for a free connection, for each one that is under way: the
# main thread cannot hand out the next one while it writes.
AHEAD = 2

# Texts of one job of the static model.
_STATIC_BATCH = 512


@dataclass(frozen=True, slots=True)
class Embedded:
    """What became of a text: a vector as pgvector reads it, nothing, or an error."""

    vector: str | None
    error: str | None = None


# What went into a job, and what came of it.
Job = tuple["Sequence[str]", "list[Embedded] | BaseException"]


class Feed:
    """Jobs that helper threads do, and what they found. Used by the main thread.

    `batch` texts and `characters` go into one job; `room` is the number of jobs
    that may be handed in now.
    """

    def __init__(
        self,
        work: Callable[[Sequence[str]], list[Embedded]],
        *,
        at_once: int,
        batch: int,
        characters: int,
    ) -> None:
        self.batch = batch
        self.characters = characters
        self.at_once = at_once
        self.waiting = 0
        self._work = work
        self._pool = _pool(at_once)
        self._done: queue.SimpleQueue[Job] = queue.SimpleQueue()

    @property
    def room(self) -> int:
        """Return how many jobs may be handed in."""
        return self.at_once * AHEAD - self.waiting

    def put(self, texts: Sequence[str]) -> None:
        """Hand in a job."""
        self._pool.submit(self._run, texts)
        self.waiting += 1

    def take(self, database: Database) -> list[Job]:
        """Wait until a job is done, and return those that are. A cancel passes through."""
        found: list[Job] = []
        while not found:
            try:
                found.append(self._done.get(timeout=interruptible.STEP))
            except queue.Empty:
                database.check_interrupts()
                self.check_time()
        while not self._done.empty():
            found.append(self._done.get_nowait())
        self.waiting -= len(found)
        return found

    def check_time(self) -> None:
        """Raise `ModelTimeout` when nothing comes any more."""

    def close(self) -> None:
        """End what is under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, texts: Sequence[str]) -> None:
        try:
            found: list[Embedded] | BaseException = self._work(texts)
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            found = error
        self._done.put((texts, found))


def _pool(at_once: int) -> ThreadPoolExecutor:
    """Return a pool whose threads are all there, and get no signal."""
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="pg_llm call")
    # A thread keeps the mask that it is started with.
    go = threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, interruptible.SIGNALS)
    try:
        for _ in range(at_once):
            pool.submit(go.wait)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        go.set()
    return pool


def static_feed() -> Feed:
    """Return a feed of the embedded model: the tokenizer works beside the main thread."""
    from pg_llm.models import static

    return Feed(
        lambda texts: [Embedded(vector) for vector in static.embed_as_text(texts)],
        at_once=1,
        batch=_STATIC_BATCH,
        characters=10_000_000,
    )


class ModelFeed(Feed):
    """A feed of a model with an endpoint, and the account of its requests."""

    def __init__(self, database: Database, model: Model, seconds: float) -> None:
        super().__init__(
            self._isolated,
            at_once=embeddings.at_once(model),
            batch=embeddings.batch_size(model),
            characters=model.provider.max_batch_characters,
        )
        self.model = model
        self._call = calls.Call(database, model, alone=True)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._tokens = 0
        self._attempts = 0
        self._harmless = False
        self._since = self._alive = time.monotonic()

    def put(self, texts: Sequence[str]) -> None:
        """Hand in a job."""
        if not self.waiting:
            self._alive = time.monotonic()
        super().put(texts)

    def check_time(self) -> None:
        """Raise `ModelTimeout` when nothing comes any more."""
        if self.waiting and time.monotonic() > self._alive + self._seconds:
            raise ModelTimeout(
                "the model did not answer before the deadline",
                hint='Raise the setting "call_timeout" or the model\'s option "timeout".',
            )

    def close(self) -> None:
        """Cut the connections, so that helpers end."""
        super().close()
        self._call.abort()

    def usage(self) -> tuple[audit.Usage, float]:
        """Return what the requests since the last time took, and in how many milliseconds."""
        now = time.monotonic()
        with self._lock:
            made, self._attempts = self._call.attempts - self._attempts, self._call.attempts
            tokens, self._tokens = self._tokens, 0
        milliseconds, self._since = (now - self._since) * 1000, now
        return audit.Usage(made, tokens or None), milliseconds

    def _isolated(self, texts: Sequence[str]) -> list[Embedded]:
        """Embed texts; a text that the model refuses is found by halving (bisection).

        Raises `ModelError` when the model refuses a harmless text as well: then
        it does not work at all.
        """
        try:
            for text in texts:
                calls.check_size(len(text), self.model)
            return self._ask(texts)
        except (faults.BadRequest, ModelAnswerInvalid, ProgramLimitExceeded) as error:
            if not self._harmless:
                self._ask(["text"])
                self._harmless = True
            if len(texts) == 1:
                return [Embedded(None, error.message)]
        middle = len(texts) // 2
        return self._isolated(texts[:middle]) + self._isolated(texts[middle:])

    def _ask(self, texts: Sequence[str]) -> list[Embedded]:
        batch = embeddings.Batch(tuple(texts))
        found = embeddings.ask(self._call, self.model, batch, self._seconds)
        with self._lock:
            self._tokens += found.tokens
        self._alive = time.monotonic()
        return [Embedded(repr(vector)) for vector in found.vectors]


def open_feed(database: Database, name: str) -> Feed:
    """Open a feed of a model, or of a fallback while it cools down.

    With the rights of the extension's owner. Raises as `embeddings.embed` does,
    and `faults.Overloaded` during a pause that the endpoint asked for.
    """
    first = registry.find(database, name, "embed")
    if first.provider.name == "static":
        return static_feed()
    deadline = calls.starts(database, None, [first])
    model = calls.chain(database, first)[0]
    cooldowns.refuse(database, model)
    seconds = deadline - time.monotonic()
    return ModelFeed(database, model, min(seconds, model.options.timeout or seconds))


def record(database: Database, feed: Feed, failure: BaseException | None) -> None:
    """Record the requests since the last time, and a failure's cooldown; as `open_feed`."""
    if not isinstance(feed, ModelFeed):
        return
    who = audit.caller(database)
    usage, milliseconds = feed.usage()
    outcome = "ok"
    if isinstance(failure, ModelError):
        outcome = failure.sqlstate
        cooldowns.start(database, feed.model, failure, writable=who.writable)
    if usage.attempts:
        audit.record(database, who, feed.model, usage, milliseconds, outcome)
