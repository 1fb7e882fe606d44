"""Objects that belong to an event loop, such as connections that its tasks share."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Call it for the running loop's object, which is made at the first call.

    Those of closed loops are let go.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made = {other: made for other, made in self._made.items() if not other.is_closed()}
            self._made[loop] = self._make()
        return self._made[loop]
