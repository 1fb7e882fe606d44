"""This web process: its id, and the heartbeat by which the others know that it lives."""

import logging
import os
import socket
import threading
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from chat.models import Process

logger = logging.getLogger(__name__)

HEARTBEAT_S = 1.0


class Heart:
    """Beats from a thread of its own, so that neither a busy loop nor busy ORM threads make us look dead."""

    def __init__(self) -> None:
        self.process_id: UUID = uuid7()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        """Begin to beat; once it returns, the first beat is in the database."""
        with self._starting:
            if self._thread is not None:
                return
            self._beat()
            connection.close()
            self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Say goodbye: whatever we still hold may be taken over at once."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._thread = None
        Process.objects.filter(pk=self.process_id).delete()
        connection.close()

    def _run(self) -> None:
        while not self._stopping.wait(HEARTBEAT_S):
            try:
                self._beat()
            except DatabaseError as error:
                logger.warning("No heartbeat: %s", error)
            finally:
                connection.close()
        connection.close()

    def _beat(self) -> None:
        host = f"{socket.gethostname()}:{os.getpid()}"
        Process.objects.update_or_create(pk=self.process_id, defaults={"host": host, "heartbeat_at": timezone.now()})


heart = Heart()
