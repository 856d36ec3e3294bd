"""What was derived from a relation, kept as long as the relation is as it was.

A snapshot takes over the relations of the one before that have not changed, so
being the same object says that nothing has changed, and that it is the same
role's view of it: what one role may see is never shown to another.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from pg_llm.text2sql.words import irregular_forms, split_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from pg_llm.catalog import Relation

T = TypeVar("T")
_MOST = 20_000
# A name of fewer letters is one word, whatever others there are.
_SHORTEST, _PREFIX = 5, 3
# By what it is and the relation's identity: the relation, what else it was made of, itself.
_kept: dict[tuple[str, int], tuple[Relation, Hashable, Any]] = {}


def kept(what: str, relation: Relation, made_of: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` gives, or gave for the same relation and the same `made_of`."""
    key = (what, id(relation))
    found = _kept.get(key)
    if found is not None and found[0] is relation and found[1] == made_of:
        value: T = found[2]
        return value
    if len(_kept) >= _MOST:
        _kept.clear()
    value = make()
    _kept[key] = (relation, made_of, value)
    return value


class Vocabulary:
    """The words of all relations' names, and which of them a relation's names may consist of."""

    def __init__(self, words: Collection[str]) -> None:
        self._by_start: defaultdict[str, set[str]] = defaultdict(set)
        for word in words:
            for form in (word, *irregular_forms(word)):
                self._by_start[form[:_PREFIX]].add(word)

    def near(self, relation: Relation) -> frozenset[str]:
        """Return the words that begin as a name of the relation does that may be split."""
        starts = kept("starts", relation, None, lambda: _starts(relation))
        return frozenset().union(*(self._by_start[s] for s in starts if s in self._by_start))


def _starts(relation: Relation) -> frozenset[str]:
    names = [relation.name, *(column.name for column in relation.columns)]
    # letters that all names begin with may be cut off first: any place may be a start
    return frozenset(
        piece[place : place + _PREFIX]
        for name in names
        for piece in split_identifier(name)
        if len(piece) >= _SHORTEST
        for place in range(len(piece) - 2)
    )
