"""This web process: its id, what runs in it, and the heartbeat by which the others know that it lives."""

import logging
import os
import socket
import threading
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from uuid_utils.compat import uuid7

from chat.models import Process

logger = logging.getLogger(__name__)

HEARTBEAT_S = 1.0

# The database's own clock: those of web servers and of the sweeper's host may differ.
BEAT = """
    INSERT INTO chat_process (id, host, heartbeat_at) VALUES (%s, %s, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp()
"""


class Heart:
    """Beats from a thread of its own, on a connection of its own.

    So neither a busy loop, nor busy ORM threads, nor an exhausted pool make us look dead.
    """

    def __init__(self) -> None:
        self.process_id: UUID = uuid7()
        # Ids of the turns that run here, in whichever event loop.
        self.turns: set[UUID] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def beats(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Begin to beat; once it returns, the first beat is in the database. Raises DatabaseError."""
        with self._starting:
            if self._thread is None:
                self._stopping.clear()
                with connections["default"].cursor() as cursor:
                    self._beat(cursor)
                self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Say goodbye: whatever we still hold may be taken over at once."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._thread = None
        try:
            Process.objects.filter(pk=self.process_id).delete()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("No goodbye: %s", error)
        finally:
            connections["default"].close()

    def _run(self) -> None:
        connection = _own_connection()
        while not self._stopping.wait(HEARTBEAT_S):
            try:
                with connection.cursor() as cursor:
                    self._beat(cursor)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("No heartbeat: %s", error)
                connection.close()
        connection.close()

    def _beat(self, cursor: Any) -> None:
        cursor.execute(BEAT, [self.process_id, f"{socket.gethostname()}:{os.getpid()}"])


def _own_connection() -> BaseDatabaseWrapper:
    """A connection to the same database, outside the pool."""
    connection: BaseDatabaseWrapper = connections["default"].copy()
    connection.settings_dict["OPTIONS"].pop("pool", None)
    return connection


heart = Heart()
