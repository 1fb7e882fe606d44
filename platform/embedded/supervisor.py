"""Runs programs, shows what they print, starts again what dies, and ends all of it.

One thread and one loop: children must be started by the main thread, which is the one they die with.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import FrameType, TracebackType
from typing import Any, Self, cast

from config.environment import READY_FD
from embedded.console import Console
from embedded.processes import Program, die_with_parent, signal_group, spawn

# A child that lives this long was healthy: its next death is its first.
HEALTHY_AFTER_S = 10.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 10.0
# Longest time between two looks at what a caller waits for.
LOOK_EVERY_S = 0.05
# When in a hurry, nobody gets longer than this to end.
HURRIED_TIMEOUT_S = 3.0
# A child that was killed has this long to vanish before we stop waiting for it.
KILLED_WITHIN_S = 5.0
LONGEST_LINE_BYTES = 16_384
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Start the programs anew, on the code that is there now. SIGHUP is a terminal's that was closed.
RESTART_SIGNAL = signal.SIGUSR1


class StartFailed(Exception):
    """Something that had to come up did not. The text says what, in one sentence."""


class Stopped(Exception):
    """A signal asked us to end while we were starting."""


@dataclass(eq=False)
class Child:
    """A program and the process in which it runs at the moment."""

    program: Program
    # A one-off command is not started again when it ends.
    is_kept_alive: bool
    process: subprocess.Popen[bytes]
    started_s: float
    # Deaths in a row without a healthy life between them.
    deaths: int = 0
    # When to start it again (monotonic seconds), while it is down.
    due_s: float | None = None
    unfinished_line: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def is_running(self) -> bool:
        return self.process.returncode is None


class Supervisor:
    """Use as a context manager: leaving it ends every child, those of the highest rank first.

    With `dies_with_parent` the process ends, children first, when whoever started it is gone.
    """

    def __init__(self, console: Console, *, dies_with_parent: bool = False) -> None:
        self.console = console
        self.children: list[Child] = []
        self.is_stopping = False
        self.stop_requests = 0
        self.is_asked_to_restart = False
        self.parent = os.getppid() if dies_with_parent else None
        self.selector = selectors.DefaultSelector()
        self.previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # A signal wakes the loop by a byte in this socket, so that it is noticed at once and handled outside
        # the signal handler.
        self.wake_read, self.wake_write = socket.socketpair()
        for end in (self.wake_read, self.wake_write):
            end.setblocking(False)
        self.previous_wakeup = signal.set_wakeup_fd(self.wake_write.fileno(), warn_on_full_buffer=False)
        self.selector.register(self.wake_read, selectors.EVENT_READ, None)
        for number in STOP_SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # keep what nohup set
                self.previous_handlers[number] = signal.signal(number, self.note_stop)
        self.previous_handlers[RESTART_SIGNAL] = signal.signal(RESTART_SIGNAL, self.note_restart)
        if self.parent is not None:
            die_with_parent(signal.SIGTERM)
        self.previous_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()
        for number, handler in self.previous_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self.previous_wakeup)
        self.selector.close()
        self.wake_read.close()
        self.wake_write.close()

    def note_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requests += 1

    def note_restart(self, number: int, frame: FrameType | None) -> None:
        self.is_asked_to_restart = True

    # --- Starting -------------------------------------------------------------------------------------------

    def start(self, program: Program, *, keep_alive: bool = True) -> Child:
        """Start it. Kept alive, it is started again whenever it ends, until we stop."""
        child = Child(program, keep_alive, spawn(program), time.monotonic())
        self.children.append(child)
        self.watch(child)
        return child

    def run_to_end(self, program: Program, *, timeout_s: float) -> int:
        """Run a command to its end and return its exit status. Raises StartFailed if it takes too long."""
        child = self.start(program, keep_alive=False)
        if not self.run(until=lambda: not child.is_running, timeout_s=timeout_s):
            self.stop([child])
            raise StartFailed(f"{program.name} was not done after {timeout_s:.0f} s.")
        self.forget(child)
        return cast(int, child.process.returncode)

    def forget(self, child: Child) -> None:
        """Leave an ended child out of all that follows."""
        self.children.remove(child)

    def watch(self, child: Child) -> None:
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self.selector.register(child.process.stdout, selectors.EVENT_READ, child)

    # --- The loop -------------------------------------------------------------------------------------------

    def run(self, *, until: Callable[[], bool], timeout_s: float = float("inf")) -> bool:
        """Keep everything going until the condition holds (True) or time is up (False).

        Raises Stopped as soon as a signal asks us to end.
        """
        deadline = time.monotonic() + timeout_s
        while not until():
            if time.monotonic() >= deadline:
                return False
            self.turn(LOOK_EVERY_S)
            if self.stop_requests and not self.is_stopping:
                raise Stopped
        return True

    def run_until_stopped(self, on_restart: Callable[[], object] = lambda: None) -> None:
        """Keep everything going until a signal asks us to end; another one asks for `on_restart`."""
        while not self.stop_requests:
            self.turn(self.next_start_in())
            if self.is_asked_to_restart:
                self.is_asked_to_restart = False
                with suppress(Stopped):
                    on_restart()

    def turn(self, timeout_s: float | None) -> None:
        """One turn of the loop: pass on output, notice deaths, start again what is due."""
        for key, _ in self.selector.select(timeout_s):
            if key.data is None:
                self.drain_wakeups()
            else:
                self.pass_on_output(key.data)
        for child in self.children:
            self.notice_death(child)
            self.restart_if_due(child)

    def next_start_in(self) -> float | None:
        """Seconds until a child that is down is to be started again; None if none is."""
        due = [child.due_s for child in self.children if child.due_s is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def drain_wakeups(self) -> None:
        try:
            while self.wake_read.recv(4096):
                pass
        except BlockingIOError:
            return

    def pass_on_output(self, child: Child) -> None:
        assert child.process.stdout is not None
        data = os.read(child.process.stdout.fileno(), 65_536)
        if not data:
            self.stop_watching(child)
            return
        *lines, child.unfinished_line = (child.unfinished_line + data).split(b"\n")
        if len(child.unfinished_line) > LONGEST_LINE_BYTES:
            lines, child.unfinished_line = [*lines, child.unfinished_line], b""
        for line in lines:
            self.console.line(child.name, line.decode(errors="replace").rstrip("\r"))

    def stop_watching(self, child: Child) -> None:
        if child.process.stdout is None or child.process.stdout.closed:
            return
        self.selector.unregister(child.process.stdout)
        child.process.stdout.close()
        if child.unfinished_line:
            self.console.line(child.name, child.unfinished_line.decode(errors="replace"))
            child.unfinished_line = b""

    def notice_death(self, child: Child) -> None:
        if not child.is_running or child.process.poll() is None:
            return
        # What it had started (Celery's pool) must not live on beside its successor.
        signal_group(child.process.pid, signal.SIGKILL)
        self.read_rest(child)
        if not child.is_kept_alive or self.is_stopping:
            return
        now = time.monotonic()
        child.deaths = child.deaths + 1 if now - child.started_s < HEALTHY_AFTER_S else 1
        delay_s = min(FIRST_DELAY_S * 2 ** (child.deaths - 1), LONGEST_DELAY_S)
        child.due_s = now + delay_s
        self.console.say(f"{child.name} ended ({how_ended(child.process.returncode)}); again in {delay_s:.1f} s")

    def read_rest(self, child: Child) -> None:
        """Print what an ended child left in its pipe; a grandchild may hold the pipe open for longer."""
        try:
            while child.process.stdout is not None and not child.process.stdout.closed:
                self.pass_on_output(child)
        except BlockingIOError:
            self.stop_watching(child)

    def restart_if_due(self, child: Child) -> None:
        now = time.monotonic()
        if child.due_s is None or now < child.due_s or self.is_stopping:
            return
        try:
            child.process = spawn(child.program)
        except OSError as error:  # no memory, or its file is being replaced
            child.due_s = now + LONGEST_DELAY_S
            self.console.say(f"{child.name} could not be started ({error}); again in {LONGEST_DELAY_S:.0f} s")
            return
        child.started_s, child.due_s = now, None
        self.watch(child)

    # --- Starting anew ------------------------------------------------------------------------------------------

    def restart(self, children: Iterable[Child], *, ready_within_s: float) -> bool:
        """Start these anew. False if one cannot be: then those after it stay as they are. Raises Stopped.

        Those that overlap come first: of code that does not run, their successors tell before anything has ended.
        """
        leaving: list[Child] = []
        is_done = True
        for child in sorted(children, key=lambda child: not child.program.overlaps):
            if child.program.overlaps:
                if not (is_done := self.is_succeeded(child, ready_within_s)):
                    break
                child.is_kept_alive, child.due_s = False, None
                leaving.append(child)
                self.ask_to_end(child)
            else:
                self.ask_to_end(child)
                self.see_off(child)  # and it is started again, as whatever ends
        for child in leaving:
            self.see_off(child)
            self.forget(child)
        return is_done

    def is_succeeded(self, child: Child, ready_within_s: float) -> bool:
        """Start a successor beside it. Returns whether that is ready; if not, it is ended."""
        reader, writer = os.pipe()
        with open(reader, "rb", buffering=0) as news:
            with open(writer, "wb"):
                keep_open = (*child.program.keep_open, writer)
                environ = {**child.program.environ, READY_FD: str(writer)}
                program = replace(child.program, environ=environ, keep_open=keep_open)
                try:
                    successor = self.start(program, keep_alive=False)
                except OSError as error:  # no memory, or its file is being replaced
                    self.console.say(f"no new {child.name} could be started ({error}); the old one goes on")
                    return False
            has_news = self.run(until=lambda: bool(select.select([news], [], [], 0)[0]), timeout_s=ready_within_s)
            is_ready = has_news and news.read(1) != b""  # nothing: it has ended
        if is_ready:
            successor.program, successor.is_kept_alive = child.program, True
        else:
            self.console.say(f"the new {child.name} is not ready to take over; the old one goes on")
            self.stop([successor])
            self.forget(successor)
        return is_ready

    def ask_to_end(self, child: Child) -> None:
        if child.is_running:
            child.process.send_signal(child.program.stop_signal)

    def see_off(self, child: Child) -> None:
        """Wait until a child that was asked has ended, and kill it when its time is up. Raises Stopped."""
        ending = child.process
        if not self.run(until=lambda: ending.returncode is not None, timeout_s=child.program.stop_timeout_s):
            self.console.say(f"{child.name} does not end; killing it")
            signal_group(ending.pid, signal.SIGKILL)
            self.run(until=lambda: ending.returncode is not None, timeout_s=KILLED_WITHIN_S)

    # --- Ending ---------------------------------------------------------------------------------------------

    def stop_all(self) -> None:
        """End every child: those of the highest rank first, since they use the others."""
        self.is_stopping = True
        for rank in sorted({child.program.rank for child in self.children}, reverse=True):
            self.stop([child for child in self.children if child.program.rank == rank])

    def stop(self, children: Iterable[Child]) -> None:
        """End these side by side: ask, give each its time, then kill."""
        waiting = [child for child in children if child.is_running]
        asked_s = time.monotonic()
        quickly: set[Child] = set()
        killed: set[Child] = set()
        for child in waiting:
            child.process.send_signal(child.program.stop_signal)
        while waiting := [child for child in waiting if child.is_running]:
            waited_s = time.monotonic() - asked_s
            for child in waiting:
                if self.is_hurried() and child not in quickly:
                    quickly.add(child)
                    child.process.send_signal(child.program.quick_signal)
                if waited_s > self.stop_timeout_s(child) and child not in killed:
                    killed.add(child)
                    self.console.say(f"{child.name} does not end; killing it")
                    signal_group(child.process.pid, signal.SIGKILL)
            if all(waited_s > self.stop_timeout_s(child) + KILLED_WITHIN_S for child in waiting):
                return
            self.turn(LOOK_EVERY_S)

    def stop_timeout_s(self, child: Child) -> float:
        own_s = child.program.stop_timeout_s
        return min(own_s, HURRIED_TIMEOUT_S) if self.is_hurried() else own_s

    def is_hurried(self) -> bool:
        """Whether to end at once: asked twice, or whoever started us is gone and nobody waits for us."""
        return self.stop_requests > 1 or (self.parent is not None and os.getppid() != self.parent)


def how_ended(status: int) -> str:
    """Say what an exit status means: `status 1`, or the name of the signal that ended it."""
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
