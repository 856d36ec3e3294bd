"""English questions that are made of two, or calculate with the answer of a simpler one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pg_llm.text2sql.words import word_set


@dataclass(frozen=True, slots=True)
class Parts:
    """Simpler questions and what becomes of their answers.

    `kind`: percentage, ratio, difference, except, intersect (of two answers),
    values (in both, of what is no key), share (in percent: percentage share),
    mean, change, growth, total (of one).
    `one`, `two`: what each may be asked as, in the order of preference.
    `share`: one is a part of two.
    """

    kind: str
    one: tuple[str, ...]
    two: tuple[str, ...] = ()
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

# "for each client", "by month": what both sides of a calculation are grouped by.
_EACH = (
    r"(?:(?:for|in|within|of|at|from|across|by|per|to|on)\s+(?:each|every)|per|each|every"
    r"|grouped\s+by)"
)
_AFTER_NOUN = (
    r"(?:and|is|was|were|are|has|have|that|who|in|of|from|with|during|generates?|defined"
    r"|calculated|came|comes?)\b"
)
_NOUN = rf"(?P<group>[a-z][\w-]*(?:\s+(?!{_AFTER_NOUN})[a-z][\w-]*)?)"
_GROUPED = (
    re.compile(rf"^for\s+(?:each|every)\s+{_NOUN},?\s+(?P<rest>.+)$", re.IGNORECASE),
    re.compile(rf",?\s+{_EACH}\s+{_NOUN}(?=[,.?]|\s|$)", re.IGNORECASE),
    re.compile(rf",?\s+by\s+{_NOUN}(?=[,.?]*$)", re.IGNORECASE),
)
_SHARE_OF_ALL = re.compile(
    rf"^{_ASK}{_SHARE}\s+of\s+(?:the\s+)?(?:total|overall|all)\s+(?P<base>\w+(?:\s\w+)?)"
    r"(?:\s+(?:that\s+)?(?:is|are|was|were|comes?|came|belongs?|generated|contributed|made|sold|earned"
    r"|generates?|contributes?|makes?|spent|accounted|accounts?|has|have|had))*"
    r"(?:\s+(?:for|from|by|in))?[.?]*$",
    re.IGNORECASE,
)
_DIVIDED = re.compile(
    r"^(?P<head>.*?)(?:,?\s*\(?(?:which\s+is\s+|that\s+is\s+)?"
    r"(?:defined|calculated|computed|measured|given|expressed)\s+"
    r"(?:as|by)\s+|^(?:what\s+is|find|calculate|compute|return|show)\s+)"
    r"(?:the\s+)?(?P<one>.+?)\s+divided\s+by\s+(?:the\s+)?(?P<two>[^,.?)]+)\)?(?P<end>.*)$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"^{_ASK}difference\s+(?:between|of)\s+(?P<one>.+?)\s+and\s+(?P<two>.+?)[.?]*$",
    re.IGNORECASE,
)
_MORE_THAN = re.compile(
    r"^how\s+many\s+more\s+(?P<one>.+?)\s+than\s+(?P<two>.+?)(?:\s+are\s+there)?[.?]*$",
    re.IGNORECASE,
)
_MEAN = re.compile(
    rf"^{_ASK}(?:average|mean)\s+number\s+of\s+(?P<what>.+?),?\s+"
    r"(?:per|for\s+each|for\s+every|by\s+each)\s+(?P<group>\w+(?:\s\w+)?)[.?]*$",
    re.IGNORECASE,
)
_PERCENT = r"(?P<percent>percentage\s+|percent\s+|%\s+)?"
_UNIT = r"(?P<unit>day|week|month|quarter|year)"
_SHIFTS = (
    re.compile(
        rf"^{_ASK}{_UNIT}[- ](?:over|on|to|by)[- ](?P=unit)\s+{_PERCENT}"
        r"(?:change|growth|difference|increase|decrease)(?P<rate>\s+rate|\s+percentage)?\s+"
        r"(?:in|of|for)\s+(?P<what>.+?)[.?]*$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^{_ASK}{_PERCENT}(?:change|growth|difference|increase)(?P<rate>\s+rate)?\s+(?:in|of)\s+"
        rf"(?P<what>.+?)\s+(?:from\s+)?(?:one\s+)?{_UNIT}\s+(?:to|over|by)\s+"
        r"(?:the\s+next|(?P=unit))[.?]*$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^{_ASK}(?P<running>cumulative|running)\s+(?P<what>.+?)\s+"
        rf"(?:by|per|for\s+each|each|every|over\s+each)\s+{_UNIT}(?:\s+of\s+\w+)?[.?]*$",
        re.IGNORECASE,
    ),
)
# What stands alone before "and": its noun is that of what follows.
_BARE = word_set(
    """
    highest lowest maximum minimum largest smallest greatest least most max min average mean total
    earliest latest first last longest shortest oldest youngest cheapest
    """
)


def parts(text: str) -> list[Parts]:
    """Return what simpler questions a question may be made of, likeliest first."""
    return [*_over_time(text), *_grouped(text), *_ungrouped(text)]


def _grouped(text: str) -> list[Parts]:
    """Read a calculation for each group: both sides are asked for each."""
    if not re.search(
        r"percent|ratio|share|proportion|fraction|rate|divided|difference", text, re.IGNORECASE
    ):
        return []
    found: list[Parts] = []
    for pattern in _GROUPED:
        match = pattern.search(text)
        if not match:
            continue
        group = match["group"]
        rest = (
            match["rest"]
            if "rest" in match.groupdict()
            else text[: match.start()] + text[match.end() :]
        )
        rest = rest.strip(" ,")
        if share := _SHARE_OF_ALL.match(rest):
            kind = "percentage share" if _kind(share["word"]) == "percentage" else "share"
            base = share["base"]
            asked = (f"total {base} for each {group}", f"how many {base} for each {group}")
            found.append(Parts(kind, asked))
        for one in _ungrouped(rest):
            if one.kind in ("percentage", "ratio", "difference"):
                found.append(replace(one, one=_each(one.one, group), two=_each(one.two, group)))
    return found


def _each(questions: tuple[str, ...], group: str) -> tuple[str, ...]:
    return tuple(f"{question} for each {group}" for question in questions)


def _over_time(text: str) -> list[Parts]:
    for pattern in _SHIFTS:
        if match := pattern.match(text):
            said = match.groupdict()
            percent = said.get("percent") or said.get("rate")
            kind = "total" if said.get("running") else "growth" if percent else "change"
            what = re.sub(r"^(?:the\s+)?(?:total\s+)(?=number\s+of)", "", match["what"])
            unit = match["unit"]
            each = f"for each {unit}"
            asked = (f"{what} {each}", f"total {what} {each}", f"number of {what} {each}")
            return [Parts(kind, asked)]
    return []


def _ungrouped(text: str) -> list[Parts]:
    found: list[Parts] = []
    if match := _DIVIDED.match(text):
        kind = (
            "percentage"
            if re.search(r"percent|\*\s*100|times 100", text, re.IGNORECASE)
            else "ratio"
        )
        found.append(Parts(kind, _counts(match["one"]), _counts(match["two"])))
    if match := _BETWEEN.match(text):
        found.append(_difference(match["one"], match["two"]))
    if match := _MORE_THAN.match(text):
        found.append(Parts("difference", _counts(match["one"]), _counts(match["two"])))
    if match := _MEAN.match(text):
        found.append(Parts("mean", (f"how many {match['what']} for each {match['group']}",)))
    return [*found, *_shares(text), *_sets(text)]


_BOTH_OF = re.compile(
    r"^(?P<head>.+?)\s+(?P<verb>have|has|had|with)\s+both\s+(?:an?\s+)?(?P<noun>\w+)\s+(?P<one>.+?)"
    r"\s+and\s+(?:an?\s+)?(?P=noun)\s+(?P<two>.+?)[.?]*$",
    re.IGNORECASE,
)


def _difference(one: str, two: str) -> Parts:
    """Take "the highest and the lowest fee": the noun is that of both."""
    left = re.sub(r"^the\s+", "", one.strip(), flags=re.IGNORECASE)
    right = re.sub(r"^the\s+", "", two.strip(), flags=re.IGNORECASE)
    head, _, noun = right.partition(" ")
    if left.lower() in _BARE and head.lower() in _BARE and noun:
        left = f"{left} {noun}"
    elif left.partition(" ")[0].lower() in _BARE and head.lower() not in _BARE and " of " in left:
        # the average price of English books and German books
        right = f"{left.partition(' of ')[0]} of {right}"
    asked = [(f"what is the {side}", *_counts(side)) for side in (left, right)]
    return Parts("difference", asked[0], asked[1])


def _shares(text: str) -> list[Parts]:
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
    return found


def _sets(text: str) -> list[Parts]:
    found: list[Parts] = []
    if match := _BUT_NOT_PLACE.match(text):
        head = match["head"]
        found.append(Parts("except", (f"{head} {match['one']}",), (f"{head} {match['two']}",)))
    elif match := _BUT_NOT.match(text):
        head = f"{match['head']} {match['who']}"
        found.append(Parts("except", (f"{head} {match['one']}",), (f"{head} {match['two']}",)))
    elif match := (_BOTH.match(text) or _BOTH_YEARS.match(text)):
        years = [f"{match['head']} in {match[n]}{match['tail']}" for n in ("one", "two")]
        found.append(Parts("intersect", (years[0],), (years[1],)))
    elif match := _BOTH_OF.match(text):
        head = f"{match['head']} {match['verb']} {match['noun']}"
        asked = [(f"{head} {match[n]}",) for n in ("one", "two")]
        found.append(Parts("values", asked[0], asked[1]))
    return found


def _kind(word: str) -> str:
    return "percentage" if word.lower().startswith("percent") else "ratio"


def _counts(what: str) -> tuple[str, ...]:
    bare = _COUNTED.sub("", re.sub(r"^(?:all|the)\s+", "", what.strip(), flags=re.IGNORECASE))
    return (f"how many {bare}", f"total {bare}")
