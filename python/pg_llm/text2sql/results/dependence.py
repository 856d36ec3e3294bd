"""What a query's result depends on, if everything that it depends on is known.

The server's analysis of the query, and of the views that it reads, says which
tables, functions and types it uses. Only what is known to depend on nothing
else passes: immutable functions that are not written in a language with a
body of its own, stable ones whose settings are part of a result's key, and
types whose text is made of nothing but the value. Everything unknown is a
reason not to keep the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.lineage import nodes
from pg_llm.text2sql.reach.calls import walk
from pg_llm.text2sql.reach.queries import CALLED
from pg_llm.text2sql.words import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.nodes import Node

# Nodes that an analysed query consists of. None of them acts, asks a clock or a
# role, reads a sequence, takes a sample or checks a domain.
_KNOWN = word_set(
    """
    QUERY RANGETBLENTRY RTE RTEPERMISSIONINFO RANGETBLREF RANGETBLFUNCTION ALIAS JOINEXPR
    FROMEXPR TARGETENTRY SORTGROUPCLAUSE GROUPINGSET GROUPINGFUNC WINDOWCLAUSE
    SETOPERATIONSTMT COMMONTABLEEXPR SUBLINK PARAM VAR CONST OPEXPR FUNCEXPR NAMEDARGEXPR
    AGGREF WINDOWFUNC BOOLEXPR NULLTEST BOOLEANTEST CASEEXPR CASE CASEWHEN WHEN
    CASETESTEXPR COALESCEEXPR COALESCE MINMAXEXPR MINMAX SCALARARRAYOPEXPR ARRAYEXPR ARRAY
    SUBSCRIPTINGREF RELABELTYPE COERCEVIAIO ARRAYCOERCEEXPR DISTINCTEXPR NULLIFEXPR
    ROWCOMPAREEXPR ROWCOMPARE COLLATEEXPR
    """
)
# Stable because of TimeZone, DateStyle, IntervalStyle, the lc_ settings or the
# type of an argument, which are in the key or judged by themselves.
_SETTLED = word_set(
    """
    anytextcat textanycat array_to_json array_to_string concat concat_ws format date time
    timestamp timestamptz date_part date_trunc extract generate_series in_range overlaps
    make_timestamptz money numeric to_char to_date to_number to_timestamp to_json to_jsonb
    json_agg json_agg_transfn json_build_array json_build_object json_object_agg
    json_object_agg_transfn jsonb_agg jsonb_agg_transfn jsonb_agg_finalfn jsonb_build_array
    jsonb_build_object jsonb_object_agg jsonb_object_agg_transfn jsonb_object_agg_finalfn
    interval_pl_timestamptz timestamptz_pl_interval timestamptz_mi_interval
    date_cmp_timestamptz date_eq_timestamptz date_ge_timestamptz date_gt_timestamptz
    date_le_timestamptz date_lt_timestamptz date_ne_timestamptz
    timestamp_cmp_timestamptz timestamp_eq_timestamptz timestamp_ge_timestamptz
    timestamp_gt_timestamptz timestamp_le_timestamptz timestamp_lt_timestamptz
    timestamp_ne_timestamptz timestamptz_cmp_date timestamptz_eq_date timestamptz_ge_date
    timestamptz_gt_date timestamptz_le_date timestamptz_lt_date timestamptz_ne_date
    timestamptz_cmp_timestamp timestamptz_eq_timestamp timestamptz_ge_timestamp
    timestamptz_gt_timestamp timestamptz_le_timestamp timestamptz_lt_timestamp
    timestamptz_ne_timestamp
    """
)
_FUNCTION_FIELDS = ("funcid", "opfuncid", "aggfnoid", "winfnoid", "elemfuncid")
_OPERATOR_FIELDS = ("opno", "eqop", "sortop")
_TYPE_FIELDS = (
    "vartype",
    "consttype",
    "funcresulttype",
    "opresulttype",
    "aggtype",
    "wintype",
    "paramtype",
    "resulttype",
    "casetype",
    "typeId",
    "coalescetype",
    "minmaxtype",
    "array_typeid",
    "element_typeid",
    "refcontainertype",
    "refelemtype",
    "refrestype",
)

_RELATIONS = """
select
    c.oid::pg_catalog.int8 as oid,
    c.relkind::pg_catalog.text as kind,
    (
        select r.ev_action::pg_catalog.text
        from pg_catalog.pg_rewrite r
        where r.ev_class operator(pg_catalog.=) c.oid
          and r.rulename operator(pg_catalog.=) '_RETURN'
          and c.relkind operator(pg_catalog.=) 'v'
    ) as tree
from pg_catalog.pg_class c
where c.oid operator(pg_catalog.=) any ($1)
"""
_ROUTINES = (
    CALLED
    + """
select
    p.oid::pg_catalog.int8 as oid,
    p.proname::pg_catalog.text as name,
    n.nspname operator(pg_catalog.=) 'pg_catalog' as system,
    p.provolatile::pg_catalog.text as volatility,
    l.lanname operator(pg_catalog.=) any ('{internal,c}') as compiled
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
join pg_catalog.pg_language l on l.oid operator(pg_catalog.=) p.prolang
where p.oid operator(pg_catalog.=) any (array(select c.oid from called c))
"""
)
# Of an array, its elements count; of a domain, what it is over.
_TYPES = """
with asked (oid, inner_oid) as (
    select
        t.oid,
        case
            when t.typtype operator(pg_catalog.=) 'd' then t.typbasetype
            when t.typcategory operator(pg_catalog.=) 'A'
                and t.typelem operator(pg_catalog.<>) 0::pg_catalog.oid then t.typelem
            else t.oid
        end
    from pg_catalog.pg_type t
    where t.oid operator(pg_catalog.=) any ($1)
)
select
    a.oid::pg_catalog.int8 as oid,
    pg_catalog.format_type(a.oid, null) as name,
    t.oid::pg_catalog.int8 as inner_oid,
    t.typtype operator(pg_catalog.=) 'e'
        or n.nspname operator(pg_catalog.<>) 'pg_catalog' as own,
    t.typtype operator(pg_catalog.=) 'e' or (
        t.typtype operator(pg_catalog.=) 'b'
        and output_language.lanname operator(pg_catalog.=) any ('{internal,c}')
        and (
            output.provolatile operator(pg_catalog.=) 'i'
            or output.proname operator(pg_catalog.=) any (
                '{date_out,timestamp_out,timestamptz_out,interval_out,cash_out}'
            ) and n.nspname operator(pg_catalog.=) 'pg_catalog'
        )
    ) as writes,
    t.typtype operator(pg_catalog.=) 'e' or (
        t.typtype operator(pg_catalog.=) 'b'
        and input_language.lanname operator(pg_catalog.=) any ('{internal,c}')
        and (
            input.provolatile operator(pg_catalog.=) 'i'
            or input.proname operator(pg_catalog.=) any ('{json_in,jsonb_in}')
                and n.nspname operator(pg_catalog.=) 'pg_catalog'
        )
    ) as reads
from asked a
join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.inner_oid
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) t.typnamespace
join pg_catalog.pg_proc output on output.oid operator(pg_catalog.=) t.typoutput::pg_catalog.oid
join pg_catalog.pg_language output_language
    on output_language.oid operator(pg_catalog.=) output.prolang
join pg_catalog.pg_proc input on input.oid operator(pg_catalog.=) t.typinput::pg_catalog.oid
join pg_catalog.pg_language input_language
    on input_language.oid operator(pg_catalog.=) input.prolang
"""


class Unknown(Exception):
    """Something that a result depends on is not known; the message says what."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """OIDs of what a result depends on.

    Tables and views that are read; functions and types that are not the
    server's own.
    """

    tables: tuple[int, ...]
    views: tuple[int, ...]
    routines: tuple[int, ...]
    types: tuple[int, ...]


def dependence(database: Database, tree: str) -> Dependence:
    """Return what the result of an analysed query depends on, or raise `Unknown`."""
    tables: set[int] = set()
    views: set[int] = set()
    every: list[Node] = []
    trees = [tree]
    while trees:
        found = [node for text in trees for top in _parsed(text) for node in walk(top)]
        every += found
        read = {
            node.number("relid")
            for node in found
            if node.kind in ("RTE", "RANGETBLENTRY") and node.number("relid")
        }
        trees = []
        for row in database.execute(_RELATIONS, [sorted(read - tables - views)], ["oid[]"]):
            (views if row["kind"] == "v" else tables).add(row["oid"])
            if row["tree"]:
                trees.append(row["tree"])
    for node in every:
        _known(node)
    return Dependence(
        tuple(sorted(tables)),
        tuple(sorted(views)),
        _routines(database, every),
        _types(database, every),
    )


def _parsed(tree: str) -> list[Node]:
    return nodes.parse(tree, constants=True)


def _known(node: Node) -> None:
    if node.kind not in _KNOWN:
        raise Unknown(f"a result of {node.kind} is not always the same")
    if node.kind == "VAR" and nodes.var(node)[1] < 0:
        raise Unknown("the query reads a system column")


def _numbers(every: Sequence[Node], fields: Sequence[str]) -> list[int]:
    return sorted({node.number(field) for node in every for field in fields} - {0})


def _lists(every: Sequence[Node], field: str) -> list[int]:
    return sorted({number for node in every for number in node.numbers(field)})


def _routines(database: Database, every: Sequence[Node]) -> tuple[int, ...]:
    functions = _numbers(every, _FUNCTION_FIELDS)
    operators = _numbers(every, _OPERATOR_FIELDS) + _lists(every, "opnos")
    found = database.execute(_ROUTINES, [functions, operators], ["oid[]", "oid[]"])
    for row in found:
        settled = row["system"] and row["name"] in _SETTLED
        if row["volatility"] == "v" or (row["volatility"] == "s" and not settled):
            raise Unknown(f"{row['name']} may say something else another time")
        if not row["compiled"]:
            raise Unknown(f"what {row['name']} calls is not known")
    return tuple(sorted(row["oid"] for row in found if not row["system"]))


def _types(database: Database, every: Sequence[Node]) -> tuple[int, ...]:
    used = _numbers(every, _TYPE_FIELDS)
    # Reading a text as a date may mean today.
    read = {node.number("resulttype") for node in every if node.kind == "COERCEVIAIO"}
    own = set()
    found = database.execute(_TYPES, [used], ["oid[]"])
    for row in found:
        if not row["writes"]:
            raise Unknown(f"what a value of type {row['name']} says is not known")
        if row["oid"] in read and not row["reads"]:
            raise Unknown(f"a text may say another {row['name']} another time")
        if row["own"]:
            own |= {row["oid"], row["inner_oid"]}
    missing = set(used) - {row["oid"] for row in found}
    if missing:
        raise Unknown("a type is not known")
    return tuple(sorted(own))
