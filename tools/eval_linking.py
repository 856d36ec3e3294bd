"""Measures linking on the suites that `eval.py` has loaded: what questions need, and is found.

The tables and columns that a question needs are those that its right SQL reads,
as the server's own analysis names them (of several right statements, the one
that is found best). `comments_zh/<name>.sql` in the directory, where it is,
holds Chinese comments; with them the Chinese questions are measured.

usage: eval_linking.py DIRECTORY     (libpq's environment names the server)
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent / "python"))

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.errors import PgLlmError
from pg_llm.text2sql import guard
from pg_llm.text2sql.index import index
from pg_llm.text2sql.linking import link
from pg_llm.text2sql.words import is_chinese

if TYPE_CHECKING:
    from pg_llm.text2sql.layout import Key
    from pg_llm.text2sql.linking import Links

_TABLES = "select to_regclass(name)::oid::int8 as relation from unnest($1::text[]) as name"
_COLUMNS = """
select distinct to_regclass(source_relation)::oid::int8 as relation, source_column as name
from lineage_extract($1)
where source_column is not null and to_regclass(source_relation) is not null
"""


@dataclass(slots=True)
class Tally:
    """What was found, a figure for each question."""

    tables: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    columns: list[float] = field(default_factory=list)
    chinese: list[float] = field(default_factory=list)
    answerable: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)


def main(directory: Path) -> None:
    """Print what is found of all tables and columns, and how well answerable is told."""
    questions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (directory / "questions.jsonl").read_text().splitlines():
        one = json.loads(line)
        if one.get("usable", True):
            questions[one["db"]].append(one)
    tally = Tally()
    for name, asked in sorted(questions.items()):
        comments = directory / "comments_zh" / f"{name}.sql"
        with psycopg.connect(dbname=f"eval_{name}") as connection:
            database = PsycopgDatabase(connection)
            measure(database, [one for one in asked if not is_chinese(one["question"])], tally)
            if comments.exists():
                connection.execute(comments.read_text().encode())
                measure(database, [one for one in asked if is_chinese(one["question"])], tally)
            connection.rollback()
    for most, found in sorted(tally.tables.items()):
        print(f"linking: all tables among the first {most:<31} {share(found)}")
    print(f"linking: columns among the first 20, mean share {'':<9} {share(tally.columns)}")
    every = [float(one == 1.0) for one in tally.columns]
    print(f"linking: all columns among the first 20 {'':<18} {share(every)}")
    print(f"answerable told from unanswerable, AUC {'':<19} {area(tally):.3f}")
    if tally.chinese:
        print(
            f"Chinese, with comments: all tables among the first 3 {'':<5} {share(tally.chinese)}"
        )


def measure(database: PsycopgDatabase, asked: list[dict[str, Any]], tally: Tally) -> None:
    """Link the questions of one database, and note what was found."""
    schema = index(catalog.snapshot(database))
    for one in asked:
        links = link(one["question"], schema)
        (tally.answerable if one["answerable"] else tally.others).append(links.answerable)
        needed = [needs for sql in one["gold_sql"] or () if (needs := read(database, sql))]
        if not one["answerable"] or not needed:
            continue
        if is_chinese(one["question"]):
            tally.chinese.append(max(within(links, tables, 3) for tables, _ in needed))
            continue
        for most in (3, 5, 10):
            found = max(within(links, tables, most) for tables, _ in needed)
            tally.tables[most].append(found)
        best = [column(links, columns) for _, columns in needed if columns]
        if best:
            tally.columns.append(max(best))


def read(database: PsycopgDatabase, sql: str) -> tuple[set[int], set[Key]] | None:
    """Return the relations and columns that a statement reads."""
    try:
        names = guard.check(database, sql).tables
        tables = {row["relation"] for row in database.execute(_TABLES, [list(names)], ["text[]"])}
        rows = database.execute(_COLUMNS, [sql])
    except PgLlmError:
        return None
    return (tables, {(row["relation"], row["name"]) for row in rows}) if tables else None


def within(links: Links, tables: set[int], most: int) -> float:
    """Return 1 where all of the tables are among the first ones."""
    return float(tables <= {relation.oid for relation, _ in links.relations[:most]})


def column(links: Links, columns: set[Key], most: int = 20) -> float:
    """Return the share of the columns that are among the first ones."""
    first = {(ref.relation.oid, ref.column.name) for ref, _ in links.columns[:most]}
    return len(columns & first) / len(columns)


def area(tally: Tally) -> float:
    """Return the area under the ROC curve: an answerable question scores above another one."""
    pairs = [(one, other) for one in tally.answerable for other in tally.others]
    won = sum((one > other) + 0.5 * (one == other) for one, other in pairs)
    return won / len(pairs) if pairs else float("nan")


def share(found: list[float]) -> str:
    return f"{sum(found) / len(found):.3f} of {len(found)}" if found else "-"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
