"""What a pattern reads, writes and joins, as the server resolves it.

Nothing is run. A temporary relation that the session made before is put before
the statement as a WITH query, so that its sources shine through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError, PgLlmError
from pg_llm.graph import convert
from pg_llm.graph.store import EdgeFacts, Key
from pg_llm.lineage import analyser, statements
from pg_llm.lineage.naming import HIDDEN
from pg_llm.lineage.tokens import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge
    from pg_llm.lineage.statements import Statement

Join = tuple[Key, Key]
# A text of more statements is a script that a tool ran.
_MOST: Final = 50
_SYSTEM: Final = ("pg_catalog.", "information_schema.", "pg_toast.")
_TEMPORARY: Final = ("pg_temp.", "pg_temp_")
_WITH: Final = re.compile(r"(?:\s|--[^\n]*\n)*with\s+(recursive\s+)?", re.IGNORECASE)
_CREATED: Final = re.compile(r"(?:\s|--[^\n]*\n)*create\s.*?\bas\b", re.IGNORECASE | re.DOTALL)
# Errors whose message quotes data.
_QUOTES_DATA: Final = ("22", "23")


@dataclass(slots=True)
class Analysis:
    """Edges and joins of a pattern; `note` says why there are none, or not all."""

    edges: list[EdgeFacts] = field(default_factory=list)
    joins: dict[Join, None] = field(default_factory=dict)
    note: str | None = None
    temporary: bool = False


def analyse(
    database: Database,
    fingerprint: str,
    text: str,
    *,
    path: Sequence[str] | None = None,
    temporary: Iterable[str] = (),
) -> Analysis:
    """Analyse a statement (or a few, separated by semicolons) of a pattern.

    `path`: the search_path of its session; `temporary`: the statements that
    made the temporary relations that it names.
    """
    found = Analysis()
    made = _made(temporary)
    listed = statements.split(text)
    if len(listed) > _MOST:
        found.note = f"a script of {len(listed)} statements"
        return found
    for statement in listed:
        database.check_interrupts()
        if statement.temporary and statement.target:
            made[statement.target[-1]] = statement
            found.temporary = True
        elif statement.query is not None:
            _add(database, fingerprint, _with(statement, made, found), path, found)
    return found


def _made(temporary: Iterable[str]) -> dict[str, Statement]:
    made: dict[str, Statement] = {}
    for text in temporary:
        for statement in statements.split(text):
            if statement.temporary and statement.target:
                made[statement.target[-1]] = statement
    return made


def _with(statement: Statement, made: dict[str, Statement], found: Analysis) -> Statement:
    """Return the statement with the temporary relations that it names as WITH queries."""
    query = statement.query or ""
    used = _used(query, made)
    if not used:
        return statement
    found.temporary = True
    prefix = ", ".join(_with_query(name, made[name]) for name in used)
    match = _WITH.match(query)
    if match is None:
        return replace(statement, query=f"with {prefix} {query}")
    return replace(
        statement, query=f"with {match[1] or ''}{prefix}, {query[match.end() :]}"
    )  # fmt: skip


def _used(query: str, made: dict[str, Statement]) -> list[str]:
    """Return which are named, after those that they are made of themselves."""
    used: dict[str, None] = {}

    def visit(text: str, before: int) -> None:
        words = {w.lower() for w in re.findall(r"[\w$]+", text)}
        for position, (name, statement) in enumerate(list(made.items())[:before]):
            if name in words or quote(name) in text:
                visit(statement.query or "", position)
                used[name] = None

    visit(query, len(made))
    return [name for name in used if made[name].query is not None]


def _with_query(name: str, statement: Statement) -> str:
    columns = ", ".join(map(quote, statement.columns))
    head = quote(name) + (f" ({columns})" if columns else "")
    return f"{head} as ({statement.query}\n)"


def _add(
    database: Database,
    fingerprint: str,
    statement: Statement,
    path: Sequence[str] | None,
    found: Analysis,
) -> None:
    try:
        edges = analyser.statement_edges(database, statement, search_path=path)
        if _reads_several(edges):
            from pg_llm.graph.logs import joins

            found.joins.update(dict.fromkeys(joins.pairs(database, statement, path)))
    except DatabaseError as error:
        found.note = _said(error)
        return
    except (PgLlmError, LookupError, RecursionError) as error:
        found.note = f"not analysed: {type(error).__name__}"
        return
    found.edges.extend(_facts(database, fingerprint, edges))
    if any(edge.note == HIDDEN for edge in edges):
        found.note = "the role that read the log has no right on some of its relations"


def _said(error: DatabaseError) -> str:
    if error.sqlstate[:2] in _QUOTES_DATA:
        return f"not analysed: error {error.sqlstate}"
    return f"not analysed: {error.message}"


def _reads_several(edges: Iterable[Edge]) -> bool:
    return len({e.source_relation for e in edges if e.source_relation is not None}) > 1 or any(
        e.transformation == "JOIN" for e in edges
    )


def _facts(database: Database, fingerprint: str, edges: Sequence[Edge]) -> list[EdgeFacts]:
    """Return the edges between columns, into the pattern, and to what it writes."""
    pattern = Key("pattern", "", fingerprint)
    own = [
        e for e in edges if not _elsewhere(e.source_relation) and not _elsewhere(e.target_relation)
    ]
    facts = list(convert.edge_facts(database, own))
    for edge in own:
        if edge.target_relation is None and edge.source_relation is not None:
            relation = Key("relation", "", edge.source_relation)
            source = (
                relation
                if edge.source_column is None
                else Key("column", "", edge.source_relation, edge.source_column)
            )
            facts.append(
                EdgeFacts(
                    source,
                    pattern,
                    str(edge.influence or "INDIRECT"),
                    str(edge.transformation or convert.SCAN),
                    None,
                    edge.resolver,
                    edge.confidence,
                )
            )
    for written in dict.fromkeys(e.target_relation for e in own if e.target_relation):
        facts.append(EdgeFacts(pattern, Key("relation", "", written), "DEPENDENCY", "WRITE"))
    return facts


def _elsewhere(relation: str | None) -> bool:
    """Tell whether a relation is the system's, or temporary."""
    return relation is not None and relation.startswith(_SYSTEM + _TEMPORARY)
