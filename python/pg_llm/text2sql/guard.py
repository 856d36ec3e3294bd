"""The guard: the server says what a statement is, before it runs.

A statement passes when it is one query (SELECT, VALUES, TABLE, WITH) that
modifies and locks nothing, reads relations of the user and not of the system,
calls only functions that the server itself resolved and that are known not to
act, does not recurse without bound, and is not planned to cost more than the
administrator allows. Names are never judged by their spelling: the server's
analysis (`pg_llm.lineage.server`) gives OIDs, and the catalog gives what they
are (`calls`). It runs as the caller, read-only, in one call.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.errors import DatabaseError
from pg_llm.lineage import nodes, server, statements
from pg_llm.text2sql import policy
from pg_llm.text2sql.reach import calls, hidden, sizes
from pg_llm.text2sql.reach.calls import Refused

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.lineage.nodes import Node


@dataclass(frozen=True, slots=True)
class Guarded:
    """A statement that passed.

    Its text without semicolon, the planner's cost, the relations that it names,
    the names of its output columns; `notes` tell which of them are masked.
    `tree`: the server's analysis of `sql`, empty where columns are masked.
    """

    sql: str
    cost: float
    tables: tuple[str, ...]
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tree: str = ""


_MAY_CHECK = """
select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP') as may
"""

_SELECT = 1
# Longer than any answer to a question; what analyses it takes its time.
_LONGEST = 100_000
# A zero byte and halves of characters reach no server.
_UNSPEAKABLE = re.compile("[\0\ud800-\udfff]")

UNCHECKED = (
    "no statement can be checked here: that needs a read-write transaction and the right to"
    " create temporary objects (TEMP) in this database"
)


_POLICIES = "An administrator can change what your role may ask for: llm_tag_policy."


def check(database: Database, sql: str) -> Guarded:
    """Return the statement with its cost, or raise.

    Raises `Refused` for what may not run, and `DatabaseError` for what the
    server cannot analyse (a syntax error, an unknown column), both before
    anything was executed.
    """
    query = _single_query(database, sql)
    analysed = _analysed(database, query)
    tree = nodes.parse(analysed, constants=True)
    every = [node for top in tree for node in calls.walk(top)]
    _refuse_actions(every)
    hidden.refuse(database, query, every)
    reach = calls.reach(database, every)
    try:
        sizes.refuse(tree, reach.functions)
    except RecursionError:
        raise Refused("the statement is nested too deeply") from None
    verdict = policy.judge(database, query, analysed, reach.bodies)
    if verdict.reason:
        raise Refused(verdict.reason, hint=_POLICIES)
    passed = verdict.sql or query
    return Guarded(
        passed,
        _cost(database, passed),
        reach.tables,
        _columns(tree),
        verdict.notes,
        "" if verdict.sql else analysed,
    )


def _analysed(database: Database, query: str) -> str:
    """Return the server's tree; says so where it cannot make one at all here."""
    try:
        # Naming a table waits for who is changing it.
        with database.deadline(settings.seconds(database, "text2sql_timeout")):
            return server.analyse(database, query).tree
    except DatabaseError as error:
        if error.sqlstate == "25006" or (
            error.sqlstate == "42501" and not database.execute(_MAY_CHECK)[0]["may"]
        ):
            raise Refused(UNCHECKED) from None
        raise hidden.as_missing(database, query, error) from None


def _columns(tree: list[Node]) -> tuple[str, ...]:
    """Return the names of the output columns."""
    for query in tree:
        if query.kind == "QUERY":
            targets = [t for t in query.nodes("targetList") if not t.flag("resjunk")]
            return tuple(target.string("resname") or "?column?" for target in targets)
    return ()


def _single_query(database: Database, sql: str) -> str:
    if len(sql) > _LONGEST:
        raise Refused(f"the statement has {len(sql)} characters, and {_LONGEST} are allowed")
    if _UNSPEAKABLE.search(sql):
        raise Refused("the text holds a character that no statement has")
    standard = database.execute(
        "select pg_catalog.current_setting('standard_conforming_strings') as value"
    )[0]["value"]
    found = statements.split(sql, standard_strings=standard == "on")
    if len(found) != 1:
        raise Refused("the text is not exactly one statement")
    statement = found[0]
    query = (statement.query or "").strip()
    # EXPLAIN, DECLARE and others carry a query, and are none.
    if statement.verb != "query" or query != statement.text.strip():
        raise Refused("the statement is not a query")
    return query


def _refuse_actions(every: list[Node]) -> None:
    for node in every:
        if node.kind == "QUERY":
            if node.number("commandType") != _SELECT or node.flag("hasModifyingCTE"):
                raise Refused("the statement modifies data")
            if node.nodes("rowMarks") or node.flag("hasForUpdate"):
                raise Refused("the statement locks rows")
        elif node.kind in ("NEXTVALUEEXPR", "CURRENTOFEXPR"):
            raise Refused("the statement advances a sequence or moves a cursor")


def _cost(database: Database, query: str) -> float:
    # Read-only, because planning runs functions that are marked immutable.
    with database.deadline(settings.seconds(database, "text2sql_timeout")):
        rows = database.execute(
            "select r::pg_catalog.text as plan from llm.run_read_only($1, 1) r",
            ["explain (format json) " + query],
        )
    plan = json.loads(rows[0]["plan"])["QUERY PLAN"]
    cost = float(plan[0]["Plan"]["Total Cost"])
    limit = settings.positive(database, "text2sql_cost_limit")
    if cost > limit:
        raise Refused(
            f"the statement is planned to cost {cost:.0f}, and {limit:.0f} is allowed",
            hint="An administrator can change text2sql_cost_limit in llm.settings.",
        )
    return cost


__all__ = ["UNCHECKED", "DatabaseError", "Guarded", "Refused", "check"]
