"""A table that does not exist, or is not in the FROM clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.repair import joining
from pg_llm.text2sql.repair.alike import likeness
from pg_llm.text2sql.repair.change import Change, Risk
from pg_llm.text2sql.repair.columns import nearest
from pg_llm.text2sql.repair.tree import (
    Source,
    column_at,
    exp,
    folded,
    from_clause,
    is_local,
    named,
    render,
    selects_around,
    sources,
    spelled,
    table_at,
)
from pg_llm.text2sql.words import split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import SchemaIndex

_ALIKE = 0.75


def undefined_table(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield statements with another table, or with the table that is missing."""
    if table_at(tree, position) is not None:
        yield from _other_table(tree, position, schema)
    elif column_at(tree, position) is not None:
        yield from _missing_source(tree, position, schema)


def _other_table(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    for rule, risk in (
        (_key, Risk.PLACE),
        (_renamed, Risk.SPELLING),
        (_by_columns, Risk.PLACE),
        (_alike, Risk.GUESS),
    ):
        copy = tree.copy()
        node = table_at(copy, position)
        if node is None or is_local(node):
            return
        for note in rule(node, schema):
            yield Change(render(copy), note, risk)
            copy = tree.copy()
            node = table_at(copy, position)
            if node is None:
                return


def _replace(node: exp.Table, relation: Relation) -> str:
    before = folded(node.this)
    alias = node.args.get("alias")
    node.set("this", spelled(relation.name))
    node.set("db", None if relation.visible else spelled(relation.schema))
    if alias is None:
        # the columns of the statement are qualified by the old name
        node.set("alias", exp.TableAlias(this=spelled(before)))
    return f"{before} was read as {relation.sql_name}"


def _renamed(node: exp.Table, schema: SchemaIndex) -> Iterator[str]:
    """Find the table of that name elsewhere: another case, number, schema."""
    wanted = [stem(word) for word in split_identifier(str(node.this.name))]
    for relation in schema.relations:
        if [stem(word) for word in split_identifier(relation.name)] == wanted:
            yield _replace(node, relation)


def _key(node: exp.Table, schema: SchemaIndex) -> Iterator[str]:
    """Read a table called like a foreign key of another as what the key points to."""
    name = folded(node.this)
    select = next(selects_around(node), None)
    if select is None:
        return
    for source in sources(select, schema):
        if source.relation is None:
            continue
        for step in schema.joins.steps(source.relation.oid):
            if step.to_one and step.source_columns == (name,):
                yield _keyed(node, source, step.target, schema)
                return
    for key in schema.snapshot.foreign_keys:
        if key.source_columns == (name,):
            yield _replace(node, schema.snapshot.by_oid[key.target])
            return


def _keyed(node: exp.Table, source: Source, target: int, schema: SchemaIndex) -> str:
    note = _replace(node, schema.snapshot.by_oid[target])
    join = node.parent
    alias = node.alias_or_name
    if isinstance(join, exp.Join) and source.relation is not None:
        step = next(s for s in schema.joins.steps(source.relation.oid) if s.target == target)
        join.set("on", joining.condition(source.alias, alias, step))
        join.set("using", None)
    return note


def _by_columns(node: exp.Table, schema: SchemaIndex) -> Iterator[str]:
    """Find the only relation that has all the columns asked of this one."""
    select = next(selects_around(node), None)
    if select is None:
        return
    alias = node.alias_or_name
    wanted = {
        folded(column.this)
        for column in select.find_all(exp.Column)
        if folded(column.args.get("table")) == alias
    }
    found = [r for r in schema.relations if wanted and wanted <= {c.name for c in r.columns}]
    if len(found) == 1:
        yield _replace(node, found[0])


def _alike(node: exp.Table, schema: SchemaIndex) -> Iterator[str]:
    name = str(node.this.name)
    options = sorted(
        ((likeness(name, relation.name), relation) for relation in schema.relations),
        key=lambda option: -option[0],
    )
    for score, relation in options[:2]:
        if score >= _ALIKE:
            yield _replace(node, relation)
    linked = [m for m in schema.find(split_identifier(name)) if m.column is None]
    if linked and linked[0].score >= 0.5:
        yield _replace(node, linked[0].relation)


# ---- a qualifier that the FROM clause does not know ------------------------


def _missing_source(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    for rule, risk in (
        (_alias_of, Risk.SPELLING),
        (_common, Risk.PLACE),
        (_commas, Risk.SPELLING),
        (_joined, Risk.PLACE),
        (_unqualified, Risk.PLACE),
    ):
        copy = tree.copy()
        column = column_at(copy, position)
        if column is None:
            return
        for note in rule(column, schema):
            yield Change(render(copy), note, risk)
            copy = tree.copy()
            column = column_at(copy, position)
            if column is None:
                return


def _alias_of(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Use the alias of a table that is called by its name."""
    qualifier = folded(column.args.get("table"))
    name = folded(column.this)
    for select in selects_around(column):
        held = [
            source
            for source in sources(select, schema)
            if source.relation is not None and source.relation.name == qualifier.lower()
        ]
        called = next((source for source in held if source.alias == name), None)
        if called is not None and name not in called.columns:
            shown = schema.display(called.relation)[0].column.name  # type: ignore[arg-type]
            before = render(column)
            column.set("this", spelled(shown))
            column.set("table", spelled(called.alias))
            yield f"{before} was read as {render(column)}"
            return
        for source in held:
            column.set("table", spelled(source.alias))
            yield f"{qualifier}.{name} was read as {source.alias}.{name}"


def _common(column: exp.Column, _schema: SchemaIndex) -> Iterator[str]:
    """Read the common table expression that a qualifier names and the FROM clause does not."""
    qualifier = folded(column.args.get("table"))
    select = next(selects_around(column), None)
    if select is None or not is_local(exp.Table(this=spelled(qualifier)), column.root()):
        return
    joins = list(select.args.get("joins") or ())
    joins.append(exp.Join(this=exp.Table(this=spelled(qualifier)), kind="CROSS"))
    select.set("joins", joins)
    yield f"the statement reads {qualifier}, which it did not say"


def _commas(column: exp.Column, _schema: SchemaIndex) -> Iterator[str]:
    """Join by CROSS JOIN what a comma lists, so that later conditions see it."""
    changed = False
    for select in selects_around(column):
        for join in select.args.get("joins") or ():
            bare = not any(join.args.get(part) for part in ("on", "using", "kind", "side"))
            if bare and not join.args.get("method"):
                join.set("kind", "CROSS")
                changed = True
    if changed:
        yield "a comma between tables was read as a join"


def _joined(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Join the table that a qualifier names and the FROM clause does not."""
    qualifier, wanted = folded(column.args.get("table")), str(column.this.name)
    select = next(selects_around(column), None)
    relation = _called(qualifier, schema)
    if select is None or relation is None:
        return
    if from_clause(select) is None:
        select.set("from_", exp.From(this=joining.table(relation, qualifier)))
        yield f"the statement reads {relation.sql_name}, which it did not say"
        return
    starts = [source for source in sources(select, schema) if source.relation is not None]
    for start in starts:
        assert start.relation is not None  # noqa: S101  (the line above)
        found = schema.joins.path([start.relation.oid], relation.oid)
        if found is None or not found[0]:
            continue
        before = render(column)
        alias = joining.attach(select, start, found[0], schema, column)
        for other in select.find_all(exp.Column):
            if folded(other.args.get("table")) == qualifier:
                other.set("table", spelled(alias))
        yield f"{before}: {relation.sql_name} was joined"
        return
    if not starts:
        return
    closest = nearest(starts, wanted, "", schema)
    if closest is not None:
        alias = joining.attach(select, closest[0], closest[1], schema, column)
        column.set("table", spelled(alias))
        yield f"{qualifier}.{wanted}: the relation that has it was joined"


def _called(name: str, schema: SchemaIndex) -> Relation | None:
    node = exp.Table(this=spelled(name))
    return named(node, schema) or next(
        (r for r in schema.relations if r.name.lower() == name.lower()), None
    )


def _unqualified(column: exp.Column, _schema: SchemaIndex) -> Iterator[str]:
    before = render(column)
    column.set("table", None)
    column.set("db", None)
    yield f"{before} was read as {render(column)}"


# ---- one name for two tables ----------------------------------------------


def duplicate_alias(tree: exp.Expr, _position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield the statement with a name of its own for each table joined twice."""
    copy = tree.copy()
    for select in copy.find_all(exp.Select):
        held: dict[str, list[Source]] = {}
        for source in sources(select, schema):
            held.setdefault(source.alias, []).append(source)
        for alias, twins in held.items():
            if len(twins) > 1:
                _part(select, alias, twins)
                yield Change(
                    render(copy), f"{alias} stands in the FROM clause more than once", Risk.GUESS
                )
                return


def _part(select: exp.Select, alias: str, twins: list[Source]) -> None:
    """Name the second and later ones, and share their columns out."""
    names = [alias, *(f"{alias}_{number}" for number in range(2, len(twins) + 1))]
    words = []
    for source, name in zip(twins, names, strict=True):
        on = source.join.args.get("on") if source.join is not None else None
        inside = list(on.find_all(exp.Column)) if on is not None else []
        for column in inside:
            if folded(column.args.get("table")) == alias:
                column.set("table", spelled(name))
        others = [folded(c.this) for c in inside if folded(c.args.get("table")) != name]
        words.append({word for other in others for word in split_identifier(other)})
        if name != alias:
            source.node.set("alias", exp.TableAlias(this=spelled(name)))
    position = 0
    for item in select.expressions:
        uses = [c for c in item.find_all(exp.Column) if folded(c.args.get("table")) == alias]
        if not uses:
            continue
        called = set(split_identifier(item.alias or ""))
        fits = [len(called & own) for own in words]
        best = fits.index(max(fits)) if max(fits, default=0) > 0 else position % len(names)
        for column in uses:
            column.set("table", spelled(names[best]))
        position += 1
