"""Repair: ask the server, apply the rule for its error, ask again."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from pg_llm.errors import DatabaseError
from pg_llm.lineage import server
from pg_llm.text2sql import guard
from pg_llm.text2sql.repair import casts, columns, foreign, grouping, spelling, tables, text
from pg_llm.text2sql.repair.change import Change, Risk
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

# Errors that the words of another dialect explain: functions, operators, types.
_FOREIGN = frozenset({"42883", "42725", "42704"})
# Statements that one repair may show to the server; each takes about 2 ms.
_MOST_TRIES = 60
_DEEPEST = 12
# A change that is no risk is still a change.
_STEP = 0.2


@dataclass(frozen=True, slots=True)
class Fix:
    """What was changed, because of which error, and how much of a guess it was."""

    sqlstate: str
    note: str
    risk: Risk


@dataclass(frozen=True, slots=True)
class Repaired:
    """A statement that the server takes, or the first error where none was found."""

    guarded: Guarded | None
    fixes: tuple[Fix, ...] = ()
    error: DatabaseError | guard.Refused | None = None


def repair(database: Database, sql: str, schema: SchemaIndex) -> Repaired:
    """Return the statement with its errors repaired, the least risky way first.

    A statement that the server takes is returned as it is. What the guard
    refuses is not repaired: only names, types and spelling are.
    """
    first: DatabaseError | guard.Refused | None = None
    seen = {sql}
    order = count()
    waiting: list[tuple[float, int, str, tuple[Fix, ...]]] = [(0.0, next(order), sql, ())]
    for _ in range(_MOST_TRIES):
        if not waiting:
            break
        risk, _, statement, fixes = heapq.heappop(waiting)
        try:
            if fixes:
                server.analyse(database, statement)
            return Repaired(guard.check(database, statement), fixes)
        except guard.Refused as refused:
            first = first or refused
            continue
        except DatabaseError as error:
            first = first or error
            if len(fixes) == _DEEPEST:
                continue
            translated = any(foreign.is_reading(fix.note) for fix in fixes)
            for change in _changes(statement, error, schema):
                # A statement is in one dialect: what is still wrong with it is something else.
                if change.sql not in seen and not (translated and foreign.is_reading(change.note)):
                    seen.add(change.sql)
                    done = (*fixes, Fix(error.sqlstate, change.note, change.risk))
                    cost = risk + change.risk + _STEP
                    heapq.heappush(waiting, (cost, next(order), change.sql, done))
    return Repaired(None, (), first)


def _changes(sql: str, error: DatabaseError, schema: SchemaIndex) -> Iterator[Change]:
    """Yield what the rules for an error make of the statement."""
    tree = parse(sql)
    if error.sqlstate == "42601":
        if tree is not None:
            yield from grouping.subquery_columns(tree)
        yield from spelling.names(sql, schema)
        yield from text.syntax(sql, schema)
        return
    if tree is None:
        yield from spelling.names(sql, schema)
        yield from foreign.translations(sql, schema)
        return
    rule, position = _RULES.get(error.sqlstate), error.position or 0
    alien = _is_foreign(tree, sql, error.sqlstate, position)
    if alien:
        yield from foreign.translations(sql, schema)
    if rule is not None:
        # What the parser could not hold (an argument too many) must not vanish.
        for change in rule(tree, position, schema):
            if error.sqlstate not in _FOREIGN or not foreign.loses(sql, change.sql):
                yield change
    if error.sqlstate == "42703":
        yield from spelling.names(sql, schema)
    if error.sqlstate in _FOREIGN and not alien:
        yield from foreign.translations(sql, schema)


def _is_foreign(tree: exp.Expr, sql: str, sqlstate: str, position: int) -> bool:
    """Whether a function stands there that only other dialects know.

    Or the unit of one: the year of DATEPART(YEAR, x) is no column.
    """
    if sqlstate == "42883":
        return isinstance(function_at(tree, position), exp.Anonymous)
    word = re.match(r"\w+", sql[position - 1 :]) if sqlstate == "42703" and position else None
    if word is None or word[0].lower() not in foreign.UNITS:
        return False
    column = column_at(tree, position)
    if column is None:
        return True
    if column.args.get("table") is not None:
        return False
    return isinstance(column.parent, exp.Func) and not isinstance(column.parent, exp.AggFunc)


def _ambiguous(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield the statement with a qualifier: each source that has the column."""
    copy = tree.copy()
    column = column_at(copy, position)
    if column is None:
        return
    risk = Risk.SPELLING
    for select in selects_around(column):
        for source in sources(select, schema):
            name = source.spelling(column.this.name)
            if name is not None:
                column.set("table", spelled(source.alias))
                note = f"{name} was read as {source.alias}.{name}"
                yield Change(render(copy), note, risk)
                risk = Risk.GUESS


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
