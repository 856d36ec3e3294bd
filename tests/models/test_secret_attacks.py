"""What each role can do to get at a secret: nothing."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from pg_llm.database import PsycopgDatabase
from pg_llm.errors import (
    ConfigurationError,
    InsufficientPrivilege,
)
from pg_llm.models import secrets
from tests.conftest import dsn
from tests.models.secret_support import HOST, KEY, put, refused

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
    put(db)
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
        refused(session, f"select {call}", sqlstate="42501")


@pytest.mark.parametrize("role", [None, "llm_user"])
def test_a_role_without_rights_does_not_see_what_secrets_there_are(attacker, role):
    session = attacker(role)
    for relation in ("llm.secrets", "llm.secret", "llm.secret_value"):
        refused(session, f"select * from {relation}", sqlstate="42501")


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
        refused(session, statement, sqlstate="42501")


def test_an_administrator_enables_no_code(attacker):
    session = attacker("llm_admin")
    for statement in (
        "select llm_provider_enable('anything')",
        "insert into llm.provider_plugins values ('anything', 'package')",
        "select llm_provider_disable('anything')",
    ):
        assert refused(session, statement).sqlstate in ("42501", "42704")
    refused(session, "create function f() returns int language plpython3u as 'return 1'")


def test_writing_all_data_does_not_move_a_secret(attacker, resolve):
    session = attacker("pg_write_all_data")
    session.execute("update llm.secret set endpoint = 'https://evil.example'")
    with pytest.raises(ConfigurationError, match="was changed"):
        resolve("main", "https://evil.example")
    assert session.execute("update llm.secret_value set ciphertext = ''").rowcount == 0
    refused(session, "insert into llm.secret_value values ('x', '')", sqlstate="42501")


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
    """A function that runs as the owner looks nothing up where others may write.

    One hands the caller's path on as data, and names everything in full.
    """
    open_ones = db.execute(
        """
        select p.oid::regprocedure::text
        from pg_proc p
        join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        join pg_extension e on e.oid = d.refobjid and e.extname = 'pg_llm'
        where p.prosecdef
          and p.oid <> 'lineage.ddl_ended()'::regprocedure
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
    refused(admin, "select llm_secret_set('main', 'x', 'y')", sqlstate="42725")
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
    put(db)
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
        error = refused(db, use)
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


def test_the_security_page_names_every_function_with_the_owners_rights(db):
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
    assert definers <= listed, "docs/security.md has to say what a caller can do with them"
