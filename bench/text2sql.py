# ruff: noqa: RUF001  (Chinese text)
"""Questions to SQL: milliseconds a question, inside of one backend.

Everything but a model call, warm: reading the catalog's version, linking, the
grammar, the guard. The peer is the server's own work on the same answer
(EXPLAIN of the SQL). On the demo's sample, and on a schema of 1,000 tables and
20,000 columns, where the first question after a change is measured too. Then a
cached question (the limit is 5 ms), also among 100,000 kept answers and 5,000
verified pairs; a kept result against running the query; and what a writer pays
for the trigger of a watched table. Run by `make bench`, or by hand on any
database that has the sample and pg_llm.
"""

from __future__ import annotations

import time

import psycopg

DATABASE = "pg_llm_bench_text2sql"

QUESTIONS = [
    "How many customers are there in each country?",
    "What are the 5 products with the highest list price?",
    "Which suppliers in Germany have a rating of at least 4?",
    "What is the total payment amount by method in 2025?",
    "Which employees earn a salary above the average salary?",
    "2025年销售额最高的5个国家是哪些？",
    "每个部门的平均年薪是多少？",
]
MANY = ["How many shops are there?", "What is the average price of things of kind 7?"]

MEASURE = r"""
create function pg_temp.measure(questions text[], rounds int, out what text, out ms float8)
returns setof record
language plpython3u as $$
import time

plpy.execute("select llm.backend_load()")
from pg_llm import catalog
from pg_llm.backend.reception import database
from pg_llm.text2sql import answer, grammar, guard
from pg_llm.text2sql.index import index
from pg_llm.text2sql.linking import link
from pg_llm.text2sql.probe import prober

db = database(plpy)


def best(work):
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return 1000 * min(found)


begun = time.process_time()
schema = index(catalog.snapshot(db))
schema.find(["anything"])
yield "snapshot and index, first time", 1000 * (time.process_time() - begun)
answers = [answer.fresh(db, question, "") for question in questions]
answered = [(q, a.sql) for q, a in zip(questions, answers) if a.sql]
yield "answered of the questions", float(len(answered))
n = max(1, len(answered))
yield "catalog: is the snapshot still true", best(lambda: catalog.snapshot(db))
yield "grammar, a question", sum(
    best(lambda q=q: grammar.read(q, schema, prober(db, schema))) for q, _ in answered) / n
link("anything", schema)
yield "linking for a prompt, a question", sum(
    best(lambda q=q: link(q, schema)) for q in questions) / len(questions)
yield "guard, a statement", sum(best(lambda s=s: guard.check(db, s)) for _, s in answered) / n
yield "in all, a question", sum(best(lambda q=q: answer.fresh(db, q, "")) for q, _ in answered) / n
yield "the server's EXPLAIN of it", sum(
    best(lambda s=s: plpy.execute("explain " + s)) for _, s in answered) / n
plpy.execute("create temporary table pg_llm_bench_change (changed_id int, note text)")
begun = time.process_time()
link("anything", index(catalog.snapshot(db)))
yield "snapshot, index and linking, one table changed", 1000 * (time.process_time() - begun)
plpy.execute("drop table pg_llm_bench_change")
$$
"""

TABLES = """
do $$
begin
    for i in {start}..{end} loop
        execute format(
            'create table thing_%s (id int primary key, kind int, price numeric, %s)', i,
            (select string_agg(format('part_%s_%s text', i % 50, c), ', ')
             from generate_series(1, 17) c));
    end loop;
end
$$
"""


# Processor time of one backend: calls from outside would measure the other one.
CACHED = r"""
create function pg_temp.cached(questions text[], rounds int, out what text, out ms float8)
returns setof record
language plpython3u as $$
import time

plpy.execute("select llm.backend_load()")
from pg_llm.backend.reception import database
from pg_llm.text2sql import answer, guard, results
from pg_llm.text2sql.run import run

db = database(plpy)


def best(work):
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return 1000 * min(found)


asked = [q for q in questions if answer.answer(db, q).sql]
n = max(1, len(asked))
for _ in range(6):  # plans of prepared statements settle
    for q in asked:
        answer.answer(db, q)
fresh = sum(best(lambda q=q: answer.fresh(db, q, "")) for q in asked) / n
cached = sum(best(lambda q=q: answer.answer(db, q)) for q in asked) / n
yield "cached question (limit 5)", cached
yield "  of the time without the cache", cached / fresh
plpy.execute(
    "insert into llm.answers (key, path, model, meaning, question, answer, relations, signature,"
    " milliseconds) select 'bench ' || n, a.path, a.model, 'bench ' || n, 'bench', a.answer,"
    " a.relations, a.signature, 1 from generate_series(1, 100000) n,"
    " (select * from llm.answers limit 1) a"
)
plpy.execute(
    "insert into llm.verified_pairs (question, key, sql, relations)"
    " select 'bench ' || n, 'bench ' || n, 'select 1', '{}' from generate_series(1, 5000) n"
)
plpy.execute("analyze llm.answers")
for q in asked:
    answer.answer(db, q)
yield "cached, of 100,000 answers and 5,000 pairs", sum(
    best(lambda q=q: answer.answer(db, q)) for q in asked) / n
plpy.execute("delete from llm.verified_pairs where key like 'bench %'")
plpy.execute("delete from llm.answers where key like 'bench %'")
plpy.execute("drop table if exists pg_llm_bench_rows")
plpy.execute(
    "create table pg_llm_bench_rows as"
    " select n as row_id, n % 50 as kind, n * 0.5 as price from generate_series(1, 300000) n"
)
plpy.execute("select llm_result_cache('pg_llm_bench_rows')")
plpy.execute("analyze pg_llm_bench_rows")
guarded = guard.check(
    db, "select kind, count(*) as n, avg(price) as mean from pg_llm_bench_rows group by kind")
plpy.execute("set pg_llm.text2sql_result_cache = on")
for _ in range(7):
    results.rows(db, guarded, 1000)
kept = best(lambda: results.rows(db, guarded, 1000))
ran = best(lambda: run(db, guarded, 1000))
yield "a kept result (300,000 rows, 50 groups)", kept
yield "  of the time of running the query", kept / ran
plpy.execute("set pg_llm.text2sql_result_cache = off")
$$
"""

# What a writer does, how often. The last two are the worst case: nothing but a row
# in memory for each call of the trigger, no client and no disk.
WRITERS = {
    "a client's transactions of one row": (
        1000,
        "insert into pg_llm_bench_rows values (1, 1, 1)",
    ),
    "20,000 rows in one statement": (
        1,
        "insert into pg_llm_bench_rows select n, 1, 1 from generate_series(1, 20000) n",
    ),
    "2,000 transactions of one row in a procedure": (
        1,
        "do $$ begin for i in 1..2000 loop insert into pg_llm_bench_rows values (i, 1, 1);"
        " commit; end loop; end $$",
    ),
    "2,000 statements of one row in one transaction": (
        1,
        "do $$ begin for i in 1..2000 loop insert into pg_llm_bench_rows values (i, 1, 1);"
        " end loop; end $$",
    ),
}


def caches(connection: psycopg.Connection) -> None:
    """Measure the caches, and the writer of a watched table, on the sample."""
    print("caches, on the sample (ms of processor time, ratios)")
    connection.execute(CACHED)
    for what, ms in connection.execute(
        "select * from pg_temp.cached(%s, 20)", [QUESTIONS]
    ).fetchall():
        print(f"  {what:46s} {ms:9.3f}")
    print("a writer of a watched table (ratio to one of an unwatched table)")
    for title, (times, sql) in WRITERS.items():
        took: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(5):
            for watched in (False, True):
                connection.execute("select llm_result_cache('pg_llm_bench_rows', %s)", [watched])
                begun = time.perf_counter()
                for _ in range(times):
                    connection.execute(sql)
                took[watched].append(time.perf_counter() - begun)
        ratio = min(took[True]) / min(took[False])
        print(f"  {title:46s} {ratio:9.3f}")
    connection.execute("drop table pg_llm_bench_rows")


def report(connection: psycopg.Connection, title: str, questions: list[str]) -> None:
    print(title)
    connection.execute(MEASURE)
    for what, ms in connection.execute(
        "select * from pg_temp.measure(%s, 5)", [questions]
    ).fetchall():
        print(f"  {what:46s} {ms:9.2f}")


def main() -> None:
    with psycopg.connect("", autocommit=True) as connection:
        report(connection, "sample (ms of processor time)", QUESTIONS)
        caches(connection)
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE}")
        try:
            with psycopg.connect(f"dbname={DATABASE}", autocommit=True) as large:
                large.execute("create extension pg_llm cascade")
                # a transaction each, so that the locks suffice
                for start in range(1, 1000, 100):
                    end = min(start + 99, 999)
                    large.execute(TABLES.format(start=start, end=end))
                large.execute("create table shops (shop_id int primary key, name text)")
                report(large, "1,000 tables, 20,000 columns", MANY)
        finally:
            connection.execute(f"drop database {DATABASE} with (force)")


if __name__ == "__main__":
    main()
