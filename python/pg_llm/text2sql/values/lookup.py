"""Looking the texts of a question up in the value index, as the caller."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pg_llm.errors import DatabaseError
from pg_llm.text2sql.chinese import lexer as chinese_lexer
from pg_llm.text2sql.composition.render import quote
from pg_llm.text2sql.english import lexer as english_lexer
from pg_llm.text2sql.index import ColumnRef, ValueMatch, fold
from pg_llm.text2sql.values.refresh import LONGEST
from pg_llm.text2sql.values.spans import spans
from pg_llm.text2sql.values.spelling import (
    edits,
    grams,
    holds,
    is_unspaced,
    likeness,
    plain,
    segments,
)
from pg_llm.text2sql.words import is_chinese

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database, Row
    from pg_llm.text2sql.index import SchemaIndex

    Found = dict[str, list[ValueMatch]]

_MOST_TEXTS = 8
_MOST_CANDIDATES = 500
# A part is taken for the whole where it is so much of it.
_PART = 0.5
_PART_UNSPACED = 0.2
_SHORTEST_PART, _SHORTEST_UNSPACED = 4, 2
_ALIKE, _HELD = 0.85, 0.8
# A value is meant where the next one is so much farther.
_MARGIN = 0.1
# A relation of so many rows is read to see whether a value is still there.
_MOST_ROWS = 50_000
_LIMIT_OF_COLUMN = 20

_ANY = "select exists (select from llm.indexed_columns) as any"
_COLUMN = """
    c.relation::pg_catalog.int8 as oid, c.column_name as name, c.state,
    v.value, v.folded
"""
# Row security passes superusers by, and they too look up what is there as it was read.
# A subquery for each row: the policy is not asked of columns that hold nothing of the question.
_COLUMNS = """
    lateral (
        select c.relation, c.column_name, c.state
        from llm.indexed_columns c
        where c.id operator(pg_catalog.=) v.column_id
          and llm.column_indexable(c.relation, c.number, c.column_name, c.type)
        offset 0
    ) c on true
"""
# Limited, so that the planner expects few rows, and no compilation is worth it.
_EXACT = f"""
select {_COLUMN}
from (
    select v.column_id, v.value, v.folded
    from llm.indexed_values v
    where v.folded operator(pg_catalog.=) any ($1)
    order by v.size desc
    limit {_MOST_CANDIDATES}
) v
join {_COLUMNS}
"""
# Rows come from the index on grams alone; the policy and what follows are asked of them.
_NEAR = f"""
select {_COLUMN}
from (
    select v.column_id, v.value, v.folded
    from llm.indexed_values v
    where (%s)
      and v.size operator(pg_catalog.>=) $1
      and v.size operator(pg_catalog.<=) $2
    limit {_MOST_CANDIDATES}
) v
join {_COLUMNS}
"""
_STATES = """
select s.relation::pg_catalog.int8 as oid, s.state
from llm.relation_states($1) s
"""


def find(database: Database, question: str, schema: SchemaIndex) -> Found:
    """Return the values of the question that the index holds, by the folded text that names them.

    Texts that no column holds as they are may be a value's part or misspelling:
    where one value alone is so near, it is returned with a lower score and a
    note. What the caller may not see is not found: row security of the index
    decides, and columns that are withheld in `schema` are passed by.
    """
    if not schema.relations or not database.execute(_ANY)[0]["any"]:
        return {}
    asked: dict[str, set[str]] = defaultdict(set)
    for text in spans(question, schema):
        asked[plain(text)].add(fold(text))
    asked.pop("", None)
    rows = database.execute(_EXACT, [list(asked)], ["text[]"]) if asked else []
    lookup = _Lookup(database, schema)
    found: Found = {}
    for match, folded in lookup.matches(rows, question):
        for key in asked[folded]:
            known = schema.values.get(key, ())
            if not any(one.ref == match.ref and one.value == match.value for one in known):
                found.setdefault(key, []).append(match)
    # what is found as it is explains its words, before anything is guessed
    schema.found = found
    for text in _open(question, schema):
        if fold(text) and not schema.value(fold(text)):
            said, near = lookup.near(text, question)
            if near:
                found[fold(said)] = near
    return found


def _open(question: str, schema: SchemaIndex) -> list[str]:
    """Return the texts that nothing explains yet, longest first; parts of names come later."""
    texts = (
        chinese_lexer.unread(question, schema)
        if is_chinese(question)
        else english_lexer.unexplained(question, schema)
    )
    ordered = sorted(dict.fromkeys(texts), key=len, reverse=True)
    known = [key for key in schema.found if " " in key]
    free = [text for text in ordered if not any(holds(key, fold(text)) for key in known)]
    return free[:_MOST_TEXTS]


class _Lookup:
    """What one question needs to know about columns that hold its texts."""

    def __init__(self, database: Database, schema: SchemaIndex) -> None:
        self._database = database
        self._schema = schema

    def matches(self, rows: list[Row], question: str = "") -> Iterator[tuple[ValueMatch, str]]:
        """Yield rows as values that are there, or whose note says that this is not known.

        Spellings that the question has come first.
        """
        refs = {(row["oid"], row["name"]): self._ref(row) for row in rows}
        states = self._states({ref.relation.oid for ref in refs.values() if ref is not None})
        stale = defaultdict(list)
        for row in rows:
            if row["state"] is None or states.get(row["oid"]) != row["state"]:
                stale[row["oid"], row["name"]].append(row["value"])
        there = {
            place: self._there(ref, stale[place])
            for place, ref in refs.items()
            if ref is not None and place in stale
        }
        for row in sorted(rows, key=lambda row: row["value"] not in question):
            place = (row["oid"], row["name"])
            ref = refs[place]
            if ref is None:
                continue
            note = ""
            if place in there:
                seen = there[place]
                if seen is not None and row["value"] not in seen:
                    continue
                if seen is None:
                    note = (
                        f"{ref.relation.sql_name} has changed since its values were indexed:"
                        f' it may hold "{row["value"]}" no more'
                    )
            yield ValueMatch(ref, row["value"], 0.95 if note else 1.0, note), row["folded"]

    def near(self, text: str, question: str) -> tuple[str, list[ValueMatch]]:
        """Return the one value that is spelled alike or holds the text; nothing for several.

        What comes first is the text that names it: Chinese characters with those
        beside them in the question that the value has too.
        """
        asked = plain(text)
        ranked = []
        for match, folded in self.matches(self._candidates(asked)):
            said = _extended(asked, folded, plain(question)) if is_unspaced(asked) else text
            worth = _worth(plain(said), folded)
            if worth > 0:
                ranked.append((worth, said, match, folded))
        ranked.sort(key=lambda one: -one[0])
        if not ranked:
            return text, []
        best, said, _, taken = ranked[0]
        if any(worth > best - _MARGIN and folded != taken for worth, _, _, folded in ranked):
            return text, []
        return said, [
            ValueMatch(match.ref, match.value, worth * match.score, _note(said, match))
            for worth, _, match, folded in ranked
            if folded == taken
        ]

    def _candidates(self, asked: str) -> list[Row]:
        size = len(asked)
        rows: list[Row] = []
        if is_unspaced(asked) and size >= _SHORTEST_UNSPACED:
            rows += self._ask([grams(asked)], size, LONGEST)
        elif size >= _SHORTEST_PART:
            rows += self._ask([grams(asked)], size, int(size / _PART))
        if edits(asked):
            rows += self._ask(segments(asked), size - edits(asked), size + edits(asked))
        unique = {(row["oid"], row["name"], row["value"]): row for row in rows}
        return list(unique.values())

    def _ask(self, alternatives: list[list[int]], least: int, most: int) -> list[Row]:
        places = range(3, 3 + len(alternatives))
        condition = " or ".join(f"v.grams operator(llm.@>) ${place}" for place in places)
        args: list[Any] = [least, most, *alternatives]
        types = ["int4", "int4", *["int4[]"] * len(alternatives)]
        return self._database.execute(_NEAR % condition, args, types)

    def _ref(self, row: Row) -> ColumnRef | None:
        relation = self._schema.snapshot.by_oid.get(row["oid"])
        column = relation.column(row["name"]) if relation is not None else None
        if relation is None or column is None or column.withheld:
            return None
        return ColumnRef(relation, column)

    def _states(self, oids: set[int]) -> dict[int, str | None]:
        if not oids:
            return {}
        rows = self._database.execute(_STATES, [sorted(oids)], ["oid[]"])
        return {row["oid"]: row["state"] for row in rows}

    def _there(self, ref: ColumnRef, values: list[str]) -> set[str] | None:
        """Return which values the column holds now; None where that takes too long to see."""
        relation = ref.relation
        if not 0 <= relation.rows <= _MOST_ROWS:
            return None
        name = f"t.{quote(ref.column.name)}::pg_catalog.text"
        query = (
            f'select distinct {name} collate "C" as value'
            f" from {quote(relation.schema)}.{quote(relation.name)} as t"
            f" where {name} operator(pg_catalog.=) any ($1)"
        )
        try:
            rows = self._database.execute(query, [values[:_LIMIT_OF_COLUMN]], ["text[]"])
        except DatabaseError:
            return None
        return {row["value"] for row in rows}


def _worth(asked: str, folded: str) -> float:
    """Return how surely a plain text means a value that is not spelled so (0: it does not)."""
    alike = likeness(asked, folded) if edits(asked) else 0.0
    if alike:
        return _ALIKE * (0.75 + 0.25 * alike)
    share = len(asked) / len(folded)
    if holds(folded, asked) and share >= (_PART_UNSPACED if is_unspaced(asked) else _PART):
        return _HELD * (0.9 + 0.1 * share)
    return 0.0


def _extended(asked: str, folded: str, question: str) -> str:
    """Return the longest text around `asked` that both a value and the question hold."""
    start = question.find(asked)
    if start < 0 or asked not in folded:
        return asked
    end = start + len(asked)
    while end < len(question) and question[start : end + 1] in folded:
        end += 1
    while start > 0 and question[start - 1 : end] in folded:
        start -= 1
    return question[start:end].strip()


def _note(text: str, match: ValueMatch) -> str:
    said = f'"{text}" was read as "{match.value}"'
    return f"{said}; {match.note}" if match.note else said
