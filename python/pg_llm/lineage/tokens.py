"""Tokens of PostgreSQL's SQL, and a reader that goes over them.

The scanner follows src/backend/parser/scan.l.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# A string goes on behind a line break. Each character can be read in one way
# only, so that the time is linear in the text where it does not go on.
# (Possessive groups would say so more shortly; before Python 3.11.5 they take
# in what they only tried.)
_CONTINUED: Final = r"[ \t\f]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f]|--[^\n\r]*[\n\r])*'"
_PLAIN: Final = rf"'[^']*(?:''[^']*)*'(?:{_CONTINUED}[^']*(?:''[^']*)*')*"
_ESCAPED: Final = r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*'"
_ESCAPE: Final = rf"'{_ESCAPED}(?:{_CONTINUED}{_ESCAPED})*"
_START: Final = r"A-Za-z_\u0080-\U0010ffff"


@cache
def _scanner(standard_strings: bool) -> re.Pattern[str]:
    """Return the token pattern for a setting of standard_conforming_strings."""
    return re.compile(
        rf"""
          (?P<space> [ \t\n\r\f\v]+ | --[^\n\r]* )
        | (?P<comment> /\* )
        | (?P<string> [eE]{_ESCAPE} | [bBxX]'[^']*'(?:{_CONTINUED}[^']*')* | [uU]&{_PLAIN}
                    | {_PLAIN if standard_strings else _ESCAPE} )
        | (?P<quoted> (?:[uU]&)? "[^"]*(?:""[^"]*)*" )
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
        yield Token(kind, start, position, fold(match[0]) if kind == "word" else "")


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


def fold(word: str) -> str:
    """Return an unquoted identifier as the server reads it."""
    # The server folds ASCII only in a multibyte encoding.
    return word.translate(_UPPER)


def quote(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def _unicode_name(raw: str) -> str:
    def character(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        return chr(int(digits, 16)) if digits else "\\"

    pattern = r"\\(?:([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})|\\)"
    return re.sub(pattern, character, raw.replace('""', '"'))


class Unclear(Exception):
    """The statement does not look as its first words promise; the server will say why."""


class Reader:
    """Reads a text token by token; what is not as it should be raises `Unclear`."""

    def __init__(self, text: str, offset: int, found: list[Token]) -> None:
        self.text = text
        self.offset = offset
        self.tokens = found
        self.at = 0
        self.end = len(text)

    def word(self) -> str:
        """Return the word at hand, or "" for anything else."""
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        """Return the kind of the token at hand, or "" at the end."""
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
        """Pass any of these words, in any order and number; tell whether there was one."""
        before = self.at
        while self.word() in words:
            self.at += 1
        return self.at > before

    def need(self, *words: str) -> None:
        """Pass these words; without them the text is unclear."""
        if not self.skip(*words):
            raise Unclear

    def name(self) -> str:
        """Pass an identifier and return what it names."""
        if self.kind() not in ("word", "quoted"):
            raise Unclear
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
            raise Unclear
        self.at += 1
        return tuple(found)

    def parentheses(self) -> tuple[int, int]:
        """Pass what stands in parentheses; return its span without them."""
        if self.kind() != "(":
            raise Unclear
        start, depth = self.tokens[self.at].end, 0
        while self.at < len(self.tokens):
            kind = self.kind()
            depth += (kind == "(") - (kind == ")")
            self.at += 1
            if not depth:
                return start, self.tokens[self.at - 1].start
        raise Unclear

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
        raise Unclear
