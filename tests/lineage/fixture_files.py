"""Reads the fixtures: statements, each followed by its edges.

    select t.a + u.m as x from t join u on u.t_id = t.id;
    --> x: t.a TRANSFORMATION, u.m TRANSFORMATION
    --> *: u.t_id JOIN, t.id JOIN

One line a target, `target: source KIND, …`. A target is `column` (of the
output) or `relation.column`; `*` is the row set. `-` says that there is no
source; a source without a column is a relation that is only scanned (`t ROWS`). Relations
stand without the fixtures' schema. Other comments explain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
_NAME = r'(?:"[^"]+"|[^.\s,:"]+)'
_SOURCE = re.compile(rf"({_NAME}(?:\.{_NAME})*) ([A-Z_]+)(?:, |$)")
SCHEMA = "f."


@dataclass(frozen=True)
class Case:
    file: str
    line: int
    sql: str
    # (target relation, target column, source relation, source column, kind)
    edges: frozenset[tuple[str | None, ...]]

    def __str__(self):
        return f"{self.file}:{self.line}"


def cases(*names):
    """Return the cases of some fixture files, of all by default."""
    paths = [FIXTURES / n for n in names] or [
        p for p in sorted(FIXTURES.glob("*.sql")) if p.name != "schema.sql"
    ]
    return [case for path in paths for case in _read(path)]


def _read(path):
    sql, expected, first = [], [], 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        if line.startswith("--> "):
            expected.append(line[4:])
        elif expected and not line.strip():
            yield Case(path.name, first, "\n".join(sql).rstrip(";"), _edges(expected))
            sql, expected = [], []
        elif line.strip() and not (not sql and line.startswith("--")):
            first = first if sql else number
            sql.append(line)
    assert not sql, f"{path.name}:{first} has no edges"


def _edges(lines):
    found = set()
    for line in lines:
        target, _, sources = line.partition(": ")
        relation, column = _target(target)
        if sources == "-":
            found.add((relation, column, None, None, None))
            continue
        matches = list(_SOURCE.finditer(sources))
        assert "".join(m[0] for m in matches) == sources, line
        found |= {(relation, column, *_source(m[1]), m[2]) for m in matches}
    return frozenset(found)


def _target(text):
    relation, dot, column = text.rpartition(".")
    if not dot:
        relation = None
    return relation, None if column == "*" else column


def _source(text):
    parts = re.findall(_NAME, text)
    if len(parts) == 1:
        return parts[0], None
    return ".".join(parts[:-1]), parts[-1].strip('"')


def plain(row):
    """Return a row of `lineage_extract` (a mapping) as an edge of the fixtures."""

    def short(name):
        return name[len(SCHEMA) :] if name and name.startswith(SCHEMA) else name

    return (
        short(row["target_relation"]),
        row["target_column"],
        short(row["source_relation"]),
        row["source_column"],
        row["transformation"] or ("ROWS" if row["source_relation"] else None),
    )
