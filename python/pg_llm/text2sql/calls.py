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
from pg_llm.text2sql.words import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pg_llm.database import Database, Row
    from pg_llm.lineage.nodes import Node


class Refused(PgLlmError):
    """A statement that a question may not become."""

    sqlstate = "42501"


# A function of somebody else would run with the caller's rights: the caller's
# own roles, superusers and the database's owner are trusted. (A superuser is a
# member of every role, which tells nothing.) What is written in a language
# that is not trusted comes from a superuser. An aggregate calls its functions,
# the planner may put an operator's commutator or negator in its place.
_FUNCTIONS = """
with called (oid) as (
    select pg_catalog.unnest($1)
    union
    select x.oprcode
    from pg_catalog.pg_operator o
    join pg_catalog.pg_operator x
        on x.oid operator(pg_catalog.=) any (array[o.oid, o.oprcom, o.oprnegate])
    where o.oid operator(pg_catalog.=) any ($2)
    union
    select f.oid
    from pg_catalog.pg_aggregate g,
        pg_catalog.unnest(array[
            g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn,
            g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn
        ]::pg_catalog.oid[]) f (oid)
    where g.aggfnoid operator(pg_catalog.=) any ($1)
)
select
    n.nspname::pg_catalog.text as schema,
    p.proname::pg_catalog.text as name,
    p.provolatile::pg_catalog.text as volatility,
    p.prosecdef as definer,
    p.proretset as rows,
    (
        select e.extname::pg_catalog.text
        from pg_catalog.pg_depend d
        join pg_catalog.pg_extension e on e.oid operator(pg_catalog.=) d.refobjid
        where d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
          and d.objid operator(pg_catalog.=) p.oid
          and d.deptype operator(pg_catalog.=) 'e'
    ) as extension,
    not l.lanpltrusted
        or o.rolsuper
        or o.rolname operator(pg_catalog.=) current_user
        or o.oid operator(pg_catalog.=) d.datdba
        or (not u.rolsuper and pg_catalog.pg_has_role(o.oid, 'member')) as trusted,
    p.prosqlbody::pg_catalog.text as body,
    p.proargdefaults::pg_catalog.text as defaults,
    p.oid::pg_catalog.int8 as oid
from called c
join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) c.oid
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
join pg_catalog.pg_language l on l.oid operator(pg_catalog.=) p.prolang
join pg_catalog.pg_roles o on o.oid operator(pg_catalog.=) p.proowner
join pg_catalog.pg_roles u on u.rolname operator(pg_catalog.=) current_user
join pg_catalog.pg_database d on d.datname operator(pg_catalog.=) pg_catalog.current_database()
"""

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

# The queries of views, and the conditions of row security.
_STORED = """
select true as query, r.ev_action::pg_catalog.text as tree
from pg_catalog.pg_rewrite r
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) r.ev_class
where r.ev_class operator(pg_catalog.=) any ($1)
  and c.relkind operator(pg_catalog.=) 'v'
  and r.rulename operator(pg_catalog.=) '_RETURN'
union all
select false, p.polqual::pg_catalog.text
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) p.polrelid
where p.polrelid operator(pg_catalog.=) any ($1)
  and c.relrowsecurity
  and p.polcmd operator(pg_catalog.=) any ('{r,*}')
  and p.polqual is not null
"""

# A value of a type is made of values of others; making one of a domain runs
# the domain's constraints, and JSON of a type with a cast runs the cast's
# function (to_json does, and so does every row of an answer).
_TYPES = """
with recursive parts (oid, made) as (
    select t.oid, pg_catalog.bool_or(t.made)
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) t (oid, made)
    group by t.oid
    union
    select x.oid, p.made
    from parts p
    join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) p.oid,
        lateral (
            select t.typelem
            union all
            select t.typbasetype
            union all
            select a.atttypid
            from pg_catalog.pg_attribute a
            where a.attrelid operator(pg_catalog.=) t.typrelid
              and a.attnum operator(pg_catalog.>) 0
              and not a.attisdropped
            union all
            select r.rngsubtype
            from pg_catalog.pg_range r
            where r.rngtypid operator(pg_catalog.=) t.oid
               or r.rngmultitypid operator(pg_catalog.=) t.oid
        ) x (oid)
    where x.oid operator(pg_catalog.<>) 0::pg_catalog.oid
)
select
    p.made and p.oid operator(pg_catalog.=) any ($3) as named,
    k.conbin::pg_catalog.text as tree,
    null::pg_catalog.int8 as function
from parts p
left join pg_catalog.pg_constraint k
    on k.contypid operator(pg_catalog.=) p.oid and p.made
where k.oid is not null or p.made and p.oid operator(pg_catalog.=) any ($3)
union all
select false, null, c.castfunc::pg_catalog.int8
from pg_catalog.pg_cast c
where c.castsource operator(pg_catalog.=) any (array(select p.oid from parts p))
  and c.castsource operator(pg_catalog.>=) 16384::pg_catalog.oid
  and c.casttarget operator(pg_catalog.=) any ('{114,3802}'::pg_catalog.oid[])
  and c.castfunc operator(pg_catalog.<>) 0::pg_catalog.oid
"""

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


def refuse(database: Database, every: Iterable[Node]) -> tuple[tuple[str, ...], list[Row]]:
    """Refuse what reads the system or calls what a question may not call.

    Returns the names of the relations that the statement itself reads, and the
    functions that it calls itself. Raises `Refused`.
    """
    uses = _uses(every)
    tables = _tables(database, uses.relations, "the statement")
    called = _called(database, uses)
    for row in called:
        reason = _reason(row)
        if reason:
            raise Refused(f"the statement calls {row['schema']}.{row['name']}, {reason}")
    _refuse_below(database, uses, called)
    return tables, called


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
        _FUNCTIONS, [sorted(uses.functions), sorted(uses.operators)], ["oid[]", "oid[]"]
    )


def _tables(database: Database, oids: set[int], reader: str) -> tuple[str, ...]:
    if not oids:
        return ()
    rows = database.execute(_RELATIONS, [sorted(oids)], ["oid[]"])
    for row in rows:
        if row["schema"] in ("pg_catalog", "information_schema", "pg_toast") or row["extension"]:
            raise Refused(f"{reader} reads {row['name']}, which belongs to the system")
    return tuple(row["name"] for row in rows)


def _refuse_below(database: Database, uses: _Uses, called: list[Row]) -> None:
    """Look at what relations, types and functions bring along, and at what that does.

    What a view reads is its owner's affair, unless that is the system's; what
    it calls runs as the caller, and so does a condition of row security.
    """
    relations: set[int] = set()
    functions = {row["oid"] for row in called}
    while True:
        trees, named = _types(database, uses)
        if named and not relations:
            raise Refused("the statement makes names of the catalog (regclass or the like)")
        trees += [("a function", row[part]) for row in called for part in ("body", "defaults")]
        fresh = uses.relations - relations
        relations |= fresh
        if fresh:
            for row in database.execute(_STORED, [sorted(fresh)], ["oid[]"]):
                trees.append(("a view" if row["query"] else "row security", row["tree"]))
        uses, called = _Uses(), []
        for owner, tree in trees:
            if tree is None:
                continue
            below = _stored_uses(tree)
            if owner == "a view":
                _tables(database, below.relations, owner)
            found = [row for row in _called(database, below) if row["oid"] not in functions]
            for row in found:
                reason = _reason_below(row)
                if reason:
                    raise Refused(f"{owner} calls {row['schema']}.{row['name']}, {reason}")
            functions |= {row["oid"] for row in found}
            called += found
            uses.relations |= below.relations
            for oid, made in below.types.items():
                uses.types[oid] = uses.types.get(oid, False) or made
        if not uses.relations - relations and not called and not uses.types:
            return


def _stored_uses(tree: str) -> _Uses:
    every = [node for top in nodes.parse(tree) for node in walk(top)]
    try:
        return _uses(every)
    except Refused:
        # its owner has chosen the system columns that it reads
        return _uses(node for node in every if node.kind != "VAR")


def _types(database: Database, uses: _Uses) -> tuple[list[tuple[str, str | None]], bool]:
    """Return the constraints of domains, and whether a type names what is in the catalog.

    Raises `Refused` for a cast to JSON that somebody else wrote.
    """
    types = sorted(uses.types)
    if not any(oid >= _OURS or oid in _NAMING for oid in types):
        return [], False
    rows = database.execute(
        _TYPES,
        [types, [uses.types[oid] for oid in types], sorted(_NAMING)],
        ["oid[]", "bool[]", "oid[]"],
    )
    casts = {row["function"] for row in rows if row["function"]}
    if casts:
        for row in _called(database, _Uses(functions=casts)):
            reason = _reason_below(row)
            if reason:
                raise Refused(f"a cast to JSON calls {row['schema']}.{row['name']}, {reason}")
    constraints: list[tuple[str, str | None]] = [("a domain", row["tree"]) for row in rows]
    return constraints, any(row["named"] for row in rows)


def of_server(row: Row, names: frozenset[str]) -> bool:
    """Tell whether a function is one of the server's own with these names."""
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
    if row["volatility"] == "v" and not of_server(row, _HARMLESS):
        return "which is volatile"
    return "" if row["trusted"] else "which somebody else wrote"
