-- The walk-through of `make demo`: what pg_llm does on the sample database,
-- with no key and no network.

\pset footer off
\pset linestyle unicode
\pset border 1
\set nightly `cat nightly.sql`
\timing off
-- Loads the library before anything is timed; its cost is told below.
select clock_timestamp() as begun \gset
select count(*) from lineage_extract('select 1') \g /dev/null
select round(1000 * extract(epoch from clock_timestamp() - :'begun'))::int as first_call_ms \gset

\echo
\echo '1. Where does each column of a view come from?'
\echo '   select * from lineage_view(''trading.customer_overview'')'
\echo
select
    target_column as "column",
    string_agg(distinct source_relation || '.' || source_column, ', ') as "comes from",
    string_agg(distinct lower(transformation), ', ') as "how"
from lineage_view('trading.customer_overview')
where target_column is not null
group by target_column
order by min(position), target_column;

\echo '2. And what do the statements of the nightly load write, from where?'
\echo '   select * from lineage_extract(''insert into ...; merge into ...; update ...'')   -- sample/nightly.sql'
\echo
select
    statement as "nr",
    target_relation as "writes",
    count(distinct target_column) as "columns",
    string_agg(distinct source_relation, ', ') as "reads",
    count(*) as "edges",
    string_agg(distinct resolver, ', ') as "resolver"
from lineage_extract(:'nightly')
group by statement, target_relation
order by statement;

\echo '3. What reads trading.orders.discount, through any number of views?'
\echo '   select ... from lineage_view(view, through_views => true)'
\echo
with edges as materialized (
    select c.oid::regclass::text as view, l.*
    from pg_class c, lineage_view(c.oid, through_views => true) l
    where c.relkind in ('v', 'm')
      and c.relnamespace::regnamespace::text in ('trading', 'warehouse', 'finance', 'reporting')
)
select view, string_agg(distinct coalesce(target_column, '(which rows)'), ', ') as "columns that change"
from edges
where source_relation = 'trading.orders' and source_column = 'discount'
group by view
order by view;

\echo '4. Every view of pg_catalog and information_schema, by the stored tree and by its text:'
\echo
create temporary table system_views as
select c.oid::regclass as view, pg_get_viewdef(c.oid) as text,
    (select count(*) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0) as columns
from pg_class c
where c.relkind = 'v' and c.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace);
create temporary table results as
select null::text as way, null::float8 as ms, v.*, null::bigint as resolved, null::bigint as edges from system_views v limit 0;
select clock_timestamp() as begun \gset
insert into results
select 'lineage_view(view)', null, v.*, l.* from system_views v, lateral (
    select count(distinct target_column) filter (where resolver = 'analyser'), count(*) from lineage_view(v.view)) l;
update results set ms = 1000 * extract(epoch from clock_timestamp() - :'begun') where ms is null;
select clock_timestamp() as begun \gset
insert into results
select 'lineage_extract(text)', null, v.*, l.* from system_views v, lateral (
    select count(distinct target_column) filter (where resolver = 'analyser'), count(*) from lineage_extract(v.text)) l;
update results set ms = 1000 * extract(epoch from clock_timestamp() - :'begun') where ms is null;
select
    way,
    count(*) as "views",
    count(*) filter (where resolved = columns) as "resolved",
    sum(columns) as "columns",
    sum(resolved) as "resolved ",
    sum(edges) as "edges",
    round(max(ms)::numeric) as "ms",
    round((max(ms) / count(*))::numeric, 1) as "ms a view"
from results
group by way
order by way desc;
select exists (select from results where resolved <> columns) as unresolved \gset
\if :unresolved
    select way, view, columns, resolved from results where resolved <> columns order by way, view::text;
\endif

\echo '5. A similarity search over 600 products; the embedding is part of the extension:'
\echo '   select name from products order by embedding <=> llm_embed(''something to boil water in'') limit 5'
\echo
select clock_timestamp() as begun \gset
create temporary table product_vectors as
select p.product_id, p.name, c.name as category, llm_embed(p.name || ', ' || c.name)::vector(256) as embedding
from trading.products p join trading.categories c using (category_id);
select round(1000 * extract(epoch from clock_timestamp() - :'begun'))::int as embed_ms \gset
create index on product_vectors using hnsw (embedding vector_cosine_ops);
select question, string_agg(name, ', ' order by place) as "nearest products"
from (values (1, 'something to boil water in'), (2, 'protect my head on a bike'), (3, 'sleep outside')) as q (nr, question),
lateral (
    select name, row_number() over (order by distance) as place
    from (select name, embedding <=> llm_embed(question) as distance from product_vectors order by distance limit 4) n
) n
group by nr, question
order by nr;
\echo '   600 products embedded in' :embed_ms 'ms; the first call of the session took' :first_call_ms 'ms'
