"""Edges that people declare: what no catalog, log or job tells by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pg_llm.errors import InvalidParameter, PgLlmError, UndefinedObject
from pg_llm.graph.store import (
    EdgeFacts,
    Key,
    NodeFacts,
    add_edges,
    close_edges,
    ensure_nodes,
    find_nodes,
)
from pg_llm.lineage.edges import Transformation

if TYPE_CHECKING:
    from pg_llm.database import Database

EVIDENCE: Final = "manual"
_DEPENDENCY: Final = "DEPENDENCY"
_KINDS: Final = {"dataset": None, "job": None, "dashboard": "dashboard"}
_FORM: Final = (
    "Objects are schema.relation, schema.relation.column, schema.function(types), "
    "or namespace/name outside of the database."
)


class AmbiguousName(PgLlmError):
    """A name that several objects have."""

    sqlstate = "42725"


@dataclass(frozen=True, slots=True)
class End:
    """One end of an edge as it is named: an object, and a column of it."""

    object: str
    column: str | None = None

    @property
    def outside(self) -> bool:
        """Whether it is `namespace/name`; a quoted name may have any character."""
        return "/" in self.object and not self.object.startswith('"')


# A name in this database by its parts: of a relation, or of its column.
_RELATIONS: Final = """
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, c.oid::int8 as oid
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = $2::name
  and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and case when $1::text is null
      then n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'llm', 'lineage')
          and not pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
      else n.nspname = $1::name
  end
order by 1
"""
_COLUMN: Final = """
select a.attname::text as name
from pg_catalog.pg_attribute a
where a.attrelid = $1::oid and a.attname = $2::name and a.attnum > 0 and not a.attisdropped
"""
_FUNCTION: Final = """
select pg_catalog.format(
    '%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)
) as name
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.oid = pg_catalog.to_regprocedure($1)::oid
"""
_PARTS: Final = "select pg_catalog.parse_ident($1) as parts"


def outside(text: str, kind: str, column: str | None = None) -> Key:
    """Return what `namespace/name` means: postgres://host:5432/database.schema.table, airflow/dag.

    A namespace with a scheme goes up to the slash behind its authority.
    """
    start = text.find("://")
    slash = text.find("/", start + 3 if start >= 0 else 0)
    namespace, name = (text[:slash], text[slash + 1 :]) if slash > 0 else ("", "")
    if not namespace or not name or namespace.endswith("://"):
        raise InvalidParameter(f'"{text}" is not namespace/name', hint=_FORM)
    if column is not None:
        return Key("field", namespace, name, column)
    return Key(kind, namespace, name)


def resolve(database: Database, end: End, kind: str = "dataset") -> Key:
    """Return the node that a name means, by the catalog for what is in the database."""
    if not end.object.strip():
        raise InvalidParameter("a name is empty", hint=_FORM)
    if end.outside:
        return outside(
            end.object, "job" if kind in ("job", "dashboard") else "dataset", end.column
        )
    if end.object.endswith(")"):
        return _function(database, end)
    parts = database.execute(_PARTS, [end.object])[0]["parts"]
    if len(parts) > (3 if end.column is None else 2):
        raise InvalidParameter(f'"{end.object}" has too many parts', hint=_FORM)
    return _in_database(database, end, parts)


def _function(database: Database, end: End) -> Key:
    rows = database.execute(_FUNCTION, [end.object])
    if not rows:
        raise UndefinedObject(
            f"there is no function {end.object}",
            hint="Name it as schema.function(argument types).",
        )
    if end.column is not None:
        return Key("column", "", rows[0]["name"], end.column)
    return Key("function", "", rows[0]["name"])


def _in_database(database: Database, end: End, parts: list[str]) -> Key:
    """Try the readings of a name, the longest relation's name first."""
    readings = [(parts, end.column)]
    if end.column is None and len(parts) > 1:
        readings.append((parts[:-1], parts[-1]))
    for names, column in readings:
        if len(names) > 2:
            continue
        schema, relation = names if len(names) == 2 else (None, names[0])
        rows = database.execute(_RELATIONS, [schema, relation], ["text", "text"])
        if len(rows) > 1:
            listed = ", ".join(row["name"] for row in rows)
            raise AmbiguousName(
                f'"{end.object}" is in several schemas: {listed}', hint="Give the schema."
            )
        if rows:
            return _of_relation(database, rows[0]["name"], rows[0]["oid"], column)
    raise UndefinedObject(f'there is no relation "{end.object}"', hint=_FORM)


def _of_relation(database: Database, name: str, oid: int, column: str | None) -> Key:
    if column is None:
        return Key("relation", "", name)
    if not database.execute(_COLUMN, [oid, column], ["oid", "text"]):
        raise UndefinedObject(f'{name} has no column "{column}"')
    return Key("column", "", name, column)


# -- adding -----------------------------------------------------------------------

_EXISTING: Final = """
select e.id, e.expression, e.masking, e.confidence::float8 as confidence, e.transformation
from lineage.edges_current e
where e.from_node = $1 and e.to_node = $2 and e.evidence = $3
  and e.evidence_node is not distinct from $4
  and ($5::text is null or e.transformation = $5)
"""
_TYPES: Final = ("int8", "int8", "text", "int8", "text")


def add(
    database: Database,
    source: End,
    target: End,
    *,
    transformation: str,
    expression: str | None,
    masking: bool,
    confidence: float,
    job: str | None,
    target_kind: str,
) -> int:
    """Declare an edge, and return its number."""
    if not 0 <= confidence <= 1:
        raise InvalidParameter(f"confidence {confidence:g} is not between 0 and 1")
    if target_kind not in _KINDS:
        raise InvalidParameter(
            f'unknown kind "{target_kind}"', hint="A target is a dataset, a job or a dashboard."
        )
    influence = influence_of(transformation)
    keys = resolve(database, source), resolve(database, target, target_kind)
    ids = ensure_nodes(database, keys)
    if target_kind == "dashboard" and keys[1].kind == "job":
        ids |= ensure_nodes(database, [NodeFacts(keys[1], "dashboard")])
    mover = None if job is None else _job(database, job)
    ends = [ids[keys[0]], ids[keys[1]], EVIDENCE, mover, transformation]
    for row in database.execute(_EXISTING, ends, _TYPES):
        if _says(row, expression, masking, confidence):
            return int(row["id"])
        close_edges(database, [row["id"]])
    facts = EdgeFacts(
        ids[keys[0]],
        ids[keys[1]],
        influence,
        transformation,
        expression,
        "manual",
        confidence,
        masking,
    )
    add_edges(database, EVIDENCE, mover, [facts])
    return int(database.execute(_EXISTING, ends, _TYPES)[0]["id"])


def _says(
    row: dict[str, object], expression: str | None, masking: bool, confidence: float
) -> bool:
    known = row["confidence"]
    assert isinstance(known, float)  # noqa: S101
    return (
        row["expression"] == expression
        and (row["masking"] == masking or not masking)
        and abs(known - confidence) < 1e-6
    )


def influence_of(transformation: str) -> str:
    """Return DIRECT, INDIRECT or DEPENDENCY for a transformation's name."""
    if transformation == _DEPENDENCY:
        return _DEPENDENCY
    try:
        return str(Transformation(transformation).influence)
    except ValueError:
        raise InvalidParameter(
            f'unknown transformation "{transformation}"',
            hint=f"The transformations are: {', '.join(Transformation)}, {_DEPENDENCY}.",
        ) from None


def _job(database: Database, job: str) -> int:
    key = outside(job, "job")
    return ensure_nodes(database, [key])[key]


# -- ending -----------------------------------------------------------------------


def end(
    database: Database, source: End, target: End, *, transformation: str | None, job: str | None
) -> int:
    """End declared edges between two things; return how many."""
    if transformation is not None:
        influence_of(transformation)
    ids: list[int] = []
    mover = None if job is None else find_nodes(database, [outside(job, "job")])
    movers = [None] if mover is None else list(mover.values())
    for first in _nodes(database, source):
        for second in _nodes(database, target):
            for node in movers:
                args = [first, second, EVIDENCE, node, transformation]
                ids += [row["id"] for row in database.execute(_EXISTING, args, _TYPES)]
    if not ids:
        raise UndefinedObject(
            "nobody has declared such an edge",
            hint="select * from lineage.edges where evidence = 'manual' shows those that are.",
        )
    close_edges(database, ids)
    return len(ids)


def _nodes(database: Database, named: End) -> list[int]:
    kinds = ("dataset", "job") if named.outside else ("",)
    return list(find_nodes(database, [resolve(database, named, kind) for kind in kinds]).values())
