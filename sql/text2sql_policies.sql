-- pg_llm: what text-to-SQL does with columns that carry a tag of the lineage
-- graph, and columns whose values it leaves alone.

create table llm.tag_policies (
    role regrole not null,
    tag text not null check (tag operator(pg_catalog.<>) ''),
    action text not null check (action operator(pg_catalog.=) any ('{refuse,mask,allow}')),
    primary key (role, tag)
);
comment on table llm.tag_policies is
    'What a question may read of columns with a tag: written by llm_tag_policy. A role''s own row counts, else the strictest of the roles whose rights it has, else everybody''s.';
comment on column llm.tag_policies.role is 'the role, - for everybody';
comment on column llm.tag_policies.tag is 'the tag';
comment on column llm.tag_policies.action is 'refuse, mask or allow';
select pg_catalog.pg_extension_config_dump('llm.tag_policies', '');
grant select on llm.tag_policies to llm_user, llm_monitor;
grant insert, update, delete on llm.tag_policies to llm_admin;

create table llm.column_options (
    relation regclass not null,
    column_name text not null,
    samples boolean not null,
    primary key (relation, column_name)
);
comment on table llm.column_options is
    'Columns whose values are not looked at to understand a question: written by llm_column_samples. A role sees those of relations that it may read.';
comment on column llm.column_options.relation is 'the table';
comment on column llm.column_options.column_name is 'the column';
comment on column llm.column_options.samples is 'false: its values are neither matched with a question nor shown to a model';
select pg_catalog.pg_extension_config_dump('llm.column_options', '');
alter table llm.column_options enable row level security;
create policy readable on llm.column_options for select to llm_user using (llm.readable(array[relation]));
create policy administered on llm.column_options to llm_admin using (true) with check (true);
grant select on llm.column_options to llm_user;
grant insert, update, delete on llm.column_options to llm_admin;

-- Hashes over physical rows, of whose contents nothing can be told.
create function llm.policy_version() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when exists (select from lineage.tags) or exists (select from llm.column_options) then concat_ws(
        '/',
        (select bit_xor(hashtextextended(concat(t.ctid, ' ', t.xmin, ' ', t.cmin), 0)) from lineage.node_tags t),
        (select bit_xor(hashtextextended(concat(t.ctid, ' ', t.xmin, ' ', t.cmin), 0)) from lineage.tag_rules t),
        (select bit_xor(hashtextextended(concat(p.ctid, ' ', p.xmin, ' ', p.cmin), 0)) from llm.tag_policies p),
        (select bit_xor(hashtextextended(concat(o.ctid, ' ', o.xmin, ' ', o.cmin), 0)) from llm.column_options o),
        (select s.value from llm.settings s where s.name = 'text2sql_refused_tags')
    ) else '' end
$$;
comment on function llm.policy_version() is
    'A text that changes whenever tags, their policies or llm.column_options do; empty where no column has a tag or an option.';
grant execute on function llm.policy_version() to llm_user;

create function llm_tag_policy(role regrole, tag text, action text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if llm_tag_policy.tag is null or llm_tag_policy.tag = '' then
        raise exception 'pg_llm: a policy needs a tag' using errcode = '22023';
    end if;
    if action is null then
        delete from llm.tag_policies p
        where p.role = coalesce(llm_tag_policy.role, '-'::regrole) and p.tag = llm_tag_policy.tag;
        return;
    end if;
    if action not in ('refuse', 'mask', 'allow') then
        raise exception 'pg_llm: unknown action "%"', action
            using errcode = '22023', hint = 'It is refuse, mask or allow.';
    end if;
    insert into llm.tag_policies as p (role, tag, action)
    values (coalesce(llm_tag_policy.role, '-'::regrole), llm_tag_policy.tag, llm_tag_policy.action)
    on conflict on constraint tag_policies_pkey do update set action = excluded.action;
end
$$;
comment on function llm_tag_policy(regrole, text, text) is
    'Says what questions of a role may read of columns that carry a tag (lineage_tag): refuse, mask or allow; a NULL action takes the policy back. '
    'role: NULL for everybody. Without a policy, the tags of the setting text2sql_refused_tags are refused and others allowed. '
    'Errors: 22023 for another action or no tag, 42501 for a role that is not llm_admin.';
grant execute on function llm_tag_policy(regrole, text, text) to llm_admin;

create function llm_column_samples(relation regclass, column_name text, samples boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select
        from pg_attribute a
        where a.attrelid = llm_column_samples.relation and a.attname = llm_column_samples.column_name
            and a.attnum > 0 and not a.attisdropped
    ) then
        raise exception 'pg_llm: % has no column "%"', llm_column_samples.relation, llm_column_samples.column_name using errcode = '42703';
    end if;
    insert into llm.column_options as o (relation, column_name, samples)
    values (llm_column_samples.relation, llm_column_samples.column_name, coalesce(llm_column_samples.samples, true))
    on conflict on constraint column_options_pkey do update set samples = excluded.samples;
    perform llm.values_forget();
end
$$;
comment on function llm_column_samples(regclass, text, boolean) is
    'Says whether text-to-SQL may look at a column''s values (true, as without an option): to match them with a question, and as samples for a model. '
    'Where it may not, they leave the value index at once. '
    'Errors: 42703 where there is no such column, 42501 for a role that is not llm_admin.';
grant execute on function llm_column_samples(regclass, text, boolean) to llm_admin;
