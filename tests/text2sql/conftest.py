from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import dsn
from tests.text2sql.schema import SCHEMA

if TYPE_CHECKING:
    from pytest_postgresql.executor import PostgreSQLExecutor


@pytest.fixture(scope="module", autouse=True)
def fleet(server: PostgreSQLExecutor, database_name: str) -> None:
    """Fill this module's database with the bicycle rental."""
    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute(SCHEMA.replace(":database", f'"{database_name}"'))
        # Questions are asked again and again here, each time anew.
        connection.execute(f'alter database "{database_name}" set pg_llm.text2sql_cache = off')
