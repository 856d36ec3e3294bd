"""Schema linking: which relations and columns a question may need, best first.

Three signals are fused for every relation and column: its words (names and
comments, split, stemmed, with synonyms and abbreviations, rare words counting
more), letters (trigrams of its words, for misspelling and compounds), and
meaning (the cosine of the embedded static embeddings, English only). Values of
columns that stand in the question speak for their column, Chinese names and
comments by character bigrams. A relation is scored with the mean of its three
best columns, a column with its relation. What the caller may not see is not in
the index, so nothing of it can be linked.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pg_llm.text2sql.associations import associated
from pg_llm.text2sql.chinese import linking as chinese_linking
from pg_llm.text2sql.chinese import translation as chinese_english
from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.english.lexicon import infinitive
from pg_llm.text2sql.index import fold
from pg_llm.text2sql.layout import Key, Layout, layout_of
from pg_llm.text2sql.words import is_chinese, stem, word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import ColumnRef, SchemaIndex, Term

# Weights of the signals, fitted on questions over 13 schemas (each left out once).
_WORDS, _SHARE, _LETTERS, _MEANING, _VALUE = 1.0, 0.6, 0.5, 0.9, 1.0
_OF_RELATION, _OF_COLUMNS, _KEY = 0.45, 0.7, 0.25
_OF_BEST, _OF_VALUES = 0.3, 0.9
_LABELS, _TEXTS = 1.5, 1.0
_NAME, _DATE, _MEASURE, _JOIN = 0.1, 0.1, 0.05, 0.1
_BESIDE, _BETWEEN = 0.0, 0.1
_LINKED = 5
_SPOKEN = 0.5
_NAMED_BY = 0.75
_MOST_COLUMNS = 300
_JOINED, _BRIDGES, _WEAK = 3, 2, 0.9
_LONGEST_VALUE, _LONGEST_CHINESE = 5, 12
# How much a Chinese word's first English reading counts, and each further one.
_TRANSLATED, _NEXT_READING = 0.9, 0.8
_KNOWN, _ALIKE = 0.6, 0.5
_EXPLAINED, _NAMED, _UNKNOWN, _OFFSET = 4.0, 1.0, 0.3, 2.0
# The same for Chinese: by the share of a question's characters that is explained.
_CHINESE, _HALF = 8.0, 0.45
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|'[^']{2,}'|`[^`]*`")
_COMPOUND = re.compile(r"\w+(?:-\w+)+")
# Words of phrases that give a question its form, and of periods.
_PHRASE_WORDS = word_set(
    """
    many much number more less than least most order descending ascending how ago past today
    inclusive exclusive include including difference ratio percentage share combination case
    insensitively match january february march april may june july august september october
    november december jan feb mar apr jun jul aug sep oct nov dec overall across range full
    """
)
_TIME_WORDS = word_set(
    """
    when date dates day days week weeks month months quarter quarters year years today yesterday
    recent recently latest newest oldest earliest ago since until before after during monthly
    yearly daily weekly annual january february march april june july august september october
    november december
    """
)
_A_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")
_MEASURE_WORDS = word_set(
    """
    much total sum average mean amount revenue spend spent spending pay paid earn earned cost
    costs highest lowest maximum minimum most least percentage ratio
    """
)


@dataclass(frozen=True, slots=True)
class Links:
    """What a question may need, best first, each with its score.

    All relations, and the 300 likeliest columns.

    `answerable`: from 0 to 1, how much of the question the schema explains.
    """

    relations: tuple[tuple[Relation, float], ...]
    columns: tuple[tuple[ColumnRef, float], ...]
    answerable: float


def link(question: str, schema: SchemaIndex) -> Links:
    """Return the relations that a question may need, and the likeliest columns."""
    layout = layout_of(schema)
    evidence = _Evidence(question, schema, layout)
    columns, tables = _scores(evidence, layout)
    tables = _with_neighbours(tables, layout)
    order = (-tables).argsort(kind="stable")
    worth = {relation.oid: float(tables[n]) for n, relation in enumerate(layout.relations)}
    named = {
        oid for (oid, name), share in evidence.coverage.items() if not name and share > _NAMED_BY
    }
    ranked = _bridged([layout.relations[n] for n in order], worth, named, schema)
    final = columns + _prior(ranked, evidence, layout) * tables[layout.owners]
    best = (-final).argsort(kind="stable")[:_MOST_COLUMNS]
    return Links(
        tuple((relation, worth[relation.oid]) for relation in ranked),
        tuple((layout.refs[n], float(final[n])) for n in best),
        evidence.answerable(),
    )


def _scores(evidence: _Evidence, layout: Layout) -> tuple[Any, Any]:
    """Return the scores of all columns and of all relations, as arrays."""
    import numpy

    scores = evidence.scores() + _SPOKEN * evidence.spoken()
    columns, own = scores[: len(layout.refs)], scores[len(layout.refs) :]
    held = numpy.zeros(len(layout.relations))
    for (oid, name), value in evidence.values.items():
        if name:
            held[layout.numbers[oid]] = max(held[layout.numbers[oid]], value)
    # a row a relation, padded; its three best columns
    padded = numpy.zeros(layout.places.shape)
    padded[layout.filled] = columns[layout.places[layout.filled]]
    best = -numpy.partition(-padded, 2, axis=1)[:, :3]
    tables = own + _OF_COLUMNS * best.sum(axis=1) / 3 + _OF_BEST * best.max(axis=1)
    return columns, layout.views * (tables + _OF_VALUES * held)


def _with_neighbours(tables: Any, layout: Layout) -> Any:
    """Let relations gain by the two best ones that they join: what lies between them is needed."""
    import numpy

    if not layout.joins.size:
        return tables
    sources, targets = layout.joins
    first, second = numpy.zeros(len(tables)), numpy.zeros(len(tables))
    numpy.maximum.at(first, sources, tables[targets])
    # the first that is as good as the best counts once
    order = numpy.lexsort((-tables[targets], sources))
    start = numpy.searchsorted(sources[order], numpy.arange(len(tables)))
    more = start + 1 < numpy.append(start[1:], len(order))
    second[more] = tables[targets[order[start[more] + 1]]]
    return tables + layout.views * (_BESIDE * first + _BETWEEN * second)


def _prior(ranked: list[Relation], evidence: _Evidence, layout: Layout) -> Any:
    """Return how much of its relation's score a column has by what it is."""
    prior = _OF_RELATION + _KEY * layout.keys + _NAME * layout.names
    if evidence.dated:
        prior = prior + _DATE * layout.dates
    if evidence.measured:
        prior = prior + _MEASURE * layout.measures
    for place in _joining(ranked[:_LINKED], evidence.schema, layout):
        prior[place] += _JOIN
    return prior


def _joining(best: list[Relation], schema: SchemaIndex, layout: Layout) -> set[int]:
    """Return the positions of the columns by which the best relations join each other."""
    oids = {relation.oid for relation in best}
    return {
        layout.positions[oid, name]
        for relation in best
        for step in schema.joins.steps(relation.oid)
        if step.target in oids
        for oid, names in ((step.source, step.source_columns), (step.target, step.target_columns))
        for name in names
    }


def _bridged(
    ranked: list[Relation], tables: dict[int, float], named: set[int], schema: SchemaIndex
) -> list[Relation]:
    """Put the relations that join the best ones right behind them.

    Relations near the top that the question names by their whole name come before those.
    """
    best = ranked[:_JOINED]
    best += [relation for relation in ranked[_JOINED:_LINKED] if relation.oid in named]
    between: set[int] = set()
    for one, two in combinations(best, 2):
        found = schema.joins.path([one.oid], two.oid)
        for step in found[0] if found else ():
            between |= {step.source, step.target}
    chosen = {relation.oid for relation in best}
    likeliest = sorted(between - chosen, key=lambda oid: -tables[oid])
    bridges = [schema.snapshot.by_oid[oid] for oid in likeliest[:_BRIDGES]]
    taken = chosen | {relation.oid for relation in bridges}
    others = [relation for relation in ranked if relation.oid not in taken]
    return _joined([*best, *bridges, *others], tables, named, schema)


def _joined(
    ranked: list[Relation], tables: dict[int, float], named: set[int], schema: SchemaIndex
) -> list[Relation]:
    """Put the one relation that joins the two best before a third that is worth less."""
    if len(ranked) <= _JOINED:
        return ranked
    one, two, third = ranked[:_JOINED]
    found = schema.joins.path([one.oid], two.oid)
    ends = {oid for step in (found[0] if found else ()) for oid in (step.source, step.target)}
    between = ends - {one.oid, two.oid}
    weak = third.oid not in named and tables[third.oid] < _WEAK * tables[two.oid]
    if len(between) != 1 or third.oid in between or not weak:
        return ranked
    others = [relation for relation in ranked[2:] if relation.oid not in between]
    return [one, two, schema.snapshot.by_oid[between.pop()], *others]


class _Evidence:
    """What the words of one question say about each relation and column."""

    def __init__(self, question: str, schema: SchemaIndex, layout: Layout) -> None:
        from pg_llm.text2sql.english.lexer import content_words

        self.question = question
        self.schema = schema
        self.layout = layout
        self.words = sorted(content_words(question))
        unquoted = content_words(_QUOTED.sub(" ", question))
        self.subjects = [word for word in sorted(unquoted) if not _structural(word)]
        self.coverage: dict[Key, float] = {}
        self.share: dict[Key, float] = {}
        self.letters: dict[Key, float] = {}
        self.values: dict[Key, float] = {}
        self.cosines: Any = None
        self.labels: Any = None
        self.explained: dict[str, float] = {}
        self.chinese = is_chinese(question)
        self.translated: dict[str, float] = {}
        if self.chinese:
            self._translate()
        said = set(re.findall(r"\w+", question.lower()))
        self.dated = bool(said & _TIME_WORDS) or bool(_A_DATE.search(question))
        self.measured = bool(said & _MEASURE_WORDS)
        self._of_words()
        self._of_letters()
        self._of_values()
        if self.chinese:
            self._of_labels()
        else:
            self.cosines = layout.cosines(question)

    def scores(self) -> Any:
        """Return the fused scores of all columns, then of all relations, as an array."""
        found = _WORDS * self._array(self.coverage)
        found += _SHARE * self._array(self.share) + _LETTERS * self._array(self.letters)
        found += _VALUE * self._array(self.values)
        for more in (self.labels, None if self.cosines is None else _MEANING * self.cosines):
            found = found if more is None else found + more
        return found

    def spoken(self) -> Any:
        """Return how far all columns, then all relations, are spoken of without being named."""
        found: dict[Key, float] = {}
        for word in self.words:
            if self.explained.get(word, 0.0) >= 1.0:
                continue
            for other in associated(word):
                for term in self.schema.by_word.get(other, ()):
                    key = (term.relation.oid, term.column.name if term.column else "")
                    whole = sum(weight for _, weight in term.words)
                    own = sum(weight for name, weight in term.words if name == other)
                    found[key] = max(found.get(key, 0.0), term.factor * own / whole)
        return self._array(found)

    def _array(self, signal: dict[Key, float]) -> Any:
        import numpy

        found = numpy.zeros(len(self.layout.positions))
        for key, value in signal.items():
            found[self.layout.positions[key]] = value
        return found

    def _of_words(self) -> None:
        hits: dict[int, dict[str, float]] = defaultdict(dict)
        terms: dict[int, Term] = {}
        for word in self.words:
            for other, strength in self._strengths(word):
                for term in self.schema.by_word[other]:
                    terms[id(term)] = term
                    hit = hits[id(term)]
                    hit[other] = max(hit.get(other, 0.0), strength)
        total = sum(self._rarity(word) for word in self.words) or 1.0
        for name, hit in hits.items():
            term = terms[name]
            key = (term.relation.oid, term.column.name if term.column else "")
            whole = sum(weight for _, weight in term.words)
            covered = sum(weight * hit.get(word, 0.0) for word, weight in term.words) / whole
            share = sum(
                weight * hit.get(word, 0.0) * self._rarity(word) for word, weight in term.words
            )
            self.coverage[key] = max(self.coverage.get(key, 0.0), term.factor * covered)
            self.share[key] = max(self.share.get(key, 0.0), term.factor * min(1.0, share / total))

    def _strengths(self, word: str) -> Iterator[tuple[str, float]]:
        """Yield the schema's words that a word may be, and those that it speaks of."""
        doubt = self.translated.get(word, 1.0)
        for form in dict.fromkeys((word, infinitive(word))):
            for other, known in self.schema.strengths(form).items():
                strength = doubt * known
                self.explained[word] = max(self.explained.get(word, 0.0), strength)
                yield other, strength

    def _of_letters(self) -> None:
        """Let words that name nothing name what is spelled alike."""
        for word in self.subjects:
            if self.explained.get(word, 0.0) >= _KNOWN or len(word) < 5:
                continue
            for other, likeness in _alike(word, self.schema):
                self.explained[word] = max(self.explained.get(word, 0.0), likeness)
                for term in self.schema.by_word[other]:
                    key = (term.relation.oid, term.column.name if term.column else "")
                    self.letters[key] = max(self.letters.get(key, 0.0), likeness)

    def _rarity(self, word: str) -> float:
        held = len(self.schema.by_word.get(word, ()))
        return math.log(1 + (len(self.schema.relations) + 1) / (0.5 + held)) + 0.3

    def _of_values(self) -> None:
        folded = fold(self.question).split()
        for start in range(len(folded)):
            for end in range(start + 1, min(start + _LONGEST_VALUE, len(folded)) + 1):
                words = folded[start:end]
                if end - start == 1 and (len(words[0]) < 2 or words[0] not in self._content()):
                    continue
                text = " ".join(words)
                single = " ".join([*words[:-1], stem(words[-1])])
                for value in self.schema.value(text) or self.schema.value(single):
                    key = (value.ref.relation.oid, value.ref.column.name)
                    worth = (0.6 + 0.1 * (end - start)) * (value.score if value.note else 1.0)
                    self.values[key] = max(self.values.get(key, 0.0), worth)
                    for word in words:
                        self.explained[stem(word)] = 1.0
        if self.chinese:
            self._of_chinese_values()

    def _of_chinese_values(self) -> None:
        """Find values in a question without spaces."""
        text = normal(self.question)
        for start in range(len(text)):
            for end in range(start + 2, min(start + _LONGEST_CHINESE, len(text)) + 1):
                piece = text[start:end]
                if not is_chinese(piece):
                    continue
                named = (fold(one) for one in (piece, *chinese_english.values(piece)))
                for value in (one for name in named for one in self.schema.values.get(name, ())):
                    key = (value.ref.relation.oid, value.ref.column.name)
                    self.values[key] = max(self.values.get(key, 0.0), 0.5 + 0.1 * (end - start))

    def _content(self) -> set[str]:
        # gold-eyed: gold may be a value
        parts = {part for word in _COMPOUND.findall(self.question) for part in fold(word).split()}
        return {
            word
            for word in fold(self.question).split()
            if stem(word) in self.words or (word in parts and len(word) > 2)
        }

    def _translate(self) -> None:
        """Let the Chinese words of the question name what they may be in English."""
        for _, readings in chinese_english.words_of(normal(self.question)):
            for rank, reading in enumerate(readings):
                for part in reading.split("_"):
                    worth = _TRANSLATED * _NEXT_READING**rank
                    self.translated[stem(part)] = max(self.translated.get(stem(part), 0.0), worth)
        self.words = sorted({*self.words, *self.translated})
        self.cosines = self.layout.cosines(" ".join(self.words)) if self.translated else None

    def _of_labels(self) -> None:
        """Compare Chinese names and comments."""
        labels = chinese_linking.labels_of(self.schema, self.layout)
        said = chinese_linking.said(self.question)
        size = len(self.layout.positions)
        self.labels = _LABELS * labels.coverage(said, size) + _TEXTS * labels.share(said, size)

    def _chinese_explained(self) -> float:
        """Return the share of a Chinese question's content that names something here."""
        text = normal(self.question)
        framed = chinese_linking.framing(text)
        known = chinese_linking.labels_of(self.schema, self.layout).known(text)
        for start in range(len(text)):
            for end in range(start + 2, min(start + _LONGEST_CHINESE, len(text)) + 1):
                piece = text[start:end]
                named = any(
                    self.explained.get(stem(part), 0.0) >= _KNOWN
                    for reading in chinese_english.readings(piece)
                    for part in reading.split("_")
                )
                if named or fold(piece) in self.schema.values:
                    known[start:end] = [True] * (end - start)
        content = [n for n, letter in enumerate(text) if is_chinese(letter) and not framed[n]]
        return sum(known[n] for n in content) / len(content) if content else 0.5

    def answerable(self) -> float:
        """Return how far the schema explains the question (0 to 1)."""
        if not self.words and not is_chinese(self.question):
            return 0.0
        if self.chinese:
            explained = self._chinese_explained()
            return 1.0 / (1.0 + math.exp(-_CHINESE * (explained - _HALF)))
        known = sum(self.explained.get(word, 0.0) for word in self.subjects)
        explained = known / len(self.subjects) if self.subjects else 0.5
        named = max((score for (_, name), score in self.coverage.items() if name), default=0.0)
        unknown = sum(self.explained.get(word, 0.0) < _KNOWN for word in self.subjects)
        sure = _EXPLAINED * explained + _NAMED * named - _UNKNOWN * unknown - _OFFSET
        return 1.0 / (1.0 + math.exp(-sure))


def _alike(word: str, schema: SchemaIndex) -> Iterable[tuple[str, float]]:
    """Yield words of the schema that share most trigrams (Dice) with a word."""
    letters = schema.snapshot.derived.get("text2sql letters")
    if not isinstance(letters, dict):
        letters = {other: _trigrams(other) for other in schema.by_word if len(other) >= 5}
        schema.snapshot.derived["text2sql letters"] = letters
    own = _trigrams(word)
    for other, theirs in letters.items():
        shared = len(own & theirs)
        if shared >= 2 and 2 * shared / (len(own) + len(theirs)) >= _ALIKE:
            yield other, 2 * shared / (len(own) + len(theirs))


def _trigrams(word: str) -> frozenset[str]:
    padded = f"  {word} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _structural(word: str) -> bool:
    """Whether a word only gives a question its form: a count, an order, a period."""
    from pg_llm.text2sql.english import lexicon
    from pg_llm.text2sql.words import NUMBERS

    return (
        word in lexicon.PHRASES
        or word in lexicon.TIME_UNITS
        or word in NUMBERS
        or word.isdigit()
        or lexicon.is_light(word)
        or word in _PHRASE_WORDS
    )
