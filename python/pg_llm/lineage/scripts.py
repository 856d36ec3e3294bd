"""What the statements of a script make, for the statements after them.

`create table x as …; select … from x`: the second statement needs a relation
that is not there. An empty one of that shape is made in a subtransaction that
is rolled back when the script is at its end. Nothing of the script runs for
it: a table from a query is made WITH NO DATA, which is neither planned nor
executed; one from definitions has their names, types and keys alone.

The relation is made where the statement says. Where it cannot be (it is there
already, there is no right to), a temporary one stands for it, which is found
by its unqualified name and told by its real one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError
from pg_llm.lineage import definitions, names
from pg_llm.lineage.tokens import Unclear, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge
    from pg_llm.lineage.statements import Statement

_FIND: Final = "select pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8 as oid"
_TAKEN: Final = 0.7
_TAKEN_NOTE: Final = (
    "the script makes a relation of a name that is taken: read as the one that is there"
)
# What the server says of a relation that is made here concerns nobody.
_QUIET: Final = "set local client_min_messages = warning"


def quietly(database: Database) -> None:
    """Let the server keep its notices until the subtransaction at hand is rolled back."""
    database.execute(_QUIET)


def makes(statement: Statement) -> bool:
    """Tell whether a statement makes a relation that can be made here."""
    return statement.verb == "create table" or (
        statement.verb == "create" and bool(statement.kind)
    )


class Made:
    """The relations that stand for those that the script has made so far.

    `missing`: the statements whose relations could not be made.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._real: dict[str, str] = {}
        self._taken: set[str] = set()
        self.missing: list[Statement] = []

    def make(self, statement: Statement, real: str | None) -> str | None:
        """Make a statement's relation; return how it is found, None where it cannot be made.

        `real`: the qualified name that it has when the script runs.
        """
        for parts, temporary in _places(statement):
            name = ".".join(map(quote, parts))
            try:
                text, command = _text(statement, name, temporary=temporary)
                with self._database.subtransaction():
                    oid = self._made(text, command, name)
                    made = names.relations(self._database, [oid])[oid].name
            except (DatabaseError, Unclear):
                continue
            if real is not None and made != real:
                self._real[made] = real
            return name
        if not statement.if_missing:
            self.missing.append(statement)
            self._note_taken(statement)
        return None

    def _note_taken(self, statement: Statement) -> None:
        """Remember a relation that is there under the name that the statement gives."""
        name = ".".join(map(quote, statement.target))
        oid = self._database.execute(_FIND, [name])[0]["oid"]
        if oid is not None:
            self._taken.add(names.relations(self._database, [oid])[oid].name)

    def _made(self, text: str, command: str, name: str) -> int:
        if ";" in text and not self._database.is_one(text, command):
            raise Unclear
        self._database.execute(text)
        return int(self._database.execute(_FIND, [name])[0]["oid"])

    def named(self, edges: Iterable[Edge]) -> Iterator[Edge]:
        """Yield edges with the names that relations really have."""
        for edge in edges:
            target, source = edge.target_relation, edge.source_relation
            if {target, source} & self._taken:
                # The script dropped it before, perhaps, and gave it other columns.
                doubted = min(edge.confidence, _TAKEN)
                edge = edge._replace(confidence=doubted, note=edge.note or _TAKEN_NOTE)
            yield edge._replace(
                target_relation=self._real.get(target, target) if target else target,
                source_relation=self._real.get(source, source) if source else source,
            )


def _places(statement: Statement) -> Iterator[tuple[Sequence[str], bool]]:
    """Yield where a relation may be made: its name by its parts, and whether temporary."""
    yield statement.target, statement.temporary
    if not statement.temporary and not statement.if_missing and len(statement.target) == 1:
        yield statement.target, True


def _text(statement: Statement, name: str, *, temporary: bool) -> tuple[str, str]:
    """Return the text that makes the relation, and the tag of its command."""
    create = "create temporary" if temporary else "create"
    if statement.verb == "create table":
        elements = ",\n".join(definitions.read(statement).elements)
        return f"{create} table {name} (\n{elements}\n)", "CREATE TABLE"
    columns = f" ({', '.join(map(quote, statement.columns))})" if statement.columns else ""
    if statement.kind == "view":
        return f"{create} view {name}{columns} as {statement.query}\n", "CREATE VIEW"
    return (
        f"{create} table {name}{columns} as {statement.query}\n with no data",
        "CREATE TABLE AS",
    )
