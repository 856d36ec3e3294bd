"""A private cluster for the tests, with the extension installed in it.

`make check` copies the server into build/, installs pg_llm there, drops to an
unprivileged user where it must, and passes the copy's directory in
PG_LLM_TEST_BINDIR.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import settings
from psycopg.rows import tuple_row
from pytest_postgresql import factories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

# The unprivileged user of the tests need not be able to write into the checkout,
# and a loaded machine is no failure.
settings.register_profile("pg_llm", database=None, deadline=None)
settings.load_profile("pg_llm")

_BINDIR = os.environ.get("PG_LLM_TEST_BINDIR", "")

server = factories.postgresql_proc(
    executable=str(Path(_BINDIR) / "pg_ctl"),
    postgres_options="-c fsync=off -c full_page_writes=off -c max_connections=60 -c max_prepared_transactions=2",
)


def dsn(server: PostgreSQLExecutor, dbname: str) -> str:
    """Return the connection string of a database on the tests' own server."""
    return f"host={server.host} port={server.port} user={server.user} dbname={dbname}"


@pytest.fixture(scope="session")
def admin(server: PostgreSQLExecutor) -> Iterator[psycopg.Connection]:
    """A connection that creates and drops databases."""
    with psycopg.connect(dsn(server, "postgres"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(server: PostgreSQLExecutor, admin: psycopg.Connection) -> str:
    """A template database that has the extension; every module gets a copy."""
    admin.execute("create database pg_llm_template")
    with psycopg.connect(dsn(server, "pg_llm_template"), autocommit=True) as connection:
        connection.execute("create extension pg_llm cascade")
    return "pg_llm_template"


@pytest.fixture(scope="module")
def database_name(
    admin: psycopg.Connection, template: str, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A fresh database with the extension, shared by the tests of one module."""
    name = "t_" + request.module.__name__.replace(".", "_")[-50:]
    admin.execute(f'create database "{name}" template "{template}"')
    yield name
    admin.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def connect(
    server: PostgreSQLExecutor, database_name: str
) -> Iterator[Callable[..., psycopg.Connection]]:
    """Open further sessions on this module's database; closed after the test."""
    opened: list[psycopg.Connection] = []

    def connect(**options: object) -> psycopg.Connection:
        connection = psycopg.connect(
            dsn(server, database_name), **{"autocommit": True, "row_factory": tuple_row} | options
        )
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def db(connect: Callable[..., psycopg.Connection]) -> psycopg.Connection:
    """A superuser's session in autocommit mode."""
    return connect()


@pytest.fixture(scope="session")
def psql(server: PostgreSQLExecutor) -> list[str]:
    """The command line of psql on the tests' own server, without a database."""
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    return [str(Path(server.executable).parent / "psql"), *address]


@pytest.fixture(scope="session")
def sample_template(admin: psycopg.Connection, template: str, psql: list[str]) -> str:
    """A template database that has the extension and the sample."""
    admin.execute(f"create database pg_llm_sample template {template}")
    script = Path(__file__).parent.parent / "sample" / "sample.sql"
    subprocess.run([*psql, "-X", "-q", "-d", "pg_llm_sample", "-f", script], check=True)
    return "pg_llm_sample"


@pytest.fixture
def sample_database(
    admin: psycopg.Connection, sample_template: str
) -> Iterator[Callable[[str], str]]:
    """Make a copy of the sample database under a name; dropped after the test."""
    made: list[str] = []

    def copy(name: str) -> str:
        made.append(f"sample {name}")
        admin.execute(f'create database "{made[-1]}" template "{sample_template}"')
        return made[-1]

    yield copy
    for name in made:
        admin.execute(f'drop database "{name}" with (force)')
