"""What other terminals see of a running Troupe: that it runs, where, and what its demo offers."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from config.environment import (
    SERVICES_FILE,
    BadEnvironment,
    process_identity,
    running_troupe,
    write_private,
)

LOCK_FILE = "lock"
DEMO_FILE = "demo.json"
PAGES = (("admin", "admin/"), ("ask", "ask/"), ("desk", "desk/"), ("usage", "usage/"), ("API", "api/docs/"))


class State:
    """The file by which `make down`, `manage.py` and a second `make up` find the one that runs."""

    def __init__(self, home: Path, url: str) -> None:
        self.path = home / SERVICES_FILE
        self.content: dict[str, Any] = {
            "pid": os.getpid(),
            "process": process_identity(os.getpid()),
            "url": url,
            "addresses": {},
            "is_ready": False,
            "restarts": 0,
        }

    def write(self, **changes: Any) -> None:
        self.content |= changes
        write_private(self.path, json.dumps(self.content))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@contextmanager
def only_one_on(home: Path) -> Iterator[None]:
    """Hold the home's lock. The kernel gives it back however we end. Raises BadEnvironment if it is held."""
    with open(home / LOCK_FILE, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = running_troupe(home)
            where = f"at {running['url']} (process {running['pid']})" if running else "and is still starting"
            raise BadEnvironment(
                f"Troupe already runs on {home}, {where}; `make down` stops it, another TROUPE_HOME gives a second one."
            ) from None
        yield


def summary(state: Mapping[str, Any], home: Path) -> str:
    """The text that says where to go: addresses, demo logins and chats."""
    url = state["url"]
    lines = ["", f"Troupe is ready: {url}"]
    lines += [f"  {name:<9} {url}{path}" for name, path in PAGES]
    try:
        demo = json.loads((home / DEMO_FILE).read_text())
    except (OSError, ValueError):
        demo = {}
    lines += [f"  chat      {urljoin(url, chat['url'])}  {chat['name']}" for chat in demo.get("chats", [])]
    lines += [f"  play      {urljoin(url, game['url'])}  {game['name']}" for game in demo.get("games", [])]
    lines += [f"  sign in   {login['email']}  {login['password']}  {login['who']}" for login in demo.get("logins", [])]
    return "\n".join([*lines, ""])
