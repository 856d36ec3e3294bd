"""Documents without a table of the user's: the collection "knowledge".

It is a table like any other, llm.knowledge, made when the first document is
added: an ordinary table, not the extension's, so that a dump holds it with its
triggers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.errors import InvalidParameter
from pg_llm.vectors import registry

if TYPE_CHECKING:
    from pg_llm.database import Database

NAME = "knowledge"

_TABLE = """
create table llm.knowledge (
    source text primary key,
    content text not null,
    metadata jsonb not null default '{}',
    added timestamptz not null default pg_catalog.now()
)
"""


def add(database: Database, source: str | None, content: str | None, metadata: str | None) -> None:
    """Add, replace or (without content) take away a document; as the extension's owner."""
    if not source or not source.strip():
        raise InvalidParameter(
            "a document has a source",
            hint="A path, an address, a title: what tells it from others.",
        )
    if not database.execute("select where pg_catalog.to_regclass('llm.knowledge') is not null"):
        _create(database)
    if not content or not content.strip():
        database.execute("delete from llm.knowledge d where d.source = $1", [source])
        return
    database.execute(
        "insert into llm.knowledge (source, content, metadata) values ($1, $2, $3) "
        "on conflict (source) do update "
        "set content = excluded.content, metadata = excluded.metadata, added = pg_catalog.now()",
        [source, content, metadata or "{}"],
        ["text", "text", "jsonb"],
    )


def _create(database: Database) -> None:
    database.execute(_TABLE)
    database.execute(
        "comment on table llm.knowledge is 'pg_llm: documents added by llm_knowledge_add'"
    )
    database.execute("grant select on llm.knowledge to llm_user")
    registry.vectorize(
        database,
        registry.Request(
            relation="llm.knowledge",
            columns=["content"],
            template=None,
            collection=NAME,
            model=None,
            metadata=["metadata"],
            language="english",
            distance="cosine",
            chunk_size=2_000,
            overflow="chunk",
        ),
    )
    registry.grant(database, NAME, "llm_user")
