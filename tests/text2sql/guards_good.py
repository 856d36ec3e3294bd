"""Statements of analysts that the guard passes, by what they use."""

GOOD = {
    "windows": [
        "select trip_id, row_number() over (partition by rider_id order by started_on desc nulls last) from trips",
        (
            "select trip_id, rank() over w, dense_rank() over w, percent_rank() over w, cume_dist() over w"
            " from trips window w as (order by fare desc)"
        ),
        "select started_on, sum(fare) over (order by started_on rows between 6 preceding and current row) from trips",
        (
            "select started_on, avg(fare) over (order by started_on range between interval '7 days' preceding"
            " and current row exclude current row) from trips"
        ),
        "select started_on, count(*) over (order by fare groups between 1 preceding and 1 following) from trips",
        (
            "select trip_id, lag(fare, 1, 0::numeric) over w - fare, lead(fare) over w, first_value(fare) over w,"
            " last_value(fare) over w, nth_value(fare, 2) over w, ntile(4) over w"
            " from trips window w as (partition by bike_id order by started_on)"
        ),
        (
            "select * from (select t.*, row_number() over (partition by bike_id order by fare desc) as place"
            " from trips t) ranked where place <= 3"
        ),
        "select rider_id, sum(sum(fare)) over (order by rider_id) from trips group by rider_id",
        "select sum(fare) filter (where fare > 5) over (partition by rider_id) from trips",
    ],
    "groups": [
        (
            "select rider_id, bike_id, sum(fare), grouping(rider_id, bike_id) from trips"
            " group by grouping sets ((rider_id), (bike_id), ())"
        ),
        "select extract(year from started_on) as y, bike_id, count(*) from trips group by rollup (1, 2)",
        "select city, count(*) from riders group by cube (city) having count(*) > 1",
        (
            "select percentile_cont(0.5) within group (order by fare), percentile_disc(array[0.25, 0.75])"
            " within group (order by fare), mode() within group (order by bike_id) from trips"
        ),
        "select rank(10) within group (order by fare) from trips",
        "select string_agg(distinct model, ', ' order by model) from bikes",
        "select array_agg(model order by weight_kg desc) from bikes",
        (
            "select stddev_samp(fare), variance(fare), corr(fare, duration_minutes), regr_slope(fare, duration_minutes),"
            " covar_pop(fare, duration_minutes) from trips"
        ),
        "select bool_and(is_electric), bool_or(is_electric), every(weight_kg > 1), bit_or(bike_id) from bikes",
        "select json_agg(model), jsonb_object_agg(bike_id, model), json_object_agg(bike_id, weight_kg) from bikes",
        "select distinct on (rider_id) rider_id, trip_id, fare from trips order by rider_id, fare desc",
        "select model, count(distinct station_id) from bikes group by model order by 2 desc nulls last, 1",
        "select min(started_on), max(started_on), max(started_on) - min(started_on) from trips",
        "select sum(case when fare > 10 then 1 else 0 end)::numeric / nullif(count(*), 0) from trips",
    ],
    "queries": [
        "select * from trips order by fare desc fetch first 3 rows with ties",
        "select * from trips order by trip_id limit 5 offset 10",
        "select * from trips offset 3 rows fetch next row only",
        "select rider_id from trips intersect select rider_id from riders",
        "select rider_id from riders except all select rider_id from trips",
        "(select model from bikes limit 1) union all (select city from riders limit 1) order by 1",
        "values (1, 'a'), (2, null) order by 1 desc limit 1",
        "select * from (values (1, 'x'), (2, 'y')) v (n, t) join bikes on bike_id = n",
        "select * from riders natural join trips",
        "select * from bikes left join fleet.stations using (station_id) as s",
        "select * from bikes b full join trips t on t.bike_id = b.bike_id and t.fare > 3",
        "select * from bikes cross join lateral (select max(fare) from trips t where t.bike_id = bikes.bike_id) m (top)",
        (
            "select r.full_name, latest.* from riders r left join lateral"
            " (select * from trips t where t.rider_id = r.rider_id order by started_on desc limit 1) latest on true"
        ),
        "with a as materialized (select * from trips), b as not materialized (select * from a) select count(*) from b",
        (
            "with recursive d (day) as (select date '2024-01-01' union all select day + 1 from d"
            " where day < date '2024-01-31') select day from d"
        ),
        (
            "with recursive tree (id, path) as (select bike_id, array[bike_id] from bikes where bike_id = 1 union all"
            " select b.bike_id, t.path || b.bike_id from bikes b join tree t on b.bike_id = t.id + 1) select * from tree"
        ),
        (
            "with recursive tree (id, label) as (select bike_id, model from bikes where bike_id = 1 union all"
            " select b.bike_id, t.label || ' > ' || b.model from bikes b join tree t on b.bike_id = t.id + 1) select * from tree"
        ),
        "with recursive r (n) as (select 1 union all select x.n + 1 from (select n from r) x where x.n < 9) select * from r",
        (
            "with recursive t (id, name, path) as (select bike_id, model, model from bikes where bike_id = 1 union all"
            " select b.bike_id, b.model, t.path || ' > ' || t.name from bikes b join t on b.bike_id = t.id + 1) select * from t"
        ),
        "with recursive t (a, b) as (select 0, 1 union all select b, a + b from t where b < 1000) select a from t",
        (
            "with recursive g (a, b) as (select rider_id, bike_id from trips union select g.a, t.bike_id from g"
            " join trips t on t.rider_id = g.b) search breadth first by a set o cycle a, b set looped using way select * from g"
        ),
        "select (select count(*) from trips t where t.rider_id = r.rider_id) from riders r",
        "select * from riders r where not exists (select from trips t where t.rider_id = r.rider_id)",
        "select * from bikes where bike_id = any (select bike_id from trips) and weight_kg > all (select 1.0)",
        "select * from bikes where (model, station_id) in (select model, station_id from bikes where is_electric)",
        "select * from trips where (started_on, trip_id) > ('2024-03-01', 5)",
        "select row(1, 'a') = row(1, 'a'), row(bike_id, model) from bikes",
        "select b from bikes b where b is not null",
        "select (b).model, (b).* from bikes b",
        "select * from only riders",
        "table bikes order by 1 limit 2",
        "select * from trips tablesample bernoulli (10)",
        "select * from trips tablesample system (50) repeatable (7)",
        "select count(*) from trips where started_on between symmetric '2024-12-31' and '2024-01-01'",
        "select 1 where null is distinct from 1 and true is not unknown",
        "select from bikes",
        'select 1 as "select", 2 as "; drop table bikes"',
        "select /* ; drop table bikes */ 1 -- ; delete from bikes",
        "select $tag$ ; drop table bikes $tag$",
        "select U&'d\\0061t\\+000061' as x",
        "select E'line\\n\\x41\\u0041'",
        "select model from bikes where model like '50\\%%' escape '\\' or model ilike any (array['a%', 'b_'])",
        "select model from bikes where model similar to '(S|C)%' or model ~* '^s.*t$' or model !~ 'x'",
        'select b.model as "型号", count(*) as "数量" from bikes b group by 1',
        "select coalesce(email, 'none'), nullif(city, ''), greatest(1, 2), least(1, 2) from riders",
        "select 1::bigint, '2'::int, cast('3' as numeric(10, 2)), 4::text, '5'::varchar(3), true::int, 'f'::bool",
        "select '{1,2}'::int[], '(1,2)'::point, '[1,5)'::int4range, '10.0.0.1/8'::inet, '1 day'::interval, 'a=>1' = 'x'",
        'select model collate "C" from bikes order by model collate "de-x-icu"',
        "select current_date, current_timestamp, localtime, now(), statement_timestamp(), transaction_timestamp()",
        "select current_user, session_user",
    ],
    "dates": [
        "select date_trunc('quarter', started_on), extract(dow from started_on), extract(epoch from now() - started_on) from trips",
        "select date_part('year', age(started_on)), age(current_date, birth_date) from trips join riders using (rider_id)",
        "select started_on + interval '1 month' - interval '3 days' * 2, started_on + 7, started_on - date '2024-01-01' from trips",
        "select started_on at time zone 'Asia/Shanghai', now() at time zone 'UTC', timezone('UTC', now()) from trips",
        "select to_date('2024-02-03', 'YYYY-MM-DD'), to_timestamp(0), to_timestamp('2024', 'YYYY'), make_date(2024, 2, 29)",
        "select to_char(started_on, 'Day, DD Month YYYY'), to_char(fare, 'FM999G990D00'), to_char(interval '90 min', 'HH24:MI') from trips",
        "select date_bin('15 minutes', now(), timestamptz 'epoch'), make_interval(days => 3), justify_days('40 days')",
        "select isfinite(date 'infinity'), (date '2024-01-01', interval '2 days') overlaps (date '2024-01-02', date '2024-02-01')",
        (
            "select d::date, count(t.trip_id) from generate_series(date '2024-01-01', '2024-03-01', interval '1 week') d"
            " left join trips t on t.started_on >= d and t.started_on < d + interval '1 week' group by d"
        ),
        (
            "select g from generate_series((select min(started_on) from trips), (select max(started_on) from trips),"
            " interval '1 month') g"
        ),
        "select * from generate_series(1, 10, 3) with ordinality as g (value, place)",
        "select random() * 10, width_bucket(fare, 0, 50, 5), ceil(fare), floor(fare), round(fare, 1), trunc(fare), mod(trip_id, 3) from trips",
        "select power(2, 10), sqrt(2), ln(10), log(2.0, 8), exp(1), sign(-1), abs(-2), pi(), degrees(pi()), factorial(5), 2 ^ 0.5, gcd(8, 12)",
    ],
    "texts": [
        "select upper(model), lower(model), initcap(model), length(model), reverse(model), left(model, 2), right(model, 2) from bikes",
        "select substring(model from 1 for 3), substring(model from '[aeiou]'), position('i' in model), strpos(model, 'a') from bikes",
        "select overlay(model placing 'xx' from 1 for 2), trim(both ' ' from model), ltrim(model), btrim(model, 'S') from bikes",
        "select replace(replace(replace(email, '.', ''), '-', ''), '@', ' at ') from riders",
        "select regexp_replace(email, '@.*$', ''), regexp_match(email, '(.*)@'), regexp_split_to_array(email, '@') from riders",
        "select email, m[1] from riders, regexp_matches(email, '[a-z]+', 'g') m",
        "select s from riders, regexp_split_to_table(email, '\\W') s",
        "select split_part(email, '@', 2), string_to_array(email, '@'), array_to_string(array[1, 2], ','), translate(city, 'ab', 'AB') from riders",
        "select word from riders, string_to_table(full_name, ' ') word",
        "select concat(city, ' ', rider_id), concat_ws(', ', full_name, city), full_name || ' ' || city, format('%s (%s)', full_name, city) from riders",
        "select format('%-20s|%10s', city, rider_id), format('%I.%L', 'a b', 'c'), quote_literal(city), quote_ident(city) from riders",
        "select repeat('*', 5), lpad(bike_id::text, 6, '0'), rpad(model, 20, '.') from bikes",
        "select repeat('=', 3) || lpad('x', 9, '-')",
        "select model, repeat('*', least(count(*)::int, 60)) from bikes group by model",
        (
            "with a as (select full_name || ' ' || city || ' ' || email as t from riders), b as (select t || ': ' || t as t from a)"
            " select replace(replace(replace(t, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') from b"
        ),
        "select ascii('a'), chr(65), md5(model), encode(sha256(model::bytea), 'hex'), to_hex(255), starts_with(model, 'S') from bikes",
        (
            "select to_tsvector('english', full_name) @@ plainto_tsquery('english', 'ana'), ts_rank(to_tsvector('simple', city),"
            " to_tsquery('simple', 'lyon | porto')) from riders"
        ),
        "select ts_headline('english', full_name, websearch_to_tsquery('english', 'ana -bo')), numnode(to_tsquery('a & b')) from riders",
        "select normalize('é', nfd), 'a' < 'b' collate \"C\", convert_from(convert_to(model, 'UTF8'), 'UTF8') from bikes",
        "select to_number('1,234.5', '9G999D9'), bit_length('a'), octet_length('a'), char_length('a')",
        "select unnest(array['a', 'b']), unnest(array[1, 2, 3])",
        "select * from rows from (generate_series(1, 3), unnest(array['a', 'b'])) as r (n, t)",
        (
            "select array[1, 2] || 3, array_length(array[1], 1), cardinality(array[1]), 1 = any (array[1, 2]), array[1, 2] @> array[1],"
            " (array[5, 6])[1:2], array_position(array['a'], 'a'), array_remove(array[1], 1), array_append(array[1], 2)"
        ),
        "select array_fill(0, array[3]), array(select bike_id from bikes order by 1)",
        "select trim_array(array[1, 2, 3], 1), array_dims(array[[1, 2]]), generate_subscripts(array[4, 5], 1)",
    ],
    "json": [
        "select to_json(b), row_to_json(b), to_jsonb(b) - 'model' from bikes b",
        "select jsonb_build_object('id', bike_id, 'tags', jsonb_build_array(model, weight_kg)) from bikes",
        "select json_build_object('n', count(*)) -> 'n', json_build_object('n', 1) ->> 'n' from bikes",
        "select '{\"a\": {\"b\": [1, 2]}}'::jsonb #>> '{a,b,0}', '{\"a\": 1}'::jsonb @> '{\"a\": 1}', '{\"a\": 1}'::jsonb ? 'a'",
        "select ('{\"a\": 1}'::jsonb)['a'], jsonb_typeof('[]'), jsonb_array_length('[1]'), jsonb_pretty('{}')",
        "select key, value from bikes b, jsonb_each_text(to_jsonb(b))",
        "select e ->> 'x' from jsonb_array_elements('[{\"x\": 1}]') e",
        'select * from jsonb_to_recordset(\'[{"a": 1, "b": "x"}]\') as r (a int, b text)',
        "select (json_populate_record(null::bikes, '{\"bike_id\": 5}')).bike_id",
        "select jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > 1)'), jsonb_path_exists('{}', '$.a'), '{\"a\": 2}'::jsonb @@ '$.a == 2'",
        "select jsonb_set('{\"a\": 1}', '{a}', '2'), jsonb_insert('{}', '{a}', '1'), jsonb_strip_nulls('{\"a\": null}')",
        "select jsonb_object_keys(to_jsonb(b)) from bikes b",
        "select xmlelement(name bike, xmlattributes(bike_id as id), model), xmlforest(model, weight_kg) from bikes",
        "select * from xmltable('/r/x' passing xml '<r><x>1</x></r>' columns n int path '.')",
    ],
    "types": [
        "select int4range(1, 5) * int4range(3, 9), daterange('2024-01-01', null) @> date '2024-05-05', lower(numrange(1, 2)), isempty('empty'::int4range)",
        "select range_agg(daterange(started_on, started_on + 1)), int4multirange(int4range(1, 2)) from trips",
        "select uuid '00000000-0000-0000-0000-000000000001', gen_random_uuid(), inet '10.1.2.3' << inet '10.0.0.0/8', host(inet '10.0.0.1')",
        "select point(1, 2) <-> point(3, 4), box '(1,1),(0,0)' @> point '(0.5,0.5)', circle(point(0, 0), 1)",
        "select money '12.30', b'101' & b'011', '\\xdead'::bytea, get_byte('\\x01', 0), bit_count('\\xff'::bytea)",
        "select pg_typeof(fare), pg_size_pretty(1024::bigint), pg_column_size(fare) from trips",
        "select mood from reviews order by mood",
        "select 'happy'::feeling, enum_range(null::feeling), enum_first(null::feeling)",
        "select stars, stars + 1, 4::stars, '5'::stars from reviews",
        "select (place).lat, (place).* from reviews",
        "select row(1.5, 2.5)::place, ('(1,2)'::place).lon",
        "select span(1.0, 2.5) @> 2.0::float8, lower('[1,2]'::span)",
        "select price_with_tax, price from offers where price_with_tax > 10",
        "select label_of(model), longest(model, 'x') from bikes",
        "select public.label_of(model) from fleet.bikes where public.label_of(model) = 'swift'",
        "select middle(fare) from trips",
        "select model === 'SWIFT' from bikes",
        "select * from heavy_bikes where model = 'Cargo'",
        "select * from heavier join trips using (bike_id)",
        "select * from weights order by 1",
        "select * from trips_of(3)",
        "select r.full_name, t.* from riders r, trips_of(r.rider_id) t",
        "select tenant_bikes.model from tenant_bikes",
        "select * from guarded",
        "select * from logbook where day = '2024-01-02'",
        "select * from old_notes union all select * from notes",
        "select * from indexed where label_of(name) = 'x'",
        "select name from rival.validated",
    ],
    "extensions": [
        "select similarity(model, 'swift'), model % 'swft', word_similarity('car', model), model <-> 'x' from bikes",
        "select show_trgm('abc'), levenshtein('a', 'b'), soundex('Ana'), metaphone('Ana', 4), dmetaphone('Ana') from bikes",
        "select unaccent('Müller'), unaccent('unaccent', 'é')",
        "select 'a=>1,b=>2'::hstore -> 'a', akeys('a=>1'::hstore), hstore('a', '1') || hstore('b', '2'), (each('a=>1'::hstore)).key",
        "select 'Top.Science'::ltree <@ 'Top'::ltree, nlevel('a.b'), subpath('a.b.c', 1), 'a.b'::ltree ~ '*.b'::lquery",
        "select 'ABC'::citext = 'abc', cube(array[1, 2]) <-> cube(array[3, 4]), earth_distance(ll_to_earth(0, 0), ll_to_earth(1, 1))",
        "select digest('a', 'sha256'), hmac('a', 'b', 'sha1'), encode(digest('x', 'md5'), 'base64')",
        "select llm_complete is null from (select null::text as llm_complete) x",
    ],
}
