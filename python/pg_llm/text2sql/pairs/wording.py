# ruff: noqa: RUF001  (Chinese text)
"""What a question says, apart from how: its words, signs, numbers, quoted texts.

Two questions that differ in a sign ("more than" for "less than", "never" for
nothing) mean different things however alike they look, so signs are read
apart from words.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from pg_llm.text2sql.words import NUMBERS, is_chinese, stem, word_set

# May is told from the verb.
_MONTH_NAMES = word_set(
    "january february march april june july august september october november december"
)
# Characters of a question that is read, or kept.
LONGEST_QUESTION = 4000

_SIGNS = {
    sign: re.compile("|".join(patterns), re.IGNORECASE)
    for sign, patterns in {
        "count": (
            r"\b(?:how many|numbers? of|count|how often)\b",
            r"多少[个位次种笔家条人张名]|数量|几[个位次种笔家条张名]|有多少",
        ),
        "sum": (
            r"\b(?:total(?! number| count)|sum|altogether|combined|how much)\b",
            r"总额|总[计和]|合计|总共|总(?=[销收金])",
        ),
        "average": (
            r"\b(?:average|mean|avg)\b",
            r"平均",
        ),
        "highest": (
            r"\b(?:highest|largest|biggest|greatest|maximum|max|maximal|longest|heaviest|tallest|latest|newest|best)\b",
            r"\b(?:top|most|farthest|richest)\b",
            r"最[高大多长新重贵远]|前\s*[\d一二三四五六七八九十]+",
        ),
        "lowest": (
            r"\b(?:lowest|smallest|minimum|min|minimal|(?<!at )least|fewest|shortest|lightest)\b",
            r"\b(?:cheapest|worst|bottom)\b",
            r"最[低小少短轻便]",
        ),
        "oldest": (
            r"\b(?:oldest|earliest|eldest|first(?! name| and last|,| or last))\b",
            r"最早|最老|第一[个次]",
        ),
        "youngest": (
            r"\byoungest\b",
            r"最年轻",
        ),
        "not": (
            r"\b(?:not|never|without|no|none|except|excluding|exclude|neither|nor)\b",
            r"\b(?:other than|lacking|\w+n't)\b",
            r"[^是]不(?!同)|没有?|从未|尚未|未|除了?",
        ),
        "more": (
            r"\b(?:more|greater|larger|higher|bigger|older|longer|heavier|later) than\b",
            r"\b(?:over|above|exceed\w*|at least|after|since|no less than)\b",
            r"\bor (?:more|higher|later)\b",
            r"超过|大于|高于|多于|至少|以上|之后|以后|不少于",
        ),
        "less": (
            r"\b(?:less|fewer|lower|smaller|younger|shorter|lighter|earlier) than\b",
            r"\b(?:below|under|at most|before|up to|no more than)\b",
            r"\bor (?:less|fewer|lower|earlier)\b",
            r"小于|低于|少于|不到|至多|以下|之前|以前|不超过",
        ),
        "or": (
            r"\b(?:or|either)\b",
            r"或者?",
        ),
        "both": (
            r"\bboth\b",
            r"同时|既",
        ),
        "share": (
            r"\b(?:percentages?|percent|ratio|share|proportion|fraction)\b|%",
            r"百分比|比例|占比|比率",
        ),
        "difference": (
            r"\b(?:difference|compared|minus|gap)\b",
            r"差[额异距]|相差",
        ),
        "hour": (r"\b(?:hours?|hourly)\b|小时",),
        "day": (r"\b(?:days?|daily)\b|[天日]",),
        "week": (r"\b(?:weeks?|weekly)\b|周|星期",),
        "month": (r"\b(?:months?|monthly)\b|月",),
        "quarter": (r"\b(?:quarters?|quarterly)\b|季度?",),
        **{month: (rf"\b(?:{month}|{month[:3]})\b",) for month in _MONTH_NAMES},
        "may": (r"\b(?-i:May)\b(?!\s+(?:I|we|you))",),
        "year": (r"\b(?:years?|yearly|annual\w*)\b|年",),
    }.items()
}
MONTHS = _MONTH_NAMES | {"may"}
UNITS = frozenset({"hour", "day", "week", "month", "quarter", "year"})

# Words that carry grammar, courtesy or a sign, and no content of their own.
_LIGHT = word_set(
    """
    a about across all along also altogether an and any are aren't as at average avg be been
    being below both but by can compute calculate corresponding count could different
    distinct did didn't display do does doesn't each either every exactly except excluding
    exist fetch find following for from get give had has hasn't have haven't having he her
    here him his how i id if in into is isn't it its itself kindly least less let list lists
    many maximum me mean min minimum more most much my name need neither no none nor not
    number numbers of often on one ones or order ordered other our out over overall own per
    percent percentage please provide return returned retrieve see select she should show
    shown sort sorted state sum tell than that the their them then there these they this
    those to together total under unique up us value values was wasn't we were weren't what
    what's when where which who whom whose will with within without would you your never
    since after before until above greatest highest lowest largest smallest biggest fewest
    bottom top max maximal minimal greater larger higher lower smaller fewer exceed
    exceeding exceeds ascending descending alphabetical alphabetically reverse reversed
    lexicographical recent also just only
    """
)
_KEEP = frozenset({"name", "id"})
_WORD = re.compile(
    r"[A-Za-z]+\d[A-Za-z0-9]*|[A-Za-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*|[\u4e00-\u9fff]+"
)
# A date, a number, a word for one. A digit may follow a Chinese character, not a letter (Q1).
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?:(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<number>-?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE]\d+)?)|(?P<word>[A-Za-z]+))"
    r"|前(?P<first>[一二三四五六七八九十两])"
    r"|(?P<counted>[二三四五六七八九十两])[个位次种笔家条张名]"
)
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|「([^」]+)」|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_CHINESE_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九十")} | {
    "两": 2
}


@dataclass(frozen=True, slots=True)
class Wording:
    """A question's content words, signs, numbers and quoted texts.

    Words are stems; in Chinese, pairs of characters. Numbers and dates are in
    the order in which they stand.
    """

    text: str
    words: tuple[str, ...]
    signs: frozenset[str]
    numbers: tuple[str, ...]
    quoted: tuple[str, ...]


@lru_cache(maxsize=4096)
def wording(question: str) -> Wording:
    """Read a question."""
    words: dict[str, None] = {}
    for word in _WORD.findall(question):
        lower = word.lower()
        if is_chinese(word):
            words.update(dict.fromkeys(_bigrams(word)))
        elif (
            not lower[0].isdigit()
            and (lower not in _LIGHT or lower in _KEEP)
            and lower not in NUMBERS
        ):
            words[stem(lower)] = None
    return Wording(
        question,
        tuple(words),
        frozenset(sign for sign, pattern in _SIGNS.items() if pattern.search(question)),
        tuple(_numbers(question)),
        tuple(next(filter(None, found)) for found in _QUOTED.findall(question)),
    )


def key(question: str) -> str:
    """Return what a question is found by: case, spaces and marks at its end aside.

    A long one is cut and ends in its hash, because an index takes so much only.
    """
    folded = " ".join(question.casefold().split())
    return indexable(
        re.sub(r"\s*([?？.。!！,，;；:：])\s*", r"\1", folded)
        .rstrip("?？.。!！ ")
        .replace("，", ",")
    )


# Bytes that an entry of an index holds safely, and how much of a longer text is kept to read.
_INDEXABLE, _BEGINNING = 600, 100


def indexable(text: str) -> str:
    """Return a text that fits into an index and differs where the given one does."""
    encoded = text.encode(errors="surrogatepass")
    if len(encoded) <= _INDEXABLE:
        return text
    return f"{text[:_BEGINNING]}... {hashlib.sha256(encoded).hexdigest()}"


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _numbers(question: str) -> list[str]:
    """Return the numbers and dates of a question in the order in which they stand."""
    found = []
    for match in _NUMBER.finditer(question):
        digit = match["first"] or match["counted"]
        if match["word"]:
            word = match["word"].lower()
            if word in NUMBERS and word not in ("one", "zero"):
                found.append(str(NUMBERS[word]))
        elif digit:
            found.append(str(_CHINESE_DIGITS[digit]))
        else:
            found.append(match["date"] or match["number"].replace(",", ""))
    return found
