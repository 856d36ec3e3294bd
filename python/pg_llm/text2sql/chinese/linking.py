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
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pg_llm.text2sql.chinese import lexicon
from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.words import is_chinese

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pg_llm.text2sql.index import Match, SchemaIndex
    from pg_llm.text2sql.layout import Layout

_RUN = re.compile(r"[\u4e00-\u9fff]+")
_SINGLE = 0.35
_ALIKE = 0.85
_FRAMED = 0.3
_OWN = 0.25
_SATURATION, _LENGTH = 1.2, 0.4
_TAILS = re.compile(r"(?:基本|详细)?(?:信息|记录|数据|资料|列表|清单|明细|字典|档案|表)+$")


# Numbers of characters and pairs, the same in every index of the process.
_numbers: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class _Postings:
    """Where each character and pair occurs, and with what weight.

    What number n has stands between `starts[n]` and `starts[n + 1]`.
    """

    starts: Any
    places: Any
    weights: Any

    def summed(self, said: Mapping[str, float], size: int) -> Any:
        """Return the weights of what is said, added up for each of `size` places."""
        import numpy

        total = numpy.zeros(size)
        for gram, weight in said.items():
            number = _numbers.get(gram, len(self.starts))
            if number + 1 < len(self.starts):
                held = slice(self.starts[number], self.starts[number + 1])
                total[self.places[held]] += weight * self.weights[held]
        return total


@dataclass(frozen=True, slots=True)
class Labels:
    """The names and comments of a schema as inverted indexes.

    `names` is by numbers of names, `texts` by positions of the layout. `where`:
    each name's position, `worth` its factor. `rarity`: of each character and
    pair by its number, `unknown` of those that no text has.
    """

    names: _Postings
    texts: _Postings
    where: Any
    worth: Any
    rarity: Any
    unknown: float

    def coverage(self, said: Mapping[str, float], positions: int) -> Any:
        """Return how much of the best name at each position the question says."""
        import numpy

        covered = self.names.summed(said, len(self.where)) * self.worth
        best = numpy.zeros(positions)
        numpy.maximum.at(best, self.where, covered)
        return best

    def known(self, text: str) -> list[bool]:
        """Tell of each character whether it stands in a pair that names something."""
        found = [False] * len(text)
        for start in range(len(text) - 1):
            number = _numbers.get(text[start : start + 2], len(self.names.starts))
            if number + 1 < len(self.names.starts) and (
                self.names.starts[number] < self.names.starts[number + 1]
            ):
                found[start : start + 2] = [True, True]
        return found

    def share(self, said: Mapping[str, float], positions: int) -> Any:
        """Return how much of the question each position's name and comment say."""
        whole = 0.0
        for gram, weight in said.items():
            number = _numbers.get(gram, len(self.rarity))
            known = self.rarity[number] if number < len(self.rarity) else 0.0
            whole += weight * (known or self.unknown * (_SINGLE if len(gram) == 1 else 1.0))
        return self.texts.summed(said, positions) / (whole or 1.0)


@lru_cache(maxsize=65_536)
def grams(text: str) -> Mapping[str, float]:
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
    import numpy

    texts = _texts(schema, layout)
    places = numpy.array(list(texts), dtype=numpy.intp)
    lengths = numpy.array([len(found) for found in texts.values()], dtype=numpy.intp)
    flat = numpy.concatenate([*texts.values(), numpy.zeros(0, dtype=numpy.intp)])
    names = [
        (place, label, match)
        for label, match in schema.labels
        if (place := _position(match, layout)) is not None
    ]
    own = _own_names(schema)
    shares = [
        _shares(label, own.get(match.relation.oid, "") if match.column else "")
        for _, label, match in names
    ]
    ids = numpy.concatenate([*(one for one, _ in shares), numpy.zeros(0, dtype=numpy.intp)])
    factors = numpy.concatenate([*(one for _, one in shares), numpy.zeros(0)])
    owners = numpy.repeat(numpy.arange(len(names)), [len(one) for one, _ in shares])
    size = len(_numbers)
    held = numpy.bincount(flat, minlength=size)
    single = numpy.array([_SINGLE if len(gram) == 1 else 1.0 for gram in _numbers])
    rarity = numpy.where(
        held > 0, single * numpy.log(1 + (len(texts) - held + 0.5) / (held + 0.5)), 0.0
    )
    # a name's characters and pairs share its weight
    weights = rarity[ids] * factors
    whole = numpy.bincount(owners, weights, minlength=len(names))
    weights /= numpy.maximum(whole[owners], 1e-9)
    # BM25, where a text says everything once
    length = 1 - _LENGTH + _LENGTH * lengths / max(1.0, lengths.mean() if len(texts) else 1.0)
    saturated = numpy.repeat((_SATURATION + 1) / (1 + _SATURATION * length), lengths)
    return Labels(
        _postings(ids, owners, weights, size),
        _postings(flat, numpy.repeat(places, lengths), saturated * rarity[flat], size),
        numpy.array([place for place, _, _ in names], dtype=numpy.intp),
        numpy.array([match.score for _, _, match in names]),
        rarity,
        math.log(1 + 2 * (len(texts) + 1)),
    )


def _postings(numbers: Any, places: Any, weights: Any, size: int) -> _Postings:
    import numpy

    order = numpy.argsort(numbers, kind="stable")
    counts = numpy.bincount(numbers, minlength=size)
    starts = numpy.concatenate([[0], numpy.cumsum(counts)])
    return _Postings(starts, places[order], weights[order])


@lru_cache(maxsize=65_536)
def _ids(text: str) -> Any:
    """Return the numbers of a text's characters and pairs."""
    import numpy

    found = [_numbers.setdefault(gram, len(_numbers)) for gram in grams(text)]
    return numpy.array(found, dtype=numpy.intp)


@lru_cache(maxsize=65_536)
def _shares(label: str, own: str) -> tuple[Any, Any]:
    """Return a name's characters and pairs by number, and what each counts.

    What the relation of a column is called (`own`) tells little of its own columns.
    """
    import numpy

    name = normal(label)
    short = _TAILS.sub("", name)
    kept = short if len(short) >= 2 else name
    known = grams(own)
    factors = [_OWN if gram in known else 1.0 for gram in grams(kept)]
    return _ids(kept), numpy.array(factors)


def _own_names(schema: SchemaIndex) -> dict[int, str]:
    found: dict[int, str] = defaultdict(str)
    for label, match in schema.labels:
        if match.column is None:
            found[match.relation.oid] += " " + label
    return found


def _texts(schema: SchemaIndex, layout: Layout) -> dict[int, Any]:
    """Return what name and comment say at each position of the layout."""
    import numpy

    found: dict[int, Any] = {}
    for relation in schema.relations:
        said = [(relation.name, relation.comment, "")]
        said += [(column.name, column.comment, column.name) for column in relation.columns]
        for name, comment, key in said:
            text = normal(f"{name} {comment or ''}")
            if is_chinese(text):
                found[layout.positions[relation.oid, key]] = _ids(text)
    for label, match in schema.labels:
        place = _position(match, layout)
        if place is not None and match.column is not None and match.column.number <= 0:
            # of the glossary: nothing of the catalog says it
            before = found.get(place, numpy.zeros(0, dtype=numpy.intp))
            found[place] = numpy.union1d(before, _ids(normal(label)))
    return found


def _position(match: Match, layout: Layout) -> int | None:
    """Return where a label's match stands; what the glossary computes is its relation's."""
    relation = layout.positions.get((match.relation.oid, ""))
    if match.column is None:
        return relation
    return layout.positions.get((match.relation.oid, match.column.name), relation)
