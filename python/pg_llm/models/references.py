"""Secrets that the server's operator keeps: `env:NAME` and `file:NAME`.

They are bound where nobody reaches them through SQL: the endpoint is declared
beside the value, in NAME_ENDPOINT or NAME.endpoint. So an administrator of
models cannot send a key that he does not know to a place of his own.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.errors import ConfigurationError, InsufficientPrivilege, InvalidParameter
from pg_llm.models.origins import origin

if TYPE_CHECKING:
    from pg_llm.models.keyfile import Place

_ENV_NAME = re.compile(r"PG_LLM_[A-Z0-9_]{1,100}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """`env:NAME` or `file:NAME`. The names are checked: rows may be forged."""

    kind: str
    name: str

    @classmethod
    def parse(cls, value: str) -> Reference | None:
        """Return the reference that a value is. Raises `InvalidParameter` for a bad name."""
        kind, colon, name = value.partition(":")
        if not colon or kind not in ("env", "file"):
            return None
        pattern = _ENV_NAME if kind == "env" else _FILE_NAME
        declares = name.endswith(("_ENDPOINT", ".endpoint"))
        if declares or not pattern.fullmatch(name):
            raise InvalidParameter(
                f"a reference {kind}: must name "
                + (
                    "a variable that begins with PG_LLM_, in capital letters"
                    if kind == "env"
                    else "a file in pg_llm/secrets of the data directory, without a path"
                ),
                hint=f"For example {kind}:" + ("PG_LLM_OPENAI." if kind == "env" else "openai."),
            )
        return cls(kind, name)

    def read(self, place: Place) -> tuple[str | None, str | None]:
        """Return the value and the endpoint that it is declared for; None: not there."""
        if self.kind == "env":
            return os.environ.get(self.name), os.environ.get(self.name + "_ENDPOINT")
        return place.secret_file(self.name), place.secret_file(self.name + ".endpoint")

    @property
    def hint(self) -> str:
        """What the server's operator has to do."""
        if self.kind == "env":
            return (
                f"Start the server with {self.name} and {self.name}_ENDPOINT=https://… "
                "in its environment."
            )
        return (
            f"Put the value into pg_llm/secrets/{self.name} of the data directory and its address "
            f"(https://…) into {self.name}.endpoint: files of the server's user, with mode 0600."
        )


def check_declared(reference: Reference, declared: str | None, endpoint: str) -> None:
    """Check that what is referred to belongs to `endpoint`, an origin.

    Raises `ConfigurationError` where nothing is declared, `InsufficientPrivilege`
    where it is another one.
    """
    if declared is None:
        raise ConfigurationError(
            "the reference of a secret has no endpoint declared on this server",
            hint=reference.hint,
        )
    if origin(declared.strip()) != endpoint:
        raise InsufficientPrivilege(
            "what the secret refers to belongs to another endpoint",
            hint="The server's operator declares the endpoint, beside the value.",
        )
