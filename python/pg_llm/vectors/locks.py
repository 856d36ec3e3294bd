"""Advisory locks: who works on which lane of a version's queue.

Session locks, so that they outlive the commits of `llm_work` and vanish with a
session that is killed. The class keeps them apart from the user's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg_llm.database import Database

CLASS = 4712

# Rows are dealt into so many lanes by a hash of their key; a power of two.
LANES = 4


def _key(version: int, lane: int) -> int:
    # 29 bits of version: the numbers come round after 500 million.
    return (version * LANES + lane) % 2**31


def take(database: Database, version: int, lane: int) -> bool:
    """Take a lane for this session; False when another one has it."""
    rows = database.execute(
        f"select pg_catalog.pg_try_advisory_lock({CLASS}, $1) as taken",
        [_key(version, lane)],
        ["int4"],
    )
    return bool(rows[0]["taken"])


def give(database: Database, version: int, lane: int) -> None:
    """Give a lane back."""
    database.execute(
        f"select pg_catalog.pg_advisory_unlock({CLASS}, $1)", [_key(version, lane)], ["int4"]
    )


def all_lanes(database: Database, version: int, *, shared: bool = False) -> bool:
    """Take all lanes until the transaction ends; False when another session has one.

    Shared: others may share them, and only `take` is kept out.
    """
    function = "pg_try_advisory_xact_lock_shared" if shared else "pg_try_advisory_xact_lock"
    rows = database.execute(
        f"select pg_catalog.bool_and(pg_catalog.{function}({CLASS}, k)) as taken "
        "from pg_catalog.unnest($1) k",
        [[_key(version, lane) for lane in range(LANES)]],
        ["int4[]"],
    )
    return bool(rows[0]["taken"])
