"""An endpoint that fails again and again is left alone, and found again within seconds."""

import time
from dataclasses import replace

import pytest

from llm.breaker import MIN_FAILURES, OPEN_S, WINDOW_S, Breaker, breaker_of, state_of
from llm.door import embed, stream_chat
from llm.errors import EndpointResting, ProviderError, ProviderInvalid
from llm.types import ChatMessage, ChatRequest, RouteConfig, TextDelta
from tests.fakes.openai_server import CHAT_MODEL, EMBEDDING_MODEL, FakeOpenAI, fail

ASKED = ChatRequest([ChatMessage("user", "Any rooms?")])


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def admits(breaker: Breaker) -> bool:
    try:
        breaker.admit()
    except EndpointResting:
        return False
    return True


def fails(breaker: Breaker, times: int = MIN_FAILURES) -> None:
    for _ in range(times):
        breaker.failed()


class TestTheBreaker:
    def test_opens_after_some_failures_in_a_row(self, breaker):
        fails(breaker, MIN_FAILURES - 1)
        assert breaker.state == "closed"
        fails(breaker, 1)

        assert breaker.state == "open"
        with pytest.raises(EndpointResting) as refused:
            breaker.admit()
        assert (refused.value.code, refused.value.retryable) == ("provider_unavailable", True)
        assert refused.value.retry_after_s == pytest.approx(OPEN_S)

    def test_old_failures_do_not_count(self, breaker, clock):
        fails(breaker, MIN_FAILURES - 1)
        clock.now += WINDOW_S
        fails(breaker, 1)

        assert breaker.state == "closed"

    def test_few_failures_among_many_answers_do_not_count(self, breaker):
        for _ in range(MIN_FAILURES + 1):
            breaker.succeeded()
        fails(breaker)

        assert breaker.state == "closed"

    def test_one_may_try_after_a_while_and_the_answer_closes_it(self, breaker, clock):
        fails(breaker)
        clock.now += OPEN_S

        assert breaker.state == "half_open"
        assert [admits(breaker) for _ in range(3)] == [True, False, False]
        breaker.succeeded()
        assert breaker.state == "closed"
        assert admits(breaker)
        assert admits(breaker)

    def test_a_try_that_fails_keeps_it_open(self, breaker, clock):
        fails(breaker)
        clock.now += OPEN_S
        assert admits(breaker)
        breaker.failed()

        assert not admits(breaker)
        clock.now += OPEN_S
        assert admits(breaker)

    def test_a_try_that_hangs_holds_up_the_next_one_for_seconds_only(self, breaker, clock):
        fails(breaker)
        clock.now += OPEN_S
        assert admits(breaker)  # and is never heard of again

        clock.now += OPEN_S

        assert admits(breaker)


@pytest.fixture
def route(fake_openai: FakeOpenAI) -> RouteConfig:
    return RouteConfig(
        "main", "openai", fake_openai.base_url, chat_model=CHAT_MODEL, embedding_model=EMBEDDING_MODEL, timeout_s=3
    )


async def heard(route: RouteConfig, request: ChatRequest = ASKED) -> str:
    return "".join([item.text async for item in stream_chat(route, request) if isinstance(item, TextDelta)])


async def fails_to_answer(route: RouteConfig) -> ProviderError:
    with pytest.raises(ProviderError) as failure:
        await heard(route)
    return failure.value


class TestAnEndpoint:
    async def test_that_is_down_is_asked_no_more_and_found_when_it_is_back(self, route, fake_openai, monkeypatch):
        fake_openai.will_fail(503, times=MIN_FAILURES)

        errors = [await fails_to_answer(route) for _ in range(3)]

        assert isinstance(errors[-1], EndpointResting)
        assert len(fake_openai.chat_requests) == MIN_FAILURES
        assert state_of(route) == "open"
        fake_openai.will_say("One room.", times=2)
        later = time.monotonic() + OPEN_S
        monkeypatch.setattr(breaker_of(route, CHAT_MODEL), "_clock", lambda: later)
        assert state_of(route) == "half_open"
        assert [await heard(route), await heard(route)] == ["One room."] * 2
        assert state_of(route) == "closed"

    async def test_of_another_tenant_or_with_another_key_or_model_is_another(self, route):
        fails(breaker_of(route, CHAT_MODEL))

        assert state_of(route) == "open"
        others = [replace(route, owner="globex"), replace(route, api_key="sk-new"), replace(route, chat_model="small")]
        assert [state_of(other) for other in others] == ["closed"] * 3

    async def test_that_refuses_one_request_answers_others(self, route, fake_openai):
        """A question that is too long for the model says nothing about the model."""
        fake_openai.will_fail(400, times=MIN_FAILURES + 1)

        errors = [await fails_to_answer(route) for _ in range(MIN_FAILURES + 1)]

        assert {type(error) for error in errors} == {ProviderInvalid}
        assert state_of(route) == "closed"

    async def test_that_embeds_has_its_own(self, route, fake_openai):
        fake_openai.embeddings_will(fail(503), times=None)
        for _ in range(2):
            with pytest.raises(ProviderError):
                await embed(route, ["tea"])

        fake_openai.will_say("One room.")
        assert await heard(route) == "One room."
        assert state_of(route) == "open"  # of its two models the worse one
