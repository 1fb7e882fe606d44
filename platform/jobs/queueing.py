"""Putting work in line, and handing it to Celery in a fair order."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from jobs.models import Job, Queue
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

# How many jobs of one tenant are with the broker or a worker at once, per queue. The rest wait in PostgreSQL,
# so that one tenant's thousand documents do not stand in line before another's one.
IN_FLIGHT_PER_TENANT = 2
# The name of the one task, which calls us.
RUN_JOB = "jobs.run"


def enqueue(
    *,
    tenant_id: UUID,
    kind: str,
    queue: str,
    subject_id: UUID,
    payload: dict[str, Any] | None = None,
    delay: timedelta = timedelta(),
) -> Job:
    """Put work in line, in the caller's transaction; a job of this kind that waits for the same subject is
    returned.

    The broker hears of it after the commit. If that fails, or the process dies first, the relay tells it.
    """
    job, created = Job.objects.get_or_create(
        tenant_id=tenant_id,
        kind=kind,
        subject_id=subject_id,
        status__in=[Job.Status.QUEUED, Job.Status.RUNNING],
        defaults={
            "queue": queue,
            "payload": payload or {},
            "status": Job.Status.QUEUED,
            "available_at": timezone.now() + delay,
        },
    )
    if created:
        transaction.on_commit(partial(publish_next, tenant_id, queue))
    return job


def cancel(*, tenant_id: UUID, subject_id: UUID, kind: str) -> bool:
    """End a job that waits or runs; its worker stops at the next check-in. False if there was none."""
    open_jobs = Job.objects.for_tenant(tenant_id).filter(subject_id=subject_id, kind=kind).unfinished()
    return bool(open_jobs.update(status=Job.Status.CANCELLED, finished_at=timezone.now(), lease_until=None))


def queue_position(job: Job) -> dict[str, Any] | None:
    """`{position, eta_s}` of a waiting job among its tenant's own, or None when it does not wait.

    Neighbours' jobs are not counted: that would tell one tenant of another's business. `eta_s` is None until
    something of this kind has finished.
    """
    if job.status != Job.Status.QUEUED:
        return None
    own = Job.objects.for_tenant(job.tenant_id).filter(queue=job.queue)
    ahead = own.unfinished().filter(created_at__lt=job.created_at).count()
    took = [
        (finished - started).total_seconds()
        for started, finished in own.filter(kind=job.kind, status=Job.Status.DONE)
        .exclude(started_at=None)
        .order_by("-finished_at")
        .values_list("started_at", "finished_at")[:5]
    ]
    eta_s = round((ahead + 1) * sum(took) / len(took)) if took else None
    return {"position": ahead + 1, "eta_s": eta_s}


def publish_next(tenant_id: UUID, queue: str) -> None:
    """Tell the broker of the tenant's next jobs in this queue, as far as its share allows."""
    with tenant_scope(tenant_id):
        mine = Job.objects.for_tenant(tenant_id).filter(queue=queue)
        now = timezone.now()
        room = IN_FLIGHT_PER_TENANT - mine.in_flight().count()
        due = list(
            mine.due(now)
            .filter(published_at=None)
            .select_for_update(skip_locked=True)
            .values_list("id", flat=True)[: max(room, 0)]
        )
        mine.filter(pk__in=due).update(published_at=now)
    send((tenant_id, job_id, queue) for job_id in due)


def send(messages: Iterable[tuple[UUID, UUID, str]]) -> None:
    """Give messages to the broker. One that is down is not an error here: the relay tries again."""
    try:
        for tenant_id, job_id, queue in messages:
            current_app.send_task(RUN_JOB, args=(str(tenant_id), str(job_id)), queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("The broker took no message, the relay will: %s", error)


__all__ = ["Queue", "cancel", "enqueue", "publish_next", "queue_position", "send"]
