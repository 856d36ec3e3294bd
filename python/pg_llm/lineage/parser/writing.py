"""What is written: targets, the columns that INSERT and SET give a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.parser.flows import (
    FILTER,
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    Flow,
    add,
    demote,
    merged,
)
from pg_llm.lineage.parser.queries import Queries
from pg_llm.lineage.parser.relations import STAR, Column, Relation, Scope, Table

if TYPE_CHECKING:
    from collections.abc import Sequence


_NAMES = (exp.Identifier, exp.Parameter)
# What RETURNING and OUTPUT call the target's row before and after the change.
_CHANGED = ("old", "new", "deleted", "inserted")


class Written:
    """What one statement writes: columns of one target, and what decides its rows.

    `target` None is the output of a bare query. `created`: the statement makes
    the target, with these columns. `nodes`: the expressions of the columns.
    """

    __slots__ = ("columns", "created", "nodes", "rows", "target")

    def __init__(
        self,
        target: str | None,
        columns: Sequence[Column] = (),
        rows: Flow = NOTHING,
        nodes: Sequence[exp.Expr | None] = (),
        *,
        created: bool = False,
    ) -> None:
        self.nodes = nodes
        self.target = target
        self.columns = list(columns)
        self.rows = rows
        self.created = created


class Writing(Queries):
    """Resolves INSERT and UPDATE; `written` collects what is written, in order."""

    written: list[Written]

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
        doubts = set(self.doubts)
        name = self.base(self.parts(node)).name
        self.doubts = doubts
        return name

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

    def returning(self, node: exp.Expr, scope: Scope, table: Table) -> Relation:
        """Return what RETURNING yields."""
        clause = node.args.get("returning")
        if clause is None:
            return Relation([], self.dialect.key)
        for name in _CHANGED:
            scope.aliases.setdefault(name, table)
        columns, rest = self.outputs(clause.args["expressions"], scope)
        return Relation(columns, self.dialect.key, scope.rows, rest, scope.nodes)

    # ---- insert -----------------------------------------------------------------

    def insert(self, node: exp.Insert, scope: Scope) -> Relation:
        """Resolve INSERT … VALUES, SELECT, DEFAULT VALUES, with ON CONFLICT."""
        this = node.args["this"]
        names: list[str] = []
        if isinstance(this, exp.Schema):
            names = [self.target_column(part) for part in this.expressions]
            this = this.args["this"]
        if not isinstance(this, exp.Table) or not isinstance(this.this, _NAMES):
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
        self.written.append(Written(table.name, columns, updates.rows, source.nodes))
        if updates.columns:
            self.written.append(Written(table.name, updates.columns, NOTHING, updates.nodes))
        scope.items = [table]
        return self.returning(node, scope, table)

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
            self.doubts.add("columns of an unknown target")
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
        inside.proposed = proposed
        for key in clause.args.get("conflict_keys") or ():
            self.visit(key, inside, FILTER, rows)
        for key in ("index_predicate", "where"):
            if clause.args.get(key) is not None:
                self.visit(clause.args[key], inside, FILTER, rows)
        updates = self.assignments(clause.args.get("expressions") or (), table, inside)
        return Relation(updates.columns, self.dialect.key, rows, nodes=updates.nodes)

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
            made = self.assignments(parts, target, scope)
            if made.columns or len(targets) == 1:
                self.written.append(Written(target.name, made.columns, scope.rows, made.nodes))
        return self.returning(node, scope, table)

    def meant(self, node: exp.Expr, table: Table, scope: Scope) -> Table:
        """Return the table that a target means: `UPDATE a … FROM t AS a` writes t."""
        parts = self.parts(node)
        found = scope.aliases.get(self.dialect.key(parts[-1])) if len(parts) == 1 else None
        if self.dialect.postgres or found is table or not isinstance(found, Table):
            return table
        scope.items = [item for item in scope.items if item is not table]
        self.unresolved.pop(table.name, None)
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

    def assignments(self, nodes: Sequence[exp.Expr], table: Table, scope: Scope) -> Relation:
        """Return the columns that SET gives a value."""
        columns: list[Column] = []
        values: dict[str, exp.Expr | None] = {}
        for node in nodes:
            if isinstance(node, exp.Alias):
                node = node.args["this"]
            if not isinstance(node, exp.EQ):
                continue
            left, right = node.args["this"], node.args["expression"]
            if isinstance(left, (exp.Tuple, exp.Paren)):
                self.multiple(left, right, table, scope, columns)
            else:
                column = self.assignment(left, right, table, scope)
                # Two assignments to parts of one column have no one expression.
                values[column[0]] = None if column[0] in values else right
                merge_columns(columns, [column])
        made: list[exp.Expr | None] = [values.get(name) for name, _ in columns]
        return Relation(columns, self.dialect.key, nodes=made)

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
        merge_columns(columns, list(zip(names, flows, strict=False)))


def merge_columns(columns: list[Column], more: Sequence[Column]) -> None:
    """Add columns; what a column has already is kept."""
    places = {name: place for place, (name, _) in enumerate(columns)}
    for name, flow in more:
        place = places.get(name)
        if place is None:
            places[name] = len(columns)
            columns.append((name, flow))
        else:
            columns[place] = (name, merged(columns[place][1], flow))


def _first(node: exp.Expr) -> Any:
    return node.args.get("catalog") or node.args.get("db") or node.args.get("table")
