"""Chinese names and comments against a Chinese question, by characters and pairs of them.

Chinese has no spaces, and pairs of characters find its words well enough
(Nie et al. 2000, "On the use of words and n-grams for Chinese information
retrieval"). Every name that a comment gives is compared by the share of it
that the question says, every comment as a whole by BM25 (Robertson and
Zaragoza 2009); pairs that few comments have count more.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_llm.text2sql import chinese_lexicon as lexicon
from pg_llm.text2sql.chinese_text import normal
from pg_llm.text2sql.words import is_chinese

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.index import Match, SchemaIndex
    from pg_llm.text2sql.layout import Layout

_RUN = re.compile(r"[\u4e00-\u9fff]+")
_SINGLE = 0.35
_ALIKE = 0.85
_FRAMED = 0.3
_OWN = 0.25
_SATURATION, _LENGTH = 1.2, 0.4
_TAILS = re.compile(r"(?:基本|详细)?(?:信息|记录|数据|资料|列表|清单|明细|字典|档案|表)+$")


@dataclass(slots=True)
class Labels:
    """The names of a schema as an inverted index.

    `names` and `texts`: for each character and pair, where it occurs (numbers
    of names, positions of the layout) and with what weight. `where`: each
    name's position in the layout, `worth` its factor. `rarity`: of each
    character and pair.
    """

    names: dict[str, tuple[Any, Any]]
    texts: dict[str, tuple[Any, Any]]
    where: Any
    worth: Any
    rarity: dict[str, float]
    unknown: float

    def coverage(self, said: dict[str, float], positions: int) -> Any:
        """Return how much of the best name at each position the question says."""
        import numpy

        covered = _summed(self.names, said, len(self.where)) * self.worth
        best = numpy.zeros(positions)
        numpy.maximum.at(best, self.where, covered)
        return best

    def known(self, text: str) -> list[bool]:
        """Tell of each character whether it stands in a pair that names something."""
        found = [False] * len(text)
        for start in range(len(text) - 1):
            if text[start : start + 2] in self.names:
                found[start : start + 2] = [True, True]
        return found

    def share(self, said: dict[str, float], positions: int) -> Any:
        """Return how much of the question each position's name and comment say."""
        whole = sum(weight * self.rarity.get(gram, self.unknown) for gram, weight in said.items())
        return _summed(self.texts, said, positions) / (whole or 1.0)


def _summed(postings: dict[str, tuple[Any, Any]], said: dict[str, float], size: int) -> Any:
    import numpy

    total = numpy.zeros(size)
    for gram, weight in said.items():
        if gram in postings:
            numbers, weights = postings[gram]
            total[numbers] += weight * weights
    return total


def grams(text: str) -> dict[str, float]:
    """Return the characters and pairs of characters of a text with their weights."""
    found: dict[str, float] = {}
    for run in _RUN.findall(text):
        for start in range(len(run)):
            found[run[start]] = max(found.get(run[start], 0.0), _SINGLE)
            if start + 1 < len(run):
                found[run[start : start + 2]] = 1.0
    if len(text) == 1:
        found[text] = 1.0
    return found


def said(question: str) -> dict[str, float]:
    """Return what a question says: its characters and pairs, those of synonyms for less.

    What only gives a question its form (有多少, 列出) counts little.
    """
    text = normal(question)
    framed = framing(text)
    found: dict[str, float] = {}
    for run in _RUN.finditer(text):
        for start in range(*run.span()):
            for size in (1, 2):
                if start + size > run.end():
                    continue
                gram = text[start : start + size]
                weight = _FRAMED if all(framed[start : start + size]) else 1.0
                found[gram] = max(found.get(gram, 0.0), weight)
    for word, other in _synonyms(text):
        for gram, weight in grams(other).items():
            if gram not in word:
                found[gram] = max(found.get(gram, 0.0), _ALIKE * min(1.0, weight / _SINGLE))
    return found


def framing(text: str) -> list[bool]:
    """Tell of each character whether it only gives the question its form."""
    found = [False] * len(text)
    start = 0
    while start < len(text):
        for size in range(min(lexicon.LONGEST, len(text) - start), 0, -1):
            piece = text[start : start + size]
            if (size > 1 and piece in lexicon.PHRASES) or piece in lexicon.STOP:
                found[start : start + size] = [True] * size
                start += size
                break
        else:
            start += 1
    return found


def _synonyms(text: str) -> Iterator[tuple[str, str]]:
    for group in lexicon.SYNONYMS:
        for word in group:
            if len(word) > 1 and word in text:
                yield from ((word, other) for other in group if other not in text)


def labels_of(schema: SchemaIndex, layout: Layout) -> Labels:
    """Return the schema's labels as an inverted index, made anew when they change."""
    state = (schema.labels, len(schema.labels))
    kept = schema.snapshot.derived.get("text2sql chinese")
    if isinstance(kept, tuple) and kept[0] is state[0] and kept[1] == state[1]:
        found: Labels = kept[2]
        return found
    found = _made(schema, layout)
    schema.snapshot.derived["text2sql chinese"] = (*state, found)
    return found


def _made(schema: SchemaIndex, layout: Layout) -> Labels:
    texts: dict[int, set[str]] = {}
    for text, position in _texts(schema, layout):
        if is_chinese(text):
            texts.setdefault(position, set()).update(grams(normal(text)))
    held: dict[str, int] = defaultdict(int)
    for found in texts.values():
        for gram in found:
            held[gram] += 1
    size = len(texts)
    rarity = {
        gram: (_SINGLE if len(gram) == 1 else 1.0) * math.log(1 + (size - n + 0.5) / (n + 0.5))
        for gram, n in held.items()
    }
    names = _Postings()
    where: list[int] = []
    worth: list[float] = []
    for label, match in schema.labels:
        place = _position(match, layout)
        if place is not None:
            names.add(len(where), _weights(label, _own(match, texts, layout), rarity))
            where.append(place)
            worth.append(match.score)
    return Labels(
        names.arrays(),
        _saturated(texts, rarity),
        *_arrays(where, worth),
        rarity,
        math.log(1 + 2 * (size + 1)),
    )


class _Postings:
    """Where each character and pair occurs, with a weight."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[list[int], list[float]]] = {}

    def add(self, number: int, weights: dict[str, float]) -> None:
        for gram, weight in weights.items():
            numbers, shares = self.found.setdefault(gram, ([], []))
            numbers.append(number)
            shares.append(weight)

    def arrays(self) -> dict[str, tuple[Any, Any]]:
        return {gram: _arrays(*both) for gram, both in self.found.items()}


def _arrays(numbers: list[int], weights: list[float]) -> tuple[Any, Any]:
    import numpy

    return numpy.array(numbers, dtype=numpy.intp), numpy.array(weights)


def _texts(schema: SchemaIndex, layout: Layout) -> Iterator[tuple[str, int]]:
    for relation in schema.relations:
        yield f"{relation.name} {relation.comment or ''}", layout.positions[relation.oid, ""]
        for column in relation.columns:
            position = layout.positions[relation.oid, column.name]
            yield f"{column.name} {column.comment or ''}", position
    for label, match in schema.labels:
        known = _position(match, layout)
        if known is not None:
            yield label, known


def _position(match: Match, layout: Layout) -> int | None:
    """Return where a label's match stands; what the glossary computes is its relation's."""
    relation = layout.positions.get((match.relation.oid, ""))
    if match.column is None:
        return relation
    return layout.positions.get((match.relation.oid, match.column.name), relation)


def _own(match: Match, texts: dict[int, set[str]], layout: Layout) -> set[str]:
    """Return what the relation of a column is called: of its own columns it tells little."""
    if match.column is None:
        return set()
    return texts.get(layout.positions.get((match.relation.oid, ""), -1), set())


def _weights(label: str, own: set[str], rarity: dict[str, float]) -> dict[str, float]:
    """Return the share that each character and pair has in a name."""
    name = normal(label)
    short = _TAILS.sub("", name)
    weights = {
        gram: rarity.get(gram, 0.0) * (_OWN if gram in own else 1.0)
        for gram in grams(short if len(short) >= 2 else name)
    }
    whole = sum(weights.values())
    return {gram: weight / whole for gram, weight in weights.items()} if whole else {}


def _saturated(texts: dict[int, set[str]], rarity: dict[str, float]) -> dict[str, tuple[Any, Any]]:
    """Return BM25's weights of what each text says; each thing is said once."""
    usual = sum(map(len, texts.values())) / (len(texts) or 1)
    postings = _Postings()
    for position, found in texts.items():
        length = 1 - _LENGTH + _LENGTH * len(found) / usual
        factor = (_SATURATION + 1) / (1 + _SATURATION * length)
        postings.add(position, {gram: factor * rarity[gram] for gram in found})
    return postings.arrays()
