"""Which rows: joins to one row, existence of many, conditions on groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, Declined, Order, Presence
from pg_llm.text2sql.composition.implied import Implied
from pg_llm.text2sql.composition.predicates import NEGATED, predicate
from pg_llm.text2sql.composition.render import Query, literal, quote
from pg_llm.text2sql.index import ColumnRef, ValueMatch
from pg_llm.text2sql.words import root as verb_root
from pg_llm.text2sql.words import split_identifier

if TYPE_CHECKING:
    from pg_llm.catalog import Relation
    from pg_llm.text2sql.joins.graph import Step


class Where(Implied):
    """Composes WHERE and HAVING."""

    def _conditions(self) -> None:
        frame = self.frame
        for presence in frame.presences:
            if presence.negated:
                self._absent(presence)
        wanted: dict[int, tuple[Relation, list[Condition]]] = {}
        for condition in frame.conditions:
            if condition.term.aggregate:
                self._having(condition)
                continue
            relation = self._condition_relation(condition)
            if condition.negated and (
                self._beyond(relation) or (condition.choices and self._apart_from_entity(relation))
            ):
                condition.negated = False
                self._absent(Presence(relation, True, [condition]))
            else:
                wanted.setdefault(relation.oid, (relation, []))[1].append(condition)
        for presence in frame.presences:
            if not presence.negated and not self.query.has(presence.relation):
                entry = wanted.setdefault(presence.relation.oid, (presence.relation, []))
                entry[1].extend(presence.conditions)
        self._restrict(list(wanted.values()))
        self._kin()
        self._happened()
        extreme = self._inner_extreme()
        if extreme is not None:
            self._extreme_below(extreme)

    def _kin(self) -> None:
        """Ask for rows that a key ties to other rows of their table."""
        for kin in self.frame.kin:
            relation = self.schema.snapshot.by_oid[kin.key.source]
            ends = [kin.key.source_columns[0], kin.key.target_columns[0]]
            inner, outer = ends if kin.above else ends[::-1]
            other = self.query.beside(relation)
            for condition in kin.conditions:
                other.join(self._condition_relation(condition, relation))
                self._where(other, [condition])
            other.select = [(other.column_name(relation.oid, inner), "")]
            told = " ".join(other.sql().split())
            self.query.where.append(f"{self.query.column_name(relation.oid, outer)} in ({told})")
            self.query.joins.append(
                f"{relation.sql_name}.{quote(ends[0])} = {relation.sql_name}.{quote(ends[1])}"
            )

    def _happened(self) -> None:
        """Take "delivered" as a filter where a column may tell that it was not.

        A nullable date whose name begins with the verb is empty for rows to
        which it has not happened.
        """
        root = self.query.root
        read = " ".join((*self.query.where, *self._grouped_dates()))
        for verb in self.frame.verbs:
            for column in root.columns:
                said = split_identifier(column.name)
                if column.category != "D" or column.not_null or len(said) < 2:
                    continue
                name = self.query.column_name(root.oid, column.name)
                if verb_root(said[0]) == verb_root(verb) and name not in read:
                    self.query.where.append(f"{name} is not null")
                    self.resolver.note(ColumnRef(root, column))
                    self.resolver.warnings.append(
                        f'"{verb}" was read as {column.name} is not null'
                    )

    def _grouped_dates(self) -> list[str]:
        """Return the names of dates that the question groups by."""
        refs = [self.resolver.column(term) for term in self.frame.groups if term.unit]
        return [self.query.column_name(ref.relation.oid, ref.column.name) for ref in refs]

    def _beyond(self, relation: Relation) -> bool:
        """Whether a row of the result may meet several rows of a relation."""
        if relation.oid == self.query.root.oid or self._shown(relation):
            return False
        found = self.schema.joins.path([self.query.root.oid], relation.oid, self.frame.hints)
        return found is not None and not all(step.to_one for step in found[0])

    def _apart_from_entity(self, relation: Relation) -> bool:
        """Whether a row of the entity may have any number of rows of a relation, or none."""
        entity = self.frame.entity
        if entity is None or relation.oid == entity.oid:
            return False
        found = self.schema.joins.path([entity.oid], relation.oid, self.frame.hints)
        return found is not None and not all(step.to_one and step.forth for step in found[0])

    def _shown(self, relation: Relation) -> bool:
        """Whether the result has columns of a relation."""
        return any(
            shown.oid == relation.oid
            for term in self._output_terms()
            for shown in self._relations(term)
        )

    def _contradiction(self, conditions: list[Condition]) -> None:
        """Decline what no row can satisfy: it was read wrongly."""
        single: dict[str, object] = {}
        bounds: dict[str, list[tuple[str, float]]] = {}
        for one in conditions:
            if one.op == "or" or not one.values or one.against is not None:
                continue
            ref = self.resolver.choice(one) if one.choices else self.resolver.column(one.term, one)
            name = f"{ref.relation.oid}.{ref.column.name}"
            value = one.values[0]
            if one.negated:
                if one.op == "=" and name in single:
                    raise Declined(f'"{one.text}" is excluded where another value is asked for')
                continue
            if one.op == "date" and ref.column.category == "N" and len(one.values) == 3:
                if isinstance(one.values[1], str) and isinstance(one.values[2], int):
                    bounds.setdefault(name, []).append((one.values[1][0], float(one.values[2])))
                continue
            if one.op == "=":
                if single.setdefault(name, value) != value:
                    raise Declined(f'"{one.text}" contradicts another condition')
            elif one.op in ("<", "<=", ">", ">=") and isinstance(value, int | float):
                bounds.setdefault(name, []).append((one.op[0], float(value)))
        for found in bounds.values():
            low = max((v for op, v in found if op == ">"), default=float("-inf"))
            high = min((v for op, v in found if op == "<"), default=float("inf"))
            if low >= high:
                raise Declined("two conditions of the question contradict each other")

    def _restrict(self, wanted: list[tuple[Relation, list[Condition]]]) -> None:
        """Join what is reached by keys to one row; ask for existence of the rest."""
        nested: list[tuple[list[Step], Relation, list[Condition]]] = []
        for relation, conditions in wanted:
            path = self.query.path(relation)
            if all(step.to_one for step in path):
                self._contradiction(conditions)
                self.query.add(path)
                self._where(self.query, conditions)
            else:
                nested.append((path, relation, conditions))
        nested.sort(key=lambda entry: len(entry[0]))
        done: list[tuple[list[Step], Query]] = []
        for path, relation, conditions in nested:
            parts = [part for one in conditions for part in self._parts(one)]
            if sum(one.apart for one in parts) > 1:
                self._apart(path, parts)
            else:
                self._exist(path, relation, parts, done)

    def _apart(self, path: list[Step], conditions: list[Condition]) -> None:
        """Ask for a row of its own for each of several conditions."""
        shared = [one for one in conditions if not one.apart]
        for one in conditions:
            if one.apart:
                self._contradiction([one, *shared])
                self._where(self.query.exists(path), [one, *shared])

    def _exist(
        self,
        path: list[Step],
        relation: Relation,
        conditions: list[Condition],
        done: list[tuple[list[Step], Query]],
    ) -> None:
        """Ask for a row that satisfies all conditions, in one with those before."""
        self._contradiction(conditions)
        for earlier, inner in done:
            if inner.has(relation) or earlier[0] == path[0]:
                inner.join(relation)
                self._where(inner, conditions)
                return
        inner = self.query.exists(path if conditions else _trimmed(path))
        self._where(inner, conditions)
        done.append((path, inner))

    def _parts(self, condition: Condition) -> list[Condition]:
        """Split "English and Dutch" into one condition for each value."""
        if not condition.every or condition.op != "in":
            return [condition]
        ref = self.resolver.choice(condition)
        return [
            Condition(
                condition.term,
                "=",
                (value,),
                choices=(ValueMatch(ref, str(value), 1.0),),
                apart=True,
                text=condition.text,
            )
            for value in condition.values
        ]

    def _absent(self, presence: Presence) -> None:
        query = self.query
        if query.has(presence.relation) and not presence.conditions:
            raise Declined("the question excludes the rows that it asks for")
        path = self.query.path(presence.relation)
        if all(step.to_one and step.forth for step in path) and not presence.conditions:
            step = path[0]
            column = self.query.column_name(step.source, step.source_columns[0])
            if len(path) == 1:
                query.where.append(f"{column} is null")
                return
        if not presence.conditions:
            path = _trimmed(path)
        inner = self.query.exists(path or self._path_of_entity(presence), negated=True)
        for condition in presence.conditions:
            if condition.term.hints and condition.term.relation is None:
                # a bare date is that of the rows that are not there
                condition.term.relation = presence.relation
            relation = self._condition_relation(condition, presence.relation)
            inner.join(relation)
            self._where(inner, [condition])

    def _path_of_entity(self, presence: Presence) -> list[Step]:
        """Return the joins from the entity to a relation that is part of FROM already."""
        entity = self.frame.entity
        found = entity and self.schema.joins.path([entity.oid], presence.relation.oid)
        if not found or not found[0]:
            raise Declined("the question excludes the rows that it asks for")
        return found[0]

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
            return self._against(name, condition)
        return predicate(ref, name, condition, values)

    def _against(self, name: str, condition: Condition) -> str:
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
        if condition.text.endswith("%"):
            raise Declined("a share of each group is beyond the grammar")
        op = NEGATED[condition.op] if condition.negated else condition.op
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


def _trimmed(path: list[Step]) -> list[Step]:
    """Leave out last joins that only confirm what a foreign key says."""
    while len(path) > 1 and path[-1].to_one and path[-1].declared:
        path = path[:-1]
    return path
