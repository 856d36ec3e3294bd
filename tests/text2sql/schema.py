"""A bicycle rental with a little of everything that linking has to cope with."""

SCHEMA = """
create schema fleet;
create table fleet.stations (
    station_id int primary key,
    name text not null,
    district text not null,
    docks int not null,
    opened_on date not null
);
comment on table fleet.stations is 'Rental stations. 站点。';
comment on column fleet.stations.name is 'Station name. 站点名称。';
comment on column fleet.stations.district is 'District. 城区。';
comment on column fleet.stations.docks is 'Docks. 车位数。';
comment on column fleet.stations.opened_on is 'Opening date. 启用日期。';
create table fleet.bikes (
    bike_id int primary key,
    model text not null,
    weight_kg numeric(5, 2) not null,
    station_id int references fleet.stations,
    is_electric boolean not null
);
comment on table fleet.bikes is 'Bikes. 自行车。';
comment on column fleet.bikes.model is 'Model. 型号。';
comment on column fleet.bikes.weight_kg is 'Weight. 重量。';
create table riders (
    rider_id int primary key,
    full_name text not null,
    city text not null,
    birth_date date,
    email text
);
comment on table riders is 'Riders. 骑行者。';
comment on column riders.full_name is 'Name. 姓名。';
comment on column riders.city is 'City. 城市。';
create table trips (
    trip_id int primary key,
    rider_id int not null references riders,
    bike_id int not null references fleet.bikes,
    started_on date not null,
    duration_minutes int not null,
    fare numeric(8, 2) not null
);
comment on table trips is 'Trips. 行程。';
comment on column trips.started_on is 'Day of the trip. 行程日期。';
comment on column trips.duration_minutes is 'Minutes. 时长。';
comment on column trips.fare is 'Fare. 费用。';
create table repairs (
    repair_id int primary key,
    bike_id int not null references fleet.bikes,
    repaired_on date not null,
    cost numeric(8, 2) not null,
    finished_on date
);
comment on table repairs is 'Repairs. 维修。';
comment on column repairs.cost is 'Cost. 维修成本。';

insert into fleet.stations values
    (1, 'Harbour', 'North', 20, '2019-04-01'),
    (2, 'Old Town', 'Centre', 35, '2018-06-15'),
    (3, 'University', 'Centre', 12, '2021-09-30'),
    (4, 'Stadium', 'South', 50, '2022-01-10');
insert into fleet.bikes
    select n, (array['Swift', 'Cargo', 'Breeze'])[1 + n % 3], 12 + n % 7, 1 + n % 3, n % 4 = 0
    from generate_series(1, 30) n;
insert into riders
    select n, (array['Ana', 'Bo', 'Chen', 'Dara', 'Eli'])[1 + n % 5] || ' '
              || (array['Olsen', 'Park', 'Quist', 'Reyes'])[1 + n % 4],
           (array['Lyon', 'Porto', 'Graz'])[1 + n % 3], date '1970-01-01' + n * 400,
           case when n % 4 <> 0 then 'rider' || n || '@example.org' end
    from generate_series(1, 20) n;
insert into trips
    select n, 1 + n * 7 % 17, 1 + n * 11 % 29, date '2024-01-01' + n % 700, 5 + n * 13 % 90,
           1 + (n * 37 % 400) / 10.0
    from generate_series(1, 400) n;
insert into repairs
    select n, 1 + n * 5 % 23, date '2024-02-01' + n * 9, 10 + n * 17 % 120,
           case when n % 5 <> 0 then date '2024-02-03' + n * 9 end
    from generate_series(1, 40) n;
analyze;
alter database :database set search_path = public, fleet;
"""
