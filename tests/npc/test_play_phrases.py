"""What the page of the village suggests to say is understood without a model, as the deed that it stands for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from npc.turns.authored import action_by_meaning
from npc.turns.planning import may_act, offers
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import World
from npc.worlds.files import parse_world
from npc.worlds.trying import situation_in, stages_of

ROOT = Path(__file__).resolve().parents[2]
STRINGS = (ROOT / "npc" / "static" / "npc" / "play" / "strings.js").read_text()
TEXT = re.compile(r'\b(\w+): "([^"]*)"')
EVERYTHING = ["honey_cake", "honey", "bread", "button", "cogwheel", "candle", "fish", "letter", "page"]
# The moments of the story in which something is to be asked for, as changes of an authored stage.
MOMENTS: list[tuple[str, dict[str, Any]]] = [
    ("arrival", {"bag": EVERYTHING[:7]}),
    ("humming", {}),
    ("bargain", {"night": True}),
    ("verses", {"verses": [], "locked": ["tower"], "promised": [], "boat": "jetty", "bag": ["letter", "page"]}),
    ("verses", {"promised": ["baker", "child", "teacher", "ferrywoman"]}),
]


def strings(language: str) -> dict[str, str]:
    english, chinese = STRINGS.split('"zh-Hans": {')
    return dict(TEXT.findall(english if language == "en" else chinese))


def asked_for(village: CompiledWorld, texts: dict[str, str]) -> Iterator[tuple[str, str, str, Any]]:
    """Who could do what in which moment, and how the page would have it asked for."""
    stages = stages_of(village.document)
    for stage, changes in MOMENTS:
        for character in village.characters:
            seen = situation_in(village.document, {**stages[stage], **changes}, actor=character)
            seen.names["actor"]["affinity"]["trust"] = 2.0
            possible = offers(village, seen, character)
            for name, offer in possible.items():
                values = next(iter(offer.candidates.values()), [""])
                for value in values:
                    text = texts.get(f"say_{name}_{value}") or texts.get(f"say_{name}", "")
                    if text:
                        said = text.replace("{item}", texts.get(f"item_{value}", ""))
                        yield character, said, f"{name}({value})", possible


def test_the_page_says_the_same_in_both_languages() -> None:
    english, chinese = strings("en"), strings("zh")

    assert english.keys() == chinese.keys()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_page_suggests_is_understood(language: str) -> None:
    document = parse_world((ROOT / "demo" / "worlds" / f"village.{language}.yaml").read_bytes(), is_yaml=True)
    village = CompiledWorld(UUID(int=0), World.model_validate(document), {})
    tried = 0
    missed: dict[str, str] = {}

    for character, said, meant, possible in asked_for(village, strings(language)):
        own = [one for one in village.actions.values() if may_act(one, character, None)]
        done = action_by_meaning(said, village, own, possible)
        told = [f"{one['name']}({next(iter(one['arguments'].values()), '')})" for one in done]
        tried += 1
        if told != [meant]:
            missed[f"{character}: {said}"] = f"{told}, not {meant}"

    assert tried > 40
    assert missed == {}
