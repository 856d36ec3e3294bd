"""PIVOT and UNPIVOT: rows into columns and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pg_llm.lineage.parser.expressions import Expressions
from pg_llm.lineage.parser.flows import IDENTITY, NOTHING, TRANSFORMATION, Flow, add, merged
from pg_llm.lineage.parser.relations import STAR, Column, Item, Relation, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Where the column of values stands before the column of names.
_VALUES_FIRST = frozenset(("bigquery", "tsql"))


class Pivots(Expressions):
    """Resolves what PIVOT and UNPIVOT make of an item of FROM."""

    def pivoted(self, node: exp.Pivot, item: Item, scope: Scope) -> Relation:
        """Return an item after PIVOT or UNPIVOT."""
        inside = Scope(scope, scope.ctes)
        inside.items.append(item)
        if node.args.get("unpivot"):
            return self.unpivoted(node, item, inside)
        self.doubts.add("pivot")
        if node.args.get("using") is not None or node.args.get("this") is not None:
            return self.simplified(node, item, inside)
        names = [self.name(part) for part in node.args.get("columns") or ()]
        flows = [self.flow(part, inside, TRANSFORMATION) for part in node.args["expressions"]]
        used = self.named_in([*node.args["expressions"], *(node.args.get("fields") or ())])
        made = [(name, flows[i % len(flows)]) for i, name in enumerate(names)] if flows else []
        return self.beside(item, used, made)

    def simplified(self, node: exp.Pivot, item: Item, scope: Scope) -> Relation:
        """Return `PIVOT t ON column USING aggregate GROUP BY column`.

        The names of the new columns are values of the data.
        """
        using = [part for part in node.args.get("using") or () if isinstance(part, exp.Expr)]
        on = [part for part in node.args.get("expressions") or () if isinstance(part, exp.Expr)]
        flow = merged(*(self.flow(part, scope, TRANSFORMATION) for part in using))
        made: list[Column] = [(STAR, flow)]
        group = node.args.get("group")
        if group is None:
            return self.beside(item, self.named_in([*using, *on]), made)
        kept = self.named_in(group.expressions)
        columns = [column for column in item.star() if self.dialect.key(column[0]) in kept]
        return Relation(columns + made, self.dialect.key)

    def unpivoted(self, node: exp.Pivot, item: Item, scope: Scope) -> Relation:
        """Return UNPIVOT: a column of values from several, and one of their names."""
        made: list[Column] = []
        groups: list[Any] = []
        into = node.args.get("into")
        if into is not None:
            names, groups = into.args.get("expressions") or [], node.args["expressions"]
            made += self.values_of(names, groups, scope)
            made.insert(0, (self.name(_identifier(into.args["this"])), NOTHING))
        for field in node.args.get("fields") or ():
            parts = [_unaliased(part) for part in field.args.get("expressions") or ()]
            groups += parts
            values = self.values_of(_flat(node.args["expressions"]), parts, scope)
            label = [(self.name(_identifier(field.args["this"])), NOTHING)]
            first = self.dialect.name in _VALUES_FIRST
            made += values + label if first else label + values
        return self.beside(item, self.named_in(groups), made)

    def values_of(self, names: Sequence[Any], groups: Sequence[Any], scope: Scope) -> list[Column]:
        """Return the columns of values: each has what stands in its place of every group."""
        out: list[Column] = []
        for number, name in enumerate(names):
            flow: Flow = {}
            for group in groups:
                parts = _flat([group])
                if number < len(parts):
                    add(flow, self.flow(parts[number], scope), IDENTITY)
            out.append((self.name(_identifier(name)), flow))
        return out

    def beside(self, item: Item, used: set[str], made: list[Column]) -> Relation:
        """Return the columns that are not used up, then those that are made."""
        key = self.dialect.key
        kept = [column for column in item.star() if key(column[0]) not in used]
        return Relation(kept + made, key, rest=item.opens())

    def named_in(self, nodes: Iterable[Any]) -> set[str]:
        """Return the keys of all columns that are named in expressions."""
        return {
            self.dialect.key(self.name(column.args["this"]))
            for node in nodes
            for column in node.find_all(exp.Column)
        }


def _identifier(node: Any) -> Any:
    return node.args["this"] if isinstance(node, exp.Column) else node


def _unaliased(node: Any) -> Any:
    return node.args["this"] if isinstance(node, (exp.PivotAlias, exp.Alias)) else node


def _flat(nodes: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for node in nodes:
        out += node.expressions if isinstance(node, exp.Tuple) else [_unaliased(node)]
    return out
