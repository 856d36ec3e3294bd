"""What a caller's search_path finds first is never run by our own queries.

The functions of lineage and text-to-SQL keep the caller's search_path, because
it decides what the caller's names mean. Whoever may create objects in a schema
of that path could put operators, types and tables there that stand in for the
system's, and wait for somebody with more rights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# The operators of the system on the types that the system catalogs have, and
# those that would match an unqualified one better.
_OPERATORS = """
do $do$
declare
    symbol text;
    lefttype regtype;
    righttype regtype;
    result regtype;
    number int := 0;
begin
    for symbol, lefttype, righttype, result in
        with types as (
            select t.oid from pg_type t
            where t.typname = any ('{oid,name,text,int2,int4,int8,bool,char,float4,float8,_text,_oid,_char,_name}')
        )
        select s.symbol, l.oid, r.oid,
            case when s.symbol = '||' then 'text'::regtype else 'bool'::regtype end
        from unnest('{=,<>,<,>,<=,>=,~~,!~~,~~*,~,||}'::text[]) s (symbol), types l, types r
    loop
        number := number + 1;
        execute format(
            'create function shadow.f%s(%s, %s) returns %s language plpgsql as '
            '$f$ begin raise exception ''shadowed operator %s (%s, %s)''; end $f$',
            number, lefttype, righttype, result, symbol, lefttype, righttype
        );
        execute format(
            'create operator shadow.%s (function = shadow.f%s, leftarg = %s, rightarg = %s)',
            symbol, number, lefttype, righttype
        );
    end loop;
end
$do$
"""
_OBJECTS = """
create domain shadow.text as bytea;
create domain shadow.int2 as bytea;
create domain shadow.int4 as bytea;
create domain shadow.int8 as bytea;
create domain shadow.float8 as bytea;
create domain shadow.oid as bytea;
create domain shadow.name as bytea;
create domain shadow.jsonb as bytea;
create domain shadow.regclass as bytea;
create table shadow.pg_class ();
create table shadow.pg_proc ();
create table shadow.pg_namespace ();
create table shadow.pg_attribute ();
create table shadow.pg_prepared_statements ();
create table public.item (id int primary key, name pg_catalog.text, parent int references public.item, twice int generated always as (id * 2) stored);
comment on table public.item is 'things';
insert into public.item (id, name) values (1, 'lamp'), (2, 'Ada Lovelace');
analyze public.item;
create table public.asked (question pg_catalog.text, sql pg_catalog.text);
insert into public.asked values ('how many items are there', 'select count(*) from public.item');
create table public.lines (line pg_catalog.text);
insert into public.lines values ('LOG:  statement: select name from public.item');
create view public.item_name as select i.name from public.item i;
select public.llm_vectorize('public.item', '{name}');
"""
_CALLS = (
    "select public.lineage_extract('select name from public.item')",
    "select public.lineage_extract('select name || ''; a\\b'' from public.item')",
    "select public.lineage_extract('select name from public.item', search_path => '{public}')",
    "select public.lineage_extract('select i.id from public.item i where i.id is distinct from $1')",
    "select public.lineage_extract('select a from unnest(array[1]) a')",
    "select public.lineage_extract('select nothing from public.nowhere')",
    "select public.lineage_extract('select name from public.item', 'mysql')",
    "select public.lineage_extract('create table made as select name from public.item')",
    "select public.lineage_extract('copy public.item from stdin')",
    "select public.lineage_extract('execute nothing')",
    "select public.lineage_extract('table public.item_name', through_views => true)",
    "select public.lineage_view('public.item_name')",
    "select public.sql_normalize('select 1')",
    "select public.sql_fingerprint('select 1')",
    "select public.lineage_read_log_text('LOG:  duration: 1 ms  statement: select a.name from public.item a join public.item b on a.id operator(pg_catalog.=) b.id', 'stderr', '')",
    "select public.lineage_read_log_text('2026-01-01 00:00:00.000 UTC [1] joe LOG:  statement: select name from public.item', 'stderr', '%m [%p] %u ', 'UTC')",
    "call public.lineage_read_logs('pg_notify')",
    "select public.lineage_read_log_table('public.lines', 'line', 'line', 'stderr', '')",
    "select public.lineage_analyse_patterns(true)",
    "select public.lineage_joins('public.item')",
    "select * from lineage.join_paths",
    "select public.lineage_rules('public.item_name')",
    "select public.lineage_extract('insert into public.item (id) select id::bigint from public.item')",
    "select public.llm_setting('embed_model')",
    "select public.llm_embed('lamp')",
    "select public.llm_embed(array['lamp'], 'static')",
    "select public.llm_count_tokens('lamp')",
    "select public.llm_provider_list()",
    "select * from llm.models",
    "select public.llm_text2sql('how many items are there')",
    "select public.llm_text2sql_explain('items named \"Ada Lovelace\"')",
    "select public.llm_ask('how many items are there')",
    "select * from public.llm_ask_table('how many items are there') as t(n pg_catalog.int8)",
    "select llm.column_definitions('select name from public.item')",
    "select * from public.llm_search('item', 'a lamp', 10, '{}')",
    "select * from public.llm_search('item', 'a lamp', parts => '{vector,text}', fusion => 'rank')",
    "select * from public.llm_search_recall('item')",
    "select public.llm_verify('how many items', 'select pg_catalog.count(*) from public.item')",
    "select public.llm_feedback('how many items are there', true)",
    "select public.llm_text2sql('how many items')",
    "select public.llm_term_add('lamps', 'x', 'public.item', 'name is not null')",
    "select public.llm_metric_add('most', 'x', 'public.item', 'pg_catalog.max(id)')",
    "select public.llm_text2sql('what is the most?')",
    "select public.llm_eval('public.asked')",
    "select public.lineage_sync_catalog()",
    "select public.lineage_tag('public.item.name', 'pii')",
    "select public.llm_tag_policy(null, 'pii', 'mask')",
    "select public.llm_verify('named items', 'select name from public.item')",
    "select public.llm_column_samples('public.item', 'name', false)",
    "select public.llm_text2sql('named items')",
)


@pytest.fixture(scope="module")
def shadowed(admin: psycopg.Connection, database_name: str) -> str:
    with psycopg.connect(admin.info.dsn, dbname=database_name, autocommit=True) as connection:
        connection.execute("create schema shadow")
        connection.execute(_OPERATORS)
        connection.execute(_OBJECTS)
    return database_name


# The first is what stands before the system's own schema, the second what
# everybody who may create in "public" can do to a session of defaults.
@pytest.mark.parametrize("path", ["shadow, pg_catalog, public", "shadow, public"])
@pytest.mark.parametrize("call", _CALLS)
def test_nothing_of_the_path_is_run(
    connect: Callable[..., psycopg.Connection], shadowed: str, path: str, call: str
) -> None:
    session = connect()
    session.execute(f"set search_path = {path}")
    session.execute(call.encode())
