"""What players say to the characters of the demo's village, and which action is meant by it, if any.

`reader_lines.jsonl` was written by somebody who knew the world's files alone. Half of it, drawn by lot, is for tuning;
of the other half (`report`) only totals may be looked at.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from llm.embedding import bundled
from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.play import Player
from npc.sessions.situations import situation
from npc.turns.authored import action_by_meaning
from npc.turns.planning import Offer, may_act, offers
from npc.worlds.checking import read_world
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import Action
from npc.worlds.files import parse_world

LINES = Path(__file__).parent / "reader_lines.jsonl"
WORLDS = Path(__file__).parents[2] / "demo" / "worlds"


class Line(NamedTuple):
    id: str
    lang: str
    character: str
    text: str
    action: str | None
    arguments: dict[str, Any]
    split: str


class Scored(NamedTuple):
    """Shares of all lines, and of the lines whose action was chosen rightly that got the right arguments too."""

    actions: float
    arguments: float


class Moment(NamedTuple):
    """A character at the beginning of the story, the player before it."""

    world: CompiledWorld
    own: Sequence[Action]
    offers: dict[str, Offer]


Chosen = tuple[str, dict[str, Any]] | None
Chooser = Callable[[Line], Chosen]


def lines(split: str, lang: str | None = None) -> list[Line]:
    every = [Line(**json.loads(line)) for line in LINES.read_text(encoding="utf-8").splitlines()]
    return [line for line in every if line.split == split and lang in (None, line.lang)]


def score(choose: Chooser, among: Iterable[Line]) -> Scored:
    right, full, asked = 0, 0, 0
    among = list(among)
    for line in among:
        chosen = choose(line)
        if (chosen[0] if chosen else None) != line.action:
            continue
        right += 1
        if chosen:
            asked += 1
            full += chosen[1] == line.arguments
    return Scored(right / len(among), full / max(asked, 1))


def by_reader(line: Line) -> Chosen:
    moment = moment_of(line.lang, line.character)
    found = action_by_meaning(line.text, moment.world, moment.own, moment.offers)
    return (found[0]["name"], found[0]["arguments"]) if found else None


def by_majority() -> Chooser:
    """Always what is most often right in the half for tuning."""
    [(most, _count)] = Counter(line.action for line in lines("tune")).most_common(1)
    return lambda line: (most, {}) if most else None


def by_nearest_description() -> Chooser:
    """The possible action whose description is nearest, above the one threshold that is best in the half for tuning."""
    tuning = [(line, *_nearest(line)) for line in lines("tune")]

    def right_at(threshold: float) -> int:
        return sum((name if score >= threshold else None) == line.action for line, name, score in tuning)

    threshold = max((score for _line, _name, score in tuning), key=right_at)

    def choose(line: Line) -> Chosen:
        name, score = _nearest(line)
        return (name, {}) if name and score >= threshold else None

    return choose


def _nearest(line: Line) -> tuple[str | None, float]:
    possible = [offer.action for offer in moment_of(line.lang, line.character).offers.values()]
    if not possible:
        return None, 0.0
    cosines = _described(tuple(one.description for one in possible)) @ bundled().embed_query(line.text)
    best = int(np.argmax(cosines))
    return possible[best].name, float(cosines[best])


@cache
def _described(descriptions: tuple[str, ...]) -> Any:
    return bundled().embed_passages(descriptions)


@cache
def moment_of(lang: str, character: str) -> Moment:
    world = _world(lang)
    scene = world.characters[character].scene
    play = first_play(world, Opened(player=Player(id="player"), state=world.document.initial_state, scene=scene))
    own = [one for one in world.actions.values() if may_act(one, character, None)]
    return Moment(world, own, offers(world, situation(world, play, actor=character), character))


@cache
def _world(lang: str) -> CompiledWorld:
    raw = parse_world((WORLDS / f"village.{lang}.yaml").read_bytes(), is_yaml=True)
    return CompiledWorld(UUID(int=0), read_world(raw), {})
