# ruff: noqa: RUF001  (Chinese text)
"""A question with the ways to say the same folded, and nothing else.

An answer is given again for another question only where both fold to one text.
So what is folded has to be the same in every schema and for every answer:
courtesy and the words that open a question, articles, the spellings of one
comparison, of one aggregate, of one number. Everything else stays, in its
order: "at least" is not "more than", "ascending" not "descending", a price not a
cost, and a word in capitals (US, IT) no pronoun.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pg_llm.text2sql.words import NUMBERS

# Kept apart, with their case: quoted texts, and words in capitals and single
# letters, which are names.
_VERBATIM = re.compile(
    r"\"[^\"]*\"|“[^”]*”|「[^」]*」|(?<!\w)['‘][^'’]*['’](?!\w)"
    r"|\b[A-Z][A-Z0-9]+\b|(?<=\w )[A-Z](?![\w'’])"
)
_CONTRACTIONS = {
    r"\b(what|which|who|where|how|that|there|it)'s\b": r"\1 is",
    r"\b(do|does|did|is|are|was|were|has|have|had)n't\b": r"\1 not",
    r"\bcan't\b|\bcannot\b": "can not",
}
# The words of a request. A verb counts as one where an object follows for sure:
# "list the prices" is a request, a "list price" none.
_OPENERS = re.compile(
    r"^(?:(?:please|kindly|hi|hello|hey)\b[ ,]*"
    r"|(?:can|could|would|will) you(?: please)?\b ?"
    r"|i (?:want|would like|need)(?: you)? to(?: know| see)?\b ?"
    r"|(?:tell|show|give|get|find|fetch|list|display|return|retrieve|provide) "
    r"(?:me (?:a list of |the list of )?|us |(?=(?:the|all|every|each|which|what|how) ))"
    r"|(?:what|which) (?:is|are) (?=the |#))+"
)
_CLOSERS = re.compile(
    r"(?: (?:please|thanks|thank you|are there|is there|there are|exist|do we have|have we))+$"
)
_PHRASES = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"\b(?:how many|(?:the )?(?:total )?(?:number|count) of)\b", "#count"),
        (r"\b(?:average|mean|avg)\b", "#average"),
        (r"\b(?:maximum|maximal|max)\b", "#maximum"),
        (r"\b(?:minimum|minimal|min)\b", "#minimum"),
        (r"\b(?:no|not) (?:less|fewer) than\b|\bat least\b", "#atleast"),
        (r"\b(?:no|not) (?:more|greater) than\b|\bat most\b", "#atmost"),
        (r"\b(?:more|greater) than\b", "#more"),
        (r"\b(?:less|fewer) than\b", "#less"),
        (r"\bfor (?:each|every)\b|\bper\b", "#per"),
        (r"\b(?:in|during) (?:the )?year (?=\d{4}\b)", "in "),
        (r"\b(?:the|a|an)\b", ""),
    )
)
_CHINESE = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"^(?:请问|请|麻烦|帮我|给我|我想知道|我想看|查一下|列出|告诉我)+", ""),
        (r"(?:呢|啊|呀|吧)+$", ""),
        (r"(?:都|分别)?(?:有|是)哪些$", "哪些"),
        (r"(?:都)?是多少$|有多少$|为多少$", "多少"),
        (r"每一?个|各个", "每个"),
        (r"至少|不少于|不低于|不小于", "至少"),
        (r"不超过|至多|不多于|不大于|不高于", "至多"),
        (r"超过|大于|多于|高于", "大于"),
        (r"低于|少于|小于", "小于"),
        (r"平均值|均值|平均", "平均"),
    )
)
# Between these a space says nothing.
_MARKS = re.compile(r"[\s,;:，；：、?？!！。]+|\.(?!\d)")
_BETWEEN_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_HIDDEN = "\ue100"


@lru_cache(maxsize=4096)
def meaning(question: str) -> str:
    """Return a question folded; what folds to the same text asks the same."""
    kept: list[str] = []

    def hide(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f" {_HIDDEN} "

    text = _VERBATIM.sub(hide, question).casefold().replace("’", "'")
    for pattern, said in _CONTRACTIONS.items():
        text = re.sub(pattern, said, text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _BETWEEN_CHINESE.sub("", _MARKS.sub(" ", text).strip())
    text = _CLOSERS.sub("", _OPENERS.sub("", text))
    for expression, said in (*_PHRASES, *_CHINESE):
        text = expression.sub(said, text)
    words = [_number(word) for word in text.split()]
    hidden = iter(kept)
    return " ".join(next(hidden) if word == _HIDDEN else word for word in words)


def quoted(question: str) -> list[str]:
    """Return what a question keeps verbatim: quoted texts, names in capitals."""
    return _VERBATIM.findall(question)


def _number(word: str) -> str:
    """Return a number's digits for its word; "one" is a pronoun too."""
    return str(NUMBERS[word]) if word in NUMBERS and word not in ("one", "zero") else word
