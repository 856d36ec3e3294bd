"""What a repair does to a statement, and how much of a guess it is."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Risk(IntEnum):
    """How far the changed statement may be from what was meant.

    SPELLING: the same words for the server (quotes, case, another dialect's
    function). PLACE: the same name, found somewhere else, along the keys.
    GUESS: another name, another grouping, a condition in another place.
    """

    SPELLING = 0
    PLACE = 1
    GUESS = 2


class Change(NamedTuple):
    """A changed statement, what is told to the user, and the risk."""

    sql: str
    note: str
    risk: Risk = Risk.SPELLING
