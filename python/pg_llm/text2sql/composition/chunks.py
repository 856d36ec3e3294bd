"""Chunks of a question: values, comparisons, periods, counts and aggregates.

Each method is the handler of one pattern of a reader's cascade.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, DateRange, Declined, Frame, Term
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.composition.measures import (
    additive,
    additive_name,
    counted,
    measure,
    quantity,
)
from pg_llm.text2sql.composition.patterns import first, pick
from pg_llm.text2sql.composition.terms import (
    dated,
    dated_condition,
    either,
    is_key,
    is_key_of,
    is_year,
    numeric,
    term_of,
    term_of_ref,
    texty,
)
from pg_llm.text2sql.english.dates import year_range
from pg_llm.text2sql.english.lexicon import TRADED, base

if TYPE_CHECKING:
    from pg_llm.text2sql.index import ColumnRef, Match, SchemaIndex


def word(symbol: str, text: str = "", payload: object = None) -> Lexeme:
    """Return a lexeme without links."""
    return Lexeme(symbol, text, payload)


class Chunks:
    """Handlers that turn spans into conditions and terms."""

    def __init__(self, schema: SchemaIndex, units: list[Lexeme]) -> None:
        self._schema = schema
        self._frame = Frame()
        self._units = units
        self._restricting = False

    def _condition(self, condition: Condition) -> Lexeme:
        return word("c", condition.text, condition)

    def _table_value(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Category Comedy: the value is one of that table."""
        table, value = units
        oid = table.tables[0].relation.oid
        named = {
            (m.relation.oid, m.column.name) for m in table.columns if m.column and m.score >= 0.8
        }
        if any((v.ref.relation.oid, v.ref.column.name) in named for v in value.values):
            table.symbol = "C"
            return None
        inside = [one for one in value.values if one.ref.relation.oid == oid]
        if inside:
            value.values = inside
            value.symbol = "V"
            return None
        if value.symbol == "S" and not value.values:
            display = self._schema.display(table.tables[0].relation)
            text = [ref for ref in display if ref.column.category == "S"][:1]
            if text:
                term = term_of_ref(text[0])
                return [
                    table,
                    self._condition(Condition(term, "=", (value.text,), text=value.text)),
                ]
        return None

    def _value_column(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the Sales department": the value, and the column that holds it."""
        column = units[-1]
        names = {
            (m.relation.oid, m.column.name)
            for m in column.columns
            if m.column is not None and m.score >= 0.8
        }
        values = units[-2].values
        inside = [v for v in values if (v.ref.relation.oid, v.ref.column.name) in names]
        if len(units) > 2 or not inside:
            return None
        value = inside[0].value
        condition = Condition(term_of(column), "=", (value,), choices=tuple(inside), text=value)
        return [self._condition(condition)]

    def _column_values(self, units: list[Lexeme]) -> list[Lexeme] | None:
        column, values = units[0], pick(units[1:], "SV")
        comparison = first(units, "P")
        if comparison is not None and comparison.payload[0] not in ("=", "<>"):
            return None
        negated = comparison is not None and comparison.payload[0] == "<>"
        negated = negated or first(units, "!") is not None
        # "revenue from Asia": what the word names only faintly does not hold the value
        faint = column.columns[0].score - 0.5 if column.columns else 0.0
        names = {
            (m.relation.oid, m.column.name)
            for m in column.columns
            if m.column and m.score >= faint
        }
        inside = [
            [v for v in value.values if (v.ref.relation.oid, v.ref.column.name) in names]
            for value in values
        ]
        term = term_of(column)
        if all(inside):
            if first(units[1:], "F") is not None and column.score >= 0.8:
                # "population of Berlin" asks for it; "in the city of Berlin" does not
                pass
            conditions = [
                Condition(term, "=", (one[0].value,), choices=tuple(one), text=value.text)
                for one, value in zip(inside, values, strict=True)
            ]
            return [self._condition(either(conditions, negated))]
        if all(value.symbol == "S" and not value.values for value in values):
            texts = tuple(value.text for value in values)
            return [
                self._condition(
                    Condition(
                        term,
                        "=" if len(texts) == 1 else "in",
                        texts,
                        negated=negated,
                        text=values[0].text,
                    )
                )
            ]
        return None

    def _values(self, units: list[Lexeme]) -> list[Lexeme]:
        conditions = []
        for value in pick(units, "SV"):
            if not value.values:
                raise Declined(f'no column holds the value "{value.text}"')
            conditions.append(
                Condition(
                    Term(),
                    "=",
                    (value.values[0].value,),
                    choices=tuple(value.values),
                    text=value.text,
                )
            )
        columns = [
            {(v.ref.relation.oid, v.ref.column.name) for v in condition.choices}
            for condition in conditions
        ]
        shared = set.intersection(*columns)
        if units[0].symbol == "b":
            for condition in conditions:
                condition.apart = True
                kept = [
                    v
                    for v in condition.choices
                    if (v.ref.relation.oid, v.ref.column.name) in shared
                ]
                condition.choices = tuple(kept) or condition.choices
            return [self._condition(condition) for condition in conditions]
        if len(conditions) > 1 and shared:
            found = either(conditions, False)
            found.every = first(units, "|") is None
            return [self._condition(found)]
        if first(units, "|") is not None:
            return [self._condition(Condition(Term(), "or", alternatives=tuple(conditions)))]
        return [self._condition(condition) for condition in conditions]

    def _like(self, units: list[Lexeme]) -> list[Lexeme] | None:
        marker = first(units, "L")
        value = units[-1]
        if marker is None:
            return None
        text = str(value.text)
        column = first(units, "C")
        term = term_of(column) if column else Term(text="name")
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return [
            self._condition(
                Condition(
                    term,
                    "like",
                    (marker.payload.replace("{}", escaped),),
                    negated=first(units, "!") is not None,
                    text=text,
                )
            )
        ]

    def _like_in(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "contains 'of' in the title"."""
        if units[-2].text != "in" or not texty(units[-1]):
            return None
        return self._like([units[-1], *units[:-2]])

    def _between(self, units: list[Lexeme]) -> list[Lexeme] | None:
        low, high = pick(units, "DN")
        column = first(units, "C")
        term = term_of(column) if column else Term(hints=("date", "time", "year"))
        if low.symbol == "N" and (column or not (is_year(low) and is_year(high))):
            if units[0].symbol == "F" and units[0].text != "from":
                return None
            if column is None:
                return None
            bounds = (low.payload, high.payload)
            return [self._condition(Condition(term, "between", bounds, text=high.text))]
        one, two = (
            unit.payload if unit.symbol == "D" else year_range(unit.payload)
            for unit in (low, high)
        )
        span = DateRange(one.start, two.end)
        years = (one.year, two.year) if one.year and two.year else ()
        return [self._condition(Condition(term, "date", (span, *years)))]

    def _dates(self, units: list[Lexeme]) -> list[Lexeme] | None:
        when = first(units, "DN")
        column = first(units, "C")
        comparison = first(units, "P")
        temporal = comparison is not None and comparison.payload[2]
        if when is None:
            return None
        if when.symbol == "N":
            preposition = first(units, "F")
            yearly = column is not None and "year" in " ".join(column.payload or [])
            placed = preposition is not None and preposition.text in (
                "in",
                "on",
                "during",
                "from",
                "of",
                "for",
            )
            if not is_year(when) or not (yearly or placed or temporal):
                return None
            if column is not None and not yearly and not temporal and not dated(column):
                column_kept = [column]
                column = None
            else:
                column_kept = []
            span = year_range(when.payload)
        else:
            span, column_kept = when.payload, []
            if column is not None and not dated(column):
                column_kept, column = [column], None
        op = comparison.payload[0] if comparison else "="
        if units[-1].symbol == "p":
            op = units[-1].payload
        term = term_of(column) if column else Term(hints=("date", "time", "year"))
        return [*column_kept, self._condition(dated_condition(term, op, span))]

    def _years(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "in 2014 or 2015": two periods of one date."""
        years = pick(units, "ND")
        if len(years) != 2 or not all(one.symbol == "D" or is_year(one) for one in years):
            return None
        if units[0].symbol == "F" and units[0].text not in ("in", "during", "from", "for", "on"):
            return None
        periods = [y.payload if y.symbol == "D" else year_range(y.payload) for y in years]
        parts = tuple(
            dated_condition(Term(hints=("date", "time", "year")), "=", period)
            for period in periods
        )
        return [self._condition(Condition(Term(), "or", alternatives=parts))]

    def _aggregate_of_number(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the average number of pages": the number is stored."""
        return [units[0], units[-1]] if numeric(units[-1]) else None

    def _quotient(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the revenue per copy": a sum divided by a sum."""
        one, each, two = units[-3:]
        if each.text != "per" or not (numeric(one) and numeric(two)) or is_key_of(two):
            return None
        if units[0].symbol == "A" and units[0].payload not in ("avg", "sum"):
            return None
        term = term_of(one)
        term.aggregate, term.operator, term.other = "sum", "/", term_of(two)
        return [word("a", f"{one.text} per {two.text}", term)]

    def _minus(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the charge minus the discount"."""
        one, _, two = units[-3:]
        days = dated(one) and dated(two) and not numeric(one)
        if not days and not (numeric(one) and numeric(two)):
            return None
        if days:
            one.columns, two.columns = _dates_of(one), _dates_of(two)
        aggregate = units[0].payload if units[0].symbol == "A" else None
        if aggregate is None and not days and any(unit.symbol == "E" for unit in self._units):
            aggregate = "sum"
        term = term_of(one)
        term.aggregate, term.operator, term.other = aggregate, "-", term_of(two)
        if aggregate is not None:
            return [word("a", one.text, term)]
        return [replace(one, text=f"{one.text} minus {two.text}", payload=term)]

    def _aggregates(self, units: list[Lexeme]) -> list[Lexeme]:
        if units[0].symbol == "X":
            return [units[0], *self._aggregate_list(units[1:])]
        return self._aggregate_list(units)

    def _aggregate_list(self, units: list[Lexeme]) -> list[Lexeme]:
        columns = pick(units, "C")
        aggregates = [unit.payload for unit in pick(units, "A")]
        terms = [
            replace(term_of(columns[0]), aggregate=aggregate, text=columns[0].text)
            for aggregate in aggregates
        ]
        for column in columns[1:]:
            first_match = column.columns[0].column
            summed = (
                numeric(columns[0]) and first_match is not None and first_match.category == "N"
            )
            terms.append(
                Term(
                    term_of(column).matches,
                    aggregate=aggregates[-1] if summed else None,
                    text=column.text,
                )
            )
        kept = pick(units, "c")
        out: list[Lexeme] = []
        for term in terms:
            if out:
                out.append(word("&", ","))
            if term.aggregate:
                out.append(word("a", term.text, term))
            else:
                out.append(columns[-1])
        return [*kept, *out]

    def _aggregate_of_table(self, units: list[Lexeme]) -> list[Lexeme] | None:
        table = units[-1]
        preposition = first(units, "F")
        if preposition is not None and preposition.text != "of":
            return None
        relation = table.tables[0].relation
        found = measure(relation)
        aggregate = units[0].payload
        if found is None:
            if aggregate != "sum":
                return None
            return [
                *pick(units, "c"),
                word("q", table.text, Term(relation=relation, aggregate="count")),
            ]
        term = term_of_ref(found, aggregate)
        return [*pick(units, "c"), word("a", table.text, term)]

    def _alternatives(self, units: list[Lexeme]) -> list[Lexeme] | None:
        one, two = units[0].payload, units[-1].payload
        if one.term.aggregate or two.term.aggregate:
            return None
        if two.op == "like" and not two.term.matches and one.op == "like":
            two.term = one.term
        parts = [*(one.alternatives or (one,)), two]
        return [self._condition(Condition(Term(), "or", alternatives=tuple(parts)))]

    def _count_column(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "number of degree names": a column of that table."""
        table, column = units[-2:]
        inside = [m for m in column.columns if m.relation.oid == table.tables[0].relation.oid]
        if not inside or inside[0].score < 0.45:
            return None
        column.columns = inside
        return self._count([*units[:-2], column])

    def _count(self, units: list[Lexeme]) -> list[Lexeme] | None:
        last = units[-1]
        distinct = first(units, "U") is not None
        kept = pick(units, "c")
        if last.symbol == "T":
            relation = last.tables[0].relation
            if distinct and last.columns and last.columns[0].score >= 0.8:
                term = Term(last.columns, aggregate="count", distinct=True, text=last.text)
                return [*kept, word("q", last.text, term)]
            self._frame.entity_score = min(self._frame.entity_score, last.tables[0].score)
            return [*kept, word("q", last.text, Term(relation=relation, aggregate="count"))]
        best = last.columns[0]
        numeric = best.column is not None and best.column.category == "N"
        keyed = best.column is not None and is_key(best.column.name)
        if numeric and not keyed and not distinct:
            if last.tables or (best.score < 0.8 and not self._sold(best.ref)):
                return None
            if (additive(best.ref) and not counted(best.ref)) or self._sold(best.ref):
                # "how many units": they are stored as numbers, and add up
                done = self._number_done(best.ref)
                term = (
                    term_of_ref(done, "sum")
                    if done
                    else Term(last.columns, aggregate="sum", text=last.text)
                )
                return [*kept, word("a", last.text, term)]
            # "how many cylinders": the number itself is stored
            return [*kept, last]
        term = Term(last.columns, aggregate="count", distinct=True, text=last.text)
        return [*kept, word("q", last.text, term)]

    def _number_done(self, ref: ColumnRef) -> ColumnRef | None:
        """Return the quantity of what a verb names ("units were returned": returns)."""
        for unit in self._units:
            found = self._schema.find([base(unit.text)]) if unit.symbol == "v" else []
            tables = [m for m in found if m.column is None and m.score >= 0.75]
            if tables and tables[0].relation.oid != ref.relation.oid:
                amount = quantity(tables[0].relation)
                if amount is not None:
                    self._frame.verbs = tuple(v for v in self._frame.verbs if v != unit.text)
                    return amount
        return None

    def _sold(self, ref: ColumnRef) -> bool:
        """Whether "how many copies were sold" asks for a sum: counts of single events."""
        whole = ref.column.type in ("smallint", "integer", "bigint")
        verbs = {base(unit.text) for unit in self._units if unit.symbol == "v"}
        each = any(unit.symbol == "E" for unit in self._units)
        return whole and (each or bool(verbs & TRADED)) and additive_name(ref.column.name)


def _dates_of(unit: Lexeme) -> list[Match]:
    return [match for match in unit.columns if match.column and match.column.category == "D"]
