"""Which spans of a question may be values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.english import lexicon
from pg_llm.text2sql.english.lexer import tokens, unexplained
from pg_llm.text2sql.index import fold
from pg_llm.text2sql.values.spelling import is_unspaced
from pg_llm.text2sql.words import is_chinese, stem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.english.lexer import Token
    from pg_llm.text2sql.index import SchemaIndex

_LONGEST = 6
_LONGEST_UNSPACED = 14
_MOST = 1500


def spans(question: str, schema: SchemaIndex) -> list[str]:
    """Return the texts of a question that are worth a look-up, each once.

    English: quoted texts, runs of up to six words, single words that name
    nothing of the schema, or are known as values of some column already.
    Chinese: each run of 2 to 14 characters.
    """
    units = tokens(question)
    known = [
        form
        for unit in units
        if unit.kind == "word" and unit.lower not in lexicon.STOP
        for form in (unit.text, stem(unit.lower))
        if fold(form) in schema.values
    ]
    found = [*unexplained(question, schema), *known, *_runs(units)]
    if is_chinese(question):
        found += _unspaced(question)
    return list(dict.fromkeys(found))[:_MOST]


def _runs(units: list[Token]) -> Iterator[str]:
    for start, first in enumerate(units):
        if first.kind == "quoted":
            yield first.text
        words: list[str] = []
        for unit in units[start : start + _LONGEST]:
            if unit.kind not in ("word", "number"):
                break
            words.append(unit.text)
            if len(words) > 1 and not all(
                word.lower() in lexicon.STOP or word.isdigit() for word in words
            ):
                yield " ".join(words)
                yield " ".join([*words[:-1], stem(words[-1])])


def _unspaced(question: str) -> Iterator[str]:
    for run in re.findall(r"\w+", question):
        for start in range(len(run)):
            for end in range(start + 2, min(start + _LONGEST_UNSPACED, len(run)) + 1):
                if is_unspaced(run[start:end]):
                    yield run[start:end]
