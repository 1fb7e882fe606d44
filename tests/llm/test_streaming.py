"""Chat through the door, against a scripted endpoint on a real socket."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from llm.calling import retry_after_s
from llm.door import stream_chat
from llm.errors import ProviderError, ProviderInvalid, ProviderTimeout, ProviderUnavailable, StreamCut
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, StreamItem, TextDelta, ToolCallDelta
from tests.fakes.openai_server import CHAT_MODEL, FakeOpenAI, fail, say

QUESTION = ChatRequest([ChatMessage("system", "You keep an inn."), ChatMessage("user", "有房间吗？")])


@pytest.fixture
def route(fake_openai: FakeOpenAI) -> RouteConfig:
    return RouteConfig(
        slug="acme",
        provider="openai",
        base_url=fake_openai.base_url,
        api_key="sk-acme",
        chat_model=CHAT_MODEL,
        timeout_s=5.0,
        stall_timeout_s=5.0,
    )


async def listen(route: RouteConfig, request: ChatRequest = QUESTION) -> list[StreamItem]:
    return [item async for item in stream_chat(route, request)]


async def listen_until_it_fails(route: RouteConfig) -> tuple[str, ProviderError]:
    """What was said before the failure, and the failure."""
    heard: list[StreamItem] = []
    try:
        async for item in stream_chat(route, QUESTION):
            heard.append(item)
    except ProviderError as error:
        assert not any(isinstance(item, Finished) for item in heard)
        return text_of(heard), error
    raise AssertionError(f"it did not fail but said {heard}")


def text_of(items: list[StreamItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


class TestAWholeAnswer:
    async def test_it_streams_in_pieces_and_says_when_it_is_whole(self, route, fake_openai):
        fake_openai.will_say("还有一间。One room left, traveller.", chunks=6, delay_s=0.05, usage=(40, 12, 30))

        *deltas, end = await listen(route)

        assert text_of(deltas) == "还有一间。One room left, traveller."
        assert len(deltas) > 1
        assert end.finish_reason == "stop"
        assert (end.usage.input_tokens, end.usage.output_tokens, end.usage.cached_tokens) == (40, 12, 30)
        assert not end.usage.is_estimate
        assert end.cited is None

    async def test_the_endpoint_gets_key_model_and_messages_and_nothing_that_was_not_asked_for(
        self, route, fake_openai
    ):
        fake_openai.will_say("Yes.")

        await listen(route)

        (request,) = fake_openai.chat_requests
        assert request.headers["authorization"] == "Bearer sk-acme"
        assert request.body == {
            "model": CHAT_MODEL,
            "messages": [
                {"role": "system", "content": "You keep an inn."},
                {"role": "user", "content": "有房间吗？"},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def test_the_operators_own_account_is_not_told_to_a_tenants_endpoint(self, route, fake_openai, monkeypatch):
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
            monkeypatch.setenv(name, "operator-secret")
        fake_openai.will_say("Yes.")

        await listen(replace(route, api_key=""))

        assert "operator-secret" not in str(fake_openai.chat_requests[0].headers)

    async def test_what_a_persona_sets_is_passed_on(self, route, fake_openai):
        fake_openai.will_say("Yes.")
        schema = {"type": "json_schema", "json_schema": {"name": "npc", "schema": {"type": "object"}}}

        await listen(
            route,
            replace(
                QUESTION,
                model="large",
                temperature=0.0,
                max_output_tokens=64,
                stop=["\n"],
                seed=7,
                response_format=schema,
            ),
        )

        body = fake_openai.chat_requests[0].body
        assert {name: body[name] for name in ("model", "temperature", "max_tokens", "stop", "seed")} == {
            "model": "large",
            "temperature": 0.0,
            "max_tokens": 64,
            "stop": ["\n"],
            "seed": 7,
        }
        assert body["response_format"] == schema

    @pytest.mark.parametrize(("sent", "means"), [("length", "length"), ("content_filter", "filtered"), ("eos", "stop")])
    async def test_why_it_ended(self, route, fake_openai, sent, means):
        fake_openai.will_say("As I was say", finish_reason=sent)

        assert (await listen(route))[-1].finish_reason == means

    @pytest.mark.parametrize("reason", ["stop", "length"])
    async def test_an_answer_without_a_word_is_none(self, route, fake_openai, reason):
        fake_openai.will_say("", finish_reason=reason)

        said, error = await listen_until_it_fails(route)

        assert (said, error.code, error.retryable) == ("", "provider_invalid", True)
        assert len(fake_openai.chat_requests) == 1

    async def test_a_filter_may_leave_nothing(self, route, fake_openai):
        fake_openai.will_say("", finish_reason="content_filter")

        assert [item.finish_reason for item in await listen(route)] == ["filtered"]

    async def test_a_tool_may_be_called_without_a_word(self, route, fake_openai):
        fake_openai.will_call("give_key", {"room": 3})

        assert (await listen(route))[-1].finish_reason == "tool_calls"

    async def test_a_tool_is_called_with_arguments_in_pieces(self, route, fake_openai):
        fake_openai.will_call("give_key", {"room": 3, "to": "旅人"}, saying="Here.")

        items = await listen(route)

        calls = [item for item in items if isinstance(item, ToolCallDelta)]
        assert (calls[0].id, calls[0].name) == ("call_0", "give_key")
        assert "".join(call.arguments for call in calls) == '{"room": 3, "to": "旅人"}'
        assert text_of(items) == "Here."
        assert items[-1].finish_reason == "tool_calls"

    async def test_usage_is_estimated_where_the_endpoint_does_not_tell(self, route, fake_openai):
        fake_openai.will_send_rubbish(
            b'data: {"choices":[{"delta":{"content":"\xe4\xbd\xa0\xe5\xa5\xbd"}}]}\n\ndata: [DONE]\n\n'
        )

        end = (await listen(route))[-1]

        assert end.finish_reason == "stop"
        # 16 Latin characters, 4 Chinese ones with their punctuation, 2 messages; then 2 characters.
        assert (end.usage.input_tokens, end.usage.output_tokens) == (5 + 4 + 5 + 4, 2)
        assert end.usage.is_estimate

    async def test_a_second_answer_comes_over_the_same_connection(self, route, fake_openai):
        fake_openai.will_say("Yes.", times=2)

        await listen(route)
        await listen(route)

        assert fake_openai.connection_count == 1


class TestBeforeTheFirstWord:
    @pytest.mark.parametrize("status", [429, 500, 503, 529])
    async def test_a_passing_failure_is_tried_again(self, route, fake_openai, status):
        fake_openai.will_fail(status)
        fake_openai.will_say("Now I can.")

        assert text_of(await listen(route)) == "Now I can."
        assert len(fake_openai.chat_requests) == 2

    async def test_a_connection_that_breaks_unused_is_tried_again(self, route, fake_openai):
        fake_openai.will_cut()
        fake_openai.will_say("Now I can.")

        assert text_of(await listen(route)) == "Now I can."

    async def test_it_gives_up_after_three_times(self, route, fake_openai):
        fake_openai.will_fail(503, times=None)

        text, error = await listen_until_it_fails(route)

        assert (text, error.code, error.status, error.retryable) == ("", "provider_unavailable", 502, True)
        assert len(fake_openai.chat_requests) == 3

    async def test_it_waits_as_long_as_the_endpoint_asks(self, route, fake_openai):
        fake_openai.will_fail(429, headers={"Retry-After": "1"})
        fake_openai.will_say("Now I can.")
        started = time.monotonic()

        await listen(route)

        assert time.monotonic() - started >= 1.0

    async def test_it_does_not_wait_longer_than_anybody_would_watch(self, route, fake_openai):
        fake_openai.will_fail(429, headers={"Retry-After": "3600"})

        _, error = await listen_until_it_fails(route)

        assert len(fake_openai.chat_requests) == 1
        assert error.headers == {"Retry-After": "3601"}

    @pytest.mark.parametrize(
        ("status", "code"),
        [(400, "provider_invalid"), (401, "provider_unavailable"), (404, "provider_invalid")],
    )
    async def test_what_will_not_pass_is_not_tried_again(self, route, fake_openai, status, code):
        fake_openai.will_fail(status, {"error": {"message": "Incorrect API key provided: sk-acme"}})

        _, error = await listen_until_it_fails(route)

        assert (error.code, error.retryable) == (code, False)
        assert "sk-acme" not in str(error.detail)
        assert "sk-acme" in error.upstream
        assert len(fake_openai.chat_requests) == 1

    async def test_a_failure_that_never_ends_is_read_no_further_than_its_beginning(self, route, fake_openai):
        fake_openai.will_fail(400, b"x" * 30_000_000)

        _, error = await listen_until_it_fails(route)

        assert isinstance(error, ProviderInvalid)
        assert await fake_openai.chat_requests[0].client_leaves()

    async def test_nobody_listens_there(self, route):
        _, error = await listen_until_it_fails(replace(route, base_url="http://127.0.0.1:9/v1"))

        assert (error.code, error.retryable) == ("provider_unavailable", True)

    async def test_a_silent_endpoint_is_left_when_the_time_is_over(self, route, fake_openai):
        fake_openai.will_say("Too late.", first_delay_s=30)

        _, error = await listen_until_it_fails(replace(route, timeout_s=0.2))

        assert (error.code, error.status, error.retryable) == ("provider_timeout", 504, True)
        assert await fake_openai.chat_requests[0].client_leaves()

    async def test_a_model_that_opens_the_stream_and_says_nothing(self, route, fake_openai):
        fake_openai.will_stall()

        _, error = await listen_until_it_fails(replace(route, timeout_s=0.2))

        assert isinstance(error, ProviderTimeout)

    async def test_a_redirect_is_not_followed(self, route, fake_openai):
        fake_openai.will_answer_with(lambda _: fail(307, headers={"Location": "http://127.0.0.1:9/"}))

        _, error = await listen_until_it_fails(route)

        assert isinstance(error, ProviderInvalid)

    async def test_a_cookie_is_told_to_nobody(self, route, fake_openai):
        """Or one tenant's would come along with another's question."""
        here = replace(route, base_url=fake_openai.base_url.replace("127.0.0.1", "localhost"))
        cookie = {"Set-Cookie": "session=acme; Path=/"}
        fake_openai.will_answer_with(lambda _: replace(say("One room."), headers=cookie))
        fake_openai.will_say("Two rooms.")

        await listen(here)
        await listen(replace(here, api_key="sk-globex"))

        assert ["cookie" in request.headers for request in fake_openai.chat_requests] == [False, False]

    async def test_the_way_leads_over_the_operators_proxy(self, route, fake_openai, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", fake_openai.base_url.removesuffix("/v1"))

        await listen_until_it_fails(replace(route, base_url="http://models.example/v1"))

        assert fake_openai.requests[0].path == "http://models.example/v1/chat/completions"

    async def test_the_operators_netrc_is_not_for_a_tenants_endpoint(self, route, fake_openai, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login operator password hush")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        fake_openai.will_say("One room.")

        await listen(replace(route, api_key="sk-acme"))

        assert fake_openai.requests[0].headers["authorization"] == "Bearer sk-acme"


class TestInTheMiddleOfAnAnswer:
    async def test_a_cut_keeps_what_was_said_and_tries_nothing_again(self, route, fake_openai):
        fake_openai.will_cut(after="还有一间，不过")

        text, error = await listen_until_it_fails(route)

        assert text == "还有一间，不过"
        assert isinstance(error, StreamCut)
        assert (error.code, error.retryable) == ("provider_unavailable", True)
        assert len(fake_openai.chat_requests) == 1

    async def test_a_stall_ends_in_its_own_time_limit(self, route, fake_openai):
        fake_openai.will_stall(after="One room")

        text, error = await listen_until_it_fails(replace(route, stall_timeout_s=0.2))

        assert text == "One room"
        assert isinstance(error, ProviderTimeout)
        assert await fake_openai.chat_requests[0].client_leaves()

    async def test_a_slow_listener_is_no_stall(self, route, fake_openai):
        fake_openai.will_say("One room left, traveller.")
        heard = []

        async for item in stream_chat(replace(route, stall_timeout_s=0.2), QUESTION):
            heard.append(item)
            await asyncio.sleep(0.1)

        assert text_of(heard) == "One room left, traveller."

    async def test_leaving_hangs_up_at_once(self, route, fake_openai):
        fake_openai.will_stall(after="One room")

        async with aclosing(stream_chat(route, QUESTION)) as items:
            async for _ in items:
                break

        assert await fake_openai.chat_requests[0].client_leaves()

    async def test_a_cancelled_turn_hangs_up_at_once(self, route, fake_openai):
        fake_openai.will_stall(after="One room")
        turn = asyncio.create_task(listen(route))
        request = await fake_openai.is_asked()
        await asyncio.sleep(0.05)

        turn.cancel()

        assert await request.client_leaves()
        with pytest.raises(asyncio.CancelledError):
            await turn

    async def test_a_failure_the_endpoint_reports_itself(self, route, fake_openai):
        said = b'data: {"choices":[{"delta":{"content":"One "}}]}\n\n'
        fake_openai.will_send_rubbish(said + b'data: {"error":{"message":"overloaded"}}\n\n')

        text, error = await listen_until_it_fails(route)

        assert text == "One "
        assert isinstance(error, StreamCut)
        assert "overloaded" in error.upstream


class TestRubbish:
    @pytest.mark.parametrize(
        "body",
        [
            b"<html><body>Welcome to the hotel's wireless network</body></html>",
            b'{"id": "1", "choices": [{"message": {"content": "not streamed"}}]}',
            b"",
            b"data: [DONE]\n\n",
            b"data: {not json\n\n",
            b"data: 42\n\n",
            b'data: {"choices": "none"}\n\n',
            b'data: {"choices": [1]}\n\n',
            b'data: {"choices": [{"delta": "text"}]}\n\n',
            b'data: {"choices": [{"delta": {"content": {"text": "no"}}}]}\n\n',
            b'data: {"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]}\n\n',
            b"data: " + b"[" * 100_000 + b"\n\n",
            b"data: " + b"x" * 1_200_000,
            bytes(range(256)) * 8,
        ],
        ids=lambda body: repr(body[:30]),
    )
    async def test_no_answer_no_retry_and_a_clear_error(self, route, fake_openai, body):
        fake_openai.will_send_rubbish(body)

        text, error = await listen_until_it_fails(route)

        assert (text, error.code, error.status) == ("", "provider_invalid", 502)
        assert len(error.upstream) <= 500
        assert len(fake_openai.chat_requests) == 1

    async def test_rubbish_after_words_is_no_whole_answer(self, route, fake_openai):
        fake_openai.will_send_rubbish(b'data: {"choices":[{"delta":{"content":"One "}}]}\n\ndata: <html>\n\n')

        text, error = await listen_until_it_fails(route)

        assert (text, error.code) == ("One ", "provider_invalid")

    async def test_an_endless_answer_is_ended(self, route, fake_openai):
        event = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 200_000)
        fake_openai.will_send_rubbish(event * 6)

        _, error = await listen_until_it_fails(route)

        assert isinstance(error, ProviderInvalid)

    async def test_an_answer_without_a_reason_to_end_is_cut(self, route, fake_openai):
        fake_openai.will_send_rubbish(b'data: {"choices":[{"delta":{"content":"One room"}}]}\n\ndata: {"cho')

        text, error = await listen_until_it_fails(route)

        assert text == "One room"
        assert isinstance(error, StreamCut)

    async def test_a_wrong_address_in_the_route(self, route):
        for base_url in ("http://[::1", "http://", "/v1"):
            _, error = await listen_until_it_fails(replace(route, base_url=base_url))
            assert isinstance(error, ProviderInvalid | ProviderUnavailable)


async def test_fifty_streams_at_once_do_not_mix(route, fake_openai):
    fake_openai.will_answer_with(lambda request: f"You said: {request.last_text}", times=None)

    async def ask(number: int) -> str:
        return text_of(await listen(route, ChatRequest([ChatMessage("user", f"number {number}")])))

    answers = await asyncio.gather(*map(ask, range(50)))

    assert answers == [f"You said: number {number}" for number in range(50)]


async def test_a_question_with_half_a_character_can_be_asked(route, fake_openai):
    fake_openai.will_say("Pardon?")

    await listen(route, ChatRequest([ChatMessage("user", "room \ud83d\x00?")]))

    assert fake_openai.chat_requests[0].last_text == "room \ufffd\ufffd?"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "-5"}, None),
    ],
)
def test_how_long_an_endpoint_asks_to_wait(headers, wait_s):
    assert retry_after_s(headers) == wait_s


def test_a_date_to_come_back_at():
    at = datetime.now(UTC) + timedelta(seconds=90)

    assert 80 < retry_after_s({"retry-after": format_datetime(at, usegmt=True)}) <= 90
