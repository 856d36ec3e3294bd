-- pg_llm: lineage. Which columns every column of a statement or a view comes from.

-- No SET clause: the caller's search_path decides what a name means.
create function lineage_extract(
    sql text,
    dialect text default 'postgres',
    catalog jsonb default null,
    search_path text[] default null,
    through_views boolean default false
) returns table (
    statement int,
    target_relation text,
    target_column text,
    source_relation text,
    source_column text,
    influence text,
    transformation text,
    expression text,
    resolver text,
    confidence real,
    note text,
    "position" int
)
language plpython3u volatile parallel unsafe
as $$
if sql is None:
    return []
return @backend@.lineage.lineage_extract(
    plpy, sql, dialect or "postgres", catalog, search_path, through_views)
$$;
comment on function lineage_extract(text, text, jsonb, text[], boolean) is
    'Column lineage of each statement in a text: one row for each source of each column that the statement produces. '
    'dialect: postgres (analysed by this server, as the caller, with the caller''s search_path), or another one (parsed). '
    'catalog: {"schema.table": ["column", ...]} to resolve against instead of the live catalog; search_path: schemas for unqualified names; '
    'through_views: go on to the tables behind views. Nothing is executed. '
    'Rows: target_column is null where the row set as a whole is concerned, target_relation for the output of a bare query, '
    'both source columns for an output without any source. '
    'Errors: 22023 for an empty text, an unknown dialect or a malformed catalog; the server''s own for a statement that it rejects.';
grant execute on function lineage_extract(text, text, jsonb, text[], boolean) to llm_user;

create function lineage_view(
    relation regclass,
    through_views boolean default false
) returns table (
    statement int,
    target_relation text,
    target_column text,
    source_relation text,
    source_column text,
    influence text,
    transformation text,
    expression text,
    resolver text,
    confidence real,
    note text,
    "position" int
)
language plpython3u volatile parallel unsafe
as $$
if relation is None:
    return []
return @backend@.lineage.lineage_view(plpy, relation, through_views)
$$;
comment on function lineage_view(regclass, boolean) is
    'Column lineage of a view or materialized view, read from its stored query tree: rows as lineage_extract gives them. '
    'through_views: go on to the tables behind views. Writes nothing, so it works on a standby. '
    'Errors: 42704 for a relation that is not a view.';
grant execute on function lineage_view(regclass, boolean) to llm_user;

create function lineage_rules(relation regclass) returns table (
    query text,
    part text,
    column_name text,
    rule text,
    in_words text
)
language plpython3u volatile parallel unsafe
as $$
if relation is None:
    return []
return @backend@.lineage.lineage_rules(plpy, relation)
$$;
comment on function lineage_rules(regclass) is
    'The business rules in a relation''s definition: one row for each column, join, filter, grouping, ordering of a view''s query, '
    'or for each computed column of a table. rule: SQL as the server writes it; in_words: a sentence about it; '
    'query: the WITH query that it belongs to, null for the main one; '
    'part: column, from, join, filter, group, having, distinct, combine, order, limit, or hidden where the current role may not be told. '
    'A table that computes no column has no rows, and a notice says so.';
grant execute on function lineage_rules(regclass) to llm_user;
