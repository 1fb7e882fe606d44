"""What sockets cost that say nothing: memory of a web process for each, and whether it comes back."""

import asyncio
import contextlib
import itertools
import resource
import time
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.bench.stage import Running, fake_model, server
from tests.bench.streaming import inn

IDLE = 5_000
# Twice so many come and go, so many at a time.
CONNECTS, AT_A_TIME = 10_000, 250
AT_ONCE = 25
TENANTS, SESSIONS = 4, 500
SETTLE_S = 5.0  # until what is written behind is written, and who left is forgotten


def measure(idle: str = "") -> list[tuple[str, str]]:
    """`sockets:1000` looks at so many idle sockets, and at twice as many that come and go."""
    count = int(idle or IDLE)
    connects = 2 * count if idle else CONNECTS
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with fake_model(tokens=5, delay_ms=0) as model:
        tokens = _tokens(model.url)
        with server("config.asgi:application") as web:
            asyncio.run(_come_and_go(web, tokens, AT_A_TIME))  # what is loaded with the first ones
            each, rate = asyncio.run(_idle(web, tokens, count))
            sizes = [_size(web)]
            for _ in range(2):
                asyncio.run(_come_and_go(web, tokens, connects))
                sizes.append(_size(web))
    first, second = (after - before for before, after in itertools.pairwise(sizes))
    return [
        (f"memory of web for each of {count:,} idle sockets, KiB", f"{each / 1024:.1f}"),
        ("connects a second while they came", f"{rate:.0f}"),
        (f"memory of web kept after {connects:,} connects / after as many more, MiB", _mib(first, second)),
        ("memory of web at the end, MiB", f"{sizes[-1] / 2**20:.0f}"),
    ]


def _tokens(model_url: str) -> list[str]:
    """Of several tenants, since a tenant's calls are limited; each conversation is followed by some sockets."""
    from chat.sessions import open_session
    from personas.models import Persona

    tokens = []
    for number in range(TENANTS):
        business = inn(model_url, f"sockets-{number}")
        with business.scope():
            persona = Persona.objects.get(slug="innkeeper")
            tokens += [open_session(persona=persona, end_user_id=str(n)).token for n in range(SESSIONS)]
    return tokens


async def _idle(web: Running, tokens: list[str], count: int) -> tuple[float, float]:
    """Bytes for each socket that stays, and how many came a second."""
    before, began = _size(web), time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        await _all_enter(stack, web, tokens, count)
        rate = count / (time.monotonic() - began)
        await asyncio.sleep(SETTLE_S)
        return (_size(web) - before) / count, rate


async def _come_and_go(web: Running, tokens: list[str], count: int) -> None:
    for _ in range(0, count, AT_A_TIME):
        async with contextlib.AsyncExitStack() as stack:
            await _all_enter(stack, web, tokens, AT_A_TIME)
    await asyncio.sleep(SETTLE_S)


async def _all_enter(stack: contextlib.AsyncExitStack, web: Running, tokens: list[str], count: int) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def enter(token: str) -> ClientConnection:
        async with free:
            subprotocols: Any = ["troupe.v1", f"token.{token}"]
            socket = await connect(f"{web.url}/ws/v1/chat/", subprotocols=subprotocols, ping_interval=None)
            stack.push_async_callback(socket.close)
            await socket.send('{"type": "hello"}')
            assert '"ready"' in str(await socket.recv())
            return socket

    await asyncio.gather(*map(enter, itertools.islice(itertools.cycle(tokens), count)))


def _size(web: Running) -> float:
    return float(web.process.memory_full_info().uss)


def _mib(*sizes: float) -> str:
    return " / ".join(f"{size / 2**20:+.1f}" for size in sizes)
