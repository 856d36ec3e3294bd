"""From a model's answer to the statement in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pg_llm.lineage import statements as scanner

if TYPE_CHECKING:
    from collections.abc import Iterator

# An answer is one statement; what is longer than this is none.
LONGEST_ANSWER = 50_000
_FENCE = re.compile(r"(```|~~~)[ \t]*(?:[A-Za-z]+)?[ \t]*\n?(.*?)(?:\1|\Z)", re.DOTALL)
_THOUGHT = re.compile(
    r"<(think|thinking|thought|reasoning)>.*?(?:</\1>|\Z)|\A.*</(?:think|thinking|thought|reasoning)>",
    re.DOTALL,
)
_QUERY = r"(?:select|with|values|table)\b"
_START = re.compile(rf"^[ \t(\ufeff]*{_QUERY}", re.IGNORECASE | re.MULTILINE)
_REMARKS = re.compile(r"^[ \t]*(?:/\*.*?\*/|--[^\n]*\n)\s*", re.DOTALL | re.MULTILINE)
# A query that prose leads to on its own line: after a colon, a tag, a quote.
_LED_TO = re.compile(r"[:\uff1a>`\]*#]\s*(?=(?:select|with)\s)", re.IGNORECASE)
# What models close their answers with.
_CLOSING = re.compile(r"<\|\w+\|>|</\w+>|\[/\w+\]|```")
# Words that a line of SQL may begin with, where they are written with a capital.
_WORDS = (
    "Select|From|Where|And|Or|Group|Order|Having|Limit|Offset|Inner|Left|Right|Full|Cross|Join|On"
    "|Union|Except|Intersect|Case|When|Then|Else|End|As|Not|In|With|Values|Window|Filter|Distinct"
)
# A line that speaks, and is no line of SQL: a sentence, a heading, a list.
_SPEECH = re.compile(
    r"^[ \t]*(?:"
    # a heading, a list, a bold word
    r"(?:#+|[*•]|\*\*)[ \t]?\w.*|"
    r"(?:Note|Notes|Explanation|Output|Result|Answer|SQLResult|Question|注|说明|解释)[^\w\n.=(].*|"
    # a sentence: a capital, and then words in small letters
    rf"(?!(?:{_WORDS})\b)[A-Z][a-z']*(?:[ ,]+[a-z']+){{2,}}.*|"
    r"[\u4e00-\u9fff]{2,}.*[\uff1a\u3002\uff0c].*"
    r")$",
    re.MULTILINE,
)
_VERBS = re.compile(
    r"(?:select|with|values|table|insert|update|delete|merge|create|alter|drop|truncate|grant"
    r"|revoke|copy|call|do|set|reset|begin|start|commit|rollback|lock|explain|analyze|vacuum"
    r"|execute|prepare|declare|notify|listen|refresh|comment|security|import|load)\b|\(|\\",
    re.IGNORECASE,
)
# A paragraph that goes on with the statement before it.
_CLAUSE = re.compile(
    r"\s*(?:from|where|and|or|on|group|order|having|limit|offset|union|except|intersect|window"
    r"|(?:left|right|full|inner|cross|natural)?\s*join|when|then|else|end|as|[,)(+*/|=<>-])",
    re.IGNORECASE,
)


def statements(answer: str) -> Iterator[tuple[str, ...]]:
    """Yield what may be the statement of an answer, likeliest first.

    The value of a JSON object; a code fence's content; else the text from the
    first line that begins a query. Each as its readings: whole, and then
    without the prose that may follow it. Nothing is cut out of a statement: an
    answer of two different statements stays one, for the guard to see.
    """
    if len(answer) > LONGEST_ANSWER:
        return
    text = _THOUGHT.sub("", answer).strip("\ufeff\u200b \t\r\n")
    for found in dict.fromkeys(_found(text)):
        readings = (found, *(one.strip() for one in _without_prose(found)))
        yield tuple(dict.fromkeys(one for one in readings if one))


def _found(text: str) -> Iterator[str]:
    text = _before_query(text)
    fenced = [_before_query(block.strip()) for _, block in _FENCE.findall(text)]
    for one in (*fenced, text):
        yield from _of_json(one)
    queries = [block for block in fenced if _START.match(block)]
    yield from queries
    if queries:
        return
    begin = _START.search(text)
    if begin is not None:
        yield text[begin.start() :].strip()
    led = _LED_TO.search(text)
    if led is not None and (begin is None or led.end() < begin.start()):
        yield text[led.end() :].strip()


def _before_query(text: str) -> str:
    """Take the comments away that a query begins with."""
    while (remark := _REMARKS.match(text)) is not None:
        text = text[remark.end() :]
    return text


def _of_json(text: str) -> Iterator[str]:
    """Yield the texts of a JSON object that begin a query."""
    if not text.startswith(("{", "[")):
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    for one in value.values() if isinstance(value, dict) else ():
        if isinstance(one, str) and _START.match(one.strip()):
            yield one.strip()


def _without_prose(text: str) -> Iterator[str]:
    """Yield shorter readings: up to a closing mark, to prose, to an empty line."""
    closing = _CLOSING.search(text)
    if closing is not None:
        text = text[: closing.start()].rstrip()
        yield text
    if text.count("`") % 2:
        text = text.rstrip("` \n;")
        yield text
    parts = [part.text.strip() for part in scanner.split(text)]
    if len(parts) > 1:
        first = " ".join(parts[0].split()).lower()
        others = [part for part in parts[1:] if " ".join(part.split()).lower() != first]
        if not any(_VERBS.match(part) for part in others):
            yield parts[0]
        return
    speech = _SPEECH.search(text)
    if speech is not None:
        yield text[: speech.start()]
    first, *rest = re.split(r"\n[ \t]*\n", text, maxsplit=1)
    if rest and not _CLAUSE.match(rest[0]):
        yield first
