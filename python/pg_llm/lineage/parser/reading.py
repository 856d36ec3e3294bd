"""From text to sqlglot's trees, within what its parser can bear."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pg_llm.library import isolated

with isolated():
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

from pg_llm.lineage.parser.repair import body, repaired, unwrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.lineage.parser.dialects import Dialect
    from pg_llm.lineage.parser.repair import Extras

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


def trees_of(text: str, dialect: Dialect) -> tuple[list[exp.Expr], Extras | None]:
    """Return the trees of the statements in a text, and names besides them.

    Raises `Unreadable`.
    """
    if len(text) > _MAX_LENGTH:
        raise Unreadable(f"longer than {_MAX_LENGTH} characters")
    text = body(text)
    tokens = tokens_of(text, dialect)
    _check(tokens)
    # `@ x` is PostgreSQL's absolute value, and sqlglot's parameter x.
    misread = dialect.postgres and any(token.text == "@" for token in tokens)
    trees, reason = ([], "") if misread else _parsed(tokens, text, dialect)
    if reason is None:
        return trees, None
    if dialect.postgres:
        text = unwrapped(text)
        if tokens and tokens[0].token_type is TokenType.COMMAND:
            tokens = tokens_of(text, dialect)
        tokens, extras = repaired(tokens)
        _check(tokens)
        trees, again = _parsed(tokens, text, dialect)
        if again is None:
            return trees, extras
    raise Unreadable(reason)


def _parsed(tokens: list[Any], text: str, dialect: Dialect) -> tuple[list[exp.Expr], str | None]:
    """Return the trees, or why there are none."""
    try:
        trees = dialect.sqlglot.parser().parse(tokens, text)
    except SqlglotError as error:
        return [], "not parsed: " + _first_line(error)
    except RecursionError:
        return [], "nested too deeply to be parsed"
    if any(isinstance(tree, exp.Command) for tree in trees):
        return [], "a command without lineage, or one that is not understood"
    return [tree for tree in trees if tree is not None], None


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
