"""Names without the quotes that they need, and marks that only look like those of SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.repair.change import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg_llm.text2sql.index import SchemaIndex

# What stands between quotes stays as it is.
_QUOTED = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")")
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# Typographic quotes, full-width signs, spaces that are none.
_MARKS = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\uff1b": ";", "\uff0c": ",",
     "\uff08": "(", "\uff09": ")", "\uff1d": "=", "\uff1e": ">", "\uff1c": "<", "\uff0a": "*",
     "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": ""}
)  # fmt: skip
# Where the name of a relation, or of a column, may begin.
_BEFORE_RELATION = r"(?P<before>\b(?:from|join)\s+|,\s*)"
_BEFORE_COLUMN = r"(?P<before>\b(?:select|distinct|where|and|or|not|by|on)\s+|[,(.=<>+*/-]\s*)"


def names(sql: str, schema: SchemaIndex) -> Iterator[Change]:
    """Yield the statement with the quotes that names of the schema need.

    Names with spaces or signs in them are found wherever they stand, words of
    SQL that are names here (a table "order") only where a name may begin.
    """
    marked = _outside(sql, lambda text: text.translate(_MARKS))
    if marked != sql:
        yield Change(marked, "typographic marks were read as those of SQL")
    relations = {relation.name for relation in schema.relations}
    columns = {c.name for relation in schema.relations for c in relation.columns}
    quoted = _outside(sql, lambda text: _spaced(text, relations | columns))
    quoted = _outside(quoted, lambda text: _reserved(text, relations, columns))
    if quoted != sql:
        yield Change(quoted, "names were quoted")


def _outside(sql: str, change: Callable[[str], str]) -> str:
    """Apply a change to what stands outside of quotes."""
    parts = _QUOTED.split(sql)
    return "".join(change(part) if i % 2 == 0 else part for i, part in enumerate(parts))


def _spaced(text: str, names: set[str]) -> str:
    """Quote names that are no single word, the longest first."""
    spelled = {n.lower(): n for n in sorted(names) if re.search(r"[^\w$]", n)}
    if not spelled:
        return text
    listed = "|".join(re.escape(name) for name in sorted(spelled, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w\"`\[])(?:{listed})(?![\w\"`\]])", re.IGNORECASE)
    return pattern.sub(lambda match: quote(spelled[match[0].lower()]), text)


def _reserved(text: str, relations: set[str], columns: set[str]) -> str:
    """Quote names that are words of SQL, where the name of something may begin."""
    for held, before in ((relations, _BEFORE_RELATION), (columns, _BEFORE_COLUMN)):
        words = sorted(name for name in held if _PLAIN.fullmatch(name) and quote(name) != name)
        if not words:
            continue
        listed = "|".join(words)
        text = re.sub(
            rf"{before}(?P<name>{listed})\b(?!\s*\(|\s+by\b)",
            lambda match: match["before"] + quote(match["name"].lower()),
            text,
            flags=re.IGNORECASE,
        )
        if held is relations:
            text = re.sub(
                rf"(?<![\w\".])(?P<name>{listed})(?=\.[\w\"*])",
                lambda match: quote(match["name"].lower()),
                text,
                flags=re.IGNORECASE,
            )
    return text
