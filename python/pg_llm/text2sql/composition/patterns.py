"""Finite-state cascades over lexemes.

A reader is a list of rules, applied one after the other: a regular expression
over the lexemes' symbols, and a handler that replaces what matched (Abney
1996, "Partial parsing via finite-state cascades").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pg_llm.text2sql.composition.lexeme import Lexeme

Handler = Callable[[list[Lexeme]], list[Lexeme] | None]


def apply(lexemes: list[Lexeme], pattern: str, handler: Handler) -> list[Lexeme]:
    """Replace every match; a handler that returns None leaves its match alone."""
    compiled = re.compile(pattern)
    start = 0
    while True:
        found = compiled.search("".join(lexeme.symbol for lexeme in lexemes), start)
        if found is None or found.end() == found.start():
            return lexemes
        new = handler(lexemes[found.start() : found.end()])
        if new is None:
            start = found.start() + 1
            continue
        lexemes = [*lexemes[: found.start()], *new, *lexemes[found.end() :]]
        start = found.start() + (0 if len(new) < found.end() - found.start() else len(new))


def pick(lexemes: Sequence[Lexeme], symbols: str) -> list[Lexeme]:
    """Return the lexemes that have one of the symbols."""
    return [lexeme for lexeme in lexemes if lexeme.symbol in symbols]


def first(lexemes: Sequence[Lexeme], symbols: str) -> Lexeme | None:
    """Return the first lexeme that has one of the symbols."""
    return next((lexeme for lexeme in lexemes if lexeme.symbol in symbols), None)
