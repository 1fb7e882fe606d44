"""Django's PostgreSQL backend, with three things for those who are in a hurry.

Its pool gives out no connection that the server has closed. After a restart of PostgreSQL each one that lay in the
pool is dead, and would fail whoever gets it. The pool's own check asks the server each time, which a turn would pay
for three times. A look at the socket costs microseconds: on a connection that lies idle there is nothing to read,
unless the server said goodbye.

What holds for one transaction is set with the round trip that begins it; and the one that ends it is a single call.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction
from psycopg.pq import Escaping, TransactionStatus
from psycopg_pool import ConnectionPool

from tenants.postgresql.direct import checked


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Of those that are found dead the pool makes new ones; while the server is away it keeps us waiting."""
        connection = super().get_new_connection(conn_params)
        for _ in range(self.pool.max_size if self.pool else 0):
            if not has_ended(connection):
                break
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _commit(self) -> None:
        """In one call of libpq's, as `DirectCursor` asks."""
        if self.connection is not None:
            with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
                pgconn = self.connection.pgconn
                if pgconn.transaction_status != TransactionStatus.IDLE:
                    checked(pgconn, pgconn.exec_(b"COMMIT"))

    def set_for_transaction(self, name: str, value: str) -> None:
        """Set a parameter of the server's until the transaction ends. Inside `atomic`; `name` is ours."""
        with self.wrap_database_errors:
            self.ensure_connection()
            pgconn = self.connection.pgconn
            literal = Escaping(pgconn).escape_literal
            # A plain setting: for a call of `set_config` a plan would be made each time.
            quoted = name.replace(".", '"."').encode()
            setting = b'SET LOCAL "%b" = %b' % (quoted, literal(value.encode()))
            has_begun = pgconn.transaction_status != TransactionStatus.IDLE
            checked(pgconn, pgconn.exec_(setting if has_begun else b"BEGIN; " + setting))


def has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection is known to be dead. The server is asked only if it has said something."""
    try:
        if _has_something_to_read(connection.fileno()):
            ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return True
    return False


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
