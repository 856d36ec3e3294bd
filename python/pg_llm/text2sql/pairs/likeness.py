"""How alike two questions are, and what a pair's SQL becomes for the other one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.index import fold
from pg_llm.text2sql.pairs import literals
from pg_llm.text2sql.pairs.wording import MONTHS, UNITS, wording
from pg_llm.text2sql.words import is_chinese, root, stem, synonyms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pg_llm.text2sql.index import SchemaIndex, ValueMatch
    from pg_llm.text2sql.pairs.literals import Literal
    from pg_llm.text2sql.pairs.wording import Wording


@dataclass(frozen=True, slots=True)
class Known:
    """A verified pair as it is compared: its question read, its statement's literals and names.

    `known`: whether the embedding knows a word of it.
    """

    id: int
    wording: Wording
    sql: str
    literals: tuple[Literal, ...]
    names: frozenset[str]
    known: bool


@dataclass(frozen=True, slots=True)
class Rebound:
    """A pair's statement with another question's values.

    `values`: how many were put in; `missing`: how many literals of the pair
    had nothing to be replaced by; `left`: how many values of the question
    found no place; `spent`: words of the question that are such values.
    """

    sql: str
    values: int
    missing: int
    left: int
    spent: frozenset[str]
    dropped: frozenset[str]


def known(number: int, question: str, sql: str, *, known: bool = True) -> Known:
    """Read a pair."""
    names = {name.lower() for name in re.findall(r"[^\W\d]\w*", sql)}
    return Known(number, wording(question), sql, literals.literals(sql), frozenset(names), known)


def rebind(asked: Wording, pair: Known, values: Callable[[str], Sequence[ValueMatch]]) -> Rebound:
    """Put the question's numbers and values in the place of the pair's.

    Numbers and dates stand for each other by their order in the questions; a
    year moves the dates that it stands for. A text that both questions say
    stays, and so does one that neither says; one that only the pair's question
    says is replaced by what only this question says: a quoted text or a stored
    value of the same column, if there is exactly one.
    """
    before, after = fold(pair.wording.text), fold(asked.text)
    texts = [text for text in asked.quoted if fold(text) not in before]
    stored = _stored(asked, values)
    numbers = _Numbers(asked, pair)
    put: dict[int, str] = {}
    missing = 0
    spent: set[str] = set()
    dropped: set[str] = set()
    for position, literal in enumerate(pair.literals):
        if numbers.concern(literal):
            number = numbers.instead(literal)
            if number is None:
                missing += 1
            elif number != literal.text:
                put[position] = number
            continue
        said = _said(literal, pair.wording, before)
        if not literal.is_string or not said or _said(literal, asked, after):
            continue
        dropped.update(stem(word) for word in fold(literal.text).split())
        text, matched = _replacement(literal, texts, stored, before)
        if text is None:
            missing += 1
            continue
        spent.update(stem(word) for word in fold(matched).split())
        put[position] = _shaped(literal.text, text)
        texts = [other for other in texts if fold(other) != fold(matched)]
    others = _unplaced(pair, stored, before, spent) + _codes(asked, pair, spent)
    return Rebound(
        literals.replaced(pair.sql, pair.literals, put),
        len(put),
        missing,
        numbers.left() + len(texts) + others,
        frozenset(spent),
        frozenset(dropped),
    )


_YEAR = re.compile(r"(19|20)\d\d")


class _Numbers:
    """The numbers of one question for those of another, by the places where they stand.

    A number that stands twice in the statement and once in the question may
    be another one there; so may one that the question says twice.
    """

    def __init__(self, asked: Wording, pair: Known) -> None:
        old, new = pair.wording.numbers, asked.numbers
        self._aligned = len(old) == len(new)
        self._old = old
        self._instead: dict[str, set[str]] = {}
        for before, after in zip(old, new, strict=False):
            self._instead.setdefault(before, set()).add(after)
        texts = [literal.text for literal in pair.literals]
        self._often = {text for text in old if texts.count(text) > old.count(text)}
        years = [(b, a) for b, a in zip(old, new, strict=False) if _YEAR.fullmatch(b)]
        one = len(years) == 1 and _YEAR.fullmatch(years[0][1]) is not None
        self._year = years[0][0] if one else ""
        self._shift = int(years[0][1]) - int(years[0][0]) if one else 0
        self._placed: set[str] = set()

    def concern(self, literal: Literal) -> bool:
        """Tell whether a literal is a number or date that the pair's question says or means."""
        return literal.text in self._instead or bool(
            self._shift and _YEAR.match(literal.text) and self._dated(literal)
        )

    def _dated(self, literal: Literal) -> bool:
        return bool(re.fullmatch(r"\d{4}(-.*)?", literal.text)) and literal.is_string

    def instead(self, literal: Literal) -> str | None:
        """Return what stands in its place, None where that is not sure."""
        text = literal.text
        targets = self._instead.get(text)
        if targets is None:
            self._placed.add(self._year)
            return f"{int(text[:4]) + self._shift:04d}{text[4:]}"
        if targets == {text}:
            return text
        twice = text in self._often and not _YEAR.fullmatch(text)
        if not self._aligned or len(targets) > 1 or twice:
            return None
        self._placed.add(text)
        return next(iter(targets))

    def left(self) -> int:
        """Return how many numbers of the question found no place."""
        changed = {old for old, new in self._instead.items() if new != {old}}
        return len(changed - self._placed) + (not self._aligned)


def _unplaced(
    pair: Known, stored: Sequence[tuple[str, ValueMatch]], before: str, spent: set[str]
) -> int:
    """Return how many values of the columns that the pair compares found no place."""
    columns = {literal.column for literal in pair.literals if literal.is_string}
    return len(
        {
            match.value
            for span, match in stored
            if match.ref.column.name.lower() in columns
            and fold(span) not in before
            and not {stem(word) for word in fold(span).split()} <= spent
        }
    )


def _said(literal: Literal, said: Wording, folded: str) -> bool:
    text = fold(literal.text)
    if not text:
        return False
    if re.fullmatch(r"-?\d+(\.\d+)?", literal.text):
        return literal.text in said.numbers
    if re.search(rf"(?<!\w){re.escape(text)}s?(?!\w)", folded):
        return True
    if is_chinese(text):
        return text in folded
    return len(text) > 2 and all(
        stem(word) in {stem(w) for w in folded.split()} for word in text.split()
    )


def _stored(
    asked: Wording, values: Callable[[str], Sequence[ValueMatch]]
) -> list[tuple[str, ValueMatch]]:
    """Return the spans of a question that are stored values, longest first."""
    found: list[tuple[str, ValueMatch]] = []
    words = re.findall(r"[\w'-]+", asked.text)
    for size in range(min(5, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            span = " ".join(words[start : start + size])
            found += [(span, match) for match in values(span)]
    return found


def _replacement(
    literal: Literal, texts: Sequence[str], stored: Sequence[tuple[str, ValueMatch]], before: str
) -> tuple[str | None, str]:
    fitting = [
        (match.value, span)
        for span, match in stored
        if match.ref.column.name.lower() == literal.column and fold(span) not in before
    ]
    longest = max((len(span) for _, span in fitting), default=0)
    fitting = [one for one in fitting if len(one[1]) == longest]
    if len({value for value, _ in fitting}) == 1:
        return fitting[0]
    if not fitting and len(texts) == 1:
        return texts[0], texts[0]
    return None, ""


def _shaped(old: str, new: str) -> str:
    """Return the new text as the old one was written: in a pattern, in lower or upper case."""
    core = old.strip("%")
    if core != old:
        new = old.replace(core, new)
    if core.islower() and core != core.upper():
        return new.lower() if core == core.lower() and old != old.title() and "%" in old else new
    return new


def _codes(asked: Wording, pair: Known, spent: set[str]) -> int:
    """Return how many words that carry a number (Q3, A12) only this question says."""
    codes = {word for word in asked.words if re.fullmatch(r"[a-z]+\d.*", word)}
    return len(codes - set(pair.wording.words) - spent)


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for and against two questions asking the same.

    Shares from 0 to 1; `opposed` counts signs that turn the meaning, `soft`
    those that often go unsaid.
    """

    cosine: float
    asked_covered: float
    pair_covered: float
    linked: float
    soft: float
    opposed: float
    missing: float
    left: float

    def vector(self) -> tuple[float, ...]:
        """Return them in the order of the weights."""
        return (
            1.0,
            self.cosine,
            self.asked_covered,
            self.pair_covered,
            self.linked,
            self.soft,
            self.opposed,
            self.missing,
            self.left,
        )


_POLES = (
    frozenset({"highest", "lowest"}),
    frozenset({"more", "less"}),
    frozenset({"oldest", "youngest"}),
    UNITS,
    MONTHS,
)
_TELLING = frozenset(
    {"not", "average", "share", "both", "or", "difference", "highest", "lowest", "more", "less"}
)
_SOFT = frozenset({"count", "sum"})


class Comparer:
    """Compares questions with pairs over one schema."""

    def __init__(self, schema: SchemaIndex, rarity: Mapping[str, float]) -> None:
        self._schema = schema
        self._rarity = rarity
        self._linked: dict[str, frozenset[str]] = {}

    def features(self, asked: Wording, pair: Known, rebound: Rebound, cosine: float) -> Features:
        """Compare a question with a pair's."""
        mine = [word for word in asked.words if word not in rebound.spent]
        theirs = [word for word in pair.wording.words if word not in rebound.dropped]
        apart = asked.signs ^ pair.wording.signs
        covered = self._covered(mine, theirs, pair.names)
        back = self._covered(theirs, mine, frozenset())
        return Features(
            # What the embedding cannot read is as near as its words are.
            cosine if pair.known else (covered + back) / 2,
            covered,
            back,
            self._agreement(asked, pair),
            len(apart & _SOFT) / 2,
            min(3, self._opposed(asked.signs, pair.wording.signs)) / 3,
            float(rebound.missing > 0),
            float(rebound.left > 0),
        )

    def _opposed(self, mine: frozenset[str], theirs: frozenset[str]) -> int:
        poles = sum(
            bool(mine & group) and bool(theirs & group) and not mine & theirs & group
            for group in _POLES
        )
        return poles + len((mine ^ theirs) & _TELLING)

    def _agreement(self, asked: Wording, pair: Known) -> float:
        """Return how far the schema's names that a question names are those of the statement."""
        named = self._names(asked)
        there = self._names(pair.wording) or pair.names & self._known()
        if not named and not there:
            return 0.5
        met = len(named & (pair.names | there))
        back = len(there & named)
        return (met + back) / (len(named) + len(there))

    def _known(self) -> frozenset[str]:
        found = self._linked.get("")
        if found is None:
            found = self._linked[""] = frozenset(
                name.lower()
                for relation in self._schema.relations
                for name in (relation.name, *(column.name for column in relation.columns))
            )
        return found

    def _names(self, question: Wording) -> frozenset[str]:
        found: set[str] = set()
        if is_chinese(question.text):
            for label, match in self._schema.labels:
                if label in question.text:
                    found.add((match.column or match.relation).name.lower())
            return frozenset(found)
        for word in question.words:
            found |= self._link(word)
        return frozenset(found)

    def _link(self, word: str) -> frozenset[str]:
        """Return the names of columns and relations that a word names best."""
        found = self._linked.get(word)
        if found is None:
            matches = self._schema.find([word])
            best = matches[0].score if matches else 0.0
            found = frozenset(
                (match.column or match.relation).name.lower()
                for match in matches[:6]
                if match.score >= max(0.6, best - 0.05)
            )
            self._linked[word] = found
        return found

    def _covered(
        self, words: Sequence[str], others: Sequence[str], names: frozenset[str]
    ) -> float:
        """Return the share of words, by weight, that the other question says too."""
        total = met = 0.0
        there = set(others)
        roots = {root(word) for word in others}
        linked = frozenset(name for word in others for name in self._link(word))
        for word in words:
            links = self._link(word)
            weight = self._rarity.get(word, 1.0) * (1.0 if links else 0.4)
            total += weight
            if word in there:
                met += weight
            elif there & {stem(other) for other in synonyms(word)}:
                met += 0.9 * weight
            elif len(word) >= 5 and root(word) in roots:
                met += 0.8 * weight
            elif links & (linked | names):
                met += 0.6 * weight
        return met / total if total else 1.0


def rarities(questions: Sequence[Wording]) -> dict[str, float]:
    """Return how much each word tells among these questions (inverse document frequency)."""
    counts: dict[str, int] = {}
    for question in questions:
        for word in question.words:
            counts[word] = counts.get(word, 0) + 1
    return {word: math.log(1 + len(questions) / count) for word, count in counts.items()}
