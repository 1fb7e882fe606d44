"""What is at fault and who suffers it: web processes behind proxies, and people who keep trying.

The web processes reach PostgreSQL and Valkey through proxies that misbehave on demand; tests reach them directly,
to look at what was stored.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import psycopg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from embedded.ports import random_free_port
from embedded.programs import SERVER
from tests.bench.stage import valkey
from tests.chat.stage import PATIENCE_S, ROOT
from tests.faults.proxy import FaultProxy

# A socket that brings nothing for so long is given up by the people here, as a browser's page does. Less patient ones
# would come back to a busy machine faster than it lets them in, for ever.
SILENCE_S = 10.0
# They come back later each time that they find nobody.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
ENDINGS = ("turn.completed", "turn.failed")


class WebProcess:
    """A web process that may be killed, and comes back on its port as under a supervisor."""

    def __init__(self, **environ: str) -> None:
        self.port = random_free_port()
        self._environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}", **environ}
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()

    def start(self) -> None:
        command = [sys.executable, *SERVER, "config.asgi:application", "--host", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port), "--log-level", "critical"],
            env=self._environ,
            stderr=None if "TROUPE_FAULTS_NOISE" in os.environ else subprocess.DEVNULL,
        )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.http}/healthz", timeout=2):
                return
            assert time.monotonic() < deadline, "the web process did not start"
            assert self._process is not None
            assert self._process.poll() is None, "the web process ended"
            time.sleep(0.05)

    def restart(self) -> None:
        """Killed without a word, and started again at once."""
        with self._changing:
            assert self._process is not None
            self._process.kill()
            self._process.wait()
            self.start()

    def start_if_ended(self) -> None:
        with self._changing:
            if self._process is not None and self._process.poll() is not None:
                self.start()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Site:
    """Two web processes, and the weather between them and their services."""

    def __init__(self, *, seed: int) -> None:
        database, redis = urlsplit(os.environ["DATABASE_URL"]), urlsplit(os.environ["REDIS_URL"])
        self.database = FaultProxy("127.0.0.1", int(database.port or 0), seed=seed)
        self.redis = FaultProxy("127.0.0.1", int(redis.port or 0), seed=seed)
        self.environ = {
            "DATABASE_URL": _moved(os.environ["DATABASE_URL"], self.database.port),
            "REDIS_URL": _moved(os.environ["REDIS_URL"], self.redis.port),
        }
        self.webs = [WebProcess(**self.environ) for _ in range(2)]

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        for proxy in (self.database, self.redis):
            self._stack.enter_context(proxy)
        for web in self.webs:
            self._stack.callback(web.stop)
            web.start()
        for web in self.webs:
            web.wait_until_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def clear_up(self) -> None:
        """Good weather again."""
        for proxy in (self.database, self.redis):
            proxy.latency_s, proxy.one_byte_at_a_time = 0.0, False
            proxy.resume()

    # --- Pausing ----------------------------------------------------------------------------------------
    def postmaster(self) -> psutil.Process:
        """The parent of all of PostgreSQL's processes."""
        from tests.plugin import services

        with psycopg.connect(services.superuser_url) as connection:
            parents = psutil.Process(connection.info.backend_pid).parents()
        return next(parent for parent in parents if "postgres" in parent.name())

    # --- Killing ----------------------------------------------------------------------------------------
    def kill_web(self, index: int) -> None:
        self.webs[index].restart()

    def kill_valkey(self) -> None:
        """Its supervisor starts an empty one."""
        valkey().kill()

    def kill_backend(self, choice: random.Random) -> None:
        """One server process of PostgreSQL, upon which it ends all others too and recovers as from a crash."""
        from tests.plugin import services

        sql = "SELECT pid FROM pg_stat_activity WHERE usename = 'troupe_app' ORDER BY pid"
        with contextlib.suppress(psycopg.OperationalError):
            with psycopg.connect(services.superuser_url, connect_timeout=5) as connection:
                pids = [pid for (pid,) in connection.execute(sql)]
            if pids:
                os.kill(choice.choice(pids), signal.SIGKILL)


@contextlib.contextmanager
def stopped(parent: psutil.Process) -> Iterator[None]:
    """A process and its children stopped: for the web processes, the sweeper and everybody else alike."""
    processes = [parent, *parent.children(recursive=True)]
    try:
        for process in processes:
            _signal(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            _signal(process, signal.SIGCONT)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _moved(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}")).geturl()


@dataclass
class Followed:
    """What one follower knows of a turn."""

    text: str = ""
    ending: str = ""
    kept: str = ""  # the text of that ending
    code: str = ""


@dataclass
class Follower:
    """A tab that never gives up: it comes back to whichever process answers, and asks for what it missed."""

    token: str = field(repr=False)
    ports: list[int] = field(repr=False)
    choice: random.Random = field(repr=False)
    turns: dict[str, Followed] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)  # turn by client id
    last_seq: int = 0
    faults: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    _socket: Any = field(default=None, repr=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def follow(self) -> None:
        """Until it is cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                await self._follow_once()
            pause_s = FIRST_PAUSE_S if self._socket else min(2 * pause_s, LONGEST_PAUSE_S)
            self._socket = None
            await asyncio.sleep(self.choice.uniform(0.5, 1) * pause_s)

    async def _follow_once(self) -> None:
        url = f"ws://127.0.0.1:{self.choice.choice(self.ports)}/ws/v1/chat/"
        protocols: Any = ["troupe.v1", f"token.{self.token}"]
        async with connect(url, subprotocols=protocols, open_timeout=5, max_queue=None, ping_interval=None) as socket:
            await socket.send(json.dumps({"type": "hello", "after": self.last_seq}))
            while True:
                try:
                    frame = await _received(socket)
                except TimeoutError:
                    await socket.send('{"type": "ping"}')
                    frame = await _received(socket)
                if frame["type"] == "ready":
                    self._socket = socket
                self._heed(frame)

    def _heed(self, frame: dict[str, Any]) -> None:
        seq = frame.get("seq", 0) if frame["type"] != "ready" else 0
        # What is sent again is accepted under its old number.
        if seq and not (frame["type"] == "message.accepted" and seq <= self.last_seq):
            if seq <= self.last_seq:
                self.faults.append(f"{frame['type']} came twice: {seq} after {self.last_seq}")
            self.last_seq = seq
        match frame["type"]:
            case "error":
                self.refusals[frame["code"]] += 1
            case "message.accepted":
                self.accepted[frame["client_id"]] = frame["turn_id"]
            case "turn.delta":
                turn = self.turns.setdefault(frame["turn_id"], Followed())
                if frame["offset"] != len(turn.text):
                    self.faults.append(f"a gap or an overlap: {frame['offset']} after {len(turn.text)}")
                turn.text += frame["text"]
            case "turn.completed" | "turn.failed":
                turn = self.turns.setdefault(frame["turn_id"], Followed())
                if turn.ending:
                    self.faults.append(f"{frame['turn_id']} ended twice: {turn.ending}, {frame['type']}")
                turn.ending, turn.kept, turn.code = frame["type"], frame["text"], frame.get("code", "")
        self._news.set()

    async def send(self, **frame: Any) -> bool:
        """Whether it went out, as far as one can know."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(json.dumps(frame))
        except (OSError, WebSocketException):
            return False
        return True

    async def wait_for(
        self, condition: Callable[[], bool], again: Callable[[], Awaitable[Any]], every_s: float
    ) -> None:
        """Wait until something is so, doing what may help again and again."""
        while not condition():
            await again()
            self._news.clear()
            deadline = time.monotonic() + every_s
            while not condition() and time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(every_s / 4):
                        await self._news.wait()
                self._news.clear()


async def _received(socket: Any) -> Any:
    # Not `asyncio.wait_for`: one that is cancelled as a frame comes hands out the frame, and its task goes on for ever.
    async with asyncio.timeout(SILENCE_S / 2):
        return json.loads(await socket.recv())


@dataclass
class Talk:
    """One conversation in the storm: who asks, and who looks on from another tab."""

    conversation_id: str
    asker: Follower
    watcher: Follower
    said: dict[str, str] = field(default_factory=dict)  # text by client id
    reply_id: str = field(default_factory=lambda: str(uuid4()))  # of what a person says in it

    async def say(self, text: str, every_s: float = SILENCE_S / 2) -> str:
        """Send a message again and again until it is accepted, and wait for the end of its turn. Its client id."""
        client_id = str(uuid4())
        self.said[client_id] = text
        frame = {"type": "message.send", "client_id": client_id, "text": text}
        asker = self.asker
        await asker.wait_for(lambda: client_id in asker.accepted, lambda: asker.send(**frame), every_s)
        turn_id = asker.accepted[client_id]
        await asker.wait_for(lambda: self._has_ended(asker, turn_id), _nothing, SILENCE_S)
        return client_id

    @property
    def is_over(self) -> bool:
        """Whether both have seen the end of whatever was accepted, and that is all that was said."""
        turns = set(self.asker.accepted.values())
        heard = all(self._has_ended(follower, turn) for follower in (self.asker, self.watcher) for turn in turns)
        return heard and len(turns) == len(self.said)

    def _has_ended(self, follower: Follower, turn_id: str) -> bool:
        return turn_id in follower.turns and bool(follower.turns[turn_id].ending)

    async def is_followed_to_its_end(self) -> None:
        asked, watcher = set(self.asker.accepted.values()), self.watcher
        await watcher.wait_for(lambda: all(self._has_ended(watcher, turn) for turn in asked), _nothing, SILENCE_S)


async def _nothing() -> None:
    """Only to wait."""
