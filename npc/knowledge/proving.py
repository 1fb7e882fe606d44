"""Proof of a world's promises: in no state that its authors name can a closed fact enter a character's prompt.

What they keep while a game is played is no part of it. That gossip and thoughts bring in no closed fact either is seen
to where they are made (`npc.knowledge.telling`), and shown for worlds at random by a test.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from npc.knowledge.facts import may_know
from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.play import Play, Player
from npc.sessions.situations import situation
from npc.turns.authored import lines_now
from npc.turns.planning import offers
from npc.turns.prompt import Scenery, sections
from npc.worlds.compiled import CompiledWorld
from npc.worlds.trying import stages_of

# Stands before each character in turn. No character is called so: an id is no plain word in brackets.
PLAYER = Player(id="[player]")


class Leak(NamedTuple):
    """A closed fact's words in what a character is told or says by itself. `stage` is empty for the initial state."""

    stage: str
    character: str
    fact: str
    where: str  # a section of the prompt, "fallbacks" or "rejections"


class Proof(NamedTuple):
    """`kept` counts the closed facts that were looked for, over all characters and stages."""

    kept: int
    leaks: list[Leak]


def prove(world: CompiledWorld) -> Proof:
    """Try every character, where its author put it, in every state that the world names."""
    leaks: list[Leak] = []
    looked_for = 0
    essences = {fact_id: essence(fact.text) for fact_id, fact in world.facts.items()}
    for stage, state in stages_of(world.document).items():
        for character in world.characters:
            told, closed = told_to(world, character, state)
            wanted = {fact_id: essences[fact_id] for fact_id in closed if essences[fact_id]}
            looked_for += len(wanted)
            leaks += [Leak(stage, character, fact_id, where) for fact_id, where in _found(wanted, told)]
    return Proof(looked_for - len({leak[:3] for leak in leaks}), leaks)


def told_to(
    world: CompiledWorld, character: str, state: Mapping[str, Any], memories: Sequence[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """All authored text that can reach a model or a player through a character, by where; and the closed facts.

    `memories` are what it has come to keep in a play, for whoever asks what these bring in. Sections are whole here,
    though a real prompt may cut them. A closed fact of the same words as an open one is no secret, so it is left out.
    """
    scene = world.characters[character].scene
    play = first_play(world, Opened(player=PLAYER, state=dict(state), scene=scene))
    seen = situation(world, play, actor=character)
    known = may_know(world, character, seen)
    possible = offers(world, seen, character)
    told = {
        section.name: "\n".join((section.text, *(part.text for part in section.parts), section.closing))
        for section in sections(_scenery(world, play, character, known.may_know, memories))
    }
    told["fallbacks"] = "\n".join(lines_now(world, seen, character))
    told["rejections"] = "\n".join(line for offer in possible.values() for line in offer.action.rejections)
    no_secrets = {essence(world.facts[fact_id].text) for fact_id in known.may_know}
    closed = [one.id for one in known.withheld if essence(world.facts[one.id].text) not in no_secrets]
    return told, closed


def essence(text: str) -> str:
    """Letters and digits alone, so that line breaks, punctuation and width hide nothing."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def _found(wanted: Mapping[str, str], told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for where, text in told.items():
        whole = essence(text)
        for fact_id, words in wanted.items():
            if words in whole:
                yield fact_id, where


def _scenery(world: CompiledWorld, play: Play, character: str, facts: list[str], memories: Sequence[str]) -> Scenery:
    """What the character would be shown if the player stood before it and said nothing yet."""
    seen = situation(world, play, actor=character)
    scene = play.scenes[character]
    is_open = {goal["id"] for goal in world.goals(character, seen) if goal["state"] == "open"}
    goals = world.characters[character].goals
    return Scenery(
        world=world,
        play=play,
        character=character,
        speaker=PLAYER.id,
        scene=scene,
        present=play.present_in(scene),
        names={one: world.persona_of(one).name for one in world.characters},
        text="",
        event=None,
        goals=[goal.description or goal.id for goal in goals if goal.id in is_open],
        facts=facts,
        memories=memories,
        offers=offers(world, seen, character),
        history=[],
    )
