"""What a role may see, and that nothing stale or foreign is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.errors import UndefinedObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg


@pytest.fixture
def session(connect: Callable[..., psycopg.Connection]) -> Iterator[PsycopgDatabase]:
    """A session in a transaction with a small schema; all of it is rolled back."""
    connection = connect(autocommit=False)
    database = PsycopgDatabase(connection)
    for statement in (
        "create schema shop",
        "create type shop.size as enum ('small', 'large')",
        "create table shop.item (item_id int primary key, name text unique, size shop.size, secret text)",
        "comment on column shop.item.name is 'What it is called'",
        "create table shop.sale (sale_id int primary key, item_id int references shop.item)",
        "create view shop.large as select name from shop.item where size = 'large'",
        "insert into shop.item select n, 'item ' || n % 3 || n, 'small', 'x' from generate_series(1, 20) n",
        "create role clerk_t",
    ):
        database.execute(statement)
    yield database
    connection.rollback()


def names(snapshot: catalog.Snapshot) -> set[str]:
    return {relation.name for relation in snapshot.relations}


def item(snapshot: catalog.Snapshot) -> catalog.Relation:
    return next(relation for relation in snapshot.relations if relation.name == "item")


def test_relations_columns_keys_and_comments(session: PsycopgDatabase) -> None:
    snapshot = catalog.snapshot(session)
    assert {"item", "sale", "large"} <= names(snapshot)
    found = item(snapshot)
    assert found.sql_name == "shop.item"
    assert found.primary_key == ("item_id",)
    assert ("name",) in found.unique
    assert found.column("name").comment == "What it is called"
    assert found.column("size").values == ("small", "large")
    assert [(key.source_columns, key.target_columns) for key in snapshot.foreign_keys] == [
        (("item_id",), ("item_id",))
    ]


def test_nothing_of_the_system_or_of_extensions(session: PsycopgDatabase) -> None:
    schemas = {relation.schema for relation in catalog.snapshot(session).relations}
    assert schemas == {"shop"}


def test_search_path_decides_the_sql_name(session: PsycopgDatabase) -> None:
    session.execute("set local search_path = shop")
    assert item(catalog.snapshot(session)).sql_name == "item"


def test_values_of_the_statistics(session: PsycopgDatabase) -> None:
    assert item(catalog.snapshot(session)).column("name").values == ()
    session.execute("analyze shop.item")
    assert "item 11" in item(catalog.snapshot(session)).column("name").values


@pytest.mark.parametrize(
    "change",
    [
        "alter table shop.item rename column secret to hidden",
        "alter table shop.item add column more int",
        "alter table shop.item drop column secret",
        "comment on column shop.item.name is 'Another'",
        "comment on table shop.item is 'Items'",
        "comment on column shop.item.name is null",
        "create table shop.other (a int)",
        "drop view shop.large",
        "alter table shop.sale drop constraint sale_item_id_fkey",
        "create unique index on shop.item (item_id, secret)",
        "alter type shop.size add value 'huge'",
        "alter type shop.size rename value 'large' to 'big'",
        "alter schema shop rename to store",
        "analyze shop.item",
    ],
)
def test_every_change_makes_a_new_snapshot(session: PsycopgDatabase, change: str) -> None:
    before = catalog.snapshot(session)
    assert catalog.snapshot(session) is before
    session.execute(change)
    after = catalog.snapshot(session)
    assert after is not before
    assert after != before


def test_rolled_back_change_is_not_seen(session: PsycopgDatabase) -> None:
    before = catalog.snapshot(session)
    session.execute("savepoint s")
    session.execute("create table shop.other (a int)")
    assert "other" in names(catalog.snapshot(session))
    session.execute("rollback to s")
    assert names(catalog.snapshot(session)) == names(before)


def test_role_without_rights_sees_nothing(session: PsycopgDatabase) -> None:
    assert "item" in names(catalog.snapshot(session))
    session.execute("set local role clerk_t")
    assert catalog.snapshot(session).relations == ()


def test_grants_are_seen_at_once_and_by_column(session: PsycopgDatabase) -> None:
    session.execute("set local role clerk_t")
    assert catalog.snapshot(session).relations == ()
    session.execute("reset role")
    session.execute("grant usage on schema shop to clerk_t")
    session.execute("grant select (item_id, name) on shop.item to clerk_t")
    session.execute("set local role clerk_t")
    snapshot = catalog.snapshot(session)
    assert names(snapshot) == {"item"}
    assert [column.name for column in item(snapshot).columns] == ["item_id", "name"]
    assert snapshot.foreign_keys == ()
    session.execute("reset role")
    session.execute("revoke usage on schema shop from clerk_t")
    session.execute("set local role clerk_t")
    assert catalog.snapshot(session).relations == ()


def test_values_behind_row_security_are_not_shown(session: PsycopgDatabase) -> None:
    session.execute("grant usage on schema shop to clerk_t")
    session.execute("grant select on shop.item to clerk_t")
    session.execute("analyze shop.item")
    session.execute("set local role clerk_t")
    assert item(catalog.snapshot(session)).column("name").values
    session.execute("reset role")
    session.execute("alter table shop.item enable row level security")
    session.execute("set local role clerk_t")
    found = item(catalog.snapshot(session))
    assert found.row_security
    assert found.column("name").values == ()


def test_view_definition(session: PsycopgDatabase) -> None:
    snapshot = catalog.snapshot(session)
    view = next(relation for relation in snapshot.relations if relation.name == "large")
    assert "WHERE" in catalog.view_definition(session, view)
    with pytest.raises(UndefinedObject):
        catalog.view_definition(session, item(snapshot))
