"""Secrets across dump, copy, restart and standby."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.errors import (
    ConfigurationError,
)
from pg_llm.models import secrets
from tests.conftest import dsn
from tests.models.secret_support import HOST, KEY, notices, put, refused


def _dump(server, database_name):
    binaries = Path(server.executable).parent
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    return subprocess.run(
        [binaries / "pg_dump", *address, database_name], check=True, capture_output=True
    ).stdout


def test_a_dump_holds_names_and_no_ciphertext(db, key_file, server, database_name, admin):
    put(db)
    put(db, "outside", "env:PG_LLM_OUTSIDE")
    ciphertext = db.execute("select encode(ciphertext, 'hex') from llm.secret_value").fetchone()[0]
    dump = _dump(server, database_name)
    assert b"PG_LLM_OUTSIDE" in dump
    assert ciphertext.encode()[:18] not in dump
    assert KEY.encode() not in dump
    target = database_name + "_r"
    admin.execute(f'create database "{target}"')
    try:
        subprocess.run(
            [
                *(Path(server.executable).parent / "psql", "-h", server.host, "-U", server.user),
                *("-p", str(server.port), "-d", target, "-X", "-q", "-v", "ON_ERROR_STOP=1"),
            ],
            input=dump,
            check=True,
            capture_output=True,
        )
        with psycopg.connect(dsn(server, target), autocommit=True) as restored:
            assert restored.execute(
                "select name, kind, has_value from llm.secrets order by 1"
            ).fetchall() == [("main", "value", False), ("outside", "env", None)]
            session = PsycopgDatabase(restored)
            with pytest.raises(ConfigurationError, match="no value in this database") as caught:
                secrets.resolve(session, "main", HOST)
            assert "Set it again" in caught.value.hint
            put(restored)
            assert secrets.resolve(session, "main", HOST) == KEY
    finally:
        admin.execute(f'drop database "{target}" with (force)')


def test_a_copy_of_the_database_does_not_hold_the_key(admin, template, server):
    original, target = "secrets_original", "secrets_copy"
    admin.execute(f"create database {original} template {template}")
    try:
        with psycopg.connect(dsn(server, original), autocommit=True) as session:
            put(session)
        admin.execute(f"create database {target} template {original}")
        with psycopg.connect(dsn(server, target), autocommit=True) as copy:
            with pytest.raises(ConfigurationError, match="missing"):
                secrets.resolve(PsycopgDatabase(copy), "main", HOST)
            copy.execute("select llm_secret_init()")
            put(copy, value="sk-copy")
            assert secrets.resolve(PsycopgDatabase(copy), "main", HOST) == "sk-copy"
    finally:
        admin.execute(f"drop database if exists {target} with (force)")
        admin.execute(f"drop database {original} with (force)")


class _Cluster:
    """A cluster of its own, for what needs a restart or another environment."""

    def __init__(self, binaries: Path, directory: Path, sockets: Path) -> None:
        self.binaries, self.directory, self.sockets = binaries, directory, sockets

    def run(self, program: str, *arguments: str, **environment: str) -> None:
        subprocess.run(
            [self.binaries / program, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | environment,
        )

    def start(self, **environment: str) -> None:
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.sockets}' -c fsync=off"
        )
        self.run(
            "pg_ctl",
            *("-D", str(self.directory), "-l", str(self.directory / "log"), "-o", options),
            *("-w", "start"),
            **environment,
        )

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.directory), "-m", "immediate", "-w", "stop")

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(
            f"host={self.sockets} user=postgres dbname=postgres", autocommit=True
        )


@pytest.fixture
def clusters(server, tmp_path):
    """Make clusters; all are stopped at the end."""
    made = []

    def make(name):
        # The path of a socket has at most 107 bytes.
        sockets = Path(tempfile.mkdtemp(prefix="pg_llm-"))
        made.append(_Cluster(Path(server.executable).parent, tmp_path / name, sockets))
        return made[-1]

    yield make
    for cluster in made:
        if (cluster.directory / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(cluster.sockets)


# Calls as a backend of that server sees them: its own environment and files.
_USE = """
do language plpython3u $$
plpy.execute("select llm.backend_load()")
from pg_llm.backend.reception import database, report
from pg_llm.errors import PgLlmError
from pg_llm.models import secrets
try:
    value = secrets.resolve(database(plpy), '{name}', 'https://api.example.com')
except PgLlmError as error:
    report(plpy, error)
plpy.notice(value)
$$
"""


def _used(session, name):
    said = notices(session)
    session.execute(_USE.format(name=name))
    return said[-1].split()[0]


def test_restart_and_standby(clusters):
    primary = clusters("primary")
    primary.run(
        "initdb", "-D", str(primary.directory), "-U", "postgres", "-A", "trust", "--no-sync"
    )
    primary.start(PG_LLM_OUTSIDE=KEY, PG_LLM_OUTSIDE_ENDPOINT=HOST)
    with primary.connect() as session:
        session.execute("create extension pg_llm cascade")
        put(session)
        put(session, "outside", "env:PG_LLM_OUTSIDE")
        assert _used(session, "outside") == KEY
        refused(
            session,
            f"select llm_secret_set('x', 'env:PG_LLM_OUTSIDE', '{HOST}:444')",
            sqlstate="42501",
        )
    primary.stop()
    primary.start()
    with primary.connect() as session:
        assert _used(session, "main") == KEY
        error = refused(session, _USE.format(name="outside"), sqlstate="F0000")
        assert "PG_LLM_OUTSIDE_ENDPOINT" in error.diag.message_hint

    standby = clusters("standby")
    standby.run(
        "pg_basebackup",
        *("-h", str(primary.sockets), "-U", "postgres", "-D", str(standby.directory)),
        *("-R", "-c", "fast", "--no-sync"),
    )
    standby.start()
    with primary.connect() as session, standby.connect() as copy:
        # A base backup holds the key file, as it holds all of the directory.
        assert _used(copy, "main") == KEY
        for call in (
            "llm_secret_rotate()",
            "llm_secret_init()",
            f"llm_secret_set('b', 'x', '{HOST}')",
        ):
            refused(copy, f"select {call}", sqlstate="25006")
        session.execute("select llm_secret_rotate()")
        _wait_for_replay(session, copy)
        error = refused(copy, _USE.format(name="main"), sqlstate="F0000")
        assert "copy the key file from the primary" in error.diag.message_hint
        name = next(f.name for f in (primary.directory / "pg_llm").glob("*.key"))
        (standby.directory / "pg_llm" / name).write_bytes(
            (primary.directory / "pg_llm" / name).read_bytes()
        )
        assert _used(copy, "main") == KEY


def test_a_base_backup_leaves_a_linked_directory_out(clusters, tmp_path):
    cluster = clusters("linked")
    cluster.run("initdb", "-D", str(cluster.directory), "-U", "postgres", "-A", "trust", "-N")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    (cluster.directory / "pg_llm").symlink_to(elsewhere)
    cluster.start()
    with cluster.connect() as session:
        session.execute("create extension pg_llm cascade")
        put(session)
        assert _used(session, "main") == KEY
    assert list(elsewhere.glob("*.key"))
    cluster.run(
        "pg_basebackup",
        *("-h", str(cluster.sockets), "-U", "postgres", "-D", str(tmp_path / "backup")),
        *("-c", "fast", "--no-sync"),
    )
    assert not (tmp_path / "backup" / "pg_llm").exists()


def _wait_for_replay(primary, standby):
    position = primary.execute("select pg_current_wal_flush_lsn()").fetchone()[0]
    for _ in range(300):
        reached = standby.execute(
            "select pg_last_wal_replay_lsn() >= %s::pg_lsn, pg_sleep(0.1)", [position]
        ).fetchone()
        if reached[0]:
            return
    pytest.fail("the standby did not follow")
