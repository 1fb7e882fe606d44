"""What becomes of a proposed action: the game accepts or rejects it, or its time passes. The engine decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from npc.knowledge.remembering import remember_entry
from npc.models import LogEntry
from npc.sessions.changing import patch_state
from npc.sessions.entries import ActionOutcome, TurnClosed, read_entry
from npc.sessions.writing import Writer, writing
from tenants.errors import Conflict, NotFound

# Stands in an authored line for what the game gives as its reason.
REASON = "{reason}"


class ActionNotFound(NotFound):
    default_detail = _("There is no such action.")


class ActionSettled(Conflict):
    default_detail = _("This action has been answered otherwise before.")


class ActionExpired(Conflict):
    default_detail = _("The time for this action has passed; it counts as not done.")


@dataclass(frozen=True, slots=True)
class Result:
    """What the game says became of an action."""

    action_id: UUID
    accepted: bool
    reason: str = ""
    state_patch: Any = None


def settle_action(tenant_id: UUID, session_id: UUID, result: Result) -> dict[str, Any]:
    """Note the game's answer, with what it changed; a rejection may bring a line for the character to say.

    Sent again, it changes nothing. Raises ActionNotFound, ActionSettled for another answer than before, ActionExpired,
    and Invalid for a patch that the state does not take: then nothing is noted, and the game may answer again.
    """
    with writing(tenant_id, session_id) as writer:
        expire_overdue(writer)
        known = writer.find(ActionOutcome, result.action_id)
        outcome = read_entry(known.kind, known.data) if known else _settled(writer, result)
    # Behind the block, so that what has expired stays noted.
    if outcome.outcome == "expired":
        raise ActionExpired
    if (outcome.outcome == "accepted") != result.accepted:
        raise ActionSettled
    told = {"state_version": writer.play.version, "state": writer.play.state}
    say = None if result.accepted else _excuse(writer, outcome)
    return told if say is None else {**told, "say": say}


def expire_overdue(writer: Writer, now: datetime | None = None) -> None:
    """Note which actions the game has not answered in time. They did not happen."""
    now = now or timezone.now()
    for action_id, action in writer.play.proposed.items():
        if datetime.fromisoformat(action.expires_at) <= now:
            writer.add(ActionOutcome(action_id=action_id, outcome="expired"), subject=UUID(action_id))


def _settled(writer: Writer, result: Result) -> ActionOutcome:
    proposed = writer.play.proposed.get(str(result.action_id))
    if proposed is None:
        raise ActionNotFound
    if result.state_patch is not None:
        patch_state(writer, result.state_patch, source="result")
    outcome = ActionOutcome(
        action_id=str(result.action_id),
        outcome="accepted" if result.accepted else "rejected",
        reason=result.reason,
    )
    entry = writer.add(outcome, subject=result.action_id)
    remember_entry(writer, entry, proposed=proposed)
    return outcome


def _excuse(writer: Writer, outcome: ActionOutcome) -> str | None:
    """A line of the action's for its rejection, the same for the same one. None if the author wrote none that fits."""
    lines = writer.world.actions[_name_of(writer, outcome.action_id)].rejections
    apt = [line for line in lines if outcome.reason or REASON not in line]
    if not apt:
        return None
    return apt[UUID(outcome.action_id).int % len(apt)].replace(REASON, outcome.reason)


def _name_of(writer: Writer, action_id: str) -> str:
    turns = LogEntry.objects.on(writer.branch).filter(kind="turn.closed", data__actions__contains=[{"id": action_id}])
    closed: TurnClosed = read_entry("turn.closed", turns.get().data)
    return next(action.name for action in closed.actions if action.id == action_id)
