"""A small graph, drawn in a few words, over relations that exist.

orders.discount -> lines.net -> totals.net     DIRECT
"""

from __future__ import annotations

import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.graph.store import EdgeFacts, Key, NodeFacts, ensure_nodes, replace_evidence

_INDIRECT = frozenset({"JOIN", "FILTER", "GROUP_BY", "SORT", "WINDOW", "CONDITIONAL", "SCAN"})
_DEPENDENCY = frozenset({"FOREIGN_KEY", "CALLS", "DEFAULT", "PARTITION", "TRIGGER"})


def key(name: str) -> Key:
    """Return the node of schema.relation or schema.relation.column, namespace|dataset.field."""
    namespace, bar, rest = name.rpartition("|")
    if bar:
        dataset, dot, field = rest.partition("#")
        return Key("field" if dot else "dataset", namespace, dataset, field)
    if name.endswith(")"):
        return Key("function", "", name)
    parts = name.split(".")
    return Key("column" if len(parts) == 3 else "relation", "", ".".join(parts[:2]), *parts[2:])


class Drawing:
    """Draws nodes and edges on a connection that may write the graph."""

    def __init__(self, connection):
        self.connection = connection
        self.database = PsycopgDatabase(connection)

    def edge(self, source, target, how="IDENTITY", **options):
        """Return an edge's facts."""
        influence = (
            "DEPENDENCY" if how in _DEPENDENCY else "INDIRECT" if how in _INDIRECT else "DIRECT"
        )
        ends = [key(end) if isinstance(end, str) else end for end in (source, target)]
        return EdgeFacts(*ends, influence, how, **options)

    def evidence(self, owner, *edges, evidence="view"):
        """Make these (source, target[, how]) the edges of a view, a function, ...."""
        facts = [self.edge(*edge) if isinstance(edge, tuple) else edge for edge in edges]
        return replace_evidence(
            self.database, evidence, key(owner) if isinstance(owner, str) else owner, facts
        )

    def node(self, name, subtype=None, kind=None, comment=None):
        """Describe a node."""
        found = key(name)
        if kind:
            found = Key(kind, found.namespace, found.name)
        return ensure_nodes(self.database, [NodeFacts(found, subtype, comment)])[found]

    def rows(self, query, *args):
        """Return the rows of a query."""
        return self.connection.execute(query, args).fetchall()

    def column(self, query, *args):
        """Return the first column of a query."""
        return [row[0] for row in self.rows(query, *args)]


@pytest.fixture
def draw(db):
    """A hand that draws, in a database without schemas "s" and "h" before."""
    db.execute(
        "truncate lineage.nodes, lineage.edges, lineage.tags, lineage.tag_rules, "
        "lineage.node_tags, lineage.tag_pending, lineage.masking_functions cascade"
    )
    for schema in ("s", "h"):
        db.execute(f"drop schema if exists {schema} cascade")
        db.execute(f"create schema {schema}")
    return Drawing(db)


@pytest.fixture
def tables(db):
    """Make tables: tables("s.a(x, y)", ...)."""

    def make(*shapes):
        for shape in shapes:
            name, _, columns = shape.partition("(")
            listed = ", ".join(f"{c.strip()} int" for c in columns.rstrip(")").split(","))
            db.execute(f"create table {name} ({listed})")

    return make


@pytest.fixture
def as_role(connect, db):
    """Open sessions as roles that are members of llm_user; dropped after the test."""
    made = []

    def session(name, *members):
        made.append(name)
        db.execute(f"create role {name}")
        for member in members or ("llm_user",):
            db.execute(f"grant {member} to {name}")
        connection = connect()
        connection.execute(f"set role {name}")
        return connection

    yield session
    for name in made:
        db.execute(f"drop owned by {name} cascade")
        db.execute(f"drop role {name}")
