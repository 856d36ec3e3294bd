"""The guard: the server says what a statement is, before it runs.

A statement passes when it is one query (SELECT, VALUES, TABLE, WITH) that
modifies and locks nothing, reads relations of the user and not of the system,
calls only functions that the server itself resolved and that are known not to
act, does not recurse without bound, and is not planned to cost more than the
administrator allows. Names are never judged by their spelling: the server's
analysis (`pg_llm.lineage.server`) gives OIDs, and the catalog gives what they
are. It runs as the caller, read-only, in one call.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.errors import DatabaseError, PgLlmError
from pg_llm.lineage import nodes, server, statements
from pg_llm.text2sql import policy
from pg_llm.text2sql.words import word_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database, Row
    from pg_llm.lineage.nodes import Node


class Refused(PgLlmError):
    """A statement that a question may not become."""

    sqlstate = "42501"


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


_RELATIONS = """
select
    n.nspname::pg_catalog.text as schema,
    case when pg_catalog.pg_table_is_visible(c.oid)
         then pg_catalog.quote_ident(c.relname)
         else pg_catalog.format('%I.%I', n.nspname, c.relname)
    end as name,
    exists (
        select
        from pg_catalog.pg_depend d
        where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
          and d.objid operator(pg_catalog.=) c.oid
          and d.deptype operator(pg_catalog.=) 'e'
    ) as extension
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) any ($1)
order by 2
"""

# A function of somebody else would run with the caller's rights: the caller's
# own roles, superusers and the database's owner are trusted. (A superuser is a
# member of every role, which tells nothing.) An aggregate calls its functions.
_FUNCTIONS = """
select
    n.nspname::pg_catalog.text as schema,
    p.proname::pg_catalog.text as name,
    p.provolatile::pg_catalog.text as volatility,
    p.prosecdef as definer,
    o.rolsuper
        or o.rolname operator(pg_catalog.=) current_user
        or o.oid operator(pg_catalog.=) d.datdba
        or (not u.rolsuper and pg_catalog.pg_has_role(o.oid, 'member')) as trusted,
    p.oid::pg_catalog.int8 as oid
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
join pg_catalog.pg_roles o on o.oid operator(pg_catalog.=) p.proowner
join pg_catalog.pg_roles u on u.rolname operator(pg_catalog.=) current_user
join pg_catalog.pg_database d on d.datname operator(pg_catalog.=) pg_catalog.current_database()
where p.oid operator(pg_catalog.=) any (array(
    select f.oid
    from pg_catalog.unnest($1::pg_catalog.oid[]) f (oid)
    union
    select o.oprcode::pg_catalog.oid
    from pg_catalog.pg_operator o
    where o.oid operator(pg_catalog.=) any ($2)
    union
    select f.oid
    from pg_catalog.pg_aggregate g,
        pg_catalog.unnest(array[
            g.aggtransfn, g.aggfinalfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn
        ]::pg_catalog.oid[]) f (oid)
    where g.aggfnoid operator(pg_catalog.=) any ($1)
))
"""

_MAY_CHECK = """
select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP') as may
"""

_VIEWS = """
select
    r.ev_class::pg_catalog.int8 as oid,
    r.ev_action::pg_catalog.text as tree
from pg_catalog.pg_rewrite r
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) r.ev_class
where r.ev_class operator(pg_catalog.=) any ($1)
  and c.relkind operator(pg_catalog.=) 'v'
  and r.rulename operator(pg_catalog.=) '_RETURN'
"""

# Volatile only because they differ from call to call; they act on nothing.
_HARMLESS = frozenset(
    {"random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid"}
)
# Not volatile, and yet they read settings, other relations or the server.
_TELLING = word_set(
    """
    current_setting cursor_to_xml cursor_to_xmlschema database_to_xml
    database_to_xml_and_xmlschema database_to_xmlschema query_to_xml query_to_xml_and_xmlschema
    query_to_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema
    table_to_xml table_to_xml_and_xmlschema table_to_xmlschema inet_client_addr inet_client_port
    inet_server_addr inet_server_port version getdatabaseencoding ts_stat lo_get loread
    has_any_column_privilege has_column_privilege has_database_privilege
    has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege
    has_parameter_privilege has_schema_privilege has_sequence_privilege has_server_privilege
    has_table_privilege has_tablespace_privilege has_type_privilege row_security_active
    obj_description col_description shobj_description
    """
)
_PLAIN_PG = frozenset({"pg_typeof", "pg_size_pretty", "pg_size_bytes", "pg_column_size"})
# Their result is as long as an argument says.
_AMPLIFIERS = frozenset({"repeat", "lpad", "rpad", "array_fill"})
_MOST_REPEATED = 10_000
# A width of format(): of five digits, or taken from an argument.
_WIDTH = re.compile(rb"%(?:\d+\$)?-?(?:\d{5,}|\*)")

_SELECT = 1

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
    every = [node for top in tree for node in _walk(top)]
    _refuse_actions(every)
    _refuse_endless(every)
    tables = _tables(database, every)
    _refuse_functions(database, every)
    _refuse_views(database, every)
    verdict = policy.judge(database, query, analysed)
    if verdict.reason:
        raise Refused(verdict.reason, hint=_POLICIES)
    passed = verdict.sql or query
    return Guarded(
        passed,
        _cost(database, passed),
        tables,
        _columns(tree),
        verdict.notes,
        "" if verdict.sql else analysed,
    )


def _analysed(database: Database, query: str) -> str:
    """Return the server's tree; says so where it cannot make one at all here."""
    try:
        return server.analyse(database, query).tree
    except DatabaseError as error:
        if error.sqlstate == "25006" or (
            error.sqlstate == "42501" and not database.execute(_MAY_CHECK)[0]["may"]
        ):
            raise Refused(UNCHECKED) from None
        raise


def _columns(tree: list[Node]) -> tuple[str, ...]:
    """Return the names of the output columns."""
    for query in tree:
        if query.kind == "QUERY":
            targets = [t for t in query.nodes("targetList") if not t.flag("resjunk")]
            return tuple(target.string("resname") or "?column?" for target in targets)
    return ()


def _single_query(database: Database, sql: str) -> str:
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


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(one.every())


def _refuse_actions(every: list[Node]) -> None:
    for node in every:
        if node.kind == "QUERY":
            if node.number("commandType") != _SELECT or node.flag("hasModifyingCTE"):
                raise Refused("the statement modifies data")
            if node.nodes("rowMarks") or node.flag("hasForUpdate"):
                raise Refused("the statement locks rows")
        elif node.kind in ("NEXTVALUEEXPR", "CURRENTOFEXPR"):
            raise Refused("the statement advances a sequence or moves a cursor")


def _refuse_endless(every: list[Node]) -> None:
    """Refuse recursion that nothing ends: no relation is read, no row is filtered."""
    for expression in every:
        if expression.kind != "COMMONTABLEEXPR" or not expression.flag("cterecursive"):
            continue
        for query in _walk(expression):
            tables = list(query.nodes("rtable")) if query.kind == "QUERY" else []
            if not any(n.flag("self_reference") for n in tables):
                continue
            from_clause = query.one("jointree")
            filtered = from_clause is not None and from_clause.one("quals") is not None
            if not filtered and not any(n.number("rtekind") == 0 for n in tables):
                raise Refused("the statement recurses without an end")


def _relations(every: list[Node]) -> set[int]:
    return {
        node.number("relid")
        for node in every
        if node.kind in ("RTE", "RANGETBLENTRY") and node.number("rtekind") == 0
    }


def _tables(database: Database, every: list[Node]) -> tuple[str, ...]:
    oids = _relations(every)
    if not oids:
        return ()
    rows = database.execute(_RELATIONS, [sorted(oids)], ["oid[]"])
    for row in rows:
        if row["schema"] in ("pg_catalog", "information_schema", "pg_toast") or row["extension"]:
            raise Refused(f"the statement reads {row['name']}, which belongs to the system")
    return tuple(row["name"] for row in rows)


def _refuse_views(database: Database, every: list[Node]) -> None:
    """Refuse views, and views below them, that call functions which act.

    What a view reads is its owner's affair; what it calls runs as the caller.
    """
    seen: set[int] = set()
    while oids := _relations(every) - seen:
        seen |= oids
        trees = [row["tree"] for row in database.execute(_VIEWS, [sorted(oids)], ["oid[]"])]
        if not trees:
            return
        every = [node for tree in trees for top in nodes.parse(tree) for node in _walk(top)]
        for row in _functions(database, every):
            if row["volatility"] == "v" and not _is(row, _HARMLESS):
                raise Refused(f"a view calls {row['schema']}.{row['name']}, which is volatile")


def _functions(database: Database, every: list[Node]) -> list[Row]:
    """Return what the nodes call, each with what it is."""
    functions: set[int] = set()
    operators: set[int] = set()
    for node in every:
        for name in ("funcid", "aggfnoid", "winfnoid", "opfuncid", "tsmhandler"):
            functions.add(node.number(name))
        operators.add(node.number("opno"))
    return database.execute(
        _FUNCTIONS, [sorted(functions - {0}), sorted(operators - {0})], ["oid[]", "oid[]"]
    )


def _refuse_functions(database: Database, every: list[Node]) -> None:
    rows = _functions(database, every)
    for row in rows:
        reason = _reason(row)
        if reason:
            raise Refused(f"the statement calls {row['schema']}.{row['name']}, {reason}")
    lengthy = {row["oid"] for row in rows if _is(row, _AMPLIFIERS)}
    formats = {row["oid"] for row in rows if _is(row, frozenset({"format"}))}
    for node in every:
        if node.kind != "FUNCEXPR":
            continue
        if node.number("funcid") in lengthy:
            _refuse_long(node)
            inner = [one for argument in node.nodes("args") for one in _walk(argument)]
            if any(one.number("funcid") in lengthy for one in inner):
                raise Refused("the statement makes a text of any length")
        elif node.number("funcid") in formats:
            _refuse_wide(node)


def _is(row: Row, names: frozenset[str]) -> bool:
    return row["schema"] == "pg_catalog" and row["name"] in names


def _reason(row: Row) -> str:
    """Say why a function may not be called; empty where it may."""
    name = row["name"]
    if row["schema"] == "pg_catalog":
        if row["volatility"] == "v" and name not in _HARMLESS:
            return "which acts on the server"
        if name in _TELLING or (
            name.startswith(("pg_", "lo_", "txid_")) and name not in _PLAIN_PG
        ):
            return "which tells about the server"
        return ""
    if row["schema"] == "information_schema":
        return "which tells about the server"
    if row["volatility"] == "v":
        return "which is volatile"
    if row["definer"]:
        return "which runs with its owner's rights"
    return "" if row["trusted"] else "which somebody else wrote"


def _refuse_long(call: Node) -> None:
    """Refuse repeat(…) and its like unless a small constant bounds the result."""
    for argument in call.nodes("args"):
        if argument.kind == "CONST" and argument.number("consttype") == 23:
            if _int4(argument) <= _MOST_REPEATED:
                return
            break
    else:
        bounded = [
            a for a in call.nodes("args") if a.kind == "CONST" and a.number("consttype") == 1007
        ]
        if bounded:
            raise Refused("the statement makes an array of any length")
    raise Refused("the statement makes a text of any length")


def _refuse_wide(call: Node) -> None:
    """Refuse format(…) with a width that is large or comes from an argument."""
    first = next(iter(call.nodes("args")), None)
    if first is None or first.kind != "CONST":
        raise Refused("the statement makes a text of any length")
    if _WIDTH.search(_bytes(first)):
        raise Refused("the statement makes a text of any length")


def _bytes(node: Node) -> bytes:
    """Return the bytes of a constant, the header of a text included."""
    _, _, rest = node.text.partition("[")
    return bytes(int(part) % 256 for part in rest.partition("]")[0].split())


def _int4(node: Node) -> int:
    """Return the value of an integer constant from its bytes."""
    import sys

    raw = _bytes(node)
    return int.from_bytes(
        raw[:4] if sys.byteorder == "little" else raw[-4:], sys.byteorder, signed=True
    )


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
