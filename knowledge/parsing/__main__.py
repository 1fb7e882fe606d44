"""The process that reads one file for `apart.parse_apart`: takes it from standard input, answers and ends."""

import json
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress

from django.conf import settings

from embedded.processes import die_with_parent
from knowledge.parsing import parse
from knowledge.parsing.errors import FileBroken, UnreadableFile
from knowledge.parsing.limits import OUT_OF_MEMORY


def main(memory_bytes: str, cpu_seconds: str) -> None:
    die_with_parent(signal.SIGKILL)
    limit_ourselves(int(memory_bytes), int(cpu_seconds))
    settings.configure(USE_I18N=False)  # the caller translates
    asked = json.loads(sys.stdin.buffer.readline())
    sys.stdout.write(answer(sys.stdin.buffer.read(), **asked))


def limit_ourselves(memory_bytes: int, cpu_seconds: int) -> None:
    # The second one also ends us where no kernel tells of the parent's death.
    limits = {resource.RLIMIT_AS: memory_bytes, resource.RLIMIT_CPU: cpu_seconds, resource.RLIMIT_CORE: 0}
    for limit, value in limits.items():
        with suppress(ValueError, OSError):  # a stricter one is set already, or the system knows none
            resource.setrlimit(limit, (value, value))


def answer(data: bytes, filename: str, declared_type: str) -> str:
    """The answer as JSON, whatever the file does to its parser, short of killing us. Raises MemoryError."""
    try:
        document = parse(data, filename, declared_type)
        blocks = [[block.text, block.kind, block.level, block.page] for block in document.blocks]
        return json.dumps({"title": document.title, "blocks": blocks})
    except UnreadableFile as error:
        return refusal(error)
    except MemoryError:
        raise
    except Exception:  # a fault of ours, but what its owner can do about it is the same
        traceback.print_exc()
        return refusal(FileBroken())


def refusal(error: UnreadableFile) -> str:
    return json.dumps({"code": error.code, "detail": str(error.detail)})


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # there is none left to say anything
