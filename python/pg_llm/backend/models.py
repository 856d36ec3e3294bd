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


@reception
def llm_embed(database: Database, content: str) -> list[float] | None:
    """Return a text's embedding by the session's model."""
    if settings.get(database, "embed_model") == "static":
        return static.embed([content])[0]
    return models.embed(database, [content])[0]


@reception
def call(database: Database, kind: str | None, model: str | None, request: str | None) -> str:
    """Make a call with the rights of the extension's owner."""
    from pg_llm.models import calls

    asked = json.loads(request or "null")
    if kind != "chat" or not isinstance(asked, dict):
        raise InvalidParameter("only a chat with messages can be called")
    completion = calls.chat(database, asked.get("messages"), model, asked.get("options"))
    return calls.as_json(completion)


@reception
def embed_texts(
    database: Database, texts: list[str | None], model: str | None
) -> Iterator[tuple[int, list[float] | None]]:
    """Embed with the rights of the extension's owner."""
    from pg_llm.models import embeddings

    yield from enumerate(embeddings.embed(database, texts, model), start=1)


@reception
def llm_complete(
    database: Database, prompt: str | None, model: str | None, options: str | None
) -> str | None:
    """Return a model's answer to a prompt."""
    if prompt is None:
        return None
    return models.complete(
        database, [{"role": "user", "content": prompt}], model, _object(options)
    ).text


@reception
def llm_chat(
    database: Database, messages: str | None, model: str | None, options: str | None
) -> dict[str, Any] | None:
    """Return a model's answer to a conversation, as a row."""
    if messages is None:
        return None
    completion = models.complete(database, json.loads(messages), model, _object(options))
    return {
        "answer": completion.text,
        "answered_by": completion.model,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "milliseconds": completion.milliseconds,
        "finish_reason": completion.finish_reason,
    }


@reception
def llm_model_add(database: Database, *values: str | None) -> None:
    """Add a row to the registry."""
    from pg_llm.models import registry

    names = ("name", "provider", "kind", "model", "endpoint", "secret", "options")
    row: dict[str, Any] = dict(zip(names, values, strict=True))
    row["options"] = _object(row["options"])
    registry.add(database, row)


@reception
def llm_model_change(database: Database, name: str, *values: str | None) -> None:
    """Change a row of the registry."""
    from pg_llm.models import registry

    names = ("provider", "kind", "model", "endpoint", "secret", "options")
    changes: dict[str, Any] = dict(zip(names, values, strict=True))
    changes["options"] = _object(changes["options"])
    registry.change(database, name, changes)


@reception
def llm_model_drop(database: Database, name: str) -> None:
    """Remove a row of the registry."""
    from pg_llm.models import registry

    registry.drop(database, name)


@reception
def llm_model_test(database: Database, name: str) -> dict[str, Any]:
    """Make a real call, and say how it went."""
    from pg_llm.models import calls

    started = time.monotonic()
    answer, message, hint = None, None, None
    try:
        answer = calls.try_out(database, name)
    except PgLlmError as error:
        message, hint = error.message, error.hint
    return {
        "works": message is None,
        "answer": answer,
        "problem": message,
        "what_to_do": hint,
        "milliseconds": (time.monotonic() - started) * 1000,
    }


def _object(value: str | None) -> dict[str, Any] | None:
    parsed = None if value is None else json.loads(value)
    if parsed is not None and not isinstance(parsed, dict):
        raise InvalidParameter("options must be a JSON object")
    return parsed
