-- pg_llm: models. Rows that name endpoints, and the calls to them.
--
-- A caller names a model and never an address, a secret or a piece of SQL.
-- What needs a secret runs in SECURITY DEFINER functions of schema llm, which
-- look up the model's row and secret themselves, make the whole call, and
-- return the answer only.

create table llm.model_definitions (
    name text primary key,
    provider text not null,
    kind text not null check (kind operator(pg_catalog.=) any ('{chat,embed}')),
    model text not null,
    endpoint text not null,
    secret text,
    options jsonb not null default '{}' check (pg_catalog.jsonb_typeof(options) operator(pg_catalog.=) 'object')
);
comment on table llm.model_definitions is
    'Models of this database; written by llm_model_add, llm_model_change and llm_model_drop only, read through llm.models.';
comment on column llm.model_definitions.name is 'the name that callers use';
comment on column llm.model_definitions.provider is 'openai, deepseek, hunyuan, qwen, openai_compatible, scripted, static or a plugin''s';
comment on column llm.model_definitions.kind is 'chat or embed';
comment on column llm.model_definitions.model is 'the name that the provider uses';
comment on column llm.model_definitions.endpoint is 'address of the API, without a key';
comment on column llm.model_definitions.secret is 'name of the secret that the endpoint asks for; never the secret itself';
comment on column llm.model_definitions.options is 'limits, fallback, roles, proxy and more: see llm_model_add';
select pg_catalog.pg_extension_config_dump('llm.model_definitions', '');

create view llm.models with (security_barrier) as
select
    d.name,
    d.provider,
    d.kind,
    d.model,
    d.endpoint,
    d.secret is not null as has_secret,
    d.options
from llm.model_definitions d
where not d.options operator(pg_catalog.?) 'roles'
    or (d.options operator(pg_catalog.->) 'roles') operator(pg_catalog.=) '[]'
    or pg_catalog.pg_has_role(current_user, 'llm_monitor', 'member')
    or exists (
        select
        from pg_catalog.pg_roles r
        where (d.options operator(pg_catalog.->) 'roles') operator(pg_catalog.?) r.rolname::pg_catalog.text
            and pg_catalog.pg_has_role(current_user, r.oid, 'member')
    );
comment on view llm.models is
    'The models that the current role may use (all of them for llm_monitor), without secrets.';
grant select on llm.models to llm_user, llm_monitor;

create function llm.call(
    kind text,
    model text,
    request jsonb
) returns jsonb
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.call(plpy, kind, model, request) $$;
comment on function llm.call(text, text, jsonb) is
    'The one door to chat models: makes the call with the rights of the extension''s owner and returns the answer only, '
    'as {text, model, prompt_tokens, completion_tokens, milliseconds, finish_reason}. '
    'kind: chat; model: a name of llm.models, NULL for the setting chat_model; request: {messages, options}. '
    'Errors: 42704 unknown model, 22023, 54000, F0000, 38001 timeout, 38002 unavailable, 38003 refused, 38004 unusable answer.';
grant execute on function llm.call(text, text, jsonb) to llm_user;

create function llm.embed_texts(
    texts text[],
    model text
) returns table (
    place integer,
    embedding vector
)
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.embed_texts(plpy, texts, model) $$;
comment on function llm.embed_texts(text[], text) is
    'The one door to embedding models: the embedding of each text, numbered from 1, NULL for a blank text. '
    'Errors: those of llm.call.';
grant execute on function llm.embed_texts(text[], text) to llm_user;

create function llm_complete(
    prompt text,
    model text default null,
    options jsonb default null
) returns text
language plpython3u
as $$ return @backend@.models.llm_complete(plpy, prompt, model, options) $$;
comment on function llm_complete(text, text, jsonb) is
    'Answer of a chat model to a prompt. model: a name of llm.models, NULL for the setting chat_model; '
    'options: temperature, top_p, max_tokens, stop, seed, presence_penalty, frequency_penalty, response_format, '
    'reasoning_effort, timeout (seconds). Errors: those of llm.call.';
grant execute on function llm_complete(text, text, jsonb) to llm_user;

create function llm_chat(
    messages jsonb,
    model text default null,
    options jsonb default null,
    out answer text,
    out answered_by text,
    out prompt_tokens integer,
    out completion_tokens integer,
    out milliseconds real,
    out finish_reason text
)
language plpython3u
as $$ return @backend@.models.llm_chat(plpy, messages, model, options) $$;
comment on function llm_chat(jsonb, text, jsonb) is
    'Answer of a chat model to a conversation [{"role": …, "content": …}, …], with the model that answered, tokens as '
    'the provider counted them, time, and why it ended. model, options and errors: as llm_complete.';
grant execute on function llm_chat(jsonb, text, jsonb) to llm_user;

create function llm_embed(content text) returns vector
language plpython3u strict
as $$ return @backend@.models.llm_embed(plpy, content) $$;
comment on function llm_embed(text) is
    'Embedding of a text by the model of the setting embed_model; by default the embedded static model: 256 dimensions, '
    'length 1, English, no network. NULL for a blank text, or one without a known word.';
grant execute on function llm_embed(text) to llm_user;

create function llm_model_add(
    name text,
    provider text,
    kind text,
    model text default null,
    endpoint text default null,
    secret text default null,
    options jsonb default '{}'
) returns void
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.llm_model_add(plpy, name, provider, kind, model, endpoint, secret, options) $$;
comment on function llm_model_add(text, text, text, text, text, text, jsonb) is
    'Adds a model. provider: openai, deepseek, hunyuan, qwen, openai_compatible, scripted, static or a plugin''s; kind: chat or embed; '
    'model: the provider''s name for it; endpoint: the API''s address, NULL for the provider''s own; secret: a name of llm_secret_set; '
    'options: fallback, roles, proxy, timeout, connect_timeout, retries, max_prompt, max_answer, dimensions, send_dimensions, '
    'batch, concurrency, parameters, body. Errors: 22023 for what makes no sense, 42704 unknown provider, 23505 when the name is taken.';
grant execute on function llm_model_add(text, text, text, text, text, text, jsonb) to llm_admin;

create function llm_model_change(
    name text,
    provider text default null,
    kind text default null,
    model text default null,
    endpoint text default null,
    secret text default null,
    options jsonb default null
) returns void
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.llm_model_change(plpy, name, provider, kind, model, endpoint, secret, options) $$;
comment on function llm_model_change(text, text, text, text, text, text, jsonb) is
    'Changes a model, from the next call of any session on. NULL leaves as it is; options are merged, and an option of null '
    'goes back to its default; an empty secret removes the secret''s name. Errors: as llm_model_add, 42704 unknown model.';
grant execute on function llm_model_change(text, text, text, text, text, text, jsonb) to llm_admin;

create function llm_model_drop(name text) returns void
language plpython3u strict
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.llm_model_drop(plpy, name) $$;
comment on function llm_model_drop(text) is
    'Removes a model. Errors: 42704 unknown model.';
grant execute on function llm_model_drop(text) to llm_admin;

create function llm_model_test(
    name text,
    out works boolean,
    out answer text,
    out problem text,
    out what_to_do text,
    out milliseconds real
)
language plpython3u strict
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.llm_model_test(plpy, name) $$;
comment on function llm_model_test(text) is
    'Makes a small real call to a model, without its fallbacks, and says what came back, or what is wrong and what to do.';
grant execute on function llm_model_test(text) to llm_admin;
