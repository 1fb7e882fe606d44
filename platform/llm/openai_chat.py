"""Streamed chat with any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from llm.breaker import guarded
from llm.calling import ask, pause_before_retry
from llm.chat_stream import ChatStream
from llm.errors import NothingSaid, ProviderError, ProviderInvalid, ProviderTimeout, ProviderUnavailable, StreamCut
from llm.patience import Patience
from llm.text import scrub
from llm.tokens import count_tokens
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, StreamItem, TextDelta, Usage

if TYPE_CHECKING:
    from aiohttp import StreamReader

# After the finish reason only the usage is left to come; some endpoints then forget to say [DONE].
CLOSING_GRACE_S = 2.0
# To let the connection be used again the body is read to its end, if that end is there.
DRAIN_S = 0.25
# What endpoints add for each message around its text.
TOKENS_PER_MESSAGE = 4


async def stream_openai(
    route: RouteConfig, request: ChatRequest, *, has_next: bool = False
) -> AsyncGenerator[StreamItem, None]:
    """As `llm.door.stream_chat`, for routes with an endpoint."""
    deadline = asyncio.get_running_loop().time() + route.timeout_s
    body = request_body(route, request)
    attempt, has_begun = 0, False
    while True:
        attempt += 1
        try:
            with guarded(route, body["model"]) as breaker:
                async with aclosing(_attempt(route, request, body, deadline)) as items:
                    async for item in items:
                        if not has_begun:
                            has_begun = True
                            breaker.succeeded()
                        yield item
            return
        except ProviderError as error:
            if has_begun or not await pause_before_retry(error, attempt, deadline, has_next=has_next):
                raise


async def _attempt(
    route: RouteConfig, request: ChatRequest, body: dict[str, Any], deadline: float
) -> AsyncGenerator[StreamItem, None]:
    loop, stream, said = asyncio.get_running_loop(), ChatStream(), list[str]()
    response = await ask(route, body, deadline)
    patience = Patience(deadline)
    try:
        data: bytes | None = b""
        while data is not None and not stream.is_done:
            data = await _read(response.content, stream, patience)
            events = stream.events
            for item in stream.end() if data is None else stream.feed(data):
                if type(item) is TextDelta:
                    said.append(item.text)
                yield item
            if stream.failure:
                raise _in_context(stream.failure, stream)
            if stream.events > events:  # a keep-alive of some proxy is no reason to wait on
                patience.move(loop.time() + (CLOSING_GRACE_S if stream.finish_reason else route.stall_timeout_s))
        await _drain(response.content)
    finally:
        patience.end()
        response.release()
    yield _finished(stream, request, "".join(said))


async def _read(content: StreamReader, stream: ChatStream, patience: Patience) -> bytes | None:
    """The next bytes, or None at the end, even if the endpoint had finished and then ended badly."""
    import aiohttp  # as late as `llm.clients` does

    failure: ProviderError
    try:
        return await patience.wait_for(content.readany()) or None
    except TimeoutError:
        failure = ProviderTimeout()
    except (aiohttp.ClientError, OSError) as error:
        failure = ProviderUnavailable(upstream=repr(error))
    if stream.finish_reason:
        return None
    raise _in_context(failure, stream)


async def _drain(content: StreamReader) -> None:
    import aiohttp

    with suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(DRAIN_S):
            while await content.readany():
                pass


def _in_context(failure: ProviderError, stream: ChatStream) -> ProviderError:
    """What fails once something was said is a broken answer, not an endpoint that is down."""
    if isinstance(failure, ProviderUnavailable) and stream.answer_characters:
        return StreamCut(upstream=failure.upstream)
    return failure


def _finished(stream: ChatStream, request: ChatRequest, text: str) -> Finished:
    """The last item, if the answer is whole. Raises StreamCut, ProviderInvalid or NothingSaid if it is not."""
    if not stream.events:
        raise ProviderInvalid(upstream="an empty stream")
    if not (stream.finish_reason or stream.is_done):
        raise _in_context(ProviderUnavailable(upstream="ended without a finish reason"), stream)
    if not stream.answer_characters and stream.finish_reason != "filtered":
        nothing = NothingSaid(upstream=f"no text, finish reason {stream.finish_reason}")
        nothing.usage = stream.usage
        raise nothing
    return Finished(stream.finish_reason or "stop", stream.usage or estimated_usage(request.messages, text))


def estimated_usage(messages: Sequence[ChatMessage], text: str) -> Usage:
    """Tokens by our own count, for endpoints that do not tell."""
    prompt = sum(count_tokens(message.content) + TOKENS_PER_MESSAGE for message in messages)
    return Usage(input_tokens=prompt, output_tokens=count_tokens(text), is_estimate=True)


def request_body(route: RouteConfig, request: ChatRequest) -> dict[str, Any]:
    """The JSON that the endpoint gets: what was asked for and nothing else, so that old endpoints take it."""
    optional: dict[str, Any] = {
        "temperature": request.temperature,
        _max_tokens_name(route): request.max_output_tokens,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "response_format": request.response_format,
        "tools": list(request.tools) or None,
        "tool_choice": request.tool_choice,
        "parallel_tool_calls": request.parallel_tool_calls,
    }
    return {
        "model": request.model or route.chat_model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in optional.items() if value is not None},
    }


def _message(message: ChatMessage) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": scrub(message.content)}
    if message.tool_calls:
        sent["tool_calls"] = list(message.tool_calls)
    if message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _max_tokens_name(route: RouteConfig) -> str:
    """OpenAI's newer models refuse the old name, and most other endpoints know only that."""
    is_openai = route.base_url.startswith("https://api.openai.com/")
    return "max_completion_tokens" if is_openai else "max_tokens"
