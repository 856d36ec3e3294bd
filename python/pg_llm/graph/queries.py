"""What the sync asks the catalog.

All of it runs in functions that set their search_path to pg_catalog. Queries
about objects in particular have `@scope@` where their OIDs are chosen, so that
the planner looks few up by index and reads all in one pass.
"""

from __future__ import annotations

import re
from typing import Final

# OIDs and numbers of rows are of this cluster and database: not of a copy.
STAMP: Final = """
select
    pg_catalog.concat_ws(
        '/',
        (select system_identifier from pg_catalog.pg_control_system()),
        (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    ) as stamp,
    (select s.stamp from lineage.sync_state s) as known
"""

_OUR_OWN: Final = """
n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'llm', 'lineage')
and not pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
and not pg_catalog.starts_with(n.nspname::text, 'pg_toast_temp_')
"""


def _extensions(catalog: str, alias: str) -> str:
    """Return the condition that an object belongs to an extension."""
    return f"""exists (
        select
        from pg_catalog.pg_depend m
        where m.classid = 'pg_catalog.{catalog}'::pg_catalog.regclass
          and m.objid = {alias}.oid and m.deptype = 'e'
    )"""


# A row's place and transaction change whenever the row does, and cost nothing
# to read. A false alarm (VACUUM FULL) has the object read again, no more.
RELATIONS: Final = f"""
with relation as (
    select c.oid, c.relkind,
        pg_catalog.hash_record_extended(row(c.ctid, c.xmin, n.ctid, n.xmin), 1) as hash
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and c.relpersistence <> 't'
      and c.oid >= 16384
      and @scope@(c.oid)
      and {_OUR_OWN}
      and not {_extensions("pg_class", "c")}
),
part (oid, hash) as (
    select r.oid, r.hash from relation r
    union all
    select a.attrelid, pg_catalog.hash_record_extended(row(a.ctid, a.xmin), 2)
    from pg_catalog.pg_attribute a
    where a.attrelid >= 16384 and a.attnum > 0 and @scope@(a.attrelid)
    union all
    select d.adrelid, pg_catalog.hash_record_extended(row(d.ctid, d.xmin), 3)
    from pg_catalog.pg_attrdef d
    where @scope@(d.adrelid)
    union all
    select o.conrelid, pg_catalog.hash_record_extended(row(o.ctid, o.xmin), 4)
    from pg_catalog.pg_constraint o
    where o.contype in ('p', 'u', 'f') and @scope@(o.conrelid)
    union all
    select i.indrelid, pg_catalog.hash_record_extended(row(i.ctid, i.xmin), 5)
    from pg_catalog.pg_index i
    where i.indisunique and i.indrelid >= 16384 and @scope@(i.indrelid)
    union all
    select w.ev_class, pg_catalog.hash_record_extended(row(w.ctid, w.xmin), 6)
    from pg_catalog.pg_rewrite w
    where w.ev_class >= 16384 and @scope@(w.ev_class)
    union all
    select t.tgrelid, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 7)
    from pg_catalog.pg_trigger t
    where not t.tgisinternal and @scope@(t.tgrelid)
    union all
    select h.inhrelid, pg_catalog.hash_record_extended(row(h.ctid, h.xmin), 8)
    from pg_catalog.pg_inherits h
    where @scope@(h.inhrelid)
    union all
    select d.objoid, pg_catalog.hash_record_extended(row(d.ctid, d.xmin), 9)
    from pg_catalog.pg_description d
    where d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.objoid >= 16384 and @scope@(d.objoid)
    union all
    select f.ftrelid, pg_catalog.hash_record_extended(row(f.ctid, f.xmin, s.ctid, s.xmin), 10)
    from pg_catalog.pg_foreign_table f
    join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
    where @scope@(f.ftrelid)
),
whole as (
    select p.oid, pg_catalog.bit_xor(p.hash) as fingerprint from part p group by p.oid
)
select r.oid::int8 as oid, r.relkind::text as kind, w.fingerprint,
    o.fingerprint is not distinct from w.fingerprint as same, o.node is not null as known
from relation r
join whole w on w.oid = r.oid
left join lineage.objects o
    on o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.object = r.oid
    and o.attribute = 0
"""
RELATION_FACTS: Final = """
with key as (
    select i.indrelid, i.indisprimary, i.indexrelid, (
        select pg_catalog.jsonb_agg(a.attname order by k.position)
        from pg_catalog.unnest(i.indkey::int2[]) with ordinality k (number, position)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
        where k.position <= i.indnkeyatts
    ) as columns
    from pg_catalog.pg_index i
    where i.indrelid = any ($1::oid[])
      and i.indisunique and i.indpred is null and i.indexprs is null
),
keys as (
    select k.indrelid, k.indisprimary,
        pg_catalog.jsonb_agg(k.columns order by k.indexrelid) as columns
    from key k
    group by k.indrelid, k.indisprimary
)
select
    c.oid::int8 as oid,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    case c.relkind
        when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
        when 'm' then 'materialized view' when 'f' then 'foreign table' else 'sequence'
    end as subtype,
    d.description as comment,
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'primary_key', p.columns operator(pg_catalog.->) 0,
        'unique', u.columns,
        'partition', case when c.relispartition
            then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end,
        'partition_by', case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end
    ))::text as properties,
    o.node
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join keys p on p.indrelid = c.oid and p.indisprimary
left join keys u on u.indrelid = c.oid and not u.indisprimary
left join pg_catalog.pg_description d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.objsubid = 0
left join lineage.objects o
    on o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.object = c.oid
    and o.attribute = 0
where c.oid = any ($1::oid[])
"""
COLUMN_FACTS: Final = """
select
    a.attrelid::int8 as oid,
    a.attnum::int4 as number,
    a.attname::text as name,
    case
        when a.attgenerated <> '' then 'generated column'
        when a.attidentity <> '' then 'identity column'
        else 'column'
    end as subtype,
    d.description as comment,
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'position', a.attnum,
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'not_null', nullif(a.attnotnull, false)
    ))::text as properties,
    o.node
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind <> 'S'
left join pg_catalog.pg_description d
    on d.objoid = a.attrelid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.objsubid = a.attnum
left join lineage.objects o
    on o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.object = a.attrelid
    and o.attribute = a.attnum
where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped
"""
FUNCTIONS: Final = f"""
select p.oid::int8 as oid, h.fingerprint,
    o.fingerprint is not distinct from h.fingerprint as same, o.node is not null as known
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join pg_catalog.pg_description d
    on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
cross join lateral (
    select pg_catalog.hash_record_extended(row(p.ctid, p.xmin, n.ctid, n.xmin, d.ctid, d.xmin), 1)
) h (fingerprint)
left join lineage.objects o
    on o.class = 'pg_catalog.pg_proc'::pg_catalog.regclass and o.object = p.oid
where p.oid >= 16384
  and @scope@(p.oid)
  and {_OUR_OWN}
  and not {_extensions("pg_proc", "p")}
"""
FUNCTION_FACTS: Final = """
select
    p.oid::int8 as oid,
    pg_catalog.format(
        '%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)
    ) as name,
    case
        when p.prokind = 'p' then 'procedure'
        when p.prokind = 'a' then 'aggregate'
        when p.prokind = 'w' then 'window function'
        when p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype then 'trigger function'
        when p.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype
            then 'event trigger function'
        else 'function'
    end as subtype,
    pg_catalog.obj_description(p.oid, 'pg_proc') as comment,
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'language', l.lanname,
        'returns', pg_catalog.pg_get_function_result(p.oid)
    ))::text as properties,
    p.prorettype = 'pg_catalog.void'::pg_catalog.regtype as void,
    p.prosqlbody::text as tree,
    o.node
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
left join lineage.objects o
    on o.class = 'pg_catalog.pg_proc'::pg_catalog.regclass and o.object = p.oid
where p.oid = any ($1::oid[])
"""
# The name of any function, also of an extension or the system.
FUNCTION_NAMES: Final = """
select p.oid::int8 as oid, pg_catalog.format(
    '%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)
) as name
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.oid = any ($1::oid[])
"""
SCHEMAS: Final = f"""
select n.oid::int8 as oid, pg_catalog.quote_ident(n.nspname) as name,
    pg_catalog.obj_description(n.oid, 'pg_namespace') as comment, o.node
from pg_catalog.pg_namespace n
left join lineage.objects o
    on o.class = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.object = n.oid
where @scope@(n.oid)
  and not {_extensions("pg_namespace", "n")}
  and {_OUR_OWN}
"""
DATABASE: Final = """
select d.oid::int8 as oid, d.datname::text as name,
    pg_catalog.shobj_description(d.oid, 'pg_database') as comment, o.node
from pg_catalog.pg_database d
left join lineage.objects o
    on o.class = 'pg_catalog.pg_database'::pg_catalog.regclass and o.object = d.oid
where d.datname = pg_catalog.current_database()
"""

# -- what edges are read from ---------------------------------------------------

TREES: Final = """
select w.ev_class::int8 as oid, w.rulename::text as rule, w.rulename = '_RETURN' as view,
    w.ev_action::text as tree
from pg_catalog.pg_rewrite w
where w.ev_class = any ($1::oid[]) and w.ev_enabled <> 'D'
"""
CALLS: Final = """
select w.ev_class::int8 as oid, d.refobjid::int8 as function
from pg_catalog.pg_rewrite w
join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
where w.ev_class = any ($1::oid[])
  and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.refobjid >= 16384
"""
FUNCTION_CALLS: Final = """
select d.objid::int8 as oid, d.refobjid::int8 as function
from pg_catalog.pg_depend d
where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = any ($1::oid[])
  and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.refobjid >= 16384
  and d.deptype = 'n'
"""
GENERATED: Final = """
select d.adrelid::int8 as oid, d.adnum::int4 as number, d.adbin::text as tree,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression
from pg_catalog.pg_attrdef d
join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
where d.adrelid = any ($1::oid[]) and a.attgenerated <> ''
"""
DEFAULTS: Final = """
select d.adrelid::int8 as oid, d.adnum::int4 as number,
    e.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass as function,
    e.refobjid::int8 as source, pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression
from pg_catalog.pg_attrdef d
join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
join pg_catalog.pg_depend e
    on e.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and e.objid = d.oid
left join pg_catalog.pg_class s
    on e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and s.oid = e.refobjid
where d.adrelid = any ($1::oid[])
  and (
      s.relkind = 'S'
      or e.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.refobjid >= 16384
  )
  and a.attgenerated = ''
union all
select e.refobjid::int8, e.refobjsubid, false, s.oid::int8, null
from pg_catalog.pg_depend e
join pg_catalog.pg_class s on s.oid = e.objid and s.relkind = 'S'
where e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and e.refobjid = any ($1::oid[])
  and e.refobjsubid > 0
  and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and e.deptype = 'i'
"""
# A foreign key of a partition that it has from its parent adds nothing.
FOREIGN_KEYS: Final = """
select o.conrelid::int8 as oid, o.conname::text as name, o.confrelid::int8 as source,
    p.source::int4 as source_number, p.target::int4 as number
from pg_catalog.pg_constraint o
cross join lateral rows from (
    pg_catalog.unnest(o.confkey), pg_catalog.unnest(o.conkey)
) p (source, target)
where o.conrelid = any ($1::oid[]) and o.contype = 'f' and o.conparentid = 0
"""
TRIGGERS: Final = """
select t.tgrelid::int8 as oid, t.tgname::text as name, t.tgfoid::int8 as function,
    t.tgattr::int2[]::int4[] as columns
from pg_catalog.pg_trigger t
where t.tgrelid = any ($1::oid[])
  and not t.tgisinternal and t.tgenabled <> 'D' and t.tgparentid = 0
"""
INHERITED: Final = """
select h.inhrelid::int8 as oid, h.inhparent::int8 as parent, c.relispartition as partition,
    a.attnum::int4 as number, b.attnum::int4 as parent_number
from pg_catalog.pg_inherits h
join pg_catalog.pg_class c on c.oid = h.inhrelid
join pg_catalog.pg_attribute b on b.attrelid = h.inhparent
join pg_catalog.pg_attribute a on a.attrelid = h.inhrelid and a.attname = b.attname
where h.inhrelid = any ($1::oid[])
  and a.attnum > 0 and b.attnum > 0 and not a.attisdropped and not b.attisdropped
"""
FOREIGN_TABLES: Final = """
select f.ftrelid::int8 as oid, w.fdwname::text as wrapper, s.srvname::text as server,
    n.nspname::text as schema, c.relname::text as relation,
    (
        select pg_catalog.jsonb_object_agg(o.option_name, o.option_value)
        from pg_catalog.pg_options_to_table(s.srvoptions) o
        where o.option_name in
            ('host', 'port', 'dbname', 'service', 'servername', 'server', 'database')
    )::text as server_options,
    (
        select pg_catalog.jsonb_object_agg(o.option_name, o.option_value)
        from pg_catalog.pg_options_to_table(f.ftoptions) o
        where o.option_name in
            ('schema_name', 'table_name', 'schema', 'table', 'dbname', 'database', 'filename')
    )::text as options,
    (
        select pg_catalog.jsonb_object_agg(a.attnum, coalesce(
            (
                select o.option_value
                from pg_catalog.pg_options_to_table(a.attfdwoptions) o
                where o.option_name = 'column_name'
            ),
            a.attname
        ))
        from pg_catalog.pg_attribute a
        where a.attrelid = f.ftrelid and a.attnum > 0 and not a.attisdropped
    )::text as columns
from pg_catalog.pg_foreign_table f
join pg_catalog.pg_class c on c.oid = f.ftrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
where f.ftrelid = any ($1::oid[])
"""
VIEW_TEXT: Final = "select pg_catalog.pg_get_viewdef($1::oid) as text"
# Views whose stored query reads any of these: names in their expressions change.
DEPENDENT_VIEWS: Final = """
select distinct w.ev_class::int8 as oid
from pg_catalog.pg_depend d
join pg_catalog.pg_rewrite w on w.oid = d.objid
where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and d.refobjid = any ($1::oid[])
  and w.ev_class <> all ($1::oid[])
"""
# All that inherits from these, at any depth, and what did until now.
DESCENDANTS: Final = """
with recursive descendant (oid) as (
    select pg_catalog.unnest($1::oid[])
    union
    select h.inhrelid
    from pg_catalog.pg_inherits h
    join descendant d on d.oid = h.inhparent
)
select d.oid::int8 as oid from descendant d
union
select c.object::int8
from lineage.objects p
join lineage.edges e on e.from_node = p.node
    and e.evidence in ('partition', 'inheritance') and e.valid_to = 'infinity'
join lineage.objects c on c.node = e.evidence_node
where p.class = 'pg_catalog.pg_class'::pg_catalog.regclass
  and p.object = any ($1::oid[]) and p.attribute = 0
"""

# -- what there is besides ------------------------------------------------------

COUNTS: Final = """
with relation as (
    select o.object as oid
    from lineage.objects o
    where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.attribute = 0
)
select
    (
        select pg_catalog.count(*) from lineage.objects o
        where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.attribute > 0
    ) as columns,
    (
        select pg_catalog.count(*) from pg_catalog.pg_index i
        join relation r on r.oid = i.indrelid
        where i.indisunique
    ) as keys,
    (
        select pg_catalog.count(*) from pg_catalog.pg_constraint o
        join relation r on r.oid = o.conrelid
        where o.contype = 'f' and o.conparentid = 0
    ) as "foreign keys",
    (
        select pg_catalog.count(*) from pg_catalog.pg_rewrite w
        join relation r on r.oid = w.ev_class
        where w.rulename <> '_RETURN'
    ) as rules,
    (
        select pg_catalog.count(*) from pg_catalog.pg_attribute a
        join relation r on r.oid = a.attrelid
        where a.attgenerated <> ''
    ) as "generated columns",
    (
        select pg_catalog.count(*) from pg_catalog.pg_attrdef d
        join relation r on r.oid = d.adrelid
        join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where a.attgenerated = ''
    ) as defaults,
    (
        select pg_catalog.count(*) from pg_catalog.pg_inherits h
        join relation r on r.oid = h.inhrelid
        join pg_catalog.pg_class c on c.oid = h.inhrelid
        where c.relispartition
    ) as partitions,
    (
        select pg_catalog.count(*) from pg_catalog.pg_inherits h
        join relation r on r.oid = h.inhrelid
        join pg_catalog.pg_class c on c.oid = h.inhrelid
        where not c.relispartition
    ) as inheritance,
    (
        select pg_catalog.count(*) from pg_catalog.pg_proc p
        join lineage.objects o on o.class = 'pg_catalog.pg_proc'::pg_catalog.regclass
            and o.object = p.oid
        where p.prosqlbody is not null
    ) as "function bodies",
    (
        select pg_catalog.count(*) from pg_catalog.pg_trigger t
        join relation r on r.oid = t.tgrelid
        where not t.tgisinternal and t.tgparentid = 0
    ) as triggers
"""
# What is passed by on purpose, and why.
LEFT_OUT: Final = f"""
select 'relations' as source, e.extname::text as object, pg_catalog.count(*) as n,
    'belongs to an extension' as reason
from pg_catalog.pg_depend d
join pg_catalog.pg_extension e on e.oid = d.refobjid
join pg_catalog.pg_class c on c.oid = d.objid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype = 'e'
group by e.extname
union all
select 'functions', e.extname::text, pg_catalog.count(*), 'belongs to an extension'
from pg_catalog.pg_depend d
join pg_catalog.pg_extension e on e.oid = d.refobjid
where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e'
  and d.objid >= 16384
group by e.extname
union all
select 'function bodies', l.lanname::text, pg_catalog.count(*),
    'the body is text that the server has not analysed'
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where p.oid >= 16384 and p.prosqlbody is null and p.prokind <> 'a'
  and {_OUR_OWN}
  and not {_extensions("pg_proc", "p")}
group by l.lanname
union all
select 'triggers', null, pg_catalog.count(*), 'disabled'
from pg_catalog.pg_trigger t
where not t.tgisinternal and t.tgparentid = 0 and t.tgenabled = 'D'
having pg_catalog.count(*) > 0
union all
select 'rules', null, pg_catalog.count(*), 'disabled'
from pg_catalog.pg_rewrite w
where w.ev_class >= 16384 and w.ev_enabled = 'D'
having pg_catalog.count(*) > 0
"""
PUBLICATIONS: Final = """
select p.oid::int8 as oid,
    pg_catalog.format('publication %I', p.pubname) as name,
    pg_catalog.obj_description(p.oid, 'pg_publication') as comment,
    o.node,
    p.fingerprint,
    o.fingerprint is not distinct from p.fingerprint as same
from (
    select p.oid, p.pubname, pg_catalog.bit_xor(pg_catalog.hash_record_extended(
        row(t.schemaname, t.tablename, t.attnames, p.ctid, p.xmin), 1
    )) as fingerprint
    from pg_catalog.pg_publication p
    left join pg_catalog.pg_publication_tables t on t.pubname = p.pubname
    group by p.oid, p.pubname
) p
left join lineage.objects o
    on o.class = 'pg_catalog.pg_publication'::pg_catalog.regclass and o.object = p.oid
"""
PUBLISHED: Final = """
select p.oid::int8 as oid, c.oid::int8 as relation, a.attnum::int4 as number
from pg_catalog.pg_publication p
join pg_catalog.pg_publication_tables t on t.pubname = p.pubname
join pg_catalog.pg_namespace n on n.nspname = t.schemaname
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = any (t.attnames)
where p.oid = any ($1::oid[])
"""
SUBSCRIPTIONS: Final = """
select s.oid::int8 as oid,
    pg_catalog.format('subscription %I', s.subname) as name,
    pg_catalog.obj_description(s.oid, 'pg_subscription') as comment,
    s.subconninfo as connection,
    o.node,
    s.fingerprint,
    o.fingerprint is not distinct from s.fingerprint as same
from (
    select s.oid, s.subname, s.subconninfo, pg_catalog.bit_xor(pg_catalog.hash_record_extended(
        row(s.ctid, s.xmin, r.srrelid), 1
    )) as fingerprint
    from pg_catalog.pg_subscription s
    left join pg_catalog.pg_subscription_rel r on r.srsubid = s.oid
    where s.subdbid = (
        select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
    )
    group by s.oid, s.subname, s.subconninfo
) s
left join lineage.objects o
    on o.class = 'pg_catalog.pg_subscription'::pg_catalog.regclass and o.object = s.oid
"""
SUBSCRIBED: Final = """
select r.srsubid::int8 as oid, c.oid::int8 as relation, n.nspname::text as schema,
    c.relname::text as name, a.attnum::int4 as number, a.attname::text as column
from pg_catalog.pg_subscription_rel r
join pg_catalog.pg_class c on c.oid = r.srrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where r.srsubid = any ($1::oid[])
"""
# Objects that are no longer there, and nodes of the catalog without an object:
# they were restored into a database that does not have them.
GONE: Final = """
select o.node
from lineage.objects o
where o.attribute = 0
  and case o.class
      when 'pg_catalog.pg_class'::pg_catalog.regclass
          then not exists (select from pg_catalog.pg_class c where c.oid = o.object)
      when 'pg_catalog.pg_proc'::pg_catalog.regclass
          then not exists (select from pg_catalog.pg_proc p where p.oid = o.object)
      when 'pg_catalog.pg_namespace'::pg_catalog.regclass
          then not exists (select from pg_catalog.pg_namespace n where n.oid = o.object)
      when 'pg_catalog.pg_publication'::pg_catalog.regclass
          then not exists (select from pg_catalog.pg_publication p where p.oid = o.object)
      when 'pg_catalog.pg_subscription'::pg_catalog.regclass
          then not exists (select from pg_catalog.pg_subscription s where s.oid = o.object)
      else false
  end
union all
select d.id
from lineage.nodes d
left join lineage.objects o on o.node = d.id
where d.namespace = ''
  and d.dropped_at is null
  and o.node is null
  and d.subtype in (
      'table', 'partitioned table', 'view', 'materialized view', 'foreign table', 'sequence',
      'column', 'generated column', 'identity column', 'function', 'procedure', 'aggregate',
      'window function', 'trigger function', 'event trigger function', 'schema', 'publication',
      'subscription'
  )
"""
# Columns that a relation no longer has.
GONE_COLUMNS: Final = """
select o.node
from lineage.objects o
where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass
  and o.object = any ($1::oid[])
  and o.attribute > 0
  and not exists (
      select
      from pg_catalog.pg_attribute a
      where a.attrelid = o.object and a.attnum = o.attribute and not a.attisdropped
  )
"""
DONE: Final = """
update lineage.objects o
set fingerprint = g.fingerprint
from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as g (node int8, fingerprint int8)
where o.node = g.node
"""
NODES_OF: Final = """
select o.object::int8 as oid, o.node
from lineage.objects o
where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.object = any ($1::oid[])
  and o.attribute = 0
"""
NAME_OF: Final = "select d.name from lineage.nodes d where d.id = $1"
KINDS_OF: Final = """
select case when d.kind = 'job' then d.subtype || 's' else d.kind || 's' end as source,
    pg_catalog.count(*) as n
from lineage.nodes d
where d.id = any ($1::int8[])
group by 1
"""

# -- after a DDL statement ------------------------------------------------------

# The relations that objects belong to: indexes, triggers, rules, constraints,
# and foreign tables of a server. A type's tables were marked as rewritten.
CONCERNED: Final = """
with given as (
    select distinct g.class, g.object
    from rows from (
        pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::oid[])
    ) g (class, object)
)
select g.object::int8 as oid
from given g
join pg_catalog.pg_class c on c.oid = g.object and c.relkind <> 'i'
where g.class = 'pg_catalog.pg_class'::pg_catalog.regclass
union
select i.indrelid::int8
from given g
join pg_catalog.pg_index i on i.indexrelid = g.object
where g.class = 'pg_catalog.pg_class'::pg_catalog.regclass and i.indisunique
union
select t.tgrelid::int8
from given g
join pg_catalog.pg_trigger t on t.oid = g.object
where g.class = 'pg_catalog.pg_trigger'::pg_catalog.regclass
union
select w.ev_class::int8
from given g
join pg_catalog.pg_rewrite w on w.oid = g.object
where g.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
union
select o.conrelid::int8
from given g
join pg_catalog.pg_constraint o on o.oid = g.object
where g.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass and o.conrelid <> 0
union
select f.ftrelid::int8
from given g
join pg_catalog.pg_foreign_table f on f.ftserver = g.object
where g.class = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass
union
select o.object::int8
from lineage.objects o
where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass
  and o.attribute = 0
  and o.fingerprint is null
  and exists (
      select from given g where g.class = 'pg_catalog.pg_type'::pg_catalog.regclass
  )
"""
NAMED_RELATIONS: Final = """
select pg_catalog.to_regclass(g.name)::oid::int8 as oid
from pg_catalog.unnest($1::text[]) g (name)
where pg_catalog.to_regclass(g.name) is not null
"""
# Everything in some schemas under the name that it has now.
NAMES_IN_SCHEMAS: Final = """
select o.node, 'relation' as kind, pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    coalesce(a.attname::text, '') as column_name
from lineage.objects o
join pg_catalog.pg_class c on c.oid = o.object
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute a
    on a.attrelid = c.oid and a.attnum = o.attribute and o.attribute > 0
where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass
  and n.oid = any ($1::oid[])
union all
select o.node, 'function', pg_catalog.format(
    '%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)
), ''
from lineage.objects o
join pg_catalog.pg_proc p on p.oid = o.object
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where o.class = 'pg_catalog.pg_proc'::pg_catalog.regclass
  and n.oid = any ($1::oid[])
"""
NODES_OF_DROPPED: Final = """
select o.node
from rows from (
    pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::int4[])
) g (class, object, attribute)
join lineage.objects o
    on o.object = g.object and o.class = g.class and o.attribute = g.attribute
"""
MADE_TABLE: Final = """
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, n.nspname::text as schema,
    c.relname::text as relation, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
    c.relowner::int8 as owner_oid, o.node,
    pg_catalog.current_setting('standard_conforming_strings') = 'on' as standard_strings
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join lineage.objects o
    on o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.object = c.oid
    and o.attribute = 0
where c.oid = $1::oid
"""
# The owner made the table, so the owner read its sources.
READABLE: Final = """
select g.name
from pg_catalog.unnest($1::text[]) g (name)
where pg_catalog.has_any_column_privilege(
    $2::oid, pg_catalog.to_regclass(g.name)::oid, 'select'
)
"""


def scoped(query: str, *, some: bool) -> str:
    """Return a query about the objects in `$1`, or about all that there are."""
    chosen = r"\1 = any ($1::pg_catalog.oid[])" if some else "true"
    return re.sub(r"@scope@\(([a-z_.]+)\)", chosen, query)
