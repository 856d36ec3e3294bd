"""Read PostgreSQL's node trees (`pg_node_tree` as text).

A tree is `{NODE :field value …}` with lists in parentheses, bitmap sets
`(b 8 9)` and strings whose special characters are escaped by a backslash
(src/backend/nodes/outfuncs.c). Fields differ between majors, so nothing here
knows any position: a node is its name, its own text, and its children by
field.

This is the hot path of lineage. One `findall` cuts the text at braces, which
is one step a node and not one a token; a scalar field is looked up in the
node's text only when somebody asks for it.
"""

from __future__ import annotations

import re
from typing import Final

# A node's opening with its text, and where no child follows its end with the
# text behind it; or an end with the text behind it.
_PIECES: Final = re.compile(r"\{([A-Z_]+)([^{}]*)(?:(\})([^{}]*))?|\}([^{}]*)")
# Column lists of joins are most of a tree's text and are hardly ever asked
# for: a Var names the joined table directly, unless the column was merged.
_PLAIN_JOIN_COLUMNS: Final = re.compile(r" :joinaliasvars \((?:\{VAR [^{}]*\} ?)+\)")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
# Quotes inside of a string are not escaped; what ends a token is.
_STRING_LIST: Final = re.compile(r'"((?:[^\s\\]|\\.)*)"(?!\S)', re.DOTALL)
_VAR: Final = re.compile(r":varno (-?\d+) :varattno (-?\d+) .*?:varlevelsup (\d+)", re.DOTALL)

# Escaped braces and parentheses wait in the private use area.
_HIDE: Final = {"{": "\ue000", "}": "\ue001", "(": "\ue002", ")": "\ue003"}
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
        return [unescape(token) for token in _STRING_LIST.findall(self._bracketed(field))]

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
    match = _VAR.search(node.text)
    if match is None:
        return node.number("varno"), node.number("varattno"), node.number("varlevelsup")
    return int(match[1]), int(match[2]), int(match[3])


def parse(text: str, *, join_columns: bool = False, constants: bool = False) -> list[Node]:
    """Parse a tree and return its topmost nodes.

    Columns of joins are left out where all of them are plain Vars, unless
    `join_columns`: whoever meets a Var that needs one parses again. A CONST has
    no text unless `constants`.
    """
    if "\\" in text:
        text = _ESCAPED.sub(_hide, text)
    if not join_columns:
        text = _PLAIN_JOIN_COLUMNS.sub("", text)
    root = node = Node("", "")
    # Each open node with the field that its children belong to.
    stack: list[tuple[Node, str]] = []
    field, gap = "", ""
    for kind, head, leaf, behind, tail in _PIECES.findall(text):
        if not kind:
            node, field = stack.pop()
            gap = tail
            if len(gap) > 1:
                node.text += gap
            continue
        if len(gap) > 1:
            field = _next_field(node, field, gap)
        child = _CONSTANT if kind == "CONST" and not constants else Node(kind, head)
        children = node.children
        if children is None:
            node.children = {field: [child]}
        elif field in children:
            children[field].append(child)
        else:
            children[field] = [child]
        if leaf:
            gap = behind
            if len(gap) > 1:
                node.text += gap
        else:
            stack.append((node, field))
            node, field, gap = child, "", head
    return root.every()


def _next_field(node: Node, field: str, gap: str) -> str:
    """Return the field that the text before a child names, noting empty members."""
    start = gap.rfind(" :")
    if start >= 0:
        field, _, gap = gap[start + 2 :].partition(" ")
    if "<>" in gap:
        if node.children is None:
            node.children = {}
        node.children.setdefault(field, []).extend([None] * gap.count("<>"))
    return field


def _hide(match: re.Match[str]) -> str:
    return _HIDE.get(match[1], match[0])
