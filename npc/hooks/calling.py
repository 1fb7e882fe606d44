"""One signed call to a game. It is made once, and what goes wrong becomes a word in the log."""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from ssl import SSLContext
from typing import Any, Literal

import httpx2
import orjson

from npc.hooks.addresses import resolved
from npc.hooks.signing import signed_headers
from tenants.addresses import AddressForbidden

logger = logging.getLogger(__name__)

# A state may have 128 KiB; what else an answer holds is small.
MAX_ANSWER_BYTES = 160 * 1024
USER_AGENT = "Troupe-Hooks/1.0"

Failure = Literal["timeout", "unreachable", "forbidden", "refused", "invalid"]


class HookFailed(Exception):
    """`why` is one word for the log: nothing of the game's answer, and no secret."""

    def __init__(self, why: Failure) -> None:
        super().__init__(why)
        self.why: Failure = why


async def call_hook(
    url: str, secret: str, *, kind: str, message_id: str, data: Mapping[str, Any], timeout_s: float
) -> dict[str, Any]:
    """Post `{type, timestamp, data}`; the answer's object, empty for 204. Raises HookFailed."""
    now = time.time()
    told = {"type": kind, "timestamp": datetime.fromtimestamp(now, UTC).isoformat(), "data": data}
    body = orjson.dumps(told)
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **signed_headers(secret, message_id, int(now), body),
    }
    try:
        async with asyncio.timeout(timeout_s):
            answer = await _post(url, headers, body)
            found = orjson.loads(answer) if answer else {}
    except TimeoutError:
        raise HookFailed("timeout") from None
    except AddressForbidden:
        raise HookFailed("forbidden") from None
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, UnicodeError):
        raise HookFailed("unreachable") from None
    except ValueError:  # also a port out of range
        raise HookFailed("invalid") from None
    if not isinstance(found, dict):
        raise HookFailed("invalid")
    return found


async def _post(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
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
            if not response.is_success:
                raise HookFailed("refused")
            return await _bounded(response)
        finally:
            await response.aclose()


async def _bounded(response: httpx2.Response) -> bytes:
    read = bytearray()
    async for data in response.aiter_bytes():
        read += data
        if len(read) > MAX_ANSWER_BYTES:
            raise HookFailed("invalid")
    return bytes(read)


@cache
def _ssl_context() -> SSLContext:
    return httpx2.create_ssl_context()
