"""Exceptions that become PostgreSQL errors.

Each class carries an SQLSTATE; an instance carries one clear sentence, and
where there is something to do, a hint. The reception (`pg_llm.backend`) hands
them to PostgreSQL.

    PgLlmError                    XX000
     +- InvalidParameter          22023
     +- StatementSyntaxError      42601
     +- UndefinedObject           42704
     +- InsufficientPrivilege     42501
     +- FeatureNotSupported       0A000
     +- ProgramLimitExceeded      54000
     +- ConfigurationError        F0000
     +- ModelError                38000   (external routine: a model provider)
     |   +- ModelTimeout          38001
     |   +- ModelUnavailable      38002
     |   +- ModelRefused          38003
     |   +- ModelAnswerInvalid    38004
     +- DatabaseError             the server's own

A cancel (SQLSTATE class 57) is never one of these: it passes through every
room untouched.
"""

from __future__ import annotations


class PgLlmError(Exception):
    """Something that the user is told: a sentence, a hint, an SQLSTATE."""

    sqlstate = "XX000"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class InvalidParameter(PgLlmError):
    """An argument has a value that makes no sense."""

    sqlstate = "22023"


class StatementSyntaxError(PgLlmError):
    """A statement given as an argument cannot be parsed."""

    sqlstate = "42601"


class UndefinedObject(PgLlmError):
    """Something named does not exist, or the caller may not see it."""

    sqlstate = "42704"


class InsufficientPrivilege(PgLlmError):
    """The caller may not do that."""

    sqlstate = "42501"


class FeatureNotSupported(PgLlmError):
    """Not possible here (this PostgreSQL, this statement, this provider)."""

    sqlstate = "0A000"


class ProgramLimitExceeded(PgLlmError):
    """An argument is larger or nested deeper than we take."""

    sqlstate = "54000"


class ConfigurationError(PgLlmError):
    """The installation or a setting is wrong."""

    sqlstate = "F0000"


class ModelError(PgLlmError):
    """A call to a language model failed."""

    sqlstate = "38000"


class ModelTimeout(ModelError):
    """The model did not answer before the deadline."""

    sqlstate = "38001"


class ModelUnavailable(ModelError):
    """The model's endpoint cannot be reached, is overloaded or failed."""

    sqlstate = "38002"


class ModelRefused(ModelError):
    """The endpoint refused the request (key, rights, unknown model, limits)."""

    sqlstate = "38003"


class ModelAnswerInvalid(ModelError):
    """The endpoint answered with something that is not an answer."""

    sqlstate = "38004"


class DatabaseError(PgLlmError):
    """PostgreSQL refused a statement of ours or of the caller's.

    `position` is the 1-based character in the statement that was executed,
    where the server gave one.
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str,
        hint: str | None = None,
        detail: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.sqlstate = sqlstate
        self.position = position
