"""Tables, views and triggers of a collection: made and dropped as the extension's owner.

For collection 3 and its version 7, embedded by one model:

- `llm.collection_3_source`, a view of the table: key columns `k1`, `k2`, …, the
  text, the metadata. It holds the table by identity, so a rename changes
  nothing and a column in use cannot be dropped. It formats values by their
  type's output function and never casts them: a cast may be a function of the
  table's owner, and this view is read as the extension's owner;
- `llm.vectors_7`, the embeddings: one row for each chunk;
- `llm.vectors_7_queue`, the marks: keys of rows to look at again. It has no
  unique index, so that marking is an append and writers never wait;
- the triggers `llm_vectors_7_…` on the table.

Names are numbers, so nothing here quotes a name of the user's but the table's
and its columns'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import ConfigurationError, DatabaseError, FeatureNotSupported
from pg_llm.vectors import collections

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.vectors.collections import Collection, Table

# pgvector's indexes: vector up to 2,000 dimensions, halfvec up to 4,000.
VECTOR_DIMENSIONS = 2_000


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


def build(database: Database, collection: Collection) -> int:
    """Make what is missing of a collection's storage; return the rows queued."""
    table = collections.table(database, collection.relation)
    collections.check_columns(table, [*collection.columns, *collection.metadata])
    made = [v for v in versions(database, collection.id) if not v.built]
    if not made:
        return 0
    if collection.active is None:
        _create_source(database, collection, table)
    queued = 0
    for new in made:
        _create_storage(database, collection, table, new)
        queued = queue_everything(database, collection, len(table.key), new)
        _create_triggers(database, collection, table, new)
        database.execute(
            "update llm.collection_versions set built = true where id = $1", [new.id], ["int8"]
        )
        if collection.active is None:
            database.execute(
                "update llm.collections set active = $1 where id = $2",
                [new.id, collection.id],
                ["int8", "int8"],
            )
    return queued


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


def _create_source(database: Database, collection: Collection, table: Table) -> None:
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


def _create_storage(
    database: Database, collection: Collection, table: Table, new: Version
) -> None:
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
    # A synchronous statement finds its own marks by transaction.
    own = ", xid xid8 not null default pg_catalog.pg_current_xact_id()" if new.synchronous else ""
    database.execute(
        f"create table {new.queue} (\n    "
        + ", ".join(columns)
        + ", attempts int, retry_at timestamptz, error text"
        + own
        + "\n)"
    )
    if new.synchronous:
        database.execute(f"create index on {new.queue} (xid)")
    # Partial, so that a mark costs no entry: TRUNCATE's mark, and rows set aside.
    database.execute(f"create index on {new.queue} (k1) where k1 is null")
    database.execute(f"create index on {new.queue} ({unique}) where attempts is not null")
    _grant_owner(database, new, table.owner)
    for relation, what in (
        (new.storage, "embeddings of a collection"),
        (new.queue, "rows of a collection to be embedded"),
    ):
        database.execute(f"comment on table {relation} is 'pg_llm: {what}'")
    _create_policy(database, table, new)
    _check_equality(database, collection, len(columns), new)


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
    made = database.execute(
        f"with marked as (insert into {new.queue} ({keys(count)}) "
        f"select {keys(count)} from llm.collection_{collection.id}_source returning 1) "
        "select pg_catalog.count(*) as queued from marked"
    )
    return int(made[0]["queued"])


def _create_triggers(
    database: Database, collection: Collection, table: Table, new: Version
) -> None:
    for name, event, function in _triggers(collection, table, new):
        database.execute(
            f"create trigger {name} {event} execute function llm.{function}('{new.id}')"
        )


def _triggers(collection: Collection, table: Table, new: Version) -> list[tuple[str, str, str]]:
    """Return name, event and function of each trigger.

    Transition tables make bulk writes cheap, but PostgreSQL has none for an
    UPDATE of some columns; the WHEN of a row trigger costs nothing where the
    text stays. Statement triggers of a partitioned table do not see writes to
    its partitions: there every trigger is one for rows.
    """
    prefix = f"llm_vectors_{new.id}"
    on = f"on {table.name}"
    rows = table.kind == "p"
    used = _used(collection, table)
    changed = " or ".join(f"old.{quote(n)} is distinct from new.{quote(n)}" for n in used)
    each = "for each row" if rows else "for each statement"
    inserted = each if rows else f"referencing new table as new_rows {each}"
    deleted = each if rows else f"referencing old table as old_rows {each}"
    made = [
        (f"{prefix}_insert", f"after insert {on} {inserted}", "vectors_mark"),
        (f"{prefix}_update", f"after update {on} for each row when ({changed})", "vectors_mark"),
        (f"{prefix}_delete", f"after delete {on} {deleted}", "vectors_mark"),
        (f"{prefix}_truncate", f"after truncate {on} for each statement", "vectors_mark"),
    ]
    if new.synchronous:
        made.append(
            (
                f"{prefix}_work",
                f"after insert or update or delete or truncate {on} for each statement",
                "vectors_embed",
            )
        )
    return made


def _used(collection: Collection, table: Table) -> list[str]:
    columns = collection.columns
    if collection.template is not None:
        columns = collections.placeholders(collection.template)[1]
    return list(dict.fromkeys([*(c.name for c in table.key), *columns, *collection.metadata]))


def has_source(database: Database, collection: Collection) -> bool:
    """Return whether the view of the table is still there."""
    source = f"llm.collection_{collection.id}_source"
    return bool(database.execute("select where pg_catalog.to_regclass($1) is not null", [source]))


def drop(database: Database, collection: Collection) -> None:
    """Drop a collection's triggers and storage, and its row."""
    for old in versions(database, collection.id):
        drop_version(database, collection.relation, old)
    # The row first: the event trigger on drops finds nothing to forget.
    database.execute("delete from llm.collections where id = $1", [collection.id], ["int8"])
    for what in ("source", "key"):
        database.execute(f"drop view if exists llm.collection_{collection.id}_{what} cascade")


_KEYS = """
select c.oid::pg_catalog.regclass::text as name,
    (
        select pg_catalog.array_agg(a.attnum::int order by a.attnum)
        from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        where i.indrelid = c.oid and i.indisprimary
    ) as key,
    (
        select pg_catalog.array_agg(distinct d.refobjsubid order by d.refobjsubid)
        from pg_catalog.pg_depend d
        join pg_catalog.pg_rewrite r on r.oid = d.objid
        where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and r.ev_class = pg_catalog.to_regclass('llm.collection_' || $2 || '_key')
            and d.refobjid = c.oid and d.refobjsubid > 0
    ) as used
from pg_catalog.pg_class c
where c.oid = $1
"""


def check_key(database: Database, collection: Collection) -> None:
    """Raise unless the primary key is the one by which rows are addressed."""
    rows = database.execute(_KEYS, [collection.relation, str(collection.id)], ["oid", "text"])
    if rows and rows[0]["key"] != rows[0]["used"]:
        raise FeatureNotSupported(
            f'the collection "{collection.name}" addresses the rows of {rows[0]["name"]} '
            "by the primary key that this would change",
            hint=f"Drop it first: select llm_collection_drop({literal(collection.name).strip()}).",
        )


def follow(database: Database, collection: Collection) -> None:
    """Bring a collection in line with its table: owner, row level security."""
    rows = database.execute(
        "select c.relowner::bigint as owner, c.relrowsecurity as row_security "
        "from pg_catalog.pg_class c where c.oid = $1",
        [collection.relation],
        ["oid"],
    )
    if not rows:
        return
    owner = rows[0]["owner"]
    action = "enable" if rows[0]["row_security"] else "disable"
    for each in versions(database, collection.id):
        if each.built:
            database.execute(f"alter table {each.storage} {action} row level security")
            if collection.owner != owner:
                _hand_over(database, each, collection.owner, owner)
    if collection.owner != owner:
        database.execute(
            "update llm.collections set owner = $1::oid where id = $2",
            [owner, collection.id],
            ["int8", "int8"],
        )


def _hand_over(database: Database, each: Version, old: int, new: int) -> None:
    # What the old owner granted goes with it: the new one decides anew.
    name = _role(database, old)
    if name is not None:
        database.execute(f"revoke all on {each.storage}, {each.queue} from {name} cascade")
    _grant_owner(database, each, new)


def _grant_owner(database: Database, each: Version, owner: int) -> None:
    name = _role(database, owner)
    database.execute(f"grant select on {each.storage} to {name} with grant option")
    database.execute(f"grant select on {each.queue} to {name}")


def _role(database: Database, oid: int) -> str | None:
    rows = database.execute(
        "select pg_catalog.quote_ident(r.rolname) as name "
        "from pg_catalog.pg_roles r where r.oid = $1",
        [oid],
        ["int8"],
    )
    return rows[0]["name"] if rows else None


def drop_version(database: Database, relation: int, old: Version) -> None:
    """Drop one version's triggers, storage and row."""
    triggers = database.execute(
        "select pg_catalog.format('drop trigger %I on %s', t.tgname, "
        "t.tgrelid::pg_catalog.regclass) as statement from pg_catalog.pg_trigger t "
        "where t.tgrelid = $1 and not t.tgisinternal and t.tgparentid = 0 "
        "and t.tgname ~ ('^llm_vectors_' || $2 || '_[a-z]+$')",
        [relation, str(old.id)],
        ["oid", "text"],
    )
    for trigger in triggers:
        database.execute(trigger["statement"])
    database.execute(f"drop table if exists {old.storage}, {old.queue}")
    database.execute("delete from llm.collection_versions where id = $1", [old.id], ["int8"])
