"""What a question leaves unsaid: entity, root, what is ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Declined, Order, Presence, Term
from pg_llm.text2sql.composition.measures import additive, additive_name, row_amount
from pg_llm.text2sql.composition.sums import Sums
from pg_llm.text2sql.english.lexicon import TRADED, base
from pg_llm.text2sql.index import Match
from pg_llm.text2sql.words import root, split_identifier, stem, word_set

if TYPE_CHECKING:
    from pg_llm.catalog import Column, Relation


class Implied(Sums):
    """Completes a frame."""

    def _complete(self) -> None:
        frame = self.frame
        if frame.entity is None:
            frame.entity = self._guess_entity()
        if frame.entity is None:
            raise Declined("the question names no table that you may read")
        self.resolver.entity = frame.entity
        if not frame.select and not frame.groups:
            frame.select.append(Term(relation=frame.entity))
        self._own_rows()
        self._show_measure()
        self._plain_groups()
        self._sum_of_all()
        self._arg_extreme()
        extremes = [order for order in frame.orders if order.extreme]
        frame.orders = [
            order
            for order in frame.orders
            if order.extreme or not any(_same(order.term, one.term) for one in extremes)
        ]
        if len(extremes) > 1:
            frame.orders = [o for o in frame.orders if not o.extreme or o.term.text != "?"]
            extremes = [order for order in frame.orders if order.extreme]
            if len(extremes) > 1:
                raise Declined("the question has more than one superlative")

    def _show_measure(self) -> None:
        """Take "the exchange rate of …": rows without a name show their number."""
        for term in list(self.frame.select):
            relation = term.relation
            if relation is None or term.aggregate or self.schema.named(relation):
                continue
            head = stem(split_identifier(relation.name)[-1])
            for column in relation.columns:
                if stem(split_identifier(column.name)[-1]) == head and column.category == "N":
                    wanted = self._beside(relation, column)
                    self.frame.select += [
                        Term([Match(relation, one, 1.0)], text=one.name) for one in wanted
                    ]

    def _beside(self, relation: Relation, measure: Column) -> list[Column]:
        """Return a measure with what tells its rows apart where no key does (a view)."""
        if self.schema.key(relation):
            return [measure]
        return [*(c for c in relation.columns if c.category in "DSE"), measure]

    def _plain_groups(self) -> None:
        """Take "of every student": without an aggregate nothing is grouped."""
        frame = self.frame
        computed = [t for t in frame.select if t.aggregate]
        computed += [c.term for c in frame.conditions if c.term.aggregate]
        computed += [o.term for o in frame.orders if o.term.aggregate or o.extreme]
        if frame.groups and frame.select and not computed:
            first = frame.select[0]
            if len(frame.select) == 1 and not (first.matches or first.hints) and self._per():
                # students per grade: how many; payments per customer may be how much
                if first.relation is not None and _of_money(first.relation):
                    raise Declined(f"the number or the amount of {first.relation.name}?")
                frame.select = [Term(relation=first.relation, aggregate="count")]
                return
            amount = row_amount(first.relation) if first.relation is not None else None
            if amount is not None and len(frame.select) == 1:
                # the stock of each warehouse: the sum of its rows' amounts
                frame.select = [
                    Term([Match(amount.relation, amount.column, 1.0)], aggregate="sum")
                ]
                return
            if first.relation is not None and not self.schema.named(first.relation):
                raise Declined("what is wanted for each group is not said")
            if any(term.unit for term in frame.groups):
                self._sum_over_time()
                return
            if self._sum_for_each():
                return
            groups, frame.groups = frame.groups, []
            frame.distinct = True
            per = self._per()
            for term in groups:
                named = self._told(term) and not (per and self._numbers_only())
                if not any(t.text == term.text for t in frame.select) and not named:
                    frame.select.insert(0, term)

    def _sum_over_time(self) -> None:
        """Take "monthly revenue" for its sum in each month."""
        for term in self.frame.select:
            if not term.matches or not additive(self.resolver.column(term)):
                raise Declined("what is to be computed for each period is not said")
            term.aggregate = "sum"

    def _own_rows(self) -> None:
        """Take "the average weight per shipment": that of the shipments' own rows."""
        averaged = {
            self.resolver.column(term).relation.oid
            for term in self.frame.select
            if term.aggregate == "avg" and term.matches
        }
        self.frame.groups = [
            term
            for term in self.frame.groups
            if term.matches or term.relation is None or term.relation.oid not in averaged
        ]

    def _per(self) -> bool:
        return any(unit.symbol in "EY" and unit.text == "per" for unit in self.frame.units)

    def _told(self, group: Term) -> bool:
        """Whether what is listed belongs to the rows that "each" speaks of."""
        relation = group.relation
        return relation is not None and any(
            (term.relation is not None and term.relation.oid == relation.oid)
            or any(m.relation.oid == relation.oid and m.score >= 0.6 for m in term.matches)
            for term in self.frame.select
        )

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
        return self._only_owner() or self._happening()

    def _happening(self) -> Relation | None:
        """Take "who was hired most recently": those whose date the verb names."""
        if not any(order.extreme and order.term.hints for order in self.frame.orders):
            return None
        found = {
            relation.oid: relation
            for verb in self.frame.verbs
            for relation in self.schema.relations
            for column in relation.columns
            if column.category == "D" and root(verb) == root(split_identifier(column.name)[0])
        }
        if len(found) != 1:
            return None
        (relation,) = found.values()
        self.resolver.scores.append(0.95)
        self.frame.select.append(Term(relation=relation))
        return relation

    def _only_owner(self) -> Relation | None:
        """Take "who made the most payments": what each payment belongs to, if that is one."""
        counted = [order.term.relation for order in self.frame.orders if order.extreme]
        if len(counted) != 1 or counted[0] is None:
            return None
        steps = [s for s in self.schema.joins.steps(counted[0].oid) if s.forth and s.to_one]
        owners = {step.target for step in steps}
        if len(owners) != 1:
            return None
        self.frame.select.append(Term(relation=self.schema.snapshot.by_oid[steps[0].target]))
        return self.frame.select[-1].relation

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
        for match in matches:
            # an order date is rather that of orders than of their items
            own = {stem(word) for word in split_identifier(match.relation.name)}
            if own <= frame.hints:
                votes[match.relation.oid] = votes.get(match.relation.oid, 0.0) + 0.3
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
            if order.term.text in ("first item", "first value"):
                plain = [term for term in frame.select if not term.aggregate]
                aggregated = [term for term in frame.select if term.aggregate]
                if aggregated and (order.descending or order.term.text == "first value"):
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
                    if entity.oid not in frame.unrestricted:
                        frame.presences.insert(0, Presence(entity))
                    frame.entity = self.resolver.entity = relation
                return relation
        return entity

    def _bridge(self, root: Relation) -> Relation:
        """Count in the linking table where nothing else of the root is asked for."""
        counted = [term for term in self._terms() if term.aggregate]
        if not counted or any(t.matches or t.aggregate != "count" for t in counted):
            return root
        other = self._only_other(root)
        if other is None or self._reads(root):
            return root
        bridge = self._linking(root, other)
        if bridge is None:
            return root
        for term in counted:
            if term.relation is not None and term.relation.oid == root.oid:
                term.relation = bridge
        self.bridged.add(root.sql_name)
        return bridge

    def _terms(self) -> list[Term]:
        frame = self.frame
        return [
            *frame.select,
            *frame.groups,
            *(condition.term for condition in frame.conditions),
            *(order.term for order in frame.orders),
        ]

    def _only_other(self, root: Relation) -> Relation | None:
        """Return the one relation beside the root that the result shows."""
        others = [t.relation for t in self.frame.groups if t.relation and not t.matches]
        entity = self.frame.entity
        if entity is not None and entity.oid != root.oid:
            others.append(entity)
        oids = {other.oid for other in others}
        return others[0] if len(oids) == 1 and root.oid not in oids else None

    def _reads(self, root: Relation) -> bool:
        """Whether a column of the root is needed."""
        for term in self._terms():
            if term.hints or (
                term.matches and self.resolver.column(term).relation.oid == root.oid
            ):
                return True
        return any(
            condition.choices and self.resolver.choice(condition).relation.oid == root.oid
            for condition in self.frame.conditions
        )

    def _linking(self, root: Relation, other: Relation) -> Relation | None:
        """Return the table whose foreign keys point to both."""
        found = self.schema.joins.path([root.oid], other.oid, self.frame.hints)
        if found is None or len(found[0]) != 2:
            return None
        first, second = found[0]
        owned = any(
            back.target == root.oid and back.to_one and back.source_columns == first.target_columns
            for back in self.schema.joins.steps(first.target)
        )
        bridge = self.schema.snapshot.by_oid[first.target]
        declared = first.declared and second.declared
        # rows with a key of their own (jobs) may tie the same two more than once
        links = set(bridge.primary_key) & {*first.target_columns, *second.source_columns}
        return bridge if owned and second.to_one and declared and links else None

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
            traded = TRADED & {base(verb) for verb in frame.verbs} and additive_name(
                ref.column.name
            )
            aggregate = "sum" if additive(ref) or traded else "max" if order.descending else "min"
            order.term = Term(
                [Match(ref.relation, ref.column, 1.0)], aggregate=aggregate, text=term.text
            )


def _same(one: Term, two: Term) -> bool:
    """Whether two terms speak of one column, or count one relation."""
    if one.matches and two.matches:
        return one.matches[0].ref == two.matches[0].ref and one.aggregate == two.aggregate
    counted = (one.aggregate, two.aggregate) == ("count", "count")
    return counted and one.relation is two.relation and not (one.matches or two.matches)


_MONEY = word_set(
    """
    payment fee bill cost expense sale salary refund donation price spending budget earning wage
    """
)


def _of_money(relation: Relation) -> bool:
    """Whether rows of a relation are sums of money."""
    return stem(split_identifier(relation.name)[-1]) in _MONEY
