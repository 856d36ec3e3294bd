"""A blocking call that the server can still cancel.

A blocking call in PL/Python ignores a cancel, `statement_timeout` and a
shutdown until it returns. So the call runs in a helper thread, and the main
thread waits in short steps and lets the server raise what is pending in
between. The helper never touches the database, and no signal is ever
delivered to it: all are blocked while it is started, and it keeps that mask.
"""

from __future__ import annotations

import _thread
import queue
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Generic, TypeVar

from pg_llm.errors import ModelTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pg_llm.database import Database

T = TypeVar("T")

# Seconds between two looks at what the server has pending.
STEP = 0.05

SIGNALS = frozenset(signal.valid_signals())

# Seconds that an aborted helper is given to end before it is left behind.
_FAREWELL = 0.05


def run(
    database: Database,
    work: Callable[[], T],
    *,
    deadline: float,
    abort: Callable[[], None],
) -> T:
    """Return what `work()` returns, or raise what it raises.

    `deadline` is a time of `time.monotonic()`; after it `ModelTimeout` is
    raised. `abort` is called from the main thread when the wait ends early, and
    must make `work` end soon (close its sockets). A cancel passes through.
    """
    (outcome,) = stream(database, lambda: iter([work()]), deadline=deadline, abort=abort)
    return outcome


def stream(
    database: Database,
    work: Callable[[], Iterator[T]],
    *,
    deadline: float,
    abort: Callable[[], None],
    renew: float | None = None,
) -> Iterator[T]:
    """Yield what the iterator `work()` yields, as it comes (see `run`).

    With `renew`, each item sets the deadline anew to that many seconds from
    then. Closing the generator before its end aborts the work.
    """
    helper = _Helper(work)
    # Items may come faster than steps end: looking is by the clock.
    look = time.monotonic() + STEP
    try:
        while True:
            now = time.monotonic()
            if now >= look:
                database.check_interrupts()
                look = now + STEP
            if now >= deadline:
                raise ModelTimeout(
                    "the model did not answer before the deadline",
                    hint='Raise the setting "call_timeout" or the model\'s option "timeout".',
                )
            try:
                item = helper.next(min(look, deadline) - now)
            except queue.Empty:
                continue
            except StopIteration:
                return
            yield item
            if renew is not None:
                deadline = time.monotonic() + renew
    finally:
        if not helper.finished:
            abort()
            helper.join(_FAREWELL)


class _Helper(Generic[T]):
    """The thread that iterates, and the queue of what it found.

    `threading.Thread` would wait for the thread to have begun, which costs a
    call two changes of context for nothing.
    """

    def __init__(self, work: Callable[[], Iterator[T]]) -> None:
        self.finished = False
        self._work = work
        self._queue: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()
        self._ended = threading.Event()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            _thread.start_new_thread(self._iterate, ())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def next(self, seconds: float) -> T:
        """Return the next item; raise `queue.Empty` after `seconds`, or what the work raised."""
        item = self._queue.get(timeout=max(seconds, 0.001))
        if isinstance(item, BaseException):
            raise item
        return item[0]

    def join(self, seconds: float) -> None:
        self._ended.wait(seconds)

    def _iterate(self) -> None:
        last: BaseException = StopIteration()
        try:
            for value in self._work():
                self._queue.put((value,))
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            last = error
        self.finished = True
        self._queue.put(last)
        self._ended.set()


def sleep(database: Database, seconds: float) -> None:
    """Sleep in short steps; a cancel passes through."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(STEP, left))
        database.check_interrupts()


def concurrently(jobs: Sequence[Callable[[], T]], at_once: int) -> Iterator[T]:
    """Yield what the jobs return, as they end; the first failure ends it.

    To be iterated in a helper thread: the threads inherit its signal mask.
    """
    pool = ThreadPoolExecutor(min(at_once, len(jobs)), thread_name_prefix="pg_llm call")
    try:
        pending = {pool.submit(job) for job in jobs}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
