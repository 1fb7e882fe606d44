"""A scripted chat server on a real socket: serves the real chat page and speaks the public socket protocol.

    fake_chat.will_answer("Green tea keeps ", HOLD, "for a year.")  # HOLD: until the test says `go_on()`
    fake_chat.will_answer("Half an ans", Drop(1011), "wer.")  # every socket is closed, the turn goes on
    fake_chat.will_answer("Half an", Fail("provider_timeout"))

Conversations, events and replay are real enough to find a page that loses, doubles or reorders something. It
runs in a thread of its own; what a test reads is only ever appended to. One chat after another is served at the same
address, so that the browser need not make itself at home in each.
"""

import asyncio
import contextlib
import html
import itertools
import json
import mimetypes
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import uvicorn
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from chat.pages import CONTENT_SECURITY_POLICY
from chat.widget.files import File, bundle
from embedded.ports import listening_socket, random_free_port
from personas.schema import Widget
from tests.chat.stage import PATIENCE_S

PUBLISHABLE_KEY = "pk_acme_tea"
PERSONA = {
    "slug": "mei",
    "name": "Mei · 梅",
    "avatar_url": None,
    "greeting": "Welcome to Acme Tea! Ask me about our teas and returns.\n欢迎光临，请问有什么可以帮您？",
    "suggestions": ["How long do I have to return tea?", "绿茶应该怎么保存？", "Do you ship abroad?"],
}
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Drop:
    """Every socket of the conversation is closed with this code; the turn goes on."""

    code: int


@dataclass(frozen=True)
class Lose:
    """A delta that is kept, but never reaches an open socket."""

    text: str


@dataclass(frozen=True)
class Repeat:
    """The delta before comes once more."""


@dataclass(frozen=True)
class Fail:
    """The turn fails here, with what was said so far."""

    code: str
    retryable: bool = True


HOLD = object()
Step = str | Drop | Lose | Repeat | Fail | object


@dataclass
class Reply:
    steps: tuple[Step, ...]
    citations: list[dict[str, Any]] = field(default_factory=list)
    html: str | None = None
    claims: list[dict[str, Any]] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    finish_reason: str = "stop"


@dataclass
class Talk:
    """One conversation: its log of events, and the sockets that follow it."""

    id: str
    events: list[dict[str, Any]] = field(default_factory=list)
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    sockets: list[Send] = field(default_factory=list)
    turns: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def seq(self) -> int:
        return self.events[-1]["seq"] if self.events else 0

    def record(self, kind: str, **fields: Any) -> dict[str, Any]:
        event = {"type": kind, "seq": self.seq + 1, **fields}
        self.events.append(event)
        return event

    async def emit(self, kind: str, **fields: Any) -> dict[str, Any]:
        event = self.record(kind, **fields)
        await self.broadcast(event)
        return event

    async def broadcast(self, event: dict[str, Any]) -> None:
        for send in list(self.sockets):
            await send_json(send, event)

    async def emit_message(self, role: str, text: str, author: str | None) -> None:
        said = {
            "message_id": new_id(),
            "role": role,
            "author": author,
            "text": text,
            "html": paragraphs(text),
        }
        await self.emit("message.created", **said, created_at=now())


class Address:
    """Where chats are served, one at a time."""

    def __init__(self) -> None:
        self.chat: FakeChat | None = None

    def __enter__(self) -> Self:
        listener = listening_socket("127.0.0.1", random_free_port())
        self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            ws="wsproto",
            lifespan="off",
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._is_running = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listener)), daemon=True)
        self._thread.start()
        self._is_running.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    async def _serve(self, listener: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self._is_running.set()
        await self._server.serve(sockets=[listener])

    async def _app(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        if self.chat is not None:
            await self.chat.app(scope, receive, send)


class FakeChat:
    def __init__(self, address: Address) -> None:
        self.base_url = address.base_url
        self._address = address
        self._loop = address.loop
        self.persona = dict(PERSONA)
        self.reader_active = False
        self.frames: list[dict[str, Any]] = []
        self.sessions_opened: list[dict[str, Any]] = []
        self.talks: dict[str, Talk] = {}
        self.tokens: dict[str, Talk] = {}
        self.requests: list[str] = []
        # Somebody else's site: its files by path, each a body and its type, and its content security policy.
        self.shop: dict[str, tuple[str, str]] = {}
        self.shop_policy = ""
        self.looks: dict[str, Any] = Widget().model_dump(mode="json")
        self.bytes_of_widget = 0
        # What came by REST about the conversation: ("satisfaction", {"rating": 5, …}).
        self.told: list[tuple[str, dict[str, Any]]] = []
        # Close codes for the next sockets, in order; None lets one in.
        self.close_next_with: deque[int] = deque()
        # Errors for the next messages, in order.
        self.refuse_next_with: deque[str] = deque()
        self.retry_after_s = 0
        # Whether the sender hears of its message before everybody does, or after.
        self.acknowledges_first = False
        self.is_down = False
        self.is_taken_down = False
        self.has_lost_events = False
        self.has_lost_messages = False
        self._replies: deque[Reply] = deque()
        self._may_go_on = asyncio.Event()
        self._token_numbers = itertools.count(1)

    # --- What a test says -----------------------------------------------------------------------------------

    def will_answer(self, *steps: Step, **details: Any) -> None:
        self._replies.append(Reply(steps, **details))

    def go_on(self) -> None:
        """Let a held answer go on."""
        self._soon(self._may_go_on.set)

    def drop_sockets(self, code: int) -> None:
        for talk in self.talks.values():
            self._soon(lambda talk=talk: asyncio.ensure_future(close_all(talk, code)))

    def expire_tokens(self) -> None:
        self.tokens.clear()

    def say_as_person(self, name: str, text: str) -> None:
        self._emit(lambda talk: talk.emit_message("human", text, name))

    def hand_over(self, state: str, agent: str | None = None) -> None:
        self.tells("conversation.handoff", state=state, agent=agent)

    def tells(self, kind: str, **fields: Any) -> None:
        """Log and send any event."""
        self._emit(lambda talk: talk.emit(kind, **fields))

    def send_raw(self, frame: dict[str, Any]) -> None:
        """Send a frame that is no event of the conversation, such as an error."""
        self._emit(lambda talk: talk.broadcast(frame))

    def frames_of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def hears(self, kind: str, times: int) -> list[dict[str, Any]]:
        """Wait until so many came of which the page does not wait for an answer."""
        deadline = time.monotonic() + PATIENCE_S
        while len(frames := self.frames_of(kind)) < times:
            assert time.monotonic() < deadline, f"{len(frames)} of {times} {kind}"
            time.sleep(0.02)
        return frames

    @property
    def talk(self) -> Talk:
        """The newest conversation."""
        return list(self.talks.values())[-1]

    @property
    def page_url(self) -> str:
        return f"{self.base_url}/chat/{PUBLISHABLE_KEY}/"

    # --- The server -----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._address.chat = self
        return self

    def __exit__(self, *_: object) -> None:
        self._address.chat = None
        for talk in self.talks.values():
            for turn in talk.turns.values():
                self._soon(turn.cancel)

    def _soon(self, call: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(call)

    def _emit(self, what: Callable[[Talk], Awaitable[Any]]) -> None:
        async def run() -> None:
            await what(self.talk)

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(5)

    async def app(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    # --- HTTP -----------------------------------------------------------------------------------------------

    async def _http(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        path = scope["path"]
        self.requests.append(path)
        public = f"/api/v1/public/{PUBLISHABLE_KEY}/"
        if scope["method"] == "OPTIONS":
            await respond(send, 204, "", "text/plain")
        elif path.startswith("/shop/"):
            await respond(send, 200, *self.shop[path], self.shop_policy)
        elif path == "/widget.js":
            await self._widget(bundle().loader, send)
        elif path.startswith(f"/widget/{bundle().digest}/"):
            await self._widget(bundle().files[path.rpartition("/")[2]], send)
        elif path == f"{public}widget/":
            await respond_json(send, 200, {"persona": self.persona, "widget": self.looks, "reader_active": False})
        elif path.startswith(f"{public}conversations/") and path.endswith(("/contact/", "/satisfaction/")):
            self.told.append((path.split("/")[-2], await body_of(receive)))
            await respond(send, 204, "", "text/plain")
        elif path.startswith("/static/"):
            await self._static(path.removeprefix("/static/"), send)
        elif path == f"/chat/{PUBLISHABLE_KEY}/":
            policy = CONTENT_SECURITY_POLICY.format(sockets=self.base_url.replace("http", "ws"))
            await respond(send, 200, self._page(), "text/html; charset=utf-8", policy)
        elif path.startswith("/chat/"):
            await respond(send, 404, render_to_string("chat/not_found.html"), "text/html; charset=utf-8")
        elif path == f"{public}sessions/":
            await self._open_session(await body_of(receive), send)
        elif path.startswith(f"{public}conversations/"):
            await self._messages(scope, send)
        else:
            await respond(send, 404, "", "text/plain")

    async def _widget(self, file: File, send: Send) -> None:
        """As the real view does, whose bytes are what a visitor pays for."""
        self.bytes_of_widget += len(file.compressed)
        await respond(send, 200, file.compressed, file.content_type, more=[(b"content-encoding", b"gzip")])

    def _page(self) -> str:
        context = {
            "persona": self.persona,
            "publishable_key": PUBLISHABLE_KEY,
            "session_url": f"/api/v1/public/{PUBLISHABLE_KEY}/sessions/",
            "reader_active": self.reader_active,
            "language": "en",
        }
        return render_to_string("chat/page.html", context)

    async def _static(self, name: str, send: Send) -> None:
        found = finders.find(name)
        if not found:
            await respond(send, 404, "", "text/plain")
            return
        await respond(send, 200, Path(found).read_bytes(), mimetypes.guess_type(name)[0] or "application/octet-stream")

    async def _open_session(self, body: dict[str, Any], send: Send) -> None:
        self.sessions_opened.append(body)
        if self.is_down:
            await respond_json(send, 503, {"code": "provider_unavailable"})
            return
        if self.is_taken_down:
            await respond_json(send, 404, {"code": "not_found"})
            return
        talk = self.talks.get(body.get("conversation_id", ""))
        if talk is None:
            if "conversation_id" in body:
                await respond_json(send, 404, {"code": "not_found"})
                return
            talk = Talk(new_id())
            self.talks[talk.id] = talk
        token = f"st_acme_{next(self._token_numbers)}"
        self.tokens[token] = talk
        session = {
            "token": token,
            "expires_at": (datetime.now(UTC) + timedelta(hours=12)).isoformat(),
            "conversation_id": talk.id,
            "websocket_url": self.base_url.replace("http", "ws") + "/ws/v1/chat/",
        }
        await respond_json(send, 201, session)

    async def _messages(self, scope: dict[str, Any], send: Send) -> None:
        """Two pages of what was said, to the holder of the conversation's token alone."""
        token = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        talk = self.tokens.get(token)
        if talk is None or talk.id not in scope["path"] or self.has_lost_messages:
            await respond_json(send, 404, {"code": "not_found"})
            return
        citations = {e["message_id"]: e["citations"] for e in talk.events if e["type"] == "turn.completed"}
        messages = [
            {**event, "id": event["message_id"], "citations": citations.get(event["message_id"], [])}
            for event in talk.events
            if event["type"] == "message.created"
        ]
        is_second = b"cursor=2" in scope["query_string"]
        half = (len(messages) + 1) // 2
        next_page = f"http://behind-a-proxy{scope['path']}?limit=100&cursor=2"
        page = (
            {"results": messages[half:], "next": None} if is_second else {"results": messages[:half], "next": next_page}
        )
        await respond_json(send, 200, {**page, "previous": None})

    # --- The socket -----------------------------------------------------------------------------------------

    async def _socket(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        await receive()
        if self.is_down:
            await send({"type": "websocket.close", "code": 1011})
            return
        assert scope["subprotocols"][0] == "troupe.v1"
        token = scope["subprotocols"][1].removeprefix("token.")
        await send({"type": "websocket.accept", "subprotocol": "troupe.v1"})
        talk = self.tokens.get(token)
        code = self.close_next_with.popleft() if self.close_next_with else (None if talk else 4401)
        if code or talk is None:
            await send({"type": "websocket.close", "code": code})
            return
        try:
            while (message := await receive())["type"] == "websocket.receive":
                frame = json.loads(message["text"])
                self.frames.append(frame)
                with contextlib.suppress(ConnectionError):
                    await self._handle(talk, frame, send)
        finally:
            if send in talk.sockets:
                talk.sockets.remove(send)

    async def _handle(self, talk: Talk, frame: dict[str, Any], send: Send) -> None:
        match frame["type"]:
            case "hello":
                await self._hello(talk, frame.get("after"), send)
            case "ping":
                await send_json(send, {"type": "pong"})
            case "message.send":
                await self._take(talk, frame, send)
            case "message.edit":
                await self._edit(talk, frame)
            case "turn.stop":
                talk.turns[frame["turn_id"]].cancel()
            case "turn.regenerate":
                await self._start_turn(talk, frame["turn_id"], replaces=frame["turn_id"])

    async def _hello(self, talk: Talk, after: int | None, send: Send) -> None:
        if self.has_lost_events and after is not None and after < talk.seq:
            await send_json(send, {"type": "error", "code": "gone", "detail": "Fetch the messages again."})
            return
        await send_json(send, {"type": "ready", "conversation_id": talk.id, "persona": self.persona, "seq": talk.seq})
        for event in talk.events if after is not None else []:
            if event["seq"] > after:
                await send_json(send, event)
        talk.sockets.append(send)

    async def _take(self, talk: Talk, frame: dict[str, Any], send: Send) -> None:
        client_id = frame["client_id"]
        if self.refuse_next_with:
            code = self.refuse_next_with.popleft()
            error = {
                "type": "error",
                "code": code,
                "detail": "Refused by the script.",
                "client_id": client_id,
                **({"retry_after_s": self.retry_after_s} if self.retry_after_s else {}),
            }
            await send_json(send, error)
            return
        if client_id in talk.accepted:
            await send_json(send, talk.accepted[client_id])
            return
        ids = {"message_id": new_id(), "turn_id": new_id()}
        accepted = talk.accepted[client_id] = {"type": "message.accepted", "client_id": client_id, **ids}
        if self.acknowledges_first:
            await send_json(send, accepted)
        said = {"role": "user", "author": None, "text": frame["text"], "html": paragraphs(frame["text"])}
        await talk.emit("message.created", **ids, **said, created_at=now())
        if not self.acknowledges_first:
            await send_json(send, accepted)
        await self._start_turn(talk, ids["turn_id"], answers=ids["message_id"])

    async def _edit(self, talk: Talk, frame: dict[str, Any]) -> None:
        old = next(event for event in talk.events if event.get("message_id") == frame["message_id"])
        ids = {"message_id": new_id(), "turn_id": new_id()}
        said = {"role": "user", "author": None, "text": frame["text"], "html": paragraphs(frame["text"])}
        await talk.emit("message.created", **ids, **said, created_at=now(), replaces=frame["message_id"])
        await self._start_turn(talk, old["turn_id"], replaces=old["turn_id"], answers=ids["message_id"])

    async def _start_turn(self, talk: Talk, turn_id: str, *, replaces: str | None = None, answers: str = "") -> None:
        new_turn = new_id() if replaces else turn_id
        reply = self._replies.popleft() if self._replies else Reply(("I have no script for this.",))
        started = {"turn_id": new_turn, "message_id": answers} | ({"replaces": replaces} if replaces else {})
        await talk.emit("turn.started", **started)
        talk.said[new_turn] = ""
        talk.turns[new_turn] = asyncio.create_task(self._run_turn(talk, new_turn, reply))

    async def _run_turn(self, talk: Talk, turn_id: str, reply: Reply) -> None:
        if reply.citations:
            await talk.emit("turn.sources", turn_id=turn_id, citations=reply.citations)
        finish_reason = reply.finish_reason
        try:
            for step in reply.steps:
                if isinstance(step, Fail):
                    await self._fail(talk, turn_id, step)
                    return
                await self._run_step(talk, turn_id, step)
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            finish_reason = "stopped"
        text = talk.said[turn_id]
        message_id = new_id()
        answer = {
            "turn_id": turn_id,
            "message_id": message_id,
            "text": text,
            "html": reply.html or paragraphs(text),
        }
        await talk.emit("message.created", **answer, role="bot", author=None, created_at=now())
        await talk.emit(
            "turn.completed",
            **answer,
            citations=reply.citations,
            claims=reply.claims,
            suggestions=reply.suggestions,
            finish_reason=finish_reason,
            usage={},
            timing={},
        )

    async def _fail(self, talk: Talk, turn_id: str, failure: Fail) -> None:
        # What is kept may be less than what was shown.
        kept = talk.said[turn_id].removesuffix("…")
        fields = {
            "code": failure.code,
            "detail": "The model is away.",
            "retryable": failure.retryable,
            "text": kept,
        }
        await talk.emit("turn.failed", turn_id=turn_id, **fields)

    async def _run_step(self, talk: Talk, turn_id: str, step: Step) -> None:
        if step is HOLD:
            await self._may_go_on.wait()
            self._may_go_on.clear()
        elif isinstance(step, Drop):
            await close_all(talk, step.code)
        elif isinstance(step, Repeat):
            again = {name: talk.events[-1][name] for name in ("turn_id", "offset", "text")}
            await talk.emit("turn.delta", **again)
        else:
            text = step.text if isinstance(step, Lose) else str(step)
            event = talk.record("turn.delta", turn_id=turn_id, offset=len(talk.said[turn_id]), text=text)
            talk.said[turn_id] += text
            if not isinstance(step, Lose):
                await talk.broadcast(event)


def new_id() -> str:
    return str(uuid.uuid4())


def now() -> str:
    return datetime.now(UTC).isoformat()


def paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n"))


async def close_all(talk: Talk, code: int) -> None:
    sockets, talk.sockets = talk.sockets, []
    for send in sockets:
        with contextlib.suppress(Exception):  # it may have gone by itself
            await send({"type": "websocket.close", "code": code})


async def send_json(send: Send, frame: dict[str, Any]) -> None:
    with contextlib.suppress(Exception):  # the page may have left
        await send({"type": "websocket.send", "text": json.dumps(frame)})


async def body_of(receive: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return json.loads(body or b"{}")


async def respond_json(send: Send, status: int, body: Any) -> None:
    await respond(send, status, json.dumps(body), "application/json")


async def respond(
    send: Send,
    status: int,
    body: str | bytes,
    content_type: str,
    policy: str = "",
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    data = body.encode() if isinstance(body, str) else body
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(data)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        *more,
    ]
    if policy:
        headers.append((b"content-security-policy", policy.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
