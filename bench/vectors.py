"""Vectors: the trigger's cost, backfill, a long queue.

Every ratio is taken in one run, alternating, median or best of some rounds. Run
by `make bench`, or by hand where pg_llm can be created (libpq's environment
variables say where). bench/search.py measures the search.

BENCH_QUEUE=1000000 makes the queue that long (100000).
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from pg_llm.models.scripted import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "pg_llm_bench_vectors"
WORDS = (
    "apple river truck invoice doctor winter music garden market price school tax order paint "
    "house letter bridge window coffee engine summer island teacher ticket castle doctor museum "
    "forest payment customer supplier harbour bicycle orange village holiday concert kitchen"
)


def run(connection: psycopg.Connection, statement: str) -> float:
    """Return the seconds that a statement without rows takes."""
    started = time.perf_counter()
    connection.execute(statement)
    return time.perf_counter() - started


def fill(connection: psycopg.Connection, table: str, rows: int) -> None:
    words = "array['" + "','".join(WORDS.split()) + "']"
    connection.execute(f"create table {table} (id int primary key, body text, other int)")
    connection.execute(
        f"""
        insert into {table}
        select i, (
            select string_agg(({words})[1 + (hashint4(i * 31 + j)::bigint + 2147483648)
                % {len(WORDS.split())}], ' ')
            from generate_series(1, 10) j
        ) || ' ' || i
        from generate_series(1, {rows}) i
        """
    )


def cpu(connection: psycopg.Connection) -> float:
    """Return the processor seconds of the backend's main thread so far (0 where it is not local).

    On a machine that does other things as well, ratios of these are steadier
    than those of the clock.
    """
    try:
        with Path(f"/proc/{connection.info.backend_pid}/schedstat").open() as file:
            return int(file.read().split()[0]) / 1e9
    except OSError:
        return 0.0


WRITES = (
    ("insert of 10000 rows", "insert into {} select * from plain_copy"),
    ("update of another column", "update {} set other = coalesce(other, 0) + 1"),
    ("update that repeats the text", "update {} set body = body"),
    ("update of the text", "update {} set body = body || '.'"),
    ("delete of 10000 rows", "delete from {}"),
)


def trigger(connection: psycopg.Connection, endpoint: str) -> None:
    """Write 10,000 rows with and without a queued collection."""
    connection.execute(
        "select llm_model_add('remote', 'scripted', 'embed', 'remote', %s, null, "
        '\'{"dimensions": 64, "batch": 100, "concurrency": 4}\')',
        [endpoint],
    )
    fill(connection, "plain", 10_000)
    connection.execute("create table plain_copy as select * from plain")
    connection.execute("create table watched (like plain including all)")
    connection.execute("select llm_vectorize('watched', '{body}', model => 'remote')")
    queue = connection.execute(
        "select storage || '_queue' from llm.vectorizers where collection = 'watched'"
    ).fetchone()[0]
    for name, statement in WRITES:
        clock = {"plain": [], "watched": []}
        processor = {"plain": [], "watched": []}
        for _ in range(9):
            for table in clock:
                connection.execute(f"truncate {table}, {queue}")
                if not name.startswith("insert"):
                    connection.execute(f"alter table {table} disable trigger user")
                    connection.execute(f"insert into {table} select * from plain_copy")
                    connection.execute(f"alter table {table} enable trigger user")
                before = cpu(connection)
                clock[table].append(run(connection, statement.format(table)))
                processor[table].append(cpu(connection) - before)
        ratios = [
            min(found["watched"]) / min(found["plain"])
            for found in (clock, processor)
            if min(found["plain"]) > 0
        ]
        print(
            f"  {name}: {min(clock['plain']) * 1000:.0f} ms, queued "
            f"{min(clock['watched']) * 1000:.0f} ms: "
            + ", ".join(
                f"{ratio:.2f} times by the {by}"
                for ratio, by in zip(ratios, ("clock", "processor"), strict=False)
            )
        )


@contextmanager
def provider(latency: float) -> Iterator[int]:
    """Serve in a process of its own, which shares no interpreter with who asks; yield the port."""
    command = [sys.executable, "-m", "pg_llm.models.scripted", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.terminate()


def given(port: int, batch: int, at_once: int, calls: int) -> float:
    """Return the texts a second that the provider gives a client that does nothing with them."""
    body = json.dumps(
        {"model": "remote", "input": [f"text {i}" for i in range(batch)], "dimensions": 64}
    ).encode()

    def ask(count: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(count):
            connection.request("POST", "/v1/embeddings", body)
            connection.getresponse().read()
        connection.close()

    threads = [threading.Thread(target=ask, args=[calls // at_once]) for _ in range(at_once)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return calls // at_once * at_once * batch / (time.perf_counter() - started)


def drained(connection: psycopg.Connection, table: str) -> tuple[float, float]:
    """Return the rows a second that llm_work embeds, by the clock and by the processor."""
    rows = connection.execute(
        "select pending from llm.vectorizers where collection = %s", [table]
    ).fetchone()[0]
    # Without search indexes: what they take is measured apart.
    connection.execute("update llm.collection_versions set indexed = true")
    before = cpu(connection)
    seconds = run(connection, f"call llm_work('{table}')")
    used = cpu(connection) - before
    left = connection.execute(
        "select pending, failed from llm.vectorizers where collection = %s", [table]
    ).fetchone()
    assert left == (0, 0), left
    return rows / seconds, rows / used if used else 0.0


def backfill(connection: psycopg.Connection) -> None:
    """Rows a second, with the static model and with a provider of 50 ms a call."""
    with provider(0.05) as port:
        connection.execute(
            "select llm_model_add('slow', 'scripted', 'embed', 'slow', %s, null, "
            '\'{"dimensions": 64, "batch": 100, "concurrency": 4}\')',
            [f"http://127.0.0.1:{port}/v1"],
        )
        for turn in range(3):
            for model in ("static", "slow"):
                table = f"fill_{model}_{turn}"
                fill(connection, table, 20_000)
                connection.execute(
                    f"select llm_vectorize('{table}', '{{body}}', model => '{model}')"
                )
                peer = given(port, 100, 4, 100) if model == "slow" else 0.0
                by_clock, by_processor = drained(connection, table)
                peer = (peer + given(port, 100, 4, 100)) / 2 if peer else 0.0
                print(
                    f"  {model}: {by_clock:.0f} rows/s by the clock, {by_processor:.0f} for "
                    "each second of the backend's main thread"
                    + (f"; the provider gives {peer:.0f}: {by_clock / peer:.0%}" if peer else "")
                )
    connection.execute(
        "update llm.collection_versions set indexed = false where id = "
        "(select active from llm.collections where name = 'fill_static_0')"
    )
    seconds = run(connection, "call llm_work('fill_static_0')")
    print(f"  search indexes of 20000 rows of 256 dimensions, afterwards: {seconds:.1f} s")


def queue(connection: psycopg.Connection, rows: int, sessions: int) -> None:
    """A long queue, drained by some sessions at once: does it slow down, what is left of it."""
    connection.execute("create table long (id int primary key, body text)")
    # The static model under another name is one like a provider's: queued.
    connection.execute("select llm_model_add('words', 'static', 'embed')")
    connection.execute("select llm_vectorize('long', '{body}', model => 'words')")
    connection.execute("update llm.collection_versions set indexed = true")
    seconds = run(
        connection,
        f"insert into long select i, 'invoice ' || i from generate_series(1, {rows}) i",
    )
    storage = connection.execute(
        "select storage from llm.vectorizers where collection = 'long'"
    ).fetchone()[0]
    size = f"select pg_total_relation_size('{storage}_queue')"
    before = connection.execute(size).fetchone()[0]
    print(f"  {rows} rows written and queued in {seconds:.1f} s; the queue has {before >> 10} kB")
    threads = [threading.Thread(target=work) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    started = last = time.perf_counter()
    done = 0
    while any(thread.is_alive() for thread in threads):
        time.sleep(1)
        embedded = connection.execute(
            "select embedded from llm.vectorizers where collection = 'long'"
        ).fetchone()[0]
        if embedded >= done + rows / 5:
            now = time.perf_counter()
            print(f"    to {embedded}: {(embedded - done) / (now - last):.0f} rows/s")
            done, last = embedded, now
    seconds = time.perf_counter() - started
    for thread in threads:
        thread.join()
    after = connection.execute(size).fetchone()[0]
    state = connection.execute(
        "select pending, failed, embedded from llm.vectorizers where collection = 'long'"
    ).fetchone()
    print(
        f"  drained by {sessions} in {seconds:.0f} s ({rows / seconds:.0f} rows/s): "
        f"pending {state[0]}, failed {state[1]}, embedded {state[2]}; queue {after >> 10} kB"
    )


def work() -> None:
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        connection.execute("call llm_work('long')")


def main() -> None:
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    server = Server().start()
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        connection.execute("create extension pg_llm cascade")
        connection.execute("set client_min_messages = error")
        print("trigger, 10000 rows")
        trigger(connection, server.endpoint)
        print("backfill")
        backfill(connection)
        print("queue")
        queue(connection, int(os.environ.get("BENCH_QUEUE", "100000")), 2)
    server.stop()
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database {DATABASE} with (force)")


if __name__ == "__main__":
    threading.stack_size(1 << 20)
    main()
