"""How a column's name fits a key of another relation, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.joins.keys import KEY_WORDS, OTHERWISE, named_after, said_in, same_words
from pg_llm.text2sql.words import split_identifier, stem, word_set

if TYPE_CHECKING:
    from pg_llm.catalog import Column, Relation

# Words that say that a column points somewhere, and nothing of where.
_LINKING = frozenset({"link", "to", "fk", "ref", "fkey"})
# What a row of a hierarchy calls another row of the same table.
_RELATIVES = word_set(
    """
    parent manager supervisor boss superior predecessor successor previous prev next root ancestor
    """
)
# What a thing is to the row that points to it: home_team.
_ROLES = _RELATIVES | word_set(
    """
    home away from source target origin destination main primary secondary second winner winning
    loser losing lead head assigned current default preferred original sender receiver sending
    receiving responsible other billing shipping delivery
    """
)
# What one has of one's own: that two are alike joins nothing.
_OWN = frozenset({"email", "mail", "phone", "fax", "mobile", "url", "website", "address"})
_PREFIXES = frozenset({"tbl", "tb", "t", "dim", "fact"})
HIERARCHICAL = _RELATIVES | {"report", "reporting"}
_SHORTEST_HEAD = 4
_WHOLE = frozenset({"smallint", "integer", "bigint"})


@dataclass(frozen=True, slots=True)
class Fit:
    """How a column's name fits a key: `length` words of it, and how surely."""

    length: int
    exact: bool = False
    weak: bool = False
    needs_values: bool = False


def fit_of(column: Column, owner: Relation, key: str) -> Fit | None:
    """Tell how a column's name fits a key of another relation, None where it does not."""
    name = column.name
    words, target = split_identifier(name), split_identifier(key)
    generic = len(target) == 1 and target[0] in KEY_WORDS
    if name == key and not generic:
        return _same_name(column, words, owner)
    own = [stem(word) for word in split_identifier(owner.name)]
    if generic:
        # cust_id, customer_id, customerid for customer.id
        if words[-1:] != target:
            if name.lower() in {"".join(own) + target[0], own[-1] + target[0]}:
                return Fit(len(own) + 1)
            return _unspoken(column, words, owner, key)
        return _of_table(words[:-1], own)
    before = words[: -len(target)]
    if before and words[-len(target) :] == target:
        if same_words(before, own):
            # product_sku, of products.sku
            return Fit(len(words), weak=owner.primary_key != (key,))
        if len(target) >= 2 or said_in(own, key):
            return Fit(len(target))
    rest = [word for word in target if stem(word) not in own]
    if len(words) >= 2 and rest and rest == words[-len(rest) :] and rest[-1] in KEY_WORDS:
        fit = _of_table(words[: -len(rest)], own)
        if fit is not None:
            return fit
    return _unspoken(column, words, owner, key) or _beginning(column, words, target)


def _same_name(column: Column, words: list[str], owner: Relation) -> Fit | None:
    """Tell how a column called like a key fits it: equal emails are not what a table is for."""
    identifies = owner.primary_key in ((column.name,), ()) or words[-1] in KEY_WORDS
    glued = len(words) == 1 and words[0].endswith(tuple(KEY_WORDS))
    if not identifies and (words[-1] in _OWN or words in (["name"], ["title"])):
        return None
    table = {stem(word) for word in split_identifier(owner.name)}
    named = identifies or glued or not table.isdisjoint(map(stem, words))
    return Fit(len(words), exact=True, weak=not named, needs_values=not named)


def _of_table(table: list[str], own: list[str]) -> Fit | None:
    """Tell how the words before a key word fit a table's name."""
    if not table:
        return None
    if same_words(table, own):
        return Fit(len(table) + 1)
    # a role before the table: shipping_address_id
    if len(table) > len(own) and same_words(table[-len(own) :], own):
        return Fit(len(own) + 1)
    if len(own) == 1 and heads(stem(table[-1]), own[0]):
        return Fit(1, weak=True)
    return None


def _unspoken(column: Column, words: list[str], owner: Relation, key: str) -> Fit | None:
    """Tell whether a column without a key's word is called like a table (link_to_event, maker).

    In the plural it would be a count, and a number with decimals no key.
    """
    own = [stem(word) for word in split_identifier(owner.name)]
    bare = [word for word in words if word not in _LINKING]
    said = len(bare) < len(words)
    if not bare or bare[-1] in KEY_WORDS or stem(bare[-1]) != bare[-1]:
        return None
    if column.category == "N" and column.type not in _WHOLE:
        return None
    exact = bare == own
    if not said and bare[-len(own) :] == own and _ROLES.issuperset(bare[: -len(own)]):
        return Fit(len(own), weak=True, needs_values=column.category not in "NU")
    if not exact and not (bare[-1] == own[-1] and (len(bare) == 1 or said)):
        return None
    if key.lower() not in KEY_WORDS and named_after(owner, key) == OTHERWISE:
        return None
    if said:
        return Fit(len(bare), weak=not exact)
    # A text of that name more often holds the thing's own name.
    return Fit(len(bare), weak=True, needs_values=column.category not in "NU")


def _beginning(column: Column, words: list[str], target: list[str]) -> Fit | None:
    """Tell whether a column is called like a natural key without its key word (zip, zip_code)."""
    if len(target) >= 2 and words == target[:-1] and target[-1] in KEY_WORDS:
        return Fit(len(words), weak=True, needs_values=column.category not in "NU")
    return None


def fit_in_hierarchy(relation: Relation, name: str, key: str) -> Fit | None:
    """Tell whether a column points to another row of its own table (parent_id)."""
    words = [stem(word) for word in split_identifier(name)]
    if name == key or not words or (name,) in relation.unique:
        return None
    bare = words[:-1] if words[-1] in KEY_WORDS else words
    own = [stem(word) for word in split_identifier(relation.name)]
    own = own[1:] if len(own) > 1 and own[0] in _PREFIXES else own
    if len(bare) > len(own) and bare[-len(own) :] == own and words[-1] in KEY_WORDS:
        # sponsor_member_id of members
        return Fit(len(bare))
    role = bare
    if role in (["report", "to"], ["reporting", "to"]) or (
        len(role) == 1 and role[0] in _RELATIVES
    ):
        return Fit(len(bare))
    return None


def heads(word: str, compound: str) -> bool:
    """Tell whether a word is the last one of a compound written in one piece (superpower)."""
    return (
        len(word) >= _SHORTEST_HEAD and len(compound) > len(word) + 1 and compound.endswith(word)
    )
