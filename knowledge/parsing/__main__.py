"""The process of which `apart.parse_apart` gets a copy for each file.

It has loaded the parsers and touches no file itself: a copy reads one, answers and ends.
"""

import gc
import json
import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from django.conf import settings

from embedded.processes import die_with_parent
from knowledge.parsing import load_parsers, parse
from knowledge.parsing.errors import FileBroken, UnreadableFile
from knowledge.parsing.limits import OUT_OF_MEMORY


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for those who started us, and we end with them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever asked learns from the line how a copy ended
    settings.configure(USE_I18N=False)  # the caller translates
    sys.modules["numpy"] = None  # type: ignore[assignment]  # openpyxl would load it, for nothing that we read
    load_parsers()
    gc.freeze()  # or each copy would write to all the pages that it shares with us
    serve(socket.socket(fileno=sys.stdin.fileno()))
    os._exit(0)  # at once: there is nothing to put in order


def serve(control: socket.socket) -> None:
    """Make a copy for each line that is handed to us, until those who started us are gone."""
    while lines := socket.recv_fds(control, 1, 1)[1]:
        if os.fork() == 0:
            control.close()  # a parser that was taken over must not see others' files
            read_one(socket.socket(fileno=lines[0]))
        os.close(lines[0])


def read_one(line: socket.socket) -> NoReturn:
    """Say who we are, take a file from the line, answer and end."""
    try:
        die_with_parent(signal.SIGKILL)
        line.sendall(b"%d\n" % os.getpid())
        with line.makefile("rb") as coming:
            asked = json.loads(coming.readline())
            limit_ourselves(asked.pop("memory_bytes"), asked.pop("cpu_s"))
            data = coming.read()
        line.sendall(answer(data, **asked))
    except MemoryError:
        line.sendall(OUT_OF_MEMORY)
    finally:
        os._exit(0)


def limit_ourselves(memory_bytes: int, cpu_s: int) -> None:
    # The second one also ends us where no kernel tells of the parent's death.
    limits = {resource.RLIMIT_AS: memory_bytes, resource.RLIMIT_CPU: cpu_s, resource.RLIMIT_CORE: 0}
    for limit, value in limits.items():
        with suppress(ValueError, OSError):  # a stricter one is set already, or the system knows none
            resource.setrlimit(limit, (value, value))


def answer(data: bytes, filename: str, declared_type: str) -> bytes:
    """The answer as JSON, whatever the file does to its parser, short of killing us. Raises MemoryError."""
    try:
        document = parse(data, filename, declared_type)
        blocks = [[block.text, block.kind, block.level, block.page] for block in document.blocks]
        return json.dumps({"title": document.title, "blocks": blocks}).encode()
    except UnreadableFile as error:
        return refusal(error)
    except MemoryError:
        raise
    except Exception:  # a fault of ours, but what its owner can do about it is the same
        return refusal(FileBroken(), fault=traceback.format_exc()[-4000:])


def refusal(error: UnreadableFile, **more: str) -> bytes:
    return json.dumps({"code": error.code, "detail": str(error.detail), **more}).encode()


if __name__ == "__main__":
    main()
