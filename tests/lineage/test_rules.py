"""lineage_rules: the rules of a view and of a table, in SQL and in words."""

from __future__ import annotations


def rules(db, relation):
    return db.execute("select * from lineage_rules(%s)", [relation]).fetchall()


def said(db, relation):
    return [(r["part"], r["in_words"]) for r in rules(db, relation)]


def test_a_view(fixtures_db):
    fixtures_db.execute(
        """
        create view f.ruled as
        with q as (select id, a, sum(b) over (partition by c) as sb from t where flag)
        select q.id, count(*) as n, sum(case when u.m > 3 then u.m end) as "Big", 'EUR' as currency
        from q left join u on u.t_id = q.id and u.m > 0
        where q.a > 1
        group by q.id
        having count(*) > 1
        order by q.id
        limit 10
        """
    )
    found = rules(fixtures_db, "f.ruled")
    assert [(r["column_name"], r["in_words"]) for r in found if r["column_name"]] == [
        ("id", "id is f.t.id, unchanged"),
        ("n", "n is made without any column: count(*)"),
        (
            "Big",
            (
                "Big is aggregated from f.u.m: sum( CASE WHEN (u.m > (3)::numeric) THEN u.m"
                " ELSE NULL::numeric END); it depends on f.u.m"
            ),
        ),
        ("currency", "currency is made without any column: 'EUR'::text"),
    ]
    assert [(r["query"], r["part"], r["in_words"]) for r in found if not r["column_name"]] == [
        ("q", "column", "a column of q: t.id"),
        ("q", "column", "a column of q: t.a"),
        ("q", "column", "a column of q: sum(t.b) OVER (PARTITION BY t.c)"),
        ("q", "from", "rows of t"),
        ("q", "filter", "only rows where t.flag"),
        (None, "from", "rows of q"),
        (
            None,
            "join",
            (
                "matched with u where ((u.t_id = q.id) AND (u.m > (0)::numeric));"
                " rows without a match are kept"
            ),
        ),
        (None, "filter", "only rows where q.a > 1"),
        (None, "group", "one row for each q.id"),
        (None, "having", "only groups where count(*) > 1"),
        (None, "order", "sorted by q.id"),
        (None, "limit", "at most 10 rows"),
    ]


def test_a_set_operation(fixtures_db):
    fixtures_db.execute("create view f.both as select a from t union all select m from u")
    assert said(fixtures_db, "f.both") == [
        ("column", "a is computed from f.t.a and f.u.m: t.a union all u.m"),
        ("from", "rows of t"),
        ("combine", "together with the rows that follow"),
        ("from", "rows of u"),
    ]


def test_a_table_has_its_computed_columns(fixtures_db):
    assert [tuple(r.values()) for r in rules(fixtures_db, "f.gen")] == [
        (None, "column", "tax", "7", "tax is by default 7"),
        (None, "column", "gross", "(net + tax)", "gross is always computed as (net + tax)"),
    ]


def test_a_table_without_rules_says_so(fixtures_db):
    said = []
    fixtures_db.add_notice_handler(lambda notice: said.append(notice.message_primary))
    assert rules(fixtures_db, "f.t") == []
    assert said == ["f.t has no rules"]


def test_what_may_not_be_seen_is_hidden(fixtures_db):
    with fixtures_db.transaction(force_rollback=True):
        fixtures_db.execute("create role sees_none; grant llm_user to sees_none")
        fixtures_db.execute("grant usage on schema f to sees_none; set local role sees_none")
        assert said(fixtures_db, "f.gen") == [
            ("hidden", "the current role has no right on the relation")
        ]


def test_a_view_whose_table_was_dropped_by_force(fixtures_db):
    fixtures_db.execute(
        "create table f.gone (x int); create view f.left_over as select x from f.gone"
    )
    fixtures_db.execute("delete from pg_class where relname = 'gone'")
    [rule] = rules(fixtures_db, "f.left_over")
    assert (rule["part"], rule["column_name"], rule["rule"]) == ("column", "x", None)


def test_every_system_view_has_rules(fixtures_db):
    views = fixtures_db.execute(
        "select c.oid::regclass::text as name from pg_class c"
        " where c.relkind = 'v' and c.relnamespace = 'information_schema'::regnamespace"
    ).fetchall()
    for view in views:
        parts = {r["part"] for r in rules(fixtures_db, view["name"])}
        # This one names the database alone.
        one_row = view["name"] == "information_schema.information_schema_catalog_name"
        assert parts >= ({"column"} if one_row else {"column", "from"}), view
