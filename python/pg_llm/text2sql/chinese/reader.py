"""Reading a Chinese question: modifiers come first, the head noun last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese import lexer as chinese_lexer
from pg_llm.text2sql.chinese import lexicon
from pg_llm.text2sql.chinese import translation as chinese_english
from pg_llm.text2sql.chinese.chunks import ChineseChunks
from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.composition.frame import Declined, Frame, Presence
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.composition.measures import additive
from pg_llm.text2sql.composition.patterns import Handler, pick
from pg_llm.text2sql.composition.terms import term_of
from pg_llm.text2sql.words import split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.english.lexer import Probe
    from pg_llm.text2sql.index import SchemaIndex


def read(question: str, schema: SchemaIndex, probe: Probe) -> Frame:
    """Return the meaning of a Chinese question; raises `Declined`."""
    units = chinese_lexer.lexemes(question, schema, probe)
    beyond = [unit.text for unit in units if unit.symbol == "z"]
    if beyond:
        raise Declined("the question asks for more than the grammar knows: " + ", ".join(beyond))
    if not pick(units, "TCVa"):
        raise Declined("no word of the question names a table or column that you may read")
    frame = _ChineseReader(schema, units).read()
    frame.verbs = tuple(verb for verb in frame.verbs if verb not in lexicon.EXISTENTIAL)
    frame.hints = frozenset(_hints(question, units))
    return frame


def _hints(question: str, units: list[Lexeme]) -> Iterator[str]:
    """Yield English words that the question speaks of: of the columns it names, and its own."""
    for unit in pick(units, "C"):
        best = unit.columns[0]
        if best.column is not None and best.score >= _NAMED:
            yield from map(stem, split_identifier(best.column.name))
    for _, readings in chinese_english.words_of(normal(question)):
        yield from (stem(part) for reading in readings[:2] for part in reading.split("_"))


_NAMED = 0.75


class _ChineseReader(ChineseChunks):
    """The same chunks, in Chinese order."""

    def _rules(self) -> list[tuple[str, Handler]]:
        return [
            (r"&&+", lambda _: [Lexeme("&", ",")]),
            (r"[EO](m)", self._by_time),
            (r"D[Bp]?V(?=d)", self._dated_verb),
            (r"O[QAC]?K", lambda units: units[-1:] if units[1].symbol in "QA" else None),
            (r"O(?=[CTaq]X)", lambda _: []),
            (r"Xd?XN", self._limited_most),
            (r"Q[&I]*Q$", lambda units: units[:1]),
            (r"Td?C(?=[PXdAKNQIH&]|$)", self._count_by_word),
            (r"VC(?:[&|]VC)*", self._value_columns),
            (r"^[GHh]*TdV[IHQ]*$", self._value_asked_for),
            (r"VT", self._value_of),
            (r"(?<![CaqNdT])Pc", self._unlike_condition),
            (r"[SV]T(?:[&|]+[SV]T)+", self._values_of_table),
            (r"yC(?=[dT])", self._has_happened),
            (r"y", lambda _: []),
            (r"(?<![DpyX!hOEPF])C(?!d?X|[KPIFN!SVQ]*[XP])", self._only_happens),
            (r"!?C(?=[dT])", self._flagged),
            (r"(?<=[EO])TC", self._column_of_table),
            (r"NC(?=[dT])", self._number_of),
            (r"C!(?=[dT]|$)", self._missing),
            (r"O[TC](?:&[TC])*(?![QACdXSVaq]*K)", self._group),
            (r"E[TC](?:&E[TC])*(?![QACdXSV]*K)(?![cSV])", self._group),
            (r"C?[F]?L[SV?]|C?F?[SV?]L", self._pattern),
            (r"(?<![CaqNdT])PF?[SV](?:[&|]+[SV])*", self._unlike),
            (r"CP?[FI]?[SV](?:[&|]+[SV])*", self._column_values),
            (r"CF?I?V(?:[&|]+V)*", self._through_key),
            (r"b?[SV](?:[&|]+[SV])*", self._values),
            (r"cQ(?=[XPKN])", self._count_of_value),
            (r"C?F?[BF]?DB?DB?(?:C(?=[dT]))?|C[FI]?B?NBNB?", self._between),
            (r"Dp?C(?=[dT]|$)", self._dates_first),
            (r"C?F?DF?p?", self._dates),
            (r"[Ca]P[dTC]?Ad?C?", self._above),
            (r"(?:TdQ|TQ|QT|Q(?:cd?)+T)", self._count_table),
            (r"QU?C|U?CdU?Q|CQ|QUT|UTQ", self._count_distinct),
            (r"AT?d?C", self._aggregate_before),
            (r"Pa(?=d)", self._above_average),
            (r"Cd?A", self._aggregate_after),
            (r"[aq]I?Q(?=&?K|&|$)", lambda units: units[:1]),
            (r"TC?d?A|AT", self._aggregate_table),
            (r"PN[TC](?=d|F|$)|PN[TC]p", self._number_first),
            (r"(?<![dX])Np?T(?=d)", self._count_first),
            (r"[Caq]F?I?PN", self._compare),
            (r"TPN", self._count_above),
            (r"[Caq]F?I?Np", self._number_after),
            (r"CI?N", self._equal),
            (r"A(?=[Xd]|$)", self._implied_sum),
            (r"O[Caq](?:&[Caq])*K", self._order),
            (r"E[Caq]K", self._order),
            (r"K", self._direction),
            (r"[CTaq]Xd?N?d?(?=[THCQ&]|$)|[CTaq]XdN?", self._most),
            (r"X[aq]", self._most_first),
            (r"XCdN?(?=T)", self._first_by),
            (r"Xd?T?d?C(?=[IH]*$)|XC", self._extreme_value),
            (r"XdN?(?=T)", self._hinted_chinese),
            (r"E[TC](?:&E?[TC](?=[daq&]|$))?", self._group),
            (r"!F?[TC]", self._without),
            (r"!c", self._negated),
            (r"hC(?=d)", self._having_value),
            (r"h", lambda _: []),
            (r"c\|c", self._alternatives),
            (r"[aq]I?Q$", lambda units: units[:1]),
            (r"Q", self._count_entity),
            (r"^[^CaqX]*C[^CaqX]*$", self._total_by_word),
        ]

    def _sentences(self) -> tuple[list[Lexeme], list[list[Lexeme]]]:
        if not pick(self._units, "TCVSNDAQXa"):
            raise Declined("no word of the question names anything that you may read")
        return self._objects(self._units), []

    def _objects(self, units: list[Lexeme]) -> list[Lexeme]:
        """Take 哪些住客预订了…: of two nouns behind 哪些 the first one is asked for."""
        symbols = "".join(unit.symbol for unit in units)
        found = re.search(r"HTT(?!d)", symbols)
        if found is None:
            return units
        place = found.end() - 1
        self._frame.presences.append(Presence(units[place].tables[0].relation))
        return [*units[:place], *units[place + 1 :]]

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
            elif symbol in "NPpBLSVAXE!|bQ":
                raise Declined(f'"{unit.text}" could not be placed')
        self._entity(named)
        self._summed()
        ranked = any(order.extreme for order in frame.orders)
        if frame.groups and not frame.select and not ranked:
            raise Declined("the question groups, and names nothing to compute for each group")

    def _summed(self) -> None:
        """Take 每个仓库的库存数量: amounts of many rows of each group are added up."""
        frame = self._frame
        if not frame.groups or any(order.extreme for order in frame.orders):
            return
        for term in frame.select:
            best = term.matches[0] if term.matches else None
            if best is None or term.aggregate or best.column is None:
                continue
            same = [
                group
                for group in frame.groups
                if group.relation is not None and group.relation.oid == best.relation.oid
            ]
            if not same and additive(best.ref):
                term.aggregate = "sum"

    def _entity(self, named: list[Lexeme]) -> None:
        """Take the last noun as the head; what stands before it restricts it."""
        frame = self._frame
        if not named:
            valued = [one for one in frame.conditions if one.choices]
            rows = [t for t in frame.select if t.aggregate == "count" and not t.matches]
            if valued and any(term.relation is None for term in rows):
                frame.entity = valued[-1].choices[0].ref.relation
            return
        head = named[-1]
        frame.entity = head.tables[0].relation
        frame.entity_score = head.tables[0].score
        counted = {t.relation.oid for t in frame.select if t.aggregate and t.relation is not None}
        for unit in named[:-1]:
            relation = unit.tables[0].relation
            if relation.oid != frame.entity.oid and relation.oid not in counted:
                frame.presences.append(Presence(relation))
