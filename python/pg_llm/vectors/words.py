"""Which words of a question full text search looks for, and what each is worth.

A word's worth is its inverse document frequency as BM25 has it (Robertson and
Zaragoza, "The Probabilistic Relevance Framework", 2009): ln(1 + (N - n + 0.5) /
(n + 0.5)) for n of N chunks. In a small collection SQL counts n; in a large one
it comes from the statistics that ANALYZE keeps of the column `terms`.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg_llm.database import Database

# Words that are scored.
SLOTS = 20

# Rows whose words are ranked in a collection with an index: ranking all the
# rows that hold a common word takes long and tells little.
COMMON = 500


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many chunks there are, the share that holds each common word, and the least such."""

    rows: int
    shares: dict[str, float]
    least: float


@dataclass(frozen=True, slots=True)
class Words:
    """A `tsquery` of the rows to rank, its words each as one, and what each is worth."""

    query: str | None
    terms: list[str | None]
    weights: list[float]


_STATISTICS = """
select s.most_common_elems::pg_catalog.text::pg_catalog.text[] as words,
    s.most_common_elem_freqs as shares
from pg_catalog.pg_stats s
where s.schemaname operator(pg_catalog.=) 'llm' and s.tablename operator(pg_catalog.=) $1
    and s.attname operator(pg_catalog.=) 'terms'
"""

# By table, role (the server shows statistics of rows that the role may read)
# and number of rows, which ANALYZE changes.
_kept: OrderedDict[tuple[str, str, int], Statistics] = OrderedDict()
_KEPT = 32


def statistics(database: Database, table: str, role: str, rows: int) -> Statistics:
    """Return what the server knows of the words of `llm.<table>`; kept for the session."""
    key = (table, role, rows)
    found = _kept.get(key)
    if found is None:
        found = _kept[key] = _read(database, table, rows)
        if len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return found


def _read(database: Database, table: str, rows: int) -> Statistics:
    read = database.execute(_STATISTICS, [table])
    if not read or not read[0]["words"]:
        return Statistics(rows, {}, 1 / max(rows, 1))
    words, shares = read[0]["words"], read[0]["shares"]
    # Behind the words' shares stand the least and the greatest.
    return Statistics(rows, dict(zip(words, shares, strict=False)), shares[len(words)])


def every(lexemes: Sequence[str]) -> Words:
    """Look for any of the words; SQL weighs them."""
    taken = lexemes[:SLOTS]
    return _words(" | ".join(map(quote, taken)), taken, [])


def chosen(lexemes: Sequence[str], known: Statistics) -> Words:
    """Look for the rarest words, as many as stand in COMMON rows together.

    The others must stand in a row together, the rarest first, as many as make
    that rare enough; where nothing does, they are left out unless there is
    nothing else.
    """
    by_share = sorted(lexemes, key=lambda word: (known.shares.get(word, 0.0), word))[:SLOTS]
    rare: list[str] = []
    together: list[str] = []
    rows, both = 0.0, float(known.rows)
    for word in by_share:
        share = known.shares.get(word, 0.0)
        if not together and rows + share * known.rows <= COMMON:
            rows += share * known.rows
            rare.append(quote(word))
        elif both > COMMON:
            both *= share
            together.append(quote(word))
    if together and (both <= COMMON or not rare):
        rare.append("(" + " & ".join(together) + ")")
    worth = [_worth(known.shares.get(w, known.least / 2) * known.rows, known) for w in by_share]
    return _words(" | ".join(rare), by_share, worth)


def _worth(found: float, known: Statistics) -> float:
    return math.log(1 + max(known.rows - found + 0.5, 0.5) / (found + 0.5))


def _words(query: str, taken: Sequence[str], weights: Iterable[float]) -> Words:
    empty = [None] * (SLOTS - len(taken))
    worth = list(weights)
    return Words(
        query=query or None,
        terms=[*map(quote, taken), *empty],
        weights=worth + [0.0] * (SLOTS - len(worth)),
    )


def quote(lexeme: str) -> str:
    """Return a lexeme as a tsquery's text."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
