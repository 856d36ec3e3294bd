"""Take apart SQL that the server itself has written (ruleutils.c).

`pg_get_viewdef` and `pg_get_function_sqlbody` write keywords in capitals and
quote every identifier that is not lower case, so that clauses can be told
apart by their words; nothing here reads what a person has written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What matters outside of parentheses. Each branch begins with a plain character,
# which lets `re` pass over all others; `\wX` behind it is what `\b` would say.
_TOP: Final = re.compile(
    "|".join(
        [
            r"'[^']*'",
            r'"[^"]*"',
            r"\(",
            r"\[",
            ",",
            *(
                rf"{word[0]}(?<!\w{word[0]}){word[1:]}\b"
                for word in (
                    "CASE",
                    "WITH(?: RECURSIVE)?",
                    r"SELECT(?: DISTINCT(?: ON(?= \())?)?",
                    "FROM",
                    "WHERE",
                    "GROUP BY(?: DISTINCT)?",
                    "HAVING",
                    "WINDOW",
                    "ORDER BY",
                    "LIMIT",
                    "OFFSET",
                    "FETCH FIRST",
                    "FOR (?:NO KEY UPDATE|KEY SHARE|UPDATE|SHARE)",
                    "UNION(?: ALL)?",
                    "INTERSECT(?: ALL)?",
                    "EXCEPT(?: ALL)?",
                    "INSERT INTO",
                    "VALUES",
                    "ON CONFLICT",
                    "DO UPDATE SET",
                    "DO NOTHING",
                    "RETURNING",
                    "UPDATE",
                    "SET",
                    "DELETE FROM",
                    "DISTINCT FROM",
                    "MERGE INTO",
                    "USING",
                    "WHEN (?:NOT )?MATCHED",
                    "THEN",
                )
            ),
        ]
    )
)
_NESTED: Final = re.compile(r"""'[^']*'|"[^"]*"|\([^]['"()]*+\)|\(|\)|\[|\]""")
_IN_CASE: Final = re.compile(r"""'[^']*'|"[^"]*"|\(|\[|C(?<!\wC)ASE\b|E(?<!\wE)ND\b""")
_OPERATORS: Final = frozenset(
    {"UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"}
)
_SPACE: Final = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|\s+""")
_NAMED: Final = re.compile(r' AS ("(?:[^"]|"")*"|[a-z_][a-z0-9_$]*)$')


@dataclass(slots=True)
class Clause:
    """A clause: its keyword, its text, and the items between top-level commas."""

    keyword: str
    items: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The clause's text on one line."""
        return ", ".join(self.items)


def clauses(text: str, *, head: bool = False) -> list[Clause]:
    """Return the top-level clauses of a statement, in their order.

    A parenthesised branch of a set operation is taken apart in its place.
    `head`: only as far as the first select list.
    """
    last = Clause("")
    found = [last]
    start = position = 0
    while event := _TOP.search(text, position):
        word, position = event[0], event.end()
        first = word[0]
        if first == ",":
            _take(last, text[start : event.start()])
            start = position
        elif first == "(" or first == "[":
            inner, position = position, closing(text, position)
            if first == "(" and _branch_may_start(found, text[start : event.start()]):
                found.extend(clauses(text[inner : position - 1]))
                last, start = found[-1], position
        elif word == "CASE":
            position = _end_of_case(text, position)
        elif first not in "'\"" and word != "DISTINCT FROM":
            _take(last, text[start : event.start()])
            if head and last.keyword.startswith("SELECT"):
                return found
            last = Clause(word)
            found.append(last)
            start = position
    _take(last, text[start:])
    return [clause for clause in found if clause.keyword or clause.items]


def _take(clause: Clause, text: str) -> None:
    item = _one_line(text)
    if item:
        clause.items.append(item)


def closing(text: str, position: int) -> int:
    """Return where the parentheses end that are open at `position`."""
    depth = 1
    for event in _NESTED.finditer(text, position):
        mark = event[0]
        if mark == "(" or mark == "[":
            depth += 1
        elif mark == ")" or mark == "]":
            depth -= 1
            if not depth:
                return event.end()
    return len(text)


def _end_of_case(text: str, position: int) -> int:
    depth = 1
    while depth and (event := _IN_CASE.search(text, position)):
        mark, position = event[0], event.end()
        if mark == "(" or mark == "[":
            position = closing(text, position)
        elif mark == "CASE":
            depth += 1
        elif mark == "END":
            depth -= 1
    return position


def _one_line(text: str) -> str:
    """Return the text without line breaks, literals as they are."""
    if "'" not in text and '"' not in text:
        return " ".join(text.split())
    return _SPACE.sub(lambda match: match[1] or " ", text).strip()


def _branch_may_start(found: list[Clause], before: str) -> bool:
    last = found[-1]
    return (
        not last.items and not before.strip() and (not last.keyword or last.keyword in _OPERATORS)
    )


def unnamed(item: str) -> str:
    """Return an item of a select list without its name."""
    return _NAMED.sub("", item)


def select_lists(found: Sequence[Clause]) -> Iterator[list[str]]:
    """Yield the select list (or the only row of VALUES) of each branch."""
    for clause in found:
        if clause.keyword.startswith("SELECT"):
            items = clause.items
            if clause.keyword.startswith("SELECT DISTINCT ON") and items:
                items = [after_parentheses(items[0]), *items[1:]]
            yield [unnamed(item) for item in items]
        elif clause.keyword == "VALUES" and len(clause.items) == 1:
            yield comma_separated(clause.items[0])


def outputs(found: Sequence[Clause]) -> list[str]:
    """Return the expression of each output column of a query.

    Where branches of a set operation differ, the expressions stand with the
    operator between them.
    """
    lists = list(select_lists(found))
    operators = [c.keyword.lower() for c in found if c.keyword in _OPERATORS]
    if not lists or len(lists) != len(operators) + 1:
        return lists[0] if len(lists) == 1 else []
    joined = lists[0]
    for operator, other in zip(operators, lists[1:], strict=True):
        if len(other) != len(joined):
            return []
        joined = [
            a if a == b else f"{a} {operator} {b}" for a, b in zip(joined, other, strict=True)
        ]
    return joined


def returned(found: Sequence[Clause]) -> list[str]:
    """Return the expressions of RETURNING."""
    return [
        unnamed(item) for clause in found if clause.keyword == "RETURNING" for item in clause.items
    ]


def assignments(items: Sequence[str]) -> list[str]:
    """Return the expression for each column that `SET` assigns, in its order."""
    found = []
    for item in items:
        left, _, right = item.partition(" = ")
        found.extend([right] * len(comma_separated(left)))
    return found


def merge_actions(found: Sequence[Clause]) -> list[list[str]]:
    """Return the assigned expressions of each WHEN of a MERGE, in their order."""
    actions: list[list[str]] = []
    for clause in found:
        if clause.keyword.startswith("WHEN"):
            actions.append([])
        elif actions and clause.keyword == "SET":
            actions[-1] = assignments(clause.items)
        elif actions and clause.keyword == "VALUES" and len(clause.items) == 1:
            actions[-1] = comma_separated(clause.items[0])
    return actions


def comma_separated(text: str) -> list[str]:
    """Return the items of a list, without the parentheses around it."""
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    found = clauses(text)
    return found[0].items if found else []


def after_parentheses(text: str) -> str:
    """Return what follows the parentheses that the text begins with."""
    return text[_closing(text) :].strip()


def inside_parentheses(text: str) -> str:
    """Return what stands in the text's first pair of parentheses."""
    end = _closing(text)
    return text[text.find("(") + 1 : end - 1].strip() if end else text


def _closing(text: str) -> int:
    """Return where the first pair of parentheses, or CASE, ends; 0 without one."""
    for event in _TOP.finditer(text):
        if event[0] in ("(", "["):
            return closing(text, event.end())
        if event[0] == "CASE":
            return _end_of_case(text, event.end())
    return 0
