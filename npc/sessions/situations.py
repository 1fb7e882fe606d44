"""A play as conditions see it: from the eyes of one character, turned to by somebody."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from npc.sessions.play import Play
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation

# A game may name others as present each time.
MOST_VIEWS = 32


class Views:
    """Situations of one play, each made once: what conditions gave in it is known too. For one thread at a time."""

    def __init__(self) -> None:
        self._of: tuple[Any, ...] = ()
        self._made: dict[Any, Situation] = {}

    def of(
        self,
        world: CompiledWorld,
        play: Play,
        *,
        actor: str,
        speaker: str | None = None,
        scene: str | None = None,
        present: Sequence[str] | None = None,
    ) -> Situation:
        """As `situation`. Made anew once the play has changed in what conditions see."""
        shown = (world, play.player, play.state, play.scenes, play.affinity)
        is_same = len(self._of) == len(shown) and all(map(operator.is_, self._of, shown))
        if not is_same or len(self._made) >= MOST_VIEWS:
            self._of, self._made = shown, {}
        key = (actor, speaker, scene, None if present is None else tuple(present))
        if (made := self._made.get(key)) is None:
            made = situation(world, play, actor=actor, speaker=speaker, scene=scene, present=present)
            self._made[key] = made
        return made


def situation(
    world: CompiledWorld,
    play: Play,
    *,
    actor: str,
    speaker: str | None = None,
    scene: str | None = None,
    present: Sequence[str] | None = None,
    args: Mapping[str, Any] | None = None,
) -> Situation:
    """What a character sees now. Without a `speaker` it is the player; scene and present follow from the play.

    An actor's `goals` are its open ones; the conditions of goals themselves see all of them.
    """
    here = scene if scene is not None else play.scenes.get(actor)
    seen = Situation(
        state=play.state,
        actor=_being(world, play, actor),
        speaker=_being(world, play, speaker or play.player.id),
        scene={"id": here or ""},
        present=play.present_in(here) if present is None else sorted(present),
        args=args,
    )
    open_goals = [goal["id"] for goal in world.goals(actor, seen) if goal["state"] == "open"]
    return Situation(**{**seen.names, "actor": {**seen.names["actor"], "goals": open_goals}}, args=args)


def _being(world: CompiledWorld, play: Play, who: str) -> dict[str, Any]:
    character = world.characters.get(who)
    return {
        "id": who,
        "kind": "character" if character else "player",
        "scene": play.scenes.get(who),
        "affinity": play.affinity.get(who, {}),
        "goals": [goal.id for goal in character.goals] if character else [],
    }
