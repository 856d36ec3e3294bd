"""Logs of the server are read into patterns and edges; nothing is lost or doubled."""

from __future__ import annotations

import gzip
import os
import threading
import time

import psycopg
import pytest
import zstandard

from tests.graph.logs.conftest import Log, edges, patterns, read_text


def call(db, path, *args):
    """Read a file or directory."""
    marks = "".join(", %s" for _ in args)
    return db.execute(f"call lineage_read_logs(%s{marks})", [str(path), *args]).fetchone()


@pytest.fixture
def directory(tmp_path):
    """A directory that the server can read."""
    for part in (tmp_path, *tmp_path.parents):
        if part.owner() == tmp_path.owner():
            part.chmod(0o755)
    return tmp_path


def _jobs(log):
    log.ran(
        "select c.name, sum(o.amount) from shop.orders o join shop.customers c on c.id = o.customer group by 1"
    )
    log.ran(
        "create temp table totals as select customer, sum(amount) as total from shop.orders group by 1"
    )
    log.ran(
        "insert into shop.report select c.name, t.total from totals t join shop.customers c on c.id = t.customer",
        2,
    )
    return log


# -- what becomes of a log --------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "json", "stderr"])
def test_patterns_edges_and_joins(shop, log, kind):
    _jobs(log).ran("insert into shop.report select 'x', 1", application="nightly", user="eve")
    assert read_text(shop, getattr(log, kind)())[:2] == (4, 4)
    assert edges(shop) == {
        "shop.customers name > pattern IDENTITY", "shop.orders amount > pattern AGGREGATION",
        "shop.customers name > pattern GROUP_BY", "shop.customers id > pattern JOIN", "shop.orders customer > pattern JOIN",
        "shop.customers name > shop.report customer IDENTITY", "shop.orders amount > shop.report total AGGREGATION",
        "shop.customers id > shop.report JOIN", "shop.orders customer > shop.report JOIN", "shop.orders customer > shop.report GROUP_BY",
        "pattern > shop.report WRITE",
    }  # fmt: skip
    assert shop.execute("select * from lineage_joins('shop.orders')").fetchall()[0][:5] == (
        "customer", "shop.customers", "id", 2, 2,
    )  # fmt: skip
    row = shop.execute(
        "select calls, timed_calls, mean_ms, users, databases, applications, first_seen::text, temporary, sample "
        "from lineage.patterns where query like 'insert into shop.report select c.name%'"
    ).fetchone()
    assert row[:8] == (1, 1, 2.0, ["joe"], [log.database], ["app"], "2026-03-01 10:00:02+00", True)
    assert row[8].startswith("insert into shop.report select c.name, t.total")


def test_counts_add_up_over_calls(shop, log, name):
    log.ran("select amount from shop.orders where id = 1", 2)
    read_text(shop, log.csv())
    more = Log(name).ran(
        "SELECT amount FROM shop.orders WHERE id=5", 4, user="eve", application="b"
    )
    assert read_text(shop, more.csv()) == (1, 1, 0, 0)
    assert patterns(shop) == {"select amount from shop.orders where id = $1": (2, 2, 6.0)}
    assert shop.execute("select users, applications, mean_ms, longest_ms from lineage.patterns").fetchone() == (["eve", "joe"], ["app", "b"], 3, 4)  # fmt: skip


def test_errors_are_taken_back_over_calls(shop, name):
    read_text(shop, Log(name).add("statement: select amount from shop.orders").csv())
    assert edges(shop) == {"shop.orders amount > pattern IDENTITY"}
    # The piece that tells of the error is another one; only a file remembers.
    assert patterns(shop) == {"select amount from shop.orders": (1, 0, 0.0)}


def test_secrets_are_nowhere(shop, log):
    log.ran("create role joe password 'hunter2horse'")
    log.ran("select * from shop.orders o where crypt('hunter2horse', 'x') = 'y'")
    log.ran("insert into shop.customers select 1, 'token hunter2horse' from shop.orders")
    log.ran("select 1", application="postgres://u:hunter2horse@h/d")
    read_text(shop, log.csv())
    for table in ("patterns", "nodes", "edges", "log_sources", "log_skips"):
        assert shop.execute(f"select count(*) from lineage.{table} t where t::text like '%hunter2%'").fetchone() == (0,)  # fmt: skip


def test_literals_are_in_the_sample_alone(shop, log):
    log.ran("insert into shop.customers select id, 'Ms. Smith' || customer from shop.orders")
    read_text(shop, log.csv())
    assert shop.execute(
        "select count(*) from lineage.patterns where sample like '%Smith%'"
    ).fetchone() == (1,)
    assert {r[0] for r in shop.execute("select expression from lineage.edges where expression is not null")} == {"orders.id", "($1::text || orders.customer)"}  # fmt: skip


def test_other_databases_are_counted_and_not_analysed(shop, log):
    log.ran("select amount from shop.orders", database="elsewhere")
    read_text(shop, log.csv())
    assert shop.execute("select calls, databases, analysed_at is null from lineage.patterns").fetchone() == (1, ["elsewhere"], True)  # fmt: skip
    assert edges(shop) == set()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("set search_path to shop, public", {"shop.orders amount > pattern IDENTITY"}),
        ('SET LOCAL search_path = "shop"', {"shop.orders amount > pattern IDENTITY"}),
        ("select 1", set()),
    ],
)
def test_search_path_of_the_session(shop, log, before, expected):
    log.ran(before).ran("select amount from orders")
    log.ran("select amount from orders where id = 1", session="other")
    read_text(shop, log.csv())
    assert edges(shop) == expected
    assert ("relation \"orders\" does not exist",) in {(n or "").partition(": ")[2:] for (n,) in shop.execute("select note from lineage.patterns")}  # fmt: skip


def test_search_path_of_the_role(shop, log):
    shop.execute("create role pathfinder; alter role pathfinder set search_path = '$user', shop")
    try:
        log.ran("select amount from orders", user="pathfinder")
        read_text(shop, log.csv())
        assert edges(shop) == {"shop.orders amount > pattern IDENTITY"}
    finally:
        shop.execute("drop role pathfinder")


def test_temporary_tables_of_temporary_tables(shop, log):
    log.ran("create temp table a (x) as select amount from shop.orders")
    log.ran('create temporary table "B c" as with q as (select x + 1 as y from a) select y from q')
    log.ran('with w as (select y from "B c") insert into shop.report select null, y from w')
    log.ran("drop table a").ran("insert into shop.report select x, 1 from a", session="67c2.a")
    read_text(shop, log.csv())
    assert edges(shop) == {
        "shop.orders amount > shop.report total TRANSFORMATION",
        "pattern > shop.report WRITE",
    }


def test_analysed_again(shop, log):
    log.ran("select later from shop.made").ran("select amount from shop.orders")
    read_text(shop, log.csv())
    assert edges(shop) == {"shop.orders amount > pattern IDENTITY"}
    shop.execute("create table shop.made (later int)")
    assert shop.execute("select lineage_analyse_patterns()").fetchone() == (1,)
    assert edges(shop) == {
        "shop.orders amount > pattern IDENTITY",
        "shop.made later > pattern IDENTITY",
    }
    shop.execute("drop table shop.orders")
    assert shop.execute("select lineage_analyse_patterns(true)").fetchone() == (2,)
    assert edges(shop) == {"shop.made later > pattern IDENTITY"}


def test_lines_in_a_table(shop, log):
    _jobs(log)
    shop.execute("create table shop.lines (n int generated always as identity, line text)")
    with shop.cursor() as cursor, cursor.copy("copy shop.lines (line) from stdin") as copy:
        for line in log.csv().splitlines():
            copy.write_row([line])
    found = "select * from lineage_read_log_table('shop.lines'{})"
    assert shop.execute(found.format("")).fetchone()[:3] == (3, 3, 3)
    assert shop.execute(found.format(", 'line', 'n'")).fetchone()[:3] == (3, 3, 0)
    shop.execute("alter table shop.lines add other text")
    for arguments, code in (("", "22023"), (", 'nothing'", "42703")):
        with pytest.raises(psycopg.Error) as caught:
            shop.execute(found.format(arguments))
        assert caught.value.sqlstate == code


# -- files ---------------------------------------------------------------------------


def test_read_on_where_it_was_left(shop, log, directory):
    path = directory / "pg.csv"
    path.write_text(log.ran("select 1").csv())
    assert call(shop, path) == (1, 1, 1, 0)
    assert call(shop, path) == (0, 0, 0, 0)
    text = log.ran("select 'a\nb'").ran("select amount from shop.orders").csv()
    path.write_text(text[:-30])
    assert call(shop, path) == (1, 1, 0, 0)
    path.write_text(text)
    assert call(shop, path) == (1, 1, 1, 0)
    assert shop.execute("select read_bytes, read_lines, entries, statements from lineage.log_sources").fetchone() == (len(text), text.count("\n"), 3, 3)  # fmt: skip


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_rotation(shop, log, directory, kind):
    """Renamed, then compressed: what was read stays read."""
    path = directory / "pg.csv"
    path.write_text(log.add("statement: select 1").csv())
    call(shop, directory)
    text = log.add("duration: 7.000 ms").ran("select 2").add("statement: select 4").csv()
    path.write_text(text)
    path.rename(directory / "pg.csv.1")
    assert call(shop, directory) == (3, 2, 0, 0)
    # The session goes on in the next file.
    path.write_text(
        Log(log.database).ran("select 3", session="b.1").add("duration: 1.000 ms").csv()
    )
    os.utime(directory / "pg.csv.1", (1, 1))
    assert call(shop, directory) == (2, 1, 0, 0)
    assert patterns(shop) == {"select $1": (4, 4, 11.0)}
    (directory / "pg.csv.1").unlink()
    packed = gzip.compress(text.encode()) if kind == "gzip" else zstandard.compress(text.encode())
    (directory / "pg.csv.1.gz").write_bytes(packed)
    assert call(shop, directory) == (0, 0, 0, 0)
    assert shop.execute("select count(*) from lineage.log_sources").fetchone() == (2,)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_compressed_files_and_their_damage(shop, log, directory, kind):
    for n in range(3000):
        log.ran(f"select {os.urandom(20).hex()!r}, {n}")
    data = log.csv().encode()
    packed = gzip.compress(data) if kind == "gzip" else zstandard.compress(data)
    whole, cut = directory / "whole.z", directory / "cut.z"
    cut.write_bytes(packed[: len(packed) // 2])
    found = call(shop, cut)
    assert 100 < found[0] < 3000
    assert shop.execute("select calls from lineage.patterns").fetchone() == (found[1],)
    # Damaged or whole, it is the same log.
    whole.write_bytes(packed)
    cut.unlink()
    assert call(shop, whole)[0] + found[0] == 3000


def test_truncated_and_replaced(shop, log, directory):
    path = directory / "pg.csv"
    path.write_text(log.ran("select 1").ran("select 2").csv())
    call(shop, path)
    inode = path.stat().st_ino
    # copytruncate: the same inode, another log.
    with path.open("r+") as file:
        file.truncate()
        file.write(Log(log.database).ran("select 'new'", session="1.1").csv())
    assert path.stat().st_ino == inode
    assert call(shop, path)[:2] == (1, 1)
    assert patterns(shop) == {"select $1": (3, 3, 4.5)}
    # Cut off in the middle: it goes on from there.
    log.entries.clear()
    log.ran(f"select '{'x' * 600}'").ran("select 2").ran("select 3")
    lines = log.csv().splitlines(keepends=True)
    path.unlink()
    path.write_text("".join(lines))
    call(shop, path)
    path.write_text(lines[0])
    assert call(shop, path)[0] == 0
    assert shop.execute("select count(*) from lineage.log_sources where note like 'truncated%'").fetchone() == (1,)  # fmt: skip
    path.write_text(lines[0] + lines[2])
    assert call(shop, path)[0] == 1


def test_vanished(shop, log, directory):
    (directory / "a.csv").write_text(log.ran("select 1").csv())
    (directory / "b.csv").write_text(Log(log.database).ran("select 2", session="9.9").csv())
    assert call(shop, directory)[0] == 2
    (directory / "a.csv").unlink()
    assert call(shop, directory)[0] == 0
    assert shop.execute("select path, note from lineage.log_sources where note is not null").fetchall() == [(str(directory / "a.csv"), "vanished")]  # fmt: skip
    with pytest.raises(psycopg.errors.UndefinedObject, match="cannot read"):
        call(shop, directory / "a.csv")


def test_other_files_in_the_directory(shop, log, directory):
    (directory / "a.csv").write_text(log.ran("select 1").csv())
    (directory / "core").write_bytes(b"\x7fELF\0" * 1000)
    (directory / "empty").write_text("")
    os.mkfifo(directory / "pipe")
    assert call(shop, directory) == (1, 1, 1, 1)


def test_skips_have_their_line(shop, log, directory):
    path = directory / "pg.csv"
    lines = log.ran("select 1").ran("select\n2").ran("select 3").csv().splitlines(keepends=True)
    path.write_text("".join([*lines[:1], "garbage\n", *lines[1:]]))
    assert call(shop, path) == (3, 3, 1, 1)
    with path.open("ab") as file:
        file.write(lines[0].encode().replace(b"app", b"\xff\xfe") + lines[0].replace("select 1", "select '\xe9'").encode("latin-1"))  # fmt: skip
        file.write(lines[0].encode())
    found = call(shop, path)
    assert found[0] + found[3] == 3
    rows = shop.execute("select line, reason from lineage.log_skips order by line").fetchall()
    assert [line for line, _ in rows] == [2, 7]
    assert shop.execute("select skipped from lineage.log_sources").fetchone() == (2,)


def test_a_statement_of_fifty_megabytes(shop, log, directory):
    path = directory / "pg.csv"
    log.ran("select 1").ran("select '" + "x" * 50_000_000 + "'").ran(
        "select amount from shop.orders"
    )
    path.write_text(log.csv())
    found = call(shop, path)
    assert found[:3] == (2, 2, 2)
    assert found[3] >= 1
    (reason,) = shop.execute(
        "select reason from lineage.log_skips order by line limit 1"
    ).fetchone()
    assert reason == "a record longer than 16 MB"


@pytest.mark.parametrize(
    ("content", "arguments", "code", "message"),
    [
        (b"\x89PNG\0\0\0\n" * 100, [], "22023", "not a log of a known format"),
        (b"hello\n", ["jsonlog"], "22023", "not a log of format jsonlog"),
        (b"hello\n", ["xml"], "22023", "unknown format"),
        (b"x\n", ["stderr", "%y"], "22023", 'unknown escape "%y"'),
        (b"x\n", ["stderr", "", "Nowhere/City"], "22023", "Nowhere/City"),
        (b"x\n", ["stderr", "", "UTC", "klingon"], "22023", "unknown encoding"),
        (b"\x1f\x8b\x08\0broken", [], "42704", "cannot be uncompressed"),
    ],
)
def test_clear_errors(shop, directory, content, arguments, code, message):
    path = directory / "some"
    path.write_bytes(content)
    with pytest.raises(psycopg.Error, match=message) as caught:
        call(shop, path, *arguments)
    assert caught.value.sqlstate == code


def test_not_inside_a_transaction(shop, log, directory, connect):
    path = directory / "pg.csv"
    path.write_text(log.ran("select 1").csv())
    with connect(autocommit=False) as session, pytest.raises(psycopg.Error) as caught:
        call(session, path)
    assert caught.value.sqlstate == "2D000"
    assert patterns(shop) == {}


# -- rights ----------------------------------------------------------------------------


@pytest.fixture
def roles(shop):
    shop.execute("create role log_admin in role llm_admin; create role log_user in role llm_user")
    yield shop
    shop.execute("reset role; drop owned by log_admin, log_user; drop role log_admin, log_user")


def test_rights(roles, log, directory):
    path = directory / "pg.csv"
    path.write_text(_jobs(log).csv())
    roles.execute("set role log_admin")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not read files") as caught:
        call(roles, path)
    assert "pg_read_server_files" in caught.value.diag.message_hint
    roles.execute("reset role; grant pg_read_server_files to log_admin; set role log_admin")
    assert call(roles, path) == (3, 3, 3, 0)
    # Without rights on the tables the reader learns nothing of them.
    assert edges(roles) == set()
    assert (
        roles.execute("select count(*) from lineage.patterns where note is not null").fetchone()[0]
        > 0
    )
    roles.execute(
        "reset role; grant select on all tables in schema shop to log_admin; grant usage on schema shop to log_admin; set role log_admin"
    )
    assert roles.execute("select lineage_analyse_patterns()").fetchone()[0] > 0
    assert "shop.orders amount > pattern AGGREGATION" in edges(roles)
    roles.execute("reset role; set role log_user")
    for statement in (
        f"call lineage_read_logs('{path}')", "select lineage_read_log_text('x')", "select lineage_read_log_table('pg_class')",
        "select lineage_read_statements()", "select lineage_analyse_patterns()", "select * from lineage.patterns",
        "select * from lineage.pattern_joins", "select * from lineage.log_sources", "select lineage.save_pattern_edges('{}')",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roles.execute(statement)
    roles.execute("reset role")


def test_joins_show_what_the_caller_may_select(roles, log):
    read_text(roles, _jobs(log).csv())
    joins = "select column_name, other_relation, other_column from lineage_joins('shop.orders')"
    assert roles.execute(joins).fetchall() == [("customer", "shop.customers", "id")]
    roles.execute("set role log_user")
    assert roles.execute("select * from lineage.join_paths").fetchall() == []
    roles.execute(
        "reset role; grant usage on schema shop to log_user; grant select on shop.orders to log_user; grant select (name) on shop.customers to log_user; set role log_user"
    )
    assert roles.execute(joins).fetchall() == []
    roles.execute("reset role; grant select (id) on shop.customers to log_user; set role log_user")
    assert roles.execute(joins).fetchall() == [("customer", "shop.customers", "id")]
    roles.execute("reset role")


# -- kill and cancel -------------------------------------------------------------------


def _big(directory, name, entries):
    log = Log(name)
    log.ran("select amount from shop.orders where id = 1").add("statement: select 2").add(
        "duration: 1.000 ms"
    )
    text = log.csv()
    path = directory / "big.csv"
    with path.open("w") as file:
        for _ in range(entries // 3):
            file.write(text)
    return path


@pytest.mark.parametrize("how", ["terminate", "cancel"])
def test_a_kill_loses_and_doubles_nothing(shop, connect, directory, name, how):
    path = _big(directory, name, 90_000)
    for kills in range(40):
        reader = connect()
        pid = reader.info.backend_pid
        timer = threading.Timer(
            0.3 + 0.3 * kills, lambda pid=pid: shop.execute(f"select pg_{how}_backend({pid})")
        )
        timer.start()
        try:
            call(reader, path)
            timer.cancel()
            break
        except psycopg.OperationalError:
            pass
        finally:
            timer.join()
    assert kills > 0
    assert patterns(shop) == {
        "select amount from shop.orders where id = $1": (30_000, 30_000, 45_000.0),
        "select $1": (30_000, 30_000, 30_000.0),
    }
    assert shop.execute("select entries, statements, read_bytes from lineage.log_sources").fetchone() == (90_000, 60_000, path.stat().st_size)  # fmt: skip


def test_two_readers(shop, connect, directory, name):
    path = _big(directory, name, 60_000)
    codes = set()

    def read(session):
        try:
            call(session, path)
        except psycopg.Error as error:
            codes.add(error.sqlstate)

    worker = threading.Thread(target=read, args=[connect()])
    worker.start()
    while worker.is_alive():
        read(connect())
        time.sleep(0.05)
    worker.join()
    read(shop)
    assert codes == {"55P03"}
    assert patterns(shop)["select $1"][0] == 20_000


def test_cancel_is_prompt(shop, connect, directory, name):
    path = _big(directory, name, 200_000)
    reader = connect()
    reader.execute("set statement_timeout = '500ms'")
    start = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        call(reader, path)
    assert time.monotonic() - start < 5
