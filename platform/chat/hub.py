"""Where the events of a process meet its sockets and streams.

A turn that runs here hands its events straight to the subscribers here; the same events go to the log a little
later, merged. Subscribers of a turn that runs elsewhere follow the log. The channel layer carries control only:
"something moved", "stop", never a token.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import redis
from channels.layers import get_channel_layer

from chat.events import Delta, Event, Item, behind, merged
from chat.log import EventLog, stream_key

logger = logging.getLogger(__name__)

# A reader that lets this much pile up does not read; it is cut off, so that memory stays bounded.
MAX_PENDING_CHARACTERS = 1_000_000
# The log is written this much later than sockets. What a crash loses of an answer is at most this.
WRITE_BEHIND_S = 0.2
# Pub/sub may lose a message. So often do we look whether the log has moved without our hearing of it.
HEAL_EVERY_S = 3.0

EVENT_WEIGHT = 200  # characters that an event without text counts for


class TooSlow(Exception):
    """The subscriber did not read for too long."""


class Subscription:
    """One reader of one conversation. Sees each number once, in order, from `last_seq` on."""

    def __init__(self, room: "Room", last_seq: int) -> None:
        self.room = room
        self.last_seq = last_seq
        # Nothing is handed out until the reader has said from where on it wants it.
        self.is_held = True
        self._items: deque[Item] = deque()
        self._pending_characters = 0
        self._awake = asyncio.Event()
        self._is_too_slow = False

    def push(self, item: Item) -> None:
        """Take an item from the turn or the log. What was seen already is left out."""
        fresh = behind(item, self.last_seq)
        if fresh is None:
            return
        self.last_seq = fresh.last
        self._items.append(fresh)
        self._pending_characters += len(fresh.text) if isinstance(fresh, Delta) else EVENT_WEIGHT
        if self._pending_characters > MAX_PENDING_CHARACTERS:
            self._items.clear()
            self._is_too_slow = True
        if not self.is_held:
            self._awake.set()

    def rewind(self, after: int, items: list[Item]) -> None:
        """Start anew behind `after` with a replay; what came meanwhile follows it."""
        waiting = list(self._items)
        self._items.clear()
        self._pending_characters = 0
        self.last_seq = after
        for item in [*items, *waiting]:
            self.push(item)

    def release(self) -> None:
        self.is_held = False
        if self._items or self._is_too_slow:
            self._awake.set()

    async def batch(self) -> list[Item]:
        """Wait for items, then take all that are there. Deltas that piled up meanwhile come as one. Raises TooSlow."""
        await self._awake.wait()
        self._awake.clear()
        if self._is_too_slow:
            raise TooSlow
        items = list(self._items)
        self._items.clear()
        self._pending_characters = 0
        return merged(items)

    async def __aiter__(self) -> AsyncIterator[Item]:
        while True:
            for item in await self.batch():
                yield item


class Room:
    """A conversation that somebody here follows or answers in."""

    def __init__(self, tenant_id: UUID, conversation_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.conversation_id = conversation_id
        self.key = stream_key(tenant_id, conversation_id)
        self.group = f"conversation.{conversation_id.hex}"
        self.subscriptions: set[Subscription] = set()
        self.writer: Writer | None = None  # while a turn runs here
        self.tail: asyncio.Task[None] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.subscriptions and self.writer is None

    def deliver(self, items: list[Item]) -> None:
        for subscription in self.subscriptions:
            for item in items:
                subscription.push(item)

    @property
    def seen_by_all(self) -> int:
        return min((subscription.last_seq for subscription in self.subscriptions), default=0)


class Writer:
    """The events of a turn that runs here: numbered, handed to subscribers at once, logged a little later."""

    def __init__(self, hub: "Hub", room: Room, *, first_seq: int) -> None:
        self._hub = hub
        self._room = room
        self.next_seq = first_seq
        self._logged = first_seq - 1
        self._unlogged: list[Item] = []
        self._flushing = asyncio.Lock()
        self._flusher = asyncio.create_task(self._write_behind())
        self._offset = 0

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
        for subscription in self._room.subscriptions:
            subscription.push(item)
        self._unlogged.append(item)

    async def flush(self) -> None:
        """Bring the log up to date. A Redis that is away is tried again with the next flush."""
        async with self._flushing:
            if not self._unlogged:
                return
            items = self._unlogged
            self._unlogged = []
            try:
                await self._hub.log.append(self._room.key, merged(items), self._logged)
                self._logged = items[-1].last
            except (redis.RedisError, OSError) as error:
                logger.warning("The event log is not written for now: %s", error)
                self._unlogged = items + self._unlogged

    async def _write_behind(self) -> None:
        while True:
            await asyncio.sleep(WRITE_BEHIND_S)
            await self.flush()

    async def aclose(self) -> None:
        self._flusher.cancel()
        await self.flush()


class Hub:
    """All rooms of one event loop."""

    def __init__(self) -> None:
        self.log = EventLog()
        self.rooms: dict[UUID, Room] = {}
        self.on_control: dict[str, Callable[[Room, dict[str, Any]], None]] = {"moved": self._follow}
        self._layer = get_channel_layer()
        self._channel = ""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting: asyncio.Task[None] | None = None

    # --- Coming and going -------------------------------------------------------------------------------
    @contextlib.asynccontextmanager
    async def subscription(self, tenant_id: UUID, conversation_id: UUID, last_seq: int) -> AsyncIterator[Subscription]:
        """Follow a conversation. Nothing comes before `replay` or `release` is called."""
        room = await self._enter(tenant_id, conversation_id)
        subscription = Subscription(room, last_seq)
        room.subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            room.subscriptions.discard(subscription)
            await self._leave(room)

    @contextlib.asynccontextmanager
    async def writer(self, tenant_id: UUID, conversation_id: UUID, *, first_seq: int) -> AsyncIterator[Writer]:
        """Speak in a conversation, as the one process that may."""
        room = await self._enter(tenant_id, conversation_id)
        if room.subscriptions and room.seen_by_all < first_seq - 1:
            # What another process said last comes before what we say.
            room.deliver((await self.log.read(room.key, room.seen_by_all)).items)
        room.writer = Writer(self, room, first_seq=first_seq)
        try:
            yield room.writer
        finally:
            await room.writer.aclose()
            room.writer = None
            await self._leave(room)

    async def _enter(self, tenant_id: UUID, conversation_id: UUID) -> Room:
        await self._ensure_started()
        room = self.rooms.get(conversation_id)
        if room is None:
            room = self.rooms[conversation_id] = Room(tenant_id, conversation_id)
            await self._quietly(self._layer.group_add(room.group, self._channel))
        return room

    async def _leave(self, room: Room) -> None:
        if room.is_empty and self.rooms.get(room.conversation_id) is room:
            del self.rooms[room.conversation_id]
            if room.tail:
                room.tail.cancel()
            await self._quietly(self._layer.group_discard(room.group, self._channel))

    # --- Catching up ------------------------------------------------------------------------------------
    async def logged(self, subscription: Subscription, after: int) -> tuple[list[Item], bool]:
        """What the log holds behind `after`, and whether it reaches back that far."""
        room = subscription.room
        if room.writer:
            await room.writer.flush()
        replay = await self.log.read(room.key, after)
        return replay.items, replay.is_complete

    def follow(self, subscription: Subscription) -> None:
        """Follow the log, for a turn that runs on another process."""
        self._follow(subscription.room, {})

    def _follow(self, room: Room, message: dict[str, Any]) -> None:
        if room.writer is None and (room.tail is None or room.tail.done()):
            room.tail = self.spawn(self._tail(room))

    async def _tail(self, room: Room) -> None:
        """Hand on what the log brings until the turn is over and the log has been quiet for a while."""
        is_over = False
        while room.subscriptions and room.writer is None:
            try:
                items = await self.log.wait(room.key, room.seen_by_all)
            except (redis.RedisError, OSError) as error:
                logger.warning("The event log did not answer: %s", error)
                await asyncio.sleep(0.5)
                continue
            room.deliver(items)
            if not items and is_over:
                return
            if items:
                is_over = items[-1].type in ("turn.completed", "turn.failed")

    # --- Control ----------------------------------------------------------------------------------------
    async def tell(self, conversation_id: UUID, kind: str, **fields: Any) -> None:
        """Send a control message to every process that follows this conversation, this one included."""
        await self._ensure_started()
        message = {"type": "control", "kind": kind, "conversation_id": conversation_id.hex, **fields}
        await self._quietly(self._layer.group_send(f"conversation.{conversation_id.hex}", message))

    async def _ensure_started(self) -> None:
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await self._starting

    async def _start(self) -> None:
        self._channel = await self._layer.new_channel("hub")
        self.spawn(self._listen())
        self.spawn(self._heal())

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except (redis.RedisError, OSError) as error:
                logger.warning("The channel layer did not answer: %s", error)
                await asyncio.sleep(0.5)
                continue
            room = self.rooms.get(UUID(message["conversation_id"]))
            if room and (handle := self.on_control.get(message["kind"])):
                handle(room, message)

    async def _heal(self) -> None:
        """Now and then look for events whose announcement was lost."""
        while True:
            await asyncio.sleep(HEAL_EVERY_S)
            for room in list(self.rooms.values()):
                if room.subscriptions and room.writer is None and (room.tail is None or room.tail.done()):
                    replay = await self.log.read(room.key, room.seen_by_all)
                    room.deliver(replay.items)
                    if replay.items and replay.items[-1].type not in ("turn.completed", "turn.failed"):
                        self._follow(room, {})

    # --- Tasks ------------------------------------------------------------------------------------------
    def spawn(self, coroutine: Any) -> asyncio.Task[Any]:
        """Run a task that belongs to the process, not to who asked for it."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _quietly(self, awaitable: Any) -> None:
        """Control messages are help, not truth: without them the log is found a little later."""
        try:
            await awaitable
        except (redis.RedisError, OSError) as error:
            logger.warning("The channel layer did not answer: %s", error)

    async def aclose(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.log.aclose()


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        for closed in [other for other in _hubs if other.is_closed()]:
            del _hubs[closed]
        found = _hubs[loop] = Hub()
    return found
