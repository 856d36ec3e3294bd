"""What the server takes and yet does not mean: mended, each change told.

These hold for statements that were never wrong as well: a comparison with a
subquery of several rows, a ratio of counts cut to an integer, a text in another
spelling than the stored one, the highest value being NULL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.text2sql import guard
from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.index import ColumnRef, fold
from pg_llm.text2sql.repair.tree import exp, folded, parse, render, selects_around, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import Column, Relation
    from pg_llm.database import Database
    from pg_llm.text2sql.guard import Guarded
    from pg_llm.text2sql.index import SchemaIndex

_MOST_ROWS = 200_000
_MOST_LITERALS = 12


def mended(database: Database, guarded: Guarded, schema: SchemaIndex) -> tuple[Guarded, list[str]]:
    """Return the statement with what it evidently means, and what was changed.

    A statement without such a place is returned as it was written, and so is
    one that does not pass the guard after the change.
    """
    tree = parse(guarded.sql)
    if tree is None:
        return guarded, []
    notes = [
        *_nulls(tree),
        *_memberships(tree, schema),
        *_ratios(tree, schema),
        *_last_nulls(tree, schema),
        *_stored(database, tree, schema),
    ]
    if not notes:
        return guarded, []
    try:
        return guard.check(database, render(tree)), list(dict.fromkeys(notes))
    except (DatabaseError, guard.Refused):
        return guarded, []


def _nulls(tree: exp.Expr) -> Iterator[str]:
    """Ask whether a value is missing where it is compared with NULL, which is never true."""
    for equality in list(tree.find_all(exp.EQ, exp.NEQ)):
        if not isinstance(equality.expression, exp.Null):
            continue
        test: exp.Expr = exp.Is(this=equality.this.copy(), expression=exp.Null())
        if isinstance(equality, exp.NEQ):
            test = exp.Not(this=test)
        equality.replace(test)
        yield "a comparison with NULL was read as: is missing"


def _memberships(tree: exp.Expr, schema: SchemaIndex) -> Iterator[str]:
    """Let a value be one of a subquery's rows where they may be several."""
    for equality in list(tree.find_all(exp.EQ, exp.NEQ)):
        query = equality.expression
        if not isinstance(query, exp.Subquery) or not isinstance(query.this, exp.Select):
            continue
        if _single(query.this, schema):
            continue
        member: exp.Expr = exp.In(this=equality.this.copy(), query=query.copy())
        if isinstance(equality, exp.NEQ):
            member = exp.Not(this=member)
        equality.replace(member)
        yield "a comparison with a subquery was read as: one of its rows"


def _single(select: exp.Select, schema: SchemaIndex) -> bool:
    """Whether a subquery yields at most one row by its form."""
    limit = select.args.get("limit")
    if limit is not None and limit.expression is not None and limit.expression.name == "1":
        return True
    if select.args.get("group") is None and all(
        item.find(exp.AggFunc) for item in select.expressions
    ):
        return True
    held = sources(select, schema)
    where = select.args.get("where")
    if len(held) != 1 or where is None or held[0].relation is None:
        return False
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    fixed = {
        folded(p.this.this)
        for p in parts
        if isinstance(p, exp.EQ) and isinstance(p.this, exp.Column)
    }
    return any(set(unique) <= fixed for unique in held[0].relation.unique)


def _ratios(tree: exp.Expr, schema: SchemaIndex) -> Iterator[str]:
    """Divide counts and sums as numbers with a fraction, and never by zero."""
    for division in list(tree.find_all(exp.Div)):
        if division.find(exp.AggFunc) is None:
            continue
        if _whole(division.this, schema) and _whole(division.expression, schema):
            division.set("this", exp.cast(_bracketed(division.this), "numeric"))
            yield "a ratio of whole numbers was given its fraction"
        below = division.expression
        if below.find(exp.AggFunc) and not isinstance(below.unnest(), exp.Nullif):
            division.set(
                "expression", exp.Nullif(this=below.copy(), expression=exp.Literal.number(0))
            )
            yield "a division by zero was made NULL"


def _bracketed(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()


def _whole(node: exp.Expr, schema: SchemaIndex) -> bool:
    """Whether an expression is an integer for the server."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Count):
        return True
    if isinstance(node, exp.Literal):
        return not node.is_string and node.name.isdigit()
    if isinstance(node, exp.Sum | exp.Min | exp.Max | exp.Filter | exp.Coalesce | exp.Nullif):
        return node.this is not None and _whole(node.this, schema)
    if isinstance(node, exp.Case):
        values = [branch.args["true"] for branch in node.args["ifs"]]
        default = node.args.get("default")
        values += [default] if default is not None else []
        return all(isinstance(v, exp.Null) or _whole(v, schema) for v in values)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _whole(node.this, schema) and _whole(node.expression, schema)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
        return _whole(node.this.expressions[0].unalias(), schema)
    if isinstance(node, exp.Column):
        found = _column(node, schema)
        return found is not None and found.column.type in ("integer", "bigint", "smallint")
    return False


def _column(node: exp.Column, schema: SchemaIndex) -> ColumnRef | None:
    qualifier, name = folded(node.args.get("table")), folded(node.this)
    for select in selects_around(node):
        for source in sources(select, schema):
            if source.relation is None or (qualifier and source.alias != qualifier):
                continue
            column = source.relation.column(name)
            if column is not None:
                return ColumnRef(source.relation, column)
    return None


def _last_nulls(tree: exp.Expr, schema: SchemaIndex) -> Iterator[str]:
    """Let the highest value be a value: NULLs sort first in a descending order."""
    for select in tree.find_all(exp.Select):
        order = select.args.get("order")
        if order is None or select.args.get("limit") is None:
            continue
        for ordered in order.expressions:
            column = ordered.this
            if not isinstance(column, exp.Column) or not ordered.args.get("desc"):
                continue
            found = _column(column, schema)
            if found is None or found.column.not_null:
                continue
            if ordered.args.get("nulls_first"):
                ordered.set("nulls_first", False)
                yield f"rows without {render(column)} were ordered last"


# ---- texts as they are stored ----------------------------------------------


def _stored(database: Database, tree: exp.Expr, schema: SchemaIndex) -> Iterator[str]:
    """Spell texts as the columns hold them, where the column has no such text."""
    asked = 0
    for literal in list(tree.find_all(exp.Literal)):
        place = _compared(literal, schema)
        if place is None or asked >= _MOST_LITERALS:
            continue
        ref, parent = place
        if literal.name in ref.column.values:
            continue
        asked += 1
        found = _spellings(database, ref.relation, ref.column, literal.name)
        if literal.name in found or not found:
            continue
        yield from _respell(literal, parent, found, ref)


def _respell(
    literal: exp.Literal, parent: exp.Expr, found: list[str], ref: ColumnRef
) -> Iterator[str]:
    text = literal.name
    where = f"{ref.relation.sql_name}.{ref.column.name}"
    same = [value for value in found if fold(value) == fold(text)]
    if same:
        if len(same) == 1:
            literal.replace(exp.Literal.string(same[0]))
            yield f"'{text}' was read as '{same[0]}', as {where} has it"
        elif isinstance(parent, exp.EQ):
            values = [exp.Literal.string(value) for value in same]
            parent.replace(exp.In(this=parent.this.copy(), expressions=values))
            yield f"'{text}' was read in every spelling that {where} has"
        return
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text) and isinstance(parent, exp.EQ):
        begins = exp.Like(this=parent.this.copy(), expression=exp.Literal.string(text + "%"))
        parent.replace(begins)
        yield f"'{text}' was read as any time of that day, because {where} holds times"


def _compared(literal: exp.Literal, schema: SchemaIndex) -> tuple[ColumnRef, exp.Expr] | None:
    """Return the text column that a literal is compared with by = or IN."""
    parent = literal.parent
    if not literal.is_string or not isinstance(parent, exp.EQ | exp.In):
        return None
    column = parent.this if parent.this is not literal else parent.expression
    if not isinstance(column, exp.Column):
        return None
    ref = _column(column, schema)
    if ref is None or ref.column.category != "S" or ref.relation.kind not in "rpm":
        return None
    if ref.column.withheld:
        return None
    return (ref, parent) if ref.relation.rows <= _MOST_ROWS else None


def _spellings(database: Database, relation: Relation, column: Column, text: str) -> list[str]:
    """Return the column's values that differ from a text in case or time of day only.

    Runs as the caller, under his rights and policies; nothing is kept.
    """
    name = f"t.{quote(column.name)}::pg_catalog.text"
    table = f"{quote(relation.schema)}.{quote(relation.name)}"
    query = (
        f"select distinct {name} as value from {table} as t"
        f" where pg_catalog.lower({name}) operator(pg_catalog.=) pg_catalog.lower($1)"
        f" or pg_catalog.starts_with({name}, $1 operator(pg_catalog.||) 'T')"
        f" or pg_catalog.starts_with({name}, $1 operator(pg_catalog.||) ' ')"
        " limit 20"
    )
    try:
        rows = database.execute(query, [text], ["text"])
    except DatabaseError:
        return []
    values = [str(row["value"]) for row in rows]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return values
    return [value for value in values if fold(value) == fold(text)]
