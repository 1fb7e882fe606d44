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


def ensure_installed(wanted: str) -> None:
    """Install the set of requirements ("base" or "dev"), unless exactly that has been done before."""
    with one_at_a_time():
        if wanted in installed_sets():
            return
        begun_s = time.monotonic()
        print(
            f"Installing what {'the tests need' if wanted == 'dev' else 'Troupe needs'} into .venv …",
            flush=True,
        )
        install(wanted)
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


def install(wanted: str) -> None:
    """Two steps, since hashes cover packages but not the project itself; uv if it is there, else pip."""
    add = adding_by_uv(wanted) or adding_by_pip(wanted)
    must([*add, "--no-deps", "--no-build-isolation", "-e", "."])


def adding_by_uv(wanted: str) -> list[str]:
    """Install the requirements by uv; return how to install more, or nothing if uv is missing or cannot."""
    uv = shutil.which("uv")
    if uv is None:
        return []
    if not PYTHON.exists() and not succeeds([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)]):
        return []
    add = [uv, "pip", "install", "--quiet", "--python", str(PYTHON)]
    if succeeds([*add, *requirements(wanted)]):
        return add
    print("uv could not; trying pip.", flush=True)
    return []


def adding_by_pip(wanted: str) -> list[str]:
    """Install the requirements by pip; return how to install more."""
    if not PYTHON.exists() or not succeeds([str(PYTHON), "-c", "import pip"], quietly=True):
        must([sys.executable, "-m", "venv", str(VENV)])  # into what may be there: it gets its pip
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
