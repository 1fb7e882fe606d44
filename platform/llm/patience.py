"""A time limit that moves with each sign of life."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Patience:
    """As `asyncio.timeout_at`, for one wait after another, of which the limit moves between them.

    A timer for each token costs a tenth of what all the rest of relaying it does. Here there is one, which looks
    when it rings whether the limit has moved meanwhile. For one task at a time; `end` it when it is of no more use.
    """

    def __init__(self, until: float) -> None:
        """`until`: on the running loop's clock."""
        self._loop = asyncio.get_running_loop()
        self._until = self._rings_at = until
        self._timer = self._loop.call_at(until, self._ring)
        self._waiting: asyncio.Task[Any] | None = None
        self._has_cut = False

    def move(self, until: float) -> None:
        """Wait until then, be it later or sooner than before."""
        self._until = until
        if until < self._rings_at or self._rings_at <= self._loop.time():
            self._set(until)

    async def wait_for(self, what: Awaitable[T]) -> T:
        """Await it. Raises TimeoutError when the limit is reached first."""
        self._waiting = task = cast("asyncio.Task[Any]", asyncio.current_task())
        cancelled_before = task.cancelling()
        try:
            return await what
        except asyncio.CancelledError:
            if self._has_cut and task.uncancel() <= cancelled_before:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def end(self) -> None:
        self._timer.cancel()

    def _ring(self) -> None:
        if self._until > self._loop.time():
            self._set(self._until)
        elif self._waiting is None:  # what was heard last is still being told
            self._set(self._loop.time() + 0.05)
        elif not self._has_cut:
            self._has_cut = True
            self._waiting.cancel()

    def _set(self, at: float) -> None:
        self._timer.cancel()
        self._rings_at = at
        self._timer = self._loop.call_at(at, self._ring)
