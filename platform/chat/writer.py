"""Speaking in a conversation: events are numbered, handed out at once, and logged a little later."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import redis

from chat.events import Delta, Event, Item, merged
from chat.log import EventLog
from tenants.perloop import is_wanted

if TYPE_CHECKING:
    from chat.hub import Room

logger = logging.getLogger(__name__)

# The log is written this much later than sockets. What a crash loses of an answer is at most this.
WRITE_BEHIND_S = 0.2
# Turns write on the same beats, so that a busy process writes for many of them at once.
BEAT_S = 0.02


class Writer:
    """The events of one turn that runs here.

    They are all kept while it runs, so that who comes back gets them.
    """

    def __init__(self, log: EventLog, room: "Room", *, first_seq: int) -> None:
        self.first_seq = first_seq
        self.next_seq = first_seq
        self._log = log
        self._room = room
        self._offset = 0
        self._logged: list[Item] = []
        self._unlogged: list[Item] = []
        self._has_log = True
        self._is_silenced = False
        # Once the room knows, too, how it ended.
        self.closed = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._flusher = asyncio.create_task(self._write_behind())

    def emit(self, type: str, body: dict[str, Any], *, seq: int | None = None) -> int:
        """Send an event out; returns its number. `seq` may run ahead, to the end of the block, never back."""
        event = Event(self.next_seq if seq is None else seq, type, body)
        self.next_seq = event.seq + 1
        self._send(event)
        return event.seq

    def emit_text(self, turn_id: str, text: str) -> None:
        """Send a piece of the answer out."""
        delta = Delta(self.next_seq, turn_id, self._offset, text, [len(text)])
        self.next_seq += 1
        self._offset += len(text)
        self._send(delta)

    def _send(self, item: Item) -> None:
        if self._is_silenced:
            return
        self._unlogged.append(item)
        for subscription in self._room.subscriptions:
            subscription.push(item)
        if self._room.writer is self:
            self._room.mark_end([item])

    def said(self) -> list[Item]:
        """All events so far."""
        return [*self._logged, *self._unlogged]

    def silence(self) -> None:
        """Nothing is said or logged any more: the conversation was erased, or is somebody else's now."""
        self._is_silenced = True
        self._logged, self._unlogged = [], []

    async def flush(self) -> None:
        """Bring the log up to date. A Redis that is away is tried again with the next flush."""
        async with self._flushing:
            if not self._unlogged:
                return
            count = len(self._unlogged)
            items = merged(self._unlogged[:count])
            try:
                await self._append(items)
            except (redis.RedisError, OSError) as error:
                if self._has_log:
                    logger.warning("The event log is not written for now: %s", error)
                self._has_log = False
                return
            self._has_log = True
            if not self._is_silenced:
                self._logged = merged([*self._logged, *items])
                del self._unlogged[:count]

    async def _append(self, items: list[Item]) -> None:
        before = self.first_seq - 1
        previous = self._logged[-1].last if self._logged else before
        is_written = await self._log.append(self._room.key, items, previous, may_begin=not self._logged)
        if not is_written and not self._is_silenced:
            await self._log.append(self._room.key, merged([*self._logged, *items]), before, may_begin=True)

    async def _write_behind(self) -> None:
        loop = asyncio.get_running_loop()
        while is_wanted():
            await asyncio.sleep(WRITE_BEHIND_S - loop.time() % BEAT_S)
            await self.flush()

    async def aclose(self) -> None:
        """Log what is left. While Redis is away it is lost to the log; the ending is in the database."""
        async with self._flushing:  # never cut a write in the middle
            self._flusher.cancel()
        await self.flush()
