"""From text to sqlglot's trees, within what its parser can bear."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pg_llm.library import isolated

with isolated():
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.lineage.parser.dialects import Dialect

# sqlglot's compiled parser recurses on the C stack, which ends the process
# when it overflows, and tries exponentially many ways where JOINs wait for
# their ON. Text beyond these is not given to it.
_MAX_DEPTH = 200
_MAX_PENDING_JOINS = 8
_MAX_LENGTH = 4_000_000

_OPEN = frozenset((TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE))
_CLOSE = frozenset((TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE))


class Unreadable(Exception):
    """The text cannot be parsed; the message says why."""


def tokens_of(text: str, dialect: Dialect) -> list[Any]:
    """Return sqlglot's tokens. Raises `Unreadable`."""
    try:
        tokens: list[Any] = dialect.sqlglot.tokenize(text)
    except SqlglotError as error:
        raise Unreadable("not a sequence of words: " + _first_line(error)) from None
    return tokens


def trees_of(text: str, dialect: Dialect) -> list[exp.Expr]:
    """Return the trees of the statements in a text. Raises `Unreadable`."""
    if len(text) > _MAX_LENGTH:
        raise Unreadable(f"longer than {_MAX_LENGTH} characters")
    tokens = tokens_of(text, dialect)
    _check(tokens)
    try:
        trees = dialect.sqlglot.parser().parse(tokens, text)
    except SqlglotError as error:
        raise Unreadable("not parsed: " + _first_line(error)) from None
    except RecursionError:
        raise Unreadable("nested too deeply to be parsed") from None
    for tree in trees:
        if isinstance(tree, exp.Command):
            raise Unreadable("a command without lineage, or one that is not understood")
    return [tree for tree in trees if tree is not None]


def _first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d*m", "", str(error)).split("\n", 1)[0].strip()[:200]


def _check(tokens: Sequence[Any]) -> None:
    """Raise `Unreadable` for what would take sqlglot's parser down."""
    depth = pending = 0
    for token in tokens:
        kind = token.token_type
        if kind in _OPEN:
            depth += 1
            if depth > _MAX_DEPTH:
                raise Unreadable(f"nested deeper than {_MAX_DEPTH} brackets")
        elif kind in _CLOSE:
            depth -= 1
        elif kind is TokenType.JOIN:
            pending += 1
            if pending > _MAX_PENDING_JOINS:
                raise Unreadable("too many joins without a condition")
        elif kind in (TokenType.ON, TokenType.USING):
            pending = max(0, pending - 1)


def split(sql: str, dialect: Dialect) -> list[str]:
    """Return the statements of a script, without their semicolons."""
    try:
        tokens = tokens_of(sql, dialect)
    except Unreadable:
        return [part for part in sql.split(";") if part.strip()]
    out: list[str] = []
    start: int | None = None
    end = 0
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if start is not None:
                out.append(sql[start:end])
            start = None
            continue
        if start is None:
            start = token.start
        end = token.end + 1
    if start is not None:
        out.append(sql[start:end])
    return out
