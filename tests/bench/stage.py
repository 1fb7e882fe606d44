"""Processes to measure, on services of their own."""

import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil

from embedded.ports import random_free_port
from embedded.programs import SERVER
from tests import plugin  # noqa: F401 - starts the services
from tests.chat.stage import ROOT

UVICORN = [*SERVER, "--host", "127.0.0.1"]


def set_up_django() -> None:
    """Migrate the database that `tests.plugin` started."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@dataclass(frozen=True)
class Running:
    """A process and how it is reached."""

    process: psutil.Process
    url: str

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def python(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}", **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextlib.contextmanager
def fake_model(*, tokens: int, delay_ms: float) -> Iterator[Running]:
    """The scripted model in a process of its own, which says the same to everybody."""
    module = ["-m", "tests.fakes.openai_server", "--tokens", str(tokens), "--delay-ms", str(delay_ms)]
    with python(*module) as process:
        assert process.stdout
        yield Running(psutil.Process(process.pid), process.stdout.readline().strip())


@contextlib.contextmanager
def server(application: str, **environ: str) -> Iterator[Running]:
    """A web process, ready to be asked."""
    port = random_free_port()
    command = [*UVICORN, "--port", str(port), "--log-level", "warning", "--no-access-log", application]
    with python(*command, **environ) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield Running(psutil.Process(process.pid), f"ws://127.0.0.1:{port}")


def wait_for(url: str, process: Any, within_s: float = 60) -> None:
    """Until something answers, whatever it says."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError):
            try:
                urllib.request.urlopen(url, timeout=1).close()
                return
            except urllib.error.HTTPError:
                return
        time.sleep(0.1)
    raise TimeoutError(url)


def valkey() -> psutil.Process:
    """This run's Valkey, known by its port."""
    port = urlsplit(os.environ["REDIS_URL"]).port
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "valkey" in line and re.search(rf"(:|--port ){port}\b", line):
            return process
    raise LookupError("Valkey")


def pace_s() -> float:
    """CPU seconds of ten million additions: how fast the machine is now. 0.5 on a quiet one of 2025."""
    before, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - before


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
