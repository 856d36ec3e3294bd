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
-- the columns of a constraint are in the catalog
--- f.t (rows) <- f.t.id FILTER

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

select x.k, x.v from pairs(3) x

select k, v, t.a from t, pairs(t.a)

select * from pairs(2) p(x)

select p.* from t, lateral pairs(t.id) with ordinality as p(x, y, n)

select ints(a), t.c from t

select i from ints(4) i

select (pairs(a)).k, (pairs(b)).* from t

select f.total_of(a order by id) from t

select * from rows from (pairs(1), ints(2), generate_series(1, 3)) as r(a, b, c, d)

with recursive tree(id, a, depth, path) as (select id, a, 0, array[id] from t where a is null union all select t.id, t.a, depth + 1, path || t.id from tree join t on t.a = tree.id where depth < 5) select tree.*, u.e from tree left join u using (id) order by path

with a(x) as (values (1), (2)), b as (select x, t.c from a join t on t.id = x) insert into w (id, k) select * from b returning *

with d as (delete from u where a > 1 returning t_id, m), s as (select t_id, sum(m) as total from d group by t_id) update t set n = s.total from s where s.t_id = t.id returning t.id, s.total

with moved as (update t set a = a + 1 where flag returning id, a), logged as (insert into log (id, what) select id, 'x' || a from moved returning *) select count(*), max(what) from logged

select t.id, s.* from t left join lateral (select u.e, u.m, row_number() over (order by u.m desc nulls last) as rn from u where u.t_id = t.id limit 3) s on s.rn = 1

select (select array_agg(e order by m) from u where t_id = t.id) as es, exists (select from w where w.id = t.id) as has from t

select t.a from t where (t.a, t.b) in (select u.a, u.id from u where u.t_id = t.id)

select id from t where a = any (select a from u) or b <> all (select v from w) or c is not null and flag

select id from t except select id from u union all select id from w intersect select a from u order by 1

select 1 as x, null as y union select a, c from t order by y desc

(select a, b from t order by a limit 1) union all (select id, a from u order by m desc limit 2) order by 2

select distinct on (c, d) id, a from t order by c, d desc, n

select c, d, sum(n), grouping(c, d), grouping(c) from t group by grouping sets ((c, d), (c), ()) having sum(n) > 10 order by grouping(c), 3 desc

select c, count(*) from t group by rollup (c, d), cube (a, (b, flag))

select percentile_cont(array[0.25, 0.5]) within group (order by n) filter (where flag) as q, mode() within group (order by c) from t

select sum(n) over w1 - lag(n, 2, 0.0) over w2, count(*) filter (where a > 1) over w1 from t window w1 as (partition by c order by d range between interval '1 day' preceding and current row), w2 as (partition by a order by b)

select ntile(a) over (order by b), nth_value(c, 2) over (partition by d order by n groups between 1 preceding and 1 following exclude current row) from t

select case when a > b then c when flag then 'x' else coalesce(c, d::text) end as v, case c when 'x' then a end as w from t

select nullif(a, b), greatest(a, b, id), least(n, 1.5), coalesce(null, c) from t

select t, t.*, (t).a, (t.*).b from t

select row_to_json(x) from (select a, c as label from t) x

select to_jsonb(t.*) - 'a' as doc, jsonb_build_object('k', a, 'v', array_agg(b)) from t group by t.*, a

select (p).l as l, (ps[1]).r, ps[1:2], (comp.p).r || 'x' from comp

select body -> 'a' -> 0 ->> 'b', body #>> array['a', tags[1]], body['x']['y'], nums[1], nums[:2] from doc

select e.key, e.value ->> 'x', tag.t from doc, jsonb_each(body) e, unnest(tags) as tag(t) where e.key = tag.t

select r.* from doc cross join lateral jsonb_to_recordset(doc.body -> 'rows') as r(a int, b text, c jsonb)

select j.id, j.label from doc, lateral jsonb_populate_record(null::w, body) as j(id, label, x)

select x.a, x.b from doc, xmltable('//row' passing x columns a int path '@id', b text path 'name' default 'none', n for ordinality) as x where x.n > 1

select a.n, b.n from generate_series(1, 3) a(n) cross join lateral generate_series(a.n, 5) b(n)

select * from t tablesample bernoulli (10) repeatable (3) where a > 1

select id, name from only parent union all select id, name from child

select p.tableoid::regclass, p.ctid, p.* from parent p

select a from t where id = 1 for no key update of t nowait

select t.id from t, u where t.id = u.t_id for update of u skip locked

select * from (t join u using (id)) left join w on w.id = t.id

select * from t natural join w

select id, j.id, a from t full join u using (id, a) as j

select x.id, x.z from (t join u using (id)) as x(id, a1, b1, c1, d1, n1, flag1, z)

select * from t as x(i, j) where x.i > x.j and x.c = 'a'

select l.id, r.id from t l join lateral (select * from u where u.t_id = l.id) r on true cross join w

select c.relname, a.attname from pg_class c, lateral (select attname from pg_attribute where attrelid = c.oid and attnum > 0) a

insert into t (id, a, c) values (1, 2, 'x'), (2, (select max(v) from w), default) on conflict (id) do nothing returning id, a + 1 as next

insert into t as tt (id, a, b) select id, a, 1 from u on conflict (id) where id > 0 do update set (a, b) = (excluded.a, tt.b + 1), c = (select k from w where w.id = excluded.id), d = current_date where tt.flag

insert into tv (id, c) select 1, 'x'

insert into w select * from w where id > 1

insert into w (k) select v::text from (values (1), (2)) as x(v)

insert into comp (id, p) values (1, row(1, 'x')), (2, (select p from comp limit 1))

insert into gen (id) values (1) returning gross, tax

insert into log (id) select id from t returning at

update t set (a, b, c) = (select u.a, u.id, u.e from u where u.t_id = t.id order by m limit 1) where flag

update t set (a, b) = row(b, a), c = upper(c)

update only parent p set name = p.name || '!' where exists (select 1 from child where child.id = p.id)

update tv set c = 'x' || c where ab > 1

update comp set p.l = (p).l + 1, ps[2].r = 'z' where (p).r = 'x'

update doc set body['a'] = to_jsonb(tags[1]), nums[1:2] = array[id, id] where body ? 'a'

update part set amount = amount * 2 where region = 'eu' returning region, amount

delete from t using u join w on w.id = u.id where u.t_id = t.id and w.k = t.c returning t.id, w.k

delete from only parent where id in (select id from child)

delete from tv where ab > 10

merge into t using (select t_id, sum(m) as m from u group by t_id) s on s.t_id = t.id when matched and s.m > 100 then delete when matched and t.flag then update set n = s.m, a = t.a + 1 when not matched and s.m is not null then insert (id, n) values (s.t_id, s.m) when not matched then do nothing

merge into part p using t on t.id = p.id and t.c = p.region when matched then update set amount = t.a when not matched then insert (id, region, amount) values (t.id, t.c, default)

with src as materialized (select id, c from t where flag) merge into w using src on src.id = w.id when matched then update set (k, v) = (src.c, w.v + 1) when not matched then insert values (src.id, src.c, 0)

create table x1 (a, b) as select id, n from t with no data

create table x2 as with q as (select id from t) select q.id, u.* from q join u on u.t_id = q.id

create temporary table x3 on commit drop as values (1, 'a')

select id, a + 1 as a1 into unlogged x4 from t where flag

create materialized view x5 (k, total) as select c, sum(n) from t group by c

create view x6 with (security_barrier = true) as select * from t where a > 1 with local check option

create recursive view x7 (n, s) as select id, a from t union all select n + 1, s from x7 where n < 3

copy (select c, count(*) from t group by c) to stdout with (format csv, header)

copy w (id, k) from stdin with (format csv)

copy t to '/tmp/x'

declare c1 binary cursor for select a, b from t where c = 'x' order by d

prepare p1 (int, text) as update t set a = $1 where c = $2 returning b

explain (analyze, verbose, format json) select a from t where b in (select v from w)

explain insert into w (id, v) select id, a from t

select t.id, count(u.*) as n, bool_or(u.a > t.a) as any_more from t left join u on u.t_id = t.id group by t.id having count(u.id) > 0 order by n desc

select date_part('year', d), extract(month from d), d + interval '1 day' * a, to_char(n, '999') from t

select string_agg(distinct c, ', ' order by c), array_agg(a order by b desc, d), jsonb_object_agg(c, n) from t

select upper(trim(both from c)), substring(c from a for b), position('x' in c), overlay(c placing 'y' from 1 for a), c like '%' || b::text escape '\', c similar to 'a%' from t

select a between b and id, a is distinct from b, flag is not true, c collate "C" > 'x', n::int::text, cast(d as timestamp) from t

select array[a, b] || id, array(select e from u where u.a = t.a), (array[a, b])[1], array[[a], [b]], a = any (array[b, id]) from t

select t1.id, t2.id from t t1 join t t2 on t1.a = t2.id left join t t3 on t3.id = t2.a and t3.flag where t1.c is null

select o."Some Column" + 1 as "New Name", "Odd Name".* from "Odd Name", "Odd Name" o

select q.a, q.total from (select a, sum(n) over (partition by b) as total, rank() over (order by d) as r from t) q where q.r <= 3 order by q.total

select sub.k, sub.cnt from (select k, count(*) cnt from w group by k) as sub where sub.cnt > (select avg(cnt) from (select count(*) cnt from w group by k) z)

select tv.*, tvv.cc, tm.total from tv left join tvv on tvv.ab = tv.ab left join tm on tm.b = tv.id

select a, (select max(x.m) from (select m from u where u.a = t.a union all select n from t t2 where t2.id = t.b) x) from t

select f.t.a, f.u.e from f.t join f.u on f.t.id = f.u.t_id

select max(a) - min(a) as spread, count(distinct (a, b)), sum(a) / nullif(count(*), 0) from t

select current_user, now(), current_date - d, localtimestamp, session_user from t

select * from (values (1, 'a'), (2, null)) as v(id, label) left join t using (id)

values (1, (select max(a) from t)), (2, 3) order by 2 limit 1

table tv

select 1 where exists (table t) and not exists (values (1))

select w.v from w where w.id = (select id from t where t.c = w.k order by d limit 1 offset 1)

select x from (select unnest(nums) as x, unnest(tags) as y from doc) s where y = 'a'

select generate_series(1, a), c from t order by 1

select regexp_matches(c, 'a(.)', 'g'), regexp_split_to_table(c, ',') from t

select (regexp_match(c, 'x'))[1], (string_to_array(c, ','))[a] from t

select make_interval(days => a), f.add(y => a, x => b), add(a, b) + 1 from t

select row(a, b, c), (a, b) = (b, a), row(t.*) from t

select t.a as "a b", t.b as "select", t.c "from" from t

select sum(sum(a)) over (partition by c order by count(*)) from t group by c, b

select first_value(a) over (partition by b order by d) + last_value(n) over w from t window w as (order by id rows unbounded preceding)

select c, lag(c) over (order by d) is distinct from c as changed from t

select xmlelement(name "el", xmlattributes(a as "x"), c, xmlforest(b, d as day)) from t

select xpath('/a', x), xmlserialize(content x as text), x is document from doc

select pg_typeof(a), a::regclass, 'f.t'::regclass::oid, c::name from t

select json_build_array(a, b), jsonb_path_query(body, '$.x') from t, doc

select count(*) from (select distinct a, b from t) s

select coalesce(t.a, u.a) as a from t full join u on u.id = t.id where coalesce(t.id, u.id) > 1 order by coalesce(t.n, u.m)

select * from t where a is null order by case when flag then b else id end desc, c using <

select a from t limit (select count(*) from w) offset 1

select t.c from t group by t.id

select id, c, n from t group by id order by a

select u.* from u where (u.t_id, u.a) not in (select id, a from t)

select true and flag or a > b, (a > 1)::int from t

select greatest(max(a), max(b)) from t group by flag having bool_and(flag)

select grouping(c) as g, sum(a) filter (where flag) as s from t group by rollup (c) order by grouping(c), sum(a) filter (where flag)

select rank() over (order by a) from t order by rank() over (order by a)

select count(*) filter (where b > 1), c from t group by c order by count(*) filter (where b > 1) desc

select coalesce(a, b) from t group by coalesce(a, b) order by coalesce(a, b)

select upper(c) as x from t order by upper(c)

select distinct on (lower(c)) lower(c), a from t order by lower(c), b

with recursive g(id, link, path, cyc) as (select id, a, array[row(id, a)], false from t union all select t.id, t.a, path || row(t.id, t.a), row(t.id, t.a) = any (path) from t, g where t.id = g.link and not cyc) select * from g

with recursive s(id, e) as (select id, e from u where t_id is null union all select u.id, s.e || u.e from u join s on s.id = u.t_id) search breadth first by id set ord select id, ord from s order by ord

with recursive s(id) as (select id from u union select u.id from u join s on s.id = u.t_id) cycle id set looped to true default false using trail select id, looped, trail from s where not looped

with x as (select a from t), y as (with x as (select m from u) select * from x) select * from x, y

with x as (select a from t) select (with x as (select e from u limit 1) select e from x) from x

select (select t.c || u.e from u where u.id = t.id) || 'x', array(select x.a + t.a from t x where x.b = t.b) from t

select exists (select 1 from u where t_id = t.id and a in (select v from w where k = t.c)) from t

select sum((select m from u where u.id = t.id)) from t

select max(case when flag then (select m from u where u.id = t.a) else n end) filter (where c is not null) from t

select a, b from t where case when flag then a = 1 else exists (select 1 from w where v = b) end

select * from t where (select count(*) from u where u.t_id = t.id) between 1 and (select max(v) from w)

select lead(a) over (order by (select max(v) from w), b) from t

select t.id from t join u on (select k from w where w.id = u.id) = t.c

select t.id from t join lateral (select u.a from u where u.t_id = t.id union select v from w where w.id = t.id order by 1 limit 1) x(v) on x.v > t.b

select x.v, y.v from (values (1), (2)) x(v) full join (values (2), (3)) y(v) using (v)

select v from (values (1), (2)) x(v) full join (values (2), (3)) y(v) using (v) full join w using (v)

select * from (select id, a from t) x natural full join (select id, m from u) y

select id from t join u using (id) join w using (id) join doc using (id) where t.a = 1 and w.k is not null

select t.* from t join u using (id, a) order by id, u.a

select xx.id, xx.tid from (t a join u b on a.id = b.t_id) as xx(tid, ta, tb, tc, td, tn, tf, id)

select (select row(a, b) from t limit 1), (select t from t limit 1)

select (x).id, (x).e from (select u as x from u) s where (x).m > 1

select (s.r).a, (s.r).c from (select t as r, u.id from t, u where u.id = t.id) s

select (select u from u where u.t_id = t.id limit 1).e from t

select ((select p from comp limit 1)).l, (array_agg(p))[1].r from comp

select (row(a, c)::pair).l, (row(a, c)::pair).* from t
-- which of the row's values is field l stands in the type
--+ * <- f.t.a TRANSFORMATION
--+ * <- f.t.c TRANSFORMATION
--+ l <- f.t.c TRANSFORMATION
--- r <- f.t.c IDENTITY

select (q.pp).l from (select p as pp from comp) q

select count(t) filter (where t is not null), t is null, t = t from t group by t

select array_agg(t), json_agg(t order by t.id), json_agg(t.*) from t

select to_json(array(select w from w where w.id = t.id)), row_to_json((select x from (select t.a, t.b) x)) from t

select jsonb_agg(jsonb_build_object('id', u.id, 'parts', (select jsonb_agg(w.k) from w where w.id = u.a))) from u

insert into w (id, k, v) select t.id, u.e, (select max(a) from t x where x.b = t.b) from t left join u on u.t_id = t.id where exists (select 1 from doc where doc.id = t.id) order by t.d limit 10

insert into w with q as (select id, c from t), r as (select q.id, q.c, 1 from q) select * from r union all select 1, 'x', 2

insert into w (v, k, id) values ((select count(*) from t), upper('x'), 1) returning (select c from t where t.id = w.id), w.*

insert into w (id, v) select id, a from t on conflict do nothing returning *

insert into t (id, c) values (1, 'x') on conflict (id) do update set c = excluded.c || t.c || (select max(k) from w), n = excluded.n + (select sum(m) from u where u.t_id = excluded.id) where t.d < excluded.d

insert into comp (id, p.l, ps[1].r) values (1, 2, 'x')

insert into child (id, name, extra) select id, name, 1 from parent returning *

insert into part_eu values (1, 'eu', 2)

update t set (c, n) = (select e, m from u where u.id = t.id), d = now(), (a, b) = (1, b + 1)

update t a set a = b.a from t b where a.id = b.b returning a.id, b.c

update t set c = w.k from (select k, v from w where id = 1) w, u where w.v = t.a and u.id = t.id

update t set a = x.s from (with q as (select t_id, sum(a) as s from u group by t_id) select * from q) x where x.t_id = t.id

with up as (update w set v = v + 1 where id in (select id from t) returning id, v as nv) select t.c, up.nv from t join up using (id)

with a as (insert into w (id) values (1) returning id), b as (insert into u (id, t_id) select id, id from a returning *), c as (delete from doc where id in (select id from b)) select b.id, a.id from b, a

delete from t where id in (with x as (select t_id from u) select * from x) returning c, (select count(*) from u where u.t_id = t.id)

delete from u a using u b where a.id < b.id and a.e = b.e

merge into w using t on w.id = t.id when matched then update set (k, v) = (t.c, (select max(m)::int from u where u.t_id = t.id)) when not matched then insert (id, k) values (t.id, (select max(e) from u))

create table y1 as select t.*, u.e from t left join u on u.t_id = t.id order by t.d

create view y2 as with recursive r as (select id, 0 as n from t union all select r.id, n + 1 from r where n < 3) select r.id, max(n) as depth from r group by r.id

create view y3 (a, b, c) as values (1, 'x', null), (2, 'y', 'z')

create or replace view y4 as table w

create materialized view y5 as select distinct c from t with no data

select a.*, b.* into y6 from t a cross join w b

copy (values (1, 'x')) to stdout

copy (with q as (delete from t returning id) select * from q) to stdout

prepare y7 as with q as (select a from t where id = $1) insert into w (id, v) select $2, a from q

declare y8 scroll cursor for with q as (select * from t) select id, c from q for update

select format('%s-%s', c, a), concat_ws(',', c, d, n), md5(c), length(c)::bigint * n, sign(n), width_bucket(n, 0, 10, a) from t

select c ~ '^a' and c !~* 'b' or c like any (select k from w), regexp_replace(c, 'a', k) from t, w

select d + a as d1, d - date '2020-01-01' as d2, age(now(), d), (d, interval '1 day') overlaps (d, d), d at time zone 'utc' from t

select n::numeric(10, 2), c::varchar(5)::text, a::text::int, '1'::int + a, null::text || c, 5::positive + a from t

select (a + b) * 2 / nullif(id, 0) % 3, -a, +b, not flag, a is null, b isnull, flag is unknown, a = all (array[1, 2]) from t
-- sqlglot's parser drops a plus sign in front of a value
--+ b <- f.t.b IDENTITY

select "t"."a", T.B, f."t".c from F.T

select t.a as x, t.a + 1 as x, x.x from t, (select 1 as x) x

select a a, b as b, c "C" from t order by "C", a

select 1 as a, a as b from t order by a

select a as b, b as a from t order by a, b

select a as b, sum(n) from t group by b, a

select c as k, count(*) from t group by k having count(*) > 1 order by k

select nums[a], nums[a:b], tags[1] || c, cardinality(nums), nums @> array[a], a = any (nums) from doc, t

select unnest(array[a, b]) as x, c from t order by x

select u.x + 1, u.y from t, unnest(array[t.a, t.b], array[t.c]) with ordinality as u(x, z, y)

select s.i, nums[s.i] from doc, generate_subscripts(nums, 1) as s(i)

select key, value from doc, jsonb_each_text(body) where key <> 'x'

select elem ->> 'a' as a, ord from doc, jsonb_array_elements(body -> 'rows') with ordinality as x(elem, ord)

select * from json_to_recordset('[{"a":1}]') as x(a int, b text)

select t.id, p.k from t left join pairs(t.a) p on p.v = t.c

select m.* from t, lateral regexp_matches(t.c, '(a)(b)') as m(parts)

select * from current_date, now() as n(moment)

select string_to_table(c, ','), a from t

select count(*) from pg_stat_activity where state = 'active' and query ilike '%x%'

select relname, n_live_tup, pg_size_pretty(pg_relation_size(relid)) from pg_stat_user_tables order by n_live_tup desc

select table_schema, table_name, string_agg(column_name, ', ' order by ordinal_position) from information_schema.columns group by 1, 2

select tc.table_name, kcu.column_name, ccu.table_name as other from information_schema.table_constraints tc join information_schema.key_column_usage kcu using (constraint_schema, constraint_name) join information_schema.constraint_column_usage ccu using (constraint_schema, constraint_name) where tc.constraint_type = 'FOREIGN KEY'
