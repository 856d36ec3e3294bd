"""The glossary: business words and metrics with the SQL that they mean.

A word with SQL becomes a column that the relation does not have: linking, the
grammar and the prompt treat it as one, and where it is rendered its expression
stands. A metric is such a column that is computed over many rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.catalog import Column
from pg_llm.errors import DatabaseError, InvalidParameter
from pg_llm.text2sql import guard, sharing
from pg_llm.text2sql.composition.render import ROW
from pg_llm.text2sql.index import (
    COMPUTED,
    METRIC,
    ColumnRef,
    Match,
    Term,
    ValueMatch,
    fold,
)
from pg_llm.text2sql.words import is_chinese, split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.catalog import Relation
    from pg_llm.database import Database, Row
    from pg_llm.text2sql.index import SchemaIndex

_LONGEST = 100

_READ = """
select t.id, t.term, t.synonyms, t.definition, t.kind,
    t.relation::pg_catalog.oid::pg_catalog.int8 as oid,
    t.relation::pg_catalog.text as relation, t.sql, t.expression, t.category
from llm.terms t
where (t.author operator(pg_catalog.=) current_user::pg_catalog.regrole or t.shared)
  and (t.relation is null or llm.readable(array[t.relation]))
order by t.author operator(pg_catalog.=) current_user::pg_catalog.regrole, t.id
limit 2000
"""
_INSERT = """
insert into llm.terms as t
    (term, definition, kind, relation, sql, expression, category, synonyms, shared)
values ($1, $2, $3, $4::pg_catalog.regclass, $5, $6, $7, $8, $9)
on conflict (author, term) do update set
    definition = excluded.definition,
    kind = excluded.kind,
    relation = excluded.relation,
    sql = excluded.sql,
    expression = excluded.expression,
    category = excluded.category,
    synonyms = excluded.synonyms,
    shared = excluded.shared
returning t.id
"""
_TYPES = (*("text",) * 7, "text[]", "bool")
_CATEGORY = """
select t.typcategory::pg_catalog.text as category
from pg_catalog.pg_type t
where t.oid operator(pg_catalog.=) $1::pg_catalog.regtype
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A word of the glossary: its names, what it means, and its SQL if it has any."""

    names: tuple[str, ...]
    definition: str
    relation: str | None
    sql: str | None


@dataclass(slots=True)
class Glossary:
    """The entries that a role may use, as they were put into its index."""

    version: str
    entries: list[Entry]
    terms: list[Term]
    labels: list[tuple[str, Match]]
    values: list[tuple[str, ValueMatch]]


# ---- using it ----------------------------------------------------------------


def apply(database: Database, schema: SchemaIndex) -> None:
    """Bring the role's glossary into its index, if it has changed since."""
    version = str(database.execute("select llm.learned_version() as version")[0]["version"])
    before = schema.glossary
    if isinstance(before, Glossary):
        if before.version == version:
            return
        _withdraw(schema, before)
    glossary = Glossary(version, [], [], [], [])
    for row in database.execute(_READ):
        _enter(schema, glossary, row)
    for term in glossary.terms:
        for word, _ in term.words:
            schema.by_word.setdefault(word, []).append(term)
    for text, value in glossary.values:
        schema.values.setdefault(text, []).append(value)
    schema.labels += glossary.labels
    schema.glossary = glossary
    schema.forget()


def mentioned(question: str, schema: SchemaIndex) -> list[Entry]:
    """Return the entries that a question names, for a prompt."""
    if not isinstance(schema.glossary, Glossary):
        return []
    said = {stem(word) for word in re.findall(r"\w+", question.lower())}
    folded = question.casefold()
    return [
        entry
        for entry in schema.glossary.entries
        if any(
            name.casefold() in folded
            if is_chinese(name)
            else {stem(word) for word in split_identifier(name)} <= said
            for name in entry.names
        )
    ]


def _withdraw(schema: SchemaIndex, glossary: Glossary) -> None:
    for term in glossary.terms:
        for word, _ in term.words:
            schema.by_word[word] = [one for one in schema.by_word[word] if one is not term]
            if not schema.by_word[word]:
                del schema.by_word[word]
    for text, value in glossary.values:
        schema.values[text] = [one for one in schema.values[text] if one is not value]
        if not schema.values[text]:
            del schema.values[text]
    schema.labels = [one for one in schema.labels if not any(one is it for it in glossary.labels)]
    schema.expressions.clear()


def _enter(schema: SchemaIndex, glossary: Glossary, row: Row) -> None:
    names = (row["term"], *row["synonyms"])
    glossary.entries.append(Entry(names, row["definition"], row["relation"], row["sql"]))
    relation = schema.snapshot.by_oid.get(row["oid"]) if row["oid"] else None
    if relation is None:
        return
    column = _column(schema, relation, row)
    for name in names:
        if column is not None and column.category == "B" and column.number == COMPUTED:
            text = _without(name, relation, schema)
            value = ValueMatch(ColumnRef(relation, column), "true", 1.0)
            glossary.values.append((fold(text), value))
        elif is_chinese(name):
            glossary.labels.append((name, Match(relation, column, 1.0)))
        else:
            words = tuple((stem(word), 1.0) for word in split_identifier(name))
            if words:
                glossary.terms.append(Term(relation, column, words, 1.05))


def _column(schema: SchemaIndex, relation: Relation, row: Row) -> Column | None:
    """Return the column that an entry names, or the one that it is; None for the relation."""
    if row["expression"] is None:
        return None
    plain = re.fullmatch(rf"{re.escape(ROW)}(\w+)", row["expression"])
    known = relation.column(plain[1]) if plain else None
    if known is not None:
        return known
    schema.expressions[relation.oid, row["term"]] = row["expression"]
    number = METRIC if row["kind"] == "metric" else COMPUTED
    return Column(row["term"], number, "", row["category"] or "N", not_null=False)


def _without(name: str, relation: Relation, schema: SchemaIndex) -> str:
    """Return an adjective without the noun that the relation's name is (large orders: large)."""
    if is_chinese(name):
        for label, match in schema.labels:
            own = match.relation.oid == relation.oid and match.column is None
            if own and name.endswith(label) and name != label:
                return name.removesuffix(label)
        return name
    words = name.split()
    for size in range(min(3, len(words) - 1), 0, -1):
        noun = schema.find([word.lower() for word in words[-size:]])
        if any(
            m.column is None and m.relation.oid == relation.oid and m.score >= 0.75 for m in noun
        ):
            return " ".join(words[:-size])
    return name


# ---- writing it --------------------------------------------------------------


def add(
    database: Database,
    kind: str,
    term: str,
    definition: str,
    relation: str | None,
    sql: str | None,
    synonyms: Sequence[str],
    *,
    shared: bool = False,
) -> int:
    """Keep a word or a metric; return its number.

    Raises `InvalidParameter` for a word without letters or too long, for SQL
    without a relation or that holds a query of its own, and for a metric that
    does not aggregate; `InsufficientPrivilege` where a role that is no
    administrator shares; and what the guard and the server say about the SQL.
    """
    names = [" ".join(name.split()) for name in (term, *synonyms)]
    for name in names:
        if not re.search(r"\w", name) or len(name) > _LONGEST:
            raise InvalidParameter(f"a term has 1 to {_LONGEST} characters, at least one letter")
    if sql is not None and relation is None:
        raise InvalidParameter(
            "the term has SQL and no relation", hint="Say over which relation it is computed."
        )
    if shared:
        sharing.check(database, "a term", "Add")
    expression = category = None
    if sql is not None and relation is not None:
        expression = _qualified(sql)
        category = _checked(database, expression, relation, metric=kind == "metric")
    row = database.execute(
        _INSERT,
        [names[0], definition, kind, relation, sql, expression, category, names[1:], shared],
        list(_TYPES),
    )[0]
    return int(row["id"])


def _qualified(sql: str) -> str:
    """Return an expression with its columns qualified by the placeholder of the row."""
    from pg_llm.text2sql.repair.tree import UNREADABLE, exp, trees

    try:
        (tree,) = trees(f"select {sql}")
    except UNREADABLE as error:
        raise InvalidParameter(
            f"the SQL of the term is not an expression: {str(error)[:200]}"
        ) from None
    if (
        not isinstance(tree, exp.Select)
        or set(_given(tree)) - {"expressions"}
        or len(tree.expressions) != 1
    ):
        raise InvalidParameter(
            "the SQL of the term must be one expression over the relation's columns"
        )
    if list(tree.find_all(exp.Query))[1:]:
        raise InvalidParameter(
            "the SQL of the term holds a query of its own",
            hint="Make a view of it, and add the term over the view.",
        )
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier(ROW.rstrip(".")))
        column.set("db", None)
        column.set("catalog", None)
    one = tree.expressions[0]
    text: str = (one.this if isinstance(one, exp.Alias) else one).sql(dialect="postgres")
    simple = isinstance(one, exp.Column | exp.AggFunc)
    return text if simple else f"({text})"


def _given(tree: object) -> Iterator[str]:
    args: dict[str, object] = getattr(tree, "args", {})
    for name, value in args.items():
        if value:
            yield name


def _checked(database: Database, expression: str, relation: str, *, metric: bool) -> str:
    """Have the guard look at an expression over a relation; return its type's category."""
    alias = ROW.rstrip(".")
    guard.check(database, f"select {expression} from {relation} as {alias}")
    if metric:
        try:
            guard.check(database, f"select {expression} from {relation} as {alias} having true")
        except DatabaseError as error:
            if error.sqlstate == "42803":
                raise InvalidParameter(
                    "the SQL of the metric does not aggregate: " + error.message,
                    hint="A value of each row is a term: llm_term_add.",
                ) from None
            raise
    typed = (
        "select pg_catalog.pg_typeof("
        f"(select {expression} from {relation} as {alias} where false))::pg_catalog.text as type"
    )
    row = database.execute(
        "select r operator(pg_catalog.->>) 'type' as type from llm.run_read_only($1, 1) r", [typed]
    )[0]
    return str(database.execute(_CATEGORY, [row["type"]], ["text"])[0]["category"])
