"""In stock and out of stock: how much there is, and not whether there is a row of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, Declined, Presence
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.composition.terms import term_of_ref
from pg_llm.text2sql.index import ColumnRef
from pg_llm.text2sql.words import split_identifier, stem, word_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import SchemaIndex

_HELD = word_set("stock inventory hand")
# What else is said of a stock: bounds, values, times.
_OTHERWISE = word_set(
    """
    min minimum max maximum reorder level target safety value price cost total day days date
    capacity threshold alert allocated reserved incoming expected movement id
    """
)


def supplied(
    units: Sequence[Lexeme], schema: SchemaIndex
) -> tuple[list[Lexeme], list[Presence], list[Lexeme]]:
    """Return the lexemes without "in stock", and what it says: presences, conditions.

    Raises `Declined` where no column tells how much there is, and for what was
    in stock at another time.
    """
    said = [unit for unit in units if unit.symbol == "Z"]
    if not said:
        return list(units), [], []
    at = units.index(said[0])
    wanted = said[0].payload
    before = units[at - 1].text if at else ""
    if wanted is None or len(said) > 1 or before in ("never", "always", "ever"):
        raise Declined(f'"{said[0].text}" tells of more than what is in stock now')
    if any(unit.symbol == "D" for unit in units):
        raise Declined("what was in stock at another time is not known")
    thing = next((unit.tables[0].relation for unit in units if unit.symbol == "T"), None)
    if thing is None or (ref := _amount(thing, schema)) is None:
        raise Declined(f'no column tells what is "{said[0].text}"')
    dropped = [said[0]]
    if at and units[at - 1].symbol == "!":
        wanted = "=" if wanted == ">" else ">"
        dropped.append(units[at - 1])
    rest = [unit for unit in units if unit not in dropped]
    if ref.relation.oid == thing.oid:
        condition = Condition(term_of_ref(ref), wanted, (0,), text=said[0].text)
        return rest, [], [Lexeme("c", said[0].text, condition)]
    held = Condition(term_of_ref(ref), ">", (0,), text=said[0].text)
    return rest, [Presence(ref.relation, wanted == "=", [held])], []


def _amount(thing: Relation, schema: SchemaIndex) -> ColumnRef | None:
    """Return the one column that tells how much of a thing there is."""
    for relations in ([thing], list(_beside(thing, schema))):
        found = [ref for relation in relations for ref in _amounts(relation)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _beside(thing: Relation, schema: SchemaIndex) -> Iterator[Relation]:
    for step in schema.joins.steps(thing.oid):
        relation = schema.snapshot.by_oid[step.target]
        if step.declared and not step.forth and relation.kind != "v":
            yield relation


def _amounts(relation: Relation) -> Iterator[ColumnRef]:
    stored = "库存" in f"{relation.name}{relation.comment or ''}"
    for column in relation.columns:
        words = {stem(word) for word in split_identifier(column.name)}
        whole = words | {stem(word) for word in split_identifier(relation.name)}
        amount = words & _HELD or (words & {"quantity", "qty", "unit"} and whole & _HELD)
        called = stored and "数量" in f"{column.name}{column.comment or ''}"
        if column.category == "N" and (amount or called) and not whole & _OTHERWISE:
            yield ColumnRef(relation, column)
