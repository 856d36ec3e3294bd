"""Publications and subscriptions: where data leaves this database and enters it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from pg_llm.graph import queries
from pg_llm.graph.identity import Thing, settle
from pg_llm.graph.outside import connection_parameters, postgres_namespace
from pg_llm.graph.places import Places
from pg_llm.graph.store import EdgeFacts, Key, NodeFacts, Piece, replace_pieces

if TYPE_CHECKING:
    from pg_llm.database import Database, Row
    from pg_llm.graph.report import Report


def publications(database: Database, report: Report) -> None:
    """Read which columns each publication publishes, where that has changed."""
    jobs = _changed(database, report, "publication", queries.PUBLICATIONS)
    if not jobs:
        return
    rows = database.execute(queries.PUBLISHED, [list(jobs)], ["oid[]"])
    places = Places(database)
    places.load({row["relation"] for row in rows})
    edges: dict[int, list[EdgeFacts]] = defaultdict(list)
    for row in rows:
        edges[row["oid"]].extend(
            EdgeFacts(column, jobs[row["oid"]], "DIRECT", "REPLICATION", None, "catalog")
            for column in places.columns(row["relation"], row["number"])
        )
    _write(database, report, "publication", jobs, edges)


def subscriptions(database: Database, report: Report) -> None:
    """Read which tables each subscription fills; they have the publisher's names."""
    rows = database.execute(queries.SUBSCRIPTIONS)
    jobs = _settled(database, report, "subscription", rows)
    if not jobs:
        return
    servers = {row["oid"]: connection_parameters(row["connection"]) for row in rows}
    found = database.execute(queries.SUBSCRIBED, [list(jobs)], ["oid[]"])
    places = Places(database)
    places.load({row["relation"] for row in found})
    edges: dict[int, list[EdgeFacts]] = defaultdict(list)
    for row in found:
        server = servers[row["oid"]]
        parts = [server.get("dbname", ""), row["schema"], row["name"]]
        dataset = ".".join(part for part in parts if part)
        field = Key("field", postgres_namespace(server), dataset, row["column"])
        edges[row["oid"]].extend(
            EdgeFacts(field, column, "DIRECT", "REPLICATION", None, "catalog")
            for column in places.columns(row["relation"], row["number"])
        )
    _write(database, report, "subscription", jobs, edges)


def _changed(database: Database, report: Report, kind: str, query: str) -> dict[int, int]:
    return _settled(database, report, kind, database.execute(query))


def _settled(database: Database, report: Report, kind: str, rows: list[Row]) -> dict[int, int]:
    """Return the nodes of those that have changed, by OID."""
    changed = [row for row in rows if not row["same"]]
    things = [
        Thing(
            f"pg_{kind}",
            row["oid"],
            0,
            NodeFacts(Key("job", "", row["name"]), kind, row["comment"]),
            row["node"],
        )
        for row in changed
    ]
    ids, _ = settle(database, things)
    report.count(f"{kind}s", seen=len(rows), changed=len(changed))
    done = [
        {"node": ids[thing.facts.key], "fingerprint": row["fingerprint"]}
        for thing, row in zip(things, changed, strict=True)
    ]
    if done:
        database.execute(queries.DONE, [json.dumps(done)], ["jsonb"])
    return {thing.oid: ids[thing.facts.key] for thing in things}


def _write(
    database: Database,
    report: Report,
    kind: str,
    jobs: dict[int, int],
    edges: dict[int, list[EdgeFacts]],
) -> None:
    pieces = {Piece(kind, node): edges[oid] for oid, node in jobs.items()}
    report.edges(replace_pieces(database, pieces))
