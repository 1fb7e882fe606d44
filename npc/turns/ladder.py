"""Which models a turn asks, from the top: the usual one, a smaller one, and else the author's own lines.

Down it goes where a model lately took longer than the turn may wait, or costs more than the play's purse still holds;
and, while it is asked, where it fails or says nothing for so long that only the next one could still answer in time.
"""

import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Literal
from uuid import UUID

from llm.errors import ProviderUnavailable
from llm.models import Route
from llm.routes import READER_SLUG, route_found, routes_of
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
# Above a better rung the next one is taken once one turn in twenty would be late; the last is left only for silence,
# so it is asked as long as it is rather in time than not.
MOSTLY, RATHER = 0.95, 0.5
# Of a turn's time, what is kept for the next model while nothing is known of its pace, and at most.
NEXT_SHARE, NEXT_MOST = 1 / 3, 1 / 2
# How much longer than it was waited for a turn would have taken, for all we know.
GIVEN_UP = 2


class Pace:
    """How long the turns of each route took lately, in this process. Safe between threads."""

    def __init__(self) -> None:
        self._took: OrderedDict[tuple[UUID, str], deque[tuple[float, int]]] = OrderedDict()
        self._lock = Lock()

    def note(self, tenant_id: UUID, route: str, took_ms: int, now: float | None = None) -> None:
        """A turn took so long, or would have as it seems."""
        key = (tenant_id, route)
        with self._lock:
            took = self._took.setdefault(key, deque(maxlen=REMEMBERED_TURNS))
            took.append((time.monotonic() if now is None else now, took_ms))
            self._took.move_to_end(key)
            if len(self._took) > REMEMBERED_ROUTES:
                self._took.popitem(last=False)

    def percentile_ms(self, tenant_id: UUID, route: str, share: float, now: float | None = None) -> int | None:
        """Nearest rank over the last minute; None while too little is known."""
        since = (time.monotonic() if now is None else now) - REMEMBERED_S
        with self._lock:
            took = sorted(ms for at, ms in self._took.get((tenant_id, route), ()) if at >= since)
        return took[math.ceil(share * len(took)) - 1] if len(took) >= ENOUGH_TURNS else None


pace = Pace()


@dataclass(frozen=True, slots=True)
class Ladder:
    """The models that a turn asks, one after the other: none, one or two.

    `fallback` says why none is asked though there is one. `reserved` is what they may cost at most.
    """

    routes: tuple[RouteConfig, ...] = ()
    fallback: Literal["deadline", "budget"] | None = None
    reserved: Decimal = Decimal(0)

    @property
    def top(self) -> RouteConfig:
        return self.routes[0] if self.routes else READER


def ladder_for(
    tenant_id: UUID,
    tier: Tier,
    time_ms: float,
    *,
    price: Callable[[RouteConfig], Decimal],
    left: Decimal | None = None,
    version: Sequence[str] | None = None,
) -> Ladder:
    """Whom to ask for an answer within the time, inside the tenant's scope.

    `price` is what a call may cost at most, `left` what there is to spend; None is no limit. A tier may begin with the
    small model, or ask none. `version` is that of the tenant's routes, where it is known: they need not be read then.
    """
    offered, chosen = _routes(tenant_id, tier, version), list[RouteConfig]()
    reserved, fallback = Decimal(0), None
    for route in offered:
        cost = price(route)
        is_last = route is offered[-1] and not chosen
        took_ms = pace.percentile_ms(tenant_id, route.slug, RATHER if is_last else MOSTLY)
        if left is not None and reserved + cost > left:
            fallback = "budget"
        elif took_ms is not None and took_ms > (time_ms * NEXT_MOST if chosen else time_ms):
            fallback = "deadline"
        else:
            chosen.append(route)
            reserved += cost
    return Ladder(tuple(chosen), None if chosen else fallback, reserved)  # type: ignore[arg-type]


def kept_for_next_s(tenant_id: UUID, following: RouteConfig, time_s: float) -> float:
    """Of the time that is left, what the next model needs if the one before it says nothing."""
    took_ms = pace.percentile_ms(tenant_id, following.slug, MOSTLY)
    return min(time_s * NEXT_SHARE if took_ms is None else took_ms / 1000, time_s * NEXT_MOST)


def _routes(tenant_id: UUID, tier: Tier, version: Sequence[str] | None) -> list[RouteConfig]:
    """The usual model and the small one, as far as there are any. A route whose key cannot be read is none."""
    if tier.model == "none":
        return []
    found = routes_of(tenant_id, version)
    usual, small = [one for one in found if one.is_default], [one for one in found if one.slug == SMALL_SLUG]
    routes = [_found(tenant_id, usual, None), _found(tenant_id, small, SMALL_SLUG)]
    if tier.model == "small" and routes[1]:
        routes = routes[1:]
    elif routes[0] is None or (routes[1] and routes[0].slug == routes[1].slug):
        routes = routes[:1]
    return [route for route in routes if route]


def _found(tenant_id: UUID, rows: Sequence[Route], slug: str | None) -> RouteConfig | None:
    try:
        route = route_found(rows, slug)
    except NotFound:
        return None
    except ProviderUnavailable:
        logger.warning("The key of the route «%s» of %s cannot be read", slug or "default", tenant_id)
        return None
    return None if route.is_reader else route
