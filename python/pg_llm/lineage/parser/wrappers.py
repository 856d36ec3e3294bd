"""The statement inside another: EXPLAIN, DECLARE, COPY, CREATE ... AS, procedures."""

from __future__ import annotations

import re
from typing import Any, Final

from pg_llm.library import isolated

with isolated():
    from sqlglot.tokenizer_core import TokenType

    from pg_llm.lineage.parser.tokens import Tokens

_TEMPORARY: Final = ("temp", "temporary")
_PROCEDURE = re.compile(
    r"\s*create\s+(?:or\s+(?:replace|alter)\s+)?proc(?:edure)?\b.*?\bbegin\b", re.I | re.S
)
_REPLACE = re.compile(r"\A(\s*)replace(?=\s+into\b)", re.I)
_UNLOAD = re.compile(r"\s*unload\s*\(\s*'((?:[^']|'')*)'\s*\)", re.I)
# Atomic and possessive, so that the time is linear in the text.
_WRAPPER = re.compile(
    r"""\s*+ (?: declare \s (?> .*? \b cursor \b ) .*? \b for \b
    | prepare \s++ (?: "[^"]+" | \w+ ) \s*+ (?: \( [^)]* \) )? \s*+ as \b
    | explain \b \s*+ (?: \( [^)]* \) | (?: analy[sz]e | verbose | \s )* ) )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def unwrapped(text: str) -> str:
    """Return the statement inside DECLARE, PREPARE, EXPLAIN; all stays in its place."""
    match = _WRAPPER.match(text)
    return text if match is None else " " * match.end() + text[match.end() :]


def body(text: str) -> str:
    """Return the text after BEGIN of CREATE PROCEDURE, the query of UNLOAD, REPLACE as INSERT.

    All stays in its place, but for doubled quotes.
    """
    text = _REPLACE.sub(r"\1insert ", text)
    match = _PROCEDURE.match(text)
    if match is not None:
        return " " * match.end() + text[match.end() :]
    match = _UNLOAD.match(text)
    return text if match is None else " " * match.start(1) + match[1].replace("''", "'")


def inner_statement(tokens: list[Any]) -> list[Any]:
    """Return the statement inside COPY, and CREATE … AS without its options."""
    stream = Tokens(tokens)
    if stream.words("copy", "("):
        return inner_statement(tokens[2 : stream.closing(1)])
    if stream.words("copy"):
        return _copied(stream)
    if stream.words("create"):
        return _created(stream)
    if stream.words("merge"):
        return _merged(stream)
    return tokens


def _copied(stream: Tokens) -> list[Any]:
    """Return COPY without its options and condition."""
    for place, word in enumerate(stream.lower):
        if word in ("from", "to") and place + 1 < len(stream.tokens):
            return stream.tokens[: place + 2]
    return stream.tokens


def _created(stream: Tokens) -> list[Any]:
    """Return CREATE TABLE or VIEW … AS with only its name, columns and query."""
    lower = stream.lower
    kind = next((p for p, word in enumerate(lower[:8]) if word in ("view", "table")), None)
    if kind is None or "as" not in lower:
        return stream.tokens
    start = kind + (4 if lower[kind + 1 : kind + 4] == ["if", "not", "exists"] else 1)
    place = start + 1
    while lower[place : place + 1] == ["."]:
        place += 2
    columns: list[Any] = []
    if lower[place : place + 1] == ["("]:
        columns = stream.tokens[place : stream.closing(place) + 1]
    name = stream.tokens[start:place]
    while place < len(lower) and lower[place] != "as":
        place = stream.closing(place) + 1 if lower[place] == "(" else place + 1
    end = _without_options(lower)
    query = inner_statement(stream.tokens[place + 1 : end])
    temporary = [token for token in stream.tokens[1:kind] if token.text.lower() in _TEMPORARY]
    head = [stream.tokens[0], *temporary, stream.tokens[kind], *name]
    if "recursive" in lower[:kind]:
        return [*head, *columns, stream.tokens[place], *_recursive(stream, name, columns, query)]
    return [*head, *columns, *stream.tokens[place : place + 1], *query]


def _recursive(stream: Tokens, name: list[Any], columns: list[Any], query: list[Any]) -> list[Any]:
    """Return the query of CREATE RECURSIVE VIEW."""
    made = Tokens(stream.tokens)
    out = made.out
    made.put("with", TokenType.WITH)
    made.put("recursive", TokenType.RECURSIVE)
    out += [name[-1], *columns]
    made.put("as", TokenType.ALIAS)
    made.put("(", TokenType.L_PAREN)
    out += query
    made.put(")", TokenType.R_PAREN)
    made.put("select", TokenType.SELECT)
    made.put("*", TokenType.STAR)
    made.put("from", TokenType.FROM)
    out.append(name[-1])
    return out


def _without_options(lower: list[str]) -> int:
    """Return where WITH DATA or WITH CHECK OPTION begins at the end."""
    for tail in (
        ["with", "data"],
        ["with", "no", "data"],
        ["with", "check", "option"],
        ["with", "local", "check", "option"],
        ["with", "cascaded", "check", "option"],
    ):
        if lower[-len(tail) :] == tail:
            return len(lower) - len(tail)
    return len(lower)


def _without_delete(stream: Tokens) -> list[Any]:
    """Return MERGE without `DELETE WHERE …` behind an UPDATE: it gives no column a value."""
    start = next((p for p, word in enumerate(stream.lower) if word == "delete"), None)
    if start is None or stream.lower[start + 1 : start + 2] != ["where"]:
        return stream.tokens
    end = start
    while end < len(stream.tokens) and stream.lower[end] != "when":
        end = stream.closing(end) + 1 if stream.lower[end] == "(" else end + 1
    return stream.tokens[:start] + stream.tokens[end:]


def _merged(stream: Tokens) -> list[Any]:
    """Return MERGE with a joined source in parentheses, without Oracle's DELETE WHERE."""
    stream = Tokens(_without_delete(stream))
    depth = 0
    using = joined = on = None
    for place, word in enumerate(stream.lower):
        depth += (word in "([" and word != "") - (word in ")]" and word != "")
        if depth == 0 and word == "using" and using is None:
            using = place
        elif depth == 0 and word == "join" and using is not None:
            joined = place
        elif depth == 0 and word == "on":
            on = place
        elif depth == 0 and word == "when":
            break
    if using is None or joined is None or on is None:
        return stream.tokens
    made = Tokens(stream.tokens)
    made.out = stream.tokens[: using + 1]
    made.put("(", TokenType.L_PAREN)
    made.out += stream.tokens[using + 1 : on]
    made.put(")", TokenType.R_PAREN)
    return made.out + stream.tokens[on:]
