"""The business rules in a relation's definition, in SQL and in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pg_llm.errors import UndefinedObject
from pg_llm.lineage import analyser, deparsed, names, stored
from pg_llm.lineage.edges import Influence, Transformation
from pg_llm.lineage.naming import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.deparsed import Clause
    from pg_llm.lineage.edges import Edge


class Rule(NamedTuple):
    """One row of `lineage_rules`.

    `query`: the WITH query that the rule belongs to, None for the main one.
    `part`: column, from, join, filter, group, having, distinct, combine, order,
    limit, or hidden where the definition may not be told. `column_name`: for a
    column. `rule`: SQL as the server writes it. `in_words`: a sentence about it.
    """

    query: str | None
    part: str
    column_name: str | None
    rule: str | None
    in_words: str


def relation_rules(database: Database, oid: int) -> list[Rule]:
    """Return the rules of a view, or of a table's computed columns.

    A relation that has none is told by a notice.
    """
    try:
        edges = analyser.relation_edges(database, oid)
    except UndefinedObject:
        return _table_rules(database, oid)
    if any(edge.note == HIDDEN for edge in edges):
        words = "the definition reads a relation that the current role has no right on"
        return [*_columns(edges), Rule(None, "hidden", None, None, words)]
    text = stored.view_text(database, oid)
    # None where what the view reads was dropped by force.
    found = deparsed.clauses(text) if text is not None else []
    return [*_columns(edges), *_clauses(None, found)]


# -- columns ------------------------------------------------------------------


def _columns(edges: Sequence[Edge]) -> Iterator[Rule]:
    columns: dict[tuple[int, str], list[Edge]] = {}
    for edge in edges:
        if edge.position is not None and edge.target_column is not None:
            columns.setdefault((edge.position, edge.target_column), []).append(edge)
    for (_, name), group in columns.items():
        expression = group[0].expression
        yield Rule(None, "column", name, expression, _column_words(name, expression, group))


def _column_words(name: str, expression: str | None, edges: Sequence[Edge]) -> str:
    direct = [e for e in edges if e.influence is Influence.DIRECT]
    ways = {edge.transformation for edge in direct}
    sources = _listed(direct)
    as_what = f": {expression}" if expression else ""
    if not direct:
        said = f"{name} is made without any column{as_what}"
    elif ways == {Transformation.IDENTITY}:
        said = f"{name} is {sources}, unchanged"
    elif Transformation.AGGREGATION in ways:
        said = f"{name} is aggregated from {sources}{as_what}"
    else:
        said = f"{name} is computed from {sources}{as_what}"
    steering = [e for e in edges if e.influence is Influence.INDIRECT]
    return f"{said}; it depends on {_listed(steering)}" if steering else said


def _listed(edges: Sequence[Edge]) -> str:
    names = [
        f"{edge.source_relation}.{edge.source_column}"
        if edge.source_relation
        else "a hidden column"
        for edge in edges
    ]
    return (
        " and ".join(filter(None, (", ".join(dict.fromkeys(names[:-1])), names[-1])))
        if names
        else ""
    )


# -- clauses ------------------------------------------------------------------

_PARTS: Final = {
    "WHERE": ("filter", "only rows where {}"),
    "HAVING": ("having", "only groups where {}"),
    "GROUP BY": ("group", "one row for each {}"),
    "GROUP BY DISTINCT": ("group", "one row for each {}"),
    "ORDER BY": ("order", "sorted by {}"),
    "LIMIT": ("limit", "at most {} rows"),
    "FETCH FIRST": ("limit", "at most {}"),
    "OFFSET": ("limit", "the first {} rows are left out"),
    "UNION": ("combine", "together with the rows that follow, without duplicates"),
    "UNION ALL": ("combine", "together with the rows that follow"),
    "INTERSECT": ("combine", "only rows that are also among those that follow"),
    "INTERSECT ALL": ("combine", "only rows that are also among those that follow, counted"),
    "EXCEPT": ("combine", "without the rows that follow"),
    "EXCEPT ALL": ("combine", "without the rows that follow, counted"),
    "SELECT DISTINCT": ("distinct", "without duplicate rows"),
    "SELECT DISTINCT ON": ("distinct", "one row for each {}"),
}
_CTE: Final = re.compile(
    r'^("(?:[^"]|"")*"|\S+?)(?:\(.*?\))? AS (?:NOT MATERIALIZED |MATERIALIZED )?\('
)


def _clauses(query: str | None, found: Sequence[Clause]) -> Iterator[Rule]:
    for clause in found:
        if clause.keyword.startswith("WITH"):
            for item in clause.items:
                yield from _with_query(item)
        elif clause.keyword == "FROM":
            yield from _from(query, clause)
        elif clause.keyword in _PARTS:
            part, words = _PARTS[clause.keyword]
            text = clause.text
            if clause.keyword == "SELECT DISTINCT":
                text = ""
            elif clause.keyword == "SELECT DISTINCT ON":
                text = deparsed.inside_parentheses(clause.items[0])
            text = _bare(text)
            yield Rule(query, part, None, text or None, words.format(text))


def _with_query(item: str) -> Iterator[Rule]:
    match = _CTE.match(item)
    if match is None:
        return
    name = match[1].strip('"')
    body = deparsed.inside_parentheses(item[match.end() - 1 :])
    found = deparsed.clauses(body)
    for expression in deparsed.outputs(found):
        yield Rule(name, "column", None, expression, f"a column of {name}: {expression}")
    yield from _clauses(name, found)


_JOIN: Final = re.compile(r"\b(?:(LEFT|RIGHT|FULL|CROSS) )?JOIN ")
_WORDS: Final = {
    None: "matched with {}; rows without a match are left out",
    "LEFT": "matched with {}; rows without a match are kept",
    "RIGHT": "matched with {}; all of its rows are kept",
    "FULL": "matched with {}; rows without a match are kept on both sides",
    "CROSS": "combined with every row of {}",
}


def _from(query: str | None, clause: Clause) -> Iterator[Rule]:
    for item in clause.items:
        joins = list(_top_joins(item))
        first = item[: joins[0].start()] if joins else item
        first = _bare(first.lstrip("(") if joins else first).strip()
        yield Rule(query, "from", None, first, f"rows of {first}")
        for join, following in zip(joins, [*joins[1:], None], strict=False):
            end = following.start() if following is not None else len(item)
            rule = _balanced(item[join.end() : end].strip())
            relation, condition = _condition(rule)
            said = f"{relation} where {_bare(condition)}" if condition else rule
            yield Rule(query, "join", None, f"{join[0]}{rule}", _WORDS[join[1]].format(said))


def _condition(rule: str) -> tuple[str, str]:
    """Split a joined relation from its ON, which ends the rule."""
    for match in re.finditer(r" ON (?=\()", rule):
        if not deparsed.after_parentheses(rule[match.end() :]) and _closed(rule[: match.start()]):
            return rule[: match.start()], rule[match.end() :]
    return rule, ""


def _top_joins(text: str) -> Iterator[re.Match[str]]:
    """Yield the joins of a FROM item, but not those of subqueries in it."""
    for match in _JOIN.finditer(text):
        inner = text.rfind("( SELECT", 0, match.start())
        if inner < 0 or _closed(text[inner : match.start()]):
            yield match


def _closed(text: str) -> bool:
    return text.count("(") <= text.count(")")


def _balanced(text: str) -> str:
    """Return the text without the closing parentheses of what stood before it."""
    while text.endswith(")") and text.count(")") > text.count("("):
        text = text[:-1].rstrip()
    return text


def _bare(text: str) -> str:
    """Return the text without one pair of parentheses around all of it."""
    if text.startswith("(") and deparsed.after_parentheses(text) == "":
        return text[1:-1].strip()
    return text


# -- tables -------------------------------------------------------------------


def _table_rules(database: Database, oid: int) -> list[Rule]:
    named = names.relations(database, [oid])[oid]
    if not named.visible:
        words = "the current role has no right on the relation"
        return [Rule(None, "hidden", None, None, words)]
    found = list(_computed(database, oid))
    if not found:
        database.message(
            "notice",
            f"{named.name} has no rules",
            detail="It is not a view, and none of its columns is generated or has a default.",
        )
    return found


def _computed(database: Database, oid: int) -> Iterator[Rule]:
    for name, column in stored.computed_columns(database, oid):
        said = "is always computed as" if column.generated else "is by default"
        value = column.expression or "the next number of its sequence"
        yield Rule(None, "column", name, column.expression, f"{name} {said} {value}")
