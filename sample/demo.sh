# The walk-through, sourced by tools/demo: what pg_llm does, on the sample
# database, with no key and no network.
psql -d demo -c "select schemaname as schema, count(*) as tables from pg_tables
    where schemaname in ('trading', 'warehouse', 'finance', 'reporting') and tablename !~ '_20\d\d_\d\d$' group by 1 order by 1"
