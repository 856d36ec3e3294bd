"""Words: splitting identifiers, light stemming, abbreviations, numbers.

Everything here is general: no schema is known.
"""

from __future__ import annotations

import re
from functools import lru_cache

_IRREGULAR = {
    "ids": "id",
    "people": "person",
    "persons": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "feet": "foot",
    "mice": "mouse",
    "teeth": "tooth",
    "geese": "goose",
    "indices": "index",
    "indexes": "index",
    "criteria": "criterion",
    "analyses": "analysis",
    "diagnoses": "diagnosis",
    "theses": "thesis",
    "bases": "base",
    "movies": "movie",
    "series": "series",
    "species": "species",
    "news": "news",
    "cookies": "cookie",
    "ties": "tie",
    "buses": "bus",
    "statuses": "status",
    "aliases": "alias",
    "wives": "wife",
    "knives": "knife",
    "lives": "life",
    "halves": "half",
    "shelves": "shelf",
    "wolves": "wolf",
    "leaves": "leaf",
    "enrollment": "enrolment",
    "enrollments": "enrolment",
    "colour": "color",
    "colours": "color",
    "centre": "center",
    "centres": "center",
    "organisation": "organization",
    "organisations": "organization",
}

# Abbreviations that databases use, and the words that they stand for.
ABBREVIATIONS = {
    "acc": "account",
    "acct": "account",
    "addr": "address",
    "amt": "amount",
    "attr": "attribute",
    "auth": "author",
    "avg": "average",
    "bal": "balance",
    "bday": "birthday",
    "bldg": "building",
    "cat": "category",
    "categ": "category",
    "cd": "code",
    "cnt": "count",
    "cntry": "country",
    "co": "company",
    "comp": "company",
    "cont": "continent",
    "corp": "corporation",
    "cred": "credit",
    "ctry": "country",
    "curr": "currency",
    "cust": "customer",
    "desc": "description",
    "descr": "description",
    "dept": "department",
    "dest": "destination",
    "dist": "distance",
    "dob": "birth date",
    "doc": "doctor",
    "dt": "date",
    "dob_dt": "birth date",
    "emp": "employee",
    "eng": "engine",
    "est": "estimated",
    "exp": "expense",
    "fname": "first name",
    "gov": "government",
    "govt": "government",
    "grp": "group",
    "hr": "hour",
    "hrs": "hours",
    "indep": "independence",
    "ins": "insurance",
    "inv": "invoice",
    "lang": "language",
    "len": "length",
    "lat": "latitude",
    "lname": "last name",
    "lng": "longitude",
    "loc": "location",
    "lon": "longitude",
    "mgr": "manager",
    "mfr": "manufacturer",
    "min": "minimum",
    "max": "maximum",
    "msg": "message",
    "mth": "month",
    "nbr": "number",
    "no": "number",
    "num": "number",
    "ord": "order",
    "org": "organization",
    "param": "parameter",
    "pct": "percent",
    "perc": "percent",
    "ph": "phone",
    "pmt": "payment",
    "pos": "position",
    "prc": "price",
    "prod": "product",
    "prof": "professor",
    "pub": "publication",
    "pwd": "password",
    "qty": "quantity",
    "ref": "reference",
    "reg": "registration",
    "sal": "salary",
    "spec": "specialty",
    "sqft": "square feet",
    "st": "street",
    "stat": "status",
    "std": "standard",
    "stu": "student",
    "subj": "subject",
    "tel": "telephone",
    "temp": "temperature",
    "tot": "total",
    "trans": "transaction",
    "ttl": "total",
    "txn": "transaction",
    "tx": "transaction",
    "usr": "user",
    "val": "value",
    "vol": "volume",
    "wh": "warehouse",
    "wt": "weight",
    "yr": "year",
    "zip": "zip",
}

# Words that mean the same where a database and a question name things.
_SYNONYM_SETS = (
    ("employee", "staff", "worker"),
    ("customer", "client", "buyer"),
    ("product", "item", "goods"),
    ("supplier", "vendor"),
    ("revenue", "sales", "turnover"),
    ("salary", "wage", "pay"),
    ("film", "movie"),
    ("country", "nation"),
    ("phone", "telephone"),
    ("sex", "gender"),
    ("surname", "last name", "family name"),
    ("forename", "first name", "given name"),
    ("zip", "postal", "postcode", "zipcode"),
    ("mail", "email"),
    ("photo", "picture", "image"),
    ("company", "firm"),
    ("doctor", "physician"),
    ("drug", "medication", "medicine"),
    ("city", "town"),
    ("car", "automobile", "vehicle"),
    ("location", "place"),
    ("cost", "expense"),
    ("kind", "type", "sort"),
    ("amount", "sum"),
    ("quantity", "units"),
    ("purchase", "order"),
    ("class", "course"),
    ("begin", "start"),
    ("finish", "end"),
    ("warehouse", "depot"),
    ("invoice", "bill"),
    ("income", "earnings"),
    ("rank", "ranking"),
    ("rate", "rating"),
    ("home", "house"),
    ("store", "shop"),
    ("pupil", "student"),
    ("teacher", "instructor", "professor"),
    ("stock", "inventory"),
    ("area", "surface"),
    ("form", "type"),
    ("leader", "head"),
    ("maker", "manufacturer", "producer"),
    ("average", "mean"),
    ("percent", "percentage"),
)

NUMBERS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12}

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def split_identifier(name: str) -> list[str]:
    """Split `orderDate`, `order_date` or `Order Date` into lower-case words."""
    return list(_split(name))


@lru_cache(maxsize=50_000)
def _split(name: str) -> tuple[str, ...]:
    return tuple(piece.lower() for piece in _PIECE.findall(name))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the singular of a noun, lower-cased; other words unchanged.

    Light on purpose (Harman 1991, "How effective is suffixing?": the S-stemmer
    with exceptions), because a wrong conflation links a question to a column
    that it does not speak of.
    """
    word = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ss", "us", "is", "ics")):
        return word
    if word.endswith(("xes", "ches", "shes", "sses", "zes", "oes")):
        return word[:-2]
    return word[:-1]


_SUFFIXES = re.compile(
    r"(ations?|ments?|ions?|ings?|ers?|ors?|als?|ances?|ures?|ees?|ed|es|e|s|y)$"
)


@lru_cache(maxsize=20_000)
def root(word: str) -> str:
    """Return a crude root that a verb and its noun share (rented, rental)."""
    word = stem(word)
    for _ in range(2):
        cut = _SUFFIXES.sub("", word)
        if len(cut) < 4:
            break
        word = cut
    return word


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in _SYNONYM_SETS:
        for word in group:
            found.setdefault(word, set()).update(group)
    return {word: frozenset(group - {word}) for word, group in found.items()}


def synonyms(word: str) -> frozenset[str]:
    """Return words and phrases that name the same thing as `word`."""
    return _synonyms().get(word, frozenset())


@lru_cache(maxsize=50_000)
def abbreviates(short: str, word: str) -> bool:
    """Tell whether `short` may be an identifier's abbreviation of `word`.

    A known abbreviation, a prefix of at least three letters, or a
    subsequence of consonants that begins and ends alike (dept, mgmt).
    """
    if ABBREVIATIONS.get(short) == word:
        return True
    if len(short) < 3 or len(word) < len(short) + 2 or short[0] != word[0]:
        return False
    if word.startswith(short):
        return len(short) >= 4 or len(word) <= 9
    if set("aeiou") & set(short[1:]) or short[-1] != word[-1]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in short)


def common_start(names: list[str]) -> str:
    """Return letters that all of several names begin with, and that are no word of them.

    sbcustomer, sbticker, sbtransaction: sb. A prefix that ends at a separator
    is left to the words.
    """
    if len(names) < 3:
        return ""
    start = names[0].lower()
    for name in names[1:]:
        shared = zip(start, name.lower(), strict=False)
        start = start[: next((i for i, (a, b) in enumerate(shared) if a != b), len(start))]
    whole = {word for name in names for word in split_identifier(name)}
    if len(start) < 2 or not start.isalpha() or start in whole:
        return ""
    return start if all(len(name) >= len(start) + 2 for name in names) else ""


def is_chinese(text: str) -> bool:
    """Tell whether a text holds Chinese characters."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
