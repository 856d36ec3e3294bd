"""A statement as a tree, and what its names may mean where they stand."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.library import isolated
from pg_llm.lineage.parser.reading import Unreadable, check_nesting
from pg_llm.text2sql.composition.render import quote

with isolated():
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

# What sqlglot raises for a text that it cannot read; builders of dialects fail in their own ways.
UNREADABLE = (
    *(SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError),
    Unreadable,
)
# It logs what it does not support, and a backend's standard error is the server's log.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import SchemaIndex


def parse(sql: str, dialect: str = "postgres") -> exp.Expr | None:
    """Return the tree of one query; None where it is no query or does not parse."""
    try:
        found = trees(sql, dialect)
    except UNREADABLE:
        return None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        return None
    return found[0]


def trees(sql: str, dialect: str = "postgres") -> list[exp.Expr | None]:
    """Return the trees of the statements in a text. Raises one of `UNREADABLE`."""
    reader = sqlglot.Dialect.get_or_raise(dialect)
    tokens = reader.tokenize(sql)
    check_nesting(tokens)
    return list(reader.parser().parse(tokens, sql))


def render(tree: exp.Expr) -> str:
    """Return the statement in PostgreSQL's words."""
    return tree.sql(dialect="postgres", comments=False)


def spelled(name: str) -> exp.Identifier:
    """Return an identifier, quoted where PostgreSQL would have to."""
    return exp.to_identifier(name, quoted=quote(name) != name)


@dataclass(frozen=True, slots=True)
class Source:
    """What a FROM clause offers: an alias, its columns, the relation if it is one.

    `join` is the join that brings it in, None for the first of a FROM clause.
    """

    alias: str
    columns: tuple[str, ...]
    relation: Relation | None
    node: exp.Expr
    join: exp.Join | None

    def spelling(self, name: str) -> str | None:
        """Return the column of that name, also where only its case differs."""
        if name in self.columns:
            return name
        lowered = name.lower()
        return next((column for column in self.columns if column.lower() == lowered), None)


def folded(identifier: exp.Expr | None) -> str:
    """Return the name that the server makes of an identifier."""
    if identifier is None:
        return ""
    name = str(identifier.name)
    return name if identifier.args.get("quoted") else name.lower()


def sources(select: exp.Expr, schema: SchemaIndex) -> list[Source]:
    """Return what a SELECT's FROM clause offers, in its order."""
    found: list[Source] = []
    clause = from_clause(select)
    if clause is not None:
        found += _of_table(clause.this, None, schema)
    for join in select.args.get("joins") or ():
        found += _of_table(join.this, join, schema)
    return found


def from_clause(select: exp.Expr) -> exp.From | None:
    """Return a SELECT's FROM clause."""
    found = select.args.get("from_") or select.args.get("from")
    return found if isinstance(found, exp.From) else None


def _of_table(node: exp.Expr, join: exp.Join | None, schema: SchemaIndex) -> Iterator[Source]:
    if isinstance(node, exp.Table):
        relation = named(node, schema)
        columns = tuple(c.name for c in relation.columns) if relation else _of_query(node)
        yield Source(_alias(node), columns, relation, node, join)
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
        yield from _of_table(node.this, join, schema)
    elif isinstance(node, exp.Subquery):
        names = node.this.named_selects if isinstance(node.this, exp.Query) else ()
        yield Source(_alias(node), tuple(name.lower() for name in names), None, node, join)
    for nested in node.args.get("joins") or ():
        yield from _of_table(nested.this, join, schema)


def _alias(node: exp.Expr) -> str:
    alias = node.args.get("alias")
    return folded(alias.this) if alias is not None else folded(node.this)


def _of_query(node: exp.Table) -> tuple[str, ...]:
    """Return the columns of the common table expression that a name means."""
    name = folded(node.this)
    above: exp.Expr | None = node
    while above is not None:
        clause = above.args.get("with_") or above.args.get("with")
        for cte in clause.expressions if clause is not None else ():
            if cte.alias.lower() == name.lower() and isinstance(cte.this, exp.Query):
                return tuple(column.lower() for column in cte.this.named_selects)
        above = above.parent
    return ()


def is_local(node: exp.Table, root: exp.Expr | None = None) -> bool:
    """Whether a name means a common table expression of the statement."""
    name = folded(node.this)
    root = root or node.root()
    return any(cte.alias.lower() == name.lower() for cte in root.find_all(exp.CTE))


def named(node: exp.Table, schema: SchemaIndex) -> Relation | None:
    """Return the relation that a table's name means, as the server looks it up."""
    if is_local(node):
        return None
    name, qualifier = folded(node.this), folded(node.args.get("db"))
    for relation in schema.relations:
        if relation.name == name and (
            relation.schema == qualifier if qualifier else relation.visible
        ):
            return relation
    return None


def selects_around(node: exp.Expr) -> Iterator[exp.Select]:
    """Yield the SELECTs whose names a node may use, the nearest first."""
    above = node.parent
    while above is not None:
        if isinstance(above, exp.Select):
            yield above
        above = above.parent


def span(node: exp.Expr) -> tuple[int, int]:
    """Return where a node's text begins and ends; (-1, -1) where nothing tells."""
    marks = [part.meta for part in node.walk() if "start" in part.meta]
    if not marks:
        return -1, -1
    return min(mark["start"] for mark in marks), max(mark["end"] for mark in marks)


def column_at(tree: exp.Expr, position: int) -> exp.Column | None:
    """Return the column reference that the server's position (from 1) points at."""
    for column in tree.find_all(exp.Column):
        start, end = span(column)
        if start <= position - 1 <= end:
            return column
    return None


def table_at(tree: exp.Expr, position: int) -> exp.Table | None:
    """Return the table that the server's position (from 1) points at."""
    for table in tree.find_all(exp.Table):
        bounds = [part.meta for part in (table.this, table.args.get("db")) if part is not None]
        if any(m and m.get("start", 9**9) <= position - 1 <= m.get("end", -1) for m in bounds):
            return table
    return None


def function_at(tree: exp.Expr, position: int) -> exp.Expr | None:
    """Return the innermost function call whose name begins at the position."""
    best: exp.Expr | None = None
    nearest: tuple[int, exp.Expr] | None = None
    for call in tree.find_all(exp.Func):
        if call.meta.get("start") == position - 1:
            best = call
        begin = span(call)[0]
        # a call with syntax of its own (EXTRACT) has no mark of its name
        plain = isinstance(call, exp.Connector | exp.Case) or "start" in call.meta
        if begin >= position - 1 and not plain and (nearest is None or begin < nearest[0]):
            nearest = (begin, call)
    return best or (nearest[1] if nearest else None)


# How far behind its left side the sign of an operation stands at most.
_SIGN = 4


def operator_at(tree: exp.Expr, position: int) -> exp.Expr | None:
    """Return the operation whose sign stands at the position."""
    best: tuple[int, exp.Expr] | None = None
    for node in tree.find_all(exp.Binary, exp.In, exp.Between):
        left, whole = span(node.this), span(node)
        # TRUE and NULL have no mark of their place: their sign stands right after the left side
        unmarked = isinstance(node, exp.Binary) and span(node.expression)[0] < 0
        end = left[1] + _SIGN if unmarked else whole[1]
        if left[0] < 0 or not left[1] < position - 1 <= end:
            continue
        size = whole[1] - whole[0]
        if best is None or size < best[0]:
            best = (size, node)
    return best[1] if best else None


__all__ = ["SqlglotError", "exp", "sqlglot"]
