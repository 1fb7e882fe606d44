"""Doing one job: claim, handle, settle."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from jobs.handlers import Again, RetryLater, Run, Stopped, registration
from jobs.models import Job
from tenants.errors import PlatformError
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)


class GaveUp(PlatformError):
    code = "gave_up"
    status = 500
    default_detail = "The work failed several times in an unexpected way. Try again; if it stays, tell the operator."


def run(*, tenant_id: UUID, job_id: UUID, worker: str) -> None:
    """Run one job of one tenant. Safe to call twice: the claim fails the second time."""
    with tenant_scope(tenant_id):
        job = Job.objects.claim(job_id, worker=worker)
    if job is None:
        return
    try:
        registration(job.kind).handle(Run(job))
    except Stopped:
        return
    except Again:
        _put_back(job, delay=timedelta(), counts=False)
    except RetryLater as later:
        _retry_or_fail(job, later.error, later.after)
    except PlatformError as error:
        _fail(job, error)
    except (DatabaseError, OSError, MemoryError) as failure:
        logger.warning("%s failed and will be tried again: %s", job, failure)
        _retry_or_fail(job, GaveUp(), None)
    except Exception:
        logger.exception("%s failed unexpectedly", job)
        _retry_or_fail(job, GaveUp(), None)
    else:
        _settle(job, status=Job.Status.DONE, finished_at=timezone.now(), error_code="", error_detail="")


def give_up(*, tenant_id: UUID, job_id: UUID) -> None:
    """End a job whose workers died with every attempt. Does nothing if somebody works on it after all."""
    with tenant_scope(tenant_id):
        job = Job.objects.abandoned(timezone.now()).exhausted().filter(pk=job_id).first()
        if job is not None:
            _fail(job, GaveUp())


def _settle(job: Job, **fields: object) -> bool:
    with tenant_scope(job.tenant_id):
        return job.settle(**fields)


def _put_back(job: Job, *, delay: timedelta, counts: bool) -> None:
    attempts = job.attempts if counts else job.attempts - 1
    now = timezone.now()
    _settle(job, status=Job.Status.QUEUED, published_at=None, available_at=now + delay, attempts=attempts)


def _retry_or_fail(job: Job, error: PlatformError, after: timedelta | None) -> None:
    if job.is_last_attempt:
        _fail(job, error)
        return
    wait = after if after is not None else min(FIRST_WAIT * 2 ** (job.attempts - 1), LONGEST_WAIT)
    _put_back(job, delay=wait, counts=True)


def _fail(job: Job, error: PlatformError) -> None:
    with tenant_scope(job.tenant_id):
        was_ours = job.settle(
            status=Job.Status.FAILED,
            finished_at=timezone.now(),
            error_code=error.code,
            error_detail=str(error.detail),
        )
        if was_ours:
            _tell_of_failure(job, error)


def _tell_of_failure(job: Job, error: PlatformError) -> None:
    """Let the subject say that the work failed. That it failed stands, whatever comes of this."""
    try:
        with transaction.atomic():
            if on_failure := registration(job.kind).on_failure:
                on_failure(job, error)
    except Exception:
        logger.exception("What %s was about could not be told of its failure", job)
