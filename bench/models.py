"""Model calls against a scripted server of this machine, and against bare clients.

1. Overhead of a chat call in SQL over the `openai` client, with a provider
   that answers at once and with one that takes 200 ms.
2. Embedding 10,000 texts in one call, over the same batches sent by the bare
   client, and over a call a row (what a trigger or a function a row does).
3. The first call of a session: what it imports.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import openai
import psycopg

TEXTS, BATCH, AT_ONCE, DIMENSIONS = 10_000, 250, 4, 256


@contextmanager
def provider(latency):
    """A scripted server in a process of its own; yields its endpoint."""
    command = [sys.executable, "-m", "pg_llm.models.scripted", "--latency", str(latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def model(db, kind, endpoint, **options):
    """A row of the registry for the time of the block."""
    db.execute(
        "select llm_model_add('bench', 'scripted', %s, 'scripted', %s, options => %s)",
        [kind, endpoint, json.dumps(options)],
    )
    try:
        yield
    finally:
        db.execute("select llm_model_drop('bench')")


def milliseconds(work):
    """Time of one call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def chat(db, latency, runs):
    """Print the medians of a call in SQL and by the bare client, taken in turns."""
    with provider(latency) as endpoint, model(db, "chat", endpoint):
        bare = openai.OpenAI(api_key="-", base_url=endpoint)
        message = [{"role": "user", "content": "hello"}]
        pair = (
            lambda: db.execute("select llm_complete('hello', 'bench')"),
            lambda: bare.chat.completions.create(model="scripted", messages=message),
        )
        for work in pair:
            work()
        times = [(milliseconds(pair[0]), milliseconds(pair[1])) for _ in range(runs)]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    print(
        f"chat, provider takes {latency * 1000:3.0f} ms: SQL {ours:7.2f} ms, openai client "
        f"{theirs:7.2f} ms, overhead {ours - theirs:5.2f} ms (goal < 5), "
        f"ratio {ours / theirs:.3f}"
    )


def bulk(db, latency):
    """Print the time of 10,000 embeddings in one call and by other ways."""
    texts = [f"text number {n} about something" for n in range(TEXTS)]
    batches = [texts[start : start + BATCH] for start in range(0, TEXTS, BATCH)]
    options = {
        "batch": BATCH,
        "concurrency": AT_ONCE,
        "dimensions": DIMENSIONS,
        "send_dimensions": True,
    }
    with provider(latency) as endpoint, model(db, "embed", endpoint, **options):
        bare = openai.OpenAI(api_key="-", base_url=endpoint)

        def send(batch):
            return bare.embeddings.create(
                model="scripted", input=batch, dimensions=DIMENSIONS, encoding_format="float"
            )

        def all_batches():
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(send, batches))

        query = "select cardinality(llm_embed(%s::text[], 'bench'))"
        send(["warm"])
        db.execute(query, [["warm"]])
        ours, theirs = [], []
        for _ in range(3):
            theirs.append(milliseconds(all_batches))
            ours.append(milliseconds(lambda: db.execute(query, [texts])))
        rows = 40
        one = milliseconds(
            lambda: db.execute(
                "select count(llm_embed(t, 'bench')) from unnest(%s::text[]) t", [texts[:rows]]
            )
        )
    ours, theirs, one = min(ours), min(theirs), one / rows * TEXTS
    print(
        f"embed {TEXTS} texts x {DIMENSIONS}, batches of {BATCH}, {AT_ONCE} at once, provider "
        f"takes {latency * 1000:.0f} ms a call: SQL {ours / 1000:.2f} s, openai client "
        f"{theirs / 1000:.2f} s, ratio {ours / theirs:.2f} (goal <= 1.2); a call a row "
        f"{one / 1000:.0f} s (from {rows} rows), {one / ours:.0f} times slower"
    )


def first_call(db):
    """Print the time of a session's first call, and of the same without imports."""
    with provider(0) as endpoint, model(db, "chat", endpoint):
        first, second = [], []
        for _ in range(7):
            with psycopg.connect(autocommit=True) as session:
                session.execute("select llm_setting('chat_model')")
                call = "select llm_complete('hello', 'bench')"
                first.append(milliseconds(lambda: session.execute(call)))  # noqa: B023
                second.append(milliseconds(lambda: session.execute(call)))  # noqa: B023
    took = statistics.median(first) - statistics.median(second)
    command = [sys.executable, "-c", "import openai"]
    bare = statistics.median(
        milliseconds(lambda: subprocess.run(command, check=True)) for _ in range(5)
    ) - milliseconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    print(
        f"first call of a session: {took:.0f} ms of imports (goal < 400); "
        f"import openai in a bare Python: {bare:.0f} ms"
    )


def main():
    os.environ.setdefault("PGUSER", "postgres")
    with psycopg.connect(autocommit=True) as db:
        chat(db, 0, 300)
        chat(db, 0.2, 20)
        bulk(db, 0.5)
        first_call(db)


if __name__ == "__main__":
    main()
