"""Proposed is not done: the game accepts, rejects, or lets the time pass, and only then something happened."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from npc.sessions.writing import writing
from npc.turns.settling import expire_overdue
from personas.models import Memory
from tests.npc.conftest import inn, open_game, put, wrong_paths
from tests.npc.turns.conftest import answered, kinds, reply, sale, settled


@pytest.fixture
def offer(game, scripted_llm):
    """Bram has proposed to sell Carol an ale; the id of the action."""
    scripted_llm.will_say(reply("An ale, coming.", "happy", sale()))
    return answered(game)["actions"][0]["id"]


def memories(business):
    with business.scope():
        return sorted(Memory.objects.filter(kind="done").values_list("holder", "text"))


def test_what_is_accepted_happened_and_is_remembered(acme, game, offer, scripted_llm):
    result = settled(game, offer, state_patch=[{"op": "replace", "path": "/gold", "value": 7}])

    assert result.status_code == 200, result.content
    assert (result.json()["state_version"], result.json()["state"]["gold"]) == (2, 7)
    assert "say" not in result.json()
    assert game.now()["proposed"] == {}
    assert game.now()["affinity"]["bram"] == {"trust": 1.0}
    assert memories(acme) == [("bram", "Bram: Sell something to the guest. (item: ale, price: 3)")]
    scripted_llm.will_say(reply())
    answered(game, "What did I buy?")
    assert "[Bram: sell(item=ale, price=3)]" in "".join(
        one["content"] for one in scripted_llm.chat_requests[1].messages
    )


def test_what_is_rejected_did_not_happen(acme, game, offer, scripted_llm):
    result = settled(game, offer, accepted=False, reason="the barrel is empty")

    assert result.json() == {"state_version": 1, "state": game.state["state"]}
    assert game.now()["proposed"] == {}
    assert game.now()["affinity"]["bram"] == {"trust": 0.0}
    assert memories(acme) == []
    scripted_llm.will_say(reply())
    answered(game, "What did I buy?")
    assert "sell(item" not in "".join(one["content"] for one in scripted_llm.chat_requests[1].messages)


@pytest.mark.parametrize(
    ("lines", "reason", "said"),
    [
        (["Alas: {reason}."], "the barrel is empty", "Alas: the barrel is empty."),
        (["唉，{reason}。", "不行。"], "", "不行。"),
        (["Alas: {reason}."], "", None),
        ([], "the barrel is empty", None),
    ],
)
def test_a_rejection_becomes_a_line_in_character(acme, scripted_llm, lines, reason, said):
    sell, bow = inn()["actions"]
    put(acme, inn(actions=[{**sell, "rejections": lines}, bow]))
    game = open_game(acme)
    scripted_llm.will_say(reply("Coming.", "happy", sale()))
    action_id = answered(game)["actions"][0]["id"]

    first = settled(game, action_id, accepted=False, reason=reason)
    again = settled(game, action_id, accepted=False, reason="whatever")

    assert first.json().get("say") == said
    assert again.json() == first.json()


def test_a_result_sent_again_changes_nothing_and_another_one_is_refused(game, offer):
    patch = [{"op": "add", "path": "/stock/-", "value": "salt"}]
    assert settled(game, offer, state_patch=patch).json() == settled(game, offer, state_patch=patch).json()

    assert settled(game, offer, accepted=False).status_code == 409
    assert game.state["state"]["stock"] == ["ale", "bread", "salt"]
    assert kinds(game).count("action.outcome") == 1


def test_a_result_may_leave_its_reason_null(game, offer):
    assert settled(game, offer, reason=None, state_patch=None).status_code == 200


def test_a_result_with_a_wrong_patch_is_not_noted_and_may_come_again(game, offer):
    assert list(wrong_paths(settled(game, offer, state_patch={"gold": -3}))) == ["state.gold"]
    assert list(game.now()["proposed"]) == [offer]

    assert settled(game, offer, state_patch={"gold": 3}).status_code == 200


def test_an_action_that_nobody_proposed_is_not_there(game, offer):
    assert settled(game, str(uuid4())).status_code == 404


def test_what_is_not_answered_in_time_did_not_happen(acme, game, offer):
    later = datetime.fromisoformat(game.now()["proposed"][offer]["expires_at"]) + timedelta(seconds=1)
    with writing(acme.id, game.id) as writer:
        expire_overdue(writer, now=later)

    late = settled(game, offer)

    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert game.now()["proposed"] == {}
    assert [entry["data"]["outcome"] for entry in game.log() if entry["kind"] == "action.outcome"] == ["expired"]
    assert memories(acme) == []


def test_the_clock_runs_by_the_actions_own_time(acme, scripted_llm):
    bow = {"name": "bow", "description": "Bow.", "ttl_s": 1}
    put(acme, inn(actions=[bow], reactions=[]))
    game = open_game(acme)
    scripted_llm.will_say(reply("Welcome.", "happy", {"name": "bow"}))
    action = answered(game)["actions"][0]
    proposed = game.now()["proposed"][action["id"]]
    closed = game.log()[-1]

    assert action["ttl_s"] == 1
    lived = datetime.fromisoformat(proposed["expires_at"]) - datetime.fromisoformat(closed["at"].replace("Z", "+00:00"))
    assert timedelta(seconds=0.5) < lived <= timedelta(seconds=1)


def test_on_another_branch_the_action_is_not_pending(acme, game, scripted_llm):
    save = game.save()
    scripted_llm.will_say(reply("Coming.", "happy", sale()))
    action_id = answered(game)["actions"][0]["id"]
    open_game(acme, save=save)

    assert settled(game, action_id).status_code == 404
    assert memories(acme) == []
