"""What a web process does when it starts and before it ends."""

import asyncio
import gc
import logging
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from asgiref.sync import sync_to_async

from chat.engine import DRAIN_S, Engine, engine, ensure_heart
from chat.hub import hub
from chat.process import heart
from config.environment import ready_fd
from config.startup import CannotStart, verify
from knowledge import words
from llm import clients
from llm.embedding import bundled
from npc.turns.running import heed_other_processes, stop_heeding, turns_end

logger = logging.getLogger(__name__)

# After so many new objects the garbage collector looks for cycles: a turn makes thousands and hardly any. Python's own
# numbers cost a turn one fifteenth of its CPU.
SELDOM = (50_000, 20, 50)


def warm_up() -> None:
    """Load dictionaries, the embedding model and the client of others before a question needs them, and keep them."""
    bundled().embed_queries(["warm-up"])
    words.warm_up()
    clients.warm_up()
    # All this stays. Walking through it, the garbage collector stopped every stream for 0.1 to 0.2 s at a time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


def get_ready() -> None:
    """Warm up, and tell a supervisor that waits for us to take over from another process."""
    try:
        warm_up()
    finally:
        if (descriptor := ready_fd()) is not None:
            with suppress(OSError), open(descriptor, "wb") as supervisor:  # it may wait no more
                supervisor.write(b"\n")


class Lifespan:
    """ASGI's lifespan: refuse to start on a database that isolates nothing; let running turns end."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._begin()
                except CannotStart as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
                threading.Thread(target=get_ready, name="warm-up", daemon=True).start()
            elif message["type"] == "lifespan.shutdown":
                await self._end()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _begin(self) -> None:
        await sync_to_async(verify)()
        try:
            await ensure_heart()
        except Exception as error:
            # A server takes an unexpected failure here for a lack of interest, and would serve all the same.
            logger.exception("The first heartbeat failed")
            raise CannotStart(f"This process could not report that it lives: {error}") from error
        heed_other_processes()
        drain_when_asked_to_end(engine())

    async def _end(self) -> None:
        await asyncio.gather(engine().drained(), turns_end(DRAIN_S))
        await stop_heeding()
        await hub().aclose()
        await asyncio.to_thread(heart.stop)


def drain_when_asked_to_end(running: Engine) -> None:
    """Begin to drain with the signal itself.

    The server ends the lifespan only after all its connections: streams that follow a conversation would hold
    it up until its patience ends, and turns would get the rest of it. Its own handler runs, too.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # a server inside of something else, which gets no signals
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        servers_own = signal.getsignal(number)
        if not callable(servers_own):
            continue

        def begin_drain(number: int, frame: FrameType | None, then: Any = servers_own) -> None:
            loop.call_soon_threadsafe(running.begin_drain)
            then(number, frame)

        signal.signal(number, begin_drain)
