"""The rules of a play: what is true after something happened. Pure functions; no clock, no chance, no database."""

from collections.abc import Iterable
from typing import Any

from npc.sessions.entries import (
    ActionOutcome,
    Data,
    Happened,
    Opened,
    Placed,
    StatePatched,
    TurnClosed,
)
from npc.sessions.patching import apply_patch
from npc.sessions.play import Play, Proposed
from npc.sessions.situations import situation
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import Reaction


def fold(world: CompiledWorld, play: Play, data: Data, *, game_time: float | None = None) -> Play:
    """The play after one entry. Game time never runs back on a branch: an event told late changes no clock."""
    after = _after(world, play, data)
    return after if game_time is None else after.with_(game_time=max(after.game_time, game_time))


def _after(world: CompiledWorld, play: Play, data: Data) -> Play:
    match data:
        case Opened():
            return first_play(world, data)
        case StatePatched():
            return play.with_(state=apply_patch(play.state, data.patch), version=play.version + 1)
        case Placed():
            return play.with_(scenes={**play.scenes, **data.scenes})
        case Happened():
            return _moved(world, play, data.witnesses, world.reactions(event=data.type))
        case TurnClosed():
            return _answered(play, data)
        case ActionOutcome():
            return _settled(world, play, data)
    return play


def first_play(world: CompiledWorld, opened: Opened) -> Play:
    return Play(
        player=opened.player,
        state=opened.state,
        scenes={**world.at_start(), opened.player.id: opened.scene},
        affinity={one.id: dict(one.affinity) for one in world.document.characters if one.affinity},
    )


def _answered(play: Play, closed: TurnClosed) -> Play:
    proposed = {
        action.id: Proposed(
            turn_id=closed.turn_id,
            actor=closed.character,
            name=action.name,
            arguments=action.arguments,
            timing=action.timing,
            expires_at=action.expires_at,
        )
        for action in closed.actions
    }
    return play.with_(
        emotions={**play.emotions, closed.character: closed.emotion}, proposed={**play.proposed, **proposed}
    )


def _settled(world: CompiledWorld, play: Play, outcome: ActionOutcome) -> Play:
    """An action that nobody proposed here changes nothing."""
    action = play.proposed.get(outcome.action_id)
    if action is None:
        return play
    after = play.with_(proposed={one: it for one, it in play.proposed.items() if one != outcome.action_id})
    if outcome.outcome == "expired":
        return after
    rules = world.reactions(action=action.name, rejected=outcome.outcome == "rejected")
    return _moved(world, after, [action.actor], rules)


def _moved(world: CompiledWorld, play: Play, whom: Iterable[str], rules: Iterable[Reaction]) -> Play:
    """The play with the affinity of these characters changed by the rules that hold for them."""
    affinity: dict[str, Any] = {}
    for who in whom:
        if who not in world.characters:
            continue
        held = [rule for rule in rules if rule.characters is None or who in rule.characters]
        if not held:
            continue
        seen = situation(world, play, actor=who)
        axes = dict(play.affinity.get(who, {}))
        for rule in held:
            if world.is_open(rule.when, seen):
                for axis, step in rule.affinity.items():
                    axes[axis] = axes.get(axis, 0.0) + step
        affinity[who] = axes
    return play.with_(affinity={**play.affinity, **affinity}) if affinity else play
