"""What a statement sets in motion: judged by the catalog, not by its spelling.

A query calls functions by name, through operators, aggregates, casts and
domains, and through what it reads: the queries of views, the policies of row
security. All of them run with the rights of the one who asks, so all of them
are looked up by the OIDs of the server's analysis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pg_llm.errors import PgLlmError
from pg_llm.lineage import nodes
from pg_llm.text2sql.reach import queries
from pg_llm.text2sql.reach.bodies import tree
from pg_llm.text2sql.words import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pg_llm.database import Database, Row
    from pg_llm.lineage.nodes import Node

    _Tree = tuple[str, str]


class Refused(PgLlmError):
    """A statement that a question may not become."""

    sqlstate = "42501"


# Volatile only because they differ from call to call; they act on nothing.
_HARMLESS: Final = frozenset(
    {"random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid"}
)
# Not volatile, and yet they read settings, other relations or the server.
_TELLING: Final = word_set(
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
    to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc
    to_regprocedure to_regrole to_regtype
    """
)
_PLAIN_PG: Final = frozenset({"pg_typeof", "pg_size_pretty", "pg_size_bytes", "pg_column_size"})

# FirstNormalObjectId: below, a type is the server's own.
_OURS: Final = 16384
_REGTYPE: Final = 2206
# regproc and its like, and aclitem: their text is a name of the catalog. (Not
# regconfig and regdictionary, which name a text search configuration.)
_NAMING: Final = frozenset(
    {24, 1033, 2202, 2203, 2204, 2205, _REGTYPE, 4089, 4096, 4191}
    | {1008, 1034, 2207, 2208, 2209, 2210, 2211, 4090, 4097, 4192}
)
# As fields are named in nodes (src/include/nodes): vartype, row_typeid, funccoltypes, …
_TYPE: Final = re.compile(r":(\w*type(?:id)?) (\d+)")
_TYPE_LIST: Final = re.compile(r":\w*coltypes \(o ([\d ]+)\)")
_OPERATOR_LIST: Final = re.compile(r":opnos \(o ([\d ]+)\)")
# These pass values on, and make none.
_PASSING: Final = frozenset({"VAR", "RTE", "RANGETBLENTRY", "AGGREF", "WINDOWFUNC", "FIELDSELECT"})


@dataclass(slots=True)
class _Uses:
    """The OIDs that nodes name; `types` with whether values of them are made."""

    functions: set[int] = field(default_factory=set)
    operators: set[int] = field(default_factory=set)
    relations: set[int] = field(default_factory=set)
    types: dict[int, bool] = field(default_factory=dict)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all that is below it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(one.every())


@dataclass(frozen=True, slots=True)
class Reach:
    """What a statement reads and calls.

    The names of its relations, the functions that it calls itself, and the
    trees of the SQL functions that it or a view calls.
    """

    tables: tuple[str, ...]
    functions: list[Row]
    bodies: list[str]


def reach(database: Database, every: Iterable[Node]) -> Reach:
    """Return what a statement reads and calls.

    Raises `Refused` where that is the system's, or what a question may not call.
    """
    uses = _uses(every)
    tables = _tables(database, uses.relations, "the statement")
    called = _called(database, uses)
    for row in called:
        reason = _reason(row)
        if reason:
            raise Refused(f"the statement calls {row['schema']}.{row['name']}, {reason}")
    return Reach(tables, called, _below(database, uses, called))


def _uses(every: Iterable[Node]) -> _Uses:
    found = _Uses()
    for node in every:
        if node.kind == "VAR" and nodes.var(node)[1] < 0:
            raise Refused("the statement reads a system column")
        if node.kind in ("RTE", "RANGETBLENTRY") and node.number("rtekind") == 0:
            found.relations.add(node.number("relid"))
        for name in _FUNCTION_FIELDS:
            found.functions.add(node.number(name))
        for name in ("opno", "eqop", "sortop"):
            found.operators.add(node.number(name))
        for match in _OPERATOR_LIST.finditer(node.text):
            found.operators.update(map(int, match[1].split()))
        _add_types(found.types, node)
    found.functions.discard(0)
    found.operators.discard(0)
    return found


_FUNCTION_FIELDS: Final = (
    "funcid",
    "aggfnoid",
    "winfnoid",
    "opfuncid",
    "startInRangeFunc",
    "endInRangeFunc",
)


def _add_types(types: dict[int, bool], node: Node) -> None:
    made = node.kind not in _PASSING
    for match in _TYPE.finditer(node.text):
        oid = int(match[2])
        if oid == _REGTYPE and match[1] == "funcresulttype":
            # pg_typeof; what else gives one is refused by name
            continue
        types[oid] = types.get(oid, False) or made
    for match in _TYPE_LIST.finditer(node.text):
        types.update(dict.fromkeys(map(int, match[1].split()), True))


def _called(database: Database, uses: _Uses) -> list[Row]:
    return database.execute(
        queries.FUNCTIONS, [sorted(uses.functions), sorted(uses.operators)], ["oid[]", "oid[]"]
    )


def _tables(database: Database, oids: set[int], reader: str) -> tuple[str, ...]:
    if not oids:
        return ()
    rows = database.execute(queries.RELATIONS, [sorted(oids)], ["oid[]"])
    for row in rows:
        if row["schema"] in ("pg_catalog", "information_schema", "pg_toast") or row["extension"]:
            raise Refused(f"{reader} reads {row['name']}, which belongs to the system")
    return tuple(row["name"] for row in rows)


# What a stored tree belongs to, as messages name it.
_VIEW, _SECURITY, _FUNCTION, _DOMAIN = "a view", "row security", "a function", "a domain"


def _below(database: Database, uses: _Uses, called: list[Row]) -> list[str]:
    """Look at what relations, types and functions bring along, and at what that does.

    What a view reads is its owner's affair, unless that is the system's; what
    it calls runs as the caller, and so does a condition of row security.
    Returns the trees of functions, but for those of row security and domains.
    """
    bodies: list[str] = []
    relations: set[int] = set()
    functions = {row["oid"] for row in called}
    if _names_catalog(database, uses.types):
        raise Refused("the statement makes names of the catalog (regclass or the like)")
    waiting = _stored(database, uses.relations, relations)
    waiting += _constraints(database, uses.types)
    waiting += _called_trees(database, called, bodies)
    while waiting:
        owner, tree = waiting.pop()
        below = _stored_uses(tree)
        if owner == _VIEW:
            _tables(database, below.relations, owner)
        found = [row for row in _called(database, below) if row["oid"] not in functions]
        for row in found:
            reason = _reason_below(row)
            if reason:
                raise Refused(f"{owner} calls {row['schema']}.{row['name']}, {reason}")
        functions |= {row["oid"] for row in found}
        kept = bodies if owner in (_VIEW, _FUNCTION) else []
        waiting += _called_trees(database, found, kept)
        waiting += _stored(database, below.relations, relations)
        waiting += _constraints(database, below.types)
    _refuse_planned(database, relations)
    return bodies


def _called_trees(database: Database, called: list[Row], bodies: list[str]) -> list[_Tree]:
    """Return what functions do that is written in SQL, and their defaults; adds the former."""
    trees: list[_Tree] = []
    for row in called:
        # the server's own and those of extensions do what they are known to do
        if row["schema"] == "pg_catalog" or row["extension"]:
            continue
        body = tree(database, row)
        if body is not None:
            bodies.append(body)
        trees += [(_FUNCTION, one) for one in (body, row["defaults"]) if one is not None]
    return trees


def _stored(database: Database, oids: set[int], seen: set[int]) -> list[_Tree]:
    fresh = oids - seen
    seen |= fresh
    if not fresh:
        return []
    rows = database.execute(queries.STORED, [sorted(fresh)], ["oid[]"])
    return [(_VIEW if row["query"] else _SECURITY, row["tree"]) for row in rows]


def _refuse_planned(database: Database, relations: set[int]) -> None:
    """Refuse relations whose indexes, checks or statistics make planning run somebody's code."""
    if not relations:
        return
    rows = database.execute(queries.PLANNED, [sorted(relations)], ["oid[]"])
    waiting = [row["tree"] for row in rows]
    seen: set[int] = set()
    while waiting:
        top = nodes.parse(waiting.pop())
        constant: list[Node] = []
        for node in top:
            _constant_parts(node, constant)
        for row in _called(database, _uses(constant)):
            if not row["trusted"]:
                raise Refused(
                    f"planning the statement calls {row['schema']}.{row['name']},"
                    " which somebody else wrote"
                )
        # A function in SQL may be put in as its body, whose constant parts count then.
        inner = _called(database, _uses(one for node in top for one in walk(node)))
        fresh = [row for row in inner if not row["trusted"] and row["oid"] not in seen]
        seen |= {row["oid"] for row in fresh}
        waiting += [body for row in fresh if (body := tree(database, row)) is not None]


_VARYING: Final = frozenset({"VAR", "PARAM", "COERCETODOMAINVALUE", "CASETESTEXPR"})


def _constant_parts(node: Node, found: list[Node]) -> bool:
    """Collect the nodes below which nothing varies from row to row; tells whether all are."""
    inner = [_constant_parts(child, found) for child in node.every()]
    if node.kind in _VARYING or not all(inner):
        return False
    found.append(node)
    return True


def _stored_uses(tree: str) -> _Uses:
    every = [node for top in nodes.parse(tree) for node in walk(top)]
    try:
        return _uses(every)
    except Refused:
        # its owner has chosen the system columns that it reads
        return _uses(node for node in every if node.kind != "VAR")


def _type_rows(database: Database, types: dict[int, bool]) -> list[Row]:
    known = sorted(types)
    if not any(oid >= _OURS or oid in _NAMING for oid in known):
        return []
    args = [known, [types[oid] for oid in known], sorted(_NAMING)]
    return database.execute(queries.TYPES, args, ["oid[]", "bool[]", "oid[]"])


def _names_catalog(database: Database, types: dict[int, bool]) -> bool:
    return any(row["named"] for row in _type_rows(database, types))


def _constraints(database: Database, types: dict[int, bool]) -> list[_Tree]:
    """Return the constraints of domains. Raises `Refused` for somebody else's cast to JSON."""
    rows = _type_rows(database, types)
    casts = {row["function"] for row in rows if row["function"]}
    if casts:
        for row in _called(database, _Uses(functions=casts)):
            reason = _reason_below(row)
            if reason:
                raise Refused(f"a cast to JSON calls {row['schema']}.{row['name']}, {reason}")
    return [(_DOMAIN, row["tree"]) for row in rows if row["tree"] is not None]


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
    if not row["trusted"]:
        return "which somebody else wrote"
    # crosstab, connectby, xpath_table: an argument of theirs is run as SQL
    if row["extension"] and row["volatility"] != "i":
        if row["extension"] == "pg_llm":
            return "which reads the catalog"
        if row["rows"]:
            return "which may run what it is given"
    return ""


def _reason_below(row: Row) -> str:
    """Say why a view, a policy, a domain or a function of this database may not call a function.

    It calls with arguments that its owner has chosen, so what tells about the
    server may be called, and what runs with its owner's rights.
    """
    harmless = row["schema"] == "pg_catalog" and row["name"] in _HARMLESS
    if row["volatility"] == "v" and not harmless:
        return "which is volatile"
    return "" if row["trusted"] else "which somebody else wrote"
