"""From a model's answer to the statement in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"```[ \t]*(?:[A-Za-z]+)?[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_START = re.compile(r"^[ \t(]*(?:select|with|values|table)\b", re.IGNORECASE | re.MULTILINE)


def statements(answer: str) -> Iterator[str]:
    """Yield what may be the statement of an answer, likeliest first.

    A code fence's content; else the text from the first line that begins a
    query, whole, and then up to its first empty line. Nothing is cut out of
    a statement: an answer of two statements stays one, for the guard to see.
    """
    text = _THOUGHT.sub("", answer)
    fenced = [block.strip() for block in _FENCE.findall(text)]
    yield from (block for block in fenced if _START.match(block))
    if fenced:
        return
    begin = _START.search(text)
    if begin is None:
        return
    rest = text[begin.start() :].strip()
    yield rest
    paragraph = re.split(r"\n[ \t]*\n", rest, maxsplit=1)[0].strip()
    if paragraph != rest:
        yield paragraph
