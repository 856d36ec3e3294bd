"""Normalise statements: texts that differ in literals, spelling or layout become one.

One compiled pattern cuts a statement into tokens as the server's lexer does
(src/backend/parser/scan.l, with standard_conforming_strings on); what follows
are calls that run in C over the whole list or text. What pg_stat_statements
shows as `$1` and what a log shows as a literal become the same.
"""

from __future__ import annotations

import hashlib
import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from pg_llm.lineage.tokens import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

# A literal, while a text is worked on: PostgreSQL's text has no such character.
LITERAL: Final = "\0"
# A longer text is cut into tokens piece by piece.
_LONG: Final = 200_000
_TOKENS_A_PIECE: Final = 20_000
# Lists are folded across pieces where a member is no longer than this.
_WINDOW: Final = 100_000
_REMEMBERED: Final = 50_000

# A group that may fail midway is never repeated possessively: re loses its place
# then (bugs.python.org, gh-106052; mended in 3.11.5).
_SPACE: Final = r"(?:[ \t\n\r\f\v]++|--[^\n\r]*+)*+"
_CONTINUED: Final = rf"[ \t\f\v]*+(?:--[^\n\r]*+)?[\n\r]{_SPACE}'"
_BODY: Final = r"[^']*+(?:''[^']*+)*+"
_STRING: Final = rf"'{_BODY}(?:'(?:{_CONTINUED}{_BODY}')*|\Z)"
_ESCAPED: Final = r"[^'\\]*+(?:(?:''|\\[\s\S]|\\\Z)[^'\\]*+)*+"
_ESCAPE_STRING: Final = rf"'{_ESCAPED}(?:'(?:{_CONTINUED}{_ESCAPED}')*|\Z)"
_QUOTED: Final = r'"[^"]*+(?:""[^"]*+)*+(?:"|\Z)'
# An operator ends before a comment. Without one of ~!@#%^&|`? in it, it does
# not end in + or - either.
_PLAIN: Final = r"(?:[*<>=+]|-(?!-)|/(?!\*))"
_ANY: Final = r"(?:[~!@#%^&|`?*<>=+]|-(?!-)|/(?!\*))"
_OPERATOR: Final = (
    rf"{_PLAIN}*[~!@#%^&|`?]{_ANY}*|{_PLAIN}*(?:[*<>=]|/(?!\*))|[*<>=+/-]|::|:=|\.\.|[^\s\w]"
)
_NUMBER: Final = (
    r"(?:0(?:[xX](?:_?[0-9A-Fa-f])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)"
    r"|(?:\d++(?:_\d++)*(?:\.(?!\.)(?:\d++(?:_\d++)*)?)?|\.\d++(?:_\d++)*)"
    r"(?:[eE][+-]?\d++)?)"
)
_ASCII_START: Final = "A-Za-z_"
_START: Final = _ASCII_START + r"\x80-\U0010ffff"
_ESCAPE_CLAUSE: Final = rf"(?:{_SPACE}[uU][eE][sS][cC][aA][pP][eE]{_SPACE}'[^']*+(?:'|\Z))?"


def _word(start: str) -> str:
    return rf"[{start}][0-9${start}]*+"


def _lexeme(start: str) -> str:
    """Return the pattern of a token with the space after it.

    Its one group holds what is kept; a literal leaves it empty.
    """
    word = _word(start)
    return (
        rf"(?:({word}(?:\.{word})*+(?!['\"&])|[(),;\[\]]|[=<>*+-](?=[ \w'($])|\.(?![\d.])"
        rf"|{_QUOTED}|(?![\d'$.])(?![eEbBxXnN]'|[uU]&['\"])(?:{word}|{_OPERATOR})"
        rf"|\.\.|[uU]&{_QUOTED})"
        rf"|{_NUMBER}"
        rf"|{_STRING}"
        rf"|\$(?:\d++|\$[\s\S]*?(?:\$\$|\Z))"
        rf"|[eE]{_ESCAPE_STRING}"
        rf"|[bBxXnN]{_STRING}"
        rf"|[uU]&{_STRING}{_ESCAPE_CLAUSE}"
        rf"|[\s\S]){_SPACE}"
    )


# A small character set is a table of bits, and twice as fast.
_ASCII_TOKENS: Final = re.compile(_lexeme(_ASCII_START))
_TOKENS: Final = re.compile(_lexeme(_START))
_PIECE: Final = re.compile(f"(?:{_lexeme(_START)}){{1,{_TOKENS_A_PIECE}}}")
_LEADING: Final = re.compile(_SPACE)
_TAG: Final = rf"\$[{_START}][0-9{_START}]*+\$"
_HAS_TAG: Final = re.compile(_TAG)
# What a comment or a tagged dollar quote must not be looked for in, and those.
_RARE: Final = re.compile(
    rf"--[^\n\r]*+|[eE]{_ESCAPE_STRING}|{_STRING}|{_QUOTED}|\$\$[\s\S]*?(?:\$\$|\Z)"
    rf"|{_word(_START)}(?!')|({_TAG}|/\*)"
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")

# Before an operand a minus is a sign.
_BEFORE_OPERAND: Final = (
    "all and between by case default distinct else escape for from having if ilike in increment "
    "into like limit maxvalue minvalue not offset on or return returning select set then to using "
    "value values when where with"
)
_SIGN: Final = re.compile(
    r"-(?:(?<=[(\[]-)|(?<=[-+*/<>=~!@#%^&|`?,:] -)"
    + "".join(rf"|(?<=\b{word} -)" for word in _BEFORE_OPERAND.split())
    + rf") (?:- )*{LITERAL}"
)


def _constant(length: int, words: str) -> str:
    """Return a pattern of words that are constants, unless part of a test or a clause."""
    dots = "." * length
    clauses = ("is", "not", "set", "as", "default", "on", "returns")
    not_after = "".join(rf"(?<!\b{word} {dots})" for word in clauses)
    return rf"(?:{words})(?<=[ (\[,]{dots}){not_after}(?=[ ,)\];:]|\Z)"


_CONSTANT: Final = re.compile(f"{_constant(4, 'null|true')}|{_constant(5, 'false')}")
# The members at the head of a list that are alike count as one.
_MEMBER: Final = rf"({LITERAL}(?:::[\w.]+)?|\([^()]*+\))"
_IN_LIST: Final = re.compile(rf"\((?<=\bin \(){_MEMBER}(?:, \1)+(?=[,)]|\Z)")
_ARRAY: Final = re.compile(rf"\[(?<=\barray\[){_MEMBER}(?:, \1)+(?=[,\]]|\Z)")
_ROWS: Final = re.compile(
    r"values (?<=\bvalues )(\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*\))*\))(?:, \1)+"
)


class _Spelling(dict[str, str]):
    """How a token is written: looked up in C, worked out once."""

    def __missing__(self, token: str) -> str:
        if len(self) > _REMEMBERED:
            self.clear()
        self[token] = written = _written(token)
        return written


_SYNONYMS: Final = {"!=": "<>"}
# A space inside of a quoted name, so that no other step sees it.
NAME_SPACE: Final = "\1"


def _written(token: str) -> str:
    if not token:
        return LITERAL
    if token.startswith('"') or token[1:3] == '&"':
        return token.replace(" ", NAME_SPACE)
    return _SYNONYMS.get(token) or fold(token)


_spelling: Final = _Spelling()


def key(text: str) -> str:
    """Return what is the same for all statements of a pattern."""
    if LITERAL in text:
        text = text.replace(LITERAL, " ")
    if "/*" in text or ("$" in text and _HAS_TAG.search(text)):
        text = _without_rare(text)
    start = _LEADING.match(text).end()  # type: ignore[union-attr]
    if len(text) > _LONG:
        return _long(text, start)
    pattern = _ASCII_TOKENS if text.isascii() else _TOKENS
    laid = " ".join(map(_spelling.__getitem__, pattern.findall(text, start)))
    return _folded(laid.rstrip("; ")).rstrip("; ")


# SET takes a value without quotes too, and such a value may be a key.
_SETTING: Final = re.compile(
    r"^((?:set|alter (?:role|user|database|system)(?: .*)? set) (?:session |local )?"
    r"(?:\S+\.\S+|\S*(?:pass|secret|key|token)\S*) (?:=|to) ).*"
)


def _folded(text: str) -> str:
    """Lay out a text of tokens with a space between each two, and fold its lists."""
    text = (
        text.replace(" ,", ",").replace("( ", "(").replace(" )", ")").replace(" . ", ".")
    )  # fmt: skip
    if "::" in text:
        text = text.replace(" :: ", "::")
    if "[" in text:
        text = text.replace(" [", "[").replace("[ ", "[").replace(" ]", "]")
    if "null" in text or "true" in text or "false" in text:
        text = _CONSTANT.sub(LITERAL, text)
    if "- " + LITERAL in text:
        text = _SIGN.sub(LITERAL, text)
    if " in (" in text:
        text = _IN_LIST.sub(r"(\1", text)
    if "array[" in text:
        text = _ARRAY.sub(r"[\1", text)
    if "), (" in text:
        text = _ROWS.sub(r"values \1", text)
    if text.startswith(("set ", "alter ")):
        text = _SETTING.sub(rf"\g<1>{LITERAL}", text)
    return text


def _long(text: str, start: int) -> str:
    """Fold a long text piece by piece, so that its tokens are never all in memory."""
    settled: list[str] = []
    tail = ""
    for tokens in _pieces(text, start):
        piece = " ".join(map(_written, tokens))
        tail = _folded(f"{tail} {piece}" if tail else piece)
        if len(tail) > 2 * _WINDOW:
            cut = len(tail) - _WINDOW
            settled.append(tail[:cut])
            tail = tail[cut:]
    return "".join([*settled, tail]).rstrip("; ")


def _pieces(text: str, position: int) -> Iterator[list[str]]:
    while position < len(text):
        end = _PIECE.match(text, position).end()  # type: ignore[union-attr]
        yield _TOKENS.findall(text, position, end)
        position = end


def _without_rare(text: str) -> str:
    """Replace comments in /* */, which nest, by a space, and tagged dollar quotes by ''."""
    kept: list[str] = []
    done = position = 0
    while found := _RARE.search(text, position):
        position = found.end()
        rare = found[1]
        if rare is None:
            continue
        kept.append(text[done : found.start()])
        if rare == "/*":
            position = _comment_end(text, position)
            kept.append(" ")
        else:
            end = text.find(rare, position)
            position = len(text) if end < 0 else end + len(rare)
            kept.append("''")
        done = position
    kept.append(text[done:])
    return "".join(kept)


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        position = edge.end()
        depth += 1 if edge[0] == "/*" else -1
    return position


def replaced(text: str, string: str) -> str:
    """Return a statement with `string` for each string and 0 for each number, without comments."""
    text = _without_rare(text)
    start = _LEADING.match(text).end()  # type: ignore[union-attr]
    return "".join(_replaced(match, string) for match in _TOKENS.finditer(text, start)).rstrip()


def _replaced(match: re.Match[str], string: str) -> str:
    token, kept = match[0], match[1]
    if kept is not None:
        literal = kept
    elif token[0].isdigit() or token[0] == ".":
        literal = "0"
    elif token[0] == "$" and token[1:2].isdigit():
        literal = token.split()[0]
    else:
        literal = string
    # A line comment is part of the space.
    return literal + (" " if len(token) > len(kept or "") and token[-1].isspace() else "")


_PARAMETERS: Final = tuple(f"${number}" for number in range(1, 201))


def shown(pattern: str) -> str:
    """Return a key as SQL with its literals numbered ($1, $2, …)."""
    parts = pattern.split(LITERAL)
    count = len(parts) - 1
    names = _PARAMETERS if count <= len(_PARAMETERS) else [f"${n}" for n in range(1, count + 1)]
    text = "".join(chain.from_iterable(zip(parts, (*names[:count], ""), strict=True)))
    return text.replace(NAME_SPACE, " ") if NAME_SPACE in text else text


def normalize(text: str) -> str:
    """Return a statement in the form that all statements of its pattern share."""
    return shown(key(text))


def fingerprint(pattern: str) -> str:
    """Return a key's fingerprint: 64 bits of BLAKE2b as 16 hexadecimal digits."""
    return hashlib.blake2b(pattern.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
