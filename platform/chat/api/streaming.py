"""Answers over HTTP: whole, or as Server-Sent Events. Asynchronous views, which hold no transaction."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from chat.access import access_conversation
from chat.api.posting import Posting, behalf_of
from chat.api.serializers import TurnRequestSerializer
from chat.events import Item
from chat.frames import MAX_SEQ
from chat.history import latest_seq
from chat.hub import hub
from chat.posting import clean_said
from chat.subscription import Ended
from chat.visiting import next_seq
from personas.variables import check_variables
from tenants.asynchronous import for_callers, json_body, validated
from tenants.authentication import Caller
from tenants.errors import Invalid, PlatformError
from tenants.scope import in_tenant

# Proxies close streams that are silent for a minute; a comment now and then keeps them open.
KEEP_ALIVE_S = 15.0


@for_callers("chat", "GET")
async def events_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """The socket's events, from `Last-Event-ID` or `?after=` on, as they come."""
    after = after_of(request)
    await in_tenant(caller.tenant_id, access_conversation, caller.tenant_id, conversation_id)
    return await event_stream(follow(caller.tenant_id, conversation_id, after))


@for_callers("chat", "POST")
async def turns_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Say something and get the completed turn; or its events, with `Accept: text/event-stream`.

    Who lost the stream sends the same `client_id` again with `Last-Event-ID`, and goes on behind it.
    """
    asked = validated(TurnRequestSerializer, json_body(request))
    is_stream = "text/event-stream" in request.headers.get("Accept", "")
    posting = Posting(
        caller.tenant_id,
        conversation_id,
        client_id=asked["client_id"],
        text=clean_said(asked["text"]),
        variables=check_variables(asked.get("variables")),
        on_behalf=behalf_of(caller),
        key_id=caller.key_id,
        after=after_of(request) if is_stream else None,
    )
    if is_stream:
        return await event_stream(posting.items())
    return JsonResponse(await posting.completed())


async def follow(tenant_id: UUID, conversation_id: UUID, after: int | None) -> AsyncIterator[Item | None]:
    """All events of a conversation behind `after`; first None, once it is sure that they can be told."""
    async with hub().subscription(tenant_id, conversation_id) as subscription:
        if after is None:
            after = await in_tenant(tenant_id, latest_seq, conversation_id)
        elif after >= await in_tenant(tenant_id, next_seq, conversation_id):
            raise Invalid.field("after", _("This number was not given yet."))
        await hub().replay(subscription, after)
        yield None
        async for item in subscription:
            yield item


async def event_stream(items: AsyncIterator[Any]) -> StreamingHttpResponse:
    """Items as Server-Sent Events, `id:` being the seq.

    What forbids them is raised before the stream begins.
    """
    first = await anext(items, None)
    response = StreamingHttpResponse(_lines(first, items), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _lines(first: Item | None, items: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    waiting: asyncio.Future[Item] | None = None
    try:
        yield b": hello\n\n" if first is None else _line(first)
        while True:
            waiting = waiting or asyncio.ensure_future(anext(items))
            done, _pending = await asyncio.wait([waiting], timeout=KEEP_ALIVE_S)
            if done:
                item, waiting = waiting.result(), None
                yield _line(item)
            else:
                yield b": still here\n\n"
    except (StopAsyncIteration, Ended, PlatformError):  # over, sent away, or erased meanwhile
        return
    finally:
        if waiting:  # a generator that runs cannot be closed
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await items.aclose()  # type: ignore[attr-defined]


def _line(item: Item) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (item.last, item.type.encode(), item.frame())


def after_of(request: HttpRequest) -> int | None:
    """The last number that a client says it saw. Raises Invalid."""
    text = request.headers.get("Last-Event-ID") or request.GET.get("after")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or int(text) >= MAX_SEQ:
        raise Invalid.field("after", _("The last seq that was seen, a number."))
    return int(text)
