"""Whether two results say the same.

Execution accuracy as the field measures it (Zhong, Yu, Klein 2020, "Semantic
Evaluation for Text-to-SQL with Distilled Test Suites"): columns may come in
any order and under any name, rows in any order unless one is asked for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = tuple[Any, ...]

# Assignments of columns that are tried before two results count as different.
_MOST_TRIALS = 5_000
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?(?:[+-]\d\d(?::\d\d)?|Z)?$")


def row(text: str) -> Row:
    """Return the values of a row from JSON, `{"f1": …, "f2": …}`, comparable ones.

    Numbers agree to six digits, a midnight with its day.
    """
    return tuple(_comparable(value) for value in json.loads(text).values())


def _comparable(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(f"{value:.6g}")
    if isinstance(value, str):
        return _MIDNIGHT.sub("", value.strip())
    return json.dumps(value, sort_keys=True)


def agree(
    right: Sequence[Row], found: Sequence[Row], *, ordered: bool = False, extra: bool = True
) -> bool:
    """Tell whether a result holds the right one.

    Every column of `right` is a column of its own in `found`, such that the
    rows agree; `extra`: `found` may have more columns. Rows that are repeated
    count once, as DISTINCT is rarely what a question is about.
    """
    if not right or not found:
        return not right and not found
    width, given = len(right[0]), len(found[0])
    if given < width or (given > width and not extra):
        return False
    wanted = list(dict.fromkeys(right))
    for chosen in _assignments(wanted, found, width, given):
        projected = list(dict.fromkeys(tuple(one[i] for i in chosen) for one in found))
        if projected == wanted if ordered else Counter(projected) == Counter(wanted):
            return True
    return False


def _assignments(
    wanted: Sequence[Row], found: Sequence[Row], width: int, given: int
) -> Iterator[tuple[int, ...]]:
    """Yield which columns of `found` may be those of `wanted`: the same set of values."""
    theirs = [frozenset(one[i] for one in found) for i in range(given)]
    fitting = [
        [i for i in range(given) if theirs[i] == frozenset(one[position] for one in wanted)]
        for position in range(width)
    ]
    trials = 0
    stack: list[tuple[int, ...]] = [()]
    while stack and trials < _MOST_TRIALS:
        chosen = stack.pop()
        if len(chosen) == width:
            trials += 1
            yield chosen
            continue
        stack += [(*chosen, i) for i in reversed(fitting[len(chosen)]) if i not in chosen]
