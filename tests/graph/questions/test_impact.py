"""What breaks, what changes, and whether something can be dropped."""

from __future__ import annotations

import pytest

from pg_llm.graph.store import Key, NodeFacts, ensure_nodes


@pytest.fixture
def shop(draw, db):
    """A table, views one on the other, a table fed from them, functions, a foreign key."""
    db.execute(
        """
        create table s.orders (id int primary key, discount numeric, other int, twice int generated always as (id * 2) stored);
        create table s.items (order_id int references s.orders, price numeric);
        create view s.lines as select o.id, i.price * (1 - o.discount) as net from s.orders o join s.items i on i.order_id = o.id;
        create materialized view s.totals as select id, sum(net) as net from s.lines group by id;
        create view s.everything as select t.net, o.other from s.totals t join s.orders o using (id);
        create function s.best() returns numeric language sql begin atomic select max(net) from s.lines; end;
        create table s.lonely (x int, y int);
        """
    )
    db.execute("truncate lineage.patterns cascade")
    db.execute("select lineage_sync_catalog()")
    draw.evidence(
        Key("pattern", "", "load"), ("s.totals.net", "s.lonely.x", "IDENTITY"), evidence="log"
    )
    return draw


def impact(draw, *args):
    marks = ", ".join(["%s"] * len(args))
    return {
        row[1]: (row[0], row[2], row[3], row[4])
        for row in draw.rows(
            f"select kind, name, columns, effect, depth from lineage_impact({marks})", *args
        )
    }


def test_views_break_and_tables_lose_values(shop):
    found = impact(shop, "s.orders.discount")
    refused = "DROP is refused; CASCADE drops it"
    assert found == {
        "s.lines": ("view", ["net"], refused, 1),
        "s.best()": ("function", ["best"], refused, 2),
        "s.totals": ("materialized view", ["net"], refused, 2),
        "s.everything": ("view", ["net"], refused, 3),
        "load": ("pattern", None, "fails at its next run", 3),
        "s.lonely": ("table", ["x"], "loses values that it is made of", 3),
    }


def test_what_the_server_says_is_what_is_told(shop, db):
    """Every view that DROP … CASCADE takes along is told, and no other."""
    told = {name for name, row in impact(shop, "s.orders.discount").items() if "CASCADE" in row[2]}
    with db.transaction(force_rollback=True):
        db.execute("alter table s.orders drop column discount cascade")
        left = {row[0] for row in db.execute(
            "select oid::regclass::text from pg_class where relnamespace = 's'::regnamespace and relkind in ('v', 'm')"
            " union all select oid::regprocedure::text from pg_proc where pronamespace = 's'::regnamespace"
        ).fetchall()}  # fmt: skip
    assert told == {"s.lines", "s.totals", "s.everything", "s.best()"} - left
    assert not left & {"s.lines", "s.totals", "s.everything", "s.best()"}


def test_keys_and_generated_columns_of_the_table_itself(shop):
    found = impact(shop, "s.orders.id")
    assert found["s.items"] == (
        "table",
        ["order_id"],
        "DROP is refused; CASCADE drops the foreign key",
        1,
    )
    assert found["s.orders"] == (
        "table",
        ["twice"],
        "DROP is refused; CASCADE drops the generated column",
        1,
    )


def test_a_relation_as_a_whole(shop):
    assert set(impact(shop, "s.orders")) >= {"s.lines", "s.items", "s.totals", "s.everything"}
    assert "s.orders" not in impact(shop, "s.orders")
    assert impact(shop, "s.lonely") == {}


def verdict(draw, *args):
    marks = ", ".join(["%s"] * len(args))
    (row,) = draw.rows(f"select * from lineage_drop_verdict({marks})", *args)
    return row


def test_the_verdict_says_why(shop):
    safe, text, breaks, changes, hidden, *_ = verdict(shop, "s.orders", "discount")
    assert (safe, breaks, changes, hidden) == (False, 5, 1, 0)
    assert text == (
        "not safe: breaks 1 function, 1 materialized view, 1 statement and 2 views; changes 1 table"
    )


def test_calls_and_last_use_come_from_statements(shop, db):
    node = ensure_nodes(shop.database, [Key("pattern", "", "load")])
    db.execute("create temp table before as select clock_timestamp() as t")
    _pattern(db, next(iter(node.values())), 42, "2026-11-01 12:00+00")
    row = shop.rows(
        "select calls, last_use = '2026-11-01 12:00+00' from lineage_impact('s.orders.discount') where name = 'load'"
    )
    assert row == [(42, True)]
    (found,) = shop.rows(
        "select calls, last_use is not null from lineage_impact('s.lines') where name = 's.totals'"
    )
    assert found == (42, True)
    safe, text, *_ = verdict(shop, "s.lonely.x")
    assert (safe, "statements used it 42 times" in text) == (False, True)
    safe, text, *_ = verdict(shop, "s.lonely.y")
    assert safe is True, text
    unused = shop.rows("select name, feeds, reason from lineage_unused(100000)")
    assert "s.lonely" not in [row[0] for row in unused]
    assert "s.orders" not in [row[0] for row in unused]


def test_nothing_is_said_safe_before_a_log_was_read(shop, db):
    db.execute("delete from lineage.patterns")
    assert verdict(shop, "s.lonely.y")[0] is None
    assert "no log of statements was read" in verdict(shop, "s.lonely.y")[1]


def test_unused_is_what_nothing_uses_nor_anything_made_of_it(shop, db):
    names = dict(shop.rows("select name, feeds from lineage_unused(0)"))
    assert names["s.lonely"] == 0
    # lines, totals, everything, lonely are made of orders; items of its key alone.
    assert names["s.orders"] == 4
    assert "s.items" in names


def test_dashboards_and_jobs(shop):
    dashboard = Key("job", "metabase", "Sales")
    ensure_nodes(shop.database, [NodeFacts(dashboard, "dashboard", properties={"runs": 7})])
    shop.evidence(dashboard, ("s.lines.net", "metabase|Sales#net"), evidence="openlineage")
    rows = shop.rows(
        "select kind, name, effect, calls, last_use is not null from lineage_impact('s.orders.discount') "
        "where kind = 'dashboard'"
    )
    assert rows == [("dashboard", "metabase/Sales", "fails at its next refresh", 7, True)]


def _pattern(db, node, calls, last):
    """A statement as the logs would have told of it."""
    db.execute(
        "insert into lineage.patterns (fingerprint, query, node, calls, last_seen) values ('load', 'load', %s, %s, %s)",
        [node, calls, last],
    )
