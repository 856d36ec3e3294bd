"""The join graph: declared foreign keys, and joins inferred from names and types."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from pg_llm.catalog import ForeignKey
from pg_llm.text2sql.words import abbreviates, common_start, split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pg_llm.catalog import Column, Relation, Snapshot

_DECLARED, _INFERRED, _VIEW = 1.0, 1.3, 1.5
# A key that plays a part of its own (head_id) is not what a bare mention means.
_ROLE = 0.05
# What one has of one's own: that two are alike joins nothing.
_OWN_WORDS = frozenset({"email", "mail", "phone", "fax", "mobile", "url", "website", "address"})
_KEY_WORDS = frozenset({"id", "code", "no", "num", "number", "key", "uuid", "nbr", "cd"})


@dataclass(frozen=True, slots=True)
class Step:
    """One join, walked from `source` to `target` (OIDs), column by column.

    `to_one`: a row of `source` meets at most one row of `target`; `forth`: the
    key is of `source`.
    """

    source: int
    source_columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]
    to_one: bool
    declared: bool
    cost: float
    forth: bool = True


class JoinGraph:
    """Paths between relations, cheapest first."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._steps: dict[int, list[Step]] = {}
        declared = list(snapshot.foreign_keys)
        linked = {(key.source, key.source_columns[0]) for key in declared}
        for key in declared:
            self._add(key)
        for key in _inferred(snapshot.relations, linked):
            self._add(key)

    def _add(self, key: ForeignKey) -> None:
        source = self._snapshot.by_oid[key.source]
        target = self._snapshot.by_oid[key.target]
        cost = _DECLARED if key.declared else _INFERRED
        if "v" in (source.kind, target.kind):
            cost += _VIEW
        one = any(set(unique) <= set(key.source_columns) for unique in source.unique)
        forth = Step(
            key.source,
            key.source_columns,
            key.target,
            key.target_columns,
            True,
            key.declared,
            cost,
        )
        back = Step(
            key.target,
            key.target_columns,
            key.source,
            key.source_columns,
            one,
            key.declared,
            cost,
            forth=False,
        )
        self._steps.setdefault(key.source, []).append(forth)
        self._steps.setdefault(key.target, []).append(back)

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
        } - _KEY_WORDS
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


def _inferred(relations: Iterable[Relation], linked: set[tuple[int, str]]) -> Iterator[ForeignKey]:
    """Yield joins that names and types suggest and no constraint declares.

    A column points to the key of another relation when their words agree once
    the key's own table is spelled out (invoice.cust_id, customer.id), and the
    types are of one category.
    """
    relations = [relation for relation in relations if not relation.child]
    glued = _glued(relations)
    owners = _Owners(relations)
    for relation in relations:
        for column in relation.columns:
            if (relation.oid, column.name) in linked:
                continue
            yield from _glued_keys(relation, column, glued)
            if relation.primary_key == (column.name,) and relation.kind != "v":
                continue
            near = owners.near(column.name)
            for owner, key in dict.fromkeys(
                _pointed(relation, column.name, column.category, near)
            ):
                yield ForeignKey(relation.oid, (column.name,), owner.oid, (key,), False)


_Owner = tuple["Relation", str]


class _Owners:
    """The keys of all relations, found by what a column's name must share with them.

    Comparing every column with every key takes minutes where there are
    thousands; `_names_agree` decides among the few that are near.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self._by_name: dict[str, list[_Owner]] = {}
        self._by_tail: dict[tuple[str, ...], list[_Owner]] = {}
        self._by_table: dict[str, list[_Owner]] = {}
        self._related: dict[str, list[_Owner]] = {}
        for relation in relations:
            table = split_identifier(relation.name)
            for key in _keys(relation):
                self._add(relation, key, table)

    def _add(self, relation: Relation, key: str, table: list[str]) -> None:
        owner = (relation, key)
        words = split_identifier(key)
        names = {key.lower()}
        if words and table:
            own = [stem(word) for word in table]
            names |= {"".join(table) + words[0], "".join(own) + words[0]}
            names |= {table[-1] + words[0], own[-1] + words[0]}
            self._by_table.setdefault(own[-1], []).append(owner)
        for name in names:
            self._by_name.setdefault(name, []).append(owner)
        if len(words) >= 2:
            self._by_tail.setdefault(tuple(words[-2:]), []).append(owner)

    def near(self, name: str) -> list[_Owner]:
        """Return the keys that a column of this name may point to."""
        words = split_identifier(name)
        found = [*self._by_name.get(name.lower(), ())]
        found += self._by_tail.get(tuple(words[-2:]), ())
        for word in words[-3:-1]:
            found += self._of_table(stem(word))
        return list({(owner.oid, key): (owner, key) for owner, key in found}.values())

    def _of_table(self, word: str) -> list[_Owner]:
        if word not in self._related:
            self._related[word] = [
                owner
                for last, owners in self._by_table.items()
                if last == word or abbreviates(word, last)
                for owner in owners
            ]
        return self._related[word]


def _glued(relations: list[Relation]) -> list[tuple[str, Relation, str]]:
    """Return keys written in one piece, without the letters that all tables begin with.

    Where tables are called sbcustomer and sbticker, sbcustid is custid.
    """
    start = common_start([relation.name for relation in relations])
    if not start:
        return []
    return [
        (key.lower().removeprefix(start), relation, key)
        for relation in relations
        for key in _keys(relation)
        if len(split_identifier(key)) == 1 and len(key) >= len(start) + 5
    ]


def _glued_keys(
    relation: Relation, column: Column, glued: list[tuple[str, Relation, str]]
) -> Iterator[ForeignKey]:
    """Yield the joins of a column whose name ends in another table's key."""
    name = column.name.lower()
    for ending, owner, key in glued:
        target = owner.column(key)
        if (
            owner.oid != relation.oid
            and name.endswith(ending)
            and target is not None
            and target.category == column.category
        ):
            yield ForeignKey(relation.oid, (column.name,), owner.oid, (key,), False)


def _pointed(
    relation: Relation, name: str, category: str, owners: list[tuple[Relation, str]]
) -> list[tuple[Relation, str]]:
    found = []
    for owner, key in owners:
        if owner.oid == relation.oid:
            continue
        target = owner.column(key)
        if target is None or target.category != category:
            continue
        if _names_agree(name, owner, key):
            found.append((owner, key))
    tables = [one for one in found if one[0].kind != "v"]
    return tables or (found[:1] if relation.kind != "v" else [])


def _names_agree(name: str, owner: Relation, key: str) -> bool:
    words, target = split_identifier(name), split_identifier(key)
    generic = len(target) == 1 and target[0] in _KEY_WORDS
    if name == key and not generic:
        return target[-1] not in _OWN_WORDS and target not in (["name"], ["title"])
    own = [stem(word) for word in split_identifier(owner.name)]
    if generic:
        # cust_id, customer_id, customerid for customer.id
        table, last = words[:-1], words[-1:]
        if last != target:
            joined = name.lower()
            return joined in {"".join(own) + target[0], own[-1] + target[0]}
        return bool(table) and _same_words(table, own)
    if len(target) >= 2 and len(words) > len(target) and words[-len(target) :] == target:
        return True
    rest = [word for word in target if stem(word) not in own]
    return (
        len(words) >= 2
        and rest == words[-len(rest) :]
        and bool(rest)
        and rest[-1] in _KEY_WORDS
        and _same_words(words[: -len(rest)], own)
    )


def _same_words(short: list[str], words: list[str]) -> bool:
    return len(short) <= len(words) and all(
        stem(one) == two or abbreviates(one, two)
        for one, two in zip(short, words[-len(short) :], strict=False)
    )


def _keys(relation: Relation) -> list[str]:
    """Return the single columns that identify a row, declared or apparent."""
    declared = [unique[0] for unique in relation.unique if len(unique) == 1]
    if declared or relation.primary_key:
        return declared
    if relation.kind == "v":
        return []
    return [name for name in (apparent_key(relation),) if name]


def apparent_key(relation: Relation) -> str | None:
    """Return the column of a table without declared key that seems to be one.

    Its name is `id`, or the table's word or initial with a key word (aid for
    author).
    """
    words = [stem(word) for word in split_identifier(relation.name)]
    for column in relation.columns:
        name = column.name.lower()
        pieces = split_identifier(column.name)
        if name in {"id", f"{words[-1]}id", f"{words[-1][0]}id", f"{''.join(words)}id"}:
            return column.name
        if len(pieces) >= 2 and pieces[-1] in _KEY_WORDS and _same_words(pieces[:-1], words):
            return column.name
        if len(pieces) > 2 and pieces[-1] in _KEY_WORDS and _same_words(pieces[1:-1], words):
            return column.name
    return next(
        (
            column.name
            for column in relation.columns[:1]
            if column.distinct == -1.0 and _ends_like_key(column.name)
        ),
        None,
    )


def _ends_like_key(name: str) -> bool:
    """Whether a name ends as keys do; city_name as well, where it stands for a city."""
    words = split_identifier(name)
    return words[-1:] != [] and (
        words[-1] in _KEY_WORDS or (len(words) > 1 and words[-1] == "name")
    )
