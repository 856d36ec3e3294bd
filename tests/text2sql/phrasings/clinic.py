"""A clinic: snake_case, declared keys, a lookup table, dates."""

SCHEMA = """
create table specialty (specialty_id int primary key, specialty_name text not null);
create table doctors (doctor_id int primary key, first_name text, last_name text, specialty_id int references specialty,
    hire_date date, yearly_salary numeric, supervisor_id int references doctors);
create table patients (patient_id int primary key, patient_name text, birth_date date, gender char(1), city text,
    blood_group text, phone text);
create table appointments (appointment_id int primary key, patient_id int references patients, doctor_id int references doctors,
    scheduled_at timestamp, status text, fee numeric, duration_minutes int);
create table medicines (medicine_id int primary key, medicine_name text, unit_price numeric, maker text);
create table prescriptions (prescription_id int primary key, appointment_id int references appointments,
    medicine_id int references medicines, quantity int, issued_on date);
insert into specialty values (1,'Cardiology'),(2,'Neurology'),(3,'Pediatrics'),(4,'Oncology');
insert into doctors values
 (1,'Ines','Falk',1,'2005-03-01',190000,null),(2,'Omar','Haddad',1,'2011-06-15',150000,1),
 (3,'Ruth','Lindqvist',2,'2009-01-20',165000,1),(4,'Piet','Maas',3,'2016-09-01',120000,3),
 (5,'Kofi','Boateng',1,'2018-02-11',125000,3),(6,'Lena','Orlova',3,'2020-05-05',110000,3);
insert into patients values
 (1,'Amira Saleh','1980-04-02','F','Leeds','A+','555-101'),(2,'Bruno Costa','1972-11-23','M','York','O-',null),
 (3,'Chloe Martin','2015-07-14','F','Leeds','B+','555-103'),(4,'Dag Nilsen','1955-01-30','M','Hull','O+','555-104'),
 (5,'Elif Demir','1991-09-09','F','York','A+','555-105'),(6,'Farid Karimi','2001-12-12','M','Leeds','AB+',null),
 (7,'Greta Holm','1968-02-17','F','Ripon','A+','555-107'),(8,'Hugo Blanc','1986-06-06','M','Hull','A-','555-108');
insert into appointments select i, 1 + (i * 3) % 7, 1 + (i * i) % 5, timestamp '2023-01-05 09:00' + i * interval '17 days',
    (array['completed','completed','cancelled','no-show','completed'])[1 + i % 5], 40 + (i * 13) % 90, 15 + (i * 7) % 40
    from generate_series(1, 60) i;
insert into medicines values (1,'Alprenol',4.5,'Norvax'),(2,'Betacor',12.0,'Helio'),(3,'Cetrin',2.25,'Norvax'),
 (4,'Dormex',30.0,'Zenlab'),(5,'Ergonil',8.4,'Helio');
insert into prescriptions select i, 1 + (i * 7) % 60, 1 + (i * i) % 4, 1 + i % 3, date '2023-02-01' + i * 11
    from generate_series(1, 45) i;
"""

CASES = [
    ("How many patients are there?", "select count(*) from patients"),
    (
        "Find the names of all patients who live in Leeds.",
        "select patient_name from patients where city = 'Leeds'",
    ),
    (
        "What are the first and last names of the doctors?",
        "select first_name, last_name from doctors",
    ),
    (
        "Show the name and phone of female patients.",
        "select patient_name, phone from patients where gender = 'F'",
    ),
    (
        "What is the average yearly salary of doctors for each specialty?",
        "select specialty_name, avg(yearly_salary) from doctors join specialty using (specialty_id) group by 1",
    ),
    (
        "List the names of specialties with no doctors.",
        "select specialty_name from specialty where specialty_id not in (select specialty_id from doctors)",
    ),
    (
        "Which specialty has the most doctors?",
        "select specialty_name from doctors join specialty using (specialty_id) group by 1 order by count(*) desc limit 1",
    ),
    (
        "How many appointments were cancelled?",
        "select count(*) from appointments where status = 'cancelled'",
    ),
    (
        "How many different cities do patients come from?",
        "select count(distinct city) from patients",
    ),
    (
        "What is the highest fee of completed appointments?",
        "select max(fee) from appointments where status = 'completed'",
    ),
    (
        "Return the maximum and minimum fee of all appointments.",
        "select max(fee), min(fee) from appointments",
    ),
    (
        "Find the number of appointments for each doctor.",
        "select first_name, last_name, count(*) from doctors join appointments using (doctor_id) group by doctor_id, 1, 2",
    ),
    (
        "Show the names of medicines in descending order of unit price.",
        "select medicine_name from medicines order by unit_price desc",
    ),
    (
        "List the medicine names made by Norvax.",
        "select medicine_name from medicines where maker = 'Norvax'",
    ),
    (
        "What is the name of the most expensive medicine?",
        "select medicine_name from medicines order by unit_price desc limit 1",
    ),
    (
        "Which makers produce at least 2 medicines?",
        "select maker from medicines group by maker having count(*) >= 2",
    ),
    (
        "Find the names of patients who have never had an appointment.",
        "select patient_name from patients where patient_id not in (select patient_id from appointments)",
    ),
    (
        "How many appointments did patients from Leeds have?",
        "select count(*) from appointments join patients using (patient_id) where city = 'Leeds'",
    ),
    (
        "What are the names of patients whose blood group is O+ or A-?",
        "select patient_name from patients where blood_group in ('O+', 'A-')",
    ),
    (
        "Find the doctors hired before 2010.",
        "select first_name, last_name from doctors where hire_date < '2010-01-01'",
    ),
    (
        "Which doctors earn more than the average salary?",
        "select first_name, last_name from doctors where yearly_salary > (select avg(yearly_salary) from doctors)",
    ),
    (
        "What is the total quantity prescribed of each medicine?",
        "select medicine_name, sum(quantity) from prescriptions join medicines using (medicine_id) group by medicine_id, 1",
    ),
    (
        "Show the city with the largest number of patients.",
        "select city from patients group by city order by count(*) desc limit 1",
    ),
    (
        "What is the most common blood group?",
        "select blood_group from patients group by 1 order by count(*) desc limit 1",
    ),
    (
        "What percentage of appointments were cancelled?",
        "select 100.0 * count(*) filter (where status = 'cancelled') / count(*) from appointments",
    ),
    (
        "What is the difference between the highest and the lowest fee?",
        "select max(fee) - min(fee) from appointments",
    ),
    (
        "How many patients do not have a phone?",
        "select count(*) from patients where phone is null",
    ),
    (
        "For each city, what is the number of female patients?",
        "select city, count(*) from patients where gender = 'F' group by city",
    ),
    (
        "How many appointments were scheduled in March 2024?",
        "select count(*) from appointments where scheduled_at >= '2024-03-01' and scheduled_at < '2024-04-01'",
    ),
    (
        "What is the average fee per status, highest first?",
        "select status, avg(fee) from appointments group by status order by 2 desc",
    ),
    (
        "Give the names of the doctors in the Neurology specialty ordered by hire date.",
        "select first_name, last_name from doctors join specialty using (specialty_id) where specialty_name = 'Neurology' order by hire_date",
    ),
    (
        "What is the cancellation rate for each doctor, defined as the number of cancelled appointments divided by the total number of appointments?",
        """select first_name, last_name, count(*) filter (where status = 'cancelled')::numeric / count(*) from doctors
        join appointments using (doctor_id) group by doctor_id, 1, 2""",
    ),
    (
        "What percentage of the appointments of each doctor were completed?",
        """select first_name, last_name, 100.0 * count(*) filter (where status = 'completed') / count(*) from doctors
        join appointments using (doctor_id) group by doctor_id, 1, 2""",
    ),
    (
        "What is the average age of patients?",
        "select avg(extract(year from age(current_date, birth_date))) from patients",
    ),
    (
        "Who is the oldest patient?",
        "select patient_name from patients order by birth_date limit 1",
    ),
    (
        "List the names of the doctors and the names of their supervisors.",
        "select d.first_name, d.last_name, s.first_name, s.last_name from doctors d join doctors s on s.doctor_id = d.supervisor_id",
    ),
    (
        "How many doctors does each supervisor have?",
        "select s.first_name, s.last_name, count(*) from doctors d join doctors s on s.doctor_id = d.supervisor_id group by s.doctor_id",
    ),
    (
        "Which medicines cost between 2 and 9?",
        "select medicine_name from medicines where unit_price between 2 and 9",
    ),
    (
        "Show all patients whose name contains the word 'el', case insensitive.",
        "select patient_name from patients where patient_name ilike '%el%'",
    ),
    (
        "What is the average number of appointments per patient?",
        "select count(*)::numeric / count(distinct patient_id) from appointments",
    ),
    (
        "List the doctor names and hire dates, sorted by hire date from most recent to oldest.",
        "select first_name,last_name,hire_date from doctors order by hire_date desc",
    ),
    (
        "What is the name and city of the youngest patient?",
        "select patient_name, city from patients order by birth_date desc limit 1",
    ),
    (
        "Return the cities of patients that are not from Leeds.",
        "select distinct city from patients where city<>'Leeds'",
    ),
    (
        "What are the different statuses of appointments, and how many appointments have each status?",
        "select status,count(*) from appointments group by 1",
    ),
    (
        "Show all statuses and the number of appointments for each status.",
        "select status,count(*) from appointments group by 1",
    ),
    (
        "Find the average, minimum and maximum fee of all appointments.",
        "select avg(fee),min(fee),max(fee) from appointments",
    ),
    (
        "Which patients have had at least 10 appointments? Return the patient name and the number of appointments.",
        "select patient_name,count(*) from patients join appointments using(patient_id) group by patient_id,1 having count(*)>=10",
    ),
    (
        "How many doctors are there in each specialty? Show the specialty name and the count.",
        "select specialty_name,count(*) from doctors join specialty using(specialty_id) group by 1",
    ),
    (
        "What are the names of the medicines that cost more than 10?",
        "select medicine_name from medicines where unit_price>10",
    ),
    (
        "What are the names of medicines with a unit price lower than the average unit price?",
        "select medicine_name from medicines where unit_price<(select avg(unit_price) from medicines)",
    ),
    (
        "Show the ids and names of all patients who were born after 1985.",
        "select patient_id,patient_name from patients where birth_date>='1986-01-01'",
    ),
    (
        "Which medicine has been prescribed the most?",
        "select medicine_name from medicines join prescriptions using(medicine_id) group by 1 order by count(*) desc limit 1",
    ),
    (
        "What is the total fee collected by each doctor in 2024? Order by total fee descending.",
        "select first_name,last_name,sum(fee) from doctors join appointments using(doctor_id) where extract(year from scheduled_at)=2024 group by doctor_id,1,2 order by 3 desc",
    ),
    (
        "Find all patients whose names start with the letter B.",
        "select patient_name from patients where patient_name like 'B%'",
    ),
    (
        "What is the last name of the doctor with the highest salary?",
        "select last_name from doctors order by yearly_salary desc limit 1",
    ),
    (
        "Which doctor had the highest number of completed appointments?",
        "select first_name,last_name from doctors join appointments using(doctor_id) where status='completed' group by doctor_id,1,2 order by count(*) desc, 1 limit 1",
    ),
    (
        "Sort doctor last names by their salary in ascending order.",
        "select last_name from doctors order by yearly_salary",
    ),
    (
        "Which cities do more than one patient come from?",
        "select city from patients group by 1 having count(*)>1",
    ),
    (
        "Find the patient name and city of the appointment whose fee is the largest.",
        "select patient_name,city from patients join appointments using(patient_id) order by fee desc limit 1",
    ),
    (
        "Find the minimum and maximum unit price of all medicines.",
        "select min(unit_price),max(unit_price) from medicines",
    ),
    (
        "Find the names of the medicines that have never been prescribed.",
        "select medicine_name from medicines where medicine_id not in (select medicine_id from prescriptions)",
    ),
    (
        "Show the number of doctors in each specialty, and show the specialty name as well.",
        "select specialty_name,count(*) from doctors join specialty using(specialty_id) group by 1",
    ),
    (
        "Show the names of patients whose blood group is either A+ or B+.",
        "select patient_name from patients where blood_group in ('A+','B+')",
    ),
    (
        "What are the names of the patients ordered by ascending birth date?",
        "select patient_name from patients order by birth_date",
    ),
    (
        "What is the city of the oldest patient?",
        "select city from patients order by birth_date limit 1",
    ),
    (
        "Show different cities of patients and the number of patients from each city.",
        "select city,count(*) from patients group by 1",
    ),
    (
        "List the most common city of patients.",
        "select city from patients group by 1 order by count(*) desc limit 1",
    ),
    (
        "Show the last names of doctors that have at least twelve appointments.",
        "select last_name from doctors join appointments using(doctor_id) group by doctor_id,1 having count(*)>=12",
    ),
    (
        "List the cities that are shared by at least two patients.",
        "select city from patients group by 1 having count(*)>=2",
    ),
    (
        "What is the average fee of appointments which have a status of cancelled?",
        "select avg(fee) from appointments where status='cancelled'",
    ),
    (
        "How many patients are there for each gender?",
        "select gender,count(*) from patients group by 1",
    ),
    (
        "What is the average fee of completed appointments by specialty?",
        "select specialty_name,avg(fee) from appointments join doctors using(doctor_id) join specialty using(specialty_id) where status='completed' group by 1",
    ),
    (
        "Which doctors have prescribed medicines made by Helio?",
        "select distinct last_name from doctors join appointments using(doctor_id) join prescriptions using(appointment_id) join medicines using(medicine_id) where maker='Helio'",
    ),
    (
        "What is the total number of prescriptions for each medicine? Return the medicine name and the number of prescriptions.",
        "select medicine_name,count(*) from prescriptions join medicines using(medicine_id) group by medicine_id,1",
    ),
    (
        "How many appointments took place each month in 2024?",
        "select date_trunc('month',scheduled_at)::date,count(*) from appointments where extract(year from scheduled_at)=2024 group by 1",
    ),
    (
        "Return the patient name and total fee of the patients whose total fee is more than 600.",
        "select patient_name,sum(fee) from patients join appointments using(patient_id) group by patient_id,1 having sum(fee)>600",
    ),
    (
        "What is the average duration of appointments for patients from Leeds or York?",
        "select avg(duration_minutes) from appointments join patients using(patient_id) where city in ('Leeds','York')",
    ),
    (
        "What is the number of patients per blood group, excluding patients without a phone?",
        "select blood_group,count(*) from patients where phone is not null group by 1",
    ),
    (
        "Which medicines have a unit price higher than the average and are made by Helio?",
        "select medicine_name from medicines where maker='Helio' and unit_price>(select avg(unit_price) from medicines)",
    ),
    (
        "List the doctors in descending order of number of appointments.",
        "select first_name,last_name from doctors join appointments using(doctor_id) group by doctor_id,1,2 order by count(*) desc",
    ),
    (
        "What percentage of patients are female?",
        "select 100.0*count(*) filter (where gender='F')/count(*) from patients",
    ),
    (
        "What is the total quantity of medicines prescribed per maker per year?",
        "select maker,extract(year from issued_on),sum(quantity) from prescriptions join medicines using(medicine_id) group by 1,2",
    ),
]
