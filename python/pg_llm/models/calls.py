"""Requests to a model, made with the rights of the extension's owner.

What is here runs inside SECURITY DEFINER functions only (`llm.call` and its
like): it reads the model's row and secret itself, makes the whole call, and
hands back the answer. It never runs SQL that a caller gave.

A call has one deadline for everything: connecting, attempts, waiting, other
models of the `fallback` chain.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pg_llm import settings
from pg_llm.errors import (
    ConfigurationError,
    InvalidParameter,
    ModelError,
    ModelUnavailable,
    ProgramLimitExceeded,
    UndefinedObject,
)
from pg_llm.library import isolated
from pg_llm.models import audit, cooldowns, faults, registry
from pg_llm.models.audit import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.models.client import Client, Request
    from pg_llm.models.registry import Model

T = TypeVar("T")

# Seconds before the second attempt; doubled for each further one.
_BACKOFF = 0.5
_MAX_BACKOFF = 8.0

# The session's connections, by endpoint and proxy. They hold no keys, and so
# may be shared by the roles of a session.
_clients: dict[tuple[str, str | None], Client] = {}


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What an attempt at one model came to."""

    value: T
    usage: Usage


def with_fallbacks(
    database: Database,
    name: str | None,
    kind: str,
    timeout: float | None,
    attempt: Callable[[Model, float], Outcome[T]],
) -> T:
    """Return what `attempt(model, deadline)` comes to for the first model that works.

    `timeout` is the number of seconds that the caller gives it. Raises what the
    last model failed with. Each attempt is recorded.
    """
    first = registry.find(database, name, kind)
    deadline = starts(database, timeout, [first])
    tried = chain(database, first)
    failures: list[ModelError | ProgramLimitExceeded] = []
    for place, model in enumerate(tried):
        until = _share(deadline, len(tried) - place, model)
        try:
            return recorded(database, model, lambda: _attempt(database, model, until, attempt))  # noqa: B023
        except (ModelError, ProgramLimitExceeded) as error:
            failures.append(error)
    raise failures[0] if len(failures) == 1 else _all_failed(failures)


def chain(database: Database, first: Model) -> list[Model]:
    """Return a model and its fallbacks, those that cool down at the end."""
    if not first.options.fallback:
        return [first]
    return cooldowns.order(database, [first, *_fallbacks(database, first)])


def _attempt(
    database: Database,
    model: Model,
    until: float,
    attempt: Callable[[Model, float], Outcome[T]],
) -> Outcome[T]:
    cooldowns.wait(database, model, until)
    return attempt(model, until)


def recorded(database: Database, model: Model, work: Callable[[], Outcome[T]]) -> T:
    """Return what `work` comes to; record that, or that it failed."""
    who = audit.caller(database)
    started = time.monotonic()
    outcome, usage = "ok", Usage(attempts=0)
    try:
        done = work()
        usage = done.usage
    except ModelError as error:
        outcome, usage = error.sqlstate, Usage(attempts=1)
        cooldowns.start(database, model, error, writable=who.writable)
        raise
    else:
        return done.value
    finally:
        if usage.attempts:
            milliseconds = (time.monotonic() - started) * 1000
            audit.record(database, who, model, usage, milliseconds, outcome)


def _share(deadline: float, models: int, model: Model) -> float:
    """Return the time until which this model may try, with others after it."""
    now = time.monotonic()
    until = now + (deadline - now) / models
    return min(until, now + model.options.timeout) if model.options.timeout else until


def _fallbacks(database: Database, first: Model) -> Iterator[Model]:
    for name in first.options.fallback:
        # A fallback may be gone, or not for this role: then it is no fallback.
        with contextlib.suppress(UndefinedObject, InvalidParameter):
            found = registry.find(database, name, first.kind)
            # Vectors of another model would be of another space.
            if first.kind != "embed" or found.model == first.model:
                yield found


def _all_failed(
    failures: Sequence[ModelError | ProgramLimitExceeded],
) -> ModelError | ProgramLimitExceeded:
    last = failures[-1]
    before = "; ".join(failure.message for failure in failures[:-1])
    raised = ModelUnavailable if isinstance(last, faults.Overloaded) else type(last)
    return raised(last.message, hint=last.hint, detail=f"Before: {before}")


def starts(database: Database, timeout: float | None, models: Sequence[Model]) -> float:
    """Return when a call of these models that starts now must have ended.

    The HTTP library is loaded before: that time is not the model's.
    """
    if any(model.endpoint for model in models):
        with isolated():
            import pg_llm.models.client  # noqa: F401
    limit = settings.seconds(database, "call_timeout")
    return time.monotonic() + (min(timeout, limit) if timeout else limit)


def check_size(characters: int, model: Model) -> None:
    """Raise `ProgramLimitExceeded` for a prompt over the model's limit."""
    if characters > model.options.max_prompt:
        raise ProgramLimitExceeded(
            f'the prompt has {characters} characters, and model "{model.name}" takes '
            f"{model.options.max_prompt}",
            hint='Shorten it, or raise the model\'s option "max_prompt".',
        )


class Call:
    """Requests to a model's endpoint, tried again where a failure may pass.

    Made in the main thread; `post` and `stream` run in helper threads, `abort`
    in the main thread again. With `alone`, the connections are not shared with
    other calls of the session.
    """

    def __init__(self, database: Database, model: Model, *, alone: bool = False) -> None:
        self._model = model
        self._key = _secret(database, model)
        self._client = _client(model, alone=alone)
        self._stopped = threading.Event()
        self.attempts = 0

    def post(self, path: str, body: Mapping[str, object], deadline: float) -> Any:
        """Return the parsed JSON of the answer. Raises `ModelError`."""
        request = self._request(path, body, deadline)
        return self._again(lambda: self._client.post(request, self._key), deadline)

    def stream(self, path: str, body: Mapping[str, object], deadline: float) -> Iterator[Any]:
        """Yield the events of the answer. Only the first one is tried again."""
        request = self._request(path, {**body, "stream": True}, deadline)

        def begin() -> tuple[list[Any], Iterator[Any]]:
            events = self._client.stream(request, self._key)
            return [event for event in (next(events, None),) if event is not None], events

        first, events = self._again(begin, deadline)
        yield from first
        with faults.told(self._model.name, self._model.host, self._key):
            yield from events

    def abort(self) -> None:
        """Make every request of this call end at once."""
        self._stopped.set()
        place = (self._model.endpoint, self._model.options.proxy)
        if _clients.get(place) is self._client:
            del _clients[place]
        self._client.close()

    def _request(self, path: str, body: Mapping[str, object], deadline: float) -> Request:
        from pg_llm.models.client import Request

        options = self._model.options
        return Request(path, body, deadline, options.connect_timeout, options.max_answer)

    def _again(self, once: Callable[[], T], deadline: float) -> T:
        made = 0
        while True:
            made += 1
            self.attempts += 1
            try:
                with faults.told(self._model.name, self._model.host, self._key):
                    return once()
            except faults.Overloaded as error:
                pause = self._pause(error, made, deadline)
                if pause is None or self._stopped.wait(pause):
                    raise

    def _pause(self, error: faults.Overloaded, made: int, deadline: float) -> float | None:
        """Seconds to wait before the next attempt; None: there is none."""
        if made > self._model.options.retries or self._model.options.fallback:
            return None
        pause = error.retry_after
        if pause is None:
            pause = min(_BACKOFF * 2 ** (made - 1), _MAX_BACKOFF) * random.uniform(0.5, 1)  # noqa: S311
        return pause if pause < deadline - time.monotonic() else None


def _client(model: Model, *, alone: bool) -> Client:
    place = (model.endpoint, model.options.proxy)
    found = None if alone else _clients.get(place)
    if found is None:
        from pg_llm.models.client import Client

        found = Client(*place)
        if not alone:
            _clients[place] = found
    return found


def _secret(database: Database, model: Model) -> str | None:
    if model.secret is None:
        if model.provider.needs_secret:
            raise ConfigurationError(
                f'model "{model.name}" has no secret, and its provider needs one',
                hint=f"llm_secret_set, then llm_model_change('{model.name}', secret => '…').",
            )
        return None
    if model.options.proxy and model.endpoint.startswith("http:"):
        raise InvalidParameter(
            f'model "{model.name}" would show its secret to a proxy',
            hint="With a proxy and a secret, the endpoint must be an https address.",
        )
    from pg_llm.models import secrets

    return secrets.resolve(database, model.secret, model.endpoint)
