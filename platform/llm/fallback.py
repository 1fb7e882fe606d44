"""One answer from the first of several routes that gives one.

A route is given up before it has said anything, never after: no word is said twice, and no answer is sewn together
from two models.
"""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from llm.door import stream_chat
from llm.errors import EndpointResting, ProviderError
from llm.routes import Routes
from llm.types import ChatRequest, RouteConfig, StreamItem, Usage
from tenants.errors import PlatformError


@dataclass(frozen=True, slots=True)
class Miss:
    """A route that gave no answer, and why. `route` is None where it could not even be asked."""

    slug: str
    error: PlatformError
    took_ms: int = 0
    route: RouteConfig | None = None
    model: str = ""

    @property
    def usage(self) -> Usage:
        """What it cost all the same: nothing, unless the endpoint counted."""
        return getattr(self.error, "usage", None) or Usage(0, 0)

    @property
    def was_called(self) -> bool:
        return self.route is not None and not isinstance(self.error, EndpointResting)

    def as_dict(self) -> dict[str, Any]:
        """For a trace."""
        return {"route": self.slug, **told(self.error, self.route), "took_ms": self.took_ms}


class Fallback:
    """Asks the routes in turn. `route` is the one that answers, or that was asked last; `misses` came before it."""

    def __init__(self, routes: Routes, request: ChatRequest) -> None:
        self.route = routes.first
        self.request = request
        self.misses = [Miss(slug, error) for slug, error in routes.unusable]
        self._routes = routes
        self._asked = request

    async def stream(self) -> AsyncGenerator[StreamItem, None]:
        """As `llm.door.stream_chat`; raises what the last of them raised."""
        *others, last = self._routes.usable
        for route in others:
            self._turn_to(route)
            has_begun, began = False, time.monotonic()
            try:
                async with aclosing(stream_chat(route, self.request, has_next=True)) as items:
                    async for item in items:
                        has_begun = True
                        yield item
                return
            except ProviderError as error:
                if has_begun:
                    raise
                took_ms = round((time.monotonic() - began) * 1000)
                self.misses.append(Miss(route.slug, error, took_ms, route, self.request.model))
        self._turn_to(last)
        async with aclosing(stream_chat(last, self.request)) as items:
            async for item in items:
                yield item

    def _turn_to(self, route: RouteConfig) -> None:
        """Another route's endpoint does not know the model that the request names for the first."""
        self.route = route
        self.request = self._asked if route is self._routes.own else replace(self._asked, model="")


def told(error: PlatformError, route: RouteConfig | None) -> Mapping[str, str]:
    """A failure for a trace, with the endpoint's own words where the endpoint is the tenant's."""
    upstream = getattr(error, "upstream", "") if route and route.owner else ""
    return {"code": error.code, "detail": str(error.detail), **({"upstream": upstream} if upstream else {})}
