"""What the catalog stores about relations, for the analyser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError
from pg_llm.lineage import names
from pg_llm.lineage.nodes import parse
from pg_llm.lineage.resolve import Computed, Context, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.statements import Statement

_STORED: Final = """
select r.ev_action::pg_catalog.text as tree
from pg_catalog.pg_rewrite r
where r.ev_class operator(pg_catalog.=) $1::pg_catalog.oid
  and r.rulename operator(pg_catalog.=) '_RETURN'
"""
# Whether the current role has any right on all that a view reads: it is not
# led further than it may look. The system's own relations are public knowledge.
_VISIBLE_BASES: Final = """
select not exists (
    select
    from pg_catalog.pg_rewrite r
    join pg_catalog.pg_depend d
        on d.classid operator(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and d.objid operator(pg_catalog.=) r.oid
        and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjid operator(pg_catalog.<>) r.ev_class
        and d.refobjid operator(pg_catalog.>=) 16384
    where r.ev_class operator(pg_catalog.=) $1::pg_catalog.oid
      and not pg_catalog.has_any_column_privilege(
          d.refobjid, 'select, insert, update, references')
      and not pg_catalog.has_table_privilege(d.refobjid, 'delete, truncate, trigger')
) as visible
"""
_SAME_BITS: Final = """
select exists (
    select
    from pg_catalog.pg_cast c
    where c.castsource operator(pg_catalog.=) $1::pg_catalog.oid
      and c.casttarget operator(pg_catalog.=) $2::pg_catalog.oid
      and c.castmethod operator(pg_catalog.=) 'b'
) or exists (
    select
    from pg_catalog.pg_type t
    where t.oid operator(pg_catalog.=) any (array[$1, $2]::pg_catalog.oid[])
      and t.typbasetype operator(pg_catalog.=) any (array[$1, $2]::pg_catalog.oid[])
) as same
"""
_COMPUTED: Final = """
select
    a.attnum::pg_catalog.int4 as number,
    a.attgenerated operator(pg_catalog.<>) '' as generated,
    d.adbin::pg_catalog.text as tree,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression
from pg_catalog.pg_attribute a
left join pg_catalog.pg_attrdef d on d.adrelid operator(pg_catalog.=) a.attrelid
    and d.adnum operator(pg_catalog.=) a.attnum
where a.attrelid operator(pg_catalog.=) $1::pg_catalog.oid
  and not a.attisdropped
  and (a.atthasdef or a.attidentity operator(pg_catalog.<>) '')
order by a.attnum
"""
# A column of an exclusion constraint that is an expression has the number 0.
_KEY: Final = """
select
    array(
        select k.attnum::pg_catalog.int4
        from pg_catalog.unnest(c.conkey) k (attnum)
        where k.attnum operator(pg_catalog.<>) 0
    ) as columns,
    i.indexprs::pg_catalog.text as expressions
from pg_catalog.pg_constraint c
left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.conindid
where c.oid operator(pg_catalog.=) $1::pg_catalog.oid
"""
_VIEW_TEXT: Final = "select pg_catalog.pg_get_viewdef($1::pg_catalog.oid) as text"
_CREATED: Final = """
select
    pg_catalog.quote_ident($1::pg_catalog.text) as name,
    case when $2::pg_catalog.text is null then pg_catalog.quote_ident(pg_catalog.current_schema())
         else pg_catalog.quote_ident($2::pg_catalog.text) end as schema
"""


def stored_tree(database: Database, oid: int) -> str | None:
    """Return the tree of a view's query, None where it is no view."""
    rows = database.execute(_STORED, [str(oid)])
    return rows[0]["tree"] if rows else None


def view_text(database: Database, oid: int) -> str | None:
    """Return a view's query as the server writes it, None where it is no view or broken."""
    try:
        text: str | None = database.execute(_VIEW_TEXT, [str(oid)])[0]["text"]
    except DatabaseError:
        # What it reads was dropped by force.
        return None
    if text is None or text == "Not a view":
        return None
    return text.rstrip().rstrip(";")


def computed_columns(database: Database, oid: int) -> list[tuple[str, Computed]]:
    """Return a relation's generated columns and defaults with their names."""
    named = names.relations(database, [oid]).get(oid)
    if named is None or not named.visible:
        return []
    found = live_context(database, through_views=False).computed(oid)
    return [(named.column(column.number) or "", column) for column in found]


def live_context(database: Database, *, through_views: bool) -> Context:
    """Return a context that asks the live catalog."""

    def same_bits(given: int, wanted: int) -> bool:
        rows = database.execute(_SAME_BITS, [str(given), str(wanted)])
        return bool(rows[0]["same"])

    def computed(relation: int) -> list[Computed]:
        rows = database.execute(_COMPUTED, [str(relation)])
        return [Computed(r["number"], r["generated"], r["tree"], r["expression"]) for r in rows]

    def key(constraint: int) -> tuple[Sequence[int], str | None]:
        rows = database.execute(_KEY, [str(constraint)])
        return (rows[0]["columns"], rows[0]["expressions"]) if rows else ((), None)

    context = Context(None, same_bits, computed, key)
    if through_views:
        context.view = _view_reader(database, context)
    return context


def _view_reader(database: Database, context: Context) -> Callable[[int], Query | None]:
    """Return a function that gives a view's query, or None where its door is closed."""
    trees: dict[int, str | None] = {}

    def read(oid: int) -> Query | None:
        if oid not in trees:
            visible = database.execute(_VISIBLE_BASES, [str(oid)])[0]["visible"]
            trees[oid] = stored_tree(database, oid) if visible else None
        tree = trees[oid]
        if tree is None:
            return None
        return Query(parse(tree, join_columns=True)[0], context)

    return read


def created_name(database: Database, statement: Statement) -> str | None:
    """Return the qualified name of the relation that a statement creates."""
    parts = statement.target
    if not parts:
        return None
    schema = "pg_temp" if statement.temporary else parts[-2] if len(parts) > 1 else None
    row = database.execute(_CREATED, [parts[-1], schema])[0]
    return f"{row['schema']}.{row['name']}" if row["schema"] else row["name"]
