-- pg_llm: secrets. Keys of model providers: encrypted here, under a key that
-- lives in a file of the server, or references to what the server's operator
-- keeps. No function returns one; docs/security.md says who can do what.

create table llm.secret (
    name text primary key check (
        name operator(pg_catalog.<>) '' and pg_catalog.length(name) operator(pg_catalog.<=) 63
    ),
    kind text not null check (kind operator(pg_catalog.=) any (array['value', 'env', 'file'])),
    reference text check (
        (reference is null) operator(pg_catalog.=) (kind operator(pg_catalog.=) 'value')
    ),
    endpoint text not null,
    created timestamptz not null default pg_catalog.now(),
    rotated timestamptz not null default pg_catalog.now()
);
comment on table llm.secret is
    'Secrets by name: what kind, and the one endpoint that each may be sent to. Written by llm_secret_set alone.';
comment on column llm.secret.name is 'the name that a model refers to';
comment on column llm.secret.kind is
    'value: encrypted in llm.secret_value; env, file: a reference to what the server''s operator keeps';
comment on column llm.secret.reference is 'name of the environment variable or file; NULL for a value';
comment on column llm.secret.endpoint is 'scheme://host[:port] that the secret belongs to';
comment on column llm.secret.created is 'when the name was first set';
comment on column llm.secret.rotated is 'when the value was last set or encrypted anew';
revoke all on llm.secret from public;
select pg_catalog.pg_extension_config_dump('llm.secret', '');

-- Not in a dump, which would carry the ciphertext to wherever dumps go. Row
-- security without a policy keeps out pg_read_all_data and whoever a default
-- privilege lets in; the owner passes. Plain storage and no statistics: the
-- TOAST table and pg_statistic have no row security.
create table llm.secret_value (
    name text primary key references llm.secret on delete cascade,
    ciphertext bytea not null check (pg_catalog.length(ciphertext) operator(pg_catalog.<=) 5000)
);
comment on table llm.secret_value is
    'Encrypted values of secrets: AES-256-GCM under the key file of this database, bound to name and endpoint. '
    'Left out of dumps; nobody but the owner reads it.';
comment on column llm.secret_value.name is 'the secret''s name';
comment on column llm.secret_value.ciphertext is
    '1 byte version, 8 bytes key id, 12 bytes nonce, then ciphertext and tag';
alter table llm.secret_value alter column ciphertext set storage plain;
alter table llm.secret_value alter column ciphertext set statistics 0;
alter table llm.secret_value enable row level security;
revoke all on llm.secret_value from public;

create view llm.secrets as
select
    s.name,
    s.kind,
    s.endpoint,
    s.created,
    s.rotated,
    case
        when s.kind operator(pg_catalog.=) 'value' then
            exists (select from llm.secret_value v where v.name operator(pg_catalog.=) s.name)
    end as has_value
from llm.secret s;
comment on view llm.secrets is
    'Secrets without their values. has_value: false after a restore, when the value has to be set again; NULL for a reference.';
grant select on llm.secrets to llm_monitor;

create function llm_secret_init() returns boolean
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.secrets.llm_secret_init(plpy) $$;
comment on function llm_secret_init() is
    'Makes the file with the key of this database''s secrets where it is missing, and removes keys from it that no secret '
    'uses any more. True: a new key was made. Errors: F0000 when the file cannot be made or others may read it.';
grant execute on function llm_secret_init() to llm_admin;

-- An error in here must not write the statement, which may hold the value,
-- into the server's log, nor the context, which may hold the statement.
create function llm_secret_set(name text, value text, endpoint text) returns void
language plpython3u security definer
set search_path = pg_catalog, pg_temp
set log_min_error_statement = 'panic'
set log_error_verbosity = 'terse'
as $$
# PL/Python keeps a function's arguments until its next call.
args.clear()
return @backend@.secrets.llm_secret_set(plpy, name, globals().pop("value"), endpoint)
$$;
comment on function llm_secret_set(text, text, text) is
    'Sets a secret for one endpoint (https://host[:port]; a path is ignored), anew if the name exists. The value is stored '
    'encrypted, or is a reference: env:PG_LLM_NAME or file:NAME, whose endpoint the server''s operator declares beside it. '
    'Warns when the server would have written the value down. '
    'Errors: 22023 for bad input, 42501 when the reference belongs to another endpoint, F0000 for the key file.';
grant execute on function llm_secret_set(text, text, text) to llm_admin;

create function llm_secret_drop(name text) returns void
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.secrets.llm_secret_drop(plpy, name) $$;
comment on function llm_secret_drop(text) is
    'Removes a secret. Errors: 42704 for an unknown name.';
grant execute on function llm_secret_drop(text) to llm_admin;

create function llm_secret_rotate() returns integer
language plpython3u security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.secrets.llm_secret_rotate(plpy) $$;
comment on function llm_secret_rotate() is
    'Encrypts all values of this database under a new key; returns how many. The former key stays in the key file, so that '
    'a rollback loses nothing, until llm_secret_init() or the next rotation. Errors: F0000 for the key file.';
grant execute on function llm_secret_rotate() to llm_admin;
