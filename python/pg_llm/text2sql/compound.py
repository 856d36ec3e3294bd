# ruff: noqa: RUF001  (Chinese text)
"""Questions made of two: ratios and shares, "in A but not in B", "in both A and B".

Each part is read and composed as a question of its own; the two statements are
then put together. A part that the grammar does not read surely declines the
whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.frame import Declined

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_llm.text2sql.compose import Composition

# What is right of a ratio of two sure readings: what it is a share of may be meant otherwise.
RATIO = 0.92


@dataclass(frozen=True, slots=True)
class Parts:
    """Two questions and how their answers go together.

    `kind`: percentage, ratio, except, intersect. `one`, `two`: what each may be
    asked as, in the order of preference. `share`: one is a part of two.
    """

    kind: str
    one: tuple[str, ...]
    two: tuple[str, ...]
    share: bool = False


_ASK = (
    r"(?:(?:what|which)(?:\s+(?:is|are|was|were)|'s)?\s+"
    r"|(?:find|give|show|calculate|compute|return|list)(?:\s+me)?\s+|how\s+many\s+)?"
    r"(?:the\s+)?(?:overall\s+)?"
)
_SHARE = r"(?P<word>percentage|percent|share|proportion|fraction|ratio)"
_VERB = (
    r"(?P<verb>is|are|was|were|has|have|had|do|does|did|come|comes|came|live|lives|belong|belongs"
    r"|speak|speaks|use|uses|cost|costs|weigh|weighs)"
)
_STOPS = r"(?:in|with|from|on|by|for|at|whose|who|that|which|having|of)"

_OF_THOSE = re.compile(
    rf"^{_ASK}{_SHARE}\s+of\s+(?:all\s+)?(?P<base>.+?)\s+(?:(?:who|that|which)\s+)?{_VERB}\s+"
    r"(?P<rest>.+?)[.?]*$",
    re.IGNORECASE,
)
_OUT_OF = re.compile(
    rf"^{_ASK}{_SHARE}\s+of\s+(?P<one>.+?)\s+(?:out\s+of|among)\s+(?P<two>.+?)[.?]*$",
    re.IGNORECASE,
)
_TO = re.compile(
    rf"^{_ASK}(?:ratio|proportion)\s+(?:of|between)\s+(?P<one>.+?)\s+(?:to|and)\s+(?P<two>.+?)[.?]*$",
    re.IGNORECASE,
)
_RESTRICTED = re.compile(
    rf"^{_ASK}(?:percentage|percent|share|proportion|fraction)\s+of\s+(?:all\s+)?"
    rf"(?P<base>\w+(?:\s\w+)?)\s+(?P<rest>{_STOPS}\s+.+?)[.?]*$",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"^(?:the\s+)?(?:total\s+)?(?:number|count)s?\s+of\s+", re.IGNORECASE)
_PLACE = re.compile(r"\s+(?P<place>(?:in|for|during)\s+[^,]+|overall)$", re.IGNORECASE)

_PERIOD = re.compile(
    r"\s+(?P<period>(?:(?:in|during|since|after|before)\s+(?:\w+\s+)?\d{4}"
    r"|(?:in\s+the\s+)?(?:last|past|this)\s+(?:\d+\s+)?(?:year|quarter|month|week|day)s?))$",
    re.IGNORECASE,
)

_BUT_NOT_PLACE = re.compile(
    r"^(?P<head>.+?)\s+(?P<one>(?:in|during|on|from)\s+[^,]+?),?\s+but\s+(?:not|never)\s+"
    r"(?P<two>(?:in|during|on|from)\s+.+?)(?P<end>[.?]*)$",
    re.IGNORECASE,
)
_BUT_NOT = re.compile(
    r"^(?P<head>.+?)\s+(?P<who>who|that|which)\s+(?P<one>.+?),?\s+but\s+"
    r"(?:(?:who|that|which)\s+)?(?:do|does|did)(?:\s+not|n't)\s+(?P<two>.+?)(?P<end>[.?]*)$",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"^(?P<head>.+?)\s+(?:both\s+in|in\s+both)\s+(?:the\s+)?(?:years?\s+(?:of\s+)?)?(?P<one>\d{4})"
    r"\s+and\s+(?:in\s+)?(?P<two>\d{4})(?P<tail>.*?)(?P<end>[.?]*)$",
    re.IGNORECASE,
)
_BOTH_YEARS = re.compile(
    r"^(?P<head>.+?)\s+in\s+the\s+years\s+of\s+both\s+(?P<one>\d{4})\s+and\s+(?P<two>\d{4})"
    r"(?P<tail>.*?)(?P<end>[.?]*)$",
    re.IGNORECASE,
)

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
    return list(_chinese(text) if chinese else _english(text))


def _english(text: str) -> list[Parts]:
    found: list[Parts] = []
    if match := _OUT_OF.match(text):
        kind = _kind(match["word"])
        found.append(Parts(kind, _counts(match["one"]), _counts(match["two"])))
        if place := _PLACE.search(match["two"]):
            there = f"{match['one']} {place['place']}"
            found.insert(0, Parts(kind, _counts(there), _counts(match["two"])))
    elif match := _TO.match(text):
        left, right = match["one"], match["two"]
        place = _PLACE.search(right)
        if place is not None and not _PLACE.search(left):
            # a place at the end is that of both
            said = "" if place["place"].lower() == "overall" else " " + place["place"]
            bare = right[: place.start()]
            found.append(Parts("ratio", _counts(left + said), _counts(bare + said)))
        else:
            found.append(Parts("ratio", _counts(left), _counts(right)))
    elif match := _OF_THOSE.match(text):
        base, verb, rest = match["base"], match["verb"], match["rest"]
        if when := _PERIOD.search(rest):
            # a period at the end is that of all
            base, rest = f"{base} {when['period']}", rest[: when.start()]
        whole = (
            f"how many {base} {verb} {rest}",
            f"how many {base} that {verb} {rest}",
            f"how many {rest} {base}",
        )
        found.append(Parts(_kind(match["word"]), whole, _counts(base), share=True))
    elif match := _RESTRICTED.match(text):
        base, rest = match["base"], match["rest"]
        part = (f"how many {base} {rest}", f"total {base} {rest}")
        found.append(Parts("percentage", part, (f"how many {base}", f"total {base}")))
    if match := _BUT_NOT_PLACE.match(text):
        head = match["head"]
        found.append(Parts("except", (f"{head} {match['one']}",), (f"{head} {match['two']}",)))
    elif match := _BUT_NOT.match(text):
        head = f"{match['head']} {match['who']}"
        found.append(Parts("except", (f"{head} {match['one']}",), (f"{head} {match['two']}",)))
    elif match := (_BOTH.match(text) or _BOTH_YEARS.match(text)):
        years = [f"{match['head']} in {match[n]}{match['tail']}" for n in ("one", "two")]
        found.append(Parts("intersect", (years[0],), (years[1],)))
    return found


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


def _kind(word: str) -> str:
    return "percentage" if word.lower().startswith("percent") else "ratio"


def _counts(what: str) -> tuple[str, ...]:
    bare = _COUNTED.sub("", re.sub(r"^(?:all|the)\s+", "", what.strip(), flags=re.IGNORECASE))
    return (f"how many {bare}", f"total {bare}")


def combine(
    wanted: Parts, read: Callable[[str, bool], tuple[Composition, float]]
) -> tuple[str, tuple[Composition, Composition], float]:
    """Return the statement, its two parts, and how sure it is.

    `read` composes one question, with the keys of its rows where it is True.
    """
    keyed = wanted.kind in ("except", "intersect")
    one, sure_one = _first(wanted.one, read, keyed)
    two, sure_two = _first(wanted.two, read, keyed)
    if keyed:
        sql = _set(wanted.kind, one, two)
        return sql, (one, two), min(sure_one, sure_two)
    if wanted.share and not set(two.columns) <= set(one.columns):
        raise Declined("the whole is restricted by what the part is not")
    if not (one.scalar and two.scalar):
        raise Declined("a ratio for each group is beyond the grammar")
    if one.sql == two.sql:
        raise Declined("the two sides of the ratio were read alike")
    times = "100.0 * " if wanted.kind == "percentage" else "1.0 * "
    sql = (
        f"select {times}({_inline(one.sql)})\n  / nullif(({_inline(two.sql)}), 0) as {wanted.kind}"
    )
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


def _set(kind: str, one: Composition, two: Composition) -> str:
    if one.shown != two.shown or not one.shown or one.keys == 0:
        raise Declined("the two parts of the question do not name the same rows")
    names = ", ".join(one.shown[one.keys :]) or "*"
    what = f"select {names}\nfrom" if not one.counted else "select count(*) as count\nfrom"
    tail = f"\norder by {names}" if not one.counted and names != "*" else ""
    return f"{what} (\n{_indented(one.sql)}\n  {kind}\n{_indented(two.sql)}\n) as found{tail}"


def _inline(sql: str) -> str:
    return " ".join(sql.split())


def _indented(sql: str) -> str:
    return "\n".join("  " + line for line in sql.splitlines())
