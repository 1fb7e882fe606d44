"""Stopping from another terminal, and deleting."""

import subprocess
import sys
import threading
import urllib.request

import pytest

from config.environment import REPOSITORY, ensure_home
from tests.embedded.conftest import is_gone, wait_for


def embedded(machine, *arguments: str, says: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "embedded", *arguments],
        env=machine.environ(), cwd=REPOSITORY, input=says, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_down_stops_what_runs_in_another_terminal(served_machine):
    served_machine.is_up()
    everything = served_machine.all_processes()

    done = embedded(served_machine, "down")

    assert (done.returncode, done.stdout) == (0, "Troupe is stopped.\n")
    assert served_machine.ends() == 0
    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes", 1)


def test_down_without_anything_running_says_so(machine):
    done = embedded(machine, "down")

    assert (done.returncode, done.stdout) == (0, f"No Troupe runs on {machine.home}.\n")


def test_a_restart_brings_new_processes_and_nobody_finds_the_door_shut(served_machine):
    url = served_machine.is_up()["url"]
    before = {name: served_machine.child(name) for name in ("web", "worker", "beat")}
    refused, is_over = [], threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            try:
                urllib.request.urlopen(url, timeout=60).close()
            except OSError as error:
                refused.append(error)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        done = embedded(served_machine, "restart")
    finally:
        is_over.set()
        visitor.join()

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Troupe runs anew.")
    assert not refused
    assert all(map(is_gone, before.values()))
    for name, process in before.items():
        assert served_machine.child(name).pid != process.pid
    served_machine.child("web").kill()
    wait_for(lambda: "web ended (SIGKILL); again in" in served_machine.said, "its being missed, as the first one")
    wait_for(served_machine.answers, "answering again")


def test_code_that_does_not_run_takes_nothing_over(served_machine):
    served_machine.is_up("successor-ends")
    before = {name: served_machine.child(name) for name in ("web", "worker", "beat")}

    done = embedded(served_machine, "restart")

    assert done.returncode == 1
    assert "cannot import name 'tea'" in served_machine.said
    assert "the new web is not ready to take over; the old one goes on" in served_machine.said
    assert served_machine.answers()
    assert {name: served_machine.child(name) for name in before} == before


def test_a_restart_of_nothing_says_so(machine):
    done = embedded(machine, "restart")

    assert (done.returncode, done.stderr) == (1, f"No Troupe is ready on {machine.home}; `make up` starts one.\n")


@pytest.fixture
def used(machine):
    """A home with data in it."""
    ensure_home(machine.home)
    (machine.home / "tea.txt").write_text("oolong")
    return machine


@pytest.mark.parametrize("answer", ["", "no\n", "y\n", "\n"])
def test_reset_deletes_nothing_without_a_yes(used, answer):
    done = embedded(used, "reset", says=answer)

    assert done.returncode == 1
    assert f"This deletes all data, users and keys in {used.home}." in done.stdout
    assert "Nothing was deleted." in done.stdout
    assert (used.home / "tea.txt").read_text() == "oolong"


def test_reset_deletes_after_a_yes(used):
    done = embedded(used, "reset", says="yes\n")

    assert done.returncode == 0
    assert not used.home.exists()


def test_reset_need_not_ask(used):
    assert embedded(used, "reset", "--yes").returncode == 0
    assert not used.home.exists()


def test_reset_leaves_a_running_troupe_alone(served_machine):
    served_machine.is_up()

    done = embedded(served_machine, "reset", "--yes")

    assert done.returncode == 1
    assert "`make down` first" in done.stderr
    assert served_machine.answers()


def test_reset_never_deletes_a_folder_that_is_not_ours(machine):
    machine.home.mkdir()
    (machine.home / "thesis.txt").write_text("years of work")

    done = embedded(machine, "reset", "--yes")

    assert done.returncode == 1
    assert "was not made by Troupe, so it is not deleted" in done.stderr
    assert (machine.home / "thesis.txt").exists()
