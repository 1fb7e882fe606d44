"""Free TCP ports, always below the range that the kernel hands to outgoing connections."""

from __future__ import annotations

import itertools
import random
import socket

FIRST_EPHEMERAL = 32768  # a server above it may lose its port to somebody's outgoing connection


def free_port(preferred: int, host: str = "127.0.0.1") -> int:
    """Return the preferred port, or the next one on which nobody listens. Raises OSError if there is none."""
    for port in itertools.chain(range(preferred, FIRST_EPHEMERAL), range(1024, preferred)):
        try:
            listening_socket(host, port).close()
        except PermissionError:
            raise
        except OSError:
            continue
        return port
    raise OSError("No port is free below 32768.")


def random_free_port() -> int:
    """Return a free port that another caller at the same moment is unlikely to pick, too."""
    return free_port(random.randint(10_000, 30_000))


def listening_socket(host: str, port: int, *, backlog: int = 2048) -> socket.socket:
    """Return a socket that listens there. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it. uvloop sets it only for listeners of its own making, and without it the
        # kernel holds a token back until the one before is acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener
