"""Work that goes wrong in every way. A worker process of the tests knows it by `--include`."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_init

from jobs import handlers, heartbeat, models
from jobs.handlers import Limits, Run, job_handler
from jobs.models import Job
from knowledge import tasks
from knowledge.models import Document
from tenants.scope import tenant_scope

DEADLY = "tests.deadly"
SLOW = "tests.slow"
POISON = "Poison"


def end(run: Run) -> None:
    os._exit(1)


def touch_forbidden_memory(run: Run) -> None:
    ctypes.string_at(0)


def eat_all_memory(run: Run) -> None:
    """What the kernel then does."""
    os.kill(os.getpid(), signal.SIGKILL)


def work_well(run: Run) -> None:
    run.check_in()


def keep_looking_up(run: Run) -> None:
    while True:
        run.check_in()
        time.sleep(0.05)


def be_deaf(run: Run) -> None:
    """Until the job is taken away."""
    is_held = True
    while is_held:
        time.sleep(0.05)
        with tenant_scope(run.tenant_id):
            is_held = Job.objects.filter(pk=run.job.pk, status=Job.Status.RUNNING, fence=run.job.fence).exists()


def dawdle(run: Run) -> None:
    time.sleep(60)


def hang(run: Run) -> None:
    while True:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(60)


WAYS: dict[str, Callable[[Run], None]] = {
    way.__name__: way
    for way in (end, touch_forbidden_memory, eat_all_memory, work_well, keep_looking_up, be_deaf, dawdle, hang)
}


def register() -> None:
    """Know these kinds, in a worker's process and in the test's, which is the relay."""
    job_handler(DEADLY)(go_wrong)
    job_handler(SLOW, limits=Limits(soft=timedelta(seconds=1), hard=timedelta(seconds=3)))(go_wrong)


def go_wrong(run: Run) -> None:
    WAYS[run.job.payload["way"]](run)


@worker_init.connect
def be_impatient(**_: object) -> None:
    """In the worker: leases of four seconds, and documents that kill who reads them."""
    register()
    models.LEASE = handlers.LEASE = timedelta(seconds=4)
    heartbeat.BEAT_S, heartbeat.PATIENCE_S = 0.5, 0.5
    read = tasks.ingest_document

    def read_unless_poison(run: Run) -> None:
        with tenant_scope(run.tenant_id):
            title = Document.objects.values_list("title", flat=True).get(pk=run.subject_id)
        if title == POISON:
            os._exit(1)
        read(run)

    tasks.ingest_document = read_unless_poison
