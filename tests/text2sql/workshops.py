"""Short questions as business people type them, each easy to take for another one.

`RIGHT` are answered, by what the SQL beside them returns; `DECLINED` are not;
`NEVER_WRONG` may be declined, and where they are answered, it is by that.
"""

from __future__ import annotations

SCHEMA = """
create table sites (
    site_id int primary key, name text not null unique, city text not null, bays int not null,
    head_id int
);
create table staff (
    staff_id int primary key, full_name text not null, trade text not null,
    site_id int not null references sites, supervisor_id int references staff,
    hired_on date not null, hourly_wage numeric(6, 2) not null
);
alter table sites add foreign key (head_id) references staff;
create table clients (
    client_id int primary key, company text not null, city text not null, email text unique,
    discount_rate numeric(4, 3) not null, joined_on date not null, active boolean not null
);
create table parts (
    part_id int primary key, name text not null, kind text not null,
    quantity_in_stock int not null, price numeric(8, 2) not null, requires_inspection boolean not null
);
create table inspections (
    inspection_id int primary key, part_id int not null references parts, inspected_on date not null,
    passed boolean not null
);
create table machines (
    machine_id int primary key, model text not null, client_id int not null references clients,
    bought_on date not null
);
create table jobs (
    job_id int primary key, machine_id int not null references machines,
    mechanic_id int not null references staff, opened_on date not null, promised_on date not null,
    finished_on date, fee numeric(8, 2) not null,
    status text not null check (status in ('new', 'waiting', 'started', 'finished', 'cancelled'))
);
create table bills (
    bill_id int primary key, job_id int not null unique references jobs, due_on date not null,
    amount numeric(8, 2) not null, state text not null check (state in ('unpaid', 'settled')),
    method text
);
insert into sites values (1, 'North', 'Leeds', 4, null), (2, 'South', 'Bath', 7, null), (3, 'East', 'Hull', 2, null);
insert into staff
    select n, (array['Ada Finch', 'Bo Reyes', 'Cy Marsh', 'Di Okafor', 'Ed Vale', 'Flo Quist', 'Gus Hart',
                     'Hal Penn', 'Ida Rook'])[n],
           (array['welder', 'electrician', 'painter'])[1 + n % 3], 1 + n % 2, case when n > 2 then 1 + n % 2 end,
           date '2015-03-01' + n * 300, 20 + n
    from generate_series(1, 9) n;
update sites set head_id = case site_id when 1 then 3 when 2 then 2 end;
insert into clients
    select n, (array['Acorn', 'Birch', 'Cedar', 'Dahlia', 'Elm', 'Fern'])[1 + n % 6] || ' ' || n,
           (array['Leeds', 'Bath', 'Hull'])[1 + n % 3], case when n % 4 > 0 then 'c' || n || '@example.org' end,
           (n % 4) * 0.05, date '2020-01-15' + n * 40, n % 5 > 0
    from generate_series(1, 30) n;
insert into parts
    select n, (array['Valve', 'Gear', 'Pump', 'Belt', 'Fuse'])[1 + n % 5] || ' ' || n,
           (array['hydraulic', 'electric'])[1 + n % 2], (n % 4) * 12, 5 + n * 3, n % 3 = 0
    from generate_series(1, 24) n;
insert into inspections select n, 1 + n % 12, date '2024-01-10' + n * 5, n % 4 > 0 from generate_series(1, 50) n;
insert into machines
    select n, (array['Lathe', 'Press', 'Drill', 'Crane'])[1 + n % 4], 1 + n % 25, date '2019-06-01' + n * 17
    from generate_series(1, 60) n;
insert into jobs
    select n, 1 + n * 7 % 55, 1 + n % 9, date '2023-11-01' + n * 2, date '2023-11-12' + n * 2,
           case when n % 5 = 3 then date '2023-11-05' + n * 2 + n % 14 end, 80 + n % 90,
           (array['new', 'waiting', 'started', 'finished', 'cancelled'])[1 + n % 5]
    from generate_series(1, 300) n;
insert into bills
    select n, n * 2, date '2024-01-05' + n * 3, 90 + n % 70, case when n % 3 = 0 then 'unpaid' else 'settled' end,
           case when n % 3 > 0 then (array['card', 'transfer'])[1 + n % 2] end
    from generate_series(1, 120) n;
"""

RIGHT = [
    ("Which parts are out of stock?", "select name from parts where quantity_in_stock = 0"),
    ("How many parts are in stock?", "select count(*) from parts where quantity_in_stock > 0"),
    ("Which hydraulic parts are not in stock?",
     "select name from parts where kind = 'hydraulic' and quantity_in_stock = 0"),
    ("Parts without stock", "select name from parts where quantity_in_stock = 0"),
    ("Who reports to Ada Finch?", "select full_name from staff where supervisor_id = 1"),
    ("Which staff report to Bo Reyes?", "select full_name from staff where supervisor_id = 2"),
    ("How many staff report to Ada Finch?", "select count(*) from staff where supervisor_id = 1"),
    ("Who does Cy Marsh report to?", "select full_name from staff where staff_id = 2"),
    ("Who supervises Cy Marsh?", "select full_name from staff where staff_id = 2"),
    ("Whom does Bo Reyes supervise?", "select full_name from staff where supervisor_id = 2"),
    ("Staff supervised by an electrician",
     "select full_name from staff where supervisor_id in (select staff_id from staff where trade = 'electrician')"),
    ("Who is the supervisor of Ida Rook?", "select full_name from staff where staff_id = 2"),
    ("Who is Gus Hart's supervisor?", "select full_name from staff where staff_id = 2"),
    ("Staff not in North",
     "select full_name from staff join sites using (site_id) where name <> 'North'"),
    ("Staff in South", "select full_name from staff join sites using (site_id) where name = 'South'"),
    ("How many staff does each site have?",
     "select name, count(*) from staff join sites using (site_id) group by 1"),
    ("Clients with a discount rate over 5%", "select company from clients where discount_rate > 0.05"),
    ("Clients with a discount rate of 10 percent", "select company from clients where discount_rate = 0.1"),
    ("Clients without discount rate", "select company from clients where discount_rate = 0"),
    ("Jobs without a bill", "select job_id from jobs where job_id not in (select job_id from bills)"),
    ("Clients without machines",
     "select company from clients where client_id not in (select client_id from machines)"),
    ("Bays per site", "select name, bays from sites"),
    ("Jobs that are not cancelled", "select job_id from jobs where status <> 'cancelled'"),
    ("Jobs opened since May 2025", "select job_id from jobs where opened_on >= '2025-05-01'"),
    ("Clients who joined in 2022", "select company from clients where extract(year from joined_on) = 2022"),
    ("Who has the highest hourly wage?",
     "select full_name, hourly_wage from staff order by 2 desc limit 1"),
    ("How many inactive clients are there?", "select count(*) from clients where not active"),
    ("Clients with no email", "select company from clients where email is null"),
    ("Machines bought in 2020", "select machine_id, model from machines where extract(year from bought_on) = 2020"),
    ("Staff per machine",
     "select machine_id, model, count(distinct mechanic_id) from jobs join machines using (machine_id) group by 1, 2"),
    ("Machines per model", "select model, count(*) from machines group by 1"),
    ("Jobs per month in 2024",
     "select date_trunc('month', opened_on)::date, count(*) from jobs where extract(year from opened_on) = 2024 group by 1"),
    ("Average fee per job", "select avg(fee) from jobs"),
    ("Bill amount per method", "select method, sum(amount) from bills group by 1"),
]  # fmt: skip

DECLINED = [
    "Which parts ran out of stock last month?",
    "Which parts are running low?",
    "Which parts were never out of stock?",
    "Which staff left in 2021?",
    "Clients we lost in 2023",
    "Which clients died in 2024?",
    "Clients not seen since 2023",
    "Who heads North?",
    "Who is the head of South?",
    "Who runs East?",
    "Heads of sites",
    "Parts that require an inspection",
    "Parts that don't need an inspection",
    "Jobs that have not been started",
    "Jobs not started yet",
    "Jobs due next week",
    "Jobs due in March 2024",
    "Bills not settled by card",
    "Clients in the same city as a site",
    "Machines with the same model",
    "Cities where we have clients but no staff",
    "Most popular site",
    "What did we sell to Acorn 6?",
    "What do we owe?",
    "Machines moved from Leeds to Bath",
    "Utilisation rate",
    "Pass rate by kind",
    "Jobs for 100 transfers",
    "Why do clients leave?",
    "How long does a job take?",
    "Which clients should we call?",
    "Did we finish anything in May 2024?",
    "Who is currently hired?",
    "How many card payments did we have in 2024?",
    "Job growth rate",
    "Total discount rate",
    "Staff who earn more than their supervisor",
    "Staff hired before their supervisor",
    "Jobs with birthdays this month",
    "Clients almost without machines",
    "Second cheapest part",
    "Cheapest parts apart from fuses",
    "Jobs finished behind schedule",
    "Jobs on time",
    "Sites led by Ada Finch",
    "Clients with only cancelled jobs",
    "Jobs started in June 2024",
    "Clients inactive since 2022",
    "Bills settled by Ada Finch",
    "Staff hired in the last quarter of 2020",
    "Machines bought before 2020 and still rented",
    "Machines rented in 2019",
]

NEVER_WRONG = [
    ("Unpaid jobs", "select job_id from jobs join bills using (job_id) where state = 'unpaid'"),
    ("Which sites have no head?", "select name from sites where head_id is null"),
    ("How many welders report to Ada Finch?",
     "select count(*) from staff where supervisor_id = 1 and trade = 'welder'"),
    ("Jobs finished after the promised date", "select job_id from jobs where finished_on > promised_on"),
    ("Jobs finished late", "select job_id from jobs where finished_on > promised_on"),
    ("Clients with more than one machine",
     "select company from clients join machines using (client_id) group by client_id, company having count(*) > 1"),
    ("Clients with at least one machine",
     "select distinct company from clients join machines using (client_id)"),
    ("Clients with exactly two machines",
     "select company from clients join machines using (client_id) group by client_id, company having count(*) = 2"),
    ("Staff other than welders", "select full_name from staff where trade <> 'welder'"),
    ("Staff who are neither welders nor painters",
     "select full_name from staff where trade not in ('welder', 'painter')"),
    ("Staff except welders", "select full_name from staff where trade <> 'welder'"),
    ("Clients outside Leeds", "select company from clients where city <> 'Leeds'"),
    ("Active clients in Leeds or Hull",
     "select company from clients where active and city in ('Leeds', 'Hull')"),
    ("Jobs still waiting", "select job_id from jobs where status = 'waiting'"),
    ("Unfinished jobs", "select job_id from jobs where finished_on is null"),
    ("Fees per month in 2024",
     "select date_trunc('month', opened_on)::date, sum(fee) from jobs where extract(year from opened_on) = 2024 group by 1"),
    ("Average number of machines per client",
     "select avg(n) from (select count(*) n from machines group by client_id) x"),
    ("Jobs per mechanic", "select full_name, count(*) from jobs join staff on staff_id = mechanic_id group by staff_id"),
    ("Which mechanic has the most jobs?",
     "select full_name, count(*) from jobs join staff on staff_id = mechanic_id group by staff_id order by 2 desc limit 1"),
    ("Cheapest part of each kind",
     "select kind, name, price from parts p where price = (select min(price) from parts q where q.kind = p.kind)"),
    ("Staff without a supervisor", "select full_name from staff where supervisor_id is null"),
    ("Jobs by Ada Finch", "select job_id from jobs where mechanic_id = 1"),
    ("Jobs not by Ada Finch", "select job_id from jobs where mechanic_id <> 1"),
    ("What share of jobs was cancelled?",
     "select avg((status = 'cancelled')::int) from jobs"),
    ("Which machines have never been repaired?",
     "select machine_id, model from machines where machine_id not in (select machine_id from jobs)"),
    ("Which site has the most bays?", "select name, bays from sites order by 2 desc limit 1"),
    ("Total bays", "select sum(bays) from sites"),
]  # fmt: skip
