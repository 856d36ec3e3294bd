"""A collection's life: built, following its table, dropped.

All as the extension's owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.errors import FeatureNotSupported
from pg_llm.vectors import collections, storage, triggers

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.vectors.collections import Collection
    from pg_llm.vectors.storage import Version


def build(database: Database, collection: Collection) -> int:
    """Make what is missing of a collection's storage; return the rows queued."""
    made = [v for v in storage.versions(database, collection.id) if not v.built]
    if not made:
        return 0
    storage.check_pgvector(database)
    table = collections.table(database, collection.relation)
    if collection.active is None:
        collections.check_columns(table, [*collection.columns, *collection.metadata])
        storage.create_source(database, collection, table)
    queued = 0
    for new in made:
        storage.create_storage(database, collection, table, new)
        queued = storage.queue_everything(database, collection, len(table.key), new)
        triggers.create(database, new, collection.relation)
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


def drop(database: Database, collection: Collection) -> None:
    """Drop a collection's triggers and storage, and its row."""
    for old in storage.versions(database, collection.id):
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
            hint="Drop it first: select llm_collection_drop("
            f"{storage.literal(collection.name).strip()}).",
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
    for each in storage.versions(database, collection.id):
        if each.built:
            triggers.follow(database, each, collection.relation)
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
    name = storage.role_name(database, old)
    if name is not None:
        database.execute(
            f"revoke all on {each.storage}, {each.queue}, {each.failed} from {name} cascade"
        )
    storage.grant_owner(database, each, new)


def drop_version(database: Database, relation: int, old: Version) -> None:
    """Drop one version's triggers, storage and row."""
    made = database.execute(
        "select pg_catalog.format('drop trigger %I on %s', t.tgname, "
        "t.tgrelid::pg_catalog.regclass) as statement from pg_catalog.pg_trigger t "
        "where t.tgrelid = $1 and not t.tgisinternal and t.tgparentid = 0 "
        "and t.tgname ~ ('^llm_vectors_' || $2 || '_[a-z]+$')",
        [relation, str(old.id)],
        ["oid", "text"],
    )
    for trigger in made:
        database.execute(trigger["statement"])
    triggers.drop_functions(database, old)
    database.execute(f"drop table if exists {old.storage}, {old.queue}, {old.failed}")
    database.execute("delete from llm.collection_versions where id = $1", [old.id], ["int8"])
