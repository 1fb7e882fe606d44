"""A process that has loaded what it takes to read files, touches none itself, and copies itself for each.

Whoever asks (see `apart`) hands it one end of a line. The copy takes a line of JSON from there, with its limits
`memory_bytes` and `cpu_s` and whatever else the reader wants to know, then the file; it answers and ends.
"""

import gc
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

from django.conf import settings

from embedded.processes import die_with_parent
from knowledge.parsing.limits import OUT_OF_MEMORY

# Called with the file and what else was in the line of JSON, as keywords. May raise MemoryError.
Answer = Callable[..., Iterator[bytes]]


def serve_copies(load: Callable[[], Any], answer: Answer) -> NoReturn:
    """Load, then make a copy for each line that is handed to us, until those who started us are gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for those who started us, and we end with them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever asked learns from the line how a copy ended
    settings.configure(USE_I18N=False)  # the caller translates
    sys.modules["numpy"] = None  # type: ignore[assignment]  # libraries would load it, for nothing that we read
    load()
    gc.freeze()  # or each copy would write to all the pages that it shares with us
    control = socket.socket(fileno=sys.stdin.fileno())
    while lines := socket.recv_fds(control, 1, 1)[1]:
        if os.fork() == 0:
            control.close()  # a parser that was taken over must not see others' files
            _read_one(socket.socket(fileno=lines[0]), answer)
        os.close(lines[0])
    os._exit(0)  # at once: there is nothing to put in order


def _read_one(line: socket.socket, answer: Answer) -> NoReturn:
    """Say who we are, take a file from the line, answer and end."""
    try:
        die_with_parent(signal.SIGKILL)
        line.sendall(b"%d\n" % os.getpid())
        with line.makefile("rb") as coming:
            asked = json.loads(coming.readline())
            _limit_ourselves(asked.pop("memory_bytes"), asked.pop("cpu_s"))
            data = coming.read()
        for piece in answer(data, **asked):
            line.sendall(piece)
    except MemoryError:
        line.sendall(OUT_OF_MEMORY)
    finally:
        os._exit(0)


def _limit_ourselves(memory_bytes: int, cpu_s: int) -> None:
    # The second one also ends us where no kernel tells of the parent's death.
    limits = {resource.RLIMIT_AS: memory_bytes, resource.RLIMIT_CPU: cpu_s, resource.RLIMIT_CORE: 0}
    for limit, value in limits.items():
        with suppress(ValueError, OSError):  # a stricter one is set already, or the system knows none
            resource.setrlimit(limit, (value, value))
