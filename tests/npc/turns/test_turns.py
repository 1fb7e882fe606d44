"""Carol turns to Bram: what he says, what he proposes, and what is written down."""

from uuid import uuid4

import pytest

from llm.models import ModelCall
from npc.sessions.logbook import TOLD_ENTRIES
from tests.npc.conftest import inn, open_game, put, wrong_paths
from tests.npc.turns.conftest import answered, kinds, reply, sale, turn


def test_bram_answers_and_proposes_a_sale(game, scripted_llm):
    scripted_llm.will_say(reply("An ale, coming.", "happy", sale()), usage=(100, 20, 60))

    answer = answered(game)

    action = answer["actions"][0]
    assert answer["say"] == "An ale, coming."
    assert (answer["character"], answer["emotion"], answer["fallback"]) == ("bram", "happy", None)
    assert (action["name"], action["arguments"]) == ("sell", {"item": "ale", "price": 3})
    assert (action["timing"], action["ttl_s"]) == ("after_speech", 30)
    assert (answer["state_version"], answer["affinity"]) == (1, {"trust": 0.0})
    assert answer["goals"] == [{"id": "sell", "state": "open"}, {"id": "calm", "state": "open"}]
    assert answer["usage"]["input_tokens"] == 100
    assert set(answer["timing"]) == {"opened_ms", "first_delta_ms", "model_ms", "total_ms"}
    assert list(game.now()["proposed"]) == [action["id"]]
    assert game.now()["emotions"] == {"bram": "happy"}


def test_the_log_says_what_the_turn_read_and_what_the_model_said(game, scripted_llm):
    scripted_llm.will_say(reply("Yes.", "happy", {"name": "fly"}, sale(" ALE")), chunks=3)

    answer = answered(game, seed=7)

    opened, closed = (entry for entry in game.log() if entry["kind"].startswith("turn."))
    assert opened["subject"] == closed["subject"] == answer["turn_id"]
    assert opened["data"]["present"] == ["bram", "carol", "mira"]
    assert opened["data"]["seed"] == 7
    read = opened["data"]["read"]
    assert read["offers"] == {"sell": {"item": ["ale", "bread"]}, "bow": {}}
    assert (read["facts"], read["state_version"], read["model"]) == (["ford"], 1, "scripted-chat")
    assert len(read["prompt"]) == 64
    assert "".join(closed["data"]["chunks"]) == reply("Yes.", "happy", {"name": "fly"}, sale(" ALE"))
    assert [one["rule"] for one in closed["data"]["removed"]] == ["unknown_action", "candidate_mended"]


def test_the_prompt_holds_what_bram_may_know_and_do_and_nothing_else(game, scripted_llm):
    scripted_llm.will_say(reply(), times=2)
    answered(game, "Any news?")
    asked = scripted_llm.chat_requests[0]
    prompt = "\n".join(message["content"] for message in asked.messages)

    assert "Carol: Any news?" in asked.last_text
    for known in ("The ford floods in spring.", "Low beams", "Mira", "ale", "Keep the peace.", "You keep the inn"):
        assert known in prompt
    for unknown in ("silver cup", "tunnel", "gold", "You sweep"):
        assert unknown not in prompt
    assert asked.body["response_format"]["json_schema"]["schema"]["required"] == ["say", "emotion", "actions"]
    assert asked.body["seed"] >= 0

    game.patch({"stage": 2, "stock": []})
    answered(game, "And now?")
    later = scripted_llm.chat_requests[1]
    assert "A tunnel leads out." in later.last_text
    assert "sell" not in later.last_text.split("What you can do now")[1]
    # What was said is told again as it was said.
    assert [(one["role"], one["content"]) for one in later.messages[1:-1]] == [
        ("user", "Carol: Any news?"),
        ("assistant", "Here you are."),
    ]


def test_who_does_not_stand_by_hears_nothing(game, scripted_llm):
    scripted_llm.will_say(reply("Hush."), times=None)
    answered(game, "The password is mango.", present=["carol", "bram"])
    answered(game, "What did I say?", character="mira")
    answered(game, "What did I say?", character="bram")

    asked = [
        "\n".join(message["content"] for message in request.messages) for request in scripted_llm.chat_requests[1:]
    ]
    assert "mango" not in asked[0]
    assert "mango" in asked[1]


def test_a_turn_sent_again_is_answered_as_before(game, scripted_llm):
    scripted_llm.will_say(reply("An ale.", "happy", sale()))
    turn_id = str(uuid4())

    first = answered(game, turn_id=turn_id)
    game.patch({"gold": 3, "stage": 4})
    game.tell("gift")
    again = answered(game, turn_id=turn_id)

    assert again == first
    assert kinds(game).count("turn.opened") == kinds(game).count("turn.closed") == 1
    assert len(scripted_llm.chat_requests) == 1


def test_a_turn_without_an_id_may_be_sent_again_with_a_key(game, scripted_llm):
    scripted_llm.will_say(reply("An ale.", "happy", sale()))
    asked = {"character": "bram", "speaker": "carol", "text": "An ale, please.", "turn_id": None}
    key = {"Idempotency-Key": "ale-1"}

    first, again = (game.api.post(f"{game.url}turns/", asked, **key).json() for _ in range(2))
    other = game.api.post(f"{game.url}turns/", asked | {"text": "A beer, please."}, **key)
    unheard = game.api.post(f"{game.url}turns/", asked, **{"Idempotency-Key": "x" * 201})

    assert first == again
    assert (first["say"], kinds(game).count("turn.opened")) == ("An ale.", 1)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    assert list(wrong_paths(unheard)) == ["Idempotency-Key"]


def test_what_is_optional_in_a_turn_may_be_null(game, scripted_llm):
    scripted_llm.will_say(reply("For me?", "happy"))

    answer = answered(game, text=None, event={"type": "gift", "text": None, "data": None}, scene=None, deadline_ms=None)

    assert (answer["say"], answer["affinity"]) == ("For me?", {"trust": 2.0})
    assert list(wrong_paths(turn(game, text=None, event=None))) == ["text"]


def test_a_reply_that_says_and_does_nothing_is_none(game, scripted_llm):
    scripted_llm.will_say('{"say": 7, "emotion": 3, "actions": "x"}')

    answer = answered(game)

    assert (answer["say"], answer["actions"], answer["fallback"]) == ("Hm.", [], "provider")
    replayed = game.api.post(f"{game.url}turns/{answer['turn_id']}/replay/")
    assert replayed.json() == {"identical": True, "differences": []}


def test_an_id_stands_for_one_turn(game, scripted_llm):
    scripted_llm.will_say(reply("An ale."))
    turn_id = str(uuid4())
    first = answered(game, turn_id=turn_id)

    for other in ({"text": "A beer, please."}, {"speaker": "mira"}, {"character": "mira"}):
        refused = turn(game, **{"text": "An ale, please.", "turn_id": turn_id, **other})
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_mismatch"), other
    assert answered(game, turn_id=turn_id, character=None, deadline_ms=900) == first
    assert kinds(game).count("turn.opened") == 1


def test_the_game_says_with_the_turn_what_has_changed(game, scripted_llm):
    scripted_llm.will_say(reply("Nothing left.", "sad", sale()))

    answer = answered(game, state_patch={"stock": []}, base_state_version=1)

    assert (answer["state_version"], answer["actions"]) == (2, [])
    assert game.state["state"]["stock"] == []
    stale = turn(game, base_state_version=1)
    assert (stale.status_code, stale.json()["code"]) == (409, "state_stale")
    assert kinds(game) == ["opened", "state.patched", "turn.opened", "turn.closed"]


def test_a_patch_that_breaks_the_schema_opens_no_turn(game, scripted_llm):
    assert list(wrong_paths(turn(game, state_patch={"gold": -1}))) == ["state.gold"]
    assert kinds(game) == ["opened"]
    assert game.state["state_version"] == 1


def test_an_event_may_stand_in_for_words(game, scripted_llm):
    scripted_llm.will_say(reply("For me?"))

    answer = answered(game, text=..., event={"type": "gift", "text": "Carol puts a rose on the bar."})

    assert "[It happens: Carol puts a rose on the bar.]" in scripted_llm.chat_requests[0].last_text
    assert answer["affinity"] == {"trust": 2.0}
    assert kinds(game) == ["opened", "event", "turn.opened", "turn.closed"]


def test_characters_talk_with_each_other(game, scripted_llm):
    scripted_llm.will_say(reply("I swept it."))

    assert answered(game, "Is the floor clean?", speaker="bram", character="mira")["say"] == "I swept it."
    assert "Bram: Is the floor clean?" in scripted_llm.chat_requests[0].last_text


def test_a_chinese_world_is_prompted_in_chinese(acme, scripted_llm):
    put(acme, inn(language="zh", name="渡口客栈"))
    game = open_game(acme)
    scripted_llm.will_say(reply("客官，请。", "happy"))

    assert answered(game, "有酒吗？")["say"] == "客官，请。"
    prompt = scripted_llm.chat_requests[0].messages
    assert "你是世界「渡口客栈」中的角色Bram" in prompt[0]["content"]
    assert "# 你现在能做的事" in prompt[-1]["content"]


def test_plain_speech_is_taken_as_speech_alone(game, scripted_llm):
    scripted_llm.will_say("Bram: *polishes a mug* One room left, traveller.")

    answer = answered(game)

    assert (answer["say"], answer["emotion"], answer["actions"]) == ("One room left, traveller.", "neutral", [])


@pytest.mark.parametrize("emotion", ["ecstatic", "", 3, None])
def test_an_emotion_that_the_world_does_not_know_is_none(game, scripted_llm, emotion):
    scripted_llm.will_say(reply("Hm.", emotion))

    assert answered(game)["emotion"] == "neutral"


@pytest.mark.parametrize(
    ("asked", "paths"),
    [
        ({"character": "ghost"}, ["character"]),
        ({"speaker": "nobody"}, ["speaker"]),
        ({"speaker": "bram"}, ["character"]),
        ({"scene": "attic"}, ["scene"]),
        ({"present": ["carol", "ghost"]}, ["present.1"]),
        ({"text": " "}, ["text"]),
        ({"event": {"type": "gift"}}, ["text"]),
        ({"deadline_ms": 1}, ["deadline_ms"]),
        ({"turn_id": "x"}, ["turn_id"]),
        ({"state_patch": [{"op": "fly"}]}, ["patch.0"]),
        ({"allowed_actions": "all"}, ["allowed_actions"]),
        ({"character": None, "present": ["carol"]}, ["character"]),
    ],
)
def test_a_turn_that_cannot_be_is_refused_and_nothing_noted(game, asked, paths):
    assert list(wrong_paths(turn(game, **asked))) == paths
    assert kinds(game) == ["opened"]


def test_what_the_model_cost_is_on_the_keys_account(acme, game, scripted_llm):
    scripted_llm.will_say(reply(), usage=(100, 20, 60))
    answer = answered(game)

    with acme.scope():
        call = ModelCall.objects.get()
        assert (str(call.turn_id), call.end_user, call.input_tokens) == (answer["turn_id"], "carol", 100)
        assert call.api_key_id is not None


def test_an_answer_for_a_branch_that_was_left_is_dropped(game, scripted_llm, acme):
    save = game.save()

    def load_meanwhile(_request):
        from threading import Thread

        loading = Thread(target=open_game, args=(acme,), kwargs={"save": save})
        loading.start()
        loading.join()
        return reply("Too late.", "happy", sale())

    scripted_llm.will_answer_with(load_meanwhile)
    late = turn(game)

    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert "turn.closed" not in kinds(game)
    assert game.now()["proposed"] == {}


def test_what_is_long_ago_comes_back_as_a_memory_to_who_was_there(game, scripted_llm):
    scripted_llm.will_say(reply(), times=None)
    game.tell("gift", text="Carol gave Bram a silver spoon.", witnesses=["bram", "carol"])
    for number in range(TOLD_ENTRIES):
        game.tell("noise", text=f"A cart rolls by, the {number}th.")

    answered(game, "Do you remember my gift?")
    answered(game, "Do you remember my gift?", character="mira")

    bram, mira = scripted_llm.chat_requests
    assert "silver spoon" in bram.last_text.split("# What you remember")[1]
    assert "silver spoon" not in "".join(message["content"] for message in mira.messages)
    opened = next(entry for entry in game.log() if entry["kind"] == "turn.opened")
    assert opened["data"]["read"]["memories"]
