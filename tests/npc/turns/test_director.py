"""Nobody in particular is spoken to: by rule, and the same each time, somebody answers."""

from typing import Any

import pytest

from npc.sessions.entries import Happened, TurnOpened
from npc.turns.directing import MAX_CHAIN, Cue, chain_length, next_to_speak
from npc.worlds.compiled import CompiledWorld
from tests.npc.conftest import inn, open_game, put, wrong_paths
from tests.npc.turns.conftest import answered, begun, compiled, reply, turn

CROWD = ["bram", "mira", "old_tom", "miranda", "老王"]


def person(character_id: str, name: str, scene: str | None = "taproom", **more: Any) -> dict[str, Any]:
    return {"id": character_id, "persona": {"name": name}, "scene": scene, **more}


@pytest.fixture
def crowd() -> CompiledWorld:
    """An inn with a crowd in it."""
    return compiled(
        characters=[
            person("bram", "Bram"),
            person("mira", "Mira"),
            person("old_tom", "Tom Ferrier", fallbacks=[{"when": "state.night", "text": "I hear an owl."}]),
            person("miranda", "Miranda"),
            person("老王", "老王", "cellar"),
        ],
        facts=[],
        actions=[],
        reactions=[],
    )


def chosen(crowd: CompiledWorld, text: str = "", **more: Any) -> tuple[str, str] | None:
    play = begun(crowd, **more.pop("state", {}))
    cue = {
        "speaker": "carol",
        "is_event": False,
        "present": ["carol", *CROWD],
        "scene": "taproom",
        "turns": [],
        "chance": "7:1",
        **more,
    }
    return next_to_speak(crowd, play, Cue(text=text, **cue))


def turned(speaker: str, character: str, **more: Any) -> TurnOpened:
    return TurnOpened(turn_id="1", speaker=speaker, character=character, text="Hm?", **more)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Mira, is that you?", "mira"),
        ("Tell me of Mira, Bram!", "mira"),
        ("Bram, where is Mira?", "bram"),
        ("MIRANDA?", "miranda"),
        ("Good evening, Tom.", "old_tom"),
        ("You there, old tom!", "old_tom"),
        ("老王，酒呢？", "老王"),
        ("请问老王在吗", "老王"),
        ("miranda's cup, Mira!", "miranda"),
    ],
)
def test_who_is_called_answers(crowd, text, who):
    assert chosen(crowd, text) == (who, "called")


def test_a_name_within_a_word_calls_nobody(crowd):
    assert chosen(crowd, "What an admirable tomcat, a real abramis.")[1] != "called"


def test_else_whom_one_talked_with_last_goes_on(crowd):
    turns = [turned("carol", "mira"), turned("bram", "old_tom")]

    assert chosen(crowd, "I thought so.", turns=turns) == ("mira", "talked_with")
    assert chosen(crowd, "Well?", speaker="old_tom", turns=turns) == ("bram", "talked_with")
    # Who has left does not.
    assert chosen(crowd, "I thought so.", present=["carol", "bram"], turns=turns) == ("bram", "near")


def test_else_who_has_a_line_for_the_moment(crowd):
    assert chosen(crowd, "Did you hear that?", state={"night": True}) == ("old_tom", "has_a_line")
    assert chosen(crowd, "Did you hear that?")[1] == "near"


def test_what_happens_is_answered_by_who_has_something_to_say_and_not_by_whom_one_talked_with(crowd):
    turns = [turned("carol", "mira")]

    assert chosen(crowd, "An owl cries.", is_event=True, state={"night": True}, turns=turns) == (
        "old_tom",
        "has_a_line",
    )
    assert chosen(crowd, "Mira stumbles.", is_event=True, state={"night": True}) == ("mira", "called")


def test_who_is_here_comes_before_who_only_hears_of_it(crowd):
    assert chosen(crowd, "Hello?", present=["carol", "老王", "mira"]) == ("mira", "near")
    assert chosen(crowd, "Hello?", present=["carol", "老王"]) == ("老王", "there")
    assert chosen(crowd, "Hello?", present=["carol"]) is None


def test_between_equals_the_sessions_seed_decides(crowd):
    casts = [[chosen(crowd, "Hello?", chance=f"{seed}:{number}") for number in range(40)] for seed in (1, 1, 2)]

    assert casts[0] == casts[1] != casts[2]
    assert {who for who, _rule in casts[0]} == {"bram", "mira", "old_tom", "miranda"}


def test_a_chain_is_what_characters_said_among_themselves_since_the_player_spoke(crowd):
    among = [turned("bram", "mira"), turned("mira", "bram")]

    assert chain_length(crowd, [turned("carol", "bram"), *among]) == 2
    assert chain_length(crowd, [*among, turned("carol", "bram")]) == 0
    assert chain_length(crowd, [*among, Happened(type="bell"), *among[:1]]) == 1


# --- Over the API ---------------------------------------------------------------------------------------------
def test_bram_and_mira_are_left_to_talk_until_it_is_enough(game, scripted_llm):
    scripted_llm.will_say(reply("Is it?"), times=None)
    speaker, cast = "bram", []
    for _number in range(MAX_CHAIN):
        speaker = answered(game, "The floor is wet.", speaker=speaker, character=None)["character"]
        cast.append(speaker)

    assert cast == ["mira", "bram"] * (MAX_CHAIN // 2)
    refused = turn(game, "And now?", speaker=speaker, character=None)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    # Whom the game names may always speak; and when Carol has, they may go on.
    assert answered(game, "And now?", speaker="mira", character="bram")["character"] == "bram"
    assert answered(game, "Quiet, you two!", character=None)["character"] in ("bram", "mira")
    assert answered(game, "Sorry.", speaker="bram", character=None)["character"] == "mira"


def test_the_log_says_by_which_rule_somebody_was_picked(game, scripted_llm):
    scripted_llm.will_say(reply("Yes?"), times=None)

    answer = answered(game, "Mira?", character=...)
    answered(game, "Bram?", character="bram")

    read = [entry["data"]["read"] for entry in game.log() if entry["kind"] == "turn.opened"]
    assert [one.get("director") for one in read] == ["called", None]
    assert game.api.post(f"{game.url}turns/{answer['turn_id']}/replay/").json()["identical"]


def test_the_same_play_has_the_same_cast(acme, scripted_llm):
    scripted_llm.will_say(reply("Yes?"), times=None)
    put(acme, inn())
    ids = [f"019a0000-0000-7000-8000-00000000000{number}" for number in range(3)]
    casts = []
    for _again in range(2):
        game = open_game(acme, seed=7)
        event = {"type": "thunder", "text": "It thunders."}
        casts.append([answered(game, ..., event=event, character=None, turn_id=one)["character"] for one in ids])

    assert casts[0] == casts[1]


def test_to_an_empty_room_nobody_answers(game):
    game.tell("leave", moves={"bram": "cellar", "mira": "cellar"})

    assert set(wrong_paths(turn(game, "Hello?", character=None))) == {"character"}
