"""A theatre company: truths, a bridge table with roles, names without a prefix."""

SCHEMA = """
create table venue (venue_id int primary key, name text, city text, seats int, opened_in int);
create table play (play_id int primary key, title text, genre text, playwright text, premiere_date date, length_min int);
create table actor (actor_id int primary key, full_name text, birth_date date, country text, fee_per_show numeric);
create table casting (play_id int references play, actor_id int references actor, role_name text, primary key (play_id, actor_id));
create table performance (perf_id int primary key,
    play_id int references play, venue_id int references venue, perf_date date, tickets_sold int, revenue numeric, cancelled boolean);
insert into venue values (1,'Old Barn','Cork',200,1890),(2,'Blue Dome','Galway',850,2005),(3,'The Vault','Cork',120,1999),(4,'Pier Stage','Sligo',400,2015),(5,'Arch Hall','Dublin',950,1932);
insert into play values (1,'Salt Wind','drama','A. Keane','2019-03-01',95),(2,'Nine Doors','comedy','B. Lowry','2020-10-10',120),(3,'Glass Tide','drama','A. Keane','2021-05-05',140),(4,'Paper Moon Inn','musical','C. Doyle','2018-09-15',150),(5,'Quiet Street','comedy','D. Shaw','2023-02-02',80);
insert into actor values (1,'Nora Quill','1980-02-02','Ireland',300),(2,'Sean Burke','1992-06-16','Ireland',250),(3,'Ilse Brandt','1975-12-24','Germany',500),(4,'Tom Rusk','1999-01-30','Canada',150),(5,'Maya Lind','1988-08-08','Sweden',420),(6,'Owen Gray','1969-04-14','Ireland',600);
insert into casting values (1,1,'Mother'),(1,2,'Son'),(2,3,'Host'),(2,4,'Guest'),(3,1,'Widow'),(3,5,'Sailor'),(4,6,'Captain'),(4,5,'Singer'),(4,2,'Waiter'),(4,1,'Cook');
insert into performance select i, 1+(i*i)%4, 1+(i*7)%4, date '2022-01-05'+i*13, 20+(i*37)%180, 400+(i*173)%5000, i%9=0 from generate_series(1,60) i;
"""

CASES = [
    ("How many plays are there of each genre?", "select genre,count(*) from play group by 1"),
    (
        "List the titles of plays written by 'A. Keane' in order of premiere date.",
        "select title from play where playwright='A. Keane' order by premiere_date",
    ),
    ("Which venues have more than 300 seats?", "select name from venue where seats>300"),
    (
        "What is the name of the venue with the most seats in Cork?",
        "select name from venue where city='Cork' order by seats desc limit 1",
    ),
    (
        "Find the total revenue of performances for each venue.",
        "select name,sum(revenue) from venue join performance using(venue_id) group by venue_id,name",
    ),
    (
        "Which actors have appeared in at least two plays?",
        "select full_name from actor join casting using(actor_id) group by actor_id,1 having count(*)>=2",
    ),
    (
        "Which plays have never been performed?",
        "select title from play where play_id not in (select play_id from performance)",
    ),
    (
        "What is the average number of tickets sold per performance?",
        "select avg(tickets_sold) from performance",
    ),
    (
        "What percentage of performances were cancelled?",
        "select 100.0*count(*) filter (where cancelled)/count(*) from performance",
    ),
    (
        "What percentage of performances were cancelled at each venue?",
        "select name,100.0*count(*) filter (where cancelled)/count(*) from performance join venue using(venue_id) group by venue_id,name",
    ),
    (
        "Show the names and countries of actors who played in 'Glass Tide'.",
        "select full_name,country from actor join casting using(actor_id) join play using(play_id) where title='Glass Tide'",
    ),
    (
        "What are the names of the actors who are not from Ireland?",
        "select full_name from actor where country<>'Ireland'",
    ),
    (
        "What is the revenue per ticket for each play?",
        "select title,sum(revenue)*1.0/sum(tickets_sold) from performance join play using(play_id) group by play_id,1",
    ),
    (
        "How many performances took place in 2023?",
        "select count(*) from performance where extract(year from perf_date)=2023",
    ),
    ("Who is the youngest actor?", "select full_name from actor order by birth_date desc limit 1"),
    (
        "What is the average age of actors from Ireland?",
        "select avg(extract(year from age(birth_date))) from actor where country='Ireland'",
    ),
    (
        "What is the title of the longest play?",
        "select title from play order by length_min desc limit 1",
    ),
    (
        "List the top 3 plays by total revenue.",
        "select title,sum(revenue) from play join performance using(play_id) group by play_id,1 order by 2 desc limit 3",
    ),
    (
        "Which actors charge more than the average fee per show?",
        "select full_name from actor where fee_per_show>(select avg(fee_per_show) from actor)",
    ),
    (
        "What is the difference between the maximum and minimum number of seats?",
        "select max(seats)-min(seats) from venue",
    ),
    (
        "Show the month-over-month change in total revenue.",
        "select date_trunc('month',perf_date)::date, sum(revenue)-lag(sum(revenue)) over (order by date_trunc('month',perf_date)::date) from performance group by 1",
    ),
    (
        "What is the number of performances and the total number of tickets sold for each play title?",
        "select title,count(*),sum(tickets_sold) from performance join play using(play_id) group by play_id,1",
    ),
    (
        "Find the cities that have both a venue opened before 1900 and a venue opened after 1990.",
        "select city from venue where opened_in<1900 intersect select city from venue where opened_in>1990",
    ),
    (
        "How many tickets were sold for comedy plays?",
        "select sum(tickets_sold) from performance join play using(play_id) where genre='comedy'",
    ),
    (
        "What are the full names of actors who acted in both 'Salt Wind' and 'Glass Tide'?",
        "select full_name from actor a where exists (select from casting c join play p using(play_id) where c.actor_id=a.actor_id and title='Salt Wind') and exists (select from casting c join play p using(play_id) where c.actor_id=a.actor_id and title='Glass Tide')",
    ),
    (
        "Which genre has the highest average length?",
        "select genre from play group by 1 order by avg(length_min) desc limit 1",
    ),
    (
        "List all venues and their number of performances, most first.",
        "select name,count(*) from venue join performance using(venue_id) group by venue_id,name order by 2 desc",
    ),
    (
        "What roles does Nora Quill play?",
        "select role_name from casting join actor using(actor_id) where full_name='Nora Quill'",
    ),
    (
        "Return the title and premiere date of the plays that premiered between 2019 and 2021.",
        "select title,premiere_date from play where premiere_date>='2019-01-01' and premiere_date<'2022-01-01'",
    ),
    (
        "How many different countries do the actors come from?",
        "select count(distinct country) from actor",
    ),
    (
        "Give the titles of the plays longer than 100 minutes, sorted by length descending.",
        "select title from play where length_min>100 order by length_min desc",
    ),
    (
        "Which venue sold the most tickets in 2022?",
        "select name from venue join performance using(venue_id) where extract(year from perf_date)=2022 group by venue_id,name order by sum(tickets_sold) desc limit 1",
    ),
]
