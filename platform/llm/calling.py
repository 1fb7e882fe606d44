"""One HTTP call to an OpenAI-compatible endpoint: its failures as ours, and when to try again."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx2
from django.utils.translation import gettext_lazy as _

from llm.clients import MAX_FAILURE_BYTES, clients
from llm.errors import EndpointResting, ProviderError, ProviderInvalid, ProviderTimeout, ProviderUnavailable
from llm.types import RouteConfig

if TYPE_CHECKING:
    from aiohttp import ClientResponse

MAX_ATTEMPTS = 3
FIRST_PAUSE_S = 0.25
# Nobody watches an empty answer for longer; whoever asks learns how long to wait instead.
MAX_PAUSE_S = 10.0
# Where another route waits to be asked, only a hiccup is waited for.
MAX_ATTEMPTS_BEFORE_NEXT = 2
MAX_PAUSE_BEFORE_NEXT_S = 0.5
# What asks for more than a month means something else.
LONGEST_WAIT_S = 30 * 86_400

PASSING_STATUSES = {408, 409, 425, 429}


async def post(route: RouteConfig, path: str, body: Mapping[str, Any], deadline: float) -> httpx2.Response:
    """Send a request and return the response with its body unread. `deadline` is on the loop's clock.

    Raises ProviderError; the caller closes the response.
    """
    import openai  # as late as `llm.clients` does

    try:
        client = clients().endpoint(route).client
        async with asyncio.timeout_at(deadline):
            return await client.post(path, cast_to=httpx2.Response, body=dict(body), stream=True, stream_cls=None)
    except TimeoutError:
        raise ProviderTimeout from None
    except openai.APIStatusError as error:
        raise _refusal(error.status_code, error.response.headers, error.message) from None
    except openai.APIConnectionError as error:
        raise ProviderUnavailable(upstream=repr(error.__cause__ or error)) from None
    except (openai.APIError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise ProviderInvalid(upstream=repr(error)) from None


async def ask(route: RouteConfig, body: Mapping[str, Any], deadline: float) -> ClientResponse:
    """Ask for an answer, and return the response with its body unread. `deadline` is on the loop's clock.

    Raises ProviderError; the caller releases the response.
    """
    import aiohttp

    try:
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        async with asyncio.timeout_at(deadline):
            response = await clients().ask(route, data)
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                return response
            with closing(response):
                said = bytearray()
                while len(said) < MAX_FAILURE_BYTES and (data := await response.content.readany()):
                    said += data
            raise _refusal(response.status, response.headers, said[:MAX_FAILURE_BYTES].decode(errors="replace"))
    except TimeoutError:
        raise ProviderTimeout from None
    except (aiohttp.InvalidURL, httpx2.InvalidURL, ValueError) as error:
        raise ProviderInvalid(upstream=repr(error)) from None
    except (aiohttp.ClientError, OSError) as error:
        raise ProviderUnavailable(upstream=repr(error)) from None


async def pause_before_retry(error: ProviderError, attempt: int, deadline: float, *, has_next: bool = False) -> bool:
    """Wait before trying again, as long as the endpoint asks for. Returns False when there is no use in it.

    Only what may pass is tried again: connections refused or broken, 429 and 5xx. Attempts count from 1.
    `has_next`: another route would answer instead.
    """
    max_attempts = MAX_ATTEMPTS_BEFORE_NEXT if has_next else MAX_ATTEMPTS
    max_pause_s = MAX_PAUSE_BEFORE_NEXT_S if has_next else MAX_PAUSE_S
    is_passing = isinstance(error, ProviderUnavailable) and error.retryable and not isinstance(error, EndpointResting)
    if not is_passing or attempt >= max_attempts:
        return False
    pause_s = FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, no secret
    pause_s = max(pause_s, error.retry_after_s or 0.0)
    if pause_s > max_pause_s or asyncio.get_running_loop().time() + pause_s >= deadline:
        return False
    await asyncio.sleep(pause_s)
    return True


def _refusal(status: int, headers: Mapping[str, str], said: str) -> ProviderError:
    """What a status of 300 and above means for the caller."""
    upstream = f"{status}: {said}"
    if status in PASSING_STATUSES or status >= 500:
        return ProviderUnavailable(
            retryable=headers.get("x-should-retry") != "false",
            retry_after_s=retry_after_s(headers),
            upstream=upstream,
        )
    if status in (401, 403):
        detail = _("The model endpoint refuses our key; enter a valid API key in its route.")
        return ProviderUnavailable(detail, retryable=False, upstream=upstream)
    if status == 402:
        detail = _("The account at the model endpoint has no credit left.")
        return ProviderUnavailable(detail, retryable=False, upstream=upstream)
    if status < 400 or status == 404:
        detail = _("The model endpoint does not know this address or model; check base URL and model of its route.")
        return ProviderInvalid(detail, upstream=upstream)
    detail = _("The model endpoint did not accept the request; its words are in the trace.")
    return ProviderInvalid(detail, upstream=upstream, is_endpoints_fault=False)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After-Ms` or `Retry-After`, a number or a date. None if absent or nonsense."""
    for read in (_milliseconds, _seconds, _seconds_until):
        with suppress(ValueError, TypeError, OverflowError):
            wait_s = read(headers)
            if 0 <= wait_s < LONGEST_WAIT_S:
                return wait_s
    return None


def _milliseconds(headers: Mapping[str, str]) -> float:
    return float(headers.get("retry-after-ms", "")) / 1000


def _seconds(headers: Mapping[str, str]) -> float:
    return float(headers.get("retry-after", ""))


def _seconds_until(headers: Mapping[str, str]) -> float:
    at = parsedate_to_datetime(headers.get("retry-after", ""))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (at - datetime.now(UTC)).total_seconds()
