"""Erasing a person, or what was kept long enough: a job that ends with a signed count of what is left."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.erasing import erase_conversation
from chat.models import Conversation, EndUser, Erasure
from chat.retention.holdings import Subject, count, holdings
from chat.retention.receipts import digest_of, sign
from jobs.handlers import Limits, Run
from jobs.models import Job, Queue
from jobs.queueing import enqueue
from tenants.errors import PlatformError
from tenants.scope import tenant_scope

ERASE = "chat.erase"
LIMITS = Limits(soft=timedelta(minutes=20), hard=timedelta(minutes=21))
# What came while we erased, such as the end of an answer, is erased again, so often.
ROUNDS = 3


class SomethingLeft(PlatformError):
    code = "something_left"
    status = 409
    default_detail = _("Something was written again while it was erased. Try again once nobody talks any more.")


@transaction.atomic
def erase_person(end_user: EndUser, origin: Erasure.Origin) -> Erasure:
    """Have everything of a person erased. The same erasure while one is under way. In the tenant's scope."""
    # Whoever asks at the same time waits for this row.
    EndUser.objects.select_for_update(no_key=True).get(pk=end_user.pk)
    under_way: Erasure | None = Erasure.objects.filter(end_user_id=end_user.pk).unfinished().first()
    if under_way is not None:
        return under_way
    return _take_in(
        Erasure(
            tenant_id=end_user.tenant_id,
            origin=origin,
            end_user_id=end_user.pk,
            person_digest=digest_of(end_user.tenant_id, end_user.external_id),
        )
    )


def erase_conversations(tenant_id: UUID, ids: Sequence[UUID]) -> Erasure:
    """Have conversations erased that were kept long enough. In the tenant's scope."""
    return _take_in(Erasure(tenant_id=tenant_id, origin=Erasure.Origin.POLICY, conversation_ids=list(ids)))


def _take_in(erasure: Erasure) -> Erasure:
    erasure.save(force_insert=True)
    enqueue(tenant_id=erasure.tenant_id, kind=ERASE, queue=Queue.MAINTENANCE, subject_id=erasure.pk)
    return erasure


# --- The work -----------------------------------------------------------------------------------------------
def work(run: Run) -> None:
    """Erase and count. Safe to call again: what is gone is gone, and the counts of what was found stay."""
    subject = _begin(run)
    if subject is None:
        return
    for _round in range(ROUNDS):
        for conversation_id in subject.conversation_ids:
            _erase_one(run, conversation_id)
        left = _erase_rest(run, subject)
        if not any(left.values()):
            _finish(run, left)
            return
    raise SomethingLeft


def _begin(run: Run) -> Subject | None:
    with tenant_scope(run.tenant_id):
        erasure = Erasure.objects.unfinished().filter(pk=run.subject_id).first()
        if erasure is None:
            return None
        run.check_in()
        subject = _subject(erasure)
        found = erasure.found or count(subject)
        Erasure.objects.filter(pk=erasure.pk).update(
            status=Erasure.Status.RUNNING, found=found, conversation_ids=subject.conversation_ids, done=0
        )
        return subject


def _subject(erasure: Erasure) -> Subject:
    """With all conversations that an earlier attempt knew of, and those that came since."""
    end_user = EndUser.objects.filter(pk=erasure.end_user_id).first() if erasure.end_user_id else None
    now: list[UUID] = []
    if end_user is not None:
        now = list(Conversation.objects.filter(end_user=end_user).values_list("pk", flat=True))
    return Subject(
        tenant_id=erasure.tenant_id,
        conversation_ids=[*dict.fromkeys([*erasure.conversation_ids, *now])],
        end_user_id=erasure.end_user_id,
        external_id=end_user.external_id if end_user else "",
    )


def _erase_one(run: Run, conversation_id: UUID) -> None:
    with tenant_scope(run.tenant_id):
        run.check_in()
        conversation = Conversation.objects.filter(pk=conversation_id).first()
        if conversation is not None:
            erase_conversation(conversation)
        Erasure.objects.filter(pk=run.subject_id).update(done=F("done") + 1)


def _erase_rest(run: Run, subject: Subject) -> dict[str, int]:
    """What is left after it, counted in a transaction of its own."""
    with tenant_scope(run.tenant_id):
        run.check_in()
        for holding in holdings():
            holding.erase(subject)
    with tenant_scope(run.tenant_id):
        return count(subject)


def _finish(run: Run, left: dict[str, int]) -> None:
    with tenant_scope(run.tenant_id):
        run.check_in()
        erasure = Erasure.objects.get(pk=run.subject_id)
        erasure.status, erasure.left, erasure.finished_at = Erasure.Status.DONE, left, timezone.now()
        erasure.error_code = erasure.error_detail = ""
        erasure.signature = sign(erasure)
        erasure.save()


def say_why(job: Job, error: PlatformError) -> None:
    """The last attempt failed: the erasure says so."""
    Erasure.objects.filter(pk=job.subject_id).unfinished().update(
        status=Erasure.Status.FAILED,
        error_code=error.code,
        error_detail=str(error.detail),
        finished_at=timezone.now(),
    )


def say_queued(job: Job) -> None:
    """It was put in line again."""
    Erasure.objects.filter(pk=job.subject_id, status=Erasure.Status.FAILED).update(
        status=Erasure.Status.QUEUED, error_code="", error_detail="", finished_at=None
    )
