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
from typing import TYPE_CHECKING, Any

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


def embed_as_text(texts: Sequence[str]) -> list[str | None]:
    """Return each text's vector as pgvector reads it: `embed` for many texts."""
    model = _model()
    found: list[str | None] = []
    for start in range(0, len(texts), _STRIDE):
        found += model.embed_as_text(texts[start : start + _STRIDE])
    return found


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
        fours = [f"{number:04d}".encode() for number in range(10_000)]
        self._digits = numpy.array(fours).view(numpy.uint32)
        self._signs = numpy.array([b", 0.", b",-0."]).view(numpy.uint32)

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

    def embed_as_text(self, texts: Sequence[str]) -> list[str | None]:
        """Return vectors with eight decimals, which is what a float4 below 1 holds."""
        np = self._numpy
        encodings = self._tokenizer.encode_batch_fast(
            [text[:MAX_CHARACTERS] for text in texts], add_special_tokens=False
        )
        ids = [encoding.ids for encoding in encodings]
        owners = np.repeat(np.arange(len(ids)), [len(found) for found in ids])
        tokens = np.fromiter((i for found in ids for i in found), np.intp, len(owners))
        known = tokens != self._unknown
        owners, tokens = owners[known], tokens[known]
        vectors = np.zeros((len(ids), DIMENSIONS), np.float32)
        if len(tokens):
            rows = self._table[tokens].astype(np.float32)
            rows *= self._scale[tokens][:, None]
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            vectors[owners[starts]] = np.add.reduceat(rows, starts, axis=0)
        lengths = np.linalg.norm(vectors, axis=1)
        there = lengths > 0
        vectors[there] /= lengths[there, None]
        return [
            text if is_there else None
            for text, is_there in zip(self._decimals(vectors), there, strict=True)
        ]

    def _decimals(self, vectors: Any) -> list[str]:
        """Write numbers between -1 and 1: four digits at a time, looked up as machine words."""
        np = self._numpy
        scaled = np.minimum(np.rint(np.abs(vectors.astype(np.float64)) * 1e8), 99_999_999)
        whole = scaled.astype(np.int64)
        words = np.empty((*vectors.shape, 3), np.uint32)
        words[..., 0] = self._signs[(vectors < 0).astype(np.intp)]
        words[..., 1] = self._digits[whole // 10_000]
        words[..., 2] = self._digits[whole % 10_000]
        text = words.tobytes().decode("ascii")
        width = len(text) // len(vectors) if len(vectors) else 0
        return [
            f"[{text[start + 1 : start + width]}]" for start in range(0, len(text), width or 1)
        ]


@functools.cache
def _model() -> _Model:
    # The tokenizer's threads would be forked with the backend's children and
    # gain nothing for one text.
    import os

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return _Model()
