"""Finding rows: vector, full text and trigram search, joined by their ranks.

Each part ranks its own best candidates; a row's score is the sum over the
parts of 1 / (60 + rank): reciprocal rank fusion (Cormack, Clarke, Büttcher,
SIGIR 2009), which needs no common scale.

Everything runs as the caller: storage is readable to whom the owner granted
search, and its row level security asks the table's.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError, InsufficientPrivilege, InvalidParameter, UndefinedObject
from pg_llm.vectors import collections, pieces, storage, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database, Row

MAX_K = 1_000

# The constant of the fusion, from the paper.
FUSION = 60

# Rows that each part hands to the fusion, for k results.
DEPTH = 4
MIN_CANDIDATES = 40

# hnsw.ef_search: rows that the index keeps in view; pgvector allows up to 1,000.
EFFORT = 100
MAX_EFFORT = 1_000

# Rows whose words are ranked, in a collection with an index.
COMMON = 2_000

OPERATORS = {"cosine": "<=>", "inner_product": "<#>", "l2": "<->"}

# One round trip for all that the query is made of.
_PLAN = """
select c.id, c.language, c.distance, c.relation::pg_catalog.oid::bigint as relation,
    v.id as version, v.model, v.dimensions, v.synchronous, v.built, v.indexed,
    (select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'vector') as schema,
    (select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_trgm') as trigram_schema,
    (select pg_catalog.array_agg(a.attname::text order by a.attnum)
        from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        where i.indrelid = c.relation and i.indisprimary) as key,
    greatest(s.reltuples, 0)::bigint as rows,
    t.relrowsecurity as row_security,
    s.relrowsecurity as storage_row_security
from llm.collections c
join llm.collection_versions v on v.id = c.active
join pg_catalog.pg_class t on t.oid = c.relation
join pg_catalog.pg_class s on s.oid = pg_catalog.to_regclass('llm.vectors_' || v.id)
where c.name = $1
"""


def search(
    database: Database, collection: str, query: str, k: int, condition: str | None
) -> list[Row]:
    """Return the k best rows, best first, as `llm_search` returns them."""
    if not 1 <= k <= MAX_K:
        raise InvalidParameter(f"k is {k}, and must be from 1 to {MAX_K}")
    found = plan(database, collection)
    vector = work.embed(database, [query], found["model"])[0]
    words, grams = pieces.terms(query)
    candidates = max(DEPTH * k, MIN_CANDIDATES)
    statement = _statement(found, candidates, condition is not None)
    try:
        with tuned(database, candidates):
            return database.execute(
                statement,
                [vector, query, words, grams, k, condition],
                ["text", "text", "text", "text", "int4", "jsonb"],
            )
    except DatabaseError as error:
        if error.sqlstate != "42501":
            raise
        key = ", ".join(found["key"])
        raise InsufficientPrivilege(
            f'you may not search "{collection}": its table has row level security, '
            "which asks for the right to read the key",
            hint=f"The owner can grant it: grant select ({key}) on the table.",
            detail=error.message,
        ) from None


_TUNE = """
select pg_catalog.current_setting('hnsw.ef_search', true) as effort,
    pg_catalog.current_setting('hnsw.iterative_scan', true) as scan,
    pg_catalog.set_config('hnsw.ef_search', $1, true),
    pg_catalog.set_config('hnsw.iterative_scan', $2, true)
"""


@contextmanager
def tuned(database: Database, candidates: int) -> Iterator[None]:
    """Let an HNSW index look at enough rows for so many candidates, also behind a filter."""
    effort = str(min(max(EFFORT, candidates), MAX_EFFORT))
    old = database.execute(_TUNE, [effort, "relaxed_order"])[0]
    try:
        yield
    finally:
        # NULL, where pgvector was not loaded yet, gives a setting its default.
        database.execute(_TUNE, [old["effort"], old["scan"]])


def plan(database: Database, collection: str) -> Row:
    """Return what a search of a collection is made of; raise when the caller may not search it."""
    rows = database.execute(_PLAN, [collection])
    if not rows:
        collections.by_name(database, collection)
        raise UndefinedObject(f'the collection "{collection}" is not built yet')
    found = rows[0]
    if found["row_security"] and not found["storage_row_security"]:
        raise InsufficientPrivilege(
            f'the table of "{collection}" has row level security that the collection lacks',
            hint=f"The owner repairs it: select llm_collection_repair('{collection}').",
        )
    return found


def _statement(plan: Row, candidates: int, filtered: bool) -> str:
    """Build the query: a ranked list of rows for each part, joined by key.

    A row stands in a part's list by its best chunk.
    """
    version = storage.Version(
        id=plan["version"],
        collection=plan["id"],
        model=plan["model"],
        dimensions=plan["dimensions"],
        synchronous=plan["synchronous"],
        built=True,
        indexed=plan["indexed"],
    )
    count = len(plan["key"])
    parts = {
        "v": _vector_candidates(plan, version, candidates, filtered),
        "t": _text_candidates(plan, version, candidates, filtered),
    }
    if plan["trigram_schema"]:
        parts["g"] = _trigram_candidates(plan, version, candidates, filtered)
    lists = ",\n".join(
        f"{part}_found as materialized ({query}),\n{part} as ({_ranked(part, count)})"
        for part, query in parts.items()
    )
    using = storage.keys(count)
    scores = " + ".join(f"coalesce(1.0::float8 / ({FUSION} + {p}.rank), 0)" for p in parts)
    key = ", ".join(f"{storage.literal(name)}, i.k{n}" for n, name in enumerate(plan["key"], 1))
    joined = f" full join g using ({using})" if "g" in parts else ""
    trigram = "g.rank as g_rank, g.part as g_part" if joined else "null as g_rank, 0 as g_part"
    return f"""
with q as materialized ({_terms(plan, version)}),
{lists},
fused as (
    select coalesce({", ".join(f"{p}.id" for p in parts)}) as id, {scores} as score,
        v.rank as v_rank, v.part as v_part, t.rank as t_rank, t.part as t_part, {trigram}
    from v full join t using ({using}){joined}
    order by score desc, id
    limit $5
)
select pg_catalog.jsonb_build_object({key}) as key, i.content, f.score,
    f.v_rank::int as vector_rank, f.v_part as vector_distance,
    f.t_rank::int as text_rank, -f.t_part::float8 as text_score,
    f.g_rank::int as trigram_rank,
    case when f.g_rank is not null then -f.g_part end::float8 as trigram_score, i.metadata
from fused f
join {version.storage} i on i.id = f.id
order by f.score desc, i.id
"""


def _ranked(part: str, count: int) -> str:
    """Return the query that leaves each row its best chunk, and numbers the rows."""
    keys = storage.keys(count)
    return f"""
    select b.*, pg_catalog.row_number() over (order by b.part, b.id) as rank
    from (select distinct on ({keys}) * from {part}_found order by {keys}, part, id) b"""


def _condition(filtered: bool) -> str:
    return "i.metadata @> $6" if filtered else "$6::jsonb is null"


def _vector_candidates(
    plan: Row, version: storage.Version, candidates: int, filtered: bool
) -> str:
    schema, operator = plan["schema"], OPERATORS[plan["distance"]]
    distance = f"i.embedding operator({schema}.{operator}) $1::{schema}.{version.type}"
    return f"""
    select i.id, {storage.keys(len(plan["key"]), "i.")}, {distance} as part
    from {version.storage} i
    where {_condition(filtered)} and $1 is not null and i.embedding is not null
    order by {distance}
    limit {candidates}"""


def _terms(plan: Row, version: storage.Version) -> str:
    """Return the query that turns the question into a tsquery of its terms.

    Any term may match. In a collection with an index (and so with statistics)
    the rarest terms are taken, as many as stand in COMMON rows together: ranking
    all the rows that hold a common word takes long and tells little. Where even
    the rarest is too common, all terms must match.
    """
    language = f"{storage.literal(plan['language'])}::pg_catalog.regconfig"
    words = f"""pg_catalog.unnest(pg_catalog.tsvector_to_array(
        pg_catalog.to_tsvector({language}, $3) || $4::tsvector
    )) w"""
    if not version.indexed:
        return f"""
    select pg_catalog.string_agg(pg_catalog.quote_literal(w), ' | ')::tsquery as any_term
    from {words}"""
    return f"""
    select coalesce(
        pg_catalog.string_agg(pg_catalog.quote_literal(w), ' | ') filter (where upto <= {COMMON}),
        pg_catalog.string_agg(pg_catalog.quote_literal(w), ' & ')
    )::tsquery as any_term
    from (
        select w, pg_catalog.sum(coalesce(f.frequency * {plan["rows"]}, 0))
            over (order by f.frequency nulls first, w) as upto
        from {words}
        left join (
            select e.element, e.frequency
            from pg_catalog.pg_stats s
            cross join lateral rows from (
                pg_catalog.unnest(s.most_common_elems::text::text[]),
                pg_catalog.unnest(s.most_common_elem_freqs)
            ) e(element, frequency)
            where s.schemaname = 'llm' and s.tablename = 'vectors_{version.id}'
                and s.attname = 'terms' and e.element is not null
        ) f on f.element = w
    ) ranked"""


def _text_candidates(plan: Row, version: storage.Version, candidates: int, filtered: bool) -> str:
    # Negative, so that the best comes first in every part.
    return f"""
    select i.id, {storage.keys(len(plan["key"]), "i.")},
        -pg_catalog.ts_rank(i.terms, q.any_term, 1) as part
    from {version.storage} i, q
    where {_condition(filtered)} and $2 is not null and i.terms @@ q.any_term
    order by part, i.id
    limit {candidates}"""


def _trigram_candidates(
    plan: Row, version: storage.Version, candidates: int, filtered: bool
) -> str:
    """Return the query of the trigram part: all rows, or what the other parts found.

    Comparing every row of a large collection takes too long, and an index for
    it would cost more than the rest.
    """
    found = ""
    if version.indexed:
        found = "i.id in (select id from v_found union all select id from t_found) and "
    similarity = f"{plan['trigram_schema']}.word_similarity(pg_catalog.left($2, 1000), i.content)"
    return f"""
    select i.id, {storage.keys(len(plan["key"]), "i.")}, -{similarity} as part
    from {version.storage} i
    where {found}{_condition(filtered)}
    order by part, i.id
    limit {candidates}"""
