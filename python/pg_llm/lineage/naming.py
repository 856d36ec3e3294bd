"""From numbers to names: what a query produces becomes edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.lineage import names
from pg_llm.lineage.edges import SCAN, WRITE, Edge, Transformation
from pg_llm.lineage.flows import SCANNED, WHOLE_ROW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.flows import Flow, Source
    from pg_llm.lineage.names import Named
    from pg_llm.lineage.outputs import Output
    from pg_llm.lineage.resolve import Context

# Influence and transformation by the numbers of pg_llm.lineage.flows.
_HOW: Final = tuple((kind.influence, kind) for kind in Transformation)
HIDDEN: Final = "a source is hidden: the current role has no right on it"


def named_edges(
    database: Database, outputs: list[Output], context: Context, number: int, *, fresh: bool
) -> list[Edge]:
    """Return outputs as edges of statement `number`.

    `fresh`: the column names in the tree are right.
    """
    oids = {output.relation for output in outputs if isinstance(output.relation, int)}
    callables: set[int] = set()
    for output in outputs:
        for source in output.flow.direct:
            oids.add(source[0])
        for source, _ in output.flow.indirect:
            oids.add(source[0])
    callables = {-oid for oid in oids if oid < 0}
    known = _known_columns(context) if fresh else {}
    relations = names.relations(database, [oid for oid in oids if oid > 0], known)
    functions = names.functions(database, callables) if callables else {}
    return _Namer(relations, functions, context, number).edges(outputs)


def _known_columns(context: Context) -> dict[int, Sequence[str | None]]:
    found: dict[int, Sequence[str | None]] = {}
    for oid, table in context.entries.items():
        eref = table.one("eref")
        if eref is not None:
            # A dropped column has an empty name.
            found[oid] = [name or None for name in eref.strings("colnames")]
    return found


class _Namer:
    """Turns numbers into names, and flows into edges."""

    def __init__(
        self,
        relations: Mapping[int, Named],
        functions: Mapping[int, Named],
        context: Context,
        number: int,
    ) -> None:
        self._relations = relations
        self._functions = functions
        self._context = context
        self._number = number

    def edges(self, outputs: list[Output]) -> list[Edge]:
        note = "; ".join(f"not known to this version: {name}" for name in self._context.unknown)
        spoken: set[int | str | None] = set()
        found: list[Edge] = []
        for output in outputs:
            if output.note is None and note:
                output.note = note
            before = len(found)
            self._output_edges(output, found)
            if len(found) > before:
                spoken.add(output.relation)
        found.extend(self._rows_only(outputs, spoken))
        return found

    def _output_edges(self, output: Output, found: list[Edge]) -> None:
        relation, column = self._target(output)
        if output.expression is not None and self._hides(output.flow):
            output.expression = None
        flow, before = output.flow, len(found)
        for source, how in flow.direct.items():
            self._source_edges(output, relation, column, source, how, found)
        for source, how in flow.indirect:
            if source[1] != SCANNED:
                self._source_edges(output, relation, column, source, how, found)
        if len(found) == before and output.column is not None:
            found.append(self._edge(output, relation, column, None, None, None))

    def _rows_only(self, outputs: list[Output], spoken: set[int | str | None]) -> Iterator[Edge]:
        """Yield what no column tells: relations that are only scanned, or only written."""
        used: set[tuple[object, int]] = set()
        scanned: dict[tuple[int | str | None, int], Output] = {}
        for output in outputs:
            flow = output.flow
            for source in (*flow.direct, *(key[0] for key in flow.indirect)):
                if source[1] != SCANNED:
                    used.add((output.relation, source[0]))
                else:
                    scanned.setdefault((output.relation, source[0]), output)
        for key, output in scanned.items():
            if key in used:
                continue
            named = self._owner(key[1])
            if named is not None and named.visible:
                spoken.add(key[0])
                relation, _ = self._target(output)
                yield Edge(self._number, relation, None, named.name, None, None, None, note=SCAN)
        for output in outputs:
            if output.relation is not None and output.relation not in spoken:
                spoken.add(output.relation)
                relation, _ = self._target(output)
                yield Edge(self._number, relation, None, None, None, None, None, note=WRITE)

    def _hides(self, flow: Flow) -> bool:
        owners = {s[0] for s in flow.direct} | {s[0] for s, _ in flow.indirect}
        return any((n := self._owner(owner)) is not None and not n.visible for owner in owners)

    def _owner(self, owner: int) -> Named | None:
        return self._relations.get(owner) if owner > 0 else self._functions.get(-owner)

    def _source_edges(
        self,
        output: Output,
        relation: str | None,
        column: str | None,
        source: Source,
        how: int,
        found: list[Edge],
    ) -> None:
        owner, number = source
        named = self._owner(owner)
        if named is None or not named.visible:
            edge = self._edge(output, relation, column, None, None, how)
            note = HIDDEN if named is not None else f"the source with OID {abs(owner)} is gone"
            found.append(edge._replace(note=note))
        elif number == WHOLE_ROW:
            found.extend(
                self._edge(output, relation, column, named.name, name, how)
                for name in named.columns
                if name is not None
            )
        else:
            name = named.column(number) if owner > 0 else self._function_column(named, source)
            found.append(self._edge(output, relation, column, named.name, name, how))

    def _function_column(self, named: Named, source: Source) -> str:
        if source[1] <= len(named.columns):
            name = named.columns[source[1] - 1]
            if name:
                return name
        if not named.columns and source[1] == 1 and source not in self._context.declared:
            return named.plain
        return self._context.function_columns.get(source, named.plain)

    def _target(self, output: Output) -> tuple[str | None, str | None]:
        relation, column = output.relation, output.column
        if not isinstance(relation, int):
            return relation, column if isinstance(column, str) else None
        named = self._relations.get(relation)
        if named is None:
            return None, None
        return named.name, named.column(column) if isinstance(column, int) else None

    def _edge(
        self,
        output: Output,
        relation: str | None,
        column: str | None,
        source_relation: str | None,
        source_column: str | None,
        how: int | None,
    ) -> Edge:
        influence, transformation = (None, None) if how is None else _HOW[how]
        return Edge(
            self._number,
            relation,
            column,
            source_relation,
            source_column,
            influence,
            transformation,
            output.expression,
            "analyser",
            1.0,
            output.position,
            output.note,
        )
