"""Results of answers, given again while the data that they came from is as it was."""

from pg_llm.text2sql.results.cache import Typed, rows, typed

__all__ = ["Typed", "rows", "typed"]
