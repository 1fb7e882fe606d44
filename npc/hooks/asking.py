"""What a game is asked by its hooks: how things stand before a turn, and whether what was proposed in it happens."""

import logging
import time
from typing import Any
from uuid import UUID

from rest_framework import serializers

from npc.hooks.calling import HookFailed, call_hook
from npc.turns.asking import Asked, Told
from npc.turns.settling import Result
from npc.worlds.document import Hooks
from tenants.asynchronous import validated
from tenants.errors import Invalid
from tenants.serializing import NullsLeftOut

logger = logging.getLogger(__name__)

# As many actions as one turn can propose, with room.
MAX_RESULTS = 50


class ActionResultSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """What the game says became of a proposed action."""

    accepted = serializers.BooleanField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    state_patch = serializers.JSONField(required=False, allow_null=True, default=None)


class HookResultSerializer(ActionResultSerializer):
    id = serializers.UUIDField()


class HookResultsSerializer(NullsLeftOut, serializers.Serializer[Any]):
    results = serializers.ListField(child=HookResultSerializer(), max_length=MAX_RESULTS, required=False, default=list)


async def ask_state(hooks: Hooks, session_id: UUID, asked: Asked, seen: dict[str, Any], timeout_s: float) -> Told:
    """Ask for the state as `{"state": …}`, or for what has changed as `{"state_patch": …}`. Never raises.

    `seen` is the state as it is known: its version, and whose play it is.
    """
    data = {
        "session_id": str(session_id),
        "turn_id": str(asked.turn_id),
        "character": asked.character,
        "speaker": asked.speaker,
        "scene": asked.scene,
        **seen,
    }
    began = time.monotonic()
    change, why = None, ""
    try:
        answer = await call_hook(
            str(hooks.state_url),
            str(hooks.secret),
            kind="npc.state.requested",
            message_id=f"{asked.turn_id}.state",
            data=data,
            timeout_s=timeout_s,
        )
        change = _change(answer)
    except HookFailed as failure:
        why = failure.why
        logger.warning("The state hook of session %s failed: %s", session_id, why)
    return Told(change, why, round((time.monotonic() - began) * 1000))


def _change(answer: dict[str, Any]) -> Any:
    """Raises HookFailed."""
    if answer.keys() - {"state", "state_patch"} or len(answer) > 1:
        raise HookFailed("invalid")
    if "state" in answer:
        return [{"op": "replace", "path": "", "value": answer["state"]}]
    return answer.get("state_patch")


async def ask_actions(hooks: Hooks, session_id: UUID, answer: dict[str, Any], timeout_s: float) -> list[Result]:
    """Tell the game what was proposed; what it decides at once. Never raises: who does not answer may still do so."""
    data = {"session_id": str(session_id), **{name: answer[name] for name in ("turn_id", "character", "actions")}}
    try:
        found = await call_hook(
            str(hooks.action_url),
            str(hooks.secret),
            kind="npc.actions.proposed",
            message_id=f"{answer['turn_id']}.actions",
            data={**data, "state_version": answer["state_version"]},
            timeout_s=timeout_s,
        )
        results = validated(HookResultsSerializer, found)["results"]
    except (HookFailed, Invalid) as failure:
        why = failure.why if isinstance(failure, HookFailed) else "invalid"
        logger.warning("The action hook of session %s failed: %s", session_id, why)
        return []
    return [Result(action_id=one.pop("id"), **one) for one in map(dict, results)]
