"""From a frame to SQL: which columns, which joins, which clauses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_llm.text2sql.frame import Condition, DateRange, Declined, Frame, Order, Presence, Term
from pg_llm.text2sql.index import ColumnRef, Match, SchemaIndex
from pg_llm.text2sql.measures import additive
from pg_llm.text2sql.render import Query, literal, quote
from pg_llm.text2sql.resolve import Resolver

if TYPE_CHECKING:
    from pg_llm.catalog import Relation
    from pg_llm.text2sql.joins import Step

_NEGATED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@dataclass(frozen=True, slots=True)
class Composition:
    """SQL with its evidence: what it reads and how sure each choice was."""

    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    joins: tuple[str, ...]
    scores: tuple[float, ...]
    warnings: tuple[str, ...]


def compose(frame: Frame, schema: SchemaIndex) -> Composition:
    """Return the SQL of a frame; raises `Declined` where no sense is certain."""
    return _Composer(frame, schema).compose()


@dataclass(slots=True)
class _Item:
    """A select item: an expression with its name in the output."""

    sql: str
    name: str = ""
    aggregated: bool = False


@dataclass(slots=True)
class _Composer:
    frame: Frame
    schema: SchemaIndex
    resolver: Resolver = field(init=False)
    query: Query = field(init=False)

    def __post_init__(self) -> None:
        self.resolver = Resolver(self.frame, self.schema)

    def compose(self) -> Composition:
        frame = self.frame
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
        self._select()
        sql = self.query.sql()
        return Composition(
            sql,
            tuple(dict.fromkeys(self.query.tables)),
            tuple(dict.fromkeys(self.resolver.used)),
            tuple(dict.fromkeys(self.query.joins)),
            tuple([*frame.scores, *self.resolver.scores]),
            tuple([*frame.warnings, *self.resolver.warnings, *self.query.warnings]),
        )

    # ---- what the question leaves unsaid --------------------------------------

    def _complete(self) -> None:
        frame = self.frame
        if frame.entity is None:
            frame.entity = self._guess_entity()
        if frame.entity is None:
            raise Declined("the question names no table that you may read")
        self.resolver.entity = frame.entity
        if not frame.select and not frame.groups:
            frame.select.append(Term(relation=frame.entity))
        self._plain_groups()
        self._arg_extreme()
        extremes = [order for order in frame.orders if order.extreme]
        if len(extremes) > 1:
            frame.orders = [o for o in frame.orders if not o.extreme or o.term.text != "?"]
            extremes = [order for order in frame.orders if order.extreme]
            if len(extremes) > 1:
                raise Declined("the question has more than one superlative")

    def _plain_groups(self) -> None:
        """Take "of every student": without an aggregate nothing is grouped."""
        frame = self.frame
        computed = [t for t in frame.select if t.aggregate]
        computed += [c.term for c in frame.conditions if c.term.aggregate]
        computed += [o.term for o in frame.orders if o.term.aggregate or o.extreme]
        if frame.groups and frame.select and not computed:
            groups, frame.groups = frame.groups, []
            frame.distinct = True
            for term in groups:
                if term.relation is None and not any(t.text == term.text for t in frame.select):
                    frame.select.insert(0, term)

    def _arg_extreme(self) -> None:
        """Take "the maximum price and the name": the row that has it."""
        frame = self.frame
        computed = [term for term in frame.select if term.aggregate]
        plain = [term for term in frame.select if not term.aggregate]
        if not plain or not computed or frame.groups or frame.orders:
            return
        if len(computed) == 1 and computed[0].aggregate in ("min", "max"):
            term = computed[0]
            frame.orders.append(Order(term, term.aggregate == "max", extreme=True))
            frame.limit = 1
            term.aggregate = None

    def _guess_entity(self) -> Relation | None:
        frame = self.frame
        for term in (*frame.groups, *frame.select):
            if term.relation is not None:
                return term.relation
        for term in (*frame.groups, *frame.select, *(c.term for c in frame.conditions)):
            best = [match for match in term.matches if match.score >= term.matches[0].score - 0.05]
            if best:
                if len({match.relation.oid for match in best}) > 1:
                    named = self._preferred(best)
                    if named is not None:
                        return named
                    self.resolver.scores.append(0.5)
                return best[0].relation
        for condition in frame.conditions:
            if condition.choices:
                return condition.choices[0].ref.relation
        return None

    def _preferred(self, matches: list) -> Relation | None:  # type: ignore[type-arg]
        """Prefer the relation that most terms of the question agree on."""
        frame = self.frame
        votes: dict[int, float] = {}
        for term in (
            *frame.select,
            *frame.groups,
            *(c.term for c in frame.conditions),
            *(o.term for o in frame.orders),
        ):
            for match in term.matches:
                votes[match.relation.oid] = votes.get(match.relation.oid, 0.0) + match.score
        for condition in frame.conditions:
            for choice in condition.choices:
                oid = choice.ref.relation.oid
                votes[oid] = votes.get(oid, 0.0) + 0.5
        ranked = sorted(matches, key=lambda match: -votes.get(match.relation.oid, 0.0))
        if (
            len(ranked) > 1
            and votes.get(ranked[0].relation.oid, 0) > votes.get(ranked[1].relation.oid, 0) + 0.2
        ):
            return ranked[0].relation  # type: ignore[no-any-return]
        return None

    def _orders_without_term(self) -> None:
        """Sort alphabetically, or descending: by what is selected first."""
        frame = self.frame
        for order in frame.orders:
            if order.term.text == "first item":
                plain = [term for term in frame.select if not term.aggregate]
                aggregated = [term for term in frame.select if term.aggregate]
                if order.descending and aggregated:
                    plain = aggregated
                chosen = (plain or frame.select or frame.groups)[0]
                order.term = Term(
                    chosen.matches,
                    chosen.relation,
                    chosen.aggregate,
                    chosen.distinct,
                    text=chosen.text,
                )
            elif order.term.text == "?":
                raise Declined("the question does not say by what the first rows are to be ranked")

    def _root(self) -> Relation:
        """Return the relation whose rows the result counts or lists."""
        frame = self.frame
        entity = frame.entity
        assert entity is not None  # noqa: S101
        aggregated = [term for term in frame.select if term.aggregate]
        counted = [t for t in (*aggregated, *(o.term for o in frame.orders)) if t.aggregate]
        for term in counted:
            relation = term.relation
            if relation is None and term.matches:
                relation = self.resolver.column(term).relation
            if relation is not None:
                if relation.oid != entity.oid and not self._grouped():
                    frame.presences.insert(0, Presence(entity))
                return relation
        return entity

    def _bridge(self, root: Relation) -> Relation:
        """Count in the linking table where nothing else of the root is asked for."""
        frame = self.frame
        counted = [
            t
            for t in (
                *frame.select,
                *(c.term for c in frame.conditions),
                *(o.term for o in frame.orders),
            )
            if t.aggregate
        ]
        if not counted or any(t.matches or t.aggregate != "count" for t in counted):
            return root
        others = [t.relation for t in frame.groups if t.relation and not t.matches]
        if frame.entity is not None and frame.entity.oid != root.oid:
            others.append(frame.entity)
        if len({other.oid for other in others}) != 1 or others[0].oid == root.oid:
            return root
        terms = [
            *frame.select,
            *frame.groups,
            *(c.term for c in frame.conditions),
            *(o.term for o in frame.orders),
        ]
        for term in terms:
            if term.hints or (
                term.matches and self.resolver.column(term).relation.oid == root.oid
            ):
                return root
        for condition in frame.conditions:
            if condition.choices and self.resolver.choice(condition).relation.oid == root.oid:
                return root
        found = self.schema.joins.path([root.oid], others[0].oid, frame.hints)
        if found is None or len(found[0]) != 2:
            return root
        first, second = found[0]
        if first.to_one or not second.to_one or not (first.declared and second.declared):
            return root
        bridge = self.schema.snapshot.by_oid[first.target]
        if not bridge.primary_key:
            return root
        for term in counted:
            if term.relation is not None and term.relation.oid == root.oid:
                term.relation = bridge
        return bridge

    def _grouped(self) -> bool:
        frame = self.frame
        plain = [term for term in frame.select if not term.aggregate]
        return bool(frame.groups) or bool(plain)

    def _output_terms(self) -> list[Term]:
        frame = self.frame
        having = [c.term for c in frame.conditions if c.term.aggregate]
        return [*frame.select, *frame.groups, *self._plain_orders(), *having]

    def _plain_orders(self) -> list[Term]:
        if self._inner_extreme() is not None:
            return []
        return [order.term for order in self.frame.orders]

    def _inner_extreme(self) -> Order | None:
        """Return the superlative that picks rows below an aggregate."""
        frame = self.frame
        extreme = next((order for order in frame.orders if order.extreme), None)
        if (
            extreme
            and not frame.groups
            and frame.select
            and all(t.aggregate for t in frame.select)
        ):
            return extreme
        return None

    def _relations(self, term: Term) -> list[Relation]:
        if term.aggregate == "count" and not term.matches:
            return [term.relation] if term.relation is not None else []
        if term.matches or term.hints:
            if self._is_name(term):
                return [self.frame.entity] if self.frame.entity else []
            return [self.resolver.column(term).relation]
        return [term.relation] if term.relation is not None else []

    # ---- where ---------------------------------------------------------------

    def _conditions(self) -> None:
        frame = self.frame
        for presence in frame.presences:
            if presence.negated:
                self._absent(presence)
        by_relation: dict[int, list[Condition]] = {}
        order: list[Relation] = []
        for condition in frame.conditions:
            if condition.term.aggregate:
                self._having(condition)
                continue
            relation = self._condition_relation(condition)
            if condition.negated and self._beyond(relation):
                condition.negated = False
                self._absent(Presence(relation, True, [condition]))
                continue
            if relation.oid not in by_relation:
                order.append(relation)
            by_relation.setdefault(relation.oid, []).append(condition)
        for presence in frame.presences:
            if not presence.negated and presence.relation.oid not in by_relation:
                if not self.query.has(presence.relation):
                    order.append(presence.relation)
                    by_relation[presence.relation.oid] = []
        self._restrict(order, by_relation)
        extreme = self._inner_extreme()
        if extreme is not None:
            self._extreme_below(extreme)

    def _beyond(self, relation: Relation) -> bool:
        """Whether a row of the result may meet several rows of a relation."""
        if self.query.has(relation):
            return False
        return not all(step.to_one for step in self.query.path(relation))

    def _restrict(self, order: list[Relation], by_relation: dict[int, list[Condition]]) -> None:
        """Join what is reached by keys to one row; ask for existence of the rest."""
        nested: list[tuple[list[Step], Relation, list[Condition]]] = []
        for relation in order:
            conditions = by_relation[relation.oid]
            if self.query.has(relation):
                self._where(self.query, conditions)
                continue
            path = self.query.path(relation)
            if all(step.to_one for step in path):
                self.query.add(path)
                self._where(self.query, conditions)
            else:
                nested.append((path, relation, conditions))
        nested.sort(key=lambda entry: len(entry[0]))
        done: list[tuple[list[Step], Query, Relation]] = []
        for path, relation, conditions in nested:
            apart = any(condition.apart for condition in conditions)
            if apart and len(conditions) > 1:
                for condition in conditions:
                    self._where(self.query.exists(path), [condition])
                continue
            for earlier, inner, _ in done:
                if inner.has(relation) or earlier[0] == path[0]:
                    if not inner.has(relation):
                        inner.join(relation)
                    self._where(inner, conditions)
                    break
            else:
                inner = self.query.exists(path if conditions else _trimmed(path))
                self._where(inner, conditions)
                done.append((path, inner, relation))

    def _absent(self, presence: Presence) -> None:
        query = self.query
        if query.has(presence.relation) and not presence.conditions:
            raise Declined("the question excludes the rows that it asks for")
        path = self.query.path(presence.relation)
        if all(step.to_one for step in path) and not presence.conditions:
            step = path[0]
            column = self.query.column_name(step.source, step.source_columns[0])
            if len(path) == 1:
                query.where.append(f"{column} is null")
                return
        if not presence.conditions:
            path = _trimmed(path)
        inner = self.query.exists(path, negated=True)
        for condition in presence.conditions:
            relation = self._condition_relation(condition, presence.relation)
            inner.join(relation)
            self._where(inner, [condition])

    def _condition_relation(self, condition: Condition, near: Relation | None = None) -> Relation:
        if condition.op == "or":
            relations = [self._condition_relation(one, near) for one in condition.alternatives]
            others = [relation for relation in relations if relation.oid != relations[0].oid]
            if any(self._beyond(relation) for relation in (*relations, *others) if others):
                raise Declined("an alternative over several tables could not be placed")
            for relation in relations if others else ():
                self.query.join(relation)
            return relations[0]
        if condition.choices:
            return self.resolver.choice(condition, near).relation
        return self.resolver.column(condition.term, condition).relation

    def _where(self, query: Query, conditions: list[Condition]) -> None:
        for condition in conditions:
            query.where.append(self._predicate(query, condition))

    def _predicate(self, query: Query, condition: Condition) -> str:
        if condition.op == "or":
            parts = [self._predicate(query, one) for one in condition.alternatives]
            return "(" + " or ".join(parts) + ")"
        if condition.choices:
            ref = self.resolver.choice(condition)
            values = [
                next(
                    (
                        c.value
                        for c in condition.choices
                        if c.ref == ref and len(condition.values) == 1
                    ),
                    value,
                )
                for value in condition.values
            ]
        else:
            ref = self.resolver.column(condition.term, condition)
            values = list(condition.values)
        name = query.column(ref)
        if condition.against is not None:
            return self._against(query, name, condition)
        return predicate(ref, name, condition, values)

    def _against(self, query: Query, name: str, condition: Condition) -> str:
        inner = condition.against
        assert inner is not None  # noqa: S101
        ref = self.resolver.column(inner, condition)
        self.query.tables.append(ref.relation.sql_name)
        return (
            f"{name} {condition.op} (select {inner.aggregate}({quote(ref.column.name)})"
            f" from {ref.relation.sql_name})"
        )

    def _having(self, condition: Condition) -> None:
        expression = self._aggregate(condition.term)
        if condition.against is not None:
            raise Declined(
                "a group compared with an aggregate of all groups is beyond the grammar"
            )
        op = _NEGATED[condition.op] if condition.negated else condition.op
        if op == "between":
            low, high = condition.values
            self.query.having.append(f"{expression} between {literal(low)} and {literal(high)}")
        elif op == "in":
            values = ", ".join(literal(value) for value in condition.values)
            self.query.having.append(f"{expression} in ({values})")
        else:
            self.query.having.append(f"{expression} {op} {literal(condition.values[0])}")

    def _extreme_below(self, extreme: Order) -> None:
        ref = self.resolver.column(extreme.term)
        key = self.schema.key(ref.relation)
        if len(key) != 1:
            raise Declined("a superlative below an aggregate needs a table with a key")
        if not self.query.has(ref.relation):
            path = self.query.path(ref.relation)
            if not all(step.to_one for step in path):
                raise Declined(
                    "a superlative over many rows below an aggregate is beyond the grammar"
                )
            self.query.add(path)
        elif ref.relation.oid == self.query.root.oid:
            raise Declined("a superlative and an aggregate of the same rows contradict each other")
        direction = "desc nulls last" if extreme.descending else "asc nulls last"
        self.query.where.append(
            f"{self.query.column_name(ref.relation.oid, key[0])} in (select {quote(key[0])}"
            f" from {ref.relation.sql_name} order by {quote(ref.column.name)} {direction},"
            f" {quote(key[0])} limit {self.frame.limit or 1})"
        )

    # ---- select, group, order --------------------------------------------------

    def _select(self) -> None:
        frame, query = self.frame, self.query
        below = self._inner_extreme() is not None
        orders = [] if below else frame.orders
        groups: list[str] = []
        heads: list[_Item] = []
        for term in frame.groups:
            keys, items = self._group(term)
            groups += keys
            heads += items
        items = [item for term in frame.select for item in self._items(term)]
        plain = [item for item in items if not item.aggregated]
        aggregated = [item for item in items if item.aggregated]
        ranked = any(order.term.aggregate for order in orders)
        if (aggregated or query.having or ranked) and plain and not groups:
            groups = self._group_plain(plain)
        if groups and not plain:
            items = [*heads, *items]
        elif groups:
            chosen = {item.sql for item in plain}
            if frame.groups and not chosen & {head.sql for head in heads} and aggregated:
                if not self._determined(plain):
                    items = [*heads, *items]
        if query.having and not groups:
            groups = self._having_groups(items)
            if groups and aggregated:
                return self._count_groups(groups)
        if groups:
            query.group = list(
                dict.fromkeys([*groups, *(i.sql for i in items if not i.aggregated)])
            )
        items += self._ranking(orders, items) if groups else []
        query.select = [(item.sql, item.name) for item in _unique(items)]
        query.distinct = frame.distinct and not groups and not aggregated
        if not groups and not aggregated and not query.distinct and query.fans_out():
            query.distinct = True
        if query.distinct and any(order.extreme for order in orders):
            query.distinct = False
        self._order(orders, items, bool(groups))
        if frame.limit and not below:
            query.limit = frame.limit
        return None

    def _ranking(self, orders: list[Order], items: list[_Item]) -> list[_Item]:
        """Show what a list is ranked by, unless it shows an aggregate anyway."""
        if any(item.aggregated for item in items):
            return []
        return [
            _Item(self._aggregate(order.term), self._aggregate_name(order.term), True)
            for order in orders
            if order.extreme and order.term.aggregate
        ]

    def _determined(self, plain: list[_Item]) -> bool:
        """Whether the plain columns stand for the groups."""
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
        if entity is not None and entity.oid in owners and entity.oid != self.query.root.oid:
            keys = [self.query.column_name(entity.oid, name) for name in self.schema.key(entity)]
        elif entity is not None and entity.oid in owners and self._counts_others():
            keys = [self.query.column_name(entity.oid, name) for name in self.schema.key(entity)]
        return [*keys, *(item.sql for item in plain)]

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
            expression, name = f"date_trunc('{term.unit}', {expression})::date", term.unit
        return [expression], [_Item(expression, name)]

    def _items(self, term: Term) -> list[_Item]:
        if term.aggregate:
            return [_Item(self._aggregate(term), self._aggregate_name(term), True)]
        if self._is_name(term) and self.frame.entity is not None:
            refs = self.schema.display(self.frame.entity)
        elif term.matches or term.hints:
            refs = [self.resolver.column(term)]
        elif term.relation is not None:
            refs = self.schema.display(term.relation)
        else:
            refs = []
        self.resolver.note(*refs)
        return [_Item(self.query.column(ref)) for ref in refs]

    def _is_name(self, term: Term) -> bool:
        """Whether "names" means the columns that name the entity."""
        entity = self.frame.entity
        if (
            term.text not in ("name", "names", "full name", "full names")
            or entity is None
            or term.aggregate
        ):
            return False
        return not any(m.relation.oid == entity.oid and m.score >= 0.8 for m in term.matches)

    def _aggregate(self, term: Term) -> str:
        query = self.query
        if term.aggregate == "count" and not term.matches:
            relation = term.relation or query.root
            if not query.multiplied(relation):
                return "count(*)"
            key = self.schema.key(relation)
            if len(key) != 1:
                if relation.oid == query.root.oid or not query.multiplied_beyond(relation):
                    return "count(*)"
                raise Declined(f"rows of {relation.sql_name} cannot be counted without a key")
            return f"count(distinct {query.column_name(relation.oid, key[0])})"
        ref = self.resolver.column(term)
        name = query.column(ref)
        if term.aggregate == "count":
            return f"count(distinct {name})" if term.distinct else f"count({name})"
        if ref.column.category not in "N" and term.aggregate in ("sum", "avg"):
            raise Declined(f'"{term.text}" is not a number')
        return f"{term.aggregate}({name})"

    def _aggregate_name(self, term: Term) -> str:
        if term.aggregate == "count":
            what = term.relation.name if term.relation is not None and not term.matches else ""
            if term.matches:
                what = self.resolver.column(term).column.name
            return f"{what}_count" if what else "count"
        prefix = {"sum": "total", "avg": "average", "min": "minimum", "max": "maximum"}
        return f"{prefix[term.aggregate or 'sum']}_{self.resolver.column(term).column.name}"

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
        return term.hints[:1] == ("age",) and self.resolver.column(term).column.category == "D"

    def _sum_below(self) -> None:
        """Rank by what lies in many rows of another table: by its sum or extreme."""
        frame = self.frame
        entity = frame.entity
        if entity is None or frame.groups or any(term.aggregate for term in frame.select):
            return
        for order in frame.orders:
            term = order.term
            if not order.extreme or term.aggregate or not term.matches:
                continue
            ref = self.resolver.column(term)
            if ref.relation.oid == entity.oid:
                continue
            found = self.schema.joins.path([entity.oid], ref.relation.oid, frame.hints)
            if found is None or all(step.to_one for step in found[0]):
                continue
            if additive(ref):
                aggregate = "sum"
            else:
                aggregate = "max" if order.descending else "min"
            order.term = Term(
                [Match(ref.relation, ref.column, 1.0)], aggregate=aggregate, text=term.text
            )

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


def _trimmed(path: list[Step]) -> list[Step]:
    """Leave out last joins that only confirm what a foreign key says."""
    while len(path) > 1 and path[-1].to_one and path[-1].declared:
        path = path[:-1]
    return path


def _unique(items: list[_Item]) -> list[_Item]:
    seen: dict[str, _Item] = {}
    for item in items:
        seen.setdefault(item.sql, item)
    return list(seen.values())


def predicate(ref: ColumnRef, name: str, condition: Condition, values: list[object]) -> str:
    """Return the SQL of one condition on a column of that SQL name."""
    op = condition.op
    column = ref.column
    if op in ("is null", "is not null"):
        return f"{name} {op}"
    if op in ("true", "false"):
        wanted = (op == "true") != condition.negated
        return name if wanted else f"not {name}"
    if op == "date":
        text = _period(ref, name, values)
        return f"not ({text})" if condition.negated else text
    if op == "like":
        return f"{name} {'not ' if condition.negated else ''}ilike {literal(values[0])}"
    if op == "between":
        low, high = values
        return f"{name} {'not ' if condition.negated else ''}between {literal(low)} and {literal(high)}"
    values = [_typed(column.category, value) for value in values]
    if op == "in":
        texts = ", ".join(literal(value) for value in values)
        return f"{name} {'not ' if condition.negated else ''}in ({texts})"
    if condition.negated:
        op = _NEGATED[op]
    return f"{name} {op} {literal(values[0])}"


def _typed(category: str, value: object) -> object:
    if category == "S" and isinstance(value, int | float):
        return str(value)
    if category == "N" and isinstance(value, str):
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            raise Declined(f'"{value}" is not a number') from None
    return value


def _period(ref: ColumnRef, name: str, values: list[object]) -> str:
    span = values[0]
    assert isinstance(span, DateRange)  # noqa: S101
    if ref.column.category == "D":
        parts = []
        if span.start:
            parts.append(f"{name} >= {span.start}")
        if span.end:
            parts.append(f"{name} < {span.end}")
        return " and ".join(parts)
    if len(values) == 3 and isinstance(values[1], int):
        low, high = (_typed(ref.column.category, value) for value in values[1:])
        return f"{name} between {literal(low)} and {literal(high)}"
    op, year = (values[1], values[2]) if len(values) == 3 else ("=", span.year)
    if year is None or ref.column.category not in "NS":
        raise Declined(f"{ref.column.name} does not hold dates")
    return f"{name} {op} {literal(_typed(ref.column.category, year))}"
