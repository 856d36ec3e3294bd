"""The steps of `llm_work` that are done as the extension's owner.

A procedure that commits cannot be SECURITY DEFINER, and what a step takes and
gives is large: a thousand texts with their vectors. So `as_owner` leaves the
step in this process, and `llm.vectors_step`, which runs as the owner, is told
its number only. Nobody but the code of this package can leave one there.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

from pg_llm.errors import DatabaseError, InvalidParameter, PgLlmError
from pg_llm.vectors import collections, queue, settle, storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.database import Database, Row
    from pg_llm.models.ahead import Feed
    from pg_llm.vectors.work import Finished

T = TypeVar("T")

_steps: dict[int, Callable[[Database], None]] = {}
_numbers = itertools.count(1)


def as_owner(database: Database, step: Callable[[Database], T]) -> T:
    """Return what `step(database)` returns with the rights of the extension's owner.

    Raises what it raises, with its own class.
    """
    found: list[T] = []
    failed: list[PgLlmError] = []

    def run(inside: Database) -> None:
        try:
            found.append(step(inside))
        except DatabaseError:
            raise
        except PgLlmError as error:
            failed.append(error)

    number = next(_numbers)
    _steps[number] = run
    try:
        database.execute("select llm.vectors_step($1)", [number], ["int8"])
    finally:
        _steps.pop(number, None)
    if failed:
        raise failed[0]
    return found[0]


def run(database: Database, number: int) -> None:
    """Do the step of that number, once. Raises `InvalidParameter` where there is none."""
    step = _steps.pop(number, None)
    if step is None:
        raise InvalidParameter(
            f"there is no step {number}", hint="CALL llm_work() does what is to be done."
        )
    step(database)


def claim(database: Database, version: int, lane: int, size: int, after: str) -> list[Row]:
    """Return the next marks of a lane with their texts (see `queue.claim`)."""
    found = storage.version(database, version)
    return [] if found is None else queue.next_marks(database, found, lane, size, after)


def finish(database: Database, version: int, finished: Finished) -> bool:
    """Write embeddings, set rows aside, take marks out of the queue.

    False, and nothing done, where the version is gone or the marks have moved.
    """
    found = storage.version(database, version)
    if found is None or not queue.hold(database, found, finished.file):
        return False
    if finished.embedded:
        language = collections.by_id(database, found.collection).language
        queue.write(database, found, language, finished.removed, finished.columns)
    names = [item.name for item in finished.failed]
    queue.fail(database, found, names, [item.error or "" for item in finished.failed])
    queue.delete_marks(database, found, finished.marks)
    return True


def open_feed(database: Database, version: int) -> Feed:
    """Open the way to a version's model."""
    from pg_llm.models import ahead

    found = storage.version(database, version)
    return ahead.open_feed(database, found.model if found else "")


def settle_down(database: Database, version: int) -> None:
    """Tidy up after a queue ran empty."""
    found = storage.version(database, version)
    if found is not None:
        settle.settle(database, found)
