"""A turn is replayed from its log: the same, byte for byte; and different exactly where something was touched."""

from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from npc.models import LogEntry
from personas.models import Memory
from tests.npc.conftest import open_game
from tests.npc.turns.conftest import answered, reply, sale, settled


def replayed(game: Any, turn_id: str) -> dict[str, Any]:
    response = game.api.post(f"{game.url}turns/{turn_id}/replay/")
    assert response.status_code == 200, response.content
    return dict(response.json())


SAME = {"identical": True, "differences": []}


def test_every_turn_of_a_long_play_replays_the_same(acme, game, scripted_llm):
    turns = []

    def says(text: str, *said: Any, **asked: Any) -> dict[str, Any]:
        scripted_llm.will_say(*said, chunks=4)
        turns.append(answered(game, text, **asked))
        return turns[-1]

    sold = says("An ale, please.", reply("An ale.", "happy", sale(" ALE"), {"name": "fly"}))
    settled(game, sold["actions"][0]["id"], state_patch={"gold": 7})
    game.tell("gift", text="Carol gives Bram a pie.", game_time=3)
    save = game.save()
    says("How was it?", "Just words, no object.", present=["bram", "carol"])
    game = open_game(acme, save=save)
    says("And now?", reply("Bread!", "sad", sale("bread", "2"), sale("bread", 2)), state_patch={"stage": 2})
    says("", reply("Who knocks?", "furious"), event={"type": "knock", "text": "A knock."})

    assert replayed(game, turns[0]["turn_id"]) == SAME
    assert replayed(game, turns[2]["turn_id"]) == SAME
    assert replayed(game, turns[3]["turn_id"]) == SAME
    left = game.api.post(f"{game.url}turns/{turns[1]['turn_id']}/replay/")
    assert left.status_code == 404


def test_a_turn_without_a_model_replays_the_same(game):
    first = answered(game, "Any rooms?")
    second = answered(game, "Sell me an ale.")

    assert first["say"] == "One left, traveller."
    assert replayed(game, first["turn_id"]) == SAME
    assert replayed(game, second["turn_id"]) == SAME


def test_a_replay_stores_nothing(game, scripted_llm):
    scripted_llm.will_say(reply("An ale.", "happy", sale()))
    turn_id = answered(game)["turn_id"]
    before = game.now(), game.log()

    replayed(game, turn_id)

    assert (game.now(), game.log()) == before


def test_what_is_not_as_it_was_is_named(acme, game, scripted_llm, monkeypatch):
    game.tell("gift", text="Carol gives Bram a pie.")
    for number in range(70):  # what is older than the history comes back as a memory
        game.tell("bell", witnesses=["bram"], text=f"The bell rings {number}.")
    scripted_llm.will_say(reply("An ale.", "happy", sale()))
    turn_id = answered(game)["turn_id"]
    assert replayed(game, turn_id) == SAME

    with acme.scope():
        read = LogEntry.objects.get(kind="turn.opened").data["read"]["memories"]
        assert read
        Memory.objects.filter(pk=UUID(read[0])).update(text="Carol gives Bram a snake.")
    [difference] = replayed(game, turn_id)["differences"]
    assert difference["path"] == "read.prompt"

    # Other code: a rule that lets nothing pass.
    monkeypatch.setattr("npc.turns.checking.MAX_ACTIONS", 0)
    paths = [difference["path"] for difference in replayed(game, turn_id)["differences"]]
    assert paths == ["read.prompt", "actions", "removed"]


def test_a_turn_that_is_a_neighbours_or_never_was_is_not_there(game, globex):
    turn_id = answered(game, "Any rooms?")["turn_id"]

    assert game.api.post(f"{game.url}turns/{uuid4()}/replay/").status_code == 404
    assert globex.api.post(f"{game.url}turns/{turn_id}/replay/").status_code == 404


def test_what_the_clock_decided_is_taken_from_the_log(game, scripted_llm):
    scripted_llm.will_stall(after='{"say": "One left. It has no wind')
    answer = answered(game, "Any rooms?", deadline_ms=600)

    assert answer["fallback"] == "deadline"
    assert replayed(game, answer["turn_id"]) == SAME


def replay_all(business, *more: str) -> str:
    out = StringIO()
    call_command("npc_replay", business.tenant.slug, *more, stdout=out)
    return out.getvalue()


def test_a_game_replays_all_its_turns_in_ci(acme, globex, world, scripted_llm, monkeypatch):
    scripted_llm.will_say(reply("An ale.", "happy", sale()), times=None)
    games = [open_game(acme, player={"id": f"player-{number}"}) for number in range(3)]
    for game in games:
        for text in ("An ale, please.", "Another one!"):
            answered(game, text, speaker=game.now()["player"]["id"])

    assert replay_all(acme).startswith("6 turns, 6 identical, ")
    assert replay_all(acme, "--session", games[0].id).startswith("2 turns, 2 identical, ")
    assert replay_all(acme, "--limit", "3").startswith("3 turns, 3 identical, ")
    assert replay_all(acme, "--world", "other").startswith("0 turns, 0 identical")
    assert replay_all(globex).startswith("0 turns, ")

    monkeypatch.setattr("npc.turns.checking.MAX_ACTIONS", 0)
    with pytest.raises(CommandError, match="6 of 6 turns come out differently"):
        replay_all(acme)
