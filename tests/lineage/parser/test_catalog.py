"""The live catalog as the parser sees it, by role."""

from __future__ import annotations

import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.lineage.parser import extract, live_schema


@pytest.fixture(scope="module")
def _objects(server, database_name):
    import psycopg

    from tests.conftest import dsn

    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute(
            """
            create schema shop;
            create schema hidden;
            create table shop.orders (id int, gone int, amount numeric) partition by list (id);
            alter table shop.orders drop column gone;
            create view shop.big as select id from shop.orders where amount > 10;
            create materialized view shop.stored as select 1 as one;
            create table shop."Odd.name" (x int);
            create table shop.secret (id int, password text);
            create table hidden.orders (id int);
            create type shop.kind as (a int);
            create role reader;
            grant usage on schema shop to reader;
            grant select on shop.orders, shop.big, shop.stored to reader;
            grant select (id) on shop.secret to reader;
            grant select on hidden.orders to reader;
            """
        )
    yield
    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute("drop schema shop, hidden cascade")
        connection.execute("drop role reader")


def shop(schema):
    return {name: columns for name, columns in schema.items() if name.startswith(("shop", "hidd"))}


@pytest.mark.usefixtures("_objects")
def test_kinds_of_relations(db):
    assert shop(live_schema(PsycopgDatabase(db))) == {
        "hidden.orders": ["id"],
        'shop."Odd.name"': ["x"],
        "shop.big": ["id"],
        "shop.orders": ["id", "amount"],
        "shop.secret": ["id", "password"],
        "shop.stored": ["one"],
    }


@pytest.mark.usefixtures("_objects")
def test_a_role_sees_what_it_may(db):
    db.execute("set role reader")
    schema = shop(live_schema(PsycopgDatabase(db)))
    db.execute("reset role")
    assert sorted(schema) == ["shop.big", "shop.orders", "shop.secret", "shop.stored"]


@pytest.mark.usefixtures("_objects")
def test_only_names_of_the_statement(db):
    sql = 'select o.id from Orders o join shop."Odd.name" on x = id'
    schema = live_schema(PsycopgDatabase(db), sql)
    assert sorted(schema) == ["hidden.orders", 'shop."Odd.name"', "shop.orders"]
    [edge, *_] = extract(sql, "postgres", schema, ["shop"], statement=1)
    assert (edge.source_relation, edge.source_column) == ("shop.orders", "id")
