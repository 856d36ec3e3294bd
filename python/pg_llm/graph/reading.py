"""The edges that the catalog tells of: what relations and functions are made of.

Every piece of evidence belongs to one object. Query trees are read by the
analyser of the room `lineage`; their numbers become nodes here, without a look
at names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.errors import PgLlmError
from pg_llm.graph import queries
from pg_llm.graph.outside import foreign_fields
from pg_llm.graph.places import Places
from pg_llm.graph.store import EdgeFacts, Key, Piece
from pg_llm.lineage import analyser, stored
from pg_llm.lineage.edges import Transformation
from pg_llm.lineage.flows import AGGREGATION, SCANNED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pg_llm.database import Database, Row
    from pg_llm.lineage.flows import Flow
    from pg_llm.lineage.outputs import Output

Edges = dict[Piece, list[EdgeFacts]]

DEPENDENCY: Final = "DEPENDENCY"
_TRANSFORMATIONS: Final = [str(t) for t in Transformation]
# What a relation may tell, so that what it no longer tells is closed.
RELATION_EVIDENCE: Final = (
    "view",
    "rule",
    "generated",
    "default",
    "partition",
    "inheritance",
    "foreign key",
    "foreign table",
    "trigger",
)
# What reading a tree may raise besides errors of the server: it is of another
# version, or broken. Never `Exception`, which a cancel is too.
_BROKEN: Final = (
    PgLlmError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
)


class Reader:
    """Reads objects, and remembers those that cannot be read.

    `edges`: what was read, by piece of evidence. `failed`: why an object was
    not, by its OID (minus the OID for a function); `notes`: what was read in
    part.
    """

    def __init__(self, database: Database, nodes: Mapping[int, int]) -> None:
        self._database = database
        self._nodes = nodes
        self._places = Places(database)
        self.edges: Edges = {}
        self.failed: dict[int, str] = {}
        self.notes: dict[int, str] = {}

    def relations(self, oids: Sequence[int]) -> None:
        """Read all that relations tell."""
        for oid in oids:
            for evidence in RELATION_EVIDENCE:
                self.edges[Piece(evidence, self._nodes[oid])] = []
        self._trees(oids)
        self._generated(oids)
        self._defaults(oids)
        self._inherited(oids)
        self._foreign_keys(oids)
        self._foreign_tables(oids)
        self._triggers(oids)

    def functions(self, rows: Iterable[Row]) -> None:
        """Read the bodies of functions that the server has analysed, and what they call."""
        for row in rows:
            oid = row["oid"]
            self.edges[Piece("function", self._nodes[-oid])] = []
            if row["tree"] is not None:
                self._tree(-oid, "function", row["tree"], None, void=row["void"])
        self._called("function", queries.FUNCTION_CALLS, [row["oid"] for row in rows], -1)

    def _rows(self, query: str, oids: Sequence[int]) -> list[Row]:
        rows = self._database.execute(query, [list(oids)], ["oid[]"])
        self._places.load({row["oid"] for row in rows})
        return rows

    def _add(self, evidence: str, oid: int, edges: Iterable[EdgeFacts]) -> None:
        self.edges[Piece(evidence, self._nodes[oid])].extend(edges)

    # -- query trees --------------------------------------------------------------

    def _trees(self, oids: Sequence[int]) -> None:
        rows = self._rows(queries.TREES, oids)
        for row in rows:
            self._database.check_interrupts()
            evidence = "view" if row["view"] else "rule"
            self._tree(row["oid"], evidence, row["tree"], row["oid"] if row["view"] else None)
        if rows:
            self._called("view", queries.CALLS, [row["oid"] for row in rows], 1)

    def _tree(
        self, oid: int, evidence: str, tree: str, view: int | None, *, void: bool = False
    ) -> None:
        try:
            text = None if view is None else stored.view_text(self._database, view)
            outputs, context = analyser.tree_outputs(self._database, tree, text=text)
            if view is None:
                outputs = _kept(outputs, returns=oid < 0 and not void)
            edges = list(self._outputs(outputs, oid))
        except _BROKEN as error:
            self.failed[oid] = _reason(error)
            return
        self._add(evidence, oid, edges)
        if context.unknown:
            self.notes[oid] = "not known to this version: " + ", ".join(context.unknown)

    def _outputs(self, outputs: Sequence[Output], owner: int) -> Iterator[EdgeFacts]:
        """Yield the edges of outputs; those without a relation are the owner's."""
        found = list(outputs)
        self._places.load(
            {
                owner,
                *(o.relation for o in found if isinstance(o.relation, int)),
                *(source[0] for o in found for source in o.flow.direct),
                *(source[0] for o in found for source, _ in o.flow.indirect),
            }
        )
        scanned: dict[tuple[int, int], None] = {}
        used: set[tuple[int, int]] = set()
        for output in found:
            relation = output.relation if isinstance(output.relation, int) else owner
            for source, target, how in self._flow_ends(output, relation, scanned, used):
                yield EdgeFacts(
                    source,
                    target,
                    "DIRECT" if how <= AGGREGATION else "INDIRECT",
                    _TRANSFORMATIONS[how],
                    output.expression,
                )
        for relation, source_oid in scanned:
            read, made = self._places.relation(source_oid), self._places.relation(relation)
            if (relation, source_oid) not in used and read is not None and made is not None:
                yield EdgeFacts(read, made, "INDIRECT", "SCAN")

    def _flow_ends(
        self,
        output: Output,
        relation: int,
        scanned: dict[tuple[int, int], None],
        used: set[tuple[int, int]],
    ) -> Iterator[tuple[Key | int, Key | int, int]]:
        target = self._target(output, relation)
        flow = output.flow
        for source, how in (*flow.direct.items(), *flow.indirect):
            if source[1] == SCANNED:
                scanned[relation, source[0]] = None
                continue
            used.add((relation, source[0]))
            if target is not None:
                for column in self._places.columns(*source):
                    yield column, target, how

    def _target(self, output: Output, relation: int) -> Key | int | None:
        """Return the node that an output is; a view's columns are numbered as its query's."""
        if output.column is None:
            return self._places.relation(relation)
        number = output.column if isinstance(output.column, int) else output.position
        return next(iter(self._places.columns(relation, number or 0)), None)

    def _called(self, evidence: str, query: str, oids: Sequence[int], sign: int) -> None:
        rows = self._database.execute(query, [list(oids)], ["oid[]"])
        self._places.load({-row["function"] for row in rows})
        for row in rows:
            oid = row["oid"] * sign
            source = self._places.relation(-row["function"])
            if source is not None and oid not in self.failed:
                edge = EdgeFacts(source, self._nodes[oid], DEPENDENCY, "CALLS", None, "catalog")
                self._add(evidence, oid, [edge])

    # -- columns ------------------------------------------------------------------

    def _generated(self, oids: Sequence[int]) -> None:
        for row in self._rows(queries.GENERATED, oids):
            oid = row["oid"]
            try:
                flow = analyser.stored_columns_flow(self._database, oid, row["tree"])
            except _BROKEN as error:
                self.failed[oid] = _reason(error)
                continue
            self._add("generated", oid, self._computed(oid, row, flow))

    def _computed(self, oid: int, row: Row, flow: Flow) -> Iterator[EdgeFacts]:
        for target in self._places.columns(oid, row["number"]):
            for source, how in (*flow.direct.items(), *flow.indirect):
                for column in self._places.columns(*source):
                    influence = "DIRECT" if how <= AGGREGATION else "INDIRECT"
                    kind = _TRANSFORMATIONS[how]
                    yield EdgeFacts(column, target, influence, kind, row["expression"])

    def _defaults(self, oids: Sequence[int]) -> None:
        rows = self._rows(queries.DEFAULTS, oids)
        self._places.load({-r["source"] if r["function"] else r["source"] for r in rows})
        for row in rows:
            source = self._places.relation(-row["source"] if row["function"] else row["source"])
            if source is not None:
                self._link("default", row, source, DEPENDENCY, "DEFAULT", row["expression"])

    def _link(
        self,
        evidence: str,
        row: Row,
        source: Key | int,
        influence: str,
        transformation: str,
        expression: str | None = None,
    ) -> None:
        """Add an edge from a node to a column that a row of the catalog names."""
        self._add(
            evidence,
            row["oid"],
            [
                EdgeFacts(source, target, influence, transformation, expression, "catalog")
                for target in self._places.columns(row["oid"], row["number"])
            ],
        )

    def _inherited(self, oids: Sequence[int]) -> None:
        rows = self._rows(queries.INHERITED, oids)
        self._places.load({row["parent"] for row in rows})
        for row in rows:
            evidence = "partition" if row["partition"] else "inheritance"
            parent = self._places.relation(row["parent"])
            if parent is None:
                continue
            edges = [EdgeFacts(parent, self._nodes[row["oid"]], DEPENDENCY, evidence.upper())]
            for source in self._places.columns(row["oid"], row["number"]):
                for target in self._places.columns(row["parent"], row["parent_number"]):
                    edges.append(EdgeFacts(source, target, "DIRECT", "IDENTITY"))
            self._add(evidence, row["oid"], (_by_catalog(edge) for edge in edges))

    def _foreign_keys(self, oids: Sequence[int]) -> None:
        rows = self._rows(queries.FOREIGN_KEYS, oids)
        self._places.load({row["source"] for row in rows})
        for row in rows:
            for source in self._places.columns(row["source"], row["source_number"]):
                self._link("foreign key", row, source, DEPENDENCY, "FOREIGN_KEY", row["name"])

    def _foreign_tables(self, oids: Sequence[int]) -> None:
        for row in self._rows(queries.FOREIGN_TABLES, oids):
            for number, field in foreign_fields(row):
                at = {"oid": row["oid"], "number": number}
                self._link("foreign table", at, field, "DIRECT", "IDENTITY")

    def _triggers(self, oids: Sequence[int]) -> None:
        rows = self._rows(queries.TRIGGERS, oids)
        self._places.load({-row["function"] for row in rows})
        for row in rows:
            function = self._places.relation(-row["function"])
            if function is None:
                continue
            table = self._nodes[row["oid"]]
            fired = [c for n in row["columns"] for c in self._places.columns(row["oid"], n)]
            edges = [
                EdgeFacts(source, function, "INDIRECT", "TRIGGER", row["name"], "catalog")
                for source in fired or [table]
            ]
            edges.append(EdgeFacts(function, table, DEPENDENCY, "TRIGGER", row["name"], "catalog"))
            self._add("trigger", row["oid"], edges)


def _kept(outputs: Sequence[Output], *, returns: bool) -> list[Output]:
    """Return what several statements write, and what the last one returns if that counts.

    What a query returns ends with the output of its row set.
    """
    kept: list[Output] = []
    returned: list[Output] = []
    complete = False
    for output in outputs:
        if output.relation is not None:
            kept.append(output)
            continue
        if complete:
            returned.clear()
        returned.append(output)
        complete = output.column is None
    return kept + returned if returns else kept


def _by_catalog(edge: EdgeFacts) -> EdgeFacts:
    return EdgeFacts(
        edge.source, edge.target, edge.influence, edge.transformation, edge.expression, "catalog"
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, PgLlmError):
        return error.message
    return f"its query tree cannot be read ({type(error).__name__}: {error})"
