"""The door that rooms call models through, with the rights of their own caller.

Everything goes through SECURITY DEFINER functions of schema `llm`, so that it
works for any caller who may use a model, and never shows a secret to the
caller's side.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from pg_llm import errors, settings
from pg_llm.models.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.database import Database, Row

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
_PREFIX = "pg_llm: "


def complete(
    database: Database,
    messages: Sequence[Mapping[str, str]],
    model: str | None = None,
    options: Mapping[str, object] | None = None,
    schema: Mapping[str, object] | None = None,
) -> Completion:
    """Return a chat model's answer to a conversation.

    A message is `{"role": "system" | "user" | "assistant", "content": text}`.
    Without `model`, the setting `chat_model` chooses. With `schema`, endpoints
    that can are asked for JSON of that schema; the answer is not checked.
    Raises `ModelError`, `UndefinedObject`, `InvalidParameter`,
    `ProgramLimitExceeded`, `ConfigurationError`, and `DatabaseError` (42501)
    for a role that may not call models.
    """
    request = {"messages": messages, "options": options, "schema": schema}
    rows = _ask(
        database,
        "select llm.call('chat', $1, $2)::pg_catalog.text as answer",
        [model, json.dumps(request)],
        ["text", "jsonb"],
    )
    return Completion(**json.loads(rows[0]["answer"]))


def candidates(
    database: Database,
    messages: Sequence[Mapping[str, str]],
    models: Sequence[str],
    options: Mapping[str, object] | None = None,
) -> list[Row]:
    """Return the answers of several models, asked at the same time.

    Columns as those of `llm.call_many`. Raises as `complete` does, but a model
    that fails is a row with an error.
    """
    request = json.dumps({"messages": messages, "options": options})
    return _ask(
        database,
        "select c.* from llm.call_many($1, $2) c",
        [list(models), request],
        ["text[]", "jsonb"],
    )


def embed(
    database: Database, texts: Sequence[str | None], model: str | None = None
) -> list[list[float] | None]:
    """Return the embedding of each text, None for one that has none.

    Without `model`, the setting `embed_model` chooses ("static" is the
    embedded one). Raises as `complete` does.
    """
    if (model or settings.get(database, "embed_model")) == "static":
        from pg_llm.models import static

        return static.embed_all(database, texts)
    found = embed_as_text(database, texts, model)
    return [None if vector is None else json.loads(vector) for vector in found]


def embed_as_text(
    database: Database, texts: Sequence[str | None], model: str | None
) -> list[str | None]:
    """Return each text's embedding as pgvector writes it, for a statement that stores it.

    Raises as `complete` does.
    """
    rows = _ask(
        database,
        "select e.embedding::pg_catalog.text from llm.embed_texts($1, $2) e order by e.place",
        [list(texts), model],
        ["text[]", "text"],
    )
    return [row["embedding"] for row in rows]


def _ask(database: Database, query: str, args: list[Any], types: list[str]) -> list[Row]:
    try:
        return database.execute(query, args, types)
    except errors.DatabaseError as error:
        _reraise(error)


def _reraise(error: errors.DatabaseError) -> NoReturn:
    """Give an error that came out of a function of ours its own class again."""
    # The message of a nested PL/Python error begins with its class.
    position = error.message.find(_PREFIX)
    found = _CLASSES.get(error.sqlstate)
    if found is None or position < 0:
        raise error
    message = error.message[position + len(_PREFIX) :]
    raise found(message, hint=error.hint, detail=error.detail) from None
