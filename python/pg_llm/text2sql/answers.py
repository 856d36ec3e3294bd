"""The answers given so far: a trace of every question, and the cache.

An answer is given again to the same role for the same question, by its text
or by its meaning (`meaning`: courtesy and spellings of the same apart), as long
as the relations that its SQL reads are defined as they were and may still be
read. Where the transaction cannot write, nothing is kept and nothing fails.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pg_llm.errors import DatabaseError
from pg_llm.text2sql.meaning import meaning, quoted
from pg_llm.text2sql.pairs.wording import LONGEST_QUESTION, indexable, key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database, Row

# What a definition is, for the caller: names, types, comments of the columns
# that may be read. Nothing comes back where one relation may not be read.
_SIGNATURE = """
select case when llm.readable($1::pg_catalog.regclass[]) then pg_catalog.md5(pg_catalog.concat(
    llm.learned_version(),
    llm.policy_version(),
    current_date,
    (
        select pg_catalog.string_agg(pg_catalog.concat_ws(
            ' ', a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
            pg_catalog.col_description(a.attrelid, a.attnum),
            pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'select')
        ), ',' order by a.attrelid, a.attnum)
        from pg_catalog.pg_attribute a
        where a.attrelid operator(pg_catalog.=) any ($1::pg_catalog.regclass[]::pg_catalog.oid[])
          and a.attnum operator(pg_catalog.>) 0
          and not a.attisdropped
    ),
    (
        select pg_catalog.string_agg(pg_catalog.concat_ws(
            ' ', c.oid, c.relname, c.relkind, pg_catalog.obj_description(c.oid, 'pg_class'), r.xmin
        ), ',' order by c.oid)
        from pg_catalog.pg_class c
        left join pg_catalog.pg_rewrite r on r.ev_class operator(pg_catalog.=) c.oid
        where c.oid operator(pg_catalog.=) any ($1::pg_catalog.regclass[]::pg_catalog.oid[])
    )
)) end as signature
"""
# A path of many schemas does not fit into the index.
_SCHEMAS = "pg_catalog.array_to_string(pg_catalog.current_schemas(true), ',')"
_PATH = f"""
case when pg_catalog.octet_length({_SCHEMAS}) operator(pg_catalog.<=) 600
     then {_SCHEMAS}
     else pg_catalog.md5({_SCHEMAS})
end
"""
_MINE = f"""
a.role operator(pg_catalog.=) current_user::pg_catalog.regrole
and a.path operator(pg_catalog.=) {_PATH}
and a.model operator(pg_catalog.=) $1
and coalesce(a.correct, true)
and a.answer operator(pg_catalog.->>) 'sql' is not null
"""
# By its text first; the latest of those that mean the same.
_KEPT = f"""
select a.question, a.answer::pg_catalog.text as answer,
    a.relations::pg_catalog.text[] as relations, a.signature
from llm.answers a
where {_MINE} and (a.key operator(pg_catalog.=) $2 or a.meaning operator(pg_catalog.=) $3)
order by a.key operator(pg_catalog.=) $2 desc, a.answered_at desc
limit 3
"""
_NOT_SERIALIZABLE = "40001"
_WRITABLE = """
select not pg_catalog.pg_is_in_recovery()
    and pg_catalog.current_setting('transaction_read_only') operator(pg_catalog.=) 'off'
    and pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended(pg_catalog.concat('pg_llm answer ', current_user, ' ', $1), 0)
    ) as writable
"""
_KEEP = f"""
insert into llm.answers as a
    (key, path, model, question, answer, relations, signature, milliseconds, meaning, correct,
     note)
values
    ($1, {_PATH}, $2, $3, $4::pg_catalog.jsonb, $5::pg_catalog.regclass[], $6, $7, $8, null, null)
on conflict (role, key, path, model) do update set
    question = excluded.question,
    answer = excluded.answer,
    relations = excluded.relations,
    signature = excluded.signature,
    milliseconds = excluded.milliseconds,
    meaning = excluded.meaning,
    answered_at = pg_catalog.clock_timestamp(),
    correct = null,
    note = null
"""
_WRONG = """
select a.answer operator(pg_catalog.->>) 'sql' as sql
from llm.answers a
where a.role operator(pg_catalog.=) current_user::pg_catalog.regrole
  and a.key operator(pg_catalog.=) $1
  and a.correct is false
"""


def recall(database: Database, question: str, model: str) -> dict[str, Any] | None:
    """Return the answer kept for a question or for one that means the same, unless it is stale."""
    for row in database.execute(_KEPT, [indexable(model), key(question), meaning(question)]):
        # The text that it is found by has no case.
        if quoted(row["question"]) == quoted(question) and _fresh(database, row):
            return dict(json.loads(row["answer"]))
    return None


def keep(
    database: Database,
    question: str,
    model: str,
    answer: dict[str, Any],
    relations: Sequence[str],
    milliseconds: float,
) -> None:
    """Keep an answer, if this transaction may write and nobody else is writing it.

    Where another transaction has kept one that this one's snapshot does not
    show, it stays.
    """
    if not database.execute(_WRITABLE, [key(question)])[0]["writable"]:
        return
    names = list(relations)
    signature = database.execute(_SIGNATURE, [names], ["text[]"])[0]["signature"]
    try:
        database.execute(
            _KEEP,
            [
                key(question),
                indexable(model),
                question[:LONGEST_QUESTION],
                json.dumps(answer, ensure_ascii=False),
                names,
                signature or "",
                milliseconds,
                meaning(question),
            ],
            ["text", "text", "text", "text", "text[]", "text", "float4", "text"],
        )
    except DatabaseError as error:
        if error.sqlstate != _NOT_SERIALIZABLE:
            raise


def wrong(database: Database, question: str) -> frozenset[str]:
    """Return the statements that the caller has called wrong for a question."""
    return frozenset(row["sql"] for row in database.execute(_WRONG, [key(question)]) if row["sql"])


_LISTS = ("tables", "columns", "joins", "examples", "attempts", "warnings")


def _fresh(database: Database, row: Row) -> bool:
    # Anyone may write rows of his own: what is no answer is passed by.
    answer = json.loads(row["answer"])
    whole = (
        isinstance(answer, dict)
        and isinstance(answer.get("sql"), str)
        and isinstance(answer.get("source"), str)
        and isinstance(answer.get("confidence"), int | float)
        and all(isinstance(answer.get(name), list) for name in _LISTS)
    )
    if not whole:
        return False
    found = database.execute(_SIGNATURE, [list(row["relations"])], ["text[]"])[0]["signature"]
    return bool(found) and found == row["signature"]
