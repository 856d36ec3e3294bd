"""Reading a Chinese question: modifiers come first, the head noun last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql import chinese_lexer
from pg_llm.text2sql.english import Reader
from pg_llm.text2sql.frame import Condition, Declined, Frame, Order, Presence, Term
from pg_llm.text2sql.lexeme import Lexeme
from pg_llm.text2sql.measures import measure, row_amount
from pg_llm.text2sql.patterns import Handler, first, pick
from pg_llm.text2sql.terms import dated, group_term, numeric, term_of, term_of_ref

if TYPE_CHECKING:
    from pg_llm.text2sql.english_lexer import Probe
    from pg_llm.text2sql.index import SchemaIndex


def read(question: str, schema: SchemaIndex, probe: Probe) -> Frame:
    """Return the meaning of a Chinese question; raises `Declined`."""
    units = chinese_lexer.lexemes(question, schema, probe)
    if not chinese_lexer.has_names(schema) and not pick(units, "TC"):
        raise Declined("no word of the question names a table or column that you may read")
    return _ChineseReader(schema, units).read()


class _ChineseReader(Reader):
    """The same chunks, in Chinese order."""

    def _rules(self) -> list[tuple[str, Handler]]:
        return [
            (r"&&+", lambda _: [Lexeme("&", ",")]),
            (r"E(m)", self._by_time),
            (r"TC(?=[PXdAKN]|$)", self._count_by_word),
            (r"O[TC](?:&[TC])*(?![QACdXSVaq]*K)", self._group),
            (r"E[TC](?:&E[TC])*(?![QACdXSV]*K)(?![cSV])", self._group),
            (r"C?[F]?L[SV?]|C?F?[SV?]L", self._pattern),
            (r"C[FI]?[SV](?:[&|][SV])*", self._column_values),
            (r"[SV](?:[&|]+[SV])*", self._values),
            (r"C?F?[BF]?DB?D|C[FI]?B?NBNB?", self._between),
            (r"C?F?DF?p?", self._dates),
            (r"(?:TdQ|TQ|QT|Q(?:cd?)+T)", self._count_table),
            (r"QU?C|U?CdU?Q|CQ|QUT|UTQ", self._count_distinct),
            (r"Ad?C", self._aggregate_before),
            (r"Cd?A", self._aggregate_after),
            (r"TC?d?A|AT", self._aggregate_table),
            (r"[Ca]P[dTC]?A", self._above),
            (r"PN[TC](?=d|F|$)|PN[TC]p", self._number_first),
            (r"[Caq]I?PN", self._compare),
            (r"TPN", self._count_above),
            (r"[Caq]I?Np", self._number_after),
            (r"CI?N", self._equal),
            (r"O[Caq](?:&[Caq])*K", self._order),
            (r"E[Caq]K", self._order),
            (r"K", self._direction),
            (r"[CTaq]XdN?|[CTaq]X$|[CTaq]X(?=[TH])", self._most),
            (r"X[aq]", self._most_first),
            (r"XC", self._extreme_value),
            (r"XdN?(?=T)", self._hinted_chinese),
            (r"E[TC](?:&E?[TC](?=[daq&]|$))?", self._group),
            (r"![TC]", self._without),
            (r"!c", self._negated),
            (r"c\|c", self._alternatives),
            (r"^[^CaqX]*C[^CaqX]*$", self._total_by_word),
        ]

    def _by_time(self, units: list[Lexeme]) -> list[Lexeme]:
        unit = units[-1].payload
        self._frame.groups.append(Term(hints=("date", "time", unit), unit=unit, text=unit))
        return []

    def _pattern(self, units: list[Lexeme]) -> list[Lexeme] | None:
        marker, column = first(units, "L"), first(units, "C")
        text = next((unit for unit in units if unit.symbol in "SV?"), None)
        if marker is None or text is None:
            return None
        term = term_of(column) if column else Term(text="name")
        pattern = marker.payload.replace("{}", text.text.replace("%", "\\%").replace("_", "\\_"))
        return [self._condition(Condition(term, "like", (pattern,), text=text.text))]

    def _count_table(self, units: list[Lexeme]) -> list[Lexeme]:
        table = first(units, "T")
        assert table is not None  # noqa: S101
        self._frame.entity_score = min(self._frame.entity_score, table.tables[0].score)
        relation = table.tables[0].relation
        count = Lexeme("q", table.text, Term(relation=relation, aggregate="count"))
        return [*pick(units, "c"), count]

    def _count_by_word(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """订单数量: a count, although some other table has a quantity."""
        table, column = units
        if column.text not in ("数量", "数目", "总数", "个数"):
            return None
        if any(m.relation.oid == table.tables[0].relation.oid for m in column.columns):
            return None
        return self._count_table([table])

    def _total_by_word(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """总金额是多少: the sum, although a column of each row has that name."""
        column = first(units, "C")
        if column is None or "总" not in column.text or not numeric(column):
            return None
        if not any("多少" in unit.text for unit in self._units):
            return None
        total = Lexeme("a", column.text, Term(column.columns, aggregate="sum", text=column.text))
        return [total if unit is column else unit for unit in units]

    def _count_distinct(self, units: list[Lexeme]) -> list[Lexeme] | None:
        what = first(units, "CT")
        if what is None:
            return None
        if what.symbol == "T" and not what.columns:
            return self._count_table(units)
        if first(units, "U") is None and numeric(what):
            return [what]
        term = Term(what.columns, aggregate="count", distinct=True, text=what.text)
        return [Lexeme("q", what.text, term)]

    def _aggregate_before(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, column = units[0], units[-1]
        if not numeric(column):
            return None
        return [
            Lexeme(
                "a", column.text, Term(column.columns, aggregate=mark.payload, text=column.text)
            )
        ]

    def _aggregate_after(self, units: list[Lexeme]) -> list[Lexeme] | None:
        return self._aggregate_before([units[-1], units[0]])

    def _aggregate_table(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, table = first(units, "A"), first(units, "T")
        if mark is None or table is None:
            return None
        found = measure(table.tables[0].relation)
        if found is None:
            return None
        return [Lexeme("a", table.text, term_of_ref(found, mark.payload))]

    def _above(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, comparison, lead = units[-1], first(units, "P"), units[0]
        if comparison is None or lead.symbol != "C":
            return None
        inner = Term(lead.columns, aggregate=mark.payload, text=lead.text)
        return [self._condition(Condition(term_of(lead), comparison.payload[0], against=inner))]

    def _number_first(self, units: list[Lexeme]) -> list[Lexeme] | None:
        return self._compare_number_first([unit for unit in units if unit.symbol != "p"])

    def _count_above(self, units: list[Lexeme]) -> list[Lexeme]:
        term = Term(relation=units[0].tables[0].relation, aggregate="count")
        return self._threshold(term, units[1].payload[0], units[2])

    def _number_after(self, units: list[Lexeme]) -> list[Lexeme] | None:
        lead, amount, after = units[0], first(units, "N"), units[-1]
        if amount is None:
            return None
        term = term_of(lead) if lead.symbol == "C" else lead.payload
        return self._threshold(term, after.payload, amount)

    def _threshold(self, term: Term, op: str, amount: Lexeme) -> list[Lexeme]:
        return [self._condition(Condition(term, op, (amount.payload,), text=amount.text))]

    def _most(self, units: list[Lexeme]) -> list[Lexeme] | None:
        lead, mark = units[0], first(units, "X")
        amount = first(units, "N")
        if mark is None or mark.payload.hint.words:
            return None
        if lead.symbol == "T":
            found = row_amount(lead.tables[0].relation)
            term = (
                term_of_ref(found, "sum")
                if found is not None
                else Term(relation=lead.tables[0].relation, aggregate="count")
            )
        elif lead.symbol == "C":
            term = term_of(lead)
        else:
            term = lead.payload
        self._frame.orders.append(Order(term, mark.payload.descending, extreme=True))
        self._frame.limit = amount.payload if amount else self._frame.limit or 1
        return []

    def _most_first(self, units: list[Lexeme]) -> list[Lexeme]:
        return self._most([units[1], units[0]]) or []

    def _extreme_value(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, column = units
        if mark.payload.hint.words or not (numeric(column) or dated(column)):
            return None
        aggregate = "max" if mark.payload.descending else "min"
        return [
            Lexeme("a", column.text, Term(column.columns, aggregate=aggregate, text=column.text))
        ]

    def _hinted_chinese(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, amount = units[0], first(units, "N")
        if not mark.payload.hint.words:
            return None
        hint = mark.payload.hint
        term = Term(hints=(*hint.words, *hint.inverse), text=units[0].text)
        self._frame.orders.append(Order(term, mark.payload.descending, extreme=True))
        self._frame.limit = amount.payload if amount else 1
        return []

    def _group(self, units: list[Lexeme]) -> list[Lexeme]:
        for unit in pick(units, "TC"):
            self._frame.groups.append(group_term(unit))
        return []

    def _without(self, units: list[Lexeme]) -> list[Lexeme] | None:
        what = units[-1]
        if what.symbol == "T":
            self._frame.presences.append(Presence(what.tables[0].relation, True))
            return []
        return [self._condition(Condition(term_of(what), "is null", text=what.text))]

    def _negated(self, units: list[Lexeme]) -> list[Lexeme]:
        units[1].payload.negated = not units[1].payload.negated
        return [units[1]]

    def _sentences(self) -> tuple[list[Lexeme], list[list[Lexeme]]]:
        if not pick(self._units, "TCVSNDAQXa"):
            raise Declined("no word of the question names anything that you may read")
        return self._units, []

    def _head(self, units: list[Lexeme]) -> None:
        frame = self._frame
        named = [unit for unit in units if unit.symbol == "T"]
        for position, unit in enumerate(units):
            symbol = unit.symbol
            if symbol == "c":
                following = next((u for u in units[position + 1 :] if u.symbol == "T"), None)
                self._place(unit.payload, following)
                frame.conditions.append(unit.payload)
            elif symbol in "aq":
                frame.select.append(unit.payload)
            elif symbol == "C":
                frame.select.append(term_of(unit))
            elif symbol == "U":
                frame.distinct = True
            elif symbol in "NPpBLSVAXE!|":
                raise Declined(f'"{unit.text}" could not be placed')
        self._entity(named)
        ranked = any(order.extreme for order in frame.orders)
        if frame.groups and not frame.select and not ranked:
            raise Declined("the question groups, and names nothing to compute for each group")

    def _entity(self, named: list[Lexeme]) -> None:
        """Take the last noun as the head; what stands before it restricts it."""
        frame = self._frame
        if not named:
            return
        head = named[-1]
        frame.entity = head.tables[0].relation
        frame.entity_score = head.tables[0].score
        counted = {t.relation.oid for t in frame.select if t.aggregate and t.relation is not None}
        for unit in named[:-1]:
            relation = unit.tables[0].relation
            if relation.oid != frame.entity.oid and relation.oid not in counted:
                frame.presences.append(Presence(relation))
