"""The one Celery task. All else is rows."""

import os
import socket
from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down

from jobs import leaving
from jobs.models import Job
from jobs.queueing import RUN_JOB, publish_next
from jobs.running import run
from tenants.scope import tenant_scope
from tenants.statements import Param, Select

_QUEUE: Select[str] = Select(lambda: Job.objects.filter(id=Param("id")).values_list("queue", flat=True))


@shared_task(name=RUN_JOB)
def run_job(tenant_id: str, job_id: str) -> None:
    """Run one job of one tenant, then let the tenant's next one come. No autoretry: the rows decide."""
    tenant, job = UUID(tenant_id), UUID(job_id)
    run(tenant_id=tenant, job_id=job, worker=worker_name())
    with tenant_scope(tenant):
        queue = _QUEUE.first(id=job)
    if queue:
        publish_next(tenant, queue)


@worker_shutting_down.connect
def hand_jobs_back(**_: object) -> None:
    """A worker that has to end does not finish its jobs first: others go on with them at once."""
    leaving.ask()


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
