"""The `openai` client, one per endpoint and key; all clients of an event loop share one connection pool.

The package is imported with the first client: it takes a third of what a process takes to start, and commands,
the clock and most jobs ask no model.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import cache
from typing import TYPE_CHECKING

import httpx2

from llm.types import RouteConfig
from tenants.perloop import PerLoop

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# A stream holds a connection for as long as the model talks, so this bounds the streams of one process.
MAX_CONNECTIONS = 1000
MAX_IDLE_CONNECTIONS = 100
IDLE_S = 60.0
CONNECT_TIMEOUT_S = 10.0
# Making a client takes 0.1 ms; keeping more than this many tenants' keys at hand gains nothing.
MAX_CLIENTS = 256
# Of an error's body: enough for any message.
MAX_FAILURE_BYTES = 65_536


class LoopClients:
    """The clients of one event loop. Connections cannot be shared between loops."""

    def __init__(self) -> None:
        from openai import DefaultAioHttpClient

        # Their transport by aiohttp reads a stream in C, where the usual one does it in Python.
        self._http = DefaultAioHttpClient(
            verify=_ssl_context(),
            limits=httpx2.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_S,
            ),
            # Time limits between bytes are the door's: they differ before and after the first token.
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S, pool=CONNECT_TIMEOUT_S),
            # A redirect would carry prompts to a host that nobody configured.
            follow_redirects=False,
            event_hooks={"response": [_bound_failure]},
        )
        self._clients: dict[tuple[str, str], AsyncOpenAI] = {}

    def client(self, route: RouteConfig) -> AsyncOpenAI:
        key = (route.base_url, route.api_key)
        client = self._clients.get(key)
        if client is None:
            if len(self._clients) >= MAX_CLIENTS:
                self._clients.pop(next(iter(self._clients)))
            from openai import AsyncOpenAI

            # Local endpoints need no key, but the client insists on one.
            client = AsyncOpenAI(
                base_url=route.base_url,
                api_key=route.api_key or "none",
                timeout=self._http.timeout,
                max_retries=0,
                http_client=self._http,
            )
            # It took these from the environment: they are the operator's, and not for a tenant's endpoint.
            client.organization = client.project = None
            self._clients[key] = client
        return client

    async def aclose(self) -> None:
        await self._http.aclose()


class FirstBytes(httpx2.AsyncByteStream):
    """The beginning of a body."""

    def __init__(self, body: httpx2.AsyncByteStream, limit_bytes: int) -> None:
        self._body = body
        self._left_bytes = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._body:
            yield data[: self._left_bytes]
            self._left_bytes -= len(data)
            if self._left_bytes <= 0:
                break

    async def aclose(self) -> None:
        await self._body.aclose()


async def _bound_failure(response: httpx2.Response) -> None:
    """The client reads the body of a failure to its end, which may never come."""
    if not response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = FirstBytes(response.stream, MAX_FAILURE_BYTES)


_clients = PerLoop(LoopClients, LoopClients.aclose)


def client_for(route: RouteConfig) -> AsyncOpenAI:
    """The client for this route on the running event loop. It never retries by itself."""
    return _clients().client(route)


def warm_up() -> None:
    """Import the package now (0.4 s of CPU) instead of at the first question."""
    import openai  # noqa: F401


@cache
def _ssl_context() -> ssl.SSLContext:
    """Reading the certificates takes 30 ms, so it is done once a process."""
    return httpx2.create_ssl_context()
