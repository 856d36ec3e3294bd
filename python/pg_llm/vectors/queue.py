"""The queue of a version, from the inside: claim, write, set aside.

These run as the extension's owner. Rows are dealt into lanes by a hash of
their key, and at most one session works on a lane (it holds the lane's
advisory lock). So a mark that was claimed is deleted by the session that
claimed it, its ctid stays what it was, and two sessions never embed one row. A
session that is killed leaves its marks behind; the next one reads the rows
again and embeds what is not embedded yet.

Marks carry keys and no text: the text is read when the mark is claimed. A row
written again meanwhile has a second mark, so the last text wins. A claimed row
is named by its mark and its place in there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pg_llm.vectors import locks, storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.database import Database, Row
    from pg_llm.vectors.storage import Version

# Pending rows are counted one by one up to so many; beyond, a row that was
# changed twice counts twice.
COUNTED = 100_000

# Set-aside rows: first tried again after a minute, at most daily.
_SET_ASIDE = """
insert into {failed} ({keys}, attempts, retry_at, error)
select {fields}, 1, pg_catalog.clock_timestamp() + interval '1 minute', c.error
from ({named}) c
on conflict ({keys}) do update
set attempts = {failed}.attempts + 1,
    error = excluded.error,
    retry_at = pg_catalog.clock_timestamp()
        + least(60 * 4 ^ {failed}.attempts, 86400) * interval '1 second'
"""


def key_count(database: Database, version: Version) -> int:
    """Return how many columns a version's key has."""
    rows = database.execute(
        "select pg_catalog.count(*) as n from pg_catalog.pg_attribute a "
        "where a.attrelid = $1::pg_catalog.regclass and a.attname ~ '^k[0-9]+$'",
        [version.queue],
    )
    return int(rows[0]["n"])


@contextmanager
def _without(database: Database, *ways: str) -> Iterator[None]:
    """Keep the planner from some ways to scan and join, for a while.

    A plan is kept for the session, while the tables grow; and a queue is hardly
    ever analysed. Some thousand lookups never cost much, but reading a table of
    a million rows for each batch would.
    """
    # A way that is switched off seems to cost so much that JIT compiling seems to pay.
    settings = ["jit", *(f"enable_{way}" for way in ways)]
    read = ", ".join(f"pg_catalog.current_setting('{s}') as {s}" for s in settings)
    write = ", ".join(
        f"pg_catalog.set_config('{s}', ${n}, true)" for n, s in enumerate(settings, 1)
    )
    statement = f"select {read}, {write}"
    old = database.execute(statement, ["off"] * len(settings))[0]
    try:
        yield
    finally:
        database.execute(statement, [old[s] for s in settings])


# Rows are looked up by key or place.
_LOOKUPS = ("seqscan", "hashjoin", "mergejoin", "material")
# Many rows are brought together with what a client sent for them.
_JOINS = ("seqscan", "nestloop", "mergejoin")


def claim(
    database: Database,
    version: Version,
    condition: str,
    args: Sequence[object],
    types: list[str],
    size: int,
) -> list[Row]:
    """Claim marks with `size` keys or a few more; return them, and what is to embed.

    A mark is a row with place 0 and the file that it lies in. Every other row
    is a key whose embedding is missing or not of its text of now: mark, place,
    stored (there are old embeddings), content, metadata, digest. The embeddings
    of rows that are gone or have no text are deleted.
    """
    count = key_count(database, version)
    _forget_all(database, version, count)
    with _without(database, *_LOOKUPS):
        return database.execute(_claim(version, count, condition, size), args, types)


def _claim(version: Version, count: int, condition: str, size: int) -> str:
    key, places = storage.keys(count), storage.keys(count, "u.")
    lookups = storage.keys(count, "m.")
    digest = "pg_catalog.md5(s.content || s.metadata::text)"
    return f"""
    with taken as materialized (
        select q.*
        from (
            select q.*, pg_catalog.sum(q.n) over (rows unbounded preceding) - q.n as before
            from (
                select q.ctid as mark, q.n, {storage.keys(count, "q.")}
                from {version.queue} q
                where q.n > 0 and {condition}
                limit {size}
            ) q
        ) q
        where q.before < {size}
    ),
    looked as materialized (
        select m.mark, m.place, {lookups}, i.digest as stored,
            s.content, s.metadata::text as metadata, {digest} as digest
        from (
            select distinct on ({places}) t.mark, u.place, {places}
            from taken t
            cross join lateral unnest({storage.keys(count, "t.")})
                with ordinality u({key}, place)
            order by {places}
        ) m
        left join llm.collection_{version.collection}_source s
            on {storage.same_key(count, "s", "m")}
        left join {version.storage} i on {storage.same_key(count, "i", "m")} and i.chunk = 1
    ),
    gone as (
        delete from {version.storage} i
        using looked l
        where l.content is null and l.stored is not null and {storage.same_key(count, "i", "l")}
    ),
    well as (
        delete from {version.failed} f
        using looked l
        where (l.content is null or l.stored = l.digest::uuid)
            and {storage.same_key(count, "f", "l")}
    )
    select t.mark::text, 0 as place, false as stored, null as content, null as metadata,
        null as digest, pg_catalog.pg_relation_filenode('{version.queue}')::bigint as file
    from taken t
    union all
    select l.mark::text, l.place, l.stored is not null, l.content, l.metadata, l.digest, null
    from looked l
    where l.content is not null and l.stored is distinct from l.digest::uuid
    """


def _forget_all(database: Database, version: Version, count: int) -> None:
    """Act on the mark that TRUNCATE leaves: embeddings without a row go."""
    marked = database.execute(f"select q.ctid::text as mark from {version.queue} q where q.n = 0")
    # Other lanes may still write what they read before the TRUNCATE.
    if marked and locks.all_lanes(database, version.id):
        source = f"llm.collection_{version.collection}_source"
        for relation in (version.storage, version.failed):
            database.execute(
                f"delete from {relation} i where not exists "
                f"(select from {source} s where {storage.same_key(count, 's', 'i')})"
            )
        delete_marks(database, version, [row["mark"] for row in marked])


def hold(database: Database, version: Version, file: int) -> bool:
    """Return whether the queue's ctids are still those of this file, and keep it so.

    VACUUM FULL and CLUSTER move marks. What was claimed before is then left
    where it is, to be looked at again.
    """
    database.execute(f"lock table {version.queue} in row exclusive mode")
    rows = database.execute(
        "select pg_catalog.pg_relation_filenode($1) = $2::oid as same",
        [version.queue, file],
        ["regclass", "int8"],
    )
    # A crash takes the latest commits along as a whole, marks and embeddings.
    database.execute("select pg_catalog.set_config('synchronous_commit', 'off', true)")
    return bool(rows[0]["same"])


def delete_marks(database: Database, version: Version, marks: Sequence[str]) -> None:
    """Take marks out of the queue."""
    with _without(database, "seqscan"):
        database.execute(
            f"delete from {version.queue} q where q.ctid = any ($1)", [list(marks)], ["tid[]"]
        )


def _claimed(version: Version, count: int, marks: str) -> str:
    """Return the query of the keys of marks: mark, place, k1, k2, …."""
    return (
        f"select q.ctid as mark, u.* from {version.queue} q cross join lateral "
        f"unnest({storage.keys(count, 'q.')}) "
        f"with ordinality u({storage.keys(count)}, place) where q.ctid = any ({marks})"
    )


def write(
    database: Database,
    version: Version,
    language: str,
    removed: Sequence[tuple[str, int]],
    pieces: Sequence[Sequence[object]],
) -> None:
    """Write embeddings, and take old ones away.

    `removed`: mark and place of each row that has old ones; `pieces`: columns
    mark, place, chunk, content, note, metadata, words (NULL: as content),
    grams, digest, embedding, each a list.
    """
    count = key_count(database, version)
    if removed:
        _remove(database, version, count, version.storage, removed)
    # A row that had been set aside is well again.
    if database.execute(f"select from {version.failed} limit 1"):
        rows = list(dict.fromkeys(zip(pieces[0], pieces[1], strict=True)))
        _remove(database, version, count, version.failed, rows)
    schema = storage.vector_schema(database)
    statement = f"""
        with c as materialized ({_claimed(version, count, "$11")})
        insert into {version.storage} ({storage.keys(count)}, chunk, content, note, metadata,
            digest, terms, embedding)
        select {storage.keys(count, "c.")}, p.chunk, p.content, p.note, p.metadata::jsonb,
            p.digest::uuid, case when p.words is null
                then pg_catalog.to_tsvector($12::regconfig, p.content)
                else pg_catalog.to_tsvector($12::regconfig, p.words) || p.grams::tsvector
            end,
            p.embedding::{schema}.{version.type}
        from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) p(mark, place, chunk,
            content, note, metadata, words, grams, digest, embedding)
        join c on (c.mark, c.place) = (p.mark, p.place)
        """
    marks = list(dict.fromkeys(pieces[0]))
    with _without(database, *_JOINS):
        database.execute(
            statement,
            [*(list(column) for column in pieces), marks, language],
            ["tid[]", "int8[]", "int4[]", *["text[]"] * 7, "tid[]", "text"],
        )


def _remove(
    database: Database,
    version: Version,
    count: int,
    relation: str,
    rows: Sequence[tuple[object, object]],
) -> None:
    with _without(database, *_LOOKUPS):
        database.execute(
            f"delete from {relation} i using ({_named(version, count)}) c "
            f"where {storage.same_key(count, 'i', 'c')}",
            [[mark for mark, _ in rows], [place for _, place in rows]],
            ["tid[]", "int8[]"],
        )


def _named(version: Version, count: int, more: str = "") -> str:
    """Return the query of the keys of some rows ($1: marks, $2: places), with `more` columns."""
    fields = ", ".join(f"q.k{n}[p.place] as k{n}" for n in range(1, count + 1))
    return (
        f"select {fields}, p.* from unnest($1, $2{', $3' if more else ''}) p(mark, place{more}) "
        f"join {version.queue} q on q.ctid = p.mark"
    )


def fail(
    database: Database, version: Version, rows: Sequence[tuple[str, int]], errors: Sequence[str]
) -> None:
    """Set rows aside with the model's messages."""
    if not rows:
        return
    count = key_count(database, version)
    with _without(database, *_LOOKUPS):
        database.execute(
            _SET_ASIDE.format(
                failed=version.failed,
                keys=storage.keys(count),
                fields=storage.keys(count, "c."),
                named=_named(version, count, ", error"),
            ),
            [[mark for mark, _ in rows], [place for _, place in rows], list(errors)],
            ["tid[]", "int8[]", "text[]"],
        )


def _lane(count: int, prefix: str = "", suffix: str = "") -> str:
    """Return the SQL of a key's lane, as the triggers compute it."""
    fields = ", ".join(f"{prefix}k{n}{suffix}" for n in range(1, count + 1))
    return f"(pg_catalog.hash_record_extended(row({fields}), 0) & {locks.LANES - 1})"


def next_marks(
    database: Database, version: Version, lane: int, size: int, after: str
) -> list[Row]:
    """Claim the next marks of a lane in the order of the queue's table.

    The scan starts behind the last mark, not at the front of the table, where
    the marks that were deleted lie until vacuum.
    """
    count = key_count(database, version)
    if after == START:
        _again(
            database,
            version,
            f"f.retry_at <= pg_catalog.clock_timestamp() and {_lane(count, 'f.')} = {lane}",
        )
    return claim(
        database,
        version,
        f"q.ctid > $1 and coalesce(q.lane, {_lane(count, 'q.', '[1]')}) = $2",
        [after, lane],
        ["tid", "int4"],
        size,
    )


# Before the first mark.
START = "(0,0)"


def _again(database: Database, version: Version, condition: str, attempts: str = "") -> None:
    """Mark rows that are set aside; without a time, one waits in the queue."""
    if not database.execute(f"select from {version.failed} limit 1"):
        return
    count = key_count(database, version)
    arrays = ", ".join(f"array[a.k{n}]" for n in range(1, count + 1))
    database.execute(
        f"with again as (update {version.failed} f set retry_at = null{attempts} "
        f"where {condition} returning f.*) "
        f"insert into {version.queue} (n, {storage.keys(count)}) select 1, {arrays} from again a"
    )


def retry(database: Database, version: Version) -> None:
    """Make rows that were set aside wait again."""
    _again(database, version, "f.retry_at is not null", ", attempts = 0")


def failures(database: Database, version: Version, names: Sequence[str]) -> list[Row]:
    """Return the rows set aside: key, attempts, error, retry_at; as a caller who may read them."""
    key = ", ".join(f"{storage.literal(name)}, f.k{n}" for n, name in enumerate(names, 1))
    return database.execute(
        f"select pg_catalog.jsonb_build_object({key}) as key, f.attempts, f.error, f.retry_at "
        f"from {version.failed} f where f.retry_at is not null order by f.retry_at"
    )


def pending(database: Database, version: Version) -> tuple[int, int]:
    """Count the rows that wait and those that are set aside."""
    row = database.execute(
        "select coalesce(pg_catalog.sum(greatest(q.n, 1)), 0)::bigint as marked, "
        f"(select pg_catalog.count(*) from {version.failed} f where f.retry_at is not null) "
        f"as failed, coalesce(pg_catalog.bool_and(q.n > 0), true) as plain from {version.queue} q"
    )[0]
    if not 0 < row["marked"] <= COUNTED:
        return row["marked"], row["failed"]
    count = key_count(database, version)
    arrays = storage.keys(count, "q.")
    distinct = database.execute(
        "select pg_catalog.count(*) as n from (select distinct u.* "
        f"from {version.queue} q cross join lateral unnest({arrays}) u) d"
    )[0]["n"]
    return distinct + (not row["plain"]), row["failed"]


# The rate is that of all sessions together: an average over the latest half
# minute or so, weighted by how long each report is about.
_NOTE = """
update llm.collection_versions v
set error = $2,
    retry_at = pg_catalog.clock_timestamp() + $3 * interval '1 second',
    failures = case when $2 is null then 0 else v.failures + 1 end,
    embedded = v.embedded + $4,
    noted_at = case when $4 > 0 then pg_catalog.clock_timestamp() else v.noted_at end,
    rate = case
        when $4 = 0 or $5 <= 0 then v.rate
        when v.rate is null or v.noted_at < pg_catalog.clock_timestamp() - interval '1 minute'
            then $4 / $5
        else v.rate + (1 - pg_catalog.exp(-s.seconds / 10)) * ($4 / s.seconds - v.rate)
    end
from (
    select greatest(
        least(
            extract(epoch from pg_catalog.clock_timestamp() - w.noted_at)::float8,
            $5
        ), 0.000001) as seconds
    from llm.collection_versions w
    where w.id = $1
) s
where v.id = $1
"""


def note(
    database: Database,
    version: int,
    error: str | None,
    retry_seconds: float | None,
    embedded: int,
    seconds: float,
) -> None:
    """Write how a version does into the registry."""
    database.execute(
        _NOTE,
        [version, error, retry_seconds, embedded, seconds],
        ["int8", "text", "float8", "int8", "float8"],
    )
