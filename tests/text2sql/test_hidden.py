# ruff: noqa: RUF001  (Chinese text)
"""What a role may not read is answered like what does not exist, at every door."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from pg_llm.models.scripted import Server
from tests.conftest import dsn
from tests.text2sql.test_guard import CHECK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

SCHEMA = """
create role t2s_hidden in role llm_user;
create schema vault;
create table vault.ledgers (amount int, clerk text);
create table dossiers (suspect text, verdict text, amount int, rider_id int references riders);
insert into dossiers values ('Moriarty', 'guilty', 5, 1);
comment on table dossiers is 'Dossiers. 卷宗。';
create view strongbox as select * from dossiers;
alter table riders add column codename text default 'zeta';
grant select (rider_id, full_name, city, birth_date, email) on riders to t2s_hidden;
grant usage on schema fleet to t2s_hidden;
grant select on bikes, trips to t2s_hidden;
analyze;
select llm_term_add('felon', 'a dossier', 'dossiers', shared => true);
select llm_metric_add('bail', 'what is asked', 'dossiers', 'sum(amount)', shared => true);
select llm_verify('Which suspects are guilty?', 'select suspect from dossiers', shared => true);
"""
# What exists and is hidden, and what does not exist.
WORDS = [
    ("dossiers", "gryphons"),
    ("suspect", "gryphon"),
    ("verdict", "gryphon"),
    ("codename", "griffname"),
    ("ledgers", "gryphons"),
    ("clerk", "gryphon"),
    ("strongbox", "griffonbox"),
    ("felon", "gryphon"),
    ("felons", "gryphons"),
    ("bail", "griff"),
    ("Moriarty", "Gryphoncy"),
    ("zeta", "qeta"),
    ("卷宗", "狮鹫"),
    ("guilty", "gryphy"),
]
QUESTIONS = [
    "How many @ are there?",
    "List all @",
    "@ per city",
    "riders with @",
    "How many riders have @?",
    "What is the average @ of riders?",
    "the @ of Ana Olsen",
    "Which suspects are @?",
    "有多少@？",
]
ASK = [
    "select to_jsonb(e) from llm_text2sql_explain(%s) e",
    "select llm_text2sql(%s)",
    "select llm_ask(%s)",
    "select * from llm_ask_table(%s) as t(n int)",
    "select llm_feedback(%s, true)",
]
STATEMENTS = [
    ("select count(*) from @", "dossiers", "gryphons"),
    ("select * from @", "dossiers", "gryphons"),
    ("select d.amount from public.@ d", "dossiers", "gryphons"),
    ("select * from riders join @ using (rider_id)", "dossiers", "gryphons"),
    ("select 1 where exists (select from @)", "dossiers", "gryphons"),
    ("with q as (table @) select count(*) from q", "dossiers", "gryphons"),
    ("select count(*) from @", "strongbox", "griffonbox"),
    ("select @ from riders", "codename", "griffname"),
    ("select r.@ from riders r", "codename", "griffname"),
    ("select city from riders where @ = 'a'", "codename", "griffname"),
    ("select city from riders order by riders.@", "codename", "griffname"),
    ("select max(@) from riders", "codename", "griffname"),
    ("select * from @.ledgers", "vault", "griff"),
    ('select * from "@" . "ledgers"', "vault", "griff"),
    ("select count(*) from @.nothing", "vault", "griff"),
]
RUN = [
    "select llm_verify('q', %s)",
    "select llm_feedback('q', true, %s)",
    "select check_sql(%s)",
    "select llm.column_definitions(%s)",
]


@pytest.fixture(scope="module", autouse=True)
def hidden(fleet: None, server: PostgreSQLExecutor, database_name: str) -> None:
    with psycopg.connect(dsn(server, database_name), autocommit=True) as db:
        db.execute(SCHEMA)
        db.execute(CHECK)


@pytest.fixture
def clerk(connect: Callable[..., psycopg.Connection]) -> Iterator[psycopg.Connection]:
    session = connect()
    session.execute("set role t2s_hidden; set pg_llm.text2sql_cache = on")
    yield session
    session.execute("delete from llm.answers")


def said(session: psycopg.Connection, call: str, argument: str, word: str) -> str:
    """Return all that a call says, with `word` taken out."""
    try:
        text = str(session.execute(call, [argument]).fetchall())
    except psycopg.Error as error:
        told = error.diag
        text = " | ".join(
            str(part)
            for part in (
                error.sqlstate,
                told.message_primary,
                told.message_detail,
                told.message_hint,
                told.context,
            )
        )
    return text.replace(word, "@").replace(word.capitalize(), "@")


@pytest.mark.parametrize(("real", "unreal"), WORDS)
def test_questions(clerk: psycopg.Connection, real: str, unreal: str) -> None:
    for question in QUESTIONS:
        for call in ASK:
            first = said(clerk, call, question.replace("@", real), real)
            assert first == said(clerk, call, question.replace("@", unreal), unreal)
    traced = clerk.execute("select question, answer from llm.answers").fetchall()
    shown = {
        question.replace(word, "@"): str(answer).replace(word, "@")
        for word in (real, unreal)
        for question, answer in traced
        if word in question
    }
    for question, answer in traced:
        word = real if real in question else unreal
        assert shown[question.replace(word, "@")] == str(answer).replace(word, "@")


@pytest.mark.parametrize(("sql", "real", "unreal"), STATEMENTS)
def test_statements(clerk: psycopg.Connection, sql: str, real: str, unreal: str) -> None:
    for call in RUN:
        first = said(clerk, call, sql.replace("@", real), real)
        assert first == said(clerk, call, sql.replace("@", unreal), unreal)


def test_answers_of_a_model(
    db: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    script = [
        {
            "match": f"cue {number:03d} {word}",
            "mode": "substring",
            "answer": sql.replace("@", word),
        }
        for number, (sql, real, unreal) in enumerate(STATEMENTS)
        for word in (real, unreal)
    ]
    server = Server(script).start()
    try:
        db.execute(
            "select llm_model_add('script', 'scripted', 'chat', 'scripted', %s, null, %s)",
            [server.endpoint, json.dumps({"retries": 0})],
        )
        clerk = connect()
        clerk.execute("set role t2s_hidden; set pg_llm.chat_model = 'script'")
        for number, (_, real, unreal) in enumerate(STATEMENTS):
            first, second = (
                said(clerk, ASK[0], f"cue {number:03d} {word}", word) for word in (real, unreal)
            )
            assert "does not exist" in first
            assert first == second
        prompts = str([request["body"] for request in server.requests])
        assert "suspect" not in prompts.replace("guilty", "")
        assert "clerk" not in prompts
    finally:
        server.stop()
        db.execute("delete from llm.model_definitions")
