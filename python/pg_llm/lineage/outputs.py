"""What a query produces: the columns that it returns, and those that it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pg_llm.lineage import deparsed, flows
from pg_llm.lineage.flows import SCANNED, Flow
from pg_llm.lineage.nodes import Node, parse
from pg_llm.lineage.resolve import Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.lineage.deparsed import Clause
    from pg_llm.lineage.flows import Source

# Notes of this resolver alone.
GENERATED: Final = "generated column"
DEFAULT: Final = "default"


class Output:
    """A column that a statement produces, with what flows into it.

    `relation` is an OID, a name, or None for the output of a bare query;
    `column` an attribute number or a name, None for the whole row set.
    """

    __slots__ = ("column", "expression", "flow", "note", "position", "relation")

    def __init__(
        self,
        relation: int | str | None,
        column: int | str | None,
        flow: Flow,
        position: int | None = None,
        expression: str | None = None,
        note: str | None = None,
    ) -> None:
        self.relation = relation
        self.column = column
        self.flow = flow
        self.position = position
        self.expression = expression
        self.note = note


class Expressions:
    """The expressions of a statement's columns, as the server writes them."""

    def __init__(self, text: str | None = None) -> None:
        self._text = text or ""
        self._found: list[Clause] | None = None

    @property
    def _clauses(self) -> list[Clause]:
        if self._found is None:
            self._found = deparsed.clauses(self._text) if self._text else []
        return self._found

    def selected(self) -> Sequence[str]:
        """Return those of a plain SELECT."""
        return deparsed.outputs(deparsed.clauses(self._text, head=True)) if self._text else ()

    def outputs(self) -> Sequence[str]:
        """Return those of a query's output, or of what INSERT stores."""
        return deparsed.outputs(self._clauses)

    def returned(self) -> Sequence[str]:
        """Return those of RETURNING."""
        return deparsed.returned(self._clauses)

    def assigned(self, keyword: str) -> Sequence[str]:
        """Return those of SET, or of DO UPDATE SET."""
        for clause in self._clauses:
            if clause.keyword == keyword:
                return deparsed.assignments(clause.items)
        return ()

    def action(self, number: int) -> Sequence[str]:
        """Return those of an action of MERGE, counted from 0."""
        actions = deparsed.merge_actions(self._clauses)
        return actions[number] if number < len(actions) else ()


def produced(
    query: Query, target: str | None, columns: Sequence[str], expressions: Expressions
) -> Iterator[Output]:
    """Yield what a query writes and returns; `target` and `columns` name what it returns."""
    for inner in query.written():
        yield from _written(inner, Expressions())
    if query.command != flows.SELECT:
        yield from _written(query, expressions)
    yield from _returned(query, target, columns, expressions)


def _returned(
    query: Query, target: str | None, columns: Sequence[str], expressions: Expressions
) -> Iterator[Output]:
    """Yield what the query returns: its output, or RETURNING."""
    outputs = query.outputs
    selects = query.command == flows.SELECT
    if not outputs and not selects:
        return
    if not selects:
        texts = expressions.returned()
    elif query.node.one("setOperations") is None:
        texts = expressions.selected()
    else:
        texts = expressions.outputs()
    for position, (entry, text) in enumerate(
        zip(outputs, _matching(texts, outputs), strict=True), 1
    ):
        name = columns[position - 1] if position <= len(columns) else entry.name
        yield Output(target, name, query.output(position), position, text)
    rows = query.rows() if selects else query.returned_rows()
    yield Output(target, None, rows)


class Written:
    """The relation that a statement writes; behind an updatable view, its table."""

    def __init__(self, query: Query) -> None:
        self._number = query.node.number("resultRelation")
        table = query.tables[self._number - 1]
        self._named = table.number("relid")
        query.context.entry(self._named, table)
        self._view = _updatable(query.view(self._number))
        self.relation = self._named
        self.rows = Flow()
        if self._view is not None:
            base = next((self._base(output.number) for output in self._view.outputs), None)
            self.relation = base[0] if base is not None else self._named
            if query.command != flows.INSERT:
                inner = self._view.rows().indirect
                self.rows.indirect.update((k, None) for k in inner if k[0][1] != SCANNED)

    def column(self, number: int) -> Source:
        """Return the relation and the column that a column of the target stands for."""
        return self._base(number) or (self._named, number)

    def _base(self, number: int) -> Source | None:
        if self._view is None:
            return None
        direct = self._view.output(number).direct
        found = next(iter(direct), None)
        return found if found is not None and direct == {found: flows.IDENTITY} else None


def _updatable(view: Query | None) -> Query | None:
    """Return the view's query if the server would write through it: one relation, plain."""
    if view is None or view.node.one("setOperations") or view.node.one("groupClause"):
        return None
    tree = view.node.one("jointree")
    from_list = tree.nodes("fromlist") if tree is not None else []
    return view if [node.kind for node in from_list] == ["RANGETBLREF"] else None


def _written(query: Query, expressions: Expressions) -> Iterator[Output]:
    """Yield what INSERT, UPDATE, DELETE or MERGE changes."""
    target = Written(query)
    rows = target.rows
    rows.take(query.rows(), flows.IDENTITY)
    updates = query.command == flows.UPDATE
    texts = expressions.assigned("SET") if updates else expressions.outputs()
    yield from _assigned(query, target, query.node.nodes("targetList"), texts)
    for conflict in query.node.nodes("onConflict"):
        for element in conflict.nodes("arbiterElems"):
            query.walk(element, flows.FILTER, rows)
        if constraint := conflict.number("constraint"):
            rows.take(_key_flow(target.relation, constraint, query.context), flows.FILTER)
        for field in ("arbiterWhere", "onConflictWhere"):
            query.walk(conflict.one(field), flows.FILTER, rows)
        texts = expressions.assigned("DO UPDATE SET")
        yield from _assigned(query, target, conflict.nodes("onConflictSet"), texts)
    for number, action in enumerate(query.node.nodes("mergeActionList")):
        query.walk(action.one("qual"), flows.FILTER, rows)
        texts = expressions.action(number)
        yield from _assigned(query, target, action.nodes("targetList"), texts)
    yield from _computed(query, target)
    yield Output(target.relation, None, rows)


def _computed(query: Query, target: Written) -> Iterator[Output]:
    """Yield the columns that the relation itself computes: generated ones and defaults."""
    if query.command == flows.DELETE:
        return
    relation = target.relation
    entries = query.node.nodes("targetList")
    inserts = query.command == flows.INSERT
    for action in query.node.nodes("mergeActionList"):
        entries = entries + action.nodes("targetList")
        inserts = inserts or action.scalar("commandType") == flows.INSERT
    for conflict in query.node.nodes("onConflict"):
        entries = entries + conflict.nodes("onConflictSet")
    changed = {target.column(entry.number("resno"))[1] for entry in entries}
    for column in query.context.computed(relation):
        flow = (
            column_flow(relation, column.tree or "", query.context) if column.generated else Flow()
        )
        bases = {number for _, number in flow.direct} | {s[1] for s, _ in flow.indirect}
        if column.generated and (inserts or bases & changed):
            yield Output(relation, column.number, flow, None, column.expression, GENERATED)
        elif not column.generated and inserts and column.number not in changed:
            yield Output(relation, column.number, flow, None, column.expression, DEFAULT)


def column_flow(relation: int, tree: str, context: Context) -> Flow:
    """Return the sources of an expression over the columns of one relation."""
    entry = f"{{RANGETBLENTRY :rtekind 0 :relid {relation} :relkind r}}"
    query = Query(parse(f"{{QUERY :commandType 1 :rtable ({entry})}}")[0], context)
    flow = Flow()
    for node in parse(tree):
        query.walk(node, flows.IDENTITY, flow)
    return flow


def _key_flow(relation: int, constraint: int, context: Context) -> Flow:
    """Return the columns of a unique or exclusion constraint."""
    columns, expressions = context.key(constraint)
    flow = column_flow(relation, expressions, context) if expressions else Flow()
    for column in columns:
        flow.add((relation, column), flows.IDENTITY)
    return flow


def _assigned(
    query: Query, target: Written, entries: Sequence[Node], texts: Sequence[str]
) -> Iterator[Output]:
    query.assigning(entries)
    entries = [entry for entry in entries if not entry.flag("resjunk")]
    for position, (entry, text) in enumerate(
        zip(entries, _matching(texts, entries), strict=True), 1
    ):
        flow = Flow()
        query.walk(entry.one("expr"), flows.IDENTITY, flow)
        relation, column = target.column(entry.number("resno"))
        yield Output(relation, column, flow, position, text)


def _matching(texts: Sequence[str], columns: Sequence[object]) -> Sequence[str | None]:
    """Return the texts if there is one for each column, else nothing for each."""
    return texts if len(texts) == len(columns) else [None] * len(columns)
