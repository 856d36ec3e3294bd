"""Which expressions mask a value: OpenLineage's masking flag of an edge.

A value is masked where the source's column stands in the target's expression
only inside calls of masking functions: those whose result does not let see the
argument. A column that stands outside of such a call as well is not masked,
and neither is one whose place in the expression is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from pg_llm.library import isolated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pg_llm.database import Database
    from pg_llm.graph.store import EdgeFacts

Piece = TypeVar("Piece")

# PostgreSQL's hashes, pgcrypto's, and the masking functions of postgresql_anonymizer.
KNOWN: Final = frozenset(
    {"md5", "sha224", "sha256", "sha384", "sha512", "digest", "hmac", "crypt"}
)
_MASKING_SCHEMA: Final = "anon"
_TOKEN_LIMIT: Final = 100_000

_COLUMNS: Final = """
select n.id, n.column_name
from lineage.nodes n
where n.id operator(pg_catalog.=) any ($1::pg_catalog.int8[])
"""
_DECLARED: Final = "select f.name, f.masks from lineage.masking_functions f"


@dataclass(frozen=True, slots=True)
class Functions:
    """The names of functions that mask, bare or with a schema.

    `calls` finds what may be a call of one: quick, and sure where it finds none.
    """

    declared: Mapping[str, bool]
    calls: re.Pattern[str]

    @classmethod
    def of(cls, declared: Mapping[str, bool]) -> Functions:
        """Return what masks, given what was declared besides what is known."""
        names = sorted({*KNOWN, *(name.rpartition(".")[2] for name in declared)})
        pattern = rf'\b(?:{"|".join(map(re.escape, names))})"?\s*\(|\b{_MASKING_SCHEMA}"?\s*\.'
        return cls(declared, re.compile(pattern, re.IGNORECASE))

    def masks(self, schema: str, name: str) -> bool:
        """Tell whether a function of this name masks."""
        for spelled in (f"{schema}.{name}", name):
            if spelled in self.declared:
                return self.declared[spelled]
        return schema == _MASKING_SCHEMA or name in KNOWN


def functions(database: Database) -> Functions:
    """Return what masks in this database."""
    rows = database.execute(_DECLARED)
    return Functions.of({row["name"]: row["masks"] for row in rows})


def is_masked(expression: str | None, column: str, known: Functions) -> bool:
    """Tell whether a column's value is masked in an expression."""
    if not expression or not column or not known.calls.search(expression):
        return False
    places = list(_places(expression[:_TOKEN_LIMIT], column, known))
    return bool(places) and all(places)


def marked(
    database: Database, pieces: Mapping[Piece, Iterable[EdgeFacts]]
) -> dict[Piece, list[EdgeFacts]]:
    """Return the edges of pieces of evidence, the masking ones marked."""
    known = functions(database)
    listed = {piece: list(edges) for piece, edges in pieces.items()}
    numbers = {
        edge.source
        for edges in listed.values()
        for edge in edges
        if isinstance(edge.source, int) and _may_mask(edge, known)
    }
    columns: dict[int, str] = {}
    if numbers:
        rows = database.execute(_COLUMNS, [list(numbers)], ["int8[]"])
        columns = {row["id"]: row["column_name"] for row in rows}
    return {
        piece: [
            replace(edge, masking=True)
            if _may_mask(edge, known) and is_masked(edge.expression, _column(edge, columns), known)
            else edge
            for edge in edges
        ]
        for piece, edges in listed.items()
    }


def _may_mask(edge: EdgeFacts, known: Functions) -> bool:
    return (
        edge.influence == "DIRECT"
        and edge.expression is not None
        and known.calls.search(edge.expression) is not None
    )


def _column(edge: EdgeFacts, columns: Mapping[int, str]) -> str:
    if isinstance(edge.source, int):
        return columns.get(edge.source, "")
    return edge.source.column_name


def _places(expression: str, column: str, known: Functions) -> Iterator[bool]:
    """Yield for each mention of the column whether a masking call encloses it."""
    with isolated():
        from sqlglot.dialects.postgres import Postgres
        from sqlglot.errors import TokenError
        from sqlglot.tokenizer_core import TokenType
    try:
        tokens = Postgres().tokenize(expression)
    except TokenError:
        return
    masked = [False]
    names: list[str] = []
    for position, token in enumerate(tokens):
        kind = token.token_type
        follows = tokens[position + 1].token_type if position + 1 < len(tokens) else None
        if kind == TokenType.L_PAREN:
            masked.append(masked[-1] or (bool(names) and known.masks(*_function(names))))
            names = []
        elif kind == TokenType.R_PAREN:
            if len(masked) > 1:
                masked.pop()
            names = []
        elif kind == TokenType.DOT:
            continue
        elif kind in (TokenType.STRING, TokenType.NUMBER) or not token.text:
            names = []
        else:
            quoted = kind == TokenType.IDENTIFIER
            name = token.text if quoted else token.text.lower()
            after_dot = position > 0 and tokens[position - 1].token_type == TokenType.DOT
            names = [*names, name] if after_dot else [name]
            if name == column and follows not in (TokenType.L_PAREN, TokenType.DOT):
                yield masked[-1]


def _function(names: list[str]) -> tuple[str, str]:
    return (names[-2] if len(names) > 1 else "", names[-1])
