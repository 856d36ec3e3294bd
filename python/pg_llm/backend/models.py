"""Reception for `sql/models.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.backend.reception import reception
from pg_llm.models import static

if TYPE_CHECKING:
    from pg_llm.database import Database


@reception
def llm_embed(database: Database, content: str) -> list[float] | None:
    """Return a text's embedding."""
    return static.embed([content])[0]
