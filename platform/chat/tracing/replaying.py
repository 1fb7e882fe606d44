"""The question of a stored turn, answered once more under today's settings. The conversation does not change."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models import Replay, Turn
from chat.tracing.answering import Question, asked_again, try_question
from jobs.models import Job
from jobs.queueing import enqueue
from tenants.access import access_row
from tenants.errors import Conflict, PlatformError
from tenants.scope import tenant_scope

REPLAY = "chat.replay"
QUEUE = "interactive"


class TurnNotOver(Conflict):
    default_detail = _("This answer is still being written.")


def access_turn(tenant_id: UUID, turn_id: UUID) -> Turn:
    """One of the tenant's turns with question, answer and conversation. Raises NotFound."""
    related = ("question", "answer", "conversation__persona", "conversation__end_user")
    return access_row(Turn, tenant_id, related=related, pk=turn_id)


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
    return asked_again(turn.conversation, turn.question, turn.variables)
