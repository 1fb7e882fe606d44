"""The `openai` client, one per endpoint and key; all clients of an event loop share one connection pool.

Answers are asked for without its way of sending, which takes 1 ms of CPU that whoever waits for a first word feels
(docs/adr/0026-before-the-first-word.md). It says where they come from, and with which headers they are asked for.

The packages are imported with the first client: they take a third of what a process takes to start, and commands,
the clock and most jobs ask no model.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx2

from llm.types import RouteConfig
from tenants.perloop import PerLoop

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from openai import AsyncOpenAI
    from yarl import URL

    from llm.transport import Proxy

# Making a client takes 0.1 ms; keeping more than this many tenants' keys at hand gains nothing.
MAX_CLIENTS = 256
# Of an error's body: enough for any message.
MAX_FAILURE_BYTES = 65_536


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as one key knows it."""

    client: AsyncOpenAI
    chat_url: URL
    headers: dict[str, str]
    proxy: Proxy


class LoopClients:
    """The clients of one event loop. Connections cannot be shared between loops."""

    def __init__(self) -> None:
        from llm.transport import AiohttpTransport, new_connector, new_proxies, new_session

        connector = new_connector(_ssl_context())
        self._session, self._proxies = new_session(connector), new_proxies()
        self._http = httpx2.AsyncClient(
            transport=AiohttpTransport(new_session(connector, auto_decompress=False), self._proxies),
            # What an endpoint wants to be told again it is not told: the next call may be another tenant's.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Time limits are the transport's before an answer, and the door's between its bytes.
            timeout=None,
            # A redirect would carry prompts to a host that nobody configured.
            follow_redirects=False,
            event_hooks={"response": [_bound_failure]},
        )
        self._endpoints: dict[tuple[str, str], Endpoint] = {}

    def endpoint(self, route: RouteConfig) -> Endpoint:
        key = (route.base_url, route.api_key)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            if len(self._endpoints) >= MAX_CLIENTS:
                self._endpoints.pop(next(iter(self._endpoints)))
            endpoint = self._endpoints[key] = self._new_endpoint(route)
        return endpoint

    def _new_endpoint(self, route: RouteConfig) -> Endpoint:
        from openai import AsyncOpenAI
        from yarl import URL

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
        headers = {**client.default_headers, **client.auth_headers}
        told = {name: value for name, value in headers.items() if isinstance(value, str)}
        chat_url = URL(f"{client.base_url}chat/completions")
        return Endpoint(client, chat_url, told, self._proxies(chat_url.origin()))

    async def ask(self, route: RouteConfig, body: bytes) -> ClientResponse:
        """Ask for an answer and return the response with its body unread. Raises aiohttp.ClientError."""
        endpoint = self.endpoint(route)
        proxy, proxy_auth = endpoint.proxy
        return await self._session.post(
            endpoint.chat_url,
            headers=endpoint.headers,
            data=body,
            allow_redirects=False,
            proxy=proxy,
            proxy_auth=proxy_auth,
        )

    async def aclose(self) -> None:
        await self._session.close()
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


clients = PerLoop(LoopClients, LoopClients.aclose)


def warm_up() -> None:
    """Import the packages now (0.5 s of CPU) instead of at the first question."""
    import aiohttp  # noqa: F401
    import openai  # noqa: F401


@cache
def _ssl_context() -> ssl.SSLContext:
    """Reading the certificates takes 30 ms, so it is done once a process."""
    return httpx2.create_ssl_context()
