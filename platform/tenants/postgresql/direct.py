"""A cursor for what turns ask. It may prepare: PostgreSQL then plans a statement once for each connection.

It asks libpq in one call, which waits without the interpreter: half the time of psycopg's own cursor, which comes back
for each step on the way. How values are written and read is psycopg's (docs/adr/0018-plan-once.md).
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Values = Sequence[Any] | Mapping[str, Any]

# A few hundred statements are asked by turns; with the kinds of their values somewhat more.
MOST_STATEMENTS = 500
_PLACE = re.compile(r"%(?:\((\w+)\)s|(.))", re.DOTALL)


class Sent(NamedTuple):
    """Where Django looks for what was sent, when it logs queries."""

    query: bytes


class DirectCursor:
    """As much of a cursor as Django's wrapper and `tenants.statements` need."""

    def __init__(self, connection: psycopg.Connection[Any], *, prepares: bool) -> None:
        self._connection = connection
        self._prepares = prepares
        self._rows: list[Any] = []
        self._query: Sent | None = None
        self.rowcount = -1

    def execute(self, query: str, params: Values = ()) -> None:
        """`query` has places as everywhere: `%s`, or `%(name)s`. Raises psycopg.Error."""
        connection, pgconn = self._connection, self._connection.pgconn
        sql, names = _numbered(query)
        self._query = Sent(sql)
        values: Any = params if names is None else [params[name] for name in names]  # type: ignore[call-overload]
        transformer = Transformer(connection)
        given: Any = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        if not connection.autocommit and pgconn.transaction_status == TransactionStatus.IDLE:
            checked(pgconn, pgconn.exec_(b"BEGIN"))
        types, formats = transformer.types or (), transformer.formats
        if self._prepares:
            name = _statements_of(connection).name_of(pgconn, sql, types)
            result = checked(pgconn, pgconn.exec_prepared(name, given, formats))
        else:
            result = checked(pgconn, pgconn.exec_params(sql, given, types, formats))
        if result.status == ExecStatus.TUPLES_OK:
            transformer.set_pgresult(result)
            self._rows, self.rowcount = transformer.load_rows(0, result.ntuples, tuple), result.ntuples
        else:
            changed = result.command_tuples
            self._rows, self.rowcount = [], -1 if changed is None else changed

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def close(self) -> None:
        self._rows = []


class Statements:
    """What one connection has prepared, by text and by the types of the values."""

    def __init__(self) -> None:
        self._names: OrderedDict[tuple[bytes, tuple[int, ...]], bytes] = OrderedDict()
        self._made = 0

    def name_of(self, pgconn: PGconn, sql: bytes, types: tuple[int, ...]) -> bytes:
        """Prepared now, if it is not yet."""
        key = (sql, types)
        if name := self._names.get(key):
            self._names.move_to_end(key)
            return name
        self._made += 1
        name = b"t%d" % self._made
        checked(pgconn, pgconn.prepare(name, sql, types))
        self._names[key] = name
        if len(self._names) > MOST_STATEMENTS:
            _, oldest = self._names.popitem(last=False)
            checked(pgconn, pgconn.exec_(b"DEALLOCATE " + oldest))
        return name


def checked(pgconn: PGconn, result: PGresult) -> PGresult:
    """A result that is none of a failure. Raises psycopg.Error."""
    if pgconn.status != ConnStatus.OK:  # of which a result without a code knows nothing
        raise psycopg.OperationalError(pgconn.get_error_message())
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result)
    return result


def keeps_statements(connection: psycopg.Connection[Any]) -> bool:
    """Whether what is prepared is there the next time. Behind a pooler each transaction may meet another server."""
    known: bool | None = getattr(connection, "keeps_statements", None)
    if known is None:
        # A pooler cannot know which server will answer, and makes up a number.
        (pid,) = psycopg.Cursor(connection).execute("SELECT pg_backend_pid()").fetchone() or (None,)
        known = pid == connection.info.backend_pid
        vars(connection)["keeps_statements"] = known
    return known


def _statements_of(connection: psycopg.Connection[Any]) -> Statements:
    statements: Statements = vars(connection).setdefault("statements", Statements())
    return statements


@lru_cache(maxsize=1024)
def _numbered(query: str) -> tuple[bytes, tuple[str, ...] | None]:
    """With numbers for its places, as PostgreSQL wants them; and which names they have, if they have names."""
    names: list[str] = []
    count = 0

    def number(place: re.Match[str]) -> str:
        nonlocal count
        name, other = place.groups()
        if name:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if other == "s":
            count += 1
            return f"${count}"
        if other == "%":
            return "%"
        raise psycopg.ProgrammingError(f"«{place[0]}» is no place for a value")

    sql = _PLACE.sub(number, query).encode()
    return sql, tuple(names) if names else None
