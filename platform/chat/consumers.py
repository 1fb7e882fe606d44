"""The chat's WebSocket. It translates frames, and leaves the rest to the engine and the hub."""

import asyncio
import contextlib
import logging
import time
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError, InterfaceError

from chat.engine import engine, ensure_heart
from chat.errors import FrameInvalid, FrameTooLarge, FrameUnknown
from chat.events import Item
from chat.feedback import give_feedback
from chat.hub import Subscription, TooSlow, hub
from chat.posting import Posted, clean_said, clean_variables, regenerate
from chat.preparing import Loaded, take_in
from chat.process import heart
from chat.replaying import replay
from chat.sessions import Session, read_session
from chat.visiting import Visit, visit
from tenants.asynchronous import lenient_json
from tenants.errors import Invalid, PlatformError, RateLimited, Unauthenticated
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

SUBPROTOCOL = "troupe.v1"
MAX_FRAME_BYTES = 64 * 1024
# A person types; a script that sends more is told, and cut off when it does not stop.
FRAMES_PER_S = 20.0
FRAME_BURST = 40.0
REFUSED_BEFORE_CUT = 100
# A client that says nothing first wants what comes from now on.
SILENT_HELLO_S = 2.0

BAD_TOKEN, LIMIT, COME_BACK = 4401, 4429, 1012


class Bucket:
    """A token bucket for one socket's frames."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket of one end user in one conversation."""

    session: Session
    visit: Visit
    subscription: Subscription

    async def connect(self) -> None:
        self._exit = contextlib.AsyncExitStack()
        self._own_client_ids: set[str] = set()
        self._bucket, self._refused = Bucket(FRAMES_PER_S, FRAME_BURST), 0
        self._sender: asyncio.Task[None] | None = None
        self._frames = {
            "hello": self._hello, "message.send": self._send_message, "turn.stop": self._stop_turn,
            "turn.regenerate": self._regenerate, "message.feedback": self._feedback,
            "typing": self._typing, "ping": self._ping,
        }  # fmt: skip
        offered = self.scope.get("subprotocols", [])
        # First, or the browser sees a 403 instead of our close code.
        await self.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            await self._enter()
        except PlatformError:
            await self.close(code=BAD_TOKEN)
        except (DatabaseError, InterfaceError, OSError):
            logger.exception("A socket could not be opened")
            await self.close(code=COME_BACK)

    async def _enter(self) -> None:
        self.session = read_session(token_of(self.scope))
        if engine().is_draining:
            await self.close(code=COME_BACK)
            return
        await ensure_heart()
        self.visit = await in_tenant(self.session.tenant_id, visit, self.session.conversation_id)
        following = hub().subscription(self.session.tenant_id, self.session.conversation_id, self.visit.seq)
        self.subscription = await self._exit.enter_async_context(following)
        await self._send_json(self.visit.ready())
        self._sender = asyncio.create_task(self._send_events())
        self._silence = asyncio.get_running_loop().call_later(SILENT_HELLO_S, self._release)
        self._exit.callback(self._silence.cancel)

    async def disconnect(self, code: int) -> None:
        if self._sender:
            self._sender.cancel()
        await self._exit.aclose()

    # --- Going out --------------------------------------------------------------------------------------
    async def _send_events(self) -> None:
        try:
            async for item in self.subscription:
                if self._is_for_me(item):
                    await self.send(text_data=item.frame().decode())
        except TooSlow:
            await self.close(code=LIMIT)
        except Exception as error:  # the socket is gone; whatever it was, disconnect() follows
            logger.debug("A socket stopped taking events: %s", error)

    def _is_for_me(self, item: Item) -> bool:
        """`message.accepted` is for its sender; the others learn of the message by `message.created`."""
        return item.type != "message.accepted" or item.body["client_id"] in self._own_client_ids  # type: ignore[union-attr]

    async def _send_json(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=orjson.dumps(frame).decode())

    async def _send_error(self, error: PlatformError, client_id: Any = None) -> None:
        frame: dict[str, Any] = {"type": "error", "code": error.code, "detail": str(error.detail)}
        if isinstance(client_id, str):
            frame["client_id"] = client_id[:100]
        await self._send_json(frame)

    def _release(self) -> None:
        if self.subscription.is_held:
            self.subscription.release()
            if self.visit.is_open:
                hub().follow(self.subscription)

    # --- Coming in --------------------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._sender is None:
            return  # closing
        frame: dict[str, Any] = {}
        try:
            self._limit()
            frame = parse_frame(text_data)
            handle = self._frames.get(frame["type"])
            if handle is None:
                raise FrameUnknown
            if handle != self._hello and self.subscription.is_held:
                self._release()
            await handle(frame)
        except PlatformError as error:
            await self._send_error(error, frame.get("client_id"))
            if self._refused > REFUSED_BEFORE_CUT:
                await self.close(code=LIMIT)
        except (DatabaseError, InterfaceError, OSError):
            logger.exception("A frame could not be handled")
            await self._send_error(Unavailable(), frame.get("client_id"))

    def _limit(self) -> None:
        if not self._bucket.take():
            self._refused += 1
            raise RateLimited

    async def _hello(self, frame: dict[str, Any]) -> None:
        after = frame.get("after")
        if after is None:
            self._silence.cancel()
            self._release()
            return
        if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**63:
            raise FrameInvalid("«after» is the last seq that was seen, a number.")
        self._silence.cancel()
        await replay(self.subscription, self.session.tenant_id, after)

    async def _send_message(self, frame: dict[str, Any]) -> None:
        client_id = uuid_of(frame, "client_id")
        text, variables = clean_said(frame.get("text")), clean_variables(frame.get("variables"))
        self._own_client_ids.add(str(client_id))
        posted, loaded = await in_tenant(
            self.session.tenant_id,
            take_in,
            conversation_id=self.session.conversation_id,
            client_id=client_id,
            text=text,
            variables=variables,
            process_id=heart.process_id,
        )
        await self._answer(posted, loaded)

    async def _regenerate(self, frame: dict[str, Any]) -> None:
        posted = await in_tenant(
            self.session.tenant_id,
            regenerate,
            conversation_id=self.session.conversation_id,
            turn_id=uuid_of(frame, "turn_id"),
            process_id=heart.process_id,
        )
        await self._answer(posted)

    async def _answer(self, posted: Posted, loaded: Loaded | None = None) -> None:
        if posted.is_new:
            engine().start(posted, loaded)
            return
        # Sent again by a client that did not hear of it: tell it where the message is, change nothing.
        await self._send_json(
            {
                "type": "message.accepted",
                "seq": posted.turn.first_seq,
                "message_id": str(posted.message.pk),
                "client_id": str(posted.message.client_id),
                "turn_id": str(posted.turn.pk),
            }
        )

    async def _stop_turn(self, frame: dict[str, Any]) -> None:
        await engine().stop(conversation_id=self.session.conversation_id, turn_id=uuid_of(frame, "turn_id"))

    async def _feedback(self, frame: dict[str, Any]) -> None:
        await in_tenant(
            self.session.tenant_id,
            give_feedback,
            conversation_id=self.session.conversation_id,
            message_id=uuid_of(frame, "message_id"),
            rating=frame.get("rating"),
            comment=frame.get("comment", ""),
        )

    async def _typing(self, frame: dict[str, Any]) -> None:
        """Taken and not passed on: nobody watches yet."""

    async def _ping(self, frame: dict[str, Any]) -> None:
        await self._send_json({"type": "pong"})


class Unavailable(PlatformError):
    code = "provider_unavailable"
    status = 503
    default_detail = "The service is busy or restarting. Your message was not taken; send it again in a moment."


def token_of(scope: Any) -> str:
    """The token among the subprotocols, or in the query. Raises Unauthenticated."""
    for offered in scope.get("subprotocols", []):
        if offered.startswith("token."):
            return str(offered.removeprefix("token."))
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if not query.get("token"):
        raise Unauthenticated
    return query["token"][0]


def parse_frame(text: str | None) -> dict[str, Any]:
    """A frame as an object with a `type`. Raises FrameInvalid or FrameTooLarge."""
    if text is None:
        raise FrameInvalid
    if len(text) > MAX_FRAME_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise FrameTooLarge
    try:
        frame = lenient_json(text)
    except ValueError:
        raise FrameInvalid from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise FrameInvalid
    return frame


def uuid_of(frame: dict[str, Any], name: str) -> UUID:
    """A field that must be a UUID. Raises Invalid."""
    try:
        return UUID(frame[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Invalid.field(name, "A UUID is needed.") from None
