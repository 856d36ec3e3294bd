"""The literals of a pair's SQL, and putting another question's in their place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_A_COLUMN = re.compile(
    r"(?i)(date|timestamp|timestamptz|interval|time|numeric|text|like|ilike|in|any|not|and|or|between)$"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal of a statement: where it stands, what it says, what it is compared with.

    `column`: the nearest column before it, lower-cased, or None.
    """

    start: int
    end: int
    text: str
    is_string: bool
    column: str | None


def literals(sql: str) -> tuple[Literal, ...]:
    """Return the string and number literals of a statement, in order."""
    from pg_llm.library import isolated

    with isolated():
        from sqlglot import TokenType, tokenize
        from sqlglot.errors import SqlglotError
    try:
        tokens = tokenize(sql, read="postgres")
    except SqlglotError:
        return ()
    found = []
    for position, token in enumerate(tokens):
        is_string = token.token_type is TokenType.STRING
        if is_string or token.token_type is TokenType.NUMBER:
            column = _column([other.text for other in tokens[max(0, position - 12) : position]])
            found.append(Literal(token.start, token.end + 1, token.text, is_string, column))
    return tuple(found)


def _column(before: list[str]) -> str | None:
    """Return what a literal is compared with: the last identifier before it, not a function."""
    following = ""
    for text in reversed(before):
        if (
            re.fullmatch(r"[^\W\d]\w*", text)
            and following != "("
            and not _NOT_A_COLUMN.match(text)
        ):
            return text.lower()
        if text.lower() in ("where", "select", "from", "limit", "having", "case", "when", "then"):
            return None
        following = text
    return None


def replaced(sql: str, found: tuple[Literal, ...], values: Mapping[int, str]) -> str:
    """Return the statement with some literals, by position in `found`, put in another's place."""
    parts: list[str] = []
    end = 0
    for position, literal in enumerate(found):
        if position in values:
            parts += [sql[end : literal.start], _rendered(literal, values[position])]
            end = literal.end
    return "".join([*parts, sql[end:]])


def _rendered(literal: Literal, text: str) -> str:
    if not literal.is_string and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    quoted = text.replace("'", "''")
    return f"E'{quoted}'".replace("\\", "\\\\") if "\\" in text else f"'{quoted}'"
