"""Mallory holds a key of Globex, and knows the ids of Acme's session, turns and actions. They are none of hers."""

from uuid import uuid4

import pytest

from npc.models import LogEntry
from personas.models import Memory
from tests.npc.conftest import Game, inn, open_game, put
from tests.npc.turns.conftest import answered, reply, sale, settled, turn


@pytest.fixture
def played(game, scripted_llm):
    """Bram has proposed a sale to Carol; the answer."""
    scripted_llm.will_say(reply("An ale, coming.", "happy", sale()))
    return answered(game)


def without_ids(response):
    return response.status_code, response.json() | {"request_id": ""}


def test_a_neighbours_turn_is_as_one_that_never_was(globex, game, played, scripted_llm):
    stolen, nowhere = Game(globex, game.opened), Game(globex, {"id": str(uuid4())})
    turn_id, action_id = played["turn_id"], played["actions"][0]["id"]
    before = game.now()

    for one in (lambda at: turn(at), lambda at: turn(at, turn_id=turn_id), lambda at: settled(at, action_id)):
        assert without_ids(one(stolen)) == without_ids(one(nowhere))
        assert one(stolen).status_code == 404
    for at in (stolen, nowhere):
        assert globex.api.post(f"{at.url}turns/{turn_id}/cancel/").status_code == 404

    assert game.now() == before
    assert len(scripted_llm.chat_requests) == 1
    with globex.scope():
        assert not LogEntry.objects.exists()
        assert not Memory.objects.exists()


def test_in_her_own_session_acmes_ids_mean_nothing(globex, game, played, scripted_llm):
    put(globex, inn())
    hers = open_game(globex)
    scripted_llm.will_say(reply("Who are you?"))

    assert settled(hers, played["actions"][0]["id"]).status_code == 404
    assert globex.api.post(f"{hers.url}turns/{played['turn_id']}/cancel/").status_code == 404
    answer = answered(hers, "Hello", turn_id=played["turn_id"])

    assert (answer["say"], answer["actions"]) == ("Who are you?", [])
    assert "An ale, coming." not in "".join(one["content"] for one in scripted_llm.chat_requests[-1].messages)


def test_of_two_sessions_of_one_world_each_knows_its_own(acme, game, played, scripted_llm):
    other = open_game(acme, player={"id": "dave", "name": "Dave"})
    scripted_llm.will_say(reply("Never saw you."))

    assert settled(other, played["actions"][0]["id"]).status_code == 404
    answered(other, "Do you know Carol?", speaker="dave")

    asked = "".join(one["content"] for one in scripted_llm.chat_requests[-1].messages)
    assert "An ale, coming." not in asked
    assert other.now()["emotions"] == {"bram": "happy"}


def test_turns_need_the_scope_npc(open_business, game, played):
    narrow = Game(open_business("Narrow", scopes=("chat", "knowledge", "manage")), game.opened)

    assert turn(narrow).status_code == 403
    assert settled(narrow, played["actions"][0]["id"]).status_code == 403
    assert narrow.api.post(f"{narrow.url}turns/{played['turn_id']}/cancel/").status_code == 403
