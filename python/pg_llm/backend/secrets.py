"""Reception for `sql/secrets.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.backend.reception import reception
from pg_llm.models import secrets

if TYPE_CHECKING:
    from pg_llm.database import Database


@reception
def llm_secret_init(database: Database) -> bool:
    """Make the key file, or remove unused keys from it."""
    return secrets.init(database)


@reception
def llm_secret_set(
    database: Database, name: str | None, value: str | None, endpoint: str | None
) -> None:
    """Set a secret for one endpoint."""
    secrets.put(database, name, value, endpoint)


@reception
def llm_secret_drop(database: Database, name: str | None) -> None:
    """Remove a secret."""
    secrets.drop(database, name)


@reception
def llm_secret_rotate(database: Database) -> int:
    """Encrypt every value under a new key."""
    return secrets.rotate(database)
