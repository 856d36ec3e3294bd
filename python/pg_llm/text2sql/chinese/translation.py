"""Chinese words for what databases hold, with the English words that name it.

Where a schema is named in English and has no Chinese comments, a Chinese
question reaches it over these. The words are those of everyday business and
administration; what is special to one trade is told by comments or by the
glossary. `words.tsv` holds a Chinese word and its English
readings, likeliest first; a reading of several words has them joined by
underscores. `values.tsv` holds what a value is called in Chinese,
what it is a value of, and how English data spell it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 6
_MOST_READINGS = 6


@lru_cache(maxsize=1)
def _readings() -> dict[str, tuple[str, ...]]:
    return {word: tuple(found.split(" ")) for word, found in _rows("words.tsv")}


@lru_cache(maxsize=1)
def _values() -> dict[str, tuple[str, tuple[str, ...]]]:
    return {
        word: (kind, tuple(spellings.split(";"))) for word, kind, spellings in _rows("values.tsv")
    }


def _rows(name: str) -> list[list[str]]:
    text = (resources.files("pg_llm.text2sql.chinese") / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()]


def readings(word: str) -> tuple[str, ...]:
    """Return what one Chinese word may be in English, likeliest first."""
    return _readings().get(word, ())


def values(word: str) -> tuple[str, ...]:
    """Return how English data may spell the value that a Chinese word names."""
    return _values().get(word, ("", ()))[1]


@lru_cache(maxsize=4096)
def phrases(text: str) -> tuple[tuple[str, ...], ...]:
    """Return what a Chinese noun of one to three words may be in English.

    Each reading is a tuple of words; likelier ones come first. Empty where a
    part of the text is not known.
    """
    found = {reading: None for parts in _cuts(text, 3) for reading in _combined(parts)}
    return tuple(found)[:_MOST_READINGS]


def _cuts(text: str, parts: int) -> Iterator[tuple[str, ...]]:
    """Yield the ways to cut a text into known words, the longest first word first."""
    if not text:
        yield ()
        return
    if parts == 0:
        return
    for size in range(min(LONGEST, len(text)), 0, -1):
        if readings(text[:size]):
            for rest in _cuts(text[size:], parts - 1):
                yield (text[:size], *rest)


def _combined(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    ranked = sorted(
        product(*(tuple(enumerate(readings(part))) for part in parts)),
        key=lambda choice: sum(rank for rank, _ in choice),
    )
    for choice in ranked:
        yield tuple(word for _, reading in choice for word in reading.split("_"))


@lru_cache(maxsize=4096)
def words_of(question: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the known words of a text with their readings, by longest match from the left.

    A known value (加拿大) is read as what it is a value of (country).
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    start = 0
    while start < len(question):
        for size in range(min(LONGEST, len(question) - start), 1, -1):
            piece = question[start : start + size]
            kind = _values().get(piece, ("", ()))[0]
            if kind or readings(piece):
                found.append((piece, readings(piece) or (kind,)))
                start += size
                break
        else:
            start += 1
    return tuple(found)
