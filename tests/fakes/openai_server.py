"""A scripted model endpoint on a real socket, speaking OpenAI's HTTP interface.

    scripted_llm.will_say("One room left, traveller.")            # streamed, a few characters at a time
    scripted_llm.will_fail(429, headers={"Retry-After": "1"})
    scripted_llm.will_answer_with(lambda request: say(f"You said {request.last_text}"), times=None)

Replies are given in the order they were scripted, each `times` times (None: for ever). A chat request that
nothing was scripted for is refused with a telling 500, and `verify()` then fails the test. Embeddings need no
script: they are hashes of the text's letters, so that like texts have like vectors.

It runs in a thread. For benchmarks, where a thread would share the interpreter with what is measured,
`python -m tests.fakes.openai_server --tokens 200 --delay-ms 20` runs it as a process of its own.
"""

import argparse
import asyncio
import base64
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import uvloop

from embedded.ports import listening_socket, random_free_port

CHAT_MODEL = "scripted-chat"
EMBEDDING_MODEL = "scripted-embedding"

# Code points a delta. Small, so that a reply of one sentence is really streamed.
PIECE = 4


@dataclass
class RecordedRequest:
    """One request as it came. `has_left` is set when the client hangs up before the reply has ended."""

    path: str
    headers: dict[str, str]
    body: Any
    has_left: threading.Event = field(default_factory=threading.Event)
    is_answered: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["messages"]

    @property
    def last_text(self) -> str:
        """What the last user message says."""
        return next(m["content"] for m in reversed(self.messages) if m["role"] == "user")

    async def client_leaves(self, within_s: float = 60.0) -> bool:
        """Wait until the client hangs up in mid-reply; False if it does not within the time."""
        return await _becomes_true(self.has_left.is_set, within_s)


@dataclass(frozen=True)
class Reply:
    """What one request gets. Made by `say`, `fail`, `send` and the `will_…` methods."""

    pieces: Sequence[str] = ()
    delay_s: float = 0.0  # before each piece but the first
    first_delay_s: float = 0.0  # before the answer begins at all
    finish_reason: str | None = "stop"
    usage: tuple[int, int, int] | None = None  # input, output, cached tokens; None counts words
    tool_calls: Sequence[tuple[str, str]] = ()  # name, arguments as JSON
    ending: Literal["done", "stall", "cut"] = "done"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None  # sent instead of all that, as it is


def say(text: str, *, chunks: int | Sequence[str] | None = None, **more: Any) -> Reply:
    """A streamed answer. `chunks` is how many deltas it comes in, or the deltas themselves."""
    return Reply(pieces=_pieces(text, chunks), **more)


def fail(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
    """An error answer; `body` may be bytes for one that is not JSON."""
    message = {"error": {"message": "scripted failure", "type": "server_error", "code": None}}
    raw = body if isinstance(body, bytes) else json.dumps(message if body is None else body).encode()
    return Reply(status=status, raw=raw, headers={"content-type": "application/json", **(headers or {})})


def send(raw: bytes, *, content_type: str = "text/event-stream") -> Reply:
    """Exactly these bytes as the body, whatever they are."""
    return Reply(raw=raw, headers={"content-type": content_type})


Answer = Callable[[RecordedRequest], Reply | str]


class FakeOpenAI:
    """The endpoint. `start()` it, script it, `stop()` it, `verify()` that all requests were expected."""

    def __init__(self, *, dimension: int = 384, port: int = 0) -> None:
        self.dimension = dimension
        self.requests: list[RecordedRequest] = []
        self.unexpected: list[str] = []
        self.connection_count = 0
        self._port = port or random_free_port()
        self._chat: deque[tuple[Answer, int | None]] = deque()
        self._embeddings: deque[tuple[Answer, int | None]] = deque()
        self._lock = threading.Lock()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake-openai", daemon=True)
        self._is_ready = threading.Event()

    # --- Life -----------------------------------------------------------------------------------------------
    def start(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(10), "the fake endpoint did not start"
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)

    def verify(self) -> None:
        """Fail when a request came that nothing was scripted for."""
        assert not self.unexpected, f"nothing was scripted for: {self.unexpected}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    # --- Script ---------------------------------------------------------------------------------------------
    def will_say(
        self, text: str, *, chunks: int | Sequence[str] | None = None, times: int | None = 1, **more: Any
    ) -> None:
        """Stream this text. `more`: delay_s, first_delay_s, finish_reason, usage."""
        self.will_answer_with(lambda _: say(text, chunks=chunks, **more), times=times)

    def will_call(self, name: str, arguments: dict[str, Any], *, saying: str = "", times: int | None = 1) -> None:
        """Call a tool, perhaps after saying something."""
        calls = [(name, json.dumps(arguments, ensure_ascii=False))]
        self.will_answer_with(lambda _: say(saying, tool_calls=calls, finish_reason="tool_calls"), times=times)

    def will_fail(
        self, status: int, body: Any = None, *, headers: dict[str, str] | None = None, times: int | None = 1
    ) -> None:
        self.will_answer_with(lambda _: fail(status, body, headers), times=times)

    def will_stall(self, *, after: str = "", times: int | None = 1) -> None:
        """Say so much, then nothing more, and keep the connection open until the client leaves."""
        self.will_answer_with(lambda _: say(after, ending="stall"), times=times)

    def will_cut(self, *, after: str = "", times: int | None = 1) -> None:
        """Say so much, then break the connection."""
        self.will_answer_with(lambda _: say(after, ending="cut"), times=times)

    def will_send_rubbish(self, raw: bytes, *, content_type: str = "text/event-stream", times: int | None = 1) -> None:
        self.will_answer_with(lambda _: send(raw, content_type=content_type), times=times)

    def will_answer_with(self, answer: Answer, *, times: int | None = 1) -> None:
        """Let a function decide, on the server's thread. It returns a Reply, or a text to say."""
        with self._lock:
            self._chat.append((answer, times))

    def embeddings_will(self, reply: Reply, *, times: int | None = 1) -> None:
        """The next embedding requests get this instead of vectors."""
        with self._lock:
            self._embeddings.append((lambda _: reply, times))

    @property
    def chat_requests(self) -> list[RecordedRequest]:
        return [request for request in self.requests if request.path == "/v1/chat/completions"]

    async def is_asked(self, times: int = 1, within_s: float = 60.0) -> RecordedRequest:
        """Wait until the n-th chat request has come, and return it."""
        assert await _becomes_true(lambda: len(self.chat_requests) >= times, within_s), "no request came"
        return self.chat_requests[times - 1]

    # --- Server ---------------------------------------------------------------------------------------------
    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        listener = listening_socket("127.0.0.1", self._port)
        server = await asyncio.start_server(self._connected, sock=listener)
        self._is_ready.set()
        await self._stopping.wait()
        server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connection_count += 1
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                if not await self._handle(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _handle(
        self, request: RecordedRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request while watching whether the client leaves. Returns False once it has."""
        answering = asyncio.ensure_future(self._answer(request, writer))
        # Nobody sends a second request before the first is answered, so whatever comes is the end.
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            request.has_left.set()
            return False
        except ConnectionError:
            request.has_left.set()
            return False
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
            request.is_answered.set()

    async def _answer(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> bool:
        match request.path:
            case "/v1/models":
                rows = [{"id": name, "object": "model", "owned_by": "tests"} for name in (CHAT_MODEL, EMBEDDING_MODEL)]
                return await _send_json(writer, {"object": "list", "data": rows})
            case "/v1/embeddings":
                if scripted := self._next(self._embeddings):
                    return await _send_reply(writer, self._ask(scripted, request), request.body)
                return await _send_json(writer, self._embed(request.body))
            case "/v1/chat/completions":
                scripted = self._next(self._chat) or self._refuse
                return await _send_reply(writer, self._ask(scripted, request), request.body)
        return await _send_raw(writer, fail(404))

    def _next(self, script: deque[tuple[Answer, int | None]]) -> Answer | None:
        with self._lock:
            if not script:
                return None
            answer, times = script.popleft()
            if times is None:
                script.appendleft((answer, None))
            elif times > 1:
                script.appendleft((answer, times - 1))
            return answer

    def _ask(self, scripted: Answer, request: RecordedRequest) -> Reply:
        try:
            answer = scripted(request)
        except Exception as error:  # a fault of the test's own function must fail the test, not hang it
            self.unexpected.append(f"{request.path}: the script failed with {error!r}")
            return fail(500, headers={"x-should-retry": "false"})
        return say(answer) if isinstance(answer, str) else answer

    def _refuse(self, request: RecordedRequest) -> Reply:
        asked = f"{request.path}: {json.dumps(request.body, ensure_ascii=False)[-300:]}"
        self.unexpected.append(asked)
        body = {
            "error": {
                "message": f"nothing was scripted for {asked}",
                "type": "unscripted",
                "code": "unscripted",
            }
        }
        return fail(500, body, {"x-should-retry": "false"})

    def _embed(self, body: dict[str, Any]) -> dict[str, Any]:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        as_base64 = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, as_base64)}
            for index, vector in enumerate(hash_embedding(text, self.dimension) for text in texts)
        ]
        tokens = sum(map(len, texts))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def hash_embedding(text: str, dimension: int = 384) -> np.ndarray:
    """A bag of letter pairs, `(dimension,)` float32, L2-normalised: texts sharing more pairs are closer."""
    vector = np.zeros(dimension, dtype=np.float32)
    lowered = f" {text.lower()} "
    for pair in itertools.pairwise(lowered):
        vector[hash_of(pair) % dimension] += 1
    return vector / np.linalg.norm(vector)


def hash_of(pair: tuple[str, str]) -> int:
    """Unlike `hash`, the same in every process."""
    return ord(pair[0]) * 2_654_435_761 + ord(pair[1]) * 40_503


def _encoded(vector: np.ndarray, as_base64: bool) -> str | list[float]:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode() if as_base64 else vector.tolist()


def _pieces(text: str, chunks: int | Sequence[str] | None) -> list[str]:
    if isinstance(chunks, Sequence):
        assert "".join(chunks) == text, "the chunks are not the text"
        return list(chunks)
    size = PIECE if chunks is None else max(1, -(-len(text) // chunks))
    return [text[start : start + size] for start in range(0, len(text), size)]


async def _becomes_true(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


# --- HTTP ---------------------------------------------------------------------------------------------------
async def _read_request(reader: asyncio.StreamReader) -> RecordedRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return RecordedRequest(first.split(" ")[1], headers, json.loads(body) if body else None)


async def _send_json(writer: asyncio.StreamWriter, body: Any) -> bool:
    return await _send_raw(writer, fail(200, body))


async def _send_raw(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    assert reply.raw is not None
    writer.write(_head(reply.status, {**reply.headers, "content-length": str(len(reply.raw))}) + reply.raw)
    await writer.drain()
    return True


async def _send_reply(writer: asyncio.StreamWriter, reply: Reply, body: dict[str, Any]) -> bool:
    await asyncio.sleep(reply.first_delay_s)
    if reply.raw is not None:
        return await _send_raw(writer, reply)
    if not body.get("stream"):
        return await _send_json(writer, _completion(reply, body))
    writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **reply.headers}))
    for number, piece in enumerate(reply.pieces):
        if number and reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        writer.write(_event(_delta(body, {"content": piece})))
        await writer.drain()
    match reply.ending:
        case "stall":
            await asyncio.Event().wait()
        case "cut":
            await asyncio.sleep(0.02)  # so that what was said is not lost with the connection
            writer.transport.abort()
            return False
    for event in _closing_events(reply, body):
        writer.write(event)
    writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()
    return True


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {'OK' if status < 400 else 'Failed'}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(data: dict[str, Any]) -> bytes:
    # Lone surrogates go out as escapes, as a careless endpoint would send them.
    return _chunk(b"data: " + json.dumps(data).encode() + b"\n\n")


def _delta(body: dict[str, Any], delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": body.get("model", CHAT_MODEL),
        "choices": [choice],
    }


def _closing_events(reply: Reply, body: dict[str, Any]) -> Iterable[bytes]:
    for index, (name, arguments) in enumerate(reply.tool_calls):
        half = len(arguments) // 2  # arguments come in pieces, too
        function = {"name": name, "arguments": arguments[:half]}
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield _event(_delta(body, {"tool_calls": [call]}))
        yield _event(_delta(body, {"tool_calls": [{"index": index, "function": {"arguments": arguments[half:]}}]}))
    if reply.finish_reason:
        yield _event(_delta(body, {}, reply.finish_reason))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _event({**_delta(body, {}), "choices": [], "usage": _usage(reply, body)})


def _usage(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    words = sum(len(str(message.get("content") or "").split()) for message in body["messages"])
    input_tokens, output_tokens, cached_tokens = reply.usage or (words, len(reply.pieces), 0)
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
    }


def _completion(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    calls = [
        {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(reply.tool_calls)
    ]
    message = {
        "role": "assistant",
        "content": "".join(reply.pieces),
        **({"tool_calls": calls} if calls else {}),
    }
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    whole = _delta(body, {})
    return {**whole, "object": "chat.completion", "choices": [choice], "usage": _usage(reply, body)}


def main() -> None:
    """Stream the same reply to everybody, until killed. Prints the base URL on its first line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    fake = FakeOpenAI(port=options.port)
    pieces = [f"word{number} " for number in range(options.tokens)]
    fake.will_say("".join(pieces), chunks=pieces, delay_s=options.delay_ms / 1000, times=None)
    with fake:
        print(fake.base_url, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
