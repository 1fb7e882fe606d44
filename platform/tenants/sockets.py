"""A WebSocket of somebody who holds a token: comes in, sends frames that may be wrong, is sent away."""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any, ClassVar
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
from django.utils.translation import gettext_lazy

from tenants.errors import PlatformError, RateLimited, Unauthenticated
from tenants.frames import FrameUnknown, parse_frame

logger = logging.getLogger(__name__)

SUBPROTOCOL = "troupe.v1"
# A person types, a game tells what happens; a script that sends more is told, and cut off when it does not stop.
FRAMES_PER_S = 20.0
FRAME_BURST = 40.0
REFUSED_BEFORE_CUT = 100
# A peer that does not even take our goodbye for so long is dropped.
CLOSE_PATIENCE_S = 2.0

BAD_TOKEN, FORBIDDEN, LIMIT, COME_BACK, BROKEN = 4401, 4403, 4429, 1012, 1011


class Unavailable(PlatformError):
    code = "provider_unavailable"
    status = 503
    default_detail = gettext_lazy("The service is busy or restarting. Nothing was taken; send it again in a moment.")


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


class TokenSocket(AsyncWebsocketConsumer, ABC):  # type: ignore[misc] # Channels has no types
    """One socket. What is said over it is its subclass's: `enter`, `frames`, `refusal`."""

    # Not a channel for each: it would be a Redis subscription, and no socket at all while Redis is away.
    channel_layer_alias = "none"

    def __init__(self) -> None:
        super().__init__()
        self._bucket, self._refused = Bucket(FRAMES_PER_S, FRAME_BURST), 0
        self._is_inside, self._is_closing, self._is_whispering = False, False, False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        translation.activate(language_of(scope))  # for as long as this socket's task lives
        async with contextlib.AsyncExitStack() as self.exit:  # left however the socket ends
            self.exit.callback(self._cancel_tasks)
            await super().__call__(scope, receive, send)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does, without its hop to a thread that closes database connections: we keep none."""
        await getattr(self, get_handler_name(message))(message)

    # --- What a subclass says -----------------------------------------------------------------------------
    @abstractmethod
    async def enter(self, token: str) -> None:
        """Let the token's holder in. A PlatformError shows him out."""

    # What each type of frame does. Of the class: sockets come by the thousand, and say nothing most of the time.
    frames: ClassVar[Mapping[str, Callable[[Any, dict[str, Any]], Coroutine[Any, Any, None]]]]

    async def heed(self, frame: dict[str, Any]) -> None:
        """Carry out a frame. A PlatformError is its answer."""
        await self.frames[frame["type"]](self, frame)

    def refusal(self, error: PlatformError, frame: dict[str, Any]) -> dict[str, Any]:
        """The `error` that answers a frame; a subclass adds by what its client knows which frame was refused."""
        told = {"type": "error", "code": error.code, "detail": str(error.detail)}
        wait = error.extra.get("retry_after_s")
        return told if wait is None else told | {"retry_after_s": wait}

    # --- Coming and going ---------------------------------------------------------------------------------
    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        # First, or the browser sees a 403 instead of our close code.
        await self.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            await self.enter(token_of(self.scope))
            self._is_inside = True
        except RateLimited:
            await self.leave(LIMIT)
        except PlatformError as error:
            await self.leave(FORBIDDEN if error.status == HTTPStatus.FORBIDDEN else BAD_TOKEN)
        except (DatabaseError, InterfaceError):
            logger.exception("A socket could not be opened")
            await self.leave(COME_BACK)

    def later(self, seconds: float, call: Callable[..., Any], *args: Any) -> asyncio.TimerHandle:
        """Call it then, unless the socket is gone."""
        timer = asyncio.get_running_loop().call_later(seconds, call, *args)
        self.exit.callback(timer.cancel)
        return timer

    def leave_at(self, expires_at: datetime) -> None:
        """A socket does not outlive its token."""
        self.later((expires_at - timezone.now()).total_seconds(), self.end, BAD_TOKEN)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the frames, for as long as the socket lives."""
        task = asyncio.create_task(self._work(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OSError as error:
            logger.debug("The socket is gone: %s", error)
        except Exception:
            logger.exception("A socket's work failed")
            self.end(BROKEN)

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()

    def end(self, code: int) -> None:
        """Close soon; for those who cannot wait."""
        task = asyncio.create_task(self.leave(int(code)))
        _goodbyes.add(task)
        task.add_done_callback(_goodbyes.discard)

    async def leave(self, code: int) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._cancel_tasks()
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                await self.close(code=code)
        except TimeoutError:
            drop(self.base_send)
        except (OSError, RuntimeError) as error:
            logger.debug("The socket was closed already: %s", error)

    # --- Going out ----------------------------------------------------------------------------------------
    async def send_frame(self, frame: dict[str, Any]) -> None:
        if not self._is_closing:
            await self.send(text_data=orjson.dumps(frame).decode())

    def whisper(self, frame: dict[str, Any]) -> None:
        """Send a frame that is worth nothing later; a peer who has not read the last one does without."""
        if not self._is_whispering and not self._is_closing:
            self._is_whispering = True
            self.spawn(self._whisper(frame))

    async def _whisper(self, frame: dict[str, Any]) -> None:
        try:
            await self.send_frame(frame)
        finally:
            self._is_whispering = False

    async def refuse(self, error: PlatformError, frame: dict[str, Any]) -> None:
        await self.send_frame(self.refusal(error, frame))

    # --- Coming in ----------------------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._is_closing or not self._is_inside:
            return
        frame: dict[str, Any] = {}
        async with self.answering(frame):
            self._limit()
            frame |= parse_frame(text_data)
            if frame["type"] not in self.frames:
                raise FrameUnknown.among(self.frames)
            await self.heed(frame)
        if self._refused > REFUSED_BEFORE_CUT:
            await self.leave(LIMIT)

    @contextlib.asynccontextmanager
    async def answering(self, frame: dict[str, Any]) -> Any:
        """Whatever forbids a frame is told to its sender."""
        error: PlatformError
        try:
            yield
            return
        except PlatformError as failure:
            error = failure
            # Who goes on when he is told to wait is cut off.
            self._refused += isinstance(failure, RateLimited)
        except (DatabaseError, InterfaceError, redis.RedisError):
            logger.exception("A frame could not be handled")
            error = Unavailable()
        await self.refuse(error, frame)

    @contextlib.asynccontextmanager
    async def catching_up(self) -> Any:
        """Send a peer away whom we cannot tell what he missed: who went on from here would not know of the gap."""
        try:
            yield
        except (DatabaseError, InterfaceError):
            await self.leave(COME_BACK)
            raise

    def _limit(self) -> None:
        if not self._bucket.take():
            raise RateLimited(_("Too many frames; slow down."), retry_after_s=1)


# Sockets that are being closed; a task that nobody holds may vanish.
_goodbyes: set[asyncio.Task[None]] = set()


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
