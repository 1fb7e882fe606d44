"""Django's PostgreSQL backend, whose pool gives out no connection that the server has closed.

After a restart of PostgreSQL each connection that lay in the pool is dead, and would fail whoever gets it. The pool's
own check asks the server each time, which a turn would pay for three times. A look at the socket costs microseconds:
on a connection that lies idle there is nothing to read, unless the server said goodbye.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


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
