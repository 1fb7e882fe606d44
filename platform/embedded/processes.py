"""Child processes that cannot outlive their parent."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """The ordinary user as whom a service runs when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, as whom, and how it is ended."""

    name: str
    command: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]
    account: Account | None = None
    # Programs of a higher rank use those of a lower one, and are ended before them.
    rank: int = 0
    # Inherited open files, such as the socket that several web processes share.
    keep_open: tuple[int, ...] = ()
    # Whether a successor takes over while it still runs, and says when it can (config.environment.READY_FD).
    overlaps: bool = False
    # How to ask it to end, and how long it may take before it is killed.
    stop_signal: Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    # How to ask it to end now: a second Ctrl-C, or the kernel when the supervisor was killed.
    quick_signal: Signals = signal.SIGKILL


def service_account() -> Account | None:
    """Return whom to run services as: ourselves (None), or `nobody` if we are root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, its output in a pipe. Call from the main thread.

    On Linux the kernel sends `quick_signal` when the thread that called this ends, however that came about.
    """
    account = program.account
    return subprocess.Popen(
        program.command,
        cwd=program.cwd,
        env=dict(program.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=program.keep_open,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=dying_with(os.getpid(), program.quick_signal),
    )


def dying_with(parent: int, death_signal: Signals) -> Callable[[], None]:
    """Return what a forked child calls, after its change of user, to be signalled when its parent dies."""

    def ask_kernel() -> None:
        die_with_parent(death_signal)
        if os.getppid() != parent:  # died before we asked
            os._exit(1)

    return ask_kernel


def die_with_parent(death_signal: Signals) -> None:
    """Have the kernel send this process the signal when its parent's thread ends (Linux; elsewhere no-op)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def signal_group(pid: int, number: Signals) -> None:
    """Signal the process and its children, as far as they are still there and in its session."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # gone; macOS says the latter of zombies
        return
