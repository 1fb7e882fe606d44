"""Answers over HTTP: whole, or as Server-Sent Events. Asynchronous views, which hold no transaction."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from chat.access import access_conversation
from chat.api.serializers import TurnRequestSerializer
from chat.engine import engine, ensure_heart
from chat.errors import HistoryGone
from chat.events import Event, Item
from chat.history import ending_of, latest_seq
from chat.hub import TooSlow, hub
from chat.models import Turn
from chat.posting import clean_said, clean_variables
from chat.preparing import Overrides, take_in
from chat.process import heart
from chat.replaying import replay
from tenants.asynchronous import for_callers, json_body, validated
from tenants.authentication import Caller
from tenants.errors import Invalid, PlatformError
from tenants.scope import in_tenant

# Proxies close streams that are silent for a minute; a comment now and then keeps them open.
KEEP_ALIVE_S = 15.0


@for_callers("chat", "GET")
async def events_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """The socket's events, from `Last-Event-ID` or `?after=` on, as they come."""
    await in_tenant(caller.tenant_id, access_conversation, caller.tenant_id, conversation_id)
    after = _number(request.headers.get("Last-Event-ID") or request.GET.get("after"))
    return event_stream(_follow(caller.tenant_id, conversation_id, after))


@for_callers("chat", "POST")
async def turns_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """Say something and get the completed turn; or its events, with `Accept: text/event-stream`."""
    asked = validated(TurnRequestSerializer(data=json_body(request)))
    posting = Posting(
        caller.tenant_id,
        conversation_id,
        client_id=asked["client_id"],
        text=clean_said(asked["text"]),
        variables=clean_variables(asked.get("variables")),
    )
    if "text/event-stream" in request.headers.get("Accept", ""):
        return await posting.streamed()
    return JsonResponse(await posting.completed())


class Posting:
    """A message posted over HTTP, and the turn that answers it."""

    def __init__(
        self, tenant_id: UUID, conversation_id: UUID, *, client_id: UUID, text: str,
        variables: dict[str, str] | None = None, overrides: Overrides | None = None,
    ) -> None:
        self.tenant_id = tenant_id
        self.conversation_id = conversation_id
        self.overrides = overrides
        self._said = {"client_id": client_id, "text": text, "variables": variables or {}}

    async def completed(self) -> dict[str, Any]:
        """The completed turn. Raises what made it fail."""
        async for item in self.items():
            if item.type == "turn.completed" and isinstance(item, Event):
                return {**item.body, "client_id": str(self._said["client_id"])}
            if item.type == "turn.failed" and isinstance(item, Event):
                raise TurnFailed(item.body)
        raise HistoryGone

    async def streamed(self) -> HttpResponseBase:
        """The turn's events. What forbids the turn is said before the stream begins."""
        items = self.items()
        first = await anext(items)
        return event_stream(_chain(first, items))

    async def items(self) -> AsyncIterator[Item]:
        """The events of this turn, from its first to its last. A turn that is over already is told from its rows."""
        await ensure_heart()
        posted, loaded = await in_tenant(
            self.tenant_id, take_in, overrides=self.overrides, conversation_id=self.conversation_id, process_id=heart.process_id, **self._said
        )
        if not posted.is_new and (ending := await in_tenant(self.tenant_id, self._ending, posted.turn.pk)):
            yield ending
            return
        begins_after = posted.turn.first_seq - 1
        async with hub().subscription(self.tenant_id, self.conversation_id, begins_after) as subscription:
            if posted.is_new:
                subscription.release()
                engine().start(posted, loaded, self.overrides)
            else:
                await replay(subscription, self.tenant_id, begins_after)
            async for item in subscription:
                if _turn_of(item) not in (None, str(posted.turn.pk)):
                    continue
                yield item
                if item.type in ("turn.completed", "turn.failed"):
                    return

    @staticmethod
    def _ending(turn_id: UUID) -> Item | None:
        turn = Turn.objects.select_related("answer").get(pk=turn_id)
        return ending_of(turn) if turn.last_seq else None


class TurnFailed(PlatformError):
    """A turn that failed, as the answer to who waited for it: with the code and status of what made it fail."""

    STATUS = {"provider_timeout": 504, "turn_interrupted": 503, "taken_over": 409, "internal_error": 500}

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["detail"], retryable=body["retryable"], text=body["text"], turn_id=body["turn_id"])
        self.code = body["code"]  # type: ignore[misc]
        self.status = self.STATUS.get(body["code"], 502)  # type: ignore[misc]


async def _follow(tenant_id: UUID, conversation_id: UUID, after: int | None) -> AsyncIterator[Item]:
    start = await in_tenant(tenant_id, latest_seq, conversation_id) if after is None else after
    async with hub().subscription(tenant_id, conversation_id, start) as subscription:
        await replay(subscription, tenant_id, start)
        async for item in subscription:
            yield item


async def _chain(first: Item, rest: AsyncIterator[Item]) -> AsyncIterator[Item]:
    yield first
    async for item in rest:
        yield item


def event_stream(items: AsyncIterator[Item]) -> StreamingHttpResponse:
    """Items as Server-Sent Events, `id:` being the seq."""
    response = StreamingHttpResponse(_lines(items), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _lines(items: AsyncIterator[Item]) -> AsyncIterator[bytes]:
    yield b": hello\n\n"
    waiting: asyncio.Task[Item] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(items))  # type: ignore[arg-type]
            done, _pending = await asyncio.wait([waiting], timeout=KEEP_ALIVE_S)
            if not done:
                yield b": still here\n\n"
                continue
            item, waiting = waiting.result(), None
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (item.last, item.type.encode(), item.frame())
    except (StopAsyncIteration, TooSlow):
        return
    finally:
        if waiting:
            waiting.cancel()
        await items.aclose()  # type: ignore[attr-defined]


def _turn_of(item: Item) -> str | None:
    return item.turn_id if not isinstance(item, Event) else item.body.get("turn_id")


def _number(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    try:
        number = int(text)
    except ValueError:
        raise Invalid.field("after", "The last seq that was seen, a number.") from None
    if not 0 <= number < 2**63:
        raise Invalid.field("after", "The last seq that was seen, a number.")
    return number

