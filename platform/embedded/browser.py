"""The browser that the end-to-end tests drive. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from config.environment import BadEnvironment

# First the one without windows, which takes a quarter less of the processor for the same pages.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without a font that has them, screenshots show boxes for Chinese.
PACKAGES = ("chromium-headless-shell", "fonts-noto-cjk")


def ensure_browser() -> None:
    """Install Chromium if there is none. Raises BadEnvironment, saying what to install, if we may not."""
    if find_browser():
        return
    is_debian = shutil.which("apt-get") is not None and Path("/etc/debian_version").exists()
    if os.geteuid() != 0 or not is_debian:
        raise BadEnvironment(
            "the browser tests need Chromium: install it (Debian: `apt-get install chromium fonts-noto-cjk`, "
            "macOS: `brew install --cask chromium`), so that `chromium` or `google-chrome` is on the PATH."
        )
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    for command in (["apt-get", "update", "-qq"], install):
        if subprocess.run(command, env=quiet, check=False).returncode != 0:
            raise BadEnvironment(f"`{' '.join(command)}` failed, for the reason above; install Chromium by hand.")


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
