"""The highest, the most, the oldest: what a superlative ranks, and by what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.arrangement import Arrangement
from pg_llm.text2sql.composition.chunks import word
from pg_llm.text2sql.composition.frame import Condition, Declined, Order, Term
from pg_llm.text2sql.composition.lexeme import Hint, Lexeme, Superlative
from pg_llm.text2sql.composition.measures import measure
from pg_llm.text2sql.composition.terms import dated, numeric_or_date, term_of, term_of_ref
from pg_llm.text2sql.english.lexicon import MONEY_VERBS, SIZE, VERB_NOUNS, base

if TYPE_CHECKING:
    from pg_llm.text2sql.index import Match

# The highest, the lowest: of a value, and never of how many there are.
_OF_A_VALUE = frozenset({"highest", "lowest", "maximal", "minimal", "greatest"})


class Superlatives(Arrangement):
    """Handlers of superlatives that stand between the things that are asked for."""

    def _place(self, condition: Condition, near: Lexeme | None) -> None:
        """Remember which relation a condition stands beside."""
        if near is not None and condition.term.relation is None and not condition.term.aggregate:
            condition.term.relation = near.tables[0].relation

    def _bounded(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the car with the minimum weight" for that with the lowest."""
        if units[0].payload not in ("min", "max"):
            return None
        return [word("X", units[0].text, Superlative(units[0].payload == "max", Hint(())))]

    def _superlative_item(self, unit: Lexeme, rest: list[Lexeme], opened: bool) -> int:
        """Take "the highest price", "the most orders", "the oldest student".

        Returns how many of the lexemes that follow were taken too.
        """
        mark: Superlative = unit.payload
        skipped = next((i for i, one in enumerate(rest) if one.symbol not in "FUc"), len(rest))
        target = rest[skipped] if skipped < len(rest) else None
        asked = opened and not self._frame.select and not mark.limit
        column = target if target is not None and target.symbol == "C" else None
        if column is not None and "date" in mark.hint.words and asked and dated(column):
            # the earliest order date: the least of that column
            self._most_of_column(mark, column, opened)
            return skipped + 1
        if mark.hint.words:
            self._hinted(mark, target, unit.text)
            return 0
        if mark.common and self._alone() and (target is None or target.symbol != "C"):
            # which method is used most frequently
            self._extreme(mark, Term(aggregate="count"))
            self._frame.groups.append(self._frame.select[0])
            return 0
        if (target is None or target.symbol not in "CT") and self._most_done(mark):
            return 0
        if target is None or target.symbol not in "CT":
            raise Declined(f'"{unit.text}" of what is not clear')
        if mark.common:
            taken = self._most_common(unit, target, opened)
        elif target.symbol == "C":
            taken = self._most_of_column(mark, target, opened)
        else:
            taken = self._most_of_table(unit, target, opened)
        if not taken:
            return 0
        for one in rest[:skipped]:
            if one.symbol == "c":
                # the most completed orders: what is counted is restricted
                self._place(one.payload, target if target.symbol == "T" else None)
                self._frame.conditions.append(one.payload)
        return skipped + 1

    def _most_done(self, mark: Superlative) -> bool:
        """Take "paid the most": the verb says what is counted, or summed."""
        if not self._frame.entity or mark.limit:
            return False
        for unit in self._units:
            verb = base(unit.text) if unit.symbol == "v" else ""
            for noun in (verb, *VERB_NOUNS.get(verb, ())):
                found = self._tables_of(noun) if noun else []
                if not found or found[0].score < 0.75:
                    continue
                relation = found[0].relation
                amount = measure(relation) if verb in MONEY_VERBS else None
                term = (
                    term_of_ref(amount, "sum")
                    if amount
                    else Term(relation=relation, aggregate="count")
                )
                if relation.oid != self._frame.entity.oid:
                    self._extreme(mark, term)
                    return True
        return False

    def _tables_of(self, noun: str) -> list[Match]:
        found = [match for match in self._schema.find([noun]) if match.column is None]
        if found or len(noun) < 7:
            return found
        # prescribe: prescriptions
        alike = [word for word in self._schema.by_word if word.startswith(noun[:6])]
        near = [m for word in alike for m in self._schema.find([word]) if m.column is None]
        return near if len({match.relation.oid for match in near}) == 1 else []

    def _alone(self) -> bool:
        """Whether one column, and nothing else, is asked for."""
        select = self._frame.select
        return len(select) == 1 and bool(select[0].matches) and not select[0].aggregate

    def _most_common(self, unit: Lexeme, target: Lexeme, opened: bool) -> bool:
        """Take "the most common name"; returns whether the target is used up."""
        if target.symbol == "C":
            if not opened:
                raise Declined(f'"{unit.text}" of what is not clear')
            term = term_of(target)
            self._frame.select.append(term)
            self._frame.groups.append(term)
        self._extreme(unit.payload, Term(aggregate="count"))
        return target.symbol == "C"

    def _most_of_column(self, mark: Superlative, target: Lexeme, opened: bool) -> bool:
        frame = self._frame
        ordered = numeric_or_date(target)
        named = frame.entity is not None or not self._of_persons()
        if opened and ordered and not frame.select and not mark.limit and named:
            term = term_of(target)
            term.aggregate = "max" if mark.descending else "min"
            frame.select.append(term)
        elif opened and mark.limit and not ordered:
            self._first_rows(mark)
            return False
        elif ordered:
            self._extreme(mark, term_of(target))
            if not named:
                frame.entity = target.columns[0].relation
        else:
            term = Term(target.columns, aggregate="count", distinct=True, text=target.text)
            self._extreme(mark, term)
        return True

    def _of_persons(self) -> bool:
        """Whether the question asks who: for rows, and not for a value of theirs."""
        return bool(self._units) and self._units[0].text in ("who", "who's", "who is")

    def _most_of_table(self, unit: Lexeme, target: Lexeme, opened: bool) -> bool:
        frame = self._frame
        mark: Superlative = unit.payload
        if mark.size and (opened or frame.entity is None):
            self._hinted(replace(mark, hint=SIZE), target, unit.text)
            return False
        if unit.text in _OF_A_VALUE:
            if not target.columns or target.columns[0].score < 0.5:
                raise Declined(f'"{unit.text}" of what is not clear')
            self._extreme(mark, term_of(target))
        elif mark.limit and frame.entity is None and not any(t.aggregate for t in frame.select):
            self._first_rows(mark)
            return False
        else:
            self._extreme(mark, Term(relation=target.tables[0].relation, aggregate="count"))
        return True

    def _first_rows(self, mark: Superlative) -> None:
        """Take "the top 5 customers": by what follows later."""
        self._frame.limit = mark.limit
        self._frame.orders.append(Order(Term(text="?"), mark.descending, extreme=True))

    def _hinted(self, mark: Superlative, target: Lexeme | None, said: str = "") -> None:
        """Take "the oldest": the adjective says by which column."""
        named = target is not None and target.symbol == "T"
        relation = target.tables[0].relation if target is not None and named else None
        hints = (*mark.hint.words, *mark.hint.inverse)
        self._extreme(mark, Term(hints=hints, relation=relation, text=said))
