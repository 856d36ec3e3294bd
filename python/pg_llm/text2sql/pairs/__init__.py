"""Verified pairs: questions whose SQL somebody has run and approved."""

from pg_llm.text2sql.pairs.learning import Verified, feedback, verify
from pg_llm.text2sql.pairs.source import Found, examples, find

__all__ = ["Found", "Verified", "examples", "feedback", "find", "verify"]
