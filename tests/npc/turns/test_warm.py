"""The player comes nearer: what those present will need is laid ready before anybody speaks."""

import time
from typing import Any

import httpx2
import pytest

from llm.models import ModelCall, Route
from tests.npc.conftest import inn, open_game, put, wrong_paths
from tests.npc.turns.conftest import answered, reply


def warmed(game: Any, **body: Any) -> dict[str, Any]:
    response = game.api.post(f"{game.url}warm/", body)
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_those_where_the_player_is_are_warmed(game):
    game.tell("gift", text="Carol gives flowers.")

    assert warmed(game) == {"characters": ["bram", "mira"], "facts": 2, "memories": 2, "models": []}


def test_or_those_whom_the_game_names(game):
    assert warmed(game, characters=["老王", "老王"]) == {
        "characters": ["老王"],
        "facts": 1,
        "memories": 0,
        "models": [],
    }
    assert warmed(game, characters=[])["characters"] == []
    assert set(wrong_paths(game.api.post(f"{game.url}warm/", {"characters": ["nobody"]}))) == {"characters.0"}


def test_nothing_has_happened_by_it(game):
    before = (game.now(), game.log())
    warmed(game)

    assert (game.now(), game.log()) == before


@pytest.fixture
def warm_over_http(acme, server):
    """The server's loop goes on when it has answered."""

    def ask(game: Any) -> dict[str, Any]:
        response = httpx2.post(f"{server.http}{game.url}warm/", json={"characters": ["bram"]}, headers=acme.headers)
        assert response.status_code == 200, response.text
        return dict(response.json())

    return ask


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_model_reads_the_beginning_of_the_prompts_once(acme, game, scripted_llm, warm_over_http):
    scripted_llm.will_say("H")
    scripted_llm.will_say(reply("Yes."))

    first, second = warm_over_http(game), warm_over_http(game)
    wait_until(lambda: scripted_llm.chat_requests)
    answered(game)

    (model,) = first["models"]
    assert second["models"] == []
    prefix, turn = scripted_llm.chat_requests
    assert prefix.body["max_tokens"] == 1
    assert prefix.messages[0] == turn.messages[0]
    with acme.scope():
        wait_until(lambda: ModelCall.objects.count() == 2)
        assert set(ModelCall.objects.values_list("model", "outcome")) == {(model, "ok")}


def test_a_play_that_has_spent_its_money_is_not_read_to(acme, fake_openai, warm_over_http):
    with acme.scope():
        Route(
            slug="dear", name="Dear", base_url=fake_openai.base_url, chat_model="dear", is_default=True, price_input=10
        ).save()
    put(acme, inn(purse={"session": 0}))

    assert warm_over_http(open_game(acme))["models"] == []
    assert fake_openai.chat_requests == []


def test_a_neighbours_session_is_as_one_that_never_was(globex, game):
    answer = globex.api.post(f"{game.url}warm/", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
