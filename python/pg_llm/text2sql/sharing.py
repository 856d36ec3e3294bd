"""Who may make what he has taught visible to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.errors import InsufficientPrivilege

if TYPE_CHECKING:
    from pg_llm.database import Database

_IS_ADMIN = "select pg_catalog.pg_has_role(current_user, 'llm_admin', 'usage') as is_admin"


def check(database: Database, what: str, verb: str) -> None:
    """Raise `InsufficientPrivilege` unless the caller is a member of llm_admin.

    `what` is to be shared ("a term"); `verb` is what makes one ("Add").
    """
    if not database.execute(_IS_ADMIN)[0]["is_admin"]:
        raise InsufficientPrivilege(
            f"only a member of llm_admin may share {what}",
            hint=f"{verb} it for yourself (shared => false),"
            " and ask an administrator to share it.",
        )
