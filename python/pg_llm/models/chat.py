"""Chat: what is sent for a conversation, and what of the answer is taken.

Runs with the rights of the extension's owner, as `calls` does.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any

from pg_llm.errors import InvalidParameter, ModelError, ModelTimeout
from pg_llm.models import audit, calls, cooldowns, faults, interruptible, registry
from pg_llm.models.audit import Usage
from pg_llm.models.calls import Call, Outcome
from pg_llm.models.completion import Candidate, Completion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.models.registry import Model

_PATH = "/chat/completions"
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

# What a caller may choose; everything else is the administrator's.
OPTIONS = frozenset(
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


@dataclasses.dataclass(frozen=True, slots=True)
class Conversation:
    """A checked request: messages, options, and the schema that the answer shall have."""

    messages: Sequence[Mapping[str, str]]
    options: Mapping[str, Any]
    timeout: float | None
    schema: Mapping[str, Any] | None

    @classmethod
    def of(cls, request: Any) -> Conversation:
        """Check a caller's parsed JSON. Raises `InvalidParameter`."""
        if not isinstance(request, dict):
            raise InvalidParameter("only a chat with messages can be called")
        options = _options(request.get("options"))
        timeout = options.pop("timeout", None)
        schema = request.get("schema")
        if schema is not None and not isinstance(schema, dict):
            raise InvalidParameter("a schema must be a JSON object")
        return cls(_messages(request.get("messages")), options, timeout, schema)

    def body(self, model: Model) -> dict[str, object]:
        """Return the body of the request to a model. Raises `ProgramLimitExceeded`."""
        calls.check_size(sum(len(message["content"]) for message in self.messages), model)
        provider = model.provider
        parameters = {**model.options.parameters, **self.options}
        if model.options.logprobs:
            parameters["logprobs"] = True
        mode = model.options.json_mode or provider.json_mode
        if self.schema is not None and self.schema.get("type") == "object":
            parameters.update(_response_format(mode, self.schema))
        return provider.adapt(
            "chat",
            {
                **provider.chat_body,
                **{provider.renamed.get(name, name): value for name, value in parameters.items()},
                **model.options.body,
                "model": model.model,
                "messages": self.messages,
            },
        )


def complete(database: Database, name: str | None, conversation: Conversation) -> Completion:
    """Return the completion by the named model or one of its fallbacks."""
    return calls.with_fallbacks(
        database,
        name,
        "chat",
        conversation.timeout,
        lambda model, deadline: attempt(database, model, conversation, deadline),
    )


def attempt(
    database: Database, model: Model, conversation: Conversation, deadline: float
) -> Outcome[Completion]:
    """Return the completion by this very model."""
    body = conversation.body(model)
    call = Call(database, model)
    completion = interruptible.run(
        database, lambda: _post(call, model, body, deadline), deadline=deadline, abort=call.abort
    )
    usage = Usage(call.attempts, completion.prompt_tokens, completion.completion_tokens)
    return Outcome(completion, usage)


def stream(database: Database, name: str | None, conversation: Conversation) -> Iterator[str]:
    """Yield the answer's pieces while they arrive.

    A fallback takes over only as long as nothing has arrived.
    """
    yield from calls.with_fallbacks(
        database,
        name,
        "chat",
        conversation.timeout,
        lambda model, deadline: _begin(database, model, conversation, deadline),
    )


def many(
    database: Database, names: Sequence[str], conversation: Conversation
) -> Iterator[Candidate]:
    """Yield the answers of several models, which are asked at the same time.

    A model that fails is a candidate with an error. There are no fallbacks.
    """
    if not names:
        raise InvalidParameter("name at least one model")
    models = [registry.find(database, name, "chat") for name in dict.fromkeys(names)]
    until = calls.starts(database, conversation.timeout, models)
    bodies = [conversation.body(model) for model in models]
    asked = [Call(database, model) for model in models]
    jobs = [
        lambda call=call, model=model, body=body: _candidate(call, model, body, until)
        for call, model, body in zip(asked, models, bodies, strict=True)
    ]

    def abort() -> None:
        for call in asked:
            call.abort()

    who = audit.caller(database)
    late = {model.name: model for model in models}
    found = interruptible.stream(
        database,
        lambda: interruptible.concurrently(jobs, len(jobs)),
        deadline=until,
        abort=abort,
    )
    started = time.monotonic()
    try:
        for candidate in found:
            model = late.pop(candidate.model)
            _record(database, who, model, candidate)
            yield candidate
    except ModelTimeout as error:
        for model in late.values():
            candidate = Candidate.failed(model.name, error, (time.monotonic() - started) * 1000)
            _record(database, who, model, candidate)
            yield candidate


def try_out(database: Database, model: Model) -> str:
    """Make a small real call to a model, and return what it said."""
    request = {"messages": [{"role": "user", "content": "Answer with the word: works"}]}
    until = calls.starts(database, model.options.timeout, [model])
    return attempt(database, model, Conversation.of(request), until).value.text


def _post(call: Call, model: Model, body: Mapping[str, object], deadline: float) -> Completion:
    started = time.monotonic()
    answer = call.post(_PATH, body, deadline)
    return _completion(model, answer, (time.monotonic() - started) * 1000)


def _candidate(call: Call, model: Model, body: Mapping[str, object], deadline: float) -> Candidate:
    started = time.monotonic()
    try:
        return Candidate.of(_post(call, model, body, deadline))
    except ModelError as error:
        return Candidate.failed(model.name, error, (time.monotonic() - started) * 1000)


def _record(database: Database, who: audit.Caller, model: Model, candidate: Candidate) -> None:
    usage = Usage(1, candidate.prompt_tokens, candidate.completion_tokens)
    outcome = "ok" if candidate.error is None else candidate.error.sqlstate
    if candidate.error is not None:
        cooldowns.start(database, model, candidate.error, writable=who.writable)
    audit.record(database, who, model, usage, candidate.milliseconds, outcome)


def _begin(
    database: Database, model: Model, conversation: Conversation, until: float
) -> Outcome[Iterator[str]]:
    """Return the pieces after having waited for the first one."""
    body = conversation.body(model)
    # A cursor may hold this open while other calls of the session go on.
    call = Call(database, model, alone=True)
    pieces = interruptible.stream(
        database,
        lambda: _pieces(model, call.stream(_PATH, body, until)),
        deadline=until,
        abort=call.abort,
    )
    first = next(pieces, "")
    return Outcome(_chain(first, pieces), Usage(call.attempts))


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _pieces(model: Model, events: Iterator[Any]) -> Iterator[str]:
    ended = False
    for event in events:
        choices = event.get("choices") if isinstance(event, dict) else None
        if not isinstance(choices, list):
            raise faults.not_an_answer(model.name, "an event has no choices")
        # The last event may carry the usage alone.
        for choice in choices[:1]:
            delta = choice.get("delta") if isinstance(choice, dict) else None
            piece = delta.get("content") if isinstance(delta, dict) else None
            if isinstance(piece, str) and piece:
                yield storable(piece)
            ended = ended or bool(isinstance(choice, dict) and choice.get("finish_reason"))
    if not ended:
        raise faults.not_an_answer(model.name, "it broke off")


def _completion(model: Model, body: Any, milliseconds: float) -> Completion:
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
        text=storable(text),
        model=model.name,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        milliseconds=milliseconds,
        finish_reason=reason if isinstance(reason, str) else None,
        confidence=_confidence(choices[0].get("logprobs")),
    )


def storable(text: str) -> str:
    """Return the text without what PostgreSQL's text cannot hold (NUL, half characters)."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _confidence(logprobs: Any) -> float | None:
    """Return the geometric mean of the tokens' probabilities."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    values = [
        token["logprob"]
        for token in (tokens if isinstance(tokens, list) else ())
        if isinstance(token, dict) and isinstance(token.get("logprob"), int | float)
    ]
    return min(1.0, math.exp(sum(values) / len(values))) if values else None


def _response_format(mode: str | None, schema: Mapping[str, Any]) -> dict[str, object]:
    if mode == "json_schema":
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        return {"response_format": form}
    return {"response_format": {"type": "json_object"}} if mode == "json_object" else {}


def _options(options: Any) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise InvalidParameter("options must be a JSON object")
    unknown = sorted(set(options) - OPTIONS)
    if unknown:
        raise InvalidParameter(
            f'a call has no option "{unknown[0]}"',
            hint="The options are: " + ", ".join(sorted(OPTIONS)) + ".",
        )
    timeout = options.get("timeout")
    if timeout is not None and (
        not isinstance(timeout, int | float) or isinstance(timeout, bool) or not timeout > 0
    ):
        raise InvalidParameter('option "timeout" must be a number of seconds above zero')
    return {name: value for name, value in options.items() if value is not None}


def _messages(messages: Any) -> list[dict[str, str]]:
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
    return messages
