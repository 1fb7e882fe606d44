"""The supervisor with programs of a few lines."""

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from embedded.console import Console
from embedded.ports import listening_socket
from embedded.processes import Program
from embedded.supervisor import Stopped, Supervisor
from tests.embedded.conftest import is_gone, wait_for

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up")
time.sleep(60)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye"), sys.exit()))
print("up")
time.sleep(60)
"""


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(said) -> Iterator[Supervisor]:
    with Supervisor(Console(said)) as supervisor:
        yield supervisor


def program(code: str, name: str = "tea", **options: object) -> Program:
    command = (sys.executable, "-uc", code)
    return Program(name, command, cwd=Path("/"), environ=dict(os.environ), **options)


def runs_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    assert supervisor.run(until=condition, timeout_s=20)


def test_each_line_names_its_program(supervisor, said):
    supervisor.run_to_end(program("print('oolong\\n乌龙'); print('half a line', end='')"), timeout_s=20)

    assert said.getvalue() == "tea      | oolong\ntea      | 乌龙\ntea      | half a line\n"


def test_a_line_without_end_is_cut_rather_than_kept(supervisor, said):
    supervisor.run_to_end(program("print('x' * 100_000)"), timeout_s=20)

    assert said.getvalue().count("x") == 100_000
    assert max(map(len, said.getvalue().splitlines())) < 100_000


def test_the_exit_status_of_a_command_is_told(supervisor):
    assert supervisor.run_to_end(program("raise SystemExit(3)"), timeout_s=20) == 3


def test_what_dies_again_and_again_waits_longer_each_time(supervisor, said):
    child = supervisor.start(program("raise SystemExit(1)"))

    runs_until(supervisor, lambda: child.deaths == 3)

    assert "tea ended (status 1); again in 0.2 s" in said.getvalue()
    assert "tea ended (status 1); again in 0.4 s" in said.getvalue()
    assert "tea ended (status 1); again in 0.8 s" in said.getvalue()


def test_what_a_dead_program_had_started_goes_with_it(supervisor, said):
    pool = "import subprocess; print('pool', subprocess.Popen(['sleep', '60']).pid); import time; time.sleep(60)"
    child = supervisor.start(program(pool))
    runs_until(supervisor, lambda: "pool" in said.getvalue())
    member = psutil.Process(int(said.getvalue().split()[-1]))

    child.process.kill()
    runs_until(supervisor, lambda: child.due_s is not None)

    wait_for(lambda: is_gone(member), "the pool's end")


def test_what_does_not_end_is_killed(said):
    with Supervisor(Console(said)) as supervisor:
        child = supervisor.start(program(STUBBORN, stop_timeout_s=0.3))
        runs_until(supervisor, lambda: "up" in said.getvalue())
        begun_s = time.monotonic()

    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - begun_s < 5
    assert said.getvalue().count("tea does not end; killing it") == 1


def test_users_end_before_what_they_use(said):
    with Supervisor(Console(said)) as supervisor:
        supervisor.start(program(POLITE, "store", rank=0))
        supervisor.start(program(POLITE, "web", rank=1))
        runs_until(supervisor, lambda: said.getvalue().count("up") == 2)

    assert said.getvalue().splitlines()[-2:] == ["web      | bye", "store    | bye"]


def test_a_second_request_to_stop_is_not_kept_waiting(said):
    with Supervisor(Console(said)) as supervisor:
        child = supervisor.start(program(STUBBORN, stop_timeout_s=60))
        runs_until(supervisor, lambda: "up" in said.getvalue())
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Stopped):
            supervisor.run(until=lambda: False)
        begun_s = time.monotonic()

    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - begun_s < 5


ONE_OF_TWO = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye"), sys.exit()))
if "READY_FD" in os.environ:
    os.write(int(os.environ["READY_FD"]), b"\\n")
print("up")
time.sleep(60)
"""


def test_what_overlaps_ends_once_its_successor_is_ready(supervisor, said):
    old = supervisor.start(program(ONE_OF_TWO, overlaps=True))
    runs_until(supervisor, lambda: "up" in said.getvalue())

    assert supervisor.restart([old], ready_within_s=20)

    runs_until(supervisor, lambda: said.getvalue().count("up") == 2)
    (new,) = supervisor.children
    assert (old.process.returncode, new.is_running, new.is_kept_alive) == (0, True, True)
    assert "READY_FD" not in new.program.environ, "whoever comes after its death takes over from nobody"


@pytest.mark.parametrize("successor", ["raise SystemExit(1)", "import time; time.sleep(60)"])
def test_what_is_not_ready_takes_nothing_over(supervisor, said, successor):
    old = supervisor.start(program(f"import os\nif 'READY_FD' in os.environ:\n {successor}\n{POLITE}", overlaps=True))
    other = supervisor.start(program(POLITE, "other"))
    processes = old.process, other.process
    runs_until(supervisor, lambda: said.getvalue().count("up") == 2)

    assert not supervisor.restart([other, old], ready_within_s=1)

    assert supervisor.children == [old, other]
    assert (old.process, other.process) == processes
    assert old.is_running
    assert other.is_running
    assert "the new tea is not ready to take over; the old one goes on" in said.getvalue()


def test_what_cannot_be_started_takes_nothing_over(supervisor, said, tmp_path):
    old = supervisor.start(program(POLITE, overlaps=True))
    runs_until(supervisor, lambda: "up" in said.getvalue())
    old.program = replace(old.program, command=(str(tmp_path / "gone"),))

    assert not supervisor.restart([old], ready_within_s=20)

    assert supervisor.children == [old]
    assert old.is_running


def test_what_does_not_overlap_is_ended_and_started_again(supervisor, said):
    child = supervisor.start(program(POLITE))
    runs_until(supervisor, lambda: "up" in said.getvalue())

    assert supervisor.restart([child], ready_within_s=20)

    runs_until(supervisor, lambda: said.getvalue().count("up") == 2)
    assert supervisor.children == [child]


def test_what_does_not_end_for_its_successor_is_killed(supervisor, said):
    ready = ONE_OF_TWO.replace('print("up")', 'signal.signal(signal.SIGTERM, signal.SIG_IGN); print("up")')
    old = supervisor.start(program(ready, overlaps=True, stop_timeout_s=0.3))
    runs_until(supervisor, lambda: "up" in said.getvalue())

    assert supervisor.restart([old], ready_within_s=20)

    assert old.process.returncode == -signal.SIGKILL


def test_who_wants_it_to_end_need_not_wait_for_a_restart(said):
    with Supervisor(Console(said)) as supervisor:
        old = supervisor.start(program(ONE_OF_TWO.replace('b"\\\\n"', 'b""'), overlaps=True))
        runs_until(supervisor, lambda: "up" in said.getvalue())
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            supervisor.restart([old], ready_within_s=600)

    assert not [child for child in supervisor.children if child.is_running]


def test_tokens_are_not_held_back_on_accepted_connections():
    import socket

    with listening_socket("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
