"""Reception for `sql/models.sql`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from pg_llm import models, settings
from pg_llm.backend.reception import reception
from pg_llm.errors import InvalidParameter, PgLlmError
from pg_llm.models import static

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database
    from pg_llm.models.completion import Completion
    from pg_llm.models.tasks import Request

    Vector = list[float]

# ---- the door, with the rights of the extension's owner ----------------------


@reception
def call(database: Database, kind: str | None, model: str | None, request: str | None) -> str:
    """Make a call with the rights of the extension's owner."""
    from pg_llm.models import chat

    if kind != "chat":
        raise InvalidParameter("only a chat with messages can be called")
    conversation = chat.Conversation.of(_json(request))
    return _completion_json(chat.complete(database, model, conversation))


@reception
def call_many(
    database: Database, names: list[str] | None, request: str | None
) -> Iterator[dict[str, Any]]:
    """Ask several models at the same time, with the rights of the extension's owner."""
    from pg_llm.models import chat

    for found in chat.many(database, names or [], chat.Conversation.of(_json(request))):
        yield {
            "model": found.model,
            "answer": found.text,
            "confidence": found.confidence,
            "prompt_tokens": found.prompt_tokens,
            "completion_tokens": found.completion_tokens,
            "milliseconds": found.milliseconds,
            "error": None if found.error is None else found.error.message,
        }


@reception
def embed_texts(
    database: Database, texts: list[str | None], model: str | None
) -> list[tuple[int, Vector | None]]:
    """Embed with the rights of the extension's owner."""
    from pg_llm.models import embeddings

    # A list, not an iterator: PostgreSQL puts an iterator's error into the detail.
    return list(enumerate(embeddings.embed(database, texts, model), start=1))


@reception
def llm_stream(
    database: Database, prompt: str | None, model: str | None, options: str | None
) -> Iterator[str]:
    """Yield an answer while it arrives, with the rights of the extension's owner."""
    from pg_llm.models import chat

    if prompt is not None:
        messages = [{"role": "user", "content": prompt}]
        request = {"messages": messages, "options": _json(options)}
        yield from chat.stream(database, model, chat.Conversation.of(request))


# ---- calls, with the caller's rights -----------------------------------------


@reception
def llm_complete(
    database: Database, prompt: str | None, model: str | None, options: str | None
) -> str | None:
    """Return a model's answer to a prompt."""
    if prompt is None:
        return None
    messages = [{"role": "user", "content": prompt}]
    return models.complete(database, messages, model, _json(options)).text


@reception
def llm_chat(
    database: Database, messages: str | None, model: str | None, options: str | None
) -> dict[str, Any] | None:
    """Return a model's answer to a conversation, as a row."""
    if messages is None:
        return None
    done = models.complete(database, _json(messages), model, _json(options))
    return {
        "answer": done.text,
        "answered_by": done.model,
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "milliseconds": done.milliseconds,
        "finish_reason": done.finish_reason,
    }


@reception
def llm_complete_json(
    database: Database,
    prompt: str | None,
    schema: str | None,
    model: str | None,
    options: str | None,
) -> str | None:
    """Return a value that fits a JSON Schema."""
    from pg_llm.models import tasks

    if prompt is None or schema is None:
        return None
    request = _request(model, options)
    return json.dumps(tasks.complete_json(database, prompt, _json(schema), request))


@reception
def llm_complete_many(
    database: Database, prompt: str | None, names: list[str] | None, options: str | None
) -> list[dict[str, Any]]:
    """Return the answers of several models, the best first."""
    from pg_llm.models import tasks

    if prompt is None:
        return []
    return tasks.many(database, prompt, names or [], _request(None, options))


@reception
def llm_complete_best(
    database: Database,
    prompt: str | None,
    names: list[str] | None,
    threshold: float,
    options: str | None,
) -> dict[str, Any] | None:
    """Return the most confident of several models' answers."""
    from pg_llm.models import tasks

    if prompt is None:
        return None
    found = tasks.best(database, prompt, names or [], threshold, _request(None, options))
    return {
        "answer": found["answer"],
        "answered_by": found["model"],
        "score": found["score"],
        "fell_back": found["fell_back"],
    }


@reception
def llm_classify(
    database: Database,
    content: str | None,
    labels: list[str] | None,
    model: str | None,
    options: str | None,
) -> str | None:
    """Return the label that fits a text best."""
    from pg_llm.models import tasks

    if content is None:
        return None
    return tasks.classify(database, content, labels or [], _request(model, options))


@reception
def llm_extract(
    database: Database,
    content: str | None,
    fields: str | None,
    model: str | None,
    options: str | None,
) -> str | None:
    """Return the values of fields out of a text."""
    from pg_llm.models import tasks

    if content is None:
        return None
    found = tasks.extract(database, content, _json(fields), _request(model, options))
    return json.dumps(found)


@reception
def llm_summarize(
    database: Database,
    content: str | None,
    words: int,
    language: str | None,
    model: str | None,
    options: str | None,
) -> str | None:
    """Return a summary of a text."""
    from pg_llm.models import tasks

    if content is None:
        return None
    return tasks.summarize(database, content, words, language, _request(model, options))


@reception
def llm_embed(database: Database, content: str, model: str | None = None) -> Vector | None:
    """Return a text's embedding."""
    if (model or settings.get(database, "embed_model")) == "static":
        return static.embed([content])[0]
    return models.embed(database, [content], model)[0]


@reception
def llm_embed_array(
    database: Database, contents: list[str | None], model: str | None
) -> list[str | None]:
    """Return the texts' embeddings."""
    vectors = models.embed(database, contents, model)
    # A list of lists would become an array of two dimensions.
    return [None if vector is None else str(vector) for vector in vectors]


@reception
def llm_count_tokens(database: Database, content: str) -> int:
    """Estimate the tokens of a text."""
    from pg_llm.models import tokens

    return tokens.estimate(content)


# ---- the registry ------------------------------------------------------------


@reception
def llm_model_add(database: Database, *values: str | None) -> None:
    """Add a row to the registry."""
    from pg_llm.models import registry

    names = ("name", "provider", "kind", "model", "endpoint", "secret", "options")
    row: dict[str, Any] = dict(zip(names, values, strict=True))
    registry.add(database, {**row, "options": _json(row["options"])})


@reception
def llm_model_change(database: Database, name: str, *values: str | None) -> None:
    """Change a row of the registry."""
    from pg_llm.models import registry

    names = ("provider", "kind", "model", "endpoint", "secret", "options")
    changes: dict[str, Any] = dict(zip(names, values, strict=True))
    registry.change(database, name, {**changes, "options": _json(changes["options"])})


@reception
def llm_model_drop(database: Database, name: str) -> None:
    """Remove a row of the registry."""
    from pg_llm.models import registry

    registry.drop(database, name)


@reception
def llm_model_test(database: Database, name: str) -> dict[str, Any]:
    """Make a real call, and say how it went."""
    from pg_llm.models import chat, embeddings, registry

    started = time.monotonic()
    answer, message, hint = None, None, None
    try:
        model = registry.find_any(database, name)
        work = chat.try_out if model.kind == "chat" else embeddings.try_out
        answer = work(database, model)
    except PgLlmError as error:
        message, hint = error.message, error.hint
    return {
        "works": message is None,
        "answer": answer,
        "problem": message,
        "what_to_do": hint,
        "milliseconds": (time.monotonic() - started) * 1000,
    }


@reception
def llm_provider_list(database: Database) -> list[tuple[str, str | None, str | None, bool]]:
    """Return the providers: built in, and installed as plugins."""
    from pg_llm.models import plugins, providers

    rows = database.execute("select p.name, p.package from llm.provider_plugins p")
    enabled = {(row["name"], row["package"]) for row in rows}
    return [(name, None, None, True) for name in providers.BUILT_IN] + [
        (found.name, found.package, found.version, (found.name, found.package) in enabled)
        for found in plugins.installed()
    ]


@reception
def llm_provider_enable(database: Database, name: str) -> None:
    """Enable a plugin."""
    from pg_llm.models import plugins

    plugins.enable(database, name)


@reception
def llm_provider_disable(database: Database, name: str) -> None:
    """Disable a plugin."""
    from pg_llm.models import plugins

    plugins.disable(database, name)


def _json(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _request(model: str | None, options: str | None) -> Request:
    from pg_llm.models.tasks import Request

    return Request(model, _json(options))


def _completion_json(completion: Completion) -> str:
    import dataclasses

    return json.dumps(dataclasses.asdict(completion))
