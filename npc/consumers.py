"""The games' WebSocket. It translates frames; the services behind the HTTP calls do the rest."""

import asyncio
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers

from chat.engine import engine
from npc.api.serializers import EventRequestSerializer
from npc.api.turns import asked_in
from npc.errors import PreconditionRequired, SessionNotFound
from npc.hooks.asking import ActionResultSerializer
from npc.sessions.access import access_session
from npc.sessions.changing import expect_version, patch_state
from npc.sessions.happening import record_event
from npc.sessions.tokens import Admitted, read_token
from npc.sessions.writing import writing
from npc.turns.running import TurnRun, cancel_turn, start_turn
from npc.turns.settling import Result, settle_action
from tenants.asynchronous import validated
from tenants.errors import Invalid, PlatformError, RateLimited
from tenants.frames import uuid_of
from tenants.limits.policies import Asker
from tenants.limits.visitors import address_of_scope
from tenants.scope import in_tenant
from tenants.sockets import BAD_TOKEN, COME_BACK, TokenSocket

MAX_REQUEST_ID = 100
# Frames that wait for those before them, and turns that speak at once. A crowd scene has fewer.
MAX_WAITING = 64
MAX_SPEAKING = 32


class StatePatchFrame(serializers.Serializer[Any]):
    """`base_state_version` is what `If-Match` is over HTTP: the state that the patch was made for."""

    patch = serializers.JSONField()
    base_state_version = serializers.IntegerField(min_value=0)


class EventFrame(serializers.Serializer[Any]):
    """A frame and an event both have a `type`, so that an event stands in a field of its own, as in a turn."""

    event = EventRequestSerializer()


class ActionResultFrame(ActionResultSerializer):
    action_id = serializers.UUIDField()


class GameConsumer(TokenSocket):
    """One socket of one game session.

    Frames are carried out one after the other, so that a turn sees the patch that was sent before it. A turn is done
    with once it is open; it speaks beside what follows, and goes on without the socket.
    """

    admitted: Admitted
    _asker: Asker

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_WAITING)

    # --- Coming in ----------------------------------------------------------------------------------------
    async def enter(self, token: str) -> None:
        self.admitted = read_token(token)
        self._asker = Asker(self.admitted.key_id, address_of_scope(self.scope))
        if engine().is_draining:
            await self.leave(COME_BACK)
            return
        await self._in_session(access_session)
        self.leave_at(self.admitted.expires_at)
        self.spawn(self._carry_out())

    async def heed(self, frame: dict[str, Any]) -> None:
        if request_id_of(frame) is None:
            raise Invalid.field("request_id", _("A text is needed by which you know the answer, or a number."))
        if frame["type"] == "ping":  # waits for nobody
            return await self._ok(frame)
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            raise RateLimited(_("Too many frames wait; wait for their answers.")) from None

    async def _carry_out(self) -> None:
        while True:
            frame = await self._waiting.get()
            async with self.answering(frame):
                await super().heed(frame)

    async def _in_session(self, service: Any, *args: Any) -> Any:
        tenant_id, session_id, *_more = self.admitted
        return await in_tenant(tenant_id, service, tenant_id, session_id, *args)

    # --- Going out ----------------------------------------------------------------------------------------
    async def _ok(self, frame: dict[str, Any], **answer: Any) -> None:
        await self.send_frame({"type": "ok", "request_id": frame["request_id"], **answer})

    async def refuse(self, error: PlatformError, frame: dict[str, Any]) -> None:
        if isinstance(error, SessionNotFound):  # it has been deleted meanwhile
            self.end(BAD_TOKEN)
        else:
            await super().refuse(error, frame)

    def refusal(self, error: PlatformError, frame: dict[str, Any]) -> dict[str, Any]:
        told = super().refusal(error, frame) | error.extra
        if (request_id := request_id_of(frame)) is not None:
            told["request_id"] = request_id
        if error.errors:
            told["errors"] = [{name: str(value) for name, value in each.items()} for each in error.errors]
        return told

    # --- Frames -------------------------------------------------------------------------------------------
    async def _turn(self, frame: dict[str, Any]) -> None:
        asked = asked_in(frame)
        self._check_room()
        tenant_id, session_id, *_more = self.admitted
        run = start_turn(tenant_id, session_id, asked, asker=self._asker)
        await run.opened()
        await self._ok(frame, turn_id=asked.turn_id)
        self.spawn(self._follow(frame, run))

    async def _follow(self, frame: dict[str, Any], run: TurnRun) -> None:
        async with self.answering(frame):
            async for event in run.follow():
                await self.send_frame({"type": event.type, **event.body})

    async def _cancel(self, frame: dict[str, Any]) -> None:
        turn_id = uuid_of(frame, "turn_id")
        self._check_room()
        self.spawn(self._end_turn(frame, turn_id))

    async def _end_turn(self, frame: dict[str, Any], turn_id: UUID) -> None:
        tenant_id, session_id, *_more = self.admitted
        async with self.answering(frame):
            await self._ok(frame, **await cancel_turn(tenant_id, session_id, turn_id))

    async def _patch(self, frame: dict[str, Any]) -> None:
        if frame.get("base_state_version") is None:
            raise PreconditionRequired(_("Say which state you mean, as «base_state_version»."))
        asked = validated(StatePatchFrame, frame)
        await self._ok(frame, **await self._in_session(change_state, asked["patch"], asked["base_state_version"]))

    async def _event(self, frame: dict[str, Any]) -> None:
        asked = validated(EventFrame, frame)
        await self._ok(frame, id=await self._in_session(note_event, asked["event"]))

    async def _result(self, frame: dict[str, Any]) -> None:
        asked = validated(ActionResultFrame, frame)
        await self._ok(frame, **await self._in_session(settle_action, Result(**asked)))

    def _check_room(self) -> None:
        if len(self._tasks) > MAX_SPEAKING:  # the one more carries out frames
            raise RateLimited(_("Too many turns at once; wait until one is done."))

    frames = {
        "turn": _turn, "turn.cancel": _cancel, "state.patch": _patch, "event": _event, "action.result": _result,
        "ping": _ok,
    }  # fmt: skip


def request_id_of(frame: dict[str, Any]) -> str | int | None:
    """By what the client knows the answer; None if that is nothing of the kind."""
    match frame.get("request_id"):
        case bool():
            return None
        case int() as number:
            return number
        case str() as text if 0 < len(text) <= MAX_REQUEST_ID:
            return text
    return None


def change_state(tenant_id: UUID, session_id: UUID, patch: Any, version: int) -> dict[str, Any]:
    with writing(tenant_id, session_id) as writer:
        expect_version(writer.play, version)
        patch_state(writer, patch)
    return {"state_version": writer.play.version, "state": writer.play.state}


def note_event(tenant_id: UUID, session_id: UUID, event: dict[str, Any]) -> UUID:
    with writing(tenant_id, session_id) as writer:
        return record_event(writer, **event)
