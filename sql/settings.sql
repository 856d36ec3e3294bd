-- pg_llm: settings. A session's taste (SET pg_llm.name) over llm.settings over
-- a default; what limits or protects is never read from the session.

create table llm.settings (
    name text primary key,
    value text not null
);
comment on table llm.settings is
    'Settings of this database: one row overrides one default. Written by llm_admin.';
comment on column llm.settings.name is 'the setting, as llm_setting(name) knows it';
comment on column llm.settings.value is 'its value, as text';
grant select on llm.settings to llm_user, llm_monitor;
grant insert, update, delete on llm.settings to llm_admin;
select pg_catalog.pg_extension_config_dump('llm.settings', '');

create function llm_version() returns text
language plpython3u
as $$ return @backend@.settings.llm_version(plpy) $$;
comment on function llm_version() is
    'Version of the Python library that this session loaded.';
grant execute on function llm_version() to llm_user;

create function llm_setting(name text) returns text
language plpython3u strict
as $$ return @backend@.settings.llm_setting(plpy, name) $$;
comment on function llm_setting(text) is
    'Value of a setting for this session: SET pg_llm.<name> where taste is allowed, else llm.settings, else the default. '
    'Errors: 42704 for an unknown setting.';
grant execute on function llm_setting(text) to llm_user;
