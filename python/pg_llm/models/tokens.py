"""An estimate of tokens, without any provider's tokenizer."""

from __future__ import annotations

import math
import re

# A word of up to eight letters is about one token in the byte-pair encodings
# of today's models, longer words are split; digits go in threes; a Chinese,
# Japanese or Korean character is a little less than one.
_PIECES = re.compile(
    r"(?P<cjk>[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef])"
    r"|(?P<word>[^\W\d_]+)|(?P<number>\d+)|(?P<other>[^\w\s])|(?P<lines>\n+)"
)
_WORD, _CJK, _DIGITS = 7, 0.8, 3


def estimate(text: str) -> int:
    """Return about how many tokens the text has."""
    total = 0.0
    for piece in _PIECES.finditer(text):
        kind, length = piece.lastgroup, len(piece[0])
        if kind == "cjk":
            total += _CJK
        elif kind == "word":
            total += -(-length // _WORD)
        elif kind == "number":
            total += -(-length // _DIGITS)
        else:
            total += 1
    return math.ceil(total)
