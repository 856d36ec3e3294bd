"""Columns that a question speaks of without saying their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, Term
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.composition.terms import flag_value
from pg_llm.text2sql.english import lexicon
from pg_llm.text2sql.index import Match
from pg_llm.text2sql.words import ABBREVIATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.text2sql.index import SchemaIndex

_VERB_NOUNS = {
    "weigh": ("weight",),
    "cost": ("cost", "price"),
    "earn": ("salary", "wage", "income"),
}


def measures(verb: str, schema: SchemaIndex) -> list[Match]:
    """Return the numeric columns that a verb speaks of (weighs: weight_kg)."""
    base = lexicon.base(verb)
    for noun in (verb, base, *_VERB_NOUNS.get(base, ())):
        found = [
            m
            for m in schema.find([noun])
            if m.column and m.column.category == "N" and m.score >= 0.45
        ]
        found = [m for m in found if not m.ref.column.name.lower().endswith("id")]
        if found:
            return found
    return []


def age(schema: SchemaIndex) -> Lexeme | None:
    """Read "age" as computed from a date of birth, where no column holds it."""
    if any(match.column is not None and match.score >= 0.5 for match in schema.find(["age"])):
        return None
    for said in (["birth"], ["birthday"], ["born"]):
        found = [m for m in schema.find(said) if m.column and m.column.category == "D"]
        if found:
            term = Term(found, unit="age", text="age")
            return Lexeme("C", "age", term, columns=found, score=0.9)
    return None


def opposite(word: str, schema: SchemaIndex) -> Iterable[tuple[float, Lexeme]]:
    """Read "inactive" as the denial of a column that says yes or no."""
    if not word.startswith(("in", "un", "non-")) or len(word) <= 5 or schema.find([word]):
        return
    bare = word.removeprefix("non-") if word.startswith("non-") else word[2:]
    found = schema.find([bare])
    flags = [m for m in found if m.column is not None and m.score >= 0.8]
    if flags and flag_value(flags[0].ref.column) is True:
        condition = Condition(Term(flags, text=word), "false", text=word)
        yield 1.0, Lexeme("c", word, condition)


def initials(words: list[str], schema: SchemaIndex) -> Iterable[tuple[float, Lexeme]]:
    """Read "miles per gallon" as the column mpg."""
    letters = "".join(word[0] for word in words)
    if len(words) < 3 or letters not in schema.by_word:
        return
    said = lexicon.PHRASES.keys() | lexicon.STOP
    if any(word in said for word in words if word != "per"):
        return
    found = [m for m in schema.find([letters]) if m.column is not None and m.score >= 0.8]
    if found:
        lexeme = Lexeme("C", " ".join(words), [letters], columns=found, score=0.95)
        yield 1.2 * len(words), lexeme


def called(word: str, schema: SchemaIndex) -> list[Match]:
    """Return the columns of exactly that name, where it is no English word (fname, doc_id)."""
    if "_" not in word and word not in ABBREVIATIONS:
        return []
    known = schema.snapshot.derived.get("text2sql columns by name")
    if not isinstance(known, dict):
        known = schema.snapshot.derived["text2sql columns by name"] = _by_name(schema)
    return list(known.get(word, ()))


def _by_name(schema: SchemaIndex) -> dict[str, list[Match]]:
    known: dict[str, list[Match]] = {}
    for relation in schema.relations:
        for column in relation.columns:
            known.setdefault(column.name.lower(), []).append(Match(relation, column, 1.0))
    return known
