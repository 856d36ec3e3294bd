# ruff: noqa: RUF001, RUF002  (Chinese text)
"""The schema's words: what a span of a question may name.

An index is derived once from a snapshot and kept with it. Names and comments
become terms, lists of weighted words; a span of the question matches a term
when every word of the span is a word of the term, and scores by the share of
the term's weight that it covers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese import labels as chinese_labels
from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.joins.graph import JoinGraph
from pg_llm.text2sql.joins.keys import apparent_key
from pg_llm.text2sql.kept import Vocabulary, kept
from pg_llm.text2sql.words import (
    ABBREVIATIONS,
    abbreviates,
    common_start,
    root,
    split_identifier,
    stem,
    synonyms,
    word_set,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.catalog import Column, Relation, Snapshot

# `Column.number` of what the glossary computes: of each row, and over many.
COMPUTED, METRIC = 0, -1

_OWN, _COMMON, _GENERIC = 0.15, 0.05, 0.1
_PARTICLES = frozenset({"is", "has", "on", "at", "by", "of", "in", "the", "for", "to"})
# What a column's name says about its unit: weight_kg is the weight.
_UNITS = word_set(
    """
    kg cm mm km m lb lbs g oz ft mi usd eur gbp mb gb kb ms sec secs sqft sqm kwh mph kmh yrs
    """
)
# Columns that are spoken of with their table's name: the customer id, the country's code.
_PERSONAL = frozenset(
    word_set("first last middle full given family nick user short long display common official")
)
_OWNED = frozenset({"id", "code", "name", "number", "key", "title"})
_GENERIC_TABLE_WORDS = word_set(
    """
    data datum list info information tbl table record master dim fact ref main
    """
)
_TAILS = ("name", "id", "code", "type", "date", "year", "number", "no", "key", "age", "title")
_LABEL = re.compile(r"[\u4e00-\u9fff\w]+")


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of a relation."""

    relation: Relation
    column: Column

    def __hash__(self) -> int:
        return hash((self.relation.oid, self.column.name))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ColumnRef)
            and self.relation.oid == other.relation.oid
            and self.column.name == other.column.name
        )


@dataclass(frozen=True, slots=True)
class Term:
    """Words that name a relation, or a column where `column` is given."""

    relation: Relation
    column: Column | None
    words: tuple[tuple[str, float], ...]
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Match:
    """A relation or column that a span of the question names, with a score."""

    relation: Relation
    column: Column | None
    score: float

    @property
    def ref(self) -> ColumnRef:
        """The column; only for matches of columns."""
        assert self.column is not None  # noqa: S101  (a match of a relation has no ref)
        return ColumnRef(self.relation, self.column)


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """A value that occurs in a column, spelled as it is stored.

    `note`: what is to be said where it is taken for a text of the question.
    """

    ref: ColumnRef
    value: str
    score: float
    note: str = ""


@dataclass(slots=True)
class SchemaIndex:
    """Everything that linking needs to know about one snapshot."""

    snapshot: Snapshot
    relations: list[Relation]
    joins: JoinGraph
    by_word: dict[str, list[Term]] = field(default_factory=lambda: defaultdict(list))
    values: dict[str, list[ValueMatch]] = field(default_factory=lambda: defaultdict(list))
    found: dict[str, list[ValueMatch]] = field(default_factory=dict)
    labels: list[tuple[str, Match]] = field(default_factory=list)
    names: dict[str, list[Match]] | None = None
    expressions: dict[tuple[int, str], str] = field(default_factory=dict)
    glossary: object = None
    seen: str = ""
    _initials: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _matches: dict[str, dict[str, float]] = field(default_factory=dict)

    def value(self, text: str) -> list[ValueMatch]:
        """Return the values that a folded text is: known ones, and those found for the question.

        `found` is what the value index holds of the question that is being read.
        """
        return [*self.values.get(text, ()), *self.found.get(text, ())]

    def forget(self) -> None:
        """Drop what was derived from the words and labels: they have changed."""
        self._matches.clear()
        self.names = None

    def strengths(self, word: str) -> dict[str, float]:
        """Return the schema's words that a word of the question may be."""
        found = self._matches.get(word)
        if found is None:
            if len(self._matches) > 20_000:
                self._matches.clear()
            found = self._matches[word] = dict(self._strengths(word))
        return found

    def _strengths(self, word: str) -> Iterator[tuple[str, float]]:
        one = stem(word)
        base = root(word)
        alike = {stem(other): 0.85 for other in synonyms(one)}
        if one in ABBREVIATIONS and one != "no":
            alike.update({stem(part): 0.9 for part in ABBREVIATIONS[one].split()})
        for other in self.by_word:
            if other == one:
                yield other, 1.0
            elif other in alike:
                yield other, alike[other]
            elif abbreviates(other, one):
                yield other, 0.9
            elif len(one) >= 5 and len(other) >= 5 and root(other) == base:
                yield other, 0.75
            elif (
                len(one) >= 4
                and len(other) >= len(one) + 3
                and (other.endswith(one) or other.startswith(one))
            ):
                yield other, 0.55

    def find(self, words: Sequence[str]) -> list[Match]:
        """Return what a span of words may name, best first."""
        found: dict[tuple[int, str | None], Match] = {}
        for term, score in self._terms(words):
            key = (term.relation.oid, term.column.name if term.column else None)
            if key not in found or found[key].score < score:
                found[key] = Match(term.relation, term.column, score)
        return sorted(found.values(), key=lambda match: -match.score)

    def _terms(self, words: Sequence[str]) -> Iterator[tuple[Term, float]]:
        forms = [self.strengths(word) for word in words]
        joined = self._joined(words)
        if joined:
            forms = [joined]
        if not all(forms):
            return
        seen: set[int] = set()
        for candidate in forms[0]:
            for term in self.by_word[candidate]:
                if id(term) not in seen:
                    seen.add(id(term))
                    score = _score(term, forms)
                    if score >= 0.3:
                        yield term, score

    def _joined(self, words: Sequence[str]) -> dict[str, float]:
        """Match identifiers written in one piece (lifeexpectancy)."""
        if len(words) < 2:
            return {}
        whole = "".join(words[:-1]).lower()
        for last in {words[-1].lower(), stem(words[-1])}:
            if whole + last in self.by_word:
                return {whole + last: 1.0}
        return {}

    def display(self, relation: Relation) -> list[ColumnRef]:
        """Return the columns that name a row of the relation to a person."""
        columns = kept("display", relation, None, lambda: _display(relation)[0])
        return [ColumnRef(relation, column) for column in columns]

    def named(self, relation: Relation) -> list[ColumnRef]:
        """Return the same where they are names, and not only stand in for one."""
        columns, names = _display(relation)
        return [ColumnRef(relation, column) for column in columns] if names else []

    def key(self, relation: Relation) -> tuple[str, ...]:
        """Return the columns that identify a row: declared, or apparent."""
        if relation.primary_key:
            return relation.primary_key
        if relation.unique:
            return relation.unique[0]
        name = apparent_key(relation)
        return (name,) if name else ()


def _score(term: Term, forms: Sequence[dict[str, float]]) -> float:
    left = dict.fromkeys(range(len(term.words)))
    covered = 0.0
    for form in forms:
        best = max(
            (position for position in left if term.words[position][0] in form),
            key=lambda position: form[term.words[position][0]] * term.words[position][1],
            default=None,
        )
        if best is None:
            return 0.0
        word, weight = term.words[best]
        covered += form[word] * weight
        del left[best]
    return term.factor * covered / sum(weight for _, weight in term.words)


def index(snapshot: Snapshot) -> SchemaIndex:
    """Return the snapshot's index, built on first use."""
    found = snapshot.derived.get("text2sql")
    if not isinstance(found, SchemaIndex):
        found = snapshot.derived["text2sql"] = _build(snapshot)
    return found


def _build(snapshot: Snapshot) -> SchemaIndex:
    relations = [relation for relation in snapshot.relations if not relation.child]
    built = SchemaIndex(snapshot, relations, JoinGraph(snapshot))
    start = common_start([relation.name for relation in relations])
    vocabulary = {
        stem(word)
        for relation in relations
        for word in split_identifier(relation.name.lower().removeprefix(start) or relation.name)
    }
    common = _common_words([split_identifier(relation.name) for relation in relations])
    known = Vocabulary(vocabulary)
    for relation in relations:
        for term in kept(
            "terms",
            relation,
            (start, common, known.near(relation)),
            lambda relation=relation: list(_relation_terms(relation, vocabulary, common, start)),  # type: ignore[misc]
        ):
            for word, _ in term.words:
                built.by_word[word].append(term)
        for column in relation.columns:
            _add_values(built, relation, column)
    built.by_word = dict(built.by_word)
    built.values = dict(built.values)
    built.labels = list(_labels(relations))
    return built


def _add_values(built: SchemaIndex, relation: Relation, column: Column) -> None:
    ref = ColumnRef(relation, column)
    for value in column.values:
        if 0 < len(value) <= 80:
            built.values[fold(value)].append(ValueMatch(ref, value, 1.0))
    for name, value in (*_translated(column), *_coded(column)):
        built.values[fold(name)].append(ValueMatch(ref, value, 0.95))
        if name.startswith("已") and len(name) > 2:
            built.values[fold(name[1:])].append(ValueMatch(ref, value, 0.9))


def _translated(column: Column) -> Iterator[tuple[str, str]]:
    """Yield Chinese names of values where a comment lists both side by side.

    "Status: open, paid or overdue. 状态：未付、已付、逾期。": lists of one length,
    and the English one names values of the column.
    """
    comment = column.comment or ""
    listed = re.search(r":\s*([^.。]+)", comment)
    named = re.search(r"：([^。（]+、[^。（]+)", comment)
    if listed is None or named is None:
        return
    values = [word.strip() for word in re.split(r",| or | and ", listed[1]) if word.strip()]
    names = [word.strip() for word in named[1].split("、")]
    stored = {fold(value): value for value in column.values}
    if len(values) == len(names) and all(fold(value) in stored for value in values):
        yield from ((name, stored[fold(value)]) for name, value in zip(names, values, strict=True))


def _coded(column: Column) -> Iterator[tuple[str, str]]:
    """Yield Chinese names of values that a comment lists with their codes (0-未付款)."""
    if column.withheld or column.category not in "NSEB":
        return
    stored = {fold(value): value for value in column.values}
    for code, name in chinese_labels.coded(column.comment):
        if name in _YES_OR_NO:
            continue
        known = stored.get(fold(code))
        number = code.lstrip("-").isdigit()
        if known is not None:
            yield name, known
        elif not column.complete and (
            column.category == "S" or (number and column.category == "N")
        ):
            yield name, code


def fold(text: str) -> str:
    """Return a value's spelling for comparison: case, marks, spaces, variants of signs aside."""
    return " ".join(re.findall(r"\w+", normal(text).casefold()))


def _common_words(names: list[list[str]]) -> frozenset[str]:
    """Return first words that most of several names share (a prefix)."""
    if len(names) < 3:
        return frozenset()
    firsts = [name[0] for name in names if len(name) > 1]
    return frozenset(word for word in firsts if firsts.count(word) * 5 >= len(names) * 4)


def _without(start: str, name: str) -> str:
    return name[len(start) :] if start else name


def _relation_terms(
    relation: Relation, vocabulary: set[str], common: frozenset[str], start: str
) -> Iterator[Term]:
    view = 0.8 if relation.kind in "vm" else 1.0
    own = _words(_without(start, relation.name), vocabulary)
    weights = [
        (word, _COMMON if word in common else _GENERIC if word in _GENERIC_TABLE_WORDS else 1.0)
        for word in own
    ]
    yield Term(relation, None, tuple(weights), view)
    for label in english_labels(relation.comment):
        yield Term(relation, None, tuple((word, 1.0) for word in label), 0.85 * view)
    prefix = _common_words([split_identifier(column.name) for column in relation.columns])
    begin = common_start([column.name for column in relation.columns])
    if not start or not begin.startswith(start):
        begin = ""
    for column in relation.columns:
        words = _words(_without(begin, column.name), vocabulary)
        if (
            len(words) == 1
            and re.match(r"(is|has)[a-z]{4,}$", words[0])
            and (len(column.values) <= 2 or 0 < column.distinct <= 2)
        ):
            words = [
                words[0][:2] if words[0].startswith("is") else "has",
                words[0].removeprefix("has").removeprefix("is"),
            ]
        yield Term(relation, column, _column_weights(words, own, prefix, common), view)
        if len(words) == 2 and words[1] == "name" and words[0] not in {*own, *_PERSONAL}:
            # the city is the city_name
            yield Term(relation, column, ((words[0], 1.0),), 0.85 * view)
        if len(words) == 1 and words[0] in _OWNED and own and own[-1] not in words:
            owned = tuple((word, _OWN) for word in own)
            yield Term(relation, column, (*owned, (words[0], 1.0)), view)
        for label in english_labels(column.comment):
            yield Term(relation, column, tuple((word, 1.0) for word in label), 0.85 * view)


def _column_weights(
    words: list[str], own: list[str], prefix: frozenset[str], common: frozenset[str]
) -> tuple[tuple[str, float], ...]:
    weights = [
        (
            word,
            _COMMON
            if (word in prefix or word in common or word in _PARTICLES or _is_unit(words, at))
            and len(words) > 1
            else _OWN
            if any(word == other or abbreviates(word, other) for other in own)
            else 1.0,
        )
        for at, word in enumerate(words)
    ]
    if all(weight < 1.0 for _, weight in weights):
        weights = [(word, 1.0) for word, _ in weights]
    return tuple(weights)


def _is_unit(words: list[str], at: int) -> bool:
    return at == len(words) - 1 and words[at] in _UNITS


def _words(name: str, vocabulary: set[str]) -> list[str]:
    """Split a name, also where its words are written in one piece."""
    words: list[str] = []
    for piece in split_identifier(name):
        words += _pieces(piece, vocabulary)
    return [stem(part) for word in words for part in _expanded(word, words)]


def _expanded(word: str, words: list[str]) -> list[str]:
    # A word of its own ("no", "co") may be an abbreviation only in company.
    whole = ABBREVIATIONS.get(word)
    if whole is None or (len(words) == 1 and " " not in whole):
        return [word]
    return whole.split()


def _pieces(piece: str, vocabulary: set[str]) -> list[str]:
    if len(piece) < 5 or stem(piece) in vocabulary or piece in ABBREVIATIONS:
        return [piece]
    for size in range(len(piece) - 2, 2, -1):
        head, tail = piece[:size], piece[size:]
        if stem(head) in vocabulary and len(head) >= 4:
            return [head, tail]
        if tail in _TAILS and (
            any(word.startswith(head) for word in vocabulary)
            or head in ABBREVIATIONS
            or (tail in ("name", "year", "date", "type", "code") and len(head) >= 4)
        ):
            word = next((word for word in vocabulary if word.startswith(head)), head)
            return [ABBREVIATIONS.get(head, word), tail]
    return [piece]


# A comment with one of these describes a column, and does not name it.
_CLAUSE = frozenset({"who", "whose", "which", "that", "whether", "why"})


def english_labels(comment: str | None) -> Iterator[list[str]]:
    """Yield the short English phrases of a comment: the names it gives."""
    for phrase in re.split(r"[.;:,()/\n，。；：（）、|]| - |[\u4e00-\u9fff]+", comment or ""):
        words = split_identifier(phrase)
        if _CLAUSE & set(words):
            return
        words = [stem(word) for word in words if word not in ("the", "a", "an", "of")]
        if 1 <= len(words) <= 3:
            yield words
            return


def _labels(relations: Sequence[Relation]) -> Iterator[tuple[str, Match]]:
    """Yield the Chinese phrases of comments with what they name."""
    for relation in relations:
        view = 0.8 if relation.kind in "vm" else 1.0
        for text, factor in chinese_labels.names(relation.name, relation.comment):
            yield text, Match(relation, None, factor * view)
        for column in relation.columns:
            for text, factor in chinese_labels.names(column.name, column.comment):
                yield text, Match(relation, column, factor * view)


_NAMES = (("name",), ("full", "name"), ("title",), ("label",), ("subject",))
_YES_OR_NO = frozenset("是否有无")
_CHINESE_NAMES = ("名称", "姓名", "标题", "名字")


def _display(relation: Relation) -> tuple[list[Column], bool]:
    for column in relation.columns:
        if column.category in "SE" and chinese_labels.names_rows(relation, column):
            return [column], True
    return _display_by_name(relation)


def _display_by_name(relation: Relation) -> tuple[list[Column], bool]:
    own = {stem(word) for word in split_identifier(relation.name)}
    vocabulary = set(own)
    texts = [
        column
        for column in relation.columns
        if column.category in "SE" and column.type != '"char"'
    ]
    bare: dict[str, tuple[str, ...]] = {}
    prefix = _common_words([split_identifier(column.name) for column in relation.columns])
    for column in texts:
        words = _words(column.name, vocabulary)
        bare[column.name] = tuple(
            word
            for word in words
            if not any(word == other or abbreviates(word, other) for other in own)
            and word not in prefix
        )
    first = [c for c in texts if bare[c.name] in {("first", "name"), ("given", "name")}]
    last = [
        c for c in texts if bare[c.name] in {("last", "name"), ("family", "name"), ("surname",)}
    ]
    for wanted in _NAMES:
        for column in texts:
            # the title of a person is no name
            person = bool(first and last) and wanted == ("title",)
            if bare[column.name] == wanted and not person:
                return [column], True
    for column in texts:
        if not bare[column.name]:
            return [column], True
    if first and last:
        return [first[0], last[0]], True
    for column in texts:
        if any(word in normal(column.comment or "") for word in _CHINESE_NAMES):
            return [column], True
    for column in texts:
        if bare[column.name][-1:] in {("name",), ("title",)}:
            return [column], True
    return _stand_in(relation, texts), False


def _stand_in(relation: Relation, texts: list[Column]) -> list[Column]:
    """Return what is shown of rows without a name: the key, and the first text beside it."""
    key = [column for column in relation.columns if column.name in relation.primary_key]
    if len(key) == 1 and texts:
        return key if texts[0] is key[0] else [*key, texts[0]]
    return key or texts[:1] or list(relation.columns[:1])
