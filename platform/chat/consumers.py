"""The chat's WebSocket. It translates frames, and leaves the rest to the engine and the hub."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chat.engine import engine, ensure_heart
from chat.events import Item
from chat.feedback import give_feedback
from chat.frames import after_of
from chat.handover import rate, request_person
from chat.hub import hub
from chat.models import Handoff
from chat.origins import header_of
from chat.posting import Posted, clean_said, edit_message, post_message, regenerate, storable
from chat.presenting import message_accepted
from chat.sessions import Session, read_session
from chat.subscription import Ended, Subscription
from chat.visiting import Visit, next_seq, visit
from personas.variables import check_variables
from tenants.errors import Invalid, PlatformError
from tenants.frames import FrameInvalid, uuid_of
from tenants.limits.policies import Asker
from tenants.limits.visitors import address_of_scope
from tenants.scope import in_tenant
from tenants.sockets import COME_BACK, TokenSocket

# A client that says nothing first wants what comes from now on.
SILENT_HELLO_S = 2.0


class ChatConsumer(TokenSocket):
    """One socket of one end user in one conversation."""

    session: Session
    subscription: Subscription
    _asker: Asker

    def __init__(self) -> None:
        super().__init__()
        self._replaying = asyncio.Lock()
        self._told_seq = 0
        # Messages of this socket that it has not been told to be accepted.
        self._unacknowledged: set[str] = set()

    # --- Coming in --------------------------------------------------------------------------------------
    async def enter(self, token: str) -> None:
        self.session = read_session(token)
        self._asker = Asker(self.session.key_id, address_of_scope(self.scope))
        await ensure_heart()
        following = hub().subscription(
            self.session.tenant_id, self.session.conversation_id, self.end, on_whisper=self._overhear
        )
        self.subscription = await self.exit.enter_async_context(following)
        if engine().is_draining:
            await self.leave(COME_BACK)
            return
        page = (header_of(self.scope, b"origin"), header_of(self.scope, b"host")) if self.session.is_public else None
        found: Visit = await in_tenant(self.session.tenant_id, visit, self.session.conversation_id, self._asker, page)
        engine().foresight.expect(self.session.conversation_id, found.has_documents)
        self.subscription.rewind(found.seq)
        if not found.is_open:
            self.subscription.room.over_at = found.seq
        self._told_seq = found.seq
        self._begins_after = found.seq if found.is_open else None  # what comes behind it may have come already
        await self.send_frame(found.ready())
        self.spawn(self._send_events())
        self._silence = self.later(SILENT_HELLO_S, self._begin_silently)
        self.leave_at(self.session.expires_at)

    # --- Going out --------------------------------------------------------------------------------------
    async def _send_events(self) -> None:
        try:
            async for item in self.subscription:
                if self._is_for_me(item):
                    await self.send(text_data=item.frame().decode())
                self._told_seq = item.last
        except Ended:
            return  # it is being closed

    def _overhear(self, frame: dict[str, Any]) -> None:
        """Show the end user that a person types; that he does so himself is for others."""
        if frame.get("by") == "human" and self._is_inside:
            self.whisper(frame)

    def _is_for_me(self, item: Item) -> bool:
        """`message.accepted` is for its sender; the others learn of the message by `message.created`."""
        if item.type != "message.accepted":
            return True
        client_id = item.body["client_id"]  # type: ignore[union-attr]
        is_mine = client_id in self._unacknowledged
        self._unacknowledged.discard(client_id)
        return is_mine

    def refusal(self, error: PlatformError, frame: dict[str, Any]) -> dict[str, Any]:
        client_id = frame.get("client_id")
        told = super().refusal(error, frame)
        return told | ({"client_id": storable(client_id)[:100]} if isinstance(client_id, str) else {})

    # --- Frames -----------------------------------------------------------------------------------------
    async def _hello(self, frame: dict[str, Any]) -> None:
        after = after_of(frame)
        if after is None:
            await self._begin()
            return
        async with self._replaying, self.catching_up():
            if after >= await in_tenant(self.session.tenant_id, next_seq, self.session.conversation_id):
                raise FrameInvalid(_("«after» is a number that was not given yet."))
            self._silence.cancel()
            await hub().replay(self.subscription, after)

    async def _begin(self) -> None:
        """Go on live, from `ready`: a turn that runs already comes from its beginning."""
        async with self._replaying, self.catching_up():
            if self.subscription.is_held and self._begins_after is not None:
                await hub().replay(self.subscription, self._begins_after)
            self.subscription.release()

    def _begin_silently(self) -> None:
        hub().spawn(self._begin())

    async def _send_message(self, frame: dict[str, Any]) -> None:
        client_id = uuid_of(frame, "client_id")
        text, variables = clean_said(frame.get("text")), check_variables(frame.get("variables"))
        await self._post(post_message, client_id=client_id, text=text, variables=variables)

    async def _edit_message(self, frame: dict[str, Any]) -> None:
        message_id = uuid_of(frame, "message_id")
        client_id = uuid_of(frame, "client_id") if "client_id" in frame else None
        await self._post(edit_message, client_id=client_id, message_id=message_id, text=clean_said(frame.get("text")))

    async def _regenerate(self, frame: dict[str, Any]) -> None:
        await self._post(regenerate, turn_id=uuid_of(frame, "turn_id"))

    async def _post(self, how: Callable[..., Posted], **said: Any) -> None:
        """Take something in as this end user's. Its `client_id`, if any, is how the client knows it again."""
        client_id = said.get("client_id")
        await self._begin()
        if client_id:
            self._unacknowledged.add(str(client_id))
        try:
            posted = await engine().post(
                self.session.tenant_id,
                how,
                conversation_id=self.session.conversation_id,
                on_behalf=self.session.on_behalf,
                asker=self._asker,
                **said,
            )
        except BaseException:
            self._unacknowledged.discard(str(client_id))
            raise
        if client_id:
            await self._acknowledge_again(posted, client_id)

    async def _acknowledge_again(self, posted: Posted, client_id: UUID) -> None:
        """Tell a client that sent something again where it is, unless it comes to hear of it anyway."""
        seq = posted.accepted_seq
        has_heard = str(client_id) not in self._unacknowledged  # meanwhile
        if posted.is_new or has_heard or (seq > self._told_seq and posted.message.client_id == client_id):
            return
        self._unacknowledged.discard(str(client_id))
        accepted = message_accepted(posted.message, posted.turn.pk if posted.turn else None) | {
            "client_id": str(client_id)
        }
        await self.send_frame({"type": "message.accepted", "seq": seq, **accepted})

    async def _stop_turn(self, frame: dict[str, Any]) -> None:
        turn_id = uuid_of(frame, "turn_id")
        await engine().stop(self.session.tenant_id, self.session.conversation_id, turn_id)

    async def _feedback(self, frame: dict[str, Any]) -> None:
        await in_tenant(
            self.session.tenant_id,
            give_feedback,
            conversation_id=self.session.conversation_id,
            message_id=uuid_of(frame, "message_id"),
            rating=frame.get("rating"),
            comment=frame.get("comment", ""),
        )

    async def _request_person(self, frame: dict[str, Any]) -> None:
        """What comes of it is told to all as `conversation.handoff`."""
        reason = frame.get("reason") or ""
        if not isinstance(reason, str):
            raise Invalid.field("reason", _("A text is needed."))
        await in_tenant(
            self.session.tenant_id,
            request_person,
            self.session.conversation_id,
            reason=storable(reason),
            by=Handoff.By.VISITOR,
        )

    async def _rate(self, frame: dict[str, Any]) -> None:
        rating, comment = frame.get("rating"), frame.get("comment", "")
        await in_tenant(self.session.tenant_id, rate, self.session.conversation_id, rating, comment)

    async def _typing(self, frame: dict[str, Any]) -> None:
        typing = {"type": "typing", "by": "user"}
        await hub().whisper(self.session.tenant_id, self.session.conversation_id, typing)

    async def _ping(self, frame: dict[str, Any]) -> None:
        await self.send_frame({"type": "pong"})

    frames = {
        "hello": _hello, "message.send": _send_message, "turn.stop": _stop_turn, "turn.regenerate": _regenerate,
        "message.edit": _edit_message, "message.feedback": _feedback, "handoff.request": _request_person,
        "conversation.rate": _rate, "typing": _typing, "ping": _ping,
    }  # fmt: skip
