# ruff: noqa: RUF001  (Chinese text)
"""The question cache: which questions are the same, and that nothing slows it down."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pg_llm.text2sql.meaning import meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

# Each line: questions that are the same one.
SAME = """
Show me the riders | Give me the riders | Please list the riders | What are the riders?
How many trips are there? | What is the number of trips? | Tell me the total number of trips | How many trips do we have
What's the average fare per city? | Show the mean fare for each city | the avg fare for every city
Trips of at least five minutes | trips of no less than 5 minutes | Trips of not fewer than 5 minutes.
Trips with more than 1,000 points | trips with greater than 1000 points
Riders in the US | riders in US?
Fares in the year 2024 | Fares in 2024 | fares during the year 2024
Can you show me the 'Old Town' docks? | the docks? of 'Old Town' # no
请问有多少骑行者？ | 有多少骑行者
费用超过100的行程有哪些？ | 费用大于100的行程是哪些 | 列出费用高于100的行程有哪些
每个城市的平均费用是多少 | 请问各个城市的平均值费用为多少 # no
每个城市的平均费用是多少 | 各个城市的平均费用为多少？
至少5次 | 不少于5次
"""
# Each line: questions of which no two are the same.
DIFFERENT = """
Trips of at least 5 minutes | Trips of more than 5 minutes | Trips of at most 5 minutes | Trips of less than 5 minutes | Trips of 5 minutes
Trips over 5 minutes in 2024 | Trips over 2024 minutes in 5 | Trips over 5 minutes in 2023 | Trips over 6 minutes in 2024
Trips since 2024 | Trips before 2024 | Trips until 2024 | Trips after 2024 | Trips of 2024 | Trips not in 2024
Riders with a trip | Riders without a trip | Riders with one trip | Riders with no trip | Riders with two trips
Riders sorted by age ascending | Riders sorted by age descending | Riders sorted by age
The average price of bikes | The average cost of bikes | The average value of bikes | The total price of bikes
How many cities are there? | How many different cities are there? | How many distinct cities do we have?
Riders in the US | Riders in us | Riders | Riders in the UK
Staff of the IT department | Staff of the department | Staff of it department
Orders by state | Orders by status | Orders by country | Orders
The first name of riders | The last name of riders | The name of riders
Bikes with status 'open' | Bikes with status 'Open' | Bikes with status open | Bikes with status "open"
Riders from Graz and Lyon | Riders from Graz or Lyon | Riders from Lyon and Graz
The list price of bikes | The price of bikes | Show the price of bikes and the list
Return rate of bikes | Show rate of bikes | Rate of bikes
The highest fare | The lowest fare | The second highest fare
All vitamin A tablets | All vitamin tablets | All vitamin C tablets
Fares between 1 and 20 | Fares between 20 and 1 | Fares between 1 and 2.0
The share of trips in March | The share of trips in May | The number of trips in March
Which riders are older than Ana? | Which riders is Ana older than?
Trips of the last 7 days | Trips of the last 7 weeks | Trips of the first 7 days | Trips of the next 7 days
费用超过100的行程 | 费用不超过100的行程 | 费用至少100的行程 | 费用低于100的行程 | 费用100的行程
有行程的骑行者 | 没有行程的骑行者
最高的费用 | 最低的费用 | 平均费用 | 总费用
2023年的行程 | 2024年的行程 | 2024年以前的行程 | 2024年以后的行程
上个月的行程 | 这个月的行程 | 上周的行程
格拉茨或里昂的骑行者 | 格拉茨和里昂的骑行者
查询次数最多的骑行者 | 次数最多的骑行者
请假天数 | 假期天数
每个城市的费用 | 城市的费用
前3名骑行者 | 前5名骑行者 | 后3名骑行者
"""


def lines(text: str) -> list[list[str]]:
    rows = [line for line in text.strip().splitlines() if not line.endswith("# no")]
    return [[one.strip() for one in row.split(" | ")] for row in rows]


@pytest.mark.parametrize("questions", lines(SAME), ids=lambda questions: questions[0])
def test_what_is_the_same(questions: list[str]) -> None:
    assert len({meaning(question) for question in questions}) == 1


@pytest.mark.parametrize("questions", lines(DIFFERENT), ids=lambda questions: questions[0])
def test_what_is_not_the_same(questions: list[str]) -> None:
    assert len({meaning(question) for question in questions}) == len(questions)


@pytest.fixture
def caching(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    db.execute("set pg_llm.text2sql_cache = on")
    yield db
    db.execute("delete from llm.answers; delete from llm.verified_pairs")


def explain(db: psycopg.Connection, question: str) -> dict[str, Any]:
    with db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute("select * from llm_text2sql_explain(%s)", [question]).fetchone()
    assert found is not None
    return found


def cached(found: dict[str, Any]) -> bool:
    return bool(found["attempts"]) and found["attempts"][-1] == "cache: answered"


def test_the_same_in_other_words_is_given_again(caching: psycopg.Connection) -> None:
    first = explain(caching, "What is the average fare per city?")
    again = explain(caching, "show me the mean fare for each city")
    assert first["sql"] is not None
    assert cached(again)
    assert again["sql"] == first["sql"]
    assert not cached(explain(caching, "What is the average duration per city?"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trips of at least 50 minutes", "Trips of more than 50 minutes"),
        ("How many cities are there?", "How many different cities are there?"),
        ("Riders born before 1980", "Riders born after 1980"),
        ("时长超过50的行程", "时长低于50的行程"),
        ("2024年的行程", "2025年的行程"),
    ],
)
def test_what_only_looks_alike_is_answered_anew(
    caching: psycopg.Connection, one: str, other: str
) -> None:
    explain(caching, one)
    assert cached(explain(caching, one))
    assert not cached(explain(caching, other))


def test_a_quoted_text_is_taken_with_its_case(caching: psycopg.Connection) -> None:
    caching.execute("select llm_verify('Riders of \"graz\"', 'select 1 as one')")
    explain(caching, 'Riders of "graz"')
    assert not cached(explain(caching, 'Riders of "Graz"'))


def test_old_answers_are_found_among_many(caching: psycopg.Connection) -> None:
    explain(caching, "How many trips are there?")
    caching.execute(
        "insert into llm.answers (key, path, model, meaning, question, answer, relations,"
        " signature, milliseconds) select 'q' || n, a.path, a.model, 'm' || n, 'q' || n, a.answer,"
        " a.relations, a.signature, 1 from generate_series(1, 20000) n, llm.answers a"
    )
    caching.execute("analyze llm.answers")
    assert cached(explain(caching, "What is the number of trips?"))
    plan = caching.execute(
        "explain select from llm.answers a where a.role = current_user::regrole and a.path = 'x'"
        " and a.model = '' and (a.key = 'k' or a.meaning = 'm')"
    ).fetchall()
    assert not any("Seq Scan" in line for (line,) in plan)


def test_the_version_of_what_was_learned_follows_transactions(
    caching: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    def version(session: psycopg.Connection) -> str:
        return session.execute("select llm.learned_version()").fetchone()[0]

    writer = connect(autocommit=False)
    before = version(caching)
    writer.execute("select llm_verify('One', 'select 1 as one')")
    assert version(caching) == before != version(writer)
    writer.rollback()
    assert version(caching) == version(writer) == before
    seen = {before}
    for number in range(140):
        caching.execute("update llm.verified_pairs set note = 'x' where false")
        assert version(caching) not in seen, number
        seen.add(version(caching))
    count = caching.execute("select count(*) from llm.learned_changes").fetchone()
    assert count[0] < 140
    caching.execute("set role llm_user")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        caching.execute("delete from llm.learned_changes")
    caching.execute("reset role")


def test_evaluations_and_feedback_are_dumped_and_traces_are_not(
    caching: psycopg.Connection,
    server: PostgreSQLExecutor,
    psql: list[str],
    admin: psycopg.Connection,
    database_name: str,
) -> None:
    caching.execute("create table asked (question text, sql text)")
    caching.execute("insert into asked values ('How many riders?', 'select count(*) from riders')")
    caching.execute("select count(*) from llm_eval('asked')")
    explain(caching, "How many trips are there?")
    explain(caching, "How many repairs are there?")
    caching.execute("select llm_feedback('How many trips are there?', false)")
    dump = subprocess.run(
        [Path(server.executable).parent / "pg_dump", *psql[1:], database_name],
        check=True,
        capture_output=True,
    ).stdout
    restored = f"{database_name[:50]}_restored"
    admin.execute(f'create database "{restored}"')
    try:
        subprocess.run(
            [*psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", restored],
            input=dump,
            check=True,
            capture_output=True,
        )
        with psycopg.connect(f"{' '.join(caching.info.dsn.split())} dbname={restored}") as other:
            for query in (
                "select * from llm.evaluation_runs",
                "select * from llm.evaluation_answers",
                "select question, correct from llm.answers where correct is not null",
            ):
                rows = caching.execute(query).fetchall()
                assert other.execute(query).fetchall() == rows
                assert rows
            assert other.execute("select count(*) from llm.answers").fetchone() == (1,)
            run = other.execute(
                "insert into llm.evaluation_runs (questions, options) values ('x', '{}')"
                " returning id"
            ).fetchone()
            assert run is not None
    finally:
        admin.execute(f'drop database "{restored}" with (force)')
