"""DDL statements and the graph: what the event triggers hand over.

The objects that a statement made or changed are read as the sync reads them.
Only what CREATE TABLE AS put into its table is not in the catalog: it is in the
statement, which the server analyses again, as text and without running it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pg_llm.graph import lifetime, queries, replication
from pg_llm.graph.convert import edge_facts
from pg_llm.graph.identity import CLASSES, Thing, check_stamp, follow
from pg_llm.graph.report import Report
from pg_llm.graph.store import Key, NodeFacts, replace_evidence
from pg_llm.graph.sync import refresh, schemas
from pg_llm.lineage import analyser, server, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database, Row
    from pg_llm.lineage.edges import Edge
    from pg_llm.lineage.statements import Statement

_FILLS: Final = frozenset({"CREATE TABLE AS", "SELECT INTO"})
# pg_publication, pg_publication_rel, pg_publication_namespace.
_PUBLICATIONS: Final = frozenset({6104, 6106, 6237})
# A statement longer than this is a script; it is not searched.
_MAX_TEXT: Final = 1_000_000
_SCHEMA: Final = re.compile(r'"((?:[^"]|"")*)"|([^,\s"]+)')


def capture(
    database: Database,
    command: str,
    classes: Sequence[int],
    objects: Sequence[int],
    search_path: str,
    query: str,
) -> None:
    """Follow a statement that made or changed objects."""
    check_stamp(database)
    report = Report()
    relations = _concerned(database, command, classes, objects)
    functions = _of(classes, objects, "pg_proc")
    namespaces = _of(classes, objects, "pg_namespace")
    if namespaces:
        schemas(database, report, namespaces)
        _rename_in(database, namespaces)
    if relations or functions:
        refresh(database, report, relations, functions)
    if _PUBLICATIONS.intersection(classes):
        replication.publications(database, report)
    if CLASSES["pg_subscription"] in classes:
        replication.subscriptions(database, report)
    if command in _FILLS and query and len(query) < _MAX_TEXT:
        for oid in relations:
            _fill(database, oid, search_path, query)


def capture_drop(
    database: Database,
    classes: Sequence[int],
    objects: Sequence[int],
    numbers: Sequence[int],
    relations: Sequence[str],
) -> None:
    """Follow a statement that dropped objects, or parts of relations."""
    check_stamp(database)
    report = Report()
    if objects:
        args = [list(classes), list(objects), list(numbers)]
        rows = database.execute(queries.NODES_OF_DROPPED, args, ["oid[]", "oid[]", "int4[]"])
        lifetime.drop(database, [row["node"] for row in rows])
    if relations:
        found = database.execute(queries.NAMED_RELATIONS, [list(relations)], ["text[]"])
        refresh(database, report, [row["oid"] for row in found], [])
    if _PUBLICATIONS.intersection(classes or ()):
        replication.publications(database, report)


def _of(classes: Sequence[int], objects: Sequence[int], catalog: str) -> list[int]:
    wanted = CLASSES[catalog]
    return list({o for c, o in zip(classes, objects, strict=True) if c == wanted})


def _concerned(
    database: Database, command: str, classes: Sequence[int], objects: Sequence[int]
) -> list[int]:
    args = [list(classes), list(objects)]
    rows = database.execute(queries.CONCERNED, args, ["oid[]", "oid[]"])
    if rows and command == "ALTER TABLE":
        oids = [row["oid"] for row in rows]
        rows = database.execute(queries.DESCENDANTS, [oids], ["oid[]"])
    return [row["oid"] for row in rows]


def _rename_in(database: Database, namespaces: Sequence[int]) -> None:
    """Give the nodes of a renamed schema's objects their names; what they are made of stays."""
    rows = database.execute(queries.NAMES_IN_SCHEMAS, [list(namespaces)], ["oid[]"])
    follow(database, [Thing("", 0, 0, NodeFacts(_key(row)), row["node"]) for row in rows])


def _key(row: Row) -> Key:
    kind = "column" if row["column_name"] else row["kind"]
    return Key(kind, "", row["name"], row["column_name"])


# -- CREATE TABLE AS --------------------------------------------------------------


def _fill(database: Database, oid: int, search_path: str, query: str) -> None:
    """Note which columns a new table was filled from, if the statement can be found."""
    rows = database.execute(queries.MADE_TABLE, [oid], ["oid"])
    if not rows:
        return
    table = rows[0]
    found = [
        statement
        for statement in statements.split(query, standard_strings=table["standard_strings"])
        if statement.verb == "create" and _names(statement.target, table)
    ]
    # Two of the same name in one text: which one it was is not known.
    if len(found) != 1:
        return
    edges = [
        edge
        for edge in _edges(database, found[0], schemas_of(search_path, table["owner"]), table)
        if edge.source_relation and not edge.source_relation.startswith("pg_temp.")
    ]
    names = list({edge.source_relation or "" for edge in edges})
    readable = {
        row["name"]
        for row in database.execute(
            queries.READABLE, [names, table["owner_oid"]], ["text[]", "oid"]
        )
    }
    facts = edge_facts(database, [e for e in edges if e.source_relation in readable])
    replace_evidence(database, "ddl", table["node"], facts)


def _edges(
    database: Database, statement: Statement, search_path: Sequence[str], table: Row
) -> list[Edge]:
    """Analyse a statement in our schema.

    In pg_temp the user's transaction would use temporary objects, and could not be
    prepared for two-phase commit.
    """
    analysed = server.analyse(database, statement.query or "", search_path, "lineage")
    return analyser.tree_edges(
        database,
        analysed.tree,
        target=table["name"],
        columns=statement.columns,
        text=analysed.text,
        fresh=True,
    )


def _names(target: Sequence[str], table: Row) -> bool:
    """Tell whether a name in a statement can be this table."""
    return target[-1:] == (table["relation"],) and (
        len(target) == 1 or target[-2] == table["schema"]
    )


def schemas_of(search_path: str, user: str) -> list[str]:
    """Return the schemas of a search_path setting, for a user."""
    names = [
        quoted.replace('""', '"') or plain.lower()
        for quoted, plain in _SCHEMA.findall(search_path)
    ]
    return [user if name == "$user" else name for name in names]


# -- on and off -------------------------------------------------------------------

_TRIGGERS: Final = ("lineage_ddl_ended", "lineage_ddl_dropped", "lineage_ddl_rewriting")
_WAS: Final = """
select exists (
    select
    from pg_catalog.pg_event_trigger t
    where t.evtname = 'lineage_ddl_ended' and t.evtenabled <> 'D'
) as enabled, (select s.tracking from lineage.sync_state s) is true as wanted
"""
_REMEMBER: Final = """
insert into lineage.sync_state (tracking) values ($1)
on conflict (single) do update set tracking = excluded.tracking
"""


def track(database: Database, enabled: bool) -> bool:
    """Switch the event triggers on or off; return whether they were on."""
    was = bool(database.execute(_WAS)[0]["enabled"])
    if was != enabled:
        _switch(database, enabled)
    database.execute(_REMEMBER, [enabled], ["bool"])
    return was


def restore(database: Database) -> None:
    """Switch tracking on where it was wanted: a restored dump has the triggers off."""
    row = database.execute(_WAS)[0]
    if row["wanted"] and not row["enabled"]:
        _switch(database, True)


def _switch(database: Database, enabled: bool) -> None:
    for name in _TRIGGERS:
        database.execute(f"alter event trigger {name} {'enable' if enabled else 'disable'}")
