"""Acme has parcels to send: a kind of work that does what a test tells it."""

from collections.abc import Callable
from threading import Event
from typing import Any
from uuid import UUID

import pytest
import redis
from django.conf import settings
from uuid_utils.compat import uuid7

from jobs import handlers
from jobs.handlers import FailureHandler, Run, job_handler
from jobs.models import Job
from jobs.queueing import Message, enqueue
from tenants.errors import PlatformError
from tenants.scope import tenant_scope
from tests.conftest import Business

KIND = "tests.parcel"
# No worker listens here, so that only the test itself does the work.
QUEUE = "memory"


class Parcels:
    """The jobs of one test, what their handler did, and what went to the broker."""

    def __init__(self) -> None:
        self.sent: list[UUID] = []
        self.failures: list[tuple[UUID, str]] = []
        self.published: list[Message] = []
        self.handle: Callable[[Run], None] = self._send
        self.give_up: FailureHandler = self._note_failure

    def _send(self, run: Run) -> None:
        run.check_in()
        self.sent.append(run.subject_id)

    def _note_failure(self, job: Job, error: PlatformError) -> None:
        self.failures.append((job.subject_id, error.code))

    def put(self, business: Business, **fields: Any) -> Job:
        """One more parcel in line."""
        with business.scope():
            return enqueue(tenant_id=business.id, kind=KIND, queue=QUEUE, subject_id=uuid7(), **fields)

    def published_of(self, *businesses: Business) -> list[UUID]:
        """The jobs of these that went to the broker, in order. Neighbours of other tests are not counted."""
        ids = {business.id for business in businesses}
        return [message.job_id for message in self.published if message.tenant_id in ids]


@pytest.fixture
def parcels(monkeypatch: pytest.MonkeyPatch) -> Parcels:
    kept = Parcels()
    monkeypatch.setattr(handlers, "_registry", dict(handlers._registry))
    job_handler(KIND, on_failure=lambda job, error: kept.give_up(job, error))(lambda run: kept.handle(run))
    for module in ("jobs.queueing.send", "jobs.relay.send"):
        monkeypatch.setattr(module, kept.published.extend)
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        broker.delete(QUEUE)  # what tests before sent there for nobody
    return kept


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set it, and this process is a worker that was told to end."""
    told = Event()
    monkeypatch.setattr("jobs.leaving.is_asked", told.is_set)
    return told


def as_it_is(job: Job) -> Job:
    """The job's row now."""
    with tenant_scope(job.tenant_id):
        return Job.objects.get(pk=job.pk)  # type: ignore[no-any-return]


def change(job: Job, **fields: Any) -> None:
    """Write to the job's row, as time or another process would."""
    with tenant_scope(job.tenant_id):
        Job.objects.filter(pk=job.pk).update(**fields)
