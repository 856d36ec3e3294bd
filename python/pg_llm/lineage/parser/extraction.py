"""From the text of one statement to edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.library import isolated
from pg_llm.lineage.edges import SCAN, UNRESOLVED, WRITE, Edge
from pg_llm.lineage.parser.catalog import Catalog
from pg_llm.lineage.parser.dialects import dialect_of
from pg_llm.lineage.parser.flows import DOUBTED, Source, ways
from pg_llm.lineage.parser.routines import Routines

with isolated():
    from pg_llm.lineage.parser.fallback import table_edges
    from pg_llm.lineage.parser.reading import Unreadable, split, trees_of
    from pg_llm.lineage.parser.relations import STAR
    from pg_llm.lineage.parser.statements import Statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlglot import exp

    from pg_llm.lineage.parser.dialects import Dialect
    from pg_llm.lineage.parser.routines import Routine
    from pg_llm.lineage.parser.writing import Written


# Measured: of the edges that this resolver is sure of, at most one in a
# thousand is wrong; of the others more.
SURE, LIKELY, UNSURE, GUESSED = 0.97, 0.85, 0.7, 0.4


def extract(
    sql: str,
    dialect: str,
    schema: Mapping[str, Sequence[str]],
    search_path: Sequence[str] | None,
    *,
    statement: int,
    routines: Sequence[Routine],
) -> list[Edge]:
    """See the package."""
    chosen = dialect_of(dialect)
    catalog = Catalog(schema, search_path, chosen.key)
    return _statement(sql, chosen, catalog, statement, Routines(routines, search_path))


def script(
    sql: str,
    dialect: str,
    schema: Mapping[str, Sequence[str]],
    search_path: Sequence[str] | None,
    check: Callable[[], object] | None,
    routines: Sequence[Routine],
) -> list[Edge]:
    """See the package."""
    chosen = dialect_of(dialect)
    catalog = Catalog(schema, search_path, chosen.key)
    known = Routines(routines, search_path)
    edges: list[Edge] = []
    for number, text in enumerate(split(sql, chosen), 1):
        if check is not None:
            check()
        edges += _statement(text, chosen, catalog, number, known)
    return edges


def _statement(
    sql: str, dialect: Dialect, catalog: Catalog, number: int, routines: Routines
) -> list[Edge]:
    """Return the edges of one statement; what it creates enters the catalog."""
    edges: list[Edge] = []
    try:
        trees, extras = trees_of(sql, dialect)
        for tree in trees:
            statements = Statements(dialect, catalog, sql, extras, routines)
            written = statements.resolve(tree)
            edges += _edges(written, statements, number)
            _create(written, catalog)
    except Unreadable as reason:
        return table_edges(sql, dialect, catalog, number, str(reason))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # A tree of a shape that we have not met; nothing here calls the server.
        note = f"not resolved: {type(error).__name__}"
        return table_edges(sql, dialect, catalog, number, note)
    except RecursionError:
        note = "nested too deeply to be resolved"
        return table_edges(sql, dialect, catalog, number, note)
    return edges


def _create(written: Sequence[Written], catalog: Catalog) -> None:
    """Let later statements see the relations that this one makes."""
    for part in written:
        names = [name for name, _ in part.columns]
        if part.created and part.target is not None and STAR not in names:
            catalog.add(part.target, names)


def _edges(written: Sequence[Written], statements: Statements, number: int) -> Iterator[Edge]:
    confidence = UNSURE if statements.doubts else SURE
    for part in written:
        yield from _rows(part, statements, confidence, number)
    for edge in _scanned(written, confidence, number):
        yield _marked(edge, statements)


def _marked(edge: Edge, statements: Statements) -> Edge:
    """Return an edge between relations with a note on what is not resolved."""
    for relation in (edge.source_relation, edge.target_relation):
        why = statements.unresolved.get(relation) if relation is not None else None
        if why is not None:
            return edge._replace(confidence=GUESSED, note=f"{edge.note}; {relation}: {why}")
    return edge


def _scanned(written: Sequence[Written], confidence: float, number: int) -> Iterator[Edge]:
    """Yield what no column tells: relations only scanned, or written as a whole."""
    named: set[tuple[str | None, str | None]] = set()
    scanned: dict[tuple[str | None, str], None] = {}
    spoken: set[str | None] = set()
    for part in written:
        if part.columns:
            spoken.add(part.target)
        for flow in (part.rows, *(flow for _, flow in part.columns)):
            for relation, column in flow:
                if column is not None:
                    named.add((part.target, relation))
                    spoken.add(part.target)
                elif relation is not None:
                    scanned[part.target, relation] = None
    for target, relation in scanned:
        if (target, relation) not in named:
            spoken.add(target)
            yield _bare(number, target, relation, confidence, SCAN)
    for target in dict.fromkeys(part.target for part in written):
        if target is not None and target not in spoken:
            yield _bare(number, target, None, confidence, WRITE)


def _bare(
    number: int, target: str | None, source: str | None, confidence: float, note: str
) -> Edge:
    return Edge(
        number,
        target,
        None,
        source,
        None,
        None,
        None,
        resolver="parser",
        confidence=confidence,
        note=note,
    )


def _rows(
    written: Written, statements: Statements, confidence: float, number: int
) -> Iterator[Edge]:
    # What was put into other words is not the text of the statement any more.
    nodes = written.nodes if statements.extras is None else ()
    count = len(nodes)
    for position, (name, flow) in enumerate(written.columns, 1):
        node = nodes[position - 1] if position <= count else None
        text = _text(node, statements) if node is not None else None
        like = Edge(
            number,
            written.target,
            name,
            None,
            None,
            None,
            None,
            text,
            "parser",
            confidence,
            position,
        )
        if not any(column for _, column in flow):
            yield like
        for source, mask in flow.items():
            yield from _edge(like, source, mask, statements)
    like = Edge(
        number,
        written.target,
        None,
        None,
        None,
        None,
        None,
        None,
        "parser",
        confidence,
    )
    for source, mask in written.rows.items():
        yield from _edge(like, source, mask, statements)


def _text(node: exp.Expr, statements: Statements) -> str | None:
    """Return an expression as sqlglot writes it, None if it is too deep for that."""
    try:
        return node.sql(dialect=statements.dialect.sqlglot, comments=False)
    except RecursionError:
        return None


def _edge(like: Edge, source: Source, mask: int, statements: Statements) -> Iterator[Edge]:
    relation, column = source
    if column is None:
        return
    note = UNRESOLVED if relation is None else statements.unresolved.get(relation)
    confidence = like.confidence
    if note is not None:
        confidence = GUESSED
    elif mask & DOUBTED:
        confidence = min(confidence, LIKELY)
    for way in ways(mask):
        yield like._replace(
            source_relation=relation,
            source_column=column,
            influence=way.influence,
            transformation=way,
            confidence=confidence,
            note=note,
        )
