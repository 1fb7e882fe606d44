"""The real `make up`: Django, Celery and all."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from config.environment import REPOSITORY
from tests.embedded.conftest import Machine, command_of, is_gone, wait_for

# Only a fault takes it all: a busy machine makes everything here ten times as slow.
pytestmark = pytest.mark.timeout(600)


def make(*arguments: str) -> list[str]:
    return ["make", *arguments, f"PYTHON={sys.executable}"]


def finishes(machine: Machine, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env=machine.environ(),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def family(machine: Machine) -> list[psutil.Process]:
    state = machine.state
    assert state is not None
    supervisor = psutil.Process(state["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def pool_size(machine: Machine) -> int:
    workers = [process for process in family(machine) if " worker -Q" in command_of(process)]
    return sum(process.parent() in workers for process in workers)


def test_a_newcomer_starts_stops_and_starts_again(machine):
    machine.variables["TROUPE_DEMO"] = "0"  # its documents would be embedded all the while

    # In the foreground, until Ctrl-C, which a terminal sends to make and all it started.
    with open(machine.output, "w") as output:
        machine.process = subprocess.Popen(
            make("up"), cwd=REPOSITORY, env=machine.environ(), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    state = machine.wait_until_ready(150)
    everything = family(machine)
    assert f"Troupe is ready: {state['url']}" in machine.said

    os.killpg(machine.process.pid, signal.SIGINT)
    machine.ends(60)
    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes", 5)

    # In the background, with the same data.
    begun = finishes(machine, *make("up", "DETACH=1"))
    assert begun.returncode == 0, begun.stdout + begun.stderr
    url = machine.state["url"]
    assert f"Troupe is ready: {url}" in begun.stdout
    with urllib.request.urlopen(f"{url}readyz") as answer:
        assert json.load(answer)["status"] == "ok"

    # Another terminal needs to set nothing but the home.
    created = finishes(machine, sys.executable, "manage.py", "create_tenant", "Acme", "--json")
    assert created.returncode == 0, created.stderr
    key = json.loads(created.stdout)["api_key"]
    request = urllib.request.Request(f"{url}api/v1/me/", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["tenant"]["name"] == "Acme"

    # New code, for all of our own processes.
    ours = [process for process in family(machine) if command_of(process).startswith(sys.executable)][1:]
    assert len(ours) >= 3
    restarted = finishes(machine, *make("restart"))
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    assert restarted.stdout.splitlines()[-1] == "Troupe runs anew."
    assert all(map(is_gone, ours))
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["tenant"]["name"] == "Acme"

    # A supervisor that is killed takes even Celery's pool with it.
    wait_for(lambda: pool_size(machine) == 2, "Celery's pool", 60)
    everything = family(machine)
    everything[0].kill()
    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes")

    # With the demo.
    del machine.variables["TROUPE_DEMO"]
    again = finishes(machine, *make("up", "DETACH=1"))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "阿青 Qing" in again.stdout
    everything = family(machine)
    stopped = finishes(machine, *make("down"))
    assert stopped.stdout == "Troupe is stopped.\n"
    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes", 1)
