"""Comparisons: with numbers, between numbers, with averages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.chunks import Chunks, word
from pg_llm.text2sql.composition.frame import Condition, Term
from pg_llm.text2sql.composition.patterns import first, pick
from pg_llm.text2sql.composition.predicates import NEGATED
from pg_llm.text2sql.composition.terms import numeric, orderable, term_of, texty
from pg_llm.text2sql.english.lexicon import PHRASES
from pg_llm.text2sql.words import split_identifier, stem

if TYPE_CHECKING:
    from pg_llm.text2sql.composition.lexeme import Lexeme, Superlative


class Comparisons(Chunks):
    """Handlers that turn comparisons into conditions."""

    def _against(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Above the average price; weight smaller than the average."""
        comparison = first(units, "P")
        columns = pick(units, "C")
        terms = pick(units, "a")
        if comparison is None or first(units, "E") is not None:
            return None
        aggregate = first(units, "A")
        lead = units[0] if units[0].symbol in "TCaq" else None
        if terms and terms[-1] is not lead:
            inner = terms[-1].payload
        elif aggregate is not None:
            if lead is not None and lead.symbol == "C":
                inner = Term(term_of(lead).matches, aggregate=aggregate.payload, text=lead.text)
            elif columns:
                inner = Term(
                    term_of(columns[-1]).matches,
                    aggregate=aggregate.payload,
                    text=columns[-1].text,
                )
            elif comparison.payload[1].words:
                inner = Term(hints=comparison.payload[1].words, aggregate=aggregate.payload)
            else:
                return None
        else:
            return None
        outer = Term(inner.matches, hints=inner.hints, text=inner.text)
        if lead is not None and lead.symbol == "C":
            outer = term_of(lead)
        op = comparison.payload[0]
        kept = [lead] if lead is not None and lead.symbol in "Tq" else []
        return [*kept, self._condition(Condition(outer, op, against=inner))]

    def _compare(self, units: list[Lexeme]) -> list[Lexeme] | None:
        number, comparison = first(units, "N"), first(units, "P")
        if number is None or comparison is None:
            return None
        op = units[-1].payload if units[-1].symbol == "p" else comparison.payload[0]
        lead = units[0]
        if lead.symbol == "C":
            if comparison.payload[1].words and not numeric(lead):
                return [lead, *(self._bare_number(units[1:]) or units[1:])]
            if op not in ("=", "<>") and not orderable(lead):
                return None
            term = term_of(lead)
        elif comparison.payload[1].words and lead.symbol == "q":
            # how many visitors are younger than 36: not the number of visitors is
            return [lead, *(self._bare_number(units[1:]) or units[1:])]
        else:
            term = lead.payload
        return [self._condition(Condition(term, op, (number.payload,), text=number.text))]

    def _unit_of_column(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "a lead time of more than 40 days": the unit is the column's own."""
        words = [stem(word) for word in split_identifier(units[0].columns[0].ref.column.name)]
        return units[:-1] if stem(units[-1].text) in words else None

    def _or_after(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "before 2009 or after 2010" for two alternatives."""
        said = PHRASES.get(units[1].text.removeprefix("or "))
        if said is None or said[0] != "P" or not units[1].text.startswith("or "):
            return None
        return [units[0], word("|", "or"), word("P", units[1].text, said[1])]

    def _inverted(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "not greater than" for "at most"."""
        op, *rest = units[1].payload
        return [word("P", units[1].text, (NEGATED[op], *rest))] if op in NEGATED else None

    def _bounds(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "weighs at least 3 and at most 5"."""
        at = next(position for position, unit in enumerate(units) if unit.symbol == "&")
        one = self._compare(units[:at])
        two = self._compare([units[0], *(u for u in units[at + 1 :] if u.symbol in "PN")])
        if not one or not two or len(one) != 1 or len(two) != 1:
            return None
        return [*one, *two]

    def _compare_number_first(self, units: list[Lexeme]) -> list[Lexeme] | None:
        number, comparison, what = first(units, "N"), first(units, "P"), first(units, "TC")
        after = first(units, "p")
        if number is None or what is None:
            return None
        op = after.payload if after else comparison.payload[0] if comparison else "="
        if what.symbol == "T":
            term = Term(relation=what.tables[0].relation, aggregate="count")
        elif numeric(what):
            term = term_of(what)
        elif what.columns:
            term = Term(what.columns, aggregate="count", distinct=True, text=what.text)
        else:
            return None
        return [self._condition(Condition(term, op, (number.payload,), text=number.text))]

    def _compare_restricted(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "at least 3 lost parcels": what is counted is restricted."""
        found = self._compare_number_first([unit for unit in units if unit.symbol != "c"])
        if found is None or units[-1].symbol != "T":
            return None
        kept = pick(units, "c")
        for one in kept:
            if one.payload.term.relation is None and not one.payload.term.aggregate:
                one.payload.term.relation = units[-1].tables[0].relation
        return [*kept, *found]

    def _equal(self, units: list[Lexeme]) -> list[Lexeme] | None:
        numbers = pick(units, "N")
        what = first(units, "CaqT")
        if what is None or (what.symbol == "C" and not (numeric(what) or texty(what))):
            return None
        if what.symbol == "T":
            term = Term(relation=what.tables[0].relation, aggregate="count")
        elif what.symbol == "C":
            term = term_of(what)
        else:
            term = what.payload
        values = tuple(number.payload for number in numbers)
        op = "=" if len(values) == 1 else "in"
        return [self._condition(Condition(term, op, values, text=numbers[0].text))]

    def _bare_number(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Older than 20: the adjective names the column."""
        comparison, number = first(units, "P"), first(units, "N")
        if comparison is None or number is None or not comparison.payload[1].words:
            return None
        if comparison.payload[2]:
            return None
        term = Term(hints=comparison.payload[1].words, text=comparison.text)
        return [
            self._condition(
                Condition(term, comparison.payload[0], (number.payload,), text=number.text)
            )
        ]

    def _limited(self, units: list[Lexeme]) -> list[Lexeme] | None:
        number, marks = first(units, "N"), pick(units, "X")
        if (
            number is None
            or not isinstance(number.payload, int)
            or not 0 < number.payload < 10_000
        ):
            return None
        last: Superlative = marks[-1].payload
        return [word("X", marks[-1].text, replace(last, limit=number.payload))]
