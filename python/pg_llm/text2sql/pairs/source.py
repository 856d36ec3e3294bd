"""The source of verified pairs: a question asked before, in other words or with other values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_llm.errors import DatabaseError
from pg_llm.library import isolated
from pg_llm.models import static
from pg_llm.text2sql import guard
from pg_llm.text2sql.index import fold
from pg_llm.text2sql.pairs import likeness, rebinding
from pg_llm.text2sql.pairs.wording import key, wording
from pg_llm.text2sql.words import is_chinese, stem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.database import Database, Row
    from pg_llm.text2sql.guard import Guarded
    from pg_llm.text2sql.index import SchemaIndex, ValueMatch
    from pg_llm.text2sql.pairs.likeness import Features
    from pg_llm.text2sql.pairs.rebinding import Known, Rebound
    from pg_llm.text2sql.pairs.wording import Wording

# A pair is written by the one who asks or shared by an administrator, and
# reads only what the one who asks may read. Row security says so too, but
# does not bind a superuser.
_VISIBLE = """
(p.author operator(pg_catalog.=) current_user::pg_catalog.regrole or p.shared)
and llm.readable(p.relations)
"""
_ALL = f"""
select p.id, p.question, p.sql, p.vector
from llm.verified_pairs p
where {_VISIBLE}
order by p.verified_at desc
limit 5000
"""
_EXACT = f"""
select p.id, p.question, p.sql
from llm.verified_pairs p
where p.key operator(pg_catalog.=) $1 and {_VISIBLE}
order by p.author operator(pg_catalog.=) current_user::pg_catalog.regrole desc, p.verified_at desc
limit 1
"""

# The order in which pairs are looked at closely.
_NEAREST = 24
# Pairs in words that the embedding does not know (Chinese) are compared by their words.
_UNRANKED = 300
# The same words in the same order, with other values, with another order.
_EXACTLY, _PARAMETERS, _REORDERED = 0.97, 0.93, 0.88
# Below this a pair is not worth a look of the guard, unless answers are wanted at any price.
_UNLIKE = 0.05
# Where a sign turns the meaning; how far ahead of nothing a lone pair is.
_OPPOSED, _ALONE = 0.3, 0.1
# Logistic regression on reworded and on new questions over twelve databases and an
# invented one, judged by execution; that of Features.vector, then how far the next
# pair is behind. Fitted without one database, it does as well on that one.
_WEIGHTS = (-2.1, 0.9, 1.4, -0.5, -6.5, -1.9, -3.0, -1.4, -4.2, -0.8, 0.9, 0.9, -0.4, 3.0)


@dataclass(frozen=True, slots=True)
class Found:
    """A pair that may answer a question: its guarded SQL, and how sure that is.

    `how`: `verified` for the same question, `verified, other values`, or
    `verified, reworded`.
    """

    id: int
    question: str
    guarded: Guarded
    confidence: float
    how: str


@dataclass(frozen=True, slots=True)
class _Book:
    """The pairs of one role, read and ready to be compared."""

    version: str
    pairs: tuple[Known, ...]
    matrix: Any
    comparer: likeness.Comparer


def find(
    database: Database, question: str, schema: SchemaIndex, sure: float
) -> tuple[Found | None, list[str]]:
    """Return the pair that answers a question best, if any, and what was tried.

    What the guard refuses now, or what no longer resolves, is no answer.
    """
    attempts: list[str] = []
    for row in database.execute(_EXACT, [key(question)], ["text"]):
        guarded = _guarded(database, row["id"], row["sql"], attempts)
        if guarded is not None:
            return Found(row["id"], row["question"], guarded, _EXACTLY, "verified"), attempts
    for pair, rebound, confidence in nearest(database, question, schema)[:3]:
        if confidence < min(_UNLIKE, sure):
            break
        guarded = _guarded(database, pair.id, rebound.sql, attempts)
        if guarded is not None:
            how = "verified, other values" if rebound.values else "verified, reworded"
            return Found(pair.id, pair.wording.text, guarded, confidence, how), attempts
    return None, attempts


def examples(
    database: Database, question: str, schema: SchemaIndex, most: int
) -> list[tuple[str, str]]:
    """Return the questions and statements of the pairs nearest to a question, for a prompt.

    Only those whose statement the caller may run as it stands.
    """
    found: list[tuple[str, str]] = []
    for pair, _, _ in nearest(database, question, schema)[: 2 * most]:
        guarded = _guarded(database, pair.id, pair.sql, [])
        if guarded is not None:
            found.append((pair.wording.text, guarded.sql))
        if len(found) == most:
            break
    return found


def nearest(
    database: Database, question: str, schema: SchemaIndex
) -> list[tuple[Known, Rebound, float]]:
    """Return the pairs nearest to a question, each with its statement for it and a confidence."""
    book = _book(database, schema)
    if not book.pairs:
        return []
    asked = wording(question)
    values = _values(schema)
    ranked = []
    for cosine, pair in _closest(question, book):
        rebound = rebinding.rebind(asked, pair, values)
        features = book.comparer.features(asked, pair, rebound, cosine)
        ranked.append((_rank(features), pair, rebound, features))
    ranked.sort(key=lambda one: -one[0])
    return [
        (pair, rebound, _confidence(asked, pair, rebound, features, rank - behind))
        for (rank, pair, rebound, features), behind in zip(
            ranked, [*(one[0] for one in ranked[1:]), ranked[-1][0] - _ALONE], strict=True
        )
    ]


def _closest(question: str, book: _Book) -> list[tuple[float, Known]]:
    """Return the pairs by the cosine of their questions; any where no word is known."""
    # The embedding knows no Chinese, only names that stand in it.
    vector = None if is_chinese(question) else static.embed([question])[0]
    if vector is None:
        return [(0.0, pair) for pair in book.pairs[:_UNRANKED]]
    cosines = (book.matrix @ vector).tolist()
    ranked = sorted(zip(cosines, book.pairs, strict=True), key=lambda one: -one[0])
    unknown = [(0.0, pair) for pair in book.pairs if not pair.known][:_UNRANKED]
    return ranked[:_NEAREST] + unknown


def _rank(features: Features) -> float:
    return (
        0.5 * features.cosine
        + 0.25 * features.asked_covered
        + 0.25 * features.pair_covered
        - 0.3 * features.opposed
        - 0.1 * features.missing
        - 0.1 * features.unmet
        - 0.1 * features.unsaid
        - 0.05 * features.loose
        - 0.05 * features.soft
        + 0.1 * features.anchors
        + 0.05 * features.shared
    )


def _confidence(
    asked: Wording, pair: Known, rebound: Rebound, features: Features, ahead: float
) -> float:
    mine = [word for word in asked.words if word not in rebound.spent]
    theirs = [word for word in pair.wording.words if word not in rebound.dropped]
    if not rebound.missing and not rebound.left and asked.signs == pair.wording.signs:
        if mine == theirs and (mine or rebound.values):
            return _PARAMETERS
        if sorted(mine) == sorted(theirs):
            return _REORDERED
    logit = math.fsum(
        weight * value
        for weight, value in zip(
            _WEIGHTS, (*features.vector(), min(0.4, max(0.0, ahead))), strict=True
        )
    )
    most = _OPPOSED if features.opposed else _REORDERED
    return round(min(most, 1 / (1 + math.exp(-logit))), 3)


def _values(schema: SchemaIndex) -> Callable[[str], Sequence[ValueMatch]]:
    def look(span: str) -> Sequence[ValueMatch]:
        folded = fold(span)
        words = folded.split()
        if not words:
            return ()
        singular = " ".join([*words[:-1], stem(words[-1])])
        return schema.values.get(folded, schema.values.get(singular, ()))

    return look


def _book(database: Database, schema: SchemaIndex) -> _Book:
    """Return the role's pairs, read again where they or the schema changed."""
    version = str(database.execute("select llm.learned_version() as version")[0]["version"])
    kept = schema.snapshot.derived.get("pairs")
    if isinstance(kept, _Book) and kept.version == version:
        return kept
    rows = database.execute(_ALL)
    pairs = tuple(
        rebinding.known(
            row["id"],
            row["question"],
            row["sql"],
            known=row["vector"] is not None and not is_chinese(row["question"]),
        )
        for row in rows
    )
    rarity = likeness.rarities([pair.wording for pair in pairs])
    book = _Book(version, pairs, _matrix(rows), likeness.Comparer(schema, rarity))
    schema.snapshot.derived["pairs"] = book
    return book


def _matrix(rows: Sequence[Row]) -> Any:
    with isolated():
        import numpy
    nothing = numpy.zeros(static.DIMENSIONS, dtype=numpy.float32)

    def vector(row: Row) -> Any:
        # Anyone may write rows of his own: what is no such vector compares by words.
        try:
            found = numpy.array(row["vector"], dtype=numpy.float32)
        except (TypeError, ValueError):
            return nothing
        sound = found.shape == nothing.shape and numpy.isfinite(found).all()
        return found if sound else nothing

    return numpy.array([vector(row) for row in rows])


def _guarded(database: Database, number: int, sql: str, attempts: list[str]) -> Guarded | None:
    try:
        return guard.check(database, sql)
    except (DatabaseError, guard.Refused) as error:
        attempts.append(f"pair {number}: {error.message}")
        return None
