"""The statement of a search: a list of candidates for each part, joined by key.

It is one statement whose text depends on the collection and the parts alone, so
that a session plans it once. It runs with the caller's search_path: every name
and operator is written in full, and there is no JOIN … USING and no IN, which
look operators up by the path.

Parameters: $1 vector, $2 question, $3 tsquery of the rows to rank, $4 k,
$5 filter, $6 whether the vector part counts (1 or 0), then a tsquery for each word, then in a
collection with an index what each word is worth.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.vectors import storage
from pg_llm.vectors.words import COMMON, SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATORS = {"cosine": "<=>", "inner_product": "<#>", "l2": "<->"}

VECTOR, TEXT, TRIGRAM = "vector", "text", "trigram"
PARTS = (VECTOR, TEXT, TRIGRAM)

# The ways of joining the parts' lists.
SCORE, RANK = "score", "rank"
FUSIONS = (SCORE, RANK)

# What each part counts in a mean of scores. Chosen on the questions of half of a
# dozen databases, they hold on the other half: words tell more than likeness,
# and spelling repeats what words tell.
WEIGHTS = {VECTOR: 1.0, TEXT: 2.0, TRIGRAM: 0.5}

# The constant of reciprocal rank fusion, from its paper.
FUSION = 60

# Characters that word_similarity is asked about: its time grows with them.
SIMILAR = 1_000
SIMILAR_RESCORED = 250

_FIRST_TERM = 7


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a search's statement depends on.

    `key`: names of the primary key's columns; `schema`, `trigram_schema`: where
    pgvector and pg_trgm are, quoted; `candidates`: rows of each part's list.
    """

    version: int
    dimensions: int
    indexed: bool
    distance: str
    key: tuple[str, ...]
    schema: str
    trigram_schema: str | None
    parts: tuple[str, ...]
    fusion: str
    candidates: int
    filtered: bool

    @property
    def storage(self) -> str:
        """The table of the embeddings."""
        return f"llm.vectors_{self.version}"

    @property
    def keys(self) -> str:
        """The key columns: `i.k1, i.k2`."""
        return storage.keys(len(self.key), "i.")

    @property
    def condition(self) -> str:
        """The condition on the metadata."""
        return "i.metadata operator(pg_catalog.@>) $5" if self.filtered else "$5 is null"

    def distance_of(self, embedding: str, kind: str) -> str:
        """Return the distance of an expression from the question, both as `kind`."""
        to = f"{self.schema}.{kind}({self.dimensions})"
        # In a query of its own, the question's vector is read once.
        asked = f"(select $1::{to})"
        return f"({embedding}::{to} operator({self.schema}.{OPERATORS[self.distance]}) {asked})"

    @property
    def exact(self) -> str:
        """The distance of `i.embedding`, as exact as it is stored."""
        return self.distance_of("i.embedding", storage.type_of(self.dimensions))

    @property
    def nearest(self) -> str:
        """The distance to sort by: the index's where there is one."""
        if self.indexed and self.dimensions <= 2 * storage.VECTOR_DIMENSIONS:
            return self.distance_of("i.embedding", "halfvec")
        return self.exact


@functools.cache
def types() -> list[str]:
    """Return the types of the parameters."""
    return [
        "text",
        "text",
        "tsquery",
        "int4",
        "jsonb",
        "float8",
        *["tsquery"] * SLOTS,
        *["float8"] * SLOTS,
    ]


@functools.lru_cache(maxsize=64)
def statement(shape: Shape) -> str:
    """Return the text of a search's statement."""
    lists = {VECTOR: _vector, TEXT: _text, TRIGRAM: _trigram}
    found = "".join(f"{part} as materialized ({lists[part](shape)}),\n" for part in shape.parts)
    hits = " union all ".join(_hits(shape, part) for part in shape.parts)
    key = ", ".join(f"{storage.literal(name)}, i.k{n}" for n, name in enumerate(shape.key, 1))
    counted = f"{_counts(shape)},\n" if TEXT in shape.parts and not shape.indexed else ""
    return f"""
with {counted}{found}best as (
    select {shape.keys}, pg_catalog.min(i.vector) as vector, pg_catalog.max(i.text) as text,
        pg_catalog.max(i.trigram) as trigram,
        (pg_catalog.array_agg(i.id order by i.vector, i.text desc nulls last,
            i.trigram desc nulls last, i.id))[1] as id
    from ({hits}) i
    group by {shape.keys}
),
ranked as (
    select b.id, b.vector, b.text, b.trigram,
        pg_catalog.row_number() over (order by b.vector, b.id) as vector_rank,
        pg_catalog.row_number() over (order by b.text desc nulls last, b.id) as text_rank,
        pg_catalog.row_number() over (order by b.trigram desc nulls last, b.id) as trigram_rank,
        pg_catalog.min(b.vector) over () as nearest, pg_catalog.max(b.vector) over () as farthest,
        pg_catalog.max(b.text) over () as best_text,
        pg_catalog.max(b.trigram) over () as best_trigram
    from best b
),
scored as (
    select r.*, ({_score(shape)}) as score
    from ranked r
    order by score desc, r.vector, r.id
    limit $4
)
select pg_catalog.jsonb_build_object({key}) as key, i.content, s.score,
    case when s.vector is not null then s.vector_rank end::pg_catalog.int4 as vector_rank,
    s.vector as vector_distance,
    case when s.text is not null then s.text_rank end::pg_catalog.int4 as text_rank,
    s.text as text_score,
    case when s.trigram is not null then s.trigram_rank end::pg_catalog.int4 as trigram_rank,
    s.trigram as trigram_score, i.metadata
from scored s
join {shape.storage} i on i.id operator(pg_catalog.=) s.id
order by s.score desc, s.vector, s.id
"""


def _hits(shape: Shape, part: str) -> str:
    parts = ", ".join(
        f"i.part as {name}" if name == part else f"null::pg_catalog.float8 as {name}"
        for name in PARTS
    )
    return f"select i.id, {shape.keys}, {parts} from {part} i"


def _op(left: str, operator: str, right: str) -> str:
    """Return an operation in parentheses: OPERATOR() has no precedence."""
    return f"({left} operator(pg_catalog.{operator}) {right})"


def _sum(terms: Iterable[str]) -> str:
    return "(" + " operator(pg_catalog.+) ".join(terms) + ")"


def _share(part: str, whole: str) -> str:
    """Return part / whole, NULL where whole is 0 (NULLIF looks its operator up by the path)."""
    some = f"({whole} operator(pg_catalog.>) 0::pg_catalog.float8)"
    return f"(case when {some} then {_op(part, '/', whole)} end)"


_NORMALISED = {
    # Smallest is best, and nothing bounds it.
    VECTOR: "coalesce({}, 1)".format(
        _share(_op("r.farthest", "-", "r.vector"), _op("r.farthest", "-", "r.nearest"))
    ),
    # Bounded by 0 from below.
    TEXT: _share("r.text", "r.best_text"),
    TRIGRAM: _share("r.trigram", "r.best_trigram"),
}


def _score(shape: Shape) -> str:
    """Return the fusion's expression.

    score: the weighted mean of the parts' scores, each brought to 0 to 1 by its theoretical
    or, where there is none, its actual minimum and its maximum (convex
    combination; Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
    Hybrid Retrieval", ACM TOIS 2023). rank: reciprocal rank fusion (Cormack,
    Clarke and Büttcher, SIGIR 2009).
    """
    weights = {
        part: _op(
            "$6" if part == VECTOR else "1::pg_catalog.float8",
            "*",
            str(WEIGHTS[part] if shape.fusion == SCORE else 1),
        )
        for part in shape.parts
    }
    total = _sum(_op(weights[part], "*", _value(shape, part)) for part in shape.parts)
    return total if shape.fusion == RANK else _op(total, "/", _sum(weights.values()))


def _value(shape: Shape, part: str) -> str:
    value = _NORMALISED[part]
    if shape.fusion == RANK:
        value = _op("1::pg_catalog.float8", "/", _op(str(FUSION), "+", f"r.{part}_rank"))
    return f"(case when r.{part} is null then 0 else coalesce({value}, 0) end)"


def _vector(shape: Shape) -> str:
    return f"""
    select i.id, {shape.keys}, {shape.exact} as part
    from (
        select i.id, {shape.keys}, i.embedding
        from {shape.storage} i
        where {shape.condition} and $1 is not null and i.embedding is not null
        order by {shape.nearest}
        limit {shape.candidates}
    ) i"""


def _term(slot: int) -> str:
    return f"${_FIRST_TERM + slot}"


def _counts(shape: Shape) -> str:
    """Return the query of what each word is worth, counted in the rows of the filter."""
    counts = ", ".join(
        f"pg_catalog.count(*) filter (where i.terms operator(pg_catalog.@@) {_term(n)})"
        f"::pg_catalog.float8 as n{n}"
        for n in range(SLOTS)
    )
    worth = ", ".join(f"pg_catalog.ln({_inverse(f'c.n{n}')}) as w{n}" for n in range(SLOTS))
    return f"""worth as materialized (
    select {worth}
    from (
        select pg_catalog.count(*)::pg_catalog.float8 as n, {counts}
        from {shape.storage} i
        where {shape.condition} and $3 is not null
    ) c
)"""


def _inverse(found: str) -> str:
    without = _op(_op("c.n", "-", found), "+", "0.5")
    return _op("1", "+", _op(without, "/", _op(found, "+", "0.5")))


def _text(shape: Shape) -> str:
    """Return the query of the full text part.

    The sum over the words of worth times ts_rank, which grows ever slower with
    a word's frequency in the chunk and falls with the chunk's length: BM25 with
    PostgreSQL's own measure of frequency, which knows weight classes.
    """
    score = _sum(
        f"coalesce({_op(_worth(shape, n), '*', f'pg_catalog.ts_rank(i.terms, {_term(n)}, 1)')}, 0)"
        for n in range(SLOTS)
    )
    found = f"""
        select i.id, {shape.keys}, i.terms
        from {shape.storage} i
        where {shape.condition} and i.terms operator(pg_catalog.@@) $3"""
    source = f"({found}\n        limit {2 * COMMON}\n    ) i"
    if not shape.indexed:
        source = f"({found}\n    ) i, worth w"
    return f"""
    select i.id, {shape.keys}, {score} as part
    from {source}
    order by part desc, i.id
    limit {shape.candidates}"""


def _worth(shape: Shape, slot: int) -> str:
    return f"${_FIRST_TERM + SLOTS + slot}" if shape.indexed else f"w.w{slot}"


def _trigram(shape: Shape) -> str:
    """Return the query of the trigram part: all rows, or the best that the other parts found.

    Comparing every row of a large collection takes too long, and so does an
    index on trigrams: a question's are in most rows.
    """
    length = SIMILAR
    found = shape.condition
    others = [part for part in (VECTOR, TEXT) if part in shape.parts]
    if shape.indexed and others:
        length = SIMILAR_RESCORED
        best = shape.candidates // 2
        ids = " union all ".join(f"(select o.id from {part} o limit {best})" for part in others)
        found = f"i.id operator(pg_catalog.=) any (array({ids}))"
    similarity = (
        f"{shape.trigram_schema}.word_similarity("
        f"pg_catalog.left($2, {SIMILAR}), pg_catalog.left(i.content, {length}))"
    )
    return f"""
    select i.id, {shape.keys}, {similarity}::pg_catalog.float8 as part
    from {shape.storage} i
    where {found}
    order by part desc, i.id
    limit {shape.candidates}"""
