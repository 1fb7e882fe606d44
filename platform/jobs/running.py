"""Doing one job: claim, handle, settle. And what becomes of it when that goes wrong."""

import logging
from datetime import timedelta
from functools import partial
from random import uniform
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from jobs import leaving
from jobs.errors import GaveUp, TookTooLong, WorkerDied
from jobs.handlers import Again, Leaving, RetryLater, Run, Stopped, limits_of, registration
from jobs.heartbeat import beating
from jobs.models import LEASE, Job
from tenants.errors import PlatformError
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)
# How often a subject is told that its work failed, if that raises.
TRIES_TO_TELL = 3
# A subject whose row somebody holds is told later: the relay, which tells too, must not wait for long.
TELL_TIMEOUT_MS = 3000


def run(*, tenant_id: UUID, job_id: UUID, worker: str) -> None:
    """Run one job of one tenant. Safe to call twice: the claim fails the second time."""
    with tenant_scope(tenant_id):
        job = Job.objects.claim(job_id, worker=worker)
    if job is None:
        return
    try:
        _handle(job)
    except Leaving:
        _hand_back(job)
    except Stopped:
        return
    except Again:
        _put_back(job, attempts=0)
    except RetryLater as later:
        _retry_or_fail(job, later.error, later.after)
    except PlatformError as error:
        _fail(job, error)
    except SoftTimeLimitExceeded:
        logger.warning("%s took too long", job)
        _retry_or_fail(job, TookTooLong())
    except (DatabaseError, OSError, MemoryError) as failure:
        logger.warning("%s failed and will be tried again: %s", job, failure)
        _retry_or_fail(job, GaveUp())
    except Exception:
        logger.exception("%s failed unexpectedly", job)
        _retry_or_fail(job, GaveUp())
    except BaseException:  # the process ends: say so while we can
        if leaving.is_asked():
            _hand_back(job)
        else:
            _retry_or_fail(job, WorkerDied())
        raise
    else:
        _settle(job, status=Job.Status.DONE, finished_at=timezone.now(), error_code="", error_detail="")


def take_back(*, tenant_id: UUID, job_id: UUID) -> None:
    """Try a job again whose worker fell silent, or end it after its last attempt: it would take all workers along.

    Does nothing if somebody works on it after all.
    """
    with tenant_scope(tenant_id):
        abandoned = Job.objects.abandoned(timezone.now()).defer("payload").filter(pk=job_id)
        job = abandoned.select_for_update(skip_locked=True).first()
        if job is not None:
            ran_out_of_time = job.lease_until >= Run(job, limits_of(job.kind)).ends_at
            _retry_or_fail(job, TookTooLong() if ran_out_of_time else WorkerDied())


def set_aside(*, tenant_id: UUID, job_id: UUID, error: PlatformError) -> None:
    """End a job that waits, since no worker can ever hear of it."""
    with tenant_scope(tenant_id):
        waiting = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).defer("payload")
        job = waiting.select_for_update(skip_locked=True).first()
        if job is not None:
            _fail(job, error)


def tell(*, tenant_id: UUID, job_id: UUID) -> None:
    """Let the subject of a failed job say so, unless it has newer work by now.

    That the job failed stands, whatever comes of this. A try is counted before it is made: it may take us along.
    """
    with tenant_scope(tenant_id):
        untold = Job.objects.untold().defer("payload").filter(pk=job_id)
        job = untold.select_for_update(skip_locked=True).first()
        if job is None:
            return
        wait = _wait(TRIES_TO_TELL - job.tries_to_tell + 1)
        untold.update(tries_to_tell=F("tries_to_tell") - 1, available_at=timezone.now() + wait)
    try:
        with tenant_scope(tenant_id):
            _limit_waiting()
            if not job.is_superseded and (on_failure := registration(job.kind).on_failure):
                on_failure(job, _recorded_error(job))
            Job.objects.filter(pk=job_id).update(tries_to_tell=0)
    except Exception:
        logger.exception("What %s was about could not be told of its failure", job)


def _handle(job: Job) -> None:
    registered = registration(job.kind)
    this_run = Run(job, registered.limits)
    if this_run.limits.hard < LEASE:
        this_run.renew()  # or its first lease would outlast it
    with beating(this_run, hand_back=partial(_hand_back, job)):
        registered.handle(this_run)


def _settle(job: Job, **fields: object) -> bool:
    with tenant_scope(job.tenant_id):
        return job.settle(**fields)


def _hand_back(job: Job) -> None:
    """As if this run had not been."""
    _put_back(job, attempts=job.attempts - 1)


def _put_back(job: Job, *, attempts: int, wait: timedelta = timedelta()) -> None:
    now = timezone.now()
    _settle(job, status=Job.Status.QUEUED, published_at=None, available_at=now + wait, attempts=attempts)


def _retry_or_fail(job: Job, error: PlatformError, after: timedelta | None = None) -> None:
    if job.is_last_attempt:
        _fail(job, error)
    else:
        _put_back(job, attempts=job.attempts, wait=_wait(job.attempts, after))


def _wait(attempts: int, at_least: timedelta | None = None) -> timedelta:
    """Doubles with each attempt. Up to half of it more, so that what failed together does not return together."""
    wait = at_least if at_least is not None else min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
    return wait * uniform(1.0, 1.5)  # noqa: S311 - spreads load, guards nothing


def _fail(job: Job, error: PlatformError) -> None:
    """The end of a job: a record of what went wrong, and news for its subject."""
    with tenant_scope(job.tenant_id):
        was_ours = job.settle(
            status=Job.Status.FAILED,
            finished_at=timezone.now(),
            error_code=error.code,
            error_detail=str(error.detail),
            tries_to_tell=TRIES_TO_TELL,
        )
        if was_ours:
            logger.error("%s of tenant %s is dead: %s", job, job.tenant_id, error.code)
            transaction.on_commit(partial(tell, tenant_id=job.tenant_id, job_id=job.pk), robust=True)


def _limit_waiting() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {TELL_TIMEOUT_MS}")


def _recorded_error(job: Job) -> PlatformError:
    """The error that ended a job, from its row."""
    kind = type("RecordedError", (PlatformError,), {"code": job.error_code})
    error: PlatformError = kind(job.error_detail)
    return error
