"""A session of a dataset's own role: everything it may do is bounded on the server, and once more from here."""

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg import generators
from psycopg.pq import ExecStatus

from analytics.datasets.connecting import connection_parameters
from analytics.errors import DatasetBusy, DatasetUnreachable
from analytics.models import Dataset
from analytics.running.limits import DEFAULT_LIMITS, RunLimits
from analytics.running.results import Described, keep_what_python_has_not

# Of one dataset in one process; the role's own limit holds over all of them.
SESSIONS_AT_ONCE = 4
# How much longer than the server's own limit we wait for it to keep that.
GRACE_S = 5.0
_RETRY_S = 0.1
_TOO_MANY = "53300"

_places: defaultdict[UUID, threading.BoundedSemaphore] = defaultdict(
    lambda: threading.BoundedSemaphore(SESSIONS_AT_ONCE)
)


class Session:
    """One connection. Statements go by the extended protocol, which takes one statement and no more."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.was_cancelled = False
        keep_what_python_has_not(connection)

    def begin(self, limits: RunLimits) -> None:
        """Set what must hold, whatever the session was used for before, and open a transaction that only reads."""
        settings = {
            # Tables are named with their schema, and functions are PostgreSQL's own.
            "search_path": "pg_catalog",
            "statement_timeout": f"{int(limits.timeout_s * 1000)}",
            "lock_timeout": "2000",
            "idle_in_transaction_session_timeout": "30000",
            "default_transaction_read_only": "on",
            "standard_conforming_strings": "on",
            "DateStyle": "ISO, YMD",
            "IntervalStyle": "postgres",
            "TimeZone": "UTC",
            "extra_float_digits": "1",
            # What is planned is what is explained: to the last row.
            "cursor_tuple_fraction": "1",
        }
        if self.connection.info.server_version >= 140000:
            settings["client_connection_check_interval"] = "1000"  # the query ends with us
        statements = [f"SET {name} = '{value}'" for name, value in settings.items()]
        self.connection.execute("; ".join([*statements, "BEGIN TRANSACTION READ ONLY"]))

    def describe(self, sql: str) -> list[Described]:
        """Let the server read a statement: the columns that it will give. Raises psycopg.Error."""
        pgconn = self.connection.pgconn
        pgconn.send_prepare(b"", sql.encode())
        self._finish()
        pgconn.send_describe_prepared(b"")
        result = self._finish()
        return [Described((result.fname(n) or b"").decode(), result.ftype(n)) for n in range(result.nfields)]

    def execute(self, sql: str) -> Any:
        """One statement; its result as libpq has it. Raises psycopg.Error."""
        self.connection.pgconn.send_query_params(sql.encode(), None)
        return self._finish()

    def rows(self, sql: str, at_once: int) -> Generator[tuple[Any, ...], None, None]:
        """The rows of one statement as they come: never more than `at_once` of them are held."""
        size = at_once if psycopg.capabilities.has_stream_chunked() else 1
        with self.connection.cursor() as cursor:
            yield from cursor.stream(sql, size=size)

    def reset(self) -> None:
        """Undo and forget everything, so that the next question finds the session as if it were new."""
        try:
            # One after the other: DISCARD ALL may not stand in a transaction, nor in one text with others.
            self.connection.execute("ROLLBACK")
            self.connection.execute("DISCARD ALL")
        except psycopg.Error:
            self.connection.close()

    def _finish(self) -> Any:
        pgconn = self.connection.pgconn
        results = self.connection.wait(generators.execute(pgconn))
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result, encoding="utf-8")
        return results[-1]


@contextmanager
def session_of(
    dataset: Dataset, *, name: str = "troupe question", limits: RunLimits = DEFAULT_LIMITS
) -> Iterator[Session]:
    """Log in as the dataset's role; `name` shows in pg_stat_activity. Raises DatasetBusy, DatasetUnreachable."""
    until = time.monotonic() + limits.timeout_s
    place = _places[dataset.pk]
    if not place.acquire(timeout=limits.timeout_s):
        raise DatasetBusy(headers={"Retry-After": "5"})
    try:
        connection = _connected(connection_parameters(dataset), name, until)
        try:
            yield Session(connection)
        finally:
            connection.close()
    finally:
        place.release()


def _connected(parameters: dict[str, Any], name: str, until: float) -> psycopg.Connection[Any]:
    while True:
        try:
            return psycopg.connect(
                **{**parameters, "application_name": name, "client_encoding": "utf8"},
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.OperationalError as error:
            is_full = error.sqlstate == _TOO_MANY or "too many connections" in str(error)
            if not is_full:
                raise DatasetUnreachable from error
            if time.monotonic() > until:
                raise DatasetBusy(headers={"Retry-After": "5"}) from error
            time.sleep(_RETRY_S)


@contextmanager
def deadline(session: Session, seconds: float) -> Iterator[threading.Event]:
    """Hang up on a server that neither answers nor keeps its own limits. The event tells that it came to that."""
    is_over = threading.Event()

    def hang_up() -> None:
        is_over.set()
        hang_up_on(session)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()


def hang_up_on(session: Session) -> None:
    """End the connection from another thread: whoever waits for it gets an error at once."""
    with suppress(OSError, psycopg.Error):
        with socket.socket(fileno=os.dup(session.connection.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)
