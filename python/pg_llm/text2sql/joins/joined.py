"""How a statement that was not composed here joins its relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.lineage import server
from pg_llm.text2sql.composition.render import quote

if TYPE_CHECKING:
    from pg_llm.database import Database
    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.joins.graph import Step


def joined(
    database: Database, schema: SchemaIndex, sql: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a statement's joins as the server resolves them, and notes on those not declared.

    `sql` is a statement that the guard has passed. Raises `DatabaseError` where
    the server does not analyse it.
    """
    from pg_llm.graph.logs.joins import equal_columns

    names = {
        (relation.oid, column.number): column.name
        for relation in schema.relations
        for column in relation.columns
    }
    joins, notes = [], []
    for first, second in equal_columns(database, server.analyse(database, sql).tree):
        if first not in names or second not in names:
            continue
        one, two = schema.snapshot.by_oid[first[0]], schema.snapshot.by_oid[second[0]]
        left = f"{one.sql_name}.{quote(names[first])}"
        right = f"{two.sql_name}.{quote(names[second])}"
        joins.append(f"{left} = {right}")
        step = _known(schema, (first[0], names[first]), (second[0], names[second]))
        if step is not None and step.why:
            verb = "was" if step.why.startswith("seen") else "is"
            notes.append(f"the join of {one.sql_name} and {two.sql_name} {verb} {step.why}")
        elif step is None and not _of_one_key(
            schema, (first[0], names[first]), (second[0], names[second])
        ):
            notes.append(f"nothing here says that {left} and {right} belong together")
    return tuple(dict.fromkeys(joins)), tuple(dict.fromkeys(notes))


def _known(schema: SchemaIndex, one: tuple[int, str], two: tuple[int, str]) -> Step | None:
    for step in schema.joins.steps(one[0]):
        pairs = zip(step.source_columns, step.target_columns, strict=True)
        if step.target == two[0] and (one[1], two[1]) in pairs:
            return step
    return None


def _of_one_key(schema: SchemaIndex, one: tuple[int, str], two: tuple[int, str]) -> bool:
    """Whether both columns point to the key of a third relation."""
    pointed = [
        {
            (step.target, target)
            for step in schema.joins.steps(oid)
            if step.to_one
            for source, target in zip(step.source_columns, step.target_columns, strict=True)
            if source == name
        }
        for oid, name in (one, two)
    ]
    return not pointed[0].isdisjoint(pointed[1])
