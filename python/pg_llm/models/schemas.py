"""Answers in JSON that fit a JSON Schema.

The schema comes from a caller, so validating must neither fetch anything nor
hang: references to other documents are not followed, patterns are matched by
the server's regular expressions (Python's cannot be cancelled), and the
server may interrupt in between.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pg_llm.errors import FeatureNotSupported, InvalidParameter, ProgramLimitExceeded
from pg_llm.library import isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pg_llm.database import Database

# Characters of a schema.
MAX_SCHEMA = 100_000

# Keyword evaluations between two looks at what the server has pending.
_STRIDE = 500

_FENCE = re.compile(r"```(?:json|JSON)?\s*\n(.*?)```", re.DOTALL)


class Schema:
    """A checked JSON Schema (draft 2020-12 unless it names another)."""

    def __init__(self, database: Database, schema: Any) -> None:
        """Raise `InvalidParameter`, `FeatureNotSupported` or `ProgramLimitExceeded`."""
        with isolated():
            import jsonschema  # type: ignore[import-untyped]
            import referencing

        if not isinstance(schema, dict):
            raise InvalidParameter("the schema must be a JSON object")
        if len(json.dumps(schema)) > MAX_SCHEMA:
            raise ProgramLimitExceeded(f"the schema is larger than {MAX_SCHEMA} characters")
        if _has_key(schema, "patternProperties"):
            raise FeatureNotSupported("patternProperties is not supported in a schema")
        draft = jsonschema.validators.validator_for(
            schema, default=jsonschema.Draft202012Validator
        )
        try:
            draft.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise InvalidParameter(f"the schema is not a JSON Schema: {error.message}") from None
        keywords = {**draft.VALIDATORS, "pattern": _pattern(database, jsonschema)}
        interruptible = {name: _counted(database, check) for name, check in keywords.items()}
        self._validator = jsonschema.validators.extend(draft, interruptible)(
            schema, registry=referencing.Registry()
        )
        self._unresolvable = referencing.exceptions.Unresolvable
        self.schema: Mapping[str, Any] = schema

    def problem(self, value: object) -> str | None:
        """Say what in `value` does not fit the schema; None: it does."""
        try:
            error = next(iter(self._validator.iter_errors(value)), None)
        except self._unresolvable:
            raise InvalidParameter(
                "the schema refers to something outside of itself",
                hint="Use $defs in the same schema.",
            ) from None
        except RecursionError:
            raise InvalidParameter("the schema refers to itself without end") from None
        if error is None:
            return None
        return f"at {error.json_path}: {error.message[:300]}"


def parse(text: str) -> Any:
    """Return the JSON value in a model's answer, which may be fenced or have words around it.

    Raises `ValueError`.
    """
    text = text.replace("\\u0000", "")
    fenced = _FENCE.search(text)
    candidate = (fenced[1] if fenced else text).strip()
    try:
        return _decoder.decode(candidate)
    except ValueError:
        start = re.search(r"[{\[]", candidate)
        if start is None:
            raise
        return _decoder.raw_decode(candidate, start.start())[0]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


def _has_key(value: object, key: str) -> bool:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if key in item:
                return True
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return False


def _pattern(database: Database, jsonschema: Any) -> Callable[..., Iterator[Any]]:
    def check(validator: Any, pattern: str, instance: object, _: Any) -> Iterator[Any]:
        if not validator.is_type(instance, "string"):
            return
        query = "select $1 operator(pg_catalog.~) $2 as fits"
        if not database.execute(query, [instance, pattern])[0]["fits"]:
            yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")

    return check


def _counted(database: Database, check: Callable[..., Any]) -> Callable[..., Any]:
    made = 0

    def counted(*args: Any) -> Any:
        nonlocal made
        made += 1
        if made % _STRIDE == 0:
            database.check_interrupts()
        return check(*args)

    return counted
