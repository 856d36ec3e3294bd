"""What English words speak of without naming it: who lives somewhere has an address.

Too loose to read a question by, and good enough to say which columns it may need.
"""

from __future__ import annotations

from functools import lru_cache

from pg_llm.text2sql.words import stem, word_set

# Words of questions, and what columns and tables that hold it are called.
_SPOKEN = (
    (
        "live living lived reside resides residing based located situated headquartered where",
        "address city state country location region place",
    ),
    ("old older oldest young younger youngest elder eldest age aged", "age birth born"),
    ("born birthday", "birth born"),
    ("tall taller tallest short shorter shortest high", "height"),
    ("heavy heavier heaviest light lighter lightest weigh weighs weighing", "weight mass"),
    ("long longer longest lasting last lasts lasted", "length duration start end"),
    ("fast faster fastest slow slower slowest quick quickest quickly", "speed velocity time"),
    ("strong stronger strongest weak weakest", "strength power"),
    ("smart smarter smartest clever intelligent", "intelligence"),
    ("far farther farthest further near nearest close closest away", "distance location"),
    ("hot hotter hottest cold colder coldest warm warmest cool", "temperature"),
    ("big bigger biggest large larger largest small smaller smallest", "size area capacity"),
    ("populous populated crowded inhabitant inhabitants", "population"),
    ("expensive cheap cheaper cheapest costly costing pricey afford", "price cost amount fee"),
    ("earn earns earned earning earnings paid wage", "salary income wage pay amount"),
    ("revenue sales turnover proceeds money worth gross", "amount price total payment cost fee"),
    ("spend spends spent spending pay pays paying charge charged", "amount price total payment"),
    ("buy buys bought buying purchase purchased", "order purchase transaction quantity price"),
    ("sell sells sold selling sale trade traded", "order sale transaction quantity price"),
    ("work works worked working employ employed employs hire hired job", "employee job hire"),
    ("teach teaches taught teaching lecture", "teacher instructor professor course"),
    ("study studies studied studying enrol enroll enrolled attend attended", "student course"),
    ("write writes wrote written writing", "author writer"),
    ("win wins won winning lose lost loses", "winner result score"),
    ("contact reach call", "phone email telephone"),
    ("male female men women man woman boy girl", "gender sex"),
    (
        "red blue green yellow black white brown gray grey pink purple orange gold golden silver",
        "color colour",
    ),
    ("best better worst worse popular favorite favourite rated", "rating score rank stars"),
    ("married single divorced widowed spouse", "marital status"),
    ("deliver delivered arrive arrived arrival ship shipped", "delivery shipment shipping"),
    ("return returned refund refunded", "return refund"),
    ("sick ill illness disease condition suffering", "diagnosis condition"),
    ("cancel cancelled canceled pending active inactive approved rejected", "status state"),
    ("open opened founded established built launched", "opened founded established year"),
    ("fail failed pass passed grade graded", "grade score result mark"),
    ("speak speaks spoken speaking", "language"),
    ("title called named entitled", "name title"),
)


@lru_cache(maxsize=1)
def _table() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for spoken, held in _SPOKEN:
        for word in word_set(spoken):
            found[stem(word)] = found.get(stem(word), frozenset()) | word_set(held)
    return found


def associated(word: str) -> frozenset[str]:
    """Return what is called otherwise and may be spoken of by a word (a stem)."""
    return _table().get(word, frozenset()) - {word}
