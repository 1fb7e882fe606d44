"""The table of Troupe's own processes: what each runs, and how it is ended."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.environment import REPOSITORY, Environment
from embedded.processes import Program

QUEUES = "interactive,embedding,analytics,memory,webhooks,maintenance"
# Running turns may finish, and who posted them may wait; then they are marked as interrupted and can be asked
# again. Sockets and streams that follow a conversation are told to come back at once (`chat.engine`).
DRAIN_S = 30
# Jobs are leased: one that is cut short is done again.
WORKER_STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Programs:
    """What runs once the services answer."""

    # Run to the end before the rest starts, unless nothing changed since the last time.
    migrate: Program
    web: tuple[Program, ...]
    # Started once the page is up: on two cores three imports of Django side by side would hold it up.
    background: tuple[Program, ...]
    # Run to the end after that, once.
    seed: Program | None


# Makes the table from the settings, the children's environment and the socket on which the web listens.
Table = Callable[[Environment, Mapping[str, str], socket.socket], Programs]


# Frames are not compressed: a compressor takes 70 KiB of each socket, and a tenth of the time of a token's few words
# (docs/adr/0023-sockets-are-not-compressed.md).
SERVER = (
    "-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--ws", "wsproto", "--ws-per-message-deflate", "false",
)  # fmt: skip


def troupe(environment: Environment, environ: Mapping[str, str], listener: socket.socket) -> Programs:
    return Programs(
        migrate=python("migrate", environ, "manage.py", "migrate", "--noinput", "--verbosity", "0"),
        web=tuple(web(environment, environ, listener)),
        background=(worker(environment, environ), beat(environment, environ)),
        seed=python("seed", environ, "manage.py", "seed_demo") if environment.demo else None,
    )


def web(environment: Environment, environ: Mapping[str, str], listener: socket.socket) -> list[Program]:
    """One program per web process. They share one listening socket, so that each can die alone."""
    count = environment.web_processes
    names = ["web"] if count == 1 else [f"web-{number}" for number in range(1, count + 1)]
    return [
        python(
            name, environ,
            *SERVER, "config.asgi:application", "--fd", str(listener.fileno()), "--timeout-keep-alive", "75",
            "--timeout-graceful-shutdown", str(DRAIN_S), "--no-access-log", "--no-server-header",
            "--no-proxy-headers",  # whose word counts, `tenants.limits.visitors` says
            keep_open=(listener.fileno(),), overlaps=True, stop_timeout_s=DRAIN_S + 5,
        )
        for name in names
    ]  # fmt: skip


def worker(environment: Environment, environ: Mapping[str, str]) -> Program:
    return python(
        "worker", environ,
        "-m", "celery", "--quiet", "-A", "config", "worker", "-Q", QUEUES,
        "-c", str(environment.worker_concurrency), "--without-gossip", "--without-mingle",
        "--loglevel", "INFO",
        stop_timeout_s=WORKER_STOP_S,
    )  # fmt: skip


def beat(environment: Environment, environ: Mapping[str, str]) -> Program:
    return python(
        "beat", environ,
        "-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile=", "--loglevel", "WARNING",
        "-s", str(environment.home / "beat-schedule"),
    )  # fmt: skip


def python(name: str, environ: Mapping[str, str], *arguments: str, **options: Any) -> Program:
    command = (sys.executable, *arguments)
    return Program(name, command, cwd=REPOSITORY, environ=environ, rank=1, **options)


def child_environ(environ: Mapping[str, str], environment: Environment, **variables: str) -> dict[str, str]:
    """What Troupe's processes see: our environment, with `variables` and what they all need."""
    return {
        **environ,
        **variables,
        "TROUPE_HOME": str(environment.home),
        # Both source roots, also before the project itself is installed.
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "platform"), str(REPOSITORY)]),
        "PYTHONUNBUFFERED": "1",
        # Keep what was compiled: without, each process of each start compiles some 3000 modules (8 s) again.
        "PYTHONDONTWRITEBYTECODE": "",
        # Embeddings use one thread per process; several processes share the cores.
        "OMP_NUM_THREADS": "1",
        # Celery's warning about root; whoever starts Troupe as root on his own machine means it.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
    }
