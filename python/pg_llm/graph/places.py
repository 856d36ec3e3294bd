"""From the numbers of a query tree (relation OID, column number) to nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.graph import queries
from pg_llm.graph.store import Key
from pg_llm.lineage import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pg_llm.database import Database
    from pg_llm.lineage.names import Named

# Functions of the system are no sources of data.
_FIRST_USER_OID: Final = 16384
_KNOWN: Final = """
select o.object::int8 as oid, o.attribute, o.node
from lineage.objects o
where o.class = 'pg_catalog.pg_class'::pg_catalog.regclass and o.object = any ($1::oid[])
"""


class Places:
    """Nodes of relations, columns and functions by OID.

    What the graph has no object for (the system's relations, those of other
    extensions) is given by its name, and gets a node when an edge needs one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nodes: dict[int, dict[int, int]] = {}
        self._relations: dict[int, Named] = {}
        self._functions: dict[int, Named] = {}
        self._names: dict[int, str] = {}
        self._asked: set[int] = set()

    def load(self, oids: Iterable[int]) -> None:
        """Look up relations (positive) and functions (negative), all at once."""
        new = [oid for oid in set(oids) if oid not in self._asked]
        self._asked.update(new)
        relations = [oid for oid in new if oid > 0]
        if relations:
            for row in self._database.execute(_KNOWN, [relations], ["oid[]"]):
                self._nodes.setdefault(row["oid"], {})[row["attribute"]] = row["node"]
        unknown = [oid for oid in relations if oid not in self._nodes]
        self._relations |= names.relations(self._database, unknown)
        functions = [-oid for oid in new if -oid >= _FIRST_USER_OID]
        if functions:
            self._functions |= names.functions(self._database, functions)
            for row in self._database.execute(queries.FUNCTION_NAMES, [functions], ["oid[]"]):
                self._names[row["oid"]] = row["name"]

    def relation(self, oid: int) -> int | Key | None:
        """Return a relation, or a function by its OID below zero; None where it is gone."""
        if oid < 0:
            name = self._names.get(-oid)
            return None if name is None else Key("function", "", name)
        if oid in self._nodes:
            return self._nodes[oid].get(0)
        named = self._relations.get(oid)
        return None if named is None else Key("relation", "", named.name)

    def columns(self, oid: int, number: int) -> Iterator[int | Key]:
        """Yield a column; all of the relation's for number 0, its whole row."""
        if oid < 0:
            yield from self._output(-oid, number)
        elif oid in self._nodes:
            known = self._nodes[oid]
            if number == 0:
                yield from (node for n, node in known.items() if n > 0)
            elif number in known:
                yield known[number]
            else:
                yield from self._named_column(oid, number)
        else:
            yield from self._named_column(oid, number)

    def _named_column(self, oid: int, number: int) -> Iterator[Key]:
        """Yield a column that has no node yet: of a system relation, a system column."""
        if oid not in self._relations:
            self._relations |= names.relations(self._database, [oid])
        named = self._relations.get(oid)
        if named is not None:
            chosen = named.columns if number == 0 else [named.column(number)]
            yield from (Key("column", "", named.name, column) for column in chosen if column)

    def _output(self, function: int, number: int) -> Iterator[Key]:
        """Yield a column of what a function returns; its value is called like it."""
        name = self._names.get(function)
        if name is None:
            return
        columns = self.outputs(function)
        wanted = columns if number == 0 else columns[number - 1 : number]
        for column in wanted or columns[:1]:
            yield Key("column", "", name, column)

    def outputs(self, function: int) -> list[str]:
        """Return the names of the columns that a function returns."""
        named = self._functions[function]
        return [column or named.plain for column in named.columns] or [named.plain]
