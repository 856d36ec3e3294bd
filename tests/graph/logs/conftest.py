"""A small shop in a database, and logs written by hand."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest

csv.field_size_limit(sys.maxsize)
SHOP = """
drop schema if exists shop cascade;
create schema shop;
create table shop.orders (id int primary key, customer int, amount numeric);
create table shop.customers (id int primary key, name text);
create table shop.report (customer text, total numeric);
truncate lineage.patterns, lineage.pattern_joins, lineage.log_sources, lineage.log_skips,
    lineage.statement_counts, lineage.nodes, lineage.edges cascade;
"""
PREFIX = "%m [%p] %c %q%u@%d/%a "
_TIME = "2026-03-01 10:00:{:06.3f} UTC"


@pytest.fixture
def shop(db):
    """The connection, on a database with the shop and an empty graph."""
    db.execute(SHOP)
    return db


@pytest.fixture
def name(shop):
    """The database's name."""
    return shop.info.dbname


class Log:
    """Entries of a log, written in any format."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.entries: list[dict[str, str]] = []

    def add(
        self, message, severity="LOG", session="67c2.a", user="joe", application="app", **more
    ):
        """Add an entry."""
        entry = {
            "time": _TIME.format(len(self.entries) % 60),
            "user": user,
            "database": more.get("database", self.database),
            "session": session,
            "severity": severity,
            "message": message,
            "detail": more.get("detail", ""),
            "query": more.get("query", ""),
            "application": application,
        }
        self.entries.append(entry)
        return self

    def ran(self, text, ms=1.5, **more):
        """Add a statement that ran."""
        return self.add(f"duration: {ms:.3f} ms  statement: {text}", **more)

    def csv(self, columns=26):
        """The log as csvlog of a version with so many columns."""
        out = io.StringIO()
        for number, e in enumerate(self.entries):
            row = [""] * 26
            row[0:6] = e["time"], e["user"], e["database"], "12", "[local]", e["session"]
            row[6:9] = str(number + 1), "SELECT", "2026-03-01 09:00:00 UTC"
            row[11:15] = e["severity"], "00000", e["message"], e["detail"]
            row[19], row[22], row[23], row[25] = (
                e["query"],
                e["application"],
                "client backend",
                "0",
            )
            line = io.StringIO()
            csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(row[:columns])
            # As the server does: numbers and times without quotes, nothing for null.
            fields = next(csv.reader([line.getvalue()]))
            quoted = {1, 2, 4, 7, 13, 14, 19, 22, 23}
            out.write(
                ",".join(
                    '"' + f.replace('"', '""') + '"' if f and i in quoted else f
                    for i, f in enumerate(fields if "\n" not in e["message"] else row[:columns])
                )
                + "\n"
            )
        return out.getvalue()

    def json(self):
        """The log as jsonlog."""
        return "".join(
            json.dumps(
                {
                    "timestamp": e["time"],
                    "user": e["user"],
                    "dbname": e["database"],
                    "pid": 12,
                    "session_id": e["session"],
                    "error_severity": e["severity"],
                    "message": e["message"],
                    **({"detail": e["detail"]} if e["detail"] else {}),
                    "application_name": e["application"],
                }
            )
            + "\n"
            for e in self.entries
        )

    def stderr(self):
        """The log as stderr with `PREFIX`."""
        out = ""
        for e in self.entries:
            head = (
                f"{e['time']} [12] {e['session']} {e['user']}@{e['database']}/{e['application']} "
            )
            out += f"{head}{e['severity']}:  " + e["message"].replace("\n", "\n\t") + "\n"
            for label in ("detail", "query"):
                if e[label]:
                    shown = {"detail": "DETAIL", "query": "STATEMENT"}[label]
                    out += f"{head}{shown}:  " + e[label].replace("\n", "\n\t") + "\n"
        return out


@pytest.fixture
def log(name):
    """An empty log of this database."""
    return Log(name)


def read_text(db, text, format_name=None, prefix=PREFIX):
    """Read a piece of a log: entries, statements, patterns, skipped."""
    return db.execute(
        "select * from lineage_read_log_text(%s, %s, %s)", [text, format_name, prefix]
    ).fetchone()


def patterns(db):
    """Calls, timed calls and milliseconds by pattern."""
    return {
        row[0]: row[1:]
        for row in db.execute(
            "select query, calls, timed_calls, round(total_ms::numeric, 3)::float8 from lineage.patterns"
        )
    }


def edges(db):
    """Current edges as text."""
    return {
        " ".join(filter(None, row))
        for row in db.execute(
            """
            select case f.kind when 'pattern' then 'pattern' else f.name end, nullif(f.column_name, ''), '>',
                case t.kind when 'pattern' then 'pattern' else t.name end, nullif(t.column_name, ''), e.transformation
            from lineage.edges e
            join lineage.nodes f on f.id = e.from_node
            join lineage.nodes t on t.id = e.to_node
            where e.valid_to = 'infinity' and e.evidence = 'log'
            """
        )
    }
