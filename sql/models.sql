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

create table llm.cooldowns (
    endpoint text not null,
    model text not null,
    until timestamptz not null default '-infinity',
    asked boolean not null default false,
    reason text,
    primary key (endpoint, model)
);
comment on table llm.cooldowns is
    'Models whose endpoint asked for a pause (429 with Retry-After) or failed, for all sessions: calls with a fallback pass them by meanwhile. '
    'A cooldown that is written in a statement which then fails is known to its own session only.';
comment on column llm.cooldowns.endpoint is 'address of the API';
comment on column llm.cooldowns.model is 'the name that the provider uses';
comment on column llm.cooldowns.until is 'when it may be called again';
comment on column llm.cooldowns.asked is 'whether the endpoint itself named the time; then calls wait for it';
comment on column llm.cooldowns.reason is 'what it answered';
grant select on llm.cooldowns to llm_monitor;

create table llm.calls (
    at timestamptz not null default pg_catalog.clock_timestamp(),
    session_role text not null,
    acting_role text not null,
    model text not null,
    outcome text not null,
    attempts integer not null,
    prompt_tokens integer,
    completion_tokens integer,
    milliseconds double precision not null
);
create index on llm.calls (at);
comment on table llm.calls is
    'Calls of models: who, which, what it took; no prompt and no answer. A row goes with its transaction (a failed statement leaves none); '
    'the server''s log has a line of each call in any case.';
comment on column llm.calls.at is 'when it ended';
comment on column llm.calls.session_role is 'the role that logged in';
comment on column llm.calls.acting_role is 'the role of SET ROLE, which is the one that may use a model';
comment on column llm.calls.model is 'the model, as llm.models names it';
comment on column llm.calls.outcome is 'ok, or the SQLSTATE of a failure that a fallback made good';
comment on column llm.calls.attempts is 'requests that were sent';
comment on column llm.calls.prompt_tokens is 'as the provider counted; NULL where it did not';
comment on column llm.calls.completion_tokens is 'as the provider counted; NULL where it did not';
comment on column llm.calls.milliseconds is 'time of the call with all of its attempts; until the first piece when streamed';
select pg_catalog.pg_extension_config_dump('llm.calls', '');
grant select on llm.calls to llm_monitor;

create table llm.provider_plugins (
    name text primary key,
    package text not null
);
comment on table llm.provider_plugins is
    'Provider plugins that a superuser has enabled: their code runs inside the server.';
comment on column llm.provider_plugins.name is 'the provider, as llm_model_add knows it';
comment on column llm.provider_plugins.package is 'the Python package that it comes from';
select pg_catalog.pg_extension_config_dump('llm.provider_plugins', '');
grant select on llm.provider_plugins to llm_monitor;

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
    'as {text, model, prompt_tokens, completion_tokens, milliseconds, finish_reason, confidence}. '
    'kind: chat; model: a name of llm.models, NULL for the setting chat_model; request: {messages, options, schema}. '
    'Errors: 42704 unknown model, 22023, 54000, F0000, 38001 timeout, 38002 unavailable, 38003 refused, 38004 unusable answer.';
grant execute on function llm.call(text, text, jsonb) to llm_user;

create function llm.call_many(
    models text[],
    request jsonb
) returns table (
    model text,
    answer text,
    confidence real,
    prompt_tokens integer,
    completion_tokens integer,
    milliseconds real,
    error text
)
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.call_many(plpy, models, request) $$;
comment on function llm.call_many(text[], jsonb) is
    'Asks several chat models at the same time, as llm.call does for one: a row a model, with its answer or its error. '
    'confidence: mean token probability, for models with the option logprobs.';
grant execute on function llm.call_many(text[], jsonb) to llm_user;

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
    'Answer of a chat model to a conversation [{"role": ..., "content": ...}, ...], with the model that answered, tokens as '
    'the provider counted them, time, and why it ended. model, options and errors: as llm_complete.';
grant execute on function llm_chat(jsonb, text, jsonb) to llm_user;

-- Runs with the owner's rights itself: rows could not pass through another
-- function while they arrive.
create function llm_stream(
    prompt text,
    model text default null,
    options jsonb default null
) returns setof text
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
as $$ return @backend@.models.llm_stream(plpy, prompt, model, options) $$;
comment on function llm_stream(text, text, jsonb) is
    'Answer of a chat model in pieces, a row each while they arrive: declare a cursor for "select llm_stream(...)" and fetch from it '
    '(in FROM, PostgreSQL collects all rows first). model, options and errors: as llm_complete.';
grant execute on function llm_stream(text, text, jsonb) to llm_user;

create function llm_complete_json(
    prompt text,
    schema jsonb,
    model text default null,
    options jsonb default null
) returns jsonb
language plpython3u
as $$ return @backend@.models.llm_complete_json(plpy, prompt, schema, model, options) $$;
comment on function llm_complete_json(text, jsonb, text, jsonb) is
    'Answer of a chat model as JSON that is valid against a JSON Schema (draft 2020-12); an answer that is not is sent back once. '
    'Errors: 22023 for a bad schema, 38004 when the second answer is not valid either, those of llm_complete.';
grant execute on function llm_complete_json(text, jsonb, text, jsonb) to llm_user;

create function llm_complete_many(
    prompt text,
    models text[],
    options jsonb default null
) returns table (
    model text,
    answer text,
    score real,
    confidence real,
    agreement real,
    prompt_tokens integer,
    completion_tokens integer,
    milliseconds real,
    error text
)
language plpython3u
as $$ return @backend@.models.llm_complete_many(plpy, prompt, models, options) $$;
comment on function llm_complete_many(text, text[], jsonb) is
    'Asks several chat models at the same time; a row a model, the best first. score (0 to 1): confidence, the mean token probability '
    'of a model with the option logprobs, else agreement, the mean similarity with the other answers. error: why a model gave no answer.';
grant execute on function llm_complete_many(text, text[], jsonb) to llm_user;

create function llm_complete_best(
    prompt text,
    models text[],
    threshold double precision default 0.5,
    options jsonb default null,
    out answer text,
    out answered_by text,
    out score real,
    out fell_back boolean
)
language plpython3u
as $$ return @backend@.models.llm_complete_best(plpy, prompt, models, threshold, options) $$;
comment on function llm_complete_best(text, text[], double precision, jsonb) is
    'The answer with the highest score of llm_complete_many. Under the threshold, or when every model failed, the model of the setting '
    'local_model answers (fell_back); without that setting, the best there is. Errors: 38004 when there is no answer at all.';
grant execute on function llm_complete_best(text, text[], double precision, jsonb) to llm_user;

create function llm_classify(
    content text,
    labels text[],
    model text default null,
    options jsonb default null
) returns text
language plpython3u
as $$ return @backend@.models.llm_classify(plpy, content, labels, model, options) $$;
comment on function llm_classify(text, text[], text, jsonb) is
    'The one of at least two labels that a chat model finds to fit a text best. Errors: those of llm_complete_json.';
grant execute on function llm_classify(text, text[], text, jsonb) to llm_user;

create function llm_extract(
    content text,
    fields jsonb,
    model text default null,
    options jsonb default null
) returns jsonb
language plpython3u
as $$ return @backend@.models.llm_extract(plpy, content, fields, model, options) $$;
comment on function llm_extract(text, jsonb, text, jsonb) is
    'What a text says about some fields, as a JSON object; null for what it does not say. fields: an array of names, an object of names '
    'and descriptions, or a JSON Schema of type object. Errors: those of llm_complete_json.';
grant execute on function llm_extract(text, jsonb, text, jsonb) to llm_user;

create function llm_summarize(
    content text,
    words integer default 100,
    language text default null,
    model text default null,
    options jsonb default null
) returns text
language plpython3u
as $$ return @backend@.models.llm_summarize(plpy, content, words, language, model, options) $$;
comment on function llm_summarize(text, integer, text, text, jsonb) is
    'Summary of a text by a chat model, of at most about so many words, in the named language (NULL: the text''s own). '
    'Errors: those of llm_complete_json.';
grant execute on function llm_summarize(text, integer, text, text, jsonb) to llm_user;

create function llm_count_tokens(content text) returns integer
language plpython3u strict immutable parallel safe
as $$ return @backend@.models.llm_count_tokens(plpy, content) $$;
comment on function llm_count_tokens(text) is
    'Estimate of a text''s tokens, without a provider''s tokenizer: good for budgets, not for bills.';
grant execute on function llm_count_tokens(text) to llm_user;

create function llm_embed(content text) returns vector
language plpython3u strict
as $$ return @backend@.models.llm_embed(plpy, content) $$;
comment on function llm_embed(text) is
    'Embedding of a text by the model of the setting embed_model; by default the embedded static model: 256 dimensions, '
    'length 1, English, no network. NULL for a blank text, or one without a known word.';
grant execute on function llm_embed(text) to llm_user;

create function llm_embed(content text, model text) returns vector
language plpython3u strict
as $$ return @backend@.models.llm_embed(plpy, content, model) $$;
comment on function llm_embed(text, text) is
    'Embedding of a text by a named model of llm.models ("static" is the embedded one). NULL for a blank text. Errors: those of llm.call.';
grant execute on function llm_embed(text, text) to llm_user;

create function llm_embed(contents text[], model text default null) returns vector[]
language plpython3u
as $$ return None if contents is None else @backend@.models.llm_embed_array(plpy, contents, model) $$;
comment on function llm_embed(text[], text) is
    'Embeddings of many texts, in the same order: sent in batches that the provider takes, several at a time, equal texts once. '
    'NULL for a blank text. Errors: those of llm.call.';
grant execute on function llm_embed(text[], text) to llm_user;

-- Commits after each batch, which neither SET nor SECURITY DEFINER allows: so
-- every name is qualified.
create procedure llm_embed_table(
    target regclass,
    content name,
    embedding name,
    model text default null,
    batch integer default 1000
)
language plpgsql
as $$
declare
    part pg_catalog.regclass;
    place pg_catalog.tid;
    places pg_catalog.tid[];
    contents pg_catalog.text[];
begin
    if batch operator(pg_catalog.<) 1 then
        raise exception 'a batch needs at least one row' using errcode = '22023';
    end if;
    for part in
        select t.relid
        from pg_catalog.pg_partition_tree(target) t
        where t.isleaf
        union all
        select target
        where not exists (select from pg_catalog.pg_partition_tree(target))
    loop
        place := '(0,0)';
        loop
            execute pg_catalog.format(
                'select pg_catalog.array_agg(p.ctid order by p.ctid), '
                'pg_catalog.array_agg(p.content order by p.ctid) from ('
                'select t.ctid, t.%1$I::pg_catalog.text as content from only %2$s t '
                'where t.ctid operator(pg_catalog.>) $1 and t.%3$I is null '
                'and t.%1$I is not null order by t.ctid limit $2) p',
                content, part, embedding
            ) into places, contents using place, batch;
            exit when places is null;
            execute pg_catalog.format(
                'update only %2$s t set %3$I = e.embedding '
                'from llm.embed_texts($1, $2) e '
                'where t.ctid operator(pg_catalog.=) ($3)[e.place] '
                'and t.%1$I::pg_catalog.text operator(pg_catalog.=) ($1)[e.place] '
                'and e.embedding is not null',
                content, part, embedding
            ) using contents, model, places;
            place := places[pg_catalog.array_upper(places, 1)];
            commit;
        end loop;
    end loop;
end
$$;
comment on procedure llm_embed_table(regclass, name, name, text, integer) is
    'Fills a table''s column of embeddings where it is NULL from a column of texts, in batches of rows with a commit after each; '
    'a row whose text changes meanwhile is left for the next time. Partitions are gone through one by one. '
    'model: NULL for the setting embed_model. Errors: 22023, 2D000 inside a transaction block, those of llm.call.';
grant execute on procedure llm_embed_table(regclass, name, name, text, integer) to llm_user;

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
    'batch, concurrency, prompt_price, answer_price, parameters, body. Errors: 22023 for what makes no sense, 42704 unknown provider, 23505 when the name is taken.';
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

create function llm_provider_list() returns table (
    name text,
    package text,
    version text,
    enabled boolean
)
language plpython3u
as $$ return @backend@.models.llm_provider_list(plpy) $$;
comment on function llm_provider_list() is
    'The providers: built in (no package), and installed as Python packages with an entry point in the group pg_llm.providers.';
grant execute on function llm_provider_list() to llm_admin;

-- Callable by llm_admin, but only the owner of llm.provider_plugins gets
-- through: plugins are code inside the server.
create function llm_provider_enable(name text) returns void
language plpython3u strict
as $$ return @backend@.models.llm_provider_enable(plpy, name) $$;
comment on function llm_provider_enable(text) is
    'Enables an installed provider plugin, whose code then runs inside the server: for superusers. '
    'Errors: 42501 for others, 42704 when no such plugin is installed, F0000 when it cannot be loaded.';
grant execute on function llm_provider_enable(text) to llm_admin;

create function llm_provider_disable(name text) returns void
language plpython3u strict
as $$ return @backend@.models.llm_provider_disable(plpy, name) $$;
comment on function llm_provider_disable(text) is
    'Disables a provider plugin, for superusers; its models fail from the next call on.';
grant execute on function llm_provider_disable(text) to llm_admin;
