"""A museum network: camelCase names that need quotes, bridge table, years as numbers."""

SCHEMA = """
create table "Museum" ("museumId" int primary key, "museumName" text, "city" text, "openYear" int, "numberOfStaff" int);
create table "Artist" ("artistId" int primary key, "fullName" text, "nationality" text, "birthYear" int);
create table "Artwork" ("artworkId" int primary key, "title" text, "artistId" int references "Artist",
    "museumId" int references "Museum", "yearMade" int, "medium" text, "insuredValue" numeric);
create table "Visitor" ("visitorId" int primary key, "name" text, "age" int, "membershipLevel" int);
create table "Visit" ("visitId" int primary key, "visitorId" int references "Visitor", "museumId" int references "Museum",
    "visitDate" date, "totalSpent" numeric, "numberOfTickets" int);
create table "Exhibition" ("exhibitionId" int primary key, "theme" text, "museumId" int references "Museum", "startDate" date, "endDate" date);
create table "ExhibitionArtwork" ("exhibitionId" int references "Exhibition", "artworkId" int references "Artwork",
    primary key ("exhibitionId", "artworkId"));
insert into "Museum" values (1,'Rivergate Hall','Porto',1921,62),(2,'Stone Loft','Graz',1998,15),(3,'Glass House','Porto',2014,22),
 (4,'Harbor Gallery','Bergen',2009,18),(5,'Plaza Museum','Graz',1975,41);
insert into "Artist" values (1,'Mara Iduna','Norwegian',1931),(2,'Teo Alvarez','Spanish',1890),(3,'Ana Brito','Portuguese',1965),
 (4,'Yuki Mori','Japanese',1948),(5,'Karl Weiss','Austrian',1902),(6,'Nils Berg','Norwegian',1977);
insert into "Artwork" select i, 'Study ' || i, 1 + (i * i) % 5, 1 + i % 4, 1900 + (i * 17) % 120,
    (array['oil','bronze','ink'])[1 + i % 3], 1000 + (i * 379) % 9000 from generate_series(1, 30) i;
insert into "Visitor" values (1,'Rosa Lima',23,1),(2,'Ben Adler',35,4),(3,'Ivo Kranz',41,2),(4,'Maya Roth',19,1),(5,'Pia Sund',52,5),
 (6,'Leo Marsh',30,3);
insert into "Visit" select i, 1 + (i * 7) % 5, 1 + (i * i) % 4, date '2022-03-01' + i * 23, 10 + (i * 37) % 150, 1 + i % 4
    from generate_series(1, 40) i;
insert into "Exhibition" values (1,'Light and Water',1,'2022-04-01','2022-09-30'),(2,'Iron Age',1,'2023-01-10','2023-03-31'),
 (3,'Paper Cities',3,'2023-05-01','2023-12-01'),(4,'Northern Lines',4,'2022-11-01','2023-02-15');
insert into "ExhibitionArtwork" select e, a from generate_series(1, 3) e, generate_series(1, 30) a where (a * e) % 7 = 1;
"""

CASES = [
    ("What are the names and cities of all museums?", 'select "museumName", city from "Museum"'),
    (
        "How many museums are there in Porto?",
        """select count(*) from "Museum" where city = 'Porto'""",
    ),
    (
        "Find the name of the museum that has the most staff.",
        'select "museumName" from "Museum" order by "numberOfStaff" desc limit 1',
    ),
    (
        "What are the names of museums opened after 2000?",
        'select "museumName" from "Museum" where "openYear" > 2000',
    ),
    (
        "Show the names of visitors who have a membership level higher than 3.",
        'select name from "Visitor" where "membershipLevel" > 3',
    ),
    (
        "What is the average age of visitors whose membership level is at most 3?",
        'select avg(age) from "Visitor" where "membershipLevel" <= 3',
    ),
    (
        "Find the names of visitors who have not visited any museum.",
        'select name from "Visitor" where "visitorId" not in (select "visitorId" from "Visit")',
    ),
    (
        "What are the titles of the artworks by Norwegian artists?",
        """select title from "Artwork" join "Artist" using ("artistId") where nationality = 'Norwegian'""",
    ),
    (
        "How many artworks does each artist have?",
        'select "fullName", count(*) from "Artwork" join "Artist" using ("artistId") group by "artistId", 1',
    ),
    (
        "What are the names of artists who have no artwork?",
        'select "fullName" from "Artist" where "artistId" not in (select "artistId" from "Artwork")',
    ),
    (
        "For each medium, return the number of artworks and the average insured value.",
        'select medium, count(*), avg("insuredValue") from "Artwork" group by medium',
    ),
    (
        "What is the total amount spent by visitors at each museum?",
        'select "museumName", sum("totalSpent") from "Visit" join "Museum" using ("museumId") group by "museumId", 1',
    ),
    (
        "What are the id, name and age of visitors who visited some museums more than once?",
        'select "visitorId", name, age from "Visitor" join "Visit" using ("visitorId") group by 1 having count(*) > 1',
    ),
    (
        "Which museums have exhibitions on the theme 'Iron Age'?",
        """select "museumName" from "Museum" join "Exhibition" using ("museumId") where theme = 'Iron Age'""",
    ),
    (
        "List the themes of exhibitions that started before 2023.",
        """select theme from "Exhibition" where "startDate" < '2023-01-01'""",
    ),
    (
        "Show the cities that have more than one museum.",
        'select city from "Museum" group by city having count(*) > 1',
    ),
    (
        "Which cities have both museums opened before 1980 and museums opened after 1990?",
        'select city from "Museum" where "openYear" < 1980 intersect select city from "Museum" where "openYear" > 1990',
    ),
    (
        "What is the number of artworks in the exhibition 'Paper Cities'?",
        """select count(*) from "ExhibitionArtwork" join "Exhibition" using ("exhibitionId") where theme = 'Paper Cities'""",
    ),
    (
        "Find the title and year made of the artwork with the highest insured value.",
        'select title, "yearMade" from "Artwork" order by "insuredValue" desc limit 1',
    ),
    (
        "What is the name of the artist of the artwork with the highest insured value?",
        'select "fullName" from "Artwork" join "Artist" using ("artistId") order by "insuredValue" desc limit 1',
    ),
    (
        "Count the artworks that are not made of oil.",
        """select count(*) from "Artwork" where medium <> 'oil'""",
    ),
    (
        "Which artists were born between 1900 and 1950?",
        'select "fullName" from "Artist" where "birthYear" between 1900 and 1950',
    ),
    (
        "What are the nationalities shared by at least two artists?",
        'select nationality from "Artist" group by 1 having count(*) >= 2',
    ),
    (
        "Return the museum name and open year, sorted by open year from the newest to the oldest.",
        'select "museumName", "openYear" from "Museum" order by "openYear" desc',
    ),
    (
        "What is the average number of tickets and the maximum total spent of the visits?",
        'select avg("numberOfTickets"), max("totalSpent") from "Visit"',
    ),
    (
        "List the names of the museums whose number of staff is above the average.",
        'select "museumName" from "Museum" where "numberOfStaff" > (select avg("numberOfStaff") from "Museum")',
    ),
    (
        "What is the total number of tickets for visits in 2023?",
        """select sum("numberOfTickets") from "Visit" where extract(year from "visitDate") = 2023""",
    ),
    (
        "Which visitor spent the most in total?",
        'select name from "Visitor" join "Visit" using ("visitorId") group by "visitorId", name order by sum("totalSpent") desc limit 1',
    ),
    ("How many visitors are younger than 36?", 'select count(*) from "Visitor" where age < 36'),
    (
        "What are the names of the visitors who visited a museum opened before 2009?",
        'select distinct name from "Visitor" join "Visit" using ("visitorId") join "Museum" using ("museumId") where "openYear" < 2009',
    ),
    (
        "Find the ids of the museums that are located in Graz or have more than 50 staff.",
        """select "museumId" from "Museum" where city = 'Graz' or "numberOfStaff" > 50""",
    ),
    (
        "Show each exhibition theme and the number of days that it lasted.",
        'select theme, "endDate" - "startDate" from "Exhibition"',
    ),
    (
        "What is the ratio of bronze artworks to oil artworks?",
        """select count(*) filter (where medium = 'bronze')::numeric / count(*) filter (where medium = 'oil') from "Artwork" """,
    ),
    (
        "What are the name, city and open year of the museum with the fewest staff?",
        'select "museumName",city,"openYear" from "Museum" order by "numberOfStaff" limit 1',
    ),
    (
        "Show the titles of artworks whose insured value is between 2000 and 4000.",
        'select title from "Artwork" where "insuredValue" between 2000 and 4000',
    ),
    (
        "List the names of all artists sorted by birth year in descending order.",
        'select "fullName" from "Artist" order by "birthYear" desc',
    ),
    (
        "What is the nationality with the most artists?",
        'select nationality from "Artist" group by 1 order by count(*) desc limit 1',
    ),
    (
        "What are the titles of the artworks kept in the museum named 'Glass House'?",
        """select title from "Artwork" join "Museum" using("museumId") where "museumName"='Glass House'""",
    ),
    (
        "How many visitors have visited each museum? List museum names and number of visits.",
        'select "museumName",count(*) from "Visit" join "Museum" using("museumId") group by "museumId",1',
    ),
    (
        "Find the average number of tickets bought per visit.",
        'select avg("numberOfTickets") from "Visit"',
    ),
    (
        "What are the names of artists who are not Norwegian?",
        """select "fullName" from "Artist" where nationality<>'Norwegian'""",
    ),
    (
        "What is the average insured value of artworks made before 1950?",
        'select avg("insuredValue") from "Artwork" where "yearMade"<1950',
    ),
    (
        "What are the mediums used by at least 9 artworks?",
        'select medium from "Artwork" group by 1 having count(*)>=9',
    ),
    (
        "Which museum has hosted the most exhibitions?",
        'select "museumName" from "Museum" join "Exhibition" using("museumId") group by "museumId",1 order by count(*) desc limit 1',
    ),
    (
        "What is the name of the oldest museum in Graz?",
        """select "museumName" from "Museum" where city='Graz' order by "openYear" limit 1""",
    ),
    (
        "Find the number of distinct nationalities of the artists.",
        'select count(distinct nationality) from "Artist"',
    ),
    (
        "Return the name and age of visitors sorted by age ascending.",
        'select name,age from "Visitor" order by age',
    ),
    (
        "List all artworks made by 'Mara Iduna'.",
        """select title from "Artwork" join "Artist" using("artistId") where "fullName"='Mara Iduna' """,
    ),
    (
        "What is the number of artworks created by 'Teo Alvarez'?",
        """select count(*) from "Artwork" join "Artist" using("artistId") where "fullName"='Teo Alvarez' """,
    ),
    (
        "List the title of all artworks in alphabetical order.",
        'select title from "Artwork" order by title',
    ),
    (
        "List the names of artists whose birth year is later than 1940.",
        'select "fullName" from "Artist" where "birthYear">1940',
    ),
    (
        "List the names of visitors in descending alphabetical order.",
        'select name from "Visitor" order by name desc',
    ),
    (
        "What is the birth year of the artist with the most artworks?",
        'select "birthYear" from "Artist" join "Artwork" using("artistId") group by "artistId",1 order by count(*) desc limit 1',
    ),
    (
        "What are the cities of museums sorted by the number of museums in each?",
        'select city from "Museum" group by 1 order by count(*)',
    ),
    (
        "Find the average age of visitors who have visited a museum.",
        'select avg(age) from "Visitor" where "visitorId" in (select "visitorId" from "Visit")',
    ),
    (
        "Show the name of museums and the number of artworks in each museum.",
        'select "museumName",count(*) from "Museum" join "Artwork" using("museumId") group by "museumId",1',
    ),
    (
        "Which artists were born in either 1948 or 1965?",
        'select "fullName" from "Artist" where "birthYear" in (1948,1965)',
    ),
    (
        "For each nationality, what is the earliest birth year?",
        'select nationality,min("birthYear") from "Artist" group by 1',
    ),
    (
        "What is the name of the museum with the largest number of staff?",
        'select "museumName" from "Museum" order by "numberOfStaff" desc limit 1',
    ),
    (
        "What are the names of the museums which have more staff than the average?",
        'select "museumName" from "Museum" where "numberOfStaff">(select avg("numberOfStaff") from "Museum")',
    ),
    (
        "What is the total spent by the visitors with a membership level of 1?",
        'select sum("totalSpent") from "Visit" join "Visitor" using("visitorId") where "membershipLevel"=1',
    ),
    (
        "How many museums were opened before 2009 or after 2010?",
        'select count(*) from "Museum" where "openYear"<2009 or "openYear">2010',
    ),
    (
        "What is the total insured value of artworks in each museum, sorted by total insured value from highest to lowest?",
        'select "museumName",sum("insuredValue") from "Museum" join "Artwork" using("museumId") group by "museumId",1 order by 2 desc',
    ),
    (
        "What is the average total spent per visit for each membership level?",
        'select "membershipLevel",avg("totalSpent") from "Visit" join "Visitor" using("visitorId") group by 1',
    ),
    (
        "How many artworks have titles containing the string '1'?",
        """select count(*) from "Artwork" where title ilike '%1%' """,
    ),
    (
        "Which museum received the most visits in 2023?",
        'select "museumName" from "Museum" join "Visit" using("museumId") where extract(year from "visitDate")=2023 group by "museumId",1 order by count(*) desc limit 1',
    ),
    (
        "Return the name of each museum and the date of its latest exhibition start.",
        'select "museumName",max("startDate") from "Museum" join "Exhibition" using("museumId") group by "museumId",1',
    ),
    (
        "What are the distinct mediums used by Norwegian artists?",
        """select distinct medium from "Artwork" join "Artist" using("artistId") where nationality='Norwegian' """,
    ),
]
