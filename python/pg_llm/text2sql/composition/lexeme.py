"""The units that a reader works on: words of the question with what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pg_llm.text2sql.index import Match, ValueMatch


@dataclass(frozen=True, slots=True)
class Hint:
    """Column words that an adjective implies; `inverse` ones turn the order."""

    words: tuple[str, ...]
    inverse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Superlative:
    """highest, oldest, top 5; `common`: the most frequent; `size`: of a thing itself."""

    descending: bool
    hint: Hint
    common: bool = False
    limit: int | None = None
    size: bool = False


@dataclass(slots=True)
class Lexeme:
    """A span of the question with one symbol for the patterns of a reader."""

    symbol: str
    text: str
    payload: Any = None
    tables: list[Match] = field(default_factory=list)
    columns: list[Match] = field(default_factory=list)
    values: list[ValueMatch] = field(default_factory=list)
    measures: list[Match] = field(default_factory=list)
    capital: bool = False
    score: float = 1.0
