"""Who answers, where the game leaves that open: by rule, so that the same play has the same cast. Pure."""

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from npc.sessions.entries import Happened, TurnOpened
from npc.sessions.play import Play
from npc.sessions.situations import situation
from npc.worlds.compiled import CompiledWorld

Rule = Literal["called", "talked_with", "has_a_line", "near", "there"]

# Characters who are left to themselves talk for so many turns; then the player or an event goes on.
MAX_CHAIN = 8
# Of a name of several words, one that is as long stands for it.
NICKNAME_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Cue:
    """What somebody says, or what happens (then nobody is talked with), and before whom.

    `turns` are what was turned to whom on this branch, oldest first; `chance` decides between equals.
    """

    speaker: str
    text: str
    is_event: bool
    present: Sequence[str]
    scene: str | None
    turns: Sequence[TurnOpened]
    chance: str


def next_to_speak(world: CompiledWorld, play: Play, cue: Cue) -> tuple[str, Rule] | None:
    """Who answers, and by which rule. None if nobody but the speaker is there.

    Who is called by name; whom the speaker talked with last; who has a line of the author's for just this moment; who
    is where it happens; who is there at all.
    """
    around = [one for one in world.characters if one in cue.present and one != cue.speaker]
    if called := _first_called(world, around, cue.text):
        return called, "called"
    if not cue.is_event and (partner := _last_partner(around, cue)):
        return partner, "talked_with"
    near = [one for one in around if cue.scene is not None and play.scenes.get(one) == cue.scene]
    for rule, circle in (("has_a_line", near), ("has_a_line", around), ("near", near), ("there", around)):
        apt = [one for one in circle if rule != "has_a_line" or _has_a_line(world, play, one, cue)]
        if apt:
            return min(apt, key=lambda one: zlib.crc32(f"{cue.chance}:{one}".encode())), rule  # type: ignore[return-value]
    return None


def chain_length(world: CompiledWorld, entries: Iterable[Any]) -> int:
    """How many of the newest turns characters had among themselves. `entries` are of the log, oldest first."""
    length = 0
    for entry in entries:
        if isinstance(entry, Happened):
            length = 0
        elif isinstance(entry, TurnOpened):
            length = length + 1 if entry.speaker in world.characters and entry.event is None else 0
    return length


def _first_called(world: CompiledWorld, around: Sequence[str], text: str) -> str | None:
    """Who is named first; where names begin alike, by the longest."""
    said = text.casefold()
    places = [(at, -length, one) for one in around for at, length in _mentions(world, one, said)]
    return min(places)[2] if places else None


def _mentions(world: CompiledWorld, character: str, said: str) -> Iterable[tuple[int, int]]:
    name = world.persona_of(character).name.casefold()
    words = [word for word in name.split() if len(word) >= NICKNAME_CHARACTERS] if " " in name else []
    for label in dict.fromkeys((name, character.casefold(), re.sub(r"[_\-]+", " ", character.casefold()), *words)):
        # In scripts without blanks a name stands among other letters; in others it is a word.
        found = re.search(rf"(?<![a-z0-9]){re.escape(label)}(?![a-z0-9])", said) if label else None
        if found:
            yield found.start(), len(label)


def _last_partner(around: Sequence[str], cue: Cue) -> str | None:
    for turn in reversed(cue.turns):
        if turn.event is None and cue.speaker in (turn.speaker, turn.character):
            other = turn.character if turn.speaker == cue.speaker else turn.speaker
            if other in around:
                return other
    return None


def _has_a_line(world: CompiledWorld, play: Play, character: str, cue: Cue) -> bool:
    lines = [line.when for line in world.characters[character].fallbacks if line.when is not None]
    if not lines:
        return False
    seen = situation(world, play, actor=character, speaker=cue.speaker, scene=cue.scene, present=cue.present)
    return any(world.is_open(when, seen) for when in lines)
