-- One statement or more for each construct, in the form of tests/lineage/fixtures,
-- over their schema. Only DIRECT edges are compared, because the other tools
-- have no others.

-- construct: expressions and functions
select a + b as x, upper(c) as y from t;
--> x: t.a TRANSFORMATION, t.b TRANSFORMATION
--> y: t.c TRANSFORMATION

-- construct: star
select * from w;
--> id: w.id IDENTITY
--> k: w.k IDENTITY
--> v: w.v IDENTITY

-- construct: qualified star of a join
select u.*, t.b from t join u on u.t_id = t.id;
--> id: u.id IDENTITY
--> t_id: u.t_id IDENTITY
--> a: u.a IDENTITY
--> e: u.e IDENTITY
--> m: u.m IDENTITY
--> b: t.b IDENTITY

-- construct: unqualified columns of a join
select b, e from t join u on u.t_id = t.id;
--> b: t.b IDENTITY
--> e: u.e IDENTITY

-- construct: JOIN USING
select id, b, e from t join u using (id);
--> id: t.id IDENTITY
--> b: t.b IDENTITY
--> e: u.e IDENTITY

select id, k, e from w full join u using (id);
--> id: w.id TRANSFORMATION, u.id TRANSFORMATION
--> k: w.k IDENTITY
--> e: u.e IDENTITY

-- construct: NATURAL JOIN
select * from w natural join log;
--> id: w.id IDENTITY
--> k: w.k IDENTITY
--> v: w.v IDENTITY
--> what: log.what IDENTITY
--> at: log.at IDENTITY

-- construct: alias of a join
select j.b, j.e from (t join u on u.t_id = t.id) as j (i1, a1, b, c1, d1, n1, f1, i2, t2, a2, e, m2);
--> b: t.b IDENTITY
--> e: u.e IDENTITY

-- construct: column aliases of a table
select x, y from w as q (x, y);
--> x: w.id IDENTITY
--> y: w.k IDENTITY

-- construct: subquery in FROM
select s.x from (select a + b as x from t) s;
--> x: t.a TRANSFORMATION, t.b TRANSFORMATION

-- construct: LATERAL subquery
select t.a, l.best from t, lateral (select max(u.m) as best from u where u.t_id = t.id) l;
--> a: t.a IDENTITY
--> best: u.m AGGREGATION

select l.x from t cross join lateral (select t.a * u.m as x from u where u.t_id = t.id) l;
--> x: t.a TRANSFORMATION, u.m TRANSFORMATION

-- construct: scalar subquery
select t.a, (select max(u.m) from u where u.t_id = t.id) as best from t;
--> a: t.a IDENTITY
--> best: u.m AGGREGATION

-- construct: CTE
with s as (select b, sum(a) as total from t group by b) select total from s;
--> total: t.a AGGREGATION

-- construct: CTE that hides a table
with u as (select id, c as e from t) select e from u;
--> e: t.c IDENTITY

-- construct: recursive CTE
with recursive r (id, depth) as (
    select id, 1 from u
    union all
    select u.id, r.depth + 1 from u join r on u.t_id = r.id
)
select id, depth from r;
--> id: u.id IDENTITY
--> depth: -

-- construct: UNION by position
select a, c from t union all select t_id, e from u;
--> a: t.a IDENTITY, u.t_id IDENTITY
--> c: t.c IDENTITY, u.e IDENTITY

-- construct: EXCEPT
select id from t except select t_id from u;
--> id: t.id IDENTITY

-- construct: aggregates
select b, count(distinct c) as n, string_agg(c, ',' order by d) as s from t group by b;
--> b: t.b IDENTITY
--> n: t.c AGGREGATION
--> s: t.c AGGREGATION

-- construct: window functions
select sum(a) over (partition by b order by d) as s, row_number() over w as r from t window w as (order by n);
--> s: t.a AGGREGATION
--> r: -

-- construct: CASE
select case when flag then a else b end as x from t;
--> x: t.a TRANSFORMATION, t.b TRANSFORMATION

-- construct: GROUPING SETS
select b, c, sum(a) as s from t group by grouping sets ((b), (c), ());
--> b: t.b IDENTITY
--> c: t.c IDENTITY
--> s: t.a AGGREGATION

-- construct: DISTINCT ON
select distinct on (b) b, a from t order by b, d desc;
--> b: t.b IDENTITY
--> a: t.a IDENTITY

-- construct: VALUES
select v.x, t.a from t join (values (1, 'one')) as v (i, x) on v.i = t.a;
--> x: -
--> a: t.a IDENTITY

-- construct: unnest with ordinality
select doc.id, g.tag, g.n from doc, unnest(doc.tags) with ordinality as g (tag, n);
--> id: doc.id IDENTITY
--> tag: doc.tags TRANSFORMATION
--> n: doc.tags TRANSFORMATION

-- construct: jsonb operators
select body ->> 'name' as name, body['address'] as address from doc;
--> name: doc.body TRANSFORMATION
--> address: doc.body TRANSFORMATION

-- construct: jsonb_to_recordset
select r.sku from doc, jsonb_to_recordset(doc.body) as r (sku text, qty int);
--> sku: doc.body TRANSFORMATION

-- construct: XMLTABLE
select r.name from doc, xmltable('/r' passing doc.x columns name text path 'n') r;
--> name: doc.x TRANSFORMATION

-- construct: whole-row reference
select to_jsonb(w) as j from w;
--> j: w.id TRANSFORMATION, w.k TRANSFORMATION, w.v TRANSFORMATION

-- construct: field of a composite
select (p).l as l from comp;
--> l: comp.p TRANSFORMATION

-- construct: array subscript
select nums[1] as first from doc;
--> first: doc.nums TRANSFORMATION

-- construct: quoted names
select "Some Column" as x from "Odd Name";
--> x: "Odd Name"."Some Column" IDENTITY

-- construct: name of an unnamed column
select sum(a), coalesce(c, ''), d::text from t group by c, d;
--> sum: t.a AGGREGATION
--> coalesce: t.c TRANSFORMATION
--> d: t.d TRANSFORMATION

-- construct: INSERT with a column list
insert into u (id, e) select id, c from t;
--> u.id: t.id IDENTITY
--> u.e: t.c IDENTITY

-- construct: INSERT without a column list
insert into w select id, c, a + b from t;
--> w.id: t.id IDENTITY
--> w.k: t.c IDENTITY
--> w.v: t.a TRANSFORMATION, t.b TRANSFORMATION

-- construct: ON CONFLICT DO UPDATE
insert into t (id, a) select id, v from w on conflict (id) do update set a = t.a + excluded.a;
--> t.id: w.id IDENTITY
--> t.a: w.v TRANSFORMATION, t.a TRANSFORMATION

-- construct: UPDATE
update t set a = b * 2;
--> t.a: t.b TRANSFORMATION

-- construct: UPDATE FROM
update t set c = u.e from u where u.t_id = t.id;
--> t.c: u.e IDENTITY

-- construct: UPDATE of several columns from a subquery
update t set (a, c) = (select u.a, u.e from u where u.t_id = t.id);
--> t.a: u.a IDENTITY
--> t.c: u.e IDENTITY

-- construct: MERGE
merge into w using u on w.id = u.id
when matched then update set k = u.e
when not matched then insert (id, v) values (u.id, u.a);
--> w.id: u.id IDENTITY
--> w.k: u.e IDENTITY
--> w.v: u.a IDENTITY

-- construct: RETURNING in a CTE
with moved as (delete from w where v > 1 returning id, k) insert into log (id, what) select id, k from moved;
--> log.id: w.id IDENTITY
--> log.what: w.k IDENTITY

-- construct: CREATE TABLE AS
create table made as select a, sum(n) as total from t group by a;
--> made.a: t.a IDENTITY
--> made.total: t.n AGGREGATION

-- construct: CREATE VIEW with column names
create view made (x, y) as select a, upper(c) from t;
--> made.x: t.a IDENTITY
--> made.y: t.c TRANSFORMATION

-- construct: TPC-style reporting query
with revenue as (
    select u.t_id, sum(u.m * (1 - t.n)) as total
    from u, t
    where u.t_id = t.id and t.d >= date '2025-01-01'
    group by u.t_id
)
select w.k, r.total
from w, revenue r
where w.id = r.t_id and r.total = (select max(total) from revenue)
order by w.k;
--> k: w.k IDENTITY
--> total: u.m AGGREGATION, t.n AGGREGATION
