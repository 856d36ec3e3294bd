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

\echo '3. The catalog as a graph: what breaks if trading.orders.discount goes?'
\echo '   select * from lineage_sync_catalog(); select * from lineage_impact(''trading.orders'', ''discount'')'
\echo
select count(*) from lineage_sync_catalog() \g /dev/null
select kind, name, array_to_string(columns, ', ') as "columns that change", effect, depth
from lineage_impact('trading.orders', 'discount');

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

\echo
\echo '6. Ten questions, answered from the catalog by the built-in grammar:'
\echo '   select llm_text2sql(question), llm_ask(question)'
\echo
create temporary table questions (nr int primary key, question text not null);
insert into questions values
    (1, 'How many customers are there in Germany?'),
    (2, 'What is the total revenue by region?'),
    (3, 'How many orders were placed in 2025?'),
    (4, 'Average salary by department'),
    (5, 'Top 5 customers by lifetime revenue'),
    (6, 'How many shipments did each carrier deliver?'),
    (7, '德国有多少客户？'),
    (8, '每个部门的平均年薪是多少？'),
    (9, '2025年有多少订单？'),
    (10, '标价最高的五个产品');

-- What comes back, short enough to read.
create function pg_temp.rows_of(question text, model text default null) returns text
language plpgsql as $$
declare
    found jsonb;
    shown text[] := '{}';
    rows int := 0;
begin
    for found in select * from llm_ask(question, model) loop
        rows := rows + 1;
        if rows <= 4 then
            shown := shown || (
                select string_agg(case when value ~ '^-?\d+\.\d+$' then round(value::numeric, 2)::text else value end, ' ')
                from (select value from jsonb_each_text(found) order by value ~ '^-?[\d.]+$') v);
        end if;
    end loop;
    return array_to_string(shown, ', ') || case when rows > 4 then format(', … (%s rows)', rows) else '' end;
end
$$;

create temporary table answers (
    nr int, question text, model text, sql text, source text, confidence real, attempts text[], reason text, ms float8);
create procedure pg_temp.answer(model text default null) language plpgsql as $$
declare
    q record;
    begun timestamptz;
    e record;
begin
    for q in select * from questions order by nr loop
        begun := clock_timestamp();
        select * into e from llm_text2sql_explain(q.question, model);
        insert into answers values (q.nr, q.question, model, e.sql, e.source, e.confidence, e.attempts,
            e.warnings[cardinality(e.warnings)], 1000 * extract(epoch from clock_timestamp() - begun));
    end loop;
end
$$;
create temporary view shown as
select
    nr,
    format(E'   %s %s\n        %s', lpad(nr::text, 2), question,
        coalesce(regexp_replace(sql, '\s+', ' ', 'g'), 'declined: ' || reason))
    || coalesce((
        select E'\n        after ' || string_agg(attempt, '; ')
        from unnest(attempts) as attempt
        where source = 'model' and attempt !~ ': answered$'), '')
    || case when sql is null then '' else
        format(E'\n        -> %s   [%s, confidence %s, %s ms]', pg_temp.rows_of(question, model), source,
            round(confidence::numeric, 2), round(ms)) end || E'\n' as text
from answers;
call pg_temp.answer();

\pset format unaligned
\pset tuples_only on
select text from shown order by nr;

\echo '7. The same through the OpenAI-compatible adapter: a scripted server stands in for the model.'
\echo '   python -m pg_llm.models.scripted sample/answers.jsonl'
\echo '   select llm_model_add(''scripted'', ''scripted'', ''chat'', endpoint => ''http://127.0.0.1:...'')'
\echo
select llm_model_drop(name) from llm.models where name = 'scripted' \g /dev/null
select llm_model_add('scripted', 'scripted', 'chat', 'scripted', format('http://127.0.0.1:%s/v1', :'port')) \g /dev/null
select '   llm_complete: ' || llm_complete('What is a bill of lading, in one sentence?', 'scripted') || E'\n';
delete from questions where nr not in (1, 6, 8, 10);
delete from answers;
call pg_temp.answer('scripted');
select text from shown order by nr;
select llm_model_drop('scripted') \g /dev/null
