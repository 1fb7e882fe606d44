"""A real server on a real socket, and tabs that talk to it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self
from uuid import uuid4

import psutil
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from embedded.ports import random_free_port
from embedded.programs import SERVER
from tests.embedded.conftest import is_gone

ROOT = Path(__file__).resolve().parents[2]
# Only a fault takes it all: a busy machine makes everything here ten times as slow.
PATIENCE_S = 60.0


class InProcessServer:
    """The ASGI application under uvicorn, on a thread of the test process."""

    def __init__(self, *, send_buffer_bytes: int = 0, lifespan: Literal["on", "off"] = "on") -> None:
        from config.asgi import application

        self.port = random_free_port()
        self._send_buffer_bytes = send_buffer_bytes
        config = uvicorn.Config(
            application, host="127.0.0.1", port=self.port, ws="wsproto", ws_per_message_deflate=False,
            log_level="warning", lifespan=lifespan,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + PATIENCE_S
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for listener in self._server.servers[0].sockets if self._send_buffer_bytes else ():
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=PATIENCE_S)

    def hangs_up_on(self, line: socket.socket) -> bool:
        """Wait until it has closed its end of a client's connection, also if the client does not hear of it."""
        client, deadline = line.getsockname(), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if all(connection.client != client for connection in list(self._server.server_state.connections)):
                return True
            time.sleep(0.02)
        return False

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class OtherProcess:
    """A second web process on the same database, which a test may kill."""

    def __init__(self) -> None:
        self.port = random_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, *SERVER, "config.asgi:application", "--host", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port), "--log-level", "warning"],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"},
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.http}/healthz", timeout=2):
                return self
            assert time.monotonic() < deadline, "the other process did not start"
            assert self._process.poll() is None
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=PATIENCE_S)
                return
            self._process.kill()

    def kill(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def ask_to_end(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    def ends(self) -> int:
        """Wait until it is gone; its exit code."""
        assert self._process
        return self._process.wait(timeout=PATIENCE_S)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Launched:
    """Web processes under their launcher, as a container or systemd runs them."""

    def __init__(self) -> None:
        self.port = random_free_port()
        self.http = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._launcher = psutil.Popen(
            [sys.executable, "-m", "embedded", "run", "web"],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}", "TROUPE_PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.http}/healthz", timeout=PATIENCE_S):
                return self
            assert time.monotonic() < deadline, "the web process did not start"
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        for _ in range(2):  # at once
            self._launcher.terminate()
        self._launcher.wait(timeout=PATIENCE_S)

    def ask_to_restart(self) -> None:
        self._launcher.send_signal(signal.SIGUSR1)

    def webs(self) -> list[psutil.Process]:
        """Its web processes that run."""
        return [child for child in self._launcher.children() if not is_gone(child)]


class Tab:
    """One socket of one end user, with what it has seen."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self._read = 0

    async def sends(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def says(self, text: str, client_id: str | None = None, **fields: Any) -> str:
        client_id = client_id or str(uuid4())
        await self.sends("message.send", client_id=client_id, text=text, **fields)
        return client_id

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE_S))
        self.frames.append(frame)
        return frame

    async def next(self, *types: str) -> dict[str, Any]:
        """The next frame of one of these types; what comes before it is kept in `frames`."""
        while True:
            frame = await self.receive()
            if frame["type"] in types:
                return frame
            assert frame["type"] != "error" or "error" in types, frame

    async def stays_silent(self, seconds: float = 0.4) -> bool:
        try:
            await asyncio.wait_for(self.socket.recv(), seconds)
        except TimeoutError:
            return True
        return False

    async def is_closed(self) -> int:
        """Wait for the server to close; its code."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0

    def text_of(self, turn_id: str) -> str:
        """The deltas of a turn, joined as a client joins them: by offset, without a gap."""
        text = ""
        for frame in self.frames:
            if frame["type"] == "turn.delta" and frame["turn_id"] == turn_id:
                assert frame["offset"] == len(text), "a gap or an overlap"
                text += frame["text"]
        return text

    @property
    def last_seq(self) -> int:
        return max((frame["seq"] for frame in self.frames if "seq" in frame), default=0)

    def numbers(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "seq" in frame and frame["type"] != "ready"]

    async def leaves(self) -> None:
        await self.socket.close()


@contextlib.asynccontextmanager
async def tab_at(http: str, token: str, *, after: int | None = None, hello: bool = True) -> Any:
    """Open a tab, say hello, and wait until it is ready."""
    url = http.replace("http", "ws") + "/ws/v1/chat/"
    protocols: Any = ["troupe.v1", f"token.{token}"]
    # With a full queue it would not see that the server closes, and wait for it.
    async with connect(url, subprotocols=protocols, max_size=None, max_queue=None) as socket:
        tab = Tab(socket)
        if hello:
            await tab.sends("hello", **({} if after is None else {"after": after}))
        await tab.next("ready")
        yield tab


@contextlib.contextmanager
def clock(every_s: float = 0.3) -> Iterator[None]:
    """Relay and sweepers, as the beat process runs them, but more often."""
    from jobs.relay import tick_all

    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every_s):
            tick_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "a clock of its own would meddle with the tests that follow"
