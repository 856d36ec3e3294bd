"""Dialects: how text is cut into statements and names are folded."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pg_llm.errors import InvalidParameter
from pg_llm.library import isolated
from pg_llm.lineage.parser.catalog import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Name of ours -> name of sqlglot's.
DIALECTS: Final[dict[str, str]] = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "oracle": "oracle",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "tsql": "tsql",
    "spark": "spark",
    "sparksql": "spark",
    "databricks": "databricks",
    "hive": "hive",
    "clickhouse": "clickhouse",
    "duckdb": "duckdb",
    "redshift": "redshift",
    "sqlite": "sqlite",
    "athena": "athena",
    "trino": "trino",
    "presto": "presto",
    "materialize": "materialize",
    "teradata": "teradata",
    "db2": "",
    "ansi": "",
}

_LOWER = frozenset(("postgres", "redshift", "materialize"))
_UPPER = frozenset(("oracle", "snowflake", "db2"))
# Where an output column may use the name of one before it.
_LATERAL_ALIASES = frozenset(
    ("snowflake", "redshift", "databricks", "spark", "clickhouse", "duckdb", "teradata")
)
# Columns that every relation has, and no catalog tells.
_SYSTEM_COLUMNS: dict[str, tuple[str, ...]] = {
    "postgres": ("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"),
    "bigquery": (
        "_partitiontime", "_partitiondate", "_table_suffix", "_file_name", "_change_type",
        "_change_timestamp",
    ),
    "snowflake": ("metadata$action", "metadata$filename", "metadata$isupdate", "metadata$row_id"),
    "clickhouse": ("_part", "_partition_id", "_table", "_path", "_file"),
}  # fmt: skip
# Where a CTE refers to itself without the word RECURSIVE.
_IMPLICIT_RECURSION = frozenset(("tsql", "oracle", "db2", "ansi", "teradata"))


class Dialect:
    """How one dialect's text is read."""

    def __init__(self, name: str) -> None:
        with isolated():
            from sqlglot import Dialect as SqlglotDialect

        self.name = "postgres" if name == "postgresql" else name
        self.sqlglot: Any = SqlglotDialect.get_or_raise(DIALECTS[name] or None)
        self.postgres = DIALECTS[name] in _LOWER
        # Where `->` is no lambda but reads JSON.
        self.arrows = self.postgres or DIALECTS[name] in ("mysql", "sqlite")
        self.lateral_aliases = DIALECTS[name] in _LATERAL_ALIASES
        family = "postgres" if self.postgres else DIALECTS[name]
        self.system_columns = frozenset(_SYSTEM_COLUMNS.get(family, ()))
        self.implicit_recursion = name in _IMPLICIT_RECURSION
        self.key: Callable[[str], str] = str if self.postgres else str.lower
        self._folding = str.lower if self.postgres else str.upper if name in _UPPER else str

    def fold(self, identifier: Any) -> str:
        """Return an identifier as this dialect's catalog stores it."""
        if isinstance(identifier, str):
            return self._folding(identifier)
        args = identifier.args
        name: Any = args.get("this")
        if not isinstance(name, str):
            name = identifier.name
        return name if args.get("quoted") else self._folding(name)

    def shown(self, parts: Sequence[str]) -> str:
        """Return a relation's name as it is shown."""
        return shown(parts)


@lru_cache(maxsize=32)
def dialect_of(name: str) -> Dialect:
    """Return the dialect of that name.

    Raises `InvalidParameter` for a name that is not in `DIALECTS`.
    """
    if name.lower() not in DIALECTS:
        raise InvalidParameter(
            f'There is no SQL dialect "{name}" here.',
            hint="One of: " + ", ".join(sorted(DIALECTS)) + ".",
        )
    return Dialect(name.lower())
