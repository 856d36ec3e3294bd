"""Statements: from the columns that are read to the columns that are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.parser.flows import (
    FILTER,
    JOIN,
    NOTHING,
    Flow,
    merged,
)
from pg_llm.lineage.parser.relations import STAR, Column, Item, Relation, Scope, Table
from pg_llm.lineage.parser.writing import Writing, Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pg_llm.lineage.parser.relations import Cte


class Statements(Writing):
    """Resolves any statement; `written` collects what it writes, in order."""

    def resolve(self, node: exp.Expr) -> list[Written]:
        """Return what a statement writes."""
        self.written = []
        if isinstance(node, (exp.Query, exp.Subquery, exp.Values)):
            self.read(node)
        else:
            relation = self.query(node, None)
            if relation.columns:
                # The rows of RETURNING are those that were changed: what was
                # only scanned stands with the changed relation.
                rows = {source: bits for source, bits in relation.rows.items() if source[1]}
                self.written.append(Written(None, relation.star(), rows, relation.nodes))
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
            Written(
                target,
                relation.star(),
                relation.rows,
                relation.nodes,
                created=target is not None,
            )
        )

    def statement(self, node: exp.Expr, scope: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Resolve a statement that is not a query; return what it yields."""
        resolve = _STATEMENTS.get(type(node))
        if resolve is None:
            return Relation([], self.dialect.key)
        inside = Scope(scope, ctes)
        relation: Relation = resolve(self, node, inside)
        return relation

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
        named = [self.meant(part, table, scope) for part in node.args.get("tables") or ()]
        for target in named or [self.meant(this, table, scope)]:
            self.written.append(Written(target.name, (), scope.rows))
        return self.returning(node, scope, table)

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
            made = self.branch_of(when, table, source, scope)
            if made.columns:
                self.written.append(Written(table.name, made.columns, NOTHING, made.nodes))
        self.written.append(Written(table.name, (), scope.rows))
        return self.returning(node, scope, table)

    def branch_of(self, when: exp.When, table: Table, source: Item, scope: Scope) -> Relation:
        """Return what one branch of a MERGE writes: UPDATE or INSERT."""
        then = when.args["then"]
        where = then.args.get("where")
        if isinstance(where, exp.Expr):
            self.visit(where, scope, FILTER, scope.rows)
        if isinstance(then, exp.Update):
            parts = then.args.get("expressions") or ()
            if parts:
                return self.assignments(parts, table, scope)
            return Relation(self.by_names(table, source), self.dialect.key)
        if not isinstance(then, exp.Insert):
            return Relation([], self.dialect.key)
        # Only the source is visible without a name.
        inside = Scope(scope.parent, scope.ctes)
        inside.aliases = scope.aliases
        inside.items = [source]
        value = then.args.get("expression")
        nodes = value.expressions if isinstance(value, exp.Tuple) else ()
        columns = self.merge_insert(then, table, source, inside)
        return Relation(columns, self.dialect.key, nodes=nodes)

    def merge_insert(
        self, node: exp.Insert, table: Table, source: Item, scope: Scope
    ) -> list[Column]:
        """Return the columns that WHEN NOT MATCHED THEN INSERT gives a value."""
        this, value = _inserted(node)
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
        whole = isinstance(this, exp.Star) or value is not None
        return self.by_names(table, source) if whole else []

    def by_names(self, table: Table, source: Item) -> list[Column]:
        """Return the source's columns that the target has as well."""
        if table.names is None:
            return source.star()
        found = [(table.names.get(self.dialect.key(name)), flow) for name, flow in source.star()]
        return [(name, flow) for name, flow in found if name is not None] or source.star()

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
            columns, rows, nodes = relation.star(), relation.rows, relation.nodes
            self.written.append(Written(target, columns, rows, nodes, created=made))
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

    def cache(self, node: exp.Cache, scope: Scope) -> Relation:
        """Resolve CACHE TABLE … AS: a relation of this session."""
        expression = node.args.get("expression")
        if isinstance(expression, exp.Expr):
            made = self.query(expression, None, scope.ctes)
            target = self.created_name(node.args["this"], temporary=True)
            self.written.append(Written(target, made.star(), made.rows, made.nodes, created=True))
        return Relation([], self.dialect.key)

    def declared(self, node: exp.Declare, _: Scope) -> Relation:
        """Resolve DECLARE of variables that hold a table."""
        for item in node.expressions:
            kind = item.args.get("kind")
            for name in item.args.get("this") or ():
                if isinstance(kind, exp.Schema) and isinstance(name, exp.Parameter):
                    shown = "@" + self.dialect.key(name.name)
                    self.catalog.add(self.dialect.shown([shown]), self.definitions(kind))
        return Relation([], self.dialect.key)

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


def _inserted(node: exp.Insert) -> tuple[Any, Any]:
    """Return the columns and the values of an INSERT in MERGE."""
    this, value = node.args.get("this"), node.args.get("expression")
    first = this.expressions[0] if isinstance(this, exp.Tuple) and this.expressions else None
    if not value and isinstance(first, exp.Anonymous) and first.name.lower() == "values":
        # INSERT VALUES (…) without columns is read as a column called so.
        return None, exp.Tuple(expressions=first.expressions)
    return this, value


def _temporary(node: exp.Expr) -> bool:
    properties = node.args.get("properties")
    parts = properties.expressions if properties is not None else ()
    return any(isinstance(part, exp.TemporaryProperty) for part in parts)


_STATEMENTS: dict[type, Any] = {
    exp.Insert: Statements.insert,
    exp.Update: Statements.update,
    exp.Delete: Statements.delete,
    exp.Merge: Statements.merge,
    exp.Create: Statements.create,
    exp.Copy: Statements.copy,
    exp.Cache: Statements.cache,
    exp.Declare: Statements.declared,
    exp.MultitableInserts: Statements.several,
    exp.TruncateTable: Statements.touched,
    exp.Alter: Statements.touched,
}
