"""`pg_stat_statements` as a source of patterns: what it adds since the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pg_llm.errors import FeatureNotSupported
from pg_llm.graph.logs import analysis, patterns, scanner
from pg_llm.graph.logs.ingest import Totals
from pg_llm.graph.logs.tally import Pattern
from pg_llm.lineage.tokens import quote

if TYPE_CHECKING:
    from pg_llm.database import Database, Row
    from pg_llm.graph.logs.analysis import Analysis

_WHERE: Final = """
select n.nspname::pg_catalog.text as schema, array(
    select a.attname::pg_catalog.text
    from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0
) as columns
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) e.extnamespace
join pg_catalog.pg_class c on c.relnamespace operator(pg_catalog.=) n.oid
    and c.relname operator(pg_catalog.=) 'pg_stat_statements'
where e.extname operator(pg_catalog.=) 'pg_stat_statements'
"""
# {time} and {toplevel}: names changed in 1.8 and 1.9. A reset starts anew.
_READ: Final = """
with now as (
    select s.queryid, s.userid, s.dbid, {toplevel} as toplevel, s.query, s.calls, s.rows,
        s.{time} as total_ms
    from {schema}.pg_stat_statements s
    where s.queryid is not null
), kept as (
    insert into lineage.statement_counts as k (
        queryid, userid, dbid, toplevel, calls, rows, total_ms
    )
    select n.queryid, n.userid, n.dbid, n.toplevel, n.calls, n.rows, n.total_ms
    from now n
    order by n.queryid, n.userid, n.dbid, n.toplevel
    on conflict (queryid, userid, dbid, toplevel) do update
        set calls = excluded.calls, rows = excluded.rows, total_ms = excluded.total_ms
)
select n.query,
    r.rolname::pg_catalog.text as "user",
    d.datname::pg_catalog.text as database,
    n.calls operator(pg_catalog.-) coalesce(b.calls, 0) as calls,
    n.rows operator(pg_catalog.-) coalesce(b.rows, 0) as rows,
    n.total_ms operator(pg_catalog.-) coalesce(b.total_ms, 0) as total_ms,
    d.datname operator(pg_catalog.=) pg_catalog.current_database() as here,
    n.toplevel
from now n
left join lineage.statement_counts b on b.queryid operator(pg_catalog.=) n.queryid
    and b.userid operator(pg_catalog.=) n.userid
    and b.dbid operator(pg_catalog.=) n.dbid
    and b.toplevel operator(pg_catalog.=) n.toplevel
    and b.calls operator(pg_catalog.<=) n.calls
left join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) n.userid
left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) n.dbid
"""
_HIDDEN: Final = "<insufficient privilege>"


def read(database: Database) -> Totals:
    """Add what pg_stat_statements counted since the last time.

    Raises `FeatureNotSupported` where the extension is not there.
    """
    totals = Totals()
    found: dict[str, dict[str, Any]] = {}
    here: dict[str, str] = {}
    for row in _rows(database):
        totals.entries += 1
        if row["query"] is None or row["query"] == _HIDDEN:
            totals.skipped += 1
            continue
        key = scanner.key(row["query"])
        if row["calls"] <= 0 or _is_ours(key, row):
            continue
        totals.statements += row["calls"]
        fingerprint = scanner.fingerprint(key)
        _add(found.setdefault(fingerprint, _empty(fingerprint, key, row["query"])), row)
        if row["here"]:
            here[fingerprint] = row["query"]
    if found:
        for listed in found.values():
            for name in ("users", "databases"):
                listed[name] = sorted(listed[name])
        saved = patterns.save(database, list(found.values()), "UTC")
        totals.patterns = sum(row["fresh"] for row in saved)
        todo = [r["fingerprint"] for r in saved if not r["analysed"] and r["fingerprint"] in here]
        patterns.save_analyses(database, {f: _analysis(database, f, here[f]) for f in todo})
    return totals


def _is_ours(key: str, row: Row) -> bool:
    """Tell statements that functions of ours run, and those of foreign keys, from others."""
    return Pattern(key).ours or (not row["toplevel"] and "(pg_catalog." in key)


def _rows(database: Database) -> list[Row]:
    place = database.execute(_WHERE)
    if not place:
        raise FeatureNotSupported(
            "pg_stat_statements is not installed in this database",
            hint="Add it to shared_preload_libraries, restart the server, and run "
            '"create extension pg_stat_statements".',
        )
    columns = place[0]["columns"]
    query = _READ.format(
        schema=quote(place[0]["schema"]),
        time="total_exec_time" if "total_exec_time" in columns else "total_time",
        toplevel="s.toplevel" if "toplevel" in columns else "true",
    )
    return database.execute(query)


def _empty(fingerprint: str, key: str, query: str) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "query": patterns.shown(key),
        "calls": 0,
        "rows": 0,
        "timed_calls": 0,
        "total_ms": 0,
        "longest_ms": 0,
        "stat_calls": 0,
        "stat_rows": 0,
        "stat_ms": 0.0,
        "users": set(),
        "databases": set(),
        "applications": [],
        "sample": patterns.sample(query),
    }


def _add(found: dict[str, Any], row: Row) -> None:
    found["stat_calls"] += row["calls"]
    found["stat_rows"] += row["rows"]
    found["stat_ms"] += row["total_ms"]
    for name, value in (("users", row["user"]), ("databases", row["database"])):
        if value is not None:
            found[name].add(value)


def _analysis(database: Database, fingerprint: str, query: str) -> Analysis:
    return analysis.analyse(database, fingerprint, query)
