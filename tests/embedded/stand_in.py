"""`make up` with small stand-ins for Troupe's own processes; services and supervisor are the real ones.

Run as a program; the arguments name what goes wrong: `migrate-fails`, `seed-fails`, `web-ends`, `slow-output`,
`successor-ends`.
"""

import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config.environment import Environment
from embedded import postgres, valkey
from embedded.__main__ import run_command
from embedded.console import Console
from embedded.ports import random_free_port
from embedded.processes import Program
from embedded.programs import Programs
from embedded.stack import up

PART = Path(__file__).resolve().with_name("stand_in_part.py")


class SlowConsole(Console):
    """Takes its time over what is more than a line."""

    def write(self, text: str) -> None:
        time.sleep(0.3 if "\n" in text else 0)
        super().write(text)


def stand_ins(environment: Environment, environ: Mapping[str, str], listener: socket.socket) -> Programs:
    def program(name: str, *arguments: str, **options: object) -> Program:
        command = (sys.executable, str(PART), name, *arguments)
        return Program(name, command, cwd=Path("/"), environ=environ, rank=1, **options)

    wrong = sys.argv[1:]
    return Programs(
        migrate=program("migrate", *(["fail"] if "migrate-fails" in wrong else [])),
        web=(
            program(
                "web",
                "end" if "web-ends" in wrong else str(listener.fileno()),
                *(["successor-ends"] if "successor-ends" in wrong else []),
                keep_open=(listener.fileno(),),
                overlaps=True,
            ),
        ),
        background=(program("worker", str(environment.worker_concurrency)), program("beat")),
        seed=program("seed", *(["fail"] if "seed-fails" in wrong else [])) if environment.demo else None,
    )


if __name__ == "__main__":
    # Each machine begins elsewhere: the next one must not take the port of one that is just starting again.
    postgres.FIRST_PORT, valkey.FIRST_PORT = random_free_port(), random_free_port()
    console = SlowConsole() if "slow-output" in sys.argv else Console()
    sys.exit(run_command(lambda: up(os.environ, console, table=stand_ins)))
