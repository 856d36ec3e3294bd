"""A database of its own for each test, and what its graph says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.rows import tuple_row

from tests.conftest import dsn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

_EDGES = """
select concat_ws(
    ' ',
    f.name || coalesce('.' || nullif(f.column_name, ''), ''),
    '->',
    t.name || coalesce('.' || nullif(t.column_name, ''), ''),
    e.influence,
    e.transformation,
    '(' || e.evidence || ')'
)
from lineage.edges e
join lineage.nodes f on f.id = e.from_node
join lineage.nodes t on t.id = e.to_node
where e.valid_to = 'infinity'
order by 1
"""


class Graph:
    """A session, and short ways to ask what the graph holds."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def run(self, *statements: str) -> None:
        """Execute statements, each in a transaction or subtransaction of its own."""
        for statement in statements:
            with self.connection.transaction():
                self.connection.execute(statement)

    def rows(self, query: str, *args: object) -> list[tuple]:
        """Return the rows of a query."""
        return self.connection.execute(query, args or None).fetchall()

    def sync(self) -> dict[str, tuple[int, ...]]:
        """Sync, and return (seen, added, changed, closed, skipped) by source."""
        rows = self.rows("select * from lineage_sync_catalog()")
        return {row[0]: row[2:7] for row in rows if row[2] is not None}

    def edges(self, *evidence: str) -> set[str]:
        """Return the current edges in words, of some kinds of evidence or of all."""
        found = {row[0] for row in self.rows(_EDGES)}
        return {e for e in found if not evidence or e.rpartition("(")[2][:-1] in evidence}

    def node(self, name: str, column: str = "") -> int | None:
        """Return the number of the node of that name."""
        rows = self.rows(
            "select id from lineage.nodes where namespace = '' and name = %s and column_name = %s"
            " and kind in ('relation', 'column', 'function', 'schema', 'job')",
            name,
            column,
        )
        return rows[0][0] if rows else None

    def alive(self, name: str, column: str = "") -> bool | None:
        """Tell whether a node's object exists, as far as the graph knows."""
        rows = self.rows(
            "select dropped_at is null from lineage.nodes where id = %s", self.node(name, column)
        )
        return rows[0][0] if rows else None


@pytest.fixture
def fresh_database(
    admin: psycopg.Connection, template: str, request: pytest.FixtureRequest
) -> Iterator[Callable[..., str]]:
    """Make a database with the extension, or without it; dropped after the test."""
    made: list[str] = []

    def make(of: str = template) -> str:
        made.append(f"graph {len(made)} {request.node.name}"[:60])
        admin.execute(f'create database "{made[-1]}" template "{of}"')
        return made[-1]

    yield make
    for name in made:
        admin.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def open_graph(server: PostgreSQLExecutor) -> Iterator[Callable[..., Graph]]:
    """Open a session on a database."""
    opened: list[psycopg.Connection] = []

    def open_graph(database: str) -> Graph:
        connection = psycopg.connect(
            dsn(server, "postgres"), dbname=database, autocommit=True, row_factory=tuple_row
        )
        opened.append(connection)
        return Graph(connection)

    yield open_graph
    for connection in opened:
        connection.close()


@pytest.fixture
def graph(connect: Callable[..., psycopg.Connection]) -> Iterator[Graph]:
    """A superuser's session on this module's database, all of it rolled back."""
    connection = connect(autocommit=False)
    # So that what is run later are subtransactions.
    connection.execute("select 1")
    yield Graph(connection)
    connection.rollback()


@pytest.fixture
def own_graph(fresh_database: Callable[..., str], open_graph: Callable[..., Graph]) -> Graph:
    """A superuser's session on a database of its own, each statement a transaction."""
    return open_graph(fresh_database())
