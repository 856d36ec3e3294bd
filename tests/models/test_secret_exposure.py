"""Setting a secret tells where its value was written down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.models.secret_support import HOST, KEY, notices, refused


@pytest.fixture
def warnings(db, key_file):
    """Set a secret under some settings and return the warnings."""

    def run(statement, *args, **settings):
        said = notices(db)
        for name, value in settings.items():
            db.execute(f"set {name} = '{value}'")
        db.execute(statement, args)
        db.execute("reset all")
        return said

    return run


LITERAL = f"select llm_secret_set('main', '{KEY}', '{HOST}')"
BOUND = "select llm_secret_set('main', %s, 'https://api.example.com')"


def test_a_value_in_the_statement_is_warned_of(warnings):
    (said,) = warnings(LITERAL)
    assert "stands in the text of the statement" in said
    assert "pg_stat_activity" in said
    assert "\\bind" in said
    assert KEY not in said


@pytest.mark.parametrize(
    "settings",
    [
        {"log_statement": "all"},
        {"log_min_duration_statement": "0"},
        {"log_min_duration_sample": "100"},
        {"log_transaction_sample_rate": "0.5"},
    ],
)
def test_a_log_of_statements_is_warned_of(warnings, settings):
    (name,) = settings
    assert name in warnings(LITERAL, **settings)[0]
    (said,) = warnings(BOUND, KEY, **settings)
    assert name in said
    assert "records parameters" in said
    assert warnings(BOUND, KEY, **settings, log_parameter_max_length="0") == []


def test_a_bound_value_that_nobody_logs_is_not_warned_of(warnings):
    assert warnings(BOUND, KEY) == []
    assert warnings(BOUND, KEY, log_statement="mod") == []
    assert warnings(
        "select llm_secret_set('main', 'env:PG_LLM_X', %s)", HOST, log_statement="all"
    )[0].startswith("pg_llm: this server does not have")


def test_parse_trees_in_the_log_are_warned_of(warnings):
    assert "debug_print_parse" in warnings(LITERAL, debug_print_parse="on")[0]


def test_an_error_writes_no_statement_into_the_log(db, key_file, server):
    log = Path(server.logfile)
    start = log.stat().st_size
    bad = f"select llm_secret_set('{KEY}', '{KEY}-b', 'nonsense')"
    refused(db, bad, sqlstate="22023")
    refused(db, f"do $$ begin perform llm_secret_set('{KEY}', '{KEY}', 'nonsense'); end $$")
    db.execute(f"do $$ begin perform llm_secret_set('main', '{KEY}', '{HOST}'); end $$")
    with log.open() as file:
        file.seek(start)
        written = file.read()
    assert "must be an address" in written
    assert "stands in the text" in written
    assert KEY not in written


def test_a_value_that_psql_copies_is_in_no_statement(db, key_file, server, database_name, resolve):
    """The way of the docs for psql 15, which has no \\bind."""
    log = Path(server.logfile)
    start = log.stat().st_size
    program = Path(server.executable).parent / "psql"
    done = subprocess.run(
        [
            *(program, "-X", "-q", "-h", server.host, "-p", str(server.port)),
            *("-U", server.user, "-v", "ON_ERROR_STOP=1", "-d", database_name),
        ],
        input="""
        set log_statement = 'all';
        set log_parameter_max_length = 0;
        create temp table key (value text);
        \\copy key from program 'printenv PROVIDER_KEY'
        select llm_secret_set('main', value, 'https://api.example.com') from key;
        drop table key;
        """,
        text=True,
        env=os.environ | {"PROVIDER_KEY": KEY},
        capture_output=True,
        check=True,
    )
    assert "WARNING" not in done.stderr
    assert resolve("main") == KEY
    with log.open() as file:
        file.seek(start)
        written = file.read()
    assert "drop table key" in written
    assert KEY not in written
