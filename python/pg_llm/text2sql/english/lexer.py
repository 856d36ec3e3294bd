# ruff: noqa: RUF001  (Chinese text)
"""From an English question to lexemes: phrases, schema, values, numbers, dates."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Term
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.english import lexicon
from pg_llm.text2sql.english.columns import age, called, initials, measures, opposite
from pg_llm.text2sql.english.dates import date_phrase
from pg_llm.text2sql.index import METRIC, Match, fold
from pg_llm.text2sql.words import NUMBERS, root, stem, word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pg_llm.text2sql.index import SchemaIndex, ValueMatch

    Probe = Callable[[Sequence[str]], dict[str, list[ValueMatch]]]

_TOKEN = re.compile(
    r"""
    (?P<quoted>"[^"]+"|“[^”]+”|‘[^’]+’|`[^`]+`|(?<![\w])'(?:[^']|(?<=\w)'(?=\w))+'(?!\w))
  | (?P<percent>(?<=\d)\s?(?:%|percent\b|per\s?cent\b))
  | (?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2})
  | (?P<number>-?\d[\d,]*(?:\.\d+)?(?=%|\b)(?![-\w]*[A-Za-z_-]\w))
  | (?P<word>[^\W_]{1,3}[+-](?=[\s,.?)]|$)|[^\W_](?:[\w]|['’.-](?=\w))*)
  | (?P<sign>>=|<=|<>|!=|[<>=,;|])
  | (?P<stop>[.?!](?=\s|$))
    """,
    re.VERBOSE,
)
# What only confirms a period: "(inclusive of both dates)"; the "either" of an or.
_ASIDES = re.compile(
    r"\s*\(\s*inclusive[^)]*\)|,\s*inclusive of [^,.?;]*|\beither\s+(?=.*\bor\b)", re.IGNORECASE
)
# Words of phrases that ask, and never values.
_ASKING = frozenset({"how", "many", "much", "what", "which", "who", "whose", "number"})
_MAX_SPAN = 5
_EACH = frozenset({"each", "per", "every", "by"})
_DETERMINERS = frozenset({"the", "which", "that", "this", "each", "every"})
_EDGES = frozenset({"of", "the", "a", "an", "in", "for", "is", "are", "was", "were", "and", "to"})
_FILLERS = frozenset({"of", "the", "a", "in", "for"})


class Token:
    """A word, number or quoted text of the question."""

    __slots__ = ("kind", "lower", "start", "text")

    def __init__(self, kind: str, text: str, start: int) -> None:
        self.kind = kind
        self.text = text
        self.lower = text.lower().replace("’", "'")
        self.start = start

    @property
    def capital(self) -> bool:
        """Whether it is written as a proper name."""
        return self.text[:1].isupper()


def tokens(question: str) -> list[Token]:
    """Split a question into tokens."""
    found = []
    for match in _TOKEN.finditer(question):
        kind, text = match.lastgroup or "word", match.group()
        if kind == "quoted":
            text = text[1:-1].strip()
        elif kind == "word" and text.lower().endswith(("'s", "’s")):
            text = text[:-2]
        found.append(Token(kind, text, match.start()))
    return found


def lexemes(question: str, schema: SchemaIndex, probe: Probe) -> list[Lexeme]:
    """Return the question's lexemes: the best way to cover it with meanings.

    Dynamic programming over spans: each span has a worth by what it may mean,
    and the cover of greatest worth is taken.
    """
    units = tokens(_ASIDES.sub("", question))
    probed = probe(_probed(units, schema))
    best: list[tuple[float, list[Lexeme]]] = [(0.0, [])]
    for end in range(1, len(units) + 1):
        options = []
        for start in range(max(0, end - max(_MAX_SPAN, lexicon.LONGEST)), end):
            for worth, lexeme in _meanings(units, start, end, schema, probed):
                score, before = best[start]
                options.append((score + worth, [*before, lexeme] if lexeme else before))
        best.append(max(options, key=lambda option: option[0]))
    return best[-1][1]


def _meanings(
    units: list[Token],
    start: int,
    end: int,
    schema: SchemaIndex,
    probed: dict[str, list[ValueMatch]],
) -> Iterable[tuple[float, Lexeme | None]]:
    span = units[start:end]
    if end - start == 1:
        yield from _single(units, start, schema, probed)
    elif any(token.kind not in ("word", "number", "sign") for token in span):
        return
    opening = start == 0 or units[start - 1].kind == "stop"
    phrase = " ".join(token.lower for token in span)
    if phrase in _PEOPLE:
        population = _population(schema)
        if population:
            term = Term(population, aggregate="sum", text="population")
            yield 1.3 * len(span) + 1, Lexeme("a", phrase, term, score=population[0].score)
    if phrase in _FREQUENCY:
        yield 1.3 * len(span), Lexeme("q", phrase, Term(aggregate="count", text=phrase))
    dated = date_phrase(phrase)
    if dated is not None:
        yield 1.3 * len(span), Lexeme("D", phrase, dated)
    stored = phrase == "quantity of" and any(m.score >= 0.8 for m in schema.find(["quantity"]))
    if (
        phrase in lexicon.PHRASES
        and not stored
        and not (end - start == 1 and phrase in lexicon.STOP and not opening)
    ):
        symbol, payload = lexicon.PHRASES[phrase]
        yield _phrase_worth(symbol, end - start, opening), Lexeme(symbol, phrase, payload)
    if (
        end - start <= _MAX_SPAN
        and span[0].kind == "word"
        and all(token.kind in ("word", "number") for token in span)
    ):
        yield from map(_computed, _schema(span, schema))
        yield from initials([token.lower for token in span], schema)
    if end - start <= 8 and span[0].kind != "sign":
        yield from _value(span, schema, probed, opening)


_PEOPLE = frozenset(
    {"how many people", "number of people", "the number of people", "total number of people"}
)


_FREQUENCY = frozenset({"frequency", "their frequency", "the frequency", "their frequencies"})


def _population(schema: SchemaIndex) -> list[Match]:
    """Return the columns of inhabitants, unless people are rows themselves."""
    if any(match.column is None and match.score >= 0.75 for match in schema.find(["people"])):
        return []
    found = [match for match in schema.find(["population"]) if match.column is not None]
    return [m for m in found if m.column and m.column.category == "N" and m.score >= 0.8]


def _phrase_worth(symbol: str, size: int, opening: bool) -> float:
    if opening and symbol in "GHQ":
        return size * 1.2 + 0.3
    if symbol in "AX":
        return 1.2 * size
    return size * 1.3 if symbol == "K" and size > 1 else size * 1.3 - 0.4


def _word(units: list[Token], at: int, schema: SchemaIndex) -> tuple[float, Lexeme]:
    """Return what a word is by itself, and its worth."""
    token = units[at]
    word = token.lower
    if word in NUMBERS and word != "one":
        return 1.0, Lexeme("N", word, NUMBERS[word])
    if word in lexicon.TIME_UNITS and (
        word.endswith(("ly", "ual")) or (at > 0 and units[at - 1].lower in _EACH)
    ):
        return 1.15, Lexeme("M", word, lexicon.TIME_UNITS[word])
    if word in ("age", "ages") and (aged := age(schema)):
        return 1.0, aged
    if word in lexicon.UNITS and at > 0 and units[at - 1].kind == "number":
        return 0.6, Lexeme("_", word)
    if word in lexicon.STOP:
        return 0.3, Lexeme("_", word)
    if lexicon.is_light(word):
        when = [m for m in schema.find([word]) if m.column and m.column.category in "DB"]
        return 0.2, Lexeme("v", word, word, columns=when, measures=measures(word, schema))
    return 0.0, Lexeme("?", token.text, token.text, capital=token.capital and at > 0)


def _single(
    units: list[Token], at: int, schema: SchemaIndex, probed: dict[str, list[ValueMatch]]
) -> Iterable[tuple[float, Lexeme | None]]:
    token = units[at]
    word = token.lower
    if token.kind == "quoted":
        values = _lookup(token.text, schema, probed)
        yield 2.0, Lexeme("S", token.text, token.text, values=values, capital=True)
    elif token.kind == "number":
        text = token.text.replace(",", "")
        percent = at + 1 < len(units) and units[at + 1].kind == "percent"
        number = float(text) if "." in text else int(text)
        yield 1.0, Lexeme("N", text + "%" if percent else text, number)
    elif token.kind == "percent":
        yield 0.2, None
    elif token.kind == "date":
        dated = date_phrase(word)
        if dated is not None:
            yield 1.5, Lexeme("D", word, dated)
        else:
            yield 0.0, Lexeme("?", token.text)
    elif token.kind == "stop":
        yield 0.5, Lexeme(".", ".") if at + 1 < len(units) else None
    else:
        yield _word(units, at, schema)
    yield from opposite(word, schema)
    if word == "one" and (at == 0 or units[at - 1].lower not in _DETERMINERS):
        yield 0.9, Lexeme("N", word, 1)


def _computed(option: tuple[float, Lexeme | None]) -> tuple[float, Lexeme | None]:
    """Read a metric of the glossary as the aggregate that it is."""
    worth, lexeme = option
    if lexeme is None or lexeme.symbol != "C" or lexeme.columns[0].ref.column.number != METRIC:
        return option
    term = Term(lexeme.columns[:1], aggregate="metric", text=lexeme.text)
    return worth + 1, Lexeme("a", lexeme.text, term, score=lexeme.score)


def _schema(span: list[Token], schema: SchemaIndex) -> Iterable[tuple[float, Lexeme | None]]:
    words = [token.lower for token in span]
    if words[0] in _EDGES or words[-1] in _EDGES:
        return
    content = [word for word in words if word not in _FILLERS]
    if len(content) < len(words) and (len(content) < 2 or _ends_in_table(content, schema)):
        return
    if len(content) == 1 and (
        (words[0] in lexicon.STOP and words[0] not in _NOUN_STOPS) or len(words[0]) < 2
    ):
        return
    found = called(words[0], schema) if len(words) == 1 else []
    found = found or schema.find(content)
    if not found:
        return
    tables = [match for match in found if match.column is None]
    columns = [match for match in found if match.column is not None]
    top = found[0].score
    phrase = " ".join(words)
    symbol = "T" if tables and tables[0].score >= min(0.75, top) else "C"
    if symbol == "T" and columns and columns[0].score > tables[0].score + 0.1:
        symbol = "C"
    if symbol == "C" and not columns:
        if tables[0].score < 0.45:
            return
        symbol = "T"
    if symbol == "C":
        pointed = _pointed(columns, tables, schema) or _plural(words[-1], columns, tables)
        if pointed is not None:
            symbol, tables = "T", [pointed]
    light = lexicon.is_light(words[0]) and len(words) == 1
    worth = (len(words) if top >= 0.8 else len(words) * 0.75) * (0.55 + 0.5 * top)
    if len(content) > 1 and top >= 0.78:
        worth += 0.3 * (len(content) - 1)
    if light and not _is_noun(words[0], found, schema):
        worth = 0.1
    yield worth, Lexeme(symbol, phrase, content, tables=tables, columns=columns, score=top)


def _pointed(columns: list[Match], tables: list[Match], schema: SchemaIndex) -> Match | None:
    """Return the table that a foreign key named after it points to.

    The makers of a car are rows of the table of makers, not the key.
    """
    for best in columns:
        if best.column is None or best.score < max(0.8, columns[0].score - 0.05):
            return None
        for step in schema.joins.steps(best.relation.oid):
            if step.to_one and step.declared and step.source_columns == (best.column.name,):
                for table in tables:
                    if table.relation.oid == step.target and table.score >= 0.4:
                        return replace(table, score=1.0)
    return None


def _plural(word: str, columns: list[Match], tables: list[Match]) -> Match | None:
    """Return the table whose rows a plural names (makers: car_makers.maker)."""
    if stem(word) == word:
        return None
    for column in columns:
        if column.score < columns[0].score - 0.05:
            break
        for table in tables:
            if table.relation.oid == column.relation.oid and table.score >= 0.45:
                return table
    return None


def _ends_in_table(words: list[str], schema: SchemaIndex) -> bool:
    """Whether "id of courses" is a column of a table rather than one name."""
    return any(
        match.column is None and match.score >= 0.8
        for size in (1, 2)
        for match in schema.find(words[-size:])
    )


# Stop words that a schema may well use as names.
_NOUN_STOPS = word_set(
    """
    record place information info details detail name value result list term entry set answer
    query time title show status member members people person persons
    """
)


def _is_noun(word: str, found: list[Match], schema: SchemaIndex) -> bool:
    """Tell whether a word that may be a verb is the schema's own word."""
    exact = stem(word) in schema.by_word
    if word in lexicon.IRREGULAR_VERBS:
        return False
    if word.endswith(("ed", "ing")):
        return exact and word.endswith("ing") and found[0].score >= 0.8
    return exact and found[0].score >= 0.7


def _value(
    span: list[Token],
    schema: SchemaIndex,
    probed: dict[str, list[ValueMatch]],
    opening: bool,
) -> Iterable[tuple[float, Lexeme | None]]:
    text = " ".join(token.text for token in span)
    if len(span) == 1 and (span[0].kind == "quoted" or len(text) < 2):
        return
    if all(token.kind == "number" for token in span):
        return
    values = _lookup(text, schema, probed)
    if not values:
        return
    phrase = text.lower()
    size = len(span)
    capital = span[0].capital
    if opening and size == 1 and schema.find([phrase]):
        # the first word of a question is always written so
        capital = False
    if size == 1 and not capital and (phrase in lexicon.STOP or phrase in lexicon.PHRASES):
        return
    worth = size * values[0].score * (1.25 if capital else 1.02)
    if size > 1:
        worth += 0.3
    yield worth, Lexeme("V", text, text, values=values, capital=capital, score=values[0].score)


def _lookup(
    text: str, schema: SchemaIndex, probed: dict[str, list[ValueMatch]]
) -> list[ValueMatch]:
    folded = fold(text)
    if not folded:
        return []
    words = folded.split()
    singular = " ".join([*words[:-1], stem(words[-1])])
    for form in (folded, singular):
        found = [*schema.value(form), *probed.get(form, ())]
        exact = [one for one in found if one.value.lower() == text.lower()]
        if found:
            return exact if text.endswith(("+", "-")) else found
    for form in (singular, *lexicon.value_forms(folded), *lexicon.value_forms(singular)):
        if form in schema.values and form != folded:
            return [replace(match, score=0.9) for match in schema.values[form]]
    codes = lexicon.person_codes(stem(folded))
    return [
        replace(match, score=0.9)
        for code in codes
        for match in schema.values.get(code, ())
        if {"sex", "gender"} & set(_column_words(match))
    ]


def _column_words(match: ValueMatch) -> list[str]:
    from pg_llm.text2sql.words import split_identifier

    return split_identifier(match.ref.column.name)


def _probed(units: list[Token], schema: SchemaIndex) -> list[str]:
    """Return texts to look for in the tables: those that are no known values."""
    return [text for text in _texts(units, schema) if fold(text) not in schema.values]


def _texts(units: list[Token], schema: SchemaIndex) -> list[str]:
    """Return quoted texts, proper names and unknown words, each once."""
    texts = []
    run: list[str] = []
    for position, token in enumerate([*units, Token("stop", ".", 0)]):
        proper = (
            token.kind == "word"
            and token.capital
            and (position > 0 or (len(units) > 1 and units[1].capital))
            and token.lower not in lexicon.PHRASES
        )
        if proper or (run and token.kind == "word" and token.lower in ("of", "the", "and", "de")):
            run.append(token.text)
            continue
        while run and not run[-1][:1].isupper():
            run.pop()
        texts += _subspans(run)
        run = []
        if token.kind == "quoted":
            texts.append(token.text)
        elif token.kind == "word" and (
            re.search(r"\d", token.text) or _unknown(token.lower, schema)
        ):
            texts += dict.fromkeys((token.text, stem(token.text)))
    return list(dict.fromkeys(texts))


def _unknown(word: str, schema: SchemaIndex) -> bool:
    """Whether a word is neither grammar nor a name of the schema nor a known value."""
    return (
        word not in lexicon.STOP
        and word not in lexicon.OPERATORS
        and word not in _ASKING
        and word not in lexicon.PHRASES
        and word not in lexicon.TIME_UNITS
        and word not in NUMBERS
        and not lexicon.is_light(word)
        and not schema.strengths(word)
        and stem(word) not in schema.values
    )


def unexplained(question: str, schema: SchemaIndex) -> list[str]:
    """Return the texts that may be values: quoted ones, proper names, unknown words."""
    return _texts(tokens(_ASIDES.sub("", question)), schema)


def _subspans(run: list[str]) -> list[str]:
    size = len(run)
    spans = [
        " ".join(run[start:end]) for start in range(size) for end in range(start + 1, size + 1)
    ]
    return sorted(spans, key=len, reverse=True)[:10]


def content_words(question: str) -> frozenset[str]:
    """Return the stems of a question's words that are not mere grammar."""
    return frozenset(
        stem(token.lower)
        for token in tokens(question)
        if token.kind == "word" and token.lower not in lexicon.STOP
    )


__all__ = ["Token", "content_words", "lexemes", "root", "tokens"]
