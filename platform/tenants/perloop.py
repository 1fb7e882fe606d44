"""Objects that belong to an event loop, such as connections that its tasks share."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Call it for the running loop's object, which is made at the first call and closed when the loop ends.

    A loop may be as short as one request: Django's own `async_to_sync` runs one for each asynchronous view that is
    called from a thread.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]] | None = None) -> None:
        self._make = make
        self._close = close
        self._made: dict[asyncio.AbstractEventLoop, T] = {}
        self._ends: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            for closed in [other for other in list(self._made) if other.is_closed()]:
                self._made.pop(closed, None)
                self._ends.pop(closed, None)
            made = self._made[loop] = self._make()
            if self._close:
                self._ends[loop] = _at_the_end(self._close, made)
        return self._made[loop]


def _at_the_end(close: Callable[[T], Awaitable[None]], made: T) -> AsyncGenerator[None, None]:
    """Close it when the running loop closes the generators that are not through, which is the last it does."""

    async def wait() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await close(made)

    waiting = wait()
    with contextlib.suppress(StopIteration):
        waiting.asend(None).send(None)
    return waiting


def is_wanted() -> bool:
    """Whether the running task may go on. Loops that speak with Redis ask it each time round.

    Redis's client may lose a cancellation: `asyncio.wait_for` of Python 3.11 does when a write ends just then. Who
    waits for the end of the task would wait for ever.
    """
    task = asyncio.current_task()
    return task is None or not task.cancelling()
