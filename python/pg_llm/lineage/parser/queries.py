"""Queries: what each output column comes from, one scope after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.parser.flows import (
    FILTER,
    GROUP_BY,
    IDENTITY,
    NOTHING,
    SORT,
    TRANSFORMATION,
    Flow,
    Row,
    add,
    merged,
)
from pg_llm.lineage.parser.functions import (
    FUNCTION_COLUMNS,
)
from pg_llm.lineage.parser.names import UNNAMED, output_name
from pg_llm.lineage.parser.relations import (
    STAR,
    Column,
    Cte,
    Item,
    Relation,
    Scope,
)
from pg_llm.lineage.parser.sources import Sources, plain_column
from pg_llm.lineage.parser.tokens import Extras

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_MAX_ROUNDS = 100


class Queries(Sources):
    """Resolves queries: SELECT, set operations, VALUES, WITH."""

    # ---- queries ----------------------------------------------------------------

    def query(
        self, node: exp.Expr, scope: Scope | None, ctes: Mapping[str, Cte] | None = None
    ) -> Relation:
        """Return what a query yields; `scope` is what it sees from outside."""
        if ctes is None:
            ctes = scope.ctes if scope is not None else {}
        with_ = node.args.get("with_")
        if with_ is not None:
            ctes = self.with_(with_, scope, ctes)
        if isinstance(node, exp.Select):
            return self.select(node, scope, ctes)
        if isinstance(node, exp.SetOperation):
            return self.set_operation(node, scope, ctes)
        if isinstance(node, exp.Values):
            return self.values(node, scope, ctes)
        if isinstance(node, (exp.Subquery, exp.Paren)):
            return self.wrapped(node, scope, ctes)
        if isinstance(node, exp.Table):
            item = self.from_item(node, Scope(scope, ctes))
            return Relation(item.star(), self.dialect.key, rest=item.opens())
        if isinstance(node, exp.Pivot):
            inside = Scope(scope, ctes)
            relation = self.pivoted(node, self.from_item(node.args["this"], inside), inside)
            relation.rows = inside.rows
            return relation
        return self.statement(node, scope, ctes)

    def statement(self, node: exp.Expr, scope: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Return what any other statement yields (RETURNING)."""
        raise NotImplementedError

    def wrapped(self, node: exp.Expr, scope: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Return a query in parentheses, with an ORDER BY or LIMIT of its own."""
        relation = self.query(node.args["this"], scope, ctes)
        rows = dict(relation.rows)
        inside = Scope(scope, ctes)
        inside.items.append(relation)
        self.tail(node, inside, relation, rows)
        columns, rest = relation.star(), relation.opens()
        return Relation(columns, self.dialect.key, rows, rest, relation.nodes)

    def with_(
        self, node: exp.Expr, scope: Scope | None, ctes: Mapping[str, Cte]
    ) -> dict[str, Cte]:
        """Return the CTEs after a WITH clause; data-modifying ones are resolved at once."""
        known = dict(ctes)
        recursive = bool(node.args.get("recursive"))
        if node.args.get("search") is not None:
            self.note_search(node)
        modifying = []
        for cte in node.args["expressions"]:
            key = self.dialect.key(self.name(cte.args["alias"].args["this"]))
            # With RECURSIVE, a query sees those after it as well.
            known = known if recursive else dict(known)
            known[key] = self.cte(cte, scope, known if recursive else dict(known), key, recursive)
            if isinstance(cte.args["this"], exp.DML):
                modifying.append(known[key])
        for found in modifying:
            found.relation()
        return known

    def note_search(self, node: exp.Expr) -> None:
        """Note the columns that SEARCH or CYCLE adds to the last CTE."""
        clause = node.args["search"]
        key = self.dialect.key(self.name(node.args["expressions"][-1].args["alias"].args["this"]))
        of = [self.name(clause.args["this"])]
        added = [(self.name(clause.args["expression"]), of)]
        if clause.args.get("using"):
            added.append((self.name(clause.args["using"]), of))
        if self.extras is None:
            self.extras = Extras()
        self.extras.columns[key] = added

    def cte(
        self,
        node: exp.Expr,
        scope: Scope | None,
        known: Mapping[str, Cte],
        key: str,
        recursive: bool,
    ) -> Cte:
        """Return one CTE."""
        names = self.names(node.args["alias"])
        body = node.args["this"]
        if node.args.get("scalar"):
            return Cte(lambda: self.scalar_cte(node, scope, known))
        added = self.extras.columns.get(key, []) if self.extras is not None else []
        if isinstance(body, exp.SetOperation) and (recursive or self.dialect.implicit_recursion):
            return Cte(lambda: _with(self.recursion(body, scope, known, key, names), added))
        return Cte(lambda: self.query(body, scope, known).named(names))

    def scalar_cte(
        self, node: exp.Expr, scope: Scope | None, known: Mapping[str, Cte]
    ) -> Relation:
        """Return `WITH expression AS name`: a value that expressions name like a column."""
        flow = self.flow(node.args["this"], Scope(scope, known))
        return Relation([(self.name(node.args["alias"].args["this"]), flow)], self.dialect.key)

    def recursion(
        self,
        body: exp.SetOperation,
        scope: Scope | None,
        known: Mapping[str, Cte],
        key: str,
        names: Sequence[str],
    ) -> Relation:
        """Return the fixpoint of a recursive CTE, from its first term upwards."""
        used = False

        def working() -> Relation:
            nonlocal used
            used = True
            return relation

        first: Any = body
        while isinstance(first, exp.SetOperation):
            if first.args.get("with_") is not None:
                known = self.with_(first.args["with_"], scope, known)
            first = first.args["this"]
        relation = Relation([], self.dialect.key)
        relation = self.query(first, scope, {**known, key: Cte(working)}).named(names)
        for _ in range(_MAX_ROUNDS):
            used = False
            # A fresh entry each round: an entry remembers what it yields.
            step = self.query(body, scope, {**known, key: Cte(working)}).named(names)
            if not used or (step.columns == relation.columns and step.rows == relation.rows):
                return step
            relation = step
        return relation

    def set_operation(
        self, node: exp.SetOperation, scope: Scope | None, ctes: Mapping[str, Cte]
    ) -> Relation:
        """Return UNION, INTERSECT or EXCEPT of two queries, by position."""
        chain: list[Any] = []
        left: Any = node
        while isinstance(left, exp.SetOperation):
            chain.append((left, ctes))
            if left is not node and left.args.get("with_") is not None:
                ctes = self.with_(left.args["with_"], scope, ctes)
            left = left.args["this"]
        relation = self.query(left, scope, ctes)
        for operation, seen in reversed(chain):
            relation = self.combined(operation, relation, scope, seen)
        return relation

    def combined(
        self,
        node: exp.SetOperation,
        left: Relation,
        scope: Scope | None,
        ctes: Mapping[str, Cte],
    ) -> Relation:
        """Return one set operation on its resolved left side."""
        right = self.query(node.args["expression"], scope, ctes)
        rows = merged(left.rows, right.rows)
        columns = left.star()
        union = isinstance(node, exp.Union)
        if not union or node.args.get("distinct"):
            for _, flow in (*columns, *right.star()):
                add(rows, flow, GROUP_BY if union else FILTER)
        if node.args.get("by_name"):
            columns = _by_name(columns, right)
        elif not isinstance(node, exp.Except):
            columns = self.by_position(columns, right.star())
        rest = (*left.opens(), *right.opens())
        relation = Relation(columns, self.dialect.key, rows, rest)
        inside = Scope(scope, ctes)
        inside.items.append(relation)
        self.tail(node, inside, relation, rows)
        return relation

    def by_position(self, left: list[Column], right: list[Column]) -> list[Column]:
        """Return columns with the flows of both sides."""
        if len(left) != len(right):
            self.doubts.add("sides of a set operation with unknown columns")
        out = [
            (name, merged(flow, other))
            for (name, flow), (_, other) in zip(left, right, strict=False)
        ]
        return out + left[len(right) :]

    def values(self, node: exp.Values, scope: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Return VALUES: each column has what flows into it from all rows."""
        inside = Scope(scope, ctes)
        flows: list[Flow] = []
        parts: Sequence[exp.Expr] = ()
        for row in node.args["expressions"]:
            parts = _row(row)
            flows += [{} for _ in parts[len(flows) :]]
            for flow, part in zip(flows, parts, strict=False):
                self.visit(part, inside, IDENTITY, flow)
        columns = [(f"column{number}", flow) for number, flow in enumerate(flows, 1)]
        nodes = parts if len(node.args["expressions"]) == 1 else ()
        relation = Relation(columns, self.dialect.key, nodes=nodes)
        if node.args.get("order") is not None or node.args.get("limit") is not None:
            rows: Flow = {}
            inside.items.append(relation)
            self.tail(node, inside, relation, rows)
            relation.rows = rows
        return relation

    # ---- select -----------------------------------------------------------------

    def select(self, node: exp.Select, outer: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Return what a SELECT yields."""
        args = node.args
        scope = Scope(outer, ctes)
        rows = scope.rows
        self.from_(node, scope)
        for window in args.get("windows") or ():
            scope.windows[self.dialect.key(self.name(window.args["this"]))] = window
        if self.dialect.lateral_aliases:
            # WHERE may name outputs: they come first.
            columns, rest = self.outputs(args.get("expressions") or (), scope)
        for key in ("prewhere", "where", "connect"):
            clause = args.get(key)
            if clause is not None:
                self.clause(clause, scope, FILTER, rows)
        if not self.dialect.lateral_aliases:
            columns, rest = self.outputs(args.get("expressions") or (), scope)
        relation = Relation(columns, self.dialect.key, rows, rest, scope.nodes)
        self.grouping(node, scope, relation, rows)
        for key in ("having", "qualify"):
            clause = args.get(key)
            if clause is not None:
                self.clause(clause, scope, FILTER, rows)
        distinct = args.get("distinct")
        if distinct is not None:
            self.distinct(distinct, scope, relation)
        self.tail(node, scope, relation, rows)
        return relation

    def distinct(self, node: exp.Expr, scope: Scope, relation: Relation) -> None:
        """Add DISTINCT, which groups by all outputs, or DISTINCT ON, which sorts."""
        on = node.args.get("on")
        if on is None:
            for _, flow in relation.star():
                add(scope.rows, flow, GROUP_BY)
            return
        for part in on.expressions or [on]:
            self.sorting(part, scope, relation, scope.rows, SORT)

    def clause(self, node: exp.Expr, scope: Scope, kind: int, rows: Flow) -> None:
        """Add what a clause reads, as one kind of indirect influence."""
        for value in node.args.values():
            for part in value if isinstance(value, list) else (value,):
                if isinstance(part, exp.Expr):
                    self.visit(part, scope, kind, rows)

    def outputs(
        self, expressions: Sequence[exp.Expr], scope: Scope
    ) -> tuple[list[Column], list[Item]]:
        """Return the output columns, and the unknown relations that stars bring."""
        columns: list[Column] = []
        rest: list[Item] = []
        key = self.dialect.key
        scope.listing = True
        for node in expressions:
            if node.__class__ is exp.Alias:
                name = self.name(node.args["alias"])
                flow = self.value(node.args["this"], scope)
                columns.append((name, flow))
                scope.outputs.setdefault(key(name), flow)
                node = node.args["this"]
            elif node.is_star and self.star(node, scope, columns, rest):
                scope.nodes += [None] * (len(columns) - len(scope.nodes))
                continue
            elif isinstance(node, exp.Aliases):
                flow = self.flow(node.args["this"], scope, TRANSFORMATION)
                columns += [(self.name(part), flow) for part in node.args["expressions"]]
            elif isinstance(node, exp.PropertyEQ):
                columns.append((node.args["this"].name, self.flow(node.args["expression"], scope)))
            else:
                columns.append((self.output_name(node), self.value(node, scope)))
            scope.nodes += [node] * (len(columns) - len(scope.nodes))
        scope.listing = False
        return columns, rest

    def value(self, node: exp.Expr, scope: Scope) -> Flow:
        """Return what flows into an output; a plain column's is not copied."""
        if isinstance(node, exp.Column) and node.args["this"].__class__ is not exp.Star:
            return self.reference(node, scope)
        if isinstance(node, exp.Dot):
            flow = self.dotted(node, scope)
            if flow is not None:
                return flow
        row = self.made_row(node, scope)
        return self.flow(node, scope) if row is None else Row(row.whole(), row)

    def output_name(self, node: exp.Expr) -> str:
        """Return the name of an output without an alias."""
        name = output_name(node, self.dialect, self.text)
        if self.dialect.postgres or isinstance(node, (exp.Column, exp.Dot)):
            return name
        return node.sql(dialect=self.dialect.sqlglot) or UNNAMED

    def star(self, node: exp.Expr, scope: Scope, columns: list[Column], rest: list[Item]) -> bool:
        """Add the columns of `*` or `t.*`; False if it is not one of those."""
        star = node
        if isinstance(node, exp.Column):
            star = node.args["this"]
            relation = self.qualified(node, scope)
            if relation is None:
                columns.append((STAR, self.field(node, scope)))
                return True
            items: Sequence[Item] = [relation]
        elif isinstance(node, exp.Star):
            items = scope.items
        elif isinstance(node, exp.Dot):
            return self.composite_star(node, scope, columns, rest)
        else:
            return False
        found = [column for item in items for column in item.star()]
        columns += self.modified(star, found, scope)
        for item in items:
            rest += item.opens()
        return True

    def composite_star(
        self, node: exp.Dot, scope: Scope, columns: list[Column], rest: list[Item]
    ) -> bool:
        """Add the columns of `(x).*`."""
        operand = node.args["this"].unnest()
        relation = self.row(operand, scope)
        if relation is not None:
            columns += relation.star()
            rest += relation.opens()
            return True
        flow = self.flow(operand, scope, TRANSFORMATION)
        known: Sequence[str] = ()
        if self.dialect.postgres and isinstance(operand, exp.Func):
            routine = self.called(operand, operand.parent)
            name = output_name(operand, self.dialect, self.text)
            known = FUNCTION_COLUMNS.get(name, ()) if routine is None else routine.columns
        if not known:
            self.doubts.add("columns of a composite value")
        columns += [(name, flow) for name in known or (STAR,)]
        return True

    def modified(self, star: exp.Expr, columns: list[Column], scope: Scope) -> list[Column]:
        """Return a star's columns after EXCEPT, REPLACE and RENAME."""
        key = self.dialect.key
        args = star.args
        if not any(args.values()):
            return columns
        dropped = {key(self.name(part)) for part in _columns(args.get("except_"))}
        replaced = {
            key(self.name(part.args["alias"])): self.flow(part.args["this"], scope)
            for part in args.get("replace") or ()
        }
        renamed = {
            key(self.name(plain_column(part.args["this"]))): self.name(part.args["alias"])
            for part in args.get("rename") or ()
        }
        return [
            (renamed.get(key(name), name), replaced.get(key(name), flow))
            for name, flow in columns
            if key(name) not in dropped
        ]

    def grouping(self, node: exp.Select, scope: Scope, relation: Relation, rows: Flow) -> None:
        """Add GROUP BY."""
        group = node.args.get("group")
        if group is None:
            return
        for value in group.args.values():
            for part in value if isinstance(value, list) else (value,):
                if isinstance(part, exp.Expr):
                    self.group_key(part, scope, relation, rows)

    def group_key(self, node: exp.Expr, scope: Scope, relation: Relation, rows: Flow) -> None:
        """Add one grouping expression, also inside ROLLUP, CUBE, GROUPING SETS."""
        if isinstance(node, (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple, exp.Paren)):
            inner = node.args.get("expressions") or [node.args.get("this")]
            for part in inner:
                if isinstance(part, exp.Expr):
                    self.group_key(part, scope, relation, rows)
            return
        if isinstance(node, exp.Column) and node.args.get("table") is None:
            key = self.dialect.key(self.name(node.args["this"]))
            flow = scope.find(key)
            if flow is None:
                flow = relation.find(key)
            if flow is not None:
                add(rows, flow, GROUP_BY)
                return
        self.sorting(node, scope, relation, rows, GROUP_BY)

    def sorting(
        self, node: exp.Expr, scope: Scope, relation: Relation, rows: Flow, kind: int
    ) -> None:
        """Add a sort or group expression: a position, an output's name, else any."""
        value = node.args["this"] if isinstance(node, exp.Ordered) else node
        if isinstance(value, exp.Literal) and not value.is_string:
            number = value.name
            if number.isdigit() and 0 < int(number) <= len(relation.columns):
                add(rows, relation.columns[int(number) - 1][1], kind)
            return
        if isinstance(value, exp.Column) and value.args.get("table") is None:
            this = value.args["this"]
            if not isinstance(this, exp.Star):
                flow = relation.find(self.dialect.key(self.name(this)))
                if flow is not None:
                    add(rows, flow, kind)
                    return
        else:
            # The same expression as an output's is that output.
            for place, output in enumerate(relation.nodes):
                if output.__class__ is value.__class__ and output == value:
                    add(rows, relation.columns[place][1], kind)
                    return
        self.visit(value, scope, kind, rows)

    def tail(self, node: exp.Expr, scope: Scope, relation: Relation, rows: Flow) -> None:
        """Add ORDER BY, and what LIMIT and OFFSET read."""
        for key in ("order", "sort", "cluster", "distribute"):
            clause = node.args.get(key)
            for part in clause.args.get("expressions") or () if clause is not None else ():
                self.sorting(part, scope, relation, rows, SORT)
        for key in ("limit", "offset"):
            clause = node.args.get(key)
            if isinstance(clause, exp.Expr):
                self.clause(clause, scope, FILTER, rows)


def _row(node: exp.Expr) -> Sequence[exp.Expr]:
    """Return the values of `(…)` or `ROW(…)`."""
    parts: Sequence[exp.Expr] = node.args["expressions"] if isinstance(node, exp.Tuple) else [node]
    first = parts[0] if len(parts) == 1 else None
    if isinstance(first, exp.Anonymous) and str(first.args["this"]).lower() == "row":
        return first.expressions
    return parts


def _columns(value: Any) -> list[Any]:
    return [plain_column(part) for part in value or ()]


def _by_name(columns: list[Column], right: Relation) -> list[Column]:
    left = {right.key(name) for name, _ in columns}
    out = [(name, merged(flow, right.find(right.key(name)) or NOTHING)) for name, flow in columns]
    return out + [column for column in right.star() if right.key(column[0]) not in left]


def _with(relation: Relation, added: Sequence[tuple[str, Sequence[str]]]) -> Relation:
    """Return a CTE with the columns of SEARCH and CYCLE, computed from others."""
    if not added:
        return relation
    columns = list(relation.columns)
    for name, of in added:
        flow: Flow = {}
        for column in of:
            add(flow, relation.find(relation.key(column)) or NOTHING, TRANSFORMATION)
        columns.append((name, flow))
    return Relation(columns, relation.key, relation.rows, relation.rest)
