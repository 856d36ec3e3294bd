"""Evaluation: asking a set of questions and judging the answers by execution."""

from pg_llm.text2sql.evaluation.run import run

__all__ = ["run"]
