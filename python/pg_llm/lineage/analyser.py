"""Lineage by the server's own analysis: exact, for everything that it accepts."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pg_llm.errors import DatabaseError, UndefinedObject
from pg_llm.lineage import deparsed, names, resolve, server
from pg_llm.lineage.edges import SCAN, WRITE, Edge, Transformation
from pg_llm.lineage.nodes import Node, parse
from pg_llm.lineage.resolve import (
    SCANNED,
    WHOLE_ROW,
    Computed,
    Context,
    Flow,
    JoinColumnsNeeded,
    Query,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pg_llm.database import Database
    from pg_llm.lineage.deparsed import Clause
    from pg_llm.lineage.names import Named
    from pg_llm.lineage.resolve import Source
    from pg_llm.lineage.statements import Statement

# Influence and transformation by the numbers of pg_llm.lineage.resolve.
_HOW: Final = tuple((kind.influence, kind) for kind in Transformation)
# Notes of this resolver alone; SCAN and WRITE are both resolvers'.
GENERATED: Final = "generated column"
DEFAULT: Final = "default"
HIDDEN: Final = "a source is hidden: the current role has no right on it"


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


def statement_edges(
    database: Database,
    statement: Statement,
    *,
    search_path: Sequence[str] | None = None,
    through_views: bool = False,
) -> list[Edge]:
    """Return the edges of a statement that carries a query.

    Raises `DatabaseError` where the server does not analyse it; its position
    counts in the whole text.
    """
    assert statement.query is not None  # noqa: S101
    try:
        analysed = server.analyse(database, statement.query, search_path)
    except DatabaseError as error:
        raise server.moved(error, statement.origin) from None
    target = created_name(database, statement) if statement.verb == "create" else None
    return tree_edges(
        database,
        analysed.tree,
        number=statement.number,
        target=target,
        columns=statement.columns,
        through_views=through_views,
        text=analysed.text,
        fresh=True,
    )


def relation_edges(
    database: Database, oid: int, *, number: int = 1, through_views: bool = False
) -> list[Edge]:
    """Return the edges of a view or materialised view, from its stored tree."""
    found = _stored_tree(database, oid)
    if found is None:
        raise UndefinedObject(
            "the relation is not a view or materialized view",
            hint="lineage_view reads the query that defines a view.",
        )
    named = names.relations(database, [oid])[oid]
    return tree_edges(
        database,
        found,
        number=number,
        target=named.name,
        columns=tuple(name or "" for name in named.columns),
        through_views=through_views,
        text=view_text(database, oid),
    )


def used_columns(database: Database, oid: int) -> set[tuple[str, str]]:
    """Return (relation, column) for every column that a view's query names.

    A subquery may compute a column that nobody reads: it is named, and has no
    edge. A whole row names no column, as in pg_depend.
    """
    tree = _stored_tree(database, oid)
    if tree is None:
        return set()
    context = Context()
    with _undisturbed():
        Query(parse(tree, join_columns=True)[0], context).rows()
        sources: set[Source] = set()
        # Resolving a query finds further ones inside of it.
        for query in context.queries:
            for flow in query.everything():
                sources.update(flow.direct, (source for source, _ in flow.indirect))
    relations = names.relations(database, {owner for owner, _ in sources if owner > 0})
    return {
        (named.name, column)
        for owner, number in sources
        if number not in (SCANNED, WHOLE_ROW) and (named := relations.get(owner)) is not None
        if (column := named.column(number)) is not None
    }


def tree_edges(
    database: Database,
    tree: str,
    *,
    number: int = 1,
    target: str | None = None,
    columns: Sequence[str] = (),
    through_views: bool = False,
    text: str | None = None,
    fresh: bool = False,
) -> list[Edge]:
    """Return the edges of a query tree; `target` takes what a bare query returns.

    `text`: the same in SQL as the server writes it, for the expressions.
    `fresh`: the tree was made just now, so the column names in it are right
    (those in a stored tree are from when it was stored).
    """
    with _undisturbed():
        outputs, context = tree_outputs(
            database, tree, target=target, columns=columns, through_views=through_views, text=text
        )
        return _named_edges(database, outputs, context, number, fresh=fresh)


def tree_outputs(
    database: Database,
    tree: str,
    *,
    target: str | None = None,
    columns: Sequence[str] = (),
    through_views: bool = False,
    text: str | None = None,
) -> tuple[list[Output], Context]:
    """Return what a query tree produces, by the numbers of relations and columns."""
    expressions = Expressions(text)
    with _undisturbed():
        for join_columns in (False, True):
            context = _context(database, through_views=through_views)
            try:
                outputs = [
                    output
                    for node in parse(tree, join_columns=join_columns)
                    for output in _outputs(Query(node, context), target, columns, expressions)
                ]
                break
            except JoinColumnsNeeded:
                context.release()
        context.release()
        return outputs, context


def stored_columns_flow(database: Database, relation: int, tree: str) -> Flow:
    """Return the sources of a stored expression over the columns of one relation."""
    with _undisturbed():
        return column_flow(relation, tree, _context(database, through_views=False))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Allow subqueries as deep as the server does, and no garbage collection meanwhile.

    A subquery is a recursion of ours; since Python 3.11 a Python call takes no
    C stack, so the limit is only a count. A tree is thousands of small objects
    that all live until the end: collecting between them finds nothing.
    """
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, 200_000))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.enable()


# -- what a query produces ----------------------------------------------------


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


def _outputs(
    query: Query, target: str | None, columns: Sequence[str], expressions: Expressions
) -> Iterator[Output]:
    for inner in query.written():
        yield from _written(inner, Expressions())
    if query.command != resolve.SELECT:
        yield from _written(query, expressions)
    yield from _returned(query, target, columns, expressions)


def _returned(
    query: Query, target: str | None, columns: Sequence[str], expressions: Expressions
) -> Iterator[Output]:
    """Yield what the query returns: its output, or RETURNING."""
    outputs = query.outputs
    selects = query.command == resolve.SELECT
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
            if query.command != resolve.INSERT:
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
        return found if found is not None and direct == {found: resolve.IDENTITY} else None


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
    rows.take(query.rows(), resolve.IDENTITY)
    updates = query.command == resolve.UPDATE
    texts = expressions.assigned("SET") if updates else expressions.outputs()
    yield from _assigned(query, target, query.node.nodes("targetList"), texts)
    for conflict in query.node.nodes("onConflict"):
        for element in conflict.nodes("arbiterElems"):
            query.walk(element, resolve.FILTER, rows)
        if constraint := conflict.number("constraint"):
            rows.take(_key_flow(target.relation, constraint, query.context), resolve.FILTER)
        for field in ("arbiterWhere", "onConflictWhere"):
            query.walk(conflict.one(field), resolve.FILTER, rows)
        texts = expressions.assigned("DO UPDATE SET")
        yield from _assigned(query, target, conflict.nodes("onConflictSet"), texts)
    for number, action in enumerate(query.node.nodes("mergeActionList")):
        query.walk(action.one("qual"), resolve.FILTER, rows)
        texts = expressions.action(number)
        yield from _assigned(query, target, action.nodes("targetList"), texts)
    yield from _computed(query, target)
    yield Output(target.relation, None, rows)


def _computed(query: Query, target: Written) -> Iterator[Output]:
    """Yield the columns that the relation itself computes: generated ones and defaults."""
    if query.command == resolve.DELETE:
        return
    relation = target.relation
    entries = query.node.nodes("targetList")
    inserts = query.command == resolve.INSERT
    for action in query.node.nodes("mergeActionList"):
        entries = entries + action.nodes("targetList")
        inserts = inserts or action.scalar("commandType") == resolve.INSERT
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
        query.walk(node, resolve.IDENTITY, flow)
    return flow


def _key_flow(relation: int, constraint: int, context: Context) -> Flow:
    """Return the columns of a unique or exclusion constraint."""
    columns, expressions = context.key(constraint)
    flow = column_flow(relation, expressions, context) if expressions else Flow()
    for column in columns:
        flow.add((relation, column), resolve.IDENTITY)
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
        query.walk(entry.one("expr"), resolve.IDENTITY, flow)
        relation, column = target.column(entry.number("resno"))
        yield Output(relation, column, flow, position, text)


def _matching(texts: Sequence[str], columns: Sequence[object]) -> Sequence[str | None]:
    """Return the texts if there is one for each column, else nothing for each."""
    return texts if len(texts) == len(columns) else [None] * len(columns)


# -- names --------------------------------------------------------------------


def _named_edges(
    database: Database, outputs: list[Output], context: Context, number: int, *, fresh: bool
) -> list[Edge]:
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


# -- the catalog --------------------------------------------------------------

_STORED: Final = """
select r.ev_action::pg_catalog.text as tree
from pg_catalog.pg_rewrite r
where r.ev_class operator(pg_catalog.=) $1::pg_catalog.oid
  and r.rulename operator(pg_catalog.=) '_RETURN'
"""
# Whether the current role has any right on all that a view reads: it is not
# led further than it may look. The system's own relations are public knowledge.
_VISIBLE_BASES: Final = """
select not exists (
    select
    from pg_catalog.pg_rewrite r
    join pg_catalog.pg_depend d
        on d.classid operator(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and d.objid operator(pg_catalog.=) r.oid
        and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjid operator(pg_catalog.<>) r.ev_class
        and d.refobjid operator(pg_catalog.>=) 16384
    where r.ev_class operator(pg_catalog.=) $1::pg_catalog.oid
      and not pg_catalog.has_any_column_privilege(
          d.refobjid, 'select, insert, update, references')
      and not pg_catalog.has_table_privilege(d.refobjid, 'delete, truncate, trigger')
) as visible
"""
_SAME_BITS: Final = """
select exists (
    select
    from pg_catalog.pg_cast c
    where c.castsource operator(pg_catalog.=) $1::pg_catalog.oid
      and c.casttarget operator(pg_catalog.=) $2::pg_catalog.oid
      and c.castmethod operator(pg_catalog.=) 'b'
) or exists (
    select
    from pg_catalog.pg_type t
    where t.oid operator(pg_catalog.=) any (array[$1, $2]::pg_catalog.oid[])
      and t.typbasetype operator(pg_catalog.=) any (array[$1, $2]::pg_catalog.oid[])
) as same
"""
_COMPUTED: Final = """
select
    a.attnum::pg_catalog.int4 as number,
    a.attgenerated operator(pg_catalog.<>) '' as generated,
    d.adbin::pg_catalog.text as tree,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression
from pg_catalog.pg_attribute a
left join pg_catalog.pg_attrdef d on d.adrelid operator(pg_catalog.=) a.attrelid
    and d.adnum operator(pg_catalog.=) a.attnum
where a.attrelid operator(pg_catalog.=) $1::pg_catalog.oid
  and not a.attisdropped
  and (a.atthasdef or a.attidentity operator(pg_catalog.<>) '')
order by a.attnum
"""
# A column of an exclusion constraint that is an expression has the number 0.
_KEY: Final = """
select
    array(
        select k.attnum::pg_catalog.int4
        from pg_catalog.unnest(c.conkey) k (attnum)
        where k.attnum operator(pg_catalog.<>) 0
    ) as columns,
    i.indexprs::pg_catalog.text as expressions
from pg_catalog.pg_constraint c
left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.conindid
where c.oid operator(pg_catalog.=) $1::pg_catalog.oid
"""
_VIEW_TEXT: Final = "select pg_catalog.pg_get_viewdef($1::pg_catalog.oid) as text"
_CREATED: Final = """
select
    pg_catalog.quote_ident($1::pg_catalog.text) as name,
    case when $2::pg_catalog.text is null then pg_catalog.quote_ident(pg_catalog.current_schema())
         else pg_catalog.quote_ident($2::pg_catalog.text) end as schema
"""


def _stored_tree(database: Database, oid: int) -> str | None:
    rows = database.execute(_STORED, [str(oid)])
    return rows[0]["tree"] if rows else None


def view_text(database: Database, oid: int) -> str | None:
    """Return a view's query as the server writes it, None where it is no view or broken."""
    try:
        text: str | None = database.execute(_VIEW_TEXT, [str(oid)])[0]["text"]
    except DatabaseError:
        # What it reads was dropped by force.
        return None
    if text is None or text == "Not a view":
        return None
    return text.rstrip().rstrip(";")


def computed_columns(database: Database, oid: int) -> list[tuple[str, Computed]]:
    """Return a relation's generated columns and defaults with their names."""
    named = names.relations(database, [oid]).get(oid)
    if named is None or not named.visible:
        return []
    found = _context(database, through_views=False).computed(oid)
    return [(named.column(column.number) or "", column) for column in found]


def _context(database: Database, *, through_views: bool) -> Context:
    def same_bits(given: int, wanted: int) -> bool:
        rows = database.execute(_SAME_BITS, [str(given), str(wanted)])
        return bool(rows[0]["same"])

    def computed(relation: int) -> list[Computed]:
        rows = database.execute(_COMPUTED, [str(relation)])
        return [Computed(r["number"], r["generated"], r["tree"], r["expression"]) for r in rows]

    def key(constraint: int) -> tuple[Sequence[int], str | None]:
        rows = database.execute(_KEY, [str(constraint)])
        return (rows[0]["columns"], rows[0]["expressions"]) if rows else ((), None)

    context = Context(None, same_bits, computed, key)
    if through_views:
        context.view = _view_reader(database, context)
    return context


def _view_reader(database: Database, context: Context) -> Callable[[int], Query | None]:
    """Return a function that gives a view's query, or None where its door is closed."""
    trees: dict[int, str | None] = {}

    def read(oid: int) -> Query | None:
        if oid not in trees:
            visible = database.execute(_VISIBLE_BASES, [str(oid)])[0]["visible"]
            trees[oid] = _stored_tree(database, oid) if visible else None
        tree = trees[oid]
        if tree is None:
            return None
        return Query(parse(tree, join_columns=True)[0], context)

    return read


def created_name(database: Database, statement: Statement) -> str | None:
    """Return the qualified name of the relation that a statement creates."""
    parts = statement.target
    if not parts:
        return None
    schema = "pg_temp" if statement.temporary else parts[-2] if len(parts) > 1 else None
    row = database.execute(_CREATED, [parts[-1], schema])[0]
    return f"{row['schema']}.{row['name']}" if row["schema"] else row["name"]
