"""Fixtures of statements and edges, and how an edge is written in them.

A fixture file is a list of blocks with an empty line between them: a
statement (first line perhaps `-- dialect: x`), then the edges as `--> ` lines:

    target column <- source WAY     an edge; `(rows)` for the row set as a whole
    target column <- nothing        an output without a source
    source with `?` behind it       unresolved
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg_llm.lineage.edges import Edge

FIXTURES = Path(__file__).parent / "fixtures"

# What the fixtures' statements read and write.
CATALOG = {
    "shop.person": ["id", "name", "email", "city_id", "boss_id"],
    "shop.city": ["id", "name", "country"],
    "shop.orders": ["id", "person_id", "amount", "placed", "note"],
    "shop.item": ["order_id", "line", "product", "price", "quantity"],
    "shop.stock": ["product", "quantity", "tags", "doc"],
    "shop.pair": ["a", "b"],
    "other.pair": ["a", "b", "c"],
    "other.Odd": ["Name", "plain"],
}
SEARCH_PATH = ["shop", "public"]


@dataclass(frozen=True)
class Case:
    file: str
    dialect: str
    sql: str
    edges: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {' '.join(self.sql.split())[:70]}"


def cases() -> list[Case]:
    found = []
    for path in sorted(FIXTURES.glob("*.sql")):
        for block in re.split(r"\n\s*\n", path.read_text()):
            lines = block.strip().splitlines()
            dialect = "postgres"
            if lines and lines[0].startswith("-- dialect: "):
                dialect = lines.pop(0).removeprefix("-- dialect: ")
            sql = "\n".join(line for line in lines if not line.startswith("-->"))
            edges = [line[4:].strip() for line in lines if line.startswith("-->")]
            if sql.strip() and not all(line.startswith("--") for line in sql.splitlines()):
                found.append(Case(path.stem, dialect, sql, tuple(sorted(edges))))
    return found


def written(edge: Edge) -> str:
    target = edge.target_column if edge.target_column is not None else "(rows)"
    if edge.target_relation is not None:
        target = f"{edge.target_relation} {target}"
    if edge.source_relation is None and edge.source_column is None:
        return f"{target} <- nothing"
    source = f"{edge.source_relation or ''}.{edge.source_column or '(none)'}"
    unresolved = "?" if edge.note == "unresolved" else ""
    way = f" {edge.transformation}" if edge.transformation else ""
    return f"{target} <- {source}{unresolved}{way}"
