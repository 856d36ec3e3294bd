"""A university press: many-to-many authorship, a lookup of subjects, sales by region and day."""

SCHEMA = """
create table subject (subject_code char(3) primary key, subject_title text);
create table editor (editor_id int primary key, editor_name text, office text);
create table book (isbn text primary key, title text, subject_code char(3) references subject, editor_id int references editor,
    publication_date date, pages int, list_price numeric, language text);
create table author (author_id int primary key, fname text, lname text, institution text, country text);
create table book_author (isbn text references book, author_id int references author, author_order int, primary key (isbn, author_id));
create table sale (sale_id int primary key, isbn text references book, region text, sale_date date, copies int, revenue numeric);
create table review (review_id int primary key, isbn text references book, reviewer text, rating int, review_text text);
insert into subject values ('HIS','History'),('PHY','Physics'),('LAW','Law'),('ART','Art Theory');
insert into editor values (1,'Hanna Wolf','Basel'),(2,'Rui Dias','Lisbon'),(3,'Tess Quinn','Basel');
insert into book select 'B' || i, (array['Empires of Salt','Quiet Matter','Field Lines','On Consent','The Long Treaty','Colour Logic','Dark Optics','Maps and Myths'])[i],
    (array['HIS','PHY','PHY','LAW','HIS','PHY','PHY','HIS'])[i], 1 + i % 2, date '2008-02-01' + i * 400, 150 + (i * 83) % 400, 20 + (i * 11) % 45,
    (array['English','German','English'])[1 + i % 3] from generate_series(1, 8) i;
insert into author values (1,'Ada','Brandt','Zurich Tech','Switzerland'),(2,'Luis','Prado','Coimbra','Portugal'),(3,'Mei','Tan','Nanyang','Singapore'),
 (4,'Ola','Dahl','Uppsala','Sweden'),(5,'Vik','Rao','Nanyang','Singapore'),(6,'Zoe','Hart','Uppsala','Sweden');
insert into book_author values ('B1',1,1),('B1',2,2),('B2',3,1),('B3',3,1),('B3',5,2),('B4',2,1),('B5',1,1),('B6',4,1),('B7',5,1),('B7',3,2),('B7',1,3);
insert into sale select i, 'B' || (1 + (i * i) % 7), (array['Europe','Asia','Americas'])[1 + i % 3], date '2023-01-10' + i * 9, 1 + (i * 13) % 40,
    25 + (i * 71) % 900 from generate_series(1, 70) i;
insert into review select i, 'B' || (1 + (i * 3) % 6), 'Reviewer ' || (1 + i % 5), 1 + (i * 7) % 5, case when i % 4 > 0 then 'Text ' || i end
    from generate_series(1, 24) i;
"""

CASES = [
    (
        "What are the titles of books about Physics?",
        "select title from book join subject using (subject_code) where subject_title = 'Physics'",
    ),
    (
        "Find the titles of the books written by Mei Tan.",
        "select title from book join book_author using (isbn) join author using (author_id) where fname = 'Mei' and lname = 'Tan'",
    ),
    (
        "How many books has each author written?",
        "select fname, lname, count(*) from author join book_author using (author_id) group by author_id, 1, 2",
    ),
    (
        "List the first name and last name of authors who have not written any book.",
        "select fname, lname from author where author_id not in (select author_id from book_author)",
    ),
    (
        "Which authors have written more than 2 books?",
        "select fname, lname from author join book_author using (author_id) group by author_id, 1, 2 having count(*) > 2",
    ),
    (
        "Show the titles of books published after 2012.",
        "select title from book where publication_date >= '2013-01-01'",
    ),
    (
        "What is the title of the longest book?",
        "select title from book order by pages desc limit 1",
    ),
    (
        "What is the title of the book with the most pages?",
        "select title from book order by pages desc limit 1",
    ),
    (
        "What is the average number of pages of the books in each subject?",
        "select subject_title, avg(pages) from book join subject using (subject_code) group by subject_code, 1",
    ),
    (
        "What is the total revenue by region?",
        "select region, sum(revenue) from sale group by region",
    ),
    (
        "Which region sold the most copies?",
        "select region from sale group by region order by sum(copies) desc limit 1",
    ),
    (
        "How many copies were sold in Asia in 2023?",
        "select sum(copies) from sale where region = 'Asia' and extract(year from sale_date) = 2023",
    ),
    (
        "What are the 3 books with the highest total revenue?",
        "select title from book join sale using (isbn) group by isbn, title order by sum(revenue) desc limit 3",
    ),
    (
        "List the editors in Basel and how many books each of them has edited.",
        "select editor_name, count(*) from editor join book using (editor_id) where office = 'Basel' group by editor_id, 1",
    ),
    (
        "Which subjects have no books?",
        "select subject_title from subject where subject_code not in (select subject_code from book)",
    ),
    (
        "What are the names of institutions that have at least 2 authors?",
        "select institution from author group by 1 having count(*) >= 2",
    ),
    (
        "What is the average rating of each book?",
        "select title, avg(rating) from book join review using (isbn) group by isbn, title",
    ),
    (
        "Find the titles of books that have an average rating above 3.",
        "select title from book join review using (isbn) group by isbn, title having avg(rating) > 3",
    ),
    (
        "Which books have received a rating of 5?",
        "select distinct title from book join review using (isbn) where rating = 5",
    ),
    (
        "How many reviews have no review text?",
        "select count(*) from review where review_text is null",
    ),
    (
        "For each language, what is the most expensive book?",
        "select title from (select title, rank() over (partition by language order by list_price desc) r from book) t where r = 1",
    ),
    (
        "What are the languages and their number of books, sorted by number of books?",
        "select language, count(*) from book group by language order by 2",
    ),
    (
        "Return the titles of the books that contain 'of' in the title.",
        "select title from book where title ilike '%of%'",
    ),
    (
        "How many authors are from Sweden or Singapore?",
        "select count(*) from author where country in ('Sweden', 'Singapore')",
    ),
    (
        "What is the revenue per copy for each region?",
        "select region, sum(revenue) / sum(copies) from sale group by region",
    ),
    (
        "What is the percentage of total revenue that each region generates?",
        "select region, 100.0 * sum(revenue) / (select sum(revenue) from sale) from sale group by region",
    ),
    (
        "Find the country with the most authors who wrote books about Physics.",
        """select country from author join book_author using (author_id) join book using (isbn) join subject using (subject_code)
        where subject_title = 'Physics' group by country order by count(distinct author_id) desc limit 1""",
    ),
    (
        "What is the total number of copies sold for books edited by Rui Dias?",
        "select sum(copies) from sale join book using (isbn) join editor using (editor_id) where editor_name = 'Rui Dias'",
    ),
    (
        "List all books priced over 30 with fewer than 400 pages.",
        "select title from book where list_price > 30 and pages < 400",
    ),
    (
        "What is the earliest publication date of the History books?",
        "select min(publication_date) from book join subject using (subject_code) where subject_title = 'History'",
    ),
    (
        "Count the number of books whose language is not English.",
        "select count(*) from book where language <> 'English'",
    ),
    (
        "What are the editors who edited books about both History and Physics?",
        """select editor_name from editor e where exists (select from book b where b.editor_id = e.editor_id and subject_code = 'HIS')
        and exists (select from book b where b.editor_id = e.editor_id and subject_code = 'PHY')""",
    ),
    (
        "What was the growth in revenue from one quarter to the next?",
        """select q, s - lag(s) over (order by q) from (select date_trunc('quarter', sale_date)::date q, sum(revenue) s from sale group by 1) t""",
    ),
    (
        "What is the number of books published per year?",
        "select extract(year from publication_date), count(*) from book group by 1",
    ),
    (
        "Which book titles appear in sales in Europe but not in Americas?",
        """select title from book b where exists (select from sale s where s.isbn = b.isbn and region = 'Europe')
        and not exists (select from sale s where s.isbn = b.isbn and region = 'Americas')""",
    ),
    (
        "What are the title and pages of the shortest book?",
        "select title,pages from book order by pages limit 1",
    ),
    (
        "Find the number of books for each editor, along with the editor's office.",
        "select editor_name,office,count(*) from book join editor using(editor_id) group by editor_id,1,2",
    ),
    (
        "Which language has more than 2 books?",
        "select language from book group by 1 having count(*)>2",
    ),
    (
        "Show the title and list price of all English books ordered by list price.",
        "select title,list_price from book where language='English' order by list_price",
    ),
    (
        "What is the title of the book with the highest average rating?",
        "select title from book join review using(isbn) group by isbn,1 order by avg(rating) desc limit 1",
    ),
    (
        "List the titles of books that have no reviews.",
        "select title from book where isbn not in (select isbn from review)",
    ),
    (
        "What is the total revenue of Physics books?",
        "select sum(revenue) from sale join book using(isbn) join subject using(subject_code) where subject_title='Physics'",
    ),
    (
        "What are the last names of authors from Uppsala?",
        "select lname from author where institution='Uppsala'",
    ),
    (
        "How many copies did each region sell in the second quarter of 2023?",
        "select region,sum(copies) from sale where sale_date>='2023-04-01' and sale_date<'2023-07-01' group by 1",
    ),
    (
        "Which editors have edited more than 3 books?",
        "select editor_name from editor join book using(editor_id) group by editor_id,1 having count(*)>3",
    ),
    (
        "For each subject, show the title of the subject and the average list price of its books.",
        "select subject_title,avg(list_price) from book join subject using(subject_code) group by 1",
    ),
    (
        "What is the average list price of books by language, from the highest to the lowest?",
        "select language,avg(list_price) from book group by 1 order by 2 desc",
    ),
    (
        "How many books have both more than 300 pages and a list price below 40?",
        "select count(*) from book where pages>300 and list_price<40",
    ),
    (
        "Show the country and institution of every author, in alphabetical order of country.",
        "select country,institution from author order by country",
    ),
    (
        "What is the largest number of copies sold in a single sale?",
        "select max(copies) from sale",
    ),
    (
        "How many books are published in each language?",
        "select language,count(*) from book group by 1",
    ),
    (
        "How many books are using the subject 'Law'?",
        "select count(*) from book join subject using(subject_code) where subject_title='Law'",
    ),
    (
        "Show the fname and lname of authors and the titles of the books they wrote.",
        "select fname,lname,title from author join book_author using(author_id) join book using(isbn)",
    ),
    (
        "What is the title of the book with the fewest pages?",
        "select title from book order by pages limit 1",
    ),
    (
        "What are the offices of the editors, and how many editors work in each office?",
        "select office,count(*) from editor group by 1",
    ),
    (
        "Find the titles of the books that were sold in Asia.",
        "select distinct title from book join sale using(isbn) where region='Asia'",
    ),
    (
        "Find the title of the books that were never sold.",
        "select title from book where isbn not in (select isbn from sale)",
    ),
    (
        "What are the average and total revenue of the sales in Europe?",
        "select avg(revenue),sum(revenue) from sale where region='Europe'",
    ),
    (
        "Which institution has the largest number of authors?",
        "select institution from author group by 1 order by count(*) desc limit 1",
    ),
    (
        "Show the titles of books whose list price is not greater than 40.",
        "select title from book where list_price<=40",
    ),
    (
        "List the isbn and title of books that have more than one author.",
        "select isbn,title from book join book_author using(isbn) group by 1 having count(*)>1",
    ),
    (
        "What is the rating of each review, along with the book title?",
        "select rating,title from review join book using(isbn)",
    ),
    (
        "What is the total revenue for each subject in 2023? Order by total revenue in descending order.",
        "select subject_title,sum(revenue) from sale join book using(isbn) join subject using(subject_code) where extract(year from sale_date)=2023 group by 1 order by 2 desc",
    ),
    (
        "Which author has the most books? Return the first name, last name and the number of books.",
        "select fname,lname,count(*) from author join book_author using(author_id) group by author_id,1,2 order by 3 desc limit 1",
    ),
    (
        "What is the average rating of books in the 'Physics' subject?",
        "select avg(rating) from review join book using(isbn) join subject using(subject_code) where subject_title='Physics'",
    ),
    (
        "How many books were published in the last 10 years?",
        "select count(*) from book where publication_date>=current_date-interval '10 years'",
    ),
    (
        "What is the total revenue by month in 2023?",
        "select date_trunc('month',sale_date)::date,sum(revenue) from sale where extract(year from sale_date)=2023 group by 1",
    ),
    (
        "Which books have been reviewed by 'Reviewer 2'?",
        "select distinct title from book join review using(isbn) where reviewer='Reviewer 2'",
    ),
    (
        "What are the top 2 books by number of copies sold in Europe?",
        "select title,sum(copies) from book join sale using(isbn) where region='Europe' group by isbn,1 order by 2 desc limit 2",
    ),
    (
        "What is the difference between the average list price of English books and German books?",
        "select (select avg(list_price) from book where language='English')-(select avg(list_price) from book where language='German')",
    ),
    (
        "How many authors from each country have written at least one book?",
        "select country,count(distinct author_id) from author join book_author using(author_id) group by 1",
    ),
]
