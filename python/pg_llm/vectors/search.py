"""Finding rows: vector, full text and trigram search in one statement.

Everything runs as the caller: storage is readable to whom the owner granted
search, and its row level security asks the table's.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError, InsufficientPrivilege, InvalidParameter, UndefinedObject
from pg_llm.vectors import collections, parts, pieces, words, work
from pg_llm.vectors.parts import SCORE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.database import Database, Row

MAX_K = 1_000

# Rows that each part hands to the fusion, for k results.
DEPTH = 4
MIN_CANDIDATES = 40

# hnsw.ef_search, the rows that the index keeps in view: more of them in a large
# collection and behind a filter for the same recall. pgvector allows up to 1,000.
EFFORT = 100
EFFORT_LARGE = 250
LARGE = 50_000
MAX_EFFORT = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """A search: what `llm_search` takes. `parts` None: all that there are."""

    collection: str
    query: str
    k: int
    condition: str | None = None
    parts: Sequence[str] | None = None
    fusion: str = SCORE


# One round trip for all that the query is made of. Like every query here it
# runs with the caller's search_path.
_PLAN = """
select c.distance, v.id as version, v.model, v.dimensions, v.indexed,
    (select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) e.extnamespace
        where e.extname operator(pg_catalog.=) 'vector') as schema,
    (select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) e.extnamespace
        where e.extname operator(pg_catalog.=) 'pg_trgm') as trigram_schema,
    (select pg_catalog.array_agg(a.attname::pg_catalog.text order by a.attnum)
        from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a
            on a.attrelid operator(pg_catalog.=) i.indrelid
                and a.attnum operator(pg_catalog.=) any (
                    (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts operator(pg_catalog.-) 1]
                )
        where i.indrelid operator(pg_catalog.=) c.relation and i.indisprimary) as key,
    greatest(s.reltuples, 0)::pg_catalog.int8 as rows,
    t.relrowsecurity as row_security,
    s.relrowsecurity as storage_row_security,
    current_user as role,
    pg_catalog.tsvector_to_array(
        pg_catalog.to_tsvector(c.language::pg_catalog.regconfig, $2)
            operator(pg_catalog.||) $3::pg_catalog.tsvector
    ) as lexemes
from llm.collections c
join llm.collection_versions v on v.id operator(pg_catalog.=) c.active
join pg_catalog.pg_class t on t.oid operator(pg_catalog.=) c.relation
join pg_catalog.pg_class s
    on s.oid operator(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.concat('llm.vectors_', v.id))
where c.name operator(pg_catalog.=) $1
"""


def search(database: Database, request: Request) -> list[Row]:
    """Return the k best rows, best first, as `llm_search` returns them."""
    _check(request)
    found = plan(database, request.collection, request.query)
    form = shape(found, request)
    vector = None
    if parts.VECTOR in form.parts:
        vector = work.embed(database, [request.query], found["model"])[0]
    chosen = _words(database, found, form)
    args = [
        vector,
        request.query,
        chosen.query,
        request.k,
        request.condition,
        _weight(found, form, request.query),
        *chosen.terms,
        *chosen.weights,
    ]
    try:
        with tuned(database, found, form.candidates, filtered=form.filtered):
            return database.execute(parts.statement(form), args, parts.types())
    except DatabaseError as error:
        if error.sqlstate != "42501":
            raise
        key = ", ".join(found["key"])
        raise InsufficientPrivilege(
            f'you may not search "{request.collection}": its table has row level security, '
            "which asks for the right to read the key",
            hint=f"The owner can grant it: grant select ({key}) on the table.",
            detail=error.message,
        ) from None


def _check(request: Request) -> None:
    if not 1 <= request.k <= MAX_K:
        raise InvalidParameter(f"k is {request.k}, and must be from 1 to {MAX_K}")
    if request.fusion not in parts.FUSIONS:
        raise InvalidParameter(
            f'fusion is "{request.fusion}"', hint="It is one of: " + ", ".join(parts.FUSIONS) + "."
        )
    for part in request.parts or ():
        if part not in parts.PARTS:
            raise InvalidParameter(
                f'there is no part "{part}" of a search',
                hint="The parts are: " + ", ".join(parts.PARTS) + ".",
            )
    if request.parts is not None and not request.parts:
        raise InvalidParameter("a search has at least one part")


def shape(found: Row, request: Request) -> parts.Shape:
    """Return what the statement of a search is made of."""
    wanted = [part for part in parts.PARTS if request.parts is None or part in request.parts]
    if found["trigram_schema"] is None and parts.TRIGRAM in wanted:
        wanted.remove(parts.TRIGRAM)
    if not wanted:
        raise InvalidParameter(
            "trigram search needs the extension pg_trgm", hint="create extension pg_trgm"
        )
    return parts.Shape(
        version=found["version"],
        dimensions=found["dimensions"],
        indexed=found["indexed"],
        distance=found["distance"],
        key=tuple(found["key"]),
        schema=found["schema"],
        trigram_schema=found["trigram_schema"],
        parts=tuple(wanted),
        fusion=request.fusion,
        candidates=max(DEPTH * request.k, MIN_CANDIDATES),
        filtered=request.condition is not None,
    )


def _words(database: Database, found: Row, form: parts.Shape) -> words.Words:
    lexemes = found["lexemes"] if parts.TEXT in form.parts else []
    if not form.indexed:
        return words.every(lexemes)
    known = words.statistics(database, f"vectors_{form.version}", found["role"], found["rows"])
    return words.chosen(lexemes, known)


def _weight(found: Row, form: parts.Shape, query: str) -> float:
    """Return what the vector part counts: nothing for a question in a language it cannot read."""
    unread = found["model"] == work.STATIC and pieces.mostly_unspaced(query)
    return 0.0 if unread and len(form.parts) > 1 else 1.0


# The plan of a search without a filter holds for every question; with one it
# depends on how many rows the filter leaves. Compiling it takes longer than
# running it.
_TUNE = """
select pg_catalog.current_setting('hnsw.ef_search', true) as effort,
    pg_catalog.current_setting('hnsw.iterative_scan', true) as scan,
    pg_catalog.current_setting('plan_cache_mode') as plans,
    pg_catalog.current_setting('jit') as jit,
    pg_catalog.set_config('hnsw.ef_search', $1, true),
    pg_catalog.set_config('hnsw.iterative_scan', $2, true),
    pg_catalog.set_config('plan_cache_mode', $3, true),
    pg_catalog.set_config('jit', $4, true)
"""


@contextmanager
def tuned(
    database: Database, found: Row, candidates: int, *, filtered: bool = False
) -> Iterator[None]:
    """Let an HNSW index look at enough rows for so many candidates, also behind a filter."""
    effort = EFFORT if found["rows"] < LARGE and not filtered else EFFORT_LARGE
    effort = min(max(effort, candidates), MAX_EFFORT)
    plans = "force_custom_plan" if filtered else "force_generic_plan"
    old = database.execute(_TUNE, [str(effort), "relaxed_order", plans, "off"])[0]
    try:
        yield
    finally:
        # NULL, where pgvector was not loaded yet, gives a setting its default.
        database.execute(_TUNE, [old["effort"], old["scan"], old["plans"], old["jit"]])


def plan(database: Database, collection: str, query: str = "") -> Row:
    """Return what a search of a collection is made of; raise when the caller may not search it."""
    rows = database.execute(_PLAN, [collection, *pieces.terms(query)])
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
