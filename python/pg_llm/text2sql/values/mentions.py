"""The values that a question mentions, for a model to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.index import fold
from pg_llm.text2sql.values.spans import spans

if TYPE_CHECKING:
    from pg_llm.text2sql.index import SchemaIndex, ValueMatch


def mentioned(question: str, schema: SchemaIndex) -> list[tuple[str, ValueMatch]]:
    """Return texts of the question with the values that they are, longest texts first.

    A text within one that was found is passed by.
    """
    asked: dict[str, str] = {}
    for text in (*spans(question, schema), *schema.found):
        asked.setdefault(fold(text), text)
    taken: list[str] = []
    found: list[tuple[str, ValueMatch]] = []
    for key, text in sorted(asked.items(), key=lambda one: -len(one[0])):
        values = schema.value(key) if key else []
        if values and not any(key in other for other in taken):
            taken.append(key)
            found += [(text, value) for value in values]
    return found
