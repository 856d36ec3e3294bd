"""The join graph: foreign keys, joins seen in queries and views, and guessed ones.

What a step costs says how far it is to be trusted. A declared foreign key is
the cheapest. A join that queries or views make by a key comes next, the more
often it was seen the nearer; then what names and types suggest. Equal columns
of which neither is a key (the same city, the same year) cost more than two
foreign keys in a row, however often they were compared.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from pg_llm.text2sql.joins.guesses import Guess, guessed
from pg_llm.text2sql.joins.keys import KEY_WORDS, apparent_key, ends_like_key
from pg_llm.text2sql.words import abbreviates, split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pg_llm.catalog import Snapshot

_DECLARED, _CONFIRMED, _GUESSED, _WEAK, _VIEW = 1.0, 1.25, 1.3, 1.4, 1.5
# A join by a key that was seen once, and often. Once is no more than a guess.
_SEEN_ONCE, _SEEN_OFTEN = 1.35, 1.05
# What is added where both columns point to a key that is neither's; what it costs
# where neither is called like a key at all, and what often may take from that.
_BESIDE, _ACCIDENTAL, _HABIT = 0.5, 2.5, 0.3
# So often a join must be seen to overrule a guess about the same column, and to
# be taken for as near as can be.
_OVERRULES, _OFTEN = 3.0, 10.0
_CONTRADICTED, _AGREED = 0.5, 0.05
# One query in a log is seen less than a definition that somebody keeps.
_OF_DEFINITION = 3.0
# Columns called alike that point to nothing visible.
_COMMON = 2.2
# A key that plays a part of its own (head_id) is not what a bare mention means.
_ROLE = 0.05
# Of a hundred rows so many have a value of their own where a column is a key.
_UNIQUE = 0.95
_GUESSED_WHY = "inferred from names and types"
_CONFIRMED_WHY = "inferred from names, types and values"


@dataclass(frozen=True, slots=True)
class Step:
    """One join, walked from `source` to `target` (OIDs), column by column.

    `to_one`: a row of `source` meets at most one row of `target`; `forth`: the
    key is of `source`. `why`: where a join that is not declared was taken from.
    """

    source: int
    source_columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]
    to_one: bool
    declared: bool
    cost: float
    forth: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Columns of two relations (OIDs) that queries or views compare for equality.

    `calls` and `patterns`: how often, and in how many different statements;
    `views`: names of the views that do.
    """

    one: int
    one_columns: tuple[str, ...]
    two: int
    two_columns: tuple[str, ...]
    calls: int = 0
    patterns: int = 0
    views: tuple[str, ...] = ()

    @property
    def weight(self) -> float:
        """How much was seen: statements count, their repetitions little."""
        repeated = math.log10(max(1, self.calls))
        return self.patterns + repeated + _OF_DEFINITION * len(self.views)

    @property
    def often(self) -> float:
        """From 0, seen once, to 1, seen often."""
        return min(1.0, math.log(max(1.0, self.weight)) / math.log(_OFTEN))

    @property
    def why(self) -> str:
        """Where it was seen, in words."""
        said = []
        if self.calls:
            said.append(f"seen {self.calls} time{'' if self.calls == 1 else 's'} in queries")
        if self.views:
            more = f" and {len(self.views) - 1} more" if len(self.views) > 1 else ""
            said.append(f"seen in the view {self.views[0]}{more}")
        return " and ".join(said)


class JoinGraph:
    """Paths between relations, cheapest first."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._guesses = list(guessed(snapshot.relations, snapshot.foreign_keys))
        self._steps: dict[int, list[Step]] = {}
        self._fill(())

    def learn(self, seen: Iterable[Seen]) -> None:
        """Make the joins that were seen part of the graph, in place of those before."""
        self._steps = {}
        self._fill([one for one in seen if self._of_one_kind(one)])

    def _fill(self, seen: Collection[Seen]) -> None:
        known: set[frozenset[tuple[int, tuple[str, ...]]]] = set()
        for key in self._snapshot.foreign_keys:
            ends = (key.source, key.source_columns, key.target, key.target_columns)
            known.add(_pair(*ends))
            self._add(*ends, cost=_DECLARED, declared=True)
        agreed = {
            _pair(one.source, one.source_columns, one.target, one.target_columns): _worth(one)
            for one in self._guesses
        }
        overruled: dict[tuple[int, str], int] = {}
        for one in sorted(seen, key=lambda one: -one.weight):
            ends = (one.one, one.one_columns, one.two, one.two_columns)
            if _pair(*ends) in known:
                continue
            known.add(_pair(*ends))
            self._add_seen(one, agreed.get(_pair(*ends), _ACCIDENTAL))
            if one.weight >= _OVERRULES:
                self._overrule(one, overruled)
        for guess in self._guesses:
            ends = (guess.source, guess.source_columns, guess.target, guess.target_columns)
            if _pair(*ends) in known:
                continue
            known.add(_pair(*ends))
            self._add_guess(guess, overruled)

    def _add_seen(self, one: Seen, guess: float) -> None:
        """Add a join that was seen; `guess` is what it would cost as a guess."""
        ends = (one.one, one.one_columns, one.two, one.two_columns)
        cost = _SEEN_ONCE - (_SEEN_ONCE - _SEEN_OFTEN) * one.often
        cost = min(cost, guess - _AGREED)
        to_one = True
        if not self._is_key(one.two, one.two_columns):
            if self._is_key(one.one, one.one_columns):
                ends = (one.two, one.two_columns, one.one, one.one_columns)
            else:
                to_one = False
                keylike = all(map(ends_like_key, (*one.one_columns, *one.two_columns)))
                cost = cost + _BESIDE if keylike else _ACCIDENTAL - _HABIT * one.often
        self._add(*ends, cost=cost, why=one.why, to_one=to_one)

    def _overrule(self, one: Seen, overruled: dict[tuple[int, str], int]) -> None:
        """Note where columns point that a guess may send elsewhere."""
        if self._is_key(one.two, one.two_columns):
            overruled.setdefault((one.one, one.one_columns[0]), one.two)
        if self._is_key(one.one, one.one_columns):
            overruled.setdefault((one.two, one.two_columns[0]), one.one)

    def _add_guess(self, guess: Guess, overruled: dict[tuple[int, str], int]) -> None:
        cost = _worth(guess)
        if overruled.get((guess.source, guess.source_columns[0]), guess.target) != guess.target:
            cost += _CONTRADICTED
        self._add(
            guess.source,
            guess.source_columns,
            guess.target,
            guess.target_columns,
            cost=cost,
            why=_CONFIRMED_WHY if guess.confirmed else _GUESSED_WHY,
            to_one=not guess.common,
        )

    def _is_key(self, oid: int, columns: tuple[str, ...]) -> bool:
        """Whether columns identify a row: declared, or else by name or statistics."""
        relation = self._snapshot.by_oid[oid]
        if relation.unique or len(columns) > 1:
            return any(set(unique) <= set(columns) for unique in relation.unique)
        column = relation.column(columns[0])
        return columns == (apparent_key(relation),) or (
            column is not None and column.distinct < -_UNIQUE
        )

    def _of_one_kind(self, one: Seen) -> bool:
        """Whether both relations are there with these columns, of the same kinds of type."""
        relations = self._snapshot.by_oid
        if one.one not in relations or one.two not in relations:
            return False
        for name, other in zip(one.one_columns, one.two_columns, strict=True):
            first, second = relations[one.one].column(name), relations[one.two].column(other)
            if first is None or second is None or first.category != second.category:
                return False
        return True

    def _add(
        self,
        source: int,
        source_columns: tuple[str, ...],
        target: int,
        target_columns: tuple[str, ...],
        *,
        cost: float,
        declared: bool = False,
        why: str = "",
        to_one: bool = True,
    ) -> None:
        from_relation = self._snapshot.by_oid[source]
        to_relation = self._snapshot.by_oid[target]
        if "v" in (from_relation.kind, to_relation.kind):
            cost += _VIEW
        one = any(set(unique) <= set(source_columns) for unique in from_relation.unique)
        forth = Step(
            source, source_columns, target, target_columns, to_one, declared, cost, why=why
        )
        back = Step(
            target,
            target_columns,
            source,
            source_columns,
            one,
            declared,
            cost,
            forth=False,
            why=why,
        )
        self._steps.setdefault(source, []).append(forth)
        self._steps.setdefault(target, []).append(back)

    def steps(self, oid: int) -> list[Step]:
        """Return the joins that lead out of a relation."""
        return self._steps.get(oid, [])

    def path(
        self, sources: Collection[int], target: int, hints: Collection[str] = ()
    ) -> tuple[list[Step], bool] | None:
        """Return the cheapest path to `target` and whether another is as cheap.

        `hints` are words of the question: a key column that carries one of
        them (sender of sender_id) is preferred among parallel keys. Dijkstra's
        algorithm.
        """
        if target in sources:
            return [], False
        tie = count()
        best: dict[int, float] = {}
        queue: list[tuple[float, int, int, list[Step]]] = [
            (0.0, next(tie), source, []) for source in sources
        ]
        heapq.heapify(queue)
        found: tuple[float, list[Step]] | None = None
        while queue:
            cost, _, oid, steps = heapq.heappop(queue)
            if found and cost > found[0] + 1e-9:
                break
            if oid == target:
                if found:
                    return found[1], True
                found = (cost, steps)
                continue
            if best.get(oid, 1e9) < cost - 1e-9:
                continue
            best[oid] = cost
            if len(steps) < 6:
                for step in self.steps(oid):
                    new = cost + self._cost(step, hints)
                    if step.target not in sources and best.get(step.target, 1e9) >= new - 1e-9:
                        heapq.heappush(queue, (new, next(tie), step.target, [*steps, step]))
        return (found[1], False) if found else None

    def _cost(self, step: Step, hints: Collection[str]) -> float:
        """Return a join's cost: less where the question names its role, more where it does not.

        A doctor's department is that of department_id rather than the one whose
        head_id is the doctor's.
        """
        words = {
            stem(word)
            for name in (*step.source_columns, *step.target_columns)
            for word in split_identifier(name)
        } - KEY_WORDS
        tables = {
            stem(word)
            for oid in (step.source, step.target)
            for word in split_identifier(self._snapshot.by_oid[oid].name)
        }
        roles = words - tables
        if roles & set(hints):
            return step.cost - 0.3
        named = all(any(abbreviates(role, table) for table in tables) for role in roles)
        return step.cost if named else step.cost + _ROLE


def _pair(
    source: int, source_columns: tuple[str, ...], target: int, target_columns: tuple[str, ...]
) -> frozenset[tuple[int, tuple[str, ...]]]:
    """Return a join's two ends, in whatever order its columns are named."""
    if len(source_columns) > 1:
        first, second = source_columns, target_columns
        if source > target:
            first, second = second, first
        order = sorted(range(len(first)), key=lambda n: (first[n], second[n]))
        source_columns = tuple(source_columns[n] for n in order)
        target_columns = tuple(target_columns[n] for n in order)
    return frozenset({(source, source_columns), (target, target_columns)})


def _worth(guess: Guess) -> float:
    if guess.common:
        return _COMMON
    return _CONFIRMED if guess.confirmed else _WEAK if guess.weak else _GUESSED
