"""What an owner asks for: rows in the registry, written as the owner.

Row level security of `llm.collections` lets only the table's owner write its
row; `llm.collection_apply`, which runs as the extension's owner, then acts on
what the row says. So nobody has to tell a privileged function who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.errors import (
    InsufficientPrivilege,
    InvalidParameter,
    ModelAnswerInvalid,
    PgLlmError,
    UndefinedObject,
)
from pg_llm.models import static
from pg_llm.vectors import collections, queue, storage, work

if TYPE_CHECKING:
    from pg_llm.database import Database, Row


class DuplicateCollection(PgLlmError):
    """A collection of that name exists."""

    sqlstate = "42710"


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of `llm_vectorize`; `relation` is an OID."""

    relation: int | str
    columns: list[str]
    template: str | None
    collection: str | None
    model: str | None
    metadata: list[str]
    language: str
    distance: str
    chunk_size: int
    overflow: str


def vectorize(database: Database, request: Request) -> str:
    """Make a collection; return its name."""
    _check(request)
    oid = database.execute(
        "select $1::pg_catalog.regclass::pg_catalog.oid::bigint as oid", [str(request.relation)]
    )[0]["oid"]
    table = collections.table(database, oid)
    columns = request.columns or []
    if request.template is not None:
        columns = list(dict.fromkeys([*columns, *collections.placeholders(request.template)[1]]))
    if not columns:
        raise InvalidParameter(
            "no column to embed", hint="Name columns, or a template with {column} placeholders."
        )
    collections.check_columns(table, [*columns, *request.metadata])
    name = request.collection or table.name
    if database.execute("select from llm.collections c where c.name = $1", [name]):
        raise _duplicate(name)
    model = request.model or settings.get(database, "embed_model")
    dimensions = probe(database, model)
    created = _insert(database, request, table, name, columns)
    add_version(database, created, model, dimensions)
    queued = apply(database, created)
    if queued:
        database.message(
            "notice",
            f'{queued} rows of "{name}" are queued',
            hint="CALL llm_work() embeds them, and so does a worker.",
        )
    return name


def _check(request: Request) -> None:
    if request.relation is None or request.language is None:
        raise InvalidParameter("relation and language must not be NULL")
    if request.distance not in ("cosine", "inner_product", "l2"):
        raise InvalidParameter(
            f'unknown distance "{request.distance}"',
            hint="The distances are cosine, inner_product and l2.",
        )
    if request.overflow not in ("chunk", "cut"):
        raise InvalidParameter(
            f'unknown overflow "{request.overflow}"', hint="It is chunk or cut."
        )
    if not 50 <= (request.chunk_size or 0) <= 100_000:
        raise InvalidParameter("chunk_size is a number of characters from 50 to 100000")
    if request.collection is not None and not 1 <= len(request.collection) <= 63:
        raise InvalidParameter("a collection's name has 1 to 63 characters")


def _duplicate(name: str) -> DuplicateCollection:
    return DuplicateCollection(
        f'the collection "{name}" exists',
        hint="Choose another with collection => '…', or drop it: select llm_collection_drop('…').",
    )


def _insert(
    database: Database,
    request: Request,
    table: collections.Table,
    name: str,
    columns: list[str],
) -> int:
    rows = database.execute(
        "insert into llm.collections (name, owner, relation, columns, template, metadata, "
        "language, distance, chunk_size, overflow) "
        "values ($1, $2::oid, $3::oid, $4, $5, $6, $7::pg_catalog.regconfig::text, $8, $9, $10) "
        "on conflict (name) do nothing returning id",
        [
            name,
            table.owner,
            table.oid,
            columns,
            request.template,
            request.metadata,
            request.language,
            request.distance,
            request.chunk_size,
            request.overflow,
        ],
        ["text", "int8", "int8", "text[]", "text", "text[]", "text", "text", "int4", "text"],
    )
    if not rows:
        raise _duplicate(name)
    return int(rows[0]["id"])


def probe(database: Database, model: str) -> int:
    """Return how many dimensions a model's vectors have (asks the model)."""
    if model == work.STATIC:
        return static.DIMENSIONS
    vector = work.embed(database, ["text"], model)[0]
    if vector is None:
        raise ModelAnswerInvalid(f'model "{model}" gave no vector for a word')
    return vector.count(",") + 1


def add_version(database: Database, collection: int, model: str, dimensions: int) -> None:
    """Write a version that `apply` builds."""
    database.execute(
        "insert into llm.collection_versions (collection, model, dimensions, synchronous) "
        "values ($1, $2, $3, $4)",
        [collection, model, dimensions, model == work.STATIC],
        ["int8", "text", "int4", "bool"],
    )


def apply(database: Database, collection: int) -> int:
    """Let the extension's owner act on the registry; return the rows left to embed."""
    return int(
        database.execute("select llm.collection_apply($1) as queued", [collection], ["int8"])[0][
            "queued"
        ]
    )


def request(database: Database, name: str, what: str) -> None:
    """Ask for "drop", "refresh" or "retry" of a collection that the caller owns."""
    rows = database.execute(
        "update llm.collections set request = $2 where name = $1 returning id", [name, what]
    )
    if not rows:
        raise _not_owned(name)
    apply(database, rows[0]["id"])


def pause(database: Database, name: str, *, paused: bool) -> None:
    """Let `llm_work` pass a collection by, or no longer (then it is not waited for either)."""
    rows = database.execute(
        "update llm.collection_versions v set paused = $2, "
        "retry_at = case when $2 then v.retry_at end, error = case when $2 then v.error end "
        "from llm.collections c where c.id = v.collection and c.name = $1 returning v.id",
        [name, paused],
        ["text", "bool"],
    )
    if not rows:
        raise _not_owned(name)


def _not_owned(name: str) -> UndefinedObject:
    return UndefinedObject(
        f'you own no collection "{name}"', hint="The view llm.vectorizers lists yours."
    )


class BeingChanged(PgLlmError):
    """The collection has a new model already, not yet done."""

    sqlstate = "55000"


def change_model(database: Database, name: str, model: str) -> None:
    """Begin to embed a collection with another model."""
    collection = collections.by_name(database, name)
    if len(storage.versions(database, collection.id)) > 1:
        raise BeingChanged(
            f'the model of "{name}" is being changed',
            hint="CALL llm_work() embeds what is left, then the new model takes over.",
        )
    # The privilege shows here: only the owner may add a version.
    database.execute(
        "insert into llm.collection_versions (collection, model, dimensions, synchronous) "
        "select c.id, $2, $3, $4 from llm.collections c "
        "where c.id = $1",
        [collection.id, model, probe(database, model), model == work.STATIC],
        ["int8", "text", "int4", "bool"],
    )
    apply(database, collection.id)
    _copy_grants(database, collection)


def _copy_grants(database: Database, collection: collections.Collection) -> None:
    """Grant the new version to whom the owner granted the old one."""
    new = storage.versions(database, collection.id)[-1]
    granted = database.execute(
        "select pg_catalog.quote_ident(r.rolname) as role from pg_catalog.pg_class t, "
        "pg_catalog.aclexplode(t.relacl) a join pg_catalog.pg_roles r on r.oid = a.grantee "
        "where t.oid = pg_catalog.to_regclass('llm.vectors_' || $1) "
        "and a.privilege_type = 'SELECT' and not a.is_grantable",
        [str(collection.active)],
    )
    for row in granted:
        database.execute(f"grant select on {new.storage} to {row['role']}")


_GRANTED = """
select v.id, pg_catalog.quote_ident(r.rolname) as role, c.relation::text as relation,
    t.relrowsecurity as row_security,
    pg_catalog.has_table_privilege(
        pg_catalog.to_regclass('llm.vectors_' || v.id), 'select with grant option'
    ) as may_grant,
    (
        select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ')
        from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        where i.indrelid = c.relation and i.indisprimary
    ) as key
from llm.collections c
join llm.collection_versions v on v.collection = c.id and v.built
join pg_catalog.pg_class t on t.oid = c.relation
left join pg_catalog.pg_roles r on r.rolname = $2
where c.name = $1
"""


def grant(database: Database, name: str, role: str) -> None:
    """Let a role search a collection; runs as the caller, who must hold the right."""
    for found in _granted(database, name, role):
        database.execute(f"grant select on llm.vectors_{found['id']} to {found['role']}")
        if found["row_security"]:
            database.execute(
                f"grant select ({found['key']}) on {found['relation']} to {found['role']}"
            )


def revoke(database: Database, name: str, role: str) -> None:
    """Take the right to search back."""
    for found in _granted(database, name, role):
        database.execute(f"revoke select on llm.vectors_{found['id']} from {found['role']}")


def _granted(database: Database, name: str, role: str) -> list[Row]:
    collections.by_name(database, name)
    rows = database.execute(_GRANTED, [name, role])
    if any(row["role"] is None for row in rows):
        raise UndefinedObject(f'there is no role "{role}"')
    # PostgreSQL would only warn where the caller holds the right without the option.
    if not all(row["may_grant"] for row in rows):
        raise InsufficientPrivilege(f'only the owner of "{name}" decides who may search it')
    return rows


def failures(database: Database, name: str) -> list[Row]:
    """Return the rows of a collection that the model refuses."""
    collection = collections.by_name(database, name)
    names = collections.key_names(database, collection.relation)
    return [
        row
        for version in storage.versions(database, collection.id)
        if version.built
        for row in queue.failures(database, version, names)
    ]
