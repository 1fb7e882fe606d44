"""An event loop for code that has none: tasks, commands, REST views.

It runs on a thread of its own for as long as the process does, so that what belongs to a loop, such as connections to
models and to Redis, is made once and not for every call.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

_STOP_WITHIN_S = 2.0


class _Loop:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="event-loop", daemon=True)
        self._thread.start()
        atexit.register(self._stop)

    def _stop(self) -> None:
        if self.pid != os.getpid():
            return  # a child's copy: the thread is the parent's
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_STOP_WITHIN_S)
        if not self.loop.is_running():
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())  # which closes what is PerLoop
            self.loop.close()


_lock = threading.Lock()
_running: _Loop | None = None


def run_in_loop(work: Coroutine[Any, Any, R]) -> R:
    """Run the coroutine to its end and return what it returns, or raise what it raises.

    Whatever ends the waiting, such as a time limit's signal, cancels it. Not for code on an event loop, which awaits.
    """
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _loop() -> asyncio.AbstractEventLoop:
    global _running
    with _lock:
        if _running is None or _running.pid != os.getpid():  # threads do not come along into a forked worker
            _running = _Loop()
        return _running.loop


def _forget_lock() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)
