"""The value index: the texts of a question, found in the columns that hold them.

`refresh` keeps distinct values of text columns in `llm.indexed_values`;
`find` looks a question's texts up there, as the caller: first as they are
(case, accents and marks aside), then, where exactly one value is spelled
alike or holds the text, that one, with a note that says so.
"""

from __future__ import annotations

from pg_llm.text2sql.values.lookup import find
from pg_llm.text2sql.values.mentions import mentioned
from pg_llm.text2sql.values.refresh import refresh

__all__ = ["find", "mentioned", "refresh"]
