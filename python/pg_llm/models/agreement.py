"""How far several answers to one question say the same."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def scores(answers: Sequence[str | None]) -> list[float | None]:
    """Return each answer's mean similarity with the other answers, 0 to 1.

    None for a missing answer, and for the only one. The similarity is Dice's
    coefficient over pairs of neighbouring characters, which serves Chinese as
    well as English.
    """
    bags = [None if answer is None else _pairs(answer) for answer in answers]
    return [_mean(bag, bags[:place] + bags[place + 1 :]) for place, bag in enumerate(bags)]


def _mean(bag: Counter[str] | None, others: Sequence[Counter[str] | None]) -> float | None:
    found = [_dice(bag, other) for other in others if bag is not None and other is not None]
    return sum(found) / len(found) if found else None


def _dice(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def _pairs(text: str) -> Counter[str]:
    kept = [c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum()]
    return Counter(a + b for a, b in zip(["^", *kept], kept, strict=False))
