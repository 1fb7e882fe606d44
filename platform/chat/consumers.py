"""The chat's WebSocket. It translates frames, and leaves the rest to the engine and the hub."""

import asyncio
import contextlib
import logging
import time
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import orjson
import redis
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, InterfaceError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chat.engine import engine, ensure_heart
from chat.errors import FrameInvalid, FrameUnknown, Unavailable
from chat.events import Item
from chat.feedback import give_feedback
from chat.frames import after_of, parse_frame, uuid_of
from chat.hub import hub
from chat.posting import ACCEPTED, Posted, clean_said, post_message, regenerate, storable
from chat.presenting import message_accepted
from chat.sessions import Session, read_session
from chat.subscription import Ended, Subscription
from chat.visiting import Visit, next_seq, visit
from personas.variables import check_variables
from tenants.errors import PlatformError, RateLimited, Unauthenticated
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

SUBPROTOCOL = "troupe.v1"
# A person types; a script that sends more is told, and cut off when it does not stop.
FRAMES_PER_S = 20.0
FRAME_BURST = 40.0
REFUSED_BEFORE_CUT = 100
# A client that says nothing first wants what comes from now on.
SILENT_HELLO_S = 2.0
# A peer that does not even take our goodbye for so long is dropped.
CLOSE_PATIENCE_S = 2.0

BAD_TOKEN, LIMIT, COME_BACK, BROKEN = 4401, 4429, 1012, 1011


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


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc] # Channels has no types
    """One socket of one end user in one conversation."""

    # The hub listens for all sockets of the process. A channel for each would be a Redis subscription for
    # each, and no socket at all while Redis is away.
    channel_layer_alias = "none"

    session: Session
    visit: Visit
    subscription: Subscription

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._frames = {
            "hello": self._hello, "message.send": self._send_message, "turn.stop": self._stop_turn,
            "turn.regenerate": self._regenerate, "message.feedback": self._feedback,
            "typing": self._typing, "ping": self._ping,
        }  # fmt: skip
        translation.activate(language_of(scope))  # for as long as this socket's task lives
        self._bucket, self._refused = Bucket(FRAMES_PER_S, FRAME_BURST), 0
        self._is_inside, self._is_closing = False, False
        self._sender: asyncio.Task[None] | None = None
        self._replaying = asyncio.Lock()
        self._told_seq = 0
        # Messages of this socket that it has not been told to be accepted.
        self._unacknowledged: set[str] = set()
        async with contextlib.AsyncExitStack() as self._exit:  # left however the socket ends
            await super().__call__(scope, receive, send)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does, without its hop to a thread that closes database connections: we keep none."""
        await getattr(self, get_handler_name(message))(message)

    # --- Coming and going -------------------------------------------------------------------------------
    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        # First, or the browser sees a 403 instead of our close code.
        await self.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            await self._enter()
        except PlatformError:
            await self._close(BAD_TOKEN)
        except (DatabaseError, InterfaceError):
            logger.exception("A socket could not be opened")
            await self._close(COME_BACK)

    async def _enter(self) -> None:
        self.session = read_session(token_of(self.scope))
        await ensure_heart()
        following = hub().subscription(self.session.tenant_id, self.session.conversation_id, self._end)
        self.subscription = await self._exit.enter_async_context(following)
        if engine().is_draining:
            await self._close(COME_BACK)
            return
        self.visit = await in_tenant(self.session.tenant_id, visit, self.session.conversation_id)
        self.subscription.rewind(self.visit.seq)
        self._told_seq = self.visit.seq
        await self._send_json(self.visit.ready())
        self._sender = hub().spawn(self._send_events())
        self._exit.callback(self._sender.cancel)
        self._silence = self._later(SILENT_HELLO_S, self._begin_silently)
        self._later((self.session.expires_at - timezone.now()).total_seconds(), self._end, BAD_TOKEN)
        self._is_inside = True

    def _later(self, seconds: float, call: Any, *args: Any) -> asyncio.TimerHandle:
        timer = asyncio.get_running_loop().call_later(seconds, call, *args)
        self._exit.callback(timer.cancel)
        return timer

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def _end(self, code: int) -> None:
        """Close soon; for those who cannot wait."""
        hub().spawn(self._close(int(code)))

    async def _close(self, code: int) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        if self._sender:
            self._sender.cancel()
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                await self.close(code=code)
        except TimeoutError:
            drop(self.base_send)
        except (OSError, RuntimeError) as error:
            logger.debug("The socket was closed already: %s", error)

    # --- Going out --------------------------------------------------------------------------------------
    async def _send_events(self) -> None:
        try:
            async for item in self.subscription:
                if self._is_for_me(item):
                    await self.send(text_data=item.frame().decode())
                self._told_seq = item.last
        except (Ended, OSError):
            return  # it is being closed, or it is gone
        except Exception:
            logger.exception("Events could not be sent")
            self._end(BROKEN)

    def _is_for_me(self, item: Item) -> bool:
        """`message.accepted` is for its sender; the others learn of the message by `message.created`."""
        if item.type != "message.accepted":
            return True
        client_id = item.body["client_id"]  # type: ignore[union-attr]
        is_mine = client_id in self._unacknowledged
        self._unacknowledged.discard(client_id)
        return is_mine

    async def _send_json(self, frame: dict[str, Any]) -> None:
        if not self._is_closing:
            await self.send(text_data=orjson.dumps(frame).decode())

    async def _send_error(self, error: PlatformError, client_id: Any = None) -> None:
        frame: dict[str, Any] = {"type": "error", "code": error.code, "detail": str(error.detail)}
        if isinstance(client_id, str):
            frame["client_id"] = storable(client_id)[:100]
        await self._send_json(frame)

    # --- Coming in --------------------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._is_closing or not self._is_inside:
            return
        frame: dict[str, Any] = {}
        error: PlatformError | None = None
        try:
            self._limit()
            frame = parse_frame(text_data)
            handle = self._frames.get(frame["type"])
            if handle is None:
                raise FrameUnknown
            await handle(frame)
        except PlatformError as failure:
            error = failure
        except (DatabaseError, InterfaceError, redis.RedisError):
            logger.exception("A frame could not be handled")
            error = Unavailable()
        if error:
            await self._send_error(error, frame.get("client_id"))
            if self._refused > REFUSED_BEFORE_CUT:
                await self._close(LIMIT)

    def _limit(self) -> None:
        if not self._bucket.take():
            self._refused += 1
            raise RateLimited(_("Too many frames; slow down."))

    async def _hello(self, frame: dict[str, Any]) -> None:
        after = after_of(frame)
        if after is None:
            await self._begin()
            return
        if after >= await in_tenant(self.session.tenant_id, next_seq, self.session.conversation_id):
            raise FrameInvalid(_("«after» is a number that was not given yet."))
        self._silence.cancel()
        async with self._replaying:
            await hub().replay(self.subscription, after)

    async def _begin(self) -> None:
        """Go on live, from `ready`: a turn that runs already comes from its beginning."""
        async with self._replaying:
            if self.subscription.is_held and self.visit.is_open:
                await hub().replay(self.subscription, self.visit.seq)
            self.subscription.release()

    def _begin_silently(self) -> None:
        hub().spawn(self._begin())

    async def _send_message(self, frame: dict[str, Any]) -> None:
        client_id = uuid_of(frame, "client_id")
        text, variables = clean_said(frame.get("text")), check_variables(frame.get("variables"))
        await self._begin()
        self._unacknowledged.add(str(client_id))
        try:
            posted = await engine().post(
                self.session.tenant_id,
                post_message,
                conversation_id=self.session.conversation_id,
                client_id=client_id,
                text=text,
                variables=variables,
            )
        except BaseException:
            self._unacknowledged.discard(str(client_id))
            raise
        await self._acknowledge_again(posted)

    async def _acknowledge_again(self, posted: Posted) -> None:
        """Tell a client that sent something again where it is, unless it comes to hear of it anyway."""
        seq = posted.turn.first_seq + ACCEPTED
        if posted.is_new or seq > self._told_seq:
            return
        self._unacknowledged.discard(str(posted.message.client_id))
        await self._send_json(
            {"type": "message.accepted", "seq": seq, **message_accepted(posted.message, posted.turn.pk)}
        )

    async def _regenerate(self, frame: dict[str, Any]) -> None:
        turn_id = uuid_of(frame, "turn_id")
        await self._begin()
        await engine().post(
            self.session.tenant_id,
            regenerate,
            conversation_id=self.session.conversation_id,
            turn_id=turn_id,
        )

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

    async def _typing(self, frame: dict[str, Any]) -> None:
        """Taken and not passed on: nobody watches yet."""

    async def _ping(self, frame: dict[str, Any]) -> None:
        await self._send_json({"type": "pong"})


def language_of(scope: Any) -> str:
    """What the browser asks for, as for a page."""
    page = {**scope, "method": "GET", "query_string": b""}
    return translation.get_language_from_request(ASGIRequest(page, BytesIO()))


def token_of(scope: Any) -> str:
    """The token among the subprotocols, or in the query. Raises Unauthenticated."""
    for offered in scope.get("subprotocols", []):
        if offered.startswith("token."):
            return str(offered.removeprefix("token."))
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if not query.get("token"):
        raise Unauthenticated
    return str(query["token"][0])


def drop(send: Any) -> None:
    """Hang up on a peer that does not read. ASGI has no message for it: all of them wait until it does."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
