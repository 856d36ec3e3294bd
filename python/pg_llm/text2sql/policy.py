"""Tags of the lineage graph, obeyed: what a question may read of tagged columns.

The columns that a statement reads come from the server's analysis of it, and
their tags from the graph, which follows views by their definition of now. A
policy (`llm.tag_policies`) says for a role and a tag whether such a column is
refused, masked or allowed. Nobody is exempt, owners and superusers neither:
a policy of their own allows them what they want.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.catalog import Snapshot
from pg_llm.errors import DatabaseError
from pg_llm.lineage import analyser
from pg_llm.lineage.edges import Influence, Transformation
from pg_llm.text2sql import shape
from pg_llm.text2sql.composition.render import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pg_llm.catalog import Relation
    from pg_llm.database import Database
    from pg_llm.lineage.edges import Edge

    Name = tuple[str, str]

REFUSE, MASK, ALLOW = "refuse", "mask", "allow"
_STRICTNESS = {ALLOW: 0, MASK: 1, REFUSE: 2}
_MASKED_TEXT = "***"
# A view cannot have a column of the type "record".
_NO_TYPE = "42P16"

_VERSION = "select llm.policy_version() as version"
_TAGS = "select t.n, t.tag from lineage.column_tags($1, $2) t"
# A superuser has the rights of every role, which tells nothing.
_ACTIONS = """
select
    t.tag,
    coalesce(
        (
            select p.action
            from llm.tag_policies p
            where p.tag operator(pg_catalog.=) t.tag
              and p.role operator(pg_catalog.=) current_user::pg_catalog.regrole
        ),
        (
            select p.action
            from llm.tag_policies p
            join pg_catalog.pg_roles u on u.rolname operator(pg_catalog.=) current_user
            join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) p.role::pg_catalog.oid
            where p.tag operator(pg_catalog.=) t.tag
              and not u.rolsuper
              and pg_catalog.pg_has_role(r.oid, 'usage')
            order by pg_catalog.array_position('{refuse,mask,allow}'::pg_catalog.text[], p.action)
            limit 1
        ),
        (
            select p.action
            from llm.tag_policies p
            where p.tag operator(pg_catalog.=) t.tag
              and p.role::pg_catalog.oid operator(pg_catalog.=) 0::pg_catalog.oid
        )
    ) as action
from pg_catalog.unnest($1) t (tag)
"""
# A partition's rows are read through its parent, and the other way round.
_RELATIVES = """
with recursive tied (start, oid) as (
    select n.n, pg_catalog.to_regclass(n.name)::pg_catalog.oid
    from pg_catalog.unnest($1) with ordinality n (name, n)
    union
    select t.start, x.oid
    from tied t,
        lateral (
            select case
                when h.inhrelid operator(pg_catalog.=) t.oid then h.inhparent
                else h.inhrelid
            end as oid
            from pg_catalog.pg_inherits h
            where h.inhrelid operator(pg_catalog.=) t.oid
               or h.inhparent operator(pg_catalog.=) t.oid
        ) x
)
select t.start as n, pg_catalog.format('%I.%I', s.nspname, c.relname) as name
from tied t
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.oid
join pg_catalog.pg_namespace s on s.oid operator(pg_catalog.=) c.relnamespace
"""
_OPTIONS = """
select o.relation::pg_catalog.oid::pg_catalog.int8 as oid, o.column_name as name
from llm.column_options o
where not o.samples
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a statement: refused for a reason, or masked (SQL and notes), or neither."""

    reason: str = ""
    sql: str | None = None
    notes: tuple[str, ...] = ()


def judge(database: Database, sql: str, tree: str, bodies: Sequence[str]) -> Verdict:
    """Return what the policies make of a statement.

    `tree` is the server's analysis of it, `bodies` those of the SQL functions
    that it calls: what they read cannot be masked.
    """
    if not _version(database):
        return Verdict()
    for tag in _read_by_functions(database, bodies):
        return Verdict(f'the statement calls a function that reads a column tagged "{tag}"')
    edges = _edges(database, tree)
    names = {(edge.source_relation or "", edge.source_column or "") for edge in edges}
    forbidden = _forbidden(database, sorted(names))
    masked: dict[int, str] = {}
    for edge in edges:
        tag, action = forbidden.get((edge.source_relation or "", edge.source_column or ""), _FREE)
        if action == ALLOW:
            continue
        if action == REFUSE:
            return Verdict(
                f'the statement reads a column tagged "{tag}", which you may not ask for'
            )
        if edge.influence == Influence.DIRECT and edge.position is not None:
            masked[edge.position] = tag
        elif not _harmless(edge):
            return Verdict(
                f'the statement selects, joins or sorts by a column tagged "{tag}",'
                " which is masked for you"
            )
    return _masked(database, sql, masked) if masked else Verdict()


_FREE = ("", ALLOW)


def _edges(database: Database, tree: str) -> list[Edge]:
    """Return the edges that come from a column."""
    return [
        edge
        for edge in analyser.tree_edges(database, tree, fresh=True)
        if edge.source_relation and edge.source_column
    ]


def _read_by_functions(database: Database, bodies: Sequence[str]) -> Iterator[str]:
    """Yield tags of columns that functions read and that are not allowed."""
    names = {
        (edge.source_relation or "", edge.source_column or "")
        for body in bodies
        for edge in _edges(database, body)
    }
    for tag, _ in _forbidden(database, sorted(names)).values():
        yield tag


def _harmless(edge: Edge) -> bool:
    """Tell whether an influence leaves a masked value unknown: equal ones may be counted."""
    return edge.transformation == Transformation.GROUP_BY


def _masked(database: Database, sql: str, masked: dict[int, str]) -> Verdict:
    """Put a constant in the place of each column that carries a masked tag."""
    try:
        columns = shape.outputs(database, sql)
    except DatabaseError as error:
        if error.sqlstate != _NO_TYPE:
            raise
        tag = next(iter(masked.values()))
        return Verdict(
            f'the statement makes a row of columns of which one is tagged "{tag}",'
            " which is masked for you"
        )
    parts, notes = [], []
    for number, column in enumerate(columns, start=1):
        value = f"answer.c{number}"
        if number in masked:
            text = column.category == "S"
            value = f"'{_MASKED_TEXT}'::text" if text else f"null::{column.type}"
            notes.append(f'{column.name} is masked, because it carries the tag "{masked[number]}"')
        parts.append(f"{value} as {quote(column.name)}")
    listed = ", ".join(f"c{number}" for number in range(1, len(columns) + 1))
    wrapped = f"select {', '.join(parts)}\nfrom (\n{sql}\n) as answer ({listed})"
    return Verdict(sql=wrapped, notes=tuple(notes))


def _forbidden(database: Database, columns: Sequence[Name]) -> dict[Name, tuple[str, str]]:
    """Return tag and action of the columns that are not allowed, the strictest of each."""
    tags = _tags(database, columns)
    actions = _actions(database, {tag for carried in tags.values() for tag in carried})
    found = {}
    for column, carried in tags.items():
        tag = max(sorted(carried), key=lambda one: _STRICTNESS[actions[one]])
        if actions[tag] != ALLOW:
            found[column] = tag, actions[tag]
    return found


def _tags(database: Database, columns: Sequence[Name]) -> dict[Name, set[str]]:
    relations = sorted({relation for relation, _ in columns})
    related: dict[str, set[str]] = {relation: {relation} for relation in relations}
    for row in database.execute(_RELATIVES, [relations], ["text[]"]):
        related[relations[row["n"] - 1]].add(row["name"])
    asked = [(other, column) for column in columns for other in sorted(related[column[0]])]
    args = [[other for other, _ in asked], [column[1] for _, column in asked]]
    found: dict[Name, set[str]] = {}
    for row in database.execute(_TAGS, args, ["text[]", "text[]"]):
        found.setdefault(asked[row["n"] - 1][1], set()).add(row["tag"])
    return found


def _actions(database: Database, tags: Iterable[str]) -> dict[str, str]:
    refused = {tag.strip() for tag in settings.get(database, "text2sql_refused_tags").split(",")}
    return {
        row["tag"]: row["action"] or (REFUSE if row["tag"] in refused else ALLOW)
        for row in database.execute(_ACTIONS, [sorted(tags)], ["text[]"])
    }


def _version(database: Database) -> str:
    return str(database.execute(_VERSION)[0]["version"])


# ---- values that linking and prompts leave alone --------------------------------


def withhold(database: Database, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot without the values of columns that are tagged or opted out."""
    version = _version(database)
    if not version:
        return snapshot
    kept = snapshot.derived.get("withheld")
    if isinstance(kept, tuple) and kept[0] == version:
        found: Snapshot = kept[1]
        return found
    found = _withheld(database, snapshot)
    snapshot.derived["withheld"] = (version, found)
    return found


def _withheld(database: Database, snapshot: Snapshot) -> Snapshot:
    names = {
        (relation.oid, column.name): (
            f"{quote(relation.schema)}.{quote(relation.name)}",
            column.name,
        )
        for relation in snapshot.relations
        for column in relation.columns
    }
    forbidden = _forbidden(database, list(names.values()))
    closed = {place for place, name in names.items() if name in forbidden}
    closed |= {(row["oid"], row["name"]) for row in database.execute(_OPTIONS)}
    relations = tuple(_without(relation, closed) for relation in snapshot.relations)
    return Snapshot(snapshot.role, snapshot.version, relations, snapshot.foreign_keys)


def _without(relation: Relation, closed: set[tuple[int, str]]) -> Relation:
    if not any((relation.oid, column.name) in closed for column in relation.columns):
        return relation
    columns = tuple(
        replace(column, values=(), complete=False, extent=None, withheld=True)
        if (relation.oid, column.name) in closed
        else column
        for column in relation.columns
    )
    return replace(relation, columns=columns)
