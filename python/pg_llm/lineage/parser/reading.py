"""From text to sqlglot's trees, within what its parser can bear."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from pg_llm.library import isolated

with isolated():
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

from pg_llm.lineage import statements
from pg_llm.lineage.parser.repair import renamed, repaired
from pg_llm.lineage.parser.tokens import Extras
from pg_llm.lineage.parser.wrappers import body, inner_statement, unwrapped
from pg_llm.lineage.tokens import tokens as scanned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.lineage.parser.dialects import Dialect

# sqlglot's compiled parser recurses on the C stack, which ends the process
# when it overflows (brackets, CASE in CASE, signs before signs, FROM behind
# FROM, types in types), and tries
# exponentially many ways where JOINs wait for their ON. Text beyond these is
# not given to it.
_MAX_DEPTH = 200
_MAX_PENDING_JOINS = 12
_MAX_LENGTH = 4_000_000

_OPEN = frozenset((TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE))
_CLOSE = frozenset((TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE))
_SIGNS = frozenset(
    (
        *(TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE),
        *(TokenType.PIPE_SLASH, TokenType.DPIPE_SLASH),
    )
)
_NESTED_TYPES = frozenset(
    (TokenType.ARRAY, TokenType.LIST, TokenType.MAP, TokenType.STRUCT, TokenType.OBJECT)
)


# Statements that it does not understand are told by a note, not in the log.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

# What has to be said in other words even where sqlglot parses it.
_RENAMED = re.compile(r"date_part|\bis\s+(?:not\s+)?document\b", re.IGNORECASE)


class Unreadable(Exception):
    """The text cannot be parsed; the message says why."""


def tokens_of(text: str, dialect: Dialect) -> list[Any]:
    """Return sqlglot's tokens. Raises `Unreadable`."""
    try:
        tokens: list[Any] = dialect.sqlglot.tokenize(text)
    except Exception as error:  # noqa: BLE001 - pure text; it calls nothing
        raise Unreadable("not a sequence of words: " + _first_line(error)) from None
    return tokens


def trees_of(text: str, dialect: Dialect) -> tuple[list[exp.Expr], Extras | None]:
    """Return the trees of the statements in a text.

    With `Extras` where the trees are not quite those of the text.

    Raises `Unreadable`.
    """
    if len(text) > _MAX_LENGTH:
        raise Unreadable(f"longer than {_MAX_LENGTH} characters")
    text = body(text)
    tokens = tokens_of(text, dialect)
    check_nesting(tokens)
    # `@ x` is PostgreSQL's absolute value, and sqlglot's parameter x.
    extras = None
    if dialect.postgres and _RENAMED.search(text) is not None:
        tokens, extras = renamed(tokens), Extras()
    misread = dialect.postgres and any(token.text == "@" for token in tokens)
    trees, reason = ([], "") if misread else _parsed(tokens, text, dialect)
    if reason is None:
        return trees, extras
    if dialect.postgres:
        text = unwrapped(text)
        if tokens and tokens[0].token_type is TokenType.COMMAND:
            tokens = tokens_of(text, dialect)
        tokens, extras = repaired(tokens)
    else:
        tokens, extras = inner_statement(tokens), Extras()
    check_nesting(tokens)
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
    except Exception as error:  # noqa: BLE001 - a slip of the parser's own; it calls nothing
        return [], f"not parsed: {type(error).__name__} in the parser"
    if any(isinstance(tree, exp.Command) for tree in trees):
        return [], "a command without lineage, or one that is not understood"
    return [tree for tree in trees if tree is not None], None


def _first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d*m", "", str(error)).split("\n", 1)[0].strip()[:200]


def check_nesting(tokens: Sequence[Any]) -> None:
    """Raise `Unreadable` for what would take sqlglot's compiled parser and the backend down."""
    kinds = [token.token_type for token in tokens]
    depth = 0
    for kind in kinds:
        if kind in _OPEN:
            depth += 1
            if depth > _MAX_DEPTH:
                raise Unreadable(f"nested deeper than {_MAX_DEPTH} brackets")
        elif kind in _CLOSE:
            depth -= 1
    if kinds.count(TokenType.JOIN) > _MAX_PENDING_JOINS:
        _check_joins(kinds)
    if len(kinds) > _MAX_DEPTH:
        _check_chains(kinds)


def _check_joins(kinds: Sequence[Any]) -> None:
    pending = 0
    unconditional = False
    for kind in kinds:
        if kind in (TokenType.CROSS, TokenType.NATURAL):
            unconditional = True
        elif kind is TokenType.JOIN:
            pending += not unconditional
            unconditional = False
        elif kind in (TokenType.ON, TokenType.USING):
            pending = max(0, pending - 1)
        if pending > _MAX_PENDING_JOINS:
            raise Unreadable("too many joins without a condition")


def _check_chains(kinds: Sequence[Any]) -> None:
    types = chain = cases = signs = 0
    before: Any = None
    for kind in kinds:
        signs = signs + 1 if kind in _SIGNS else 0
        if kind is TokenType.CASE:
            cases += 1
        elif kind is TokenType.END:
            cases = max(0, cases - 1)
        elif kind is TokenType.LT:
            types += before in _NESTED_TYPES
        elif kind is TokenType.GT:
            types = max(0, types - 1)
        elif before is TokenType.FROM:
            chain += kind in (TokenType.FROM, TokenType.SELECT)
        if max(types, chain, cases, signs) > _MAX_DEPTH:
            raise Unreadable("nested too deeply to be parsed")
        before = kind


def _trimmed(text: str) -> str:
    """Return a statement without the space and the comments around it."""
    words = list(scanned(text))
    return text[words[0].start : words[-1].end]


def split(sql: str, dialect: Dialect) -> list[str]:
    """Return the statements of a script, without their semicolons."""
    if dialect.name == "postgres":
        return [_trimmed(statement.text) for statement in statements.split(sql)]
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
