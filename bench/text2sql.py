# ruff: noqa: RUF001  (Chinese text)
"""Questions to SQL: milliseconds a question, inside of one backend.

Everything but a model call, warm: reading the catalog's version, linking, the
grammar, the guard. The peer is the server's own work on the same answer
(EXPLAIN of the SQL). On the demo's sample, and on a schema of 1,000 tables and
20,000 columns, without and with Chinese comments on all of them, where the first
question after a change is measured too. Run by `make bench`, or by hand on any
database that has the sample and pg_llm.
"""

from __future__ import annotations

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

MANY_CHINESE = ["有多少家门店？", "每个三号区域的记录数量是多少？", "单价最高的10条七号记录"]

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
link(questions[0], schema)
yield "linking for a prompt, a question", sum(
    best(lambda q=q: link(q, schema)) for q in questions) / len(questions)
yield "guard, a statement", sum(best(lambda s=s: guard.check(db, s)) for _, s in answered) / n
yield "in all, a question", sum(best(lambda q=q: answer.fresh(db, q, "")) for q, _ in answered) / n
yield "the server's EXPLAIN of it", sum(
    best(lambda s=s: plpy.execute("explain " + s)) for _, s in answered) / n
plpy.execute("create temporary table pg_llm_bench_change (changed_id int, note text)")
begun = time.process_time()
link(questions[0], index(catalog.snapshot(db)))
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

COMMENTS = """
do $$
declare
    number text[] := '{{一号, 二号, 三号, 四号, 五号, 六号, 七号, 八号, 九号, 十号}}';
    noun text[] := '{{订单, 客户, 合同, 设备, 课程, 库存, 发票, 区域, 项目, 车辆}}';
    one text;
begin
    for i in {start}..{end} loop
        one := number[1 + i % 10] || noun[1 + i / 10 % 10];
        execute format('comment on table thing_%s is %L', i, one || '记录表');
        execute format('comment on column thing_%s.kind is %L', i, one || '的类型');
        execute format('comment on column thing_%s.price is %L', i, '单价，以元为单位');
        for c in 1..17 loop
            execute format('comment on column thing_%s.part_%s_%s is %L', i, i % 50, c,
                           noun[1 + c % 10] || number[1 + (i + c) % 10] || '部件编号');
        end loop;
    end loop;
end
$$
"""


def report(connection: psycopg.Connection, title: str, questions: list[str]) -> None:
    print(title)
    connection.execute("drop function if exists pg_temp.measure")
    connection.execute(MEASURE)
    for what, ms in connection.execute(
        "select * from pg_temp.measure(%s, 5)", [questions]
    ).fetchall():
        print(f"  {what:46s} {ms:9.2f}")


def main() -> None:
    with psycopg.connect("", autocommit=True) as connection:
        report(connection, "sample (ms of processor time)", QUESTIONS)
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
                for start in range(1, 1000, 100):
                    end = min(start + 99, 999)
                    large.execute(COMMENTS.format(start=start, end=end))
                large.execute("comment on table shops is '门店表'")
                report(large, "the same with Chinese comments", MANY_CHINESE)
        finally:
            connection.execute(f"drop database {DATABASE} with (force)")


if __name__ == "__main__":
    main()
