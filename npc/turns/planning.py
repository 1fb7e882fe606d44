"""What a character may do now: the actions that a model is shown. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from npc.worlds.document import Action


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that is possible now, and for each parameter with candidates what it may be."""

    action: Action
    candidates: dict[str, list[Any]]


def offers(
    world: CompiledWorld, situation: Situation, actor: str, allowed: Collection[str] | None = None
) -> dict[str, Offer]:
    """Every action, by name, that the actor may be shown: in the order of the world.

    `allowed` narrows them to what the game names. One that has no candidate for a parameter is left out, since
    nothing could be done with it.
    """

    def find() -> dict[str, Offer]:
        found = {}
        for name, action in world.actions.items():
            if may_act(action, actor, allowed) and world.is_open(action.when, situation):
                candidates = world.candidates(action, situation)
                if all(candidates.values()):
                    found[name] = Offer(action, candidates)
        return found

    return situation.once((offers, actor, None if allowed is None else frozenset(allowed)), find)


def may_act(action: Action, actor: str, allowed: Collection[str] | None) -> bool:
    """Whether the world lets this actor do it at all, and the game lets it do it in this turn."""
    return (action.actors is None or actor in action.actors) and (allowed is None or action.name in allowed)
