"""From an analysed query tree to the sources of each of its columns.

Sources are numbers (`pg_llm.lineage.flows`); names are looked up at the end,
once for all of them (`pg_llm.lineage.names`).

Everything is resolved on demand and remembered: a subquery's column that
nobody asks for costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.lineage import columns, expressions
from pg_llm.lineage.flows import (
    CTE,
    EXCEPT,
    FILTER,
    FUNCTION,
    GROUP_BY,
    IDENTITY,
    INSERT,
    JOIN,
    MERGE,
    NOTHING,
    RELATION,
    SCANNED,
    SELECT,
    SORT,
    SUBQUERY,
    TABLEFUNC,
    TRANSFORMATION,
    UNION,
    VALUES,
    WHOLE_ROW,
    WINDOW,
    Flow,
    Target,
    merged,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pg_llm.lineage.flows import Source
    from pg_llm.lineage.nodes import Node


@dataclass(frozen=True, slots=True)
class Computed:
    """A column that its relation computes: generated always, or by default.

    An identity column has neither tree nor expression.
    """

    number: int
    generated: bool
    tree: str | None
    expression: str | None


class Context:
    """What all queries of one statement share.

    `view` gives the query of a view's OID where views shall be walked
    through. `same_bits` tells whether a cast from one type to another leaves
    the value alone. `computed` gives the columns that a relation computes,
    `key` the columns of a constraint and a tree of the expressions in it.
    """

    def __init__(
        self,
        view: Callable[[int], Query | None] | None = None,
        same_bits: Callable[[int, int], bool] = lambda _given, _wanted: False,
        computed: Callable[[int], Sequence[Computed]] = lambda _relation: (),
        key: Callable[[int], tuple[Sequence[int], str | None]] = lambda _constraint: ((), None),
    ) -> None:
        self.view = view
        self.same_bits = same_bits
        self.computed = computed
        self.key = key
        # Names of columns that only the statement itself declares.
        self.function_columns: dict[Source, str] = {}
        self.declared: set[Source] = set()
        # An entry of the range table for each relation: its column names.
        self.entries: dict[int, Node] = {}
        self.queries: list[Query] = []
        # Kinds of nodes and range-table entries that we have never heard of.
        self.unknown: dict[str, None] = {}

    def release(self) -> None:
        """Let go of all queries: they refer to each other, and to this."""
        for query in self.queries:
            query.__dict__.clear()
        self.queries.clear()
        self.view = None

    def entry(self, relation: int, table: Node) -> None:
        """Remember where a relation's column names stand, unless they are aliases."""
        if relation not in self.entries:
            alias = table.one("alias")
            if alias is None or ":colnames <>" in alias.text:
                self.entries[relation] = table


class Query:
    """One query level: its range table is the scope of its Vars."""

    def __init__(self, node: Node, context: Context, parent: Query | None = None) -> None:
        self.node = node
        self.context = context
        self.parent = parent
        self.command = node.scalar("commandType") or SELECT
        context.queries.append(self)
        self.tables = node.nodes("rtable")
        self._kinds = [table.scalar("rtekind") for table in self.tables]
        self._relids: dict[int, int] = {}
        self._excluded_table = self._excludes()
        self._targets: list[Target] | None = None
        self._outputs: list[Target] | None = None
        self._by_reference: dict[str | None, Target] | None = None
        self._columns: dict[int, Flow] = {}
        self._table_columns: dict[Source, Flow] = {}
        self._rows: Flow | None = None
        self._subqueries: dict[int, Query] = {}
        self._ctes: dict[str, Query | Fixpoint] = {}
        self._windows: dict[str, Flow] = {}
        self._multiple: dict[int, Query] = {}

    # -- the query seen from outside ------------------------------------------

    @property
    def targets(self) -> list[Target]:
        """The target list, with its hidden entries."""
        if self._targets is None:
            self._targets = [Target(entry) for entry in self.node.nodes("targetList")]
        return self._targets

    @property
    def outputs(self) -> list[Target]:
        """What the query returns: its target list, or RETURNING."""
        if self._outputs is None:
            if self.command != SELECT:
                self._outputs = [Target(entry) for entry in self.node.nodes("returningList")]
            else:
                self._outputs = [target for target in self.targets if not target.junk]
        return self._outputs

    def output(self, number: int) -> Flow:
        """Return what makes output column `number` (from 1)."""
        flow = self._columns.get(number)
        if flow is None:
            flow = self._columns[number] = self._output(number)
        return flow

    def _output(self, number: int) -> Flow:
        operation = self.node.one("setOperations")
        flow = Flow()
        if operation is not None:
            wanted = operation.numbers("colTypes")
            for leaf in self._leaves(operation, passing=True):
                how = self._leaf_cast(leaf, number, wanted[number - 1])
                flow.take(self.table_column(leaf, number), how)
            return flow
        outputs = self.outputs
        if number > len(outputs):
            return NOTHING
        self.walk(outputs[number - 1].expression, IDENTITY, flow)
        return flow

    def _leaf_cast(self, leaf: int, number: int, wanted: int) -> int:
        """Tell how a branch's column becomes the type of the set operation.

        The planner adds the cast, so the tree does not show it.
        """
        query = self.subquery(leaf)
        operation = query.node.one("setOperations")
        if operation is not None:
            given = operation.numbers("colTypes")[number - 1]
        else:
            given = expressions.type_of(query.outputs[number - 1].expression)
        if not given or given == wanted or self.context.same_bits(given, wanted):
            return IDENTITY
        return TRANSFORMATION

    def rows(self) -> Flow:
        """Return what decides which rows the query has (all of it indirect)."""
        if self._rows is None:
            self._rows = self._row_set()
        return self._rows

    def returned_rows(self) -> Flow:
        """Return what decides the rows of RETURNING: those of the relation that is written.

        What was only scanned stands with that relation.
        """
        flow = Flow()
        flow.indirect = {key: None for key in self.rows().indirect if key[0][1] != SCANNED}
        table = self.tables[self.node.number("resultRelation") - 1]
        flow.add((table.number("relid"), SCANNED), JOIN)
        return flow

    def _row_set(self) -> Flow:
        flow = Flow()
        node = self.node
        tree = node.one("jointree")
        if tree is not None:
            self._from(tree, flow)
        if node.children is None:
            return flow
        for field in ("havingQual", "limitOffset", "limitCount", "mergeJoinCondition"):
            if field in node.children:
                how = JOIN if field == "mergeJoinCondition" else FILTER
                self.walk(node.one(field), how, flow)
        self._clauses("groupClause", GROUP_BY, flow)
        self._clauses("sortClause", SORT, flow)
        distinct_on = node.flag("hasDistinctOn")
        self._clauses("distinctClause", SORT if distinct_on else GROUP_BY, flow)
        if node.flag("hasTargetSRFs"):
            self._set_returning(flow)
        operation = node.one("setOperations")
        if operation is not None:
            self._set_operation(operation, flow)
        return flow

    def everything(self) -> Iterator[Flow]:
        """Yield all that the query reads, also for columns that nobody asks for."""
        for entry in self.node.nodes("cteList"):
            self._named_cte(entry)
        yield self.rows()
        self.assigning(self.node.nodes("targetList"))
        for target in self.targets:
            flow = Flow()
            self.walk(target.expression, IDENTITY, flow)
            yield flow
        for output in self.outputs:
            yield self.output(output.number)

    # -- FROM -----------------------------------------------------------------

    def _from(self, tree: Node, flow: Flow) -> None:
        """Add what FROM and WHERE decide: a walk over FromExpr and JoinExpr."""
        where = JOIN if self.command == MERGE else FILTER
        written = self.node.number("resultRelation") if self.command != SELECT else 0
        stack = [tree]
        while stack:
            node = stack.pop()
            if node.kind == "RANGETBLREF":
                table = node.number("rtindex")
                if table != written:
                    self._table_rows(table, flow)
                continue
            quals = node.one("quals")
            if quals is not None:
                self.walk(quals, JOIN if node.kind == "JOINEXPR" else where, flow)
            for field in ("rarg", "larg"):
                stack.extend(node.nodes(field))
            stack.extend(reversed(node.nodes("fromlist")))

    def _table_rows(self, number: int, flow: Flow) -> None:
        """Add what decides the rows of one range-table entry."""
        table = self.tables[number - 1]
        kind = self._kinds[number - 1]
        if kind == RELATION:
            inner = self.view(number)
            if inner is None:
                flow.add((self._relid(number), SCANNED), JOIN)
            else:
                flow.take(inner.rows(), IDENTITY)
            self.walk(table.one("tablesample"), FILTER, flow)
        elif kind == SUBQUERY:
            flow.take(self.subquery(number).rows(), IDENTITY)
        elif kind == CTE:
            query = self.cte(table)
            if isinstance(query, Query) and query.command != SELECT:
                flow.take(query.returned_rows(), IDENTITY)
            else:
                flow.take(query.rows(), IDENTITY)
        elif kind == FUNCTION:
            for function in table.nodes("functions"):
                expression = function.one("funcexpr")
                if expression is not None and expression.kind == "FUNCEXPR":
                    flow.add((-expression.number("funcid"), SCANNED), JOIN)
                self.walk(expression, JOIN, flow)
        elif kind == TABLEFUNC:
            self.walk(table.one("tablefunc"), JOIN, flow)
        elif kind == VALUES:
            self._values_rows(table, flow)

    def _values_rows(self, table: Node, flow: Flow) -> None:
        """VALUES has as many rows as it lists; only sublinks in it read anything more."""

    def subquery(self, number: int) -> Query:
        """Return the query of a subquery's range-table entry."""
        found = self._subqueries.get(number)
        if found is None:
            node = self.tables[number - 1].one("subquery")
            assert node is not None  # noqa: S101
            found = self._subqueries[number] = Query(node, self.context, self)
        return found

    def view(self, number: int) -> Query | None:
        """Return the query of a view that shall be walked through."""
        view = self.context.view
        table = self.tables[number - 1]
        if view is None or table.scalar("relkind") not in ("v", "m"):
            return None
        found = self._subqueries.get(number)
        if found is None:
            found = view(table.number("relid"))
            if found is not None:
                self._subqueries[number] = found
        return found

    def cte(self, table: Node) -> Query | Fixpoint:
        """Return what a reference to a WITH query stands for."""
        scope = self.up(table.number("ctelevelsup"))
        name = table.string("ctename") or ""
        found = scope._ctes.get(name)
        if found is None:
            entries = scope.node.nodes("cteList")
            found = scope._named_cte(next(e for e in entries if e.string("ctename") == name))
        return found

    def _named_cte(self, entry: Node) -> Query | Fixpoint:
        name = entry.string("ctename") or ""
        found = self._ctes.get(name)
        if found is None and entry.flag("cterecursive"):
            # It is there before it is resolved: it refers to itself.
            found = self._ctes[name] = recursive = Fixpoint(self, entry)
            recursive.run()
        elif found is None:
            found = self._ctes[name] = self._cte_query(entry)
        return found

    def _cte_query(self, entry: Node) -> Query:
        node = entry.one("ctequery")
        assert node is not None  # noqa: S101
        return Query(node, self.context, self)

    def written(self) -> Iterator[Query]:
        """Yield the data-modifying WITH queries of this level."""
        for entry in self.node.nodes("cteList"):
            query = entry.one("ctequery")
            if query is not None and query.scalar("commandType") != SELECT:
                found = self._named_cte(entry)
                if isinstance(found, Query):
                    yield found

    def up(self, levels: int) -> Query:
        """Return the scope `levels` further out."""
        scope = self
        for _ in range(levels):
            if scope.parent is None:
                raise LookupError("a Var points outside of its statement")
            scope = scope.parent
        return scope

    # -- columns of the range table -------------------------------------------

    def table_column(self, table: int, column: int) -> Flow:
        """Return what makes a column of a range-table entry (0: the whole row)."""
        key = (table, column)
        flow = self._table_columns.get(key)
        if flow is None:
            flow = self._table_columns[key] = self._table_column(table, column)
        return flow

    def _table_column(self, number: int, column: int) -> Flow:
        table = self.tables[number - 1]
        kind = self._kinds[number - 1]
        if kind == RELATION:
            return self._relation_column(number, column)
        if column == WHOLE_ROW:
            return self._whole_row(table, number)
        if kind == SUBQUERY:
            return self.subquery(number).output(column)
        if kind == CTE:
            return self.cte(table).output(column)
        resolve = columns.TABLE_COLUMNS.get(kind or "")
        if resolve is None:
            self.context.unknown[f"range-table entry of kind {kind}"] = None
            return NOTHING
        return resolve(self, table, column)

    def _relation_column(self, number: int, column: int) -> Flow:
        if number == self._excluded_table:
            return self._excluded(column)
        view = self.view(number)
        if view is not None and column >= 0:
            if column:
                return view.output(column)
            return merged((view.output(o.number) for o in view.outputs), TRANSFORMATION)
        flow = Flow()
        flow.direct[self._relid(number), column] = IDENTITY if column else TRANSFORMATION
        return flow

    def _relid(self, number: int) -> int:
        """Return the relation of a range-table entry."""
        relation = self._relids.get(number)
        if relation is None:
            table = self.tables[number - 1]
            relation = self._relids[number] = table.number("relid")
            self.context.entry(relation, table)
        return relation

    def _excludes(self) -> int:
        """Return the range-table entry that stands for EXCLUDED, 0 without one."""
        conflict = self.node.one("onConflict") if self.command == INSERT else None
        number = conflict.number("exclRelIndex") if conflict is not None else 0
        return number if number != self.node.number("resultRelation") else 0

    def _excluded(self, column: int) -> Flow:
        """EXCLUDED.column is what INSERT would have stored."""
        flow = Flow()
        for target in self.targets:
            if target.number == column or column == WHOLE_ROW:
                self.walk(target.expression, IDENTITY if column else TRANSFORMATION, flow)
        return flow

    def _whole_row(self, table: Node, number: int) -> Flow:
        eref = table.one("eref")
        count = len(eref.strings("colnames")) if eref is not None else 0
        return merged(
            (self.table_column(number, column) for column in range(1, count + 1)), TRANSFORMATION
        )

    # -- clauses --------------------------------------------------------------

    def referenced(self, reference: str | None) -> Target | None:
        """Return the target list's entry that a sort or group clause names."""
        if self._by_reference is None:
            self._by_reference = {target.reference: target for target in self.targets}
            self._by_reference.pop("0", None)
            self._by_reference.pop(None, None)
        return self._by_reference.get(reference)

    def _clauses(self, field: str, how: int, flow: Flow) -> None:
        for clause in self.node.nodes(field):
            target = self.referenced(clause.scalar("tleSortGroupRef"))
            if target is None:
                continue
            if target.junk or self.command != SELECT:
                self.walk(target.expression, how, flow)
            else:
                flow.take(self.output(target.number), how)

    def _set_returning(self, flow: Flow) -> None:
        """Arguments of set-returning functions in the target list decide how many rows."""
        for target in self.targets:
            if target.expression is None:
                continue
            stack = [target.expression]
            while stack:
                node = stack.pop()
                if "retset true" in node.text:
                    self.walk(node, JOIN, flow)
                elif node.kind != "SUBLINK":
                    stack.extend(node.every())

    def _leaves(self, operation: Node, *, passing: bool = False) -> Iterator[int]:
        """Yield the leaf queries of a set operation; `passing`: whose values pass through."""
        stack: list[Node | None] = [operation]
        while stack:
            node = stack.pop()
            if node is None:
                continue
            if node.kind == "RANGETBLREF":
                yield node.number("rtindex")
                continue
            if not passing or node.scalar("op") != EXCEPT:
                stack.append(node.one("rarg"))
            stack.append(node.one("larg"))

    def _set_operation(self, operation: Node, flow: Flow) -> None:
        """Rows of all leaves, and the columns that are compared to find equal rows."""
        for leaf in self._leaves(operation):
            flow.take(self.subquery(leaf).rows(), IDENTITY)
        width = len(operation.numbers("colTypes"))
        stack: list[Node] = [operation]
        while stack:
            node = stack.pop()
            union = node.scalar("op") == UNION
            if not union or not node.flag("all"):
                for leaf in self._leaves(node):
                    for column in range(1, width + 1):
                        flow.take(self.table_column(leaf, column), GROUP_BY if union else FILTER)
            for side in ("rarg", "larg"):
                inner = node.one(side)
                if inner is not None and inner.kind == "SETOPERATIONSTMT":
                    stack.append(inner)

    def window(self, reference: str) -> Flow:
        """Return what PARTITION BY, ORDER BY and the frame of a window read."""
        flow = self._windows.get(reference)
        if flow is None:
            flow = self._windows[reference] = Flow()
            for clause in self.node.nodes("windowClause"):
                if clause.scalar("winref") == reference:
                    self._window(clause, flow)
        return flow

    def _window(self, clause: Node, flow: Flow) -> None:
        for field in ("partitionClause", "orderClause"):
            for key in clause.nodes(field):
                target = self.referenced(key.scalar("tleSortGroupRef"))
                if target is not None:
                    self.walk(target.expression, WINDOW, flow)
        for field in ("startOffset", "endOffset"):
            self.walk(clause.one(field), WINDOW, flow)

    # -- expressions ----------------------------------------------------------

    walk = expressions.walk

    def nested(self, node: Node) -> Query:
        """Return a query that stands in an expression of this one."""
        return Query(node, self.context, self)

    def assigned(self, sublink: int) -> Query | None:
        """Return the query of SET (a, b) = (SELECT …) by its sublink's number."""
        return self._multiple.get(sublink)

    def assigning(self, entries: Iterable[Node]) -> None:
        """Say which target list is resolved next: sublinks are numbered in each."""
        self._multiple = {}
        for entry in entries:
            link = entry.one("expr")
            if link is not None and link.kind == "SUBLINK" and entry.flag("resjunk"):
                query = link.one("subselect")
                if query is not None:
                    self._multiple[link.number("subLinkId")] = Query(query, self.context, self)


class Fixpoint:
    """A recursive WITH query: resolved again until nothing is added."""

    def __init__(self, scope: Query, entry: Node) -> None:
        self._scope = scope
        self._entry = entry
        self._names = entry.strings("ctecolnames")
        query = scope._cte_query(entry)
        self.outputs = query.outputs
        self._columns = [Flow() for _ in self.outputs]
        self._rows = Flow()

    def run(self) -> None:
        """Resolve until two rounds agree; sources only ever grow, so they do."""
        while True:
            query = self._scope._cte_query(self._entry)
            columns = [query.output(target.number) for target in self.outputs]
            rows = query.rows()
            stable = rows.same_as(self._rows) and all(
                new.same_as(old) for new, old in zip(columns, self._columns, strict=True)
            )
            self._columns, self._rows = columns, rows
            if stable:
                return

    def output(self, number: int) -> Flow:
        """Return what makes column `number`; the last ones may be SEARCH's and CYCLE's."""
        if number <= len(self._columns):
            return self._columns[number - 1]
        flow = Flow()
        for clause, field in (
            ("search_clause", "search_col_list"),
            ("cycle_clause", "cycle_col_list"),
        ):
            node = self._entry.one(clause)
            if node is not None and self._made_by(node, number):
                for name in node.strings(field):
                    flow.take(self._columns[self._names.index(name)], TRANSFORMATION)
        return flow

    def _made_by(self, clause: Node, number: int) -> bool:
        name = self._names[number - 1] if number <= len(self._names) else None
        return name in {
            clause.string(field)
            for field in ("search_seq_column", "cycle_mark_column", "cycle_path_column")
        }

    def rows(self) -> Flow:
        """Return what decides the rows."""
        return self._rows
