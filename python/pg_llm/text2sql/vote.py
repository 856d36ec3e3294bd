"""Several candidates for one question: run on a sample, compared by result, voted.

Self-consistency (Wang et al. 2023, "Self-Consistency Improves Chain of Thought
Reasoning in Language Models"), by execution: statements whose results say the
same support each other, whatever their wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm import settings
from pg_llm.errors import DatabaseError, ProgramLimitExceeded
from pg_llm.text2sql.evaluation import results
from pg_llm.text2sql.run import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.database import Database
    from pg_llm.text2sql.guard import Guarded

# Results with more rows are not compared: which ones came first is chance.
_MOST_ROWS = 1000
_RUN = "select r::pg_catalog.text as row from llm.run_read_only($1, $2) r"


@dataclass(frozen=True, slots=True)
class Ballot:
    """A statement that passed the guard, and who proposes it.

    `model`: a candidate of a model, not another source's. `weak`: nobody answers by it; it
    has no vote, and only bears out another.
    """

    voter: str
    guarded: Guarded
    model: bool = True
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Election:
    """The statements whose results agree, of all that were proposed; what was seen of each.

    `witness`: whether another source than a model agrees (True) or one with a
    vote does not (False); None where there is none. `empty`: they give no row.
    """

    winners: tuple[Ballot, ...]
    cast: int
    attempts: tuple[str, ...]
    witness: bool | None = None
    empty: bool = False

    @property
    def agreement(self) -> float:
        """The share of the proposals that agree, 0 to 1."""
        return len(self.winners) / self.cast


@dataclass(slots=True)
class _Party:
    members: list[Ballot]
    rows: list[results.Row] | None
    failed: bool = False


def elect(database: Database, ballots: Sequence[Ballot]) -> Election:
    """Return the largest group of statements with one result; of equals, the first one's.

    Each is run as the caller, read-only, and stopped after
    `text2sql_sample_seconds`. One that fails, takes longer, or has more than
    1,000 rows supports only the same statement; one that fails wins over none.
    """
    parties: list[_Party] = []
    attempts = []
    voting = [ballot for ballot in ballots if not ballot.weak]
    for ballot in voting:
        same = _party_of(ballot.guarded, parties)
        if same is not None:
            same.members.append(ballot)
            attempts.append(f"{ballot.voter}: the same statement as {same.members[0].voter}")
            continue
        rows, outcome, failed = _sample(database, ballot.guarded)
        joined = _agreeing(ballot.guarded, rows, parties)
        if joined is None:
            parties.append(_Party([ballot], rows, failed))
        else:
            joined.members.append(ballot)
            outcome += f", as {joined.members[0].voter}"
        attempts.append(f"{ballot.voter}: {outcome}")
    winner = max(parties, key=lambda party: (not party.failed, len(party.members)))
    voters = ", ".join(member.voter for member in winner.members)
    attempts.append(f"vote: {voters} ({len(winner.members)} of {len(voting)})")
    others = [ballot for ballot in voting if not ballot.model]
    witness = any(not member.model for member in winner.members) if others else None
    for ballot in ballots:
        if ballot.weak and not witness and winner.rows:
            rows, outcome, _ = _sample(database, ballot.guarded)
            if _agreeing(ballot.guarded, rows, [winner]) is not None:
                witness = True
                outcome += f", as {winner.members[0].voter}"
            attempts.append(f"{ballot.voter}: {outcome}")
    empty = winner.rows is not None and not winner.rows
    return Election(tuple(winner.members), len(voting), tuple(attempts), witness, empty)


def _party_of(guarded: Guarded, parties: Sequence[_Party]) -> _Party | None:
    text = " ".join(guarded.sql.split())
    for party in parties:
        if any(" ".join(member.guarded.sql.split()) == text for member in party.members):
            return party
    return None


def _agreeing(
    guarded: Guarded, rows: list[results.Row] | None, parties: Sequence[_Party]
) -> _Party | None:
    """Return the party with the same result; no rows say the same only of the same tables."""
    if rows is None:
        return None
    for party in parties:
        if party.rows is None or not results.agree(party.rows, rows, extra=False):
            continue
        if rows or set(party.members[0].guarded.tables) == set(guarded.tables):
            return party
    return None


def _sample(database: Database, guarded: Guarded) -> tuple[list[results.Row] | None, str, bool]:
    """Return what a statement gives, None where it cannot be compared; in words; if it failed."""
    try:
        with database.deadline(settings.seconds(database, "text2sql_sample_seconds")):
            found = database.execute(_RUN, [distinct(guarded), _MOST_ROWS], ["text", "int4"])
    except (DatabaseError, ProgramLimitExceeded) as error:
        return None, f"run: {error.message}", isinstance(error, DatabaseError)
    if len(found) == _MOST_ROWS:
        return None, f"run: {_MOST_ROWS} rows or more, which are not compared", False
    return [results.row(row["row"]) for row in found], f"run: {len(found)} rows", False
