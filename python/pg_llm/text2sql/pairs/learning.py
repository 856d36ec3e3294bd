"""Writing verified pairs: by hand, and from feedback on answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.errors import InvalidParameter
from pg_llm.models import static
from pg_llm.text2sql import guard, sharing
from pg_llm.text2sql.pairs.wording import LONGEST_QUESTION, key
from pg_llm.text2sql.run import run

if TYPE_CHECKING:
    from pg_llm.database import Database

_INSERT = """
insert into llm.verified_pairs as p (question, key, sql, relations, shared, note, vector)
values ($1, $2, $3, $4::pg_catalog.regclass[], $5, $6, $7)
on conflict (author, key) do update set
    question = excluded.question,
    sql = excluded.sql,
    relations = excluded.relations,
    shared = excluded.shared,
    note = excluded.note,
    vector = excluded.vector,
    verified_at = pg_catalog.now()
returning p.id
"""
_TYPES = ("text", "text", "text", "text[]", "bool", "text", "float4[]")
_LATEST = """
select a.id, a.answer operator(pg_catalog.->>) 'sql' as sql,
    a.answer operator(pg_catalog.->>) 'source' as source
from llm.answers a
where a.role operator(pg_catalog.=) current_user::pg_catalog.regrole
  and a.key operator(pg_catalog.=) $1
order by a.answered_at desc
limit 1
"""
_JUDGE = """
update llm.answers a set correct = $2, note = $3 where a.id operator(pg_catalog.=) $1
"""
_FORGET = """
delete from llm.verified_pairs p
where p.author operator(pg_catalog.=) current_user::pg_catalog.regrole
  and p.sql operator(pg_catalog.=) $2
  and p.key operator(pg_catalog.=) $1
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """A pair that was kept: its number, what its SQL reads, and what it gave."""

    id: int
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int


def verify(
    database: Database, question: str, sql: str, *, shared: bool = False, note: str | None = None
) -> Verified:
    """Run SQL that answers a question, and keep the pair.

    Raises `InvalidParameter` for a question without words or one that is too
    long, `InsufficientPrivilege` where a role that is no administrator shares,
    and whatever the guard and the server say about the SQL; nothing is kept then.
    """
    _readable(question)
    if shared:
        sharing.check(database, "a verified pair", "Verify")
    guarded = guard.check(database, sql)
    limit = int(settings.get(database, "text2sql_row_limit"))
    rows = run(database, guarded, limit)
    vector = static.embed([question])[0]
    number = database.execute(
        _INSERT,
        [question, key(question), guarded.sql, list(guarded.tables), shared, note, vector],
        list(_TYPES),
    )[0]["id"]
    return Verified(number, guarded.tables, guarded.columns, len(rows))


def feedback(
    database: Database, question: str, correct: bool, sql: str | None, note: str | None
) -> int | None:
    """Judge the latest answer to a question; return the pair that was made of it."""
    latest = database.execute(_LATEST, [key(question)], ["text"])
    if not latest and sql is None:
        raise InvalidParameter(
            "you have not asked this question",
            hint="llm.answers lists your questions; with sql, any question becomes a pair.",
        )
    chosen = sql
    if correct and chosen is None:
        chosen = latest[0]["sql"]
        if chosen is None:
            raise InvalidParameter(
                "the question was declined, so there is no answer to approve",
                hint="Give the right one: llm_feedback(question, false, sql => '...').",
            )
    if not correct and latest and latest[0]["sql"] is not None:
        database.execute(_FORGET, [key(question), latest[0]["sql"]], ["text", "text"])
    number = None if chosen is None else verify(database, question, chosen, note=note).id
    if latest:
        database.execute(_JUDGE, [latest[0]["id"], correct, note], ["int8", "bool", "text"])
    return number


def _readable(question: str) -> None:
    if not key(question):
        raise InvalidParameter("the question is empty")
    if len(question) > LONGEST_QUESTION:
        raise InvalidParameter(
            f"the question has {len(question)} characters, and at most {LONGEST_QUESTION} are kept"
        )
