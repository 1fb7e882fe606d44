"""httpx2 over aiohttp, which reads a streamed answer in C: a quarter of what h11 takes for each token.

The client's own such transport keeps one cookie jar for all, and an endpoint's cookies would travel from one tenant's
call to another's.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import lru_cache

import aiohttp
import httpx2
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

# A stream holds a connection for as long as the model talks, so this bounds the streams of one process.
MAX_CONNECTIONS = 1000
IDLE_S = 60.0
CONNECT_TIMEOUT_S = 10.0
REMEMBERED_HOSTS = 256

Proxy = tuple[URL | None, aiohttp.BasicAuth | None]
Proxies = Callable[[URL], Proxy]


def new_connector(verify: ssl.SSLContext) -> aiohttp.BaseConnector:
    """The connections of one event loop."""
    return aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=IDLE_S, ssl=verify)


def new_session(connector: aiohttp.BaseConnector, *, auto_decompress: bool = True) -> aiohttp.ClientSession:
    """No cookie is kept, and no `.netrc` read: what it holds is not for tenants. Waits for ever once connected."""
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=auto_decompress,
    )


def new_proxies() -> Proxies:
    """The environment's proxy for an origin, looked up once; the session would do so for each call, on a thread."""
    return lru_cache(REMEMBERED_HOSTS)(_proxy)


def _proxy(origin: URL) -> Proxy:
    with suppress(LookupError):
        return get_env_proxy_for_url(origin)
    return None, None


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Bodies of requests are bytes; those of answers are decompressed by the client, and by the session not."""

    def __init__(self, session: aiohttp.ClientSession, proxies: Proxies) -> None:
        self._session = session
        self._proxies = proxies

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            url = URL(str(request.url))
            proxy, proxy_auth = self._proxies(url.origin())
            response = await self._session.request(
                request.method,
                url,
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
                proxy=proxy,
                proxy_auth=proxy_auth,
            )
        except ValueError as error:  # aiohttp's InvalidURL is one
            raise httpx2.UnsupportedProtocol(str(error)) from error
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.ConnectError(str(error)) from error
        return httpx2.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    async def aclose(self) -> None:
        await self._session.close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while data := await self._response.content.readany():
                yield data
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.ReadError(str(error)) from error

    async def aclose(self) -> None:
        self._response.release()
