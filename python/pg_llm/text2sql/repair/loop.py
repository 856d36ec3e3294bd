"""Repair: ask the server, apply the rule for its error, ask again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.lineage import server
from pg_llm.text2sql import guard
from pg_llm.text2sql.repair import casts, columns, grouping, tables, text
from pg_llm.text2sql.repair.tree import (
    column_at,
    exp,
    function_at,
    parse,
    render,
    selects_around,
    sources,
    spelled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg_llm.database import Database
    from pg_llm.text2sql.guard import Guarded
    from pg_llm.text2sql.index import SchemaIndex

Change = tuple[str, str]
# Statements that one repair may show to the server; each takes about 2 ms.
# Errors that the words of another dialect explain: functions, operators, types.
_FOREIGN = frozenset({"42883", "42725", "42704"})
_UNITS = frozenset(
    {"year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "weekday"}
)
_MOST_TRIES = 40
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Fix:
    """What was changed, because of which error."""

    sqlstate: str
    note: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A statement that the server takes, or the first error where none was found."""

    guarded: Guarded | None
    fixes: tuple[Fix, ...] = ()
    error: DatabaseError | guard.Refused | None = None


def repair(database: Database, sql: str, schema: SchemaIndex) -> Repaired:
    """Return the statement with its errors repaired, the shortest chain first.

    A statement that the server takes is returned as it is. What the guard
    refuses is not repaired: only names, types and spelling are.
    """
    first: DatabaseError | guard.Refused | None = None
    seen = {sql}
    stack: list[tuple[str, tuple[Fix, ...]]] = [(sql, ())]
    tries = 0
    while stack and tries < _MOST_TRIES:
        statement, fixes = stack.pop()
        tries += 1
        try:
            if fixes:
                server.analyse(database, statement)
            return Repaired(guard.check(database, statement), fixes)
        except guard.Refused as refused:
            first = first or refused
            continue
        except DatabaseError as error:
            first = first or error
            if len(fixes) < _DEEPEST:
                found = [
                    (new, (*fixes, Fix(error.sqlstate, note)))
                    for new, note in _changes(statement, error, schema)
                    if new not in seen and not (seen.add(new))  # type: ignore[func-returns-value]
                ]
                stack.extend(reversed(found))
    return Repaired(None, (), first)


def _changes(sql: str, error: DatabaseError, schema: SchemaIndex) -> Iterator[Change]:
    """Yield what the rules for an error make of the statement."""
    if error.sqlstate == "42601":
        tree = parse(sql)
        if tree is not None:
            yield from grouping.subquery_columns(tree)
        yield from text.syntax(sql)
        return
    tree = parse(sql)
    if tree is None:
        yield from text.translations(sql)
        return
    rule, position = _RULES.get(error.sqlstate), error.position or 0
    foreign = _is_foreign(tree, error.sqlstate, position)
    if foreign:
        yield from text.translations(sql)
    if rule is not None:
        yield from rule(tree, position, schema)
    if error.sqlstate in _FOREIGN and not foreign:
        yield from text.translations(sql)


def _is_foreign(tree: exp.Expr, sqlstate: str, position: int) -> bool:
    """Whether a function stands there that only other dialects know.

    Or the unit of one: the year of DATEPART(YEAR, x) is no column.
    """
    if sqlstate == "42883":
        return isinstance(function_at(tree, position), exp.Anonymous)
    column = column_at(tree, position) if sqlstate == "42703" else None
    if column is None or column.args.get("table") is not None:
        return False
    called = isinstance(column.parent, exp.Func) and not isinstance(column.parent, exp.AggFunc)
    return called and column.name.lower() in _UNITS


def _ambiguous(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield the statement with a qualifier: each source that has the column."""
    copy = tree.copy()
    column = column_at(copy, position)
    if column is None:
        return
    for select in selects_around(column):
        for source in sources(select, schema):
            name = source.spelling(column.this.name)
            if name is not None:
                column.set("table", spelled(source.alias))
                yield render(copy), f"{name} was read as {source.alias}.{name}"


_RULES: dict[str, Callable[[exp.Expr, int, SchemaIndex], Iterator[Change]]] = {
    "42703": columns.undefined_column,
    "42P01": tables.undefined_table,
    "3F000": tables.undefined_table,
    "42712": tables.duplicate_alias,
    "42702": _ambiguous,
    "42883": casts.undefined_function,
    "42725": casts.undefined_function,
    "42804": casts.mismatch,
    "22P02": casts.bad_literal,
    "22007": casts.bad_literal,
    "42803": grouping.grouping,
    "42P10": grouping.distinct_order,
}
