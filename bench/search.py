"""Search: llm_search beside the same in plain SQL, and the recall of its index.

The collections have made-up texts of twelve words with the statistics that
matter to a search: whole words of the static model's vocabulary, frequencies
that fall off as in a language (Zipf), and half the words of a text from one of
a thousand topics, so that vectors lie in clusters, as those of real texts do.
There are 256 dimensions and the static model. Both sides embed the question in the statement,
use the same index and keep as many rows in view (hnsw.ef_search); they
alternate, and the medians are compared. Run by `make bench`, or by hand where
pg_llm can be created (libpq's environment variables say where):

    python bench/search.py [ROWS ...]        rows of the searched tables (10000)

For a million rows give the server some gigabytes of maintenance_work_mem and
shared_buffers: the index is built in memory and read from there.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

import pg_llm.models
from pg_llm.vectors import search

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "pg_llm_bench_search"
ROUNDS = 10
QUERIES = [
    "industrial song of the village",
    "chemical plant in the river city",
    "goals scored in extra time",
    "who painted the ceiling of the church",
    "a novel about war and family",
    "bank interest rates",
]
TOPICS = 1_000
TOPIC_WORDS = 40


def vocabulary() -> list[str]:
    """Return English words, the commonest first, as far as word pieces tell."""
    data = Path(pg_llm.models.__file__).parent / "data" / "static-tokenizer.json"
    pieces = json.loads(data.read_text(encoding="utf-8"))["model"]["vocab"]
    words = pieces if isinstance(pieces, dict) else [piece for piece, _ in pieces]
    return [word for word in words if len(word) > 2 and word.isascii() and word.isalpha()]


def texts(count: int, words: int = 12, seed: int = 7) -> Iterator[str]:
    """Yield `count` texts of so many words, the same for the same seed."""
    chance = random.Random(seed)
    known = vocabulary()
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(known))))
    topics = [chance.sample(known, TOPIC_WORDS) for _ in range(TOPICS)]
    for _ in range(count):
        topic = chance.choice(topics)
        chosen = chance.choices(topic, k=words // 2)
        chosen += chance.choices(known, cum_weights=weights, k=words - words // 2)
        chance.shuffle(chosen)
        yield " ".join(chosen)


def fill(connection: psycopg.Connection, table: str, rows: int) -> None:
    """Make a table of texts and a collection of it."""
    connection.execute(f"create table {table} (id int primary key, body text, kind int)")
    with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
        for number, text in enumerate(texts(rows)):
            copy.write_row((number, text, number % 10))
    started = time.perf_counter()
    connection.execute(f"select llm_vectorize('{table}', '{{body}}', metadata => '{{kind}}')")
    connection.execute(f"call llm_work('{table}')")
    print(f"{rows} rows embedded and indexed in {time.perf_counter() - started:.1f} s")


def statements(storage: str, name: str) -> dict[str, str]:
    """Return what is compared; %(q)s is the question."""
    half = "embedding::halfvec(256)"
    asked = "(select v from q)"
    question = "select llm_embed(%(q)s)::halfvec(256) as v"
    return {
        "llm_search, vector": f"select * from llm_search('{name}', %(q)s, 10, null, '{{vector}}')",
        "plain SQL, vector": f"""
            with q as materialized ({question})
            select k1, content, {half} <=> {asked} as distance from {storage}
            order by {half} <=> {asked} limit 10
        """,
        "llm_search": f"select * from llm_search('{name}', %(q)s, 10)",
        "plain SQL, three parts": f"""
            with q as materialized (
                {question},
                    replace(plainto_tsquery('english', %(q)s)::text, '&', '|')::tsquery as t
            ),
            v as materialized (
                select id, row_number() over (order by part) as rank from (
                    select id, {half} <=> {asked} as part from {storage}
                    order by {half} <=> {asked} limit 40) s
            ),
            t as materialized (
                select id, row_number() over (order by part desc) as rank from (
                    select i.id, ts_rank(i.terms, q.t, 1) as part from {storage} i, q
                    where i.terms @@ q.t order by part desc limit 40) s
            ),
            g as materialized (
                select i.id, row_number() over (
                    order by word_similarity(%(q)s, i.content) desc) as rank
                from {storage} i
                where i.id = any (array(
                    (select id from v limit 20) union all (select id from t limit 20)))
            )
            select i.k1, i.content, i.metadata, v.rank, t.rank, g.rank,
                coalesce(1.0 / (60 + v.rank), 0) + coalesce(1.0 / (60 + t.rank), 0)
                    + coalesce(1.0 / (60 + g.rank), 0) as score
            from v full join t using (id) full join g using (id) join {storage} i using (id)
            order by score desc limit 10
        """,
    }


def timed(connection: psycopg.Connection, statement: str, query: str) -> float:
    """Return the milliseconds that a statement takes."""
    started = time.perf_counter()
    connection.execute(statement, {"q": query}, prepare=True).fetchall()
    return (time.perf_counter() - started) * 1000


def compare(connection: psycopg.Connection, name: str) -> None:
    """Print the times of the four statements on a collection, and their ratios."""
    storage, rows = connection.execute(
        "select 'llm.vectors_' || l.active, c.reltuples from llm.collections l "
        "join pg_class c on c.oid = ('llm.vectors_' || l.active)::regclass where l.name = %s",
        [name],
    ).fetchone()
    effort = search.EFFORT if rows < search.LARGE else search.EFFORT_LARGE
    connection.execute(f"set hnsw.ef_search = {effort}")
    compared = statements(storage, name)
    times: dict[str, list[float]] = {name: [] for name in compared}
    for turn in range(ROUNDS):
        for query in QUERIES:
            for name_, statement in compared.items():
                milliseconds = timed(connection, statement, query)
                if turn:
                    times[name_].append(milliseconds)
    connection.execute("reset hnsw.ef_search")
    middle = {name_: statistics.median(values) for name_, values in times.items()}
    for name_, value in middle.items():
        print(f"  {name_:24} {value:8.2f} ms, best {min(times[name_]):8.2f}")
    ours = list(middle.values())
    print(f"  vector: {ours[0] / ours[1]:.2f} times plain SQL, all parts: {ours[2] / ours[3]:.2f}")


def recall(connection: psycopg.Connection, name: str, samples: int) -> None:
    """Print what llm_search_recall says, without and with a filter."""
    for condition in (None, '{"kind": 3}'):
        found = connection.execute(
            "select * from llm_search_recall(%s, 10, %s, %s)", [name, samples, condition]
        ).fetchone()
        print(
            f"  recall@10 {'behind a filter' if condition else ''} {found[0]:.3f}, "
            f"{found[1]:.1f} ms by index, {found[2]:.0f} ms exact, indexed: {found[3]}"
        )


def main() -> None:
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        connection.execute("set client_min_messages = error")
        connection.execute("create extension pg_llm cascade")
        connection.execute("create extension pg_trgm")
        for rows in [int(argument) for argument in sys.argv[1:]] or [10_000]:
            name = f"items_{rows}"
            fill(connection, name, rows)
            compare(connection, name)
            recall(connection, name, 100 if rows < 1_000_000 else 30)
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"drop database {DATABASE} with (force)")


if __name__ == "__main__":
    main()
