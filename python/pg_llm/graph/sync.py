"""The catalog becomes part of the graph, and stays so.

An object is read again only when its rows in the catalog have changed, which a
fingerprint of them tells; what is read is compared with what the graph holds.
So a second run changes nothing, and a run that was ended midway is simply
repeated. `refresh` does the same for a few objects, after a DDL statement.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeVar

from pg_llm.errors import DatabaseError
from pg_llm.graph import lifetime, queries, replication
from pg_llm.graph.identity import Thing, check_stamp, settle
from pg_llm.graph.reading import Edges, Reader
from pg_llm.graph.report import Line, Report
from pg_llm.graph.store import Key, NodeFacts, replace_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pg_llm.database import Database, Row

# Objects that are read and written together: what a failure takes with it
# until they are tried one by one, and what is held in memory.
_BATCH: Final = 200
T = TypeVar("T")
_RELATION_SOURCES: Final = {"v": "views", "m": "views", "f": "foreign tables"}
# One sync at a time; DDL capture does not wait for it.
_LOCK: Final = "lock table lineage.sync_state in share update exclusive mode"
_SYNCED: Final = """
update lineage.sync_state set synced_at = pg_catalog.clock_timestamp()
"""
_SETTLED: Final = "delete from lineage.pending"


def sync(database: Database) -> Iterator[Line]:
    """Bring the graph in line with the whole catalog."""
    database.execute(_LOCK)
    check_stamp(database)
    report = Report()
    database.execute(_SETTLED)
    schemas(database, report)
    refresh(database, report)
    replication.publications(database, report)
    replication.subscriptions(database, report)
    _gone(database, report)
    _counts(database, report)
    database.execute(_SYNCED)
    return report.lines()


def schemas(database: Database, report: Report, oids: Sequence[int] | None = None) -> None:
    """Make nodes of the schemas, and of the database."""
    rows = _scoped(database, queries.SCHEMAS, oids)
    things = [
        Thing(
            "pg_namespace",
            row["oid"],
            0,
            NodeFacts(Key("schema", "", row["name"]), "schema", row["comment"]),
            row["node"],
        )
        for row in rows
    ]
    if oids is None:
        row = database.execute(queries.DATABASE)[0]
        facts = NodeFacts(Key("database", "", row["name"]), "database", row["comment"])
        settle(database, [Thing("pg_database", row["oid"], 0, facts, row["node"])])
    _, settled = settle(database, things)
    report.count("schemas", seen=len(rows), added=len(settled.added), changed=len(settled.renamed))


def refresh(
    database: Database,
    report: Report,
    relations: Sequence[int] | None = None,
    functions: Sequence[int] | None = None,
) -> None:
    """Read relations and functions that have changed; None: look at all of them."""
    relation_rows = _scoped(database, queries.RELATIONS, relations)
    function_rows = _scoped(database, queries.FUNCTIONS, functions)
    for row in relation_rows:
        report.count("relations", seen=1)
        if row["kind"] in _RELATION_SOURCES:
            report.count(_RELATION_SOURCES[row["kind"]], seen=1)
    report.count("functions", seen=len(function_rows))
    changed = [row["oid"] for row in relation_rows if not row["same"]]
    nodes, renamed = _relation_nodes(database, report, changed)
    facts = _function_facts(
        database, report, [row["oid"] for row in function_rows if not row["same"]], nodes
    )
    changed += _dependents(database, renamed, changed, nodes)
    prints = {row["oid"]: row["fingerprint"] for row in relation_rows}
    kinds = {row["oid"]: row["kind"] for row in relation_rows}
    for batch in _batches(changed):
        _Writer(database, report, nodes, prints, kinds).relations(batch)
    prints = {-row["oid"]: row["fingerprint"] for row in function_rows}
    for some in _batches(facts):
        _Writer(database, report, nodes, prints, {}).functions(some)


def _scoped(database: Database, query: str, oids: Sequence[int] | None) -> list[Row]:
    if oids is None:
        return database.execute(queries.scoped(query, some=False))
    if not oids:
        return []
    return database.execute(queries.scoped(query, some=True), [list(oids)], ["oid[]"])


# -- nodes ------------------------------------------------------------------------


def _relation_nodes(
    database: Database, report: Report, oids: Sequence[int]
) -> tuple[dict[int, int], list[int]]:
    """Settle the nodes of relations and their columns; return them by OID, and who is renamed."""
    if not oids:
        return {}, []
    rows = database.execute(queries.RELATION_FACTS, [list(oids)], ["oid[]"])
    names = {row["oid"]: row["name"] for row in rows}
    relations = [
        Thing(
            "pg_class", row["oid"], 0, _facts(Key("relation", "", row["name"]), row), row["node"]
        )
        for row in rows
    ]
    columns = [
        Thing(
            "pg_class",
            row["oid"],
            row["number"],
            _facts(Key("column", "", names[row["oid"]], row["name"]), row),
            row["node"],
        )
        for row in database.execute(queries.COLUMN_FACTS, [list(oids)], ["oid[]"])
        if row["oid"] in names
    ]
    gone = database.execute(queries.GONE_COLUMNS, [list(oids)], ["oid[]"])
    dropped, _ = lifetime.drop(database, [row["node"] for row in gone])
    ids, settled = settle(database, relations + columns)
    nodes = {thing.oid: ids[thing.facts.key] for thing in relations}
    _count_nodes(report, "relations", settled.added, relations, ids)
    _count_nodes(report, "columns", settled.added, columns, ids)
    report.count("columns", closed=dropped)
    renamed = [
        thing.oid for thing in relations + columns if ids[thing.facts.key] in settled.renamed
    ]
    return nodes, renamed


def _facts(key: Key, row: Row) -> NodeFacts:
    return NodeFacts(key, row["subtype"], row["comment"], json.loads(row["properties"]))


def _count_nodes(
    report: Report, source: str, added: set[int], things: Sequence[Thing], ids: Mapping[Key, int]
) -> None:
    new = sum(1 for thing in things if ids[thing.facts.key] in added)
    report.count(source, added=new, changed=len(things) - new)


def _function_facts(
    database: Database, report: Report, oids: Sequence[int], nodes: dict[int, int]
) -> list[Row]:
    """Settle the nodes of functions and put them into `nodes`, by minus the OID."""
    if not oids:
        return []
    rows = database.execute(queries.FUNCTION_FACTS, [list(oids)], ["oid[]"])
    things = [
        Thing("pg_proc", row["oid"], 0, _facts(Key("function", "", row["name"]), row), row["node"])
        for row in rows
    ]
    ids, settled = settle(database, things)
    nodes.update((-thing.oid, ids[thing.facts.key]) for thing in things)
    _count_nodes(report, "functions", settled.added, things, ids)
    return rows


def _dependents(
    database: Database,
    renamed: Sequence[int],
    changed: Sequence[int],
    nodes: dict[int, int],
) -> list[int]:
    """Return views that have a renamed relation or column in their expressions."""
    if not renamed:
        return []
    found = database.execute(queries.DEPENDENT_VIEWS, [list(set(renamed))], ["oid[]"])
    views = [row["oid"] for row in found if row["oid"] not in set(changed)]
    for row in database.execute(queries.NODES_OF, [views], ["oid[]"]):
        nodes[row["oid"]] = row["node"]
    return [oid for oid in views if oid in nodes]


# -- edges ------------------------------------------------------------------------


class _Writer:
    """Reads the edges of some objects and writes them, one by one where they fail."""

    def __init__(
        self,
        database: Database,
        report: Report,
        nodes: Mapping[int, int],
        prints: Mapping[int, int],
        kinds: Mapping[int, str],
    ) -> None:
        self._database = database
        self._report = report
        self._nodes = nodes
        self._prints = prints
        self._kinds = kinds

    def relations(self, oids: Sequence[int]) -> None:
        """Write what relations tell."""
        reader = Reader(self._database, self._nodes)
        reader.relations(oids)
        self._write(list(oids), reader)

    def functions(self, rows: Sequence[Row]) -> None:
        """Write what the bodies of functions tell."""
        reader = Reader(self._database, self._nodes)
        reader.functions(rows)
        self._write([-row["oid"] for row in rows], reader)

    def _write(self, oids: Sequence[int], reader: Reader) -> None:
        for oid, reason in reader.notes.items():
            self._report.note(self._source(oid), self._name(oid), reason)
        for oid, reason in reader.failed.items():
            self._report.skip(self._source(oid), self._name(oid), reason)
        # What could not be read is left as it was.
        whole = [oid for oid in oids if oid not in reader.failed]
        if not self._try(whole, reader.edges):
            whole = [oid for oid in whole if self._try([oid], reader.edges, alone=True)]
        done = [
            {"node": self._nodes[oid], "fingerprint": self._prints[oid]}
            for oid in whole
            if oid in self._prints
        ]
        self._database.execute(queries.DONE, [json.dumps(done)], ["jsonb"])

    def _try(self, oids: Sequence[int], edges: Edges, *, alone: bool = False) -> bool:
        chosen = {self._nodes[oid] for oid in oids}
        pieces = {piece: found for piece, found in edges.items() if piece.node in chosen}
        try:
            with self._database.subtransaction():
                changes = replace_pieces(self._database, pieces)
        except DatabaseError as error:
            if alone:
                self._report.skip(self._source(oids[0]), self._name(oids[0]), error.message)
            return False
        self._report.edges(changes)
        return True

    def _source(self, oid: int) -> str:
        if oid < 0:
            return "function bodies"
        return _RELATION_SOURCES.get(self._kinds.get(oid, ""), "relations")

    def _name(self, oid: int) -> str:
        rows = self._database.execute(queries.NAME_OF, [self._nodes[oid]], ["int8"])
        return str(rows[0]["name"])


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


# -- the rest ---------------------------------------------------------------------


def _gone(database: Database, report: Report) -> None:
    """End what the catalog no longer has."""
    nodes = [row["node"] for row in database.execute(queries.GONE)]
    for row in database.execute(queries.KINDS_OF, [nodes], ["int8[]"]) if nodes else ():
        report.count(row["source"], closed=row["n"])
    lifetime.drop(database, nodes)


def _counts(database: Database, report: Report) -> None:
    for source, n in database.execute(queries.COUNTS)[0].items():
        report.count(source, seen=n)
    for row in database.execute(queries.LEFT_OUT):
        report.skip(row["source"], row["object"], row["reason"], row["n"])
