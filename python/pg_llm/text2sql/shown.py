"""Names and texts of the database as a model is shown them.

Whoever may comment, insert or create may have written instructions. A text is
shown as one short JSON string on one line, without control, invisible and
direction characters, and without the signs that could close what it stands in
(backticks, angle brackets); a name that has such characters in PostgreSQL's
own escapes, U&"…", so that it still names the same thing.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.render import quote

if TYPE_CHECKING:
    from pg_llm.catalog import Relation

_LONGEST_TEXT = 120
_MARKS = frozenset("`<>")


def text(value: str, longest: int = _LONGEST_TEXT) -> str:
    """Return a text as one short JSON string."""
    flat = plain(value, longest).replace("`", "'")
    return json.dumps(flat, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")


def plain(value: str, longest: int) -> str:
    """Return a text on one line, without what cannot be seen, and not longer than that."""
    # Spaces go too, so that a longer piece than is shown is looked at; not all of a megabyte.
    flat = " ".join(value[: 4 * longest].split())
    return "".join(c for c in flat if c == " " or not _unseen(c))[:longest]


def identifier(name: str) -> str:
    """Return a name as SQL, in escapes where it holds what a text may not."""
    if not any(c in _MARKS or _unseen(c) for c in name):
        return quote(name)
    return 'U&"' + "".join(map(_escaped, name)) + '"'


def relation(one: Relation) -> str:
    """Return a relation's name as SQL, with its schema where the search_path does not find it."""
    name = identifier(one.name)
    return name if one.visible else f"{identifier(one.schema)}.{name}"


def _unseen(character: str) -> bool:
    """Whether a character is a control, format, private or unassigned one, or breaks a line."""
    return unicodedata.category(character)[0] == "C" or character in "\u2028\u2029"


def _escaped(character: str) -> str:
    if character in _MARKS or _unseen(character):
        code = ord(character)
        return f"\\{code:04X}" if code < 0x10000 else f"\\+{code:06X}"
    return {'"': '""', "\\": "\\\\"}.get(character, character)
