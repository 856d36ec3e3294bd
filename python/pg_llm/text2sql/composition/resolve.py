"""Choosing among the columns that a word of the question may name."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Condition, Declined, Frame, Term
from pg_llm.text2sql.english.lexicon import IRREGULAR_VERBS, VERB_COLUMNS
from pg_llm.text2sql.index import ColumnRef, Match, SchemaIndex
from pg_llm.text2sql.words import root as verb_root
from pg_llm.text2sql.words import split_identifier, stem

if TYPE_CHECKING:
    from pg_llm.catalog import Column, Relation
    from pg_llm.text2sql.joins.graph import Step

# What the last word of a column's name may add to the noun: discount_amt.
_TAILS = frozenset(
    {"amt", "amount", "value", "val", "total", "date", "dt", "kg", "cm", "km", "min", "usd"}
)
_HOUSEKEEPING = frozenset({"update", "updated", "modified", "created", "inserted", "changed"})


@dataclass(slots=True)
class Resolver:
    """Resolves terms near the entity of the question."""

    frame: Frame
    schema: SchemaIndex
    entity: Relation | None = None
    root: Relation | None = None
    used: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _terms: dict[int, ColumnRef] = field(default_factory=dict)
    _choices: dict[int, ColumnRef] = field(default_factory=dict)
    _distances: dict[tuple[int, int], float] = field(default_factory=dict)

    def note(self, *refs: ColumnRef) -> None:
        """Record columns as used."""
        self.used += [f"{ref.relation.sql_name}.{ref.column.name}" for ref in refs]

    def column(self, term: Term, condition: Condition | None = None) -> ColumnRef:
        """Return the column that a term means; the answer is kept."""
        found = self._terms.get(id(term))
        if found is None:
            found = self._find(term, condition)
            self._terms[id(term)] = found
            self.note(found)
        return found

    def known(self, term: Term) -> ColumnRef | None:
        """Return the column that a term was found to mean, without looking for it."""
        return self._terms.get(id(term))

    def choice(self, condition: Condition, near: Relation | None = None) -> ColumnRef:
        """Return the column of a condition that was stated by its value alone."""
        found = self._choices.get(id(condition))
        if found is None:
            near = near or condition.term.relation
            worths = {
                id(value): value.score
                + self._context(value.ref.relation, near)
                + (0.6 if self._spoken(value.ref) else 0.0)
                for value in condition.choices
            }
            ranked = sorted(condition.choices, key=lambda value: -worths[id(value)])
            best = ranked[0]
            others = {v.ref for v in ranked if worths[id(v)] > worths[id(best)] - 0.05}
            if len(others) > 1:
                self.scores.append(0.6)
                self.warnings.append(
                    f'"{condition.text}" occurs in several columns; {best.ref.relation.sql_name}.'
                    f"{best.ref.column.name} was taken"
                )
            found = self._choices[id(condition)] = best.ref
            self.note(found)
        return found

    def _spoken(self, ref: ColumnRef) -> bool:
        """Whether a word of the question speaks of the column (speak: language)."""
        words = set(map(stem, split_identifier(ref.column.name))) - {"name", "id"}
        own = set(map(stem, split_identifier(ref.relation.name)))
        said = set(self.frame.hints)
        for word in self.frame.hints:
            said |= VERB_COLUMNS.get(word, frozenset())
        return bool((words - own or words) & said)

    def _find(self, term: Term, condition: Condition | None) -> ColumnRef:
        if term.hints and not term.matches:
            return self._hinted(term)
        wanted = _categories(term, condition)
        near = term.relation
        ranked: list[tuple[float, Match]] = []
        for match in term.matches:
            column = match.column
            if column is None:
                continue
            fit = 0.0 if wanted is None or column.category in wanted else -0.5
            ranked.append((match.score + fit + self._context(match.relation, near), match))
        if not ranked and term.text == "name" and (found := self._text_asked_for()):
            return found
        if not ranked:
            raise Declined(f'"{term.text}" names no column that you may read')
        ranked.sort(key=lambda entry: -entry[0])
        worth, best = ranked[0]
        if worth < 0.35:
            raise Declined(f'it is not clear which column "{term.text}" means')
        close = [m for w, m in ranked[1:] if w > worth - 0.04 and m.ref != best.ref]
        if close and not self._same_thing(best, close[0]):
            self.scores.append(0.6)
            self.warnings.append(
                f'"{term.text}" may mean several columns;'
                f" {best.relation.sql_name}.{best.ref.column.name} was taken"
            )
        self.scores.append(max(best.score, 0.8) if self._only(best, term) else best.score)
        return best.ref

    def _text_asked_for(self) -> ColumnRef | None:
        """Return the only text that is asked for, else what names the entity's rows."""
        plain = [t for t in self.frame.select if t.matches and not t.aggregate]
        if len(self.frame.select) == 1 and plain:
            best = plain[0].matches[0].ref
            return best if best.column.category == "S" else None
        shown = self.schema.named(self.entity) if self.entity is not None else []
        return shown[0] if len(shown) == 1 and shown[0].column.category == "S" else None

    def _only(self, best: Match, term: Term) -> bool:
        """Whether no other column of the relation is called by the noun that was said.

        The salary is the yearly salary where there is no other.
        """
        assert best.column is not None  # noqa: S101  (a term names columns)
        noun = stem(term.text.split()[-1]) if term.text.isascii() and term.text else ""
        if not noun or best.score < 0.45:
            return False
        named = [
            column
            for column in best.relation.columns
            if noun in map(stem, split_identifier(column.name))
        ]
        words = [stem(word) for word in split_identifier(best.column.name)]
        while len(words) > 1 and (words[-1] in _TAILS or words[-1] in IRREGULAR_VERBS):
            words.pop()
        return named == [best.column] and words[-1] == noun

    def _same_thing(self, one: Match, two: Match) -> bool:
        """Whether two columns are the two ends of one join."""
        return any(
            step.target == two.relation.oid
            and one.ref.column.name in step.source_columns
            and two.ref.column.name in step.target_columns
            for step in self.schema.joins.steps(one.relation.oid)
        )

    def _context(self, relation: Relation, near: Relation | None) -> float:
        if near is not None and relation.oid == near.oid:
            return 0.4
        if self.entity is not None and relation.oid == self.entity.oid:
            return 0.35
        if self.root is not None and relation.oid == self.root.oid:
            return 0.15
        mentioned = {
            *(p.relation.oid for p in self.frame.presences),
            *(t.relation.oid for t in (*self.frame.groups, *self.frame.select) if t.relation),
        }
        if relation.oid in mentioned:
            return 0.15
        return -0.15 * self._distance(relation)

    def _distance(self, relation: Relation) -> float:
        base = self.root or self.entity
        if base is None:
            return 1.0
        key = (base.oid, relation.oid)
        if key not in self._distances:
            found = self.schema.joins.path([base.oid], relation.oid)
            self._distances[key] = _length(found[0]) if found else 6.0
        return self._distances[key]

    def _hinted(self, term: Term) -> ColumnRef:
        """Find the column that an adjective or a bare date speaks of."""
        near = term.relation
        dated = term.hints[0] == "date" and self.root is not None
        spoken = near is not None and self._spoken_dates(near)
        spoken = spoken and not (self.root is not None and self._spoken_dates(self.root))
        if dated and not spoken and (self._is_group(near) or self._counts_root(near)):
            # a bare date is that of the facts, not of what they are grouped by
            near = self.root
        elif dated and (counted := self._counted_with_date(near)) is not None:
            near = counted
        places = [
            place
            for place in (
                near,
                self.root,
                self.entity,
                *(p.relation for p in self.frame.presences),
                *(t.relation for t in self.frame.select),
                *(t.relation for t in self.frame.groups),
            )
            if place is not None
        ]
        places += [
            self.column(other).relation
            for other in (*self.frame.select, *(o.term for o in self.frame.orders))
            if other.matches and other is not term
        ]
        seen = set()
        for place in places:
            if place.oid in seen:
                continue
            seen.add(place.oid)
            column = self._hinted_in(place, term)
            if column is not None:
                return ColumnRef(place, column)
        beside = self._hinted_beside(term)
        if beside is not None:
            return beside
        raise Declined(f'no column was found for "{term.text or term.hints[0]}"')

    def _hinted_beside(self, term: Term) -> ColumnRef | None:
        """Find it in the one relation that rows of the entity meet once and that has it."""
        base = self.root or self.entity
        if base is None:
            return None
        found: list[ColumnRef] = []
        for step in self.schema.joins.steps(base.oid):
            relation = self.schema.snapshot.by_oid[step.target]
            column = self._hinted_in(relation, term) if step.to_one else None
            if column is not None:
                found.append(ColumnRef(relation, column))
        if len(found) != 1:
            return None
        self.scores.append(0.7)
        return found[0]

    def _counted_with_date(self, near: Relation | None) -> Relation | None:
        """Return what a condition counts ("more than 10 orders in 2025"), if it has a date."""
        if near is not None and self._spoken_dates(near):
            return None
        for condition in self.frame.conditions:
            counted = condition.term.relation if condition.term.aggregate == "count" else None
            if counted is not None and any(c.category == "D" for c in counted.columns):
                return counted
        return None

    def _counts_root(self, near: Relation | None) -> bool:
        """Whether facts with a date of their own are counted or summed.

        Then it is theirs, unless a verb speaks of a date of what stands beside
        it (customers who joined last year: joined_on).
        """
        root = self.root
        if root is None or near is None or near.oid == root.oid:
            return False
        found = self.schema.joins.path([root.oid], near.oid)
        if found is None or not all(step.to_one for step in found[0]):
            return False
        if not any(t.aggregate for t in self.frame.select):
            return False
        if self._spoken_dates(near) and not self._spoken_dates(root):
            return False
        return any(column.category == "D" for column in root.columns)

    def _spoken_dates(self, relation: Relation) -> bool:
        said = {verb_root(word) for word in self.frame.hints}
        own = {verb_root(word) for word in split_identifier(relation.name)}
        return any(
            said & {verb_root(word) for word in split_identifier(column.name)} - own - {"date"}
            for column in relation.columns
            if column.category == "D"
        )

    def _is_group(self, relation: Relation | None) -> bool:
        """Whether facts of another relation are counted or summed for this one."""
        if relation is None or self.root is None or relation.oid == self.root.oid:
            return False
        present = {presence.relation.oid for presence in self.frame.presences}
        return relation.oid not in present

    def _hinted_in(self, relation: Relation, term: Term) -> Column | None:
        if term.hints[0] == "date":
            return self._date_column(relation, term)
        for hint in term.hints:
            wanted = hint.split()
            found = [
                column
                for column in relation.columns
                if column.category in "ND" and self._says(relation, column, wanted)
            ]
            if len(found) == 1:
                return found[0]
            if found:
                self.scores.append(0.6)
                return found[0]
        return None

    def _says(self, relation: Relation, column: Column, wanted: list[str]) -> bool:
        return any(
            match.column is column and match.score >= 0.5
            for match in self.schema.find(wanted)
            if match.relation is relation
        )

    def _date_column(self, relation: Relation, term: Term) -> Column | None:
        named = [column for column in relation.columns if column.name.lower() == term.unit]
        if named:
            return named[0]
        dates = [column for column in relation.columns if column.category == "D"]
        if not {"born", "birth", "birthday"} & self.frame.hints:
            dates = [c for c in dates if "birth" not in c.name.lower()]
        kept = [c for c in dates if not _HOUSEKEEPING & set(split_identifier(c.name))] or dates
        if len(kept) > 1:
            own = {verb_root(word) for word in split_identifier(relation.name)}
            spoken = [
                c
                for c in kept
                if set(map(stem, split_identifier(c.name))) & self.frame.hints - {"date"}
            ]
            kept = (
                spoken
                or [c for c in kept if own & set(map(verb_root, split_identifier(c.name)))]
                or kept
            )
            if len(kept) > 1:
                self.scores.append(0.8)
                self.warnings.append(
                    f"{relation.sql_name} has several dates; {kept[0].name} was taken"
                )
        if kept:
            return kept[0]
        named = [c for c in relation.columns if split_identifier(c.name)[-1:] == ["date"]]
        if len(named) == 1 and term.unit is None:
            # a date that is stored as a text or a number sorts all the same
            return named[0]
        years = [
            c
            for c in relation.columns
            if "year" in split_identifier(c.name) or c.name.lower().endswith("year")
        ]
        return years[0] if len(years) == 1 and (term.unit in (None, "year")) else None


def _length(path: list[Step]) -> float:
    """Return a path's cost; one that turns (to one row, then to many) counts double.

    Over a shared dimension two relations have nothing to do with each other.
    """
    cost = sum(step.cost for step in path)
    turns = any(one.to_one and not two.to_one for one, two in pairwise(path))
    return 2 * cost + 1 if turns else cost


def _categories(term: Term, condition: Condition | None) -> str | None:
    if term.aggregate in ("sum", "avg"):
        return "N" if not term.operator and term.unit != "age" else "ND"
    if term.aggregate in ("min", "max"):
        return "NDS"
    if condition is None:
        return None
    if condition.op in ("<", "<=", ">", ">=", "between"):
        return "NDS" if any(isinstance(v, str) for v in condition.values) else "N"
    if condition.op == "date":
        return "DNS"
    if condition.op in ("like",):
        return "SE"
    return None
