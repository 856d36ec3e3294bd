"""A pair's SQL for another question: its values in the place of the pair's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.index import fold
from pg_llm.text2sql.pairs import literals
from pg_llm.text2sql.pairs.wording import wording
from pg_llm.text2sql.words import is_chinese, stem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.text2sql.index import ValueMatch
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
    found no place; `spent`: words of the question that are such values;
    `others`: how many stored values of other columns only the question says.
    """

    sql: str
    values: int
    missing: int
    left: int
    spent: frozenset[str]
    dropped: frozenset[str]
    others: int


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
    several = _several(pair, stored, before, after)
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
        said = says(literal, pair.wording, before)
        if not literal.is_string or not said or says(literal, asked, after):
            continue
        dropped.update(stem(word) for word in fold(literal.text).split())
        text, matched = several.get((literal.column, fold(literal.text))) or _replacement(
            literal, texts, stored, before
        )
        if text is None:
            missing += 1
            continue
        spent.update(stem(word) for word in fold(matched).split())
        put[position] = _shaped(literal.text, text)
        texts = [other for other in texts if fold(other) != fold(matched)]
    unplaced, elsewhere = _unplaced(pair, stored, before, spent)
    unplaced += _codes(asked, pair, spent)
    return Rebound(
        literals.replaced(pair.sql, pair.literals, put),
        len(put),
        missing,
        numbers.left() + len(texts) + unplaced,
        frozenset(spent),
        frozenset(dropped),
        elsewhere,
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
) -> tuple[int, int]:
    """Return how many values found no place: of the columns that the pair compares, of others."""
    columns = {literal.column for literal in pair.literals if literal.is_string}
    places: dict[str, set[bool]] = {}
    for span, match in stored:
        folded = fold(span)
        if folded not in before and not {stem(word) for word in folded.split()} <= spent:
            places.setdefault(folded, set()).add(match.ref.column.name.lower() in columns)
    return (
        sum(True in found for found in places.values()),
        sum(True not in found for found in places.values()),
    )


def says(literal: Literal, said: Wording, folded: str) -> bool:
    """Tell whether a question, and its text without case, says what a literal says."""
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


def _several(
    pair: Known,
    stored: Sequence[tuple[str, ValueMatch]],
    before: str,
    after: str,
) -> dict[tuple[str | None, str], tuple[str, str]]:
    """Return the values, and the words for them, that stand for several of one column.

    They stand for each other in the order in which the questions say them, if
    there are as many here as there.
    """
    columns = {literal.column for literal in pair.literals if literal.is_string and literal.column}
    found: dict[tuple[str | None, str], tuple[str, str]] = {}
    for column in columns:
        old = {
            fold(literal.text)
            for literal in pair.literals
            if literal.is_string
            and literal.column == column
            and fold(literal.text) in before
            and fold(literal.text) not in after
        }
        new: dict[str, str] = {}
        for span, match in stored:
            folded = fold(span)
            within = any(folded in fold(other) for other in new.values())
            if match.ref.column.name.lower() == column and folded not in before and not within:
                new.setdefault(match.value, span)
        if len(old) == len(new) > 1:
            ordered = sorted(new.items(), key=lambda one: after.find(fold(one[1])))
            for text, one in zip(sorted(old, key=before.find), ordered, strict=True):
                found[column, text] = one
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
