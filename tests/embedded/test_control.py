"""Stopping from another terminal, and deleting."""

import subprocess
import sys

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
