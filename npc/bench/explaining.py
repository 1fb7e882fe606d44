"""Why a turn came out as it did, in the terms of who wrote the world. Pure but for the log that it reads."""

from typing import Any

from npc.knowledge.facts import may_know
from npc.turns.planning import may_act
from npc.turns.replaying import Replay
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation, compile_condition
from npc.worlds.document import Action


def explained(turn: Replay) -> dict[str, Any]:
    """`{answer, sections, messages, actions, facts, removed, reply}` of a turn that is over, as JSON."""
    closed, read = turn.closed, turn.opened.read
    kept = turn.memories(read["memories"])
    prompt = turn.prompt(read["facts"], [kept[one] for one in read["memories"] if one in kept])
    return {
        "character": closed.character,
        "say": closed.say,
        "emotion": closed.emotion,
        "chosen": [{"name": one.name, "arguments": one.arguments, "timing": one.timing} for one in closed.actions],
        "fallback": closed.fallback,
        "removed": closed.removed,
        "reply": "".join(closed.chunks),
        "timing": closed.timing,
        "usage": closed.usage,
        "sections": [one.as_dict() for one in prompt.sections],
        "tokens": prompt.input_tokens,
        "messages": [{"role": one.role, "content": one.content} for one in prompt.messages],
        "actions": [explained_action(turn.world, turn.seen, one, turn.opened) for one in turn.world.actions.values()],
        "facts": _facts(turn),
    }


def explained_action(world: CompiledWorld, seen: Situation, action: Action, opened: Any) -> dict[str, Any]:
    """`{name, why, source, detail, candidates}`; `why` is empty for an action that is possible.

    Else it is `actor`, `not_allowed` (by the game, for this turn), `when`, or `candidates` (a parameter has none).
    """
    told: dict[str, Any] = {"name": action.name, "why": "", "source": "", "detail": "", "candidates": {}}
    if not may_act(action, opened.character, None):
        return told | {"why": "actor", "detail": ", ".join(action.actors or ())}
    if not may_act(action, opened.character, opened.allowed_actions):
        return told | {"why": "not_allowed"}
    if not world.is_open(action.when, seen):
        outcome = seen.evaluate(compile_condition(action.when or "true"))
        return told | {"why": "when", "source": action.when, "detail": outcome.error or ""}
    told["candidates"] = world.candidates(action, seen)
    for name, among in told["candidates"].items():
        if not among:
            source = action.candidates[name]
            error = seen.evaluate(compile_condition(source, gives="list")).error
            return told | {"why": "candidates", "source": f"{name}: {source}", "detail": error or ""}
    return told


def _facts(turn: Replay) -> dict[str, Any]:
    """What the character may know, which of it stood in the prompt, and what is withheld and why."""
    known = may_know(turn.world, turn.opened.character, turn.seen)
    facts, told = turn.world.facts, set(turn.opened.read["facts"])
    return {
        "may_know": [{"id": one, "text": facts[one].text, "is_told": one in told} for one in known.may_know],
        "withheld": [
            {
                "id": one.id,
                "reason": one.reason,
                "source": facts[one.id].when if one.reason == "condition" else ", ".join(facts[one.id].known_by),
            }
            for one in known.withheld
        ],
    }
