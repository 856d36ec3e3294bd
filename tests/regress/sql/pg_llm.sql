-- A smoke test against a running server that has pg_llm installed: the library
-- is found, and each part answers. The tests proper are run by `make check`.
set client_min_messages = warning;
create extension pg_llm cascade;
reset client_min_messages;
select llm_version() = extversion as same_version from pg_extension where extname = 'pg_llm';
create table stock (item text primary key, units int, price numeric);
create view stock_value as select item, units * price as value from stock where units > 0;
select target_column, source_relation, source_column, influence, transformation, resolver
from lineage_view('stock_value')
order by position, target_column, source_column;
select statement, target_relation, target_column, source_column, influence
from lineage_extract('insert into stock select item, 1, value from stock_value; delete from stock where units = 0')
order by 1, 2, 3, 4, 5;
select vector_dims(llm_embed('a kettle for the camp')) as dimensions;
select llm_embed('kettle') <=> llm_embed('teapot') < llm_embed('kettle') <=> llm_embed('invoice') as nearer;
drop extension pg_llm;
