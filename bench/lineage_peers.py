"""Lineage, construct by construct: pg_llm and four other tools on the same statements.

The statements and the edges that were worked out by hand are in constructs.sql.
Each tool runs in an environment of its own under build/peers (made on first
use), on the same machine in the same run; times are processor time, the best of
three, without start-up. Run by `make bench`; with WRITE=1 in the environment it
also writes the table of docs/lineage_peers.md.

How a tool is asked: sqlglot, DataHub and sqllineage know the tables' columns;
openlineage-sql takes none. A bare query is given to the last three as
`create table … as`, because they describe flows between tables. An edge is
(target column, table, column). Those that carry a value must be there; a tool
may also name what decides rows or branches, which the analyser's INDIRECT edges
tell, or a function in FROM beside its arguments: that is never counted as wrong.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import psycopg

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
sys.path.insert(0, str(_ROOT))
from tests.lineage import fixture_files  # noqa: E402

DATABASE = "pg_llm_bench_peers"
ROUNDS = 3
ANALYSER = "pg_llm, analyser"
PEERS = {
    "sqlglot": ("sqlglot", "sqlglot[c]==30.30.0"),
    "DataHub": ("datahub", "acryl-datahub[sql-parser]==1.7.0.17"),
    "sqllineage": ("sqllineage", "sqllineage==1.5.9"),
    "openlineage-sql": ("openlineage", "openlineage-sql==1.54.0"),
}
_DIRECT = {"IDENTITY", "TRANSFORMATION", "AGGREGATION"}
_COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, null)
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'f'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
order by c.relname, a.attnum
"""
_MEASURE = """
create function pg_temp.measure(
    sql text, catalog jsonb, rounds int, out found jsonb, out ms float8)
language plpython3u as $$
import json
import time

plan = plpy.prepare(
    "select target_column, source_relation, source_column, influence from lineage_extract("
    "$1, catalog => $2, search_path => case when $2 is not null then array['f'] end) "
    "where source_column is not null",
    ["text", "jsonb"],
)
best = float("inf")
for _ in range(rounds):
    begun = time.process_time()
    rows = plpy.execute(plan, [sql, catalog])
    best = min(best, 1000 * (time.process_time() - begun))
found = {"edges": [], "may": []}
for r in rows:
    edge = [r["target_column"], r["source_relation"].rpartition(".")[2], r["source_column"]]
    found["edges" if r["influence"] == "DIRECT" else "may"].append(edge)
return json.dumps(found), best
$$
"""


def peer(name, requirement, question):
    """Ask one tool in its own environment."""
    home = _ROOT / "build" / "peers" / name
    python = home / "bin" / "python"
    if not (home / requirement).exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, requirement], check=True)
        (home / requirement).touch()
    done = subprocess.run(
        [python, _HERE / "peers" / f"run_{name}.py"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def ours(connection, statements, catalog):
    """Ask pg_llm: by the analyser, or with a catalog by the parser."""
    answers = []
    for sql in statements:
        try:
            found, ms = connection.execute(
                "select * from pg_temp.measure(%s, %s, %s)", [sql, catalog, ROUNDS]
            ).fetchone()
            answers.append(found | {"ms": ms})
        except psycopg.Error as error:
            answers.append({"error": str(error), "ms": 0.0})
    return answers


def truth(case):
    """Edges of a case that carry a value, as the tools' answers have them."""
    return {
        (column, relation, source)
        for _, column, relation, source, kind in case.edges
        if kind in _DIRECT
    }


def verdict(case, may, answer):
    """right, incomplete (edges are missing), wrong (edges that are not there), error."""
    if "edges" not in answer:
        return "error"
    found, wanted, may = folded(answer["edges"]), folded(truth(case)), folded(may)
    # What decides the rows of the whole may be named for any of its columns, and
    # a function in FROM may be named beside its arguments.
    functions = {name.lower() for name in re.findall(r"(\w+)\s*\(", case.sql)}
    allowed = {
        edge for edge in found if edge in may or ("", *edge[1:]) in may or edge[1] in functions
    }
    if found - wanted - allowed:
        return "wrong"
    return "incomplete" if wanted - found else "right"


def folded(edges):
    return {tuple((part or "").strip('"').lower() for part in edge) for edge in edges}


def constructs():
    """Yield (name of the construct, case)."""
    path = _HERE / "constructs.sql"
    headings = {
        number: line.removeprefix("-- construct: ")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.startswith("-- construct: ")
    }
    for case in fixture_files.cases(path):
        yield headings[max(number for number in headings if number < case.line)], case


def worst(verdicts):
    order = ["right", "incomplete", "wrong", "error"]
    return max(verdicts, key=order.index)


def ask_all(connection, cases):
    columns = connection.execute(_COLUMNS).fetchall()
    schema = defaultdict(dict)
    for table, column, type_name in columns:
        schema[f"f.{table}"][column] = type_name
    statements = [case.sql for case in cases]
    catalog = json.dumps({table: [*found] for table, found in schema.items()})
    connection.execute(_MEASURE)
    answers = {
        ANALYSER: ours(connection, statements, None),
        "pg_llm, text only": ours(connection, statements, catalog),
    }
    question = {"schema": schema, "statements": statements, "rounds": ROUNDS}
    for tool, (name, requirement) in PEERS.items():
        answers[tool] = peer(name, requirement, question)
    return answers


def table(named, answers):
    """Yield the rows of the table: a construct, then a verdict for each tool."""
    groups = defaultdict(list)
    for number, (name, _) in enumerate(named):
        groups[name].append(number)
    cases = [case for _, case in named]
    may = [answer.get("may", []) for answer in answers[ANALYSER]]
    for name, numbers in groups.items():
        yield (
            name,
            [
                worst(verdict(cases[n], may[n], found[n]) for n in numbers)
                for found in answers.values()
            ],
        )


def main():
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    try:
        with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
            connection.execute("create extension pg_llm cascade")
            connection.execute((fixture_files.FIXTURES / "schema.sql").read_text())
            connection.execute("set search_path = f, public")
            named = list(constructs())
            answers = ask_all(connection, [case for _, case in named])
    finally:
        with psycopg.connect(dbname="postgres", autocommit=True) as admin:
            admin.execute(f"drop database if exists {DATABASE} with (force)")
    report(named, answers)


def report(named, answers):
    tools = list(answers)
    rows = list(table(named, answers))
    right = [sum(verdicts[n] == "right" for _, verdicts in rows) for n in range(len(tools))]
    wrong = [sum(verdicts[n] == "wrong" for _, verdicts in rows) for n in range(len(tools))]
    ms = [sum(a["ms"] for a in found) / len(found) for found in answers.values()]
    print(f"{len(named)} statements, {len(rows)} constructs")
    for n, tool in enumerate(tools):
        print(
            f"{tool:18} right {right[n]:2} of {len(rows)}, wrong {wrong[n]:2}; "
            f"{ms[n]:6.2f} ms a statement, {ms[n] / ms[0]:5.1f} times the analyser's"
        )
    for name, verdicts in rows:
        for tool, found in zip(tools[:2], verdicts[:2], strict=True):
            if found != "right":
                print(f"not right: {tool} on {name}: {found}")
    if os.environ.get("WRITE"):
        write(tools, rows, right, ms)


def write(tools, rows, right, ms):
    lines = ["| construct | " + " | ".join(tools) + " |", "|---|" + "---|" * len(tools)]
    lines += [f"| {name} | " + " | ".join(verdicts) + " |" for name, verdicts in rows]
    lines.append(f"| **right, of {len(rows)}** | " + " | ".join(map(str, right)) + " |")
    lines.append("| **ms a statement** | " + " | ".join(f"{m:.2f}" for m in ms) + " |")
    page = _ROOT / "docs" / "lineage_peers.md"
    before, mark, _ = page.read_text().partition("<!-- made by bench/lineage_peers.py -->\n")
    page.write_text(before + mark + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
