"""A scripted model server beside the tests' PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.models import secrets
from pg_llm.models.keyfile import Place
from pg_llm.models.scripted import Server
from tests.models.secret_support import HOST

ANSWERS = [
    {"match": "hello", "answer": "Hi!"},
    {"match": "你好", "answer": "您好"},
    {"match": "count", "answer": "one two three"},
]


@pytest.fixture(scope="module")
def scripted():
    """A server that answers ANSWERS and has faults on demand."""
    server = Server(ANSWERS).start()
    yield server
    server.stop()


@pytest.fixture
def model(db, scripted):
    """Add a model of the scripted server; dropped after the test."""
    added = []

    def add(name, *, kind="chat", endpoint=None, model="scripted", secret=None, **options):
        db.execute(
            "select llm_model_add(%s, %s, %s, %s, %s, %s, %s)",
            [
                name,
                options.pop("provider", "scripted"),
                kind,
                model,
                endpoint or scripted.endpoint,
                secret,
                json.dumps(options),
            ],
        )
        added.append(name)
        return name

    yield add
    db.execute("reset all")
    db.execute("reset role")
    for name in added:
        db.execute("delete from llm.model_definitions where name = %s", [name])
    db.execute("delete from llm.cooldowns")


@pytest.fixture
def fails(db):
    """Run a statement that fails; return the error, and see that the session lives."""

    def fails(query, args=None):
        with pytest.raises(psycopg.Error) as caught:
            db.execute(query, args)
        assert db.execute("select 1").fetchone() == (1,)
        return caught.value

    return fails


@pytest.fixture
def role(admin, db):
    """Create a role that is a member of others; dropped after the test."""
    created = []

    def create(name, *member_of):
        db.execute(f'create role "{name}" login')
        created.append(name)
        for group in member_of:
            db.execute(f'grant "{group}" to "{name}"')
        return name

    yield create
    db.execute("reset role")
    for name in created:
        db.execute(f'drop owned by "{name}"')
        db.execute(f'drop role "{name}"')


@pytest.fixture
def resolve(connect):
    """Resolve a secret as the extension's owner, the way a call does."""
    session = PsycopgDatabase(connect())
    return lambda name, endpoint=HOST: secrets.resolve(session, name, endpoint)


@pytest.fixture
def key_file(db):
    """The key file of this database; whatever a test did to it is undone."""
    place = Place.of(PsycopgDatabase(db))
    path = Path(place.root) / "pg_llm" / place.key_file
    db.execute("delete from llm.secret")
    path.unlink(missing_ok=True)
    yield path
    db.execute("delete from llm.secret")
    path.unlink(missing_ok=True)
