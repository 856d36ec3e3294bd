"""English phrases for periods of time."""

from __future__ import annotations

import datetime
import re

from pg_llm.text2sql.composition.frame import DateRange

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        1,
    )
    for name in names.split()
}
_UNITS = {"day", "week", "month", "quarter", "year", "hour"}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})$")
_LAST_N = re.compile(
    r"(?:in |during |within |over |for )?(?:the )?(?:last|past|previous|preceding)"
    r" (\d+|[a-z]+) (\w+?)s?$"
)
_RELATIVE = re.compile(
    r"(?:in |during |for |of )?(?:the )?(this|last|previous|past|current|next)"
    r" (day|week|month|quarter|year)$"
)
_MONTH_YEAR = re.compile(rf"(?:in |during |of )?({_MONTH})\.?,? (?:of )?(\d{{4}})$")
_MONTH_DAY_YEAR = re.compile(rf"(?:on )?({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})$")
_DAY_MONTH_YEAR = re.compile(
    rf"(?:on )?(?:the )?(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\.?,? (\d{{4}})$"
)
_QUARTER = re.compile(
    r"(?:in |during )?(?:the )?"
    r"(?:q([1-4])|(first|second|third|fourth|1st|2nd|3rd|4th) quarter)(?: of)?,? (\d{4})$"
)
_YEAR = re.compile(r"(?:in |during |of )?(?:the )?(?:year|calendar year) (\d{4})$")
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}
_HALF = re.compile(r"(?:in |during )?(?:the )?(first|second) half of (\d{4})$")


def date_phrase(phrase: str) -> DateRange | None:
    """Return the period that a lower-case phrase names, None for none."""
    phrase = phrase.replace(" ,", ",")
    if phrase == "today":
        return DateRange("current_date", "current_date + 1")
    if phrase == "yesterday":
        return DateRange("current_date - 1", "current_date")
    for pattern, build in (
        (_ISO, _iso),
        (_YEAR, _year),
        (_RELATIVE, _relative),
        (_LAST_N, _last_n),
        (_MONTH_YEAR, _month_year),
        (_MONTH_DAY_YEAR, _month_day_year),
        (_DAY_MONTH_YEAR, _day_month_year),
        (_QUARTER, _quarter),
        (_HALF, _half),
    ):
        match = pattern.match(phrase)
        if match:
            try:
                return build(match)
            except ValueError:
                return None
    return None


def year_range(year: int) -> DateRange:
    """Return one whole year."""
    return DateRange(f"date '{year}-01-01'", f"date '{year + 1}-01-01'", year=year)


def months_range(year: int, month: int, months: int) -> DateRange:
    """Return `months` months from the first of one on."""
    start = datetime.date(year, month, 1)
    after = year * 12 + month - 1 + months
    end = datetime.date(after // 12, after % 12 + 1, 1)
    return DateRange(f"date '{start}'", f"date '{end}'")


def day_range(day: datetime.date) -> DateRange:
    """Return one day."""
    return DateRange(f"date '{day}'", f"date '{day + datetime.timedelta(days=1)}'", day=day)


def relative_range(which: str, unit: str) -> DateRange:
    """Return this, the last or the next day, week, month, quarter or year."""
    if unit == "day":
        offset = {"this": 0, "last": -1, "next": 1}[which]
        base = f"current_date {'+' if offset > 0 else '-'} 1" if offset else "current_date"
        return DateRange(base, f"current_date + {offset + 1}" if offset + 1 else "current_date")
    this = f"date_trunc('{unit}', current_date)"
    step = "interval '3 months'" if unit == "quarter" else f"interval '1 {unit}'"
    if which == "this":
        return DateRange(this, f"{this} + {step}")
    if which == "next":
        return DateRange(f"{this} + {step}", f"{this} + 2 * {step}")
    return DateRange(f"{this} - {step}", this)


def last_range(number: int, unit: str) -> DateRange:
    """Return the last `number` units up to now."""
    if unit == "quarter":
        number, unit = number * 3, "month"
    plural = "" if number == 1 else "s"
    base = "now()" if unit == "hour" else "current_date"
    return DateRange(f"{base} - interval '{number} {unit}{plural}'", None)


def _iso(match: re.Match[str]) -> DateRange:
    return day_range(datetime.date(*(int(part) for part in match.groups())))


def _year(match: re.Match[str]) -> DateRange:
    return year_range(int(match[1]))


def _relative(match: re.Match[str]) -> DateRange:
    which = {"current": "this", "previous": "last", "past": "last"}.get(match[1], match[1])
    return relative_range(which, match[2])


def _last_n(match: re.Match[str]) -> DateRange | None:
    from pg_llm.text2sql.words import NUMBERS

    number = int(match[1]) if match[1].isdigit() else NUMBERS.get(match[1])
    if number is None or match[2] not in _UNITS:
        return None
    return last_range(number, match[2])


def _month_year(match: re.Match[str]) -> DateRange:
    return months_range(int(match[2]), _MONTHS[match[1]], 1)


def _month_day_year(match: re.Match[str]) -> DateRange:
    return day_range(datetime.date(int(match[3]), _MONTHS[match[1]], int(match[2])))


def _day_month_year(match: re.Match[str]) -> DateRange:
    return day_range(datetime.date(int(match[3]), _MONTHS[match[2]], int(match[1])))


def _quarter(match: re.Match[str]) -> DateRange:
    number = int(match[1]) if match[1] else _ORDINALS[match[2]]
    return months_range(int(match[3]), 3 * number - 2, 3)


def _half(match: re.Match[str]) -> DateRange:
    return months_range(int(match[2]), 1 if match[1] == "first" else 7, 6)
