"""How alike two questions are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.index import fold
from pg_llm.text2sql.pairs.concepts import Vocabulary
from pg_llm.text2sql.pairs.rebinding import says
from pg_llm.text2sql.pairs.wording import MONTHS, UNITS
from pg_llm.text2sql.words import is_chinese, root, stem, synonyms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.pairs.concepts import Concept
    from pg_llm.text2sql.pairs.rebinding import Known, Rebound
    from pg_llm.text2sql.pairs.wording import Wording


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for and against two questions asking the same.

    Shares from 0 to 1; `opposed` counts signs that turn the meaning, `soft`
    those that often go unsaid, `loose` those of groups and of doubles. `unmet`
    and `unsaid`: words that name something in the schema and have nothing to
    stand for them on the other side. `anchors`: values and numbers that both
    say, `shared`: signs that both have, `extra`: words that only the new question
    says, and the other cannot mean.
    """

    cosine: float
    asked_covered: float
    pair_covered: float
    soft: float
    opposed: float
    missing: float
    left: float
    loose: float
    unmet: float
    unsaid: float
    anchors: float
    shared: float
    extra: float

    def vector(self) -> tuple[float, ...]:
        """Return them in the order of the weights.

        The cosine ranks pairs, and says nothing beyond the words it is made of.
        """
        return (
            1.0,
            self.asked_covered,
            self.pair_covered,
            self.soft,
            self.opposed,
            self.missing,
            self.left,
            self.loose,
            self.unmet,
            self.unsaid,
            self.anchors,
            self.shared,
            self.extra,
        )


_POLES = (
    frozenset({"highest", "lowest"}),
    frozenset({"more", "less"}),
    frozenset({"oldest", "youngest"}),
    frozenset({"both", "or"}),
    UNITS,
    MONTHS,
)
_TELLING = frozenset(
    {"not", "average", "share", "or", "difference", "highest", "lowest", "more", "less"}
)
_SOFT = frozenset({"count", "sum"})
_SHARED = _TELLING | _SOFT | {"each", "distinct", "both", "oldest", "youngest"}
_LOOSE = frozenset({"each", "distinct", "both"})
# What makes the opposite of a word.
_INVERTING = ("un", "non", "in", "dis")


class Comparer:
    """Compares questions with pairs over one schema."""

    def __init__(self, schema: SchemaIndex, rarity: Mapping[str, float]) -> None:
        self._vocabulary = Vocabulary(schema)
        self._rarity = rarity
        self._concepts: dict[int, list[Concept]] = {}

    def features(self, asked: Wording, pair: Known, rebound: Rebound, cosine: float) -> Features:
        """Compare a question with a pair's."""
        if pair.id not in self._concepts:
            self._concepts[pair.id] = self._vocabulary.concepts(pair.wording)
        mine = [one for one in self._vocabulary.concepts(asked) if one.word not in rebound.spent]
        theirs = [one for one in self._concepts[pair.id] if one.word not in rebound.dropped]
        apart = asked.signs ^ pair.wording.signs
        foreign = is_chinese(asked.text) != is_chinese(pair.wording.text)
        covered, unmet, extra = self._covered(mine, theirs, pair.names, foreign=foreign)
        back, unsaid, _ = self._covered(theirs, mine, frozenset(), foreign=foreign)
        said = _named(mine)
        unasked = sum(
            bool(one.names & self._vocabulary.switches & pair.names) and not one.names & said
            for one in theirs
        )
        opposed = self._opposed(asked.signs, pair.wording.signs) + _inverted(mine, theirs)
        readable = pair.known and not is_chinese(asked.text)
        return Features(
            # What the embedding cannot read is as near as its words are.
            cosine if readable else (covered + back) / 2,
            covered,
            back,
            len(apart & _SOFT) / 2,
            min(3, opposed) / 3,
            float(rebound.missing > 0),
            float(rebound.left > 0),
            len(apart & _LOOSE) / 2,
            min(2, unmet + rebound.others + _unfounded(asked, pair) + unasked) / 2,
            min(2, unsaid) / 2,
            min(2, _anchors(asked, pair)) / 2,
            min(2, len(asked.signs & pair.wording.signs & _SHARED)) / 2,
            min(3, extra) / 3,
        )

    def _opposed(self, mine: frozenset[str], theirs: frozenset[str]) -> int:
        poles = sum(
            bool(mine & group) and bool(theirs & group) and not mine & theirs & group
            for group in _POLES
        )
        return poles + len((mine ^ theirs) & _TELLING)

    def _covered(
        self,
        words: Sequence[Concept],
        others: Sequence[Concept],
        names: frozenset[str],
        *,
        foreign: bool,
    ) -> tuple[float, int, int]:
        """Return the share of words, by weight, that the other question says too.

        Also how many have nothing there: of those that name something, and of
        the others. Between two languages only what is named can be compared.
        """
        total = met = 0.0
        unmet = extra = 0
        there = {other.word for other in others}
        roots = {root(word) for word in there}
        linked = _named(others) | names
        plain = 0.1 if foreign else 0.4
        for one in words:
            weight = self._rarity.get(one.word, 1.0) * (1.0 if one.names else plain)
            total += weight
            if one.word in there:
                met += weight
            elif there & {stem(other) for other in synonyms(one.word)}:
                met += 0.9 * weight
            elif len(one.word) >= 5 and root(one.word) in roots:
                met += 0.8 * weight
            elif one.names & linked:
                met += (0.9 if foreign else 0.6) * weight
            else:
                unmet += bool(one.names)
                extra += not one.names
        return (met / total if total else 1.0), unmet, extra


def _named(concepts: Sequence[Concept]) -> frozenset[str]:
    return frozenset(name for one in concepts for name in one.names)


def _anchors(asked: Wording, pair: Known) -> int:
    """Return how many numbers, and texts of the pair's statement, both questions say."""
    before, after = fold(pair.wording.text), fold(asked.text)
    texts = {
        fold(literal.text)
        for literal in pair.literals
        if literal.is_string and says(literal, pair.wording, before)
    }
    numbers = set(asked.numbers) & set(pair.wording.numbers)
    return len(numbers) + sum(text in after for text in texts - numbers)


# What a statement has where the question asks for it.
_FOUNDED = {"count": ("count(",), "average": ("avg(",), "sum": ("sum(", "count(")}


def _unfounded(asked: Wording, pair: Known) -> int:
    """Return how many aggregates the statement lacks that only the new question asks for."""
    statement = pair.sql.lower().replace(" (", "(")
    return sum(
        sign in asked.signs - pair.wording.signs and not any(one in statement for one in functions)
        for sign, functions in _FOUNDED.items()
    )


def _inverted(mine: Sequence[Concept], theirs: Sequence[Concept]) -> int:
    """Return how many words stand against their opposites: insured, uninsured."""
    here, there = {one.word for one in mine}, {one.word for one in theirs}
    return sum(
        prefix + word in other
        for some, other in ((here, there), (there, here))
        for word in some - other
        for prefix in _INVERTING
    )


def rarities(questions: Sequence[Wording]) -> dict[str, float]:
    """Return how much each word tells among these questions (inverse document frequency)."""
    counts: dict[str, int] = {}
    for question in questions:
        for word in question.words:
            counts[word] = counts.get(word, 0) + 1
    return {word: math.log(1 + len(questions) / count) for word, count in counts.items()}
