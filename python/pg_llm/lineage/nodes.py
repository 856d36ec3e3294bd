"""Read PostgreSQL's node trees (`pg_node_tree` as text).

A tree is `{NODE :field value …}` with lists in parentheses, bitmap sets
`(b 8 9)` and strings whose special characters are escaped by a backslash
(src/backend/nodes/outfuncs.c). Fields differ between majors, so nothing here
knows any position: a node is its name, its own text, and its children by
field.

This is the hot path of lineage. The text is cut at its braces, which is one
step a node and not one a token; a scalar field is looked up in the node's
text only when somebody asks for it.
"""

from __future__ import annotations

import re
from typing import Final

# Column lists of joins are most of a tree's text and are hardly ever asked
# for: a Var names the joined table directly, unless the column was merged.
_PLAIN_JOIN_COLUMNS: Final = re.compile(r" :joinaliasvars \((?:\{VAR [^{}]*\} ?)+\)")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
# Quotes inside of a string are not escaped; what ends a token is.
_STRING_LIST: Final = re.compile(r'"((?:[^\s\\]|\\.)*)"(?!\S)', re.DOTALL)
# As it stands in 15 to 18: the fields between are those of its type, then of
# the joins above it.
_VAR: Final = re.compile(
    r"VAR :varno (-?\d+) :varattno (-?\d+) :vartype \d+ :vartypmod -?\d+ :varcollid \d+"
    r"(?: :varnullingrels \(b[ \d]*\))? :varlevelsup (\d+)"
)

# Escaped braces and parentheses wait in the private use area.
_HIDE: Final = {"{": "\ue000", "}": "\ue001", "(": "\ue002", ")": "\ue003"}
_HIDE_ESCAPED: Final = tuple("\\" + shown for shown in _HIDE)
_SHOW: Final = {hidden: shown for shown, hidden in _HIDE.items()}
_HIDDEN: Final = re.compile("[\ue000-\ue003]")


class Node:
    """A node: `kind` (VAR, QUERY, …), its own text, its children by field."""

    __slots__ = ("children", "kind", "text")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.children: dict[str, list[Node | None]] | None = None

    def members(self, field: str) -> list[Node | None]:
        """Return the nodes of a field that holds a list ("<>" members are None)."""
        return self.children.get(field, _NONE) if self.children else _NONE

    def nodes(self, field: str) -> list[Node]:
        """Return the nodes of a field, without empty members."""
        return [node for node in self.members(field) if node is not None]

    def one(self, field: str) -> Node | None:
        """Return the only node of a field, or None."""
        found = self.members(field)
        return found[0] if found else None

    def every(self) -> list[Node]:
        """Return all children, whatever their field."""
        if not self.children:
            return []
        return [node for nodes in self.children.values() for node in nodes if node is not None]

    def scalar(self, field: str) -> str | None:
        """Return a field's raw token; None where it is absent or "<>"."""
        key = f":{field} "
        start = self.text.find(key)
        if start < 0:
            return None
        start += len(key)
        end = self.text.find(" ", start)
        token = self.text[start:] if end < 0 else self.text[start:end]
        return None if token == "<>" else token  # noqa: S105

    def number(self, field: str) -> int:
        """Return a field as a number, 0 where it is absent."""
        token = self.scalar(field)
        return int(token) if token else 0

    def flag(self, field: str) -> bool:
        """Return a field as a truth value, false where it is absent."""
        return self.scalar(field) == "true"

    def string(self, field: str) -> str | None:
        """Return a field that holds a string, unescaped."""
        token = self.scalar(field)
        if token is None or token == '""':  # noqa: S105
            return None if token is None else ""
        if token[-1] == "\\":
            # A space that belongs to the string.
            match = re.search(rf":{field} ((?:[^\s\\]|\\.)+)", self.text, re.DOTALL)
            token = match[1] if match is not None else token
        return unescape(token)

    def strings(self, field: str) -> list[str]:
        """Return a field that holds a list of strings, unescaped."""
        inner = self._bracketed(field)
        if "\\" not in inner and inner.isascii():
            return inner[1:-1].split('" "') if inner else []
        return [unescape(token) for token in _STRING_LIST.findall(inner)]

    def numbers(self, field: str) -> list[int]:
        """Return a field that holds a list of integers or OIDs: `(i 1 2)`, `(o 23)`."""
        return [int(n) for n in self._bracketed(field).split() if n.lstrip("-").isdigit()]

    def _bracketed(self, field: str) -> str:
        start = self.text.find(f":{field} (")
        if start < 0:
            return ""
        start += len(field) + 3
        return self.text[start : self.text.find(")", start)]


_NONE: list[Node | None] = []
# What a constant says is of no interest, only that it is there.
_CONSTANT: Final = Node("CONST", "")


def unescape(token: str) -> str:
    """Undo the escapes of outToken()."""
    if "\\" in token:
        token = _ESCAPED.sub(r"\1", token)
    if token.isascii():
        return token
    return _HIDDEN.sub(lambda match: _SHOW[match[0]], token)


def var(node: Node) -> tuple[int, int, int]:
    """Return a VAR's (varno, varattno, varlevelsup)."""
    match = _VAR.match(node.text)
    if match is None:
        return node.number("varno"), node.number("varattno"), node.number("varlevelsup")
    return int(match[1]), int(match[2]), int(match[3])


def parse(text: str, *, join_columns: bool = False, constants: bool = False) -> list[Node]:
    """Parse a tree and return its topmost nodes.

    Columns of joins are left out where all of them are plain Vars, unless
    `join_columns`: whoever meets a Var that needs one parses again. A CONST has
    no text unless `constants`.
    """
    if not join_columns:
        text = _PLAIN_JOIN_COLUMNS.sub("", text)
    if "\\" in text and any(escaped in text for escaped in _HIDE_ESCAPED):
        text = _ESCAPED.sub(_hide, text)
    root = node = Node("", "")
    siblings: list[Node | None] = []
    # Each open node with the list that its last child is in.
    stack: list[tuple[Node, list[Node | None]]] = []
    pieces = iter(text.split("{"))
    gap = next(pieces)
    for piece in pieces:
        # A child that follows another one directly is in the same list.
        if gap != " ":
            siblings = _field(node, gap, siblings)
        kind = piece[: piece.find(" ")]
        end = piece.find("}")
        if end < 0:
            child = Node(kind, piece)
            siblings.append(child)
            stack.append((node, siblings))
            node, gap, siblings = child, piece, []
            continue
        if kind == "CONST" and not constants:
            siblings.append(_CONSTANT)
        else:
            siblings.append(Node(kind, piece[:end]))
        # What stands behind the leaf, and behind each node that ends with it.
        gap = piece[end + 1 :]
        if gap == " ":
            continue
        gap, *behind = gap.split("}")
        if len(gap) > 1:
            node.text += gap
        for gap in behind:
            node, siblings = stack.pop()
            if len(gap) > 1:
                node.text += gap
    return root.every()


def _field(node: Node, gap: str, siblings: list[Node | None]) -> list[Node | None]:
    """Return the list that a child belongs to, by the text in front of it.

    Empty members of the list come before it.
    """
    start = gap.rfind(" :")
    end = 0
    if start >= 0 or not siblings:
        end = gap.find(" ", start + 2)
        field = gap[start + 2 : end] if start >= 0 else ""
        if node.children is None:
            node.children = {}
        siblings = node.children.setdefault(field, [])
    if gap.find("<>", end) >= 0:
        siblings.extend([None] * gap.count("<>", end))
    return siblings


def _hide(match: re.Match[str]) -> str:
    return _HIDE.get(match[1], match[0])
