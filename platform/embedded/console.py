"""One output for all children: each line is prefixed with its program, in colour on a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

COLOURS = {"postgres": 34, "valkey": 35, "web": 32, "worker": 33, "beat": 36}
NAME_WIDTH = 9


class Console:
    """Writes whole lines. A reader that went away (a closed pipe) does not stop what it was reading from."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.in_colour = self.out.isatty()

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<{NAME_WIDTH}}|"
        if self.in_colour:
            prefix = f"\x1b[{COLOURS.get(name.split('-')[0], 37)}m{prefix}\x1b[0m"
        self.write(f"{prefix} {text}")

    def say(self, text: str) -> None:
        """Print a line of the supervisor itself."""
        self.line("troupe", text)

    def write(self, text: str) -> None:
        try:
            print(text, file=self.out, flush=True)
        except (BrokenPipeError, ValueError):
            return
