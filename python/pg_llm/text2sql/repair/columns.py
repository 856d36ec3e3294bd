"""A column that does not exist where it is asked for: which one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.repair import alike, joining
from pg_llm.text2sql.repair.change import Change, Risk
from pg_llm.text2sql.repair.tree import (
    Source,
    column_at,
    exp,
    folded,
    from_clause,
    render,
    selects_around,
    sources,
    spelled,
)
from pg_llm.text2sql.words import split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.joins.graph import Step

_ALIKE = 0.72
_MEANT = 0.5


def undefined_column(tree: exp.Expr, position: int, schema: SchemaIndex) -> Iterator[Change]:
    """Yield statements with another column in place of the one at the position.

    Likeliest first: the same name in the right spelling; a text that was
    quoted like a name; the join that the foreign keys tell; the same name in
    another relation in scope; in one that a join can reach; a similar name.
    """
    column = column_at(tree, position)
    if column is None:
        return
    path = _path(tree, column)
    for rule, risk in (
        (_spelling, Risk.SPELLING),
        (_output, Risk.SPELLING),
        (_literal, Risk.SPELLING),
        (_key, Risk.PLACE),
        (_pointed, Risk.PLACE),
        (_longer, Risk.PLACE),
        (_elsewhere, Risk.PLACE),
        (_looked_up, Risk.PLACE),
        (_titled, Risk.PLACE),
        (_similar, Risk.GUESS),
        (_joined, Risk.GUESS),
        (_without_from, Risk.GUESS),
        (_meant, Risk.GUESS),
    ):
        copy = tree.copy()
        target = _follow(copy, path)
        for note in rule(target, schema):
            yield Change(render(copy), note, risk)
            copy = tree.copy()
            target = _follow(copy, path)


def _path(tree: exp.Expr, column: exp.Expr) -> int:
    """Return which of the tree's columns this is."""
    return next(i for i, node in enumerate(tree.find_all(exp.Column)) if node is column)


def _follow(tree: exp.Expr, path: int) -> exp.Column:
    return next(node for i, node in enumerate(tree.find_all(exp.Column)) if i == path)


def _scopes(column: exp.Column, schema: SchemaIndex) -> list[list[Source]]:
    return [sources(select, schema) for select in selects_around(column)]


def _put(column: exp.Column, source: Source, name: str) -> str:
    """Let the column name another one; returns what is told to the user."""
    before = render(column)
    column.set("this", spelled(name))
    column.set("table", spelled(source.alias))
    column.set("db", None)
    return f"{before} was read as {render(column)}"


def _spelling(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Find the column in the source it is asked of, case and separators aside."""
    qualifier, wanted = folded(column.args.get("table")), folded(column.this)
    for scope in _scopes(column, schema):
        for source in scope:
            if qualifier and source.alias != qualifier:
                continue
            for name in source.columns:
                if name != wanted and _words(name) == _words(wanted):
                    yield _put(column, source, name)
                    return


def _words(name: str) -> str:
    return "".join(stem(word) for word in split_identifier(name))


def _output(column: exp.Column, _schema: SchemaIndex) -> Iterator[str]:
    """Put what an output column is computed by where its name may not be used."""
    if column.args.get("table") is not None:
        return
    wanted = folded(column.this)
    for select in selects_around(column):
        for item in select.expressions:
            if not isinstance(item, exp.Alias) or item.alias.lower() != wanted.lower():
                continue
            inside = any(node is column for node in item.walk())
            if inside or item.find(exp.Window) or _names(item.this, wanted):
                continue
            bare = isinstance(item.this, exp.Column | exp.Func | exp.Literal | exp.Subquery)
            made = item.this.copy() if bare else exp.Paren(this=item.this.copy())
            column.replace(made)
            yield f"{wanted} was read as {render(made)}, which the statement calls so"
            return


def _names(node: exp.Expr, name: str) -> bool:
    """Whether an expression itself reads a column of a name: the name is not its own then."""
    return any(
        column.args.get("table") is None and folded(column.this) == name
        for column in node.find_all(exp.Column)
    )


def _literal(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Take "…" for a text, as MySQL and SQLite do, where no column is called so."""
    if column.args.get("table") or not column.this.args.get("quoted"):
        return
    name = str(column.this.name)
    known = {c.name.lower() for relation in schema.relations for c in relation.columns}
    if name.lower() not in known:
        column.replace(exp.Literal.string(name))
        yield f'"{name}" was read as a text'


def _key(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Put the foreign key in place of a join condition that names no column."""
    equality = column.parent
    if not isinstance(equality, exp.EQ) or column.args.get("table") is None:
        return
    other = equality.expression if equality.this is column else equality.this
    if not isinstance(other, exp.Column) or other.args.get("table") is None:
        return
    scope = next(iter(_scopes(column, schema)), [])
    one = _aliased(scope, folded(column.args.get("table")))
    two = _aliased(scope, folded(other.args.get("table")))
    if one is None or two is None or one is two or one.relation is None or two.relation is None:
        return
    for step in schema.joins.steps(one.relation.oid):
        if step.target == two.relation.oid:
            before = render(equality)
            equality.replace(joining.condition(one.alias, two.alias, step))
            joined = f"{one.alias} and {two.alias}"
            yield f"{before}: {joined} are joined by their key instead"
            return


def _pointed(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Take the key where a foreign key's name is asked of the table that it points to."""
    qualifier, wanted = folded(column.args.get("table")), folded(column.this)
    if not qualifier:
        return
    for scope in _scopes(column, schema):
        source = _aliased(scope, qualifier)
        if source is None or source.relation is None:
            continue
        for step in schema.joins.steps(source.relation.oid):
            if step.target_columns == (wanted,) and len(step.source_columns) == 1:
                key = step.source_columns[0]
                if key in source.relation.primary_key and _partner(column) != (qualifier, key):
                    yield _put(column, source, key)
                    return


def _aliased(scope: list[Source], alias: str) -> Source | None:
    return next((source for source in scope if source.alias == alias), None)


def _longer(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Take the only column of the source that is called so with words before it (full_name)."""
    wanted, qualifier = split_identifier(str(column.this.name)), folded(column.args.get("table"))
    scope = next(iter(_scopes(column, schema)), [])
    asked = [s for s in scope if s.alias == qualifier] if qualifier else scope
    if len(asked) != 1 or wanted == ["id"]:
        return
    found = [
        name
        for name in asked[0].columns
        if (split := split_identifier(name))[-len(wanted) :] == wanted and split != wanted
    ]
    if len(found) == 1 and _partner(column) != (asked[0].alias, found[0]):
        yield _put(column, asked[0], found[0])


def _elsewhere(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Find the same name in another source in scope."""
    wanted = str(column.this.name)
    partner = _partner(column)
    for scope in _scopes(column, schema):
        for source in scope:
            name = source.spelling(wanted)
            if name is None or source.alias == folded(column.args.get("table")):
                continue
            if partner == (source.alias, name):
                continue
            yield _put(column, source, name)


def _partner(column: exp.Column) -> tuple[str, str] | None:
    """Return the column that this one is compared with."""
    parent = column.parent
    if not isinstance(parent, exp.Binary):
        return None
    other = parent.expression if parent.this is column else parent.this
    if isinstance(other, exp.Column):
        return folded(other.args.get("table")), folded(other.this)
    return None


def _looked_up(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Join the relation that has the column, where each row meets at most one there."""
    yield from _reached(column, schema, many=False)


def _joined(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Join the relation that has the column, the nearest one along the keys."""
    yield from _reached(column, schema, many=True)


def _reached(column: exp.Column, schema: SchemaIndex, *, many: bool) -> Iterator[str]:
    wanted = str(column.this.name)
    select = next(selects_around(column), None)
    if select is None:
        return
    scope = sources(select, schema)
    qualifier = folded(column.args.get("table"))
    starts = [s for s in scope if s.relation is not None]
    starts.sort(key=lambda source: source.alias != qualifier)
    found = nearest(starts, wanted, qualifier, schema)
    if found is None:
        return
    start, steps, name = found
    if not many and not all(step.to_one for step in steps):
        return
    alias = joining.attach(select, start, steps, schema, column)
    before = render(column)
    column.set("this", spelled(name))
    column.set("table", spelled(alias))
    relation = schema.snapshot.by_oid[steps[-1].target]
    yield f"{before} was read as {relation.sql_name}.{name}, which was joined"


def nearest(
    starts: list[Source], wanted: str, qualifier: str, schema: SchemaIndex
) -> tuple[Source, list[Step], str] | None:
    """Return the source, the path and the column that are reached along the cheapest joins."""
    best: tuple[float, Source, list[Step], str] | None = None
    for source in starts:
        for steps, name in _reachable(source, wanted, schema):
            cost = sum(step.cost + (0.0 if step.to_one else 1.5) for step in steps)
            cost += 0.0 if source.alias == qualifier else 0.25
            if best is None or cost < best[0]:
                best = (cost, source, steps, name)
    return best[1:] if best else None


def _reachable(
    source: Source, wanted: str, schema: SchemaIndex
) -> Iterator[tuple[list[Step], str]]:
    """Yield paths of at most three joins to relations with that column."""
    if source.relation is None:
        return
    queue: list[tuple[int, list[Step]]] = [(source.relation.oid, [])]
    seen = {source.relation.oid}
    while queue:
        oid, steps = queue.pop(0)
        relation = schema.snapshot.by_oid[oid]
        name = next((c.name for c in relation.columns if c.name.lower() == wanted.lower()), None)
        if steps and name is not None:
            yield steps, name
            continue
        if len(steps) < 3:
            for step in sorted(schema.joins.steps(oid), key=lambda s: (not s.to_one, s.cost)):
                if step.target not in seen:
                    seen.add(step.target)
                    queue.append((step.target, [*steps, step]))


def _titled(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Take what names a row where the relation's name is asked for (shop_name: title)."""
    wanted, qualifier = str(column.this.name), folded(column.args.get("table"))
    for scope in _scopes(column, schema):
        for source in scope:
            if source.relation is None or (qualifier and source.alias != qualifier):
                continue
            if not qualifier and not alike.own_words(source) & alike.words(wanted):
                continue
            called = schema.named(source.relation)
            if alike.names_row(wanted, source) and len(called) == 1:
                yield _put(column, source, called[0].column.name)
                return


def _meant(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Take the column in scope that the name's words mean, by comments and synonyms."""
    wanted, qualifier = str(column.this.name), folded(column.args.get("table"))
    found = {
        (match.relation.oid, match.column.name): match.score
        for match in schema.find(split_identifier(wanted))
        if match.column is not None
    }
    options = [
        (found.get((source.relation.oid, name), 0.0), source, name)
        for scope in _scopes(column, schema)
        for source in scope
        if source.relation is not None and qualifier in ("", source.alias)
        for name in source.columns
        if _partner(column) != (source.alias, name)
    ]
    score, source, name = max(options, key=lambda option: option[0], default=(0.0, None, ""))
    if source is not None and score >= _MEANT:
        yield _put(column, source, name)


def _similar(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Find the most similar name, in the source that is named first."""
    wanted, qualifier = str(column.this.name), folded(column.args.get("table"))
    options = [
        (alike.fit(wanted, name, source) + (0.1 if source.alias == qualifier else 0), source, name)
        for scope in _scopes(column, schema)
        for source in scope
        for name in source.columns
        if _partner(column) != (source.alias, name)
    ]
    options.sort(key=lambda option: -option[0])
    for score, source, name in options[:3]:
        if score >= _ALIKE:
            yield _put(column, source, name)


def _without_from(column: exp.Column, schema: SchemaIndex) -> Iterator[str]:
    """Give a SELECT without FROM the relation that has most of its columns."""
    select = next(selects_around(column), None)
    if select is None or from_clause(select) is not None:
        return
    own = [c for c in select.find_all(exp.Column) if next(selects_around(c), None) is select]
    wanted = {str(c.this.name).lower() for c in own}
    best, most = None, 0
    for relation in schema.relations:
        held = len(wanted & {c.name.lower() for c in relation.columns})
        if held > most:
            best, most = relation, held
    if best is None:
        return
    qualifiers = {folded(c.args.get("table")) for c in own} - {""}
    alias = next(iter(qualifiers)) if len(qualifiers) == 1 else best.name
    select.set("from_", exp.From(this=joining.table(best, alias)))
    yield f"the statement reads {best.sql_name}, which it did not say"
