"""An endpoint that fails again and again is left alone for a moment, so that nobody waits for it in vain.

There is one breaker for each model of an endpoint as one tenant reaches it: what Mallory's key or time limit does
to a host closes it to nobody else. Each process learns for itself, which takes it a handful of calls, and nothing
has to be shared or repaired. A breaker is

- closed while calls are answered;
- open once `MIN_FAILURES` calls within `WINDOW_S`, and at least half of them, failed: calls fail at once;
- half open `OPEN_S` later: one call at a time may try, and the first answer closes it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Literal

from llm.errors import EndpointResting, ProviderError
from llm.types import RouteConfig

State = Literal["closed", "open", "half_open"]

WINDOW_S = 10.0
MIN_FAILURES = 5
# A try that hangs holds up the next one no longer than this either, so an endpoint that is back is found soon.
OPEN_S = 2.0
# Of so many calls is the share taken.
CALLS_KEPT = 20
# Of endpoints, over all tenants; the one unheard of for longest is forgotten, which closes it.
BREAKERS_KEPT = 2_000


class Breaker:
    """What one process knows of one endpoint. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque(maxlen=CALLS_KEPT)
        self._try_at: float | None = None  # None while it is closed

    @property
    def state(self) -> State:
        if self._try_at is None:
            return "closed"
        return "open" if self._clock() < self._try_at else "half_open"

    def admit(self) -> None:
        """Let a call pass. Raises EndpointResting while it is open, or while another one tries."""
        if self._try_at is None:
            return
        wait_s = self._try_at - self._clock()
        if wait_s > 0:
            raise EndpointResting(retry_after_s=wait_s)
        self._try_at = self._clock() + OPEN_S

    def succeeded(self) -> None:
        """The endpoint answers."""
        if self._try_at is not None:
            self._try_at = None
            self._calls.clear()
        self._calls.append((self._clock(), True))

    def failed(self) -> None:
        """A call came to nothing, and it was the endpoint's fault."""
        now = self._clock()
        self._calls.append((now, False))
        lately = [is_answered for at, is_answered in self._calls if at > now - WINDOW_S]
        failures = lately.count(False)
        if self._try_at is None and failures >= MIN_FAILURES and 2 * failures >= len(lately):
            self._try_at = now + OPEN_S


_breakers: dict[tuple[str, ...], Breaker] = {}
_lock = Lock()


def breaker_of(route: RouteConfig, model: str) -> Breaker:
    """The breaker of this model, as the route's owner reaches it."""
    key = (route.owner, route.base_url, route.api_key, model)
    with _lock:
        breaker = _breakers.pop(key, None) or Breaker()
        _breakers[key] = breaker
        if len(_breakers) > BREAKERS_KEPT:
            del _breakers[next(iter(_breakers))]
    return breaker


@contextmanager
def guarded(route: RouteConfig, model: str) -> Iterator[Breaker]:
    """Make one call inside of the block and say when it is answered. Raises EndpointResting instead of calling."""
    breaker = breaker_of(route, model)
    breaker.admit()
    try:
        yield breaker
    except ProviderError as error:
        if error.is_endpoints_fault:
            breaker.failed()
        else:  # it lives, and would answer another question
            breaker.succeeded()
        raise


def state_of(route: RouteConfig) -> State:
    """The worse of what this process knows of the route's chat model and its embedding model."""
    models = [route.embedding_model, "" if route.is_reader else route.chat_model]
    states = [breaker.state for model in models if model and (breaker := _known(route, model))]
    return max(states, key=("closed", "half_open", "open").index, default="closed")


def _known(route: RouteConfig, model: str) -> Breaker | None:
    return _breakers.get((route.owner, route.base_url, route.api_key, model))
