"""The desk's WebSocket: the list as it changes, one conversation as it happens, and who looks at it too."""

import asyncio
import contextlib
from functools import partial
from typing import Any
from uuid import UUID

from chat.access import access_conversation
from chat.desk.entering import Entrant, let_in, who_sits
from chat.desk.listing import counts
from chat.desk.room import desks
from chat.engine import engine, ensure_heart
from chat.errors import HistoryGone
from chat.frames import after_of
from chat.handover.agents import Agent
from chat.handover.states import mark_read
from chat.history import latest_seq
from chat.hub import hub
from chat.models import Conversation
from chat.outside import tell_desk_later
from chat.subscription import End, Ended, Subscription
from tenants.errors import PlatformError
from tenants.frames import uuid_of
from tenants.scope import in_tenant, off_loop
from tenants.sockets import BAD_TOKEN, COME_BACK, TokenSocket

# Who is signed out, or loses his place, is out within this time.
LOOK_AGAIN_S = 30.0
# A desk that lets so many frames pile up does not read.
MAX_PENDING = 500


class DeskConsumer(TokenSocket):
    """One window of one agent."""

    agent: Agent
    entrant: Entrant

    def __init__(self) -> None:
        super().__init__()
        self.looks_at: UUID | None = None
        self._pending: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_PENDING)
        self._watching = contextlib.AsyncExitStack()

    # --- Coming and going ---------------------------------------------------------------------------------------
    async def enter(self, token: str) -> None:
        self.entrant = await off_loop(let_in, self.scope, token)
        self.agent = self.entrant.agent
        await ensure_heart()
        if engine().is_draining:
            await self.leave(COME_BACK)
            return
        self.name = await self.exit.enter_async_context(desks().seat(self))
        self.exit.push_async_callback(self._stop_watching)
        me = {"id": str(self.agent.member_id) if self.agent.member_id else None, "name": self.agent.name}
        now = await in_tenant(self.agent.tenant_id, counts)
        await self.send_frame({"type": "ready", "me": me, "counts": now})
        self.spawn(self._send_pending())
        self.spawn(self._look_again())

    async def _look_again(self) -> None:
        """A session may end, and a member lose his role, while the socket is open."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                await off_loop(who_sits, self.entrant.session_key, self.entrant.tenant_id)
            except PlatformError:
                return self.end(BAD_TOKEN)

    # --- Going out ----------------------------------------------------------------------------------------------
    def offer(self, frame: dict[str, Any]) -> None:
        try:
            self._pending.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(End.TOO_SLOW)

    async def _send_pending(self) -> None:
        while True:
            await self.send_frame(await self._pending.get())

    # --- Frames -------------------------------------------------------------------------------------------------
    def refusal(self, error: PlatformError, frame: dict[str, Any]) -> dict[str, Any]:
        told = super().refusal(error, frame)
        about = frame.get("conversation_id")
        return told | ({"conversation_id": about[:100]} if isinstance(about, str) else {})

    async def _watch(self, frame: dict[str, Any]) -> None:
        """Follow one conversation, from `after` on, instead of the one before."""
        conversation_id, after = uuid_of(frame, "conversation_id"), after_of(frame)
        await in_tenant(self.agent.tenant_id, access_conversation, self.agent.tenant_id, conversation_id)
        if conversation_id != self.looks_at:
            await self._stop_looking()
        await self._watching.aclose()
        overhear = partial(self._overhear, conversation_id)
        following = hub().subscription(self.agent.tenant_id, conversation_id, self.end, on_whisper=overhear)
        subscription = await self._watching.enter_async_context(following)
        sending = asyncio.create_task(self._send_events(conversation_id, subscription))
        self._watching.callback(sending.cancel)
        self.looks_at = conversation_id
        await desks().look(self.name, self, conversation_id, is_there=True)
        await self._replay(subscription, conversation_id, after)

    async def _replay(self, subscription: Subscription, conversation_id: UUID, after: int | None) -> None:
        try:
            async with self.catching_up():
                if after is None:
                    after = await in_tenant(self.agent.tenant_id, latest_seq, conversation_id)
                await hub().replay(subscription, after)
        except HistoryGone:
            await self.send_frame({"type": "refetch", "conversation_id": str(conversation_id)})

    async def _send_events(self, conversation_id: UUID, subscription: Subscription) -> None:
        """Each event as it is told to everybody, in an envelope that says whose it is."""
        head = f'{{"type":"event","conversation_id":"{conversation_id}","event":'
        with contextlib.suppress(Ended, OSError):
            async for item in subscription:
                await self.send(text_data=f"{head}{item.frame().decode()}}}")

    def _overhear(self, conversation_id: UUID, frame: dict[str, Any]) -> None:
        self.whisper({**frame, "conversation_id": str(conversation_id)})

    async def _unwatch(self, frame: dict[str, Any]) -> None:
        await self._stop_watching()

    async def _stop_watching(self) -> None:
        await self._watching.aclose()
        await self._stop_looking()

    async def _stop_looking(self) -> None:
        if self.looks_at:
            left, self.looks_at = self.looks_at, None
            await desks().look(self.name, self, left, is_there=False)

    async def _seen(self, frame: dict[str, Any]) -> None:
        """Its agent has read all that was said."""
        conversation_id = uuid_of(frame, "conversation_id")
        await in_tenant(self.agent.tenant_id, _mark_read, self.agent, conversation_id)

    async def _typing(self, frame: dict[str, Any]) -> None:
        """The visitor is told, if this agent has the conversation that he looks at."""
        conversation_id = uuid_of(frame, "conversation_id")
        tenant_id = self.agent.tenant_id
        conversation = await in_tenant(tenant_id, access_conversation, tenant_id, conversation_id)
        if self.agent.has(conversation):
            await hub().whisper(tenant_id, conversation_id, {"type": "typing", "by": "human", "name": self.agent.name})

    async def _nothing(self, frame: dict[str, Any]) -> None:
        """Where to begin is said by `watch`."""

    async def _ping(self, frame: dict[str, Any]) -> None:
        await self.send_frame({"type": "pong"})

    frames = {
        "hello": _nothing, "watch": _watch, "unwatch": _unwatch, "seen": _seen, "typing": _typing, "ping": _ping,
    }  # fmt: skip


def _mark_read(agent: Agent, conversation_id: UUID) -> None:
    """A colleague who looks on takes nothing away from who has it."""
    conversation: Conversation = access_conversation(agent.tenant_id, conversation_id)
    if agent.has(conversation) and conversation.unread_by_agent:
        mark_read(conversation_id)
        tell_desk_later(conversation)
