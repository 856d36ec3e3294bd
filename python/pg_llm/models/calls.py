"""Calls, made with the rights of the extension's owner.

These functions run inside SECURITY DEFINER functions only (`llm.call` and its
like): they read the model's row and secret themselves, make the whole call
here, and hand back the answer. They never run SQL that a caller gave.

A call has one deadline for everything: connecting, attempts, waiting, other
models of the `fallback` chain.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pg_llm import settings
from pg_llm.errors import (
    ConfigurationError,
    InvalidParameter,
    ModelError,
    ProgramLimitExceeded,
    UndefinedObject,
)
from pg_llm.library import isolated
from pg_llm.models import faults, interruptible, registry
from pg_llm.models.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.models.client import Client
    from pg_llm.models.registry import Model

T = TypeVar("T")

# What a caller may choose; everything else is the administrator's.
CALL_OPTIONS = frozenset(
    {
        "temperature",
        "top_p",
        "max_tokens",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "response_format",
        "reasoning_effort",
        "timeout",
    }
)

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

# Seconds before the second attempt; doubled for each further one.
_BACKOFF = 0.5
_MAX_BACKOFF = 8.0

# The sessions' connections, by endpoint and proxy. They hold no keys, and so
# may be shared by the roles of a session.
_clients: dict[tuple[str, str | None], Client] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A raw answer and what it took."""

    body: Any
    milliseconds: float
    attempts: int


def chat(
    database: Database,
    messages: Any,
    name: str | None,
    options: Mapping[str, Any] | None,
) -> Completion:
    """Return the completion of a conversation. Raises `ModelError` and bad input's errors.

    `messages` is the caller's parsed JSON, not checked yet.
    """
    chosen = _call_options(options)
    deadline = _deadline(database, chosen.pop("timeout", None))

    def attempt(model: Model, deadline: float) -> Completion:
        _check_messages(messages, model)
        body = _chat_body(model, messages, chosen)
        answer = _post(database, model, "/chat/completions", body, deadline)
        return _completion(model, answer)

    return with_fallbacks(database, name, "chat", deadline, attempt)


def with_fallbacks(
    database: Database,
    name: str | None,
    kind: str,
    deadline: float,
    attempt: Callable[[Model, float], T],
) -> T:
    """Return what `attempt(model, deadline)` returns for the first model that works."""
    first = registry.find(database, name, kind)
    chain = [first, *_fallbacks(database, first)]
    failures: list[ModelError] = []
    for place, model in enumerate(chain):
        left = deadline - time.monotonic()
        until = time.monotonic() + left / (len(chain) - place)
        if model.options.timeout:
            until = min(until, time.monotonic() + model.options.timeout)
        try:
            return attempt(model, until)
        except ModelError as error:
            failures.append(error)
            database.message("log", f"pg_llm: {error.message}")
    raise failures[0] if len(failures) == 1 else _all_failed(failures)


def _fallbacks(database: Database, first: Model) -> Iterator[Model]:
    for name in first.options.fallback:
        # A fallback may be gone, or not for this role: then it is no fallback.
        with contextlib.suppress(UndefinedObject, InvalidParameter):
            yield registry.find(database, name, first.kind)


def _all_failed(failures: Sequence[ModelError]) -> ModelError:
    last = failures[-1]
    return type(last)(
        last.message,
        hint=last.hint,
        detail="Before: " + "; ".join(failure.message for failure in failures[:-1]),
    )


@contextlib.contextmanager
def lease(database: Database, model: Model) -> Iterator[Call]:
    """Yield the way to call the model: its connections and, for this block, its key."""
    key = _secret(database, model)
    place = (model.endpoint, model.options.proxy)
    client = _clients.get(place)
    if client is None:
        with isolated():
            from pg_llm.models.client import Client

        client = _clients[place] = Client(*place)
    with client.call(key, model.options.max_answer):
        yield Call(model, client, key)


class Call:
    """Requests to a model's endpoint, tried again where a failure may pass.

    `post` runs in helper threads, `abort` in the main thread.
    """

    def __init__(self, model: Model, client: Client, key: str | None) -> None:
        self._model, self._client, self._key = model, client, key
        self._stopped = threading.Event()
        self.attempts = 0

    def post(self, path: str, body: Mapping[str, object], deadline: float) -> object:
        """Return the parsed JSON of the answer. Raises `ModelError`."""
        made = 0
        while True:
            made += 1
            self.attempts += 1
            try:
                with faults.told(self._model.name, self._model.host, self._key):
                    return self._client.post(
                        path,
                        body,
                        timeout=max(deadline - time.monotonic(), 0.001),
                        connect_timeout=self._model.options.connect_timeout,
                    )
            except faults.Overloaded as error:
                pause = self._pause(error, made, deadline)
                if pause is None or self._stopped.wait(pause):
                    raise

    def abort(self) -> None:
        """Make every request of this call end at once."""
        self._stopped.set()
        place = (self._model.endpoint, self._model.options.proxy)
        if _clients.get(place) is self._client:
            del _clients[place]
        self._client.close()

    def _pause(self, error: faults.Overloaded, made: int, deadline: float) -> float | None:
        """Seconds to wait before the next attempt; None: there is none."""
        if made > self._model.options.retries or self._model.options.fallback:
            return None
        pause = error.retry_after
        if pause is None:
            pause = min(_BACKOFF * 2 ** (made - 1), _MAX_BACKOFF) * random.uniform(0.5, 1)  # noqa: S311
        return pause if pause < deadline - time.monotonic() else None


def _post(
    database: Database, model: Model, path: str, body: Mapping[str, object], deadline: float
) -> Answer:
    started = time.monotonic()
    with lease(database, model) as call:
        parsed = interruptible.run(
            database,
            lambda: call.post(path, body, deadline),
            deadline=deadline,
            abort=call.abort,
        )
    return Answer(parsed, (time.monotonic() - started) * 1000, call.attempts)


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


def _deadline(database: Database, asked: float | None) -> float:
    limit = float(settings.get(database, "call_timeout"))
    return time.monotonic() + (min(asked, limit) if asked else limit)


def _call_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise InvalidParameter("options must be a JSON object")
    unknown = sorted(set(options) - CALL_OPTIONS)
    if unknown:
        raise InvalidParameter(
            f'a call has no option "{unknown[0]}"',
            hint="The options are: " + ", ".join(sorted(CALL_OPTIONS)) + ".",
        )
    timeout = options.get("timeout")
    if timeout is not None and (
        not isinstance(timeout, int | float) or isinstance(timeout, bool) or not timeout > 0
    ):
        raise InvalidParameter('option "timeout" must be a number of seconds above zero')
    return {name: value for name, value in options.items() if value is not None}


def _check_messages(messages: Any, model: Model) -> None:
    if not isinstance(messages, list) or not messages:
        raise InvalidParameter(
            "messages must be a JSON array of at least one message",
            hint='For example [{"role": "user", "content": "hello"}].',
        )
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise InvalidParameter(
                "each message needs a role and a content",
                hint="The roles are: " + ", ".join(sorted(_ROLES)) + ".",
            )
        if not isinstance(message.get("content"), str):
            raise InvalidParameter("the content of a message must be text")
    check_size(sum(len(message["content"]) for message in messages), model)


def check_size(characters: int, model: Model) -> None:
    """Raise `ProgramLimitExceeded` for a prompt over the model's limit."""
    if characters > model.options.max_prompt:
        raise ProgramLimitExceeded(
            f'the prompt has {characters} characters, and model "{model.name}" takes '
            f"{model.options.max_prompt}",
            hint='Shorten it, or raise the model\'s option "max_prompt".',
        )


def _chat_body(
    model: Model, messages: Sequence[Mapping[str, str]], chosen: Mapping[str, Any]
) -> dict[str, object]:
    provider = model.provider
    parameters = {**model.options.parameters, **chosen}
    return {
        **provider.chat_body,
        **{provider.renamed.get(name, name): value for name, value in parameters.items()},
        **model.options.body,
        "model": model.model,
        "messages": messages,
    }


def _completion(model: Model, answer: Answer) -> Completion:
    body = answer.body
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise faults.not_an_answer(model.name, "it has no choices")
    message = choices[0].get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(text, str):
        raise faults.not_an_answer(model.name, "its message has no text")
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    reason = choices[0].get("finish_reason")
    return Completion(
        # PostgreSQL's text cannot hold NUL.
        text=text.replace("\x00", ""),
        model=model.name,
        prompt_tokens=_tokens(usage.get("prompt_tokens")),
        completion_tokens=_tokens(usage.get("completion_tokens")),
        milliseconds=answer.milliseconds,
        finish_reason=reason if isinstance(reason, str) else None,
    )


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_json(completion: Completion) -> str:
    """Return the completion as the JSON that `llm.call` hands out."""
    return json.dumps(dataclasses.asdict(completion))


def try_out(database: Database, name: str) -> str:
    """Make a small real call to one model (no fallback) and describe the answer."""
    model = registry.find_any(database, name)
    # Nothing but this model shall answer.
    model = dataclasses.replace(model, options=dataclasses.replace(model.options, fallback=()))
    deadline = _deadline(database, model.options.timeout)
    if model.kind == "embed":
        from pg_llm.models import embeddings

        vector = embeddings.embed_with(database, model, ["test"], deadline)[0] or []
        return f"{len(vector)} dimensions"
    messages = [{"role": "user", "content": "Answer with the word: works"}]
    body = _chat_body(model, messages, {})
    return _completion(model, _post(database, model, "/chat/completions", body, deadline)).text
