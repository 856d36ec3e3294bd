"""How OpenLineage names what is in this database, and how that is read back.

A dataset of PostgreSQL has the namespace postgres://host:port and the name
database.schema.table (OpenLineage's naming conventions). The host is what
people call the server, which it cannot know: the setting
`openlineage_namespace` says it, and may list further names after the first.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm import settings
from pg_llm.graph.store import Key, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database

PRODUCER: Final = "https://pypi.org/project/pg_llm/"

_HERE: Final = """
select current_database()::text as name, current_setting('port') as port,
    host(inet_server_addr()) as address
"""
_QUOTE: Final = "select format('%I.%I', $1::text, $2::text) as name"


@dataclass(frozen=True, slots=True)
class Place:
    """Where we are: the namespaces that denote its server, the first ours, and its name."""

    namespaces: Sequence[str]
    database: str

    @property
    def namespace(self) -> str:
        """The namespace that events of ours have."""
        return self.namespaces[0]

    def dataset(self, relation: str) -> str:
        """Return the name of a relation's dataset."""
        return ".".join((self.database, *parts_of(relation)))


def here(database: Database) -> Place:
    """Return how OpenLineage names this database."""
    row = database.execute(_HERE)[0]
    told = [
        n.strip().rstrip("/") for n in settings.get(database, "openlineage_namespace").split(",")
    ]
    hosts = ["localhost", "127.0.0.1", "[::1]", "::1", socket.gethostname(), row["address"]]
    known = [f"postgres://{host}:{row['port']}" for host in hosts if host]
    return Place([n for n in told if n] + known, row["name"])


def dataset_key(database: Database, place: Place, namespace: str, name: str) -> Key:
    """Return the node of a dataset: a relation where it denotes one of this database."""
    told = namespace.rstrip("/").replace("postgresql://", "postgres://", 1)
    start, dot, rest = name.partition(".")
    schema, second, table = rest.partition(".")
    if told in place.namespaces and dot and second and start == place.database:
        return Key("relation", "", database.execute(_QUOTE, [schema, table])[0]["name"])
    return Key("dataset", namespace, name)


def field_key(dataset: Key, field: str) -> Key:
    """Return the node of a dataset's field."""
    kind = "column" if dataset.kind == "relation" else "field"
    return Key(kind, dataset.namespace, dataset.name, field)
