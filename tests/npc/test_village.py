"""The village of the demo: one story in two languages, which can be played to its end and gives nothing away."""

import re
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from npc.play.rules import effect
from npc.sessions.entries import ActionOutcome, Data, Happened, Opened, ProposedAction, StatePatched, TurnClosed
from npc.sessions.folding import first_play, fold
from npc.sessions.play import Play, Player
from npc.sessions.situations import situation
from npc.turns.planning import offers
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from npc.worlds.document import Character, World
from npc.worlds.files import parse_world
from npc.worlds.trying import situation_in, stages_of
from tests.npc.conftest import open_game, put
from tests.npc.turns.conftest import answered, settled

WORLDS = Path(__file__).resolve().parents[2] / "demo" / "worlds"
FILES = {language: WORLDS / f"village.{language}.yaml" for language in ("en", "zh")}
STAGES = ("arrival", "humming", "bargain", "verses", "song")
# What would spoil the story, and the stage from which it may be said.
GIVEAWAYS = {
    "en": {
        1: ("breathes", "does the rest"),
        2: ("thirteenth", "borrowed"),
        3: ("Listener",),
        4: ("thank-you.", "Both"),
    },
    "zh": {1: ("一进一出", "后半截"), 2: ("第十三", "借来的"), 3: ("聆",), 4: ("不是吓唬人", "两次都")},
}
PROSE = {"name", "description", "text", "user", "say", "instructions", "voice"}
# The story in a player's words: who is spoken to, what is said, and what comes of it.
WORDS = {
    "en": [
        ("child", "Take me to the well, please!", "lead_to"),
        ("beekeeper", "I would like to buy a candle, please.", "trade"),
        ("teacher", "I brought you a candle. This is for you.", "take"),
        ("teacher", "Please open the chest.", "open"),
        ("baker", "Would you teach me your verse?", "teach_verse"),
        ("baker", "May I have one of those honey cakes?", "give"),
        ("beekeeper", "I brought you a honey cake.", "take"),
        ("beekeeper", "Can you teach me the verse of the hives?", "teach_verse"),
        ("baker", "Can I buy some bread?", "trade"),
        ("ferrywoman", "I brought you bread, here.", "take"),
        ("ferrywoman", "Teach me your song!", "teach_verse"),
        ("child", "Could you give me a button?", "give"),
        ("clockmaker", "I brought you a button. Here you are.", "take"),
        ("clockmaker", "Please teach me your verse.", "teach_verse"),
        ("bellkeeper", "Here is a letter for you.", "take"),
        ("bellkeeper", "Would you open the tower?", "open"),
        ("baker", "Will you promise to come and sing?", "promise"),
        ("beekeeper", "Promise me that you will come and sing.", "promise"),
        ("ferrywoman", "Promise to sing with us on Longest Night!", "promise"),
        ("child", "Do you promise to come and sing?", "promise"),
        ("bellkeeper", "Now ring the bell!", "ring_bell"),
    ],
    "zh": [
        ("child", "带我去泉边看看好吗？", "lead_to"),
        ("beekeeper", "我想买一支蜡烛。", "trade"),
        ("teacher", "这支蜡烛送给你。", "take"),
        ("teacher", "请把箱子打开吧。", "open"),
        ("baker", "教我你家那段歌吧。", "teach_verse"),
        ("baker", "能送我一块蜜糕吗？", "give"),
        ("beekeeper", "我给你带了一块蜜糕。", "take"),
        ("beekeeper", "你家守着的那段歌，能教教我吗？", "teach_verse"),
        ("baker", "我要买个馍。", "trade"),
        ("ferrywoman", "给你带了个馍来。", "take"),
        ("ferrywoman", "教我唱你那段歌吧！", "teach_verse"),
        ("child", "可以给我一颗纽扣吗？", "give"),
        ("clockmaker", "这颗纽扣送给你。", "take"),
        ("clockmaker", "请把你家的歌教给我。", "teach_verse"),
        ("bellkeeper", "这封信给你。", "take"),
        ("bellkeeper", "请打开钟楼的门。", "open"),
        ("baker", "你答应晚上来唱歌吗？", "promise"),
        ("beekeeper", "答应我，晚上来唱歌好吗？", "promise"),
        ("ferrywoman", "长夜节晚上来唱歌，你肯答应吗？", "promise"),
        ("child", "你会来唱歌吗？答应我吧。", "promise"),
        ("bellkeeper", "现在敲钟吧！", "ring_bell"),
    ],
}
HAN = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")
LATIN = re.compile(r"[A-Za-z_]+")


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def village(language: str) -> CompiledWorld:
    return compiled(language)


def raw(language: str) -> Any:
    return parse_world(FILES[language].read_bytes(), is_yaml=True)


def compiled(language: str) -> CompiledWorld:
    return CompiledWorld(UUID(int=0), World.model_validate(raw(language)), {})


def seen_by(village: CompiledWorld, character: str, stage: str) -> Situation:
    return situation_in(village.document, stages_of(village.document)[stage], actor=character)


def persona(character: Character) -> Any:
    return character.persona


# What the files are


def test_writers_are_told_of_no_problem_and_no_warning() -> None:
    out = StringIO()

    call_command("npc_check", *map(str, FILES.values()), stdout=out)

    counts = "8 characters, 4 scenes, 43 facts, 16 actions"
    assert out.getvalue() == f"{FILES['en']}: Hearkenwell: {counts}\n{FILES['zh']}: 听泉村: {counts}\n"


def test_a_file_stays_small_enough_to_be_read_whole(language: str) -> None:
    assert FILES[language].stat().st_size < 60_000


def test_both_tell_the_same_story_by_the_same_rules() -> None:
    english, chinese = rules(told("en")), rules(told("zh"))

    assert english.pop("slug") == "village-en"
    assert chinese.pop("slug") == "village-zh"
    assert (english.pop("language"), chinese.pop("language")) == ("en", "zh")
    assert english == chinese


def rules(value: Any) -> Any:
    """A part of a document without its words: ids, conditions, numbers and how many lines there are."""
    if isinstance(value, dict):
        held = {key: rules(part) for key, part in value.items() if not (key in PROSE and isinstance(part, str))}
        return held | {"rejections": len(value["rejections"])} if "rejections" in value else held
    if isinstance(value, list) and all(isinstance(part, dict) and set(part) == {"user", "say"} for part in value):
        return len(value)
    return [rules(part) for part in value] if isinstance(value, list) else value


def test_each_speaks_its_own_language_only() -> None:
    english, chinese = list(prose(told("en"))), list(prose(told("zh")))
    ids = set(LATIN.findall(str(rules(told("zh")))))  # a description may say what they mean

    assert [text for text in english if HAN.search(text)] == []
    assert [text for text in chinese if set(LATIN.findall(text)) - ids] == []
    assert [text for text in chinese if not HAN.search(text)] == []


def told(language: str) -> Any:
    """A document in which a `name` is always a text for people: that of an action is its id."""
    document = raw(language)
    actions = [{"id": action.pop("name"), **action} for action in document["actions"]]
    return {**document, "actions": actions}


def prose(value: Any) -> Iterator[str]:
    """Every text that was written for people."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key in PROSE and isinstance(part, str):
                yield part
            elif key == "rejections":
                yield from part
            else:
                yield from prose(part)
    elif isinstance(value, list):
        for part in value:
            yield from prose(part)


# What the story holds back


def test_every_fact_opens_in_some_stage_and_somebody_can_tell_it(village: CompiledWorld) -> None:
    open_facts = {
        fact_id
        for stage in STAGES
        for character in village.characters
        for fact_id in village.open_facts(seen_by(village, character, stage))
        if village.knows(character, fact_id)
    }

    assert open_facts == set(village.facts)


def test_every_stage_opens_something_that_was_worth_hiding(village: CompiledWorld) -> None:
    stages = [village.open_facts(seen_by(village, "cat", stage)) for stage in STAGES]

    assert len(stages[0]) == 15
    assert [len(later - earlier) for earlier, later in pairwise(stages)] == [7, 8, 7, 6]


def test_nothing_that_is_said_or_shown_gives_a_secret_away(village: CompiledWorld, language: str) -> None:
    spoilt = [
        (stage, character, giveaway)
        for number, stage in enumerate(STAGES)
        for character in village.characters
        for opens, giveaways in GIVEAWAYS[language].items()
        for giveaway in giveaways
        if opens > number and giveaway in " ".join(words(village, character, stage))
    ]

    assert spoilt == []


def test_no_closed_fact_enters_a_prompt_in_any_stage() -> None:
    out = StringIO()

    call_command("npc_prove", *map(str, FILES.values()), stdout=out)

    assert out.getvalue().count("8 characters, 6 states") == 2


def test_what_is_held_back_is_told_in_the_end(village: CompiledWorld, language: str) -> None:
    for opens, giveaways in GIVEAWAYS[language].items():
        said = " ".join(text for one in village.characters for text in words(village, one, STAGES[opens]))
        assert [giveaway for giveaway in giveaways if giveaway not in said] == []


def words(village: CompiledWorld, character: str, stage: str) -> Iterator[str]:
    """All that can come up with a character in a stage: what it knows, says, wants, and is shown as possible."""
    seen = seen_by(village, character, stage)
    known = village.characters[character]
    yield persona(known).instructions
    yield persona(known).voice
    for example in persona(known).examples:
        yield example.say
    for line in known.fallbacks:
        if "affinity" in (line.when or "") or village.is_open(line.when, seen):
            yield line.text
    for goal, state in zip(known.goals, village.goals(character, seen), strict=True):
        if state["state"] != "dormant":
            yield goal.description
    for fact_id in village.open_facts(seen):
        if village.knows(character, fact_id):
            yield village.facts[fact_id].text
    for offer in offers(village, seen, character).values():
        yield offer.action.description
        yield from offer.action.rejections
    for scene in village.scenes.values():
        yield scene.description


# What the characters say without a model


def test_everybody_has_a_line_for_every_stage_and_every_feeling(village: CompiledWorld) -> None:
    for character in village.characters.values():
        for number, stage in enumerate(STAGES):
            own = [line for line in character.fallbacks if line.when == f"state.stage == {number}"]
            seen = seen_by(village, character.id, stage)
            assert len(own) >= 2, (character.id, stage)
            assert all(village.is_open(line.when, seen) for line in own)
        conditions = [line.when for line in character.fallbacks]
        assert {"actor.affinity.trust < 0.0", "actor.affinity.trust >= 3.0"} <= set(conditions)
        assert conditions[-1] is None


def test_everybody_greets_parts_thanks_and_stays_in_the_story(village: CompiledWorld, language: str) -> None:
    usual = {
        "en": ("Hello", "Who are you", "Thank", "Goodbye|bye|leave", "AI|robot|real|computer|intelligence"),
        "zh": ("你好", "你是谁", "谢谢", "再见", "人工智能|机器人|真人|电脑"),
    }
    for character in village.characters.values():
        examples = persona(character).examples
        asked = [example.user for example in examples]
        assert len(asked) == len(set(asked)) >= 13, character.id
        for pattern in usual[language]:
            assert any(re.search(pattern, text) for text in asked), (character.id, pattern)


def test_no_two_characters_say_the_same(village: CompiledWorld) -> None:
    said = [
        text
        for one in village.characters.values()
        for text in [*(example.say for example in persona(one).examples), *(line.text for line in one.fallbacks)]
    ]

    assert len(said) == len(set(said))


# The story, played to its end


class Story:
    """A play without a server: every action is offered, checked and accepted by the rules alone."""

    def __init__(self, village: CompiledWorld) -> None:
        self.village = village
        opened = Opened(player=Player(id="alice"), state=village.document.initial_state, scene="square")
        self.play: Play = first_play(village, opened)
        self.turns = 0

    def can(self, actor: str, name: str, **arguments: Any) -> bool:
        """Whether the engine would let a model propose this to the game."""
        seen = situation(self.village, self.play, actor=actor)
        offer = offers(self.village, seen, actor).get(name)
        return (
            offer is not None
            and self.village.argument_problems(offer.action, arguments) == []
            and all(arguments[parameter] in values for parameter, values in offer.candidates.items())
            and self.village.passes(offer.action, seen.with_args(arguments))
        )

    def do(self, actor: str, name: str, **arguments: Any) -> None:
        assert self.can(actor, name, **arguments), (actor, name, arguments, self.play.state)
        self.turns += 1
        action = ProposedAction(
            id=f"a{self.turns}", name=name, arguments=arguments, timing="after_speech", ttl_s=30, expires_at=""
        )
        self.happen(TurnClosed(turn_id=f"t{self.turns}", character=actor, say="", actions=[action]))
        self.happen(ActionOutcome(action_id=action.id, outcome="accepted"))
        self.change(**effect(self.play.state, actor, name, arguments))

    def change(self, **state: Any) -> None:
        self.happen(StatePatched(patch=state))
        assert self.village.state_problems(self.play.state) == []

    def happen(self, data: Data) -> None:
        self.play = fold(self.village, self.play, data)


def test_a_carrier_who_is_kind_brings_the_song_back(village: CompiledWorld) -> None:
    game = Story(village)
    assert not game.can("teacher", "open", door="chest")
    assert not game.can("child", "hum")

    game.do("child", "lead_to", spot="well_rim")
    game.do("child", "hum")

    assert not game.can("teacher", "open", door="chest")  # not for a stranger
    game.do("beekeeper", "trade", item="candle")
    game.do("teacher", "take", item="candle")
    game.do("teacher", "open", door="chest")
    game.do("teacher", "read_aloud", paper="page")

    game.do("baker", "teach_verse", verse="kneading")
    assert not game.can("beekeeper", "teach_verse", verse="honey")
    game.do("baker", "give", item="honey_cake")
    game.do("beekeeper", "take", item="honey_cake")
    game.do("beekeeper", "teach_verse", verse="honey")
    game.do("baker", "trade", item="bread", price=1)
    game.do("ferrywoman", "take", item="bread")
    game.do("ferrywoman", "teach_verse", verse="rowing")
    game.do("child", "give", item="button")
    game.do("clockmaker", "take", item="button")
    assert not game.can("bellkeeper", "take", item="letter")
    game.do("clockmaker", "teach_verse", verse="counting")

    game.change(night=True)
    game.do("ferrywoman", "ferry", to="lake_middle")
    game.do("ferrywoman", "ferry", to="jetty")
    game.do("bellkeeper", "take", item="letter")
    game.do("bellkeeper", "open", door="tower")
    assert not game.can("bellkeeper", "ring_bell", strokes=13)  # nobody is there to sing
    for singer in ("baker", "beekeeper", "ferrywoman", "clockmaker", "teacher", "child"):
        game.do(singer, "promise")
    game.do("bellkeeper", "ring_bell", strokes=13)

    assert (game.play.state["stage"], game.play.state["coins"]) == (4, 4)
    assert not game.can("bellkeeper", "ring_bell", strokes=6)
    assert not_done(game) == {"sweet-batch", "supper", "wheel-thing"}

    game.do("beekeeper", "give", item="honey")
    game.do("baker", "take", item="honey")
    game.do("ferrywoman", "trade", item="fish", price=1)
    game.do("cat", "take", item="fish")
    game.do("clockmaker", "trade", item="cogwheel")
    game.do("child", "take", item="cogwheel")

    assert not_done(game) == set()
    assert game.play.state["coins"] == 1


def test_without_a_model_a_player_gets_there_by_plain_words(acme: Any, language: str) -> None:
    document = raw(language)
    put(acme, document)
    game = open_game(acme, world=document["slug"], player={"id": "alice", "name": "Alice"})
    homes = {one["id"]: one["scene"] for one in document["characters"]}

    for actor, said, name in WORDS[language]:
        state = game.state["state"]
        night = {"night": state["stage"] == 3}
        answer = answered(game, said, character=actor, speaker="alice", scene=homes[actor], state_patch=night)
        assert [action["name"] for action in answer["actions"]] == [name], (actor, said, answer)
        [action] = answer["actions"]
        change = effect(state, actor, name, action["arguments"])
        assert settled(game, action["id"], state_patch=change).status_code == 200

    assert game.state["state"]["bell"] == "answered"


def test_small_talk_sets_nothing_in_motion(acme: Any, language: str) -> None:
    document = raw(language)
    put(acme, document)
    game = open_game(acme, world=document["slug"], player={"id": "alice", "name": "Alice"})

    for character in document["characters"]:
        hello, thanks = character["persona"]["examples"][0], "谢谢你！" if language == "zh" else "Thank you!"
        asked = {"character": character["id"], "speaker": "alice", "scene": character["scene"]}
        greeting = answered(game, hello["user"], **asked)
        assert (greeting["say"], greeting["actions"]) == (hello["say"], [])
        assert answered(game, thanks, **asked)["actions"] == []


def not_done(game: Story) -> set[str]:
    return {
        goal["id"]
        for one in game.village.characters
        for goal in game.village.goals(one, situation(game.village, game.play, actor=one))
        if goal["state"] != "done"
    }


def test_nobody_sells_above_the_price_or_what_the_carrier_cannot_pay(village: CompiledWorld) -> None:
    game = Story(village)

    assert [price for price in range(10) if game.can("clockmaker", "trade", item="cogwheel", price=price)] == [1, 2]
    assert not game.can("baker", "trade", item="honey_cake")  # those are presents
    game.change(coins=1)
    assert not game.can("clockmaker", "trade", item="cogwheel")
    assert not game.can("cat", "trade", item="fish")


def test_two_at_most_go_along_until_one_stays(village: CompiledWorld) -> None:
    game = Story(village)
    assert not game.can("cat", "follow")  # not for a stranger
    game.happen(Happened(type="helped", witnesses=["cat"]))
    assert not game.can("child", "stay")

    game.do("child", "follow")
    game.do("baker", "follow")
    assert not game.can("cat", "follow")
    game.do("child", "stay")

    assert game.can("cat", "follow")


def test_who_is_insulted_goes_nowhere_with_you(village: CompiledWorld) -> None:
    game = Story(village)
    assert game.can("child", "follow")

    game.happen(Happened(type="rude_word", witnesses=["child"]))

    assert not game.can("child", "follow")
    assert not game.can("child", "lead_to", spot="well_rim")
