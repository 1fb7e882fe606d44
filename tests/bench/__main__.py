"""`python -m tests.bench [part]…`: measure, and print a table. All parts by default.

A part may have pieces: `npc:overhead,replay`.
"""

import os
import sys
from importlib import import_module

from tests.bench.stage import set_up_django

PARTS = [
    "streaming", "sockets", "openai", "search", "memory", "npc", "imports", "asking", "fairness", "gate", "linking",
]  # fmt: skip


def main() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # this process only prepares; what is measured runs elsewhere
    os.environ["TROUPE_WORKER_CONCURRENCY"] = "2"  # as `make up` has it
    set_up_django()
    for part in sys.argv[1:] or PARTS:
        name, _, pieces = part.partition(":")
        print(f"\n{part}")
        for what, how_much in import_module(f"tests.bench.{name}").measure(*filter(None, [pieces])):
            print(f"  {what:<88} {how_much:>20}")


if __name__ == "__main__":
    main()
