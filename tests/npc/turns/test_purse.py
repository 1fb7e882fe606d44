"""A play costs no more than its world allows; past that its characters speak their authors' words."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections

from llm.models import Budget, ModelCall, Route
from npc.models import GameSession
from npc.turns.ladder import SMALL_SLUG
from tenants.models import ApiKey
from tests.npc.conftest import inn, open_game, put, wrong_paths
from tests.npc.turns.conftest import answered, reply, turn

# A turn of the large model costs this much, by what the fake says it has used.
PRICE = Decimal("0.1")


def connect(business, fake, slug, price, *, is_default=False):
    """`price` of a million output tokens."""
    with business.scope():
        Route(
            slug=slug, name=slug, base_url=fake.base_url, chat_model=slug, is_default=is_default, price_output=price
        ).save()


@pytest.fixture
def large(acme, fake_openai):
    """A reply costs 0.1; one of the longest that the tier allows would cost 0.4."""
    connect(acme, fake_openai, "large", 1_000, is_default=True)
    fake_openai.will_say(reply("Yes."), usage=(500, 100, 0), times=None)
    return fake_openai


def play(acme, **purse):
    put(acme, inn(purse=purse))
    return open_game(acme)


def spent(acme, game):
    with acme.scope():
        return {where: float(cost) for where, cost in GameSession.objects.get(pk=game.id).spent.items()}


def test_a_play_spends_what_its_purse_holds_and_then_only_authors_speak(acme, large):
    game = play(acme, session=0.65)

    answers = [answered(game, "Any rooms?") for _ in range(4)]

    assert [answer["fallback"] for answer in answers] == [None, None, None, "budget"]
    assert answers[-1]["say"] == "One left, traveller."
    assert answers[-1]["usage"] == {
        "model": "reader",
        "input_tokens": 0,
        "output_tokens": 0,
        "cached_tokens": 0,
        "cost": 0,
    }
    assert spent(acme, game) == {"taproom": pytest.approx(0.3)}
    with acme.scope():
        assert sum(ModelCall.objects.values_list("cost", flat=True)) == 3 * PRICE


def test_turns_at_the_same_time_cannot_spend_the_same_money(acme, large):
    game = play(acme, session=0.45)

    def ask(number):
        try:
            return turn(game, f"Any rooms, {number}?").json()["fallback"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as players:
        fallbacks = list(players.map(ask, range(4)))

    assert fallbacks.count("budget") >= 3
    assert sum(spent(acme, game).values()) <= 0.45


def test_each_scene_has_a_purse_of_its_own(acme, large):
    game = play(acme, scene=0.45)

    here = [answered(game)["fallback"] for _ in range(2)]
    there = answered(game, scene="cellar", character="老王")["fallback"]

    assert (here, there) == ([None, "budget"], None)
    assert spent(acme, game) == {"taproom": pytest.approx(0.1), "cellar": pytest.approx(0.1)}


def test_a_save_brings_no_money_back(acme, large):
    game = play(acme, session=0.45)
    save = game.save()
    assert answered(game)["fallback"] is None

    loaded = open_game(acme, save=save)

    assert answered(loaded)["fallback"] == "budget"


def test_where_the_large_model_is_too_dear_the_small_one_is_asked(acme, large):
    connect(acme, large, SMALL_SLUG, 10)
    game = play(acme, session=0.1)

    answer = answered(game)

    assert (answer["usage"]["model"], answer["fallback"]) == (SMALL_SLUG, None)


def test_a_model_that_costs_nothing_is_always_asked(acme, fake_openai):
    connect(acme, fake_openai, "local", 0, is_default=True)
    fake_openai.will_say(reply("Yes."), times=None)

    assert answered(play(acme, session=0))["say"] == "Yes."


def test_a_purse_holds_a_number(acme):
    response = acme.api.put("/api/v1/npc/worlds/inn/", inn(purse={"session": -1, "town": 3}))

    assert set(wrong_paths(response)) == {"purse.session", "purse.town"}


@pytest.mark.parametrize("of", ["tenant", "key"])
def test_a_budget_of_the_month_holds_for_games_too(acme, large, of):
    with acme.scope():
        key = ApiKey.objects.get().pk if of == "key" else None
        Budget.objects.create(of=of, subject_id=key, amount=Decimal("0.65"))
    game = play(acme)

    answers = [answered(game, "Any rooms?") for _ in range(4)]

    assert [answer["fallback"] for answer in answers] == [None, None, None, "budget"]
    assert answers[-1]["say"] == "One left, traveller."
    with acme.scope():
        budget = Budget.objects.get()
        assert (budget.spent, budget.reserved) == (3 * PRICE, 0)
