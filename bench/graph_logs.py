"""Query logs: entries a second, memory, and statements normalised a second.

The log is made by the server itself, which logs every statement while pgbench
and the sample's nightly load run; or it is one that is named. Processor time of
the one backend that reads, so that a busy machine does not count. pgBadger
reads the same file where it is installed: it does less (no lineage, no joins,
nothing is kept for the next file) and more (histograms, a report in HTML).
Run by `make bench`, or by hand (libpq's environment variables say where):

    python bench/graph_logs.py [LOG [LINE_PREFIX]]
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import sqlglot
from sqlglot import exp

from pg_llm.graph.logs import scanner

DATABASE = "pg_llm_bench_logs"
PREFIX = "%m [%p] %c %q%u@%d/%a "
SECONDS = int(os.environ.get("SECONDS_OF_LOG", "30"))
ROOT = Path(__file__).resolve().parent.parent
PGBENCH = [
    "UPDATE pgbench_accounts SET abalance = abalance + 1203 WHERE aid = 77310;",
    "SELECT abalance FROM pgbench_accounts WHERE aid = 77310;",
    "UPDATE pgbench_tellers SET tbalance = tbalance + 1203 WHERE tid = 7;",
    (
        "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) "
        "VALUES (7, 1, 77310, -1203, CURRENT_TIMESTAMP);"
    ),
]


def questions():
    """The statements of the sample: its nightly load and the answers to its questions."""
    text = (ROOT / "sample/questions.sql").read_text()
    return re.findall(r"\$\$\s*(.*?)\s*\$\$", text, re.DOTALL)


def by_sqlglot(text):
    """A statement without its literals, from sqlglot's tree."""
    tree = sqlglot.parse_one(text, dialect="postgres")
    return tree.transform(
        lambda node: exp.Placeholder() if isinstance(node, exp.Literal) else node
    ).sql("postgres", normalize=True)


def best(function, texts, rounds):
    """Statements a second: the best round, in processor time."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        for text in texts:
            function(text)
        seconds.append(time.process_time() - start)
    return len(texts) / min(seconds)


def normalisation():
    for name, texts in (("pgbench", PGBENCH * 50), ("sample", questions())):
        ours, theirs = best(scanner.normalize, texts, 20), best(by_sqlglot, texts, 2)
        length = sum(map(len, texts)) / len(texts)
        print(
            f"normalise {name}: {ours:,.0f} statements/s of {length:.0f} characters, "
            f"sqlglot {theirs:,.0f}; {ours / theirs:.0f} times faster"
        )
    text = "insert into t values " + ", ".join(f"({n}, 'x{n}')" for n in range(2_500_000))
    start = time.process_time()
    scanner.normalize(text)
    print(f"one statement of {len(text) >> 20} MB: {time.process_time() - start:.1f} s")


def processor(pid):
    """Seconds of processor time that a process used, and the megabytes that it has to itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    private = sum(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Private_")
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), private / 1024


def make_log():
    """Let the server write a log; return its path."""
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        (bindir,) = admin.execute("select setting from pg_config where name = 'BINDIR'").fetchone()
        (pid,) = admin.execute(
            "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"
        ).fetchone()
        path = Path(f"/proc/{pid}/fd/2").readlink()
        tools = [
            Path(bindir) / "pgbench",
            shutil.which("pgbench"),
            *Path("/usr/lib/postgresql").glob("*/bin/pgbench"),
        ]
        pgbench = next(t for t in tools if t and Path(t).exists())
        subprocess.run([pgbench, "-i", "-q", DATABASE], check=True, capture_output=True)
        sample = ["psql", "-q", "-X", "-d", DATABASE, "-f"]
        subprocess.run([*sample, ROOT / "sample/sample.sql"], check=True, capture_output=True)
        try:
            for setting in ("log_min_duration_statement = 0", f"log_line_prefix = '{PREFIX}'"):
                admin.execute(f"alter system set {setting}")
            admin.execute("select pg_reload_conf()")
            work = subprocess.Popen(
                [pgbench, "-n", "-c", "4", "-T", str(SECONDS), DATABASE],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while work.poll() is None:
                subprocess.run(
                    [*sample, ROOT / "sample/nightly.sql"], capture_output=True, check=False
                )
                time.sleep(2)
        finally:
            admin.execute("alter system reset log_min_duration_statement")
            admin.execute("alter system reset log_line_prefix")
            admin.execute("select pg_reload_conf()")
    return path


def read(path, prefix):
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        pid = connection.info.backend_pid
        connection.execute("select sql_normalize('x')")
        # The first megabytes hold the patterns that are new.
        with tempfile.NamedTemporaryFile(dir="/tmp", suffix=".log") as head:
            with Path(path).open("rb") as whole:
                head.write(whole.read(8 << 20))
            head.flush()
            Path(head.name).chmod(0o644)
            call = "call lineage_read_logs(%s, line_prefix => %s)"
            connection.execute(call, [head.name, prefix])
        before, start_private = processor(pid)
        start = time.perf_counter()
        entries, statements, patterns, skipped = connection.execute(
            call, [str(path), prefix]
        ).fetchone()
        wall = time.perf_counter() - start
        after, private = processor(pid)
    size = Path(path).stat().st_size
    seconds = after - before
    print(
        f"pg_llm: {entries:,} entries, {size / 1e6:,.0f} MB in {seconds:.1f} s of one processor "
        f"({wall:.1f} s by the clock): {entries / seconds:,.0f} entries/s, "
        f"{size / seconds / 1e6:.0f} MB/s; "
        f"{statements:,} statements, {patterns} new patterns, {skipped} skipped; "
        f"private memory {start_private:.0f} MB before, {private:.0f} MB after"
    )


def pgbadger(path, prefix):
    tool = shutil.which("pgbadger")
    if tool is None:
        print("pgbadger is not installed")
        return
    kind = ["-f", "csv"] if str(path).endswith(".csv") else ["-f", "stderr", "-p", prefix]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [tool, "-q", *kind, "-o", f"{out}/out.html", str(path)],
            check=True,
            capture_output=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = Path(path).stat().st_size
    print(
        f"pgbadger: the same file in {seconds:.1f} s of processor, {size / seconds / 1e6:.1f} MB/s"
    )


def main():
    normalisation()
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    try:
        with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
            connection.execute("create extension pg_llm cascade")
        path = sys.argv[1] if len(sys.argv) > 1 else make_log()
        prefix = sys.argv[2] if len(sys.argv) > 2 else PREFIX
        read(path, prefix)
        pgbadger(path, prefix)
    finally:
        with psycopg.connect(dbname="postgres", autocommit=True) as admin:
            admin.execute(f"drop database if exists {DATABASE} with (force)")


if __name__ == "__main__":
    main()
