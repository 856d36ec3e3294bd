"""The cache of results: what is asked for, whether it is still true, and keeping it.

A result is found by its role and by a hash of the analysed query (names and
constants as the server resolved them), the settings that decide how values are
written, the number of rows and the form. It is true as long as what it depends
on (`dependence`) is defined as it was, and no transaction that the reader sees
and the result's snapshot does not has written one of its tables
(sql/text2sql_results.sql). The guard has passed the query before: it asks the
server whether the caller may read what it reads, each time.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.errors import DatabaseError
from pg_llm.lineage import server
from pg_llm.text2sql import shape
from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.results.dependence import Unknown, dependence
from pg_llm.text2sql.run import run, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.database import Database, Row
    from pg_llm.text2sql.guard import Guarded
    from pg_llm.text2sql.results.dependence import Dependence

_SNAPSHOT = """
select s.*, pg_catalog.pg_current_snapshot()::pg_catalog.text as snapshot
from llm.result_state($1, $2, $3, $4) s
"""
_OIDS = ("oid[]",) * 4
_FOUND = """
select k.id, k.definition, k.rows, k.computed_at::pg_catalog.text as computed_at
from llm.results k,
    lateral llm.result_state(k.tables, k.views, k.routines, k.types) s
where k.role operator(pg_catalog.=) current_user::pg_catalog.regrole
  and k.key operator(pg_catalog.=) $1
  and k.computed_at operator(pg_catalog.>) (
      pg_catalog.clock_timestamp() operator(pg_catalog.-) pg_catalog.make_interval(secs => $2)
  )
  and s.unwatched is null
  and s.version operator(pg_catalog.=) k.version
  and not llm.result_changed(k.relations, k.snapshot, k.xid)
"""
# What decides how a value is written or read, or when a query says something else.
_SETTINGS = (
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
    "extra_float_digits",
    "bytea_output",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "timezone_abbreviations",
    "xmlbinary",
    "xmloption",
    "gin_fuzzy_search_limit",
)
_SESSION = f"""
select
    pg_catalog.array_to_string(pg_catalog.current_schemas(true), ',') as path,
    pg_catalog.current_setting('transaction_isolation') as isolation,
    pg_catalog.current_setting('transaction_read_only') operator(pg_catalog.=) 'off' as writable,
    pg_catalog.current_setting('DateStyle') operator(pg_catalog.~) '^ISO'
        and pg_catalog.current_setting('extra_float_digits')::pg_catalog.int4
            operator(pg_catalog.>=) 1 as exact,
    pg_catalog.concat_ws(
        '/', {", ".join(f"pg_catalog.current_setting('{name}')" for name in _SETTINGS)}
    ) as settings
"""
# Nobody is waited for: who holds the lock keeps the same result.
_ALONE = """
select pg_catalog.pg_try_advisory_xact_lock(
    pg_catalog.hashtextextended(pg_catalog.concat('pg_llm result ', current_user, ' ', $1), 0)
) as alone
"""
_KEEP = """
insert into llm.results as r
    (key, sql, definition, rows, bytes, relations, tables, views, routines, types, version,
     snapshot, milliseconds)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::pg_catalog.pg_snapshot, $13)
on conflict on constraint results_role_key_key do update set
    sql = excluded.sql,
    definition = excluded.definition,
    rows = excluded.rows,
    bytes = excluded.bytes,
    relations = excluded.relations,
    tables = excluded.tables,
    views = excluded.views,
    routines = excluded.routines,
    types = excluded.types,
    version = excluded.version,
    snapshot = excluded.snapshot,
    xid = excluded.xid,
    milliseconds = excluded.milliseconds,
    hits = 0,
    computed_at = pg_catalog.clock_timestamp(),
    used_at = null
"""
_KEEP_TYPES = (
    *("text", "text", "text", "text[]", "int4"),
    *("oid[]",) * 5,
    *("text", "text", "float4"),
)
_HIT = """
update llm.results r set
    hits = r.hits operator(pg_catalog.+) 1,
    used_at = pg_catalog.clock_timestamp()
where r.id in (
    select s.id from llm.results s where s.id operator(pg_catalog.=) $1 for update skip locked
)
"""
# The caller's own: too old, untrue, or beyond the bytes that a role may have,
# the least recently used first.
_TIDY = """
delete from llm.results r
where r.id in (
    select s.id
    from llm.results s
    join (
        select
            o.id,
            pg_catalog.sum(o.bytes) over (
                order by coalesce(o.used_at, o.computed_at) desc, o.id desc
            ) operator(pg_catalog.>) $1 as beyond
        from llm.results o
        where o.role operator(pg_catalog.=) current_user::pg_catalog.regrole
    ) ranked on ranked.id operator(pg_catalog.=) s.id
    where s.role operator(pg_catalog.=) current_user::pg_catalog.regrole
      and (
          ranked.beyond
          or s.computed_at operator(pg_catalog.<) (
              pg_catalog.clock_timestamp()
              operator(pg_catalog.-) pg_catalog.make_interval(secs => $2)
          )
          or llm.result_changed(s.relations, s.snapshot, s.xid)
      )
    for update of s skip locked
)
"""
_ORDINARY = "read committed"
_STRICT = "serializable"


@dataclass(frozen=True, slots=True)
class Typed:
    """Rows of a typed record, and the query that makes it of them: `$1` is the rows."""

    sql: str
    rows: list[str]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query whose result is asked for, in one of two forms, and the session it is asked in."""

    sql: str
    tree: str
    key: str
    session: Row


@dataclass(frozen=True, slots=True)
class _Result:
    definition: str
    rows: list[str]


def rows(database: Database, guarded: Guarded, limit: int) -> list[str]:
    """Return the first rows as JSON objects, as `run` does, from the cache where it has them."""

    def compute() -> _Result:
        return _Result("", run(database, guarded, limit))

    if settings.get(database, "text2sql_result_cache") != "on":
        return compute().rows
    session = database.execute(_SESSION)[0]
    return _result(database, _asked(database, guarded, limit, "rows", session), compute).rows


def typed(database: Database, guarded: Guarded, limit: int) -> Typed | None:
    """Return the first rows as a typed record; None where they cannot come from the cache.

    A value travels as its text, which is exact for every type that a result
    may have, as long as dates are written in ISO's way and floats in full.
    """
    if settings.get(database, "text2sql_result_cache") != "on":
        return None
    session = database.execute(_SESSION)[0]
    if not session["exact"]:
        return None
    asked = _asked(database, guarded, limit, f"record/{session['path']}", session)
    try:
        found = _result(database, asked, lambda: _texts(database, guarded, limit), strict=True)
    except Unknown:
        return None
    kept = "from pg_catalog.unnest($1::pg_catalog.text[]) as kept (item)"
    return Typed(f"select {found.definition}\n{kept}", found.rows)


def _texts(database: Database, guarded: Guarded, limit: int) -> _Result:
    columns = shape.outputs(database, guarded.sql)
    names = [f"c{number}" for number in range(1, len(columns) + 1)]
    texts = ", ".join(f"answer.{name}::pg_catalog.text as {name}" for name in names)
    listed = f" ({', '.join(names)})" if names else ""
    sql = f"select {texts}\nfrom (\n{guarded.sql}\n) as answer{listed}"
    definition = ", ".join(
        f"(kept.item::pg_catalog.jsonb operator(pg_catalog.->>) '{name}')::{column.declared}"
        f" as {quote(column.name)}"
        for name, column in zip(names, columns, strict=True)
    )
    return _Result(definition, run_sql(database, sql, limit))


def _asked(database: Database, guarded: Guarded, limit: int, form: str, session: Row) -> _Asked:
    tree = guarded.tree or server.analyse(database, guarded.sql).tree
    text = "\0".join([form, str(limit), session["settings"], tree])
    return _Asked(guarded.sql, tree, hashlib.sha256(text.encode()).hexdigest(), session)


def _result(
    database: Database, asked: _Asked, compute: Callable[[], _Result], *, strict: bool = False
) -> _Result:
    """Return the kept result, or compute and keep it.

    Where it cannot be kept, it is computed all the same; `strict` raises `Unknown`.
    """
    # A transaction that has to know what it has read reads the tables.
    if asked.session["isolation"] == _STRICT:
        return _unkept(database, "the transaction is serializable", compute, strict=strict)
    age = settings.seconds(database, "text2sql_result_seconds")
    found = database.execute(_FOUND, [asked.key, age], ["text", "float8"])
    if found:
        _hit(database, asked, found[0])
        return _Result(found[0]["definition"], list(found[0]["rows"]))
    try:
        depends = dependence(database, asked.tree)
    except Unknown as reason:
        return _unkept(database, str(reason), compute, strict=strict)
    # Before the query: what changes meanwhile counts as a change since.
    state = database.execute(_SNAPSHOT, _lists(depends), _OIDS)[0]
    if state["unwatched"]:
        return _unkept(database, state["unwatched"], compute, strict=strict)
    begun = time.monotonic()
    result = compute()
    took = (time.monotonic() - begun) * 1000
    _keep(database, asked, depends, state, result, took)
    return result


def _unkept(
    database: Database, reason: str, compute: Callable[[], _Result], *, strict: bool
) -> _Result:
    database.message("debug", f"pg_llm: the result is not kept: {reason}")
    if strict:
        raise Unknown(reason)
    return compute()


def _lists(depends: Dependence) -> list[list[int]]:
    return [list(depends.tables), list(depends.views), list(depends.routines), list(depends.types)]


def _hit(database: Database, asked: _Asked, found: Row) -> None:
    database.message(
        "debug", f"pg_llm: result {found['id']} of {found['computed_at']} is given again"
    )
    if asked.session["writable"] and asked.session["isolation"] == _ORDINARY:
        database.execute(_HIT, [found["id"]], ["int8"])


def _keep(
    database: Database,
    asked: _Asked,
    depends: Dependence,
    state: Row,
    result: _Result,
    milliseconds: float,
) -> None:
    """Keep a result, if it is small enough and this transaction may write."""
    size = sum(len(row.encode()) for row in result.rows)
    session = asked.session
    if (
        not session["writable"]
        or session["isolation"] != _ORDINARY
        or size > settings.whole(database, "text2sql_result_bytes")
        or not database.execute(_ALONE, [asked.key])[0]["alone"]
    ):
        return
    kept = [asked.key, asked.sql, result.definition, result.rows, size, list(state["relations"])]
    rest = [*_lists(depends), state["version"], state["snapshot"], milliseconds]
    try:
        database.execute(_KEEP, [*kept, *rest], _KEEP_TYPES)
    except DatabaseError as error:
        database.message("debug", f"pg_llm: the result is not kept: {error.message}")
        return
    most = settings.whole(database, "text2sql_results_bytes")
    age = settings.seconds(database, "text2sql_result_seconds")
    database.execute(_TIDY, [most, age], ["int8", "float8"])
