"""One reader's view of a conversation: what waits for it, and from which number on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from chat.events import Delta, Item, behind, merged

if TYPE_CHECKING:
    from chat.hub import Room

# A reader that lets this much pile up does not read; it is cut off, so that memory stays bounded.
MAX_PENDING_CHARACTERS = 1_000_000
EVENT_WEIGHT = 200  # characters that an event without text counts for


class End(IntEnum):
    """Why nothing more comes, as the code that a socket is closed with."""

    DRAINING = 1012
    GONE = 4401
    TOO_SLOW = 4429


class Ended(Exception):
    """Nothing more comes from this subscription."""

    def __init__(self, end: End) -> None:
        super().__init__(end.name)
        self.end = end


class Subscription:
    """Hands out each number once and in order, from `last_seq` on.

    It is held at first: what comes is kept until the reader has said from where on it wants it (`rewind`,
    then `release`). `on_end` is called once, when it is ended from outside or its reader is too slow.
    `on_whisper` gets what has no number and is worth nothing later. One that waits for a single turn
    `outlasts_drain`, as the turn does.
    """

    def __init__(
        self,
        room: "Room",
        on_end: Callable[[End], None] | None = None,
        *,
        on_whisper: Callable[[dict[str, Any]], None] | None = None,
        outlasts_drain: bool = False,
    ) -> None:
        self.room = room
        self.on_whisper = on_whisper
        self.outlasts_drain = outlasts_drain
        self.last_seq = 0
        self.is_held = True
        self.end: End | None = None
        self._on_end = on_end
        self._items: list[Item] = []
        self._pending_characters = 0
        self._awake = asyncio.Event()

    def push(self, item: Item) -> None:
        """Take an item from the turn or the log. What was taken already is left out."""
        fresh = None if self.end else behind(item, self.last_seq)
        if fresh is None:
            return
        self.last_seq = fresh.last
        self._items.append(fresh)
        self._pending_characters += len(fresh.text) if isinstance(fresh, Delta) else EVENT_WEIGHT
        if self._pending_characters > MAX_PENDING_CHARACTERS:
            self.finish(End.TOO_SLOW)
        elif not self.is_held:
            self._awake.set()

    def hold(self) -> None:
        """Keep what comes, and hand out nothing until `release`."""
        self.is_held = True

    def rewind(self, after: int, items: Iterable[Item] = ()) -> None:
        """Start anew behind `after` with a replay; what came meanwhile follows it."""
        waiting = [*self._items]
        self._items.clear()
        self._pending_characters = 0
        self.last_seq = after
        for item in [*items, *waiting]:
            self.push(item)

    def release(self) -> None:
        """Hand out from now on."""
        self.is_held = False
        if self._items:
            self._awake.set()

    def finish(self, end: End) -> None:
        """Nothing more comes; what was not handed out yet is let go."""
        if self.end is None:
            self.end = end
            self._items.clear()
            self._awake.set()
            if self._on_end:
                self._on_end(end)

    async def batch(self) -> list[Item]:
        """Wait for items, then take all that are there, with deltas that piled up joined. Raises Ended."""
        while True:
            await self._awake.wait()
            if self.end:
                raise Ended(self.end)
            self._awake.clear()
            if self._items and not self.is_held:
                items = [*self._items]
                self._items.clear()
                self._pending_characters = 0
                return merged(items)

    async def __aiter__(self) -> AsyncIterator[Item]:
        while True:
            for item in await self.batch():
                yield item
