# ruff: noqa: RUF001  (quotation marks)
"""Turns of phrase that say the same as simpler ones, which the reader knows.

Each is replaced in the question's text before it is split into lexemes; quoted
texts stay as they are. No schema is known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_QUOTED = re.compile(r"\"[^\"]+\"|“[^”]+”|‘[^’]+’|`[^`]+`|(?<!\w)'(?:[^']|(?<=\w)'(?=\w))+'(?!\w)")

_ORDINAL = r"(?:first|middle|last|second|third|given|family)"
# "first, middle, and last names": each with the noun.
_LISTED = re.compile(
    rf"\b({_ORDINAL})((?:\s*,\s*(?:and\s+)?{_ORDINAL}\b|\s+and\s+(?:the\s+)?{_ORDINAL}\b)+)\s+(names?|lines?)\b",
    re.IGNORECASE,
)

# What an adjective after "how" asks for.
_MEASURED = {
    "old": "age",
    "tall": "height",
    "heavy": "weight",
    "expensive": "price",
    "fast": "speed",
    "long": "length",
}
_WEIGHED = {
    "weigh": "weight",
    "cost": "cost",
    "earn": "salary",
    "accelerate": "acceleration",
    "measure": "size",
}
_BE = r"(?:is|are|was|were)"
_DO = r"(?:do|does|did)"


def _listed(match: re.Match[str]) -> str:
    words = re.findall(rf"\b{_ORDINAL}\b", match[0], re.IGNORECASE)
    named = [f"{one} {match[3]}" for one in words]
    return ", ".join(named[:-1]) + f" and {named[-1]}"


def _how(match: re.Match[str]) -> str:
    return f"what is the {_MEASURED[match['word'].lower()]} of {match['what']}"


def _how_much(match: re.Match[str]) -> str:
    return f"what is the {_WEIGHED[match['verb'].lower()]} of {match['what']}"


def _rule(
    pattern: str, new: str | Callable[[re.Match[str]], str]
) -> tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]:
    return re.compile(pattern, re.IGNORECASE), new


_RULES = (
    (_LISTED, _listed),
    # what only says how texts are to be compared, or that bounds count
    _rule(
        r"\s*[,(]?\s*(?:\b(?:match|matched|matching|using|use|with)\b[^.,()]{0,40})?"
        r"\bcase[- ]insensitive(?:ly)?\b(?:\s+(?:match(?:ing)?|comparison|search))?\)?",
        "",
    ),
    _rule(
        r",?\s+\bin (?:total|all|the database)\b"
        r"(?=\s*[,.?]|\s*$|\s+(?:are|is|were|was|have|has|did|do)\b)",
        "",
    ),
    _rule(
        r"\b(largest|smallest|highest|lowest|greatest|biggest|least|most|maximum|minimum)"
        r" (?:amount|level|quantity) of (?=\w)",
        r"\1 ",
    ),
    _rule(r"\bthe (average|total|mean|maximum|minimum) amount of (?=\w)", r"the \1 "),
    _rule(
        r"\bhow (?P<word>old|tall|heavy|expensive|fast)\s+" + _BE + r"\s+(?P<what>[^,?.]+)", _how
    ),
    _rule(r"\bhow long\s+" + _BE + r"\s+(?P<what>[^,?.]+)", r"what is the length of \g<what>"),
    _rule(
        r"\bhow much\s+"
        + _DO
        + r"\s+(?P<what>[^,?.]+?)\s+(?P<verb>weigh|cost|earn|accelerate|measure)\b",
        _how_much,
    ),
    _rule(
        r"\bhow\s+" + _BE + r"\s+(?P<what>[^,?.]+?)\s+described\b",
        r"what is the description of \g<what>",
    ),
    _rule(r"\b(\d+) years? old\b(?!\s+or)", r"age \1"),
    _rule(r"\b(is|are|was|were) (age \d+)", r"have \2"),
    _rule(r"\b(older|younger) than (\d+) years?( of age)?\b", r"\1 than \2"),
    _rule(r"\baged (\d+) (?:to|and) (\d+)\b", r"with age between \1 and \2"),
    _rule(
        r"\bwith an? (?P<what>\w+(?: \w+)?) of"
        r" (?P<op>at least|at most|more than|less than|over|under|above|below|exactly) (?P<n>\d)",
        r"with \g<what> \g<op> \g<n>",
    ),
    _rule(
        r"\breversed? (lexicographic(?:al)?|alphabetic(?:al)?) order\b",
        r"reverse alphabetical order",
    ),
    _rule(r"\b(how many [\w ]+?) each of (?:them|these|those)\b", r"\1 they"),
    _rule(r"\b(?:more than|over) once\b", "more than 1 time"),
    _rule(
        r"^how (?:do|does|did) (?P<what>.+?) (?:differ|vary|change|compare)"
        r" (?:by|across|between|over|among) (?:the )?(?P<group>\w+(?: \w+)?)(?=[.?]|$)",
        r"what is \g<what> by \g<group>",
    ),
    _rule(
        r"\b(?:number of )?(?:days|time|duration)(?: in days)? (?:between|from)"
        r" (?:the |its |their )?(?P<one>\w+(?: \w+)?) (?:and|to)"
        r" (?:the |its |their )?(?P<two>\w+(?: \w+)?)"
        r"(?=\s*[,.?]|\s*$| (?:for|by|per|of|in|across) )",
        r"\g<two> minus \g<one>",
    ),
    _rule(r"\b(?:combinations?|pairs?) of (?=\w+)", ""),
    _rule(r"\s+of each(?=\s*[,.?]|\s*$)", ""),
    _rule(
        r"\b(?:have|has|had|with) (?:an? )?(more|fewer|less|higher|greater|larger|lower|smaller)"
        r" (\w+(?: \w+)?) than (?:the )?average\b(?! \w)",
        r"with \2 \1 than the average",
    ),
    _rule(r"\b(in|on) a single (?=\w)", r"\1 a "),
    _rule(r"\bat least once\b", "at least 1 time"),
    _rule(r"\bat least twice\b", "at least 2 times"),
)


def plain(question: str) -> str:
    """Return the question with simpler phrases; quoted texts are not touched."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f'"{len(kept) - 1}"'

    text = _QUOTED.sub(keep, question)
    for pattern, new in _RULES:
        text = pattern.sub(new, text)
    return re.sub(r'"(\d+)"', lambda match: kept[int(match[1])], text)


_ROUND = re.compile(
    r",?\s*\(?(?:and\s+)?\bround(?:ed|ing)?\s+(?:(?:it|them|the\s+\w+(?:\s+\w+)?|each|to|off)\s+)*?(?:to\s+)?"
    r"(?:the\s+nearest\s+)?(?:(?P<n>\d|one|two|three|four)\s+(?:decimals?|digits?)(?:\s+(?:places?|points?|digits?))?"
    r"|(?P<whole>integer|whole\s+number))\)?",
    re.IGNORECASE,
)
_DIGITS = {"one": 1, "two": 2, "three": 3, "four": 4}


def rounding(question: str) -> tuple[str, int | None]:
    """Return the question without "rounded to 2 decimals", and the number of digits."""
    match = _ROUND.search(question)
    if not match:
        return question, None
    said = match["n"] or "0"
    digits = _DIGITS.get(said.lower(), int(said) if said.isdigit() else 0)
    return question[: match.start()] + question[match.end() :], digits
