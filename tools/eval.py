"""Measures text-to-SQL on suites of questions over databases of their own.

A directory holds `databases/<name>.sql` (schema and data) and
`questions.jsonl` (`db, question, gold_sql, suite, split, answerable, usable`),
and may hold `guards.jsonl` (`sql, allow` over one database). Each database is
loaded once, as `eval_<name>`, into the server that libpq's environment names.

usage: eval.py DIRECTORY PSQL
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

# What is asked: splits, whether the pairs of "seed" are loaded, the confidence
# below which nothing is answered (None: the default).
RUNS = {
    "grammar alone, new questions": (("test_unseen", "seed"), False, None),
    "unanswerable": (("test_unanswerable",), False, None),
    "verified pairs, reworded": (("test_seen",), True, None),
    "verified pairs, reworded, answering always": (("test_seen",), True, "0"),
    "pairs and grammar, new questions": (("test_unseen",), True, None),
}


def main(directory: Path, psql: str) -> None:
    """Print a table of the runs by suite, then what the guard lets through."""
    questions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (directory / "questions.jsonl").read_text().splitlines():
        one = json.loads(line)
        if one.get("usable", True):
            questions[one["db"]].append(one)
    tallies: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for name in sorted(questions):
        load(directory / "databases" / f"{name}.sql", psql)
        for run, (splits, with_pairs, confidence) in RUNS.items():
            chosen = [one for one in questions[name] if one["split"] in splits]
            pairs = [one for one in questions[name] if one["split"] == "seed" and with_pairs]
            if chosen:
                measure(f"eval_{name}", run, chosen, pairs, confidence, tallies)
    report(tallies)
    if (directory / "guards.jsonl").exists():
        guards(directory, psql)


def load(script: Path, psql: str) -> None:
    """Make a suite's database with pg_llm in it, unless it is there."""
    name = f"eval_{script.stem}"
    with psycopg.connect(dbname="postgres", autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", [name])
        if found.rowcount:
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    subprocess.run(
        [psql, "-X", "-q", "-d", name, "-f", str(script)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with psycopg.connect(dbname=name, autocommit=True) as connection:
        connection.execute("set client_min_messages = warning")
        connection.execute("create extension pg_llm cascade")
        connection.execute("analyze")
        connection.execute("select count(*) from llm_values_refresh()")


def measure(
    database: str,
    run: str,
    questions: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
    confidence: str | None,
    tallies: dict[tuple[str, str], list[int]],
) -> None:
    """Ask the questions of one database, and add up per suite: asked, answered, right."""
    with psycopg.connect(dbname=database, autocommit=True) as connection:
        connection.execute("delete from llm.verified_pairs")
        for pair in pairs:
            connection.execute(
                "select llm_verify(%s, %s)", [pair["question"], pair["gold_sql"][0]]
            )
        if confidence is not None:
            connection.execute(
                "select set_config('pg_llm.text2sql_confidence', %s, false)", [confidence]
            )
        connection.execute("create temporary table suite (question text, sql text[])")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into suite values (%s, %s)",
                [
                    (one["question"], one["gold_sql"] if one["answerable"] else None)
                    for one in questions
                ],
            )
        (number,) = connection.execute(
            """select run from llm_eval('pg_temp.suite', '{"models": [""]}') limit 1"""
        ).fetchone() or (None,)
        rows = connection.execute(
            "select number, sql is not null, correct from llm.evaluation_answers where run = %s",
            [number],
        )
        for position, answered, correct in rows:
            for suite in (questions[position - 1]["suite"], "all"):
                tally = tallies[run, suite]
                tally[0] += 1
                tally[1] += answered
                tally[2] += correct and (answered or not questions[position - 1]["answerable"])
        connection.execute("delete from llm.verified_pairs")


def report(tallies: dict[tuple[str, str], list[int]]) -> None:
    """Print the runs: how many were answered, and how many of those rightly."""
    print(
        f"{'run':<44} {'suite':<26} {'asked':>6} {'answered':>9} {'right':>6} {'of answered':>12}"
    )
    for (run, suite), (asked, answered, right) in sorted(tallies.items()):
        share = f"{right / answered:.3f}" if answered and run != "unanswerable" else "-"
        print(f"{run:<44} {suite:<26} {asked:>6} {answered / asked:>9.1%} {right:>6} {share:>12}")


def guards(directory: Path, psql: str) -> None:
    """Print how many bad statements the guard lets through, and how many good it refuses."""
    lines = (directory / "guards.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    database = "eval_" + cases[0]["db"]
    load(directory / "databases" / f"{cases[0]['db']}.sql", psql)
    wrong = {True: 0, False: 0}
    with psycopg.connect(dbname=database, autocommit=True) as connection:
        for case in cases:
            try:
                connection.execute("select llm_verify('guard', %s)", [case["sql"]])
                passed = True
            except psycopg.Error:
                passed = False
            wrong[case["allow"]] += passed != case["allow"]
        connection.execute("delete from llm.verified_pairs")
    bad = sum(not case["allow"] for case in cases)
    print(
        f"guard: {wrong[False]} of {bad} bad statements passed,"
        f" {wrong[True]} of {len(cases) - bad} good ones refused"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
