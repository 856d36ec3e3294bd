"""Reception for `sql/settings.sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm import __version__, settings
from pg_llm.backend.reception import reception

if TYPE_CHECKING:
    from pg_llm.database import Database


@reception
def llm_version(database: Database) -> str:
    """Return the version of the Python package that this session loaded."""
    return __version__


@reception
def llm_setting(database: Database, name: str) -> str:
    """Return a setting's value for this session."""
    return settings.get(database, name)
