"""The queue of a version, from the inside: claim, finish, set aside.

These run as the extension's owner. Rows are dealt into lanes by a hash of
their key, and at most one session works on a lane (it holds the lane's
advisory lock). So a mark that was claimed is deleted by the session that
claimed it, its ctid stays what it was, and two sessions never embed one row. A
session that is killed leaves its marks behind; the next one reads the rows
again and embeds what is not embedded yet.

Marks carry no text: the text is read when the mark is claimed. A row written
again meanwhile has a second mark, so the last text wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.vectors import locks, storage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database, Row
    from pg_llm.vectors.storage import Version

# Set-aside rows: first tried again after a minute, at most daily.
_FAIL = """
update {queue} q
set attempts = coalesce(q.attempts, 0) + 1,
    error = $2,
    retry_at = pg_catalog.clock_timestamp()
        + least(60 * 4 ^ coalesce(q.attempts, 0), 86400) * interval '1 second'
where q.ctid = $1
"""


def key_count(database: Database, version: Version) -> int:
    """Return how many columns a version's key has."""
    rows = database.execute(
        "select pg_catalog.count(*) as n from pg_catalog.pg_attribute a "
        "where a.attrelid = $1::pg_catalog.regclass and a.attname ~ '^k[0-9]+$'",
        [version.queue],
    )
    return int(rows[0]["n"])


def claim(
    database: Database, version: Version, condition: str, args: Sequence[object], types: list[str]
) -> list[Row]:
    """Return one row for each key marked, with its text of now.

    marks: the ctids of its queue rows; stored: there are embeddings; stale:
    they are missing or not of this text; content: None for a row that is gone
    or has no text.
    """
    count = key_count(database, version)
    source = f"llm.collection_{version.collection}_source"
    _forget_all(database, version, source, count)
    grouped = storage.keys(count, "q.")
    return database.execute(
        f"""
        select m.marks, i.digest is not null as stored,
            s.content is not null
                and i.digest is distinct from {_digest("s.content", "s.metadata")} as stale,
            s.content, s.metadata::text as metadata
        from (
            select {grouped}, pg_catalog.array_agg(q.ctid)::text[] as marks
            from (select q.*, q.ctid from {version.queue} q where {condition}) q
            where q.k1 is not null
            group by {grouped}
        ) m
        left join {source} s on {storage.same_key(count, "s", "m")}
        left join {version.storage} i on {storage.same_key(count, "i", "m")} and i.chunk = 1
        """,
        args,
        types,
    )


def _digest(content: str, metadata: str) -> str:
    return f"pg_catalog.md5({content} || {metadata}::text)::uuid"


def _forget_all(database: Database, version: Version, source: str, count: int) -> None:
    """Act on the mark that TRUNCATE leaves: embeddings without a row go."""
    marked = database.execute(
        f"select q.ctid::text as mark from {version.queue} q where q.k1 is null"
    )
    # Other lanes may still write what they read before the TRUNCATE.
    if marked and locks.all_lanes(database, version.id):
        database.execute(
            f"delete from {version.storage} i where not exists "
            f"(select from {source} s where {storage.same_key(count, 's', 'i')})"
        )
        delete_marks(database, version, [row["mark"] for row in marked])


def delete_marks(database: Database, version: Version, marks: Sequence[str]) -> None:
    """Take marks out of the queue."""
    database.execute(
        f"delete from {version.queue} q where q.ctid = any ($1)", [list(marks)], ["tid[]"]
    )


def finish(
    database: Database,
    version: Version,
    language: str,
    marks: Sequence[str],
    removed: Sequence[str],
    pieces: Sequence[Sequence[object]],
) -> None:
    """Write embeddings, take old ones away, and the marks out of the queue.

    `removed`: one mark of each row whose embeddings go; `pieces`: columns
    mark, chunk, content, note, metadata, words, grams, digest, embedding, each a list.
    """
    count = key_count(database, version)
    if removed:
        database.execute(
            f"delete from {version.storage} i using {version.queue} q "
            f"where q.ctid = any ($1) and {storage.same_key(count, 'i', 'q')}",
            [list(removed)],
            ["tid[]"],
        )
    if pieces[0]:
        schema = storage.vector_schema(database)
        database.execute(
            f"""
            insert into {version.storage} ({storage.keys(count)}, chunk, content, note, metadata,
                digest, terms, embedding)
            select {storage.keys(count, "q.")}, p.chunk, p.content, p.note, p.metadata::jsonb,
                p.digest::uuid,
                pg_catalog.to_tsvector({storage.literal(language)}::pg_catalog.regconfig, p.words)
                    || p.grams::tsvector,
                p.embedding::{schema}.{version.type}
            from unnest($1::tid[], $2, $3, $4, $5, $6, $7, $8, $9)
                p(mark, chunk, content, note, metadata, words, grams, digest, embedding)
            join {version.queue} q on q.ctid = p.mark
            """,
            [list(column) for column in pieces],
            ["tid[]", "int4[]", *["text[]"] * 7],
        )
    # A row that had been set aside is well again, or gone.
    database.execute(
        f"delete from {version.queue} f using {version.queue} q "
        f"where q.ctid = any ($1) and f.attempts is not null "
        f"and {storage.same_key(count, 'f', 'q')}",
        [list(marks)],
        ["tid[]"],
    )
    delete_marks(database, version, marks)


def fail(database: Database, version: Version, marks: Sequence[str], error: str) -> None:
    """Set a row aside with the model's message: one mark of it stays."""
    count = key_count(database, version)
    database.execute(
        f"delete from {version.queue} f using {version.queue} q "
        f"where q.ctid = $1 and f.ctid <> $1 and (f.ctid = any ($2) or f.attempts is not null) "
        f"and {storage.same_key(count, 'f', 'q')}",
        [marks[0], list(marks)],
        ["tid", "tid[]"],
    )
    database.execute(_FAIL.format(queue=version.queue), [marks[0], error], ["tid", "text"])


def next_marks(
    database: Database, version: Version, lane: int, size: int, after: str
) -> list[Row]:
    """Claim the next marks of a lane in the order of the queue's table.

    The scan starts behind the last mark, not at the front of the table, where
    the marks that were deleted lie until vacuum.
    """
    key = storage.keys(key_count(database, version), "q.")
    return claim(
        database,
        version,
        "q.ctid > $1 and (q.attempts is null or q.retry_at <= pg_catalog.clock_timestamp()) "
        f"and pg_catalog.hash_record_extended(row({key}), 0) & {locks.LANES - 1} = $3 limit $2",
        [after, size, lane],
        ["tid", "int4", "int4"],
    )


def retry(database: Database, version: Version) -> None:
    """Make rows that were set aside wait again."""
    database.execute(
        f"update {version.queue} set attempts = null, error = null, retry_at = null "
        "where attempts is not null"
    )


def failures(database: Database, version: Version, names: Sequence[str]) -> list[Row]:
    """Return the rows set aside: key, attempts, error, retry_at; as a caller who may read them."""
    key = ", ".join(f"{storage.literal(name)}, q.k{n}" for n, name in enumerate(names, 1))
    return database.execute(
        f"select pg_catalog.jsonb_build_object({key}) as key, q.attempts, q.error, q.retry_at "
        f"from {version.queue} q where q.attempts is not null order by q.retry_at"
    )


def pending(database: Database, version: Version) -> tuple[int, int]:
    """Count the waiting marks and the rows set aside."""
    row = database.execute(
        "select pg_catalog.count(*) filter (where q.attempts is null) as pending, "
        "pg_catalog.count(*) filter (where q.attempts is not null) as failed "
        f"from {version.queue} q"
    )[0]
    return row["pending"], row["failed"]


def note(
    database: Database,
    version: int,
    error: str | None,
    retry_seconds: float | None,
    embedded: int,
    seconds: float,
) -> None:
    """Write how a version does into the registry; the rate is a moving average."""
    database.execute(
        """
        update llm.collection_versions v
        set error = $2,
            retry_at = pg_catalog.clock_timestamp() + $3 * interval '1 second',
            embedded = v.embedded + $4,
            rate = case
                when $4 > 0 and $5 > 0 then coalesce(v.rate * 0.7, 0.7 * $4 / $5) + 0.3 * $4 / $5
                else v.rate
            end
        where v.id = $1
        """,
        [version, error, retry_seconds, embedded, seconds],
        ["int8", "text", "float8", "int8", "float8"],
    )
