"""With no model connected the game is playable: authored lines and possible actions, chosen by meaning."""

from uuid import UUID

import pytest

from llm.models import ModelCall
from npc.turns.naming import Names, filled
from npc.turns.planning import Offer
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import Action, World
from tests.npc.conftest import inn, open_game, put
from tests.npc.turns.conftest import answered

ROOM = {
    "name": "show_room",
    "description": "Show the guest to a room for the night.",
    "parameters": {"type": "object", "properties": {}},
}
LAMP = {
    "name": "light_lamp",
    "description": "Light the oil lamp because it is dark.",
    "parameters": {"type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]},
    "candidates": {"where": "[scene.id]"},
}
EXAMPLES = [
    {"user": "Any rooms?", "say": "One left, traveller."},
    {"user": "What is there to eat?", "say": "Bread, and stew on Sundays."},
    {"user": "Is the road over the ford safe?", "say": "Not in spring."},
    {"user": "How is your wife?", "say": "Better, thank you."},
    {"user": "Do you know the smith?", "say": "He owes me for nine ales."},
]


@pytest.fixture
def game(acme):
    """Carol plays at an inn that has more to say and to do."""
    sell, bow = inn()["actions"]
    bram, mira, wang = inn()["characters"]
    bram["persona"]["examples"] = EXAMPLES
    put(acme, inn(actions=[sell, bow, ROOM, LAMP], characters=[bram, mira, wang]))
    return open_game(acme)


def test_the_nearest_authored_line_is_said(acme, game):
    answer = answered(game, "Do you have a free room?")

    assert answer["say"] == "One left, traveller."
    assert (answer["fallback"], answer["usage"]["model"]) == (None, "reader")
    with acme.scope():
        assert ModelCall.objects.get().model == "reader"


def test_where_no_line_is_near_an_authored_fallback_is_said(game):
    assert answered(game, "Zwei mal drei macht vier, widdewiddewitt.")["say"] == "Hm."
    game.patch({"night": True})
    assert answered(game, "Zwei mal drei macht vier.")["say"] == "We are closed."


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("Please light the oil lamp, it is so dark.", [("light_lamp", {"where": "taproom"})]),
        ("Sell me some ale for 3 gold, please.", [("sell", {"item": "ale", "price": 3})]),
        ("Please show me to my room for the night.", [("show_room", {})]),
        ("Hello! How are you today?", []),
        ("What is your name?", []),
        ("Sell me a sword.", []),
    ],
)
def test_the_action_is_taken_that_is_meant_if_it_is_possible(game, text, actions):
    answer = answered(game, text)

    assert [(one["name"], one["arguments"]) for one in answer["actions"]] == actions


def test_what_is_not_possible_now_is_not_done(game):
    game.patch({"stock": []})

    assert answered(game, "Sell me some ale for 3 gold, please.")["actions"] == []
    assert answered(game, "Please light the oil lamp.", allowed_actions=["bow"])["actions"] == []


def test_the_reader_speaks_chinese_with_a_chinese_world(acme):
    keeper = {
        "id": "keeper",
        "persona": {
            "name": "掌柜",
            "instructions": "你管着客栈。",
            "examples": [
                {"user": "还有房间吗？", "say": "还有一间，客官。"},
                {"user": "有什么吃的？", "say": "馒头，礼拜天有炖肉。"},
                {"user": "渡口安全吗？", "say": "春天可不行。"},
                {"user": "你认识铁匠吗？", "say": "他还欠我九碗酒。"},
                {"user": "你家里人好吗？", "say": "好多了，多谢。"},
            ],
        },
        "scene": "taproom",
    }
    lamp = LAMP | {"name": "点灯", "description": "天黑了，点亮油灯。"}
    put(acme, inn(language="zh", characters=[keeper], facts=[], reactions=[], actions=[lamp]))
    game = open_game(acme)

    assert answered(game, "请问有空房吗？", character="keeper")["say"] == "还有一间，客官。"
    lit = answered(game, "太黑了，请点一下油灯。", character="keeper")
    assert [(one["name"], one["arguments"]) for one in lit["actions"]] == [("点灯", {"where": "taproom"})]
    assert answered(game, "你好，最近怎么样？", character="keeper")["actions"] == []


def test_a_tier_without_a_model_asks_none(acme, scripted_llm):
    bram, *others = inn()["characters"]
    put(acme, inn(characters=[{**bram, "tier": "crowd"}, *others], tiers={"main": {}, "crowd": {"model": "none"}}))

    assert answered(open_game(acme), "Any rooms?")["say"] == "One left, traveller."
    assert scripted_llm.chat_requests == []


def offer(properties, candidates=None, required=()):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return Offer(Action(name="a", parameters=schema), candidates or {})


@pytest.mark.parametrize(
    ("text", "one", "arguments"),
    [
        ("Two ales for 3", offer({"n": {"type": "integer"}}, required=["n"]), {"n": 3}),
        ("给我3碗", offer({"n": {"type": "integer"}}, required=["n"]), {"n": 3}),
        ("Some ale", offer({"n": {"type": "integer"}}, required=["n"]), None),
        ("Some ale", offer({"n": {"type": "integer", "default": 1}}, required=["n"]), {"n": 1}),
        ("Some ale", offer({"n": {"type": "integer"}}), {}),
        ("The dark ale", offer({"i": {"type": "string"}}, {"i": ["ale", "dark ale"]}, ["i"]), {"i": "dark ale"}),
        ("Anything", offer({"i": {"type": "string"}}, {"i": ["ale", "bread"]}, ["i"]), None),
        ("Ale!", offer({"i": {"type": "array"}}, {"i": ["ale", "bread"]}, ["i"]), {"i": ["ale"]}),
        ("Loudly!", offer({"how": {"enum": ["softly", "loudly"]}}, required=["how"]), {"how": "loudly"}),
        ("Anything", offer({"x": {"type": "string"}}, required=["x"]), None),
    ],
)
def test_arguments_come_out_of_the_words(text, one, arguments):
    assert filled(text, one, Names(CompiledWorld(UUID(int=0), World(slug="inn", name="Inn"), {}))) == arguments
