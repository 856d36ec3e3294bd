-- pg_llm: text-to-SQL. A question in English or Chinese becomes one query that
-- the server has checked. Everything here runs as the caller.

-- No SET clause: the caller's search_path decides what the query's names mean.
-- The flag is set and the query run in one call, because the flag of a
-- subtransaction ends with it; the block with EXCEPTION is that subtransaction.
create function llm.run_read_only(query text, max_rows int) returns setof jsonb
language plpgsql volatile parallel unsafe
as $$
declare
    found record;
    taken int := 0;
begin
    if max_rows is null or max_rows operator(pg_catalog.<) 1 then
        raise exception 'max_rows must be at least 1' using errcode = '22023';
    end if;
    begin
        perform pg_catalog.set_config('transaction_read_only', 'on', true);
        for found in execute query loop
            return next pg_catalog.to_jsonb(found);
            taken := taken operator(pg_catalog.+) 1;
            exit when taken operator(pg_catalog.>=) max_rows;
        end loop;
    exception
        when no_data_found then
            raise;
    end;
end
$$;
comment on function llm.run_read_only(text, int) is
    'Runs one query as the caller in a read-only subtransaction and returns its first max_rows rows as JSON objects. '
    'Errors: 25006 for a query that writes or locks (temporary tables may be written), 22023 for a max_rows below 1 or NULL, '
    'the server''s own for a query that fails.';
grant execute on function llm.run_read_only(text, int) to llm_user;

create function llm_text2sql(question text, model text default null) returns text
language plpython3u volatile parallel unsafe
as $$
if question is None:
    return None
return @backend@.text2sql.llm_text2sql(plpy, question, model)
$$;
comment on function llm_text2sql(text, text) is
    'SQL that answers a question in English or Chinese over the tables that the caller may read; it is not run. '
    'NULL, with a WARNING that says why, where no source is sure. '
    'model: the chat model to ask, by default the setting chat_model; without one the built-in grammar answers alone.';
grant execute on function llm_text2sql(text, text) to llm_user;

create function llm_text2sql_explain(
    question text,
    model text default null,
    out sql text,
    out confidence real,
    out source text,
    out tables text[],
    out columns text[],
    out joins text[],
    out lineage jsonb,
    out examples text[],
    out attempts text[],
    out cost double precision,
    out warnings text[]
) returns record
language plpython3u volatile parallel unsafe
as $$
if question is None:
    return None
return @backend@.text2sql.llm_text2sql_explain(plpy, question, model)
$$;
comment on function llm_text2sql_explain(text, text) is
    'SQL that answers a question, with its evidence: confidence from 0 to 1, source (verified, model or grammar), tables, columns and joins used, '
    'lineage (an array with {"column", "sources", "transformation"} for each column that it returns; sources are columns of tables, through views), '
    'examples (questions of verified pairs that it rests on), '
    'attempts with their outcome, the planner''s cost, and warnings. A declined question has a NULL sql, and its last warning says why.';
grant execute on function llm_text2sql_explain(text, text) to llm_user;

create function llm_ask(question text, model text default null, max_rows int default null)
returns setof jsonb
language plpython3u volatile parallel unsafe
as $$
if question is None:
    return []
return @backend@.text2sql.llm_ask(plpy, question, model, max_rows)
$$;
comment on function llm_ask(text, text, int) is
    'Rows that answer a question, one JSON object each: the SQL of llm_text2sql run read-only as the caller. '
    'max_rows: at most so many rows, and never more than the setting text2sql_row_limit. '
    'Errors: 22023 where the question is declined, the server''s own where the query fails.';
grant execute on function llm_ask(text, text, int) to llm_user;

create function llm.ask_sql(
    question text,
    model text,
    max_rows int,
    out sql text,
    out row_limit int,
    out kept_sql text,
    out kept_rows text[]
) returns record
language plpython3u volatile parallel unsafe
as $$
if question is None:
    return None
return @backend@.text2sql.ask_sql(plpy, question, model, max_rows)
$$;
comment on function llm.ask_sql(text, text, int) is
    'The query that llm_ask would run for a question, and how many rows of it; where its rows come from the result cache, '
    'they, and the query that makes a record of them ($1). Errors: 22023 where the question is declined.';
grant execute on function llm.ask_sql(text, text, int) to llm_user;

create function llm.column_definitions(query text) returns text
language plpython3u volatile parallel unsafe
as $$
if query is None:
    return None
return @backend@.text2sql.column_definitions(plpy, query)
$$;
comment on function llm.column_definitions(text) is
    'The column definition list of a query that is not run: t(country text, n bigint). '
    'Errors: 42601 for what is not one query, the server''s own for what it does not analyse.';
grant execute on function llm.column_definitions(text) to llm_user;

create function llm.answer_deadline(running boolean) returns boolean
language plpython3u volatile parallel unsafe
as $$
return @backend@.text2sql.answer_deadline(plpy, running)
$$;
comment on function llm.answer_deadline(boolean) is
    'Starts the deadline text2sql_timeout for what this session runs next (true), or stops it and tells whether it had passed (false).';
grant execute on function llm.answer_deadline(boolean) to llm_user;

-- No SET clause, and the flag in the block with EXCEPTION: see llm.run_read_only.
-- The server compares the definition list of the call with what the query returns.
-- OTHERS is everything but a cancel, and a cancel that the deadline did not send
-- is raised again.
create function llm_ask_table(question text, model text default null, max_rows int default null)
returns setof record
language plpgsql volatile parallel unsafe
as $$
declare
    asked record;
    reason pg_catalog.text;
begin
    if question is null then
        return;
    end if;
    select a.* into asked from llm.ask_sql(question, model, max_rows) a;
    perform llm.answer_deadline(true);
    begin
        perform pg_catalog.set_config('transaction_read_only', 'on', true);
        if asked.kept_sql is not null then
            return query execute asked.kept_sql using asked.kept_rows;
        else
            return query execute pg_catalog.format(E'select * from (\n%s\n) as answer limit %s', asked.sql, asked.row_limit);
        end if;
        perform llm.answer_deadline(false);
        return;
    exception
        when query_canceled then
            if not llm.answer_deadline(false) then
                raise;
            end if;
            raise exception 'pg_llm: the query took longer than text2sql_timeout allows' using errcode = '54000';
        when datatype_mismatch then
            perform llm.answer_deadline(false);
            get stacked diagnostics reason = pg_exception_detail;
        when others then
            perform llm.answer_deadline(false);
            raise;
    end;
    raise exception 'pg_llm: the answer does not have the columns of the definition list'
        using errcode = '42804',
            detail = reason,
            hint = pg_catalog.format('Call it as: select * from llm_ask_table(...) as %s', llm.column_definitions(asked.sql));
end
$$;
comment on function llm_ask_table(text, text, int) is
    'Rows that answer a question, as a typed record: the SQL of llm_text2sql run read-only as the caller, called with a column definition list. '
    'Columns are taken by position; the names are the caller''s. max_rows as in llm_ask. '
    'Errors: 42804 where count or types differ, with the right list in the hint; 22023 where the question is declined, the server''s own where the query fails.';
grant execute on function llm_ask_table(text, text, int) to llm_user;
