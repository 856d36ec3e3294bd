"""Cooldowns: a model whose endpoint asked for a pause, or failed, is left alone.

What counts is the endpoint and the provider's name of the model, since rate
limits are the model's: rows of the registry that share both share a cooldown.
They are kept in the table `llm.cooldowns`, for all sessions, and in this
process, because the row that is written in a statement which then fails goes
with it. A row is made with the model, so that a cooldown is an update which
passes by a row that somebody else holds: no call ever waits for another
session's transaction.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.models import interruptible
from pg_llm.models.faults import Overloaded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.database import Database
    from pg_llm.errors import PgLlmError
    from pg_llm.models.registry import Model

_SERIALIZATION_FAILURE = "40001"

# Seconds without a word from the endpoint about how long.
_DEFAULT = 5.0
# An endpoint cannot lock itself out for longer.
_LONGEST = 3600.0

_LEFT = """
select
    pg_catalog.date_part('epoch', c.until - pg_catalog.clock_timestamp()) as left,
    c.asked
from llm.cooldowns c
where c.endpoint = $1
    and c.model = $2
    and c.until > pg_catalog.clock_timestamp()
"""
_START = """
update llm.cooldowns c
set until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $3),
    asked = $4,
    reason = $5
where (c.endpoint, c.model) = (
    select l.endpoint, l.model
    from llm.cooldowns l
    where l.endpoint = $1
        and l.model = $2
    for update skip locked
)
"""

# (endpoint, the provider's name of the model)
# -> (end by time.monotonic(), whether the endpoint asked for it)
_here: dict[tuple[str, str], tuple[float, bool]] = {}


def order(database: Database, models: Iterable[Model]) -> list[Model]:
    """Return the models with those that cool down at the end."""
    return sorted(models, key=lambda model: _left(database, model)[0] > 0)


def wait(database: Database, model: Model, deadline: float) -> None:
    """Wait for the end of a pause that the endpoint asked for.

    Raises `Overloaded` where it ends after the deadline. A cooldown after a
    failure is no reason to wait: it only puts other models first.
    """
    left, asked = _left(database, model)
    if left <= 0 or not asked:
        return
    if model.options.fallback or time.monotonic() + left >= deadline:
        raise _asked(model, left)
    interruptible.sleep(database, left)


def refuse(database: Database, model: Model) -> None:
    """Raise `Overloaded` during a pause that the endpoint asked for."""
    left, asked = _left(database, model)
    if left > 0 and asked:
        raise _asked(model, left)


def _asked(model: Model, left: float) -> Overloaded:
    return Overloaded(
        f'model "{model.name}": {model.host} asked to be left alone for '
        f"{math.ceil(left)} more seconds",
        hint="Try later, or give the model a fallback.",
        retry_after=left,
    )


def start(database: Database, model: Model, error: PgLlmError, *, writable: bool) -> None:
    """Let the model's endpoint cool down, where the failure is of that kind."""
    if not isinstance(error, Overloaded) or not model.endpoint:
        return
    asked = error.retry_after is not None
    seconds = min(_DEFAULT if error.retry_after is None else error.retry_after, _LONGEST)
    _here[model.endpoint, model.model] = (time.monotonic() + seconds, asked)
    if writable:
        try:
            database.execute(
                _START,
                [model.endpoint, model.model, seconds, asked, error.message],
                ["text", "text", "float8", "bool", "text"],
            )
        except DatabaseError as refused:
            # Another session has written it since this transaction's snapshot.
            if refused.sqlstate != _SERIALIZATION_FAILURE:
                raise


def _left(database: Database, model: Model) -> tuple[float, bool]:
    if not model.endpoint:
        return 0.0, False
    until, asked = _here.get((model.endpoint, model.model), (0.0, False))
    left = until - time.monotonic()
    for row in database.execute(_LEFT, [model.endpoint, model.model]):
        if row["left"] > left:
            left, asked = row["left"], row["asked"]
    return left, asked
