"""The one door to PostgreSQL.

Rooms talk to the `Database` protocol. `PlpyDatabase` implements it inside a
backend (PL/Python's `plpy`), `PsycopgDatabase` outside of one (tests, tools,
workers). Both use `$1` parameters and return rows as dictionaries.

Errors of the server come out as `errors.DatabaseError`; only a cancel or a
shutdown (SQLSTATE class 57) keeps its own exception, which is not a
`PgLlmError`, so that no room can mistake it for a failure to recover from.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from pg_llm.errors import DatabaseError, ProgramLimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

Row = dict[str, Any]


class Database(Protocol):
    """What a room may ask of PostgreSQL."""

    def execute(
        self,
        query: str,
        args: Sequence[object] = (),
        types: Sequence[str] = (),
        limit: int = 0,
    ) -> list[Row]:
        """Run one statement and return its rows (`limit` 0: all of them).

        `types` names the type of each `$n`; without them every argument is
        `text`. Raises `DatabaseError`.
        """
        ...

    def cursor(
        self,
        query: str,
        args: Sequence[object] = (),
        types: Sequence[str] = (),
        batch: int = 1000,
    ) -> Iterator[Row]:
        """Yield the rows of one query, fetching `batch` at a time."""
        ...

    def is_one(self, query: str, command: str) -> bool:
        """Tell whether the server reads `query` as one statement of this command.

        `command` is a utility command's tag (`CREATE FUNCTION`). Nothing is
        executed. Raises `DatabaseError` where the text does not parse.
        """
        ...

    def subtransaction(self) -> AbstractContextManager[None]:
        """Run the block in a subtransaction that an exception rolls back."""
        ...

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Cancel what the block's statements do after so many seconds.

        Raises `ProgramLimitExceeded` then; a cancel of the user's passes.
        """
        ...

    def check_interrupts(self) -> None:
        """Let the server raise a pending cancel, timeout or shutdown."""
        ...

    def message(
        self,
        level: str,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Send `debug`, `log`, `info`, `notice` or `warning` to client and server log."""
        ...


def _refuse_unspeakable(query: str) -> None:
    """Raise `DatabaseError` for a text that plpy does not take, and says so without a code."""
    if "\0" not in query:
        try:
            query.encode()
        except UnicodeEncodeError:
            pass
        else:
            return
    raise DatabaseError("the statement holds a character that no encoding has", sqlstate="22021")


class PlpyDatabase:
    """`Database` on PL/Python's `plpy`, inside a backend.

    Plans are prepared once a session and text. They hold no result and no
    right: the server checks the privileges of the current role at each run.
    """

    _MAX_PLANS = 256

    def __init__(self, plpy: Any) -> None:
        self._plpy = plpy
        self._plans: OrderedDict[tuple[str, tuple[str, ...]], Any] = OrderedDict()

    def execute(
        self,
        query: str,
        args: Sequence[object] = (),
        types: Sequence[str] = (),
        limit: int = 0,
    ) -> list[Row]:
        _refuse_unspeakable(query)
        with self._errors():
            if not args:
                return list(self._plpy.execute(query, limit))
            return list(self._plpy.execute(self._plan(query, args, types), list(args), limit))

    def cursor(
        self,
        query: str,
        args: Sequence[object] = (),
        types: Sequence[str] = (),
        batch: int = 1000,
    ) -> Iterator[Row]:
        _refuse_unspeakable(query)
        with self._errors():
            if args:
                cursor = self._plpy.cursor(self._plan(query, args, types), list(args))
            else:
                cursor = self._plpy.cursor(query)
        try:
            while True:
                with self._errors():
                    rows = cursor.fetch(batch)
                if not rows:
                    return
                yield from rows
        finally:
            cursor.close()

    def is_one(self, query: str, command: str) -> bool:
        # SPI opens no cursor on a utility command, and none on several
        # statements, and says so before anything runs: "cannot open CREATE
        # FUNCTION query as cursor", in the server's language. A tag is not
        # translated.
        try:
            for _ in self.cursor(query):
                pass
        except DatabaseError as error:
            if error.sqlstate != "42P11":
                raise
            return f" {command} " in f" {error.message} "
        return False

    @contextmanager
    def subtransaction(self) -> Iterator[None]:
        with self._plpy.subtransaction():
            yield

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        from pg_llm.deadline import Alarm

        alarm = Alarm(seconds)
        try:
            try:
                yield
            finally:
                late = alarm.stop()
            if late:
                # its signal may still be pending
                self.check_interrupts()
        except self._plpy.SPIError as error:
            if not late or getattr(error, "sqlstate", None) != "57014":
                raise
            raise ProgramLimitExceeded(f"the query took longer than {seconds:g} s") from None

    def check_interrupts(self) -> None:
        self._plpy.execute(self._plan("select 1", (), ()), [])

    def message(
        self,
        level: str,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        extra = {k: v for k, v in (("detail", detail), ("hint", hint)) if v is not None}
        {
            "debug": self._plpy.debug,
            "log": self._plpy.log,
            "info": self._plpy.info,
            "notice": self._plpy.notice,
            "warning": self._plpy.warning,
        }[level](message, **extra)

    def _plan(self, query: str, args: Sequence[object], types: Sequence[str]) -> Any:
        key = (query, tuple(types) or ("text",) * len(args))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plpy.prepare(
                query, ["pg_catalog." + name for name in key[1]]
            )
            if len(self._plans) > self._MAX_PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._plpy.SPIError as error:
            # An error of SPI itself has no code (a transaction command in a function).
            sqlstate = getattr(error, "sqlstate", None) or "XX000"
            if sqlstate.startswith("57"):
                raise
            # spidata: sqlerrcode, detail, hint, query, position, then names.
            data = getattr(error, "spidata", None) or (None,) * 5
            raise DatabaseError(
                str(error),
                sqlstate=sqlstate,
                detail=data[1],
                hint=data[2],
                position=data[4] or None,
            ) from None


class PsycopgDatabase:
    """`Database` on a psycopg connection, outside of a backend."""

    def __init__(self, connection: Any) -> None:
        import psycopg
        from psycopg.rows import dict_row

        self._connection = connection
        self._psycopg = psycopg
        self._row_factory = dict_row

    def execute(
        self,
        query: str,
        args: Sequence[object] = (),
        types: Sequence[str] = (),
        limit: int = 0,
    ) -> list[Row]:
        with self._errors(), self._raw_cursor() as cursor:
            # The simple protocol takes what `plpy.execute` takes; parameters
            # need the extended one.
            cursor.execute(query, args or None)
            if cursor.description is None:
                return []
            return list(cursor.fetchmany(limit) if limit else cursor.fetchall())

    def cursor(
        self,
        query: str,
        args: Sequence[object] = (),
        types: Sequence[str] = (),
        batch: int = 1000,
    ) -> Iterator[Row]:
        with self._errors(), self._raw_cursor() as cursor:
            cursor.execute(query, args or None)
            while rows := cursor.fetchmany(batch):
                yield from rows

    def is_one(self, query: str, command: str) -> bool:
        # The extended protocol parses exactly one statement, and runs none.
        result = self._connection.pgconn.prepare(b"", query.encode())
        if result.status == self._psycopg.pq.ExecStatus.COMMAND_OK:
            return query.lstrip().upper().startswith(command)
        with self._errors():
            error = self._psycopg.errors.error_from_result(result)
            if error.diag.statement_position is not None:
                raise error
        return False

    @contextmanager
    def subtransaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        # the timeout of the statements to come, in milliseconds
        self._connection.execute(f"set statement_timeout = {max(1, round(seconds * 1000))}")
        try:
            yield
        except self._psycopg.errors.QueryCanceled:
            raise ProgramLimitExceeded(f"the query took longer than {seconds:g} s") from None
        finally:
            if self._connection.info.transaction_status.name != "INERROR":
                self._connection.execute("reset statement_timeout")

    def check_interrupts(self) -> None:
        return None

    def message(
        self,
        level: str,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        import logging

        levels = {
            "debug": logging.DEBUG,
            "log": logging.INFO,
            "info": logging.INFO,
            "notice": logging.INFO,
        }
        logging.getLogger("pg_llm").log(
            levels.get(level, logging.WARNING),
            " ".join(part for part in (message, detail, hint) if part),
        )

    def _raw_cursor(self) -> Any:
        return self._psycopg.RawCursor(self._connection, row_factory=self._row_factory)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            sqlstate = error.sqlstate or "08000"
            if sqlstate.startswith("57"):
                raise
            diagnostics = error.diag
            position = diagnostics.statement_position
            raise DatabaseError(
                diagnostics.message_primary or str(error),
                sqlstate=sqlstate,
                detail=diagnostics.message_detail,
                hint=diagnostics.message_hint,
                position=int(position) if position else None,
            ) from None
