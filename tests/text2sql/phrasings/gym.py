"""A gym: a bridge table, a manager in the same table, payments, flags."""

SCHEMA = """
create table trainers (id serial primary key, name varchar(60), hourly_rate numeric, manager_id int references trainers(id), start_date date);
create table members (id serial primary key, name varchar(60), email varchar(80), country varchar(40), date_of_birth date,
    joined_on date, is_premium boolean, height_cm int, weight_kg numeric);
create table classes (id serial primary key, class_name varchar(60), trainer_id int references trainers(id), level varchar(20), capacity int, price numeric);
create table enrollments (member_id int references members(id), class_id int references classes(id), enrolled_on date, score int,
    primary key (member_id, class_id));
create table payments (id serial primary key, member_id int references members(id), amount numeric, payment_method varchar(20), paid_at timestamp);
insert into trainers (name, hourly_rate, manager_id, start_date) values ('Agnes Roy',60,null,'2014-02-01'),('Boris Kay',45,1,'2017-08-20'),
 ('Celia Ng',52,1,'2016-03-03'),('Dario Po',38,2,'2021-10-10'),('Ewa Lis',41,2,'2022-01-15');
insert into members (name, email, country, date_of_birth, joined_on, is_premium, height_cm, weight_kg) values
 ('Jon Ito','jon@mail.jp','Japan','1990-01-01','2022-05-01',true,178,80),('Kim Vos','kim@post.nl','Netherlands','1985-05-05','2022-07-09',false,165,60),
 ('Lou Reyes',null,'Spain','1999-09-19','2023-01-30',true,170,70),('Mia Stone','mia@mail.uk','United Kingdom','1978-12-01','2023-03-15',false,160,58),
 ('Noa Katz','noa@mail.il','Israel','2003-03-13','2023-08-01',false,182,90),('Oto Maly','oto@post.cz','Czechia','1988-08-08','2024-02-02',true,175,77),
 ('Pam Vos','pam@post.nl','Netherlands','1995-04-24','2024-03-03',false,168,66);
insert into classes (class_name, trainer_id, level, capacity, price) values ('Yoga Flow',3,'beginner',20,15),('Power Lifting',2,'advanced',8,25),
 ('Spin Basics',4,'beginner',25,12),('Boxing',2,'intermediate',12,20),('Deep Stretch',3,'intermediate',18,14),('Iron Camp',3,'advanced',10,30);
insert into enrollments select m, c, date '2024-01-01' + m * 9 + c * 5, 40 + (m * 17 + c * 23) % 60 from generate_series(1, 6) m, generate_series(1, 5) c
    where (m * c) % 3 <> 1 or m = 2;
insert into payments (member_id, amount, payment_method, paid_at) select 1 + (i * 5) % 6, 20 + (i * 17) % 70, (array['card','cash','transfer'])[1 + (i * i) % 3],
    timestamp '2023-06-01 10:00' + i * interval '8 days' from generate_series(1, 50) i;
"""

CASES = [
    (
        "Show the names of all members from Netherlands.",
        "select name from members where country = 'Netherlands'",
    ),
    (
        "What are the names of members who are enrolled in the class named Boxing?",
        "select m.name from members m join enrollments e on e.member_id = m.id join classes c on c.id = e.class_id where class_name = 'Boxing'",
    ),
    (
        "How many members are enrolled in each class? List the class name and the number of members.",
        "select class_name, count(*) from enrollments e join classes c on c.id = e.class_id group by c.id, class_name",
    ),
    (
        "Which classes have no members enrolled?",
        "select class_name from classes where id not in (select class_id from enrollments)",
    ),
    (
        "Find the name of the trainer who teaches the most classes.",
        "select t.name from trainers t join classes c on c.trainer_id = t.id group by t.id order by count(*) desc limit 1",
    ),
    (
        "What is the average price of beginner classes?",
        "select avg(price) from classes where level = 'beginner'",
    ),
    (
        "How many classes are there for each level?",
        "select level, count(*) from classes group by level",
    ),
    (
        "Find the level with the lowest average price.",
        "select level from classes group by level order by avg(price) limit 1",
    ),
    (
        "Which members paid more than 400 in total?",
        "select m.name from members m join payments p on p.member_id = m.id group by m.id having sum(amount) > 400",
    ),
    (
        "List the name and hourly rate of trainers, sorted by hourly rate in ascending order.",
        "select name, hourly_rate from trainers order by hourly_rate",
    ),
    (
        "What is the total amount of payments by payment method?",
        "select payment_method, sum(amount) from payments group by 1",
    ),
    (
        "Which payment method is used most frequently?",
        "select payment_method from payments group by 1 order by count(*) desc limit 1",
    ),
    ("How many members are premium?", "select count(*) from members where is_premium"),
    ("How many members are not premium?", "select count(*) from members where not is_premium"),
    (
        "What are the emails of members who joined in 2023?",
        "select email from members where extract(year from joined_on) = 2023",
    ),
    (
        "List the members who joined between March 1, 2023 and December 31, 2023.",
        "select name from members where joined_on between '2023-03-01' and '2023-12-31'",
    ),
    (
        "What is the name of the manager of Dario Po?",
        "select m.name from trainers t join trainers m on m.id = t.manager_id where t.name = 'Dario Po'",
    ),
    (
        "Which trainers do not have a manager?",
        "select name from trainers where manager_id is null",
    ),
    (
        "Show the name of each trainer and the name of the trainer's manager.",
        "select t.name, m.name from trainers t join trainers m on m.id = t.manager_id",
    ),
    (
        "Find members who enrolled in both Boxing and Deep Stretch.",
        """select name from members m where exists (select from enrollments e join classes c on c.id = e.class_id where e.member_id = m.id and class_name = 'Boxing')
        and exists (select from enrollments e join classes c on c.id = e.class_id where e.member_id = m.id and class_name = 'Deep Stretch')""",
    ),
    (
        "Which members are enrolled in Boxing but not in Yoga Flow?",
        """select name from members m where exists (select from enrollments e join classes c on c.id = e.class_id where e.member_id = m.id and class_name = 'Boxing')
        and not exists (select from enrollments e join classes c on c.id = e.class_id where e.member_id = m.id and class_name = 'Yoga Flow')""",
    ),
    (
        "What is the average score of each member?",
        "select name, avg(score) from members m join enrollments e on e.member_id = m.id group by m.id",
    ),
    (
        "What is the highest score in the class Deep Stretch?",
        "select max(score) from enrollments e join classes c on c.id = e.class_id where class_name = 'Deep Stretch'",
    ),
    (
        "How many classes does Celia Ng teach?",
        "select count(*) from classes c join trainers t on t.id = c.trainer_id where name = 'Celia Ng'",
    ),
    (
        "Show the name, height and weight of the tallest member.",
        "select name, height_cm, weight_kg from members order by height_cm desc limit 1",
    ),
    (
        "What is the total capacity of all classes taught by Boris Kay?",
        "select sum(capacity) from classes c join trainers t on t.id = c.trainer_id where name = 'Boris Kay'",
    ),
    (
        "What is the monthly total of payments in 2024?",
        "select date_trunc('month', paid_at)::date, sum(amount) from payments where extract(year from paid_at) = 2024 group by 1",
    ),
    ("What fraction of members is premium?", "select avg(is_premium::int) from members"),
    (
        "What share of total payments came from each payment method?",
        "select payment_method, sum(amount) / (select sum(amount) from payments) from payments group by 1",
    ),
    (
        "Who made the most payments?",
        "select m.name from members m join payments p on p.member_id = m.id group by m.id order by count(*) desc, m.id limit 1",
    ),
    ("List the names of members in alphabetical order.", "select name from members order by name"),
    (
        "What are the distinct levels of classes with a price greater than 14?",
        "select distinct level from classes where price > 14",
    ),
    (
        "How many members either are premium or come from Israel?",
        "select count(*) from members where is_premium or country = 'Israel'",
    ),
    (
        "What is the difference in hourly rate between Agnes Roy and Dario Po?",
        "select (select hourly_rate from trainers where name = 'Agnes Roy') - (select hourly_rate from trainers where name = 'Dario Po')",
    ),
    (
        "Give me the average payment amount per member, from high to low.",
        "select name, avg(amount) from members m join payments p on p.member_id = m.id group by m.id order by 2 desc",
    ),
    (
        "Which levels have an average price above 16?",
        "select level from classes group by level having avg(price) > 16",
    ),
    (
        "What is the name of the class with the largest capacity?",
        "select class_name from classes order by capacity desc limit 1",
    ),
    (
        "Show names of members and the names of the classes they are enrolled in.",
        "select m.name,class_name from members m join enrollments e on e.member_id=m.id join classes c on c.id=e.class_id",
    ),
    (
        "Show the names of trainers and the number of classes they teach.",
        "select t.name,count(*) from trainers t join classes c on c.trainer_id=t.id group by t.id",
    ),
    (
        "List the name of the trainers that teach at least 2 classes.",
        "select t.name from trainers t join classes c on c.trainer_id=t.id group by t.id having count(*)>=2",
    ),
    (
        "Which trainers don't teach any class?",
        "select name from trainers where id not in (select trainer_id from classes)",
    ),
    (
        "What is the average height of members from each country?",
        "select country,avg(height_cm) from members group by 1",
    ),
    (
        "What are the names of members taller than 170 and heavier than 70?",
        "select name from members where height_cm>170 and weight_kg>70",
    ),
    (
        "Count the number of members enrolled in classes taught by Celia Ng.",
        "select count(distinct e.member_id) from enrollments e join classes c on c.id=e.class_id join trainers t on t.id=c.trainer_id where t.name='Celia Ng'",
    ),
    (
        "What is the minimum hourly rate of trainers who started after 2016?",
        "select min(hourly_rate) from trainers where start_date>='2017-01-01'",
    ),
    (
        "How many payments were made by card in 2023?",
        "select count(*) from payments where payment_method='card' and extract(year from paid_at)=2023",
    ),
    (
        "What is the country of the member who paid the most in total?",
        "select country from members m join payments p on p.member_id=m.id group by m.id order by sum(amount) desc limit 1",
    ),
    (
        "What are the classes with the 3 highest prices?",
        "select class_name from classes order by price desc limit 3",
    ),
    (
        "List the emails of members containing 'post'.",
        "select email from members where email ilike '%post%'",
    ),
    (
        "What are the names and emails of members who are not from the Netherlands?",
        "select name,email from members where country<>'Netherlands'",
    ),
    (
        "What is the name of the trainer who earns the most per hour?",
        "select name from trainers order by hourly_rate desc limit 1",
    ),
    (
        "List each trainer's name and the number of classes.",
        "select t.name,count(*) from trainers t join classes c on c.trainer_id=t.id group by t.id",
    ),
    (
        "Show the names of all trainers sorted by start date, latest first.",
        "select name from trainers order by start_date desc",
    ),
    (
        "Which members have paid by both card and cash?",
        "select name from members m where exists (select from payments p where p.member_id=m.id and payment_method='card') and exists (select from payments p where p.member_id=m.id and payment_method='cash')",
    ),
    (
        "What is the maximum capacity for each level?",
        "select level,max(capacity) from classes group by 1",
    ),
    (
        "What are the levels and average capacities of the classes whose price is above 12?",
        "select level,avg(capacity) from classes where price>12 group by 1",
    ),
    (
        "Count how many members joined after 2023.",
        "select count(*) from members where joined_on>='2024-01-01'",
    ),
    (
        "Find the name and country of members whose email contains 'mail'.",
        "select name,country from members where email like '%mail%'",
    ),
    (
        "What is the number of members with a height between 165 and 175?",
        "select count(*) from members where height_cm between 165 and 175",
    ),
    (
        "List the class names and prices of the advanced classes from the most expensive to the cheapest.",
        "select class_name,price from classes where level='advanced' order by price desc",
    ),
    (
        "What is the total amount paid by each member? Include the member's name.",
        "select name,sum(amount) from members m join payments p on p.member_id=m.id group by m.id",
    ),
    (
        "Which class has the highest average score?",
        "select class_name from classes c join enrollments e on e.class_id=c.id group by c.id order by avg(score) desc limit 1",
    ),
    (
        "What are the names and emails of premium members who have paid more than 300 in total?",
        "select name,email from members m join payments p on p.member_id=m.id where is_premium group by m.id having sum(amount)>300",
    ),
    (
        "How many members joined each year?",
        "select extract(year from joined_on),count(*) from members group by 1",
    ),
    (
        "Which members have not made any payments?",
        "select name from members where id not in (select member_id from payments)",
    ),
    (
        "What is the average payment amount for each payment method in 2024?",
        "select payment_method,avg(amount) from payments where extract(year from paid_at)=2024 group by 1",
    ),
    (
        "What is the ratio of premium members to non-premium members?",
        "select count(*) filter (where is_premium)*1.0/count(*) filter (where not is_premium) from members",
    ),
    (
        "What is the number of enrollments per trainer? Show the trainer's name.",
        "select t.name,count(*) from enrollments e join classes c on c.id=e.class_id join trainers t on t.id=c.trainer_id group by t.id",
    ),
    (
        "Which country's members have the highest total payments?",
        "select country from members m join payments p on p.member_id=m.id group by 1 order by sum(amount) desc limit 1",
    ),
]
