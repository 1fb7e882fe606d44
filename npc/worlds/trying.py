"""Dry runs: what a world's conditions would say in a state, before any player meets it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from npc.worlds.conditions import CannotCompile, Condition, Gives, Situation, compile_condition
from npc.worlds.document import World
from npc.worlds.plain import merged
from npc.worlds.problems import MAX_TOLD, Problem, path_of

ADVICE_S = 1.0
TRIED_STAGES, TRIED_CHARACTERS = 20, 10

NOBODY: dict[str, Any] = {"id": "", "kind": "player", "scene": None, "affinity": {}, "goals": []}


def authored_conditions(world: World) -> Iterator[tuple[str, Condition]]:
    """Every condition in a checked world, with its path, in the order of the document."""

    def one(source: str | None, *steps: object, gives: Gives = "truth", sees_args: bool = False) -> Iterator[Any]:
        if source is not None:
            yield path_of(*steps), compile_condition(source, gives=gives, sees_args=sees_args)

    for number, character in enumerate(world.characters):
        for place, goal in enumerate(character.goals):
            for name in ("when", "done_when", "failed_when"):
                yield from one(getattr(goal, name), "characters", number, "goals", place, name)
        for place, line in enumerate(character.fallbacks):
            yield from one(line.when, "characters", number, "fallbacks", place, "when")
    for number, fact in enumerate(world.facts):
        yield from one(fact.when, "facts", number, "when")
    for number, action in enumerate(world.actions):
        yield from one(action.when, "actions", number, "when")
        yield from one(action.check, "actions", number, "check", sees_args=True)
        for name, source in action.candidates.items():
            yield from one(source, "actions", number, "candidates", name, gives="list")
    for number, reaction in enumerate(world.reactions):
        yield from one(reaction.when, "reactions", number, "when")


def stages_of(world: World) -> dict[str, dict[str, Any]]:
    """The states that the authors name: the initial one, and each stage as a merge patch on it."""
    return {"": world.initial_state, **{name: merged(world.initial_state, one) for name, one in world.stages.items()}}


def warnings(world: World) -> list[Problem]:
    """What may be meant but looks like a slip: conditions that fail in every state the authors name, for everybody.

    A `check` is left out, since nobody knows the arguments yet. It is advice, so it takes a second at most, and each
    distinct text is tried once.
    """
    ends_at = time.monotonic() + ADVICE_S
    situations = [
        situation_in(world, state, actor=character.id)
        for state in list(stages_of(world).values())[:TRIED_STAGES]
        for character in world.characters[:TRIED_CHARACTERS]
    ]
    known: dict[str, str | None] = {}
    found: list[Problem] = []
    for path, condition in authored_conditions(world):
        if condition.sees_args or not situations:
            continue
        if condition.source not in known:
            if time.monotonic() > ends_at or len(found) >= MAX_TOLD:
                break
            known[condition.source] = _failure(condition, situations)
        if why := known[condition.source]:
            found.append(Problem(path, _("This fails in every state of the world: %(why)s") % {"why": why}))
    return found[:MAX_TOLD]


def _failure(condition: Condition, situations: Sequence[Situation]) -> str | None:
    """Why a condition fails, if it does in all situations."""
    error = None
    for situation in situations:
        error = situation.evaluate(condition).error
        if error is None:
            return None
    return error


def situation_in(
    world: World, state: Mapping[str, Any], *, actor: str, args: Mapping[str, Any] | None = None
) -> Situation:
    """What a character sees who stands where its author put it, the player beside it."""
    character = next(one for one in world.characters if one.id == actor)
    here = {"scene": character.scene}
    return Situation(
        state=state,
        actor={
            "id": actor,
            "kind": "character",
            "affinity": dict(character.affinity),
            "goals": [goal.id for goal in character.goals],
            **here,
        },
        speaker=NOBODY | {"id": "player"} | here,
        scene={"id": character.scene or ""},
        present=sorted(["player", *(one.id for one in world.characters if one.scene == character.scene)]),
        args=args,
    )


def try_condition(source: str, situation: Situation, *, gives: Gives = "truth") -> dict[str, Any]:
    """`{value}` or `{error}` or `{faults: [{message, line, column}]}`, for designers who try a text."""
    try:
        condition = compile_condition(source, gives=gives, sees_args=situation.args is not None)
    except CannotCompile as failure:
        return {"faults": [fault._asdict() for fault in failure.faults]}
    outcome = situation.evaluate(condition)
    return {"value": outcome.value} if outcome.error is None else {"error": outcome.error}
