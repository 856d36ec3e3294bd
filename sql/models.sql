-- pg_llm: models.

create function llm_embed(content text) returns vector
language plpython3u strict
as $$ return @backend@.models.llm_embed(plpy, content) $$;
comment on function llm_embed(text) is
    'Embedding of a text by the embedded static model: 256 dimensions, length 1, English, no network. '
    'NULL for a text without a known word.';
grant execute on function llm_embed(text) to llm_user;
