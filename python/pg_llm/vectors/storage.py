"""Tables, views and triggers of a collection: made and dropped as the extension's owner.

For collection 3 and its version 7, embedded by one model:

- `llm.collection_3_source`, a view of the table: key columns `k1`, `k2`, …, the
  text, the metadata. It holds the table by identity, so a rename changes
  nothing and a column in use cannot be dropped. It formats values by their
  type's output function and never casts them: a cast may be a function of the
  table's owner, and this view is read as the extension's owner;
- `llm.vectors_7`, the embeddings: one row for each chunk;
- `llm.vectors_7_queue`, the marks: arrays of keys of rows to look at again, one
  mark for a row or for some of a statement's. It has no index on keys, so that
  marking is an append and writers never wait;
- `llm.vectors_7_failed`, the rows whose text the model refuses;
- the triggers `llm_vectors_7_…` on the table, and their functions (see `triggers`).

Names are numbers, so nothing here quotes a name of the user's but the table's
and its columns'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import ConfigurationError, DatabaseError, FeatureNotSupported
from pg_llm.vectors import collections
from pg_llm.vectors.locks import LANES

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.vectors.collections import Collection, Table

# pgvector's indexes: vector up to 2,000 dimensions, halfvec up to 4,000.
VECTOR_DIMENSIONS = 2_000

# Rows of one mark: what is read, embedded and written in one go.
MARK_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Version:
    """A row of `llm.collection_versions`, with what its storage is made of."""

    id: int
    collection: int
    model: str
    dimensions: int
    synchronous: bool
    built: bool
    indexed: bool

    @property
    def storage(self) -> str:
        """The table of the embeddings."""
        return f"llm.vectors_{self.id}"

    @property
    def queue(self) -> str:
        """The table of the marks."""
        return f"llm.vectors_{self.id}_queue"

    @property
    def failed(self) -> str:
        """The table of the rows that are set aside."""
        return f"llm.vectors_{self.id}_failed"

    @property
    def type(self) -> str:
        """The type of pgvector for so many dimensions."""
        return type_of(self.dimensions)


def type_of(dimensions: int) -> str:
    """Return the type of pgvector for so many dimensions."""
    return "vector" if dimensions <= VECTOR_DIMENSIONS else "halfvec"


def quote(name: str) -> str:
    """Quote an identifier, always."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string literal, whatever standard_conforming_strings says."""
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return " E" + quoted if "\\" in text else quoted


_REQUIRED = (0, 8)


def check_pgvector(database: Database) -> None:
    """Raise `ConfigurationError` for a pgvector without halfvec or iterative scans."""
    rows = database.execute("select e.extversion from pg_extension e where e.extname = 'vector'")
    found = rows[0]["extversion"] if rows else "none"
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < _REQUIRED:
        raise ConfigurationError(
            f"collections need pgvector 0.8 or newer, and this database has {found}",
            hint="Install a newer pgvector on the server, then: alter extension vector update.",
        )


def vector_schema(database: Database) -> str:
    """Return the schema that pgvector lives in, quoted."""
    rows = database.execute(
        "select pg_catalog.quote_ident(n.nspname) as schema from pg_catalog.pg_extension e "
        "join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'"
    )
    if not rows:
        raise ConfigurationError("the extension vector is gone", hint="create extension vector")
    return str(rows[0]["schema"])


_VERSION = """
select v.id, v.collection, v.model, v.dimensions, v.synchronous, v.built, v.indexed
from llm.collection_versions v
"""


def versions(database: Database, collection: int) -> list[Version]:
    """Return a collection's versions, oldest first."""
    rows = database.execute(
        _VERSION + "where v.collection = $1 order by v.id", [collection], ["int8"]
    )
    return [Version(**row) for row in rows]


def version(database: Database, number: int) -> Version | None:
    """Return a version, None when it is gone or not built."""
    rows = database.execute(_VERSION + "where v.id = $1 and v.built", [number], ["int8"])
    return Version(**rows[0]) if rows else None


def keys(count: int, prefix: str = "") -> str:
    """Return the key columns of a collection's storage: `k1, k2`."""
    return ", ".join(f"{prefix}k{n}" for n in range(1, count + 1))


def same_key(count: int, one: str, other: str) -> str:
    """Return the condition that two relations' keys are equal."""
    return " and ".join(f"{one}.k{n} = {other}.k{n}" for n in range(1, count + 1))


def content_expression(collection: Collection, table: Table) -> str:
    """Return the SQL expression of a row's text: NULL where every column is blank."""
    if collection.template is None:
        used = collection.columns
        fields = ", ".join(f"nullif({_text(name)}, '')" for name in used)
        made = f"pg_catalog.concat_ws(E'\\n', {fields})"
    else:
        pattern, used = collections.placeholders(collection.template)
        collections.check_columns(table, used)
        fields = ", ".join(_column(name) for name in used)
        made = f"pg_catalog.format({literal(pattern)}, {fields})"
    everything = ", ".join(_column(name) for name in used)
    blank = f"pg_catalog.btrim(pg_catalog.concat({everything}), E' \\t\\n\\r') = ''"
    return f"case when {blank} then null else {made} end"


def _column(name: str) -> str:
    return f"t.{quote(name)}"


def _text(name: str) -> str:
    # By the type's output function: no cast of the owner's making runs.
    return f"pg_catalog.format('%s', {_column(name)})"


def _metadata_expression(collection: Collection, table: Table) -> str:
    pairs = (
        f"{literal(name)}, {_column(name) if table.columns[name].builtin else _text(name)}"
        for name in collection.metadata
    )
    return f"pg_catalog.jsonb_build_object({', '.join(pairs)})"


def create_source(database: Database, collection: Collection, table: Table) -> None:
    """Make the views of a collection's table."""
    fields = ",\n    ".join(
        f"{_column(column.name)}::{column.type} as k{n}" for n, column in enumerate(table.key, 1)
    )
    source = f"llm.collection_{collection.id}_source"
    database.execute(
        f"create view {source} as select {fields},\n"
        f"    {content_expression(collection, table)} as content,\n"
        f"    {_metadata_expression(collection, table)} as metadata\n"
        f"from {table.name} t"
    )
    # Depends on the key columns alone: `check_key` compares them with the primary key.
    key = f"llm.collection_{collection.id}_key"
    database.execute(f"create view {key} as select {fields} from {table.name} t")
    for view, what in ((source, "the text"), (key, "the keys")):
        database.execute(
            f"comment on view {view} is 'pg_llm: {what} that a collection is made of'"
        )


def create_storage(database: Database, collection: Collection, table: Table, new: Version) -> None:
    """Make the tables of a version."""
    schema = vector_schema(database)
    columns = [f"k{n} {column.type}" for n, column in enumerate(table.key, 1)]
    required = ",\n    ".join(f"{column} not null" for column in columns)
    unique = keys(len(columns))
    database.execute(
        f"create table {new.storage} (\n"
        "    id bigint generated by default as identity primary key,\n"
        f"    {required},\n"
        "    chunk int not null,\n"
        "    content text not null,\n"
        "    note text,\n"
        "    metadata jsonb not null,\n"
        "    digest uuid not null,\n"
        "    terms tsvector not null,\n"
        f"    embedding {schema}.{new.type}({new.dimensions}),\n"
        f"    unique ({unique}, chunk)\n)"
    )
    _create_queue(database, table, new)
    grant_owner(database, new, table.owner)
    for relation, what in (
        (new.storage, "embeddings of a collection"),
        (new.queue, "rows of a collection to be embedded"),
        (new.failed, "rows of a collection whose text the model refuses"),
    ):
        database.execute(f"comment on table {relation} is 'pg_llm: {what}'")
    _create_policy(database, table, new)
    _check_equality(database, collection, len(columns), new)


def _create_queue(database: Database, table: Table, new: Version) -> None:
    arrays = ", ".join(f"k{n} {column.type}[]" for n, column in enumerate(table.key, 1))
    # A synchronous statement finds its own marks by transaction.
    own = ", xid xid8 not null default pg_catalog.pg_current_xact_id()" if new.synchronous else ""
    # A mark without keys is TRUNCATE's. Without a lane, its only key says which.
    database.execute(f"create table {new.queue} (lane int, n int not null, {arrays}{own})")
    # Arrays of keys are read whole: compressing them costs more than it saves.
    storages = ", ".join(f"alter k{n} set storage external" for n in range(1, len(table.key) + 1))
    database.execute(f"alter table {new.queue} {storages}")
    if new.synchronous:
        database.execute(f"create index on {new.queue} (xid)")
    database.execute(f"create index on {new.queue} (n) where n = 0")
    required = ", ".join(f"k{n} {column.type} not null" for n, column in enumerate(table.key, 1))
    database.execute(
        f"create table {new.failed} ({required}, attempts int not null, retry_at timestamptz, "
        f"error text not null, unique ({keys(len(table.key))}))"
    )


def _create_policy(database: Database, table: Table, new: Version) -> None:
    # Asked as the caller, so that the policies of the table decide. It stands
    # there always, and works where the table has row level security.
    same = " and ".join(f"t.{quote(c.name)} = k{n}" for n, c in enumerate(table.key, 1))
    database.execute(
        f"create policy visible on {new.storage} for select "
        f"using (exists (select from {table.name} t where {same}))"
    )


def _check_equality(database: Database, collection: Collection, count: int, new: Version) -> None:
    try:
        database.execute(
            f"select from {new.storage} i join llm.collection_{collection.id}_source s "
            f"on {same_key(count, 'i', 's')} limit 0"
        )
    except DatabaseError as error:
        if error.sqlstate != "42883":
            raise
        raise FeatureNotSupported(
            "the primary key has a type without an equality operator of PostgreSQL's own",
            detail=error.message,
        ) from None


def queue_everything(database: Database, collection: Collection, count: int, new: Version) -> int:
    """Mark every row of the table, to be looked at again; return how many."""
    arrays = ", ".join(f"pg_catalog.array_agg(s.k{n})" for n in range(1, count + 1))
    # In the order of the table, so that a mark's rows lie side by side.
    made = database.execute(
        f"""
        with marked as (
            insert into {new.queue} (lane, n, {keys(count)})
            select s.lane, pg_catalog.count(*), {arrays}
            from (
                select s.*, pg_catalog.row_number() over (partition by s.lane) as place
                from (
                    select {keys(count)}, (
                        pg_catalog.hash_record_extended(row({keys(count)}), 0) & {LANES - 1}
                    )::int as lane
                    from llm.collection_{collection.id}_source
                ) s
            ) s
            group by s.lane, (s.place - 1) / {MARK_ROWS}
            returning n
        )
        select coalesce(pg_catalog.sum(n), 0)::bigint as queued from marked
        """
    )
    return int(made[0]["queued"])


def has_source(database: Database, collection: Collection) -> bool:
    """Return whether the view of the table is still there."""
    source = f"llm.collection_{collection.id}_source"
    return bool(database.execute("select where pg_catalog.to_regclass($1) is not null", [source]))


def grant_owner(database: Database, each: Version, owner: int) -> None:
    """Let the owner of the table search, and let others search; show him the queue."""
    name = role_name(database, owner)
    database.execute(f"grant select on {each.storage} to {name} with grant option")
    database.execute(f"grant select on {each.queue}, {each.failed} to {name}")


def role_name(database: Database, oid: int) -> str | None:
    """Return a role's name, quoted; None when it is gone."""
    rows = database.execute(
        "select pg_catalog.quote_ident(r.rolname) as name "
        "from pg_catalog.pg_roles r where r.oid = $1",
        [oid],
        ["int8"],
    )
    return rows[0]["name"] if rows else None
