"""Asks whether the web server is ready, without ever waiting for it."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

# A server that took our question and does not answer is asked anew after this long.
ANSWER_WITHIN_S = 5.0
ASK_AGAIN_AFTER_S = 0.2


class ReadyProbe:
    """Call it again and again: True once `/readyz` has answered 200. `answer` holds the last other answer."""

    def __init__(self, address: tuple[str, int], host_header: str) -> None:
        self.address = address
        request = f"GET /readyz HTTP/1.1\r\nHost: {host_header}\r\nConnection: close\r\n\r\n"
        self.request = request.encode("ascii")
        self.connection: socket.socket | None = None
        self.received = b""
        self.answer = ""
        self.ask_at_s = 0.0

    def __call__(self) -> bool:
        try:
            if self.connection is None:
                self.ask()
            return self.has_good_answer()
        except BlockingIOError:
            if time.monotonic() > self.ask_at_s + ANSWER_WITHIN_S:
                self.close()
        except OSError as error:
            self.answer = error.strerror or str(error)
            self.close()
        return False

    def asked_once(self) -> bool:
        """Ask, wait for the answer, and return whether it is 200."""
        while not (is_ready := self()) and self.connection is not None:
            time.sleep(0.02)
        return is_ready

    def ask(self) -> None:
        """Connect and send the question: over loopback to a socket that listens, neither waits."""
        if time.monotonic() < self.ask_at_s:
            raise BlockingIOError
        self.ask_at_s = time.monotonic()
        self.connection = socket.create_connection(self.address, timeout=1)
        self.connection.sendall(self.request)
        self.connection.setblocking(False)

    def has_good_answer(self) -> bool:
        assert self.connection is not None
        while part := self.connection.recv(65_536):
            self.received += part
        head, _, body = self.received.decode(errors="replace").partition("\r\n\r\n")
        self.close()
        if head.split(" ")[1:2] == ["200"]:
            return True
        self.answer = body.strip() or head.splitlines()[0] if head else "no answer"
        return False

    def close(self) -> None:
        """Give up on this connection; the next question is asked a little later."""
        if self.connection is not None:
            with suppress(OSError):
                self.connection.close()
        self.connection, self.received = None, b""
        self.ask_at_s = time.monotonic() + ASK_AGAIN_AFTER_S
