"""What a phrase of a Chinese question may name: names, their shorter forms, synonyms.

Made of the labels of an index; see `chinese_labels` for where those come from.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese import lexicon
from pg_llm.text2sql.index import Match

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import Relation
    from pg_llm.text2sql.index import SchemaIndex

_ALIKE = 0.88
# Ends of a name that a question leaves out.
_TAILS = ("记录", "信息", "列表", "明细", "数据", "资料", "表", "日志", "目录", "档案")
_PLACED = re.compile(r"^(?:所属|所在|所|归属|对应)(?=..)")
_EVENT = re.compile(r"(.{2,4})(?:时间|日期|年份|时刻)")
# What a table is worth that only a key's name names.
_POINTED = 0.8
_KEY = re.compile(r"(?:编号|代码|编码|标识|号|[Ii][Dd])$")


def names(schema: SchemaIndex) -> dict[str, list[Match]]:
    """Return what each Chinese phrase may name, best first; kept with the index."""
    if schema.names is None:
        schema.names = _build(schema)
    return schema.names


def _build(schema: SchemaIndex) -> dict[str, list[Match]]:
    tables: dict[int, list[str]] = {}
    for label, match in schema.labels:
        if match.column is None:
            tables.setdefault(match.relation.oid, []).append(label)
    heads = {label for labels in tables.values() for label in labels}
    found: dict[str, dict[tuple[int, str], Match]] = {}
    for label, match in schema.labels:
        own = frozenset(tables.get(match.relation.oid, ()) if match.column is not None else ())
        for text, score in _variants(label, own, heads, match.column is None):
            key = (match.relation.oid, match.column.name if match.column else "")
            new = Match(match.relation, match.column, match.score * score)
            old = found.setdefault(text, {}).get(key)
            if old is None or old.score < new.score:
                found[text][key] = new
    for text, relation in _pointed(schema, tables):
        new = Match(relation, None, _POINTED)
        found.setdefault(text, {}).setdefault((relation.oid, ""), new)
    for matches in found.values():
        tables_before_keys(matches, schema)
    return {
        text: sorted(matches.values(), key=lambda match: -match.score)
        for text, matches in found.items()
    }


def _pointed(schema: SchemaIndex, named: dict[int, list[str]]) -> Iterator[tuple[str, Relation]]:
    """Yield tables without a Chinese name with what a key that points to them is called."""
    for label, match in schema.labels:
        if match.column is None:
            continue
        for step in schema.joins.steps(match.relation.oid):
            if step.to_one and step.source_columns == (match.column.name,):
                bare = _KEY.sub("", label)
                if step.target not in named and len(bare) >= 2:
                    yield bare, schema.snapshot.by_oid[step.target]


def tables_before_keys(matches: dict[tuple[int, str], Match], schema: SchemaIndex) -> None:
    """Let a name mean the rows of a table at least as much as the keys that point to it."""
    for (oid, name), match in list(matches.items()):
        if not name:
            continue
        for step in schema.joins.steps(oid):
            pointed = matches.get((step.target, ""))
            if step.to_one and step.source_columns == (name,) and pointed is not None:
                score = max(pointed.score, match.score)
                matches[step.target, ""] = Match(pointed.relation, None, score)


def _variants(
    label: str, own: frozenset[str], heads: set[str], whole: bool
) -> Iterator[tuple[str, float]]:
    """Yield a label, shorter forms of it and synonyms, each with its worth.

    `own`: the names of the label's relation, `heads`: of all; `whole`: it names a relation.
    """
    forms = dict(_forms(label, whole))
    short = min((form for form, worth in forms.items() if worth >= _SURE), key=len)
    for size in range(len(short) - 2, 1, -1):
        table, rest = short[:size], short[size:]
        if table in own or table in heads:
            rest = rest[2:] if rest.startswith("所在") and len(rest) > 3 else rest
            worth = 0.95 if table in own else 0.92
            forms[rest] = max(forms.get(rest, 0.0), worth)
    for form, worth in forms.items():
        yield form, worth
        for other in synonyms(form):
            yield other, worth * _ALIKE


_SURE = 0.95


@lru_cache(maxsize=65_536)
def _forms(label: str, whole: bool) -> tuple[tuple[str, float], ...]:
    """Return the forms of a label that it has by itself."""
    found = [(label, 1.0)]
    short = label
    for tail in _TAILS:
        if short.endswith(tail) and len(short) - len(tail) >= 2:
            short = short[: -len(tail)]
            found.append((short, 0.6 if tail == "明细" else 1.0 if whole else _SURE))
    if (bare := _PLACED.sub("", short)) != short:
        found.append((bare, _SURE))
    if event := _EVENT.fullmatch(short):
        found.append((event[1], 0.85))
    for size in range(2, len(short)):
        share = size / len(short)
        found.append((short[-size:], 0.35 + 0.6 * share))
        found.append((short[:size], 0.05 + 0.5 * share))
    best: dict[str, float] = {}
    for form, worth in found:
        best[form] = max(best.get(form, 0.0), worth)
    return tuple(best.items())


@lru_cache(maxsize=65_536)
def synonyms(text: str) -> tuple[str, ...]:
    """Return a name with a word in it replaced by one that means the same."""
    found: list[str] = []
    for group, word in _held(text).items():
        found += [text.replace(word, other) for other in group if other != word]
    return tuple(found)


def _held(text: str) -> dict[tuple[str, ...], str]:
    """Return the groups of synonyms of which a text holds a word, with the longest such word."""
    found: dict[tuple[str, ...], str] = {}
    for start in range(len(text)):
        for end in range(start + 2, min(start + _longest_synonym(), len(text)) + 1):
            _hold(text[start:end], found)
    if len(text) == 1:
        _hold(text, found)
    return found


def _hold(word: str, found: dict[tuple[str, ...], str]) -> None:
    for group in _groups().get(word, ()):
        if len(found.get(group, "")) < len(word):
            found[group] = word


@lru_cache(maxsize=1)
def _groups() -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for group in lexicon.SYNONYMS:
        for word in group:
            found.setdefault(word, []).append(group)
    return found


@lru_cache(maxsize=1)
def _longest_synonym() -> int:
    return max(map(len, _groups()))
