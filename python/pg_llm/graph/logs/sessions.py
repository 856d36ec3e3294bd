"""What a session's statements do to the meaning of its later ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pg_llm.graph.logs import scanner
from pg_llm.lineage import statements

if TYPE_CHECKING:
    from pg_llm.graph.logs.tally import Session

_MAX_TEMPORARY: Final = 100
_LONGEST: Final = 100_000
_NAME: Final = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_PATH: Final = re.compile(
    r"\s*set\s+(?:session\s+|local\s+)?search_path\s*(?:=|\s+to\s)\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ITEM: Final = re.compile(rf"'((?:[^']|'')*)'|({_NAME})")
_TABLE: Final = re.compile(
    rf"create (?:local |global )?temp(?:orary)? (?:recursive )?(?:table|view) (?:if not exists )?"
    rf"(?:pg_temp\.)?({_NAME})"
)
_DROPPED: Final = re.compile(r"drop (?:table|view) (?:if exists )?((?:[^,;]+(?:, )?)+)")


def note(session: Session, key: str, text: str) -> None:
    """Remember what a statement does; `key` is its pattern's."""
    if key.startswith("set "):
        session.path = _path(text)
    elif key.startswith(("reset ", "discard ")):
        session.path = None
        if key.startswith("discard "):
            session.temporary.clear()
    elif key.startswith("drop "):
        _forget(session, key)
    elif len(text) <= _LONGEST and len(session.temporary) < _MAX_TEMPORARY:
        made = _made(key, text)
        if made:
            session.temporary[made] = text


def _path(text: str) -> tuple[str, ...] | None:
    match = _PATH.match(text.rstrip().rstrip(";"))
    if match is None:
        return None
    names = [string or _unquoted(name) for string, name in _ITEM.findall(match[1])]
    return None if names == ["default"] else tuple(names)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _forget(session: Session, key: str) -> None:
    match = _DROPPED.match(key)
    for name in match[1].split(", ") if match is not None else ():
        bare = name.removesuffix(" cascade").removesuffix(" restrict").removeprefix("pg_temp.")
        session.temporary.pop(_unquoted(bare.replace(scanner.NAME_SPACE, " ")), None)


def _made(key: str, text: str) -> str:
    """Return the name of the temporary relation that a statement makes, "" for none."""
    match = _TABLE.match(key)
    if match is not None:
        return _unquoted(match[1].replace(scanner.NAME_SPACE, " "))
    found = statements.split(text)
    return found[0].target[-1] if len(found) == 1 and found[0].temporary else ""
