select a operator(pg_catalog.+) b from t

select @ a, |/ n, a # b, ~ a, - a, + a, not flag from t
-- sqlglot's parser drops a plus sign in front of a value
--+ a <- f.t.a IDENTITY

select a !~~ 'x' from (select c as a from t) s

select body @> '{}', body <@ '{}', body ? 'a', body ?| array['a'], body ?& tags, body #> tags, body #>> '{a}', body - 'a', body || '{}', body -> 'a' ->> 'b', body @? '$', body @@ '$' from doc

select nums && array[1], nums[1], nums[1:2], tags[array_length(nums, 1)] from doc

select a from t order by a using <, b using >

select c from t* order by c

select a from only t

select count(*) from t tablesample system (50) repeatable (1 + 2)

select a from t for update

select t.a from t join u on t.id = u.t_id for update of t skip locked

select a from t order by b fetch first 3 rows with ties

select a from t limit (select max(v) from w) offset (select min(id) from u)

select from t

select a, from_ from (select a, b as from_ from t) x

table t

values (1, 2), (3, 4) order by 1

select array[[a, b], [b, a]] from t

select (p).l, (p).r, (comp.p).l, ps[1].r, (ps[id]).l from comp

select row(a, b), row(a, b)::pair, (row(a, c)::pair).l from t
-- which of the row's values is field l stands in the type
--+ l <- f.t.c TRANSFORMATION

select (p).* from comp
-- the fields of a composite type are not in the text
--+ * <- f.comp.p TRANSFORMATION
--- l <- f.comp.p TRANSFORMATION
--- r <- f.comp.p TRANSFORMATION

select cast(tags as varchar[]), nums::bigint[], n::numeric(10, 2) from doc, t

select c collate "C" < 'x' from t

select d at time zone 'UTC', now() at time zone c from t

select a is distinct from b, a is not distinct from b, a isnull, b notnull, flag is true, flag is not unknown from t

select a between b and id, a between symmetric b and id, a not between 1 and b from t

select c like 'a' escape '!', c not ilike c, c similar to 'x', c ~ 'y', c !~* 'z' from t

select (d, d) overlaps (d, d) from t

select (a, b) = (id, a), (a, b) in (select id, a from u), row(a, b) < row(1, 2) from t

select xmlelement(name foo, xmlattributes(c as x, a), b) from t

select xmlforest(a, b as c), xmlconcat(x, x), xmlpi(name php, c) from t, doc

select xmlparse(document c), xmlserialize(content x as text), xmlroot(x, version '1.0', standalone yes), xmlexists('//a' passing by ref x) from t, doc

select xmlagg(x order by doc.id) from doc

select count(distinct a), count(distinct (a, b)), sum(all a), count(t), count(t.*) from t

select percentile_cont(0.5) within group (order by n), mode() within group (order by a desc), rank(3) within group (order by a), percentile_disc(array[0.1, 0.2]) within group (order by b) from t

select sum(a) over (order by b rows between 1 preceding and current row exclude ties), lag(a, b, id) over w, first_value(c) over w, sum(a) over (w rows unbounded preceding) from t window w as (partition by c order by d)

select sum(a) over (w), row_number() over w2 from t window w as (partition by c), w2 as (w order by id)

select rank() over (order by sum(a)), sum(sum(b)) over (partition by c) from t group by c

select grouping(a, b), sum(id) from t group by grouping sets ((a), (), rollup (a, b), cube (b))

select a, b, count(*) from t group by cube (a, b)

select a as x, count(*) from t group by x

select a as b, count(*) from t group by b, a

select a + 1, sum(b) from t group by a + 1 having sum(b) > max(id) order by a + 1

select c as a from t order by a

select c as a from t order by a || 'x'

select t.a as b from t order by b

select a, b from t order by 2 desc nulls last, 1

with x as materialized (select a from t), y as not materialized (select b from u, x cross join t) select * from x

with x as (select a from t) select * from x x1, x x2 where x1.a = x2.a

with x as (select a from t), x2 as (select a + 1 as z from x) select z from x2

with recursive r(n, path) as (select id, array[id] from t where a is null union all select t.id, r.path || t.id from t join r on t.a = r.n) select n, path from r

with recursive r as (select id, a from t union select u.id, r.a from u, r where u.t_id = r.id) select * from r

with recursive x(a, b) as (select a, b from t union all select a + 1, b from x where a < 10) search depth first by a, b set o select * from x

with recursive x(a, b) as (select a, b from t union all select a + 1, b from x where a < 10) search breadth first by a set o select o from x

with recursive x(a, b) as (select a, b from t union all select a + 1, b from x where a < 10) cycle a, b set is_cycle using path select is_cycle, path from x

with recursive x(a) as (select a from t union all select a + 1 from x) cycle a set c to 'y' default 'n' using p select * from x

select * from t left join u using (id, a)

select j.id, j.* from t join u using (id) as j

select * from (t join u on t.id = u.t_id) as j(i1, i2)

select j.a from (t natural join w) as j

select * from t natural left join u, w cross join doc full outer join comp on (w.id = comp.id)

select * from t join (u join w on u.a = w.v) on t.a = u.a

select * from t join u join w on u.a = w.v on t.a = u.a

select * from t right join u using (id)

select t.id, u.id, id from t right join u using (id)

select id, t.id, u.id from t full join u using (id) join w using (id)

select * from t join u using (id) join w using (id)

select * from t left join u using (a) left join w on w.id = u.id where t.a = 1

select * from rows from (generate_series(1, 2), unnest(array[3])) with ordinality as r(x, y, z)

select * from generate_series(1, 10) as g(i), t where t.a = g.i

select g from generate_series(1, 3) g

select t.a, g.g from t, generate_series(1, t.b) g

select * from unnest(array[1, 2], array['a', 'b']) with ordinality as u(x, y, n)

select doc.id, tag from doc, unnest(tags) as tag

select doc.id, u.* from doc, unnest(tags, nums) with ordinality u

select doc.id, k, v from doc, jsonb_each(body) as e(k, v)

select doc.id, e.* from doc cross join lateral jsonb_each_text(doc.body) e

select * from doc, jsonb_to_recordset(body) as r(x int, y text)

select r.x from doc, jsonb_to_record(body -> 'a') as r(x int, y text)

select jsonb_array_elements(body) -> 'x' from doc

select unnest(tags), generate_series(1, id) from doc

select * from doc, jsonb_array_elements_text(body) with ordinality

select * from doc left join lateral (select unnest(tags) as tag) s on true

select * from doc, lateral (select count(*) from t where t.id = doc.id) c

select * from t, lateral (select t.a + u.a as s from u where u.id = t.id offset 0) q

select t.a, x.* from t cross join lateral (values (t.a, 1), (t.b, 2)) as x(v, w)

select * from (values (1, 'a'), (2, 'b')) as v(x, y) join t on t.id = v.x

select * from (values ((select max(a) from t), 2)) v

select x.* from doc, xmltable('/r' passing x columns a int path '@a', b text path 'b' default 'z', o for ordinality) x

select xmltable.* from doc, lateral xmltable('/r' passing (doc.x) columns a int, b text)

select extract(epoch from d), substring(c from 1 for a), substring(c from 'x'), substring(c, 2), overlay(c placing c from a), position('x' in c), trim(both 'x' from c), trim(leading from c), trim(c), normalize(c, nfc) from t

select interval '1' day, interval '1 day' * a, date '2001-01-01' + a, timestamp 'now', point '(1,2)', b'1', x'1f' from t

select current_date, current_time, localtimestamp, current_user, session_user, user, current_catalog, current_schema, current_role, now() from t

select exists(select 1 from u where u.id = t.id), array(select a from u order by m), a = any(select id from u), a > all(array[1, b]), a in (1, b, id), a not in (select a from u) from t

select (select max(m) from u where u.id = t.id), (select a from t t2 limit 1), (select count(*) from u) + 1 from t

select a as "x y", b "Z", c "name" from t

select distinct a, b + 1 from t order by 1

select distinct on (a, b) c from t order by a, b, d

select coalesce(a, b), nullif(a, b), greatest(a, b), least(a, id), case when flag then a else b end, case a when 1 then b when id then a end from t

select a::text, a::varchar(3), c::char(2), c::"char", a::int8, a::float8, d::timestamptz, flag::int, a::double precision, c::name from t

select 'x', 1, null, true, 1.5, array[1], row(1, 2), 'a'::text, '1'::int from t

select upper(c) || a::text, length(c), round(n, 1), abs(-a), add(a, b), total_of(a) over () from t

select f.add(x => a, y => b), f.add(a, y => 2) from t

select total_of(a) filter (where flag) from t

select pg_catalog.upper(c), f.t.a, t from f.t

select tableoid, * from part

select "Odd Name"."Some Column", o."Some Column" as x from "Odd Name", "Odd Name" o

select a from t union select a from u intersect select v from w except all select id from doc order by 1 limit 3

(select a from t order by b limit 1) union all (select id from u order by m)

select a from ((select b as a from t) union (select 1)) x

select x.y from (select a as y from t union all select id from u) x where x.y > 1

select 1 from t where (a, b) = any (select id, a from u)

select a from t where exists (select from u where u.id = t.id and exists (select 1 from w where w.id = u.a and w.v = t.b))

select a from t where a > all (select a from u where u.id = t.id) and b = (select max(v) from w)

select s.a, (select s.b from u where u.id = s.a) from (select a, b from t) s

select (select (select t.a from w limit 1) from u limit 1) from t

select a from t group by a having count(*) > (select count(*) from u where u.a = t.a)

select sum(case when flag then a else 0 end), count(*) filter (where b > 1), avg(a) filter (where c = 'x' and flag) from t

select string_agg(c, ',' order by d, id), array_agg(distinct a), json_agg(t), jsonb_object_agg(c, a), bool_and(flag), every(flag), bit_or(a), regr_slope(a, b), stddev(n), var_pop(n) from t

select to_jsonb(t), row_to_json(t.*), hstore_like from t, (select 'x' as hstore_like) h

select t from t

select x from (select a, b from t) x

select x.* from (select a, b from t) x

select (x).a, (x).b from (select t as x from t) s

select (s.x).a from (select u as x, 1 as y from u) s

select length(c) from t where c ~ '^x' limit 5

select tv.ab, tvv.cc, tm.total from tv, tvv, tm

select * from parent

select * from part where region = 'eu'

select gross, net + tax from gen

insert into w select id, c, a from t

insert into w (v, id) select a, id from t where flag

insert into w values (1, 'a', 2), (2, 'b', default)

insert into w (id, v) values (1, (select max(a) from t)), (2, 3)

insert into w default values

insert into gen (id, net) select id, a from t returning id, gross, tax as x

insert into w as ww (id, k) select id, c from t on conflict do nothing

insert into t (id, a, b) values (1, 2, 3) on conflict (id) do update set a = excluded.a, b = t.b + excluded.b, c = 'x'

insert into t as x (id, a) select id, a from u on conflict (id) do update set (a, b) = (excluded.a, x.b), c = default where x.flag returning *

insert into t (id, a) select id, a from u on conflict (id) do update set (a, b) = (select v, id from w where w.id = excluded.id)

insert into t (id, a) select id, a from u on conflict on constraint t_pkey do update set a = 1 where excluded.a > t.b

insert into comp (id, p.l, p.r) select id, a, c from t

insert into doc (id, nums[1], tags[2]) select id, a, c from t

insert into w (id, v) overriding user value select id, a from t

with x as (select id, a from t) insert into w (id, v) select * from x

insert into w (id, v) with x as (select id, a from t) select * from x

insert into w table w

insert into w (id, v) (select id, a from t union select id, a from u)

insert into tv (id) select id from u

insert into part select id, c, a from t

insert into log (id) values (1)

update t set a = b + 1, c = default where id = 3

update t set (a, b) = (b, a)

update t set (a, b) = row(b, id), (c) = (select k from w where w.id = t.id)

update t x set a = x.a + u.a, c = u.e from u left join w on w.id = u.id where u.t_id = x.id returning x.*, u.m as z

update only parent set name = upper(name)

update comp set p.l = id, ps[1].r = 'x', ps[2] = p

update doc set nums[id] = id + 1, tags[1:2] = tags[2:3], body['a'] = to_jsonb(id), body['b']['c'] = '1'

with x as (select max(a) as m from u) update t set a = x.m from x where t.b = x.m

update t set a = (select count(*) from u where u.t_id = t.id), b = case when flag then a else b end

update t set a = s.v from (values (1, 2)) s(id, v) where s.id = t.id

update t set flag = exists (select 1 from u where u.a = t.a)

delete from t where a in (select a from u where e is null)

delete from t x using u, w where x.id = u.t_id and u.a = w.v returning x.*, w.k

delete from t

with d as (delete from t where flag returning *) select count(*) from d

with d as (delete from t where flag returning id, a) insert into w (id, v) select id, a from d where a > 1 returning v

with i as (insert into w (id, v) select id, a from t returning id, v), u2 as (update u set a = i.v from i where i.id = u.id returning u.*) select * from u2
-- the rows of RETURNING are those of the relation that is written, not of what was scanned for it
--+ (rows) <- f.t.(none)
--+ f.u (rows) <- f.t.(none)

with x as (update t set a = b returning a, b) select sum(a) from x

merge into t using u on t.id = u.t_id when matched then update set a = u.a, b = t.b + u.a when not matched then insert (id, a, c) values (u.id, u.a, 'x')

merge into t as x using (select id, sum(a) as s from u group by id) y on x.id = y.id when matched and x.flag then delete when matched then update set (a, b) = (y.s, x.a) when not matched and y.s > 0 then insert values (y.id, y.s) when not matched then do nothing

merge into w using t left join u on u.t_id = t.id on w.id = t.id when matched then update set v = u.a when not matched then insert (id, k) values (t.id, t.c)

merge into w using (values (1, 'a')) v(i, s) on w.id = i when matched then update set k = s when not matched then insert default values

with s as (select id, a from t) merge into w using s on w.id = s.id when not matched then insert (id, v) values (s.id, a)

create table made as table t

create table made as select * from t with no data

create table made (p, q) as values (1, 2)

create temp table made on commit drop as select a, count(*) from t group by a

create unlogged table made as with x as (select a from t) select * from x

create table if not exists made as select a from t union select a from u

create view made as select a, upper(c) from t where flag

create or replace temp view made (x, y) as select a, b from t

create view made with (security_barrier) as select a from t with cascaded check option

create materialized view if not exists made as select a, sum(b) over (partition by c) from t with no data

select a, b into temp made from t

select a into table made from t union select a from u

copy (select a, b from t where flag) to stdout

copy (insert into w (id) select id from t returning id, v) to stdout

copy t to stdout

copy t (id, a) from stdin

declare cur cursor for select a from t

declare cur no scroll cursor with hold for select a, b from t order by c

prepare pr (int) as select a from t where id = $1

prepare pr2 as insert into w (id, v) select id, a from t

explain (costs off) select a from t

explain analyze verbose update t set a = b

select * from pg_catalog.pg_class c, information_schema.tables it where c.relname = it.table_name

select c.relname, n.nspname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped order by 1, 2, a.attnum

select relname, (select count(*) from pg_index i where i.indrelid = c.oid) as indexes, pg_get_userbyid(relowner), c.oid::regclass from pg_class c where oid = 't'::regclass

select conname, pg_get_constraintdef(oid, true) from pg_constraint where conrelid = 'f.t'::regclass order by conname

select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't'::regclass

select * from aclexplode(array[]::aclitem[])

select c.relname, acl.grantee from pg_class c, aclexplode(c.relacl) acl

select c.oid, (aclexplode(c.relacl)).grantor as grantor, (aclexplode(c.relacl)).privilege_type from pg_class c

select o.option_name from pg_foreign_server s, pg_options_to_table(s.srvoptions) o

select * from pg_options_to_table(array['a=b'])

select pg_typeof(a), (pg_stat_file('x')).size from t

select (jsonb_each(body)).key, (jsonb_each(body)).* from doc

select k.* from doc, jsonb_object_keys(body) k

select m[1] from t, regexp_matches(c, 'x') m

select regexp_split_to_table(c, ','), t.id from t

select a, lead(a) over (order by b) - a as delta, ntile(4) over (order by n) from t

select a, count(*) over () total, avg(n) over (partition by flag, a % 2 order by d desc rows 3 preceding) from t

select t1.a, t2.a from t t1, t t2 where t1.id = t2.id

select a1.x, b1.y from (select a x from t) a1 join lateral (select u.a as y from u where u.id = a1.x) b1 on a1.x > b1.y

select t.a in (select u.a from u where u.id = t.id) as hit, t.b = any (array(select id from w)) from t

select array_agg(a order by b desc) filter (where c is not null) as arr from t group by flag

select sum(a) as s from t group by () having sum(a) > 1

select coalesce((select e from u where u.t_id = t.id limit 1), c, 'none') as label from t

select max(a) from t where b = 1 group by c order by max(n) desc limit 1

select t.*, row_number() over (partition by t.c order by t.id) as rn from t

select * from (select *, row_number() over (partition by c order by id) as rn from t) s where rn = 1

select * from t where id = any (array[1, 2]) and c like any (array['x', 'y'])

select c, sum(a) s from t group by 1 having sum(a) > 1 order by s

select x.a, y.total from t x join (select c, sum(a) as total from t group by c) y on y.c = x.c and y.total > x.a

select u.a * t.a as prod, -t.a as neg, t.a is null as isn, (t.a) as par, t.flag and u.a > 1 as both from t join u on u.t_id = t.id

select date_trunc('month', d) as m, extract(year from d)::int as y, to_char(d, 'YYYY'), age(d), d - interval '1 month' from t group by d

select a as a1, a1.b from t as a1

select nspname, relname from pg_namespace n, pg_class where relnamespace = n.oid

select ((a)), ((a + b)) * 2, (((select a from t limit 1))) from t

select n % 2, n ^ 2, a & b, a | b, a << 1, a >> b, a <> b, a != b, a <= b from t

select c || c, c || a, 'x' || c from t

select 1 as one union all select a from t union all select null

select * from (select 1 as one, 'x' as two) s, (select a from t) r

select l.* from t l where not exists (select * from u r where r.id = l.id)

select count(*) from t, u where t.id = u.t_id

select sum(1) from t

select 'lit' as k, count(*) as n from t group by 1

select b.a from t b inner join t c on b.id = c.id left outer join u d on d.id = c.id

select u.e as t, t.c as u from t, u

select t.t from (select a as t from t) t

select a.a, b.a from (select a from t) a, (select a from u) b

select * from t where a = 1 or b in (select id from u union select id from w)

select f.a from (select * from t) f

select * from tv union all select id, a, e from u

select sq.* from (select t.id as tid, u.* from t, u) sq

select pair.l from (select (p).l from comp) pair

select a, a as b, a from t

select * from (select a, a from t) x(p, q)

select x.p, x.b from (select a, b from t) x(p)

select sum(x.a + x.b) from t x group by grouping sets ((x.c), (x.d), ())

select rank() over (order by a), dense_rank() over (partition by b order by a), percent_rank() over (order by n), cume_dist() over (order by d), nth_value(c, 2) over (order by a) from t

select a from t where a = (select a from u where u.id = 1) order by (select m from u limit 1)

select (array[a, b])[1], (select array[a, b] from t limit 1)[1] from t

select a.oid, b.rolname from pg_authid b, pg_class a where a.relowner = b.oid

merge into t using u on t.id = u.t_id when matched then update set (a, b) = (select w.v, w.id from w where w.id = u.id)
