-- The sample database, from SQL alone and the same on every machine.
-- usage: psql -f sample/sample.sql (in an empty database encoded in UTF-8)

\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;
set client_encoding = 'UTF8';
begin;
\ir tables.sql
\ir comments.sql
\ir data.sql
\ir views.sql
\ir nightly.sql
commit;
analyze;
