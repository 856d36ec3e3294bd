"""What the statements of the guard's tests meet besides the bicycle rental.

Roles: `t2s_reader` asks, may read, owns nothing. `t2s_rival` may create objects
and is trusted by nobody. Everything else is the superuser's.
"""

EXTENSIONS = [
    "pg_trgm",
    "fuzzystrmatch",
    "unaccent",
    "hstore",
    "ltree",
    "citext",
    "cube",
    "earthdistance",
    "pgcrypto",
    "tablefunc",
    "dblink",
    "postgres_fdw",
    "xml2",
    "pageinspect",
    "pgstattuple",
    "sslinfo",
    "adminpack",
]

# What an administrator of the database has made, to be used.
TRUSTED = """
create sequence counter;
create table hidden (secret text);
create table notes (note text);
create table old_notes () inherits (notes);
create table logbook (day date, entry text) partition by range (day);
create table logbook_2024 partition of logbook for values from ('2024-01-01') to ('2025-01-01');
create type feeling as enum ('sad', 'happy');
create domain stars as int check (value between 1 and 5);
create type place as (lat float8, lon float8);
create table reviews (mood feeling, stars stars, place place);
create type span as range (subtype = float8);
create table offers (price numeric, price_with_tax numeric generated always as (price * 1.19) stored);
create function label_of(text) returns text language sql immutable as 'select lower($1)';
create function longest(variadic text[]) returns text language sql immutable
    begin atomic select max(v) from unnest($1) v; end;
create function trips_of(rider int) returns setof trips language sql stable
    as 'select * from trips t where t.rider_id = rider';
create aggregate middle(numeric) (
    sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_avg
);
create function same_label(text, text) returns boolean language plpgsql immutable
    as $$ begin return lower($1) = lower($2); end $$;
create operator === (function = same_label, leftarg = text, rightarg = text);
create view heavy_bikes as select * from bikes where weight_kg > 14;
create view heavier as select bike_id, model, now() as seen_at from heavy_bikes
    where coalesce(current_setting('app.tenant', true), '') = '';
create materialized view weights as select distinct weight_kg from bikes;
create function tenant() returns text language sql stable security definer
    set search_path = pg_catalog, pg_temp as $$ select '' $$;
create view tenant_bikes as select * from bikes where tenant() = '';
create table guarded (n int);
alter table guarded enable row level security;
create policy mine on guarded using (coalesce(current_setting('app.tenant', true), '') = tenant());
create table indexed (name text, made_at timestamptz default clock_timestamp(), check (length(name) > 0));
create index on indexed (label_of(name));
grant select on notes, old_notes, logbook, reviews, offers, heavy_bikes, heavier, weights, tenant_bikes,
    guarded, indexed to t2s_reader;

-- What acts, whoever has made it.
create function owned() returns text language sql stable security definer
    set search_path = pg_catalog, pg_temp as $$ select max(secret) from public.hidden $$;
create function owned_rows() returns setof hidden language sql stable security definer
    set search_path = pg_catalog, pg_temp as $$ select * from public.hidden $$;
create function noisy(text) returns text language plpgsql as $$ begin return $1; end $$;
create function waiting() returns void language sql volatile as 'select pg_sleep(0)';
create function hushed() returns text language sql immutable as 'select pg_sleep(0)::text';
create function hushed_in_depth(x int default length(hushed())) returns text language sql stable
    begin atomic select hushed(); end;
create function defaulted(x text default pg_sleep(0)::text) returns text language sql stable as 'select $1';
create view waiting_rows as select n, pg_sleep(0)::text as waited from guarded;
create table guarded_badly (n int);
alter table guarded_badly enable row level security;
create policy noisy on guarded_badly using (noisy('x') = 'x');
create aggregate noisily(text) (sfunc = textcat, stype = text, finalfunc = noisy);
create function noisy_match(text, text) returns boolean language plpgsql as $$ begin return true; end $$;
create operator <~~> (function = noisy_match, leftarg = text, rightarg = text);
create domain noisy_text as text check (noisy(value) is not null);
create view shown_catalog as select relname from pg_class;
grant select on waiting_rows, guarded_badly, shown_catalog to t2s_reader;
grant usage on schema fleet to t2s_reader;
grant select on riders, trips, repairs, bikes, stations to t2s_reader;
"""

# What somebody has made who would like the rights of the one who asks.
RIVAL = """
create schema rival;
set search_path = rival, public, fleet;
create function plain(text) returns text language plpgsql immutable as $$ begin return $1; end $$;
create function steady(text) returns text language plpgsql stable as $$ begin return $1; end $$;
create function rows_of(int) returns setof int language plpgsql stable as $$ begin return next $1; end $$;
create function compare(text, text) returns boolean language plpgsql immutable as $$ begin return true; end $$;
create operator public.==== (function = compare, leftarg = text, rightarg = text);
create function differs(int, int) returns boolean language plpgsql immutable as $$ begin return true; end $$;
create operator public.<#> (function = differs, leftarg = int, rightarg = int);
create operator public.=#= (function = int4eq, leftarg = int, rightarg = int, negator = operator(public.<#>));
create operator public.<#< (function = differs, leftarg = int, rightarg = int);
create operator public.>#> (function = int4gt, leftarg = int, rightarg = int, commutator = operator(public.<#<));
create function ended(numeric) returns numeric language plpgsql immutable as $$ begin return $1; end $$;
create aggregate total(numeric) (sfunc = numeric_add, stype = numeric, finalfunc = ended);
create function stepped(text, text) returns text language plpgsql immutable as $$ begin return $2; end $$;
create aggregate public.borrowed(text) (sfunc = stepped, stype = text);
create domain checked as text check (plain(value) is not null);
create type wrapped as (inner_text checked);
create function built(text) returns checked language sql immutable as 'select $1';
create type feeling as enum ('sad', 'happy');
create function told(feeling) returns json language plpgsql immutable as $$ begin return '1'::json; end $$;
create cast (feeling as json) with function told(feeling);
create function felt(text) returns feeling language plpgsql immutable as $$ begin return 'sad'::feeling; end $$;
create cast (text as feeling) with function felt(text);
create table moods (feeling feeling, at date);
create type code as (n int);
create function coded(text) returns code language plpgsql immutable as $$ begin return row(1)::code; end $$;
create cast (text as code) with function coded(text);
create view looking as select steady(model) as model from bikes;
create table secured (n int);
alter table secured enable row level security;
create policy looks on secured using (steady('x') = 'x');
create table indexed (name text);
create index on indexed ((plain('x') || name));
create table indexed_in_part (name text);
create index on indexed_in_part (name) where name > plain('x');
create table counted (name text, other text);
create statistics counted_together on (plain('x') || name), other from counted;
create table parted (name text) partition by range ((plain('x') || name));
create table parent (name text);
create table child (check (name > plain('x'))) inherits (parent);
create function inlined(text) returns boolean language sql immutable as $$ select $1 > rival.plain('x') $$;
create table checked_inline (name text check (inlined(name)));
create function valid(text) returns boolean language sql immutable as $$ select length($1) > 0 $$;
create table validated (name text check (valid(name) and plain(name) <> ''));
create index on validated (plain(name));
grant select on indexed, indexed_in_part, counted, parted, parent, child, checked_inline, validated to t2s_reader;
create view public.over_rival as select bike_id, plain(model) as model from bikes;
create view public.over_over_rival as select * from over_rival;
grant usage on schema rival to public;
grant select on moods, looking, secured, public.over_rival, public.over_over_rival to t2s_reader;
"""
