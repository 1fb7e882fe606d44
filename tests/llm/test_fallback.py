"""When a route gives no answer the next one does, and never in the middle of one."""

from contextlib import ExitStack

import pytest

from llm.breaker import MIN_FAILURES, breaker_of
from llm.errors import ProviderError, ProviderTimeout, StreamCut
from llm.fallback import Fallback
from llm.models import Route
from llm.routes import Routes, asked_routes, routes_found
from llm.types import ChatMessage, ChatRequest, RouteConfig, TextDelta
from tenants.errors import NotFound
from tenants.statements import read
from tests.fakes.openai_server import FakeOpenAI, say
from tests.llm.test_routes import add_route

ASKED = ChatRequest([ChatMessage("user", "Any rooms?")], model="large-today")


@pytest.fixture
def fakes():
    """Two endpoints, which both refuse what is not scripted."""
    with ExitStack() as stack:
        both = [stack.enter_context(FakeOpenAI()) for _ in range(2)]
        yield both
    for fake in both:
        fake.verify()


def route_to(fake: FakeOpenAI, slug: str) -> RouteConfig:
    return RouteConfig(slug, "openai", fake.base_url, chat_model=f"{slug}-model", timeout_s=1.5, stall_timeout_s=0.5)


@pytest.fixture
def routes(fakes) -> Routes:
    return Routes((route_to(fakes[0], "usual"), route_to(fakes[1], "spare")))


async def heard(fallback: Fallback) -> str:
    return "".join([item.text async for item in fallback.stream() if isinstance(item, TextDelta)])


TROUBLES = {
    "is down": (lambda fake: fake.will_fail(503, times=2), "provider_unavailable", 2),
    "is busy for a minute": (
        lambda fake: fake.will_fail(429, headers={"Retry-After": "60"}), "provider_unavailable", 1,
    ),
    "refuses the key": (lambda fake: fake.will_fail(401), "provider_unavailable", 1),
    "refuses the request": (lambda fake: fake.will_fail(400), "provider_invalid", 1),
    "never begins": (
        lambda fake: fake.will_answer_with(lambda _: say("Late.", first_delay_s=20)), "provider_timeout", 1,
    ),
    "speaks rubbish": (lambda fake: fake.will_send_rubbish(b"<html>"), "provider_invalid", 1),
    "says nothing": (lambda fake: fake.will_say(""), "provider_invalid", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
async def test_the_next_route_answers_when_the_usual_one(name, routes, fakes):
    script, code, attempts = TROUBLES[name]
    script(fakes[0])
    fakes[1].will_say("One room.")
    fallback = Fallback(routes, ASKED)

    assert await heard(fallback) == "One room."

    assert fallback.route.slug == "spare"
    assert [(miss.slug, miss.error.code, miss.was_called) for miss in fallback.misses] == [("usual", code, True)]
    assert len(fakes[0].chat_requests) == attempts
    # The model that the persona names is one of the first route.
    assert [fake.chat_requests[0].body["model"] for fake in fakes] == ["large-today", "spare-model"]


async def test_a_route_that_rests_is_passed_over_at_once(routes, fakes):
    for _ in range(MIN_FAILURES):
        breaker_of(routes.first, ASKED.model).failed()
    fakes[1].will_say("One room.")
    fallback = Fallback(routes, ASKED)

    assert await heard(fallback) == "One room."

    assert fakes[0].requests == []
    assert [(miss.slug, miss.was_called) for miss in fallback.misses] == [("usual", False)]


async def test_a_hiccup_of_the_usual_one_changes_nothing(routes, fakes):
    fakes[0].will_fail(500)
    fakes[0].will_say("One room.")
    fallback = Fallback(routes, ASKED)

    assert await heard(fallback) == "One room."

    assert (fallback.route.slug, fallback.misses) == ("usual", [])


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda fake: fake.will_stall(after="One "), ProviderTimeout),
        (lambda fake: fake.will_cut(after="One "), StreamCut),
    ],
    ids=["stalls", "cut"],
)
async def test_nobody_goes_on_where_another_broke_off(routes, fakes, script, error):
    script(fakes[0])
    fallback, said = Fallback(routes, ASKED), []

    with pytest.raises(error):
        async for item in fallback.stream():
            said.append(item)

    assert "".join(item.text for item in said) == "One "
    assert fakes[1].requests == []
    assert fallback.route.slug == "usual"


async def test_when_nobody_answers_the_last_one_says_why(routes, fakes):
    fakes[0].will_fail(401)
    fakes[1].will_fail(404)
    fallback = Fallback(routes, ASKED)

    with pytest.raises(ProviderError) as failure:
        await heard(fallback)

    assert (failure.value.code, fallback.route.slug) == ("provider_invalid", "spare")
    assert [miss.slug for miss in fallback.misses] == ["usual"]


class TestWhichRoutes:
    def found(self, business, slug=None, fallbacks=()) -> Routes:
        (rows,) = read(asked_routes(business.id))
        return routes_found(rows, slug, fallbacks)

    def slugs(self, business, slug=None, fallbacks=()) -> list[str]:
        return [route.slug for route in self.found(business, slug, fallbacks).usable]

    def test_the_personas_own_else_those_of_the_route(self, acme, globex):
        with globex.scope():
            add_route("theirs", is_default=True)
        with acme.scope():
            add_route("good", is_default=True, fallback_routes=["cheap", "reader"])
            add_route("cheap")
            add_route("third", fallback_routes=["good"])

            assert self.slugs(acme) == ["good", "cheap", "reader"]
            assert self.slugs(acme, "third") == ["third", "good"]
            assert self.slugs(acme, "third", ["cheap", "third", "theirs"]) == ["third", "cheap"]
            assert {route.owner for route in self.found(acme).usable} == {acme.id.hex, ""}

    def test_the_platforms_and_the_reader_are_always_there(self, acme, scripted_llm):
        with acme.scope():
            add_route("good", is_default=True, fallback_routes=["platform", "reader"])

            usable = self.found(acme).usable

        assert [(route.slug, route.base_url, route.is_reader) for route in usable[1:]] == [
            ("platform", scripted_llm.base_url, False),
            ("reader", scripted_llm.base_url, True),
        ]

    def test_one_whose_key_cannot_be_read_is_passed_over(self, acme):
        with acme.scope():
            add_route("good", is_default=True, fallback_routes=["cheap"])
            add_route("cheap")
            Route.objects.filter(slug="good").update(sealed_api_key=b"nonsense nonsense nonsense")

            found = self.found(acme)

        assert [route.slug for route in found.usable] == ["cheap"]
        assert [(slug, error.code) for slug, error in found.unusable] == [("good", "provider_unavailable")]
        assert Fallback(found, ASKED).misses[0].slug == "good"

    def test_a_route_that_is_gone_has_no_answer_unless_another_has(self, acme):
        with acme.scope():
            add_route("cheap")

            assert self.slugs(acme, "gone", ["cheap"]) == ["cheap"]
            with pytest.raises(NotFound):
                self.found(acme, "gone")
