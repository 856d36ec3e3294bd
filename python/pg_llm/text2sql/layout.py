"""The schema as arrays: what linking computes for all columns at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_llm.text2sql.index import ColumnRef
from pg_llm.text2sql.words import split_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import SchemaIndex

Key = tuple[int, str]
"""A column by its relation's OID and its name; a relation by an empty name."""

_VIEW = 0.85
# What a join costs at most that makes two relations neighbours: none of a view's.
_NEAR = 2.0
_KEPT_BLOCKS = 4000
# The vectors of a relation and its columns, by the texts they were made of: they
# tell nothing to who does not know the texts. All sessions' roles share them.
_blocks: dict[tuple[str, ...], Any] = {}


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of columns and relations, and what holds for each.

    `positions`: of every column, then of every relation. `owners`: the number
    of each column's relation. `places`: a row a relation with the positions of
    its columns, valid where `filled`. `keys`: 1 for key columns, `names`: 1 for
    those that name a row to a person, `dates`: 1 for dates and times, `measures`:
    1 for numbers that are no keys. `joins`: two rows with the numbers of joined
    relations, in both directions. `vectors`: a row a position.
    """

    relations: list[Relation]
    refs: list[ColumnRef]
    numbers: dict[int, int]
    positions: dict[Key, int]
    owners: Any
    places: Any
    filled: Any
    keys: Any
    names: Any
    dates: Any
    measures: Any
    joins: Any
    views: Any
    vectors: list[Any]

    def cosines(self, question: str) -> Any:
        """Return the cosine of the question with every position; None without words."""
        import numpy

        from pg_llm.models import static

        asked = static.embed([question])[0]
        if asked is None:
            return None
        if not self.vectors:
            self.vectors.append(_vectors(self.relations))
        return self.vectors[0] @ numpy.asarray(asked, dtype=numpy.float32)


class Positions(dict["Key", int]):
    """The position of each column and relation; that of its relation for a word of the glossary.

    A metric is a column to the grammar, and none that the relation has.
    """

    def __missing__(self, key: Key) -> int:
        return self[key[0], ""]


def layout_of(schema: SchemaIndex) -> Layout:
    """Return the schema's layout, made on first use."""
    found = schema.snapshot.derived.get("text2sql layout")
    if not isinstance(found, Layout):
        found = schema.snapshot.derived["text2sql layout"] = _made(schema)
    return found


def _made(schema: SchemaIndex) -> Layout:
    from pg_llm.library import isolated

    with isolated():
        import numpy

    relations = schema.relations
    refs = [ColumnRef(relation, column) for relation in relations for column in relation.columns]
    positions = Positions(
        {(ref.relation.oid, ref.column.name): n for n, ref in enumerate(refs)}
        | {(relation.oid, ""): len(refs) + n for n, relation in enumerate(relations)}
    )
    widest = max([3, *(len(relation.columns) for relation in relations)])
    places = numpy.full((len(relations), widest), -1)
    for n, relation in enumerate(relations):
        for place, column in enumerate(relation.columns):
            places[n, place] = positions[relation.oid, column.name]
    numbers = {relation.oid: n for n, relation in enumerate(relations)}
    named = {
        relation.oid: {ref.column.name for ref in schema.display(relation)}
        for relation in relations
    }
    return Layout(
        relations,
        refs,
        numbers,
        positions,
        numpy.array([numbers[ref.relation.oid] for ref in refs]),
        places,
        places >= 0,
        numpy.array([float(ref.column.name in keys) for ref, keys in _with_keys(refs, schema)]),
        _flags(ref.column.name in named[ref.relation.oid] for ref in refs),
        _flags(ref.column.category == "D" for ref in refs),
        _flags(
            ref.column.category == "N" and ref.column.name not in keys
            for ref, keys in _with_keys(refs, schema)
        ),
        _joined(relations, numbers, schema),
        numpy.array([_VIEW if relation.kind in "vm" else 1.0 for relation in relations]),
        [],
    )


def _flags(values: Iterable[bool]) -> Any:
    import numpy

    return numpy.array([float(value) for value in values])


def _joined(relations: list[Relation], numbers: dict[int, int], schema: SchemaIndex) -> Any:
    """Return the numbers of relations that a join leads from and to, views apart."""
    import numpy

    pairs = {
        (numbers[step.source], numbers[step.target])
        for relation in relations
        for step in schema.joins.steps(relation.oid)
        if step.source != step.target and step.cost < _NEAR and step.target in numbers
    }
    return numpy.array(sorted(pairs), dtype=int).reshape(-1, 2).T


def _with_keys(
    refs: list[ColumnRef], schema: SchemaIndex
) -> list[tuple[ColumnRef, frozenset[str]]]:
    """Return each column with the key columns of its relation, foreign ones too."""
    keys = {
        relation.oid: frozenset(schema.key(relation)).union(
            *(step.source_columns for step in schema.joins.steps(relation.oid) if step.to_one)
        )
        for relation in schema.relations
    }
    return [(ref, keys[ref.relation.oid]) for ref in refs]


def _vectors(relations: list[Relation]) -> Any:
    """Return the vectors of all columns, then of all relations."""
    import numpy

    if len(_blocks) > _KEPT_BLOCKS + len(relations):
        _blocks.clear()
    blocks = [_block(relation) for relation in relations]
    if not blocks:
        return numpy.zeros((0, 256), dtype=numpy.float32)
    return numpy.concatenate([*(block[1:] for block in blocks), *(block[:1] for block in blocks)])


def _block(relation: Relation) -> Any:
    """Return the vectors of a relation and its columns; kept as long as they are so called."""
    import numpy

    from pg_llm.models import static

    table = " ".join(split_identifier(relation.name))
    texts = [f"{table} {relation.comment or ''}"]
    for column in relation.columns:
        words = " ".join(split_identifier(column.name))
        texts.append(f"{words} {table} {column.comment or ''}")
    key = tuple(texts)
    found = _blocks.get(key)
    if found is None:
        vectors = [vector or [0.0] * static.DIMENSIONS for vector in static.embed(texts)]
        found = _blocks[key] = numpy.asarray(vectors, dtype=numpy.float32)
    return found
