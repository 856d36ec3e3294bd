"""The embedded embedding inside a backend: first call, later calls, memory.

The limits: a first call of lineage and of embedding under 250 ms each, a later
call of embedding under 0.3 ms, and less than 80 MB of private memory after
both. Run by `make bench`.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import psycopg

ROUNDS = 5
LINEAGE = "select count(*) from lineage_extract('select relname from pg_class')"
EMBED = "select llm_embed('overdue invoices of customers in France')"
# A loop in one statement, so that the client's round trip is not measured.
LATER = """
select count(llm_embed('overdue invoices of customer ' || n))
from generate_series(1, 2000) as n
"""


def milliseconds(connection: psycopg.Connection, query: str) -> float:
    begun = time.perf_counter()
    connection.execute(query)
    return 1000 * (time.perf_counter() - begun)


def private_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def main() -> None:
    first_embed, first_lineage, later, memory = [], [], [], []
    for _ in range(ROUNDS):
        with psycopg.connect(autocommit=True) as connection:
            first_lineage.append(milliseconds(connection, LINEAGE))
        with psycopg.connect(autocommit=True) as connection:
            first_embed.append(milliseconds(connection, EMBED))
            later.append(milliseconds(connection, LATER) / 2000)
            connection.execute(LINEAGE)
            memory.append(private_megabytes(connection.info.backend_pid))
    for name, figures, limit, unit in (
        ("first call of lineage", first_lineage, 250, "ms"),
        ("first call of embedding", first_embed, 250, "ms"),
        ("later call of embedding", later, 0.3, "ms"),
        ("private memory after both", memory, 80, "MB"),
    ):
        median = statistics.median(figures)
        print(f"{name:26} {median:7.2f} {unit}, {median / limit:.2f} of the limit of {limit}")


if __name__ == "__main__":
    main()
