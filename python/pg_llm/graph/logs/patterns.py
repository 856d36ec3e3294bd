"""Patterns in the database: what was counted is added, new ones are analysed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pg_llm.graph import store
from pg_llm.graph.logs import analysis, scanner, secrets
from pg_llm.graph.logs.analysis import Analysis
from pg_llm.graph.store import EdgeFacts, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pg_llm.database import Database, Row
    from pg_llm.graph.logs.tally import Pattern

# A longer statement is not kept as a sample, and a longer pattern is cut.
_LONGEST: Final = 100_000

_COLUMNS: Final = """pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    fingerprint pg_catalog.text, query pg_catalog.text,
    calls pg_catalog.int8, rows pg_catalog.int8, timed_calls pg_catalog.int8,
    total_ms pg_catalog.float8, longest_ms pg_catalog.float8,
    stat_calls pg_catalog.int8, stat_rows pg_catalog.int8, stat_ms pg_catalog.float8,
    first_seen pg_catalog.text, last_seen pg_catalog.text,
    users pg_catalog.jsonb, databases pg_catalog.jsonb, applications pg_catalog.jsonb,
    sample pg_catalog.text, search_path pg_catalog.jsonb
)"""


def _time(column: str) -> str:
    """Return SQL for a time of the log: without its zone, or seconds after an @."""
    return f"""case
        when g.{column} operator(pg_catalog.~~) '@%'
            then pg_catalog.to_timestamp(pg_catalog.substr(g.{column}, 2)::pg_catalog.float8)
        when g.{column} operator(pg_catalog.<>) ''
            then pg_catalog.timezone($2, g.{column}::pg_catalog.timestamp)
    end"""


def _array(column: str) -> str:
    return (
        f"array(select x.v from pg_catalog.jsonb_array_elements_text(g.{column}) as x (v) "
        "order by x.v)"
    )


def _merged(column: str) -> str:
    return f"""case
        when p.{column} operator(pg_catalog.@>) excluded.{column} then p.{column}
        else array(
            select distinct x.v
            from pg_catalog.unnest(p.{column} operator(pg_catalog.||) excluded.{column}) as x (v)
            order by x.v
        )
    end"""


# In the order of the fingerprints, so that two readers do not wait for each other.
_SAVE: Final = f"""
insert into lineage.patterns as p (
    fingerprint, query, calls, rows, timed_calls, total_ms, longest_ms,
    stat_calls, stat_rows, stat_ms, first_seen, last_seen,
    users, databases, applications, sample, search_path
)
select g.fingerprint, g.query, g.calls, g.rows, g.timed_calls, g.total_ms, g.longest_ms,
    g.stat_calls, g.stat_rows, g.stat_ms, {_time("first_seen")}, {_time("last_seen")},
    {_array("users")}, {_array("databases")}, {_array("applications")}, g.sample,
    case when g.search_path is not null then array(
        select x.v
        from pg_catalog.jsonb_array_elements_text(g.search_path) with ordinality as x (v, n)
        order by x.n
    ) end
from {_COLUMNS}
order by g.fingerprint
on conflict (fingerprint) do update set
    calls = p.calls operator(pg_catalog.+) excluded.calls,
    rows = p.rows operator(pg_catalog.+) excluded.rows,
    timed_calls = p.timed_calls operator(pg_catalog.+) excluded.timed_calls,
    total_ms = p.total_ms operator(pg_catalog.+) excluded.total_ms,
    longest_ms = greatest(p.longest_ms, excluded.longest_ms),
    stat_calls = p.stat_calls operator(pg_catalog.+) excluded.stat_calls,
    stat_rows = p.stat_rows operator(pg_catalog.+) excluded.stat_rows,
    stat_ms = p.stat_ms operator(pg_catalog.+) excluded.stat_ms,
    first_seen = least(p.first_seen, excluded.first_seen),
    last_seen = greatest(p.last_seen, excluded.last_seen),
    users = {_merged("users")},
    databases = {_merged("databases")},
    applications = {_merged("applications")},
    sample = coalesce(p.sample, excluded.sample)
returning
    p.id,
    p.fingerprint,
    p.xmax operator(pg_catalog.=) '0'::pg_catalog.xid as fresh,
    p.analysed_at is not null as analysed,
    p.calls operator(pg_catalog.+) p.stat_calls as calls
"""
_DELETE: Final = """
delete from lineage.patterns p
where p.fingerprint operator(pg_catalog.=) any ($1::pg_catalog.text[])
"""
_NOTE: Final = """
update lineage.patterns p
set analysed_at = pg_catalog.clock_timestamp(), note = g.note, temporary = g.temporary
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (
    fingerprint pg_catalog.text, note pg_catalog.text, temporary pg_catalog.bool
)
where p.fingerprint operator(pg_catalog.=) g.fingerprint
"""
_SAVE_EDGES: Final = "select lineage.save_pattern_edges($1::pg_catalog.jsonb)"
_SET_NODES: Final = """
update lineage.patterns p
set node = n.id
from lineage.nodes n
where p.fingerprint operator(pg_catalog.=) any ($1::pg_catalog.text[])
  and n.kind operator(pg_catalog.=) 'pattern'
  and n.namespace operator(pg_catalog.=) ''
  and n.name operator(pg_catalog.=) p.fingerprint
  and n.column_name operator(pg_catalog.=) ''
  and p.node is distinct from n.id
"""
_DELETE_JOINS: Final = """
delete from lineage.pattern_joins j
using lineage.patterns p
where p.id operator(pg_catalog.=) j.pattern
  and p.fingerprint operator(pg_catalog.=) any ($1::pg_catalog.text[])
"""
_INSERT_JOINS: Final = """
insert into lineage.pattern_joins (pattern, column_a, column_b)
select distinct p.id, least(g.a, g.b), greatest(g.a, g.b)
from rows from (
    pg_catalog.unnest($1::pg_catalog.text[]),
    pg_catalog.unnest($2::pg_catalog.int8[]),
    pg_catalog.unnest($3::pg_catalog.int8[])
) as g (fingerprint, a, b)
join lineage.patterns p on p.fingerprint operator(pg_catalog.=) g.fingerprint
"""
_HERE: Final = "select pg_catalog.current_database()::pg_catalog.text as name"
# What ALTER ROLE and ALTER DATABASE set, the nearest first.
_ROLE_PATH: Final = """
select c.setting
from pg_catalog.pg_db_role_setting s
cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
left join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) s.setrole
left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) s.setdatabase
where c.setting operator(pg_catalog.~~) 'search_path=%'
  and (r.rolname operator(pg_catalog.=) $1::pg_catalog.name
       or s.setrole operator(pg_catalog.=) '0'::pg_catalog.oid)
  and (d.datname operator(pg_catalog.=) pg_catalog.current_database()
       or s.setdatabase operator(pg_catalog.=) '0'::pg_catalog.oid)
order by s.setrole operator(pg_catalog.=) '0'::pg_catalog.oid,
    s.setdatabase operator(pg_catalog.=) '0'::pg_catalog.oid
limit 1
"""
_PATH_ITEM: Final = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')


class Patterns:
    """Saves what a tally counted. `fresh`: how many patterns were new."""

    def __init__(self, database: Database, time_zone: str) -> None:
        self._database = database
        self._time_zone = time_zone
        self._here = database.execute(_HERE)[0]["name"]
        self._paths: dict[str, tuple[str, ...] | None] = {}
        self.fresh = 0

    def save(self, touched: Iterable[Pattern]) -> None:
        """Add what was counted, and analyse the patterns that were not yet."""
        counted = {
            scanner.fingerprint(pattern.key): pattern
            for pattern in touched
            if not pattern.fresh or pattern.calls > 0
        }
        if not counted:
            return
        rows = [self._row(fingerprint, pattern) for fingerprint, pattern in counted.items()]
        found = save(self._database, rows, self._time_zone)
        analysed = {}
        failed: list[str] = []
        for row in found:
            self.fresh += row["fresh"]
            pattern = counted[row["fingerprint"]]
            if row["calls"] <= 0:
                failed.append(row["fingerprint"])
                continue
            if pattern.fresh and not row["analysed"] and self._is_here(pattern):
                analysed[row["fingerprint"]] = self._analysis(row["fingerprint"], pattern)
            pattern.fresh = False
        save_analyses(self._database, analysed)
        if failed:
            self._forget(failed, counted)

    def _forget(self, failed: list[str], counted: Mapping[str, Pattern]) -> None:
        """Take back patterns that only ever failed: an error told so after the statement."""
        save_analyses(self._database, {fingerprint: Analysis() for fingerprint in failed})
        self._database.execute(_DELETE, [failed], ["text[]"])
        for fingerprint in failed:
            counted[fingerprint].fresh = True

    def _row(self, fingerprint: str, pattern: Pattern) -> dict[str, Any]:
        users, databases, applications = (
            sorted({clean(name) for name in names if name})
            for names in (zip(*pattern.who, strict=True) if pattern.who else ((), (), ()))
        )
        path = self._path(pattern) if pattern.fresh else None
        return {
            "fingerprint": fingerprint,
            "query": shown(pattern.key),
            "calls": pattern.calls,
            "rows": round(pattern.rows),
            "timed_calls": pattern.timed,
            "total_ms": pattern.total,
            "longest_ms": pattern.longest,
            "stat_calls": 0,
            "stat_rows": 0,
            "stat_ms": 0,
            "first_seen": pattern.first,
            "last_seen": pattern.last,
            "users": users,
            "databases": databases,
            "applications": [secrets.mask_name(name) for name in applications],
            "sample": sample(pattern.sample),
            "search_path": list(path) if path is not None else None,
        }

    def _is_here(self, pattern: Pattern) -> bool:
        return any(name in (self._here, "") for _, name, _ in pattern.who)

    def _analysis(self, fingerprint: str, pattern: Pattern) -> Analysis:
        return analysis.analyse(
            self._database,
            fingerprint,
            pattern.sample,
            path=self._path(pattern),
            temporary=pattern.temporary,
        )

    def _path(self, pattern: Pattern) -> tuple[str, ...] | None:
        user = next((who[0] for who in sorted(pattern.who) if who[1] in (self._here, "")), "")
        path = pattern.path or self._role_path(user)
        return None if path is None else tuple(user if s == "$user" else s for s in path)

    def _role_path(self, user: str) -> tuple[str, ...] | None:
        if user not in self._paths:
            rows = self._database.execute(_ROLE_PATH, [user]) if user else []
            items = _PATH_ITEM.findall(rows[0]["setting"].partition("=")[2]) if rows else []
            named = tuple(quoted.replace('""', '"') or plain for quoted, plain in items)
            self._paths[user] = named or None
        return self._paths[user]


def save(database: Database, rows: Sequence[Mapping[str, Any]], time_zone: str) -> list[Row]:
    """Add counts to patterns; return id, fingerprint, fresh, analysed and calls of each."""
    return database.execute(_SAVE, [json.dumps(rows), time_zone], ["jsonb", "text"])


def save_analyses(database: Database, analysed: Mapping[str, Analysis]) -> None:
    """Write the edges, joins and notes of patterns."""
    if not analysed:
        return
    notes = [
        {"fingerprint": f, "note": found.note, "temporary": found.temporary}
        for f, found in sorted(analysed.items())
    ]
    database.execute(_NOTE, [json.dumps(notes)], ["jsonb"])
    payload = {
        fingerprint: {
            "edges": [_edge(edge) for edge in found.edges],
            "joins": [list(pair) for pair in found.joins],
        }
        for fingerprint, found in analysed.items()
    }
    database.execute(_SAVE_EDGES, [json.dumps(payload)], ["jsonb"])


def _edge(edge: EdgeFacts) -> list[Any]:
    # Literals of a log are data of its users.
    expression = None if edge.expression is None else shown(scanner.key(edge.expression))
    return [
        edge.source, edge.target, edge.influence, edge.transformation, expression,
        edge.resolver, edge.confidence,
    ]  # fmt: skip


def write_edges(database: Database, payload: Mapping[str, Any]) -> None:
    """Make the edges and joins of patterns what `payload` says (`lineage.save_pattern_edges`)."""
    pieces = {
        Key("pattern", "", fingerprint): [
            EdgeFacts(Key(*e[0]), Key(*e[1]), e[2], e[3], e[4], e[5], float(e[6]))
            for e in found["edges"]
        ]
        for fingerprint, found in sorted(payload.items())
    }
    with_edges = {key: edges for key, edges in pieces.items() if edges}
    known = store.find_nodes(database, pieces)
    store.replace_evidences(
        database, "log", with_edges | {key: [] for key in known if key not in with_edges}
    )
    fingerprints = list(payload)
    database.execute(_SET_NODES, [fingerprints], ["text[]"])
    _write_joins(database, payload, fingerprints)


def _write_joins(database: Database, payload: Mapping[str, Any], fingerprints: list[str]) -> None:
    joins = [
        (fingerprint, Key(*a), Key(*b))
        for fingerprint, found in payload.items()
        for a, b in found["joins"]
    ]
    database.execute(_DELETE_JOINS, [fingerprints], ["text[]"])
    if joins:
        ids = store.ensure_nodes(database, {key for _, a, b in joins for key in (a, b)})
        columns = [
            [f for f, _, _ in joins],
            [ids[a] for _, a, _ in joins],
            [ids[b] for _, _, b in joins],
        ]
        database.execute(_INSERT_JOINS, columns, ["text[]", "int8[]", "int8[]"])


def sample(text: str) -> str | None:
    """Return a statement as it may be kept: masked, None where there is none or it is too long."""
    return clean(secrets.mask(text)) if 0 < len(text) <= _LONGEST else None


def shown(key: str) -> str:
    """Return a pattern's text as it is kept."""
    return clean(scanner.shown(key))[:_LONGEST]


def clean(text: str) -> str:
    """Return a text that the server takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
