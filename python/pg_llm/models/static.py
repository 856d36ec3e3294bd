"""The embedded embedding: English, offline, 256 dimensions.

A text's vector is the mean of its tokens' rows, normalised to length 1
(model2vec's static embeddings). The table was distilled from
all-MiniLM-L6-v2 by tools/distil_embedding.py; rows are int8 with one scale a
row. It needs numpy and tokenizers only, and the table is memory-mapped: the
sessions of a server share its pages.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from pg_llm.library import isolated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database

DIMENSIONS = 256

# Beyond this a mean of rows says nothing more; it bounds time and memory.
MAX_CHARACTERS = 100_000

# Texts between two looks at what the server has pending: some milliseconds.
_STRIDE = 256

_DATA = Path(__file__).parent / "data"


def embed(texts: Sequence[str]) -> list[list[float] | None]:
    """Return a vector of 256 floats (length 1) for each text.

    None for a text without a known token: empty, blank, only emoji. Characters
    after the first 100,000 are not read.
    """
    model = _model()
    return [model.embed(text) for text in texts]


def embed_all(database: Database, texts: Sequence[str | None]) -> list[list[float] | None]:
    """Return what `embed` does; the server may interrupt between some texts and the next."""
    vectors: list[list[float] | None] = []
    for start in range(0, len(texts), _STRIDE):
        database.check_interrupts()
        vectors += embed([text or "" for text in texts[start : start + _STRIDE]])
    return vectors


class _Model:
    """The table and the tokenizer, loaded once a process."""

    def __init__(self) -> None:
        with isolated():
            import numpy
            import tokenizers

        self._numpy = numpy
        self._tokenizer = tokenizers.Tokenizer.from_file(str(_DATA / "static-tokenizer.json"))
        self._table = numpy.load(_DATA / "static-table.npy", mmap_mode="r")
        self._scale = numpy.load(_DATA / "static-scale.npy")
        self._unknown = self._tokenizer.token_to_id("[UNK]")

    def embed(self, text: str) -> list[float] | None:
        encoding = self._tokenizer.encode(text[:MAX_CHARACTERS], add_special_tokens=False)
        tokens = [token for token in encoding.ids if token != self._unknown]
        if not tokens:
            return None
        # scale @ rows is the weighted sum: no float copy of the rows is made row by row.
        total = self._scale[tokens] @ self._table[tokens].astype(self._numpy.float32)
        length = float(self._numpy.linalg.norm(total))
        if length == 0:
            return None
        vector: list[float] = (total / length).tolist()
        return vector


@functools.cache
def _model() -> _Model:
    # The tokenizer's threads would be forked with the backend's children and
    # gain nothing for one text.
    import os

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return _Model()
