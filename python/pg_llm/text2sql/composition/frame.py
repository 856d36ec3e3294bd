"""The meaning of a question, between the reading and the SQL.

A reader (English, Chinese) turns a question into a `Frame`; the composer
turns a frame into SQL. Columns may still be ambiguous in a frame: a `Term`
holds its candidates, best first, and the composer takes the one nearest to
the entity that the question is about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.composition.kinship import Kin
    from pg_llm.text2sql.composition.lexeme import Lexeme
    from pg_llm.text2sql.index import Match, ValueMatch


@dataclass(slots=True)
class Term:
    """Something that is selected, grouped, compared or ordered by.

    Without `matches` and with `relation` it is a count of that relation's
    rows; without both, of the entity's. `hints` are column words that an
    adjective implies (old: age, birth date); `unit` truncates a date.
    `other` is what it is divided by (revenue per copy) or what is taken from it,
    as `operator` says.
    """

    matches: list[Match] = field(default_factory=list)
    relation: Relation | None = None
    aggregate: str | None = None
    distinct: bool = False
    unit: str | None = None
    hints: tuple[str, ...] = ()
    text: str = ""
    other: Term | None = None
    operator: str = ""


@dataclass(frozen=True, slots=True)
class DateRange:
    """A period: from `start` on, and before `end`; SQL expressions or dates.

    `year` is set where the period is one whole year, for numeric year columns.
    """

    start: str | None
    end: str | None
    year: int | None = None
    day: datetime.date | None = None


@dataclass(slots=True)
class Condition:
    """A restriction of rows (or of groups, where the term aggregates).

    `op`: =, <>, <, <=, >, >=, between, like, is null, is not null, in, date,
    true, false. `values` are numbers, texts, or one `DateRange`; `against`
    compares with an aggregate of a column over all rows instead.
    `choices` are the columns that hold the value, for conditions that the
    question states by a value alone. `apart`: satisfied by a row of its own
    ("both a cat and a dog"); `every`: of several values each is asked for where
    a row may have many ("speaks English and Dutch").
    """

    term: Term
    op: str
    values: tuple[object, ...] = ()
    against: Term | None = None
    choices: tuple[ValueMatch, ...] = ()
    alternatives: tuple[Condition, ...] = ()
    negated: bool = False
    apart: bool = False
    every: bool = False
    text: str = ""


@dataclass(slots=True)
class Presence:
    """Rows of the entity for which rows of `relation` exist, or do not."""

    relation: Relation
    negated: bool = False
    conditions: list[Condition] = field(default_factory=list)


@dataclass(slots=True)
class Order:
    """Sort by a term; `extreme` marks a superlative, which limits."""

    term: Term
    descending: bool = False
    extreme: bool = False


@dataclass(slots=True)
class Frame:
    """A question's parts.

    `unread` are content words that nothing explains; `verbs` are those that say
    no more than that things belong together, unless a column says when it
    happened; `unrestricted` are the
    relations (OIDs) that the question names with "all": they restrict nothing.
    `idle` are columns that the question names beside its parts ("the language is
    English"): a condition may well be on them. `digits`: what computed numbers
    are rounded to. `units` are the question's lexemes as they stand in it.
    """

    select: list[Term] = field(default_factory=list)
    entity: Relation | None = None
    entity_score: float = 1.0
    conditions: list[Condition] = field(default_factory=list)
    presences: list[Presence] = field(default_factory=list)
    kin: list[Kin] = field(default_factory=list)
    groups: list[Term] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    limit: int | None = None
    digits: int | None = None
    distinct: bool = False
    verbs: tuple[str, ...] = ()
    unrestricted: set[int] = field(default_factory=set)
    hints: frozenset[str] = frozenset()
    idle: list[Term] = field(default_factory=list)
    units: tuple[Lexeme, ...] = ()
    words: int = 0
    unread: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Declined(Exception):
    """The grammar is not sure; the message says why in one sentence."""
