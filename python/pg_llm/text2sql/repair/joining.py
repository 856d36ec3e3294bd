"""Adding joins to a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.repair.tree import Source, exp, sources, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.joins.graph import Step


def table(relation: Relation, alias: str) -> exp.Table:
    """Return the FROM item of a relation."""
    made = exp.Table(this=spelled(relation.name))
    if not relation.visible:
        made.set("db", spelled(relation.schema))
    if alias != relation.name:
        made.set("alias", exp.TableAlias(this=spelled(alias)))
    return made


def condition(one: str, two: str, step: Step) -> exp.Expr:
    """Return the equality of a step's columns, walked from alias `one` to `two`."""
    parts: list[exp.Expr] = [
        exp.EQ(
            this=exp.Column(this=spelled(source), table=spelled(one)),
            expression=exp.Column(this=spelled(target), table=spelled(two)),
        )
        for source, target in zip(step.source_columns, step.target_columns, strict=True)
    ]
    return exp.and_(*parts)


def attach(
    select: exp.Select,
    start: Source,
    steps: Sequence[Step],
    schema: SchemaIndex,
    user: exp.Expr,
) -> str:
    """Join a path to a SELECT, from one of its sources; returns the last alias.

    Where `user`, the node that needs the join, stands in a join condition, the
    path comes before it: in front of that join, or, where it starts from the
    table that is joined there, together with it in parentheses.
    """
    taken = {source.alias for source in sources(select, schema)}
    added: list[exp.Join] = []
    alias = start.alias
    for step in steps:
        relation = schema.snapshot.by_oid[step.target]
        following = _free(relation.name, taken)
        taken.add(following)
        on = condition(alias, following, step)
        added.append(exp.Join(this=table(relation, following), on=on))
        alias = following
    joins = list(select.args.get("joins") or ())
    index = next((i for i, join in enumerate(joins) if _holds(join, user)), len(joins))
    if index < len(joins) and start.join is joins[index]:
        joins[index].set("this", _together(joins[index].this, added))
    else:
        joins[index:index] = added
    select.set("joins", joins)
    return alias


def _holds(join: exp.Join, user: exp.Expr) -> bool:
    on = join.args.get("on")
    return on is not None and any(node is user for node in on.walk())


def _together(node: exp.Expr, added: list[exp.Join]) -> exp.Expr:
    if isinstance(node, exp.Table):
        node = node.copy()
        node.set("joins", [*(node.args.get("joins") or ()), *added])
        return exp.Subquery(this=node)
    return exp.Subquery(this=exp.Table(this=node, joins=added))


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
