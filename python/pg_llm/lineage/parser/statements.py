"""Statements: from the columns that are read to the columns that are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.parser.flows import (
    FILTER,
    IDENTITY,
    JOIN,
    NOTHING,
    TRANSFORMATION,
    Flow,
    add,
    demote,
    merged,
)
from pg_llm.lineage.parser.queries import Queries
from pg_llm.lineage.parser.relations import STAR, Column, Item, Relation, Scope, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.lineage.parser.relations import Cte


class Written:
    """What one statement writes: columns of one target, and what decides its rows.

    `target` None is the output of a bare query. `created`: the statement makes
    the target, with these columns.
    """

    __slots__ = ("columns", "created", "rows", "target")

    def __init__(
        self,
        target: str | None,
        columns: Sequence[Column] = (),
        rows: Flow = NOTHING,
        *,
        created: bool = False,
    ) -> None:
        self.target = target
        self.columns = list(columns)
        self.rows = rows
        self.created = created


class Statements(Queries):
    """Resolves any statement; `written` collects what it writes, in order."""

    def resolve(self, node: exp.Expr) -> list[Written]:
        """Return what a statement writes."""
        self.written: list[Written] = []
        if isinstance(node, (exp.Query, exp.Subquery, exp.Values)):
            self.read(node)
        else:
            relation = self.query(node, None)
            if relation.columns:
                # The rows of RETURNING are those that were changed: what was
                # only scanned stands with the changed relation.
                rows = {source: bits for source, bits in relation.rows.items() if source[1]}
                self.written.append(Written(None, relation.star(), rows))
        return self.written

    def read(self, node: exp.Expr) -> None:
        """Add the output of a query, or of SELECT INTO."""
        relation = self.query(node, None)
        first: Any = node
        while isinstance(first, (exp.SetOperation, exp.Subquery)):
            first = first.args["this"]
        into = first.args.get("into")
        target = None
        if into is not None and isinstance(into.args.get("this"), exp.Table):
            target = self.created_name(into.args["this"], bool(into.args.get("temporary")))
        self.written.append(
            Written(target, relation.star(), relation.rows, created=target is not None)
        )

    def statement(self, node: exp.Expr, scope: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Resolve a statement that is not a query; return what it yields."""
        resolve = _STATEMENTS.get(type(node))
        if resolve is None:
            return Relation([], self.dialect.key)
        inside = Scope(scope, ctes)
        relation: Relation = resolve(self, node, inside)
        return relation

    # ---- targets ----------------------------------------------------------------

    def created_name(self, node: exp.Expr, temporary: bool) -> str:
        """Return the shown name of a relation that is created."""
        parts = self.parts(node)
        schema = "pg_temp" if temporary else self.catalog.current
        if self.dialect.postgres and len(parts) == 1 and schema is not None:
            parts = [schema, *parts]
        return self.dialect.shown(parts)

    def target_name(self, node: exp.Expr) -> str:
        """Return the shown name of a relation that is written."""
        parts = self.parts(node)
        found = self.catalog.find(parts)
        return self.dialect.shown(parts) if found is None else found[0]

    def target(self, node: exp.Expr, scope: Scope) -> Table:
        """Return the relation that is written, visible under its alias."""
        doubts = set(self.doubts)
        table = self.base(self.parts(node))
        self.doubts = doubts
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("this") is not None:
            scope.aliases[self.dialect.key(self.name(alias.args["this"]))] = table
        else:
            parts = [self.dialect.key(part) for part in self.parts(node)]
            for start in range(len(parts)):
                scope.aliases[".".join(parts[start:])] = table
        return table

    def column_of(self, table: Table, name: str) -> str:
        """Return a target column's name as the catalog has it."""
        return (table.names or {}).get(self.dialect.key(name), name)

    def returning(self, node: exp.Expr, scope: Scope) -> Relation:
        """Return what RETURNING yields."""
        clause = node.args.get("returning")
        if clause is None:
            return Relation([], self.dialect.key)
        columns, rest = self.outputs(clause.args["expressions"], scope)
        return Relation(columns, self.dialect.key, scope.rows, rest)

    # ---- insert -----------------------------------------------------------------

    def insert(self, node: exp.Insert, scope: Scope) -> Relation:
        """Resolve INSERT … VALUES, SELECT, DEFAULT VALUES, with ON CONFLICT."""
        this = node.args["this"]
        names: list[str] = []
        if isinstance(this, exp.Schema):
            names = [self.target_column(part) for part in this.expressions]
            this = this.args["this"]
        if not isinstance(this, exp.Table) or not isinstance(this.this, exp.Identifier):
            return self.directory(node, scope)
        table = self.target(this, scope)
        names = [self.column_of(table, name) for name in names]
        source = self.inserted(node, scope)
        columns = self.assigned(table, names, source.star(), this, bool(node.args.get("by_name")))
        scope.rows = merged(source.rows)
        partial = self.extras.partial if self.extras is not None else ()
        columns = [
            (name, self.part_of(flow) if name in partial else flow) for name, flow in columns
        ]
        updates = self.conflict(node, table, columns, scope)
        self.written.append(Written(table.name, columns, updates.rows))
        if updates.columns:
            self.written.append(Written(table.name, updates.columns))
        scope.items = [table]
        return self.returning(node, scope)

    def target_column(self, node: exp.Expr) -> str:
        """Return the name of a column in a target list."""
        part: Any = node
        while not isinstance(part, exp.Identifier):
            if isinstance(part, exp.Column) and self.is_field(part):
                part = _first(part)
            else:
                part = part.args["this"]
        return self.name(part)

    def directory(self, node: exp.Insert, scope: Scope) -> Relation:
        """Resolve an INSERT into something that is not a relation."""
        source = self.inserted(node, scope)
        self.written.append(Written(None, source.star(), source.rows))
        return Relation([], self.dialect.key)

    def inserted(self, node: exp.Insert, scope: Scope) -> Relation:
        """Return the rows that are inserted."""
        expression = node.args.get("expression")
        if isinstance(expression, exp.Expr):
            return self.query(expression, scope.parent, scope.ctes)
        source = node.args.get("source")
        if isinstance(source, exp.Expr):
            item = self.from_item(source, Scope(scope.parent, scope.ctes))
            return Relation(item.star(), self.dialect.key, rest=item.opens())
        return Relation([], self.dialect.key)

    def assigned(
        self,
        table: Table,
        names: Sequence[str],
        source: Sequence[Column],
        node: exp.Expr,
        by_name: bool,
    ) -> list[Column]:
        """Return the source's columns under the names of the target's."""
        if not names and table.names is not None and not by_name:
            static = self.static_partition(node)
            names = [name for key, name in table.names.items() if key not in static]
        if any(name == STAR for name, _ in source):
            self.doubts.add("positions after a star")
            return list(source)
        if not names:
            return list(source)
        return [(name, flow) for name, (_, flow) in zip(names, source, strict=False)]

    def static_partition(self, node: exp.Expr) -> set[str]:
        """Return the partition columns that the statement itself gives a value."""
        partition = node.args.get("partition")
        if partition is None:
            return set()
        return {
            self.dialect.key(self.name(part.this.args["this"]))
            for part in partition.expressions
            if isinstance(part, exp.EQ) and isinstance(part.this, exp.Column)
        }

    def conflict(
        self, node: exp.Insert, table: Table, columns: list[Column], scope: Scope
    ) -> Relation:
        """Return what ON CONFLICT DO UPDATE or ON DUPLICATE KEY UPDATE assigns."""
        rows = merged(scope.rows)
        clause = node.args.get("conflict")
        if clause is None:
            return Relation([], self.dialect.key, rows)
        known = {self.dialect.key(name) for name, _ in columns}
        proposed = Relation(list(columns), self.dialect.key)
        proposed.columns += [
            (name, NOTHING) for key, name in (table.names or {}).items() if key not in known
        ]
        inside = Scope(scope.parent, scope.ctes)
        inside.aliases = {**scope.aliases, "excluded": proposed, "new": proposed}
        inside.items = [table]
        for key in clause.args.get("conflict_keys") or ():
            self.visit(key, inside, FILTER, rows)
        for key in ("index_predicate", "where"):
            if clause.args.get(key) is not None:
                self.visit(clause.args[key], inside, FILTER, rows)
        updates = self.assignments(clause.args.get("expressions") or (), table, inside)
        return Relation(updates, self.dialect.key, rows)

    # ---- update -----------------------------------------------------------------

    def update(self, node: exp.Update, scope: Scope) -> Relation:
        """Resolve UPDATE … SET … FROM … WHERE, and UPDATE of joined tables."""
        this = node.args["this"]
        table = self.target(this, scope)
        scope.items.append(table)
        if this.args.get("joins"):
            self.joins(this, scope)
        self.from_(node, scope)
        where = node.args.get("where")
        if where is not None:
            self.clause(where, scope, FILTER, scope.rows)
        table = self.meant(this, table, scope)
        targets = self.by_target(node.args.get("expressions") or (), table, scope)
        for target, parts in targets.items():
            columns = self.assignments(parts, target, scope)
            if columns or len(targets) == 1:
                self.written.append(Written(target.name, columns, scope.rows))
        return self.returning(node, scope)

    def meant(self, node: exp.Expr, table: Table, scope: Scope) -> Table:
        """Return the table that a target means: `UPDATE a … FROM t AS a` writes t."""
        parts = self.parts(node)
        found = scope.aliases.get(self.dialect.key(parts[-1])) if len(parts) == 1 else None
        if self.dialect.postgres or found is table or not isinstance(found, Table):
            return table
        scope.items = [item for item in scope.items if item is not table]
        self.unresolved.discard(table.name)
        return found

    def by_target(
        self, nodes: Sequence[exp.Expr], table: Table, scope: Scope
    ) -> dict[Table, list[exp.Expr]]:
        """Return the assignments by the table that each qualified name means."""
        found: dict[Table, list[exp.Expr]] = {table: []}
        for node in nodes:
            left = node.args.get("this")
            owner: Relation | None = None
            if isinstance(left, exp.Column) and left.args.get("table") and not self.is_field(left):
                owner = self.qualified(left, scope)
            found.setdefault(owner if isinstance(owner, Table) else table, []).append(node)
        return found

    def assignments(self, nodes: Sequence[exp.Expr], table: Table, scope: Scope) -> list[Column]:
        """Return the columns that SET gives a value."""
        columns: list[Column] = []
        for node in nodes:
            if isinstance(node, exp.Alias):
                node = node.args["this"]
            if not isinstance(node, exp.EQ):
                continue
            left, right = node.args["this"], node.args["expression"]
            if isinstance(left, (exp.Tuple, exp.Paren)):
                self.multiple(left, right, table, scope, columns)
            else:
                _merge(columns, [self.assignment(left, right, table, scope)])
        return columns

    def assignment(self, left: exp.Expr, right: exp.Expr, table: Table, scope: Scope) -> Column:
        """Return one `column = value`; a part of a column keeps the rest of it."""
        name = self.column_of(table, self.target_column(left))
        part = not isinstance(left, exp.Column) or self.is_field(left)
        flow = self.flow(right, scope, TRANSFORMATION if part else IDENTITY)
        if part:
            add(flow, self.own(table, name), TRANSFORMATION)
            self.subscripts(left, scope, flow)
        return name, flow

    def is_field(self, node: exp.Column) -> bool:
        """Tell whether a qualified SET target is a field of a composite column."""
        return self.dialect.postgres and node.args.get("table") is not None

    def own(self, table: Table, name: str) -> Flow:
        """Return the target's own column."""
        return {(table.name, name): 1}

    def subscripts(self, node: Any, scope: Scope, flow: Flow) -> None:
        """Add what the subscripts of a SET target read."""
        while isinstance(node, (exp.Bracket, exp.Dot)):
            for part in node.expressions if isinstance(node, exp.Bracket) else ():
                self.visit(part, scope, TRANSFORMATION, flow)
            node = node.args["this"]

    def multiple(
        self,
        left: exp.Expr,
        right: exp.Expr,
        table: Table,
        scope: Scope,
        columns: list[Column],
    ) -> None:
        """Add `(a, b) = (…)`: a row of values, or a query by position."""
        targets = left.expressions or [left.args["this"]]
        names = [self.column_of(table, self.target_column(part)) for part in targets]
        value = right.unnest() if isinstance(right, (exp.Paren, exp.Subquery)) else right
        if isinstance(value, exp.Query):
            relation = self.query(value, scope)
            flows = []
            for _, source in relation.star():
                flow = dict(source)
                demote(flow, relation.rows, FILTER)
                flows.append(flow)
        elif isinstance(value, (exp.Tuple, exp.Anonymous, exp.Struct)):
            flows = [self.flow(part, scope) for part in value.expressions]
        else:
            flows = [self.flow(value, scope, TRANSFORMATION)] * len(names)
        _merge(columns, list(zip(names, flows, strict=False)))

    # ---- delete, merge --------------------------------------------------------------

    def delete(self, node: exp.Delete, scope: Scope) -> Relation:
        """Resolve DELETE … USING … WHERE: it only decides rows."""
        this = node.args["this"]
        table = self.target(this, scope)
        scope.items.append(table)
        self.joins(this, scope)
        for part in node.args.get("using") or ():
            if isinstance(part, exp.Expr):
                scope.items.append(self.from_item(part, scope))
        self.from_(node, scope)
        where = node.args.get("where")
        if where is not None:
            self.clause(where, scope, FILTER, scope.rows)
        for part in node.args.get("tables") or ():
            table = self.meant(part, table, scope)
        table = self.meant(this, table, scope)
        self.written.append(Written(table.name, (), scope.rows))
        return self.returning(node, scope)

    def merge(self, node: exp.Merge, scope: Scope) -> Relation:
        """Resolve MERGE with all its branches."""
        table = self.target(node.args["this"], scope)
        source = self.from_item(node.args["using"], scope)
        scope.items += [table, source]
        condition = node.args.get("on")
        if condition is not None:
            self.visit(condition, scope, JOIN, scope.rows)
        for when in node.args["whens"].expressions:
            test = when.args.get("condition")
            if test is not None:
                self.visit(test, scope, FILTER, scope.rows)
            columns = self.branch_of(when, table, source, scope)
            if columns:
                self.written.append(Written(table.name, columns))
        self.written.append(Written(table.name, (), scope.rows))
        return self.returning(node, scope)

    def branch_of(self, when: exp.When, table: Table, source: Item, scope: Scope) -> list[Column]:
        """Return what one branch of a MERGE writes: UPDATE or INSERT."""
        then = when.args["then"]
        where = then.args.get("where")
        if isinstance(where, exp.Expr):
            self.visit(where, scope, FILTER, scope.rows)
        if isinstance(then, exp.Update):
            parts = then.args.get("expressions") or ()
            return self.assignments(parts, table, scope) if parts else source.star()
        if not isinstance(then, exp.Insert):
            return []
        # Only the source is visible without a name.
        inside = Scope(scope.parent, scope.ctes)
        inside.aliases = scope.aliases
        inside.items = [source]
        return self.merge_insert(then, table, source, inside)

    def merge_insert(
        self, node: exp.Insert, table: Table, source: Item, scope: Scope
    ) -> list[Column]:
        """Return the columns that WHEN NOT MATCHED THEN INSERT gives a value."""
        this, value = node.args.get("this"), node.args.get("expression")
        names: list[str] = []
        if isinstance(this, (exp.Tuple, exp.Schema)):
            names = [self.column_of(table, self.target_column(part)) for part in this.expressions]
        if isinstance(value, (exp.Tuple, exp.Paren)):
            parts = value.expressions or [value.args["this"]]
            source_columns = [(part.sql(), self.flow(part, scope)) for part in parts]
            return self.assigned(table, names, source_columns, node, by_name=False)
        if isinstance(value, exp.Expr) and not isinstance(value, exp.Star):
            source_columns = self.query(value, scope).star()
            return self.assigned(table, names, source_columns, node, by_name=False)
        return source.star() if isinstance(this, exp.Star) or value is not None else []

    # ---- definitions ----------------------------------------------------------------

    def create(self, node: exp.Create, scope: Scope) -> Relation:
        """Resolve CREATE TABLE AS, CREATE VIEW, CREATE TABLE LIKE or CLONE."""
        kind = (node.args.get("kind") or "").upper()
        nothing = Relation([], self.dialect.key)
        if kind not in ("TABLE", "VIEW", "MATERIALIZED VIEW", "DYNAMIC TABLE"):
            return nothing
        this = node.args["this"]
        names: list[str] = []
        copied = self.copied(node)
        if isinstance(this, exp.Schema):
            names = self.definitions(this)
            this = this.args["this"]
        if not isinstance(this, exp.Table):
            return nothing
        destination = self.destination(node, this)
        if destination is this:
            target = self.created_name(this, _temporary(node))
        else:
            target = self.target_name(destination)
        expression = node.args.get("expression")
        if isinstance(expression, exp.Expr) and not isinstance(expression, exp.Literal):
            relation = self.query(expression, None, scope.ctes)
            if not any(name == STAR for name, _ in relation.star()):
                relation = relation.named(names)
            made = destination is this
            self.written.append(Written(target, relation.star(), relation.rows, created=made))
        else:
            columns = [column for table in copied for column in self.base(table).star()]
            columns += [(name, NOTHING) for name in names]
            self.written.append(Written(target, columns, created=True))
        return nothing

    def definitions(self, node: exp.Schema) -> list[str]:
        """Return the column names that a definition lists."""
        return [
            self.name(part.args["this"] if isinstance(part, exp.ColumnDef) else part)
            for part in node.expressions
            if isinstance(part, (exp.ColumnDef, exp.Identifier))
        ]

    def copied(self, node: exp.Create) -> list[list[str]]:
        """Return the tables of LIKE and CLONE."""
        clone = node.args.get("clone")
        found = [clone.args["this"]] if clone is not None else []
        holders = [node.args["this"], node.args.get("properties")]
        for holder in holders:
            for part in holder.args.get("expressions") or () if holder is not None else ():
                if isinstance(part, exp.LikeProperty):
                    found.append(part.args["this"])
        return [self.parts(table) for table in found if isinstance(table, exp.Table)]

    def destination(self, node: exp.Create, this: exp.Expr) -> exp.Expr:
        """Return where the rows go: `TO table` of a materialised view, else itself."""
        properties = node.args.get("properties")
        for part in properties.expressions if properties is not None else ():
            if isinstance(part, exp.ToTableProperty):
                target = part.args["this"]
                named: exp.Expr = target.args["this"] if isinstance(target, exp.Schema) else target
                return named
        return this

    def copy(self, node: exp.Copy, scope: Scope) -> Relation:
        """Resolve COPY (query) TO and COPY table TO or FROM."""
        this = node.args["this"]
        if isinstance(this, exp.Subquery):
            return self.query(this, None, scope.ctes)
        names = self.definitions(this) if isinstance(this, exp.Schema) else []
        table = this.args["this"] if isinstance(this, exp.Schema) else this
        if not isinstance(table, exp.Table):
            return Relation([], self.dialect.key)
        if node.args.get("kind"):
            target = self.target(table, scope)
            columns = [(name, NOTHING) for name in names or (target.names or {}).values()]
            self.written.append(Written(target.name, columns))
            return Relation([], self.dialect.key)
        relation: Relation = self.base(self.parts(table))
        if names:
            keys = [(name, relation.reach(self.dialect.key(name), name)) for name in names]
            columns = [(name, flows[0] if flows else NOTHING) for name, flows in keys]
            relation = Relation(columns, self.dialect.key)
        return Relation(relation.star(), self.dialect.key, rest=relation.opens())

    def several(self, node: exp.MultitableInserts, scope: Scope) -> Relation:
        """Resolve an INSERT of one source into several tables."""
        source = node.args["source"]
        inside = Scope(None, scope.ctes)
        if isinstance(source, exp.Query):
            relation = self.query(source, None, scope.ctes)
            inside.items = [relation]
            inside.rows = merged(relation.rows)
        else:
            inside.items = [self.from_item(source, inside)]
        for part in node.expressions:
            insert = part.args["this"] if isinstance(part, exp.ConditionalInsert) else part
            test = part.args.get("expression") if part is not insert else None
            rows = merged(inside.rows)
            if isinstance(test, exp.Expr):
                self.visit(test, inside, FILTER, rows)
            self.one_of_several(insert, inside, rows)
        return Relation([], self.dialect.key)

    def one_of_several(self, node: exp.Insert, scope: Scope, rows: Flow) -> None:
        """Add one INSERT of several; its query has no FROM of its own."""
        this = node.args["this"]
        names: list[str] = []
        if isinstance(this, exp.Schema):
            names = [self.target_column(part) for part in this.expressions]
            this = this.args["this"]
        table = self.target(this, Scope(None, {}))
        expression = node.args.get("expression")
        if isinstance(expression, exp.Select) and expression.args.get("from_") is None:
            columns, _ = self.outputs(expression.expressions, scope)
            where = expression.args.get("where")
            if where is not None:
                self.clause(where, scope, FILTER, rows)
        elif isinstance(expression, exp.Expr):
            columns = self.query(expression, scope).star()
        else:
            columns = [column for item in scope.items for column in item.star()]
        names = [self.column_of(table, name) for name in names]
        columns = self.assigned(table, names, columns, this, by_name=False)
        self.written.append(Written(table.name, columns, rows))

    def touched(self, node: exp.Expr, _: Scope) -> Relation:
        """Resolve what only touches relations as a whole: TRUNCATE, ALTER."""
        parts = node.args.get("expressions") or [node.args.get("this")]
        for part in parts:
            if isinstance(part, exp.Table):
                columns: list[Column] = []
                for action in node.args.get("actions") or ():
                    if isinstance(action, exp.SwapTable):
                        columns += self.base(self.parts(action.args["this"])).star()
                self.written.append(Written(self.target_name(part), columns))
        return Relation([], self.dialect.key)


def _merge(columns: list[Column], more: Sequence[Column]) -> None:
    """Add columns; what a column has already is kept."""
    places = {name: place for place, (name, _) in enumerate(columns)}
    for name, flow in more:
        place = places.get(name)
        if place is None:
            places[name] = len(columns)
            columns.append((name, flow))
        else:
            columns[place] = (name, merged(columns[place][1], flow))


def _temporary(node: exp.Expr) -> bool:
    properties = node.args.get("properties")
    parts = properties.expressions if properties is not None else ()
    return any(isinstance(part, exp.TemporaryProperty) for part in parts)


def _first(node: exp.Expr) -> Any:
    return node.args.get("catalog") or node.args.get("db") or node.args.get("table")


_STATEMENTS: dict[type, Any] = {
    exp.Insert: Statements.insert,
    exp.Update: Statements.update,
    exp.Delete: Statements.delete,
    exp.Merge: Statements.merge,
    exp.Create: Statements.create,
    exp.Copy: Statements.copy,
    exp.MultitableInserts: Statements.several,
    exp.TruncateTable: Statements.touched,
    exp.Alter: Statements.touched,
}
