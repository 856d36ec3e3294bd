"""A database with the fixtures' schema."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import dsn
from tests.lineage.fixture_files import FIXTURES


@pytest.fixture(scope="module")
def fixtures_db(server, admin, template, request):
    """A superuser's session with the fixtures' schema; rows are dictionaries."""
    name = "f_" + request.module.__name__.rsplit(".", 1)[-1]
    admin.execute(f'create database "{name}" template "{template}"')
    with psycopg.connect(dsn(server, name), autocommit=True, row_factory=dict_row) as connection:
        connection.execute((FIXTURES / "schema.sql").read_text())
        connection.execute("set search_path = f, public")
        yield connection
    admin.execute(f'drop database "{name}" with (force)')
