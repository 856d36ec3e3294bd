"""Who called what: a row of `llm.calls` and a line of the server's log.

The row goes where its transaction goes; the line stays. Neither holds a
prompt, an answer or a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.models.registry import Model

# SET ROLE counts, a SECURITY DEFINER function around the call does not: the
# role that the session acts as is the one that may use a model, and pays.
_CALLER = """
select
    session_user::text as session_role,
    case pg_catalog.current_setting('role')
        when 'none' then session_user::text
        else pg_catalog.current_setting('role')
    end as acting_role,
    pg_catalog.current_setting('transaction_read_only') = 'off' as writable
"""
_RECORD = """
insert into llm.calls
    (session_role, acting_role, model, outcome, attempts,
     prompt_tokens, completion_tokens, milliseconds)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_TYPES = ("text", "text", "text", "text", "int4", "int4", "int4", "float8")


@dataclass(frozen=True, slots=True)
class Caller:
    """The session's role, the role that it acts as, and whether rows can be written."""

    session_role: str
    acting_role: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call took. Tokens are the provider's count, None where it gave none."""

    attempts: int
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def caller(database: Database) -> Caller:
    """Return who calls."""
    return Caller(**database.execute(_CALLER)[0])


def record(
    database: Database,
    who: Caller,
    model: Model,
    usage: Usage,
    milliseconds: float,
    outcome: str,
) -> None:
    """Record one call of one model; `outcome` is "ok" or an SQLSTATE."""
    database.message(
        "log",
        f'pg_llm call: model="{model.name}" role="{who.acting_role}" '
        f'session_role="{who.session_role}" outcome={outcome} attempts={usage.attempts} '
        f"prompt_tokens={usage.prompt_tokens} completion_tokens={usage.completion_tokens} "
        f"milliseconds={milliseconds:.0f}",
    )
    if who.writable:
        database.execute(
            _RECORD,
            [
                who.session_role,
                who.acting_role,
                model.name,
                outcome,
                usage.attempts,
                usage.prompt_tokens,
                usage.completion_tokens,
                milliseconds,
            ],
            _TYPES,
        )
