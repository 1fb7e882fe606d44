"""Which model a turn is worth waiting for: the usual one, or a smaller one where that is too slow for the deadline."""

import logging
import math
import time
from collections import OrderedDict, deque
from threading import Lock
from uuid import UUID

from llm.errors import ProviderUnavailable
from llm.routes import READER_SLUG, resolve_route
from llm.types import RouteConfig
from npc.worlds.document import Tier
from tenants.errors import NotFound

logger = logging.getLogger(__name__)

READER = RouteConfig(slug=READER_SLUG, provider="reader")
# The tenant's route of this name is the small one. A tenant without it has one model for all.
SMALL_SLUG = "npc-small"
# What was slow a minute ago is tried again.
REMEMBERED_S = 60.0
REMEMBERED_TURNS = 100
REMEMBERED_ROUTES = 1_000
# Of fewer turns a percentile says nothing.
ENOUGH_TURNS = 5


class Pace:
    """How long the turns of each route took lately, in this process. Safe between threads."""

    def __init__(self) -> None:
        self._took: OrderedDict[tuple[UUID, str], deque[tuple[float, int]]] = OrderedDict()
        self._lock = Lock()

    def note(self, tenant_id: UUID, route: str, took_ms: int, now: float | None = None) -> None:
        """A turn took so long, or was given up after so long."""
        key = (tenant_id, route)
        with self._lock:
            took = self._took.setdefault(key, deque(maxlen=REMEMBERED_TURNS))
            took.append((time.monotonic() if now is None else now, took_ms))
            self._took.move_to_end(key)
            if len(self._took) > REMEMBERED_ROUTES:
                self._took.popitem(last=False)

    def p95_ms(self, tenant_id: UUID, route: str, now: float | None = None) -> int | None:
        """Nearest rank over the last minute; None while too little is known."""
        since = (time.monotonic() if now is None else now) - REMEMBERED_S
        with self._lock:
            took = sorted(ms for at, ms in self._took.get((tenant_id, route), ()) if at >= since)
        return took[math.ceil(0.95 * len(took)) - 1] if len(took) >= ENOUGH_TURNS else None


pace = Pace()


def route_for(tenant_id: UUID, tier: Tier, time_ms: int) -> RouteConfig:
    """Where to ask for an answer within the time, inside the tenant's scope.

    A tier may ask for the small model or for none. A route whose key cannot be read is as good as none.
    """
    if tier.model == "none":
        return READER
    if tier.model == "small":
        return _small_route(tenant_id) or _usual_route(tenant_id)
    route = _usual_route(tenant_id)
    p95_ms = pace.p95_ms(tenant_id, route.slug)
    is_too_slow = p95_ms is not None and p95_ms > time_ms
    return (_small_route(tenant_id) or route) if is_too_slow else route


def _usual_route(tenant_id: UUID) -> RouteConfig:
    try:
        return resolve_route(tenant_id)
    except ProviderUnavailable:
        logger.warning("The key of the default route of %s cannot be read", tenant_id)
        return READER


def _small_route(tenant_id: UUID) -> RouteConfig | None:
    try:
        return resolve_route(tenant_id, SMALL_SLUG)
    except (NotFound, ProviderUnavailable):
        return None
