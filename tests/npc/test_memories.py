"""What happens in a play is kept by those who perceived it, on the branch where it happened."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from npc.knowledge.remembering import remember_entry, sights_of
from npc.models import Branch
from npc.sessions.entries import ActionOutcome, ProposedAction, TurnClosed, TurnOpened
from npc.sessions.writing import Writer, writing
from personas.memories import recall
from personas.models import Memory
from tests.npc.conftest import CAROL, Game, open_game


def kept(game: Game, character: str) -> list[dict[str, Any]]:
    answer = game.api.get(f"{game.url}characters/{character}/memories/")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def texts(game: Game, character: str) -> list[str]:
    return [memory["text"] for memory in kept(game, character)]


def load(game: Game, save: str) -> None:
    answer = game.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": CAROL, "save": save})
    assert answer.status_code == 201, answer.content


def test_those_who_are_there_keep_an_event_and_nobody_else(game: Game) -> None:
    game.tell("brawl", text="Two guests came to blows.", game_time=12.5)

    [memory] = kept(game, "bram")
    assert (memory["text"], memory["kind"], memory["game_time"]) == ("Two guests came to blows.", "witnessed", 12.5)
    assert memory["source"] == {"entry": 2, "type": "event", "event": "brawl", "scene": "taproom"}
    assert texts(game, "mira") == ["Two guests came to blows."]
    assert texts(game, "老王") == []


def test_the_game_may_say_who_perceived_it(acme: Any, game: Game) -> None:
    game.tell("whisper", text="酒窖里有声音。", witnesses=["老王", "carol"])

    assert texts(game, "老王") == ["酒窖里有声音。"]
    assert texts(game, "bram") == []
    with acme.scope():
        assert not Memory.objects.filter(holder="carol").exists()


def test_what_moves_somebody_weighs_more_than_what_does_not(game: Game) -> None:
    game.tell("rain", text="It rains.")
    game.tell("gift", text="A gift of honey.")

    gift, rain = kept(game, "bram")
    assert gift["importance"] > rain["importance"]


def test_a_loaded_save_knows_nothing_of_the_future_that_was_left(acme: Any, game: Game) -> None:
    game.tell("rain", text="before the save")
    save = game.save()
    game.tell("fire", text="a future that is left")
    load(game, save)
    game.tell("snow", text="after the load")

    assert texts(game, "bram") == ["after the load", "before the save"]
    assert recalled(acme, game, "bram") == {"after the load", "before the save"}


def recalled(business: Any, game: Game, character: str) -> set[str]:
    branch_id = game.now()["branch_id"]
    with business.scope():
        branch = Branch.objects.get(pk=branch_id)
        found = recall(
            tenant_id=business.id,
            sights=sights_of(branch),
            holder=character,
            query_vector=None,
            now_game_time=0.0,
            limit=50,
        )
    return {one.text for one in found}


def test_a_talk_is_kept_by_who_spoke_and_who_stood_by(acme: Any, game: Game) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        talk(writer, "bram", "Any rooms?", "One left, traveller.")

    [own] = kept(game, "bram")
    assert own["kind"] == "said"
    assert own["text"] == "Carol: Any rooms?\nBram: One left, traveller."
    assert [memory["kind"] for memory in kept(game, "mira")] == ["witnessed"]
    assert kept(game, "老王") == []


def talk(writer: Writer, character: str, text: str, say: str, actions: Any = ()) -> None:
    turn_id = uuid4()
    writer.add(TurnOpened(turn_id=str(turn_id), character=character, speaker="carol", text=text), subject=turn_id)
    closed = TurnClosed(turn_id=str(turn_id), character=character, say=say, actions=list(actions))
    remember_entry(writer, writer.add(closed, subject=turn_id))


@pytest.mark.parametrize("outcome", ["accepted", "rejected", "expired"])
def test_only_what_the_game_accepted_is_kept_as_a_deed(acme: Any, game: Game, outcome: Any) -> None:
    action_id = uuid4()
    action = ProposedAction(
        id=str(action_id),
        name="sell",
        arguments={"item": "ale", "price": 3},
        timing="after_speech",
        ttl_s=30,
        expires_at="2026-11-22T09:00:00Z",
    )
    with writing(acme.id, UUID(game.id)) as writer:
        talk(writer, "bram", "", "", [action])
        proposed = writer.play.proposed[str(action_id)]
        settled = writer.add(ActionOutcome(action_id=str(action_id), outcome=outcome), subject=action_id)
        remember_entry(writer, settled, proposed=proposed)

    if outcome != "accepted":
        assert kept(game, "bram") == kept(game, "mira") == []
        return
    [deed] = kept(game, "bram")
    assert (deed["kind"], deed["text"]) == ("done", "Bram: Sell something to the guest. (item: ale, price: 3)")
    assert texts(game, "mira") == [deed["text"]]


def test_a_memory_can_be_forgotten_and_does_not_come_back_with_a_save(game: Game) -> None:
    game.tell("secret", text="The cup is under the stairs.")
    game.tell("rain", text="It rains.")
    save = game.save()
    [_rain, secret] = kept(game, "bram")
    url = f"{game.url}characters/bram/memories/{secret['id']}/"

    assert game.api.delete(f"{game.url}characters/mira/memories/{secret['id']}/").status_code == 404
    assert game.api.delete(url).status_code == 204

    assert texts(game, "bram") == ["It rains."]
    assert texts(game, "mira") == ["It rains.", "The cup is under the stairs."]
    assert game.api.delete(url).status_code == 404
    assert game.log()[-1]["data"] == {"memory_id": secret["id"]}
    load(game, save)
    assert texts(game, "bram") == ["It rains."]


def test_nobody_asks_for_the_memories_of_somebody_who_is_not_there(game: Game) -> None:
    assert game.api.get(f"{game.url}characters/ghost/memories/").status_code == 404
    assert game.api.get(f"{game.url}characters/carol/memories/").status_code == 404


def test_a_deleted_session_takes_its_memories_along_and_no_others(acme: Any, game: Game) -> None:
    other = open_game(acme, player={"id": "dave"})
    for one in (game, other):
        one.tell("rain", text="It rains.")
    save = game.save()
    load(game, save)
    game.tell("snow", text="It snows.")

    assert acme.api.delete(game.url).status_code == 204

    with acme.scope():
        assert set(Memory.objects.values_list("store", flat=True)) == {UUID(other.opened["branch_id"])}
    assert texts(other, "bram") == ["It rains."]


def test_a_neighbour_sees_and_forgets_nothing(game: Game, globex: Any) -> None:
    game.tell("rain", text="It rains.")
    [memory] = kept(game, "bram")
    for url in (f"{game.url}characters/bram/memories/", f"{game.url}knowledge/?character=bram"):
        assert globex.api.get(url).status_code == 404
    assert globex.api.delete(f"{game.url}characters/bram/memories/{memory['id']}/").status_code == 404
    assert texts(game, "bram") == ["It rains."]
