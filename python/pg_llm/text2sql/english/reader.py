"""Reading an English question: lexemes become a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition import kinship
from pg_llm.text2sql.composition.chunks import word
from pg_llm.text2sql.composition.frame import Condition, Declined, Frame, Presence, Term
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.composition.misreadings import asked, is_unread
from pg_llm.text2sql.composition.patterns import Handler, apply
from pg_llm.text2sql.composition.superlatives import Superlatives
from pg_llm.text2sql.composition.supplies import supplied
from pg_llm.text2sql.composition.terms import (
    has_column,
    is_year,
    numeric,
    term_of,
)
from pg_llm.text2sql.english import lexer as english_lexer
from pg_llm.text2sql.english.lexicon import VERB_NOUNS, base
from pg_llm.text2sql.english.phrasing import plain
from pg_llm.text2sql.english.units import without_light, without_repeated
from pg_llm.text2sql.words import word_set

if TYPE_CHECKING:
    from pg_llm.text2sql.english.lexer import Probe
    from pg_llm.text2sql.index import SchemaIndex


def read(question: str, schema: SchemaIndex, probe: Probe) -> Frame:
    """Return the meaning of an English question; raises `Declined`."""
    for tie in kinship.ties(question, schema):
        try:
            frame, told = _read(tie.asked, schema, probe), _read(tie.told, schema, probe)
            tied = kinship.kin(tie, frame, told)
        except Declined:
            tied = None
        if tied is not None:
            frame.kin.append(tied)
            frame.words += told.words
            frame.scores += told.scores
            return frame
        if tie.certain:
            raise Declined(f'who is meant by "{tie.told}" is not clear')
    return _read(question, schema, probe)


def _read(question: str, schema: SchemaIndex, probe: Probe) -> Frame:
    question = plain(question)
    units = english_lexer.lexemes(question, schema, probe)
    reader = Reader(schema, units)
    frame = reader.read()
    frame.hints = english_lexer.content_words(question)
    return frame


class Reader(Superlatives):
    """One pass over one question."""

    def read(self) -> Frame:
        """Return what the question means; raises `Declined`."""
        frame = self._frame
        frame.units = tuple(self._units)
        frame.words = sum(1 for unit in self._units if unit.symbol in "TCVSNDAQXP?v")
        frame.unread = [
            unit.text
            for position, unit in enumerate(self._units)
            if is_unread(self._units, position) and not self._in_pattern(position)
        ]
        frame.verbs = tuple(unit.text for unit in self._units if unit.symbol == "v")
        frame.scores = [unit.score for unit in self._units if unit.symbol in "TV"]
        if self._units[:1] and self._units[0].text in _YES_OR_NO:
            raise Declined("questions to be answered by yes or no are beyond the grammar")
        asked(self._units)
        for position, unit in enumerate(self._units):
            before = [
                u.text for u in self._units[max(0, position - 2) : position] if u.symbol == "_"
            ]
            if unit.symbol == "T" and "all" in before:
                frame.unrestricted.add(unit.tables[0].relation.oid)
        self._units, presences, held = supplied(self._units, self._schema)
        frame.presences += presences
        self._units = self._denied_verbs(self._ordering_verbs(self._units))
        main, others = self._sentences()
        main = [*self._chunks(without_light(main)), *held]
        self._head(main)
        for other in others:
            self._return_list(other)
        return frame

    def _in_pattern(self, position: int) -> bool:
        """Whether a word is the text of a pattern ("starts with the letter B")."""
        before = [unit for unit in self._units[:position] if unit.symbol != "_"]
        return bool(before) and before[-1].symbol == "L"

    def _ordering_verbs(self, units: list[Lexeme]) -> list[Lexeme]:
        """Take "customers ordered in 2024" for customers with orders."""
        found: list[Lexeme] = []
        for position, unit in enumerate(units):
            rest = units[position + 1 :]
            dated = bool(rest) and (
                rest[0].symbol == "D"
                or (rest[0].symbol == "N" and is_year(rest[0]))
                or (
                    rest[0].symbol == "F"
                    and len(rest) > 1
                    and (rest[1].symbol == "D" or (rest[1].symbol == "N" and is_year(rest[1])))
                )
            )
            tables = [m for m in self._schema.find(["order"]) if m.column is None]
            if (
                unit.symbol == "O"
                and unit.text in ("ordered", "ordered in", "ordered from")
                and dated
                and found
                and tables
                and tables[0].score >= 0.75
            ):
                preposition = [word("F", "in")] if unit.text != "ordered" else []
                table = Lexeme("T", "orders", ["order"], tables=tables, score=tables[0].score)
                found += [word("W", "with"), table, *preposition]
            else:
                found.append(unit)
        return found

    def _denied_verbs(self, units: list[Lexeme]) -> list[Lexeme]:
        """Take "were never sold" for those without sales, where nothing else follows."""
        found: list[Lexeme] = []
        for position, unit in enumerate(units):
            before = [one.symbol for one in found if one.symbol not in "_I"]
            after = [one.symbol for one in units[position + 1 :] if one.symbol != "_"]
            seen = {one.tables[0].relation.oid for one in found if one.symbol == "T"}
            own = any(match.relation.oid in seen for match in unit.columns)
            denied = unit.symbol == "v" and not own and before[-1:] == ["!"]
            if denied and after[:1] in ([], ["."]):
                nouns = (base(unit.text), *VERB_NOUNS.get(base(unit.text), ()))
                tables = [m for noun in nouns for m in self._tables_of(noun) if m.score >= 0.75]
                if tables:
                    found.append(Lexeme("T", unit.text, [unit.text], tables=tables[:1], score=0.9))
                    continue
            found.append(unit)
        return found

    # ---- sentences ----------------------------------------------------------

    def _sentences(self) -> tuple[list[Lexeme], list[list[Lexeme]]]:
        parts: list[list[Lexeme]] = [[]]
        for unit in self._units:
            if unit.symbol == ".":
                parts.append([])
            else:
                parts[-1].append(unit)
        parts = [part for part in parts if any(unit.symbol in "TCVSNDAQXa" for unit in part)]
        if not parts:
            raise Declined("no word of the question names anything that you may read")
        main, others = parts[0], []
        for part in parts[1:]:
            opening = next((unit for unit in part if unit.symbol not in "_I&?"), part[0])
            if opening.symbol == "O":
                main = [*main, *part]
            elif opening.symbol in "GH":
                others.append(part)
            else:
                raise Declined("the question has several sentences that do not fit together")
        return main, others

    def _return_list(self, part: list[Lexeme]) -> None:
        """Take "Return the name and the age": a list of what is wanted."""
        frame, kept = self._frame, self._frame.select
        rest = self._chunks(without_light(part))
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
        units = without_repeated(units)
        for pattern, handler in self._rules():
            units = apply(units, pattern, handler)
        return units

    def _rules(self) -> list[tuple[str, Handler]]:
        return [
            (r"&&+", lambda _: [word("&", ",")]),
            (r"(?<=P)Np(?=N)", self._or_after),
            (r"!P(?=[FU]*[NAD])", self._inverted),
            (r"(?<=W)CX(?=$|[&WFc])", lambda units: [units[1], units[0]]),
            (r"W?!?L[FU]*[SVN?]FC", self._like_in),
            (r"C?W?!?L[FU]*[SVN?]", self._like),
            (r"TS|TV", self._table_value),
            (r"V+C", self._value_column),
            (r"C[FWP]?!?F?[SV](?:[&|][SV])*", self._column_values),
            (r"b?[SV](?:[&|]+[SV])*", self._values),
            (r"CFC", self._name_of_text),
            (r"CC", self._name_of),
            (r"C(?=[TC])|(?<=T)C$|(?<=TW)C$", self._flag),
            (r"XNXF?(?=[CTaq])|NX|XN", self._limited),
            (r"C?F?BD&D|C?FDFD|C?F?BN&N|C?FNFN", self._between),
            (r"F[NS]\|[NS]|F?D\|[ND]", self._years),
            (r"CF?N(?:\|N)+", self._equal),
            (r"C?[FP]*Np?|C?[FP]*Dp?", self._dates),
            (r"EM|YM|M(?=[aqAQCT])", self._group_by_time),
            (r"(?<!P)(?<!O)N(?=T(?:[FWc]|TW)*X)", self._first_few),
            (r"(?<=[TC]W)A(?=[FU]*T?C)|(?<=[TC]WF)A(?=[FU]*T?C)", self._bounded),
            (r"AQU?C", self._aggregate_of_number),
            (r"A?[FU]*CEC", self._quotient),
            (r"A?[FU]*C-C", self._minus),
            (r"A[FU]*TC", self._aggregate_of_own),
            (r"X?A(?:&?A)*[FU]*c?C(?:c?[&]C(?=[FE]|$))?", self._aggregates),
            (r"AF?U?T", self._aggregate_of_table),
            (r"(?<=E)QU?C", lambda units: units[-1:]),
            (r"Q[FU]*c*U?TC", self._count_column),
            (r"Q[FU]*c*U?[TC]", self._count),
            (r"Y(?=T[WH])", self._plain_by),
            (r"[aq][^OXE!Y]*Y[TC](?:&[TC](?=[FWcE&]|$))*", self._group_by),
            (r"^[^XOaq]*Y[TC]$", self._unsaid),
            (r"Y", self._plain_by),
            (r"[TCaq]?W?P(?:A|E|a)[FCT]*", self._against),
            (r"C[FW]*PNC", self._unit_of_column),
            (r"(?<!C)(?<!CW)(?<!a)(?<!aW)PN[TC]|NpT|NpC|PC[FW]?N", self._compare_number_first),
            (r"[Caq]W?F?PN&[FW]?PN(?![TC])", self._bounds),
            (r"[Caq]W?F?PNp?", self._compare),
            (r"PNc+[TC]", self._compare_restricted),
            (r"PN[TC]", self._compare_number_first),
            (r"[Caq]FN(?![XTC])|[Caq]N(?:\|N)*(?![XTC])|WNC|WNT", self._equal),
            (r"P?Np?", self._bare_number),
            (r"c\|[WF]*c", self._alternatives),
            (r"X[cU]*T?[TC](?:&[TC])?[FW]+[aq](?:&[aq](?!Y))?|XTFC", self._top_by),
            (r"O[FX]*[UFE]*[Caq]K?(?:&[Caq]K?)*", self._order),
            (r"O[FU]*TK?", self._order_table),
            (r"OK", lambda units: units[1:]),
            (r"KF[UF]*[Caq]", self._order_direction_first),
            (r"[Kk]", self._direction),
            (r"[WF]*XF?[UF]*[aq]", self._superlative_term),
            (r"(?<=[aqc])E[FU]*[TC](?:&E?[TC](?=[FWcX]|$))*", self._group),
            (r"E[FU]*[TC](?:&E[TC])*", self._group),
            (r"![WF]*c?[TC]?(?:[FW]*c)*", self._negation),
        ]

    # ---- the head -----------------------------------------------------------

    def _head(self, units: list[Lexeme]) -> None:
        frame = self._frame
        self._items(units)
        if any(unit.symbol == "!" for unit in units):
            raise Declined("a negation of the question could not be placed")
        ranked = any(order.extreme for order in frame.orders)
        if frame.groups and not frame.select and not ranked:
            raise Declined("the question groups, and names nothing to compute for each group")

    def _items(self, units: list[Lexeme]) -> None:
        """Read what is asked for, then what the rest restricts."""
        opened = True
        previous = ""
        near: Lexeme | None = None
        index = 0
        while index < len(units):
            unit = units[index]
            rest = units[index + 1 :]
            if unit.symbol == "c":
                beside = rest[0] if rest and rest[0].symbol == "T" else None
                self._place(unit.payload, near or beside)
                self._frame.conditions.append(unit.payload)
            elif unit.symbol == "T":
                opened = self._table_item(unit, opened, previous, rest)
                near = unit
            elif (
                unit.symbol == "C"
                and (opened or (previous == "&" and not self._restricting))
                and self._column_of(unit, rest)
            ):
                near = rest[1]
                index += 2
            elif unit.symbol == "E" and rest:
                raise Declined(f'the part "{unit.text}" of the question could not be placed')
            elif unit.symbol == "X":
                index += self._superlative_item(unit, rest, opened)
            else:
                opened = self._item(unit, opened, previous)
            if unit.symbol not in "cU":
                previous = unit.symbol
            index += 1

    def _item(self, unit: Lexeme, opened: bool, previous: str) -> bool:
        """Take one lexeme; returns whether what is asked for may go on."""
        frame, symbol = self._frame, unit.symbol
        if symbol == "U" and opened:
            frame.distinct = True
        elif symbol in "aq" and (opened or previous in "&GH"):
            frame.select.append(unit.payload)
        elif symbol == "C":
            self._column_item(unit, opened, previous)
        elif symbol == "W":
            opened = opened and not (frame.select or frame.entity)
            self._restricting = not opened
        elif symbol in "GH":
            return opened or not frame.select
        elif symbol in "aqANDPpBLSV|":
            raise Declined(f'the part "{unit.text}" of the question could not be placed')
        return opened

    def _column_of(self, unit: Lexeme, rest: list[Lexeme]) -> bool:
        """Take "and the names of the classes": a column of another relation."""
        entity = self._frame.entity
        if entity is None or [one.symbol for one in rest[:2]] != ["F", "T"]:
            return False
        relation = rest[1].tables[0].relation
        inside = [m for m in unit.columns if m.relation.oid == relation.oid and m.score >= 0.5]
        if rest[0].text != "of" or relation.oid == entity.oid or not inside:
            return False
        self._frame.select.append(Term(inside, text=unit.text, relation=relation))
        return True

    def _column_item(self, unit: Lexeme, opened: bool, previous: str) -> None:
        frame = self._frame
        if opened or (previous == "&" and not self._restricting):
            term = term_of(unit)
            until = next((i for i, u in enumerate(self._units) if u.symbol in "WP&"), None)
            alone = sum(u.symbol == "C" for u in self._units[:until]) == 1 and not frame.select
            if alone and unit.text.startswith("total ") and numeric(unit):
                # the total that visitors spent: of all of them
                term.aggregate = "sum"
            frame.select.append(term)
        elif unit.columns and unit.columns[0].column and unit.columns[0].column.category == "B":
            frame.conditions.append(Condition(term_of(unit), "true", text=unit.text))
        else:
            frame.idle.append(term_of(unit))

    def _table_item(self, unit: Lexeme, opened: bool, previous: str, rest: list[Lexeme]) -> bool:
        """Take a relation's name; returns whether what is asked for may go on."""
        frame = self._frame
        relation = unit.tables[0].relation
        listed = bool(rest) and rest[0].symbol == "&"
        if opened and rest and rest[0].symbol == "C" and has_column(rest[0], relation):
            rest[0].columns = [m for m in rest[0].columns if m.relation.oid == relation.oid]
            self._about(unit)
            return True
        if previous == "&" and frame.select and frame.select[-1].aggregate == "count":
            raise Declined("two counts at once are beyond the grammar")
        if opened and previous == "&" and unit.columns and unit.columns[0].score >= 0.8:
            frame.select.append(term_of(unit))
            return True
        if frame.entity is None and not (opened and not frame.select):
            self._about(unit)
            return opened and previous != "F" and listed
        if opened and not frame.select and previous == "F":
            # For the cars with ..., which model ...
            self._about(unit)
            return True
        if opened and (not frame.select or previous == "&"):
            self._about(unit)
            frame.select.append(Term(relation=relation, text=unit.text))
            return listed
        restricts = relation.oid not in frame.unrestricted
        if frame.entity is not None and relation.oid != frame.entity.oid and restricts:
            frame.presences.append(Presence(relation))
        return opened and listed

    def _about(self, unit: Lexeme) -> None:
        """Take a relation as what the question is about, unless it has one."""
        if self._frame.entity is None:
            self._frame.entity = unit.tables[0].relation
            self._frame.entity_score = unit.tables[0].score


_YES_OR_NO = word_set(
    """
    did does do is are was were has have had can could will should
    """
)
