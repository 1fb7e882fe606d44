"""PostgreSQL and Valkey for one run of a test suite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from embedded.console import Console
from embedded.ports import random_free_port
from embedded.services import Services, postgres_home, start_services
from embedded.supervisor import Supervisor

SOURCES = Path(__file__).resolve().parents[1]


@contextmanager
def running_services(home: Path, *, durable: bool = False) -> Iterator[Services]:
    """Start both on free ports, data in `home`, and end them with the block or with this process.

    They are supervised: one that a test kills comes back on its port. Not `durable` is faster, and loses
    data when the machine crashes. Call from the main thread: they die with the thread.
    """
    command = [sys.executable, "-m", "embedded", "services", "--home", str(home)]
    log_path = home.with_name(f"{home.name}.log")
    with open(log_path, "w") as log:
        process = subprocess.Popen(
            [*command, *(["--durable"] if durable else [])],
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        announced = process.stdout.readline()
        if not announced:
            raise RuntimeError(f"The services did not start:\n{log_path.read_text()[-4000:]}")
        yield Services(**json.loads(announced))
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
        if not durable and postgres_home(home).parent != home:
            shutil.rmtree(postgres_home(home).parent, ignore_errors=True)


def serve(home: Path, *, is_durable: bool) -> None:
    """What `running_services` runs: both services until a signal, or the end of the parent, asks to stop."""
    with Supervisor(Console(sys.stderr), dies_with_parent=True) as supervisor:
        started = start_services(supervisor, home, is_durable=is_durable, port_of=lambda first: random_free_port())
        print(json.dumps(asdict(started)), flush=True)
        supervisor.run_until_stopped()
