"""Relations of a statement that no parser understands, from its words alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.lineage.edges import Edge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.lineage.parser.catalog import Catalog
    from pg_llm.lineage.parser.dialects import Dialect

_TOKEN = re.compile(
    r"""
    --[^\n]* | /\*.*?(?:\*/|\Z)                                   # comments
    | '(?:[^']|'')*(?:'|\Z) | \$(\w*)\$.*?(?:\$\1\$|\Z)           # strings
    | (?P<name>(?:"(?:[^"]|"")+"|`[^`]+`|\[[^\]\[\s]+\]|[^\W\d][\w$]*)
        (?:\s*\.\s*(?:"(?:[^"]|"")+"|`[^`]+`|\[[^\]\[\s]+\]|[^\W\d][\w$]*))*)
    | (?P<mark>[(),;])
    """,
    re.VERBOSE | re.DOTALL,
)
_PART = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|\[([^\]]+)\]|([^\s.]+)')
_READ = frozenset(("from", "join", "using"))
_WRITE = frozenset(("into", "update", "table", "view"))
# Words that may stand between those and the relation.
_FILLERS = frozenset(("if", "not", "exists", "only", "lateral", "table", "overwrite"))
# Words that cannot be a relation here, so that the word before meant something else.
_WORDS_OF_STOP = """
and as by cross default except from full group having inner intersect into is join left limit
natural nothing null of on or order right row select set then union unnest update using values
when where with
"""
_STOP = frozenset(_WORDS_OF_STOP.split())


def relations(text: str, dialect: Dialect) -> tuple[list[list[str]], list[list[str]]]:
    """Return the names (in parts) that are read and that are written."""
    words = [
        (match["name"] or match["mark"]) for match in _TOKEN.finditer(text) if match.lastgroup
    ]
    lower = [word.lower() for word in words]
    ctes = {
        lower[place - 1]
        for place in range(1, len(words) - 1)
        if lower[place] == "as" and lower[place + 1] in ("(", "materialized", "not")
    }
    read: list[list[str]] = []
    written: list[list[str]] = []
    for place, word in enumerate(lower):
        found = read if word in _READ else written if word in _WRITE else None
        if found is None or (word == "update" and lower[place - 1 : place] in (["for"], ["do"])):
            continue
        for name in _names(lower, words, place + 1, lists=word == "from"):
            if name.lower() not in ctes:
                found.append([dialect.fold(part) for part in _parts(name)])
    return read, written


def _names(lower: list[str], words: list[str], place: int, *, lists: bool) -> Iterator[str]:
    """Yield the relation named at this place, and those after commas."""
    while True:
        while place < len(words) and lower[place] in _FILLERS:
            place += 1
        if place >= len(words) or lower[place] in _STOP or words[place] in "(),;":
            return
        if lower[place + 1 : place + 2] != ["("] or not lists:
            yield words[place]
        place += 1
        if place < len(words) and lower[place] == "as":
            place += 1
        if place < len(words) and words[place] not in "(),;" and lower[place] not in _STOP:
            place += 1
        if not lists or words[place : place + 1] != [","]:
            return
        place += 1


def _parts(name: str) -> list[str]:
    out = []
    for quoted, ticked, bracketed, plain in _PART.findall(name):
        out.append(quoted.replace('""', '"') or ticked or bracketed or plain)
    return out


def table_edges(
    text: str, dialect: Dialect, catalog: Catalog, statement: int, reason: str
) -> list[Edge]:
    """Return one edge from each relation that is read to each that is written."""
    read, written = (
        dict.fromkeys(_shown(parts, dialect, catalog) for parts in found)
        for found in relations(text, dialect)
    )
    targets: list[str | None] = [*written] or [None]
    sources: list[str | None] = [*read] or [None]
    return [
        Edge(
            statement, target, None, source, None, None, None,
            resolver="parser", confidence=0.3, note=reason,
        )
        for target in targets
        for source in sources
        if target is not None or source is not None
    ]  # fmt: skip


def _shown(parts: list[str], dialect: Dialect, catalog: Catalog) -> str:
    found = catalog.find(parts)
    return dialect.shown(parts) if found is None else found.name
