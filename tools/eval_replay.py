"""Measures what becomes of recorded answers of real models, without asking any model again.

A directory of suites (see eval.py) may hold `replay/<model>.jsonl` (`id, sql`:
what a model answered to the question of that id). A scripted server gives
these answers to `llm_text2sql`'s own path, one round, so that nothing goes
back to a model; what comes out is judged by execution. Needs the databases
that eval.py loads.

usage: eval_replay.py DIRECTORY
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

from pg_llm.database import PsycopgDatabase
from pg_llm.errors import DatabaseError, ProgramLimitExceeded
from pg_llm.models.scripted import Server
from pg_llm.text2sql.evaluation import results
from pg_llm.text2sql.evaluation.run import rows as returned

EDGES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Judged = list[tuple[float, bool]]


def main(directory: Path) -> None:
    """Print what repair makes of each model's answers, and how far the confidence holds."""
    answers = {
        file.stem: {one["id"]: one["sql"] for one in map(json.loads, file.open())}
        for file in sorted((directory / "replay").glob("*.jsonl"))
    }
    questions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (directory / "questions.jsonl").read_text().splitlines():
        one = json.loads(line)
        told = one.get("data") != "synthetic" or one.get("gold_rows") != 0
        if (
            one.get("usable", True)
            and told
            and any(one["id"] in held for held in answers.values())
        ):
            questions[one["db"]].append(one)
    tallies: dict[str, dict[str, int]] = {name: defaultdict(int) for name in answers}
    judged: dict[str, Judged] = defaultdict(list)
    for name in sorted(questions):
        replay(name, questions[name], answers, tallies, judged)
    report(tallies)
    for kind in ("one model", "votes"):
        reliability(kind, judged[kind])


def replay(
    name: str,
    questions: list[dict[str, Any]],
    answers: dict[str, dict[str, str]],
    tallies: dict[str, dict[str, int]],
    judged: dict[str, Judged],
) -> None:
    """Ask the questions of one database, of each model alone and of several together."""
    with psycopg.connect(dbname=f"eval_{name}", autocommit=True) as connection:
        connection.execute("set client_min_messages = warning")
        connection.execute("delete from llm.settings; delete from llm.verified_pairs")
        connection.execute("delete from llm.model_definitions")
        connection.execute("insert into llm.settings values ('text2sql_rounds', '1')")
        connection.execute("create temporary table suite (question text, sql text[])")
        for one in questions:
            connection.execute(
                "insert into suite values (%s, %s)", [one["question"], one["gold_sql"]]
            )
        servers = {}
        for model, held in answers.items():
            lines = [
                {"match": one["question"], "answer": held.get(one["id"], "")} for one in questions
            ]
            servers[model] = Server(lines).start()
            connection.execute(
                "select llm_model_add(%s, 'scripted', 'chat', 'scripted', %s, null, %s)",
                [model, servers[model].endpoint, json.dumps({"retries": 0})],
            )
        for size in (1, 2, 3):
            for models in combinations(answers, size):
                rows = ask(connection, ",".join(models))
                judged["one model" if size == 1 else "votes"] += [
                    (confidence, right)
                    for source, _, confidence, right in rows.values()
                    if source == "model"
                ]
                if size == 1:
                    compare(connection, questions, answers[models[0]], rows, tallies[models[0]])
        for server in servers.values():
            server.stop()
        connection.execute("delete from llm.model_definitions; delete from llm.settings")
        connection.execute("delete from llm.evaluation_runs")


def ask(connection: psycopg.Connection, models: str) -> dict[int, tuple[str, bool, float, bool]]:
    """Return for each question's number its source, if it ran, confidence, if it was right."""
    options = json.dumps({"models": [models]})
    (number,) = connection.execute(
        "select run from llm_eval('pg_temp.suite', %s) limit 1", [options]
    ).fetchone() or (None,)
    rows = connection.execute(
        "select number, source, valid, confidence, correct"
        " from llm.evaluation_answers where run = %s",
        [number],
    )
    found = {row[0]: row[1:] for row in rows}
    # The next run shall know nothing of this one.
    connection.execute("delete from llm.evaluation_runs")
    return found


def compare(
    connection: psycopg.Connection,
    questions: list[dict[str, Any]],
    held: dict[str, str],
    rows: dict[int, tuple[str, bool, float, bool]],
    tally: dict[str, int],
) -> None:
    """Add up what the answers were as they came, and what became of them."""
    database = PsycopgDatabase(connection)
    for number, one in enumerate(questions, start=1):
        gold = [r for r in (result(database, text) for text in one["gold_sql"]) if r is not None]
        before = result(database, held.get(one["id"], ""))
        was_right = before is not None and any(results.agree(right, before) for right in gold)
        source, valid, _, right = rows[number]
        mine = source == "model"
        tally["asked"] += 1
        tally["right as they came"] += was_right
        tally["right"] += mine and right
        tally["failed as they came"] += before is None
        tally["of those valid"] += before is None and mine and bool(valid)
        tally["of those right"] += before is None and mine and right
        tally["right made wrong"] += was_right and not (mine and right)


def result(database: PsycopgDatabase, text: str) -> list[results.Row] | None:
    """Return what a statement gives as it stands, None where it fails."""
    try:
        return returned(database, text.strip().rstrip(";"))
    except (DatabaseError, ProgramLimitExceeded):
        return None


def report(tallies: dict[str, dict[str, int]]) -> None:
    """Print a row for each model."""
    print(
        f"{'replayed answers of':<32} {'asked':>6} {'failed':>7} {'made valid':>11} {'right':>6}"
        f" {'accuracy':>9} {'after repair':>13} {'made wrong':>11}"
    )
    for name, tally in tallies.items():
        asked, failed = max(1, tally["asked"]), tally["failed as they came"]
        print(
            f"{name:<32} {asked:>6} {failed:>7} {tally['of those valid']:>11}"
            f" {tally['of those right']:>6} {tally['right as they came'] / asked:>9.3f}"
            f" {tally['right'] / asked:>13.3f} {tally['right made wrong']:>11}"
        )


def reliability(kind: str, judged: Judged) -> None:
    """Print for each band of confidence how many answers there were, and the share right."""
    print(f"confidence of answers of {kind:<10} {'answers':>8} {'mean':>6} {'right':>6}")
    for low, high in pairwise(EDGES):
        band = [(sure, right) for sure, right in judged if low <= sure < high]
        if band:
            mean, share = (sum(column) / len(band) for column in zip(*band, strict=True))
            print(f"{f'  {low:.1f} to {high:.1f}':<35} {len(band):>8} {mean:>6.2f} {share:>6.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
