"""Makes the virtual environment that everything runs in. Standard library only: nothing is installed yet."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from config.environment import REPOSITORY, BadEnvironment

VENV = REPOSITORY / ".venv"
PYTHON = VENV / "bin" / "python"
# Beside the packages, so that it goes when they go.
STAMP = VENV / "troupe-installed.json"
# A set of requirements holds all of those before it.
SETS = ("base", "dev")
# Builds of one version differ: what pyenv makes takes half as long again as a distribution's, which was built by
# profile (docs/adr/0028-the-faster-build-of-python.md).
MUCH_FASTER = 1.2
OF_THIS_VERSION = "python{}.{}".format(*sys.version_info)
# Where the system has its own, wherever the caller looks first.
BESIDES = ("/usr/local/bin", "/usr/bin")
PACE = """
import ensurepip, time
class One:
    def __init__(self, number): self.number = number
    def twice(self): return self.number * 2
def work():
    began = time.process_time()
    found = {}
    for number in range(20_000):
        found[number % 100] = One(number).twice() + len(str(number))
    return time.process_time() - began
print(min(work() for _ in range(9)))
"""


def ensure_installed(wanted: str, *, any_build: bool = False) -> None:
    """Install the set of requirements ("base" or "dev"), unless exactly that has been done before.

    `any_build`: a new environment may be made with another build of the running Python's version, if it is much faster.
    """
    with one_at_a_time():
        if wanted in installed_sets():
            return
        begun_s = time.monotonic()
        print(
            f"Installing what {'the tests need' if wanted == 'dev' else 'Troupe needs'} into .venv …",
            flush=True,
        )
        install(wanted, fastest_build() if any_build and not PYTHON.exists() else sys.executable)
        done = SETS[: SETS.index(wanted) + 1]
        STAMP.write_text(json.dumps({name: fingerprint(name) for name in done}))
        print(f"Installed in {time.monotonic() - begun_s:.0f} s.", flush=True)


def run_in_venv(arguments: list[str]) -> NoReturn:
    """Go on as the environment's Python with these arguments; does not return."""
    # Bytecode is kept, whatever the caller's habit: uv installs sources alone, which take seconds to compile.
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY / "platform"), "PYTHONDONTWRITEBYTECODE": ""}
    os.execve(PYTHON, [str(PYTHON), *arguments], environ)


def installed_sets() -> list[str]:
    """The sets that are installed as they are pinned now."""
    try:
        done = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return []
    return [name for name in SETS if done.get(name) == fingerprint(name)] if PYTHON.exists() else []


def fingerprint(name: str) -> str:
    """Of what decides the content: pinned packages, the project's own packaging, its place."""
    digest = hashlib.sha256(str(REPOSITORY).encode())
    for path in (REPOSITORY / f"requirements/{name}.txt", REPOSITORY / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def fastest_build() -> str:
    """The running Python, or another build of its version that is much faster and can make environments."""
    if (ours := pace_s(sys.executable)) is None:
        return sys.executable
    places = [*os.get_exec_path(), *BESIDES]
    found = {os.path.realpath(path) for place in places if (path := shutil.which(OF_THIS_VERSION, path=place))}
    paces = {path: pace for path in sorted(found - {os.path.realpath(sys.executable)}) if (pace := pace_s(path))}
    fastest = min(paces, key=paces.__getitem__, default=None)
    if fastest is None or ours / paces[fastest] < MUCH_FASTER:
        return sys.executable
    print(
        f"Taking {fastest}, which runs Python {ours / paces[fastest]:.1f} times as fast as {sys.executable}. "
        "PYTHON=python3 takes that one.",
        flush=True,
    )
    return fastest


def pace_s(python: str) -> float | None:
    """CPU seconds of a little work; None if it cannot make environments."""
    told = subprocess.run([python, "-I", "-c", PACE], capture_output=True, text=True, check=False).stdout
    try:
        return float(told)
    except ValueError:
        return None


def install(wanted: str, python: str) -> None:
    """Two steps, since hashes cover packages but not the project itself; uv if it is there, else pip."""
    add = adding_by_uv(wanted, python) or adding_by_pip(wanted, python)
    must([*add, "--no-deps", "--no-build-isolation", "-e", "."])


def adding_by_uv(wanted: str, python: str) -> list[str]:
    """Install the requirements by uv; return how to install more, or nothing if uv is missing or cannot."""
    uv = shutil.which("uv")
    if uv is None:
        return []
    if not PYTHON.exists() and not succeeds([uv, "venv", "--quiet", "--python", python, str(VENV)]):
        return []
    add = [uv, "pip", "install", "--quiet", "--python", str(PYTHON)]
    if succeeds([*add, *requirements(wanted)]):
        return add
    print("uv could not; trying pip.", flush=True)
    return []


def adding_by_pip(wanted: str, python: str) -> list[str]:
    """Install the requirements by pip; return how to install more."""
    if not PYTHON.exists() or not succeeds([str(PYTHON), "-c", "import pip"], quietly=True):
        must([python, "-m", "venv", str(VENV)])  # into what may be there: it gets its pip
    add = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    must([*add, "--use-pep517", *requirements(wanted)])  # as newer ones do anyway; an older one complains
    return add


def requirements(wanted: str) -> list[str]:
    return ["--require-hashes", "-r", f"requirements/{wanted}.txt"]


def must(command: list[str]) -> None:
    if not succeeds(command):
        raise BadEnvironment(
            f"`{' '.join(command)}` failed, for the reason above. Making the environment needs the package "
            "python3-venv on Debian, and a package index."
        )


def succeeds(command: list[str], *, quietly: bool = False) -> bool:
    errors = subprocess.DEVNULL if quietly else None
    return subprocess.run(command, cwd=REPOSITORY, stderr=errors, check=False).returncode == 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """`make up` and `make test` may start side by side."""
    folder = os.open(REPOSITORY / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
