"""What is done to a Troupe from outside: started in the background, stopped, its data deleted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config.environment import (
    HOME_MARKER,
    REPOSITORY,
    BadEnvironment,
    ensure_home,
    home_of,
    moved_home,
    process_identity,
    running_troupe,
)
from embedded.supervisor import RESTART_SIGNAL

LOG_FILE = "logs/troupe.log"
# Services, migration and readiness have time limits of their own; this one is for whatever else goes wrong.
DETACHED_TIMEOUT_S = 600.0
# Longer than any program's own time to stop, which run one after the other in three ranks.
STOP_TIMEOUT_S = 75.0
LOOK_EVERY_S = 0.1
LAST_LINES = 40


def up_detached(environ: Mapping[str, str]) -> int:
    """Start Troupe in the background; return 0 once it is ready, else 1 after showing its last lines."""
    home = ensure_home(home_of(environ))
    if running := running_troupe(home):
        print(f"Troupe already runs on {home}, at {running['url']} (process {running['pid']}).")
        return 0 if running["is_ready"] else 1
    log = home / LOG_FILE
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))  # why the last one ended may be wanted
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded", "up"],
            env={name: value for name, value in environ.items() if name != "MAKELEVEL"} | sources(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        is_up = wait_until_up(process, home)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return 1
    print(log_end(log, from_summary=is_up))
    if not is_up:
        process.terminate()
        process.wait()
        print(f"Troupe did not start. All of its output is in {log}", file=sys.stderr)
        return 1
    print(f"It runs in the background; its output goes to {log}\n`make down` stops it.")
    return 0


def sources() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([str(REPOSITORY / "platform"), str(REPOSITORY)])}


def wait_until_up(process: subprocess.Popen[bytes], home: Path) -> bool:
    deadline = time.monotonic() + DETACHED_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        running = running_troupe(home)
        if running is not None and running["is_ready"]:
            return True
        time.sleep(LOOK_EVERY_S)
    return False


def log_end(log: Path, *, from_summary: bool) -> str:
    """The last lines of the log, or all from the summary on."""
    lines = log.read_text(errors="replace").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("Troupe is ready")]
    return "\n".join(lines[starts[-1] :] if from_summary and starts else lines[-LAST_LINES:])


def down(environ: Mapping[str, str]) -> int:
    """Stop the Troupe that runs on this home, wherever it was started."""
    home = home_of(environ)
    running = running_troupe(home)
    if running is None:
        print(f"No Troupe runs on {home}.")
        return 0
    pid, identity = running["pid"], running["process"]
    if not is_told(pid, signal.SIGTERM, home):
        return 1
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while process_identity(pid) == identity:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)  # its children die with it
        time.sleep(LOOK_EVERY_S)
    print("Troupe is stopped.")
    return 0


def is_told(pid: int, number: signal.Signals, home: Path) -> bool:
    try:
        os.kill(pid, number)
    except PermissionError:
        print(f"Troupe on {home} (process {pid}) belongs to another user.", file=sys.stderr)
        return False
    return True


def restart(environ: Mapping[str, str]) -> int:
    """Have the Troupe that runs on this home start its own processes anew; return 0 once all of them are."""
    home = home_of(environ)
    running = running_troupe(home)
    if running is None or not running["is_ready"]:
        print(f"No Troupe is ready on {home}; `make up` starts one.", file=sys.stderr)
        return 1
    seen = running["restarts"]
    if not is_told(running["pid"], RESTART_SIGNAL, home):
        return 1
    print("Starting anew. Running answers get half a minute to end, new ones are given meanwhile.", flush=True)
    while running is not None and running["restarts"] == seen:
        time.sleep(LOOK_EVERY_S)
        running = running_troupe(home)
    if running is None or not running["is_anew"]:
        print("Troupe could not start anew; its output says why.", file=sys.stderr)
        return 1
    print("Troupe runs anew.")
    return 0


def reset(environ: Mapping[str, str], *, is_sure: bool) -> int:
    """Delete the home and all data in it, after asking. Only a folder that Troupe made is ever deleted."""
    home = home_of(environ)
    if running_troupe(home):
        print(f"Troupe runs on {home}; `make down` first.", file=sys.stderr)
        return 1
    folders = [folder for folder in (home, moved_home(home)) if (folder / HOME_MARKER).exists()]
    if not folders:
        if home.exists() and any(home.iterdir()):
            raise BadEnvironment(f"{home} was not made by Troupe, so it is not deleted.")
        print(f"There is nothing in {home}.")
        return 0
    named = " and ".join(map(str, folders))
    if not is_sure and not confirms(f"This deletes all data, users and keys in {named}. Type yes to go on: "):
        print("Nothing was deleted.")
        return 1
    for folder in folders:
        shutil.rmtree(folder)
    print(f"Deleted {named}.")
    return 0


def confirms(question: str) -> bool:
    try:
        return input(question).strip().lower() == "yes"
    except EOFError:
        print()
        return False
