"""Reading a file in a process of its own: what hangs, eats memory or crashes there harms nobody else.

A server of ours (`knowledge.parsing.__main__`), which knows no secrets and has seen no file, copies itself for each
file (see `copying`; other readers of files do likewise). The copy gets one line of JSON, `{"filename",
"declared_type", "memory_bytes", "cpu_s"}`, and the file, and answers `{"title", "blocks": [[text, kind, level, page],
…]}`, or `{"code", "detail", "fault"?}` for a file that cannot be read.
"""

import atexit
import json
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress

from django.utils.translation import gettext_lazy as _

from knowledge.parsing import errors
from knowledge.parsing.document import Block, ParsedDocument
from knowledge.parsing.errors import FileBroken, FileTooLarge, UnreadableFile
from knowledge.parsing.limits import (
    MAX_MEMORY_BYTES,
    OUT_OF_MEMORY,
    READING_TIMEOUT_S,
    TOO_MUCH_MEMORY,
    TOOK_TOO_LONG,
)

logger = logging.getLogger(__name__)

READER = (sys.executable, "-m", "knowledge.parsing")
# The server loads its parsers in half a second, on a busy machine in some.
START_TIMEOUT_S = 60.0
# A file of at most this size is read while its sender waits, for at most this long, and so many at once.
READ_AT_ONCE_BYTES = 512 * 1024
READ_AT_ONCE_S = 5.0
READ_AT_ONCE = threading.BoundedSemaphore(2)
_ERRORS = {
    error.code: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, UnreadableFile)
}


class TookTooLong(FileBroken):
    default_detail = TOOK_TOO_LONG


class ReaderMissing(RuntimeError):
    """Files cannot be read here at all. What the server said of it stands in the log."""


def refuse_unreadable(data: bytes, filename: str = "", declared_type: str = "") -> None:
    """Raise the UnreadableFile that `parse` would, if the file is small and the answer comes soon.

    Else its document will say it. Call it outside of transactions.
    """
    if len(data) > READ_AT_ONCE_BYTES or not READ_AT_ONCE.acquire(timeout=READ_AT_ONCE_S):
        return
    try:
        parse_apart(data, filename, declared_type, timeout_s=READ_AT_ONCE_S)
    except TookTooLong:
        return
    except ReaderMissing:
        logger.exception("A file is taken in unread")
    finally:
        READ_AT_ONCE.release()


def parse_apart(
    data: bytes, filename: str = "", declared_type: str = "", *, timeout_s: float | None = None
) -> ParsedDocument:
    """As `parse`. A reader that dies makes it FileBroken, one that hangs TookTooLong, too much memory FileTooLarge.

    Raises ReaderMissing where no file can be read.
    """
    timeout_s = READING_TIMEOUT_S if timeout_s is None else timeout_s
    # Our clock ends it. The system's would look like a crash, and is for a reader that nobody hears any more.
    limits = {"memory_bytes": MAX_MEMORY_BYTES, "cpu_s": math.ceil(timeout_s) + 2}
    asked = json.dumps({"filename": filename, "declared_type": declared_type, **limits}).encode() + b"\n"
    with _server.line() as line:
        answered = b"".join(hear(line, [asked, data], timeout_s))
    if not answered:  # a fault in a library, or the limit of its time
        logger.warning("The reader of a file of %d bytes died", len(data))
        raise FileBroken
    if answered == OUT_OF_MEMORY:
        raise FileTooLarge(TOO_MUCH_MEMORY)
    return _understood(answered)


class Server:
    """Our door to the process that copies itself. It starts with the first file, and again if it died."""

    def __init__(self, reader: Sequence[str] = ()) -> None:
        self._reader = reader or READER
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.end)

    def line(self) -> socket.socket:
        """A line to a new copy."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                self._hand_over(theirs)
            except OSError:
                self.end()
                self._start()
                self._hand_over(theirs)
        return ours

    def end(self) -> None:
        if self._control and self._process:
            self._control.close()
            self._process.kill()
            self._process.wait()

    def _hand_over(self, line: socket.socket) -> None:
        if self._control is None:
            raise BrokenPipeError
        socket.send_fds(self._control, [b"\n"], [line.fileno()])

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                self._reader, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environ()
            )


_server = Server()


def _environ() -> dict[str, str]:
    """No address and no key of ours: whoever takes over a parser finds nothing in it."""
    return {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}


def hear(line: socket.socket, question: Iterable[bytes], timeout_s: float, *, in_all: bool = True) -> Generator[bytes]:
    """The answer as it comes: nothing, or less than there should be, if the reader died.

    Without `in_all` the time is that of one piece. Raises TookTooLong, ReaderMissing. The reader ends in any case.
    """
    pid = _greeting(line)
    ends_at = time.monotonic() + timeout_s
    try:
        line.settimeout(timeout_s)
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in question:
                line.sendall(piece)
            line.shutdown(socket.SHUT_WR)
        yield from _coming(line, ends_at if in_all else None, timeout_s)
    except BaseException as failure:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if isinstance(failure, TimeoutError):
            raise TookTooLong from None
        raise


def _greeting(line: socket.socket) -> int:
    """The process at the other end."""
    line.settimeout(START_TIMEOUT_S)
    try:
        return int(line.recv(32))
    except (OSError, ValueError) as failure:
        raise ReaderMissing("The reader of files does not work") from failure


def _coming(line: socket.socket, ends_at: float | None, timeout_s: float) -> Iterator[bytes]:
    with suppress(ConnectionResetError):
        while True:
            left_s = timeout_s if ends_at is None else ends_at - time.monotonic()
            if left_s <= 0:  # whatever came meanwhile: a busy machine is no reason to judge otherwise
                raise TimeoutError
            line.settimeout(left_s)
            if not (piece := line.recv(1024 * 1024)):
                return
            yield piece


def _understood(answered: bytes) -> ParsedDocument:
    answer = json.loads(answered)
    if fault := answer.get("fault"):
        logger.error("A parser failed unexpectedly: %s", fault)
    if code := answer.get("code"):
        raise _ERRORS[code](_(answer["detail"]))
    return ParsedDocument(answer["title"], [Block(*block) for block in answer["blocks"]])
