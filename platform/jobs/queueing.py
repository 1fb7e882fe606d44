"""Putting work in line, and handing it to Celery in a fair order."""

import json
import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import cache, partial
from typing import Any, NamedTuple
from uuid import UUID

import redis
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import EncodeError, OperationalError

from jobs.errors import Unpublishable
from jobs.handlers import limits_of, say_again
from jobs.models import Job, JobQuerySet, Queue
from jobs.running import set_aside
from tenants.scope import tenant_scope
from tenants.statements import Param, Select, Update, Write, insertion, write_together

logger = logging.getLogger(__name__)

# How many jobs of one tenant are with the broker or a worker at once, per queue. The rest wait in PostgreSQL,
# so that one tenant's thousand documents do not stand in line before another's one; and a place is left free, so
# that nobody has to wait for the end of what they began.
IN_FLIGHT_PER_TENANT = max(1, settings.WORKER_CONCURRENCY - 1)
# The name of the one task, which calls us.
RUN_JOB = "jobs.run"
# What a job needs to know it reads from its subject. A payload is a note, not a file.
MAX_PAYLOAD_CHARS = 64_000


IN_LINE = (Job.Status.QUEUED, Job.Status.RUNNING)
# Asked by every turn of a game: its memories are mostly in line already.
_IN_LINE: Select[Job] = Select(
    lambda: Job.objects.filter(
        tenant_id=Param("tenant_id"), kind=Param("kind"), subject_id=Param("subject_id"), status__in=IN_LINE
    )[:1]
)
_IN_FLIGHT: Select[UUID] = Select(lambda: _of_queue().in_flight().values_list("id", flat=True)[:IN_FLIGHT_PER_TENANT])
_MARK = Update(lambda: Job.objects.filter(id=Param("id")), "published_at")


def _of_queue() -> JobQuerySet:
    of_queue: JobQuerySet = Job.objects.filter(tenant_id=Param("tenant_id"), queue=Param("queue"))
    return of_queue


@cache
def _unsent(room: int) -> Select[tuple[UUID, UUID, str, str]]:
    """The next so many that the broker has not heard of, but for those that somebody else holds just now."""
    return Select(
        lambda: (
            _of_queue()
            .waiting(Param("now"))
            .unsent()
            .order_by("created_at")
            .values_list("tenant_id", "id", "queue", "kind")
            .select_for_update(skip_locked=True)[:room]
        )
    )


class Message(NamedTuple):
    """All that the broker is told of a job; `kind` decides how long it may take."""

    tenant_id: UUID
    job_id: UUID
    queue: str
    kind: str


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
    Raises ValueError for a queue that nobody listens to, or a payload of more than MAX_PAYLOAD_CHARS.
    """
    Queue(queue)
    if len(json.dumps(payload)) > MAX_PAYLOAD_CHARS:
        raise ValueError(f"the payload of {kind} has more than {MAX_PAYLOAD_CHARS} characters")
    job = Job(
        tenant_id=tenant_id,
        kind=kind,
        queue=queue,
        subject_id=subject_id,
        payload=payload or {},
        available_at=timezone.now() + delay,
    )
    while True:
        write_together(lining_up(job))
        # Its own row, or the one that stood there; none if that has ended just now.
        if in_line := _IN_LINE.first(tenant_id=tenant_id, kind=kind, subject_id=subject_id):
            return in_line


def lining_up(job: Job) -> Write:
    """What `enqueue` writes, for who writes more than that."""
    in_line = _IN_LINE.of(tenant_id=job.tenant_id, kind=job.kind, subject_id=job.subject_id)
    return Write(insertion(job, unless=in_line), partial(_publish_later, job))


def _publish_later(job: Job, is_new: int) -> None:
    if is_new:
        # Robust: the work is in line, whatever comes of this.
        transaction.on_commit(partial(publish_next, job.tenant_id, job.queue), robust=True)


def enqueue_again(job: Job) -> Job:
    """Put a job that ended in line once more, as a new one; its subject says so at once."""
    again = enqueue(
        tenant_id=job.tenant_id, kind=job.kind, queue=job.queue, subject_id=job.subject_id, payload=job.payload
    )
    say_again(again)
    return again


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
    asked = {"tenant_id": tenant_id, "queue": queue}
    with tenant_scope(tenant_id):
        now, room = timezone.now(), IN_FLIGHT_PER_TENANT - len(_IN_FLIGHT.all(**asked))
        messages = [Message(*row) for row in _unsent(room).all(**asked, now=now)] if room > 0 else []
        for message in messages:
            _MARK(id=message.job_id, published_at=now)
    send(messages)


def send(messages: Iterable[Message]) -> None:
    """Give messages to the broker. One that is down is not an error here: the relay tries again.

    One message that cannot be sent keeps no other.
    """
    broken = []
    for message in messages:
        try:
            _send(message)
        except (OperationalError, OSError) as error:
            logger.warning("The broker took no message, the relay will: %s", error)
            break
        except (EncodeError, TypeError, ValueError) as error:
            logger.warning("No message can be made of job %s: %s", message.job_id, error)
            broken.append(message)
        except Exception as error:
            logger.warning("The message of job %s was not taken, the relay tries again: %r", message.job_id, error)
    for message in broken:
        set_aside(tenant_id=message.tenant_id, job_id=message.job_id, error=Unpublishable())


def _send(message: Message) -> None:
    limits = limits_of(message.kind)
    current_app.send_task(
        RUN_JOB,
        args=(str(message.tenant_id), str(message.job_id)),
        queue=message.queue,
        retry=False,
        soft_time_limit=int(limits.soft.total_seconds()),
        time_limit=int(limits.kill.total_seconds()),
    )


def idle_queues() -> list[str]:
    """Queues of which the broker holds no message. Whatever was sent to them is with a worker, or lost."""
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            return [queue for queue in Queue.values if not broker.llen(queue)]
    except (redis.RedisError, OSError) as error:
        logger.warning("The broker did not say what it holds: %r", error)
        return []


__all__ = ["Queue", "cancel", "enqueue", "enqueue_again", "lining_up", "publish_next", "queue_position", "send"]
