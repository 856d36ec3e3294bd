"""What every part of composing a statement shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Declined, Frame, Order, Term
from pg_llm.text2sql.composition.measures import share_of_one
from pg_llm.text2sql.composition.predicates import age_of
from pg_llm.text2sql.composition.resolve import Resolver

if TYPE_CHECKING:
    from pg_llm.catalog import Relation
    from pg_llm.text2sql.composition.render import Query
    from pg_llm.text2sql.index import SchemaIndex


class Composer:
    """A frame on its way to SQL."""

    counted = False

    def __init__(self, frame: Frame, schema: SchemaIndex) -> None:
        self.frame = frame
        self.schema = schema
        self.resolver = Resolver(frame, schema)
        self.query: Query
        # tables that the question names, and that a linking table stands for
        self.bridged: set[str] = set()

    def _relations(self, term: Term) -> list[Relation]:
        if term.aggregate == "count" and not term.matches:
            return [term.relation] if term.relation is not None else []
        if term.matches or term.hints:
            if self._is_name(term):
                return [self.frame.entity] if self.frame.entity else []
            return [self.resolver.column(term).relation]
        return [term.relation] if term.relation is not None else []

    def _is_name(self, term: Term) -> bool:
        """Whether "names" means the columns that name the entity."""
        entity = self.frame.entity
        if (
            term.text not in ("name", "names", "full name", "full names")
            or entity is None
            or term.aggregate
            or (term.matches and term.relation is not None and term.relation.oid != entity.oid)
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
        name = self._expression(term)
        if term.aggregate == "metric":
            if query.multiplied(ref.relation):
                raise Declined(
                    f"the joins would count rows of {ref.relation.sql_name} more than once"
                )
            return name
        if (
            term.aggregate in ("sum", "avg")
            and query.multiplied(ref.relation)
            and not self._once_in_groups(ref.relation)
        ):
            raise Declined(f"the joins would count rows of {ref.relation.sql_name} more than once")
        if term.aggregate == "count":
            return f"count(distinct {name})" if term.distinct else f"count({name})"
        computed = term.unit == "age" or term.operator == "-"
        if ref.column.category not in "N" and term.aggregate in ("sum", "avg") and not computed:
            raise Declined(f'"{term.text}" is not a number')
        if term.aggregate == "sum" and share_of_one(ref):
            raise Declined(f"{ref.column.name} does not add up")
        if term.operator == "/" and term.other is not None:
            divisor = query.column(self.resolver.column(term.other))
            return f"1.0 * sum({name}) / nullif(sum({divisor}), 0)"
        return f"{term.aggregate}({name})"

    def _expression(self, term: Term) -> str:
        """Return a column, or the difference of two of one relation."""
        ref = self.resolver.column(term)
        if term.unit == "age":
            return age_of(self.query.column(ref))
        if term.other is None:
            return self.query.column(ref)
        other = self.resolver.column(term.other)
        if other.relation.oid != ref.relation.oid:
            raise Declined("a calculation with columns of two tables is beyond the grammar")
        if term.operator == "/":
            return self.query.column(ref)
        difference = f"({self.query.column(ref)} - {self.query.column(other)})"
        if {ref.column.type, other.column.type} == {"date"} or ref.column.category == "N":
            return difference
        if (ref.column.category, other.column.category) != ("D", "D"):
            raise Declined(f'"{term.text}" is not a number')
        return f"extract(epoch from {difference}) / 86400"

    def _once_in_groups(self, measured: Relation) -> bool:
        """Whether each group meets a row at most once: over a table that only links the two."""
        grouped = {r.oid for term in self.frame.groups for r in self._relations(term)}
        entity = self.frame.entity
        if not grouped and entity is not None and self._grouped():
            grouped = {entity.oid}
        if len(grouped) != 1:
            return False
        found = self.schema.joins.path([measured.oid], grouped.pop(), self.frame.hints)
        if found is None or len(found[0]) != 2:
            return False
        into, out = found[0]
        linking = self.schema.snapshot.by_oid[into.target]
        keys = {*into.target_columns, *out.source_columns}
        single = {column.name for column in linking.columns} == keys or any(
            set(unique) <= keys and len(unique) > 1 for unique in linking.unique
        )
        return (
            not into.to_one
            and out.to_one
            and single
            and not self.query.multiplied_but_for(measured, linking)
        )

    def _aggregate_name(self, term: Term) -> str:
        if term.aggregate == "count":
            what = term.relation.name if term.relation is not None and not term.matches else ""
            if term.matches:
                what = self.resolver.column(term).column.name
            return f"{what}_count" if what else "count"
        if term.aggregate == "metric":
            return self.resolver.column(term).column.name.replace(" ", "_")
        if term.other is not None:
            names = [self.resolver.column(one).column.name for one in (term, term.other)]
            return {"/": "_per_", "-": "_minus_"}[term.operator].join(names)
        if term.unit == "age":
            return f"{term.aggregate}_age" if term.aggregate else "age"
        prefix = {"sum": "total", "avg": "average", "min": "minimum", "max": "maximum"}
        return f"{prefix[term.aggregate or 'sum']}_{self.resolver.column(term).column.name}"

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
