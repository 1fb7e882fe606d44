"""A game that cannot wait gets the smaller model, or none, before it gets silence."""

from uuid import uuid4

import pytest

from llm.models import ModelCall, Route
from npc.turns.ladder import ENOUGH_TURNS, MOSTLY, REMEMBERED_S, SMALL_SLUG, Pace, pace
from tests.fakes.openai_server import fail, say
from tests.npc.conftest import inn, open_game, put
from tests.npc.turns.conftest import answered, reply


def connect(business, fake, slug, model, *, is_default=False):
    with business.scope():
        route = Route(slug=slug, name=slug, base_url=fake.base_url, chat_model=model, is_default=is_default)
        route.api_key = "sk-test"
        route.save()


class Models:
    """Both at one endpoint, which says yes unless it is told otherwise."""

    def __init__(self, fake):
        self.fake, self.answer = fake, lambda _: reply("Yes.")
        fake.will_answer_with(lambda request: self.answer(request), times=None)

    def script(self, answer):
        self.answer = answer


def is_large(request):
    return request.body["model"] == "large"


@pytest.fixture
def models(acme, fake_openai):
    """Acme has a large model for all, and a small one for its game."""
    connect(acme, fake_openai, "main", "large", is_default=True)
    connect(acme, fake_openai, SMALL_SLUG, "small")
    return Models(fake_openai)


def asked(models):
    return [request.body["model"] for request in models.fake.chat_requests]


def test_where_the_large_model_is_too_slow_the_small_one_is_asked(acme, game, models):
    answered(game, deadline_ms=2_000)
    for _ in range(ENOUGH_TURNS):
        pace.note(acme.id, "main", 4_000)

    hurried = answered(game, deadline_ms=2_000)
    patient = answered(game, deadline_ms=60_000)

    assert asked(models) == ["large", "small", "large"]
    assert [hurried["usage"]["model"], patient["usage"]["model"]] == ["small", "large"]
    assert (hurried["say"], hurried["fallback"]) == ("Yes.", None)


def test_a_tier_may_have_the_small_model_only(acme, models):
    bram, mira, wang = inn()["characters"]
    tiers = {"main": {}, "crowd": {"model": "small", "max_output_tokens": 60}}
    put(acme, inn(characters=[bram, {**mira, "tier": "crowd"}, wang], tiers=tiers))
    game = open_game(acme)

    answered(game, character="mira")
    answered(game, character="bram")

    assert asked(models) == ["small", "large"]
    assert [request.body["max_tokens"] for request in models.fake.chat_requests] == [60, 400]


def test_who_has_one_model_waits_for_it_while_it_is_rather_in_time_than_not(acme, game, fake_openai):
    connect(acme, fake_openai, "main", "large", is_default=True)
    fake_openai.will_say(reply("Yes."))
    for took_ms in [500] * ENOUGH_TURNS + [60_000] * (ENOUGH_TURNS - 1):
        pace.note(acme.id, "main", took_ms)

    assert answered(game, deadline_ms=5_000)["usage"]["model"] == "large"


def test_a_model_that_is_nearly_always_late_is_not_waited_for(acme, game, fake_openai):
    connect(acme, fake_openai, "main", "large", is_default=True)
    for _ in range(ENOUGH_TURNS):
        pace.note(acme.id, "main", 60_000)

    answer = answered(game, "Any rooms?", deadline_ms=5_000)

    assert (answer["say"], answer["fallback"]) == ("One left, traveller.", "deadline")
    assert answer["timing"]["total_ms"] < 2_000
    assert fake_openai.chat_requests == []


def test_where_the_large_model_fails_the_small_one_answers(acme, game, models):
    models.script(
        lambda request: fail(500, headers={"x-should-retry": "false"}) if is_large(request) else reply("Yes.")
    )

    answer = answered(game, deadline_ms=10_000)

    assert (answer["say"], answer["fallback"], answer["usage"]["model"]) == ("Yes.", None, "small")


def test_where_the_large_model_is_silent_for_too_long_the_small_one_still_answers_in_time(acme, game, models):
    models.script(lambda request: say('{"say": "', ending="stall") if is_large(request) else reply("Yes."))

    answer = answered(game, deadline_ms=2_000)

    assert (answer["say"], answer["fallback"], answer["usage"]["model"]) == ("Yes.", None, "small")
    with acme.scope():
        calls = ModelCall.objects.order_by("at").values_list("model", "outcome", "error_code", "output_tokens")
        assert [call[:3] for call in calls] == [("large", "failed", "provider_timeout"), ("small", "ok", "")]
        assert calls[0][3] > 0  # what was heard is paid for


def test_who_has_begun_to_speak_is_heard_out(acme, game, models):
    models.script(lambda request: say(reply("Yes, gladly, traveller."), chunks=20, delay_s=0.06))

    answer = answered(game, deadline_ms=2_000)

    assert (answer["say"], answer["usage"]["model"]) == ("Yes, gladly, traveller.", "large")
    assert asked(models) == ["large"]


def test_a_route_whose_key_cannot_be_read_is_as_good_as_none(acme, game):
    with acme.scope():
        Route.objects.create(
            slug="main",
            name="Main",
            base_url="http://127.0.0.1:9/v1",
            chat_model="x",
            is_default=True,
            sealed_api_key=b"broken",
        )

    assert answered(game, "Any rooms?")["say"] == "One left, traveller."


def test_the_pace_is_that_of_the_last_minute():
    measured, acme, globex = Pace(), uuid4(), uuid4()
    for number in range(20):
        measured.note(acme, "main", 100 * (number + 1), now=1_000.0)

    assert measured.percentile_ms(acme, "main", MOSTLY, now=1_001.0) == 1_900
    assert measured.percentile_ms(acme, "main", MOSTLY, now=1_001.0 + REMEMBERED_S) is None
    assert measured.percentile_ms(globex, "main", MOSTLY, now=1_001.0) is None
    measured.note(globex, "main", 5, now=1_001.0)
    assert measured.percentile_ms(globex, "main", MOSTLY, now=1_001.0) is None
