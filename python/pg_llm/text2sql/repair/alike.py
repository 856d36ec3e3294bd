"""How alike two names are: by letters, by words, and by what kind of thing they name."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pg_llm.text2sql.words import root, split_identifier, stem, synonyms

if TYPE_CHECKING:
    from pg_llm.catalog import Column
    from pg_llm.text2sql.repair.tree import Source

# Last words that say what kind of thing a column holds. Two names with different
# kinds (a shop's name, a shop's id) are not alike, however many letters they share.
_KINDS = {
    word: kind
    for kind, words in (
        ("key", "id key code no number num"),
        ("name", "name title label"),
        ("time", "date day time datetime timestamp at on year month"),
        ("count", "count total quantity qty amount sum"),
        ("type", "type kind category class"),
        ("text", "description comment note text"),
        ("place", "address city country state"),
    )
    for word in words.split()
}
# Words of a name that its type tells as well (`pg_type.typcategory`).
_TYPED = {
    "D": frozenset(["date", "day", "time", "datetime", "timestamp", "at", "on"]),
    "B": frozenset(["is", "has", "flag", "was"]),
    "N": frozenset(["number", "num", "amount", "value", "count"]),
}
_OTHER_KIND = 0.6
# Letters that forms of one word share (hire, hired).
_STEMS = 0.75


def fit(wanted: str, name: str, source: Source) -> float:
    """Compare a name that is asked for with a column's of a source, 0 to 1.

    Also without the relation's own name (carriers: carrier_name is name), and
    without what the column's type says (joined is a date: join_date).
    """
    own = own_words(source)
    column = source.relation.column(name) if source.relation else None
    best = max(
        likeness(wanted, name),
        likeness(_without(wanted, own), _without(name, own)),
        _by_type(wanted, name, column),
        _without_filler(wanted, name),
    )
    one, two = _kind(wanted), _kind(name)
    return best * _OTHER_KIND if one and two and one != two else best


def names_row(wanted: str, source: Source) -> bool:
    """Whether a name asks for what a row of the source is called (shop_name, title)."""
    own = own_words(source)
    return _KINDS.get(_without(wanted, own).lower()) == "name"


def likeness(one: str, two: str) -> float:
    """Say how alike two names are: by letters, or by words that mean the same."""
    letters = SequenceMatcher(None, one.lower(), two.lower()).ratio()
    first, second = words(one), words(two)
    if not first or not second:
        return letters
    shared = {word for word in first if word in second or synonyms(word) & second}
    both = frozenset(split_identifier(one)), frozenset(split_identifier(two))
    if _phrase(*both):
        return 0.9
    return max(letters, 2 * len(shared) / (len(first) + len(second)))


def own_words(source: Source) -> frozenset[str]:
    """Return the stems of a relation's name, also without an s that stemming leaves (clinics)."""
    found = words(source.relation.name) if source.relation else frozenset()
    return found | {word.removesuffix("s") for word in found}


def words(name: str) -> frozenset[str]:
    """Return the stems of a name's words."""
    return frozenset(stem(word) for word in split_identifier(name))


# Two words that mean the same together, as no word of them does alone.
_PHRASES = (
    frozenset({frozenset({"first", "name"}), frozenset({"given", "name"}),
               frozenset({"forename"})}),
    frozenset({frozenset({"last", "name"}), frozenset({"family", "name"}),
               frozenset({"surname"})}),
    frozenset({frozenset({"zip"}), frozenset({"zip", "code"}), frozenset({"postal", "code"}),
               frozenset({"postcode"}), frozenset({"zipcode"})}),
    frozenset({frozenset({"phone"}), frozenset({"phone", "number"}), frozenset({"telephone"})}),
    frozenset({frozenset({"birthday"}), frozenset({"birth", "date"}), frozenset({"dob"}),
               frozenset({"date", "of", "birth"})}),
    frozenset({frozenset({"sex"}), frozenset({"gender"})}),
)  # fmt: skip


def _phrase(one: frozenset[str], two: frozenset[str]) -> bool:
    return one != two and any({one, two} <= phrases for phrases in _PHRASES)


# Last words that add nothing to the name of a column.
_FILLERS = frozenset(["type", "kind", "category", "name", "value", "text", "data", "info"])


def _without_filler(wanted: str, name: str) -> float:
    """Compare without a last word that adds nothing (soil_type: soil)."""
    split = split_identifier(wanted)
    bare = len(split) > 1 and split[-1] in _FILLERS and words("_".join(split[:-1]))
    return 0.85 if bare and bare == words(name) else 0.0


def _by_type(wanted: str, name: str, column: Column | None) -> float:
    told = _TYPED.get(column.category, frozenset()) if column is not None else frozenset()
    one, two = (
        "_".join(w for w in split_identifier(text) if w not in told) for text in (wanted, name)
    )
    if not one or not two or (one, two) == (wanted, name):
        return 0.0
    letters = SequenceMatcher(None, one, two).ratio()
    return 0.95 if letters >= _STEMS or root(one) == root(two) else 0.0


def _without(name: str, own: frozenset[str]) -> str:
    left = [word for word in split_identifier(name) if stem(word) not in own]
    return "_".join(left) or name


def _kind(name: str) -> str:
    split = split_identifier(name)
    return _KINDS.get(split[-1], "") if split else ""
