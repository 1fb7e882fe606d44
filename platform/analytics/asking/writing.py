"""Asking a model for SQL: some replies at once, each call bounded in time and length, metered, and left when told."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from uuid import UUID

from analytics.asking.prompt import RESPONSE_FORMAT
from analytics.asking.reply import MAX_REPLY_CHARACTERS, Reply, ReplyUnreadable, read_reply
from analytics.asking.watching import Watch
from llm.door import stream_chat
from llm.errors import ProviderError, ProviderInvalid, ProviderTimeout
from llm.metering import Payer, record_call, settle_calls
from llm.models import ModelCall
from llm.openai_chat import estimated_usage
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, TextDelta, Usage
from tenants.looping import run_in_loop
from tenants.scope import tenant_scope

# For all of an answer: a model that goes on and on is left.
LONGEST_ANSWER_S = 120.0
MAX_OUTPUT_TOKENS = 4000
# Further candidates shall differ from the first.
OTHER_TEMPERATURE = 0.8

# Endpoints and models that take neither a form for the reply nor a temperature.
_PLAIN_ONLY: set[tuple[str, str]] = set()


@dataclass
class Call:
    """One call of the model: what it said and used, or why it said nothing."""

    request: ChatRequest
    text: str = ""
    usage: Usage | None = None
    error: ProviderError | None = None
    took_ms: int = 0
    outcome: str = ModelCall.Outcome.STOPPED
    pieces: list[str] = field(default_factory=list)

    def reply(self) -> Reply:
        """Raises ProviderError, or ReplyUnreadable."""
        if self.error is not None:
            raise self.error
        return read_reply(self.text)


def ask_model(
    route: RouteConfig,
    messages: Sequence[ChatMessage],
    *,
    count: int,
    watch: Watch,
    payer: Payer,
    held: UUID | None = None,
) -> list[Reply]:
    """As many readable replies to one prompt as came, at most `count`; the calls are made side by side and metered.

    `held`: under what the money for them is reserved, to be settled.

    Raises Stopped when the question was stopped meanwhile. If there is no readable reply: ProviderError, or
    ReplyUnreadable if the model said something.
    """
    request = ChatRequest(
        messages, temperature=0.0, max_output_tokens=MAX_OUTPUT_TOKENS, response_format=RESPONSE_FORMAT
    )
    calls = [Call(replace(request, temperature=OTHER_TEMPERATURE if number else 0.0)) for number in range(count)]
    try:
        run_in_loop(_call_all(route, calls, watch))
    finally:
        _meter(route, calls, watch, payer, held)
    watch.check()
    return _readable(calls)


def _readable(calls: Sequence[Call]) -> list[Reply]:
    replies, failures = list[Reply](), list[Exception]()
    for call in calls:
        try:
            replies.append(call.reply())
        except (ProviderError, ReplyUnreadable) as failure:
            failures.append(failure)
    if not replies:
        raise next((each for each in failures if isinstance(each, ReplyUnreadable)), failures[0])
    return replies


async def _call_all(route: RouteConfig, calls: Sequence[Call], watch: Watch) -> None:
    async def call_all() -> None:
        await asyncio.gather(*(_call(route, call) for call in calls))

    loop, calling = asyncio.get_running_loop(), asyncio.ensure_future(call_all())
    with watch.hanging_up_by(lambda: loop.call_soon_threadsafe(calling.cancel)):
        await asyncio.wait([calling])
    if not calling.cancelled():
        calling.result()


async def _call(route: RouteConfig, call: Call) -> None:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST_ANSWER_S):
            await _listen_in_form(route, call)
        call.outcome = ModelCall.Outcome.OK
    except TimeoutError:
        call.error, call.outcome = ProviderTimeout(), ModelCall.Outcome.FAILED
    except ProviderError as error:
        call.error, call.outcome = error, ModelCall.Outcome.FAILED
    finally:
        call.text = "".join(call.pieces)
        call.took_ms = round((time.monotonic() - began) * 1000)


async def _listen_in_form(route: RouteConfig, call: Call) -> None:
    """Ask for a JSON object of one shape; where that is refused, ask without."""
    plain = replace(call.request, response_format=None, temperature=None)
    key = (route.base_url, route.chat_model)
    if key in _PLAIN_ONLY:
        await _listen(route, call, plain)
        return
    try:
        await _listen(route, call, call.request)
    except ProviderInvalid:
        if call.pieces:
            raise
        await _listen(route, call, plain)
        _PLAIN_ONLY.add(key)


async def _listen(route: RouteConfig, call: Call, request: ChatRequest) -> None:
    heard = 0
    async with aclosing(stream_chat(route, request)) as stream:
        async for item in stream:
            if isinstance(item, TextDelta):
                call.pieces.append(item.text)
                heard += len(item.text)
                if heard > MAX_REPLY_CHARACTERS:
                    return
            elif isinstance(item, Finished):
                call.usage = item.usage


def _meter(route: RouteConfig, calls: Sequence[Call], watch: Watch, payer: Payer, held: UUID | None) -> None:
    with tenant_scope(watch.tenant_id):
        made = [
            record_call(
                route=route,
                usage=call.usage or estimated_usage(call.request.messages if call.text else (), call.text),
                duration_ms=call.took_ms,
                payer=payer,
                outcome=call.outcome,
                error_code=call.error.code if call.error else "",
                is_reserved=held is not None,
            )
            for call in calls
        ]
        if held is not None:
            settle_calls(held, made, watch.tenant_id, payer)
