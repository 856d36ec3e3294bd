"""Joins that no constraint declares: guessed from names and types, tested by statistics.

A column points to the key of another relation when their words agree once the
key's own table is spelled out (invoice.cust_id, customer.id), and the types are
of one category. What the statistics tell of the values of both columns refutes
a guess or confirms it; the weakest count only where they are confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pg_llm.text2sql.joins import overlap
from pg_llm.text2sql.joins.fits import HIERARCHICAL, Fit, fit_in_hierarchy, fit_of, heads
from pg_llm.text2sql.joins.keys import (
    KEY_WORDS,
    OTHERWISE,
    ends_like_key,
    keys,
    named_after,
)
from pg_llm.text2sql.words import abbreviates, common_start, split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pg_llm.catalog import Column, ForeignKey, Relation

_MOST_COMMON = 8


@dataclass(frozen=True, slots=True)
class Guess:
    """Columns of `source` (an OID) that seem to point to columns of `target`.

    `weak`: the name says less than a key's name would. `confirmed`: the
    statistics say that the values occur there. `common`: neither is a key, but
    both seem to point to the same, which is not to be seen.
    """

    source: int
    source_columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]
    weak: bool = False
    confirmed: bool = False
    common: bool = False


_Owner = tuple["Relation", str]


def guessed(relations: Iterable[Relation], declared: Iterable[ForeignKey]) -> Iterator[Guess]:
    """Yield the joins that names, types and statistics suggest beside the declared ones."""
    relations = [relation for relation in relations if not relation.child]
    linked = {(key.source, key.source_columns[0]) for key in declared}
    glued = _glued(relations)
    owners = _Owners(relations)
    lost: dict[tuple[str, str], list[Relation]] = {}
    for relation in relations:
        for column in relation.columns:
            if (relation.oid, column.name) in linked:
                continue
            found = [
                *_glued_keys(relation, column, glued),
                *_of_column(relation, column, owners),
            ]
            yield from found
            if not found and _points_somewhere(relation, column):
                lost.setdefault((column.name, column.category), []).append(relation)
    yield from _composite(relations, linked)
    yield from _common(lost)


def _points_somewhere(relation: Relation, column: Column) -> bool:
    words = split_identifier(column.name)
    own = {key for unique in relation.unique if len(unique) == 1 for key in unique}
    return (
        len(words) > 1
        and words[-1] in KEY_WORDS
        and column.name not in own
        and relation.kind != "v"
    )


def _common(lost: dict[tuple[str, str], list[Relation]]) -> Iterator[Guess]:
    """Yield the joins of columns that point to a table that is not there for the caller."""
    for (name, _), holders in lost.items():
        if len(holders) <= _MOST_COMMON:
            for one, two in combinations(holders, 2):
                yield Guess(one.oid, (name,), two.oid, (name,), weak=True, common=True)


def _of_column(relation: Relation, column: Column, owners: _Owners) -> Iterator[Guess]:
    near = owners.near(column.name)
    words = {stem(word) for word in split_identifier(column.name)}
    hierarchy = not HIERARCHICAL.isdisjoint(words)
    if not near and not hierarchy:
        return
    own = keys(relation)
    own_key = relation.primary_key == (column.name,) or (
        own == [column.name] and named_after(relation, column.name) < OTHERWISE
    )
    if hierarchy:
        near += [(relation, key) for key in own if all(one[0] is not relation for one in near)]
    for owner, key, fit in _pointed(relation, column, near, own_key=own_key):
        target = owner.column(key)
        assert target is not None  # noqa: S101  (`_pointed` has looked)
        verdict = overlap.contained(column, owner, target)
        if verdict is False or (fit.needs_values and not verdict):
            continue
        yield Guess(
            relation.oid,
            (column.name,),
            owner.oid,
            (key,),
            fit.weak and not verdict,
            bool(verdict),
        )


class _Owners:
    """The keys of all relations, found by what a column's name must share with them.

    Comparing every column with every key takes minutes where there are
    thousands; `_fit` decides among the few that are near.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self._by_name: dict[str, list[_Owner]] = {}
        self._by_tail: dict[tuple[str, ...], list[_Owner]] = {}
        self._by_table: dict[str, list[_Owner]] = {}
        self._related: dict[str, list[_Owner]] = {}
        for relation in relations:
            table = split_identifier(relation.name)
            for key in keys(relation):
                self._add(relation, key, table)

    def _add(self, relation: Relation, key: str, table: list[str]) -> None:
        owner = (relation, key)
        words = split_identifier(key)
        names = {key.lower()}
        if words and table:
            own = [stem(word) for word in table]
            names |= {"".join(table) + words[0], "".join(own) + words[0]}
            names |= {table[-1] + words[0], own[-1] + words[0]}
            if not own[-1].isdigit():
                self._by_table.setdefault(own[-1], []).append(owner)
        for name in names:
            self._by_name.setdefault(name, []).append(owner)
        if len(words) >= 2:
            self._by_tail.setdefault(tuple(words[-2:]), []).append(owner)

    def near(self, name: str) -> list[_Owner]:
        """Return the keys that a column of this name may point to."""
        words = split_identifier(name)
        if len(words) == 1 and words[0] in KEY_WORDS:
            # every table has an id
            return []
        found = [*self._by_name.get(name.lower(), ())]
        found += self._by_tail.get(tuple(words[-2:]), ())
        # the last word where no key word follows it: link_to_event, maker
        for word in words[-3:]:
            found += self._of_table(stem(word))
        if not found:
            return []
        return list({(owner.oid, key): (owner, key) for owner, key in found}.values())

    def _of_table(self, word: str) -> list[_Owner]:
        if word not in self._related:
            self._related[word] = [
                owner
                for last, owners in self._by_table.items()
                if last == word or abbreviates(word, last) or heads(word, last)
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
        for key in keys(relation)
        if len(split_identifier(key)) == 1 and len(key) >= len(start) + 5
    ]


def _glued_keys(
    relation: Relation, column: Column, glued: list[tuple[str, Relation, str]]
) -> Iterator[Guess]:
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
            verdict = overlap.contained(column, owner, target)
            if verdict is not False:
                yield Guess(
                    relation.oid, (column.name,), owner.oid, (key,), confirmed=bool(verdict)
                )


def _pointed(
    relation: Relation, column: Column, owners: list[_Owner], *, own_key: bool
) -> list[tuple[Relation, str, Fit]]:
    """Return the keys that a column seems to point to: those that fit it best."""
    found = []
    for owner, key in owners:
        target = owner.column(key)
        if target is None or target.category != column.category:
            continue
        if owner.oid == relation.oid:
            fit = fit_in_hierarchy(relation, column.name, key)
        elif own_key and not _shorter(owner, relation) and not _borrowed(relation, owner, key):
            fit = None
        else:
            fit = fit_of(column, owner, key)
        words = split_identifier(column.name)
        if own_key and fit is not None and not fit.exact and fit.length < len(words):
            # course_id of courses, and student_course_id of what is between
            fit = None
        if fit is not None:
            found.append((owner, key, fit))
    return _best(found, tables_only=relation.kind == "v")


def _best(
    found: list[tuple[Relation, str, Fit]], *, tables_only: bool
) -> list[tuple[Relation, str, Fit]]:
    """Return the keys that fit best: of the same name, or of a table that more words name."""
    strong = [one for one in found if not one[2].weak]
    if not strong and len(found) > 1:
        # a word alone that could mean several tables means none
        longest = max(fit.length for _, _, fit in found)
        found = [one for one in found if one[2].length == longest]
        return found if len(found) == 1 else []
    found = strong or found
    exact = [one for one in found if one[2].exact]
    if exact:
        # order_id is that of orders, though invoices have a unique one as well
        nearest = min(named_after(owner, key) for owner, key, _ in exact)
        exact = [one for one in exact if named_after(one[0], one[1]) == nearest]
    least = max((fit.length for _, _, fit in exact), default=0)
    other = [one for one in found if not one[2].exact and one[2].length > least]
    longest = max((fit.length for _, _, fit in other), default=0)
    found = [*exact, *(one for one in other if one[2].length == longest)]
    tables = [one for one in found if one[0].kind != "v"]
    return tables or ([] if tables_only else found[:1])


def _shorter(owner: Relation, relation: Relation) -> bool:
    """Tell whether a key may be another table's first: order_details.order_id, orders."""
    own = [stem(word) for word in split_identifier(owner.name)]
    words = [stem(word) for word in split_identifier(relation.name)]
    if owner.kind == "v" or not own:
        return False
    if len(words) == 1 and len(own) == 1:
        return len(words[0]) > len(own[0]) + 2 and words[0].startswith(own[0])
    return len(own) < len(words) and any(
        words[start : start + len(own)] == own for start in range(len(words))
    )


def _borrowed(relation: Relation, owner: Relation, key: str) -> bool:
    """Tell whether a key is called after the other table and not after its own."""
    return named_after(relation, key) == OTHERWISE and named_after(owner, key) < OTHERWISE


def _composite(relations: Sequence[Relation], linked: set[tuple[int, str]]) -> Iterator[Guess]:
    """Yield the joins by a key of several columns that another table has under the same names."""
    by_columns: dict[tuple[str, ...], list[Relation]] = {}
    holders: dict[str, list[Relation]] = {}
    for relation in relations:
        if len(relation.primary_key) > 1 and any(map(ends_like_key, relation.primary_key)):
            by_columns.setdefault(relation.primary_key, []).append(relation)
    wanted = {name for key in by_columns for name in key if name not in KEY_WORDS}
    for relation in relations:
        for column in relation.columns:
            if column.name in wanted:
                holders.setdefault(column.name, []).append(relation)
    for key, owners in by_columns.items():
        if any(name in KEY_WORDS for name in key):
            continue
        rarest = min((holders.get(name, []) for name in key), key=len)
        for relation in rarest:
            for owner in owners:
                if owner.oid != relation.oid and _has_all(relation, owner, key):
                    if any((relation.oid, name) in linked for name in key) and (
                        relation.primary_key == key
                    ):
                        continue
                    yield Guess(relation.oid, key, owner.oid, key, weak=True)


def _has_all(relation: Relation, owner: Relation, key: tuple[str, ...]) -> bool:
    for name in key:
        one, two = relation.column(name), owner.column(name)
        if one is None or two is None or one.category != two.category:
            return False
        if overlap.contained(one, owner, two) is False:
            return False
    return relation.kind != "v" and owner.kind != "v"
