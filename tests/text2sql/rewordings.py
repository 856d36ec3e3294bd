# ruff: noqa: RUF001  (Chinese text)
"""Verified pairs over two invented schemas, the same questions in other words, and others.

Of each: question and SQL; a question, the number of the pair that answers it, and
what is replaced in its SQL; questions that no pair answers, each near to one.
"""

from __future__ import annotations

CLINIC = """
create schema clinic;
set search_path = clinic;
create table doctors (doctor_id int primary key, full_name text, specialty text, hired_on date, salary numeric);
create table patients (patient_id int primary key, full_name text, birth_date date, city text, insured boolean);
create table visits (visit_id int primary key, patient_id int references patients, doctor_id int references doctors, visited_on date, fee numeric, room text);
create table prescriptions (prescription_id int primary key, visit_id int references visits, drug text, dose_mg int);
comment on table doctors is 'Doctors. 医生。';
comment on column doctors.full_name is 'Name of the doctor. 医生姓名。';
comment on column doctors.specialty is 'Specialty. 专科。';
comment on column doctors.salary is 'Salary. 薪水。';
comment on column doctors.hired_on is 'Day of hiring. 入职日期。';
comment on table patients is 'Patients. 患者。';
comment on column patients.full_name is 'Name of the patient. 患者姓名。';
comment on column patients.city is 'City. 城市。';
comment on column patients.birth_date is 'Birth date. 出生日期。';
comment on column patients.insured is 'Whether insured. 是否参保。';
comment on table visits is 'Visits. 就诊。';
comment on column visits.fee is 'Fee. 费用。';
comment on column visits.visited_on is 'Day of the visit. 就诊日期。';
comment on column visits.room is 'Room. 诊室。';
comment on table prescriptions is 'Prescriptions. 处方。';
comment on column prescriptions.drug is 'Drug. 药品。';
comment on column prescriptions.dose_mg is 'Dose. 剂量。';
insert into doctors select n, 'Doctor ' || n, (array['cardiology','dermatology','neurology'])[1 + n % 3], date '2010-01-01' + n * 90, 5000 + n * 100 from generate_series(1, 12) n;
insert into patients select n, 'Patient ' || n, date '1950-01-01' + n * 300, (array['Oslo','Turin','Leeds','Ghent'])[1 + n % 4], n % 3 = 0 from generate_series(1, 60) n;
insert into visits select n, 1 + n % 55, 1 + n % 11, date '2022-01-01' + n * 3, 20 + n % 70, (array['A1','B2','C3'])[1 + n % 3] from generate_series(1, 300) n;
insert into prescriptions select n, 1 + n % 290, (array['aspirin','ibuprofen','statin'])[1 + n % 3], 50 * (1 + n % 5) from generate_series(1, 400) n;
analyze;
"""

CLINIC_PAIRS = [
    (
        "How many patients does each doctor treat?",
        "select d.full_name, count(distinct v.patient_id) from doctors d join visits v using (doctor_id) group by d.doctor_id, d.full_name",
    ),  # 0
    (
        "Which patients have never had a visit?",
        "select full_name from patients p where not exists (select from visits v where v.patient_id = p.patient_id)",
    ),  # 1
    (
        "What is the average fee of visits per specialty?",
        "select d.specialty, avg(v.fee) from visits v join doctors d using (doctor_id) group by d.specialty",
    ),  # 2
    (
        "List the names of patients from Oslo who were prescribed aspirin.",
        "select distinct p.full_name from patients p join visits v using (patient_id) join prescriptions r using (visit_id) where p.city = 'Oslo' and r.drug = 'aspirin'",
    ),  # 3
    (
        "Who is the highest paid doctor?",
        "select full_name from doctors order by salary desc limit 1",
    ),  # 4
    (
        "How many visits took place in 2023?",
        "select count(*) from visits where visited_on >= '2023-01-01' and visited_on < '2024-01-01'",
    ),  # 5
    (
        "Show the names and salaries of all doctors hired before 2011.",
        "select full_name, salary from doctors where hired_on < '2011-01-01'",
    ),  # 6
    (
        "Which drug is prescribed most often?",
        "select drug from prescriptions group by drug order by count(*) desc limit 1",
    ),  # 7
    (
        "Which rooms had more than 50 visits?",
        "select room from visits group by room having count(*) > 50",
    ),  # 8
    (
        "What is the total fee paid by insured patients?",
        "select sum(v.fee) from visits v join patients p using (patient_id) where p.insured",
    ),  # 9
    (
        "What are the names of doctors who earn more than the average salary?",
        "select full_name from doctors where salary > (select avg(salary) from doctors)",
    ),  # 10
    (
        "How many patients are there in each city?",
        "select city, count(*) from patients group by city",
    ),  # 11
    (
        "Which doctors treated patients from both Oslo and Turin?",
        "select d.full_name from doctors d join visits v using (doctor_id) join patients p using (patient_id) where p.city = 'Oslo' intersect select d.full_name from doctors d join visits v using (doctor_id) join patients p using (patient_id) where p.city = 'Turin'",
    ),  # 12
    (
        "Find the three youngest patients.",
        "select full_name from patients order by birth_date desc limit 3",
    ),  # 13
    (
        "What is the minimum, average and maximum dose of statin?",
        "select min(dose_mg), avg(dose_mg), max(dose_mg) from prescriptions where drug = 'statin'",
    ),  # 14
    ("每个专科有多少医生？", "select specialty, count(*) from doctors group by specialty"),  # 15
    ("费用最高的就诊是哪一次？", "select visit_id from visits order by fee desc limit 1"),  # 16
    (
        "没有开过处方的就诊有多少次？",
        "select count(*) from visits v where not exists (select from prescriptions r where r.visit_id = v.visit_id)",
    ),  # 17
    (
        "2023年每个城市的患者的总费用是多少？",
        "select p.city, sum(v.fee) from visits v join patients p using (patient_id) where v.visited_on >= '2023-01-01' and v.visited_on < '2024-01-01' group by p.city",
    ),  # 18
]

CLINIC_REWORDED = [
    ("For each doctor, give the number of patients they have treated.", 0, {}),
    ("Give each doctor's name and the number of patients he or she treats", 0, {}),
    ("List patients without any visits.", 1, {}),
    ("Find the patients who did not have a single visit", 1, {}),
    ("What patients were never seen on a visit?", 1, {}),
    ("Give the mean visit fee for every specialty.", 2, {}),
    ("For each specialty, what is the average visit fee?", 2, {}),
    ("What are the names of the Oslo patients to whom aspirin was prescribed?", 3, {}),
    (
        "Which patients living in Turin got a prescription for statin?",
        3,
        {"Oslo": "Turin", "aspirin": "statin"},
    ),
    ("What is the name of the doctor with the highest salary?", 4, {}),
    ("Which doctor earns the most?", 4, {}),
    ("Count the visits made in 2023.", 5, {}),
    ("What was the number of visits in 2022?", 5, {"2023-": "2022-", "2024-": "2023-"}),
    ("Give me the name and the salary of each doctor who was hired earlier than 2011", 6, {}),
    ("What are the names and pay of doctors that were hired before 2012?", 6, {"2011": "2012"}),
    ("What is the drug that is prescribed the most?", 7, {}),
    ("Tell me the most frequently prescribed drug", 7, {}),
    ("List the rooms in which over 50 visits took place.", 8, {}),
    ("What rooms have had more than 80 visits?", 8, {"50": "80"}),
    ("How much in fees did insured patients pay in total?", 9, {}),
    ("What is the sum of fees paid by patients with insurance?", 9, {}),
    ("Which doctors have a salary above the average?", 10, {}),
    ("Show doctors' names whose salary is higher than the average salary of doctors", 10, {}),
    ("For each city, how many patients live there?", 11, {}),
    ("Show the number of patients per city.", 11, {}),
    ("Find the doctors who saw patients from Oslo and also patients from Turin.", 12, {}),
    (
        "Which doctors treated both Leeds and Ghent patients?",
        12,
        {"Oslo": "Leeds", "Turin": "Ghent"},
    ),
    ("Who are the 3 youngest patients?", 13, {}),
    ("What are the names of the five youngest patients?", 13, {"3": "5"}),
    ("For statin, give the smallest, the mean and the largest dose.", 14, {}),
    ("Return the minimum, maximum and average dose for ibuprofen", 14, {"statin": "ibuprofen"}),
    ("各专科的医生数量是多少？", 15, {}),
    ("请列出每个专科的医生人数", 15, {}),
    ("哪次就诊的费用最高？", 16, {}),
    ("有多少次就诊没有处方？", 17, {}),
    ("2022年各城市患者的费用总额", 18, {"2023-": "2022-", "2024-": "2023-"}),
    ("每个城市有多少患者？", 11, {}),
    ("各专科就诊的平均费用是多少？", 2, {}),
    ("哪些患者从未就诊？", 1, {}),
    ("薪水最高的医生是谁？", 4, {}),
]

CLINIC_OTHERS = [
    "How many patients are there?",
    "How many visits does each doctor have?",
    "Which doctors have never had a visit?",
    "Which patients have had a visit?",
    "What is the average fee of visits per city?",
    "What is the average salary per specialty?",
    "What is the total fee of visits per specialty?",
    "List the cities of patients who were prescribed aspirin.",
    "List the names of patients from Oslo.",
    "Who is the lowest paid doctor?",
    "Who is the oldest doctor?",
    "How many patients had a visit in 2023?",
    "How many visits took place in room A1 in 2023?",
    "Show the names and salaries of all doctors hired after 2011.",
    "Show the names and specialties of all doctors hired before 2011.",
    "Which drug is prescribed least often?",
    "Which doctor prescribes most often?",
    "Which rooms had fewer than 50 visits?",
    "Which doctors had more than 50 visits?",
    "What is the total fee paid by patients?",
    "What is the total fee paid by uninsured patients?",
    "What is the average fee paid by insured patients?",
    "What are the names of doctors who earn less than the average salary?",
    "What are the names of doctors who earn more than the average salary of their specialty?",
    "How many doctors are there in each city?",
    "How many cities are there?",
    "How many insured patients are there in each city?",
    "Which doctors treated patients from either Oslo or Turin?",
    "Which doctors treated patients from Oslo but not Turin?",
    "Find the three oldest patients.",
    "Find the three youngest doctors.",
    "What is the total dose of statin?",
    "What is the minimum, average and maximum fee of visits?",
    "What is the fee and room of the visits in Oslo?",
    "What is the median dose of statin?",
    "每个专科的平均薪水是多少？",
    "费用最低的就诊是哪一次？",
    "开过处方的就诊有多少次？",
    "没有开过处方的医生有多少？",
    "2023年每个城市的患者的平均费用是多少？",
    "2023年每个城市有多少患者？",
    "每个城市有多少参保患者？",
    "各专科就诊的总费用是多少？",
    "哪些患者就诊过？",
    "薪水最低的医生是谁？",
]

HARBOUR = """
create schema harbour;
set search_path = harbour;
create table vessels (vessel_id int primary key, name text, flag text, built_year int, tonnage int);
create table berths (berth_id int primary key, terminal text, depth_m numeric);
create table calls (call_id int primary key, vessel_id int references vessels, berth_id int references berths, arrived_at date, departed_at date, dues numeric);
create table containers (container_id int primary key, call_id int references calls, kind text, weight_kg int, hazardous boolean);
comment on table vessels is 'Vessels. 船舶。';
comment on column vessels.name is 'Name. 船名。';
comment on column vessels.flag is 'Flag state. 船旗国。';
comment on column vessels.built_year is 'Year built. 建造年份。';
comment on column vessels.tonnage is 'Tonnage. 吨位。';
comment on table berths is 'Berths. 泊位。';
comment on column berths.terminal is 'Terminal. 码头。';
comment on column berths.depth_m is 'Depth. 水深。';
comment on table calls is 'Port calls. 靠港。';
comment on column calls.dues is 'Port dues. 港务费。';
comment on column calls.arrived_at is 'Arrival. 到港日期。';
comment on table containers is 'Containers. 集装箱。';
comment on column containers.kind is 'Kind. 箱型。';
comment on column containers.weight_kg is 'Weight. 重量。';
insert into vessels select n, 'Vessel '||n, (array['Malta','Panama','Norway','Liberia'])[1+n%4], 1980+n, 1000*n from generate_series(1,30) n;
insert into berths select n, (array['North','East','South'])[1+n%3], 8+n from generate_series(1,9) n;
insert into calls select n, 1+n%28, 1+n%8, date '2021-01-01'+n*4, case when n%10<>0 then date '2021-01-03'+n*4 end, 100+n%300 from generate_series(1,300) n;
insert into containers select n, 1+n%290, (array['reefer','tank','dry'])[1+n%3], 500+n%9000, n%7=0 from generate_series(1,900) n;
analyze;
"""
HARBOUR_PAIRS = [
    (
        "How many port calls did each vessel make?",
        "select v.name, count(*) from vessels v join calls c using (vessel_id) group by v.vessel_id, v.name",
    ),
    (
        "Which vessels sail under the flag of Malta?",
        "select name from vessels where flag = 'Malta'",
    ),
    (
        "What is the total of port dues per terminal?",
        "select b.terminal, sum(c.dues) from calls c join berths b using (berth_id) group by b.terminal",
    ),
    (
        "Which vessel has the largest tonnage?",
        "select name from vessels order by tonnage desc limit 1",
    ),
    (
        "List vessels that never called at the port.",
        "select name from vessels v where not exists (select from calls c where c.vessel_id = v.vessel_id)",
    ),
    (
        "How many containers weigh more than 5000 kg?",
        "select count(*) from containers where weight_kg > 5000",
    ),
    (
        "Show the names of vessels built between 1990 and 2000.",
        "select name from vessels where built_year between 1990 and 2000",
    ),
    ("Which calls have not departed yet?", "select call_id from calls where departed_at is null"),
    (
        "What is the average weight of hazardous containers by kind?",
        "select kind, avg(weight_kg) from containers where hazardous group by kind",
    ),
    (
        "How many calls were there in 2022?",
        "select count(*) from calls where arrived_at >= '2022-01-01' and arrived_at < '2023-01-01'",
    ),
    ("每个码头有多少泊位？", "select terminal, count(*) from berths group by terminal"),
    ("吨位超过10000的船舶有哪些？", "select name from vessels where tonnage > 10000"),
    ("港务费最高的5次靠港", "select call_id from calls order by dues desc limit 5"),
]
HARBOUR_REWORDED = [
    ("For each vessel, count its port calls.", 0, {}),
    ("What is the number of calls of every vessel?", 0, {}),
    ("List all ships flying the flag of Panama.", 1, {"Malta": "Panama"}),
    ("Names of the vessels that have a Norway flag", 1, {"Malta": "Norway"}),
    ("Give the sum of port dues for every terminal", 2, {}),
    ("How much were the total port dues at each terminal?", 2, {}),
    ("What is the name of the vessel with the highest tonnage?", 3, {}),
    ("Find the biggest vessel by tonnage", 3, {}),
    ("Which vessels have made no calls at the port?", 4, {}),
    ("What vessels have never visited the port?", 4, {}),
    ("Count the containers that are heavier than 8000 kg.", 5, {"5000": "8000"}),
    ("What is the number of containers with a weight above 5000 kg?", 5, {}),
    (
        "What are the names of the vessels that were built from 1995 to 2005?",
        6,
        {"1990": "1995", "2000": "2005"},
    ),
    ("List vessels whose year of building is between 1990 and 2000", 6, {}),
    ("List the calls that have no departure so far.", 7, {}),
    ("For hazardous containers, give the mean weight per kind.", 8, {}),
    ("What is the number of calls in 2021?", 9, {"2023": "2022", "2022-": "2021-"}),
    ("各码头的泊位数量", 10, {}),
    ("列出吨位大于20000的船舶", 11, {"10000": "20000"}),
    ("哪5次靠港的港务费最高？", 12, {}),
    ("每个码头的港务费总额是多少？", 2, {}),
    ("从未靠港的船舶有哪些？", 4, {}),
    ("吨位最大的船舶是哪艘？", 3, {}),
]
HARBOUR_OTHERS = [
    "How many containers did each vessel carry?",
    "How many vessels are there under each flag?",
    "Which vessels do not sail under the flag of Malta?",
    "What is the average of port dues per terminal?",
    "What is the total of port dues per vessel?",
    "Which vessel has the smallest tonnage?",
    "Which berth has the largest depth?",
    "List vessels that called at the port.",
    "List berths that were never called at.",
    "How many containers weigh less than 5000 kg?",
    "How many hazardous containers weigh more than 5000 kg?",
    "Show the names of vessels not built between 1990 and 2000.",
    "Show the flags of vessels built between 1990 and 2000.",
    "Which calls have departed?",
    "What is the average weight of containers by kind?",
    "What is the average weight of reefer containers by terminal?",
    "How many vessels called in 2022?",
    "How many calls at the North terminal were there in 2022?",
    "每个码头的平均水深是多少？",
    "吨位低于10000的船舶有哪些？",
    "港务费最低的5次靠港",
    "每个码头的平均港务费是多少？",
    "靠港过的船舶有哪些？",
    "吨位最小的船舶是哪艘？",
    "每个船旗国有多少船舶？",
]

SETS = {
    "clinic": (CLINIC, CLINIC_PAIRS, CLINIC_REWORDED, CLINIC_OTHERS),
    "harbour": (HARBOUR, HARBOUR_PAIRS, HARBOUR_REWORDED, HARBOUR_OTHERS),
}
