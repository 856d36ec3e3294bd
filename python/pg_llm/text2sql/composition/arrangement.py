"""How a question arranges its answer: order, groups, extremes, negation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.chunks import word
from pg_llm.text2sql.composition.comparisons import Comparisons
from pg_llm.text2sql.composition.frame import Condition, Declined, Order, Presence, Term
from pg_llm.text2sql.composition.patterns import first, pick
from pg_llm.text2sql.composition.terms import flag_value, group_term, term_of, texty

if TYPE_CHECKING:
    from pg_llm.text2sql.composition.lexeme import Lexeme, Superlative


# "Highest first" sorts by the number that was asked for.
_OF_VALUES = ("high", "low", "large", "small", "most", "least", "高", "低", "大", "小", "多", "少")


class Arrangement(Comparisons):
    """Handlers that fill a frame's orders, groups and absences."""

    def _order(self, units: list[Lexeme]) -> list[Lexeme]:
        default = first(units, "X")
        terms: list[Order] = []
        for unit in units[1:]:
            if unit.symbol in "Caq":
                term = term_of(unit) if unit.symbol == "C" else unit.payload
                terms.append(Order(term, bool(default and default.payload.descending)))
            elif unit.symbol == "K" and terms:
                for one in terms:
                    one.descending = bool(unit.payload)
        self._frame.orders += terms
        return []

    def _order_table(self, units: list[Lexeme]) -> list[Lexeme]:
        table, direction = first(units, "T"), first(units, "K")
        if table is not None:
            matches = table.columns if table.columns and table.columns[0].score >= 0.6 else []
            self._frame.orders.append(
                Order(
                    Term(
                        matches,
                        text="name",
                        relation=None if matches else table.tables[0].relation,
                    ),
                    bool(direction and direction.payload),
                )
            )
        return []

    def _order_direction_first(self, units: list[Lexeme]) -> list[Lexeme]:
        last = units[-1]
        term = term_of(last) if last.symbol == "C" else last.payload
        self._frame.orders.append(Order(term, bool(units[0].payload)))
        return []

    def _direction(self, units: list[Lexeme]) -> list[Lexeme]:
        unit = units[0]
        if unit.symbol == "k":
            hint, descending = unit.payload
            if self._frame.orders:
                self._frame.orders[-1].descending = descending
            else:
                self._frame.orders.append(Order(Term(hints=hint.words), descending))
        elif self._frame.orders:
            self._frame.orders[-1].descending = bool(unit.payload)
        else:
            by_value = any(word in unit.text for word in _OF_VALUES)
            text = "first value" if by_value else "first item"
            self._frame.orders.append(Order(Term(text=text), bool(unit.payload)))
        return []

    def _superlative_term(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, last = first(units, "X"), units[-1]
        if mark is None:
            return None
        self._extreme(mark.payload, last.payload)
        return []

    def _extreme(self, mark: Superlative, term: Term) -> None:
        self._frame.orders.append(Order(term, mark.descending, extreme=True))
        self._frame.limit = mark.limit or self._frame.limit or 1

    def _group(self, units: list[Lexeme]) -> list[Lexeme]:
        for unit in pick(units, "TC"):
            self._frame.groups.append(group_term(unit))
        return []

    def _group_by_time(self, units: list[Lexeme]) -> list[Lexeme]:
        unit = units[-1].payload
        self._frame.groups.append(Term(hints=("date", "time", unit), unit=unit, text=unit))
        return []

    def _first_few(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the 5 products with the highest price"."""
        if not isinstance(units[0].payload, int) or not 0 < units[0].payload < 10_000:
            return None
        self._frame.limit = units[0].payload
        return []

    def _name_of_text(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Take "the names of the institutions": the text itself."""
        if units[0].text in ("name", "names") and units[1].text == "of" and texty(units[2]):
            best = units[2].columns[0]
            named = [m for m in units[0].columns if m.relation.oid == best.relation.oid]
            if best.score >= 0.8 and not any(m.score >= 0.8 for m in named):
                return units[2:]
        return None

    def _name_of(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Government form name: the text itself; a name said twice is one."""
        if units[0].columns[0].ref == units[1].columns[0].ref:
            return units[:1]
        if units[1].text in ("name", "names") and texty(units[0]):
            return units[:1]
        return None

    def _flag(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Official languages: a column that says yes or no."""
        match = units[0].columns[0]
        if match.column is None or match.score < 0.45:
            return None
        flag = flag_value(match.column)
        if flag is None:
            return None
        term = Term(units[0].columns[:1], text=units[0].text)
        if flag is True:
            return [self._condition(Condition(term, "true", text=units[0].text))]
        return [self._condition(Condition(term, "=", (flag,), text=units[0].text))]

    def _aggregate_of_own(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Total payment amount: a column of that table."""
        table, column = units[-2:]
        inside = [m for m in column.columns if m.relation.oid == table.tables[0].relation.oid]
        if not inside or inside[0].score < 0.45:
            return None
        column.columns = inside
        return self._aggregate_list([units[0], column])

    def _group_by(self, units: list[Lexeme]) -> list[Lexeme]:
        """Total amount by method."""
        at = next(position for position, unit in enumerate(units) if unit.symbol == "Y")
        for unit in pick(units[at:], "TC"):
            self._frame.groups.append(group_term(unit))
        return units[:at]

    def _unsaid(self, units: list[Lexeme]) -> list[Lexeme]:
        """Decline "products by category": nothing is computed for each."""
        raise Declined(f'what is to be computed by "{units[-1].text}" is not said')

    def _plain_by(self, units: list[Lexeme]) -> list[Lexeme]:
        return [word("F", units[0].text)]

    def _top_by(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Top 5 customers by total payment."""
        mark, last = units[0].payload, units[-1]
        if not mark.limit or mark.hint.words:
            return None
        second = None
        if units[-2].symbol == "&" and units[-3].symbol in "aq":
            # by the number of orders and the average price
            second, units = last, units[:-2]
            last = units[-1]
        preposition = units[-2]
        if preposition.symbol == "F" and preposition.text not in ("by", "in", "via"):
            return None
        self._extreme(mark, last.payload if last.symbol in "aq" else term_of(last))
        if second is not None:
            self._frame.orders.append(Order(second.payload, mark.descending))
        return [unit for unit in units[1:-1] if unit.symbol in "TCcU&"]

    def _negation(self, units: list[Lexeme]) -> list[Lexeme] | None:
        conditions = [unit.payload for unit in pick(units, "c")]
        table = first(units, "T")
        column = first(units, "C")
        if table is not None:
            self._frame.presences.append(
                Presence(table.tables[0].relation, True, list(conditions))
            )
            return []
        if column is not None:
            if conditions:
                return None
            match = column.columns[0]
            flag = flag_value(match.column) if match.column is not None else None
            term = Term(column.columns[:1], text=column.text)
            if flag is True:
                return [self._condition(Condition(term, "false", text=column.text))]
            if flag is not None:
                return [self._condition(Condition(term, "<>", (flag,), text=column.text))]
            return [self._condition(Condition(term_of(column), "is null", text=column.text))]
        if not conditions:
            return None
        conditions[0].negated = not conditions[0].negated
        return [unit for unit in units if unit.symbol == "c"]
