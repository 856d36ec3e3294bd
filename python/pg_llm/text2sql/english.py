"""Reading an English question: lexemes become a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql import english_lexer
from pg_llm.text2sql.english_dates import year_range
from pg_llm.text2sql.frame import Condition, DateRange, Declined, Frame, Order, Presence, Term
from pg_llm.text2sql.lexeme import Lexeme, Superlative
from pg_llm.text2sql.measures import measure
from pg_llm.text2sql.patterns import Handler, apply, first, pick

if TYPE_CHECKING:
    from pg_llm.text2sql.english_lexer import Probe
    from pg_llm.text2sql.index import SchemaIndex


def read(question: str, schema: SchemaIndex, probe: Probe) -> Frame:
    """Return the meaning of an English question; raises `Declined`."""
    units = english_lexer.lexemes(question, schema, probe)
    reader = Reader(schema, units)
    frame = reader.read()
    frame.hints = english_lexer.content_words(question)
    return frame


def _word(symbol: str, text: str = "", payload: object = None) -> Lexeme:
    return Lexeme(symbol, text, payload)


class Reader:
    """One pass over one question."""

    def __init__(self, schema: SchemaIndex, units: list[Lexeme]) -> None:
        self._schema = schema
        self._frame = Frame()
        self._units = units
        self._restricting = False

    def read(self) -> Frame:
        frame = self._frame
        frame.words = sum(1 for unit in self._units if unit.symbol in "TCVSNDAQXP?v")
        frame.unread = [unit.text for unit in self._units if unit.symbol == "?"]
        frame.scores = [unit.score for unit in self._units if unit.symbol in "TCV"]
        main, others = self._sentences()
        main = self._chunks(_without_light(main))
        self._head(main)
        for other in others:
            self._return_list(other)
        return frame

    # ---- sentences ----------------------------------------------------------

    def _sentences(self) -> tuple[list[Lexeme], list[list[Lexeme]]]:
        parts: list[list[Lexeme]] = [[]]
        for unit in self._units:
            if unit.symbol == ".":
                parts.append([])
            else:
                parts[-1].append(unit)
        parts = [part for part in parts if any(unit.symbol in "TCVSNDAQX" for unit in part)]
        if not parts:
            raise Declined("no word of the question names anything that you may read")
        main, others = parts[0], []
        for part in parts[1:]:
            if part[0].symbol == "O":
                main = [*main, *part]
            elif part[0].symbol in "GH":
                others.append(part)
            else:
                raise Declined("the question has several sentences that do not fit together")
        return main, others

    def _return_list(self, part: list[Lexeme]) -> None:
        """Take "Return the name and the age": a list of what is wanted."""
        frame, kept = self._frame, self._frame.select
        rest = self._chunks(_without_light(part))
        frame.select = []
        entity = frame.entity
        self._items(rest)
        if not frame.select:
            frame.select = kept
        elif not any(term.aggregate for term in frame.select):
            frame.select += [term for term in kept if term.aggregate]
        frame.entity = entity or frame.entity

    # ---- chunks -------------------------------------------------------------

    def _chunks(self, units: list[Lexeme]) -> list[Lexeme]:
        for pattern, handler in self._rules():
            units = apply(units, pattern, handler)
        return units

    def _rules(self) -> list[tuple[str, Handler]]:
        return [
            (r"&&+", lambda _: [_word("&", ",")]),
            (r"C?W?!?L[FU]*[SVN?]", self._like),
            (r"TT+", self._compound),
            (r"TS|TV", self._table_value),
            (r"C[FWP]?[SV](?:[&|][SV])*", self._column_values),
            (r"b?[SV](?:[&|]+[SV])*", self._values),
            (r"C?F?BD&D|C?FDFD|C?F?BN&N|C?FNFN", self._between),
            (r"C?[FP]*Np?|C?[FP]*Dp?", self._dates),
            (r"EM|YM|M(?=[aqAQCT])", self._group_by_time),
            (r"(?<!P)(?<!O)N(?=T(?:[FWc]|TW)*X)", self._first_few),
            (r"A[FU]*TC", self._aggregate_of_own),
            (r"X?A(?:&?A)*[FU]*c?C(?:c?[&]C(?=[FE]|$))?", self._aggregates),
            (r"A[FU]*c?T", self._aggregate_of_table),
            (r"Q[FU]*c*U?TC", self._count_column),
            (r"Q[FU]*c*U?[TC]", self._count),
            (r"[aq][^OXE!Y]*Y[TC](?:&[TC](?=[FWcE&]|$))*", self._group_by),
            (r"Y", self._plain_by),
            (r"[TCaq]?W?P(?:A|E|a)[FCT]*", self._against),
            (r"(?<!C)(?<!CW)(?<!a)(?<!aW)PN[TC]|NpT|NpC|PC[FW]?N", self._compare_number_first),
            (r"[Caq]W?F?PNp?", self._compare),
            (r"PN[TC]", self._compare_number_first),
            (r"[Caq]FN|[Caq]N(?:\|N)*|WNC|WNT", self._equal),
            (r"P?Np?", self._bare_number),
            (r"c\|[WF]*c", self._alternatives),
            (r"XNXF?(?=[CTaq])|NX|XN", self._limited),
            (r"X[cU]*[TC][FW]+[aq]|XTFC", self._top_by),
            (r"O[FX]*[UFE]*[Caq]K?(?:&[Caq]K?)*", self._order),
            (r"O[FU]*TK?", self._order_table),
            (r"OK", lambda units: units[1:]),
            (r"KF[UF]*[Caq]", self._order_direction_first),
            (r"[Kk]", self._direction),
            (r"[WF]*XF?[UF]*[aq]", self._superlative_term),
            (r"E[FU]*[TC](?:[&]E?[TC](?=[&FWcX.]|$))?", self._group),
            (r"![WF]*c?[TC]?(?:[FW]*c)*", self._negation),
        ]

    def _condition(self, condition: Condition) -> Lexeme:
        return _word("c", condition.text, condition)

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

    def _column_values(self, units: list[Lexeme]) -> list[Lexeme] | None:
        column, values = units[0], pick(units[1:], "SV")
        comparison = first(units, "P")
        if comparison is not None and comparison.payload[0] not in ("=", "<>"):
            return None
        negated = comparison is not None and comparison.payload[0] == "<>"
        names = {(m.relation.oid, m.column.name) for m in column.columns if m.column}
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
            return [self._condition(_either(conditions, negated))]
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
        if units[0].symbol == "b":
            for condition in conditions:
                condition.apart = True
            return [self._condition(condition) for condition in conditions]
        columns = [
            {(v.ref.relation.oid, v.ref.column.name) for v in condition.choices}
            for condition in conditions
        ]
        if len(conditions) > 1 and set.intersection(*columns):
            return [self._condition(_either(conditions, False))]
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

    def _between(self, units: list[Lexeme]) -> list[Lexeme] | None:
        low, high = pick(units, "DN")
        column = first(units, "C")
        term = term_of(column) if column else Term(hints=("date", "time", "year"))
        if low.symbol == "N" and (column or not (_is_year(low) and _is_year(high))):
            if units[0].symbol == "F" and units[0].text != "from":
                return None
            if column is None:
                return None
            return [self._condition(Condition(term, "between", (low.payload, high.payload)))]
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
            if not _is_year(when) or not (yearly or placed or temporal):
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
        return [*column_kept, self._condition(_dated_condition(term, op, span))]

    def _aggregates(self, units: list[Lexeme]) -> list[Lexeme]:
        if units[0].symbol == "X":
            return [units[0], *self._aggregate_list(units[1:])]
        return self._aggregate_list(units)

    def _aggregate_list(self, units: list[Lexeme]) -> list[Lexeme]:
        columns = pick(units, "C")
        aggregates = [unit.payload for unit in pick(units, "A")]
        terms = [
            Term(term_of(columns[0]).matches, aggregate=aggregate, text=columns[0].text)
            for aggregate in aggregates
        ]
        for column in columns[1:]:
            summed = numeric(column) and numeric(columns[0])
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
                out.append(_word("&", ","))
            if term.aggregate:
                out.append(_word("a", term.text, term))
            else:
                out.append(columns[-1])
        return [*kept, *out]

    def _aggregate_of_table(self, units: list[Lexeme]) -> list[Lexeme] | None:
        table = units[-1]
        relation = table.tables[0].relation
        found = measure(relation)
        aggregate = units[0].payload
        if found is None:
            if aggregate != "sum":
                return None
            return [
                *pick(units, "c"),
                _word("q", table.text, Term(relation=relation, aggregate="count")),
            ]
        term = term_of_ref(found, aggregate)
        return [*pick(units, "c"), _word("a", table.text, term)]

    def _compound(self, units: list[Lexeme]) -> list[Lexeme]:
        """Car models: the last noun is the head."""
        return units[-1:]

    def _alternatives(self, units: list[Lexeme]) -> list[Lexeme] | None:
        one, two = units[0].payload, units[-1].payload
        if one.term.aggregate or two.term.aggregate:
            return None
        parts = [*(one.alternatives or (one,)), two]
        return [self._condition(Condition(Term(), "or", alternatives=tuple(parts)))]

    def _count_column(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Number of degree names: a column of that table."""
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
                return [*kept, _word("q", last.text, term)]
            self._frame.entity_score = min(self._frame.entity_score, last.tables[0].score)
            return [*kept, _word("q", last.text, Term(relation=relation, aggregate="count"))]
        best = last.columns[0]
        numeric = best.column is not None and best.column.category == "N"
        keyed = best.column is not None and _is_key(best.column.name)
        if numeric and not keyed and not distinct:
            if last.tables or best.score < 0.8:
                return None
            # "how many cylinders": the number itself is stored
            return [*kept, last]
        term = Term(last.columns, aggregate="count", distinct=True, text=last.text)
        return [*kept, _word("q", last.text, term)]

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
            term = term_of(lead)
        else:
            term = lead.payload
        return [self._condition(Condition(term, op, (number.payload,), text=number.text))]

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

    def _equal(self, units: list[Lexeme]) -> list[Lexeme] | None:
        numbers = pick(units, "N")
        what = first(units, "CaqT")
        if what is None or (what.symbol == "C" and not (numeric(what) or _texty(what))):
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
        return [
            _word(
                "X",
                marks[-1].text,
                Superlative(last.descending, last.hint, last.common, number.payload),
            )
        ]

    # ---- order, groups, negation --------------------------------------------

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
            self._frame.orders.append(Order(Term(text="first item"), bool(unit.payload)))
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
        """The 5 products with the highest price."""
        if not isinstance(units[0].payload, int) or not 0 < units[0].payload < 10_000:
            return None
        self._frame.limit = units[0].payload
        return []

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

    def _plain_by(self, units: list[Lexeme]) -> list[Lexeme]:
        return [_word("F", units[0].text)]

    def _top_by(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """Top 5 customers by total payment."""
        mark, last = units[0].payload, units[-1]
        if not mark.limit or mark.hint.words:
            return None
        preposition = units[-2]
        if preposition.symbol == "F" and preposition.text not in ("by", "in", "via"):
            return None
        self._extreme(mark, last.payload if last.symbol in "aq" else term_of(last))
        return [unit for unit in units[1:-1] if unit.symbol in "TCcU"]

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
            return [self._condition(Condition(term_of(column), "is null", text=column.text))]
        if not conditions:
            return None
        conditions[0].negated = not conditions[0].negated
        return [unit for unit in units if unit.symbol == "c"]

    # ---- the head -----------------------------------------------------------

    def _head(self, units: list[Lexeme]) -> None:
        frame = self._frame
        self._items(units)
        if any(unit.symbol == "!" for unit in units):
            raise Declined("a negation of the question could not be placed")
        if frame.groups and not frame.select:
            raise Declined("the question groups, and names nothing to compute for each group")

    def _items(self, units: list[Lexeme]) -> None:
        """Read what is asked for, then what the rest restricts."""
        frame = self._frame
        opened = True
        previous = ""
        near: Lexeme | None = None
        index = 0
        while index < len(units):
            unit = units[index]
            following = units[index + 1].symbol if index + 1 < len(units) else ""
            symbol = unit.symbol
            if symbol == "c":
                self._place(unit.payload, near or (units[index + 1] if following == "T" else None))
                frame.conditions.append(unit.payload)
            elif symbol == "U" and opened:
                frame.distinct = True
            elif symbol in "aq":
                if opened or previous in "&GH":
                    frame.select.append(unit.payload)
                else:
                    raise Declined(f'the part "{unit.text}" of the question could not be placed')
            elif symbol == "C":
                self._column_item(unit, opened, previous)
            elif symbol == "T":
                opened = self._table_item(unit, opened, previous, following, units[index + 1 :])
                near = unit
            elif symbol == "X":
                index += self._superlative_item(unit, units[index + 1 :], opened)
            elif symbol == "W":
                opened = opened and not (frame.select or frame.entity)
                self._restricting = not opened
            elif symbol in "GH":
                opened = opened or not frame.select
            elif symbol in "NDPpBLSV":
                raise Declined(f'the part "{unit.text}" of the question could not be placed')
            elif symbol == "A":
                raise Declined(f'"{unit.text}" of what is not clear')
            if symbol not in "cU":
                previous = symbol
            index += 1

    def _place(self, condition: Condition, near: Lexeme | None) -> None:
        """Remember which relation a condition stands beside."""
        if near is not None and condition.term.relation is None and not condition.term.aggregate:
            condition.term.relation = near.tables[0].relation

    def _column_item(self, unit: Lexeme, opened: bool, previous: str) -> None:
        frame = self._frame
        if opened or (previous == "&" and not self._restricting):
            frame.select.append(term_of(unit))
        elif unit.columns and unit.columns[0].column and unit.columns[0].column.category == "B":
            frame.conditions.append(Condition(term_of(unit), "true", text=unit.text))
        else:
            frame.scores.append(0.4)
            frame.warnings.append(f'the word "{unit.text}" was not used')

    def _table_item(
        self, unit: Lexeme, opened: bool, previous: str, following: str, rest: list[Lexeme]
    ) -> bool:
        """Take a relation's name; returns whether what is asked for may go on."""
        frame = self._frame
        relation = unit.tables[0].relation
        if opened and following == "C" and _has_column(rest[0], relation):
            rest[0].columns = [m for m in rest[0].columns if m.relation.oid == relation.oid]
            if frame.entity is None:
                frame.entity = relation
                frame.entity_score = unit.tables[0].score
            return True
        if opened and previous == "&" and unit.columns and unit.columns[0].score >= 0.8:
            frame.select.append(term_of(unit))
            return True
        if frame.entity is None and not (opened and not frame.select):
            frame.entity = relation
            frame.entity_score = unit.tables[0].score
            return False if not (opened and previous != "F") else following == "&"
        if opened and (not frame.select or previous == "&"):
            if frame.entity is None:
                frame.entity = relation
                frame.entity_score = unit.tables[0].score
            frame.select.append(Term(relation=relation, text=unit.text))
            return following == "&" or following == "F" and False
        if frame.entity is not None and relation.oid != frame.entity.oid:
            frame.presences.append(Presence(relation))
        return opened and following == "&"

    def _superlative_item(self, unit: Lexeme, rest: list[Lexeme], opened: bool) -> int:
        """Take "the highest price", "the most orders", "the oldest student"."""
        frame, mark = self._frame, unit.payload
        skipped = 0
        while skipped < len(rest) and rest[skipped].symbol in "FU":
            skipped += 1
        target = rest[skipped] if skipped < len(rest) else None
        if mark.hint.words or target is None:
            if (
                target is not None
                and target.symbol == "C"
                and numeric_or_date(target)
                and not mark.hint.words
            ):
                pass
            self._hinted(mark, target)
            return 0
        if mark.common:
            if target.symbol == "T":
                self._extreme(mark, Term(aggregate="count"))
                return 0
            if target.symbol == "C" and opened:
                term = term_of(target)
                frame.select.append(term)
                frame.groups.append(term)
                self._extreme(mark, Term(aggregate="count"))
                return skipped + 1
            raise Declined(f'"{unit.text}" of what is not clear')
        if target.symbol == "C":
            if opened and not frame.select and not mark.limit and numeric_or_date(target):
                after = rest[skipped + 1 :]
                if not after or after[0].symbol != "T" or True:
                    term = term_of(target)
                    term.aggregate = "max" if mark.descending else "min"
                    frame.select.append(term)
                    return skipped + 1
            if opened and mark.limit and not numeric_or_date(target):
                frame.limit = mark.limit
                frame.orders.append(Order(Term(text="?"), mark.descending, extreme=True))
                return 0
            if numeric_or_date(target):
                self._extreme(mark, term_of(target))
            else:
                self._extreme(
                    mark, Term(target.columns, aggregate="count", distinct=True, text=target.text)
                )
            return skipped + 1
        if target.symbol == "T":
            if mark.limit and (opened and not frame.select and frame.entity is None):
                # top 5 customers by ...: the order follows
                frame.limit = mark.limit
                frame.orders.append(Order(Term(text="?"), mark.descending, extreme=True))
                return 0
            relation = target.tables[0].relation
            self._extreme(mark, Term(relation=relation, aggregate="count"))
            return skipped + 1
        raise Declined(f'"{unit.text}" of what is not clear')

    def _hinted(self, mark: Superlative, target: Lexeme | None) -> None:
        relation = (
            target.tables[0].relation if target is not None and target.symbol == "T" else None
        )
        if not mark.hint.words:
            raise Declined("the question has a superlative of nothing")
        self._extreme(
            mark,
            Term(
                hints=(*mark.hint.words, *mark.hint.inverse),
                relation=None if relation is None else relation,
                text="hint",
            ),
        )


def _without_light(units: list[Lexeme]) -> list[Lexeme]:
    """Leave out what carries no structure; a text pattern keeps its text."""
    kept: list[Lexeme] = []
    for unit in units:
        if unit.symbol == "?" and kept and kept[-1].symbol == "L":
            kept.append(Lexeme("S", unit.text, unit.text))
        elif unit.symbol not in "?vI":
            kept.append(unit)
    return kept


def _either(conditions: list[Condition], negated: bool) -> Condition:
    """Return one condition for several values of one column."""
    head = conditions[0]
    if len(conditions) == 1:
        head.negated = negated
        return head
    shared = set.intersection(
        *(
            {(v.ref.relation.oid, v.ref.column.name) for v in condition.choices}
            for condition in conditions
        )
    )
    choices = tuple(v for v in head.choices if (v.ref.relation.oid, v.ref.column.name) in shared)
    values = tuple(condition.values[0] for condition in conditions)
    return Condition(head.term, "in", values, choices=choices, negated=negated, text=head.text)


def term_of(unit: Lexeme) -> Term:
    return Term(list(unit.columns), text=unit.text)


def term_of_ref(ref: object, aggregate: str | None = None) -> Term:
    from pg_llm.text2sql.index import ColumnRef, Match

    assert isinstance(ref, ColumnRef)
    return Term([Match(ref.relation, ref.column, 1.0)], aggregate=aggregate, text=ref.column.name)


def group_term(unit: Lexeme) -> Term:
    if unit.symbol == "T":
        table, columns = unit.tables[0], unit.columns
        if columns and columns[0].score > table.score:
            return Term(columns, text=unit.text)
        return Term(relation=table.relation, text=unit.text)
    return term_of(unit)


def _is_year(unit: Lexeme) -> bool:
    return isinstance(unit.payload, int) and 1500 <= unit.payload <= 2100


def _is_key(name: str) -> bool:
    return name.lower().endswith(("id", "_no", "code", "key", "number", "_num"))


def numeric(unit: Lexeme) -> bool:
    return any(m.column and m.column.category == "N" for m in unit.columns[:3])


def _texty(unit: Lexeme) -> bool:
    return any(m.column and m.column.category == "S" for m in unit.columns[:1])


def numeric_or_date(unit: Lexeme) -> bool:
    return any(m.column and m.column.category in "ND" for m in unit.columns[:3])


def dated(unit: Lexeme) -> bool:
    return any(
        m.column and (m.column.category in "D" or "year" in m.column.name.lower())
        for m in unit.columns[:3]
    )


def _has_column(unit: Lexeme, relation: object) -> bool:
    return any(m.relation is relation and m.score >= 0.5 for m in unit.columns)


def _dated_condition(term: Term, op: str, span: DateRange) -> Condition:
    if op == "=":
        return Condition(term, "date", (span,))
    year = span.year
    if op in (">", ">="):
        start = span.end if op == ">" else span.start
        return Condition(term, "date", (DateRange(start, None), op, year))
    if op in ("<", "<="):
        end = span.start if op == "<" else span.end
        return Condition(term, "date", (DateRange(None, end), op, year))
    return Condition(term, "date", (span,), negated=True)
