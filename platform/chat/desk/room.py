"""Where the desks of a process hear of what happens to their tenants' conversations.

Every process with a desk open joins the tenant's group of the channel layer. What comes there is help, not truth: that
a conversation changed, and who looks at one. The rows themselves are read from the database, once for all desks of the
tenant here, however many changes come at once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol
from uuid import UUID, uuid4

import redis
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError

from chat.announcing import desk_group
from chat.desk.listing import counts, rows_of
from chat.handover.agents import Agent
from chat.hub import control, hub, quietly
from chat.subscription import End
from tenants.perloop import PerLoop, is_wanted
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

# What changes within this time is read together.
GATHER_S = 0.15
# A group is joined anew so often, in case that Redis lost it; those who look somewhere say so again.
REJOIN_EVERY_S = 20.0
LOOKS_FOR_S = 2.5 * REJOIN_EVERY_S
# A row is read again for no more conversations at once; a desk that missed the rest reads its list.
GATHERED = 200


class Seated(Protocol):
    """A socket at a desk."""

    agent: Agent
    looks_at: UUID | None

    def offer(self, frame: dict[str, Any]) -> None:
        """Send it, unless the socket does not read."""

    def end(self, code: int) -> None: ...


class Room:
    """All desks of one tenant in this process."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.desks: dict[str, Seated] = {}
        self.changed: set[UUID] = set()
        self.gathering: asyncio.Task[None] | None = None
        # By conversation, then by desk, wherever it is: `(member id, name, seen at)`.
        self.looking: dict[UUID, dict[str, tuple[str | None, str, float]]] = {}

    def offer(self, frame: dict[str, Any]) -> None:
        for desk in list(self.desks.values()):
            desk.offer(frame)

    def looks(self, desk: str, conversation_id: UUID, who: tuple[str | None, str] | None) -> None:
        """Somebody began to look at a conversation, or (None) stopped."""
        there = self.looking.setdefault(conversation_id, {})
        before = self.people(conversation_id)
        if who is None:
            there.pop(desk, None)
        else:
            there[desk] = (*who, time.monotonic())
        if (people := self.people(conversation_id)) != before:
            self.offer({"type": "looking", "conversation_id": str(conversation_id), "people": people})
        if not there:
            del self.looking[conversation_id]

    def people(self, conversation_id: UUID) -> list[dict[str, str | None]]:
        """Who looks at a conversation; one with two windows is one."""
        there = self.looking.get(conversation_id, {}).values()
        return [{"id": id_, "name": name} for id_, name in dict.fromkeys((id_, name) for id_, name, _at in there)]

    def forget_silent(self) -> None:
        """Those whose process is gone say nothing any more."""
        before = time.monotonic() - LOOKS_FOR_S
        for conversation_id, there in list(self.looking.items()):
            for desk in [desk for desk, (_id, _name, at) in there.items() if at < before]:
                self.looks(desk, conversation_id, None)


class Desks:
    """The rooms of one event loop."""

    def __init__(self) -> None:
        self.rooms: dict[UUID, Room] = {}
        self._hub = hub()
        self._hub.on_send_away.append(self._send_away)
        self._layer = get_channel_layer()
        self._channel = ""
        self._is_listening = asyncio.Event()
        self._is_deaf = False
        self._hub.spawn(self._listen())
        self._hub.spawn(self._keep())

    @contextlib.asynccontextmanager
    async def seat(self, desk: Seated) -> AsyncIterator[str]:
        """Sit down. Yields the name by which other desks know this one."""
        tenant_id, name = desk.agent.tenant_id, uuid4().hex
        room = self.rooms.setdefault(tenant_id, Room(tenant_id))
        room.desks[name] = desk
        await self._join(tenant_id)
        try:
            yield name
        finally:
            del room.desks[name]
            if not room.desks and self.rooms.get(tenant_id) is room:
                del self.rooms[tenant_id]
                self._hub.spawn(self._part(tenant_id))

    # --- Who looks where ----------------------------------------------------------------------------------------
    async def look(self, name: str, desk: Seated, conversation_id: UUID, *, is_there: bool) -> None:
        """Tell the tenant's desks that this one looks at a conversation, or does not any more."""
        who = _who(desk) if is_there else None
        self.rooms[desk.agent.tenant_id].looks(name, conversation_id, who)
        await self._tell_looking(desk.agent.tenant_id, conversation_id, name, who, asks=is_there)

    async def _tell_looking(self, tenant_id: UUID, conversation_id: UUID, name: str, who: Any, *, asks: bool) -> None:
        """`asks`: whoever looks there too answers by saying so."""
        told = control(tenant_id, conversation_id, "desk.looking", by=self._channel, desk=name, who=who, asks=asks)
        async with quietly():
            await self._layer.group_send(desk_group(tenant_id), told)

    def _heed_looking(self, room: Room, conversation_id: UUID, message: dict[str, Any]) -> None:
        if message.get("by") == self._channel:
            return
        who = tuple(message["who"]) if message["who"] else None
        room.looks(message["desk"], conversation_id, who)
        if message["asks"]:
            for name, desk in room.desks.items():
                if desk.looks_at == conversation_id:
                    saying = self._tell_looking(room.tenant_id, conversation_id, name, _who(desk), asks=False)
                    self._hub.spawn(saying)

    # --- What changed -------------------------------------------------------------------------------------------
    def _heed_changed(self, room: Room, conversation_id: UUID, message: dict[str, Any]) -> None:
        room.changed.add(conversation_id)
        if room.gathering is None or room.gathering.done():
            room.gathering = self._hub.spawn(self._gather(room))

    async def _gather(self, room: Room) -> None:
        while room.changed:
            await asyncio.sleep(GATHER_S)
            ids = set(list(room.changed)[:GATHERED])
            room.changed -= ids
            try:
                frame = await in_tenant(room.tenant_id, news_of, ids)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The desks were not told: %s", error)
                continue
            room.offer(frame)

    # --- The channel layer --------------------------------------------------------------------------------------
    async def _join(self, tenant_id: UUID) -> None:
        if not self._is_deaf:
            async with quietly():
                await self._is_listening.wait()
                await self._layer.group_add(desk_group(tenant_id), self._channel)

    async def _part(self, tenant_id: UUID) -> None:
        if tenant_id not in self.rooms:
            async with quietly():
                await self._layer.group_discard(desk_group(tenant_id), self._channel)

    async def _listen(self) -> None:
        while is_wanted():
            try:
                if self._channel:
                    self._heed(await self._layer.receive(self._channel))
                else:
                    self._channel = await self._layer.new_channel("desk.")
                    self._is_listening.set()
                self._is_deaf = False
            except (redis.RedisError, OSError) as error:
                if not self._is_deaf:
                    logger.warning("The channel layer did not answer: %s", error)
                self._is_deaf = True
                await asyncio.sleep(0.5)

    def _heed(self, message: dict[str, Any]) -> None:
        try:
            room = self.rooms.get(UUID(message["tenant_id"]))
            handle = {"desk.changed": self._heed_changed, "desk.looking": self._heed_looking}.get(message["kind"])
            if room and handle:
                handle(room, UUID(message["conversation_id"]), message)
        except Exception:  # whatever one message does, the next one must be heard
            logger.exception("A message to the desks could not be heeded")

    async def _keep(self) -> None:
        """Now and then say again who is where, and forget who is gone."""
        while is_wanted():
            await asyncio.sleep(REJOIN_EVERY_S)
            self._is_deaf = False
            for room in list(self.rooms.values()):
                await self._join(room.tenant_id)
                for name, desk in list(room.desks.items()):
                    if desk.looks_at:
                        room.looks(name, desk.looks_at, _who(desk))
                        await self._tell_looking(room.tenant_id, desk.looks_at, name, _who(desk), asks=False)
                room.forget_silent()

    def _send_away(self) -> None:
        for room in list(self.rooms.values()):
            for desk in list(room.desks.values()):
                desk.end(End.DRAINING)


def news_of(ids: set[UUID]) -> dict[str, Any]:
    """What a desk is told of conversations that changed: their rows, which are gone, and the new counts."""
    rows = rows_of(ids)
    gone = {str(one) for one in ids} - {row["id"] for row in rows}
    return {"type": "rows", "rows": rows, "gone": sorted(gone), "counts": counts()}


def _who(desk: Seated) -> tuple[str | None, str]:
    member_id = desk.agent.member_id
    return (str(member_id) if member_id else None, desk.agent.name)


desks = PerLoop(Desks)
