"""Sources of an expression: one walk over sqlglot's tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

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
    add,
    demote,
    scan,
)
from pg_llm.lineage.parser.functions import AGGREGATES, SET_RETURNING
from pg_llm.lineage.parser.names import written
from pg_llm.lineage.parser.references import References
from pg_llm.lineage.parser.relations import Relation, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.lineage.parser.routines import Routine

    Visit = Callable[["Expressions", Any, Scope, int, Flow], None]


class Expressions(References):
    """Walks expressions; what queries in them yield is a subclass's task."""

    def query(self, node: exp.Expr, scope: Scope | None, ctes: Any = None) -> Relation:
        """Return what a query yields."""
        raise NotImplementedError

    def visit(self, node: exp.Expr, scope: Scope, how: int, out: Flow) -> None:
        """Add to `out` what flows through the expression, acting by `how`."""
        visit = _VISITS.get(node.__class__)
        if visit is None:
            visit = _VISITS[node.__class__] = _visit_of(node.__class__)
        visit(self, node, scope, how, out)

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
