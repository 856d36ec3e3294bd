"""What `calls` asks the catalog. The statements run as the caller."""

from __future__ import annotations

# What is called with functions ($1) and operators ($2). An aggregate calls its
# functions, the planner may put an operator's commutator or negator in its place.
CALLED = """\
with called (oid) as (
    select pg_catalog.unnest($1::pg_catalog.oid[])
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
"""

# A function of somebody else would run with the caller's rights: the caller's
# own roles, superusers and the database's owner are trusted. (A superuser is a
# member of every role, which tells nothing.) What is written in a language
# that is not trusted comes from a superuser. An array of what is called lets the
# planner expect few, and take the index.
FUNCTIONS = (
    CALLED
    + """
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
    l.lanname::pg_catalog.text as language,
    p.prosqlbody::pg_catalog.text as body,
    p.proargdefaults::pg_catalog.text as defaults,
    p.oid::pg_catalog.int8 as oid
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
join pg_catalog.pg_language l on l.oid operator(pg_catalog.=) p.prolang
join pg_catalog.pg_roles o on o.oid operator(pg_catalog.=) p.proowner
join pg_catalog.pg_roles u on u.rolname operator(pg_catalog.=) current_user
join pg_catalog.pg_database d on d.datname operator(pg_catalog.=) pg_catalog.current_database()
where p.oid operator(pg_catalog.=) any (array(select c.oid from called c))
"""
)

RELATIONS = """
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
STORED = """
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
TYPES = """
with recursive parts (oid, made) as (
    select t.oid, pg_catalog.bool_or(t.made)
    from rows from (
        pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.bool[])
    ) t (oid, made)
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

# Planning evaluates the constant parts of these (eval_const_expressions in
# plancat.c), for the relations that a query names and for those below them.
PLANNED = """
with recursive family (oid) as (
    select pg_catalog.unnest($1::pg_catalog.oid[])
    union
    select h.inhrelid
    from family f
    join pg_catalog.pg_inherits h on h.inhparent operator(pg_catalog.=) f.oid
)
select e.tree::pg_catalog.text as tree
from family f,
    lateral (
        select i.indexprs
        from pg_catalog.pg_index i
        where i.indrelid operator(pg_catalog.=) f.oid
        union all
        select i.indpred
        from pg_catalog.pg_index i
        where i.indrelid operator(pg_catalog.=) f.oid
        union all
        select k.conbin
        from pg_catalog.pg_constraint k
        where k.conrelid operator(pg_catalog.=) f.oid
        union all
        select s.stxexprs
        from pg_catalog.pg_statistic_ext s
        where s.stxrelid operator(pg_catalog.=) f.oid
        union all
        select p.partexprs
        from pg_catalog.pg_partitioned_table p
        where p.partrelid operator(pg_catalog.=) f.oid
    ) e (tree)
where e.tree is not null
"""
