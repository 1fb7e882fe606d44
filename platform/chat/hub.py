"""Where the events of a process meet its sockets and streams.

A turn that runs here hands its events straight to the subscribers here; the same events go to the log a
little later, merged. Subscribers of a turn that runs elsewhere follow the log. The channel layer carries
control only: "something moved", "stop", never a token. Redis is help, not truth: without it turns run on,
whoever follows one here misses nothing, and the rest is found in the database as soon as it can be.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import redis
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError

from chat.errors import HistoryGone
from chat.events import Item, block_end, ends_block, in_order
from chat.history import has_open_turn, standing, stored_events
from chat.log import EventLog, Replay, stream_key
from chat.models import SEQ_BLOCK
from chat.subscription import End, Subscription
from chat.writer import Writer
from tenants.errors import PlatformError
from tenants.perloop import PerLoop, is_wanted
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Pub/sub may lose a message. So often do we look whether something moved without our hearing of it.
HEAL_EVERY_S = 3.0
# Nobody waits longer than this for the channel layer.
CONTROL_PATIENCE_S = 1.0
# Whoever types is told of so often at most.
WHISPER_EVERY_S = 1.0
# Rooms that are looked after with one round trip to Redis.
ROOMS_AT_ONCE = 200


class Room:
    """A conversation that somebody here follows or answers in."""

    def __init__(self, tenant_id: UUID, conversation_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.conversation_id = conversation_id
        self.key = stream_key(tenant_id, conversation_id)
        self.users = 0
        self.is_joined = False
        self.next_block = 0  # where the next turn begins if all so far ran here
        self.over_at = 0  # with this number a block was over, and who has it has all before it
        self.is_doubtful = False  # something may have happened that no log tells
        self.has_moved = False  # something happened elsewhere, though a turn runs here
        self.subscriptions: set[Subscription] = set()
        self.writer: Writer | None = None  # while a turn runs here
        self.tail: asyncio.Task[None] | None = None
        self.whispered_at: dict[str, float] = {}

    @property
    def live(self) -> list[Subscription]:
        """Those that are up to date; the others are about to look for themselves."""
        return [subscription for subscription in self.subscriptions if not subscription.is_held]

    @property
    def is_followed(self) -> bool:
        """Whether somebody hands on here what happens."""
        return self.writer is not None or (self.tail is not None and not self.tail.done())

    def deliver(self, items: list[Item]) -> None:
        self.mark_end(items)
        for subscription in list(self.subscriptions):
            for item in items:
                subscription.push(item)

    def mark_end(self, items: list[Item]) -> None:
        if items and ends_block(items[-1]):
            self.over_at = items[-1].last

    def whisper(self, frame: dict[str, Any]) -> None:
        for subscription in list(self.subscriptions):
            if subscription.on_whisper:
                subscription.on_whisper(frame)

    def end(self, end: End) -> None:
        for subscription in list(self.subscriptions):
            if end != End.DRAINING or not subscription.outlasts_drain:
                subscription.finish(end)


def group_of(tenant_id: UUID, conversation_id: UUID) -> str:
    """The channel layer's name for all processes that follow a conversation."""
    return f"conversation.{tenant_id.hex}.{conversation_id.hex}"


def control(tenant_id: UUID, conversation_id: UUID, kind: str, **fields: Any) -> dict[str, Any]:
    """A control message. Its group says which conversation it is about, and so does it."""
    return {
        "type": "control",
        "kind": kind,
        "tenant_id": tenant_id.hex,
        "conversation_id": conversation_id.hex,
        **fields,
    }


class Hub:
    """All rooms of one event loop."""

    def __init__(self) -> None:
        self.log = EventLog()
        # By tenant too: an id that somebody guessed must not lead into a neighbour's room.
        self.rooms: dict[tuple[UUID, UUID], Room] = {}
        self.on_control: dict[str, Callable[[Room, dict[str, Any]], None]] = {
            "moved": self._moved, "whisper": self._on_whisper,
        }  # fmt: skip
        # Called when this process sends its followers away, for those who follow more than one conversation.
        self.on_send_away: list[Callable[[], None]] = []
        self._has_sent_away = False
        self._layer = get_channel_layer()
        self._channel = ""
        self._is_listening = asyncio.Event()
        # While Redis is away nobody waits for it: what was missed is found once it is back.
        self._is_deaf = False
        self._is_blind = False
        self._log_age: bytes | str | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.spawn(self._listen())
        self.spawn(self._heal())

    # --- Coming and going -------------------------------------------------------------------------------
    @contextlib.asynccontextmanager
    async def subscription(
        self,
        tenant_id: UUID,
        conversation_id: UUID,
        on_end: Callable[[End], None] | None = None,
        *,
        on_whisper: Callable[[dict[str, Any]], None] | None = None,
        outlasts_drain: bool = False,
    ) -> AsyncIterator[Subscription]:
        """Follow a conversation. What happens from here on is kept; nothing comes before it is released."""
        async with self._room(tenant_id, conversation_id) as room:
            subscription = Subscription(room, on_end, on_whisper=on_whisper, outlasts_drain=outlasts_drain)
            room.subscriptions.add(subscription)
            if self._has_sent_away and not outlasts_drain:  # who comes late would hold up our end
                subscription.finish(End.DRAINING)
            try:
                yield subscription
            finally:
                room.subscriptions.discard(subscription)

    @contextlib.asynccontextmanager
    async def writer(self, tenant_id: UUID, conversation_id: UUID, *, first_seq: int) -> AsyncIterator[Writer]:
        """Speak in a conversation, as the one process that may."""
        async with self._room(tenant_id, conversation_id) as room:
            if room.writer:
                await self._let_finish(room.writer)
            if room.next_block != first_seq:
                # What another process said last comes before what we say.
                await self._catch_up(room, first_seq)
            writer, room.has_moved = Writer(self.log, room, first_seq=first_seq), False
            room.writer = writer
            try:
                yield writer
            finally:
                await writer.aclose()
                if room.writer is writer:
                    room.writer = None
                    room.mark_end(writer.said())
                    if room.over_at > first_seq:  # else somebody else tells how it ended
                        room.next_block = first_seq + SEQ_BLOCK
                    if room.has_moved:  # who came next did not wait for what we told last
                        self._follow(room, writer.next_seq - 1)
                writer.closed.set()

    async def _let_finish(self, before: Writer) -> None:
        """The turn before has let the conversation go, and tells its last. One that was taken for dead may never."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONTROL_PATIENCE_S):
                await before.closed.wait()

    @contextlib.asynccontextmanager
    async def _room(self, tenant_id: UUID, conversation_id: UUID) -> AsyncIterator[Room]:
        key = (tenant_id, conversation_id)
        room = self.rooms.setdefault(key, Room(tenant_id, conversation_id))
        room.users += 1
        try:
            await self._join(room)
            yield room
        finally:
            room.users -= 1
            if not room.users:
                del self.rooms[key]
                if room.tail:
                    room.tail.cancel()
                self.spawn(self._part(room))

    async def _join(self, room: Room) -> None:
        if not room.is_joined and not self._is_deaf:
            async with quietly():
                await self._is_listening.wait()
                await self._layer.group_add(group_of(room.tenant_id, room.conversation_id), self._channel)
                room.is_joined = True

    async def _part(self, room: Room) -> None:
        if (room.tenant_id, room.conversation_id) not in self.rooms:
            async with quietly():
                await self._layer.group_discard(group_of(room.tenant_id, room.conversation_id), self._channel)

    # --- Catching up ------------------------------------------------------------------------------------
    async def replay(self, subscription: Subscription, after: int) -> None:
        """Hand out all that came behind `after`, then go on live.

        From the turn itself if it runs here; from the log; where that does not reach back, from the database.
        Raises HistoryGone when that is too much, and leaves the subscription held.
        """
        room = subscription.room
        subscription.hold()
        while True:
            writer, tail = room.writer, room.tail
            items, is_open = await self._missed(room, writer, after)
            if (writer, tail) == (room.writer, room.tail):
                break
            # Another turn began meanwhile, maybe before we could read how the last one ended.
        subscription.rewind(after, items)
        subscription.release()
        if is_open:
            self.follow(subscription)

    async def _missed(self, room: Room, writer: Writer | None, after: int) -> tuple[list[Item], bool]:
        """What came behind `after`, and whether it goes on elsewhere."""
        logged, stored, is_open = [], [], False
        if writer is None or after < writer.first_seq - 1:
            # Asked first: a turn that ends meanwhile is then followed to its end, which is in the log.
            is_open, last_seq = await in_tenant(room.tenant_id, standing, room.conversation_id)
            replay = await self.log.read(room.key, after)
            logged = replay.items
            known = logged[-1].last if replay.is_complete else after
            if known < last_seq or not replay.is_complete:
                stored = await in_tenant(room.tenant_id, stored_events, room.conversation_id, known)
        return in_order(logged, writer.said() if writer else (), stored), is_open

    def follow(self, subscription: Subscription) -> None:
        """Follow the log, for a turn that runs on another process."""
        self._follow(subscription.room, subscription.last_seq)

    def _follow(self, room: Room, after: int) -> None:
        if not room.is_followed:
            position = min((subscription.last_seq for subscription in room.live), default=after)
            room.tail = self.spawn(self._tail(room, min(position, after)))

    async def _tail(self, room: Room, position: int) -> None:
        """Hand on what the log brings until the turn is over and the log has been quiet for a while."""
        is_over, heard_at = position == room.over_at, time.monotonic()
        while room.subscriptions and room.writer is None and is_wanted():
            items = await self._next_items(room, position, is_over)
            if items:
                room.deliver(items)
                position, is_over, heard_at = items[-1].last, ends_block(items[-1]), time.monotonic()
            elif is_over and not room.is_doubtful:
                return
            elif is_over or time.monotonic() - heard_at > HEAL_EVERY_S:
                room.is_doubtful = False
                if not await self._recall(room, position):
                    return
                heard_at = time.monotonic()

    async def _next_items(self, room: Room, position: int, is_over: bool) -> list[Item]:
        """What comes next, without holes. Empty for now if nothing comes, or cannot be had."""
        try:
            return await self._whole(room, position, await self.log.wait(room.key, position, is_over=is_over))
        except (redis.RedisError, OSError, DatabaseError, InterfaceError) as error:
            logger.warning("What came next could not be had: %s", error)
            await asyncio.sleep(0.5)
            return []

    async def _whole(self, room: Room, after: int, replay: Replay) -> list[Item]:
        """What the log brings, with what the database knows in its holes: numbers that are jumped over are lost."""
        if not replay.items or replay.is_complete:
            return replay.items
        until = replay.items[-1].last
        try:
            stored = await in_tenant(room.tenant_id, stored_events, room.conversation_id, after)
        except HistoryGone:
            return replay.items
        return in_order(replay.items, (item for item in stored if item.last < until))

    async def _catch_up(self, room: Room, first_seq: int) -> None:
        """Hand on what came before the turn that begins now, and ran elsewhere.

        If it cannot be had, followers are sent away: who went on with the turn would not know of the gap.
        """
        position, before = min((each.last_seq for each in room.live), default=first_seq), first_seq - 1
        if position >= before or (position == room.over_at and block_end(position) == before):
            return
        async with quietly():
            replay = await self.log.read(room.key, position, is_over=position == room.over_at)
            last = replay.items[-1] if replay.items else None
            if not (last and replay.is_complete and ends_block(last) and block_end(last.last) == before):
                stored = await in_tenant(room.tenant_id, stored_events, room.conversation_id, position)
                replay = Replay(in_order(replay.items, (item for item in stored if item.last <= before)), True)
            room.deliver(replay.items)
            return
        room.end(End.DRAINING)

    async def _recall(self, room: Room, after: int) -> bool:
        """Hand on what the database knows and the log did not tell.

        Whether a turn is still open, as far as we know.
        """
        try:
            is_open = await in_tenant(room.tenant_id, has_open_turn, room.conversation_id)
            room.deliver(await in_tenant(room.tenant_id, stored_events, room.conversation_id, after))
        except (DatabaseError, InterfaceError, HistoryGone) as error:
            logger.warning("Not recalled: %s", error)
            return True
        return is_open

    # --- Control ----------------------------------------------------------------------------------------
    async def tell(self, tenant_id: UUID, conversation_id: UUID, kind: str, **fields: Any) -> None:
        """Send a control message to every process that follows this conversation, this one included."""
        async with quietly():
            message = control(tenant_id, conversation_id, kind, by=self._channel, **fields)
            await self._layer.group_send(group_of(tenant_id, conversation_id), message)

    async def whisper(self, tenant_id: UUID, conversation_id: UUID, frame: dict[str, Any]) -> None:
        """Pass a frame without a number, such as `typing {by}`, to all who follow now, on every process.

        It is not kept, and what the same side whispered a moment ago is enough: more is dropped.
        """
        room = self.rooms.get((tenant_id, conversation_id))
        if room:
            now, by = time.monotonic(), str(frame.get("by"))
            if now - room.whispered_at.get(by, -WHISPER_EVERY_S) < WHISPER_EVERY_S:
                return
            room.whispered_at[by] = now
            room.whisper(frame)
        await self.tell(tenant_id, conversation_id, "whisper", frame=frame)

    def _on_whisper(self, room: Room, message: dict[str, Any]) -> None:
        if message.get("by") != self._channel:
            room.whisper(message["frame"])

    async def _listen(self) -> None:
        while is_wanted():
            try:
                if self._channel:
                    self._heed(await self._layer.receive(self._channel))
                else:
                    self._channel = await self._layer.new_channel("hub.")
                    self._is_listening.set()
                    self._is_deaf = False
            except (redis.RedisError, OSError) as error:
                if not self._is_deaf:
                    logger.warning("The channel layer did not answer: %s", error)
                self._is_deaf = True
                await asyncio.sleep(0.5)
            except Exception:  # see `quietly`
                logger.exception("Not heard; tried again in a moment")
                await asyncio.sleep(0.5)

    def _heed(self, message: dict[str, Any]) -> None:
        try:
            room = self.rooms.get((UUID(message["tenant_id"]), UUID(message["conversation_id"])))
            handle = self.on_control.get(message["kind"])
            if room and handle:
                handle(room, message)
        except Exception:  # whatever one message does, the next one must be heard
            logger.exception("A control message could not be heeded")

    def _moved(self, room: Room, message: dict[str, Any]) -> None:
        if message.get("by") != self._channel:  # what moves here was handed on already
            room.is_doubtful |= message.get("is_doubtful", False)
            room.has_moved = True
            self._follow(room, message["seq"] - 1)

    async def _heal(self) -> None:
        """Now and then look for events whose announcement was lost."""
        while is_wanted():
            unwatched = [room for room in self.rooms.values() if room.live and not room.is_followed]
            try:
                await self._notice_losses()
                for start in range(0, len(unwatched), ROOMS_AT_ONCE):
                    await self._heal_rooms(unwatched[start : start + ROOMS_AT_ONCE])
                if self._is_blind:
                    for room in self.rooms.values():
                        room.is_doubtful = room.is_followed
                self._is_blind = False
            except (redis.RedisError, OSError) as error:
                if not self._is_blind:
                    logger.warning("The event log did not answer: %s", error)
                self._is_blind = True
            except Exception:
                logger.exception("Not healed; tried again in a moment")
            await asyncio.sleep(HEAL_EVERY_S)

    async def _notice_losses(self) -> None:
        """A Redis that was away for a moment may have told us of nothing, and have nothing to find either."""
        before, self._log_age = self._log_age, await self.log.age()
        if before and before != self._log_age:
            self._is_blind = True

    async def _heal_rooms(self, rooms: list[Room]) -> None:
        positions = [min((subscription.last_seq for subscription in room.live), default=0) for room in rooms]
        found = await self.log.read_many(
            (room.key, position, position == room.over_at) for room, position in zip(rooms, positions, strict=True)
        )
        for room, position, replay in zip(rooms, positions, found, strict=True):
            await self._join(room)
            items = await self._whole(room, position, replay)
            room.deliver(items)
            if items and not ends_block(items[-1]):
                self._follow(room, items[-1].last)
            elif self._is_blind and await self._recall(room, position):
                # What happened while Redis was away is in no log.
                self._follow(room, position)

    def send_away(self) -> None:
        """End what follows conversations, now and later, so that it comes back to another process."""
        self._has_sent_away = True
        for room in list(self.rooms.values()):
            room.end(End.DRAINING)
        for send_away in self.on_send_away:
            send_away()

    # --- Tasks ------------------------------------------------------------------------------------------
    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a task that belongs to the process, not to who asked for it."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, PlatformError):
            logger.error("A task of the chat failed", exc_info=error)

    async def aclose(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.log.aclose()


@contextlib.asynccontextmanager
async def quietly() -> AsyncIterator[None]:
    """Control messages are help, not truth: without them the log is found a little later.

    Whatever goes wrong with them: redis-py also fails with errors that are not its own, such as AttributeError, where a
    connection is renewed by one task and written to by another.
    """
    try:
        async with asyncio.timeout(CONTROL_PATIENCE_S):
            yield
    except (redis.RedisError, OSError, DatabaseError, InterfaceError, HistoryGone) as error:
        logger.warning("The channel layer did not answer: %s", str(error) or type(error).__name__)
    except Exception:
        logger.exception("The channel layer failed")


hub = PerLoop(Hub, Hub.aclose)
