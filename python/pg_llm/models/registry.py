"""The registry: models are rows, written by an administrator.

A caller names a model, never an address. What a row says (endpoint, secret's
name, proxy, limits) is read with the rights of the extension's owner, inside
`llm.call` and its like; the secret itself only ever there.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pg_llm import settings
from pg_llm.errors import ConfigurationError, InvalidParameter, UndefinedObject
from pg_llm.models import audit, plugins, providers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pg_llm.database import Database, Row
    from pg_llm.models.providers import Provider


@dataclass(frozen=True, slots=True)
class Options:
    """What `options` of a model may say; None: the provider's or the general limit."""

    #: models to try, in this order, when this one fails; for embeddings, only
    #: those with the same name at their provider (others are of another space)
    fallback: tuple[str, ...] = ()
    #: roles that may use the model (members too); empty: every llm_user
    roles: tuple[str, ...] = ()
    #: `http://host:port` of a proxy
    proxy: str | None = None
    #: seconds for a whole call, at most the setting call_timeout
    timeout: float | None = None
    #: seconds to connect
    connect_timeout: float = 10.0
    #: attempts after the first one on 429, 5xx and connection errors
    retries: int = 2
    #: characters of a prompt (all messages, or one text to embed)
    max_prompt: int = 1_000_000
    #: bytes of an answer
    max_answer: int = 32 * 1024 * 1024
    #: numbers in an embedding; others are refused
    dimensions: int | None = None
    #: whether `dimensions` is sent to the endpoint, which then shortens
    send_dimensions: bool = False
    #: texts, and calls at the same time, of bulk embedding
    batch: int | None = None
    concurrency: int | None = None
    #: what a million tokens of a prompt and of an answer cost, in any currency
    prompt_price: float | None = None
    answer_price: float | None = None
    #: whether to ask for the tokens' probabilities (the score of llm_complete_many)
    logprobs: bool = False
    #: "json_schema" or "json_object": how the endpoint is asked for JSON
    json_mode: str | None = None
    #: defaults of the caller's own options (temperature and so on)
    parameters: Mapping[str, object] = dataclasses.field(default_factory=dict)
    #: further keys of the request's body
    body: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the registry. `secret` is the secret's name."""

    name: str
    provider: type[Provider]
    kind: str
    model: str
    endpoint: str
    secret: str | None
    options: Options

    @property
    def host(self) -> str:
        """The endpoint's host and, where it says one, port."""
        return urlsplit(self.endpoint).netloc


#: the embedded embedding is there without a row
STATIC = Model("static", providers.Static, "embed", "", "", None, Options())

_OPTION_TYPES: Mapping[str, tuple[type, ...]] = {
    "proxy": (str,),
    "timeout": (int, float),
    "connect_timeout": (int, float),
    "retries": (int,),
    "max_prompt": (int,),
    "max_answer": (int,),
    "dimensions": (int,),
    "send_dimensions": (bool,),
    "prompt_price": (int, float),
    "answer_price": (int, float),
    "logprobs": (bool,),
    "json_mode": (str,),
    "batch": (int,),
    "concurrency": (int,),
    "parameters": (dict,),
    "body": (dict,),
}
_LISTS = ("fallback", "roles")
_POSITIVE = frozenset({"timeout", "connect_timeout", "max_prompt", "max_answer", "dimensions"})
_POSITIVE |= {"batch", "concurrency"}


def options(given: Any) -> Options:
    """Check a model's options. Raises `InvalidParameter`."""
    if not isinstance(given, dict):
        raise InvalidParameter("options must be a JSON object")
    values = {name: _option(name, value) for name, value in given.items() if value is not None}
    return Options(**values)


def _option(name: str, value: Any) -> Any:
    if name in _LISTS:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise InvalidParameter(f'option "{name}" must be a name or an array of names')
        return tuple(names)
    types = _OPTION_TYPES.get(name)
    if types is None:
        known = ", ".join(sorted((*_OPTION_TYPES, *_LISTS)))
        raise InvalidParameter(
            f'a model has no option "{name}"', hint=f"The options are: {known}."
        )
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise InvalidParameter(f'option "{name}" must be of type {types[-1].__name__}')
    if (isinstance(value, int | float) and value < 0) or (name in _POSITIVE and value == 0):
        raise InvalidParameter(f'option "{name}" must be greater than zero')
    if name == "json_mode" and value not in ("json_schema", "json_object"):
        raise InvalidParameter('option "json_mode" must be "json_schema" or "json_object"')
    if name == "proxy":
        _check_address("proxy", str(value))
    return value


def _check_address(what: str, address: str) -> None:
    parts = urlsplit(address)
    try:
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or re.search(r"\s", address):
        raise InvalidParameter(
            f"the {what} must be an address like https://host/v1, without a query",
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidParameter(
            f"the {what} must not hold a user or password",
            hint="Addresses can be read by llm_monitor; keys belong into llm_secret_set.",
        )


def is_loopback(address: str) -> bool:
    """Whether the address is on this very host."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_ADD = """
insert into llm.model_definitions (name, provider, kind, model, endpoint, secret, options)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_CHANGE = """
update llm.model_definitions
set provider = $2, kind = $3, model = $4, endpoint = $5, secret = $6, options = $7
where name = $1
"""
_TYPES = ("text", "text", "text", "text", "text", "text", "jsonb")
_FIND = """
select d.name, d.provider, d.kind, d.model, d.endpoint, d.secret, d.options::text as options
from llm.model_definitions d
where d.name = $1
"""

_MAY_USE = """
select exists (
    select
    from pg_catalog.unnest($2::text[]) as allowed(name)
    join pg_catalog.pg_roles r on r.rolname = allowed.name
    where pg_catalog.pg_has_role($1::name, r.oid, 'member')
) as may
"""


def add(database: Database, row: Mapping[str, Any]) -> None:
    """Add a model. Raises `InvalidParameter`, `UndefinedObject` or 23505."""
    database.execute(_ADD, _checked(database, row), _TYPES)
    _keep_cooldowns(database)


def change(database: Database, name: str, changes: Mapping[str, Any]) -> None:
    """Change what `changes` says of a model; None leaves as it is.

    Options are merged; an option of null goes back to its default, and an
    empty secret removes the secret's name.
    """
    row = dict(_row(database, name))
    row["options"] = json.loads(row["options"])
    for column, value in changes.items():
        if column == "options" and value is not None:
            merged = row["options"] | value
            row["options"] = {k: v for k, v in merged.items() if v is not None}
        elif value is not None:
            row[column] = value
    database.execute(_CHANGE, _checked(database, row), _TYPES)
    _keep_cooldowns(database)


def drop(database: Database, name: str) -> None:
    """Remove a model."""
    _row(database, name)
    database.execute("delete from llm.model_definitions where name = $1", [name])
    _keep_cooldowns(database)


def _keep_cooldowns(database: Database) -> None:
    """Keep one row of `llm.cooldowns` for each endpoint and model (see `cooldowns`)."""
    database.execute(
        """
        insert into llm.cooldowns (endpoint, model)
        select distinct d.endpoint, d.model
        from llm.model_definitions d
        where d.endpoint <> ''
        on conflict do nothing
        """
    )
    database.execute(
        """
        delete from llm.cooldowns c
        where not exists (
            select
            from llm.model_definitions d
            where d.endpoint = c.endpoint
                and d.model = c.model
        )
        """
    )


def _checked(database: Database, row: Mapping[str, Any]) -> list[object]:
    provider = plugins.find(database, row["provider"])
    if not row["name"]:
        raise InvalidParameter("a model needs a name")
    if row["kind"] not in provider.kinds:
        raise InvalidParameter(
            f'provider "{provider.name}" has no models of kind "{row["kind"]}"',
            hint="It has: " + ", ".join(sorted(provider.kinds)) + ".",
        )
    given = {} if row["options"] is None else row["options"]
    options(given)
    endpoint = (row["endpoint"] or provider.base_url or "").rstrip("/")
    if provider.name != "static":
        _check_endpoint(provider, endpoint, row["secret"])
        if not row["model"]:
            raise InvalidParameter("a model needs the name that the provider knows it by")
    return [
        row["name"],
        provider.name,
        row["kind"],
        row["model"] or "",
        endpoint,
        row["secret"] or None,
        json.dumps(given),
    ]


def _check_endpoint(provider: type[Provider], endpoint: str, secret: str | None) -> None:
    if not endpoint:
        raise InvalidParameter(
            f'provider "{provider.name}" needs an endpoint',
            hint="For example http://localhost:11434/v1 for Ollama.",
        )
    _check_address("endpoint", endpoint)
    local = is_loopback(endpoint)
    if provider.loopback_only and not local:
        raise InvalidParameter(f'provider "{provider.name}" is for endpoints on this host only')
    if secret and not local and urlsplit(endpoint).scheme != "https":
        raise InvalidParameter(
            "a secret is not sent without TLS",
            hint="Use an https address, or a model without a secret.",
        )


def _row(database: Database, name: str) -> Row:
    rows = database.execute(_FIND, [name])
    if not rows:
        raise unknown(name)
    return rows[0]


def unknown(name: str) -> UndefinedObject:
    """Return the one error for a model that is not there or not for the caller."""
    return UndefinedObject(
        f'model "{name}" does not exist, or you may not use it',
        hint="select * from llm.models shows the models that you may use.",
    )


def find(database: Database, name: str | None, kind: str) -> Model:
    """Return the model to call: the named one, or the session's default.

    Raises `UndefinedObject` for one that does not exist or that the acting role
    may not use: the caller cannot tell which.
    """
    name = name or _default(database, kind)
    rows = database.execute(_FIND, [name])
    if not rows and name == "static" and kind == "embed":
        return STATIC
    if not rows:
        raise unknown(name)
    model = from_row(database, rows[0])
    roles = model.options.roles
    if roles:
        acting = audit.caller(database).acting_role
        if not database.execute(_MAY_USE, [acting, list(roles)], ["text", "text[]"])[0]["may"]:
            raise unknown(name)
    if model.kind != kind:
        raise InvalidParameter(f'model "{name}" is of kind "{model.kind}", not "{kind}"')
    return model


def find_any(database: Database, name: str) -> Model:
    """Return a model of any kind, for an administrator."""
    if name == STATIC.name and not database.execute(_FIND, [name]):
        return STATIC
    return from_row(database, _row(database, name))


def from_row(database: Database, row: Row) -> Model:
    """Build a model from its row."""
    return Model(
        name=row["name"],
        provider=plugins.find(database, row["provider"]),
        kind=row["kind"],
        model=row["model"],
        endpoint=row["endpoint"],
        secret=row["secret"],
        options=options(json.loads(row["options"])),
    )


def _default(database: Database, kind: str) -> str:
    name = settings.get(database, f"{kind}_model")
    if name:
        return name
    rows = database.execute(
        "select d.name from llm.model_definitions d where d.kind = $1 limit 2", [kind]
    )
    if len(rows) == 1:
        return str(rows[0]["name"])
    raise ConfigurationError(
        f"no {kind} model is chosen",
        hint=f"set pg_llm.{kind}_model = '…' in the session, or insert ('{kind}_model', '…') "
        "into llm.settings; llm_model_add adds a model.",
    )
