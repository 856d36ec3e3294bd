"""The graph in Apache AGE, where that is installed; else a clear error."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture
def age(draw, tables, connect, db):
    """Draws, and runs Cypher: age(query) returns what it returns, as text."""
    if not db.execute("select 1 from pg_available_extensions where name = 'age'").fetchone():
        pytest.skip("Apache AGE is not installed on this server")
    db.execute("create extension if not exists age")
    db.execute("delete from lineage.age_graphs")
    for (name,) in db.execute("select name::text from ag_catalog.ag_graph").fetchall():
        db.execute("select ag_catalog.drop_graph(%s::name, true)", [name])
    tables("s.a(x)", "s.b(x)", "s.c(x)")
    draw.evidence("s.b", ("s.a.x", "s.b.x", "TRANSFORMATION"), ("s.a.x", "s.b", "FILTER"))
    draw.evidence("s.c", ("s.b.x", "s.c.x"))
    session = connect()
    session.execute("load 'age'")
    session.execute("set search_path = ag_catalog, public")

    def cypher(query, graph="lineage_graph"):
        rows = session.execute(
            f"select r::text from ag_catalog.cypher('{graph}', $$ {query} $$) as (r ag_catalog.agtype)"
        )
        return [row[0] for row in rows.fetchall()]

    cypher.draw = draw
    return cypher


_REACHED = "match (a:Column {label: 's.a.x'})-[:DIRECT*1..10]->(b) return b.label order by b.label"


def project(draw, graph="lineage_graph"):
    return draw.rows("select added, changed, removed from lineage_to_age(%s)", graph)[0]


def test_cypher_finds_what_walks_find(age):
    added, changed, removed = project(age.draw)
    # Two schemas' worth: s, its relations and columns; three edges and three parts.
    assert (changed, removed) == (0, 0)
    (nodes,) = age("match (n) return count(n)")
    (edges,) = age("match ()-[e]->() return count(e)")
    assert added == int(nodes) + int(edges)
    assert age(_REACHED) == ["s.b.x", "s.c.x"]
    assert age("match ()-[e:INDIRECT]->(r:Relation) return e.transformation + r.name") == [
        "FILTERs.b"
    ]
    assert age("match (c:Column)-[:PART_OF]->(r {name: 's.a'}) return c.column") == ["x"]


def test_only_changes_are_projected(age, db):
    project(age.draw)
    assert project(age.draw) == (0, 0, 0)
    age.draw.evidence("s.c", ("s.a.x", "s.c.x"))
    assert project(age.draw) == (1, 0, 1)
    assert age("match (a)-[:DIRECT]->(b {label: 's.c.x'}) return a.label") == ["s.a.x"]
    age.draw.node("s.b", "view", comment='it\'s "b" \\ 中')
    assert project(age.draw) == (0, 1, 0)
    assert age("match (r:Relation {name: 's.b'}) return r.comment") == ['it\'s "b" \\ 中']
    db.execute("update lineage.nodes set dropped_at = clock_timestamp() where name = 's.b'")
    _, _, removed = project(age.draw)
    assert removed == 6  # relation and column, each with PART_OF; DIRECT, INDIRECT
    assert age(_REACHED) == ["s.c.x"]
    # It comes back with its edges.
    db.execute(
        "update lineage.nodes set dropped_at = null, last_seen = clock_timestamp() where name = 's.b'"
    )
    assert project(age.draw) == (6, 0, 0)


def test_what_another_transaction_was_writing_meanwhile_is_not_lost(age, connect):
    with connect(autocommit=False) as slow:
        from tests.graph.questions.conftest import Drawing

        Drawing(slow).evidence("s.late", ("s.c.x", "s.late.x"))
        project(age.draw)
        assert "s.late.x" not in repr(age(_REACHED))
    project(age.draw)
    assert "s.late.x" in repr(age(_REACHED))


def test_a_graph_of_somebody_else_is_left_alone(age, db):
    db.execute("select ag_catalog.create_graph('theirs')")
    with pytest.raises(
        psycopg.errors.InvalidParameterValue, match="was not made by lineage_to_age"
    ):
        project(age.draw, "theirs")
    project(age.draw, "ours")
    db.execute("select ag_catalog.drop_graph('ours', true)")
    added, *_ = project(age.draw, "ours")
    assert added > 0


def test_an_administrator_projects_into_a_graph_of_his_own(age, as_role, db):
    admin = as_role("age_admin", "llm_admin")
    db.execute("grant usage on schema ag_catalog to age_admin")
    db.execute(
        "grant select, insert, update, delete on all tables in schema ag_catalog to age_admin"
    )
    db.execute(f'grant create on database "{db.info.dbname}" to age_admin')
    (row,) = admin.execute("select added > 0 from lineage_to_age('mine')").fetchall()
    assert row == (True,)
    db.execute("select ag_catalog.drop_graph('mine', true)")


def test_without_age_it_says_what_to_do(draw, db):
    if db.execute("select 1 from pg_extension where extname = 'age'").fetchone():
        db.execute("select ag_catalog.drop_graph(name::name, true) from ag_catalog.ag_graph")
        db.execute("drop extension age cascade")
    with pytest.raises(
        psycopg.errors.FeatureNotSupported, match="needs the extension age"
    ) as caught:
        draw.rows("select * from lineage_to_age()")
    assert "CREATE EXTENSION age" in caught.value.diag.message_hint


def test_only_administrators(draw, as_role):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role("age_user").execute("select lineage_to_age()")


def test_the_oldest_transaction_bounds_what_is_seen(draw, connect):
    with connect(autocommit=False) as old:
        began = old.execute("select transaction_timestamp()").fetchone()[0]
        assert draw.rows("select lineage.oldest_start()")[0][0] <= began
