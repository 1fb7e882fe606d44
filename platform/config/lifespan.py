"""What a web process does when it starts and before it ends."""

import asyncio
import logging
import threading
from typing import Any

from asgiref.sync import sync_to_async

from chat.engine import engine, ensure_heart
from chat.hub import hub
from chat.process import heart
from config.startup import CannotStart, verify
from knowledge import words
from llm.door import close_clients
from llm.embedding import bundled

logger = logging.getLogger(__name__)

# Running turns get this long to end before they are interrupted.
DRAIN_S = 30.0


def warm_up() -> None:
    """Load the dictionaries and the embedding model before the first question needs them."""
    bundled().embed_queries(["warm-up"])
    words.warm_up()


class Lifespan:
    """ASGI's lifespan: refuse to start on a database that isolates nothing; let running turns end."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await sync_to_async(verify)()
                    await ensure_heart()
                except CannotStart as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
                threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
            elif message["type"] == "lifespan.shutdown":
                await self._end()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _end(self) -> None:
        await engine().drain(DRAIN_S)
        await hub().aclose()
        await close_clients()
        await asyncio.to_thread(heart.stop)
