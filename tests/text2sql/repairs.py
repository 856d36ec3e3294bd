"""Statements that fail, each with one that returns what it was meant to."""

REPAIRS = [
    # another spelling
    ("select Model, WeightKg from bikes", "select model, weight_kg from bikes"),
    ('select "Model" from "Bikes"', "select model from bikes"),
    ("select model from bike", "select model from bikes"),
    ("select full_nam from riders", "select full_name from riders"),
    ("select r.name from riders r", "select full_name from riders"),
    ("select s.station_name from stations s", "select name from stations"),
    ("select bikes.model from bikes b", "select model from bikes"),
    # in another relation in scope
    ("select t.full_name, r.fare from trips t join riders r on r.rider_id = t.rider_id",
     "select full_name, fare from trips join riders using (rider_id)"),
    # in a relation that is not joined
    ("select full_name, fare from trips",
     "select full_name, fare from trips join riders using (rider_id)"),
    ("select t.fare, t.model from trips as t where t.city = 'Lyon'",
     "select fare, model from trips join bikes using (bike_id) join riders using (rider_id) where city = 'Lyon'"),
    ("select name, sum(cost) from repairs group by name",
     "select name, sum(cost) from repairs join bikes using (bike_id) join stations using (station_id) group by name"),
    ("select count(*) from trips where trips.city = 'Porto' and bikes.model = 'Swift'",
     "select count(*) from trips join bikes using (bike_id) join riders using (rider_id) where city = 'Porto' and model = 'Swift'"),
    ("select count(*) from repairs r join stations s on r.station_id = s.station_id where s.name = 'Harbour'",
     "select count(*) from repairs join bikes using (bike_id) join stations using (station_id) where name = 'Harbour'"),
    # joined by what is no key
    ("select model, fare from bikes b join trips t on b.trip_id = t.trip_id",
     "select model, fare from bikes join trips using (bike_id)"),
    # a table called like a key
    ("select sum(t.fare) from trips t join rider_id r on t.rider_id = r.id where r.city = 'Graz'",
     "select sum(fare) from trips join riders using (rider_id) where city = 'Graz'"),
    # no FROM clause
    ("select avg(fare), max(duration_minutes)", "select avg(fare), max(duration_minutes) from trips"),
    ("select count(case when city = 'Lyon' then 1 end) * 100.0 / count(*)",
     "select count(*) filter (where city = 'Lyon') * 100.0 / count(*) from riders"),
    # a table joined twice
    ("select bikes.model, bikes.model from trips join bikes on trips.bike_id = bikes.bike_id join bikes on trips.bike_id = bikes.bike_id where trips.trip_id = 7",
     "select model, model from trips join bikes using (bike_id) where trip_id = 7"),
    # ambiguous
    ("select bike_id, cost from bikes join repairs on bikes.bike_id = repairs.bike_id",
     "select bike_id, cost from repairs"),
    # quotes and dialects
    ("select `model` from `bikes` where `is_electric`", "select model from bikes where is_electric"),
    ("select [model] from [bikes]", "select model from bikes"),
    ('select full_name from riders where city = "Lyon"', "select full_name from riders where city = 'Lyon'"),
    ("select 'rider\\'s' as x from riders limit 1", "select 'rider''s'"),
    ("select 'rider's' as x from riders limit 1", "select 'rider''s'"),
    ("select trip_id from trips order by trip_id limit 5, 10", "select trip_id from trips order by trip_id limit 10 offset 5"),
    ("select top 3 trip_id from trips order by trip_id", "select trip_id from trips order by trip_id limit 3"),
    ("select ifnull(email, 'none') from riders", "select coalesce(email, 'none') from riders"),
    ("select strftime('%Y', started_on), count(*) from trips group by strftime('%Y', started_on)",
     "select to_char(started_on, 'YYYY'), count(*) from trips group by 1"),
    ("select date_format(started_on, '%Y-%m') from trips", "select to_char(started_on, 'YYYY-MM') from trips"),
    ("select year(started_on) from trips", "select extract(year from started_on) from trips"),
    ("select count_big(email) from riders", "select count(email) from riders"),
    ("select datepart(year, started_on), count(*) from trips group by datepart(year, started_on)",
     "select extract(year from started_on), count(*) from trips group by 1"),
    ("select iif(is_electric, 'yes', 'no') from bikes", "select case when is_electric then 'yes' else 'no' end from bikes"),
    ("select group_concat(model) from bikes where bike_id = 3", "select 'Swift'"),
    ("select divide(sum(fare), count(*)) from trips", "select sum(fare) / count(*) from trips"),
    # aggregates
    ("select sum(fare where rider_id = 3) from trips", "select sum(fare) from trips where rider_id = 3"),
    ("select city, count(*) from riders", "select city, count(*) from riders group by city"),
    ("select city, full_name, count(*) from riders group by city",
     "select city, full_name, count(*) from riders group by city, full_name"),
    ("select rider_id from trips where count(*) > 23 group by rider_id",
     "select rider_id from trips group by rider_id having count(*) > 23"),
    ("select max(count(*)) from trips group by rider_id",
     "select max(n) from (select count(*) n from trips group by rider_id) t"),
    ("select model, max(weight_kg) from bikes", "select model, weight_kg from bikes order by weight_kg desc limit 1"),
    ("select sum(is_electric) from bikes", "select count(*) from bikes where is_electric"),
    ("select distinct model from bikes order by bike_id desc limit 1",
     "select model from bikes order by bike_id desc limit 1"),
    ("select round(avg(weight_kg)::float8, 1) from bikes", "select round(avg(weight_kg), 1) from bikes"),
    # types
    ("select count(*) from bikes where is_electric = 1", "select count(*) from bikes where is_electric"),
    ("select count(*) from trips where fare = 'free'", "select 0"),
    ("select full_name from riders where email like '%1@%' and rider_id like '1%'",
     "select full_name from riders where email like '%1@%' and rider_id::text like '1%'"),
    ("select full_name from riders where full_name = 5", "select full_name from riders where false"),
    ("select coalesce(birth_date, 'unknown') from riders where rider_id = 1", "select birth_date::text from riders where rider_id = 1"),
    # clauses
    ("select full_name from trips where fare > 40 join riders on riders.rider_id = trips.rider_id",
     "select full_name from trips join riders using (rider_id) where fare > 40"),
    ("select model, from bikes", "select model from bikes"),
    ("select count(*) from (select distinct city from riders) t)", "select count(distinct city) from riders"),
]  # fmt: skip

# Valid, and yet not what is meant: a ratio cut to an integer, another spelling.
MENDED = [
    ("select count(*) from riders where city = 'LYON'", "select count(*) from riders where city = 'Lyon'"),
    ("select count(*) filter (where is_electric) / count(*) from bikes",
     "select count(*) filter (where is_electric)::numeric / count(*) from bikes"),
    ("select fare from trips where rider_id = (select rider_id from riders where city = 'Graz')",
     "select fare from trips where rider_id in (select rider_id from riders where city = 'Graz')"),
    ("select finished_on from repairs order by finished_on desc limit 1",
     "select max(finished_on) from repairs"),
    ("select sum(fare) / (count(*) - 400) from trips", "select null::numeric"),
]  # fmt: skip

# Taken as they are, to the letter.
KEPT = [
    "select count(*) from riders where city = 'Lyon'",
    "SELECT  model\nFROM bikes ORDER BY weight_kg DESC LIMIT 1",
    "select fare / 2 from trips",
    "select duration_minutes / 60 from trips",
    "select full_name from riders where city = 'Atlantis'",
    "select name from stations where station_id = (select station_id from bikes where bike_id = 7)",
    "select 7 / 2 as half",
]

# Nothing makes these valid: not what they ask for, and nothing that may run.
BEYOND = [
    "select dragon from castles",
    "I like bicycles",
    "delete from trips",
    "select pg_read_file('/etc/passwd')",
    "select * from trips; drop table trips",
]
