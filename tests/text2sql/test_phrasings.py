"""Questions in many phrasings over databases of several domains, compared by what they return.

A question whose SQL the grammar does not compose yet stands in `BEYOND`: it may
be declined, and it must not be answered wrongly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.phrasings import BEYOND, DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

CASES = [
    pytest.param(name, question, gold, id=f"{name}-{number}")
    for name, domain in DOMAINS.items()
    for number, (question, gold) in enumerate(domain.CASES)
]


@pytest.fixture(scope="module")
def domains(
    server: PostgreSQLExecutor, admin: psycopg.Connection, template: str
) -> Iterator[dict[str, psycopg.Connection]]:
    """A connection to a database of each domain."""
    opened = {}
    for name, domain in DOMAINS.items():
        admin.execute(f'create database "t_phrasings_{name}" template "{template}"')
        opened[name] = psycopg.connect(dsn(server, f"t_phrasings_{name}"), autocommit=True)
        opened[name].execute(domain.SCHEMA)
        opened[name].execute("analyze")
        opened[name].execute("set client_min_messages = error")
        opened[name].execute("set pg_llm.text2sql_cache = off")
    yield opened
    for name, connection in opened.items():
        connection.close()
        admin.execute(f'drop database "t_phrasings_{name}" with (force)')


@pytest.mark.parametrize(("name", "question", "gold"), CASES)
def test_answers(
    domains: dict[str, psycopg.Connection], name: str, question: str, gold: str
) -> None:
    db = domains[name]
    sql = db.execute("select llm_text2sql(%s)", [question]).fetchone()[0]
    if question in BEYOND and sql is None:
        return
    assert sql is not None
    db.execute("create temporary table asked (question text, sql text)")
    try:
        db.execute("insert into asked values (%s, %s)", [question, gold])
        right = db.execute("""select correct from llm_eval('pg_temp.asked', '{"models": [""]}')""")
        assert right.fetchone()[0] == 1, sql
    finally:
        db.execute("drop table asked")


def test_what_is_beyond_is_asked() -> None:
    asked = {question for domain in DOMAINS.values() for question, _ in domain.CASES}
    assert set(BEYOND) <= asked
