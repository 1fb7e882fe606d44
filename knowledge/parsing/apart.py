"""Reading a file in a process of its own: what hangs, eats memory or crashes there harms nobody else.

The process is new for each file and knows no secrets. It gets one line of JSON, `{"filename", "declared_type"}`, and
the file, and answers `{"title", "blocks": [[text, kind, level, page], …]}`, or `{"code", "detail"}` for a file that
cannot be read.
"""

import json
import logging
import os
import subprocess
import sys

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
_ERRORS = {
    error.code: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, UnreadableFile)
}


def parse_apart(data: bytes, filename: str = "", declared_type: str = "") -> ParsedDocument:
    """As `parse`. A file at which the reader hangs or dies is FileBroken, one that takes too much memory FileTooLarge.

    Call it from a thread that outlives the reading, for the reader dies with it. Takes a quarter of a second more.
    """
    asked = json.dumps({"filename": filename, "declared_type": declared_type}).encode() + b"\n"
    limits = (str(MAX_MEMORY_BYTES), str(round(READING_TIMEOUT_S)))
    try:
        done = subprocess.run(
            (*READER, *limits),
            input=asked + data,
            capture_output=True,
            timeout=READING_TIMEOUT_S,
            env=_environ(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FileBroken(TOOK_TOO_LONG) from None
    if done.returncode < 0:  # by a signal: a fault in a library, or a limit
        logger.warning("Reading a file of %d bytes ended by signal %d", len(data), -done.returncode)
        raise FileBroken
    if done.returncode == OUT_OF_MEMORY:
        raise FileTooLarge(TOO_MUCH_MEMORY)
    complaint = done.stderr.decode(errors="replace")[-4000:]
    if done.returncode:
        raise RuntimeError(f"The reader of files does not work: {complaint}")
    if complaint:
        logger.error("A parser failed unexpectedly: %s", complaint)
    return _read_answer(done.stdout)


def _environ() -> dict[str, str]:
    """No address and no key of ours: whoever takes over a parser finds nothing in it."""
    return {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}


def _read_answer(body: bytes) -> ParsedDocument:
    answer = json.loads(body)
    if code := answer.get("code"):
        raise _ERRORS[code](_(answer["detail"]))
    return ParsedDocument(answer["title"], [Block(*block) for block in answer["blocks"]])
