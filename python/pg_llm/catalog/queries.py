"""The statements that read a snapshot. They run as the caller."""

from __future__ import annotations

_RELATION_FILTER = """
c.relkind operator(pg_catalog.=) any ('{r,p,v,m,f}')
and not c.relispartition
and n.nspname operator(pg_catalog.<>) all ('{pg_catalog,information_schema,pg_toast}')
and (
    not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
    or n.oid operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()
)
and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
and pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
and not exists (
    select
    from pg_catalog.pg_depend d
    where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.objid operator(pg_catalog.=) c.oid
      and d.deptype operator(pg_catalog.=) 'e'
)
"""

# Rows of the user's own objects have OIDs from 16384 on (FirstNormalObjectId).
# reltuples and relpages are written in place by ANALYZE, so they are hashed as
# values. Rights of schemas and of roles are part of what is visible.
VERSION = """
select
    current_user::pg_catalog.text as role,
    pg_catalog.array_to_string(pg_catalog.current_schemas(true), ',') as path,
    pg_catalog.concat_ws(
        '/',
        (
            select pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(
                pg_catalog.hash_record_extended(
                    row(c.ctid, c.xmin, c.reltuples, c.relpages), 0
                )
            ))
            from pg_catalog.pg_class c
            where c.oid operator(pg_catalog.>=) 16384
        ),
        (
            select pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(
                pg_catalog.hash_record_extended(row(a.ctid, a.xmin), 0)
            ))
            from pg_catalog.pg_attribute a
            where a.attrelid operator(pg_catalog.>=) 16384
        ),
        (
            select pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(
                pg_catalog.hash_record_extended(row(d.ctid, d.xmin), 0)
            ))
            from pg_catalog.pg_description d
            where d.objoid operator(pg_catalog.>=) 16384
        ),
        (
            select pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(
                pg_catalog.hash_record_extended(row(o.ctid, o.xmin), 0)
            ))
            from pg_catalog.pg_constraint o
            where o.oid operator(pg_catalog.>=) 16384
        ),
        (
            select pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(
                pg_catalog.hash_record_extended(row(i.ctid, i.xmin), 0)
            ))
            from pg_catalog.pg_index i
            where i.indexrelid operator(pg_catalog.>=) 16384
        ),
        (
            select pg_catalog.sum(pg_catalog.hash_record_extended(row(n.ctid, n.xmin), 0))
            from pg_catalog.pg_namespace n
        ),
        (
            select pg_catalog.sum(pg_catalog.hash_record_extended(row(e.ctid, e.xmin), 0))
            from pg_catalog.pg_enum e
        ),
        (
            select pg_catalog.sum(pg_catalog.hash_record_extended(row(m.ctid, m.xmin), 0))
            from pg_catalog.pg_auth_members m
        ),
        (
            select pg_catalog.concat(r.rolsuper, r.rolbypassrls, r.rolinherit)
            from pg_catalog.pg_roles r
            where r.rolname operator(pg_catalog.=) current_user
        ),
        -- the setting turns row-level security off for those who may
        pg_catalog.current_setting('row_security')
    ) as version
"""

RELATIONS = f"""
select
    c.oid::pg_catalog.int8 as oid,
    n.nspname::pg_catalog.text as schema,
    c.relname::pg_catalog.text as name,
    c.relkind::pg_catalog.text as kind,
    pg_catalog.obj_description(c.oid, 'pg_class') as comment,
    c.reltuples::pg_catalog.float8 as rows,
    exists (
        select from pg_catalog.pg_inherits h where h.inhrelid operator(pg_catalog.=) c.oid
    ) as child,
    pg_catalog.pg_table_is_visible(c.oid) as visible,
    pg_catalog.row_security_active(c.oid) as row_security,
    case when pg_catalog.pg_table_is_visible(c.oid)
         then pg_catalog.quote_ident(c.relname)
         else pg_catalog.format('%I.%I', n.nspname, c.relname)
    end as sql_name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where {_RELATION_FILTER}
order by n.nspname, c.relname
"""

COLUMNS = f"""
select
    c.oid::pg_catalog.int8 as oid,
    n.nspname::pg_catalog.text as schema,
    c.relname::pg_catalog.text as relation,
    a.attname::pg_catalog.text as name,
    a.attnum::pg_catalog.int4 as number,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
    case when t.typtype operator(pg_catalog.=) 'd'
         then t.typbasetype
         else t.oid
    end::pg_catalog.int8 as type_oid,
    t.typcategory::pg_catalog.text as category,
    a.attnotnull as not_null,
    pg_catalog.col_description(c.oid, a.attnum) as comment
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid
join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
where {_RELATION_FILTER}
  and a.attnum operator(pg_catalog.>) 0
  and not a.attisdropped
  and pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
order by c.oid, a.attnum
"""

# pg_stats shows only columns that the caller may read, and nothing of a table
# whose policies apply to the caller.
STATISTICS = """
select
    s.schemaname::pg_catalog.text as schema,
    s.tablename::pg_catalog.text as relation,
    s.attname::pg_catalog.text as column,
    s.n_distinct::pg_catalog.float8 as n_distinct,
    s.most_common_vals::pg_catalog.text::pg_catalog.text[] as common,
    s.histogram_bounds::pg_catalog.text::pg_catalog.text[] as bounds
from pg_catalog.pg_stats s
where s.schemaname operator(pg_catalog.<>) all ('{pg_catalog,information_schema,pg_toast}')
order by s.inherited
"""

UNIQUE = """
select
    i.indrelid::pg_catalog.int8 as oid,
    i.indisprimary as primary,
    array(
        select a.attname::pg_catalog.text
        from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality k (number, position)
        join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) i.indrelid
            and a.attnum operator(pg_catalog.=) k.number
        where k.position operator(pg_catalog.<=) i.indnkeyatts
        order by k.position
    ) as columns
from pg_catalog.pg_index i
where i.indisunique
  and i.indisvalid
  and i.indpred is null
  and i.indexprs is null
  and i.indrelid operator(pg_catalog.>=) 16384
order by i.indrelid, not i.indisprimary, i.indexrelid
"""

FOREIGN_KEYS = """
select
    o.conrelid::pg_catalog.int8 as source,
    array(
        select a.attname::pg_catalog.text
        from pg_catalog.unnest(o.conkey) with ordinality k (number, position)
        join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) o.conrelid
            and a.attnum operator(pg_catalog.=) k.number
        order by k.position
    ) as source_columns,
    o.confrelid::pg_catalog.int8 as target,
    array(
        select a.attname::pg_catalog.text
        from pg_catalog.unnest(o.confkey) with ordinality k (number, position)
        join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) o.confrelid
            and a.attnum operator(pg_catalog.=) k.number
        order by k.position
    ) as target_columns
from pg_catalog.pg_constraint o
where o.contype operator(pg_catalog.=) 'f'
  and o.conparentid operator(pg_catalog.=) 0
order by o.conrelid, o.conname
"""

ENUMS = """
select
    e.enumtypid::pg_catalog.int8 as type,
    pg_catalog.array_agg(e.enumlabel::pg_catalog.text order by e.enumsortorder) as labels
from pg_catalog.pg_enum e
group by e.enumtypid
"""

VIEW_DEFINITION = """
select pg_catalog.pg_get_viewdef(c.oid, true) as definition
from pg_catalog.pg_class c
where c.oid operator(pg_catalog.=) $1
  and c.relkind operator(pg_catalog.=) any ('{v,m}')
"""
