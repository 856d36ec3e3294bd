"""Sums that a question leaves unsaid: "revenue per region", "revenue last year"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.composer import Composer
from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.composition.measures import additive
from pg_llm.text2sql.composition.terms import is_key

if TYPE_CHECKING:
    from pg_llm.catalog import Relation
    from pg_llm.text2sql.composition.frame import Condition, Term


class Sums(Composer):
    """Adds up amounts of which there are many where one is asked for."""

    def _sum_for_each(self) -> bool:
        """Take "revenue per region" for its sum, where a region has many rows of it.

        Raises `Declined` for what does not add up (the price per category).
        """
        numbers = [term for term in self.frame.select if term.matches]
        refs = [self.resolver.column(term) for term in numbers]
        if not refs or len(refs) < len(self.frame.select):
            return False
        if any(ref.column.category != "N" or is_key(ref.column.name) for ref in refs):
            return False
        if not any(self._many(group, ref.relation) for group in self.frame.groups for ref in refs):
            return False
        for term, ref in zip(numbers, refs, strict=True):
            if not additive(ref):
                raise Declined(f'what is to be computed of "{term.text}" for each is not said')
            term.aggregate = "sum"
        return True

    def _many(self, group: Term, measured: Relation) -> bool:
        """Whether what a question groups by may have several rows of a relation."""
        relation = group.relation
        if relation is None or group.matches:
            ref = self.resolver.column(group)
            relation = ref.relation
            if relation.oid == measured.oid:
                return not any(key == (ref.column.name,) for key in relation.unique)
        if relation.oid == measured.oid:
            return False
        found = self.schema.joins.path([relation.oid], measured.oid, self.frame.hints)
        return found is not None and not all(step.to_one for step in found[0])

    def _sum_of_all(self) -> None:
        """Take "revenue last year" for its sum: of rows without a name one is not asked for."""
        frame = self.frame
        if frame.groups or frame.orders or len(frame.select) != 1 or frame.entity is None:
            return
        term = frame.select[0]
        named = any(unit.symbol == "T" for unit in frame.units)
        summed = term.text.startswith("总")
        if not frame.units or (named and not summed) or term.aggregate or not term.matches:
            return
        ref = self.resolver.column(term)
        if ref.column.category != "N" or not additive(ref):
            return
        if self.schema.named(ref.relation) and not summed:
            return
        if not any(self._picks(condition, ref.relation) for condition in frame.conditions):
            term.aggregate = "sum"

    def _picks(self, condition: Condition, relation: Relation) -> bool:
        """Whether a condition leaves one row of a relation."""
        if condition.op != "=" or condition.term.aggregate:
            return False
        ref = (
            self.resolver.choice(condition)
            if condition.choices
            else self.resolver.column(condition.term, condition)
        )
        return ref.relation.oid == relation.oid and (ref.column.name,) in (
            relation.primary_key,
            *relation.unique,
        )

    def _numbers_only(self) -> bool:
        """Whether a list would show numbers and not whose they are (bays per site)."""
        refs = [self.resolver.column(term) for term in self.frame.select if term.matches]
        return len(refs) == len(self.frame.select) and all(
            ref.column.category == "N" and not is_key(ref.column.name) for ref in refs
        )
