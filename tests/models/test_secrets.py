"""Secrets: set, kept, rotated, referred to."""

from __future__ import annotations

import os
import shutil
import threading

import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.errors import (
    ConfigurationError,
    InsufficientPrivilege,
    InvalidParameter,
    UndefinedObject,
)
from pg_llm.models import secrets
from pg_llm.models.keyfile import Place
from tests.models.secret_support import HOST, KEY, notices, put, refused


def test_a_secret_is_listed_without_its_value(db, key_file, resolve):
    put(db, value=f"  {KEY}\n", endpoint="https://API.example.com/v1")
    assert db.execute("select name, kind, endpoint, has_value from llm.secrets").fetchall() == [
        ("main", "value", HOST, True)
    ]
    assert resolve("main") == KEY
    assert KEY not in str(
        db.execute("select s, v from llm.secret s, llm.secret_value v").fetchall()
    )


def test_a_secret_is_sent_to_its_endpoint_only(db, key_file, resolve):
    put(db)
    for other in ("https://evil.example", HOST + ":8443", "https://api.example.com.evil.example"):
        with pytest.raises(InsufficientPrivilege) as caught:
            resolve("main", other)
        assert KEY not in str(caught.value)
    with pytest.raises(InvalidParameter):
        resolve("main", "http://api.example.com")


def test_another_endpoint_needs_the_value_again(db, key_file, resolve):
    put(db)
    put(db, value="sk-other", endpoint="https://b.example")
    assert resolve("main", "https://b.example") == "sk-other"
    with pytest.raises(InsufficientPrivilege):
        resolve("main")


def test_drop(db, key_file, resolve):
    put(db)
    db.execute("select llm_secret_drop('main')")
    with pytest.raises(UndefinedObject):
        resolve("main")
    assert db.execute("select count(*) from llm.secret_value").fetchone() == (0,)
    error = refused(db, "select llm_secret_drop('main')", sqlstate="42704")
    assert "llm.secrets" in error.diag.message_hint


@pytest.mark.parametrize(
    "arguments",
    [
        (None, KEY, HOST),
        ("", KEY, HOST),
        ("x" * 64, KEY, HOST),
        ("a\nb", KEY, HOST),
        ("main", None, HOST),
        ("main", "", HOST),
        ("main", " \n", HOST),
        ("main", "two words", HOST),
        ("main", "line\r\nX-Injected: 1", HOST),
        ("main", "ключ", HOST),
        ("main", "'sk-quoted-by-psql'", HOST),
        ("main", "k" * 4097, HOST),
        ("main", KEY, None),
        ("main", KEY, ""),
        ("main", HOST + "/v1/chat/completions", KEY),
        ("main", "env:PATH", HOST),
        ("main", "env:", HOST),
        ("main", "env:PG_LLM_", HOST),
        ("main", "env:PG_LLM_X=", HOST),
        ("main", "env:pg_llm_x", HOST),
        ("main", "env:PG_LLM_X_ENDPOINT", HOST),
        ("main", "file:", HOST),
        ("main", "file:..", HOST),
        ("main", "file:../secret-1.key", HOST),
        ("main", "file:/etc/passwd", HOST),
        ("main", "file:a/b", HOST),
        ("main", "file:.hidden", HOST),
        ("main", "file:x.endpoint", HOST),
    ],
)
def test_bad_input_is_refused_without_repeating_it(db, key_file, arguments):
    error = refused(
        db, "select llm_secret_set(%s::text, %s::text, %s::text)", arguments, sqlstate="22023"
    )
    said = f"{error.diag.message_primary} {error.diag.message_detail} {error.diag.message_hint}"
    assert KEY not in said
    assert not any(argument in said for argument in arguments if argument and len(argument) > 20)
    assert db.execute("select count(*) from llm.secrets").fetchone() == (0,)


def test_a_name_in_any_language(db, key_file, resolve):
    put(db, "密钥 №1")
    assert resolve("密钥 №1") == KEY
    assert db.execute("select name from llm.secrets").fetchone() == ("密钥 №1",)


def test_the_longest_value_fits(db, key_file, resolve):
    put(db, value="k" * 4096)
    assert resolve("main") == "k" * 4096


# ---- the key file -------------------------------------------------------------


def test_the_first_secret_makes_a_file_for_the_server_alone(db, key_file):
    assert not key_file.exists()
    put(db)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700
    assert db.execute("select llm_secret_init()").fetchone() == (False,)


def test_init_makes_the_file_once(db, key_file):
    assert db.execute("select llm_secret_init()").fetchone() == (True,)
    before = key_file.read_text()
    (key_file.parent / "secrets").rmdir()
    assert db.execute("select llm_secret_init()").fetchone() == (False,)
    assert (key_file.parent / "secrets").stat().st_mode & 0o777 == 0o700
    assert key_file.read_text() == before


def test_without_the_key_file_nothing_is_guessed(db, key_file, resolve):
    put(db)
    kept = key_file.read_text()
    key_file.unlink()
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert key_file.name in caught.value.message
    assert "llm_secret_init()" in caught.value.hint
    for query in (
        "select llm_secret_set('b', 'x', 'https://b.example')",
        "select llm_secret_rotate()",
    ):
        assert "is missing" in refused(db, query, sqlstate="F0000").diag.message_primary
    assert db.execute("select llm_secret_init()").fetchone() == (True,)
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "key that is not on this server" in caught.value.message
    key_file.write_text(kept)
    assert resolve("main") == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o611])
def test_a_key_file_open_to_others_is_refused(db, key_file, resolve, mode):
    put(db)
    key_file.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "open to others" in caught.value.message
    assert "0600" in caught.value.hint
    refused(db, "select llm_secret_rotate()", sqlstate="F0000")
    key_file.chmod(0o400)
    assert resolve("main") == KEY


def test_a_key_file_that_cannot_be_read_is_said(db, key_file, resolve):
    put(db)
    key_file.chmod(0)
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "Permission denied" in caught.value.message
    assert str(key_file.parent) not in caught.value.message


def test_a_directory_that_others_can_write_is_refused(db, key_file, resolve):
    put(db)
    key_file.parent.chmod(0o770)
    try:
        with pytest.raises(ConfigurationError, match="can be changed by others"):
            resolve("main")
    finally:
        key_file.parent.chmod(0o700)


def test_a_link_in_place_of_the_key_file_is_refused(db, key_file, resolve, tmp_path):
    put(db)
    elsewhere = tmp_path / "key"
    elsewhere.write_bytes(key_file.read_bytes())
    elsewhere.chmod(0o600)
    key_file.unlink()
    key_file.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        resolve("main")


def test_the_directory_may_be_a_link_to_another_place(db, key_file, resolve, tmp_path):
    put(db)
    directory, elsewhere = key_file.parent, tmp_path / "keys"
    directory.rename(elsewhere)
    directory.symlink_to(elsewhere)
    try:
        assert resolve("main") == KEY
        assert db.execute("select llm_secret_rotate()").fetchone() == (1,)
        assert resolve("main") == KEY
    finally:
        directory.unlink()
        elsewhere.rename(directory)


@pytest.mark.parametrize("content", ["", "x", "00 11\n", "zz" * 8 + " " + "00" * 32, "\xff\xfe"])
def test_a_damaged_key_file_is_said(db, key_file, resolve, content):
    put(db)
    key_file.write_text(content, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        resolve("main")
    assert len(content) < 3 or content.strip() not in str(caught.value)


def test_the_key_of_another_server_does_not_open(db, key_file, resolve):
    put(db)
    key_id = key_file.read_text().split()[0]
    key_file.write_text(f"{key_id} {os.urandom(32).hex()}\n")
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        resolve("main")


@pytest.mark.parametrize(
    "change",
    [
        "set ciphertext = set_byte(ciphertext, 25, get_byte(ciphertext, 25) # 1)",
        "set ciphertext = substring(ciphertext, 1, 30)",
        "set ciphertext = ''",
        "set ciphertext = substring(ciphertext, 1, 12)",
    ],
)
def test_a_changed_row_does_not_open(db, key_file, resolve, change):
    put(db)
    db.execute(f"update llm.secret_value {change}")
    with pytest.raises(ConfigurationError, match="was changed") as caught:
        resolve("main")
    assert caught.value.__cause__ is None
    assert "llm_secret_set" in caught.value.hint


def test_rows_cannot_be_exchanged_or_sent_elsewhere(db, key_file, resolve):
    put(db, "a", "sk-a")
    put(db, "b", "sk-b")
    db.execute(
        """
        update llm.secret_value x
        set ciphertext = (select y.ciphertext from llm.secret_value y where y.name <> x.name)
        """
    )
    for name in ("a", "b"):
        with pytest.raises(ConfigurationError, match="was changed"):
            resolve(name)
    put(db, "c", "sk-c")
    db.execute("update llm.secret set endpoint = 'https://evil.example' where name = 'c'")
    with pytest.raises(ConfigurationError, match="was changed"):
        resolve("c", "https://evil.example")


# ---- rotation -----------------------------------------------------------------


def _key_ids(key_file):
    return [line.split()[0] for line in key_file.read_text().splitlines()]


def _used_ids(db):
    return {
        row[0]
        for row in db.execute(
            "select encode(substring(ciphertext, 2, 8), 'hex') from llm.secret_value"
        )
    }


def test_rotation_encrypts_everything_under_a_new_key(db, key_file, resolve):
    put(db, "a", "sk-a")
    put(db, "b", "sk-b")
    (old,) = _key_ids(key_file)
    assert db.execute("select llm_secret_rotate()").fetchone() == (2,)
    assert _key_ids(key_file)[0] == old
    assert _used_ids(db) == {_key_ids(key_file)[1]}
    assert (resolve("a"), resolve("b")) == ("sk-a", "sk-b")
    assert db.execute("select llm_secret_init()").fetchone() == (False,)
    assert set(_key_ids(key_file)) == _used_ids(db)
    assert resolve("a") == "sk-a"
    assert db.execute("select bool_and(rotated > created) from llm.secrets").fetchone() == (True,)


def test_a_rotation_that_is_rolled_back_loses_nothing(db, key_file, resolve):
    put(db)
    with db.transaction(force_rollback=True):
        db.execute("select llm_secret_rotate()")
        db.execute("select llm_secret_init()")
        db.execute("select llm_secret_rotate()")
    assert resolve("main") == KEY
    assert db.execute("select llm_secret_rotate()").fetchone() == (1,)
    db.execute("select llm_secret_init()")
    assert resolve("main") == KEY
    assert len(_key_ids(key_file)) == 1


def test_an_old_snapshot_takes_no_key_away(connect, db, key_file, resolve):
    put(db)
    old = connect(autocommit=False)
    old.execute("set transaction isolation level repeatable read")
    old.execute("select 1")
    db.execute("select llm_secret_rotate()")
    with db.transaction(force_rollback=True):
        db.execute("select llm_secret_rotate()")
    old.execute("select llm_secret_init()")
    old.commit()
    assert resolve("main") == KEY


def test_a_crash_between_file_and_rows_loses_nothing(db, key_file, resolve):
    put(db)
    place = Place.of(PsycopgDatabase(db))
    place.write(place.read().with_new())
    key_file.with_name(key_file.name + ".new").write_text("half a li")
    assert resolve("main") == KEY
    assert db.execute("select llm_secret_rotate()").fetchone() == (1,)
    assert resolve("main") == KEY


def test_a_secret_that_does_not_open_does_not_stop_a_rotation(db, key_file, resolve):
    put(db, "good", "sk-good")
    put(db, "bad", "sk-bad")
    db.execute(
        "update llm.secret_value set ciphertext = substring(ciphertext, 1, 30) where name = 'bad'"
    )
    said = notices(db)
    assert db.execute("select llm_secret_rotate()").fetchone() == (1,)
    assert '"bad"' in said[0]
    assert resolve("good") == "sk-good"


def test_rotation_while_the_secret_is_in_use(connect, db, key_file):
    put(db)
    done, wrong, used = threading.Event(), [], []

    def use(session):
        while not done.is_set():
            try:
                used.append(secrets.resolve(session, "main", HOST))
            except Exception as error:  # noqa: BLE001 whatever it is, the test shows it
                wrong.append(error)

    threads = [threading.Thread(target=use, args=[PsycopgDatabase(connect())]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        db.execute("select llm_secret_rotate()")
        db.execute("select llm_secret_init()")
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert set(used) == {KEY}


# ---- references ---------------------------------------------------------------


@pytest.fixture
def secret_dir(key_file, db):
    """The directory of `file:` references."""
    db.execute("select llm_secret_init()")
    directory = key_file.parent / "secrets"
    yield directory
    shutil.rmtree(directory)


def _write(path, content, mode=0o600):
    path.write_text(content)
    path.chmod(mode)


def test_a_file_is_read_at_each_call(db, secret_dir, resolve):
    _write(secret_dir / "openai", KEY + "\n")
    _write(secret_dir / "openai.endpoint", "https://api.example.com/v1\n")
    put(db, value="file:openai")
    assert db.execute("select kind, has_value from llm.secrets").fetchone() == ("file", None)
    assert resolve("main") == KEY
    _write(secret_dir / "openai", "sk-new")
    assert resolve("main") == "sk-new"


def test_a_reference_goes_only_where_the_operator_says(db, secret_dir, resolve):
    _write(secret_dir / "openai", KEY)
    _write(secret_dir / "openai.endpoint", HOST)
    error = refused(
        db, "select llm_secret_set('x', 'file:openai', 'https://evil.example')", sqlstate="42501"
    )
    assert "belongs to another endpoint" in error.diag.message_primary
    put(db, value="file:openai")
    db.execute("update llm.secret set endpoint = 'https://evil.example'")
    with pytest.raises(InsufficientPrivilege):
        resolve("main", "https://evil.example")
    db.execute("update llm.secret set reference = '../postgresql.conf', endpoint = %s", [HOST])
    with pytest.raises(InvalidParameter):
        resolve("main")


def test_a_reference_without_a_declared_endpoint_is_not_sent(db, secret_dir, resolve):
    _write(secret_dir / "openai", KEY)
    said = notices(db)
    put(db, value="file:openai")
    assert "openai.endpoint" in said[0]
    with pytest.raises(ConfigurationError, match="no endpoint declared") as caught:
        resolve("main")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("kind", ["link", "directory", "fifo", "open", "absent", "spaces"])
def test_what_is_not_a_closed_file_is_refused(db, secret_dir, resolve, tmp_path, kind):
    file = secret_dir / "openai"
    _write(secret_dir / "openai.endpoint", HOST)
    _write(file, KEY)
    put(db, value="file:openai")
    assert resolve("main") == KEY
    file.unlink()
    if kind == "link":
        _write(tmp_path / "key", KEY)
        file.symlink_to(tmp_path / "key")
    elif kind == "directory":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file, 0o600)
    elif kind == "open":
        _write(file, KEY, 0o644)
    elif kind == "spaces":
        _write(file, "sk one\nsk two\n")
    with pytest.raises((ConfigurationError, InvalidParameter)) as caught:
        resolve("main")
    assert "sk" not in caught.value.message.split()


def test_an_environment_variable(db, key_file, resolve, monkeypatch):
    # resolve() runs in this process: the variables of the server are tested on
    # a server of their own below.
    monkeypatch.setenv("PG_LLM_OPENAI", KEY)
    put(db, value="env:PG_LLM_OPENAI")
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "PG_LLM_OPENAI_ENDPOINT" in caught.value.hint
    monkeypatch.setenv("PG_LLM_OPENAI_ENDPOINT", HOST + "/v1")
    assert resolve("main") == KEY
    monkeypatch.setenv("PG_LLM_OPENAI_ENDPOINT", "https://evil.example")
    with pytest.raises(InsufficientPrivilege):
        resolve("main")


def test_first_secrets_that_are_set_at_once_share_a_key(connect, db, key_file, resolve):
    names = [f"s{number}" for number in range(4)]
    together = threading.Barrier(len(names))

    def first(session, name):
        together.wait()
        put(session, name, f"sk-{name}")

    threads = [threading.Thread(target=first, args=[connect(), name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_key_ids(key_file)) == 1
    assert [resolve(name) for name in names] == [f"sk-{name}" for name in names]
