"""Tells who sets a secret when the server would have written its value down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pg_llm.database import Database

# pg_stat_statements replaces constants in these, and not in other statements.
_NORMALISED = re.compile(r"\s*(select|with|insert|update|delete|merge|values)\b", re.IGNORECASE)

_ASK = """
select
    pg_catalog.current_query() as statement,
    pg_catalog.json_object_agg(s.name, s.setting)::text as settings
from pg_catalog.pg_settings s
where s.name operator(pg_catalog.=) any ($1::text[])
"""

_SETTINGS = (
    "track_activities",
    "log_statement",
    "log_min_duration_statement",
    "log_min_duration_sample",
    "log_transaction_sample_rate",
    "log_parameter_max_length",
    "debug_print_parse",
    "debug_print_rewritten",
    "debug_print_plan",
    "auto_explain.log_min_duration",
    "pgaudit.log",
    "pg_stat_statements.track",
)


def warn(database: Database, value: str) -> None:
    """Warn when `value` stands in the running statement, or parameters are logged."""
    import json

    row = database.execute(_ASK, [list(_SETTINGS)], ["text[]"])[0]
    settings = json.loads(row["settings"])
    statement = row["statement"] or ""
    if value in statement or value.replace("'", "''") in statement:
        seen = [*_seen_in_text(settings, statement), "the history of a client like psql"]
        _say(database, "pg_llm: the secret's value stands in the text of the statement", seen)
    elif settings.get("log_parameter_max_length") != "0" and (seen := [*_logged(settings)]):
        _say(database, "pg_llm: the server's log records parameters of statements", seen)


def _say(database: Database, what: str, seen: list[str]) -> None:
    database.message(
        "warning",
        what,
        detail="The value may be read in: " + "; ".join(seen) + ".",
        hint="Use a reference (file:NAME, env:NAME), or pass the value as a parameter while the "
        "log records none (in psql 16: \\bind); then have the provider replace this key.",
    )


def _seen_in_text(settings: Mapping[str, str], statement: str) -> Iterator[str]:
    if settings.get("track_activities") == "on":
        yield "pg_stat_activity (track_activities), until this session's next statement"
    yield from _logged(settings)
    if any(settings.get(name) == "on" for name in settings if name.startswith("debug_print_")):
        yield "the server's log (debug_print_parse, debug_print_rewritten, debug_print_plan)"
    track = settings.get("pg_stat_statements.track", "none")
    if track != "none" and not _NORMALISED.match(statement):
        yield "pg_stat_statements"


def _logged(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the parameters that make the server log a statement such as this one."""
    if settings.get("log_statement") == "all":
        yield "the server's log (log_statement)"
    for name in ("log_min_duration_statement", "log_min_duration_sample"):
        if settings.get(name, "-1") != "-1":
            yield f"the server's log ({name})"
    if float(settings.get("log_transaction_sample_rate", "0")) > 0:
        yield "the server's log (log_transaction_sample_rate)"
    if settings.get("auto_explain.log_min_duration", "-1") != "-1":
        yield "the server's log (auto_explain.log_min_duration)"
    if settings.get("pgaudit.log", "none") not in ("none", ""):
        yield "the server's log (pgaudit.log)"
