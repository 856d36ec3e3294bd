"""A list of sqlglot's tokens to read from and to write anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pg_llm.library import isolated

with isolated():
    from sqlglot.tokenizer_core import Token, TokenType


@dataclass(slots=True)
class Extras:
    """Names that were cut away with their clauses, folded.

    `aliases`: of `USING (…) AS alias`, with its columns. `columns`: what
    SEARCH and CYCLE add to a CTE: a column's name and the columns it is of.
    `partial`: columns of which INSERT names only a part.
    """

    aliases: dict[str, list[str]] = field(default_factory=dict)
    columns: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)


class Tokens:
    """A token list with a place in it."""

    def __init__(self, tokens: list[Any]) -> None:
        self.tokens = tokens
        self.lower = [
            "" if token.token_type is TokenType.STRING else token.text.lower() for token in tokens
        ]
        self.out: list[Any] = []
        self.place = 0
        self.extras = Extras()

    def words(self, *words: str, ahead: int = 0) -> bool:
        """Tell whether these words follow."""
        start = self.place + ahead
        return self.lower[start : start + len(words)] == list(words)

    def kind(self, ahead: int = 0) -> Any:
        """Return the type of a token from here, None beyond the ends."""
        place = self.place + ahead
        return self.tokens[place].token_type if 0 <= place < len(self.tokens) else None

    def skip(self, count: int = 1) -> bool:
        """Leave tokens out."""
        self.place += count
        return True

    def put(self, text: str, kind: Any) -> None:
        """Add a token that the text does not have."""
        near = self.tokens[min(self.place, len(self.tokens) - 1)]
        self.out.append(Token(kind, text, near.line, near.col, near.start, near.end, []))

    def closing(self, start: int) -> int:
        """Return the place of the bracket that closes the one at `start`."""
        depth = 0
        for place in range(start, len(self.tokens)):
            if self.lower[place] in ("(", "["):
                depth += 1
            elif self.lower[place] in (")", "]"):
                depth -= 1
                if depth == 0:
                    return place
        return len(self.tokens) - 1

    def opening(self, end: int) -> int:
        """Return the place of the bracket that the one at `end` closes."""
        depth = 0
        for place in range(end, -1, -1):
            if self.lower[place] in (")", "]"):
                depth += 1
            elif self.lower[place] in ("(", "["):
                depth -= 1
                if depth == 0:
                    return place
        return 0

    def names(self, start: int) -> list[str]:
        """Return identifiers with commas between them from a place on."""
        found = [self.name(start)]
        while self.lower[start + 1 : start + 2] == [","]:
            start += 2
            found.append(self.name(start))
        return found

    def name(self, place: int) -> str:
        """Return the identifier at a place, folded."""
        if place >= len(self.tokens):
            return ""
        token = self.tokens[place]
        text: str = token.text
        return text if token.token_type is TokenType.IDENTIFIER else text.lower()
