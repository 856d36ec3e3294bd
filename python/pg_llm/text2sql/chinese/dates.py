"""Chinese phrases for periods of time."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese.lexicon import number
from pg_llm.text2sql.composition.frame import DateRange
from pg_llm.text2sql.english.dates import (
    day_range,
    last_range,
    months_range,
    relative_range,
    year_range,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"天": "day", "日": "day", "周": "week", "个星期": "week", "星期": "week",
          "个月": "month",
          "月": "month", "季度": "quarter", "个季度": "quarter", "年": "year"}  # fmt: skip
_WHICH = {
    **dict.fromkeys(("今", "本", "这", "这个", "当"), "this"),
    **dict.fromkeys(("去", "上", "上个", "上一", "昨"), "last"),
    **dict.fromkeys(("下", "下个", "下一", "明"), "next"),
}
_ORDINALS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}


def _day(match: re.Match[str]) -> DateRange:
    return day_range(datetime.date(int(match[1]), int(match[2]), int(match[3])))


def _last(match: re.Match[str]) -> DateRange | None:
    count = int(match[1]) if match[1].isdigit() else number(match[1])
    return None if count is None else last_range(count, _UNITS[match[2]])


def _relative(match: re.Match[str]) -> DateRange:
    return relative_range(_WHICH[match[1]], _UNITS[match[2]])


_YEARS = {"今": 0, "本": 0, "当": 0, "去": -1, "上": -1, "前": -2, "明": 1}


def _of_year(match: re.Match[str], first: int, months: int) -> DateRange:
    """Return some months of this or another year, from its month `first` (0) on."""
    start = 12 * _YEARS[match[1]] + first
    year = "date_trunc('year', current_date)"

    def after(count: int) -> str:
        sign = "+" if count > 0 else "-"
        return f"{year} {sign} interval '{abs(count)} months'" if count else year

    return DateRange(after(start), after(start + months))


def _month_of_year(match: re.Match[str]) -> DateRange | None:
    month = int(match[2]) if match[2].isdigit() else number(match[2])
    return _of_year(match, month - 1, 1) if month and month <= 12 else None


def _before_last(match: re.Match[str]) -> DateRange:
    unit = _UNITS[match[2]]
    step = "interval '3 months'" if unit == "quarter" else f"interval '1 {unit}'"
    this = f"date_trunc('{unit}', current_date)"
    return DateRange(f"{this} - 2 * {step}", f"{this} - {step}")


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], DateRange | None]], ...] = (
    (re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})[日号]"), _day),
    (re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"), _day),
    (re.compile(r"(\d{4})年(\d{1,2})月份?"), lambda m: months_range(int(m[1]), int(m[2]), 1)),
    (
        re.compile(r"(\d{4})年第?([一二三四1-4])季度"),
        lambda m: months_range(int(m[1]), 3 * _ORDINALS[m[2]] - 2, 3),
    ),
    (
        re.compile(r"(\d{4})年([上下])半年"),
        lambda m: months_range(int(m[1]), 1 if m[2] == "上" else 7, 6),
    ),
    (
        re.compile(r"(\d{4})年?[Qq]([1-4])"),
        lambda m: months_range(int(m[1]), 3 * int(m[2]) - 2, 3),
    ),
    (
        re.compile(r"(\d{4})年(十[一二]?|[一二三四五六七八九])月份?"),
        lambda m: months_range(int(m[1]), number(m[2]) or 1, 1),
    ),
    (
        re.compile(r"(\d{4})[-/](\d{1,2})(?![-/\d])月?份?"),
        lambda m: months_range(int(m[1]), int(m[2]), 1),
    ),
    (re.compile(r"(\d{4})年度?"), lambda m: year_range(int(m[1]))),
    (
        re.compile(r"([今本去前明])年([上下])半年"),
        lambda m: _of_year(m, 0 if m[2] == "上" else 6, 6),
    ),
    (
        re.compile(r"([今本去前明])年第?([一二三四1-4])季度"),
        lambda m: _of_year(m, 3 * _ORDINALS[m[2]] - 3, 3),
    ),
    (re.compile(r"([今本去前明])年(\d{1,2}|十[一二]?|[一二三四五六七八九])月份?"), _month_of_year),
    (re.compile(r"(?:最近|近|过去)半年"), lambda _: last_range(6, "month")),
    (re.compile(r"(前)年"), lambda m: _of_year(m, 0, 12)),
    (
        re.compile(
            r"(\d+|[一二两三四五六七八九十]+)(天|日|周|个星期|个月|个季度|年)(?:以内|之内|内)"
        ),
        _last,
    ),
    (
        re.compile(
            r"(?:最近|近|过去)(\d+|[一二两三四五六七八九十]+)(天|日|周|个星期|个月|个季度|年)"
        ),
        _last,
    ),
    (re.compile(r"(今|去|本|当|上一|明)(年)度?"), _relative),
    (re.compile(r"(上上)个?(月|季度|周|星期)"), _before_last),
    (re.compile(r"(本|这个|这|当|上个|上一|上|下个|下一|下)个?(月|季度|周|星期)"), _relative),
    (re.compile(r"(今|昨|明)(天|日)"), _relative),
)


def date_phrase(text: str) -> DateRange | None:
    """Return the period that a phrase names, None for none."""
    for pattern, build in _PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            try:
                return build(match)
            except ValueError:
                return None
    return None


def date_spans(question: str) -> dict[int, tuple[int, DateRange]]:
    """Return the periods in a question: start, end and what each means."""
    found: dict[int, tuple[int, DateRange]] = {}
    for pattern, build in _PATTERNS:
        for match in pattern.finditer(question):
            start, end = match.span()
            if any(start < other_end and end > other for other, (other_end, _) in found.items()):
                continue
            try:
                span = build(match)
            except (KeyError, ValueError):
                span = None
            if span is not None:
                found[start] = (end, span)
    return found
