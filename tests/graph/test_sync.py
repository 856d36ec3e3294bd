"""lineage_sync_catalog: the catalog becomes part of the graph, and stays so."""

from __future__ import annotations

import psycopg
import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.graph import sync
from pg_llm.lineage import analyser

_NOTHING_NEW = dict.fromkeys(
    (
        "schemas",
        "relations",
        "columns",
        "keys",
        "foreign keys",
        "views",
        "rules",
        "generated columns",
        "defaults",
        "partitions",
        "inheritance",
        "foreign tables",
        "functions",
        "function bodies",
        "triggers",
        "publications",
        "subscriptions",
    ),
    (0, 0, 0),
)


def _changes(report):
    """Return (added, changed, closed) of each source."""
    return {source: row[1:4] for source, row in report.items()}


def test_relations_and_columns_become_nodes(graph):
    graph.run(
        'create schema "Stock"',
        'create table "Stock".item (id int primary key, name text not null, "Price" numeric(8, 2),'
        " unique (name), unique (name, id))",
        "comment on table \"Stock\".item is 'things'",
        'comment on column "Stock".item."Price" is \'in cents\'',
        'create view lamp as select name from "Stock".item',
    )
    report = graph.sync()
    assert report["relations"] == (2, 2, 0, 0, report["relations"][4])
    assert report["columns"][:2] == (4, 4)
    assert report["keys"][0] == 3
    nodes = graph.rows(
        "select n.kind, n.name, n.column_name, n.subtype, n.comment, n.properties, p.name"
        " from lineage.nodes n join lineage.nodes p on p.id = n.parent"
        " where n.name like '%item%' order by n.properties -> 'position' nulls first"
    )
    assert nodes == [
        (
            "relation",
            '"Stock".item',
            "",
            "table",
            "things",
            {"primary_key": ["id"], "unique": [["name"], ["name", "id"]]},
            '"Stock"',
        ),
        (
            "column",
            '"Stock".item',
            "id",
            "column",
            None,
            {"position": 1, "type": "integer", "not_null": True},
            '"Stock".item',
        ),
        (
            "column",
            '"Stock".item',
            "name",
            "column",
            None,
            {"position": 2, "type": "text", "not_null": True},
            '"Stock".item',
        ),
        (
            "column",
            '"Stock".item',
            "Price",
            "column",
            "in cents",
            {"position": 3, "type": "numeric(8,2)"},
            '"Stock".item',
        ),
    ]


def test_a_second_run_touches_nothing(graph):
    graph.run(
        "create table a (id int primary key, n int default 1, d int generated always as (n * 2) stored)",
        "create table b (id int generated always as identity, a int references a)",
        "create view v as select a.n, count(*) from a join b on b.a = a.id group by a.n",
        "create function f(int) returns bigint language sql begin atomic select count(*) from b; end",
        "create publication p for table a",
    )
    graph.sync()
    state = (
        "select 'n', id, xmin::text from lineage.nodes union all"
        " select 'e', id, xmin::text from lineage.edges union all"
        " select 'o', node, xmin::text from lineage.objects order by 1, 2"
    )
    before = graph.rows(state)
    assert _changes(graph.sync()) == _NOTHING_NEW
    assert graph.rows(state) == before


def test_views_say_what_lineage_view_says(sample_database, open_graph):
    graph = open_graph(sample_database("graph"))
    graph.sync()
    expected = graph.rows(
        """
        select v.relname, l.source_relation, coalesce(l.source_column, ''),
            coalesce(l.target_column, ''), l.influence, l.transformation, l.expression
        from pg_class v, lineage_view(v.oid) l
        where v.relkind in ('v', 'm') and v.relnamespace = 'trading'::regnamespace
          and l.influence is not null
        group by 1, 2, 3, 4, 5, 6, 7
        order by 1, 2, 3, 4, 5, 6, 7
        """
    )
    assert len(expected) > 50
    assert (
        graph.rows(
            """
            select split_part(t.name, '.', 2), f.name, f.column_name, t.column_name,
                e.influence, e.transformation, e.expression
            from lineage.edges e
            join lineage.nodes f on f.id = e.from_node
            join lineage.nodes t on t.id = e.to_node
            where e.evidence = 'view' and e.influence <> 'DEPENDENCY' and e.transformation <> 'SCAN'
              and t.name like 'trading.%'
            order by 1, 2, 3, 4, 5, 6, 7
            """
        )
        == expected
    )


@pytest.mark.parametrize(
    ("statements", "edges"),
    [
        pytest.param(
            [
                "create table p (a int, b int, primary key (a, b))",
                "create table c (x int, y int, constraint fk foreign key (y, x) references p (a, b))",
            ],
            {
                "public.p.a -> public.c.y DEPENDENCY FOREIGN_KEY (foreign key)",
                "public.p.b -> public.c.x DEPENDENCY FOREIGN_KEY (foreign key)",
            },
            id="foreign key",
        ),
        pytest.param(
            [
                "create table t (a int, b text, c text generated always as (case a when 1 then b end) stored)"
            ],
            {
                "public.t.b -> public.t.c DIRECT TRANSFORMATION (generated)",
                "public.t.a -> public.t.c INDIRECT CONDITIONAL (generated)",
            },
            id="generated column",
        ),
        pytest.param(
            [
                "create function one() returns int language sql return 1",
                "create table t (a serial, b int generated always as identity, c int default one(), d int default 7)",
            ],
            {
                "public.t_a_seq -> public.t.a DEPENDENCY DEFAULT (default)",
                "public.t_b_seq -> public.t.b DEPENDENCY DEFAULT (default)",
                "public.one() -> public.t.c DEPENDENCY DEFAULT (default)",
            },
            id="default",
        ),
        pytest.param(
            [
                "create table p (a int, b int) partition by list (a)",
                "create table p1 (b int, a int)",
                "alter table p attach partition p1 for values in (1)",
            ],
            {
                "public.p -> public.p1 DEPENDENCY PARTITION (partition)",
                "public.p1.a -> public.p.a DIRECT IDENTITY (partition)",
                "public.p1.b -> public.p.b DIRECT IDENTITY (partition)",
            },
            id="partition",
        ),
        pytest.param(
            ["create table p (a int)", "create table c (b int) inherits (p)"],
            {
                "public.p -> public.c DEPENDENCY INHERITANCE (inheritance)",
                "public.c.a -> public.p.a DIRECT IDENTITY (inheritance)",
            },
            id="inheritance",
        ),
        pytest.param(
            [
                "create table t (a int, b int)",
                "create table log (a int)",
                "create rule note as on insert to t do also insert into log values (new.a)",
            ],
            {"public.t.a -> public.log.a DIRECT IDENTITY (rule)"},
            id="rule",
        ),
        pytest.param(
            [
                "create table t (a int, b int)",
                "create function note() returns trigger language plpgsql as 'begin return new; end'",
                "create trigger every_row after insert on t for each row execute function note()",
                "create trigger one_column before update of b on t execute function note()",
                "create trigger off before delete on t execute function note()",
                "alter table t disable trigger off",
            ],
            {
                "public.t -> public.note() INDIRECT TRIGGER (trigger)",
                "public.t.b -> public.note() INDIRECT TRIGGER (trigger)",
                "public.note() -> public.t DEPENDENCY TRIGGER (trigger)",
            },
            id="trigger",
        ),
        pytest.param(
            [
                "create table t (a int, b int)",
                "create function g(int) returns int language sql return $1",
                (
                    "create function f(low int) returns table (x int, y bigint) language sql"
                    " begin atomic insert into t (a) select g(b) from t; select a, count(*) from t where b > low group by a; end"
                ),
                "create function nothing() returns void language sql begin atomic select a from t; end",
            ],
            {
                "public.t.b -> public.t.a DIRECT TRANSFORMATION (function)",
                "public.t.a -> public.f(integer).x DIRECT IDENTITY (function)",
                "public.t.b -> public.f(integer) INDIRECT FILTER (function)",
                "public.t.a -> public.f(integer) INDIRECT GROUP_BY (function)",
                "public.g(integer) -> public.f(integer) DEPENDENCY CALLS (function)",
            },
            id="function",
        ),
        pytest.param(
            [
                "create function f() returns table (x int) language sql return 1",
                "create function f(int) returns table (x int) language sql return 2",
                "create function twice(int) returns int language sql return $1 * 2",
                "create view v as select twice(x) as y from f(1), generate_series(1, 2)",
            ],
            {
                "public.f(integer).x -> public.v.y DIRECT TRANSFORMATION (view)",
                "public.f(integer) -> public.v DEPENDENCY CALLS (view)",
                "public.twice(integer) -> public.v DEPENDENCY CALLS (view)",
            },
            id="functions of views",
        ),
        pytest.param(
            [
                "create table t (a int, b int)",
                "create view v as select count(*) from t",
                "create view w as select v from t v",
            ],
            {
                "public.t -> public.v INDIRECT SCAN (view)",
                "public.t.a -> public.w.v DIRECT TRANSFORMATION (view)",
                "public.t.b -> public.w.v DIRECT TRANSFORMATION (view)",
            },
            id="rows and whole rows",
        ),
        pytest.param(
            [
                "create table t (a int, b int, c int)",
                "create publication few for table t (a, c)",
            ],
            {
                "public.t.a -> publication few DIRECT REPLICATION (publication)",
                "public.t.c -> publication few DIRECT REPLICATION (publication)",
            },
            id="publication",
        ),
        pytest.param(
            ["create table t (a int)", "create view v as select oid from pg_class"],
            {"pg_catalog.pg_class.oid -> public.v.oid DIRECT IDENTITY (view)"},
            id="system relation",
        ),
    ],
)
def test_edges(graph, statements, edges):
    graph.run(*statements)
    graph.sync()
    assert graph.edges() == edges


def test_foreign_tables_come_from_outside(graph):
    graph.run(
        "create extension postgres_fdw",
        "create server far foreign data wrapper postgres_fdw options (host 'db.example', port '5433', dbname 'erp')",
        "create user mapping for current_user server far options (user 'u', password 'never shown')",
        "create foreign table orders (id int, who text options (column_name 'customer'))"
        " server far options (schema_name 'sales', table_name 'order')",
    )
    graph.sync()
    assert graph.rows(
        "select f.kind, f.namespace, f.name, f.column_name, p.kind, t.name, t.column_name"
        " from lineage.edges e join lineage.nodes f on f.id = e.from_node"
        " join lineage.nodes p on p.id = f.parent join lineage.nodes t on t.id = e.to_node order by t.id"
    ) == [
        (
            "field",
            "postgres://db.example:5433",
            "erp.sales.order",
            "id",
            "dataset",
            "public.orders",
            "id",
        ),
        (
            "field",
            "postgres://db.example:5433",
            "erp.sales.order",
            "customer",
            "dataset",
            "public.orders",
            "who",
        ),
    ]
    graph.run("alter server far options (set host 'other.example')")
    graph.sync()
    assert graph.rows(
        "select distinct f.namespace from lineage.edges e join lineage.nodes f on f.id = e.from_node"
        " where e.valid_to = 'infinity'"
    ) == [("postgres://other.example:5433",)]


def test_subscriptions_come_from_the_publisher(own_graph, fresh_database, open_graph, server):
    graph = own_graph
    other = fresh_database()
    publisher = open_graph(other)
    publisher.run("create table t (a int, b int)", "create publication p for table t")
    graph.run(
        "create table t (a int, b int)",
        f"create subscription s connection 'host={server.host} port={server.port} user={server.user}"
        f" dbname=''{other}'' application_name=''x''' publication p"
        " with (create_slot = false, slot_name = none, enabled = false, copy_data = false)",
    )
    graph.sync()
    found = graph.rows(
        "select f.namespace, f.name, f.column_name, t.name, t.column_name, j.name, j.subtype"
        " from lineage.edges e join lineage.nodes f on f.id = e.from_node"
        " join lineage.nodes t on t.id = e.to_node join lineage.nodes j on j.id = e.evidence_node order by 3"
    )
    where = f"postgres://{server.host}:{server.port}"
    assert found == [
        (where, f"{other}.public.t", "a", "public.t", "a", "subscription s", "subscription"),
        (where, f"{other}.public.t", "b", "public.t", "b", "subscription s", "subscription"),
    ]
    graph.run("drop subscription s")
    assert graph.sync()["subscriptions"][3] == 1
    assert graph.edges() == set()


def test_renames_keep_the_node_and_its_edges(graph):
    graph.run(
        "create schema s",
        "create table s.t (a int, b int)",
        "create view s.v as select upper(a::text) as c from s.t where b > 0",
    )
    graph.sync()
    before = {
        "t": graph.node("s.t"),
        "a": graph.node("s.t", "a"),
        "v": graph.node("s.v"),
        "c": graph.node("s.v", "c"),
    }
    graph.run(
        "alter table s.t rename column a to z",
        "alter table s.t rename to u",
        "alter view s.v rename to w",
        'alter schema s rename to "S 2"',
    )
    graph.sync()
    after = {
        "t": graph.node('"S 2".u'),
        "a": graph.node('"S 2".u', "z"),
        "v": graph.node('"S 2".w'),
        "c": graph.node('"S 2".w', "c"),
    }
    assert after == before
    assert graph.node("s.t") is None
    assert graph.edges() == {
        '"S 2".u.z -> "S 2".w.c DIRECT TRANSFORMATION (view)',
        '"S 2".u.b -> "S 2".w INDIRECT FILTER (view)',
    }
    expressions = graph.rows(
        "select expression from lineage.edges where valid_to = 'infinity' and expression is not null"
    )
    # PostgreSQL 17 leaves out the alias of an only relation.
    assert expressions in ([("upper((u.z)::text)",)], [("upper((z)::text)",)])
    parents = graph.rows(
        "select p.name from lineage.nodes n join lineage.nodes p on p.id = n.parent where n.id = %s",
        after["t"],
    )
    assert parents == [('"S 2"',)]


def test_two_that_change_places(graph):
    graph.run("create table a (x int, y int)", "create table b (z int)")
    graph.sync()
    nodes = [
        graph.node("public.a"),
        graph.node("public.b"),
        graph.node("public.a", "x"),
        graph.node("public.a", "y"),
    ]
    graph.run(
        "alter table a rename to c",
        "alter table b rename to a",
        "alter table c rename to b",
        "alter table b rename x to w",
        "alter table b rename y to x",
        "alter table b rename w to y",
    )
    graph.sync()
    assert [
        graph.node("public.b"),
        graph.node("public.a"),
        graph.node("public.b", "y"),
        graph.node("public.b", "x"),
    ] == nodes


def test_a_table_that_gets_the_name_of_a_dropped_one_continues_it(graph):
    graph.run(
        "create table t (a int)",
        "create view v as select a from t",
        "create table new (a int, b int)",
    )
    graph.sync()
    graph.run("drop view v", "drop table t", "alter table new rename to t")
    new = graph.node("public.new")
    graph.sync()
    assert graph.node("public.t") == new
    assert graph.rows("select e.from_node, e.valid_to < 'infinity' from lineage.edges e") == [
        (graph.node("public.t", "a"), True)
    ]


def test_a_relation_known_from_elsewhere_is_taken_over(graph):
    graph.run("create table t (a int)")
    graph.sync()
    table, column = graph.node("public.t"), graph.node("public.t", "a")
    graph.run(
        "alter table t rename to u",
        "insert into lineage.nodes (kind, name) values ('relation', 'public.u'), ('relation', 'public.sink')",
        "insert into lineage.nodes (kind, name, column_name, parent)"
        " select 'column', 'public.u', c, id from lineage.nodes, unnest('{a,b}'::text[]) c where name = 'public.u'",
        "insert into lineage.edges (from_node, to_node, influence, transformation, resolver, confidence, evidence)"
        " select f.id, t.id, 'DIRECT', 'IDENTITY', 'parser', 1, 'log' from lineage.nodes f, lineage.nodes t"
        " where f.name = 'public.u' and f.column_name <> '' and t.name = 'public.sink'",
    )
    graph.sync()
    assert (graph.node("public.u"), graph.node("public.u", "a")) == (table, column)
    assert graph.edges() == {
        "public.u.a -> public.sink DIRECT IDENTITY (log)",
        "public.u.b -> public.sink DIRECT IDENTITY (log)",
    }
    assert graph.rows(
        "select parent from lineage.nodes where name = 'public.u' and column_name = 'b'"
    ) == [(table,)]


def test_what_is_dropped_ends(graph):
    graph.run(
        "create table t (a int, b int)",
        "create view v as select a from t",
        "create view w as select b from t",
        "create function f() returns int language sql return 1",
        "create schema gone",
        "create table gone.t ()",
    )
    graph.sync()
    graph.run(
        "drop view v",
        "drop view w",
        "alter table t drop b",
        "drop function f",
        "drop schema gone cascade",
    )
    report = graph.sync()
    assert report["relations"][3] == 3
    assert report["functions"][3] == 1
    assert report["schemas"][3] == 1
    assert graph.edges() == set()
    assert [
        graph.alive("public.t", "a"),
        graph.alive("public.t", "b"),
        graph.alive("public.v"),
        graph.alive("public.v", "a"),
    ] == [True, False, False, False]
    assert graph.alive("gone") is False
    # Nothing is forgotten.
    assert graph.rows("select count(*) from lineage.edges where valid_to < 'infinity'") == [(2,)]


def test_what_is_dropped_and_made_again_is_the_same_node(graph):
    graph.run("create table t (a int, b int)", "create view v as select a from t")
    graph.sync()
    table, column = graph.node("public.t"), graph.node("public.t", "a")
    graph.run("drop table t cascade")
    graph.sync()
    graph.run("create table t (b int, a int)", "create view v as select a from t")
    graph.sync()
    assert (graph.node("public.t"), graph.node("public.t", "a")) == (table, column)
    assert graph.alive("public.t") is True
    assert graph.edges() == {"public.t.a -> public.v.a DIRECT IDENTITY (view)"}
    assert graph.rows("select valid_to < 'infinity' from lineage.edges order by id") == [
        (True,),
        (False,),
    ]


def test_edges_of_logs_and_people_come_back_with_their_tables(graph):
    graph.run("create table a (x int)", "create table b (x int)")
    graph.sync()
    graph.run(
        "insert into lineage.edges (from_node, to_node, influence, transformation, resolver, confidence, evidence)"
        f" values ({graph.node('public.a', 'x')}, {graph.node('public.b', 'x')}, 'DIRECT', 'IDENTITY', 'parser', 1, 'log')"
    )
    edge = {"public.a.x -> public.b.x DIRECT IDENTITY (log)"}
    assert graph.edges() == edge
    graph.run("drop table a")
    graph.sync()
    graph.run("drop table b")
    graph.sync()
    assert graph.edges() == set()
    graph.run("create table a (x int)")
    graph.sync()
    assert graph.edges() == set()
    graph.run("create table b (x int)")
    graph.sync()
    assert graph.edges() == edge


def test_a_changed_view_closes_and_opens(graph):
    graph.run("create table t (a int, b int)", "create view v as select a from t")
    graph.sync()
    graph.run("create or replace view v as select b as a from t")
    report = graph.sync()
    assert _changes(report)["views"] == (1, 0, 1)
    assert graph.edges() == {"public.t.b -> public.v.a DIRECT IDENTITY (view)"}


def test_a_failure_on_one_object_leaves_the_others(graph):
    graph.run(
        "create table t (a int)",
        "create view good as select a from t",
        "create view bad as select a as poison from t",
        "create view fine as select a from t",
        """
        create function refuse() returns trigger language plpgsql as $$
        begin
            if exists (select from lineage.nodes where id = new.to_node and column_name = 'poison') then
                raise exception 'no poison';
            end if;
            return new;
        end $$
        """,
        "create trigger refuse before insert on lineage.edges_current for each row execute function refuse()",
    )
    rows = graph.rows(
        "select source, object, skipped, reason from lineage_sync_catalog() where source = 'views'"
    )
    assert rows == [("views", None, 1, None), ("views", "public.bad", 1, "no poison")]
    assert graph.edges("view") == {
        "public.t.a -> public.good.a DIRECT IDENTITY (view)",
        "public.t.a -> public.fine.a DIRECT IDENTITY (view)",
    }
    # It is tried again until it works.
    graph.run("drop trigger refuse on lineage.edges_current")
    assert _changes(graph.sync())["views"] == (1, 0, 0)
    assert "public.t.a -> public.bad.poison DIRECT IDENTITY (view)" in graph.edges("view")


def test_an_unreadable_tree_is_skipped_with_the_reason(graph, monkeypatch):
    graph.run(
        "create table t (a int)",
        "create view good as select a from t",
        "create view bad as select a as broken from t",
    )
    whole = analyser.tree_outputs

    def tree_outputs(database, tree, **options):
        if "broken" in tree:
            raise LookupError("a Var points outside of its statement")
        return whole(database, tree, **options)

    monkeypatch.setattr(analyser, "tree_outputs", tree_outputs)
    lines = list(sync.sync(PsycopgDatabase(graph.connection)))
    assert [line[1:] for line in lines if line.source == "views" and line.object] == [
        (
            "public.bad",
            None,
            None,
            None,
            None,
            1,
            "its query tree cannot be read (LookupError: a Var points outside of its statement)",
        )
    ]
    assert graph.edges() == {"public.t.a -> public.good.a DIRECT IDENTITY (view)"}
    monkeypatch.undo()
    graph.sync()
    assert "public.t.a -> public.bad.broken DIRECT IDENTITY (view)" in graph.edges()


def test_extensions_are_left_out_and_said(graph):
    rows = graph.rows(
        "select object, skipped, reason from lineage_sync_catalog() where source = 'relations' and object = 'pg_llm'"
    )
    assert rows[0][1] > 10
    assert rows[0][2] == "belongs to an extension"
    assert graph.node("llm.models") is None


def test_text_bodies_are_said_by_language(graph):
    graph.run("create function f() returns int language plpgsql as 'begin return 1; end'")
    rows = graph.rows(
        "select object, skipped from lineage_sync_catalog() where source = 'function bodies' and object is not null"
    )
    assert rows == [("plpgsql", 1)]


def test_temporary_relations_are_not_of_the_graph(graph):
    graph.run("create temp table t (a int)", "create temp view v as select a from t")
    assert graph.sync()["relations"][0] == 0


def test_only_administrators_sync(graph):
    graph.run("create role plain", "grant llm_user to plain", "set role plain")
    for statement in (
        "select lineage_sync_catalog()",
        "select from lineage.nodes",
        "select from lineage.edges",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            graph.run(statement)
    graph.run(
        "reset role",
        "drop role plain",
        "create role boss",
        "grant llm_admin to boss",
        "set role boss",
    )
    graph.sync()
    graph.run("reset role", "drop role boss")


def test_the_users_search_path_has_no_say(graph):
    graph.run(
        "create table t (a int primary key)",
        "create schema shadow",
        "create table shadow.pg_class ()",
        "create domain shadow.int8 as text",
        "set search_path = shadow, pg_catalog, public",
    )
    assert graph.sync()["relations"][0] == 2


def test_tags_stay_with_a_name_that_another_table_takes(graph):
    graph.run(
        "create table t (a int)",
        "create table new (a int)",
        "create view v as select a from new",
        "select lineage_sync_catalog()",
        "select lineage_tag('public.t.a', 'pii')",
        "drop table t",
        "alter table new rename to t",
    )
    graph.sync()
    tags = "select n.name, n.column_name from lineage.node_tags t join lineage.nodes n on n.id = t.node order by 1"
    assert graph.rows(tags) == [("public.t", "a"), ("public.v", "a")]


def test_a_sync_that_was_ended_is_repeated(own_graph):
    graph = own_graph
    graph.run(
        "create table t (a int)",
        "create view v as select a from t",
        "create function slow() returns trigger language plpgsql as"
        " 'begin perform pg_sleep(30); return new; end'",
        "create trigger slow before insert on lineage.edges_current"
        " for each row execute function slow()",
        "set statement_timeout = '1s'",
    )
    with pytest.raises(psycopg.errors.QueryCanceled):
        graph.sync()
    graph.run("reset statement_timeout", "drop trigger slow on lineage.edges_current")
    graph.sync()
    assert graph.edges() == {"public.t.a -> public.v.a DIRECT IDENTITY (view)"}
    assert graph.rows("select count(*) from lineage.edges") == [(1,)]


def test_two_syncs_go_one_after_the_other(own_graph, open_graph):
    own_graph.run("create table t (a int)", "create view v as select a from t")
    other = open_graph(own_graph.connection.info.dbname)
    other.connection.autocommit = False
    other.sync()
    own_graph.run("set lock_timeout = '200ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        own_graph.sync()
    other.connection.commit()
    assert _changes(own_graph.sync()) == _NOTHING_NEW
