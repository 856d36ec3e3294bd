"""Rows tied to other rows of their own table: who reports to whom.

Which of the two is asked for, and which is told, follows from the verb's form:
"who reports to A", "supervised by A" and "whom does A supervise" ask for those
below; "who supervises A", "A's supervisor" and "whom does A report to" for the
one above. The verb or noun is that of a key that points to its own table
(supervisor_id), or the general "report to".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.words import root, split_identifier, word_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import ForeignKey, Relation
    from pg_llm.text2sql.composition.frame import Condition, Frame
    from pg_llm.text2sql.index import SchemaIndex

# Whom one reports to, as keys are called.
_ABOVE = frozenset(
    root(word) for word in word_set("manager supervisor boss lead leader superior chief reports")
)
_ASK = r"(?:(?:show|list|find|give|name)(?:\s+me)?\s+|(?:what|who)(?:\s+is|\s+are|\s+was|'s)\s+)"


@dataclass(frozen=True, slots=True)
class Kin:
    """A key to its own table, and conditions on the row at its other end.

    `above`: the rows asked for are those that the key points to.
    """

    key: ForeignKey
    above: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Tie:
    """How a question may be taken apart: what is asked for, and who is told.

    `certain`: the words say nothing else.
    """

    key: ForeignKey
    relation: Relation
    above: bool
    asked: str
    told: str
    certain: bool


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"^{text}\s*[?.]*$", re.IGNORECASE)


_WHO = r"(?:who|that|which)"
# Pattern, and whether the one above is asked for.
_REPORT = (
    (_pattern(r"who(?:m)?\s+(?:do|does|did)\s+(?P<told>.+?)\s+report\s+to"), True),
    (
        _pattern(
            rf"(?P<asked>.+?)\s+(?:{_WHO}\s+)?(?:directly\s+)?report(?:s|ed|ing)?\s+(?:directly\s+)?"
            r"to\s+(?P<told>.+?)"
        ),
        False,
    ),
)
_VERBS = (
    (_pattern(r"who(?:m)?\s+(?:do|does|did)\s+(?P<told>.+?)\s+(?P<verb>[a-z]+)"), False),
    (
        _pattern(
            rf"(?P<asked>.+?)\s+(?:{_WHO}\s+)?(?:(?:is|are|was|were)\s+)?(?P<verb>[a-z]+ed|led)\s+by\s+"
            r"(?P<told>.+?)"
        ),
        False,
    ),
    (_pattern(r"(?P<asked>who|which\s+\w+)\s+(?P<verb>[a-z]+)\s+(?P<told>.+?)"), True),
    (_pattern(rf"{_ASK}?(?:the\s+)?(?P<verb>[a-z]+)\s+of\s+(?P<told>.+?)"), True),
    (_pattern(rf"{_ASK}?(?P<told>.+?)['\u2019]s?\s+(?P<verb>[a-z]+)"), True),
)


def ties(question: str, schema: SchemaIndex) -> Iterator[Tie]:
    """Yield the ways to read a question as one about two rows of one table."""
    keys = [
        (key, {root(word) for word in split_identifier(key.source_columns[0])})
        for key in schema.snapshot.foreign_keys
        if key.source == key.target and len(key.source_columns) == 1
    ]
    text = " ".join(question.split())
    for pattern, above in _REPORT if keys else ():
        if match := pattern.match(text):
            for key, words in keys:
                if words & _ABOVE:
                    yield _tie(key, above, match, schema, certain=True)
    for pattern, above in _VERBS if keys else ():
        if match := pattern.match(text):
            for key, words in keys:
                if root(match["verb"].lower()) in words:
                    yield _tie(key, above, match, schema, certain=False)


def _tie(
    key: ForeignKey, above: bool, match: re.Match[str], schema: SchemaIndex, *, certain: bool
) -> Tie:
    relation = schema.snapshot.by_oid[key.source]
    name = " ".join(split_identifier(relation.name))
    asked = match.groupdict().get("asked") or "who"
    if asked.lower() in ("who", "whom"):
        asked = f"which {name}"
    return Tie(key, relation, above, asked, f"{name} {match['told']}", certain)


def kin(tie: Tie, asked: Frame, told: Frame) -> Kin | None:
    """Return what ties the two together, where both are rows of the one table."""
    if asked.entity is None and all(
        unit.tables[0].relation.oid == tie.relation.oid
        for unit in asked.units
        if unit.symbol == "T"
    ):
        # how many welders report to ...
        asked.entity = tie.relation
    if asked.entity is None or asked.entity.oid != tie.relation.oid or told.unread:
        return None
    more = (told.presences, told.groups, told.orders, told.limit, told.kin)
    if told.entity is None or told.entity.oid != tie.relation.oid or any(more):
        return None
    plain = [one for one in told.conditions if not one.term.aggregate and one.op != "or"]
    if not plain or len(plain) < len(told.conditions):
        return None
    return Kin(tie.key, tie.above, tuple(plain))
