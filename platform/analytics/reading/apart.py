"""Reading tables in a process of their own: a file that is hostile or huge harms nobody else.

A server of ours (`analytics.reading.__main__`, which describes the frames) copies itself for each file, as that of
documents does. Rows come as they are written, so that whoever stores them holds a batch at a time.
"""

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from analytics.reading.drafts import KnownTable, TableDraft, draft_of
from analytics.reading.errors import ERRORS, ReadingFailed
from analytics.reading.limits import MAX_CPU_S, MAX_MEMORY_BYTES, READING_TIMEOUT_S
from knowledge.parsing.apart import Server, TookTooLong, hear

logger = logging.getLogger(__name__)

READER = (sys.executable, "-m", "analytics.reading")
_server = Server(READER)


@dataclass(slots=True)
class Rows:
    """Some rows of one of the tables, as CSV for COPY."""

    table: TableDraft
    count: int
    csv: bytes


@dataclass(slots=True)
class Reading:
    """A file being read. The rows come once, in the order of the drafts; take all of them."""

    drafts: list[TableDraft]
    rows: Iterator[Rows]


@contextmanager
def reading(
    pieces: Iterable[bytes],
    filename: str,
    *,
    mode: str = "new",
    known: Sequence[KnownTable] = (),
    only: str | None = None,
    only_drafts: bool = False,
    timeout_s: float | None = None,
) -> Iterator[Reading]:
    """Read a file apart, as `files.read_tables` does. Leaving the block ends the reader, done or not.

    Raises a TableUnreadable, also while rows come: ReadingFailed for a reader that dies or says nothing for long.
    ReaderMissing where no file can be read.
    """
    asked = {
        "filename": filename,
        "mode": mode,
        "known": [table.as_json() for table in known],
        "only": only,
        "only_drafts": only_drafts,
        "memory_bytes": MAX_MEMORY_BYTES,
        "cpu_s": MAX_CPU_S,
    }
    with _server.line() as line:
        answered = hear(line, _question(asked, pieces), timeout_s or READING_TIMEOUT_S, in_all=False)
        try:
            frames = _frames(answered)
            drafts = _drafts(next(frames))
            yield Reading(drafts, _rows(frames, drafts))
        except TookTooLong:
            raise ReadingFailed from None
        finally:
            answered.close()


def _question(asked: dict[str, Any], pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield json.dumps(asked).encode() + b"\n"
    yield from pieces


def _frames(answered: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The frames up to the end. Raises what the reader tells, ReadingFailed where the end is missing."""
    held = bytearray()
    for piece in answered:
        held += piece
        while len(held) >= 5 and len(held) >= (end := 5 + int.from_bytes(held[1:5])):
            kind, content = bytes(held[:1]), bytes(held[5:end])
            del held[:end]
            if kind == b"Z":
                return
            if kind == b"E":
                _raise(json.loads(content))
            yield kind, content
    logger.warning("The reader of a file of tables died")
    raise ReadingFailed


def _raise(told: dict[str, Any]) -> None:
    if fault := told.get("fault"):
        logger.error("A reader of tables failed unexpectedly: %s", fault)
    raise ERRORS[told["error"]](told["text"], **told["values"])


def _drafts(frame: tuple[bytes, bytes]) -> list[TableDraft]:
    return [draft_of(told) for told in json.loads(frame[1])]


def _rows(frames: Iterator[tuple[bytes, bytes]], drafts: Sequence[TableDraft]) -> Iterator[Rows]:
    table = drafts[0]
    for kind, content in frames:
        if kind == b"T":
            table = drafts[json.loads(content)]
        else:
            yield Rows(table, int.from_bytes(content[:4]), content[4:])
