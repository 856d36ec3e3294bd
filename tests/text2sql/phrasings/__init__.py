"""Databases of several domains, each with questions in the phrasings that people use."""

from __future__ import annotations

from tests.text2sql.phrasings import cargo, clinic, gym, museums, press

DOMAINS = {"cargo": cargo, "clinic": clinic, "gym": gym, "museums": museums, "press": press}

# What the grammar declines so far.
BEYOND = [
    "List the airports in Norway with their runway length.",
    "Which aircraft have never flown?",
    "What is the average number of days between booking and delivery?",
    "What is the average delivery time in days for each client, excluding shipments without a delivery date?",
    "Return the net charge, defined as the charge amount minus the discount amount, for each client.",
    "List the names of the clients with more than 15 shipments.",
    "What is the month-over-month change in the number of shipments booked?",
    "What is the average charge per kg for each status?",
    "Which flights took longer than 5 hours?",
    "How many shipments had a discount of more than 30 and a charge below 1000?",
    "What is the average charge amount per month in 2024, rounded to 2 decimals?",
    "What are the names of the clients that have at least one lost shipment?",
    "Which specialty has the most doctors?",
    "What are the names of patients whose blood group is O+ or A-?",
    "What is the cancellation rate for each doctor, defined as the number of cancelled appointments divided by the total number of appointments?",
    "What is the average age of patients?",
    "List the names of the doctors and the names of their supervisors.",
    "How many doctors does each supervisor have?",
    "Which medicines cost between 2 and 9?",
    "Which medicine has been prescribed the most?",
    "Which doctor had the highest number of completed appointments?",
    "What are the names of members who are enrolled in the class named Boxing?",
    "Find the name of the trainer who teaches the most classes.",
    "Which members paid more than 400 in total?",
    "What is the name of the manager of Dario Po?",
    "Which trainers do not have a manager?",
    "Show the name of each trainer and the name of the trainer's manager.",
    "Find members who enrolled in both Boxing and Deep Stretch.",
    "Which members are enrolled in Boxing but not in Yoga Flow?",
    "Who made the most payments?",
    "How many members either are premium or come from Israel?",
    "What is the difference in hourly rate between Agnes Roy and Dario Po?",
    "Count the number of members enrolled in classes taught by Celia Ng.",
    "What is the total amount spent by visitors at each museum?",
    "What are the id, name and age of visitors who visited some museums more than once?",
    "Which cities have both museums opened before 1980 and museums opened after 1990?",
    "What is the number of artworks in the exhibition 'Paper Cities'?",
    "Which visitor spent the most in total?",
    "What are the names of the visitors who visited a museum opened before 2009?",
    "Show each exhibition theme and the number of days that it lasted.",
    "Which museum has hosted the most exhibitions?",
    "Find the titles of the books written by Mei Tan.",
    "Which authors have written more than 2 books?",
    "Find the country with the most authors who wrote books about Physics.",
    "What are the editors who edited books about both History and Physics?",
    "Which book titles appear in sales in Europe but not in Americas?",
    "Which editors have edited more than 3 books?",
]
