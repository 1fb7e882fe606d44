"""One signed call to a tenant's server. It is made once, and what goes wrong becomes a word."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from ssl import SSLContext
from typing import Any, Literal, NamedTuple

import httpx2
import orjson

from tenants.addresses import AddressForbidden
from webhooks.addresses import resolved
from webhooks.signing import signed_headers

Trouble = Literal["timeout", "unreachable", "forbidden", "invalid"]


class CallFailed(Exception):
    """`why` is one word for logs: nothing of what came back, and no secret."""

    def __init__(self, why: Trouble) -> None:
        super().__init__(why)
        self.why: Trouble = why


class Answer(NamedTuple):
    """What came back. Not `is_whole`: there was more of the body than was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def told(kind: str, at: datetime, data: Any) -> bytes:
    """The body of a call, as Standard Webhooks has it."""
    return orjson.dumps({"type": kind, "timestamp": at.isoformat(), "data": data})


async def post_signed(
    url: str,
    secrets: Sequence[str],
    body: bytes,
    *,
    message_id: str,
    timestamp_s: int,
    user_agent: str,
    timeout_s: float,
    max_bytes: int,
) -> Answer:
    """Post a body, signed by each of the secrets. No redirect is followed. Raises CallFailed."""
    headers = {
        "content-type": "application/json",
        "user-agent": user_agent,
        # What is compressed can be a thousand times as much once it is read.
        "accept-encoding": "identity",
        **signed_headers(secrets, message_id, timestamp_s, body),
    }
    try:
        async with asyncio.timeout(timeout_s):
            return await _post(url, headers, body, max_bytes)
    except TimeoutError:
        raise CallFailed("timeout") from None
    except AddressForbidden:
        raise CallFailed("forbidden") from None
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, UnicodeError):
        raise CallFailed("unreachable") from None
    except ValueError:  # a port out of range
        raise CallFailed("invalid") from None


async def _post(url: str, headers: Mapping[str, str], body: bytes, max_bytes: int) -> Answer:
    target = await resolved(url)
    # A connection for each call: one that is shared could lead to a neighbour's host at the same address. Proxies of
    # the environment are the operator's, and would look the name up again.
    async with httpx2.AsyncClient(verify=_ssl_context(), trust_env=False, timeout=None, follow_redirects=False) as http:
        request = http.build_request(
            "POST",
            target.url,
            headers={**headers, "host": target.host},
            content=body,
            extensions={"sni_hostname": target.server_name},
        )
        response = await http.send(request, stream=True)
        try:
            return await _bounded(response, max_bytes)
        finally:
            await response.aclose()


async def _bounded(response: httpx2.Response, max_bytes: int) -> Answer:
    read = bytearray()
    async for data in response.aiter_raw():
        read += data
        if len(read) > max_bytes:
            return Answer(response.status_code, response.headers, bytes(read[:max_bytes]), is_whole=False)
    return Answer(response.status_code, response.headers, bytes(read), is_whole=True)


@cache
def _ssl_context() -> SSLContext:
    return httpx2.create_ssl_context()
