"""Columns that say how much: what "total payments" sums."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.index import ColumnRef
from pg_llm.text2sql.words import split_identifier, stem

if TYPE_CHECKING:
    from pg_llm.catalog import Relation

_MEASURES = ("amount", "total", "revenue", "value", "sales", "cost", "price", "quantity", "qty")
_ADDED = (
    "金额",
    "总额",
    "销售额",
    "收入",
    "数量",
    "销量",
    "成本",
    "费用",
    "支出",
    "利润",
    "总价",
    "工时",
)
_CHINESE = ("金额", "总额", "总价", "收入", "价格", "数量")


def measure(relation: Relation) -> ColumnRef | None:
    """Return the one numeric column that measures a relation's rows."""
    for word, chinese in zip(_MEASURES, (*_CHINESE, *[""] * 9), strict=False):
        found = [
            column
            for column in relation.columns
            if column.category == "N"
            and (
                stem(word) in [stem(piece) for piece in split_identifier(column.name)]
                or (chinese and chinese in normal(f"{column.name} {column.comment or ''}"))
            )
        ]
        if len(found) == 1:
            return ColumnRef(relation, found[0])
        if found:
            return None
    return None


def quantity(relation: Relation) -> ColumnRef | None:
    """Return the one column that counts things in a relation's rows."""
    found = [
        column
        for column in relation.columns
        if column.category == "N"
        and {"quantity", "qty", "unit"} & {stem(p) for p in split_identifier(column.name)}
        and additive_name(column.name)
        and not _RATES & {stem(p) for p in split_identifier(column.name)}
    ]
    return ColumnRef(relation, found[0]) if len(found) == 1 else None


def row_amount(relation: Relation) -> ColumnRef | None:
    """Return the measure of a relation whose rows are amounts (stock), else None."""
    return measure(relation) if len(relation.primary_key) > 1 else None


_RATES = {"price", "rate", "rating", "average", "avg", "percent", "age", "score"}


def additive_name(name: str) -> bool:
    """Whether no word of a column's name says that its sums mean nothing."""
    words = {stem(piece) for piece in split_identifier(name)}
    return not words & {*_RATES, "year", "rank", "level", "height", "width", "length", "number"}


# numeric(4,3): at most one digit before the point.
_DIGITS = re.compile(r"numeric\((\d+),(\d+)\)")


def share_of_one(ref: ColumnRef) -> bool:
    """Whether a column holds shares (0.15), by its type."""
    digits = _DIGITS.match(ref.column.type)
    return digits is not None and int(digits[1]) - int(digits[2]) <= 1 and int(digits[2]) > 1


_LASTING = frozenset({"day", "hour", "minute", "second", "week", "month", "year", "decimal"})


def counted(ref: ColumnRef) -> bool:
    """Whether a column says how many there are: whole numbers under a plural name (beds)."""
    last = split_identifier(ref.column.name)[-1]
    whole = ref.column.type in ("integer", "smallint", "bigint")
    return whole and stem(last) not in {last, *_LASTING}


def additive(ref: ColumnRef) -> bool:
    """Whether sums of a column mean something: amounts, counts, quantities."""
    words = {stem(piece) for piece in split_identifier(ref.column.name)}
    rates = _RATES
    comment = normal(f"{ref.column.name} {ref.column.comment or ''}")
    return (
        ref.column.category == "N"
        and not words & rates
        and (
            counted(ref)
            or bool(
                words
                & {
                    "amount",
                    "total",
                    "revenue",
                    "sale",
                    "quantity",
                    "qty",
                    "unit",
                    "cost",
                    "margin",
                    "profit",
                    "fare",
                    "fee",
                }
            )
            or any(word in comment for word in _ADDED)
        )
    )
