"""Cut a text into PostgreSQL statements and find the query in each.

This is never what keeps a text from running anything: the analyser does not
execute what it is given, and lets the server itself confirm that
(`pg_llm.lineage.server`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pg_llm.lineage.tokens import Reader, Unclear, fold, quote, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a text and the query that it carries.

    `number` counts from 1. `text` is the statement alone and `offset` its
    place in the whole text. `verb` names what it does: `query`, `insert`,
    `update`, `delete`, `merge`, `create` (a relation from a query), `create
    table` (from column definitions), `refresh`,
    `copy from`, `copy to`, `execute`, `rename`, `rename column`, `set schema`,
    `attach`, `detach`, `add generated`, or `utility` where there is no query.
    `query` is the text for the server's analyser, whose character i is
    character `origin + i` of the whole text.
    `target`: the relation that is created, refreshed or copied, by its parts;
    `temporary`: it goes to pg_temp; `columns`: the names given to it (the new
    name where it is renamed, the partition where one is attached); `prepared`:
    the prepared statement that is executed. `kind`: of a relation that is
    created, table, view or materialized view; `if_missing`: one that is there
    stays.
    """

    number: int
    text: str
    offset: int
    verb: str
    query: str | None = None
    origin: int = 0
    target: tuple[str, ...] = ()
    temporary: bool = False
    columns: tuple[str, ...] = ()
    prepared: str = ""
    kind: str = ""
    if_missing: bool = False


def split(text: str, *, standard_strings: bool = True) -> list[Statement]:
    """Cut a text at its semicolons and classify each statement."""
    if ";" not in text.rstrip().rstrip(";"):
        pieces = [(0, len(text.rstrip().rstrip(";")))]
    else:
        pieces = list(_pieces(text, standard_strings))
    found: list[Statement] = []
    for start, end in pieces:
        statement = _classify(text[start:end], start, standard_strings)
        if statement is not None:
            found.append(replace(statement, number=len(found) + 1))
    return found


_ROUTINES: Final = frozenset({"function", "procedure"})


def _pieces(text: str, standard_strings: bool) -> Iterator[tuple[int, int]]:
    """Yield the spans between top-level semicolons; BEGIN ATOMIC … END is one."""
    start = depth = blocks = 0
    words: list[str] = []
    for token in tokens(text, standard_strings=standard_strings):
        if token.kind == "(":
            depth += 1
        elif token.kind == ")":
            depth = max(0, depth - 1)
        elif token.kind == ";":
            if not depth and not blocks:
                yield start, token.start
                start, words = token.end, []
        elif token.kind == "word":
            if len(words) < 4:
                words.append(token.word)
            if words[0] == "create" and not _ROUTINES.isdisjoint(words):
                if token.word == "begin" or (token.word == "case" and blocks):
                    blocks += 1
                elif token.word == "end" and blocks:
                    blocks -= 1
    yield start, len(text)


_FIRST: Final = re.compile(r"(?:\s|--[^\n\r]*(?:[\n\r]|\Z))*(?:(\w+)|(\())")
_INTO: Final = re.compile(r"\binto\b", re.IGNORECASE)
_DIRECT: Final = {"insert": "insert", "update": "update", "delete": "delete", "merge": "merge"}
_QUERIES: Final = frozenset({"select", "with", "values", "table", "("})


def _classify(text: str, offset: int, standard_strings: bool) -> Statement | None:
    first = _FIRST.match(text)
    word = fold(first[1] or "(") if first is not None else ""
    if word in _DIRECT:
        return Statement(0, text, offset, _DIRECT[word], text, offset)
    if word in _QUERIES and ("into" not in text.lower() or _INTO.search(text) is None):
        return Statement(0, text, offset, "query", text, offset)
    reader = _Statements(text, offset, list(tokens(text, standard_strings=standard_strings)))
    if not reader.tokens:
        return None
    return reader.statement()


class _Statements(Reader):
    """Reads a statement's head token by token."""

    def statement(self) -> Statement:
        word = "(" if self.kind() == "(" else self.word()
        handler = _HANDLERS.get(word)
        before = self.at
        if handler is not None:
            try:
                return handler(self)
            except Unclear:
                self.at = before
        return Statement(0, self.text, self.offset, "utility")

    def rest(self, verb: str, **more: object) -> Statement:
        """Return a statement whose query is what is left of the text."""
        if self.at >= len(self.tokens):
            raise Unclear
        start = self.tokens[self.at].start
        return Statement(
            0,
            self.text,
            self.offset,
            verb,
            self.text[start : self.end],
            self.offset + start,
            **more,  # type: ignore[arg-type]
        )

    def cut_tail(self, *tails: tuple[str, ...]) -> None:
        """Leave out a clause that may end the statement."""
        for tail in tails:
            last = self.tokens[-len(tail) :]
            if [t.word for t in last] == list(tail):
                self.end = last[0].start
                del self.tokens[-len(tail) :]
                return

    def query(self) -> Statement:
        """SELECT, WITH, VALUES, TABLE, or a SELECT INTO, whose INTO is blanked out."""
        begin = self.at
        if self.word() == "with":
            verb = self.until("select", "insert", "update", "delete", "merge", "values", "table")
        else:
            verb = self.word()
        self.at = begin
        if verb in _DIRECT:
            return self.rest(verb)
        plain = self.rest("query")
        try:
            self.until("into")
        except Unclear:
            return plain
        into = self.tokens[self.at - 1]
        temporary = self.temporary()
        self.skip("table")
        target = self.names()
        start, end = into.start, self.tokens[self.at - 1].end
        origin = self.tokens[begin].start
        blanked = self.text[origin:start] + " " * (end - start) + self.text[end : self.end]
        return Statement(
            0,
            self.text,
            self.offset,
            "create",
            blanked,
            self.offset + origin,
            target,
            temporary,
            kind="table",
        )

    def temporary(self) -> bool:
        self.skip_any("local", "global")
        temporary = self.skip_any("temporary", "temp")
        self.skip_any("unlogged")
        return temporary

    def create(self) -> Statement:
        self.need("create")
        self.skip("or", "replace")
        temporary = self.temporary()
        recursive = self.skip("recursive")
        kind = self.relation_kind()
        if_missing = self.skip("if", "not", "exists")
        target = self.names()
        more: dict[str, object] = {
            "target": target,
            "temporary": temporary,
            "kind": kind,
            "if_missing": if_missing,
        }
        begin = self.at
        try:
            columns = self.columns()
            self.until("as")
        except Unclear:
            self.at = begin
            if kind != "table" or self.kind() != "(":
                raise
            return Statement(0, self.text, self.offset, "create table", **more)  # type: ignore[arg-type]
        if self.word() == "execute":
            return replace(self.execute(), target=target, temporary=temporary, columns=columns)
        body = self.rest("create", columns=columns, **more)
        return _recursive_view(body) if recursive else body

    def relation_kind(self) -> str:
        """Pass the kind of the relation that is created; cut what may end the statement."""
        if self.skip("view"):
            self.cut_tail(
                ("with", "check", "option"),
                ("with", "local", "check", "option"),
                ("with", "cascaded", "check", "option"),
            )
            return "view"
        self.cut_tail(("with", "data"), ("with", "no", "data"))
        if self.skip("materialized", "view"):
            return "materialized view"
        self.skip("foreign")
        self.need("table")
        return "table"

    def refresh(self) -> Statement:
        self.need("refresh", "materialized", "view")
        self.skip("concurrently")
        return Statement(0, self.text, self.offset, "refresh", target=self.names())

    def copy(self) -> Statement:
        self.need("copy")
        if self.kind() == "(":
            start, end = self.parentheses()
            inner = _classify(self.text[start:end], self.offset + start, True)
            if inner is None or inner.query is None:
                raise Unclear
            return replace(inner, text=self.text, offset=self.offset)
        self.skip("binary")
        target = self.names()
        columns = self.columns()
        verb = self.until("from", "to")
        return Statement(0, self.text, self.offset, f"copy {verb}", target=target, columns=columns)

    def declare(self) -> Statement:
        self.need("declare")
        self.name()
        self.until("cursor")
        self.until("for")
        return self.rest("query")

    def prepare(self) -> Statement:
        self.need("prepare")
        self.name()
        if self.kind() == "(":
            self.parentheses()
        self.need("as")
        return self.inner()

    def explain(self) -> Statement:
        self.need("explain")
        if self.kind() == "(" and self.tokens[self.at + 1].word not in _QUERIES:
            self.parentheses()
        self.skip_any("analyze", "analyse", "verbose")
        return self.inner()

    def inner(self) -> Statement:
        """Return the statement that the rest of the text is."""
        rest = self.rest("query")
        inner = _Statements(self.text, self.offset, self.tokens[self.at :]).statement()
        if inner.verb == "utility":
            raise Unclear
        return replace(inner, text=rest.text, offset=rest.offset)

    def alter(self) -> Statement:
        """ALTER TABLE (or a view) where it renames, attaches, or adds generated columns."""
        self.need("alter")
        self.skip("materialized")
        if not (self.skip("table") or self.skip("view")):
            raise Unclear
        self.skip("if", "exists")
        self.skip("only")
        first = self.at
        target = self.names()
        relation = self.text[self.tokens[first].start : self.tokens[self.at - 1].end]
        if self.skip("rename", "to"):
            return self.event("rename", target, (self.name(),))
        if self.skip("rename"):
            self.skip("column")
            old = self.name()
            self.need("to")
            return self.event("rename column", target, (old, self.name()))
        if self.skip("set", "schema"):
            return self.event("set schema", target, (self.name(),))
        for verb in ("attach", "detach"):
            if self.skip(verb, "partition"):
                return self.event(verb, target, self.names())
        return self.generated(target, relation)

    def event(self, verb: str, target: tuple[str, ...], names: tuple[str, ...]) -> Statement:
        return Statement(0, self.text, self.offset, verb, target=target, columns=names)

    def generated(self, target: tuple[str, ...], relation: str) -> Statement:
        """ADD COLUMN … GENERATED ALWAYS AS (expression): a query over the table."""
        names, spans = [], []
        while self.at < len(self.tokens):
            if self.skip("add"):
                self.skip("column")
                self.skip("if", "not", "exists")
                name = self.name()
            elif self.skip("generated", "always", "as") and self.kind() == "(":
                names.append(name)
                spans.append(self.parentheses())
            else:
                self.at += 1
        if not names:
            raise Unclear
        altered = Statement(0, self.text, self.offset, "add generated", target=target)
        return computing(altered, list(zip(names, spans, strict=True)), relation)

    def execute(self) -> Statement:
        self.need("execute")
        return Statement(0, self.text, self.offset, "execute", prepared=self.name())


def computing(
    statement: Statement, columns: Sequence[tuple[str, tuple[int, int]]], relation: str
) -> Statement:
    """Return a statement with a query for generated columns.

    `columns`: names, and the spans of their expressions in the statement's
    text; `relation`: how the table that they belong to is found.
    """
    items = ", ".join(
        f"({statement.text[start:end]}\n) as {quote(name)}" for name, (start, end) in columns
    )
    return replace(
        statement,
        verb="add generated",
        query=f"select {items} from {relation}",
        origin=statement.offset + columns[0][1][0] - len("select ("),
        columns=tuple(name for name, _ in columns),
    )


def _recursive_view(view: Statement) -> Statement:
    """CREATE RECURSIVE VIEW v (c) AS q is WITH RECURSIVE v (c) AS (q) SELECT c FROM v."""
    columns = ", ".join(map(quote, view.columns))
    name = quote(view.target[-1])
    prefix = f"with recursive {name} ({columns}) as ("
    return replace(
        view,
        query=f"{prefix}{view.query}\n) select {columns} from {name}",
        origin=view.origin - len(prefix),
    )


_HANDLERS: Final[dict[str, Callable[[_Statements], Statement]]] = {
    **dict.fromkeys(("select", "with", "values", "table", "("), _Statements.query),
    **dict.fromkeys(_DIRECT, lambda reader: reader.rest(_DIRECT[reader.word()])),
    "alter": _Statements.alter,
    "create": _Statements.create,
    "refresh": _Statements.refresh,
    "copy": _Statements.copy,
    "declare": _Statements.declare,
    "prepare": _Statements.prepare,
    "explain": _Statements.explain,
    "execute": _Statements.execute,
}
