"""No body is taken in beyond what any call takes, and one that states no length is taken in like any other.

Django reads a request to its end, onto the disk, before a view can refuse it. Here it is refused by its stated length
before it is read, and one that states none is read no further than the limit.
"""

import asyncio
from contextlib import suppress
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.utils import translation

from config.failures import told
from config.middleware import name_request
from knowledge.parsing import MAX_FILE_BYTES
from knowledge.parsing.errors import FileTooLarge
from tenants.errors import BodyTooLarge, PlatformError
from tenants.problems import problem_response

# The largest file, and what a form has around it.
MAX_BODY_BYTES = MAX_FILE_BYTES + 1024 * 1024
# A client that still sends would take a closed connection for a broken one, and not read why.
LINGER_S = 2.0


class BodyLimit:
    """ASGI middleware around Django's handler."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if _stated_length(scope) > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)
            return
        body = Metered(receive)
        await self.app(scope, body.receive, send)
        if body.is_over:
            await _refuse(scope, receive, send)


class Metered:
    """A request's `receive`. Beyond the limit the client seems to have gone, so that Django drops what it has."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._left = MAX_BODY_BYTES

    @property
    def is_over(self) -> bool:
        return self._left < 0

    async def receive(self) -> Any:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_over else message


def _stated_length(scope: Any) -> int:
    stated = dict(scope["headers"]).get(b"content-length", b"")
    return int(stated) if stated.isdigit() else 0


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answer, then let the client end for a moment, and hang up."""
    response = _refusal(scope)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body"})


def _refusal(scope: Any) -> HttpResponse:
    request = ASGIRequest(scope, BytesIO())
    name = name_request(request)
    is_upload = request.content_type == "multipart/form-data"
    error: PlatformError = FileTooLarge() if is_upload else BodyTooLarge()
    with translation.override(translation.get_language_from_request(request)):
        response = told(request, error) or problem_response(error, request)
    response["Content-Length"] = str(len(response.content))
    response["Connection"] = "close"
    response["X-Request-Id"] = name
    return response
