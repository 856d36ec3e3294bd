"""Sources of an expression: one walk over sqlglot's tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.edges import UNRESOLVED
from pg_llm.lineage.parser.flows import (
    AGGREGATION,
    CONDITIONAL,
    FILTER,
    GROUP_BY,
    IDENTITY,
    JOIN,
    NOTHING,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Flow,
    Row,
    add,
    demote,
    doubtful,
    scan,
)
from pg_llm.lineage.parser.functions import AGGREGATES, SET_RETURNING, is_value
from pg_llm.lineage.parser.names import written
from pg_llm.lineage.parser.relations import Relation, Scope, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.lineage.parser.dialects import Dialect
    from pg_llm.lineage.parser.routines import Routine, Routines
    from pg_llm.lineage.parser.tokens import Extras

    Visit = Callable[["Expressions", Any, Scope, int, Flow], None]


class Expressions:
    """Walks expressions; what queries in them yield is a subclass's task."""

    dialect: Dialect
    text: str
    extras: Extras | None
    routines: Routines
    doubts: set[str]
    unresolved: dict[str, str]

    def query(self, node: exp.Expr, scope: Scope | None, ctes: Any = None) -> Relation:
        """Return what a query yields."""
        raise NotImplementedError

    def name(self, identifier: Any) -> str:
        """Return an identifier's name as it is shown."""
        return self.dialect.fold(identifier)

    def visit(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add to `out` what flows through the expression, acting by `how`."""
        visit = _VISITS.get(node.__class__)
        if visit is None:
            visit = _VISITS[node.__class__] = _visit_of(node.__class__)
        visit(self, node, scope, how, out)

    def flow(self, node: exp.Expr, scope: Scope, how: int = IDENTITY) -> Flow:
        """Return what flows through the expression."""
        out: Flow = {}
        self.visit(node, scope, how, out)
        return out

    def computed(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add the children of anything that computes a new value."""
        how = how or TRANSFORMATION
        while isinstance(node, exp.Binary):
            # Chains of operators lean to the left and may be very long.
            operand = node.args.get("expression")
            if operand is not None:
                self.visit(operand, scope, how, out)
            node = node.args["this"]
            if node.__class__ in _VISITS and _VISITS[node.__class__] is not _COMPUTED:
                self.visit(node, scope, how, out)
                return
        for value in node.args.values():
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, exp.Expr):
                        self.visit(item, scope, how, out)
            elif isinstance(value, exp.Expr):
                self.visit(value, scope, how, out)

    def nothing(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Skip what reads no column."""

    def inner(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Go through what leaves the value as it is."""
        self.visit(node.this, scope, how, out)

    def right(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Visit the value of `name => value`."""
        self.visit(node.args["expression"], scope, how or TRANSFORMATION, out)

    # ---- columns ------------------------------------------------------------

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

    # ---- conditions -----------------------------------------------------------

    def case(self, node: exp.Case, scope: Scope, how: int, out: Flow) -> None:
        """Add the tests of a CASE as CONDITIONAL, its results as DIRECT."""
        test = how if how > AGGREGATION else CONDITIONAL
        operand = node.args.get("this")
        if operand is not None:
            self.visit(operand, scope, test, out)
        for branch in node.args["ifs"]:
            self.visit(branch, scope, how, out)
        default = node.args.get("default")
        if default is not None:
            self.visit(default, scope, how or TRANSFORMATION, out)

    def branch(self, node: exp.If, scope: Scope, how: int, out: Flow) -> None:
        """Add WHEN … THEN …, or a function IF."""
        self.visit(node.args["this"], scope, how if how > AGGREGATION else CONDITIONAL, out)
        for part in ("true", "false"):
            value = node.args.get(part)
            if value is not None:
                self.visit(value, scope, how or TRANSFORMATION, out)

    # ---- aggregates and windows -------------------------------------------------

    def aggregate(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add the arguments of an aggregate."""
        self.computed(node, scope, how if how > AGGREGATION else AGGREGATION, out)

    def function(self, node: exp.Anonymous, scope: Scope, how: int, out: Flow) -> None:
        """Add the arguments of a function that sqlglot has no class for."""
        name = node.args["this"]
        lower = name.lower() if isinstance(name, str) else ""
        routine = self.called(node, node.parent)
        known = lower in AGGREGATES if routine is None else routine.kind == "a"
        expands = lower in SET_RETURNING if routine is None else routine.returns_set
        if lower == "values" and scope.proposed is not None:
            self.proposed(node, scope, how, out)
            return
        if lower.startswith("dictget") and self.dialect.name == "clickhouse":
            self.dictionary(node, scope, how, out)
            return
        how = how if how > AGGREGATION else AGGREGATION if known else how or TRANSFORMATION
        rows = scope.listing and expands and self.dialect.postgres
        for argument in node.args.get("expressions") or ():
            if isinstance(argument, exp.Expr):
                self.visit(argument, scope, how, out)
                if rows:
                    self.visit(argument, scope, JOIN, scope.rows)

    def called(self, node: exp.Expr, owner: exp.Expr | None) -> Routine | None:
        """Return the catalog's function that a call means; `owner` may hold its schema."""
        if not isinstance(node, exp.Anonymous) or not self.dialect.postgres:
            return None
        name = written(node, self.text)
        count = len(node.args.get("expressions") or ())
        return self.routines.find(self.schema_of(node, owner), name, count) if name else None

    def schema_of(self, node: exp.Expr, owner: exp.Expr | None) -> str | None:
        """Return the schema that a function is called with."""
        schema: Any = owner.args.get("db") if isinstance(owner, exp.Table) else None
        above = node.parent
        if isinstance(above, exp.Dot) and above.args["expression"] is node:
            schema = above.args["this"]
            schema = schema.args["this"] if isinstance(schema, exp.Column) else schema
        return self.name(schema) if isinstance(schema, exp.Identifier) else None

    def proposed(self, node: exp.Anonymous, scope: Scope, how: int, out: Flow) -> None:
        """Add MySQL's VALUES(column): what the INSERT wanted to put there."""
        for part in node.args.get("expressions") or ():
            identifier = part.args["this"] if isinstance(part, exp.Column) else part
            if isinstance(identifier, exp.Identifier) and scope.proposed is not None:
                flow = scope.proposed.find(self.dialect.key(self.name(identifier)))
                add(out, flow or NOTHING, how)

    def dictionary(self, node: exp.Anonymous, scope: Scope, how: int, out: Flow) -> None:
        """Add ClickHouse's dictGet: its first argument names a relation."""
        for number, argument in enumerate(node.args.get("expressions") or ()):
            if number == 0 and isinstance(argument, exp.Column):
                keys = ("catalog", "db", "table", "this")
                parts = [argument.args[key] for key in keys if argument.args.get(key) is not None]
                relation = self.dialect.shown([self.name(part) for part in parts])
                add(scope.rows, scan(relation), IDENTITY)
            else:
                self.visit(argument, scope, how or TRANSFORMATION, out)

    def count(self, node: exp.Count, scope: Scope, how: int, out: Flow) -> None:
        """Add what is counted; `count(*)` reads no column."""
        how = how if how > AGGREGATION else AGGREGATION
        for argument in (node.args.get("this"), *(node.args.get("expressions") or ())):
            if isinstance(argument, exp.Expr) and not isinstance(argument, exp.Star):
                self.visit(argument, scope, how, out)

    def grouping_set(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add GROUPING(): it tells the grouping set, not a value."""
        self.computed(node, scope, how if how > AGGREGATION else GROUP_BY, out)

    def expanding(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add a set-returning function; in a target list it makes rows."""
        self.computed(node, scope, how, out)
        if scope.listing and self.dialect.postgres:
            self.computed(node, scope, JOIN, scope.rows)

    def filtered(self, node: exp.Filter, scope: Scope, how: int, out: Flow) -> None:
        """Add an aggregate with its FILTER."""
        function = node.args["this"]
        inner = how if how > AGGREGATION or isinstance(function, exp.Window) else AGGREGATION
        self.visit(function, scope, inner, out)
        self.visit(node.args["expression"], scope, how if how > AGGREGATION else FILTER, out)

    def window(self, node: exp.Window, scope: Scope, how: int, out: Flow) -> None:
        """Add a window function and its window."""
        self.visit(node.args["this"], scope, how or TRANSFORMATION, out)
        self.frame(node, scope, how if how > AGGREGATION else WINDOW, out)

    def frame(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add PARTITION BY and ORDER BY of a window, also of the named one."""
        for part in node.args.get("partition_by") or ():
            self.visit(part, scope, how, out)
        order = node.args.get("order")
        for part in order.args.get("expressions", ()) if order is not None else ():
            self.visit(part, scope, how, out)
        spec = node.args.get("spec")
        for part in ("start", "end"):
            bound = spec.args.get(part) if spec is not None else None
            if isinstance(bound, exp.Expr):
                self.visit(bound, scope, how, out)
        named = node.args.get("alias")
        base = node.args.get("this") if node.args.get("over") is None else None
        for reference in (named, node.args.get("first") and None, base):
            if isinstance(reference, exp.Identifier):
                other = scope.windows.get(self.dialect.key(self.name(reference)))
                if other is not None and other is not node:
                    self.frame(other, scope, how, out)

    def ordered(self, node: exp.Order, scope: Scope, how: int, out: Flow) -> None:
        """Add an aggregate's argument and its ORDER BY."""
        this = node.args.get("this")
        if this is not None:
            self.visit(this, scope, how, out)
        for part in node.args.get("expressions") or ():
            self.visit(part, scope, how if how > AGGREGATION else SORT, out)

    def within_group(self, node: exp.WithinGroup, scope: Scope, how: int, out: Flow) -> None:
        """Add an ordered-set aggregate: what it orders is what it aggregates."""
        function = node.args["this"]
        self.visit(function, scope, how if how > AGGREGATION else AGGREGATION, out)
        strings = isinstance(function, (exp.GroupConcat, exp.ArrayAgg))
        order = how if how > AGGREGATION else SORT if strings else AGGREGATION
        for part in node.args["expression"].args.get("expressions") or ():
            self.visit(part, scope, order, out)

    # ---- queries in expressions ---------------------------------------------------

    def scalar(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add a scalar subquery: its output as a value, its body as FILTER."""
        relation = self.query(node, scope)
        for _, flow in relation.star():
            add(out, flow, how)
        demote(out, relation.rows, how if how > AGGREGATION else FILTER)

    def exists(self, node: exp.Exists, scope: Scope, how: int, out: Flow) -> None:
        """Add the body of EXISTS, which yields no value."""
        this = node.args["this"]
        if not isinstance(this, (exp.Query, exp.Subquery)):
            self.computed(node, scope, how, out)
            return
        kind = how if how > AGGREGATION else FILTER
        demote(out, self.query(this, scope).rows, kind)

    def tested(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add a query whose output is compared with: IN, ANY, ALL, ARRAY."""
        relation = self.query(node, scope)
        for _, flow in relation.star():
            add(out, flow, how or TRANSFORMATION)
        demote(out, relation.rows, how if how > AGGREGATION else FILTER)

    def membership(self, node: exp.In, scope: Scope, how: int, out: Flow) -> None:
        """Add IN: a list is computed with, a query only decides."""
        self.visit(node.args["this"], scope, how or TRANSFORMATION, out)
        query = node.args.get("query")
        if query is not None:
            self.tested(query, scope, how, out)
        for part in node.args.get("expressions") or ():
            self.visit(part, scope, how or TRANSFORMATION, out)
        for key in ("unnest", "field"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                self.visit(part, scope, how or TRANSFORMATION, out)

    def quantified(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add ANY or ALL of a query or of an array."""
        this = node.args["this"]
        query = isinstance(this.unnest(), exp.Query)
        (self.tested if query else self.visit)(this, scope, how or TRANSFORMATION, out)

    def lambda_(self, node: exp.Lambda, scope: Scope, how: int, out: Flow) -> None:
        """Add a lambda's body; its parameters hide columns."""
        if self.dialect.arrows:
            # `f(a -> 'b')`: the arrow is an operator here.
            for part in node.args.get("expressions") or ():
                add(out, self.unqualified(part, scope), how or TRANSFORMATION)
            self.visit(node.args["this"], scope, how or TRANSFORMATION, out)
            return
        inside = Scope(scope, scope.ctes)
        names = [self.name(part) for part in node.args.get("expressions") or ()]
        inside.items.append(Relation([(name, NOTHING) for name in names], self.dialect.key))
        self.visit(node.args["this"], inside, how or TRANSFORMATION, out)

    def comprehension(self, node: exp.Comprehension, scope: Scope, how: int, out: Flow) -> None:
        """Add `[value for name in list if test]`; the name hides columns."""
        how = how or TRANSFORMATION
        each = self.flow(node.args["iterator"], scope, how)
        inside = Scope(scope, scope.ctes)
        inside.items.append(
            Relation([(self.name(node.args["expression"]), each)], self.dialect.key)
        )
        self.visit(node.args["this"], inside, how, out)
        add(out, each, how)
        if node.args.get("condition") is not None:
            kind = how if how > AGGREGATION else CONDITIONAL
            self.visit(node.args["condition"], inside, kind, out)


_COMPUTED: Any = Expressions.computed
_NOTHING = (
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.DataType,
    exp.Identifier,
    exp.Var,
    exp.Star,
    exp.Placeholder,
    exp.Parameter,
    exp.JSONPath,
)
_VISITS: dict[type, Visit] = {
    exp.Column: Expressions.column,
    exp.Dot: Expressions.dot,
    exp.Paren: Expressions.inner,
    exp.Alias: Expressions.inner,
    exp.Collate: Expressions.inner,
    exp.Ordered: Expressions.inner,
    exp.Where: Expressions.inner,
    exp.Distinct: Expressions.computed,
    exp.Kwarg: Expressions.right,
    exp.PropertyEQ: Expressions.right,
    exp.Case: Expressions.case,
    exp.If: Expressions.branch,
    exp.Anonymous: Expressions.function,
    exp.Count: Expressions.count,
    exp.Grouping: Expressions.grouping_set,
    exp.GroupingId: Expressions.grouping_set,
    exp.Explode: Expressions.expanding,
    exp.Unnest: Expressions.expanding,
    exp.GenerateSeries: Expressions.expanding,
    exp.ExplodingGenerateSeries: Expressions.expanding,
    exp.Filter: Expressions.filtered,
    exp.Window: Expressions.window,
    exp.Order: Expressions.ordered,
    exp.WithinGroup: Expressions.within_group,
    exp.Exists: Expressions.exists,
    exp.In: Expressions.membership,
    exp.Any: Expressions.quantified,
    exp.All: Expressions.quantified,
    exp.Lambda: Expressions.lambda_,
    exp.Comprehension: Expressions.comprehension,
}
_VISITS.update(dict.fromkeys(_NOTHING, Expressions.nothing))
# These are of sqlglot's class of aggregates, but yield a value of one row.
_ROW_FUNCTIONS = (
    exp.CumeDist,
    exp.DenseRank,
    exp.FirstValue,
    exp.Lag,
    exp.LastValue,
    exp.Lead,
    exp.NthValue,
    exp.Ntile,
    exp.PercentRank,
    exp.Rank,
)


def _visit_of(kind: type) -> Visit:
    if issubclass(kind, (exp.Query, exp.Subquery)):
        return Expressions.scalar
    if issubclass(kind, exp.AggFunc) and not issubclass(kind, _ROW_FUNCTIONS):
        return Expressions.aggregate
    for base in _NOTHING:
        if issubclass(kind, base):
            return Expressions.nothing
    computed: Visit = _COMPUTED
    return computed
