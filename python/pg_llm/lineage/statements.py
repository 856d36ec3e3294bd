"""Cut a text into PostgreSQL statements and find the query in each.

The scanner follows src/backend/parser/scan.l. It decides where a statement
ends and which part of a utility statement is a query; it is never what keeps
a text from running anything: the analyser does not execute what it is given,
and lets the server itself confirm that (`pg_llm.lineage.server`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Possessive throughout: what a string or a comment has taken is never given
# back, so that the time is linear in the text.
_CONTINUED: Final = r"(?:[ \t\f]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f]|--[^\n\r]*+[\n\r])*+'"
_PLAIN: Final = rf"'[^']*+(?:''[^']*+)*+'(?:{_CONTINUED}[^']*+(?:''[^']*+)*+')*+"
_ESCAPED: Final = r"[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+'"
_ESCAPE: Final = rf"'{_ESCAPED}(?:{_CONTINUED}{_ESCAPED})*+"
_START: Final = r"A-Za-z_\u0080-\U0010ffff"


@cache
def _scanner(standard_strings: bool) -> re.Pattern[str]:
    """Return the token pattern for a setting of standard_conforming_strings."""
    return re.compile(
        rf"""
          (?P<space> [ \t\n\r\f\v]+ | --[^\n\r]* )
        | (?P<comment> /\* )
        | (?P<string> [eE]{_ESCAPE} | [bBxX]'[^']*'(?:{_CONTINUED}[^']*')*+ | [uU]&{_PLAIN}
                    | {_PLAIN if standard_strings else _ESCAPE} )
        | (?P<quoted> (?:[uU]&)? "[^"]*+(?:""[^"]*+)*+" )
        | (?P<dollar> \$(?:[{_START}][0-9{_START}]*)?\$ )
        | (?P<word> [{_START}][0-9${_START}]* )
        | (?P<number> \$\d+ | (?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)? )
        | (?P<other> . )
        """,
        re.VERBOSE | re.DOTALL,
    )


_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """A token: `kind` is the group's name, or the character itself for "other"."""

    kind: str
    start: int
    end: int
    word: str


def tokens(text: str, *, standard_strings: bool = True) -> Iterator[Token]:
    """Yield the tokens of a text; space and comments are left out.

    A string, a comment or a dollar quote that does not end takes in the rest
    of the text.
    """
    match_at = _scanner(standard_strings).match
    position, end = 0, len(text)
    while position < end:
        match = match_at(text, position)
        assert match is not None  # noqa: S101
        kind = match.lastgroup or "other"
        start, position = match.span()
        if kind == "space":
            continue
        if kind == "comment":
            position = _comment_end(text, position)
            continue
        if kind == "dollar":
            found = text.find(match[0], position)
            position = end if found < 0 else found + len(match[0])
            kind = "string"
        elif kind == "other":
            kind = match[0]
            if kind in "'\"":
                position = end
        yield Token(kind, start, position, _fold(match[0]) if kind == "word" else "")


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        position = edge.end()
        depth += 1 if edge[0] == "/*" else -1
    return position


_UPPER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def _fold(word: str) -> str:
    # The server folds ASCII only in a multibyte encoding.
    return word.translate(_UPPER)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a text and the query that it carries.

    `number` counts from 1. `text` is the statement alone and `offset` its
    place in the whole text. `verb` names what it does: `query`, `insert`,
    `update`, `delete`, `merge`, `create` (a relation from a query), `refresh`,
    `copy from`, `copy to`, `execute`, `rename`, `rename column`, `set schema`,
    `attach`, `detach`, `add generated`, or `utility` where there is no query.
    `query` is the text for the server's analyser, whose character i is
    character `origin + i` of the whole text.
    `target`: the relation that is created, refreshed or copied, by its parts;
    `temporary`: it goes to pg_temp; `columns`: the names given to it (the new
    name where it is renamed, the partition where one is attached); `prepared`:
    the prepared statement that is executed.
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


_FIRST: Final = re.compile(r"(?:\s|--[^\n\r]*+)*+(?:(\w+)|(\())")
_INTO: Final = re.compile(r"\binto\b", re.IGNORECASE)
_DIRECT: Final = {"insert": "insert", "update": "update", "delete": "delete", "merge": "merge"}
_QUERIES: Final = frozenset({"select", "with", "values", "table", "("})


def _classify(text: str, offset: int, standard_strings: bool) -> Statement | None:
    first = _FIRST.match(text)
    word = _fold(first[1] or "(") if first is not None else ""
    if word in _DIRECT:
        return Statement(0, text, offset, _DIRECT[word], text, offset)
    if word in _QUERIES and ("into" not in text.lower() or _INTO.search(text) is None):
        return Statement(0, text, offset, "query", text, offset)
    reader = _Reader(text, offset, list(tokens(text, standard_strings=standard_strings)))
    if not reader.tokens:
        return None
    return reader.statement()


class _Unclear(Exception):
    """The statement does not look as its first words promise; the server will say why."""


class _Reader:
    """Reads a statement's head token by token."""

    def __init__(self, text: str, offset: int, found: list[Token]) -> None:
        self.text = text
        self.offset = offset
        self.tokens = found
        self.at = 0
        self.end = len(text)

    # -- tokens ---------------------------------------------------------------

    def word(self) -> str:
        """Return the word at hand, or "" for anything else."""
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def skip(self, *words: str) -> bool:
        """Pass the words at hand if they are these, in this order."""
        ahead = self.tokens[self.at : self.at + len(words)]
        if len(ahead) == len(words) and all(
            t.word == w for t, w in zip(ahead, words, strict=True)
        ):
            self.at += len(words)
            return True
        return False

    def skip_any(self, *words: str) -> bool:
        before = self.at
        while self.word() in words:
            self.at += 1
        return self.at > before

    def need(self, *words: str) -> None:
        if not self.skip(*words):
            raise _Unclear

    def name(self) -> str:
        """Pass an identifier and return what it names."""
        if self.kind() not in ("word", "quoted"):
            raise _Unclear
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "word":
            return token.word
        raw = self.text[token.start : token.end]
        if raw[0] in "uU":
            return _unicode_name(raw[3:-1])
        return raw[1:-1].replace('""', '"')

    def names(self) -> tuple[str, ...]:
        """Pass a qualified name."""
        parts = [self.name()]
        while self.kind() == ".":
            self.at += 1
            parts.append(self.name())
        return tuple(parts)

    def columns(self) -> tuple[str, ...]:
        """Pass a list of column names in parentheses, if there is one."""
        if self.kind() != "(":
            return ()
        found = []
        self.at += 1
        while True:
            found.append(self.name())
            if self.kind() != ",":
                break
            self.at += 1
        if self.kind() != ")":
            raise _Unclear
        self.at += 1
        return tuple(found)

    def parentheses(self) -> tuple[int, int]:
        """Pass what stands in parentheses; return its span without them."""
        if self.kind() != "(":
            raise _Unclear
        start, depth = self.tokens[self.at].end, 0
        while self.at < len(self.tokens):
            kind = self.kind()
            depth += (kind == "(") - (kind == ")")
            self.at += 1
            if not depth:
                return start, self.tokens[self.at - 1].start
        raise _Unclear

    def until(self, *words: str) -> str:
        """Go to the next of these words outside of parentheses; pass it."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            depth += (token.kind == "(") - (token.kind == ")")
            if not depth and token.word in words:
                self.at += 1
                return token.word
            self.at += 1
        raise _Unclear

    # -- statements -----------------------------------------------------------

    def statement(self) -> Statement:
        word = "(" if self.kind() == "(" else self.word()
        handler = _HANDLERS.get(word)
        before = self.at
        if handler is not None:
            try:
                return handler(self)
            except _Unclear:
                self.at = before
        return Statement(0, self.text, self.offset, "utility")

    def rest(self, verb: str, **more: object) -> Statement:
        """Return a statement whose query is what is left of the text."""
        if self.at >= len(self.tokens):
            raise _Unclear
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
        except _Unclear:
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
        if self.skip("view"):
            self.cut_tail(
                ("with", "check", "option"),
                ("with", "local", "check", "option"),
                ("with", "cascaded", "check", "option"),
            )
        elif self.skip("materialized", "view") or self.skip("table"):
            self.cut_tail(("with", "data"), ("with", "no", "data"))
        else:
            raise _Unclear
        self.skip("if", "not", "exists")
        target = self.names()
        columns = self.columns()
        self.until("as")
        if self.word() == "execute":
            return replace(self.execute(), target=target, temporary=temporary, columns=columns)
        body = self.rest("create", target=target, temporary=temporary, columns=columns)
        return _recursive_view(body) if recursive else body

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
                raise _Unclear
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
        inner = _Reader(self.text, self.offset, self.tokens[self.at :]).statement()
        if inner.verb == "utility":
            raise _Unclear
        return replace(inner, text=rest.text, offset=rest.offset)

    def alter(self) -> Statement:
        """ALTER TABLE (or a view) where it renames, attaches, or adds generated columns."""
        self.need("alter")
        self.skip("materialized")
        if not (self.skip("table") or self.skip("view")):
            raise _Unclear
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
            raise _Unclear
        items = ", ".join(
            f"({self.text[start:end]}\n) as {quote(name)}"
            for name, (start, end) in zip(names, spans, strict=True)
        )
        return Statement(
            0,
            self.text,
            self.offset,
            "add generated",
            f"select {items} from {relation}",
            self.offset + spans[0][0] - len("select ("),
            target,
            columns=tuple(names),
        )

    def execute(self) -> Statement:
        self.need("execute")
        return Statement(0, self.text, self.offset, "execute", prepared=self.name())


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


def quote(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def _unicode_name(raw: str) -> str:
    def character(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        return chr(int(digits, 16)) if digits else "\\"

    pattern = r"\\(?:([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})|\\)"
    return re.sub(pattern, character, raw.replace('""', '"'))


_HANDLERS: Final[dict[str, Callable[[_Reader], Statement]]] = {
    **dict.fromkeys(("select", "with", "values", "table", "("), _Reader.query),
    **dict.fromkeys(_DIRECT, lambda reader: reader.rest(_DIRECT[reader.word()])),
    "alter": _Reader.alter,
    "create": _Reader.create,
    "refresh": _Reader.refresh,
    "copy": _Reader.copy,
    "declare": _Reader.declare,
    "prepare": _Reader.prepare,
    "explain": _Reader.explain,
    "execute": _Reader.execute,
}
