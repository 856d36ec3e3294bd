"""How sure a model's answer is.

What is known of an answer before anybody has looked at it is added up as
log-odds, one number for each kind of evidence, so that more evidence never
counts for less. The numbers are a logistic regression with a small penalty,
rounded, on the answers of three models to 94 questions over two databases,
alone and in votes of two and three (docs/text2sql.md has the table); evidence
that such recorded answers cannot show is given less than it may deserve.

Models and databases differ more than all of that together. Where a role has
evaluated a model with `llm_eval`, the share that was right there stands in for
the prior, the more so the more answers there were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.repair.change import Risk

if TYPE_CHECKING:
    from pg_llm.database import Database

# A model that nothing is known of; counts as much as this many evaluated answers.
_PRIOR, _PRIOR_WEIGHT = 0.6, 20
_HIGHEST, _LOWEST = 0.95, 0.02

_CONFIRMED, _CONTRADICTED = 1.6, -0.9
_SUPPORTED, _MOST_SUPPORT = 0.45, 2
_ALONE = -1.0
# Neither is in the recorded answers: a second round, and questions whose answer is no row.
_ROUND, _EMPTY = -0.4, -1.2
_REPAIRED = {Risk.SPELLING: -0.3, Risk.PLACE: -0.5, Risk.GUESS: -1.3}

# Own and finished runs: what is being evaluated must not know its own result.
_EVALUATED = """
select pg_catalog.count(*) as answers,
    pg_catalog.count(*) filter (where e.correct) as correct
from (
    select a.correct
    from llm.evaluation_answers a
    join llm.evaluation_runs r on r.id operator(pg_catalog.=) a.run
    where a.model operator(pg_catalog.=) $1
      and a.source operator(pg_catalog.=) 'model'
      and a.sql is not null
      and r.finished_at is not null
      and r.role operator(pg_catalog.=) current_user::pg_catalog.regrole
    order by a.run desc, a.number
    limit 1000
) e
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against an answer.

    `witness`: True where the grammar or a verified pair gives the same result,
    False where one that is sure gives another. `supporters`: other candidates
    with that result; `alone`: there were others, and none has. `risk`: of the
    riskiest repair; `rounds`: how often the model was asked. `empty`: it
    returned no row.
    """

    witness: bool | None = None
    supporters: int = 0
    alone: bool = False
    risk: Risk | None = None
    rounds: int = 1
    empty: bool = False


def base(database: Database, model: str) -> float:
    """Return the share of a model's answers that are right, as far as the caller has measured."""
    row = database.execute(_EVALUATED, [model])[0]
    return (int(row["correct"]) + _PRIOR * _PRIOR_WEIGHT) / (int(row["answers"]) + _PRIOR_WEIGHT)


def confidence(evidence: Evidence, share: float = _PRIOR) -> float:
    """Return how likely an answer is right, 0.02 to 0.95; `share`: of the model's that are."""
    odds = math.log(share / (1 - share))
    if evidence.witness is not None:
        odds += _CONFIRMED if evidence.witness else _CONTRADICTED
    odds += _SUPPORTED * min(evidence.supporters, _MOST_SUPPORT)
    odds += _ALONE if evidence.alone else 0.0
    odds += _REPAIRED[evidence.risk] if evidence.risk is not None else 0.0
    odds += _ROUND * (evidence.rounds - 1)
    odds += _EMPTY if evidence.empty else 0.0
    return min(_HIGHEST, max(_LOWEST, 1 / (1 + math.exp(-odds))))
