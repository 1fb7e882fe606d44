"""What keeps the rows and the broker in step: the clock in the beat process calls `relay` each second.

It works across tenants, on the `system` connection, and reads nothing but ids and times.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from django.db import connections
from django.utils import timezone

from jobs.models import Job
from jobs.queueing import IN_FLIGHT_PER_TENANT, send
from jobs.running import give_up

logger = logging.getLogger(__name__)

TICK_S = 1.0
JOBS_AT_ONCE = 500

_ticks: list[Callable[[], None]] = []


def every_second(tick: Callable[[], None]) -> Callable[[], None]:
    """Register a function that the clock calls each second. A failure of one does not keep the others."""
    _ticks.append(tick)
    return tick


@every_second
def relay() -> None:
    """Take jobs back from dead workers, and tell the broker of jobs it has not heard of or has lost.

    A job whose last attempt took its worker along is not tried again: it would take all of them.
    """
    jobs = Job.objects.using("system")
    now = timezone.now()
    for tenant_id, job_id in jobs.abandoned(now).exhausted().values_list("tenant_id", "id"):
        give_up(tenant_id=tenant_id, job_id=job_id)
    jobs.abandoned(now).update(status=Job.Status.QUEUED, published_at=None, lease_until=None)
    in_flight = Counter(jobs.in_flight().values_list("tenant_id", "queue"))
    messages = []
    for job in jobs.due(now).foremost(IN_FLIGHT_PER_TENANT)[:JOBS_AT_ONCE]:
        lane = (job.tenant_id, job.queue)
        if job.published_at is None:
            if in_flight[lane] >= IN_FLIGHT_PER_TENANT:
                continue
            in_flight[lane] += 1
        if jobs.filter(pk=job.pk, status=Job.Status.QUEUED).update(published_at=now):
            messages.append((job.tenant_id, job.pk, job.queue))
    send(messages)


def tick_all() -> None:
    """One turn of the clock."""
    for tick in _ticks:
        try:
            tick()
        except Exception:
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
        tick_all()
        time.sleep(max(0.0, TICK_S - (time.monotonic() - began)))
