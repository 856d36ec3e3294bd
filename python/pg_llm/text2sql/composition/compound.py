# ruff: noqa: RUF001  (Chinese text)
"""Questions made of simpler ones: ratios, differences, changes, "in A but not in B".

Each part is read and composed as a question of its own; the statements are then
put together. A part that the grammar does not read surely declines the whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition import calculation
from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.english import parts as english_parts
from pg_llm.text2sql.english.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.text2sql.composition.compose import Composition

# What is right of a ratio of two sure readings: what it is a share of may be meant otherwise.
RATIO = 0.92


_ZH_SHARE = r"(?:占比|比例|百分比|比率|比重)"
_ZH_AMONG = re.compile(
    rf"^(?P<base>.+?)(?:中|里|当中|之中)，?(?P<cond>.+?)(?:的|所占的?|占的?)?{_ZH_SHARE}(?:是多少|是|为多少|有多少)?[？?。]?$"
)
_ZH_OF = re.compile(
    rf"^(?P<one>.+?)占(?:全部|所有|总)?(?P<base>.+?)的{_ZH_SHARE}(?:是多少|为多少)?[？?。]?$"
)
_ZH_PART = re.compile(
    r"^(?P<when>\d{4}年(?:\d{1,2}月)?|今年|去年|本月|上个月)?(?P<cond>[^占与和]+?)的(?P<base>[^的占]+?)"
    rf"(?:所占的?|的)?{_ZH_SHARE}(?:是多少|为多少)?[？?。]?$"
)
_ZH_WHOLE = re.compile(
    rf"^(?P<when>\d{{4}}年(?:\d{{1,2}}月)?|今年|去年|本月|上个月)?(?P<what>[^占与和各每]+?)(?:的)?{_ZH_SHARE}"
    r"(?:是多少|为多少|是|有多少)?[？?。]?$"
)
_ZH_TO = re.compile(
    r"^(?P<one>.+?)(?:与|和|对|跟)(?P<two>.+?)的(?:数量)?(?:比例|比率|之比|比值)(?:是多少|为多少)?[？?。]?$"
)
_ZH_NOT = re.compile(
    r"^(?:哪些|什么|列出)?(?P<head>.*?)(?P<one>(?:在)?\d{4}年)(?P<verb>.+?)(?:，)?(?:但|但是|而|却)(?:在)?"
    r"(?P<two>\d{4}年)(?:没有|没|未)(?P<again>.*?)(?P<tail>的.+?)?[？?。]?$"
)


def parts(question: str, chinese: bool) -> list[Parts]:
    """Return what two questions a question may be made of, likeliest first."""
    text = " ".join(question.split())
    return list(_chinese(text) if chinese else english_parts.parts(text))


def _chinese(text: str) -> list[Parts]:
    if match := _ZH_AMONG.match(text):
        base, cond = match["base"], match["cond"].removesuffix("的")
        part = (f"{cond}的{base}有多少", f"有多少{base}{cond}")
        return [Parts("percentage", part, (f"有多少{base}",))]
    if match := _ZH_PART.match(text):
        when, cond, base = match["when"] or "", match["cond"], match["base"]
        return [Parts("percentage", (f"{when}{cond}的{base}有多少",), (f"{when}有多少{base}",))]
    if match := _ZH_WHOLE.match(text):
        # 男性会员占比: where the noun begins is not known
        when, what = match["when"] or "", match["what"]
        return [
            Parts(
                "percentage",
                (f"{when}{what}有多少",),
                (f"{when}有多少{what[-size:]}",),
                share=True,
            )
            for size in (2, 3, 4)
            if len(what) > size
        ]
    if match := _ZH_OF.match(text):
        return [Parts("percentage", (f"{match['one']}有多少",), (f"有多少{match['base']}",))]
    if match := _ZH_TO.match(text):
        return [Parts("ratio", (f"{match['one']}有多少",), (f"{match['two']}有多少",))]
    if match := _ZH_NOT.match(text):
        verb, tail = match["verb"], match["tail"] or ""
        whole = [f"{match['head']}{match[n]}{verb}{tail}" for n in ("one", "two")]
        return [Parts("except", (whole[0],), (whole[1],))]
    return []


def combine(
    wanted: Parts,
    read: Callable[[str, bool], tuple[Composition, float]],
    digits: int | None = None,
) -> tuple[str, tuple[Composition, ...], float]:
    """Return the statement, its parts, and how sure it is.

    `read` composes one question, with the keys of its rows where it is True.
    `digits`: what a calculated number is rounded to.
    """
    keyed = wanted.kind in ("except", "intersect")
    one, sure_one = _first(wanted.one, read, keyed)
    if wanted.kind in ("share", "percentage share"):
        sql = calculation.share_of_all(wanted.kind.split()[0], one, digits)
        return sql, (one,), sure_one * RATIO
    if wanted.kind == "mean":
        return calculation.mean_of_groups(one, digits), (one,), sure_one * RATIO
    if wanted.kind in ("change", "growth", "total"):
        return calculation.over_time(wanted.kind, one, digits), (one,), sure_one * RATIO
    two, sure_two = _first(wanted.two, read, keyed)
    if wanted.kind == "values":
        return _values(one, two), (one, two), min(sure_one, sure_two)
    if keyed:
        sql = _set(wanted.kind, one, two)
        return sql, (one, two), min(sure_one, sure_two)
    if wanted.share and not set(two.columns) <= set(one.columns):
        raise Declined("the whole is restricted by what the part is not")
    sql = calculation.calculated(wanted.kind, one, two, digits)
    return sql, (one, two), min(sure_one, sure_two) * RATIO


def _first(
    questions: tuple[str, ...], read: Callable[[str, bool], tuple[Composition, float]], keyed: bool
) -> tuple[Composition, float]:
    best: tuple[Composition, float] | None = None
    reason: Declined | None = None
    for question in questions:
        try:
            found = read(question, keyed)
        except Declined as declined:
            reason = reason or declined
            continue
        if best is None or found[1] > best[1]:
            best = found
    if best is None:
        raise reason or Declined("a part of the question could not be read")
    return best


def _values(one: Composition, two: Composition) -> str:
    """Return what stands in both lists: the cities with such shops and such others."""
    for side in (one, two):
        plain = side.query is not None and not (side.query.group or side.query.limit)
        if not plain or any(aggregated for _, _, aggregated in side.items):
            raise Declined("only plain lists can be taken together")
    if one.shown != two.shown or one.query is None or two.query is None:
        raise Declined("the two parts of the question do not name the same values")
    one.query.order, two.query.order = [], []
    return f"{one.query.sql()}\nintersect\n{two.query.sql()}\norder by {', '.join(one.shown)}"


def _set(kind: str, one: Composition, two: Composition) -> str:
    if one.shown != two.shown or not one.shown or one.keys == 0:
        raise Declined("the two parts of the question do not name the same rows")
    names = ", ".join(one.shown[one.keys :]) or "*"
    what = f"select {names}\nfrom" if not one.counted else "select count(*) as count\nfrom"
    tail = f"\norder by {names}" if not one.counted and names != "*" else ""
    return f"{what} (\n{_indented(one.sql)}\n  {kind}\n{_indented(two.sql)}\n) as found{tail}"


def _indented(sql: str) -> str:
    return "\n".join("  " + line for line in sql.splitlines())
