"""What stands in FROM: tables, subqueries, functions, joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlglot import exp

from pg_llm.lineage.edges import OFF_PATH, UNRESOLVED
from pg_llm.lineage.parser.flows import (
    IDENTITY,
    JOIN,
    NOTHING,
    TRANSFORMATION,
    Flow,
    add,
    doubtful,
    merged,
    scan,
)
from pg_llm.lineage.parser.functions import (
    FUNCTION_COLUMNS,
    ROW_RETURNING,
    SET_RETURNING,
    columns_of,
    is_value,
)
from pg_llm.lineage.parser.names import output_name
from pg_llm.lineage.parser.pivots import Pivots
from pg_llm.lineage.parser.relations import (
    Column,
    Cte,
    Function,
    Group,
    Item,
    Relation,
    Scope,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_llm.lineage.parser.catalog import Catalog
    from pg_llm.lineage.parser.dialects import Dialect
    from pg_llm.lineage.parser.routines import Routines
    from pg_llm.lineage.parser.tokens import Extras


class Sources(Pivots):
    """Resolves the items of FROM against a catalog.

    `doubts`: why the result may be wrong. `unresolved`: relations that the
    catalog does not know, or that the name may not mean, with the reason.
    """

    def __init__(
        self,
        dialect: Dialect,
        catalog: Catalog,
        text: str,
        extras: Extras | None,
        routines: Routines,
    ) -> None:
        self.extras = extras
        self.routines = routines
        self.dialect = dialect
        self.catalog = catalog
        self.text = text
        self.doubts: set[str] = set()
        self.unresolved: dict[str, str] = {}

    def values(self, node: exp.Values, scope: Scope | None, ctes: Mapping[str, Cte]) -> Relation:
        """Return what VALUES yields."""
        raise NotImplementedError

    def from_(self, node: exp.Expr, scope: Scope) -> None:
        """Add FROM with its joins to the scope."""
        from_ = node.args.get("from_")
        if from_ is not None:
            self.add_item(from_.args["this"], scope)
        self.joins(node, scope)
        for lateral in node.args.get("laterals") or ():
            scope.items.append(self.from_item(lateral, scope))

    def add_item(self, node: exp.Expr, scope: Scope) -> None:
        """Add an item of FROM."""
        scope.items.append(self.from_item(node, scope))

    def joins(self, node: exp.Expr, scope: Scope) -> None:
        """Add joins: a comma starts a new item, JOIN widens the last one."""
        for join in node.args.get("joins") or ():
            item = self.from_item(join.args["this"], scope)
            if _is_comma(join) or not scope.items:
                scope.items.append(item)
                continue
            left = scope.items[-1]
            scope.items[-1] = self.join(join, left, item)
            condition = join.args.get("on")
            if condition is not None:
                self.visit(condition, scope, JOIN, scope.rows)
            self.used(left, item, scope)

    def join(self, node: exp.Join, left: Item, right: Item) -> Group:
        """Return the join of two items; USING and NATURAL merge columns."""
        names = [self.name(plain_column(part)) for part in node.args.get("using") or ()]
        if node.args.get("method") == "NATURAL":
            names = [name for name, _ in left.star() if right.find(self.dialect.key(name))]
        side = node.args.get("side")
        columns: dict[str, Column] = {}
        for name in names:
            key = self.dialect.key(name)
            flows = [self.side_column(item, key, name) for item in (left, right)]
            if side == "FULL":
                flow: Flow = {}
                for part in flows:
                    add(flow, part, TRANSFORMATION)
            elif side:
                flow = flows[1] if side == "RIGHT" else flows[0]
            else:
                # The server takes the side that needs no cast: types decide.
                flow = doubtful(flows[0])
            columns[key] = (name, flow)
        group = Group([left, right], columns)
        if node.args.get("kind") in ("SEMI", "ANTI"):
            group = Group([left])
        return group

    def side_column(self, item: Item, key: str, name: str) -> Flow:
        """Return a USING column of one side."""
        flows = item.reach(key, name)
        if len(flows) > 1:
            self.doubts.add("ambiguous column")
        return flows[0] if flows else NOTHING

    def used(self, left: Item, right: Item, scope: Scope) -> None:
        """Add both sides' USING columns as what joins."""
        group = scope.items[-1]
        if isinstance(group, Group):
            for key, (name, _) in group.merged.items():
                for item in (left, right):
                    add(scope.rows, self.side_column(item, key, name), JOIN)

    def from_item(self, node: exp.Expr, scope: Scope) -> Any:
        """Return one item of FROM, and make its alias visible."""
        if isinstance(node, exp.Final):
            node = node.args["this"]
        if isinstance(node, exp.Table):
            item: Item = self.table(node, scope)
        elif isinstance(node, exp.Subquery):
            item = self.derived(node, scope)
        elif isinstance(node, exp.Lateral):
            item = self.lateral(node, scope)
        elif isinstance(node, exp.Values):
            item = self.aliased(self.values(node, scope.parent, scope.ctes), node, scope, None)
        elif isinstance(node, exp.Paren):
            item = self.from_item(node.args["this"], scope)
        elif isinstance(node, (exp.Select, exp.SetOperation)):
            item = self.aliased(self.query(node, scope.parent, scope.ctes), node, scope, None)
        else:
            item = self.table_function(node, node, scope)
        for pivot in node.args.get("pivots") or ():
            item = self.aliased(self.pivoted(pivot, item, scope), pivot, scope, None)
        return self.nested(node, item, scope) if node.args.get("joins") else item

    def table(self, node: exp.Table, scope: Scope) -> Item:
        """Return a table, a CTE, or a function called like a table."""
        this = node.args.get("this")
        if node.args.get("rows_from"):
            return self.rows_from(node, scope)
        if not isinstance(this, (exp.Identifier, exp.Parameter)):
            return (
                self.table_function(this, node, scope) if this is not None else Relation([], str)
            )
        parts = self.parts(node)
        relation: Relation | None = None
        if len(parts) == 1:
            cte = scope.ctes.get(self.dialect.key(parts[0]))
            if cte is not None:
                relation = cte.relation()
            elif self.dialect.postgres and is_value(this):
                relation = Relation([(parts[0], NOTHING)], self.dialect.key)
        if relation is None:
            relation = self.correlated(parts, scope)
        if relation is None:
            relation = table = self.base(parts)
            add(scope.rows, scan(table.name), IDENTITY)
        return self.aliased(relation, node, scope, parts)

    def nested(self, node: exp.Expr, item: Item, scope: Scope) -> Item:
        """Return an item with the joins that are written inside it."""
        inside = Scope(scope.parent, scope.ctes)
        inside.aliases = scope.aliases
        inside.rows = scope.rows
        inside.items = [item]
        self.joins(node, inside)
        return inside.items[0] if len(inside.items) == 1 else Group(inside.items)

    def parts(self, node: exp.Expr) -> list[str]:
        """Return the parts of a table's name as the catalog would store them."""
        parts = []
        for key in ("catalog", "db", "this"):
            part = node.args.get(key)
            while isinstance(part, exp.Dot):
                parts.append(self.name(part.args["this"]))
                part = part.args["expression"]
            if isinstance(part, exp.Parameter):
                # A variable that holds a table.
                parts.append("@" + self.dialect.key(part.name))
            elif isinstance(part, exp.Identifier) and part.args.get("this"):
                parts.append(self.name(part))
        return parts

    def base(self, parts: Sequence[str]) -> Table:
        """Return a table of the catalog, or an unknown one."""
        found = self.catalog.find(parts)
        if found is None:
            name = self.dialect.shown(parts)
            self.unresolved[name] = UNRESOLVED
            self.doubts.add("unknown relation")
            return Table(name, None, self.dialect.key)
        if not found.visible:
            self.unresolved[found.name] = OFF_PATH
            self.doubts.add("relation that is not on the search path")
        return Table(found.name, found.columns, self.dialect.key)

    def correlated(self, parts: list[str], scope: Scope) -> Relation | None:
        """Return an array of another item, read like a table (`FROM t, t.items`)."""
        if self.dialect.postgres or len(parts) < 2:
            return None
        owner = scope.aliases.get(self.dialect.key(parts[0]))
        if owner is None:
            return None
        flows = owner.reach(self.dialect.key(parts[1]), parts[1])
        return Function(parts[-1], flows[0] if flows else NOTHING, self.dialect.key)

    def aliased(
        self, relation: Relation, node: exp.Expr, scope: Scope, parts: list[str] | None
    ) -> Relation:
        """Make a relation visible under its alias, with its columns renamed."""
        alias = node.args.get("alias")
        key = self.dialect.key
        if relation.rows:
            add(scope.rows, relation.rows, IDENTITY)
        if alias is not None:
            relation = relation.named(self.names(alias))
            this = alias.args.get("this")
            if this is not None:
                scope.aliases[key(self.name(this))] = relation
                return relation
        if parts:
            for start in range(len(parts)):
                scope.aliases.setdefault(".".join(map(key, parts[start:])), relation)
        return relation

    def names(self, alias: exp.Expr) -> list[str]:
        """Return the column names of an alias: `t(a, b)`, `t(a int, b text)`."""
        out = []
        for part in alias.args.get("columns") or ():
            out.append(self.name(part.args["this"] if isinstance(part, exp.ColumnDef) else part))
        return out

    def derived(self, node: exp.Subquery, scope: Scope) -> Item:
        """Return a subquery or a parenthesised join in FROM."""
        this = node.args["this"]
        if isinstance(this, exp.Values) or not isinstance(this, (exp.Table, exp.Subquery)):
            return self.aliased(self.query(this, scope.parent, scope.ctes), node, scope, None)
        if node.args.get("alias") is None:
            return cast("Item", self.from_item(this, scope))
        inside = Scope(scope, scope.ctes)
        inside.rows = scope.rows
        joined = self.from_item(this, inside)
        relation = Relation(joined.star(), self.dialect.key, rest=joined.opens())
        return self.aliased(relation, node, scope, None)

    def lateral(self, node: exp.Lateral, scope: Scope) -> Relation:
        """Return LATERAL (query), LATERAL f(), LATERAL VIEW f(), CROSS APPLY."""
        this = node.args["this"]
        if isinstance(this, (exp.Subquery, exp.Query)):
            query = this.args["this"] if isinstance(this, exp.Subquery) else this
            alias = node if node.args.get("alias") is not None else this
            return self.aliased(self.query(query, scope), alias, scope, None)
        return self.table_function(this, node, scope)

    def table_function(self, node: exp.Expr, owner: exp.Expr, scope: Scope) -> Relation:
        """Return a function in FROM: what flows in are its arguments."""
        if isinstance(node, exp.TableFromRows):
            node = node.args["this"]
        if isinstance(node, exp.Dot) and isinstance(node.args["expression"], exp.Func):
            node = node.args["expression"]
        if isinstance(node, exp.SemanticView):
            table = self.base(self.parts(node.args["this"]))
            add(scope.rows, scan(table.name), IDENTITY)
            return self.aliased(table, owner, scope, None)
        flow = self.flow(node, scope, TRANSFORMATION)
        alias = owner.args.get("alias")
        names = self.names(alias) if alias is not None else []
        if isinstance(node, (exp.XMLTable, exp.JSONTable)):
            add(scope.rows, flow, JOIN)
            return self.table_columns(node, owner, scope, flow)
        function = output_name(node, self.dialect, self.text)
        name = function
        if alias is not None and alias.args.get("this") is not None:
            name = self.name(alias.args["this"])
        columns = self.function_columns(node, owner, scope, function, names, name)
        routine = self.called(node, owner)
        builtin = self.dialect.name == "postgres" and (
            function in SET_RETURNING or function in FUNCTION_COLUMNS
        )
        known = names or len(columns) > 1 or builtin or routine is not None
        if self.dialect.postgres:
            add(scope.rows, flow, JOIN)
        if known:
            relation = Relation(columns, self.dialect.key)
        else:
            self.doubts.add("columns of a function")
            relation = Function(columns[0][0], columns[0][1], self.dialect.key)
        scope.aliases[self.dialect.key(name)] = relation
        return relation

    def function_columns(
        self,
        node: exp.Expr,
        owner: exp.Expr,
        scope: Scope,
        function: str,
        names: Sequence[str],
        name: str,
    ) -> list[Column]:
        """Return the columns of a function in FROM, as far as they are known."""
        flow = self.flow(node, scope, TRANSFORMATION)
        if self.dialect.name != "postgres":
            columns = [(column, flow) for column in names or (name,)]
        elif isinstance(node, exp.Unnest):
            single = [name] if len(node.expressions) == 1 else []
            columns = self.unnested(node, scope, names or single)
        else:
            columns = self.returned(node, owner, scope, function, names, name, flow)
        offset = node.args.get("offset") if isinstance(node, exp.Unnest) else None
        if offset:
            named = isinstance(offset, exp.Identifier) and offset.name != "offset"
            columns.append((self.name(offset) if named else "ordinality", flow))
        elif owner.args.get("ordinality"):
            last = names[-1] if len(names) > len(columns) else "ordinality"
            columns.append((last, flow))
        return columns

    def unnested(self, node: exp.Unnest, scope: Scope, names: Sequence[str]) -> list[Column]:
        """Return the columns of UNNEST: one for each of its arrays."""
        add(scope.rows, scan("pg_catalog.unnest"), IDENTITY)
        columns: list[Column] = []
        for number, argument in enumerate(node.expressions):
            flow: Flow = {("pg_catalog.unnest", "unnest"): 1}
            self.visit(argument, scope, TRANSFORMATION, flow)
            columns.append((names[number] if number < len(names) else "unnest", flow))
        return columns

    def returned(
        self,
        node: exp.Expr,
        owner: exp.Expr,
        scope: Scope,
        function: str,
        names: Sequence[str],
        name: str,
        flow: Flow,
    ) -> list[Column]:
        """Return the columns of PostgreSQL's function: itself is a source, and its arguments."""
        # XMLTABLE comes as a function only from our own rewriting.
        none = not isinstance(node, exp.Func) or isinstance(node, _NO_FUNCTIONS)
        none = none and function != "now"
        if none or function == "xmltable" or isinstance(owner, exp.TableFromRows):
            return [(column, flow) for column in names or (name,)]
        routine = self.called(node, owner)
        relation = self.function_name(node, owner, function)
        add(scope.rows, scan(relation), IDENTITY)
        if routine is not None:
            own: Sequence[str] = _declared(owner) or routine.columns
        else:
            own = _declared(owner) or columns_of(function, len(names))
        sources = own or (function,)
        ordinality = bool(owner.args.get("ordinality")) and len(names) > len(sources)
        given = names[: len(names) - ordinality] or ([] if own else [name])
        shown = [*given, *sources[len(given) :]]
        columns: list[Column] = []
        for number, column in enumerate(shown):
            source = sources[number] if number < len(sources) else column
            made = dict(flow)
            add(made, {(relation, source): 1}, IDENTITY)
            columns.append((column, made))
        return columns

    def function_name(self, node: exp.Expr, owner: exp.Expr, function: str) -> str:
        """Return a function's name as it is shown."""
        schema = self.schema_of(node, owner)
        parts = [schema] if schema is not None else []
        routine = self.called(node, owner)
        if routine is not None:
            return self.dialect.shown([routine.schema, routine.name])
        builtin = any(
            function in known for known in (SET_RETURNING, ROW_RETURNING, FUNCTION_COLUMNS)
        )
        if not parts and (builtin or not isinstance(node, exp.Anonymous)):
            parts = ["pg_catalog"]
        name = self.dialect.shown([*parts, function])
        if not parts:
            self.unresolved[name] = UNRESOLVED
        return name

    def table_columns(self, node: exp.Expr, owner: exp.Expr, scope: Scope, flow: Flow) -> Relation:
        """Return XMLTABLE, JSON_TABLE: columns with definitions of their own."""
        columns = [(self.name(part.args["this"]), flow) for part in _definitions(node)]
        relation = Relation(columns, self.dialect.key)
        name = "xmltable" if isinstance(node, exp.XMLTable) else "json_table"
        return self.aliased(relation, owner, scope, [name])

    def rows_from(self, node: exp.Table, scope: Scope) -> Relation:
        """Return ROWS FROM (f(), g()): the columns of all of them side by side."""
        columns: list[Column] = []
        for part in node.args["rows_from"]:
            columns += self.from_item(part, scope).star()
        if node.args.get("ordinality"):
            # A number for each row that the functions make of their arguments.
            whole = merged(*(flow for _, flow in columns))
            flow = {source: mask for source, mask in whole.items() if mask != 1}
            columns.append(("ordinality", flow))
        return self.aliased(Relation(columns, self.dialect.key), node, scope, None)


def _is_comma(join: exp.Join) -> bool:
    args = join.args
    return not any(args.get(key) for key in ("kind", "side", "method", "on", "using"))


def _definitions(node: exp.Expr) -> list[Any]:
    """Return the column definitions of XMLTABLE or JSON_TABLE, nested ones too."""
    found = list(node.args.get("columns") or ())
    schema = node.args.get("schema") or node.args.get("nested_schema")
    for part in schema.expressions if schema is not None else ():
        found.append(part)
        if part.args.get("nested_schema") is not None:
            found += _definitions(part)
    return [part for part in found if part.args.get("this") is not None]


# Written like functions in FROM, these are none in PostgreSQL's catalog.
_NO_FUNCTIONS = (
    exp.Case,
    exp.Cast,
    exp.Coalesce,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.CurrentUser,
    exp.Greatest,
    exp.Least,
    exp.Nullif,
)


def _declared(owner: exp.Expr) -> list[str]:
    """Return the names of a column definition list: `f() as (a int, b text)`."""
    alias = owner.args.get("alias")
    parts = alias.args.get("columns") or () if alias is not None else ()
    return [part.args["this"].name for part in parts if isinstance(part, exp.ColumnDef)]


def plain_column(node: Any) -> Any:
    """Return the identifier of a column reference."""
    return node.args["this"] if isinstance(node, exp.Column) else node
