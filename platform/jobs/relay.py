"""What keeps the rows and the broker in step: the clock in the beat process calls `relay` each second.

It looks across tenants, on the `system` connection, at nothing but ids and times; what it finds it mends in the
scope of each tenant. It waits for no lock and gives nobody all of its time: everyone's jobs depend on it.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connections, transaction
from django.utils import timezone

from jobs.models import Job, JobQuerySet
from jobs.queueing import IN_FLIGHT_PER_TENANT, Message, idle_queues, send
from jobs.running import take_back, tell

logger = logging.getLogger(__name__)

TICK_S = 1.0
JOBS_AT_ONCE = 500
# So much of a tick may go to mending what failed; the rest has its turn a second later.
MEND_S = 2.0
# A message that led to nothing for this long is lost if the broker holds none of its queue...
LOST_AFTER = timedelta(seconds=15)
# ...and is sent again after this long in any case. Sooner, the copies would pile up before everyone's next job.
REPUBLISH_AFTER = timedelta(minutes=10)

_ticks: list[Callable[[], None]] = []


def every_second(tick: Callable[[], None]) -> Callable[[], None]:
    """Register a function that the clock calls each second. A failure of one does not keep the others."""
    _ticks.append(tick)
    return tick


@every_second
def relay() -> None:
    """Tell the broker of jobs it has not heard of or has lost, oldest first and each tenant its share."""
    now = timezone.now()
    jobs = Job.objects.using("system")
    due = _untaken(now)
    # What was never sent comes first: what seems lost may just wait.
    due.sort(key=lambda job: (job.published_at is not None, job.published_at or job.created_at))
    with transaction.atomic(using="system"):
        chosen = jobs.filter(pk__in=[job.pk for job in due[:JOBS_AT_ONCE]])
        # But for those that somebody else holds just now; and without their payloads.
        columns = chosen.waiting(now).order_by("created_at").values_list("tenant_id", "id", "queue", "kind")
        messages = [Message(*row) for row in columns.select_for_update(skip_locked=True)]
        jobs.filter(pk__in=[message.job_id for message in messages]).update(published_at=now)
    send(messages)


def _untaken(now: datetime) -> list[Job]:
    """Jobs within their tenants' shares of which the broker knows nothing, as far as we can tell."""
    foremost = Job.objects.using("system").foremost(IN_FLIGHT_PER_TENANT, now)
    front = foremost.only("queue", "status", "published_at", "created_at")
    # Running ones have their places in it too, so they are left out only here.
    queued = [job for job in front if job.status == Job.Status.QUEUED]
    unsent = [job for job in queued if job.published_at is None]
    silent = [job for job in queued if job.published_at is not None and job.published_at < now - LOST_AFTER]
    idle = idle_queues() if silent else []
    return unsent + [job for job in silent if job.queue in idle or job.published_at < now - REPUBLISH_AFTER]


@every_second
def mend() -> None:
    """Take jobs back from dead workers, and tell subjects that could not be told of their failure."""
    now = timezone.now()
    jobs = Job.objects.using("system")
    _for_each(jobs.abandoned(now).order_by("lease_until"), take_back)
    _for_each(jobs.untold().filter(available_at__lt=now).order_by("available_at"), tell)


def _for_each(jobs: JobQuerySet, act: Callable[..., None]) -> None:
    """Act on each, as far as a tick's time allows. One that fails keeps no other."""
    ends_at = time.monotonic() + MEND_S
    for tenant_id, job_id in jobs.values_list("tenant_id", "id")[:JOBS_AT_ONCE]:
        if time.monotonic() > ends_at:
            return
        try:
            act(tenant_id=tenant_id, job_id=job_id)
        except Exception:
            logger.exception("%s failed for job %s; it is tried again in a second", act.__name__, job_id)


def tick_all() -> None:
    """One turn of the clock."""
    for tick in _ticks:
        try:
            tick()
        except BaseException:  # also a SystemExit: it would end the clock's thread and leave the process
            logger.exception("%s failed; it is tried again in a second", tick.__name__)
    connections.close_all()


def start_clock() -> threading.Thread:
    """Run the clock in a thread of this process until the process ends."""
    thread = threading.Thread(target=_run_clock, name="clock", daemon=True)
    thread.start()
    return thread


def _run_clock() -> None:
    while True:
        began = time.monotonic()
        try:
            tick_all()
        except Exception:  # giving connections back may fail too, and nothing else would start the clock again
            logger.exception("The clock stumbled")
        time.sleep(max(0.0, TICK_S - (time.monotonic() - began)))
