-- pg_llm: questions to the lineage graph, tags that travel along it, and what
-- leaves and enters it. The tables of the graph are not readable to llm_user:
-- lineage.walk follows edges by number and gives numbers; what a number is
-- called is read through views that know what their caller may see. So every
-- function that gives names runs with its caller's rights.

-- ---- who sees what -------------------------------------------------------------

create function lineage.function_oid(name text) returns oid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return to_regprocedure(name);
exception
    -- A type of its arguments is gone, or the schema is closed to the role.
    when undefined_object or invalid_schema_name or syntax_error or invalid_text_representation or insufficient_privilege then
        return null;
end
$$;
comment on function lineage.function_oid(text) is
    'The function of this name and argument types, schema.name(types); null where there is none.';
grant execute on function lineage.function_oid(text) to llm_user, llm_monitor;

-- to_regclass asks for usage of the schema, with an error.
create function lineage.relation_oid(name text) returns oid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    parts text[];
begin
    parts := parse_ident(name);
    return (
        select c.oid
        from pg_namespace s
        join pg_class c on c.relnamespace = s.oid
        where s.nspname = parts[1] and c.relname = parts[2]
    );
exception
    when invalid_parameter_value then
        return null;
end
$$;
comment on function lineage.relation_oid(text) is
    'The relation of this name, schema.name; null where there is none.';
grant execute on function lineage.relation_oid(text) to llm_user, llm_monitor;

create function lineage.sees_relation(relation oid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
select coalesce(
    has_any_column_privilege(relation, 'select, insert, update, references')
    or has_table_privilege(relation, 'delete, truncate, trigger')
    or (select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = relation),
    false
)
$$;
comment on function lineage.sees_relation(oid) is
    'Whether the current role may see a relation: owns it, or has any right on it or on a column of it.';
grant execute on function lineage.sees_relation(oid) to llm_user, llm_monitor;

create function lineage.sees_column(relation oid, column_name text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if has_table_privilege(relation, 'select, insert, update, references') then
        return true;
    end if;
    return coalesce((
        select has_column_privilege(relation, a.attnum, 'select, insert, update, references')
            or pg_has_role(c.relowner, 'usage')
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = column_name and not a.attisdropped
        where c.oid = relation
    ), false);
end
$$;
comment on function lineage.sees_column(oid, text) is
    'Whether the current role may see a column: may read or write it or all of the relation, or owns that.';
grant execute on function lineage.sees_column(oid, text) to llm_user, llm_monitor;

create function lineage.owns_relation(name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
select exists (select from pg_class c where c.oid = lineage.relation_oid(name) and pg_has_role(c.relowner, 'usage'))
$$;
comment on function lineage.owns_relation(text) is
    'Whether the current role has the rights of the owner of this relation; false where there is none.';
grant execute on function lineage.owns_relation(text) to llm_user, llm_monitor;

-- current_user is the caller here, and so in has_..._privilege; the tables are read
-- as the view's owner. llm_monitor may read the tables themselves.
create view lineage.visible_nodes with (security_barrier) as
select n.*
from lineage.nodes n
where case
    when (select pg_catalog.pg_has_role('llm_monitor', 'usage')) then true
    when n.dropped_at is not null then false
    when n.kind operator(pg_catalog.=) 'column' and pg_catalog.right(n.name, 1) operator(pg_catalog.=) ')'
        or n.kind operator(pg_catalog.=) 'function'
        then coalesce(pg_catalog.has_function_privilege(lineage.function_oid(n.name), 'execute'), false)
    when n.kind operator(pg_catalog.=) 'column' then lineage.sees_column(lineage.relation_oid(n.name), n.column_name)
    when n.kind operator(pg_catalog.=) 'relation' then lineage.sees_relation(lineage.relation_oid(n.name))
    when n.kind operator(pg_catalog.=) 'schema' then
        coalesce((
            select pg_catalog.has_schema_privilege(s.oid, 'usage')
            from pg_catalog.pg_namespace s
            where pg_catalog.quote_ident(s.nspname) operator(pg_catalog.=) n.name
        ), false)
    when n.kind operator(pg_catalog.=) 'database' then true
    -- What a statement or a job reads and writes is its owners' to know.
    when n.kind operator(pg_catalog.=) any ('{pattern,job}') then
        exists (select from lineage.edges_current e where e.evidence_node operator(pg_catalog.=) n.id)
        and not exists (
            select
            from lineage.edges_current e
            join lineage.nodes r on r.id operator(pg_catalog.=) e.from_node or r.id operator(pg_catalog.=) e.to_node
            where e.evidence_node operator(pg_catalog.=) n.id
                and r.kind operator(pg_catalog.<>) n.kind
                and not (
                    r.kind operator(pg_catalog.=) any ('{relation,column}')
                    and r.namespace operator(pg_catalog.=) ''
                    and lineage.owns_relation(r.name)
                )
        )
    else false
end;
comment on view lineage.visible_nodes is
    'The rows of lineage.nodes that the current role may see: relations and columns that it has any right on, functions that it may execute, '
    'schemas that it may use, statements and jobs all of whose relations it owns; all of them, and what is gone or outside, for llm_monitor.';
grant select on lineage.visible_nodes to llm_user, llm_monitor;

create view lineage.visible_edges with (security_barrier) as
select
    e.id,
    e.from_node,
    e.to_node,
    e.influence,
    e.transformation,
    e.masking,
    -- It may name every column that the target is made of.
    case
        when e.expression is not null and not exists (
            select
            from lineage.edges o
            where o.to_node operator(pg_catalog.=) e.to_node
                and (
                    o.evidence_node operator(pg_catalog.=) e.evidence_node
                    or o.evidence_node is null and e.evidence_node is null
                )
                and o.valid_from operator(pg_catalog.<) e.valid_to
                and o.valid_to operator(pg_catalog.>) e.valid_from
                and not exists (
                    select from lineage.visible_nodes s where s.id operator(pg_catalog.=) o.from_node
                )
        ) then e.expression
    end as expression,
    e.resolver,
    e.confidence,
    e.evidence,
    (
        select v.id from lineage.visible_nodes v where v.id operator(pg_catalog.=) e.evidence_node
    ) as evidence_node,
    e.valid_from,
    e.valid_to
from lineage.edges e
where exists (select from lineage.visible_nodes f where f.id operator(pg_catalog.=) e.from_node)
    and exists (select from lineage.visible_nodes t where t.id operator(pg_catalog.=) e.to_node);
comment on view lineage.visible_edges is
    'The rows of lineage.edges whose two ends the current role may see. The expression is shown to who may see all sources of the target, '
    'the evidence''s node to who may see that.';
grant select on lineage.visible_edges to llm_user, llm_monitor;

create function lineage.shows_hidden() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    setting constant text := coalesce(
        nullif(current_setting('pg_llm.graph_hidden', true), ''),
        (select s.value from llm.settings s where s.name = 'graph_hidden'),
        'omit'
    );
begin
    if setting not in ('omit', 'show') then
        raise exception 'pg_llm: setting "graph_hidden" must be omit or show, and is "%"', setting
            using errcode = '22023', hint = 'SET pg_llm.graph_hidden = ''omit'', or correct its row in llm.settings.';
    end if;
    return setting = 'show';
end
$$;
comment on function lineage.shows_hidden() is
    'The setting graph_hidden: whether what the caller may not see appears as "hidden" in answers (show), or not at all (omit). '
    'Errors: 22023 for another value.';
grant execute on function lineage.shows_hidden() to llm_user, llm_monitor;

-- No SET clause: without one it is inlined into queries, and it names everything in full.
create function lineage.label(kind text, namespace text, name text, column_name text) returns text
language sql immutable parallel safe
as $$
select case when kind operator(pg_catalog.=) any ('{job,dataset,field}') and namespace operator(pg_catalog.<>) ''
        then namespace operator(pg_catalog.||) '/' operator(pg_catalog.||) name
        else name
    end operator(pg_catalog.||) case when column_name operator(pg_catalog.=) '' then ''
        else '.' operator(pg_catalog.||) pg_catalog.quote_ident(column_name)
    end
$$;
comment on function lineage.label(text, text, text, text) is
    'How answers call a node: schema.relation.column, namespace/dataset.field.';
grant execute on function lineage.label(text, text, text, text) to llm_user, llm_monitor;

create function lineage.find_node(object text, "column" text default null) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    parts text[];
    found bigint[];
    labels text;
    names text[];
begin
    begin
        parts := parse_ident(object);
    exception
        when invalid_parameter_value then
            parts := '{}';
    end;
    -- What the index is asked for: every reading of a name of this database.
    names := array[object, format('%I.%I', coalesce(parts[1], ''), coalesce(parts[2], ''))]
        || array(select format('%I.%I', s.nspname, coalesce(parts[1], '')) from pg_namespace s);
    -- From the most to the least literal reading of the name.
    for attempt in 1..7 loop
        continue when attempt = 6 and "column" is not null;
        select array_agg(n.id order by n.id),
            string_agg(format('%s %s', n.kind, lineage.label(n.kind, n.namespace, n.name, n.column_name)), ', ' order by n.id)
        into found, labels
        from lineage.visible_nodes n
        where n.dropped_at is null
            and n.kind = any (case
                when attempt <= 5 then '{relation,column,function,pattern}'::text[]
                when attempt = 6 then '{function}'
                else '{dataset,job,field}'
            end)
            and (attempt > 5 or n.namespace = '')
            and (attempt > 5 or n.name = any (names))
            and case attempt
                when 1 then n.name = object and n.column_name = coalesce("column", '')
                when 2 then n.kind in ('relation', 'column') and cardinality(parts) = 2
                    and n.name = format('%I.%I', parts[1], parts[2]) and n.column_name = coalesce("column", '')
                when 3 then "column" is null and cardinality(parts) = 3 and n.kind = 'column'
                    and n.name = format('%I.%I', parts[1], parts[2]) and n.column_name = parts[3]
                when 4 then cardinality(parts) = 1 and n.kind in ('relation', 'column')
                    and n.name = any (array(select format('%I.%I', s.nspname, parts[1]) from pg_namespace s))
                    and n.column_name = coalesce("column", '')
                when 5 then "column" is null and cardinality(parts) = 2 and n.kind = 'column'
                    and n.name = any (array(select format('%I.%I', s.nspname, parts[1]) from pg_namespace s))
                    and n.column_name = parts[2]
                when 6 then "column" is null and cardinality(parts) <= 2 and n.kind = 'function'
                    and (starts_with(n.name, format('%s(', object)) or n.name like '%.' || object || '(%')
                else n.namespace <> ''
                    and object in (n.name, lineage.label(n.kind, n.namespace, n.name, ''))
                    and n.column_name = coalesce("column", '')
            end;
        exit when found is not null;
    end loop;
    if found is null then
        raise exception 'pg_llm: the lineage graph knows no object "%" that you may see',
            object || coalesce('.' || quote_ident("column"), '')
            using errcode = '42704',
            hint = 'select * from lineage_search(''...'') finds objects; select lineage_sync_catalog() reads the catalog into the graph.';
    end if;
    if cardinality(found) > 1 then
        raise exception 'pg_llm: "%" means several objects: %', object, labels
            using errcode = '42725', hint = 'Give the schema, the argument types of a function, or the namespace.';
    end if;
    return found[1];
end
$$;
comment on function lineage.find_node(text, text) is
    'Number of the node that a name means, for the current role: schema.relation, schema.relation.column, a bare name that only one schema has, '
    'schema.function(types), namespace/name of a job or dataset. '
    'Errors: 42704 where there is none that the caller may see, 42725 where there are several.';
grant execute on function lineage.find_node(text, text) to llm_user, llm_monitor;

-- ---- walks -----------------------------------------------------------------------

-- Breadth first, a level a query. A set of what was visited makes it linear in
-- the edges, where a recursive query that carries paths follows every path. What
-- is known of a way is packed into bits, so that a level is one grouping:
-- 1 transformation, 2 aggregation, 4 not DIRECT, 8 masked.
create function lineage.walk(
    start bigint[],
    forward boolean,
    depth int,
    influences text[],
    at timestamptz default null,
    stop bigint[] default null,
    out node bigint,
    out level int,
    out via bigint,
    out way int
) returns setof record
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set max_parallel_workers_per_gather = 0
as $$
declare
    here constant text := case when forward then 'from_node' else 'to_node' end;
    there constant text := case when forward then 'to_node' else 'from_node' end;
    edges constant text := case
        when at is null then 'lineage.edges_current e where'
        else format('lineage.edges e where e.valid_from <= %1$L and e.valid_to > %1$L and', at)
    end;
    bits constant text :=
        'case e.transformation when ''IDENTITY'' then 0 when ''AGGREGATION'' then 2 else 1 end '
        '| case e.influence when ''DIRECT'' then 0 else 4 end | case when e.masking then 8 else 0 end';
    -- What is said of a relation as a whole is said of each of its columns: one that
    -- is reached counts for its columns, and a column for its relation. But which
    -- rows of a relation are used, and so what is not DIRECT, hangs on none of the
    -- columns in particular, and does not go on from each of them.
    containers constant text := format(
        'with f as materialized (
            select n.id, n.parent, n.kind = any (''{column,field}'') as part from lineage.nodes n where n.id = any ($1)
        )
        select array_agg(a.node), array_agg(a.member), array_agg(a.influences)
        from (
            select f.parent as node, min(f.id) as member, %L as influences from f where f.part group by f.parent
            union all
            select c.id, f.id, ''all''
            from f join lineage.nodes c on c.parent = f.id and c.kind = any (''{column,field}'')
            where not f.part
        ) a',
        case when forward then 'DIRECT' else 'all' end
    );
    step constant text := format(
        'select array_agg(t.node), array_agg(p.node), array_agg((t.packed & 15)::int | p.way)
        from (
            -- The smallest: along an edge of the node itself, from the lowest number, the plainest.
            select x.node, min(x.via << 4 | x.way) as packed
            from (
                select e.%2$I as node, e.%1$I as via, %4$s as way
                from %3$s e.%1$I = any ($1) and e.influence = any ($2)
                union all
                select e.%2$I, a.member | (1::bigint << 58), %4$s
                from unnest($3, $4, $5) a (node, member, influences)
                join lateral (
                    select * from %3$s e.%1$I = a.node and e.influence = any ($2)
                ) e on a.influences = ''all'' or e.influence = ''DIRECT''
            ) x
            group by x.node
        ) t
        join unnest($1, $6) p (node, way) on p.node = (t.packed >> 4) & ((1::bigint << 58) - 1)
        left join unnest($7) v (node) on v.node = t.node
        where v.node is null',
        here, there, edges, bits
    );
    visited bigint[] := array(select distinct s from unnest(start) s order by 1);
    frontier bigint[] := visited;
    vias bigint[];
    ways int[] := array_fill(0, array[cardinality(visited)]);
    aliases bigint[];
    members bigint[];
    follow text[];
begin
    if depth is null or depth not between 1 and 1000 then
        raise exception 'pg_llm: depth must be 1 to 1000' using errcode = '22023';
    end if;
    for reach in 1..depth loop
        exit when cardinality(frontier) = 0;
        execute containers into aliases, members, follow using frontier;
        execute step into frontier, vias, ways using frontier, influences, aliases, members, follow, ways, visited;
        exit when frontier is null;
        return query select u.node, reach, u.via, u.way from unnest(frontier, vias, ways) u (node, via, way);
        exit when frontier && stop;
        visited := visited || frontier;
    end loop;
end
$$;
comment on function lineage.walk(bigint[], boolean, int, text[], timestamptz, bigint[]) is
    'What is reached from nodes, by numbers of lineage.nodes, each once and by a shortest way: forward along edges, or against them; '
    'up to depth edges; along edges of these influences; as of a time (null: now); until one of stop is reached. '
    'via: the node before it; way: bits of what is on the way, 1 transformation, 2 aggregation, 4 an edge that is not DIRECT, 8 masking. '
    'Gives no names. Errors: 22023 for a depth outside 1 to 1000.';
grant execute on function lineage.walk(bigint[], boolean, int, text[], timestamptz, bigint[]) to llm_user, llm_monitor;

create function lineage.influences(influence text) returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    case upper(influence)
        when 'DIRECT', 'INDIRECT', 'DEPENDENCY' then
            return array[upper(influence)];
        when 'ALL' then
            return '{DIRECT,INDIRECT}';
        else
            raise exception 'pg_llm: influence must be DIRECT, INDIRECT, DEPENDENCY or all, and is %', coalesce('"' || influence || '"', 'null')
                using errcode = '22023';
    end case;
end
$$;
comment on function lineage.influences(text) is
    'The influences of edges that a walk follows: one of DIRECT, INDIRECT, DEPENDENCY, or all for DIRECT and INDIRECT. Errors: 22023 for another.';
grant execute on function lineage.influences(text) to llm_user, llm_monitor;

create function lineage.start_nodes(node bigint) returns bigint[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
select array_agg(n.id order by n.id)
from lineage.visible_nodes n
where n.id = node or n.parent = node and n.kind in ('column', 'field')
$$;
comment on function lineage.start_nodes(bigint) is
    'Where a walk from a node starts: the node, and of a relation those columns that the current role may see.';
grant execute on function lineage.start_nodes(bigint) to llm_user, llm_monitor;

create function lineage.reached(
    start bigint[],
    forward boolean,
    depth int,
    influence text,
    at timestamptz,
    out level int,
    out kind text,
    out namespace text,
    out object text,
    out column_name text,
    out along text,
    out transformation text,
    out masking boolean,
    out path text[],
    out node bigint
) returns setof record
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set max_parallel_workers_per_gather = 0
as $$
declare
    hidden constant text := case when lineage.shows_hidden() then 'hidden' end;
    nodes bigint[];
    vias bigint[];
    levels int[];
    ways int[];
begin
    select array_agg(w.node), array_agg(w.via), array_agg(w.level), array_agg(w.way)
    into nodes, vias, levels, ways
    from lineage.walk(start, forward, depth, lineage.influences(influence), at) w;
    -- EXECUTE, so that the planner sees how long the arrays are.
    return query execute $q$
        with recursive seen as materialized (
            select n.id, n.kind, n.namespace, n.name, n.column_name,
                lineage.label(n.kind, n.namespace, n.name, n.column_name) as label
            from lineage.visible_nodes n
            where n.id = any ($1)
        ), named as materialized (
            select w.level, w.node, w.via, w.way, s.kind, s.namespace, s.name, s.column_name, coalesce(s.label, $6) as label
            from unnest($1, $2, $3, $4) w (node, via, level, way)
            left join seen s on s.id = w.node
        ), paths (node, path) as (
            select n.id, array[lineage.label(n.kind, n.namespace, n.name, n.column_name)]
            from lineage.visible_nodes n
            where n.id = any ($5)
            union all
            select m.node, case when m.label is null then p.path when $7 then p.path || m.label else m.label || p.path end
            from paths p
            join named m on m.via = p.node
        )
        select m.level, coalesce(m.kind, 'hidden'), coalesce(m.namespace, ''), coalesce(m.name, 'hidden'),
            nullif(m.column_name, ''), case when m.way & 4 > 0 then 'INDIRECT' else 'DIRECT' end,
            case when m.way & 2 > 0 then 'AGGREGATION' when m.way & 1 > 0 then 'TRANSFORMATION' else 'IDENTITY' end,
            m.way & 8 > 0, p.path, m.node
        from named m
        join paths p on p.node = m.node
        where m.label is not null
        order by m.level, m.label collate "C", m.node
    $q$ using nodes, vias, levels, ways, start, hidden, forward;
end
$$;
comment on function lineage.reached(bigint[], boolean, int, text, timestamptz) is
    'lineage.walk with names: what the current role may not see is left out, or "hidden", by the setting graph_hidden.';
grant execute on function lineage.reached(bigint[], boolean, int, text, timestamptz) to llm_user, llm_monitor;


create function lineage_upstream(
    object text,
    "column" text default null,
    max_depth int default 10,
    influence text default 'DIRECT',
    at timestamptz default null
) returns table (
    depth int,
    kind text,
    namespace text,
    relation text,
    column_name text,
    direct boolean,
    transformation text,
    masking boolean,
    path text[]
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
select r.level, r.kind, r.namespace, r.object, r.column_name, r.along = 'DIRECT', r.transformation, r.masking, r.path
from lineage.reached(
    lineage.start_nodes(lineage.find_node(object, "column")), false, max_depth, influence, at
) r
$$;
comment on function lineage_upstream(text, text, int, text, timestamptz) is
    'What the data of an object comes from, or of one column of it: each column once, by a shortest path, nearest first. '
    'object: schema.relation, schema.relation.column, a bare name that is the only one, schema.function(types), namespace/dataset. '
    'influence: the edges to follow, DIRECT (values), INDIRECT (what decides on rows, groups, order), all of these, or DEPENDENCY; at: as of then. '
    'direct: all edges of the path are; transformation: the strongest on it; masking: whether it masks the value; '
    'path: names in the direction of the data. What the caller may not see is left out, or "hidden" (setting graph_hidden); the path goes on behind it. '
    'Errors: 42704 for an object that the graph does not know or the caller may not see, 42725 for an ambiguous name, 22023 for a depth outside 1 to 1000 or another influence.';
grant execute on function lineage_upstream(text, text, int, text, timestamptz) to llm_user, llm_monitor;

create function lineage_downstream(
    object text,
    "column" text default null,
    max_depth int default 10,
    influence text default 'DIRECT',
    at timestamptz default null
) returns table (
    depth int,
    kind text,
    namespace text,
    relation text,
    column_name text,
    direct boolean,
    transformation text,
    masking boolean,
    path text[]
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
select r.level, r.kind, r.namespace, r.object, r.column_name, r.along = 'DIRECT', r.transformation, r.masking, r.path
from lineage.reached(
    lineage.start_nodes(lineage.find_node(object, "column")), true, max_depth, influence, at
) r
$$;
comment on function lineage_downstream(text, text, int, text, timestamptz) is
    'What the data of an object goes to, or of one column of it: each column once, by a shortest path, nearest first. '
    'object: schema.relation, schema.relation.column, a bare name that is the only one, schema.function(types), namespace/dataset. '
    'influence: the edges to follow, DIRECT (values), INDIRECT (what decides on rows, groups, order), all of these, or DEPENDENCY; at: as of then. '
    'direct: all edges of the path are; transformation: the strongest on it; masking: whether it masks the value; '
    'path: names in the direction of the data. What the caller may not see is left out, or "hidden" (setting graph_hidden); the path goes on behind it. '
    'Errors: 42704 for an object that the graph does not know or the caller may not see, 42725 for an ambiguous name, 22023 for a depth outside 1 to 1000 or another influence.';
grant execute on function lineage_downstream(text, text, int, text, timestamptz) to llm_user, llm_monitor;

-- Numbers and times alone: who may see an object may know whether it is used.
create function lineage.uses(nodes bigint[], out node bigint, out calls bigint, out last_use timestamptz) returns setof record
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with asked as (
    select n.id, n.id as part, n.kind, n.name, n.last_seen, n.properties from lineage.nodes n where n.id = any (nodes)
    union all
    select n.id, c.id, n.kind, n.name, n.last_seen, n.properties
    from lineage.nodes n
    join lineage.nodes c on c.parent = n.id and c.kind in ('column', 'field')
    where n.id = any (nodes)
), statements as (
    select distinct a.id, x.pattern
    from asked a
    cross join lateral (
        select e.evidence_node as pattern from lineage.edges_current e where e.from_node = a.part and e.evidence = 'log'
        union all
        select e.evidence_node from lineage.edges_current e where e.to_node = a.part and e.evidence = 'log'
        union all
        select a.id where a.kind = 'pattern'
    ) x
), known as (
    select s.id, greatest(p.calls, p.stat_calls) as calls, p.last_seen as last_use
    from statements s
    join lineage.patterns p on p.node = s.pattern
    union all
    select a.id, (a.properties ->> 'runs')::bigint, a.last_seen from asked a where a.kind = 'job' and a.part = a.id
    union all
    select a.id, f.calls, null
    from asked a
    join pg_stat_user_functions f on f.funcid = lineage.function_oid(a.name)
    where a.kind = 'function' and a.part = a.id and f.calls > 0
)
select k.id, sum(k.calls)::bigint, max(k.last_use) from known k group by k.id;
end
$$;
comment on function lineage.uses(bigint[]) is
    'How often and when nodes were last used, as far as known: statements of logs, runs of jobs, the server''s count of function calls.';
grant execute on function lineage.uses(bigint[]) to llm_user, llm_monitor;

create function lineage.logs_read() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select exists (select from lineage.patterns) $$;
comment on function lineage.logs_read() is 'Whether the graph knows any statement of a log.';
grant execute on function lineage.logs_read() to llm_user, llm_monitor;

create function lineage.relation_uses(
    relations bigint[],
    days int,
    out node bigint,
    out last_use timestamptz,
    out feeds bigint,
    out used boolean
) returns setof record
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    since constant timestamptz := clock_timestamp() - make_interval(days => days);
    -- From PostgreSQL 16 on the server knows when it last scanned a table; before, that it did.
    scanned constant text := case
        when current_setting('server_version_num')::int >= 160000 then 'greatest(s.last_seq_scan, s.last_idx_scan)'
        -- since its counters began: a lower bound
        else 'case when coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) > 0 then (
            select d.stats_reset from pg_stat_database d where d.datname = current_database()) end'
    end;
begin
    return query execute format(
        $q$
        with recursive own as (
            select n.id, greatest(u.last_use, %s) as last_use
            from lineage.nodes n
            left join lineage.uses($1) u on u.node = n.id
            left join pg_stat_user_tables s on s.relid = lineage.relation_oid(n.name)
            where n.id = any ($1)
        ), steps as (
            select distinct coalesce(fp.id, f.id) as source, coalesce(tp.id, t.id) as target
            from lineage.edges_current e
            join lineage.nodes f on f.id = e.from_node
            left join lineage.nodes fp on fp.id = f.parent and f.kind in ('column', 'field')
            join lineage.nodes t on t.id = e.to_node
            left join lineage.nodes tp on tp.id = t.parent and t.kind in ('column', 'field')
            where e.influence in ('DIRECT', 'INDIRECT')
        ), fed (root, node) as (
            select o.id, o.id from own o
            union
            select f.root, s.target from fed f join steps s on s.source = f.node
        )
        select f.root, max(o.last_use) filter (where o.id = f.root), count(o.id) filter (where o.id <> f.root),
            coalesce(bool_or(o.last_use >= $2), false)
        from fed f
        left join own o on o.id = f.node
        group by f.root
        $q$, scanned
    ) using relations, since;
end
$$;
comment on function lineage.relation_uses(bigint[], int) is
    'Of relations by number: the last use known, how many of them are made of each, and whether it or one of those was used in so many days.';
grant execute on function lineage.relation_uses(bigint[], int) to llm_user, llm_monitor;

create function lineage.successors(out node bigint, out targets bigint[]) returns setof record
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
select e.from_node, array_agg(distinct e.to_node)
from lineage.edges_current e
where e.influence = 'DIRECT' and e.from_node <> e.to_node
group by e.from_node
$$;
comment on function lineage.successors() is 'The current DIRECT edges by number, those of each node together.';
grant execute on function lineage.successors() to llm_user, llm_monitor;

create function lineage_path(
    source text,
    target text,
    max_depth int default 50,
    influence text default 'DIRECT',
    at timestamptz default null
) returns table (
    step int,
    source_relation text,
    source_column text,
    target_relation text,
    target_column text,
    influence_of_step text,
    transformation text,
    masking boolean,
    expression text,
    evidence text,
    evidence_object text,
    confidence real
)
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_path(plpy, source, target, max_depth, influence, at) $$;
comment on function lineage_path(text, text, int, text, timestamptz) is
    'A shortest way of the data from one object or column to another, an edge a row, each with where it was read (evidence); no row where there is no way. '
    'Names, influence, at and errors as in lineage_downstream. Steps through what the caller may not see are drawn together (evidence "hidden"), or "hidden" by name.';
grant execute on function lineage_path(text, text, int, text, timestamptz) to llm_user, llm_monitor;

create function lineage_impact(object text, "column" text default null) returns table (
    kind text,
    name text,
    columns text[],
    effect text,
    depth int,
    calls bigint,
    last_use timestamptz
)
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_impact(plpy, object, column) $$;
comment on function lineage_impact(text, text) is
    'What a change of an object or column touches: views, tables, functions, constraints, statements seen in logs, jobs and dashboards, nearest first. '
    'effect: what dropping it does to that one; columns: those of its that are concerned; depth: edges away; '
    'calls and last_use: of it, as known from logs and server statistics, null where nothing is known. Only what the caller may see; '
    'lineage_drop_verdict counts the rest. Errors: as lineage_downstream.';
grant execute on function lineage_impact(text, text) to llm_user, llm_monitor;

create function lineage_drop_verdict(object text, "column" text default null) returns table (
    safe boolean,
    verdict text,
    breaks bigint,
    changes bigint,
    hidden bigint,
    calls bigint,
    last_use timestamptz
)
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_drop_verdict(plpy, object, column) $$;
comment on function lineage_drop_verdict(text, text) is
    'Whether an object or column can be dropped, by what the graph knows, in a sentence: safe is true when nothing hangs on it and no log or statistic shows a use, '
    'null when nothing hangs on it but no log was ever read, else false. breaks: rows of lineage_impact that stop working; changes: those that lose values; '
    'hidden: things that the caller may not see. Errors: as lineage_downstream.';
grant execute on function lineage_drop_verdict(text, text) to llm_user, llm_monitor;

create function lineage_unused(days int default 90) returns table (
    kind text,
    name text,
    last_use timestamptz,
    feeds bigint,
    reason text
)
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_unused(plpy, days) $$;
comment on function lineage_unused(int) is
    'Relations of this database that nothing has used for so many days, neither itself nor what is made of it: by the statements of logs, and by the server''s scan counters. '
    'last_use: the latest known, null for never; feeds: relations made of it, unused as well. Only what the caller may see. Errors: 22023 for days below 0.';
grant execute on function lineage_unused(int) to llm_user, llm_monitor;

create function lineage_cycles() returns table (
    cycle int,
    members bigint,
    path text[]
)
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_cycles(plpy) $$;
comment on function lineage_cycles() is
    'Where data flows in a circle along DIRECT edges: one row for each strongly connected part, with how many columns it has and a shortest circle through one of them. '
    'A column that is made of itself alone is none. Only circles all of whose shown columns the caller may see.';
grant execute on function lineage_cycles() to llm_user, llm_monitor;

create function lineage_diff(since timestamptz, until timestamptz default null) returns table (
    change text,
    source_relation text,
    source_column text,
    target_relation text,
    target_column text,
    influence text,
    transformation text,
    expression text,
    evidence text,
    changed_at timestamptz
)
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_diff(plpy, since, until) $$;
comment on function lineage_diff(timestamptz, timestamptz) is
    'Edges that there were at one time and not at the other: added, removed, or changed (the expression or the masking), the latest state beside it. until null: now. '
    'Only edges whose ends the caller may see. Errors: 22023 when until is before since.';
grant execute on function lineage_diff(timestamptz, timestamptz) to llm_user, llm_monitor;

create function lineage_search(query text, max_rows int default 100) returns table (
    kind text,
    namespace text,
    relation text,
    column_name text,
    comment text,
    tags text[]
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    words constant text[] := array(select lower(w) from regexp_split_to_table(query, '\s+') w where w <> '');
begin
    if cardinality(words) = 0 then
        raise exception 'pg_llm: nothing to search for' using errcode = '22023';
    end if;
    return query
    with tagged as materialized (
        select d.node, array_agg(d.tag order by d.tag) as tags from lineage.declared_tags() d group by d.node
    )
    select n.kind, n.namespace, n.name, nullif(n.column_name, ''), n.comment, t.tags
    from lineage.visible_nodes n
    left join tagged t on t.node = n.id
    cross join lateral (
        select lower(concat_ws(' ', lineage.label(n.kind, n.namespace, n.name, n.column_name), n.comment, array_to_string(t.tags, ' '))) as body
    ) b
    where not exists (select from unnest(words) w where position(w in b.body) = 0)
    order by
        case when lower(case when n.column_name = '' then n.name else n.column_name end) = lower(query) then 0
            when position(words[1] in lower(concat(n.name, '.', n.column_name))) > 0 then 1
            else 2
        end,
        n.dropped_at nulls first, length(n.name) + length(n.column_name), n.name collate "C", n.column_name collate "C"
    limit max_rows;
end
$$;
comment on function lineage_search(text, int) is
    'Objects whose name, comment or tags hold every word of a text, without regard to case; exact names first. Only what the caller may see. '
    'Errors: 22023 for a text without a word.';
grant execute on function lineage_search(text, int) to llm_user, llm_monitor;

-- ---- tags that travel --------------------------------------------------------------

create table lineage.tags (
    node bigint not null references lineage.nodes on delete cascade,
    tag text not null check (tag operator(pg_catalog.~) '^\S(.*\S)?$' and pg_catalog.length(tag) operator(pg_catalog.<=) 63),
    declared_by text not null default current_user,
    declared_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (node, tag)
);
create index on lineage.tags (tag);
comment on table lineage.tags is 'Tags as declared by lineage_tag: pii, secret, finance, ....';
comment on column lineage.tags.node is 'lineage.nodes.id of the object that was tagged';
comment on column lineage.tags.tag is 'the tag';
comment on column lineage.tags.declared_by is 'the role that declared it';
comment on column lineage.tags.declared_at is 'when';
select pg_catalog.pg_extension_config_dump('lineage.tags', '');

create table lineage.tag_rules (
    tag text primary key,
    through_aggregation boolean not null default true,
    through_masking boolean not null default false
);
comment on table lineage.tag_rules is 'How tags travel that do not travel by the defaults: one row for each lineage_tag_rule.';
comment on column lineage.tag_rules.tag is 'the tag';
comment on column lineage.tag_rules.through_aggregation is 'whether sum(x), max(x), ... carry the tag of x';
comment on column lineage.tag_rules.through_masking is 'whether a masked value carries the tag';
select pg_catalog.pg_extension_config_dump('lineage.tag_rules', '');

create table lineage.node_tags (
    node bigint not null references lineage.nodes on delete cascade,
    tag text not null,
    via bigint,
    edge bigint,
    primary key (node, tag)
);
create index on lineage.node_tags (via, tag);
comment on table lineage.node_tags is
    'The tags that each node carries, declared and inherited. Each row has one reason; the reasons form trees whose roots are declared.';
comment on column lineage.node_tags.node is 'lineage.nodes.id';
comment on column lineage.node_tags.tag is 'the tag';
comment on column lineage.node_tags.via is 'the node that it came from; null where it was declared here';
comment on column lineage.node_tags.edge is 'lineage.edges.id of the edge that it came along; null for a column that has it from its relation';
select pg_catalog.pg_extension_config_dump('lineage.node_tags', '');

create table lineage.tag_pending (node bigint not null);
comment on table lineage.tag_pending is
    'Nodes whose tags must be looked at again: edges into them changed while another transaction was at it.';
comment on column lineage.tag_pending.node is 'lineage.nodes.id';
select pg_catalog.pg_extension_config_dump('lineage.tag_pending', '');

grant select on lineage.tags, lineage.tag_rules, lineage.node_tags, lineage.tag_pending to llm_admin, llm_monitor;
grant select on lineage.tag_rules to llm_user;

-- Along what a tag travels: from a node along its edges and those of the whole
-- that it is a part of, and from a whole to its parts. Read as the view's owner,
-- by functions of ours alone.
create view lineage.tag_steps as
select e.from_node as source, e.to_node as target, e.id as edge, e.transformation, e.masking
from lineage.edges_current e
where e.influence operator(pg_catalog.=) 'DIRECT' and e.from_node operator(pg_catalog.<>) e.to_node
union all
select c.id, e.to_node, e.id, e.transformation, e.masking
from lineage.edges_current e
join lineage.nodes c on c.parent operator(pg_catalog.=) e.from_node and c.kind operator(pg_catalog.=) any ('{column,field}')
where e.influence operator(pg_catalog.=) 'DIRECT'
union all
select c.parent, c.id, null, 'IDENTITY', false
from lineage.nodes c
where c.kind operator(pg_catalog.=) any ('{column,field}');
comment on view lineage.tag_steps is
    'From what to what a tag travels: along the current DIRECT edges, those of a whole for each of its parts, and from a whole to its parts (edge null).';
grant select on lineage.tag_steps to llm_admin, llm_monitor;

create function lineage.tags_propagate(touched bigint[]) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set max_parallel_workers_per_gather = 0
as $$
declare
    nodes bigint[];
    names text[];
    changed bigint := 0;
begin
    -- Delete and rederive (Gupta, Mumick, Subrahmanian 1993): whatever leans on a
    -- reason that is gone goes, and comes back if there is another one. Reasons are
    -- trees, so a circle cannot hold itself up.
    with recursive gone (node, tag) as (
        select t.node, t.tag
        from lineage.node_tags t
        where t.node = any (touched)
            and t.via is not null
            and not exists (
                select
                from lineage.tag_steps s
                left join lineage.tag_rules r on r.tag = t.tag
                where s.target = t.node and s.source = t.via and s.edge is not distinct from t.edge
                    and (s.transformation <> 'AGGREGATION' or coalesce(r.through_aggregation, true))
                    and (not s.masking or coalesce(r.through_masking, false))
            )
        union
        select t.node, t.tag
        from gone g
        join lineage.node_tags t on t.via = g.node and t.tag = g.tag
    ), deleted as (
        delete from lineage.node_tags t using gone g where t.node = g.node and t.tag = g.tag returning t.node
    )
    select array_agg(d.node), count(*) into nodes, changed from deleted d;
    -- What is touched, what lost its reason, and the parts of either.
    nodes := array(
        select distinct x.id
        from (
            select u.id from unnest(touched || nodes) u (id)
            union all
            select c.id from lineage.nodes c where c.parent = any (touched || nodes) and c.kind in ('column', 'field')
        ) x
        where x.id is not null
    );
    with added as (
        insert into lineage.node_tags (node, tag, via, edge)
        select distinct on (s.target, t.tag) s.target, t.tag, t.node, s.edge
        from lineage.tag_steps s
        join lineage.node_tags t on t.node = s.source
        left join lineage.tag_rules r on r.tag = t.tag
        where s.target = any (nodes)
            and (s.transformation <> 'AGGREGATION' or coalesce(r.through_aggregation, true))
            and (not s.masking or coalesce(r.through_masking, false))
        order by s.target, t.tag, s.source, s.edge
        on conflict do nothing
        returning node, tag
    )
    select array_agg(a.node), array_agg(a.tag) into nodes, names from added a;
    while cardinality(nodes) > 0 loop
        changed := changed + cardinality(nodes);
        with added as (
            insert into lineage.node_tags (node, tag, via, edge)
            select distinct on (s.target, t.tag) s.target, t.tag, t.node, s.edge
            from unnest(nodes, names) f (node, tag)
            join lineage.node_tags t on t.node = f.node and t.tag = f.tag
            join lineage.tag_steps s on s.source = f.node
            left join lineage.tag_rules r on r.tag = t.tag
            where (s.transformation <> 'AGGREGATION' or coalesce(r.through_aggregation, true))
                and (not s.masking or coalesce(r.through_masking, false))
            order by s.target, t.tag, s.source, s.edge
            on conflict do nothing
            returning node, tag
        )
        select array_agg(a.node), array_agg(a.tag) into nodes, names from added a;
    end loop;
    return changed;
end
$$;
comment on function lineage.tags_propagate(bigint[]) is
    'Brings lineage.node_tags in line with the edges into these nodes, and all that hangs on them. Gives the rows changed.';
grant execute on function lineage.tags_propagate(bigint[]) to llm_admin;

-- One transaction at a time may bring tags in line, and only one that sees what
-- others committed. A transaction that may not now leaves a note instead of
-- waiting: DDL would wait with it.
create function lineage.tags_settle(touched bigint[] default '{}') returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    pending bigint[];
begin
    if current_setting('transaction_read_only')::boolean then
        return not exists (select from lineage.tag_pending);
    end if;
    if current_setting('transaction_isolation') <> 'read committed'
        or not pg_try_advisory_xact_lock(hashtext('lineage.node_tags'), 0) then
        insert into lineage.tag_pending select distinct u from unnest(touched) u;
        return not exists (select from lineage.tag_pending);
    end if;
    with taken as (
        delete from lineage.tag_pending returning node
    )
    select array_agg(distinct t.node) into pending from taken t;
    pending := pending || touched;
    if cardinality(pending) > 0 then
        perform lineage.tags_propagate(pending);
    end if;
    return true;
end
$$;
comment on function lineage.tags_settle(bigint[]) is
    'Brings tags in line with changed edges: of these nodes, and of those noted down. False where that has to wait for another transaction; '
    'readers then follow the edges themselves. Takes numbers of nodes alone, and computes what is so anyway.';
grant execute on function lineage.tags_settle(bigint[]) to llm_user, llm_monitor;

create function lineage.tags_follow() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    touched bigint[];
begin
    if not exists (select from lineage.tags) then
        return null;
    end if;
    if tg_table_name = 'nodes' then
        select array_agg(n.id) into touched
        from new_rows n
        where n.parent is not null and n.kind in ('column', 'field')
            and exists (select from lineage.node_tags t where t.node = n.parent);
    elsif tg_op = 'INSERT' then
        select array_agg(distinct n.to_node) into touched from new_rows n where n.influence = 'DIRECT';
    elsif tg_op = 'UPDATE' then
        select array_agg(distinct x.to_node) into touched
        from (
            select n.to_node from new_rows n where n.influence = 'DIRECT'
            union all
            select o.to_node from old_rows o where o.influence = 'DIRECT'
        ) x;
    else
        select array_agg(distinct o.to_node) into touched from old_rows o where o.influence = 'DIRECT';
    end if;
    if touched is not null then
        perform lineage.tags_settle(touched);
    end if;
    return null;
end
$$;
comment on function lineage.tags_follow() is
    'Trigger on lineage.edges and lineage.nodes: tags follow changed edges, and the columns of a tagged relation have its tag.';

create trigger tags_follow_insert after insert on lineage.edges
    referencing new table as new_rows for each statement execute function lineage.tags_follow();
create trigger tags_follow_update after update on lineage.edges
    referencing old table as old_rows new table as new_rows for each statement execute function lineage.tags_follow();
create trigger tags_follow_delete after delete on lineage.edges
    referencing old table as old_rows for each statement execute function lineage.tags_follow();
create trigger tags_follow_insert after insert on lineage.nodes
    referencing new table as new_rows for each statement execute function lineage.tags_follow();

-- Settled, the table answers; else the edges do, against their direction.
create function lineage.tags_of(nodes bigint[], out node bigint, out tag text) returns setof record
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if lineage.tags_settle() then
        return query select t.node, t.tag from lineage.node_tags t where t.node = any (nodes);
        return;
    end if;
    return query
    with recursive back (start, tag, node) as (
        select distinct u.id, t.tag, u.id
        from unnest(nodes) u (id), lineage.tags t
        union
        select b.start, b.tag, s.source
        from back b
        join lineage.tag_steps s on s.target = b.node
        left join lineage.tag_rules r on r.tag = b.tag
        where (s.transformation <> 'AGGREGATION' or coalesce(r.through_aggregation, true))
            and (not s.masking or coalesce(r.through_masking, false))
    )
    select distinct b.start, b.tag
    from back b
    join lineage.tags t on t.node = b.node and t.tag = b.tag;
end
$$;
comment on function lineage.tags_of(bigint[]) is
    'The tags that nodes carry, by number, declared or inherited. Gives no names.';
grant execute on function lineage.tags_of(bigint[]) to llm_user, llm_monitor;

create function lineage.tag_walk(start bigint[], tag text, out node bigint, out level int, out via bigint, out declared boolean)
returns setof record
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    frontier bigint[] := start;
    vias bigint[] := array_fill(null::bigint, array[cardinality(start)]);
    visited bigint[] := start;
    reach int := 0;
    sources bigint[];
begin
    while cardinality(frontier) > 0 loop
        sources := array(select t.node from lineage.tags t where t.node = any (frontier) and t.tag = tag_walk.tag);
        return query
        select u.node, reach, u.via, u.node = any (sources) from unnest(frontier, vias) u (node, via);
        select array_agg(x.node), array_agg(x.via) into frontier, vias
        from (
            select s.source as node, min(s.target) as via
            from unnest(frontier) f (node)
            join lineage.tag_steps s on s.target = f.node
            left join lineage.tag_rules r on r.tag = tag_walk.tag
            where f.node <> all (sources)
                and (s.transformation <> 'AGGREGATION' or coalesce(r.through_aggregation, true))
                and (not s.masking or coalesce(r.through_masking, false))
                and s.source <> all (visited)
            group by s.source
        ) x;
        visited := visited || frontier;
        reach := reach + 1;
    end loop;
end
$$;
comment on function lineage.tag_walk(bigint[], text) is
    'From where nodes may have a tag: against the edges that it travels, breadth first, up to the nodes that it was declared on; by number. '
    'via: the node that this one was found from.';
grant execute on function lineage.tag_walk(bigint[], text) to llm_user, llm_monitor;

create function lineage.declared_tags(out node bigint, out tag text) returns setof record
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select t.node, t.tag from lineage.tags t $$;
comment on function lineage.declared_tags() is 'The tags as declared, by number of node.';
grant execute on function lineage.declared_tags() to llm_user, llm_monitor;

create function lineage.column_tags(relations text[], columns text[]) returns table (n int, tag text)
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.column_tags(plpy, relations, columns) $$;
comment on function lineage.column_tags(text[], text[]) is
    'The tags of columns: n counts from 1 in both arrays. A view is followed through its definition of now as well, with its owner''s eyes.';
grant execute on function lineage.column_tags(text[], text[]) to llm_user, llm_monitor;

create function lineage_tag(object text, variadic tags text[]) returns bigint
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_tag(plpy, object, tags) $$;
comment on function lineage_tag(text, text[]) is
    'Tags a column, or a relation, and so all of its columns, also those to come. Tags travel on along DIRECT edges, see lineage_tag_rule. '
    'Gives the number of tags that are new there. Errors: 42704 and 42725 as lineage_downstream, 22023 for an empty tag or one of more than 63 characters, '
    'and where one of several tags is the name of a column of the relation: a column is named in the first argument.';
grant execute on function lineage_tag(text, text[]) to llm_admin;

create function lineage_untag(object text, variadic tags text[]) returns bigint
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_untag(plpy, object, tags) $$;
comment on function lineage_untag(text, text[]) is
    'Takes back what lineage_tag declared, here and wherever it travelled. Gives the number of tags taken away; an inherited tag cannot be. '
    'Errors: 42704 and 42725 as lineage_downstream, 22023 as lineage_tag.';
grant execute on function lineage_untag(text, text[]) to llm_admin;

create function lineage_tag_rule(tag text, through_aggregation boolean default true, through_masking boolean default false) returns void
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_tag_rule(plpy, tag, through_aggregation, through_masking) $$;
comment on function lineage_tag_rule(text, boolean, boolean) is
    'Says how a tag travels: whether an aggregate of a tagged column has the tag (default: yes), and a masked value of it (default: no). '
    'Errors: 22023 for an empty tag or null.';
grant execute on function lineage_tag_rule(text, boolean, boolean) to llm_admin;

create function lineage_tags(relation text default null) returns table (
    name text,
    column_name text,
    tag text,
    declared boolean,
    source text,
    path text[]
)
language plpython3u
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_tags(plpy, relation) $$;
comment on function lineage_tags(text) is
    'Which columns of a relation carry which tags, and from where: a row for each object that the tag was declared on, with a shortest path from there as evidence. '
    'relation null: every declared tag. A source that the caller may not see is null, and left out of the path, or "hidden" (setting graph_hidden). '
    'Errors: 42704 and 42725 as lineage_downstream.';
grant execute on function lineage_tags(text) to llm_user, llm_monitor;

create table lineage.masking_functions (
    name text primary key,
    masks boolean not null default true
);
comment on table lineage.masking_functions is
    'Functions whose result does not let see their argument, besides those that pg_llm knows; written by lineage_masking.';
comment on column lineage.masking_functions.name is 'the function, with its schema or without (then in any)';
comment on column lineage.masking_functions.masks is 'false: one that pg_llm takes for masking is not';
select pg_catalog.pg_extension_config_dump('lineage.masking_functions', '');
grant select on lineage.masking_functions to llm_user, llm_admin, llm_monitor;

create function lineage_masking(function text, masks boolean default true) returns bigint
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_masking(plpy, function, masks) $$;
comment on function lineage_masking(text, boolean) is
    'Declares that a function masks its arguments (OpenLineage''s masking flag): what passes through it keeps no tag. '
    'function: name, with its schema or without. Known from the start: md5, sha224 to sha512, digest, hmac, crypt, and the masking functions of the extension anon. '
    'Current edges are marked anew; gives how many changed. Errors: 22023 for a name that is none.';
grant execute on function lineage_masking(text, boolean) to llm_admin;

-- ---- out and in ----------------------------------------------------------------------

create function lineage_to_mermaid(
    object text,
    "column" text default null,
    direction text default 'both',
    max_depth int default 10,
    influence text default 'DIRECT',
    at timestamptz default null
) returns text
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_to_mermaid(plpy, object, column, direction, max_depth, influence, at) $$;
comment on function lineage_to_mermaid(text, text, text, int, text, timestamptz) is
    'A Mermaid flowchart of what lies around an object: upstream, downstream or both, up to max_depth edges away, as of a time. Only what the caller may see. Names, influence and errors as in lineage_downstream; 22023 for another direction.';
grant execute on function lineage_to_mermaid(text, text, text, int, text, timestamptz) to llm_user, llm_monitor;

create function lineage_to_dot(
    object text,
    "column" text default null,
    direction text default 'both',
    max_depth int default 10,
    influence text default 'DIRECT',
    at timestamptz default null
) returns text
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_to_dot(plpy, object, column, direction, max_depth, influence, at) $$;
comment on function lineage_to_dot(text, text, text, int, text, timestamptz) is
    'A graph in Graphviz''s language (DOT) of what lies around an object: upstream, downstream or both, up to max_depth edges away, as of a time. Only what the caller may see. Names, influence and errors as in lineage_downstream; 22023 for another direction.';
grant execute on function lineage_to_dot(text, text, text, int, text, timestamptz) to llm_user, llm_monitor;

create function lineage_to_json(
    object text,
    "column" text default null,
    direction text default 'both',
    max_depth int default 10,
    influence text default 'DIRECT',
    at timestamptz default null
) returns jsonb
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_to_json(plpy, object, column, direction, max_depth, influence, at) $$;
comment on function lineage_to_json(text, text, text, int, text, timestamptz) is
    'Nodes and edges as JSON ({nodes: [{id, kind, type, namespace, name, column, label, parent, comment}], edges: [{id, source, target, influence, transformation, masking, expression, evidence, confidence}]}) of what lies around an object: upstream, downstream or both, up to max_depth edges away, as of a time. Only what the caller may see. Names, influence and errors as in lineage_downstream; 22023 for another direction.';
grant execute on function lineage_to_json(text, text, text, int, text, timestamptz) to llm_user, llm_monitor;

create function lineage_to_openlineage(
    object text,
    "column" text default null,
    direction text default 'both',
    max_depth int default 10,
    influence text default 'DIRECT',
    at timestamptz default null,
    run boolean default false
) returns setof jsonb
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_to_openlineage(plpy, object, column, direction, max_depth, influence, at, run) $$;
comment on function lineage_to_openlineage(text, text, text, int, text, timestamptz, boolean) is
    'OpenLineage events of what lies around an object: upstream, downstream or both, up to max_depth edges away, as of a time. Only what the caller may see. Names, influence and errors as in lineage_downstream; 22023 for another direction. '
    'One event for each view, function, statement or job that data passes through, with the columnLineage facet (1-2-0): a JobEvent (2-0-2), or with run a RunEvent COMPLETE. '
    'Datasets here have the namespace that the setting openlineage_namespace gives, else postgres://localhost:port.';
grant execute on function lineage_to_openlineage(text, text, text, int, text, timestamptz, boolean) to llm_user, llm_monitor;

create function lineage_openlineage_event(event jsonb) returns table (
    job text,
    inputs int,
    outputs int,
    added int,
    closed int,
    note text
)
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_openlineage_event(plpy, event) $$;
comment on function lineage_openlineage_event(jsonb) is
    'Takes an OpenLineage event (RunEvent, JobEvent, DatasetEvent) of Airflow, dbt, Spark, ...: its job, datasets and fields become nodes, what it tells of data becomes edges. '
    'A dataset of this database (namespace postgres://host:port, name database.schema.table; see the setting openlineage_namespace) is the relation itself. '
    'An event that was taken before changes nothing. Without a columnLineage facet, every input is taken to flow into every output, with confidence 0.5. '
    'Rows: the job, how many datasets, edges opened and closed. Errors: 22023 for what is not an event.';
grant execute on function lineage_openlineage_event(jsonb) to llm_admin;

create table lineage.age_graphs (
    graph text primary key,
    projected_until timestamptz not null
);
comment on table lineage.age_graphs is 'Graphs of Apache AGE that lineage_to_age made.';
comment on column lineage.age_graphs.graph is 'its name in AGE';
comment on column lineage.age_graphs.projected_until is 'what changed before is in it';
grant select, insert, update, delete on lineage.age_graphs to llm_admin;

create function lineage.oldest_start() returns timestamptz
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
-- What a transaction that still runs has written is not seen yet, and bears an earlier time.
select least(
    transaction_timestamp(),
    (select min(a.xact_start) from pg_stat_activity a where a.datname = current_database()),
    (select min(p.prepared) - interval '1 day' from pg_prepared_xacts p where p.database = current_database())
)
$$;
comment on function lineage.oldest_start() is 'When the oldest transaction of this database that is still running began.';
grant execute on function lineage.oldest_start() to llm_admin;

create function lineage_to_age(graph text default 'lineage_graph') returns table (
    added bigint,
    changed bigint,
    removed bigint
)
language plpython3u
set search_path = pg_catalog, pg_temp
as $$ return @backend@.graph_questions.lineage_to_age(plpy, graph) $$;
comment on function lineage_to_age(text) is
    'Projects the graph into one of Apache AGE, for Cypher: made at the first call, brought up to date by what changed since at each further one. '
    'Vertices: Database, Schema, Relation, Column, Function, Statement, Job, Dataset, Field; edges: DIRECT, INDIRECT, DEPENDENCY, and PART_OF from a part to its whole. '
    'The graph belongs to the caller, who needs CREATE on the database. Rows: how many vertices and edges were added, changed and removed. '
    'graph: its name, which is also that of the schema where AGE keeps it. '
    'Errors: 0A000 without AGE, 22023 for a name that is another graph''s, 42P06 for that of a schema.';
grant execute on function lineage_to_age(text) to llm_admin;
