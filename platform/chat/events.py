"""Events of a conversation as values, and as the frames that clients get.

A piece of an answer is a `Delta`; everything else is an `Event`. Both span numbers: an event one, a delta as
many as pieces were merged into it, with their lengths, so that a replay can cut inside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from chat.models import SEQ_BLOCK


@dataclass(slots=True)
class Event:
    """Anything but a piece of an answer. `body` is JSON-able and holds neither type nor seq."""

    seq: int
    type: str
    body: dict[str, Any]

    @property
    def first(self) -> int:
        return self.seq

    @property
    def last(self) -> int:
        return self.seq

    def frame(self) -> bytes:
        return orjson.dumps({"type": self.type, "seq": self.seq, **self.body})


@dataclass(slots=True)
class Delta:
    """Pieces `first … last` of one turn's answer. `offset` counts the code points before them."""

    first: int
    turn_id: str
    offset: int
    text: str
    lengths: list[int]

    @property
    def last(self) -> int:
        return self.first + len(self.lengths) - 1

    @property
    def type(self) -> str:
        return "turn.delta"

    def frame(self) -> bytes:
        return orjson.dumps(
            {
                "type": "turn.delta",
                "seq": self.last,
                "turn_id": self.turn_id,
                "offset": self.offset,
                "text": self.text,
            }
        )

    def after(self, seq: int) -> "Delta | None":
        """What is left behind `seq`, or None. All of an answer whose cuts nobody knows is in its first number."""
        if seq < self.first:
            return self
        if seq >= self.last:
            return None
        skip = seq - self.first + 1
        length = sum(self.lengths[:skip])
        if length == len(self.text):
            return None
        return Delta(seq + 1, self.turn_id, self.offset + length, self.text[length:], self.lengths[skip:])

    def follows(self, other: "Item") -> bool:
        """Whether this continues `other` without a gap, so that both may travel as one."""
        return isinstance(other, Delta) and other.last + 1 == self.first and other.turn_id == self.turn_id


Item = Event | Delta

# The events that open a turn, in this order from the first number of its block. A message outside of turns has the
# first two of them, in a block of its own.
ACCEPTED, CREATED, STARTED = 0, 1, 2

# With one of these a turn has said its last.
ENDINGS = frozenset({"turn.completed", "turn.failed"})


def ends_block(item: Item) -> bool:
    """Whether nothing more comes in this block of numbers: the end of a turn, or something outside of turns."""
    if item.type in ENDINGS or item.type == "conversation.handoff":
        return True
    return isinstance(item, Event) and item.type == "message.created" and "turn_id" not in item.body


def block_end(seq: int) -> int:
    """The last number of the block that this one is of; the next block follows it."""
    return -(-seq // SEQ_BLOCK) * SEQ_BLOCK


def behind(item: Item, seq: int) -> Item | None:
    """The item without what a client that has seen `seq` has seen, or None when it saw it all."""
    if isinstance(item, Delta):
        return item.after(seq)
    return item if item.seq > seq else None


def merged(items: list[Item]) -> list[Item]:
    """The same items with neighbouring deltas joined."""
    result: list[Item] = []
    run: list[Delta] = []
    for item in items:
        if isinstance(item, Delta):
            if run and not item.follows(run[-1]):
                result.append(_join(run))
                run = []
            run.append(item)
            continue
        if run:
            result.append(_join(run))
            run = []
        result.append(item)
    if run:
        result.append(_join(run))
    return result


def _join(run: list[Delta]) -> Delta:
    if len(run) == 1:
        return run[0]
    head = run[0]
    lengths = [length for delta in run for length in delta.lengths]
    return Delta(head.first, head.turn_id, head.offset, "".join(delta.text for delta in run), lengths)


def in_order(*sources: Iterable[Item]) -> list[Item]:
    """What several sources know, by number.

    Where they overlap or are cut differently, a subscription takes each once.
    """
    return sorted((item for source in sources for item in source), key=lambda item: item.first)


def dump(item: Item, previous: int) -> bytes:
    """For the log. `previous` is the last number before this item, so that a reader can tell a gap."""
    if isinstance(item, Delta):
        return orjson.dumps([previous, item.first, item.turn_id, item.offset, item.text, item.lengths])
    return orjson.dumps([previous, item.seq, item.type, item.body])


def load(data: bytes) -> tuple[Item, int]:
    """The item and the number before it, as `dump` wrote them."""
    fields = orjson.loads(data)
    if len(fields) == 4:
        return Event(*fields[1:]), fields[0]
    return Delta(*fields[1:]), fields[0]
