"""What the whole stack holds when nobody asks anything."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.chat.stage import ROOT

# PSS shares out what processes have in common, so that the sum is what the machine really gives.
QUIET_S = 30


def measure() -> list[tuple[str, str]]:
    """PSS of PostgreSQL, Valkey, web, worker (2 processes) and beat of a fresh `up` with an embedded demo, in MB."""
    with tempfile.TemporaryDirectory(prefix="troupe-bench-", dir="/tmp") as home:
        Path(home).chmod(0o755)
        ours = ("DATABASE_", "REDIS_", "TROUPE_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environ |= {"TROUPE_HOME": f"{home}/home", "PYTHONPATH": str(ROOT / "platform")}
        began = time.monotonic()
        command = [sys.executable, "-m", "embedded", "up", "--detach"]
        subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
        started_s = time.monotonic() - began
        try:
            time.sleep(QUIET_S)
            return [("start to ready, empty home, s", f"{started_s:.1f}"), *_sizes(home)]
        finally:
            subprocess.run([sys.executable, "-m", "embedded", "down"], cwd=ROOT, env=environ, check=True)


def _sizes(home: str) -> list[tuple[str, str]]:
    supervisor = next(
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "embedded" in (process.info["cmdline"] or [])
        and home in (process.info["environ"] or {}).get("TROUPE_HOME", "")
    )
    sizes: dict[str, float] = {"supervisor": supervisor.memory_full_info().pss}
    for child in supervisor.children(recursive=True):
        line = " ".join(child.cmdline())
        found = re.search(r"postgres|valkey|uvicorn|worker|beat", line)
        name = found[0] if found else "other"
        sizes[name] = sizes.get(name, 0.0) + child.memory_full_info().pss
    rows = [(f"PSS {name}, MB", f"{size / 1e6:.0f}") for name, size in sizes.items()]
    return [*rows, ("→ PSS of all, MB", f"{sum(sizes.values()) / 1e6:.0f}")]
