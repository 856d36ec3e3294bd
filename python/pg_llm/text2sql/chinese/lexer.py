# ruff: noqa: RUF001  (Chinese text)
"""From a Chinese question to lexemes.

Chinese has no spaces; the cover of the question by phrases, names of the
schema (comments, or names in Chinese), values, numbers and dates that is
worth most is its segmentation.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese import lexicon
from pg_llm.text2sql.chinese import translation as chinese_english
from pg_llm.text2sql.chinese.dates import date_spans
from pg_llm.text2sql.chinese.names import names, tables_before_keys
from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.composition.frame import Term
from pg_llm.text2sql.composition.lexeme import Hint, Lexeme, Superlative
from pg_llm.text2sql.index import METRIC, Match, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.english.lexer import Probe
    from pg_llm.text2sql.index import SchemaIndex, ValueMatch

_LONGEST = 14
# What an English name is worth that a Chinese word translates, and each further reading.
_TRANSLATED, _NEXT_READING = 0.92, 0.94
_QUOTED = re.compile(r"[“\"‘'「『《]([^”\"’'」』》]+)[”\"’'」』》]")
_LATIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_.&'-]*(?: [A-Za-z][A-Za-z0-9_.&'-]*)*|\d[\d,]*(?:\.\d+)?%?[千万亿]?"
)
_MEASURE = re.compile("|".join(sorted(lexicon.MEASURES, key=len, reverse=True)))
# The first ten, the last three; a family name.
_SEPARABLE = 0.8
_RANKED = re.compile(
    r"(?:排名|排行|排在)?(?P<which>前|倒数前?|最后)(?P<count>\d+|[一二两三四五六七八九十百]+)"
)
_SURNAME = re.compile(r"姓(?P<name>(?![名氏])[\u4e00-\u9fff])(?=的|$)")
# Words that no other word ends or begins in: 订单数量 is not 订单数 and 量.
_UNCUT = frozenset({"数量", "数目"})
# How much surer a value is in its own spelling than in another language's.
_TRANSLATION = 0.1
# Signs after a value that say what kind of thing it is: 五金类, 女性.
_OF_KIND = "类性型款级色族区市省国"
_SCALES = {"千": 1000, "万": 10_000, "亿": 100_000_000}
_UNITS = {"月": "month", "个月": "month", "年": "year", "季度": "quarter", "周": "week",
          "天": "day",
          "日": "day", "月份": "month", "年份": "year"}  # fmt: skip


def lexemes(question: str, schema: SchemaIndex, probe: Probe) -> list[Lexeme]:
    """Return the lexemes of the cover of greatest worth."""
    known = names(schema)
    fixed = _fixed(question, schema, probe)
    question = normal(question)
    best: list[tuple[float, list[Lexeme]]] = [(0.0, [])]
    for end in range(1, len(question) + 1):
        if question[end - 1 : end + 1] in _UNCUT:
            best.append((float("-inf"), []))
            continue
        options: list[tuple[float, list[Lexeme]]] = []
        for start in range(max(0, end - max(_LONGEST, lexicon.LONGEST)), end):
            if _crosses(fixed, start, end):
                continue
            score, before = best[start]
            for worth, unit in _meanings(question[start:end], known, schema):
                options.append((score + worth, [*before, unit] if unit else before))
        for start, (stop, units) in fixed.items():
            if stop == end:
                score, before = best[start]
                options.append((score + 2.0 * (stop - start), [*before, *units]))
        best.append(max(options, key=lambda option: option[0], default=best[-1]))
    return _merged(best[-1][1])


def _crosses(fixed: dict[int, tuple[int, list[Lexeme]]], start: int, end: int) -> bool:
    return any(start < stop and end > begin for begin, (stop, _) in fixed.items())


def _meanings(
    text: str, names: dict[str, list[Match]], schema: SchemaIndex
) -> Iterator[tuple[float, Lexeme | None]]:
    size = len(text)
    if text in lexicon.PHRASES:
        symbol, payload = lexicon.PHRASES[text]
        # "in stock" is more than a stock
        worth = 1.5 * size if symbol == "Z" else size + 0.25 * (size - 1)
        yield worth, Lexeme(symbol, text, payload)
    counted = lexicon.counted(text)
    if counted is not None:
        yield size * 1.05, Lexeme("N", text, counted)
    if text in lexicon.STOP or text.isspace():
        yield size * 0.6, None
    elif text in lexicon.LIGHT:
        yield size * 0.85, Lexeme("v", text, text)
    elif size == 1:
        yield 0.0, Lexeme("?", text, text)
    if text in _UNITS:
        yield size * 0.8, Lexeme("m", text, _UNITS[text])
    value = lexicon.number(text)
    if value is not None:
        yield size * 0.9, Lexeme("N", text, value)
    found = _found(text, names, schema)
    if found:
        whole = 0.2 * (size - 1) if found[0].score >= 0.95 else 0.0
        yield size * (0.5 + 0.75 * found[0].score) + whole, _named(text, found)
    values = _valued(text, schema)
    if values:
        score = values[0].score if values[0].note else 1.0
        yield size * 1.2 * score, Lexeme("V", text, text, values=values, score=score)


def _found(text: str, names: dict[str, list[Match]], schema: SchemaIndex) -> list[Match]:
    """Return what a phrase may name: by a Chinese name, or by an English one."""
    best = names.get(text, ())
    if not best and 3 <= len(text) <= 4 and text[1] in "过了":
        # a verb and its object around a particle: 下过单
        best = [m for m in names.get(text[0] + text[2:], ()) if m.score >= _SEPARABLE]
    if len(text) < 2 or not chinese_english.phrases(text):
        return list(best)
    found = {(m.relation.oid, m.column.name if m.column else ""): m for m in best}
    for rank, words in enumerate(chinese_english.phrases(text)):
        worth = _TRANSLATED * _NEXT_READING**rank
        for match in schema.find(words):
            key = (match.relation.oid, match.column.name if match.column else "")
            new = Match(match.relation, match.column, worth * match.score)
            if key not in found or found[key].score < new.score:
                found[key] = new
    tables_before_keys(found, schema)
    return sorted(found.values(), key=lambda match: -match.score)


def _valued(text: str, schema: SchemaIndex) -> list[ValueMatch]:
    """Return the columns that hold a value, also where it is stored in English.

    Of one character only where a comment or the lexicon says that it is a value.
    """
    if len(text) == 1:
        own = [v for v in schema.values.get(text, ()) if v.value != text]
    else:
        own = schema.value(fold(text))
    spellings = list(chinese_english.values(text))
    if len(text) >= 3 and text[-1] in _OF_KIND:
        spellings.append(text[:-1])
    if len(text) == 2 and text[-1] in _OF_KIND and chinese_english.values(text[0]):
        spellings.append(text[0])
    others = [value for one in spellings for value in schema.value(fold(one))]
    if own:
        others = [replace(value, score=value.score - _TRANSLATION) for value in others]
    return [*own, *others]


def _named(text: str, found: list[Match]) -> Lexeme:
    tables = [match for match in found if match.column is None]
    columns = [match for match in found if match.column is not None]
    if columns and columns[0].ref.column.number == METRIC:
        return Lexeme("a", text, Term(columns[:1], aggregate="metric", text=text))
    symbol = "T" if tables and tables[0].score >= found[0].score - 0.05 else "C"
    return Lexeme(
        symbol, text, [text], tables=tables, columns=columns, score=min(1.0, found[0].score)
    )


def _fixed(
    question: str, schema: SchemaIndex, probe: Probe
) -> dict[int, tuple[int, list[Lexeme]]]:
    """Find quoted texts, dates, Latin words and numbers: their bounds are sure."""
    fixed: dict[int, tuple[int, list[Lexeme]]] = {}
    quoted = list(_QUOTED.finditer(question))
    latin = [match for match in _LATIN.finditer(question) if match[0][0].isalpha()]
    texts = [match[1] for match in quoted] + [match[0] for match in latin]
    probed = probe(list(dict.fromkeys(texts)))
    for match in quoted:
        text = match[1].strip()
        values = [*schema.value(fold(text)), *probed.get(fold(text), ())]
        fixed[match.start()] = (
            match.end(),
            [Lexeme("V" if values else "S", text, text, values=values)],
        )
    for start, (end, span) in date_spans(question).items():
        if not _crosses(fixed, start, end):
            fixed[start] = (end, [Lexeme("D", question[start:end], span)])
    for start, end, units in _phrases(normal(question)):
        if not _crosses(fixed, start, end):
            fixed[start] = (end, units)
    for match in _LATIN.finditer(normal(question)):
        start, end = match.span()
        if not _crosses(fixed, start, end):
            unit = _latin(match[0], schema, probed)
            if unit.symbol == "N" and (measure := _MEASURE.match(question, end)):
                end = measure.end()
            fixed[start] = (end, [unit])
    return fixed


def _phrases(question: str) -> Iterator[tuple[int, int, list[Lexeme]]]:
    """Yield the first and the last of a ranking, and family names."""
    for match in _RANKED.finditer(question):
        count = match["count"]
        number = int(count) if count.isdigit() else lexicon.number(count)
        measure = _MEASURE.match(question, match.end())
        mark = Superlative(match["which"] == "前", Hint(()))
        units = [Lexeme("X", match["which"], mark), Lexeme("N", count, number)]
        yield match.start(), measure.end() if measure else match.end(), units
    for match in _SURNAME.finditer(question):
        marks = [Lexeme("L", "姓", "{}%"), Lexeme("S", match["name"], match["name"])]
        yield match.start(), match.end(), marks


def unread(question: str, schema: SchemaIndex) -> list[str]:
    """Return the texts of a question that nothing explains, and those in quotes."""
    units = lexemes(question, schema, lambda _: {})
    return [unit.text for unit in units if unit.symbol in "?S" and len(unit.text) > 1]


def _latin(text: str, schema: SchemaIndex, probed: dict[str, list]) -> Lexeme:  # type: ignore[type-arg]
    if text[0].isdigit():
        plain = text.replace(",", "").rstrip("%千万亿")
        number = (float(plain) if "." in plain else int(plain)) * _SCALES.get(text[-1], 1)
        percent = "%" if text.endswith("%") else ""
        return Lexeme("N", plain + percent, int(number) if number == int(number) else number)
    values = [*schema.value(fold(text)), *probed.get(fold(text), ())]
    if values:
        return Lexeme("V", text, text, values=values)
    found = names(schema).get(text) or schema.find(
        [word.lower() for word in re.findall(r"\w+", text)]
    )
    if found:
        return _named(text.lower(), found)
    return Lexeme("S" if len(text) == 1 else "?", text, text)


def _merged(units: list[Lexeme]) -> list[Lexeme]:
    """Join neighbouring unread characters to the words they may be."""
    merged: list[Lexeme] = []
    for unit in units:
        if unit.symbol == "?" and merged and merged[-1].symbol == "?":
            merged[-1] = Lexeme("?", merged[-1].text + unit.text, None)
        else:
            merged.append(unit)
    return merged
