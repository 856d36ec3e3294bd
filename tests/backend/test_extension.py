"""The extension as a whole: created, dropped, dumped, refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.conftest import dsn


def test_version(db):
    assert db.execute("select llm_version()").fetchone() == ("0.1.0",)


def test_unknown_setting_names_the_known_ones(db):
    with pytest.raises(psycopg.Error) as caught:
        db.execute("select llm_setting('nope')")
    assert caught.value.sqlstate == "42704"
    assert caught.value.diag.message_primary == 'pg_llm: unknown setting "nope"'
    assert "embed_model" in caught.value.diag.message_hint


def test_session_taste_wins_over_the_table_and_the_default(db):
    assert db.execute("select llm_setting('embed_model')").fetchone() == ("static",)
    db.execute("insert into llm.settings values ('embed_model', 'a'), ('call_timeout', '5')")
    assert db.execute("select llm_setting('embed_model')").fetchone() == ("a",)
    db.execute("set pg_llm.embed_model = 'b'")
    db.execute("set pg_llm.call_timeout = '9999'")
    assert db.execute("select llm_setting('embed_model')").fetchone() == ("b",)
    assert db.execute("select llm_setting('call_timeout')").fetchone() == ("5",)


def test_a_role_without_rights_is_refused(db):
    db.execute("create role stranger")
    db.execute("set role stranger")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("select llm_version()")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("select * from llm.settings")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("select llm.backend_load()")
    db.execute("reset role")
    db.execute("drop role stranger")


def test_nothing_is_callable_by_everybody(db):
    callable_by_public = db.execute(
        """
        select p.oid::regprocedure::text
        from pg_proc p
        join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        join pg_extension e on e.oid = d.refobjid and e.extname = 'pg_llm'
        where has_function_privilege('public', p.oid, 'execute')
        """
    ).fetchall()
    assert callable_by_public == []


def test_drop_and_create_again_leaves_nothing(db):
    before = _objects(db)
    db.execute("drop extension pg_llm")
    assert (
        db.execute(
            "select nspname from pg_namespace where nspname in ('llm', 'lineage')"
        ).fetchall()
        == []
    )
    db.execute("create extension pg_llm")
    assert _objects(db) == before
    assert db.execute("select llm_version()").fetchone() == ("0.1.0",)


def test_the_schema_is_the_users_choice(db):
    db.execute("drop extension pg_llm")
    db.execute("create schema tools")
    db.execute("create extension pg_llm schema tools")
    assert db.execute("select tools.llm_version()").fetchone() == ("0.1.0",)
    with pytest.raises(psycopg.errors.UndefinedFunction):
        db.execute("select llm_version()")
    db.execute("drop extension pg_llm")
    db.execute("drop schema tools")
    db.execute("create extension pg_llm")


def _objects(db):
    return db.execute(
        """
        select pg_describe_object(d.classid, d.objid, d.objsubid)
        from pg_depend d join pg_extension e on e.oid = d.refobjid
        where e.extname = 'pg_llm' and d.deptype = 'e' order by 1
        """
    ).fetchall()


@pytest.fixture
def load_from(connect):
    """Call a function of pg_llm with the library looked for in another directory."""

    def load(directory):
        session = connect(autocommit=False)
        definition = session.execute(
            "select pg_get_functiondef('llm.backend_load'::regproc)"
        ).fetchone()[0]
        session.execute(re.sub(r'library = ".*"', f'library = "{directory}"', definition))
        with pytest.raises(psycopg.Error) as caught:
            session.execute("select llm_version()")
        return caught.value

    return load


def _library(directory, *, python=f"{sys.version_info[0]}.{sys.version_info[1]}", version="0.1.0"):
    package = directory / "pg_llm"
    (package / "backend").mkdir(parents=True)
    (package / "__init__.py").write_text(f'__version__ = "{version}"')
    (package / "backend" / "__init__.py").touch()
    (directory / "PYTHON").write_text(python + "\n")
    return directory


def test_a_missing_library_is_said_with_what_to_do(load_from, tmp_path):
    error = load_from(tmp_path)
    assert error.sqlstate == "58P01"
    assert str(tmp_path) in error.diag.message_primary
    assert "make install" in error.diag.message_hint


def test_a_library_for_another_python_is_refused(load_from, tmp_path):
    error = load_from(_library(tmp_path, python="3.5"))
    assert error.sqlstate == "58P01"
    assert "Python 3.5" in error.diag.message_primary
    assert "make install" in error.diag.message_hint


def test_a_library_of_another_version_is_refused(load_from, tmp_path):
    error = load_from(_library(tmp_path, version="0.0.9"))
    assert error.sqlstate == "58P01"
    assert "0.0.9" in error.diag.message_primary


def test_a_session_that_loaded_another_version_is_told_to_reconnect(connect):
    session = connect()
    session.execute("select llm_version()")
    session.execute(
        """
        do language plpython3u $$
        import sys
        sys.modules["pg_llm"].__version__ = "0.0.9"
        del GD["pg_llm 0.1.0"]
        $$
        """
    )
    with pytest.raises(psycopg.Error) as caught:
        session.execute("select llm_version()")
    assert caught.value.sqlstate == "55000"
    assert "Reconnect" in caught.value.diag.message_hint


def test_settings_survive_dump_and_restore(db, connect, admin, server, database_name):
    db.execute("delete from llm.settings")
    db.execute("insert into llm.settings values ('call_timeout', '7')")
    binaries = Path(server.executable).parent
    target = f"{database_name}_restored"
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    dump = subprocess.run(
        [binaries / "pg_dump", *address, "-Fc", database_name], check=True, capture_output=True
    ).stdout
    admin.execute(f'create database "{target}"')
    try:
        subprocess.run(
            [binaries / "pg_restore", *address, "--exit-on-error", "-d", target],
            input=dump,
            check=True,
            capture_output=True,
        )
        with psycopg.connect(dsn(server, target)) as restored:
            assert restored.execute("select llm_setting('call_timeout')").fetchone() == ("7",)
            assert _objects(restored) == _objects(db)
    finally:
        admin.execute(f'drop database "{target}" with (force)')
