"""Random queries, run twice: what a changed column changes must be among its edges.

One source column's values are replaced by others; every output column whose
values changed, and the row set if its size changed, must have an edge from
that column.
"""

from __future__ import annotations

import random

import pytest

TABLES = {"p": ("a", "b", "c"), "q": ("a", "d", "e"), "r": ("d", "g")}


class Generator:
    """Queries over integer columns; every name is made once."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def name(self):
        self.names += 1
        return f"x{self.names}"

    def table(self, depth):
        """A FROM item and the columns that it has."""
        alias = self.name()
        kind = self.random.choice(["table"] * 3 + ["sub", "union"] if depth else ["table"])
        if kind == "table":
            name = self.random.choice(list(TABLES))
            return f"{name} {alias}", [f"{alias}.{c}" for c in TABLES[name]]
        if kind == "sub":
            text, names = self.query(depth - 1)
            return f"({text}) {alias}", [f"{alias}.{n}" for n in names]
        (left, names), (right, others) = self.query(depth - 1), self.query(depth - 1)
        width = min(len(names), len(others))
        operator = self.random.choice(["union all", "union", "except", "intersect"])
        ones, twos = self.name(), self.name()
        text = (
            f"select {', '.join(f'{ones}.{n}' for n in names[:width])} from ({left}) {ones}"
            f" {operator} "
            f"select {', '.join(f'{twos}.{n}' for n in others[:width])} from ({right}) {twos}"
        )
        return f"({text}) {alias}", [f"{alias}.{n}" for n in names[:width]]

    def value(self, columns, depth):
        """An integer expression over some columns."""
        one, two = (self.random.choice(columns) for _ in range(2))
        inner = self.name()
        table = self.random.choice(list(TABLES))
        column, other = (self.random.choice(TABLES[table]) for _ in range(2))
        choices = [
            one,
            f"{one} + {two}",
            f"coalesce(nullif({one}, {two}), 0)",
            f"case when {one} > 3 then {two} else 0 end",
            f"greatest({one}, {two}, 2)",
        ]
        if depth:
            choices += [
                f"(select sum({inner}.{column}) from {table} {inner} where {inner}.{other} < {one})",
                f"({one} in (select {inner}.{column} from {table} {inner}))::int",
                f"(exists (select from {table} {inner} where {inner}.{column} = {two}))::int",
            ]
        return self.random.choice(choices)

    def query(self, depth):
        """A query and the names of its output columns."""
        item, columns = self.table(depth)
        clause = f"from {item}"
        if self.random.random() < 0.5:
            other, more = self.table(depth)
            join = self.random.choice(["join", "left join", "full join"])
            condition = f"{self.random.choice(columns)} = {self.random.choice(more)}"
            clause += f" {join} {other} on {condition}"
            columns = columns + more
        elif self.random.random() < 0.3:
            alias = self.name()
            clause += f", lateral (select {self.value(columns, 0)} as v) {alias}"
            columns = [*columns, f"{alias}.v"]
        if self.random.random() < 0.4:
            clause += f" where {self.value(columns, depth)} > {self.random.randrange(4)}"
        names = [self.name() for _ in range(self.random.randint(1, 3))]
        shape = self.random.choice(["plain", "plain", "group", "window", "distinct"])
        if shape == "group":
            key = self.random.choice(columns)
            items = [key] + [
                f"{self.random.choice(['sum', 'max', 'count'])}({self.value(columns, 0)})"
                for _ in names[1:]
            ]
            clause += f" group by {key}"
            if self.random.random() < 0.3:
                clause += f" having max({self.random.choice(columns)}) > 2"
        elif shape == "window":
            items = [
                f"sum({self.value(columns, 0)}) over (partition by {self.random.choice(columns)}"
                f" order by {self.random.choice(columns)})"
                for _ in names
            ]
        else:
            items = [self.value(columns, depth) for _ in names]
        listed = ", ".join(f"{i} as {n}" for i, n in zip(items, names, strict=True))
        distinct = "distinct " if shape == "distinct" else ""
        text = f"select {distinct}{listed} {clause}"
        if depth and self.random.random() < 0.2:
            alias = self.name()
            text = f"with {alias} as ({text}) select * from {alias}"
        return text, names


@pytest.fixture(scope="module")
def world(fixtures_db):
    """Small tables of small numbers, so that conditions hold now and then."""
    numbers = random.Random(1)
    fixtures_db.execute("create schema world; set search_path = world, public")
    for table, columns in TABLES.items():
        fixtures_db.execute(f"create table {table} ({', '.join(f'{c} int' for c in columns)})")
        for _ in range(6):
            row = [str(numbers.randrange(6)) for _ in columns]
            fixtures_db.execute(f"insert into {table} values ({', '.join(row)})")
    return fixtures_db


def answer(db, text):
    """Return the sorted values of each column, and the number of rows."""
    rows = db.execute(text).fetchall()
    names = rows[0].keys() if rows else ()
    return {n: sorted(str(row[n]) for row in rows) for n in names}, len(rows)


@pytest.mark.parametrize("seed", range(60))
def test_what_changes_has_an_edge(world, seed):
    text, names = Generator(seed).query(2)
    edges = {
        (e["target_column"], e["source_relation"], e["source_column"])
        for e in world.execute("select * from lineage_extract(%s)", [text]).fetchall()
    }
    before, count = answer(world, text)
    for table, columns in TABLES.items():
        for column in columns:
            with world.transaction(force_rollback=True):
                world.execute(f"update {table} set {column} = ({column} * 7 + 3) % 11")
                after, new_count = answer(world, text)
            rows_edge = (None, f"world.{table}", column) in edges
            assert rows_edge or count == new_count, (text, table, column)
            for name in names:
                changed = before.get(name) != after.get(name)
                named = (name, f"world.{table}", column) in edges
                assert named or rows_edge or not changed, (text, name, table, column)
