"""Keys of relations: declared, or apparent from names and statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.words import abbreviates, split_identifier, stem

if TYPE_CHECKING:
    from pg_llm.catalog import Column, Relation

KEY_WORDS = frozenset({"id", "code", "no", "num", "number", "key", "uuid", "nbr", "cd"})
# What `named_after` gives for a key that is not called after its table.
OTHERWISE = 99
# A key that is not declared may have a few doublets, and statistics are estimates.
_UNIQUE = 0.9


def keys(relation: Relation) -> list[str]:
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
        if _repeats(relation, column) or _bridges(relation, pieces, words):
            continue
        if name in {"id", f"{words[-1]}id", f"{words[-1][0]}id", f"{''.join(words)}id"}:
            return column.name
        if len(pieces) >= 2 and pieces[-1] in KEY_WORDS and same_words(pieces[:-1], words):
            return column.name
        if len(pieces) > 2 and pieces[-1] in KEY_WORDS and same_words(pieces[1:-1], words):
            return column.name
    return next(
        (
            column.name
            for column in relation.columns[:1]
            if column.distinct == -1.0 and ends_like_key(column.name)
        ),
        None,
    )


def _bridges(relation: Relation, pieces: list[str], words: list[str]) -> bool:
    """Whether a column names half of a table's name and another one the other (course_student)."""
    size = len(words) - len(pieces) + 1
    if size < 1 or pieces[-1] not in KEY_WORDS or not same_words(pieces[:-1], words):
        return False
    others = (split_identifier(column.name) for column in relation.columns)
    return any(
        other[-1:] == pieces[-1:] and len(other) > 1 and same_words(other[:-1], words[:size])
        for other in others
    )


def _repeats(relation: Relation, column: Column) -> bool:
    """Whether the statistics say that a value stands in several rows."""
    if column.distinct < 0:
        return column.distinct > -_UNIQUE
    return 0 < column.distinct < _UNIQUE * relation.rows


def ends_like_key(name: str) -> bool:
    """Whether a name ends as keys do; city_name as well, where it stands for a city."""
    words = split_identifier(name)
    if not words:
        return False
    return words[-1] in KEY_WORDS or (len(words) > 1 and words[-1] == "name")


def named_after(owner: Relation, key: str) -> int:
    """Return how many words the table has that a key is called after; 99 where it is not."""
    own = [stem(word) for word in split_identifier(owner.name)]
    words = {stem(word) for word in split_identifier(key)}
    if own[-1] in words or said_in(own, key):
        return len(own)
    return OTHERWISE


def said_in(own: list[str], key: str) -> bool:
    """Tell whether a key written in one piece is its table's: countryid, aid of author."""
    name = key.lower()
    ending = next((word for word in KEY_WORDS if name.endswith(word) and name != word), None)
    if ending is None:
        return False
    rest = name.removesuffix(ending)
    return rest in {own[-1], own[-1][0], "".join(own), own[0]} or abbreviates(rest, own[-1])


def same_words(short: list[str], words: list[str]) -> bool:
    """Tell whether words are the last words of a name, or abbreviate them."""
    return len(short) <= len(words) and all(
        stem(one) == two or abbreviates(one, two)
        for one, two in zip(short, words[-len(short) :], strict=False)
    )
