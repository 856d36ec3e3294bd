"""What every reception function shares: the door and the errors."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from pg_llm.database import PlpyDatabase
from pg_llm.errors import PgLlmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


_databases: dict[int, PlpyDatabase] = {}


def database(plpy: Any) -> PlpyDatabase:
    """Return this session's `Database` (its prepared plans are kept)."""
    found = _databases.get(id(plpy))
    if found is None:
        found = _databases[id(plpy)] = PlpyDatabase(plpy)
    return found


def reception(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `function(database, …)` be called by a body as `function(plpy, …)`.

    Our exceptions become PostgreSQL errors with their SQLSTATE, detail and
    hint; everything else passes, a cancel above all.
    """
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def receive_rows(plpy: Any, *args: Any) -> Iterable[Any]:
            # The first row is made here: PL/Python hides the message of what an
            # iterator raises in the DETAIL of its own.
            rows = function(database(plpy), *args)
            try:
                first = next(rows)
            except StopIteration:
                return ()
            except PgLlmError as error:
                report(plpy, error)
            return _rows(plpy, first, rows)

        return receive_rows

    @functools.wraps(function)
    def receive(plpy: Any, *args: Any) -> Any:
        try:
            return function(database(plpy), *args)
        except PgLlmError as error:
            report(plpy, error)

    return receive


def _rows(plpy: Any, first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    try:
        yield from rest
    except PgLlmError as error:
        report(plpy, error)


def report(plpy: Any, error: PgLlmError) -> NoReturn:
    """Raise `error` as a PostgreSQL error: `ERROR:  pg_llm: <message>`."""
    raised = _error_class(plpy)(error.message)
    raised.sqlstate, raised.detail, raised.hint = error.sqlstate, error.detail, error.hint
    raise raised from None


@functools.cache
def _error_class(plpy: Any) -> Any:
    # PL/Python begins a message with the name of the exception's class, and
    # leaves out the module only where it is "builtins".
    return type("pg_llm", (plpy.Error,), {"__module__": "builtins"})


__all__ = ["database", "reception", "report"]
