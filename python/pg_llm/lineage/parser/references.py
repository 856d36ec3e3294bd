"""Columns that expressions name: plain, qualified, fields of rows and of composites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.edges import UNRESOLVED
from pg_llm.lineage.parser.flows import (
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    Flow,
    Row,
    add,
    doubtful,
)
from pg_llm.lineage.parser.functions import is_value
from pg_llm.lineage.parser.names import written
from pg_llm.lineage.parser.relations import Relation, Scope, Table

if TYPE_CHECKING:
    from pg_llm.lineage.parser.dialects import Dialect
    from pg_llm.lineage.parser.routines import Routines
    from pg_llm.lineage.parser.tokens import Extras


class References:
    """Resolves columns against the scopes; the walk over expressions is a subclass's task."""

    dialect: Dialect
    text: str
    extras: Extras | None
    routines: Routines
    doubts: set[str]
    unresolved: dict[str, str]

    def visit(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add to `out` what flows through the expression, acting by `how`."""
        raise NotImplementedError

    def flow(self, node: exp.Expr, scope: Scope, how: int = IDENTITY) -> Flow:
        """Return what flows through the expression."""
        out: Flow = {}
        self.visit(node, scope, how, out)
        return out

    def name(self, identifier: Any) -> str:
        """Return an identifier's name as it is shown."""
        return self.dialect.fold(identifier)

    def column(self, node: exp.Column, scope: Scope, how: int, out: Flow) -> None:
        """Add a column reference, a whole-row reference or a qualified star."""
        add(out, self.reference(node, scope), how)

    def reference(self, node: exp.Column, scope: Scope) -> Flow:
        """Return what flows into a column reference."""
        args = node.args
        if args["this"].__class__ is exp.Star:
            relation = self.qualified(node, scope)
            return self.unknown(node) if relation is None else relation.whole()
        if args.get("table") is None:
            return self.unqualified(args["this"], scope)
        return self.member(node, scope)

    def unqualified(self, identifier: exp.Expr, scope: Scope) -> Flow:
        """Return what flows into a column named without its relation."""
        name = self.name(identifier)
        key = self.dialect.key(name)
        level: Scope | None = scope
        while level is not None:
            flow = level.find(key)
            if flow is not None:
                return flow
            relation = level.aliases.get(key)
            if relation is not None:
                return self.whole_row(identifier, relation)
            if key in self.dialect.system_columns:
                for item in level.aliases.values():
                    if isinstance(item, Table):
                        return {(item.name, name): 1}
            guesses = level.guess(name)
            flow = level.outputs.get(key)
            if flow is not None and (not guesses or self.dialect.lateral_aliases):
                return flow
            if len(guesses) == 1:
                self.doubts.add("column of an unknown relation")
                return guesses[0]
            if guesses:
                self.doubts.add("ambiguous column")
                break
            level = level.parent
        scalar = None if self.dialect.postgres else scope.ctes.get(key)
        if scalar is not None and len(scalar.relation().columns) == 1:
            return scalar.relation().columns[0][1]
        if is_value(identifier):
            return NOTHING
        self.doubts.add("unknown column")
        return {(None, name): 1}

    def whole_row(self, identifier: exp.Expr, relation: Relation) -> Flow:
        """Return a whole row, or the column that `column(row)` means."""
        call = identifier.parent.parent if identifier.parent is not None else None
        if isinstance(call, exp.Func) and self.dialect.postgres:
            name = self.dialect.fold(written(call, self.text) or "")
            flow = relation.find(self.dialect.key(name))
            if flow is not None:
                return flow
        return Row(relation.whole(), relation)

    def member(self, node: exp.Column, scope: Scope) -> Flow:
        """Return what flows into a column named with its relation."""
        relation = self.qualified(node, scope)
        name = self.name(node.args["this"])
        key = self.dialect.key(name)
        if relation is None:
            return self.field(node, scope)
        flow = relation.find(key)
        if flow is not None:
            return flow
        guesses = relation.guess(name)
        if guesses:
            self.doubts.add("column of an unknown relation")
            return guesses[0]
        if isinstance(relation, Table) and key in self.dialect.system_columns:
            return {(relation.name, name): 1}
        self.doubts.add("unknown column")
        return {(None, name): 1}

    def qualified(self, node: exp.Column, scope: Scope) -> Relation | None:
        """Return the relation that qualifies a column."""
        parts = [node.args.get(part) for part in ("catalog", "db", "table")]
        key = ".".join(self.dialect.key(self.name(part)) for part in parts if part is not None)
        level: Scope | None = scope
        while level is not None:
            relation = level.aliases.get(key)
            if relation is not None:
                return relation
            level = level.parent
        return self.join_alias(key, scope)

    def join_alias(self, key: str, scope: Scope) -> Relation | None:
        """Return the relation that `USING (…) AS alias` names."""
        names = self.extras.aliases.get(key) if self.extras is not None else None
        if names is None:
            return None
        flows = [(name, scope.find(self.dialect.key(name))) for name in names]
        columns = [(name, flow) for name, flow in flows if flow is not None]
        return Relation(columns, self.dialect.key)

    def field(self, node: exp.Column, scope: Scope) -> Flow:
        """Return what flows into a field: `column.field` or `alias.column.field`."""
        parts = [
            part
            for part in (node.args.get(key) for key in ("catalog", "db", "table", "this"))
            if part is not None
        ]
        alias = self.dialect.key(self.name(parts[0]))
        level: Scope | None = scope
        while level is not None:
            relation = level.aliases.get(alias)
            if relation is not None and len(parts) > 2:
                name = self.name(parts[1])
                flows = relation.reach(self.dialect.key(name), name)
                return self.part_of(flows[0]) if flows else self.unknown(node)
            flow = level.find(alias)
            if flow is not None:
                return self.part_of(flow)
            level = level.parent
        return self.unknown(node)

    def part_of(self, flow: Flow) -> Flow:
        """Return what flows into a part of a value."""
        out: Flow = {}
        add(out, flow, TRANSFORMATION)
        return out

    def unknown(self, node: exp.Column) -> Flow:
        """Return the source that an unknown qualifier stands for."""
        self.doubts.add("unknown relation")
        parts = [node.args.get(part) for part in ("catalog", "db", "table")]
        relation = self.dialect.shown([self.name(part) for part in parts if part is not None])
        self.unresolved[relation] = UNRESOLVED
        this = node.args["this"]
        return {(relation, "*" if this.__class__ is exp.Star else self.name(this)): 1}

    def dot(self, node: exp.Dot, scope: Scope, how: int, out: Flow) -> None:
        """Add a field of a composite: `(x).f`, where `x` may be a whole row."""
        this = node.args["this"]
        operand = this.unnest()
        field = node.args["expression"]
        if isinstance(field, exp.Identifier):
            relation = self.row(operand, scope)
            if relation is not None:
                name = self.name(field)
                flows = relation.reach(self.dialect.key(name), name)
                add(out, flows[0] if flows else relation.whole(), how)
                return
        if isinstance(operand, exp.Cast) and self.row(operand.this, scope) is not None:
            # Which of the values the field is stands in the type.
            add(out, doubtful(self.flow(this, scope, how or TRANSFORMATION)), IDENTITY)
            return
        self.visit(this, scope, how or TRANSFORMATION, out)
        if isinstance(field, exp.Func):
            self.visit(field, scope, how or TRANSFORMATION, out)

    def row(self, node: exp.Expr, scope: Scope) -> Relation | None:
        """Return the relation whose whole row the expression is, if it is one."""
        if isinstance(node, exp.Dot):
            flow: Flow | None = self.dotted(node, scope)
        elif isinstance(node, exp.Column) and node.args["this"].__class__ is exp.Star:
            return self.qualified(node, scope)
        elif isinstance(node, exp.Column):
            flow = self.reference(node, scope)
        else:
            return self.made_row(node, scope)
        return flow.relation if isinstance(flow, Row) else None

    def made_row(self, node: exp.Expr, scope: Scope) -> Relation | None:
        """Return the fields f1, f2, … of `ROW(a, b)`, None for anything else."""
        called = isinstance(node, exp.Anonymous) and node.name.lower() == "row"
        if not self.dialect.postgres or not (called or isinstance(node, exp.Tuple)):
            return None
        columns = [
            (f"f{number}", self.flow(part, scope))
            for number, part in enumerate(node.expressions, 1)
        ]
        whole = any(isinstance(part, exp.Column) and part.is_star for part in node.expressions)
        return None if whole else Relation(columns, self.dialect.key)

    def dotted(self, node: exp.Dot, scope: Scope) -> Flow | None:
        """Return what flows into `(x).f` where `x` is a whole row."""
        relation = self.row(node.args["this"].unnest(), scope)
        field = node.args["expression"]
        if relation is None or not isinstance(field, exp.Identifier):
            return None
        return relation.find(self.dialect.key(self.name(field)))
