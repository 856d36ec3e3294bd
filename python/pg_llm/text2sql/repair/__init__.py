"""Deterministic repair: a model's statement that fails, made valid without the model.

The server says what is wrong (SQLSTATE, position, hint); what stands there is
changed by a rule for that error, and the server is asked again, until it takes
the statement or no rule has anything left to try. Measured on real answers,
most failures are names: a column of a table that is not joined, or of another
one that is; then the words of other dialects, quoting, and types.
"""

from pg_llm.text2sql.repair.loop import Fix, Repaired, repair
from pg_llm.text2sql.repair.sense import mended

__all__ = ["Fix", "Repaired", "mended", "repair"]
