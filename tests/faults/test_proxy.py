"""The proxy does to a connection what it says it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.faults.proxy import FaultProxy

PATIENCE_S = 0.3


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """Before a server that says back what it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as running:
            yield running


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def hears(self, text: bytes, *, said: bytes | None = None) -> bool:
        """Say something and wait for the echo, for a moment."""
        self.writer.write(text if said is None else said)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self.reader.readexactly(len(text)) == text
        except TimeoutError:
            return False

    async def is_broken(self) -> bool:
        try:
            return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
async def call(proxy: FaultProxy) -> AsyncIterator[Callable[[], Awaitable[Line]]]:
    lines: list[Line] = []

    async def one() -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", proxy.port)))
        return lines[-1]

    yield one
    for line in lines:
        line.writer.close()


async def test_in_good_weather_it_passes_everything_on(proxy, call):
    line = await call()
    assert await line.hears(b"tea" * 1000)

    proxy.one_byte_at_a_time, proxy.latency_s = True, 0.01
    assert await line.hears("红茶".encode())


async def test_what_waits_behind_a_pause_comes_after_it(proxy, call):
    line = await call()
    assert await line.hears(b"one")

    proxy.pause()
    assert not await line.hears(b"two")
    proxy.resume()

    assert await line.hears(b"two", said=b"")


async def test_a_half_open_connection_is_dead_and_nobody_is_told(proxy, call):
    line = await call()
    assert await line.hears(b"one")

    proxy.half_open()

    assert not await line.hears(b"two")
    assert await (await call()).hears(b"three")


async def test_connections_break_and_new_ones_are_refused_for_as_long_as_asked(proxy, call):
    first = await call()
    assert await first.hears(b"one")

    proxy.refuse()
    assert await first.is_broken()
    assert await (await call()).is_broken()
    proxy.resume()

    last = await call()
    assert await last.hears(b"two")
    proxy.reset()
    assert await last.is_broken()


async def test_an_answer_is_cut_at_a_byte(proxy, call):
    proxy.cut_after(3)
    line = await call()

    assert await line.hears(b"tea", said=b"tea and cake")
    assert await line.is_broken()
    assert await (await call()).hears(b"tea and cake")
