"""Pieces of text: chunks for the model, terms for full text search.

Chunks are made by semantic-text-splitter: the largest units (paragraphs, then
sentences, then words) that fit. PostgreSQL's parser does not segment Chinese,
Japanese and Korean: runs of those scripts become overlapping bigrams.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from pg_llm.library import isolated

if TYPE_CHECKING:
    from collections.abc import Iterator

# Han, Hiragana, Katakana, Hangul, with their extensions and compatibility forms.
_RUN = re.compile(
    "["
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
    "]+"
)

# A tsvector numbers positions up to 16383 and holds at most 256 a lexeme.
_MAX_POSITION = 16_383
_MAX_PER_LEXEME = 255


def chunks(text: str, size: int, overflow: str) -> tuple[list[str], str | None]:
    """Return the pieces of at most `size` characters, and a note where text was lost."""
    if len(text) <= size:
        return [text], None
    if overflow == "cut":
        return [text[:size]], f"cut after {size} of {len(text)} characters"
    return _splitter(size).chunks(text), None


@functools.lru_cache(maxsize=8)
def _splitter(size: int) -> Any:
    with isolated():
        import semantic_text_splitter
    return semantic_text_splitter.TextSplitter(size)


def bigrams(run: str) -> Iterator[str]:
    """Yield the overlapping pairs of a run; a single character is itself."""
    if len(run) == 1:
        yield run
    for i in range(len(run) - 1):
        yield run[i : i + 2]


def mostly_unspaced(text: str) -> bool:
    """Tell whether half of the letters or more are of a script without spaces."""
    if text.isascii():
        return False
    unspaced = sum(len(run) for run in _RUN.findall(text))
    return 2 * unspaced >= sum(map(str.isalpha, text)) > 0


# A word with a capital inside: the words of an identifier.
_INNER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"\w*[a-z0-9][A-Z]\w*")


def _split(text: str) -> str:
    """Write the words of `camelCase` behind it; PostgreSQL splits `snake_case` itself."""
    return _WORD.sub(lambda match: match[0] + " " + _INNER.sub(" ", match[0]), text)


def terms(text: str) -> tuple[str, str]:
    """Return the words for `to_tsvector`, and the bigrams as a tsvector's text."""
    text = _split(text)
    if text.isascii():
        return text, ""
    positions: dict[str, list[int]] = {}
    position = 0
    for match in _RUN.finditer(text):
        for gram in bigrams(match[0]):
            position = min(position + 1, _MAX_POSITION)
            found = positions.setdefault(gram, [])
            if len(found) < _MAX_PER_LEXEME:
                found.append(position)
    grams = " ".join(
        f"'{gram}':{','.join(map(str, dict.fromkeys(found)))}" for gram, found in positions.items()
    )
    return _RUN.sub(" ", text), grams
