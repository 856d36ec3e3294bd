"""Models: registry, calls, providers, the embedded embedding.

For the rooms above: `complete` and `embed` (see `door`).
"""

from pg_llm.models.completion import Completion
from pg_llm.models.door import complete, embed, embed_as_text

__all__ = ["Completion", "complete", "embed", "embed_as_text"]
