"""The question of a stored turn, answered once more under today's settings. The conversation does not change."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.history import past_messages
from chat.models import Conversation, Message, Replay, Turn
from chat.tracing.answering import Question, try_question
from jobs.models import Job
from jobs.queueing import enqueue
from personas.context import Said
from tenants.errors import Conflict, NotFound, PlatformError
from tenants.scope import tenant_scope

REPLAY = "chat.replay"
QUEUE = "interactive"


class TurnNotOver(Conflict):
    default_detail = _("This answer is still being written.")


def access_turn(tenant_id: UUID, turn_id: UUID) -> Turn:
    """One of the tenant's turns with question, answer and conversation. Raises NotFound."""
    turns = Turn.objects.for_tenant(tenant_id).select_related(
        "question", "answer", "conversation__persona", "conversation__end_user"
    )
    turn: Turn | None = turns.filter(pk=turn_id).first()
    if turn is None:
        raise NotFound
    return turn


@transaction.atomic
def start_replay(turn: Turn, *, by: str = "") -> Replay:
    """Put the work in line; one that is in line for this turn already is returned. Raises TurnNotOver."""
    if turn.status in (Turn.Status.QUEUED, Turn.Status.RUNNING):
        raise TurnNotOver
    waiting: Replay | None = Replay.objects.filter(turn=turn, status__in=Replay.Status.open()).first()
    if waiting is not None:
        return waiting
    replay = Replay.objects.create(tenant_id=turn.tenant_id, turn=turn, created_by=by)
    enqueue(tenant_id=turn.tenant_id, kind=REPLAY, queue=QUEUE, subject_id=replay.pk)
    return replay


def replay_answer(tenant_id: UUID, replay_id: UUID) -> None:
    """Do the work. Raises PlatformError, which the job's end writes down."""
    with tenant_scope(tenant_id):
        if not Replay.objects.filter(pk=replay_id).update(status=Replay.Status.RUNNING):
            return
        turn_id = Replay.objects.values_list("turn_id", flat=True).get(pk=replay_id)
    tried = try_question(tenant_id, lambda: _question(access_turn(tenant_id, turn_id)))
    fields: dict[str, Any] = {"result": tried.as_dict(), "finished_at": timezone.now(), "status": Replay.Status.DONE}
    if tried.error:
        fields |= {"status": Replay.Status.FAILED, **_told(tried.error)}
    with tenant_scope(tenant_id):
        Replay.objects.filter(pk=replay_id).update(**fields)


def note_failure(job: Job, error: PlatformError) -> None:
    """The last attempt failed."""
    failed = {"status": Replay.Status.FAILED, "finished_at": timezone.now(), **_told(error)}
    Replay.objects.filter(pk=job.subject_id).update(**failed)


def _told(error: PlatformError) -> dict[str, str]:
    return {"error_code": error.code, "error_detail": str(error.detail)}


def _question(turn: Turn) -> Question:
    """The turn as if it were asked now; rows that are never saved."""
    stored: Conversation = turn.conversation
    remembered = past_messages(stored, before_seq=turn.question.seq, limit=200)
    history = tuple(Said(role=role, text=text) for role, text in remembered)  # type: ignore[arg-type]
    again = Turn(tenant_id=turn.tenant_id, conversation=stored, variables=turn.variables)
    asked = Message(tenant_id=turn.tenant_id, text=turn.question.text, role=Message.Role.USER, seq=turn.question.seq)
    return again, asked, history
