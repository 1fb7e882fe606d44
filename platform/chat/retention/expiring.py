"""Keeping a tenant's policy: once a day, what was kept long enough is erased."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat.models import Conversation, Erasure, RetentionPolicy, Turn
from chat.retention.erasing import erase_conversations
from jobs.handlers import Again, Run
from jobs.models import Queue
from jobs.queueing import enqueue
from jobs.relay import every_second
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

EXPIRE = "chat.expire"
LOOK_EVERY = timedelta(days=1)
POLICIES_AT_ONCE = 50
# Of one receipt.
CONVERSATIONS_AT_ONCE = 500
TURNS_AT_ONCE = 2000


@every_second
def look_at_policies() -> None:
    """A job for each policy that nobody looked at today. As the relay, this looks across tenants at ids and times."""
    before = timezone.now() - LOOK_EVERY
    due = RetentionPolicy.objects.using("system").filter(Q(looked_at=None) | Q(looked_at__lt=before))
    for tenant_id, policy_id in due.order_by("looked_at").values_list("tenant_id", "id")[:POLICIES_AT_ONCE]:
        try:
            _look_at(tenant_id, policy_id)
        except DatabaseError:
            logger.exception("Retention policy %s waits; it is tried again in a second", policy_id)


def _look_at(tenant_id: UUID, policy_id: UUID) -> None:
    with tenant_scope(tenant_id):
        RetentionPolicy.objects.filter(pk=policy_id).update(looked_at=timezone.now())
        enqueue(tenant_id=tenant_id, kind=EXPIRE, queue=Queue.MAINTENANCE, subject_id=policy_id)


def expire(run: Run) -> None:
    """Erase what the policy does not let us keep, a piece at a time."""
    with tenant_scope(run.tenant_id):
        run.check_in()
        policy = RetentionPolicy.objects.filter(pk=run.subject_id).first()
        if policy is None:
            return
        _expire_conversations(policy)
        is_more = _expire_traces(policy)
    if is_more:
        raise Again


def go_on(tenant_id: UUID, erasure_id: UUID) -> None:
    """After a full piece of conversations, look for the next."""
    with tenant_scope(tenant_id):
        erasure = Erasure.objects.filter(
            pk=erasure_id, origin=Erasure.Origin.POLICY, status=Erasure.Status.DONE
        ).first()
        policy = RetentionPolicy.objects.first()
        if erasure and policy and len(erasure.conversation_ids) == CONVERSATIONS_AT_ONCE:
            enqueue(tenant_id=tenant_id, kind=EXPIRE, queue=Queue.MAINTENANCE, subject_id=policy.pk)


def _expire_conversations(policy: RetentionPolicy) -> None:
    under_way = Erasure.objects.filter(origin=Erasure.Origin.POLICY).unfinished()
    if not policy.conversations_days or under_way.exists():
        return
    before = timezone.now() - timedelta(days=policy.conversations_days)
    idle = Conversation.objects.annotate(idle_since=Coalesce("last_message_at", "opened_at"))
    found = idle.filter(idle_since__lt=before).order_by("idle_since").values_list("pk", flat=True)
    ids = list(found[:CONVERSATIONS_AT_ONCE])
    if ids:
        erase_conversations(policy.tenant_id, ids)


def _expire_traces(policy: RetentionPolicy) -> bool:
    """Whether there may be more of them."""
    if not policy.traces_days:
        return False
    before = timezone.now() - timedelta(days=policy.traces_days)
    old = Turn.objects.filter(finished_at__lt=before).exclude(trace={}).values_list("pk", flat=True)
    return bool(Turn.objects.filter(pk__in=list(old[:TURNS_AT_ONCE])).update(trace={}) == TURNS_AT_ONCE)
