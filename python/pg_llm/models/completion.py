"""What a chat call comes back with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg_llm.errors import ModelError


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer.

    `model` is the registry's name of the model that answered (a fallback has
    another one than was asked). Tokens are as the provider counted them, None
    where it did not. `milliseconds` is the time of the whole call with all of
    its attempts. `finish_reason` is the provider's: "stop", "length", ….
    `confidence` is the geometric mean of the tokens' probabilities, None
    unless the model has the option `logprobs` and its endpoint gave them.
    """

    text: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    milliseconds: float
    finish_reason: str | None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several models' answer, or its error."""

    model: str
    text: str | None
    confidence: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    milliseconds: float
    error: ModelError | None

    @classmethod
    def of(cls, completion: Completion) -> Candidate:
        """Make a candidate of an answer."""
        return cls(
            completion.model,
            completion.text,
            completion.confidence,
            completion.prompt_tokens,
            completion.completion_tokens,
            completion.milliseconds,
            None,
        )

    @classmethod
    def failed(cls, model: str, error: ModelError, milliseconds: float) -> Candidate:
        """Make a candidate of a failure."""
        return cls(model, None, None, None, None, milliseconds, error)
