"""Secrets: kept, bound to an endpoint, and shown to nobody."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_llm.database import PsycopgDatabase
from pg_llm.errors import (
    ConfigurationError,
    InsufficientPrivilege,
    InvalidParameter,
    UndefinedObject,
)
from pg_llm.models import secrets
from pg_llm.models.keyfile import Key, KeyRing, Place
from pg_llm.models.origins import origin
from pg_llm.models.sealing import Damaged, Secret, UnknownKey, seal, unseal
from tests.conftest import dsn

HOST = "https://api.example.com"
KEY = "sk-Zx81-the-quick-brown-key"

_texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200)


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


def _put(session, name="main", value=KEY, endpoint=HOST):
    session.execute("select llm_secret_set(%s, %s, %s)", [name, value, endpoint])


def _notices(session):
    """Collect what the server says to a session from now on."""
    said = []
    session.add_notice_handler(
        lambda n: said.append(f"{n.message_primary} {n.message_detail} {n.message_hint}")
    )
    return said


def _refused(session, query, args=(), sqlstate=None):
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query, args)
    if sqlstate is not None:
        assert caught.value.sqlstate == sqlstate
    return caught.value


# ---- sealing ------------------------------------------------------------------


@given(_texts, st.text(min_size=1, max_size=63), st.sampled_from([HOST, "https://b.example:8443"]))
def test_a_value_comes_back_as_it_was(value, name, endpoint):
    ring = KeyRing((Key.new(), Key.new()))
    assert unseal(ring, name, endpoint, seal(ring.current, name, endpoint, value)) == value


@given(_texts, st.data())
def test_a_change_of_any_byte_is_noticed(value, data):
    ring = KeyRing((Key.new(),))
    sealed = bytearray(seal(ring.current, "n", HOST, value))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Damaged, UnknownKey)):
        unseal(ring, "n", HOST, bytes(sealed))


@given(_texts, st.data())
def test_what_is_cut_or_lengthened_is_noticed(value, data):
    ring = KeyRing((Key.new(),))
    sealed = seal(ring.current, "n", HOST, value)
    length = data.draw(st.integers(0, len(sealed) - 1))
    for other in (sealed[:length], sealed + b"\0"):
        with pytest.raises((Damaged, UnknownKey)):
            unseal(ring, "n", HOST, other)


@pytest.mark.parametrize(
    ("name", "endpoint"), [("m", HOST), ("n", HOST + ":444"), ('n", "', HOST), ("n", "")]
)
def test_a_value_does_not_open_under_another_name_or_endpoint(name, endpoint):
    ring = KeyRing((Key.new(),))
    with pytest.raises(Damaged):
        unseal(ring, name, endpoint, seal(ring.current, "n", HOST, KEY))


def test_the_same_value_is_never_sealed_alike():
    key = Key.new()
    assert len({seal(key, "n", HOST, KEY) for _ in range(100)}) == 100


def test_keys_and_values_do_not_show_themselves():
    key = Key.new()
    assert KEY not in repr([Secret(KEY)])
    assert repr(key.key) not in repr(KeyRing((key,)))
    assert f"Bearer {Secret(KEY)}" == f"Bearer {KEY}"


# ---- endpoints ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.example.com", HOST),
        ("HTTPS://API.Example.COM/v1/", HOST),
        ("https://api.example.com:443/v1", HOST),
        ("https://api.example.com:0443", HOST),
        ("https://api.example.com:8443/v1", HOST + ":8443"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[0:0:0:0:0:0:0:1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_an_endpoint_has_one_spelling(address, expected):
    assert origin(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://user@api.example.com",
        "https://api.example.com@evil.example",
        "https://evil.example\\@api.example.com",
        "https://api.example.com\\.evil.example",
        "https://api.example.com?x",
        "https://api.example.com#x",
        "https://api.example.com /v1",
        "https://api.example.com\n",
        "https://api.example.com:0",
        "https://api.example.com:65536",
        "https://api.example.com:",
        "https://\u0430pi.example.com",
        "https://api.example.com\u2044v1",
        "https://[::1",
        "https://[1:2]",
        "https://api.example.com.",
        "http://api.example.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0x7f.1",
        "http://[::ffff:10.0.0.1]",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(address):
    with pytest.raises(InvalidParameter):
        origin(address)


# ---- set, list, drop ----------------------------------------------------------


def test_a_secret_is_listed_without_its_value(db, key_file, resolve):
    _put(db, value=f"  {KEY}\n", endpoint="https://API.example.com/v1")
    assert db.execute("select name, kind, endpoint, has_value from llm.secrets").fetchall() == [
        ("main", "value", HOST, True)
    ]
    assert resolve("main") == KEY
    assert KEY not in str(
        db.execute("select s, v from llm.secret s, llm.secret_value v").fetchall()
    )


def test_a_secret_is_sent_to_its_endpoint_only(db, key_file, resolve):
    _put(db)
    for other in ("https://evil.example", HOST + ":8443", "https://api.example.com.evil.example"):
        with pytest.raises(InsufficientPrivilege) as caught:
            resolve("main", other)
        assert KEY not in str(caught.value)
    with pytest.raises(InvalidParameter):
        resolve("main", "http://api.example.com")


def test_another_endpoint_needs_the_value_again(db, key_file, resolve):
    _put(db)
    _put(db, value="sk-other", endpoint="https://b.example")
    assert resolve("main", "https://b.example") == "sk-other"
    with pytest.raises(InsufficientPrivilege):
        resolve("main")


def test_drop(db, key_file, resolve):
    _put(db)
    db.execute("select llm_secret_drop('main')")
    with pytest.raises(UndefinedObject):
        resolve("main")
    assert db.execute("select count(*) from llm.secret_value").fetchone() == (0,)
    error = _refused(db, "select llm_secret_drop('main')", sqlstate="42704")
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
    error = _refused(
        db, "select llm_secret_set(%s::text, %s::text, %s::text)", arguments, sqlstate="22023"
    )
    said = f"{error.diag.message_primary} {error.diag.message_detail} {error.diag.message_hint}"
    assert KEY not in said
    assert not any(argument in said for argument in arguments if argument and len(argument) > 20)
    assert db.execute("select count(*) from llm.secrets").fetchone() == (0,)


def test_the_longest_value_fits(db, key_file, resolve):
    _put(db, value="k" * 4096)
    assert resolve("main") == "k" * 4096


# ---- the key file -------------------------------------------------------------


def test_the_first_secret_makes_a_file_for_the_server_alone(db, key_file):
    assert not key_file.exists()
    _put(db)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700
    assert db.execute("select llm_secret_init()").fetchone() == (False,)


def test_init_makes_the_file_once(db, key_file):
    assert db.execute("select llm_secret_init()").fetchone() == (True,)
    before = key_file.read_text()
    assert db.execute("select llm_secret_init()").fetchone() == (False,)
    assert key_file.read_text() == before


def test_without_the_key_file_nothing_is_guessed(db, key_file, resolve):
    _put(db)
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
        assert "is missing" in _refused(db, query, sqlstate="F0000").diag.message_primary
    assert db.execute("select llm_secret_init()").fetchone() == (True,)
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "key that is not on this server" in caught.value.message
    key_file.write_text(kept)
    assert resolve("main") == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o611])
def test_a_key_file_open_to_others_is_refused(db, key_file, resolve, mode):
    _put(db)
    key_file.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "open to others" in caught.value.message
    assert "0600" in caught.value.hint
    _refused(db, "select llm_secret_rotate()", sqlstate="F0000")
    key_file.chmod(0o400)
    assert resolve("main") == KEY


def test_a_key_file_that_cannot_be_read_is_said(db, key_file, resolve):
    _put(db)
    key_file.chmod(0)
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "Permission denied" in caught.value.message
    assert str(key_file.parent) not in caught.value.message


def test_a_directory_that_others_can_write_is_refused(db, key_file, resolve):
    _put(db)
    key_file.parent.chmod(0o770)
    try:
        with pytest.raises(ConfigurationError, match="can be changed by others"):
            resolve("main")
    finally:
        key_file.parent.chmod(0o700)


def test_a_link_in_place_of_the_key_file_is_refused(db, key_file, resolve, tmp_path):
    _put(db)
    elsewhere = tmp_path / "key"
    elsewhere.write_bytes(key_file.read_bytes())
    elsewhere.chmod(0o600)
    key_file.unlink()
    key_file.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        resolve("main")


def test_the_directory_may_be_a_link_to_another_place(db, key_file, resolve, tmp_path):
    _put(db)
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
    _put(db)
    key_file.write_text(content, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        resolve("main")
    assert len(content) < 3 or content.strip() not in str(caught.value)


def test_the_key_of_another_server_does_not_open(db, key_file, resolve):
    _put(db)
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
    _put(db)
    db.execute(f"update llm.secret_value {change}")
    with pytest.raises(ConfigurationError, match="was changed") as caught:
        resolve("main")
    assert caught.value.__cause__ is None
    assert "llm_secret_set" in caught.value.hint


def test_rows_cannot_be_exchanged_or_sent_elsewhere(db, key_file, resolve):
    _put(db, "a", "sk-a")
    _put(db, "b", "sk-b")
    db.execute(
        """
        update llm.secret_value x
        set ciphertext = (select y.ciphertext from llm.secret_value y where y.name <> x.name)
        """
    )
    for name in ("a", "b"):
        with pytest.raises(ConfigurationError, match="was changed"):
            resolve(name)
    _put(db, "c", "sk-c")
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
    _put(db, "a", "sk-a")
    _put(db, "b", "sk-b")
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
    _put(db)
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
    _put(db)
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
    _put(db)
    place = Place.of(PsycopgDatabase(db))
    place.write(place.read().with_new())
    key_file.with_name(key_file.name + ".new").write_text("half a li")
    assert resolve("main") == KEY
    assert db.execute("select llm_secret_rotate()").fetchone() == (1,)
    assert resolve("main") == KEY


def test_a_secret_that_does_not_open_does_not_stop_a_rotation(db, key_file, resolve):
    _put(db, "good", "sk-good")
    _put(db, "bad", "sk-bad")
    db.execute(
        "update llm.secret_value set ciphertext = substring(ciphertext, 1, 30) where name = 'bad'"
    )
    notices = _notices(db)
    assert db.execute("select llm_secret_rotate()").fetchone() == (1,)
    assert '"bad"' in notices[0]
    assert resolve("good") == "sk-good"


def test_rotation_while_the_secret_is_in_use(connect, db, key_file):
    _put(db)
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
    _put(db, value="file:openai")
    assert db.execute("select kind, has_value from llm.secrets").fetchone() == ("file", None)
    assert resolve("main") == KEY
    _write(secret_dir / "openai", "sk-new")
    assert resolve("main") == "sk-new"


def test_a_reference_goes_only_where_the_operator_says(db, secret_dir, resolve):
    _write(secret_dir / "openai", KEY)
    _write(secret_dir / "openai.endpoint", HOST)
    error = _refused(
        db, "select llm_secret_set('x', 'file:openai', 'https://evil.example')", sqlstate="42501"
    )
    assert "belongs to another endpoint" in error.diag.message_primary
    _put(db, value="file:openai")
    db.execute("update llm.secret set endpoint = 'https://evil.example'")
    with pytest.raises(InsufficientPrivilege):
        resolve("main", "https://evil.example")
    db.execute("update llm.secret set reference = '../postgresql.conf', endpoint = %s", [HOST])
    with pytest.raises(InvalidParameter):
        resolve("main")


def test_a_reference_without_a_declared_endpoint_is_not_sent(db, secret_dir, resolve):
    _write(secret_dir / "openai", KEY)
    notices = _notices(db)
    _put(db, value="file:openai")
    assert "openai.endpoint" in notices[0]
    with pytest.raises(ConfigurationError, match="no endpoint declared") as caught:
        resolve("main")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("kind", ["link", "directory", "fifo", "open", "absent", "spaces"])
def test_what_is_not_a_closed_file_is_refused(db, secret_dir, resolve, tmp_path, kind):
    file = secret_dir / "openai"
    _write(secret_dir / "openai.endpoint", HOST)
    _write(file, KEY)
    _put(db, value="file:openai")
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
    _put(db, value="env:PG_LLM_OPENAI")
    with pytest.raises(ConfigurationError) as caught:
        resolve("main")
    assert "PG_LLM_OPENAI_ENDPOINT" in caught.value.hint
    monkeypatch.setenv("PG_LLM_OPENAI_ENDPOINT", HOST + "/v1")
    assert resolve("main") == KEY
    monkeypatch.setenv("PG_LLM_OPENAI_ENDPOINT", "https://evil.example")
    with pytest.raises(InsufficientPrivilege):
        resolve("main")


# ---- what the server would have written down -----------------------------------


@pytest.fixture
def warnings(db, key_file):
    """Set a secret under some settings and return the warnings."""

    def run(statement, *args, **settings):
        notices = _notices(db)
        for name, value in settings.items():
            db.execute(f"set {name} = '{value}'")
        db.execute(statement, args)
        db.execute("reset all")
        return notices

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
    _refused(db, bad, sqlstate="22023")
    _refused(db, f"do $$ begin perform llm_secret_set('{KEY}', '{KEY}', 'nonsense'); end $$")
    db.execute(f"do $$ begin perform llm_secret_set('main', '{KEY}', '{HOST}'); end $$")
    with log.open() as file:
        file.seek(start)
        written = file.read()
    assert "must be an address" in written
    assert "stands in the text" in written
    assert KEY not in written


# ---- attacks ------------------------------------------------------------------

ROLES = (
    "llm_user",
    "llm_admin",
    "llm_monitor",
    "pg_monitor",
    "pg_read_all_data",
    "pg_write_all_data",
)


@pytest.fixture(scope="module")
def attackers(server, database_name):
    """Roles `mallory_<role>`, and `mallory` without any; dropped afterwards."""
    with psycopg.connect(dsn(server, database_name), autocommit=True) as session:
        session.execute("create role mallory login")
        session.execute("grant create on schema public to mallory")
        for role in ROLES:
            session.execute(f"create role mallory_{role} login in role {role}")
        yield
        for role in ("", *("_" + role for role in ROLES)):
            session.execute(f"drop owned by mallory{role} cascade")
            session.execute(f"drop role mallory{role}")


@pytest.fixture
def attacker(connect, attackers, db, key_file):
    """Open a session of a role; there is one secret to be had."""
    _put(db)
    db.execute("analyze llm.secret")
    db.execute("analyze llm.secret_value")
    return lambda role=None: connect(user="mallory" + (f"_{role}" if role else ""))


@pytest.mark.parametrize("role", [None, *ROLES])
def test_no_role_reads_a_ciphertext(db, attacker, role):
    session = attacker(role)
    for table in ("llm.secret_value", _toast_table(db, "llm.secret_value")):
        try:
            assert session.execute(f"select * from {table}").fetchall() == []
        except psycopg.errors.InsufficientPrivilege:
            session.rollback()
    ciphertext = db.execute("select ciphertext from llm.secret_value").fetchone()[0]
    for statistics in ("pg_stats", "pg_statistic", "pg_stats_ext"):
        try:
            seen = str(session.execute(f"select s::text from {statistics} s").fetchall())
        except psycopg.errors.InsufficientPrivilege:
            continue
        assert ciphertext.hex()[18:] not in seen
        assert KEY not in seen


def _toast_table(db, table):
    return db.execute(
        "select reltoastrelid::regclass::text from pg_class where oid = %s::regclass", [table]
    ).fetchone()[0]


@pytest.mark.parametrize("role", [None, "llm_user", "pg_read_all_data"])
def test_only_administrators_set_secrets(attacker, role):
    session = attacker(role)
    for call in (
        "llm_secret_set('main', 'x', 'https://evil.example')",
        "llm_secret_drop('main')",
        "llm_secret_rotate()",
        "llm_secret_init()",
    ):
        _refused(session, f"select {call}", sqlstate="42501")


@pytest.mark.parametrize("role", [None, "llm_user"])
def test_a_role_without_rights_does_not_see_what_secrets_there_are(attacker, role):
    session = attacker(role)
    for relation in ("llm.secrets", "llm.secret", "llm.secret_value"):
        _refused(session, f"select * from {relation}", sqlstate="42501")


@pytest.mark.parametrize("role", ["llm_admin", "llm_user", "llm_monitor"])
def test_no_role_writes_the_tables_by_hand(attacker, role):
    session = attacker(role)
    for statement in (
        "update llm.secret set endpoint = 'https://evil.example'",
        "insert into llm.secret_value values ('x', '')",
        "delete from llm.secret_value",
        "truncate llm.secret cascade",
        "create trigger t before insert on llm.secret_value execute function suppress_redundant_updates_trigger()",
        "alter table llm.secret_value disable row level security",
        "create policy p on llm.secret_value using (true)",
        "create table t (name text references llm.secret)",
    ):
        _refused(session, statement, sqlstate="42501")


def test_writing_all_data_does_not_move_a_secret(attacker, resolve):
    session = attacker("pg_write_all_data")
    session.execute("update llm.secret set endpoint = 'https://evil.example'")
    with pytest.raises(ConfigurationError, match="was changed"):
        resolve("main", "https://evil.example")
    assert session.execute("update llm.secret_value set ciphertext = ''").rowcount == 0
    _refused(session, "insert into llm.secret_value values ('x', '')", sqlstate="42501")


def test_an_administrator_cannot_send_a_secret_elsewhere(attacker, resolve):
    session = attacker("llm_admin")
    session.execute("select llm_secret_set('main', 'sk-mine', 'https://evil.example')")
    assert resolve("main", "https://evil.example") == "sk-mine"
    with pytest.raises(InsufficientPrivilege):
        resolve("main")


def test_no_function_returns_a_secret(db, attacker):
    """What SQL gets from a function that can read secrets is none of them."""
    readers = db.execute(
        """
        select p.proname, pg_get_function_result(p.oid)
        from pg_proc p
        where p.proname ~ '^llm_secret' and p.prosecdef
        order by 1
        """
    ).fetchall()
    assert readers == [
        ("llm_secret_drop", "void"),
        ("llm_secret_init", "boolean"),
        ("llm_secret_rotate", "integer"),
        ("llm_secret_set", "void"),
    ]
    definitions = str(attacker().execute("select prosrc from pg_proc").fetchall())
    assert KEY not in definitions


def test_functions_with_the_owners_rights_have_a_search_path(db):
    """A function that runs as the owner looks nothing up where others may write."""
    open_ones = db.execute(
        """
        select p.oid::regprocedure::text
        from pg_proc p
        join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        join pg_extension e on e.oid = d.refobjid and e.extname = 'pg_llm'
        where p.prosecdef
          and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
        """
    ).fetchall()
    assert open_ones == []


def test_shadowing_objects_are_not_used(db, attacker, resolve):
    """A role that can create in public catches neither the call nor what is in it."""
    session = attacker()
    session.execute("create table public.caught (what text)")
    session.execute("grant insert on public.caught to public")
    body = "insert into public.caught values (concat_ws(' ', {})) returning false"
    for arguments in (
        "text, text",
        "varchar, varchar, varchar",
        "text, text, text, int",
    ):
        shown = ", ".join(f"${i + 1}" for i in range(arguments.count(",") + 1))
        session.execute(
            f"create function public.llm_secret_set({arguments}) returns boolean language sql "
            f"as $$ {body.format(shown)} $$"
        )
    for left, right in (("text", "text"), ("text", "name"), ("bytea", "bytea")):
        name = f"public.eq_{left}_{right}"
        session.execute(
            f"create function {name}({left}, {right}) returns boolean language sql "
            f"as $$ {body.format('$1, $2')} $$"
        )
        session.execute(
            f"create operator public.= (leftarg = {left}, rightarg = {right}, function = {name})"
        )
    session.execute(
        f"create function public.substring(bytea, int, int) returns boolean language sql "
        f"as $$ {body.format('$1')} $$"
    )
    admin = attacker("llm_admin")
    admin.execute("create temp table secret as select 1")
    admin.execute(
        "create temp table pg_settings as select 'log_statement' as name, 'x' as setting"
    )
    admin.execute("set search_path = public, pg_catalog")
    admin.execute(f"select llm_secret_set('main', '{KEY}2', '{HOST}')")
    admin.execute("select llm_secret_set('main', %s::text, %s)", [KEY + "2", HOST])
    admin.execute("select llm_secret_rotate()")
    admin.execute("select llm_secret_init()")
    # With a default it would be as good a match: the call fails, and goes nowhere.
    session.execute(
        "create function public.llm_secret_set(text, text, text, text default '') returns boolean "
        f"language sql as $$ {body.format('$1, $2')} $$"
    )
    _refused(admin, "select llm_secret_set('main', 'x', 'y')", sqlstate="42725")
    db.execute("set search_path = public, pg_catalog")
    assert secrets.resolve(PsycopgDatabase(db), "main", HOST) == KEY + "2"
    assert db.execute("select * from public.caught").fetchall() == []
    session.execute("drop owned by mallory cascade")
    db.execute("grant create on schema public to mallory")


def test_resolve_needs_the_owners_rights(attacker):
    for role in (None, "llm_user", "llm_admin", "llm_monitor"):
        with pytest.raises(Exception, match="permission denied"):
            secrets.resolve(PsycopgDatabase(attacker(role)), "main", HOST)


def test_errors_of_every_kind_show_no_secret(db, key_file, server):
    """Whatever is broken, message, detail, hint, context and log keep the value."""
    _put(db)
    log = Path(server.logfile)
    start = log.stat().st_size
    use = """
        do language plpython3u $$
        plpy.execute("select llm.backend_load()")
        from pg_llm.backend.reception import database, report
        from pg_llm.errors import PgLlmError
        from pg_llm.models import secrets
        try:
            secrets.resolve(database(plpy), 'main', 'https://api.example.com')
        except PgLlmError as error:
            report(plpy, error)
        $$
    """
    db.execute(use)
    ring = key_file.read_text()
    broken = (
        lambda: key_file.write_text(ring.replace("a", "b").replace("0", "1")),
        lambda: key_file.write_text(ring[:40]),
        lambda: key_file.chmod(0o644),
        lambda: db.execute(
            "update llm.secret_value set ciphertext = substring(ciphertext, 1, 30)"
        ),
        lambda: db.execute("delete from llm.secret_value"),
        lambda: db.execute("update llm.secret set endpoint = 'https://evil.example'"),
    )
    for break_it in broken:
        break_it()
        error = _refused(db, use)
        said = " ".join(
            str(getattr(error.diag, name)) for name in dir(error.diag) if name[0] != "_"
        )
        assert KEY not in said
        assert ring.split()[1] not in said
        key_file.write_text(ring)
        key_file.chmod(0o600)
    with log.open() as file:
        file.seek(start)
        assert KEY not in file.read()


# ---- dump, restore, restart, standby -------------------------------------------


def _dump(server, database_name):
    binaries = Path(server.executable).parent
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    return subprocess.run(
        [binaries / "pg_dump", *address, database_name], check=True, capture_output=True
    ).stdout


def test_a_dump_holds_names_and_no_ciphertext(db, key_file, server, database_name, admin):
    _put(db)
    _put(db, "outside", "env:PG_LLM_OUTSIDE")
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
            _put(restored)
            assert secrets.resolve(session, "main", HOST) == KEY
    finally:
        admin.execute(f'drop database "{target}" with (force)')


def test_a_copy_of_the_database_does_not_hold_the_key(admin, template, server):
    original, target = "secrets_original", "secrets_copy"
    admin.execute(f"create database {original} template {template}")
    try:
        with psycopg.connect(dsn(server, original), autocommit=True) as session:
            _put(session)
        admin.execute(f"create database {target} template {original}")
        with psycopg.connect(dsn(server, target), autocommit=True) as copy:
            with pytest.raises(ConfigurationError, match="missing"):
                secrets.resolve(PsycopgDatabase(copy), "main", HOST)
            copy.execute("select llm_secret_init()")
            _put(copy, value="sk-copy")
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
        sockets = tmp_path / f"s{name}"
        sockets.mkdir()
        made.append(_Cluster(Path(server.executable).parent, tmp_path / name, sockets))
        return made[-1]

    yield make
    for cluster in made:
        if (cluster.directory / "postmaster.pid").exists():
            cluster.stop()


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
    notices = _notices(session)
    session.execute(_USE.format(name=name))
    return notices[-1].split()[0]


def test_restart_and_standby(clusters):
    primary = clusters("primary")
    primary.run(
        "initdb", "-D", str(primary.directory), "-U", "postgres", "-A", "trust", "--no-sync"
    )
    primary.start(PG_LLM_OUTSIDE=KEY, PG_LLM_OUTSIDE_ENDPOINT=HOST)
    with primary.connect() as session:
        session.execute("create extension pg_llm cascade")
        _put(session)
        _put(session, "outside", "env:PG_LLM_OUTSIDE")
        assert _used(session, "outside") == KEY
        _refused(
            session,
            f"select llm_secret_set('x', 'env:PG_LLM_OUTSIDE', '{HOST}:444')",
            sqlstate="42501",
        )
    primary.stop()
    primary.start()
    with primary.connect() as session:
        assert _used(session, "main") == KEY
        error = _refused(session, _USE.format(name="outside"), sqlstate="F0000")
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
            _refused(copy, f"select {call}", sqlstate="25006")
        session.execute("select llm_secret_rotate()")
        _wait_for_replay(session, copy)
        error = _refused(copy, _USE.format(name="main"), sqlstate="F0000")
        assert "copy the key file from the primary" in error.diag.message_hint
        name = next(f.name for f in (primary.directory / "pg_llm").glob("*.key"))
        (standby.directory / "pg_llm" / name).write_bytes(
            (primary.directory / "pg_llm" / name).read_bytes()
        )
        assert _used(copy, "main") == KEY


def _wait_for_replay(primary, standby):
    position = primary.execute("select pg_current_wal_flush_lsn()").fetchone()[0]
    for _ in range(300):
        reached = standby.execute(
            "select pg_last_wal_replay_lsn() >= %s::pg_lsn, pg_sleep(0.1)", [position]
        ).fetchone()
        if reached[0]:
            return
    pytest.fail("the standby did not follow")


def test_comments_and_docs_name_what_there_is(db):
    """The security page lists every function that runs with the owner's rights."""
    page = Path(__file__).parents[2] / "docs" / "security.md"
    listed = set(re.findall(r"`([a-z_.]+)\(", page.read_text()))
    definers = {
        row[0]
        for row in db.execute(
            """
            select case n.nspname when 'llm' then 'llm.' when 'lineage' then 'lineage.' else '' end || p.proname
            from pg_proc p
            join pg_namespace n on n.oid = p.pronamespace
            join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            join pg_extension e on e.oid = d.refobjid and e.extname = 'pg_llm'
            where p.prosecdef
            """
        )
    }
    assert definers <= listed
