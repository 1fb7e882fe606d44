"""A TCP proxy that misbehaves on demand: between the application and what it needs.

    with FaultProxy("127.0.0.1", 5432) as proxy:
        proxy.pause()           # what is sent waits, as behind a stopped process
        proxy.resume()
        proxy.half_open()       # open connections go nowhere for good, and nobody is told
        proxy.reset()           # open connections break
        proxy.refuse()          # and new ones do not come about, until `resume`
        proxy.latency_s = 0.2
        proxy.one_byte_at_a_time = True
        proxy.cut_after(100)    # the next connection breaks after so many bytes of its answer

It runs in a thread with an event loop of its own, and its methods are called from any other.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, Self

from embedded.ports import listening_socket, random_free_port

CHUNK_BYTES = 65_536
# A reset, and not the polite end of a connection.
RESET = struct.pack("ii", 1, 0)


class Pipe:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, cut_after: int | None) -> None:
        self.ends = (client, server)
        self.goes_nowhere = False
        self.left_bytes = cut_after  # of the server's answer; None: no end

    def reset(self) -> None:
        for end in self.ends:
            raw: Any = end.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.transport.abort()


class FaultProxy:
    """Passes on what comes to `port`. `seed` decides how long delays are."""

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self.latency_s = 0.0
        self.one_byte_at_a_time = False
        self.port = random_free_port()
        self.connection_count = 0
        self._target = (host, port)
        self._random = random.Random(seed)
        self._pipes: set[Pipe] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refuses = False
        self._cut_after: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._is_ready = threading.Event()

    # --- Life -----------------------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(10), "the proxy did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    # --- Faults ---------------------------------------------------------------------------------------------
    def pause(self) -> None:
        """Hold back all bytes and all new connections until `resume`."""
        self._do(lambda: self._passes.clear())

    def resume(self) -> None:
        """Pass on again, and let new connections come."""

        def go_on() -> None:
            self._refuses = False
            self._passes.set()

        self._do(go_on)

    def half_open(self) -> None:
        """What is sent on connections that are open now is lost for good. New ones are sound."""

        def lose() -> None:
            for pipe in self._pipes:
                pipe.goes_nowhere = True

        self._do(lose)

    def reset(self) -> None:
        """Break all connections."""
        self._do(self._reset_all)

    def refuse(self) -> None:
        """Break all connections, and each new one at once."""

        def turn_away() -> None:
            self._refuses = True
            self._reset_all()

        self._do(turn_away)

    def cut_after(self, size_bytes: int) -> None:
        """Break the next new connection once it has brought so much."""
        self._cut_after = size_bytes

    def _do(self, what: Callable[[], None]) -> None:
        """Run it on the proxy's loop, and wait for that."""

        async def run() -> None:
            what()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _reset_all(self) -> None:
        for pipe in list(self._pipes):
            pipe.reset()

    # --- Passing on -----------------------------------------------------------------------------------------
    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping, self._passes = asyncio.Event(), asyncio.Event()
        self._passes.set()
        server = await asyncio.start_server(self._connected, sock=listening_socket("127.0.0.1", self.port))
        self._is_ready.set()
        await self._stopping.wait()
        server.close()
        self._reset_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # what was broken off is closed by the loop, a little later

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: Any = asyncio.current_task()
        self._tasks.add(task)
        self.connection_count += 1
        try:
            await self._passes.wait()
            if self._refuses:
                writer.transport.abort()
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            pipe = Pipe(writer, far_writer, self._cut_after)
            self._cut_after = None
            self._pipes.add(pipe)
            try:
                there, back = self._pump(pipe, reader, far_writer), self._pump(pipe, far_reader, writer, is_answer=True)
                await asyncio.gather(there, back)
            finally:
                self._pipes.discard(pipe)
                far_writer.close()
        except OSError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pump(
        self, pipe: Pipe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self.latency_s:
                await asyncio.sleep(self._random.uniform(0.5, 1.5) * self.latency_s)
            await self._passes.wait()
            if pipe.goes_nowhere:
                continue
            if is_answer and pipe.left_bytes is not None:
                data, pipe.left_bytes = data[: pipe.left_bytes], pipe.left_bytes - len(data)
            await self._pass_on(data, writer)
            if is_answer and pipe.left_bytes is not None and pipe.left_bytes <= 0:
                await asyncio.sleep(0.02)  # so that what came is not lost with the connection
                pipe.reset()
                return
        # One end has hung up; a connection that goes nowhere does not tell the other.
        if not pipe.goes_nowhere:
            writer.close()

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        step = 1 if self.one_byte_at_a_time else len(data)
        for start in range(0, len(data), max(step, 1)):
            writer.write(data[start : start + step])
            await writer.drain()
            if step == 1:
                await asyncio.sleep(0)
