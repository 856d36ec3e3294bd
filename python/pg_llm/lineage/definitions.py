"""Read the column definitions of CREATE TABLE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.lineage.tokens import Reader, Unclear, quote, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.lineage.statements import Statement
    from pg_llm.lineage.tokens import Token

# What may follow a column's type.
_CONSTRAINTS: Final = frozenset(
    {
        "constraint",
        "not",
        "null",
        "default",
        "generated",
        "check",
        "unique",
        "primary",
        "references",
        "collate",
        "storage",
        "compression",
        "options",
        "deferrable",
        "initially",
    }
)
# Names for a type together with a sequence.
_SERIAL: Final = {
    "smallserial": "smallint",
    "serial2": "smallint",
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
}


@dataclass(slots=True)
class Column:
    """A column: its name, its type as it is written, and how it gets a value.

    `generated`: the span of its expression in the statement's text. `default`:
    it has one; `expression`: its text, None for a sequence.
    """

    name: str
    type: str
    generated: tuple[int, int] | None = None
    default: bool = False
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """What CREATE TABLE defines: columns, and other elements that shape it.

    `elements` are in their order: columns, relations that it is LIKE or
    inherits from (`like x`), and its keys.
    """

    columns: tuple[Column, ...]
    elements: tuple[str, ...]


def read(statement: Statement) -> Definition:
    """Return the definition in a statement whose verb is `create table`.

    Raises `Unclear` where the text does not look like one.
    """
    reader = Reader(statement.text, 0, list(tokens(statement.text)))
    while reader.kind() not in ("(", ""):
        reader.at += 1
    start, end = reader.parentheses()
    columns: list[Column] = []
    elements: list[str] = []
    keys: list[str] = []
    for element in _elements(reader, start, end):
        if element.word() == "like":
            elements.append(_like(element))
        elif (key := _table_key(element)) is not None:
            keys += key
        else:
            column = _column(element, keys)
            columns.append(column)
            elements.append(f"{quote(column.name)} {column.type}")
    if reader.skip("inherits"):
        parents = reader.parentheses()
        elements[:0] = ["like " + _text(e, 0, len(e.tokens)) for e in _elements(reader, *parents)]
    return Definition(tuple(columns), (*elements, *keys))


def _elements(reader: Reader, start: int, end: int) -> Iterator[Reader]:
    """Yield a reader for each element between the commas of a span."""
    members: list[Token] = []
    depth = 0
    for token in reader.tokens:
        if token.start < start or token.end > end:
            continue
        depth += (token.kind in "([") - (token.kind in ")]")
        if token.kind == "," and not depth:
            yield Reader(reader.text, 0, members)
            members = []
        else:
            members.append(token)
    if members:
        yield Reader(reader.text, 0, members)


def _text(reader: Reader, first: int, last: int) -> str:
    """Return the text from a token to before another one."""
    if last <= first:
        raise Unclear
    return reader.text[reader.tokens[first].start : reader.tokens[last - 1].end]


def _like(element: Reader) -> str:
    element.need("like")
    first = element.at
    element.names()
    return "like " + _text(element, first, element.at)


def _constraint_name(element: Reader) -> str:
    return f"constraint {quote(element.name())} " if element.skip("constraint") else ""


def _table_key(element: Reader) -> list[str] | None:
    """Return the key that a table constraint is, nothing for others, None for a column."""
    begin = element.at
    name = _constraint_name(element)
    word = element.word()
    if word in ("primary", "unique") and not (element.skip(word) and element.kind() == "."):
        element.skip("key")
        element.skip_any("nulls", "not", "distinct")
        if element.kind() == "(":
            start, end = element.parentheses()
            kind = "primary key" if word == "primary" else "unique"
            return [f"{name}{kind} ({element.text[start:end]})"]
        return []
    if name or word in ("foreign", "check", "exclude"):
        return []
    element.at = begin
    return None


def _column(element: Reader, keys: list[str]) -> Column:
    name = element.name()
    first = element.at
    _to_constraint(element)
    written = _text(element, first, element.at)
    column = Column(name, _SERIAL.get(written.lower(), written))
    column.default = column.type != written
    while element.at < len(element.tokens):
        constraint = _constraint_name(element)
        if element.skip("generated"):
            _generated(element, column)
        elif element.skip("default"):
            first = element.at
            element.at += 1
            _to_constraint(element)
            column.default, column.expression = True, _text(element, first, element.at)
        elif element.word() in ("primary", "unique"):
            kind = "primary key" if element.word() == "primary" else "unique"
            keys.append(f"{constraint}{kind} ({quote(name)})")
            element.at += 1
        else:
            element.at += 1
    return column


def _generated(element: Reader, column: Column) -> None:
    """Read ALWAYS AS (expression) STORED, or AS IDENTITY."""
    element.skip_any("always", "by", "default")
    element.need("as")
    if element.kind() == "(":
        column.generated = element.parentheses()
    else:
        column.default = True


def _to_constraint(element: Reader) -> None:
    """Go to where the next constraint begins."""
    depth = 0
    while element.at < len(element.tokens):
        kind = element.kind()
        if not depth and element.word() in _CONSTRAINTS:
            return
        depth += (kind in "([") - (kind in ")]")
        element.at += 1
