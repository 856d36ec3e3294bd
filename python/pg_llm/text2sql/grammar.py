"""The grammar source: a question to SQL without a model, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql import chinese, english
from pg_llm.text2sql.compose import Composition, compose
from pg_llm.text2sql.frame import Declined, Frame
from pg_llm.text2sql.words import is_chinese

if TYPE_CHECKING:
    from pg_llm.text2sql.english_lexer import Probe
    from pg_llm.text2sql.index import SchemaIndex

# Below this, what the grammar composed is a guess and not an answer.
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """What the grammar composed, and how sure it is (0 to 1)."""

    composition: Composition
    confidence: float


def read(question: str, schema: SchemaIndex, probe: Probe) -> Reading:
    """Return the SQL that the grammar composes; raises `Declined`."""
    language = chinese if is_chinese(question) else english
    frame = language.read(question, schema, probe)
    composition = compose(frame, schema)
    confidence = _confidence(frame, composition)
    if frame.unread and confidence < SURE:
        raise Declined(
            "the question says more than was understood: " + ", ".join(frame.unread[:5])
        )
    if confidence < SURE:
        raise Declined(
            "; ".join(composition.warnings) or "the words of the question match too loosely"
        )
    return Reading(composition, confidence)


def _confidence(frame: Frame, composition: Composition) -> float:
    """Combine how much of the question is explained with how well it matched."""
    unread = len(frame.unread)
    covered = 1.0 - min(1.0, unread * 1.5 / max(1, frame.words))
    scores = [min(1.0, score) for score in composition.scores] or [0.5]
    match = sum(scores) / len(scores) * 0.5 + min(scores) * 0.5
    doubt = 0.93 ** len(composition.warnings)
    return round(float(covered**1.5 * match**0.7 * doubt), 3)
