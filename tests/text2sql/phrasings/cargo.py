"""A cargo airline: terse columns, no declared foreign keys, amounts over time."""

SCHEMA = """
create table airports (apt_code text primary key, apt_name text, country text, runway_len_m int);
create table aircraft (ac_id int primary key, model text, mfr text, max_load_kg numeric, in_service_dt date, active boolean);
create table flights (flt_id int primary key, ac_id int, orig_apt text, dest_apt text, dep_ts timestamp, arr_ts timestamp, dist_km int);
create table clients (clt_id int primary key, clt_name text, tier text, email text, joined_dt date);
create table shipments (shp_id int primary key, clt_id int, flt_id int, weight_kg numeric, charge_amt numeric, discount_amt numeric,
    status text, booked_dt date, delivered_dt date);
insert into airports values ('OSL','Oslo Gardermoen','Norway',3600),('LIS','Lisbon Portela','Portugal',3800),('ATH','Athens Venizelos','Greece',4000),
 ('KEF','Keflavik','Iceland',3050),('BGO','Bergen Flesland','Norway',2900);
insert into aircraft values (1,'B-400F','Beluga',90000,'2012-04-01',true),(2,'C-210','Condor',21000,'2018-09-15',true),
 (3,'C-330F','Condor',45000,'2001-01-05',false),(4,'B-200','Beluga',38000,'2020-07-20',true);
insert into flights select i, 1 + i % 3, (array['OSL','LIS','ATH','BGO'])[1 + i % 4], (array['LIS','OSL','KEF'])[1 + (i * i) % 3],
    timestamp '2024-01-01 06:00' + i * interval '9 days 3 hours', timestamp '2024-01-01 06:00' + i * interval '9 days 3 hours' + (2 + i % 5) * interval '1 hour',
    800 + (i * 131) % 3000 from generate_series(1, 40) i;
insert into clients values (1,'Amber Foods','gold','ops@amberfoods.com','2022-01-10'),(2,'Bolt Parts','silver','hello@bolt.io','2023-05-02'),
 (3,'Cedar Home','gold','info@cedarhome.com','2021-11-11'),(4,'Delta Labs','bronze',null,'2024-02-20'),(5,'Elm Press','silver','mail@elmpress.org','2024-06-30');
insert into shipments select i, 1 + (i * i) % 4, 1 + (i * 7) % 40, 50 + (i * 97) % 900, 200 + (i * 71) % 1500, (i * 3) % 40,
    (array['delivered','delivered','pending','lost'])[1 + i % 4], date '2024-01-03' + i * 4,
    case when i % 4 < 2 then date '2024-01-03' + i * 4 + 2 + i % 9 end from generate_series(1, 80) i;
"""

CASES = [
    ("How many flights departed from OSL?", "select count(*) from flights where orig_apt = 'OSL'"),
    (
        "What is the total charge amount per client?",
        "select clt_name, sum(charge_amt) from shipments join clients using (clt_id) group by clt_id, clt_name",
    ),
    (
        "Which client has the highest total charge amount?",
        "select clt_name from shipments join clients using (clt_id) group by clt_id, clt_name order by sum(charge_amt) desc limit 1",
    ),
    (
        "What are the top 3 clients by total weight shipped?",
        "select clt_name from shipments join clients using (clt_id) group by clt_id, clt_name order by sum(weight_kg) desc limit 3",
    ),
    ("How many shipments are pending?", "select count(*) from shipments where status = 'pending'"),
    (
        "What is the average weight of delivered shipments?",
        "select avg(weight_kg) from shipments where status = 'delivered'",
    ),
    (
        "How many shipments were booked in the first quarter of 2024?",
        "select count(*) from shipments where booked_dt >= '2024-01-01' and booked_dt < '2024-04-01'",
    ),
    (
        "What is the total charge amount by month of booking?",
        "select date_trunc('month', booked_dt)::date, sum(charge_amt) from shipments group by 1",
    ),
    (
        "List the airports in Norway with their runway length.",
        "select apt_name, runway_len_m from airports where country = 'Norway'",
    ),
    (
        "Which aircraft have never flown?",
        "select model from aircraft where ac_id not in (select ac_id from flights)",
    ),
    (
        "What is the average distance flown by each aircraft model?",
        "select model, avg(dist_km) from flights join aircraft using (ac_id) group by model",
    ),
    ("How many aircraft are still active?", "select count(*) from aircraft where active"),
    (
        "Which clients joined after January 1, 2023?",
        "select clt_name from clients where joined_dt > '2023-01-01'",
    ),
    (
        "What is the ratio of delivered shipments to lost shipments?",
        "select count(*) filter (where status = 'delivered')::numeric / count(*) filter (where status = 'lost') from shipments",
    ),
    (
        "What is the ratio of delivered shipments to lost shipments for each client?",
        """select clt_name, count(*) filter (where status = 'delivered')::numeric / nullif(count(*) filter (where status = 'lost'), 0)
        from shipments join clients using (clt_id) group by clt_id, clt_name""",
    ),
    (
        "What is the average number of days between booking and delivery?",
        "select avg(delivered_dt - booked_dt) from shipments",
    ),
    (
        "What is the average delivery time in days for each client, excluding shipments without a delivery date?",
        """select clt_name, avg(delivered_dt - booked_dt) from shipments join clients using (clt_id)
        where delivered_dt is not null group by clt_id, clt_name""",
    ),
    (
        "Return the net charge, defined as the charge amount minus the discount amount, for each client.",
        "select clt_name, sum(charge_amt - discount_amt) from shipments join clients using (clt_id) group by clt_id, clt_name",
    ),
    (
        "How many shipments did gold tier clients book?",
        "select count(*) from shipments join clients using (clt_id) where tier = 'gold'",
    ),
    (
        "What is the number of shipments for each status, ordered by the number of shipments in descending order?",
        "select status, count(*) from shipments group by status order by 2 desc",
    ),
    (
        "List the names of the clients with more than 15 shipments.",
        "select clt_name from clients join shipments using (clt_id) group by clt_id, clt_name having count(*) > 15",
    ),
    ("Which clients do not have an email?", "select clt_name from clients where email is null"),
    (
        "Which clients have an email that ends with '.com'?",
        "select clt_name from clients where email like '%.com'",
    ),
    (
        "What is the month-over-month change in the number of shipments booked?",
        """select m, n - lag(n) over (order by m) from (select date_trunc('month', booked_dt)::date m, count(*) n
        from shipments group by 1) t""",
    ),
    (
        "What is the total weight of the shipments carried by each manufacturer's aircraft?",
        "select mfr, sum(weight_kg) from shipments join flights using (flt_id) join aircraft using (ac_id) group by mfr",
    ),
    (
        "For each tier, show the number of clients and the total charge amount.",
        "select tier, count(distinct clt_id), sum(charge_amt) from clients join shipments using (clt_id) group by tier",
    ),
    (
        "What percentage of shipments was delivered, by client?",
        """select clt_name, 100.0 * count(*) filter (where status = 'delivered') / count(*) from shipments
        join clients using (clt_id) group by clt_id, clt_name""",
    ),
    (
        "How many clients joined in 2024 or later?",
        "select count(*) from clients where joined_dt >= '2024-01-01'",
    ),
    (
        "Show the heaviest shipment of each client.",
        """select shp_id from (select shp_id, rank() over (partition by clt_id order by weight_kg desc) r from shipments) t where r = 1""",
    ),
    (
        "What is the average charge per kg for each status?",
        "select status, sum(charge_amt) / sum(weight_kg) from shipments group by status",
    ),
    (
        "Which flights took longer than 5 hours?",
        "select flt_id from flights where arr_ts - dep_ts > interval '5 hours'",
    ),
    (
        "How many shipments had a discount of more than 30 and a charge below 1000?",
        "select count(*) from shipments where discount_amt > 30 and charge_amt < 1000",
    ),
    (
        "What is the average charge amount per month in 2024, rounded to 2 decimals?",
        "select date_trunc('month', booked_dt)::date, round(avg(charge_amt), 2) from shipments where extract(year from booked_dt) = 2024 group by 1",
    ),
    (
        "What is the total charge amount for shipments booked in the last 30 days?",
        "select sum(charge_amt) from shipments where booked_dt>=current_date-30",
    ),
    (
        "What are the names of the clients that have at least one lost shipment?",
        "select clt_name from clients where clt_id in (select clt_id from shipments where status='lost')",
    ),
    (
        "How many flights were there for each destination airport?",
        "select dest_apt,count(*) from flights group by 1",
    ),
    ("Which aircraft models are made by Condor?", "select model from aircraft where mfr='Condor'"),
    (
        "Return the client name and total discount amount of each client, for gold tier clients only.",
        "select clt_name,sum(discount_amt) from shipments join clients using(clt_id) where tier='gold' group by clt_id,1",
    ),
    (
        "What is the average charge amount of shipments with a weight above 500 kg?",
        "select avg(charge_amt) from shipments where weight_kg>500",
    ),
    (
        "What is the number of clients and the average weight per shipment for each tier?",
        "select tier,count(distinct clt_id),avg(weight_kg) from clients join shipments using(clt_id) group by 1",
    ),
    (
        "What are the 5 heaviest shipments?",
        "select shp_id from shipments order by weight_kg desc limit 5",
    ),
    (
        "Which client has the lowest average charge amount?",
        "select clt_name from shipments join clients using(clt_id) group by clt_id,1 order by avg(charge_amt) limit 1",
    ),
    (
        "How many shipments were booked each week in February 2024?",
        "select date_trunc('week',booked_dt)::date,count(*) from shipments where booked_dt>='2024-02-01' and booked_dt<'2024-03-01' group by 1",
    ),
    (
        "How many shipments were not delivered?",
        "select count(*) from shipments where status<>'delivered'",
    ),
    (
        "What are the top 2 tiers by number of clients? Return the tier and number of clients.",
        "select tier,count(*) from clients group by 1 order by 2 desc limit 2",
    ),
    (
        "How many flights depart from OSL and have destination LIS?",
        "select count(*) from flights where orig_apt='OSL' and dest_apt='LIS'",
    ),
    (
        "Which client has the most number of shipments?",
        "select clt_name from clients join shipments using(clt_id) group by clt_id,1 order by count(*) desc limit 1",
    ),
    ("Give the aircraft with model 'C-210'.", "select ac_id from aircraft where model='C-210'"),
    (
        "List all airport names and their codes in Norway.",
        "select apt_name,apt_code from airports where country='Norway'",
    ),
    (
        "Which clients have at least 10 shipments?",
        "select clt_name from clients join shipments using(clt_id) group by clt_id,1 having count(*)>=10",
    ),
    (
        "Which clients have fewer than 20 shipments?",
        "select clt_name from clients join shipments using(clt_id) group by clt_id,1 having count(*)<20",
    ),
    ("Find the number of clients from each tier.", "select tier,count(*) from clients group by 1"),
    (
        "Which country has both airports with a runway length below 3000 and airports with a runway length above 3500?",
        "select country from airports where runway_len_m<3000 intersect select country from airports where runway_len_m>3500",
    ),
    (
        "What is the total discount given in all shipments?",
        "select sum(discount_amt) from shipments",
    ),
    (
        "Show all aircraft ids and the number of flights using each aircraft.",
        "select ac_id,count(*) from flights group by 1",
    ),
    (
        "What is the id and model of the aircraft used by the most flights?",
        "select ac_id,model from aircraft join flights using(ac_id) group by 1,2 order by count(*) desc limit 1",
    ),
    (
        "Show the ids of all aircraft that are used by more than 12 flights.",
        "select ac_id from flights group by 1 having count(*)>12",
    ),
    ("What are the distinct statuses of shipments?", "select distinct status from shipments"),
    (
        "Return the different client ids along with the number of shipments of each, ordered by id.",
        "select clt_id,count(*) from shipments group by 1 order by 1",
    ),
    (
        "Which clients have shipments in both the 'delivered' and 'lost' status?",
        "select clt_name from clients where clt_id in (select clt_id from shipments where status='delivered') and clt_id in (select clt_id from shipments where status='lost')",
    ),
    (
        "What is the total charge of shipments per manufacturer, ordered from highest to lowest?",
        "select mfr,sum(charge_amt) from shipments join flights using(flt_id) join aircraft using(ac_id) group by 1 order by 2 desc",
    ),
    (
        "What is the ratio of pending shipments to total shipments for each tier?",
        "select tier,count(*) filter (where status='pending')*1.0/count(*) from shipments join clients using(clt_id) group by 1",
    ),
    (
        "Return the client id, name and number of shipments of the clients with more than 15 shipments, sorted by number of shipments in descending order.",
        "select clt_id,clt_name,count(*) from clients join shipments using(clt_id) group by 1,2 having count(*)>15 order by 3 desc",
    ),
    (
        "For each client, return the client name, the number of delivered shipments and the total charge amount of those shipments.",
        "select clt_name,count(*),sum(charge_amt) from clients join shipments using(clt_id) where status='delivered' group by clt_id,1",
    ),
    (
        "How many distinct clients had shipments in March 2024?",
        "select count(distinct clt_id) from shipments where booked_dt>='2024-03-01' and booked_dt<'2024-04-01'",
    ),
    (
        "What is the average weight of shipments for gold tier clients, rounded to 1 decimal?",
        "select round(avg(weight_kg),1) from shipments join clients using(clt_id) where tier='gold'",
    ),
    (
        "Which clients joined in 2023 and have made at least 5 shipments?",
        "select clt_name from clients join shipments using(clt_id) where extract(year from joined_dt)=2023 group by clt_id,1 having count(*)>=5",
    ),
    (
        "List all clients that have not made any shipment.",
        "select clt_name from clients where clt_id not in (select clt_id from shipments)",
    ),
    (
        "What is the highest charge amount for each client and status?",
        "select clt_name,status,max(charge_amt) from clients join shipments using(clt_id) group by clt_id,1,2",
    ),
    (
        "What is the average distance of flights by aircraft model, for active aircraft only?",
        "select model,avg(dist_km) from flights join aircraft using(ac_id) where active group by 1",
    ),
    (
        "Number of shipments by clients who joined before 2022",
        "select count(*) from shipments join clients using(clt_id) where joined_dt<'2022-01-01'",
    ),
    (
        "Lowest charge amount for client 'Bolt Parts' in 2024",
        "select min(charge_amt) from shipments join clients using(clt_id) where clt_name='Bolt Parts' and extract(year from booked_dt)=2024",
    ),
]
