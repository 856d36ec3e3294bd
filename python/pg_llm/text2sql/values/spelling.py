"""Spellings compared: folding, trigrams and bigrams, and how far apart two texts are.

A text with few edits keeps a stretch of its trigrams whole: an edit (one
letter put in, left out or replaced, or two neighbours exchanged) changes at
most four trigrams in a row, so it touches at most two of several segments
(the pigeonhole principle of filters for approximate matching). So a value
near a text is among those that have all trigrams of one of its segments.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from itertools import pairwise

from pg_llm.text2sql.index import fold

# Scripts without spaces between words: Chinese characters and Japanese syllables.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
# A text of so many letters may be an edit away from what is meant, or two.
_SHORTEST, _LONG = 6, 14
_LEAST_LIKE = 0.4
_INNER = 3
# Trigrams that an edit changes at most.
_CHANGED = 4


def plain(text: str) -> str:
    """Return a text folded (`index.fold`), and without accents and wide letters."""
    decomposed = unicodedata.normalize("NFKD", text)
    return fold(unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)))


def is_unspaced(text: str) -> bool:
    """Whether a text holds a character of a script that is written without spaces."""
    return re.search(f"[{_UNSPACED}]", text) is not None


def grams(text: str) -> list[int]:
    """Return the hashes of a plain text's grams, in order.

    Trigrams of each word, which is padded as pg_trgm does; bigrams of what is
    written without spaces.
    """
    found: list[str] = []
    for word in text.split():
        for run in _RUNS.findall(word):
            if is_unspaced(run):
                found += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
            else:
                padded = f"  {run} "
                found += [padded[at : at + 3] for at in range(len(padded) - 2)]
    return [_hash(gram) for gram in found]


def size_gram(size: int) -> int:
    """Return the hash that stands among a value's grams for its size, four sizes alike.

    A short stretch of grams is in many values, and in few of one size.
    """
    return _hash(f"#{size // 4}")


def _hash(gram: str) -> int:
    return zlib.crc32(gram.encode()) - 2**31


def edits(text: str) -> int:
    """Return how many edits a plain text may be away from a value; 0: it must be exact.

    Short words have many neighbours, and a number that differs is another one.
    """
    size = len(text)
    if size < _SHORTEST or is_unspaced(text):
        return 0
    return 2 if size >= _LONG else 1


def segments(text: str) -> list[list[int]]:
    """Return gram lists of which a value within `edits(text)` has at least one whole.

    Each is there with the gram of each size that such a value may have.
    """
    most = edits(text)
    sizes = sorted({size_gram(len(text) + more) for more in range(-most, most + 1)})
    return [[*segment, size] for segment in _split(text) for size in sizes]


def _split(text: str) -> list[list[int]]:
    found = grams(text)
    parts = 1 + 2 * edits(text)
    # the padded grams at both ends tell less
    outer = max(1, (len(found) - (parts - 2) * max(_INNER, len(found) // parts)) // 2)
    inner = len(found) - 2 * outer
    bounds = [0, *(outer + inner * n // (parts - 2) for n in range(parts - 1)), len(found)]
    return [found[start:end] for start, end in pairwise(bounds)]


def likeness(text: str, value: str) -> float:
    """Return how alike two plain texts are; 0 beyond the edits, or where numbers differ.

    Dice over their trigrams, less for a second edit.
    """
    own, theirs = set(grams(text)), set(grams(value))
    if len(own - theirs) > _CHANGED * edits(text):
        return 0.0
    alike = 2 * len(own & theirs) / (len(own) + len(theirs))
    if alike < _LEAST_LIKE or re.findall(r"\d+", text) != re.findall(r"\d+", value):
        return 0.0
    apart = distance(text, value)
    return alike / max(apart, 1) if apart <= edits(text) else 0.0


def distance(one: str, two: str) -> int:
    """Return the edit distance of two texts, an exchange of neighbours being one edit.

    Optimal string alignment (Damerau-Levenshtein without edits of edits).
    """
    before: list[int] = []
    last = list(range(len(two) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, other in enumerate(two, start=1):
            best = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != other))
            exchanged = (
                row > 1 and column > 1 and letter == two[column - 2] and one[row - 2] == other
            )
            line.append(min(best, before[column - 2] + 1) if exchanged else best)
        before, last = last, line
    return last[-1]


def holds(value: str, text: str) -> bool:
    """Whether a plain value has a plain text as words of its own, or as Chinese characters."""
    if is_unspaced(text):
        return text in value
    return f" {text} " in f" {value} "
