"""From a frame to SQL: which columns, which joins, which clauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition import misreadings
from pg_llm.text2sql.composition.calculation import rounded
from pg_llm.text2sql.composition.frame import Declined, Frame, Order, Presence, Term
from pg_llm.text2sql.composition.render import Query, quote
from pg_llm.text2sql.composition.where import Where
from pg_llm.text2sql.words import split_identifier

if TYPE_CHECKING:
    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import ColumnRef, SchemaIndex


@dataclass(frozen=True, slots=True)
class Composition:
    """SQL with its evidence: what it reads and how sure each choice was.

    `forms`: constructions that a question often means otherwise (`exists`,
    `not exists`, `having`, `extreme`, `ranked groups`, `subquery`, and `join`
    for each one). `unused`: verbs that name a relation which the SQL leaves out.
    `shown`: the names of the output columns; `scalar`: one value comes back.
    `query` is the statement in parts, and `items` its output: expression, name,
    and whether it aggregates.
    """

    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    joins: tuple[str, ...]
    scores: tuple[float, ...]
    warnings: tuple[str, ...]
    forms: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    keys: int = 0
    counted: bool = False
    scalar: bool = False
    query: Query | None = None
    items: tuple[tuple[str, str, bool], ...] = ()


def compose(frame: Frame, schema: SchemaIndex, *, keyed: bool = False) -> Composition:
    """Return the SQL of a frame; raises `Declined` where no sense is certain.

    `keyed`: the key of the rows comes first (the first `keys` of `shown`), and
    a count of rows (`counted`) lists them instead.
    """
    composer = _Composer(frame, schema)
    composer.keyed = keyed
    return composer.compose()


_FOUNDED = frozenset({"year", "birth", "founded", "opened", "built", "established", "open"})


@dataclass(slots=True)
class _Item:
    """A select item: an expression with its name in the output."""

    sql: str
    name: str = ""
    aggregated: bool = False


class _Composer(Where):
    """Composes what is selected, grouped and ordered."""

    keyed = False
    items: list[_Item] = []  # noqa: RUF012  (never changed in place)

    def compose(self) -> Composition:
        frame = self.frame
        if self.keyed:
            self._list_counted()
        self._complete()
        self._sum_below()
        root = self._bridge(self._root())
        self.resolver.root = root
        self.query = Query(self.schema, root, frame.hints)
        self._orders_without_term()
        for term in self._output_terms():
            for relation in self._relations(term):
                self.query.join(relation)
        self._conditions()
        if self._ranks_within_groups():
            self._first_of_groups()
        else:
            self._select()
        misreadings.check(self)
        keys = self._put_keys() if self.keyed else 0
        self._idle()
        sql = self.query.sql()
        aggregated = all(term.aggregate for term in frame.select) and bool(frame.select)
        return Composition(
            sql,
            tuple(dict.fromkeys(self.query.tables)),
            tuple(dict.fromkeys(self.resolver.used)),
            tuple(dict.fromkeys(self.query.joins)),
            (*frame.scores, *self.resolver.scores),
            (*frame.warnings, *self.resolver.warnings, *self.query.warnings),
            tuple(self._forms()),
            tuple(self._unused()),
            tuple(self.query.names()),
            keys,
            self.counted,
            aggregated and not self.query.group and len(self.query.select) == 1,
            self.query,
            self._described(),
        )

    def _described(self) -> tuple[tuple[str, str, bool], ...]:
        aggregated = {item.sql: item.aggregated for item in self.items}
        return tuple(
            (sql, name, aggregated.get(sql, False))
            for (sql, _), name in zip(self.query.select, self.query.names(), strict=True)
        )

    def _idle(self) -> None:
        """Doubt what names a column that the statement does not read."""
        read = set(self.resolver.used)
        for term in self.frame.idle:
            likely = [m for m in term.matches if m.score >= term.matches[0].score - 0.3]
            if not any(f"{m.relation.sql_name}.{m.ref.column.name}" in read for m in likely):
                self.resolver.scores.append(0.4)
                self.resolver.warnings.append(f'the word "{term.text}" was not used')

    def _list_counted(self) -> None:
        """List the rows that are counted."""
        select = self.frame.select
        if len(select) == 1 and select[0].aggregate == "count" and not select[0].matches:
            entity, counted = self.frame.entity, select[0].relation
            if entity is not None and counted is not None and entity.oid != counted.oid:
                self.frame.presences.insert(0, Presence(entity))
            self.frame.entity = counted or entity
            self.frame.select = [Term(relation=self.frame.entity)]
            self.counted = True

    def _put_keys(self) -> int:
        """Put the key of the entity's rows in front; returns how many columns it has."""
        query, entity = self.query, self.frame.entity
        plain = not query.group and not self.frame.orders and not query.limit
        if entity is None or not plain or any(t.aggregate for t in self.frame.select):
            raise Declined("only plain lists can be taken together")
        keys = [(query.column_name(entity.oid, name), "") for name in self.schema.key(entity)]
        query.select = [*keys, *query.select]
        query.order = []
        return len(keys)

    # ---- the best rows of each group -------------------------------------------

    def _ranks_within_groups(self) -> bool:
        frame = self.frame
        extremes = [order for order in frame.orders if order.extreme]
        return bool(frame.groups and extremes) and not any(o.term.aggregate for o in extremes)

    def _first_of_groups(self) -> None:
        """Take "the most expensive product of each category": every row of that rank."""
        frame, query = self.frame, self.query
        order = next(order for order in frame.orders if order.extreme)
        wanted = frame.select or [Term(relation=frame.entity)]
        items = [item for term in wanted for item in self._items(term)]
        if not items or any(item.aggregated for item in items) or query.having:
            raise Declined("what is wanted of each group is not clear")
        keys, heads = self._group_keys()
        ranked = self._order_expressions(order.term)[0]
        if ranked in keys or order.term.text == "?":
            raise Declined("the question does not say by what the first rows are to be ranked")
        descending = order.descending != self._turned(order.term)
        direction = "desc nulls last" if descending else "asc nulls last"
        shown = _unique([*heads, *items, _Item(ranked)])
        window = f"rank() over (partition by {', '.join(keys)} order by {ranked} {direction})"
        query.select = [*((item.sql, item.name) for item in shown), (window, "rank_in_group")]
        names = [quote(name) for name in query.names()]
        listed = ", ".join(names[:-1])
        query.wrap = (
            f"select {listed}\nfrom (\n{{query}}\n) as ranked\n"
            f"where {names[-1]} <= {frame.limit or 1}\norder by {listed}"
        )

    def _group_keys(self) -> tuple[list[str], list[_Item]]:
        keys: list[str] = []
        heads: list[_Item] = []
        for term in self.frame.groups:
            one, named = self._group(term)
            keys += one
            heads += named
        return keys, heads

    def _unused(self) -> list[str]:
        """Return the verbs that speak of a relation that is not read (returned: returns)."""
        read = set(self.query.tables)
        unused = []
        for verb in self.frame.verbs:
            named = [m for m in self.schema.find([verb]) if m.column is None and m.score >= 0.75]
            if named and not any(match.relation.sql_name in read for match in named):
                unused.append(verb)
        return unused

    def _forms(self) -> list[str]:
        query = self.query
        forms = query.forms()
        if query.having:
            forms.append("having")
        counted = [c for c in self.frame.conditions if c.term.aggregate == "count"]
        if any(condition.op in ("<", "<=") for condition in counted):
            # those that have none at all are left out by the join
            forms.append("few")
        if any(order.extreme for order in self.frame.orders):
            below = self._inner_extreme() is not None
            if self._ranks_within_groups():
                return [*forms, "first of groups"]
            forms.append("subquery" if below else self._ranked_form())
        return forms

    def _ranked_form(self) -> str:
        """Name the ranking: the first of groups by their count is tied most easily."""
        if not self.query.group:
            return "extreme"
        counts = any(order.term.aggregate == "count" for order in self.frame.orders)
        single = (self.frame.limit or 1) == 1
        return "most counted group" if counts and single else "ranked groups"

    def _select(self) -> None:
        frame, query = self.frame, self.query
        below = self._inner_extreme() is not None
        orders = [] if below else frame.orders
        items = [item for term in frame.select for item in self._items(term)]
        aggregated = any(item.aggregated for item in items)
        groups, items = self._groups(orders, items)
        if query.having and not groups:
            groups = self._having_groups(items)
            if groups and aggregated:
                self._count_groups(groups)
                return
        if groups:
            shown = [item.sql for item in items if not item.aggregated]
            query.group = list(dict.fromkeys([*groups, *shown]))
        items = _unique([*items, *self._ranking(orders, items)])
        self.items = items
        query.select = [(item.sql, item.name) for item in items]
        plain = not groups and not aggregated and not any(order.extreme for order in orders)
        query.distinct = plain and (frame.distinct or query.fans_out())
        self._order(orders, items, bool(groups))
        if frame.limit and not below:
            query.limit = frame.limit

    def _groups(self, orders: list[Order], items: list[_Item]) -> tuple[list[str], list[_Item]]:
        """Return what is grouped by, and the items with those that name the groups."""
        groups, heads = self._group_keys()
        plain = [item for item in items if not item.aggregated]
        aggregated = len(plain) < len(items)
        ranked = any(order.term.aggregate for order in orders)
        if plain and not groups and (aggregated or self.query.having or ranked):
            groups = self._group_plain(plain)
        shown = {item.sql for item in plain} & {head.sql for head in heads}
        if (heads and (not plain or (aggregated and not shown and not self._determined()))) or (
            heads and aggregated and not self._named(plain)
        ):
            items = [*heads, *items]
        return groups, items

    def _ranking(self, orders: list[Order], items: list[_Item]) -> list[_Item]:
        """Show what a list is ranked by, unless it shows an aggregate anyway."""
        if any(item.aggregated for item in items):
            return []
        ranked = [order.term for order in orders if order.extreme]
        return [
            _Item(self._aggregate(term), self._aggregate_name(term), True)
            if term.aggregate
            else _Item(self.query.column(self.resolver.column(term)))
            for term in ranked
            if term.aggregate or term.matches or term.hints
        ]

    def _named(self, plain: list[_Item]) -> bool:
        """Whether what is shown names the groups."""
        return all(
            self._shows(term.relation, plain)
            for term in self.frame.groups
            if term.relation is not None and not term.matches
        )

    def _determined(self) -> bool:
        """Whether the columns of the entity stand for its groups."""
        entity = self.frame.entity
        return entity is not None and any(
            term.relation is not None and term.relation.oid == entity.oid
            for term in self.frame.groups
        )

    def _group_plain(self, plain: list[_Item]) -> list[str]:
        """Group by the entity of plain columns, so that namesakes stay apart."""
        owners: dict[int, Relation] = {}
        for term in self.frame.select:
            if term.aggregate:
                continue
            for relation in self._relations(term):
                owners[relation.oid] = relation
        keys: list[str] = []
        entity = self.frame.entity
        if entity is not None and not self._shows(entity, plain):
            entity = None
        if (entity is not None and entity.oid in owners and entity.oid != self.query.root.oid) or (
            entity is not None and entity.oid in owners and self._counts_others()
        ):
            keys = [self.query.column_name(entity.oid, name) for name in self.schema.key(entity)]
        return [*keys, *(item.sql for item in plain)]

    def _shows(self, entity: Relation, plain: list[_Item]) -> bool:
        """Whether what is selected stands for single rows of the entity."""
        names = {ref.column.name for ref in self.schema.named(entity)}
        names |= set(self.schema.key(entity))
        shown = {self.query.column_name(entity.oid, name) for name in names}
        return any(item.sql in shown for item in plain)

    def _counts_others(self) -> bool:
        entity = self.frame.entity
        terms = [c.term for c in self.frame.conditions if c.term.aggregate]
        terms += [o.term for o in self.frame.orders if o.term.aggregate]
        return any(
            t.relation is not None and entity is not None and t.relation.oid != entity.oid
            for t in terms
        )

    def _having_groups(self, items: list[_Item]) -> list[str]:
        entity = self.frame.entity
        if entity is None:
            return []
        return [self.query.column_name(entity.oid, name) for name in self.schema.key(entity)] or [
            item.sql for item in items if not item.aggregated
        ]

    def _count_groups(self, groups: list[str]) -> None:
        """Count the groups that a HAVING leaves."""
        self.query.select = [(groups[0], "")]
        self.query.group = groups
        self.query.wrap = "select count(*) as {name} from (\n{query}\n) as found"
        self.query.wrap_name = "count"

    def _group(self, term: Term) -> tuple[list[str], list[_Item]]:
        if term.relation is not None and not term.matches and not term.hints:
            relation = term.relation
            keys = [
                self.query.column_name(relation.oid, name) for name in self.schema.key(relation)
            ]
            items = [_Item(self.query.column(ref), "") for ref in self.schema.display(relation)]
            self.resolver.note(*self.schema.display(relation))
            return [*keys, *(item.sql for item in items)], items
        ref = self.resolver.column(term)
        expression = self.query.column(ref)
        name = ""
        if term.unit and ref.column.category == "D":
            name = term.unit
            expression = (
                f"extract(year from {expression})::int"
                if term.unit == "year"
                else f"date_trunc('{term.unit}', {expression})::date"
            )
        return [expression], [_Item(expression, name)]

    def _items(self, term: Term) -> list[_Item]:
        if term.aggregate:
            whole = term.aggregate == "count"
            value = rounded(self._aggregate(term), None if whole else self.frame.digits)
            return [_Item(value, self._aggregate_name(term), True)]
        if self._is_name(term) and self.frame.entity is not None:
            refs = self.schema.display(self.frame.entity)
        elif term.matches or term.hints:
            refs = [self.resolver.column(term)]
        elif term.relation is not None:
            refs = self.schema.display(term.relation)
        else:
            refs = []
        self.resolver.note(*refs)
        if term.other is not None or term.unit == "age":
            return [_Item(self._expression(term), self._aggregate_name(term))]
        self._beside_itself(term, refs)
        return [_Item(self.query.column(ref)) for ref in refs]

    def _beside_itself(self, term: Term, refs: list[ColumnRef]) -> None:
        """Decline "the manager": another row of the same table, and not its number."""
        if not term.matches or len(refs) != 1 or {"id", "number", "code"} & set(term.text.split()):
            return
        ref = refs[0]
        for step in self.schema.joins.steps(ref.relation.oid):
            if step.target == step.source and step.source_columns == (ref.column.name,):
                raise Declined(f'"{term.text}" is another row of {ref.relation.sql_name}')

    def _order(self, orders: list[Order], items: list[_Item], grouped: bool) -> None:
        query = self.query
        for order in orders:
            for expression in self._order_expressions(order.term):
                descending = order.descending != self._turned(order.term)
                direction = " desc" if descending else ""
                nulls = " nulls last" if descending else ""
                query.order.append(f"{expression}{direction}{nulls}")
        if query.select and all(item.aggregated for item in items):
            return
        taken = {entry.split(" desc")[0] for entry in query.order}
        if any(order.extreme for order in orders) and not grouped:
            keys = [query.column_name(query.root.oid, k) for k in self.schema.key(query.root)]
            if keys:
                query.order += [key for key in keys if key not in taken]
                return
        ties = [
            item.sql for item in _unique(items) if not item.aggregated and item.sql not in taken
        ]
        query.order += ties
        if grouped:
            query.order += [key for key in query.group if key not in taken and key not in ties]

    def _turned(self, term: Term) -> bool:
        """Whether the oldest has the smallest value: a date of birth, not an age."""
        if term.hints[:1] != ("age",):
            return False
        column = self.resolver.column(term).column
        return column.category == "D" or bool(_FOUNDED & set(split_identifier(column.name)))

    def _order_expressions(self, term: Term) -> list[str]:
        if term.aggregate:
            return [self._aggregate(term)]
        if (
            (self._is_name(term) or term.relation is not None)
            and not term.matches
            and not term.hints
        ):
            relation = term.relation or self.frame.entity
            return (
                [self.query.column(ref) for ref in self.schema.display(relation)]
                if relation
                else []
            )
        return [self.query.column(self.resolver.column(term))]


def _unique(items: list[_Item]) -> list[_Item]:
    seen: dict[str, _Item] = {}
    for item in items:
        seen.setdefault(item.sql, item)
    return list(seen.values())
