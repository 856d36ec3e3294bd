"""A SELECT statement under construction, and how it is written down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.words import split_identifier, word_set

if TYPE_CHECKING:
    from collections.abc import Collection

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import ColumnRef, SchemaIndex
    from pg_llm.text2sql.joins.graph import Step

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*$")
# Reserved words of PostgreSQL (category "reserved" of pg_get_keywords, and
# those that cannot be a column's or a table's name).
_RESERVED = word_set(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
    boolean both case cast char character check coalesce collate collation column concurrently
    constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user dec decimal default deferrable desc distinct do
    else end except exists extract false fetch float for foreign freeze from full grant greatest
    group grouping having ilike in initially inner inout int integer intersect interval into is
    isnull join lateral leading least left like limit localtime localtimestamp national natural
    nchar none normalize not notnull null nullif numeric offset on only or order out outer
    overlaps overlay placing position precision primary real references returning right row
    select session_user setof similar smallint some substring symmetric system_user table
    tablesample then time timestamp to trailing treat trim true union unique user using values
    varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists
    xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """
)


# What stands for a relation's alias in an expression of the glossary.
ROW = "__row."


def quote(name: str) -> str:
    """Return an identifier as SQL, quoted where PostgreSQL would quote it."""
    if _PLAIN.match(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a number or text as an SQL literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("'", "''")
    return f" E'{text}'".replace("\\", "\\\\").strip() if "\\" in text else f"'{text}'"


class Query:
    """The parts of one SELECT; joins grow along the join graph."""

    def __init__(
        self,
        schema: SchemaIndex,
        root: Relation,
        hints: Collection[str],
        aliases: set[str] | None = None,
    ) -> None:
        self.schema = schema
        self.root = root
        self.hints = hints
        self.select: list[tuple[str, str]] = []
        self.distinct = False
        self.where: list[str] = []
        self.group: list[str] = []
        self.having: list[str] = []
        self.order: list[str] = []
        self.limit: int | None = None
        self.wrap = ""
        self.wrap_name = ""
        self.warnings: list[str] = []
        self.tables: list[str] = []
        self.joins: list[str] = []
        self._taken = aliases if aliases is not None else set()
        self._aliases: dict[int, str] = {}
        self._steps: list[Step] = []
        self._inner: list[tuple[Query, str, int]] = []
        self._enter(root.oid)

    # ---- joins -----------------------------------------------------------------

    def has(self, relation: Relation) -> bool:
        """Whether the relation is part of this level's FROM."""
        return relation.oid in self._aliases

    def path(self, relation: Relation) -> list[Step]:
        """Return the joins from here to a relation; raises `Declined`."""
        found = self.schema.joins.path(list(self._aliases), relation.oid, self.hints)
        if found is None:
            raise Declined(
                f"no join was found between {self.root.sql_name} and {relation.sql_name}"
            )
        steps, ambiguous = found
        if ambiguous:
            self.warnings.append(
                f"{relation.sql_name} can be joined in more than one way; one was taken"
            )
        return steps

    def join(self, relation: Relation) -> None:
        """Bring a relation into FROM."""
        if not self.has(relation):
            self.add(self.path(relation))

    def add(self, steps: list[Step]) -> None:
        """Bring the relations of a path into FROM."""
        for step in steps:
            if step.target not in self._aliases:
                self._enter(step.target)
                self._steps.append(step)
                self._note(step)

    def exists(self, path: list[Step], *, negated: bool = False) -> Query:
        """Add an EXISTS over a path, and return its inner query."""
        start = next(
            position
            for position in range(len(path))
            if not path[position].to_one or negated or position == len(path) - 1
        )
        if not negated:
            self.add(path[:start])
        else:
            start = 0
        first = path[start]
        inner = Query(
            self.schema, self.schema.snapshot.by_oid[first.target], self.hints, self._taken
        )
        inner.tables, inner.joins, inner.warnings = self.tables, self.joins, self.warnings
        inner._enter(first.target)
        self._note(first)
        inner.where.append(_on(self._alias(first.source), inner._alias(first.target), first))
        inner.add(path[start + 1 :])
        self._inner.append((inner, "not exists" if negated else "exists", len(self.where)))
        return inner

    def beside(self, relation: Relation) -> Query:
        """Return a query over a relation that shares aliases and evidence with this one."""
        other = Query(self.schema, relation, self.hints, self._taken)
        other.tables, other.joins, other.warnings = self.tables, self.joins, self.warnings
        return other

    def multiplied(self, relation: Relation) -> bool:
        """Whether rows of a relation may appear more than once in FROM."""
        return self._multiplies(relation.oid)

    def multiplied_but_for(self, relation: Relation, linking: Relation) -> bool:
        """Whether they repeat even when each meets one row of a linking relation."""
        return self._multiplies(relation.oid, linking.oid)

    def multiplied_beyond(self, relation: Relation) -> bool:
        """Whether rows repeat even when only the path to the root is looked at."""
        return self._multiplies(relation.oid)

    def fans_out(self) -> bool:
        """Whether rows of the root may appear more than once in FROM."""
        return self._multiplies(self.root.oid)

    def _multiplies(self, oid: int, linking: int | None = None) -> bool:
        reached = {oid}
        grown = True
        while grown:
            grown = False
            for step in self._steps:
                for source, target, one in (
                    (step.source, step.target, step.to_one),
                    (step.target, step.source, self._back_to_one(step)),
                ):
                    if source in reached and target not in reached:
                        if not one and target != linking:
                            return True
                        reached.add(target)
                        grown = True
        return False

    def _back_to_one(self, step: Step) -> bool:
        return any(
            back.target == step.source
            and back.source_columns == step.target_columns
            and back.target_columns == step.source_columns
            and back.to_one
            for back in self.schema.joins.steps(step.target)
        )

    def _enter(self, oid: int) -> None:
        relation = self.schema.snapshot.by_oid[oid]
        if oid not in self._aliases:
            self._aliases[oid] = self._new_alias(relation.name)
        self.tables.append(relation.sql_name)

    def _new_alias(self, name: str) -> str:
        words = [word for word in split_identifier(name) if word.isascii()] or ["t"]
        base = "".join(word[0] for word in words)[:4]
        alias, number = base, 1
        while alias in self._taken or alias in _RESERVED or not alias[0].isalpha():
            number += 1
            alias = f"{base}{number}" if base[0].isalpha() else f"t{number}"
        self._taken.add(alias)
        return alias

    def _note(self, step: Step) -> None:
        source = self.schema.snapshot.by_oid[step.source].sql_name
        target = self.schema.snapshot.by_oid[step.target].sql_name
        pairs = zip(step.source_columns, step.target_columns, strict=True)
        self.joins.append(
            " and ".join(f"{source}.{quote(a)} = {target}.{quote(b)}" for a, b in pairs)
        )
        if not step.declared:
            verb = "was" if step.why.startswith("seen") else "is"
            self.warnings.append(f"the join of {source} and {target} {verb} {step.why}")

    # ---- text -------------------------------------------------------------------

    def _alias(self, oid: int) -> str:
        return self._aliases[oid]

    def column(self, ref: ColumnRef) -> str:
        """Return a column's qualified name."""
        return self.column_name(ref.relation.oid, ref.column.name)

    def column_name(self, oid: int, name: str) -> str:
        """Return the qualified name of a column of a relation in FROM."""
        if oid not in self._aliases:
            self.join(self.schema.snapshot.by_oid[oid])
        expression = self.schema.expressions.get((oid, name))
        if expression is not None:
            return expression.replace(ROW, f"{self._aliases[oid]}.")
        return f"{self._aliases[oid]}.{quote(name)}"

    def sql(self) -> str:
        """Return the statement's text."""
        lines = [self._select_line(), *self._from_lines()]
        where = self._predicates()
        if where:
            lines.append("where " + "\n  and ".join(where))
        if self.group:
            lines.append("group by " + ", ".join(self.group))
        if self.having:
            lines.append("having " + "\n  and ".join(self.having))
        if self.order:
            lines.append("order by " + ", ".join(dict.fromkeys(self.order)))
        if self.limit:
            lines.append(f"limit {self.limit}")
        text = "\n".join(lines)
        if self.wrap:
            return self.wrap.format(name=quote(self.wrap_name), query=_indent(text))
        return text

    def covers(self, other: Query) -> bool:
        """Whether it joins the same relations and perhaps more, each to one row."""
        size = len(other._steps)
        return self._steps[:size] == other._steps and all(s.to_one for s in self._steps[size:])

    def predicates(self) -> list[str]:
        """Return the conditions of WHERE as texts."""
        return self._predicates()

    def keep(self, conditions: list[str]) -> None:
        """Leave these conditions only in WHERE."""
        self.where, self._inner = list(conditions), []

    def forms(self) -> list[str]:
        """Return the constructions in use: a join each, and ways of existence."""
        found = ["join"] * len(self._steps)
        for inner, word, _ in self._inner:
            found += [word, *inner.forms()]
        return found

    def _predicates(self) -> list[str]:
        where = list(dict.fromkeys(self.where))
        return [*where, *(self._exists_text(inner, word) for inner, word, _ in self._inner)]

    def _exists_text(self, inner: Query, word: str) -> str:
        lines = ["select 1", *inner._from_lines()]
        where = inner._predicates()
        lines.append("where " + "\n  and ".join(where))
        return f"{word} (\n{_indent(chr(10).join(lines), 6)}\n  )"

    def names(self) -> list[str]:
        """Return the names of the output columns, each only once."""
        names: list[str] = []
        for sql, name in self.select:
            wanted = name or _own_name(sql)
            unique, number = wanted, 1
            while unique in names:
                number += 1
                unique = f"{wanted}_{number}"
            names.append(unique)
        return names

    def _select_line(self) -> str:
        parts = [
            sql if unique == _own_name(sql) and not name else f"{sql} as {quote(unique)}"
            for (sql, name), unique in zip(self.select, self.names(), strict=True)
        ]
        head = "select distinct " if self.distinct else "select "
        return head + ", ".join(parts)

    def _from_lines(self) -> list[str]:
        lines = [f"from {self.root.sql_name} as {self._alias(self.root.oid)}"]
        for step in self._steps:
            target = self.schema.snapshot.by_oid[step.target]
            condition = _on(self._alias(step.source), self._alias(step.target), step)
            lines.append(f"join {target.sql_name} as {self._alias(step.target)} on {condition}")
        return lines


def _own_name(sql: str) -> str:
    """Return the name of a qualified column."""
    return sql.rsplit(".", 1)[-1].strip('"')


def _on(source: str, target: str, step: Step) -> str:
    pairs = zip(step.source_columns, step.target_columns, strict=True)
    return " and ".join(f"{target}.{quote(b)} = {source}.{quote(a)}" for a, b in pairs)


def _indent(text: str, width: int = 2) -> str:
    return "\n".join(" " * width + line for line in text.splitlines())
