"""Settings: a session's taste over the administrator's choice over a default.

A setting is looked up in this order:

1. the session's `pg_llm.<name>` (`SET pg_llm.language = 'zh'`), only for
   settings marked as taste: any role may set any custom parameter, so nothing
   that limits or protects may come from there;
2. the table `llm.settings`, which only an administrator may write;
3. the default below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import ConfigurationError, UndefinedObject

if TYPE_CHECKING:
    from pg_llm.database import Database


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's name, default and whether a session may choose it."""

    name: str
    default: str
    taste: bool
    description: str


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("chat_model", "", True, "model that completes when none is named"),
        Setting("local_model", "", True, "model that answers where others are not sure enough"),
        Setting("embed_model", "static", True, "model that embeds when none is named"),
        Setting("text2sql_confidence", "0.7", True, "below this, the grammar declines a question"),
        Setting("text2sql_cache", "on", True, "on: answers are kept and given again; off: not"),
        Setting("text2sql_result_cache", "off", True, "on: results of watched tables are kept"),
        Setting("text2sql_result_bytes", "100000", False, "bytes that a kept result may have"),
        Setting("text2sql_results_bytes", "10000000", False, "bytes of results kept for a role"),
        Setting("text2sql_result_seconds", "86400", False, "seconds that a result is kept"),
        Setting("text2sql_cost_limit", "10000000", False, "planner cost that an answer may have"),
        Setting("text2sql_refused_tags", "pii,secret", False, "tags refused without a policy"),
        Setting("text2sql_candidates", "1", False, "answers of models that are voted on"),
        Setting("text2sql_sample_seconds", "2", False, "seconds that a candidate may run"),
        Setting("text2sql_prompt_tokens", "8000", False, "tokens that a model is shown at most"),
        Setting("text2sql_rounds", "2", False, "answers that a question may cost of a model"),
        Setting("text2sql_values_limit", "50000", False, "values that a column may have indexed"),
        Setting("text2sql_row_limit", "1000", False, "rows that llm_ask returns at most"),
        Setting("graph_hidden", "omit", True, "omit or show what one may not see"),
        Setting("text2sql_timeout", "30", False, "seconds that an answer may run or be planned"),
        Setting(
            "openlineage_namespace",
            "",
            False,
            "postgres://host:port of this server, by all its names",
        ),
        Setting("call_timeout", "60", False, "seconds that a model call may take in all"),
    )
}

_LOOKUP = """
select coalesce(
    case when $2 operator(pg_catalog.=) 'true' then (
        select v
        from pg_catalog.current_setting('pg_llm.' operator(pg_catalog.||) $1, true) v
        where v operator(pg_catalog.<>) ''
    ) end,
    (select s.value from llm.settings s where s.name operator(pg_catalog.=) $1)
) as value
"""


def seconds(database: Database, name: str) -> float:
    """Return a setting that is a number of seconds above zero.

    Raises `ConfigurationError` for anything else.
    """
    return _number(database, name, "a number of seconds above zero")


def _number(database: Database, name: str, wanted: str) -> float:
    text = get(database, name)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise ConfigurationError(
            f'setting "{name}" must be {wanted}, and is "{text}"',
            hint="Correct its row in llm.settings.",
        )
    return value


def positive(database: Database, name: str) -> float:
    """Return a setting that is a number above zero.

    Raises `ConfigurationError` for anything else.
    """
    return _number(database, name, "a number above zero")


def whole(database: Database, name: str) -> int:
    """Return a setting that is a whole number of at least one and at most 2**31 - 1.

    Raises `ConfigurationError` for anything else.
    """
    text = get(database, name)
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
    if not 0 < value < 2**31:
        raise ConfigurationError(
            f'setting "{name}" must be a whole number above zero, and is "{text}"',
            hint="Correct its row in llm.settings.",
        )
    return value


def get(database: Database, name: str) -> str:
    """Return the setting's value for this session, as text."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise UndefinedObject(
            f'unknown setting "{name}"',
            hint="The settings are: " + ", ".join(sorted(SETTINGS)) + ".",
        )
    rows = database.execute(_LOOKUP, [name, "true" if setting.taste else "false"])
    value = rows[0]["value"]
    return setting.default if value is None else str(value)
