-- pg_llm: the value index. Distinct values of text columns, folded, so that the
-- texts of a question are found with their column and their spelling.
--
-- It is read as the caller, under row security: an entry is there for a role
-- that may select the column as it is now, of a relation without row security.
-- Nothing of it is dumped: it holds copies of data, and OIDs; a refresh makes
-- it again.

-- Under row security the server uses an index before the policy only through an
-- operator that is known to leak nothing. This one is @> for arrays of int4,
-- which fails for no value and tells about none.
create function llm.grams_contain(integer[], integer[]) returns boolean
language internal immutable strict parallel safe leakproof
as 'arraycontains';
comment on function llm.grams_contain(integer[], integer[]) is
    'Whether the first array has all elements of the second: the operator llm.@> of the value index.';
grant execute on function llm.grams_contain(integer[], integer[]) to llm_user;

create operator llm.@> (
    leftarg = integer[],
    rightarg = integer[],
    function = llm.grams_contain,
    restrict = pg_catalog.contsel,
    join = pg_catalog.contjoinsel
);
comment on operator llm.@> (integer[], integer[]) is 'has all elements of';

create operator family llm.grams using gin;
create operator class llm.grams for type integer[] using gin family llm.grams as
    operator 2 llm.@> (integer[], integer[]),
    function 1 pg_catalog.btint4cmp(integer, integer),
    function 2 pg_catalog.ginarrayextract(anyarray, internal, internal),
    function 3 pg_catalog.ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
    function 4 pg_catalog.ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal),
    function 6 pg_catalog.ginarraytriconsistent(internal, smallint, anyarray, integer, internal, internal, internal),
    storage integer;

create table llm.indexed_columns (
    id integer generated always as identity primary key,
    relation oid not null,
    number smallint not null,
    column_name text not null,
    type oid not null,
    complete boolean not null,
    entries integer not null,
    state text,
    refreshed_at timestamptz not null default pg_catalog.clock_timestamp(),
    unique (relation, number)
);
comment on table llm.indexed_columns is
    'Columns that the value index has read: written by llm_values_refresh. A role sees those that it may select, of relations without row security.';
comment on column llm.indexed_columns.id is 'its number';
comment on column llm.indexed_columns.relation is 'the relation''s OID';
comment on column llm.indexed_columns.number is 'the column''s number in it';
comment on column llm.indexed_columns.column_name is 'its name when it was read; renamed columns are read again';
comment on column llm.indexed_columns.type is 'its type when it was read';
comment on column llm.indexed_columns.complete is 'false: it has more values than text2sql_values_limit, and none is kept';
comment on column llm.indexed_columns.entries is 'how many values are kept';
comment on column llm.indexed_columns.state is
    'what llm.relation_states said before it was read; NULL where that cannot be relied on, so that it is read again';
comment on column llm.indexed_columns.refreshed_at is 'when it was read';

create table llm.indexed_values (
    column_id integer not null,
    value text collate "C" not null,
    folded text collate "C" not null,
    size integer not null,
    grams integer[] not null,
    primary key (column_id, value)
);
comment on table llm.indexed_values is
    'Distinct values of the columns of llm.indexed_columns, with the same rights.';
comment on column llm.indexed_values.column_id is 'the column''s number in llm.indexed_columns';
comment on column llm.indexed_values.value is 'the value as it is stored';
comment on column llm.indexed_values.folded is 'the same without case, accents and marks';
comment on column llm.indexed_values.size is 'how many characters the folded value has';
comment on column llm.indexed_values.grams is 'hashes of its trigrams, of its bigrams where it is Chinese, and of its size';
create index on llm.indexed_values (folded);
-- a list of pending entries would be read by every look-up
create index on llm.indexed_values using gin (grams llm.grams) with (fastupdate = off);

create function llm.column_indexable(relation oid, number smallint, column_name text, type oid) returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid
        where c.oid = column_indexable.relation
          and a.attnum = column_indexable.number
          and a.attname = column_indexable.column_name
          and a.atttypid = column_indexable.type
          and not a.attisdropped
          and c.relkind in ('r', 'p', 'm')
          and not c.relrowsecurity
          and has_schema_privilege(c.relnamespace, 'usage')
          and has_column_privilege(c.oid, a.attnum, 'select')
    );
end
$$;
comment on function llm.column_indexable(oid, smallint, text, oid) is
    'Whether the current role may select a column, which still has this name and type, of a table or materialized view without row security.';
grant execute on function llm.column_indexable(oid, smallint, text, oid) to llm_user;

alter table llm.indexed_columns enable row level security;
create policy readable on llm.indexed_columns to llm_user
    using (llm.column_indexable(relation, number, column_name, type))
    with check (llm.column_indexable(relation, number, column_name, type));
grant select on llm.indexed_columns to llm_user;
grant insert, update, delete on llm.indexed_columns to llm_admin;

-- As the caller: the policy of llm.indexed_columns decides.
create function llm.value_readable(column_id integer) returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from llm.indexed_columns c where c.id = value_readable.column_id);
end
$$;
comment on function llm.value_readable(integer) is
    'Whether the current role sees a column of llm.indexed_columns.';
grant execute on function llm.value_readable(integer) to llm_user;

alter table llm.indexed_values enable row level security;
create policy readable on llm.indexed_values to llm_user
    using (llm.value_readable(column_id))
    with check (llm.value_readable(column_id));
grant select on llm.indexed_values to llm_user;
grant insert, delete on llm.indexed_values to llm_admin;

-- Counters of rows written count what was rolled back too, never less than what
-- was committed; they arrive some seconds late, and begin again after a crash or
-- a reset, which their dates tell. Files change with TRUNCATE and what rewrites.
-- The session's own rows that have not arrived yet are added.
create function llm.relation_states(relations oid[], out relation oid, out state text) returns setof record
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive members (top, oid) as (
        select r, r from unnest(relations) r
        union
        select m.top, h.inhrelid from members m join pg_inherits h on h.inhparent = m.oid
    )
    select
        m.top,
        case when current_setting('track_counts')::boolean then concat_ws(
            ' ',
            extract(epoch from pg_postmaster_start_time()),
            extract(epoch from pg_stat_get_db_stat_reset_time(d.oid)),
            md5(string_agg(concat_ws(
                ' ',
                c.oid,
                c.relfilenode,
                pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_inserted(c.oid),
                pg_stat_get_tuples_updated(c.oid) + pg_stat_get_xact_tuples_updated(c.oid),
                pg_stat_get_tuples_deleted(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid)
            ), ',' order by c.oid))
        ) end
    from members m
    join pg_class c on c.oid = m.oid
    join pg_database d on d.datname = current_database()
    group by m.top, d.oid
$$;
comment on function llm.relation_states(oid[]) is
    'A text for each relation that changes with its rows, those of partitions included; NULL where rows are not counted (track_counts).';
grant execute on function llm.relation_states(oid[]) to llm_user;

-- With the owner's rights, because entries that the caller no longer sees go too.
-- It takes nothing, and what it removes nobody may see.
create function llm.values_forget() returns bigint
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from llm.indexed_columns i
        where not exists (
            select
            from pg_class c
            join pg_attribute a on a.attrelid = c.oid
            where c.oid = i.relation
              and a.attnum = i.number
              and a.attname = i.column_name
              and a.atttypid = i.type
              and not a.attisdropped
              and c.relkind in ('r', 'p', 'm')
              and not c.relrowsecurity
        )
        or exists (
            select
            from llm.column_options o
            where o.relation = i.relation and o.column_name = i.column_name and not o.samples
        )
        returning i.id
    ), emptied as (
        delete from llm.indexed_values v using gone g where v.column_id = g.id returning 1
    )
    select count(*) from emptied
$$;
comment on function llm.values_forget() is
    'Removes from the value index what nobody may see there: columns that are gone, renamed, of another type, under row security or switched off. Returns how many values went.';
grant execute on function llm.values_forget() to llm_admin;

create function llm_values_refresh(
    relation regclass default null,
    reread boolean default false,
    out indexed_relation regclass,
    out column_name text,
    out outcome text,
    out entries int,
    out added int,
    out removed int
) returns setof record
language plpython3u volatile parallel unsafe
as $$
return @backend@.text2sql_values.llm_values_refresh(plpy, relation, bool(reread))
$$;
comment on function llm_values_refresh(regclass, boolean) is
    'Builds the value index, or brings it up to date: text columns of tables, partitioned tables and materialized views that the caller may select, without row security. '
    'relation: of one alone; reread: also of relations whose rows have not changed since. Returns a row for each column: read, unchanged, '
    'too many values (more than text2sql_values_limit: none is kept) or left alone (llm_column_samples, or a tag that the caller may not ask for), '
    'how many values are kept, and how many came and went. Errors: 42501 for a role that is not llm_admin, 42P01 for a relation that the caller cannot read.';
grant execute on function llm_values_refresh(regclass, boolean) to llm_admin;
