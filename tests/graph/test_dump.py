"""The graph survives pg_dump and psql, and knows its objects again under other OIDs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

_NODES = "select n::text from lineage.nodes n order by id"
_EDGES = "select e::text from lineage.edges e order by id, valid_to"
_STATE = "select tableoid::regclass::text, count(*) from lineage.edges group by 1 order by 1"


@pytest.fixture
def restore(server, psql, own_graph, admin):
    """Restore a dump of the graph's database into an empty one, and return its name."""
    binaries = Path(server.executable).parent
    made = []

    def restore(*options):
        source = own_graph.connection.info.dbname
        made.append(f"{source[:50]} restored")
        admin.execute(f'create database "{made[-1]}"')
        command = [binaries / "pg_dump", *psql[1:], *options, source]
        dump = subprocess.run(command, check=True, capture_output=True).stdout
        subprocess.run(
            [*psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", made[-1]],
            input=dump,
            check=True,
            capture_output=True,
        )
        return made[-1]

    yield restore
    for name in made:
        admin.execute(f'drop database "{name}" with (force)')


def _fill(graph):
    graph.run(
        # So that OIDs differ where it is restored.
        "create table before (a int)",
        "drop table before",
        "create schema s",
        "create table s.t (a int primary key, b int, c int)",
        "create view s.v as select b from s.t",
        "create table s.other (x int)",
        "select lineage_track(true)",
        "alter table s.t rename b to z",
        "create or replace view s.v as select c as b from s.t",
        "drop table s.other",
        "select lineage_add_edge('s.t.a', 'bi/revenue', target_kind => 'dashboard')",
    )


def test_nodes_edges_and_history_are_dumped(own_graph, restore, open_graph):
    _fill(own_graph)
    graph = open_graph(restore())
    assert own_graph.rows(_STATE) == [("lineage.edges_current", 2), ("lineage.edges_past", 2)]
    assert graph.rows(_STATE) == own_graph.rows(_STATE)
    assert graph.rows(_NODES) == own_graph.rows(_NODES)
    assert graph.rows(_EDGES) == own_graph.rows(_EDGES)


def test_a_restored_graph_is_in_line_after_a_sync(own_graph, restore, open_graph):
    _fill(own_graph)
    graph = open_graph(restore())
    before = (
        graph.rows(_EDGES),
        graph.rows("select id, name, dropped_at from lineage.nodes order by id"),
    )
    report = graph.sync()
    assert {source: (row[1], row[3]) for source, row in report.items() if row[1] or row[3]} == {}
    assert (
        graph.rows(_EDGES),
        graph.rows(
            "select id, name, dropped_at from lineage.nodes where kind <> 'database' order by id"
        ),
    ) == (before[0], [row for row in before[1] if row[1] != own_graph.connection.info.dbname])
    # It tracks again, and knows what is renamed.
    node = graph.node("s.t", "z")
    graph.run("alter table s.t rename z to y", "create table s.next (a int)")
    assert graph.node("s.t", "y") == node
    assert graph.alive("s.next", "a") is True


def test_what_was_not_restored_is_gone(own_graph, restore, open_graph):
    _fill(own_graph)
    graph = open_graph(restore("--exclude-table", "s.v"))
    graph.sync()
    assert graph.alive("s.v") is False
    assert graph.alive("s.t") is True
    assert graph.edges() == {"s.t.a -> revenue DIRECT IDENTITY (manual)"}


def test_a_copy_of_a_database_does_not_believe_its_oids(own_graph, open_graph, fresh_database):
    _fill(own_graph)
    source = own_graph.connection.info.dbname
    own_graph.connection.close()
    graph = open_graph(fresh_database(source))
    node = graph.node("s.t")
    # Event triggers are copied switched on; the first statement has them look anew.
    graph.run("alter table s.t rename to u")
    graph.sync()
    assert graph.alive("s.u") is True
    assert graph.alive("s.t") is False
    assert node is not None
