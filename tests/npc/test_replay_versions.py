"""Before a new version of a world goes live, its authors ask what it would have made of what was played."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.npc.conftest import inn, put
from tests.npc.turns.conftest import answered, reply, sale


@pytest.fixture
def sold(game, scripted_llm):
    """A turn in which Bram sold an ale for 3."""
    scripted_llm.will_say(reply("An ale.", "happy", sale()))
    return answered(game)["turn_id"]


def paths(game, turn_id, version):
    response = game.api.post(f"{game.url}turns/{turn_id}/replay/", {"world_version": version})
    assert response.status_code == 200, response.content
    return {one["path"]: (one["logged"], one["replayed"]) for one in response.json()["differences"]}


def test_the_version_that_was_played_makes_the_same_of_it(game, sold):
    assert paths(game, sold, 1) == {}


def test_other_versions_are_compared_place_by_place(acme, game, sold):
    sell, bow = inn()["actions"]
    put(acme, inn(actions=[{**sell, "check": "args.price < 2"}, bow]))
    put(acme, inn(actions=[{**sell, "candidates": {"item": "state.stock.filter(i, i != 'ale')"}}, bow]))
    put(acme, inn(actions=[{**sell, "when": "state.night"}, bow]))

    checked = paths(game, sold, 2)
    assert {*checked} == {"actions", "removed"}
    assert checked["removed"][1][0]["rule"] == "check"
    narrowed = paths(game, sold, 3)
    assert narrowed["read.offers.sell.item"] == (["ale", "bread"], ["bread"])
    assert narrowed["removed"][1][0]["rule"] == "not_a_candidate"
    gone = paths(game, sold, 4)
    assert gone["read.offers.sell"] == ({"item": ["ale", "bread"]}, None)
    assert "read.prompt" in gone


def test_a_state_and_a_character_that_the_new_world_does_not_know_are_named(acme, game, sold):
    schema = inn()["state_schema"]
    weather = {
        "properties": {**schema["properties"], "weather": {}},
        "required": [*schema["required"], "weather"],
    }
    state = {**inn()["initial_state"], "weather": "rain"}
    put(acme, inn(state_schema={**schema, **weather}, initial_state=state))
    _bram, mira, wang = inn()["characters"]
    put(acme, inn(characters=[mira, wang], facts=[], actions=[inn()["actions"][1]], reactions=[]))

    assert any(path.startswith("state") for path in paths(game, sold, 2))
    assert paths(game, sold, 3) == {"character": ("bram", None)}


def test_a_version_that_never_was_and_a_neighbours_turn_are_not_there(game, sold, globex):
    url = f"{game.url}turns/{sold}/replay/"
    assert game.api.post(url, {"world_version": 9}).status_code == 404
    assert game.api.post(url, {"world_version": "new"}).status_code == 422
    assert globex.api.post(url, {"world_version": 1}).status_code == 404


def test_ci_compares_all_that_was_played_with_a_version(acme, game, sold):
    put(acme, inn(actions=inn()["actions"][1:], reactions=[]))

    def replay(*more):
        out = StringIO()
        call_command("npc_replay", acme.tenant.slug, *more, stdout=out)
        return out.getvalue()

    assert replay("--world", "inn", "--world-version", "1").startswith("1 turns, 1 identical")
    with pytest.raises(CommandError, match="1 of 1 turns come out differently"):
        replay("--world", "inn", "--world-version", "2")
    with pytest.raises(CommandError, match="Say of which"):
        replay("--world-version", "2")
    with pytest.raises(CommandError):
        replay("--world", "inn", "--world-version", "7")
