"""What a chat call comes back with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer.

    `model` is the registry's name of the model that answered (a fallback has
    another one than was asked). Tokens are as the provider counted them, None
    where it did not. `milliseconds` is the time of the whole call with all of
    its attempts. `finish_reason` is the provider's: "stop", "length", ….
    """

    text: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    milliseconds: float
    finish_reason: str | None
