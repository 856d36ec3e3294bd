"""Models: registry, calls, providers, the embedded embedding.

For the rooms above: `complete` and `embed`. Both go through SECURITY DEFINER
functions of schema `llm`, so that they work for any caller who may use the
model, and never show a secret to the caller's side.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from pg_llm import errors, settings
from pg_llm.models.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.database import Database

_CLASSES = {
    error.sqlstate: error
    for error in (
        errors.InvalidParameter,
        errors.UndefinedObject,
        errors.ProgramLimitExceeded,
        errors.ConfigurationError,
        errors.ModelError,
        errors.ModelTimeout,
        errors.ModelUnavailable,
        errors.ModelRefused,
        errors.ModelAnswerInvalid,
    )
}


def complete(
    database: Database,
    messages: Sequence[Mapping[str, str]],
    model: str | None = None,
    options: Mapping[str, object] | None = None,
) -> Completion:
    """Return a chat model's answer to a conversation.

    A message is `{"role": "system" | "user" | "assistant", "content": text}`.
    Without `model`, the setting `chat_model` chooses. Raises `ModelError`,
    `UndefinedObject`, `InvalidParameter`, `ProgramLimitExceeded`,
    `ConfigurationError`, and `DatabaseError` (42501) for a role that may not
    call models.
    """
    request = json.dumps({"messages": messages, "options": options})
    try:
        rows = database.execute(
            "select llm.call('chat', $1, $2)::pg_catalog.text as answer",
            [model, request],
            ["text", "jsonb"],
        )
    except errors.DatabaseError as error:
        reraise(error)
    return Completion(**json.loads(rows[0]["answer"]))


def embed(
    database: Database, texts: Sequence[str], model: str | None = None
) -> list[list[float] | None]:
    """Return the embedding of each text, None for one that has none.

    Without `model`, the setting `embed_model` chooses ("static" is the
    embedded one). Raises as `complete` does.
    """
    if (model or settings.get(database, "embed_model")) == "static":
        from pg_llm.models import static

        return static.embed(texts)
    try:
        rows = database.execute(
            "select e.embedding::pg_catalog.text from llm.embed_texts($1, $2) e order by e.place",
            [list(texts), model],
            ["text[]", "text"],
        )
    except errors.DatabaseError as error:
        reraise(error)
    return [None if row["embedding"] is None else json.loads(row["embedding"]) for row in rows]


def reraise(error: errors.DatabaseError) -> NoReturn:
    """Give an error that came out of a function of ours its own class again."""
    prefix = "pg_llm: "
    # The message of a nested PL/Python error begins with its class.
    position = error.message.find(prefix)
    found = _CLASSES.get(error.sqlstate)
    if found is None or position < 0:
        raise error
    raise found(
        error.message[position + len(prefix) :], hint=error.hint, detail=error.detail
    ) from None


__all__ = ["Completion", "complete", "embed", "reraise"]
