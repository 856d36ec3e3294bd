"""The reception for SQL: one function for each SQL function.

`llm.backend_load()` puts this package into `GD`; the body of the SQL function
`lineage_extract` is the one line `return <package>.lineage.lineage_extract(plpy,
…)`. A module here is imported when its first function is called, so that a
session pays only for what it uses.
"""

from __future__ import annotations

import importlib
from typing import Any

from pg_llm.library import isolated

_ROOMS = frozenset(
    {
        "graph",
        "graph_logs",
        "graph_questions",
        "lineage",
        "models",
        "secrets",
        "settings",
        "text2sql",
        "text2sql_evaluation",
        "text2sql_pairs",
        "text2sql_values",
        "vectors",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(name)
    with isolated():
        return importlib.import_module(f"{__name__}.{name}")
