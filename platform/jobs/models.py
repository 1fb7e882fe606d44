"""Background work.

The row is the truth; the broker only carries "look at this job", and may be empty any time.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantModel, TenantQuerySet

# A worker that says nothing for this long is taken for dead. Handlers check in far more often.
LEASE = timedelta(seconds=60)
# A message that led to nothing for this long is taken for lost, and sent again.
REPUBLISH_AFTER = timedelta(seconds=15)


class Queue(models.TextChoices):
    INTERACTIVE = "interactive"
    EMBEDDING = "embedding"
    ANALYTICS = "analytics"
    MEMORY = "memory"
    MAINTENANCE = "maintenance"


class JobQuerySet(TenantQuerySet):
    def unfinished(self) -> Self:
        return self.filter(status__in=[Job.Status.QUEUED, Job.Status.RUNNING])

    def in_flight(self) -> Self:
        """With the broker or with a worker."""
        return self.unfinished().exclude(published_at=None)

    def due(self, now: datetime) -> Self:
        """Waiting for a message: never sent, or sent so long ago that it must be lost."""
        unsent = Q(published_at=None) | Q(published_at__lt=now - REPUBLISH_AFTER)
        return self.filter(unsent, status=Job.Status.QUEUED, available_at__lte=now).order_by("created_at")

    def foremost(self, count: int) -> Self:
        """The first so many of each tenant in each queue: a crowd of one hides nobody else's."""
        own_line = Window(RowNumber(), partition_by=["tenant_id", "queue"], order_by="created_at")
        return self.annotate(place=own_line).filter(place__lte=count)

    def abandoned(self, now: datetime) -> Self:
        return self.filter(status=Job.Status.RUNNING, lease_until__lt=now)

    def exhausted(self) -> Self:
        """After their last attempt."""
        return self.filter(attempts__gte=F("max_attempts"))

    def claim(self, job_id: UUID, *, worker: str) -> "Job | None":
        """Take a queued job for this worker, or None if another one has it or it is over."""
        now = timezone.now()
        claimed = self.filter(pk=job_id, status=Job.Status.QUEUED, available_at__lte=now).update(
            status=Job.Status.RUNNING,
            worker=worker,
            attempts=F("attempts") + 1,
            fence=F("fence") + 1,
            lease_until=now + LEASE,
            started_at=now,
        )
        job: Job | None = self.get(pk=job_id) if claimed else None
        return job


class Job(TenantModel):
    """One piece of work about one subject.

    A worker that lost its lease writes nothing: its `fence` is old.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    kind = models.CharField(_("kind"), max_length=60)
    queue = models.CharField(_("queue"), max_length=20, choices=Queue)
    subject_id = models.UUIDField()
    payload = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    fence = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=100, default="")
    available_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    error_code = models.CharField(_("error code"), max_length=60, default="")
    error_detail = models.TextField(_("error"), default="")

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "subject_id"],
                condition=Q(status__in=["queued", "running"]),
                name="job_once_per_subject",
            )
        ]
        indexes = [
            # For the relay's look at what is due and what was abandoned.
            models.Index(
                fields=["status", "available_at"],
                condition=Q(status__in=["queued", "running"]),
                name="job_open",
            ),
            models.Index(fields=["tenant", "subject_id"], name="job_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts >= self.max_attempts

    def settle(self, **fields: Any) -> bool:
        """Write the outcome if the lease is still ours. False: somebody else goes on with the job."""
        held = Job.objects.filter(pk=self.pk, status=Job.Status.RUNNING, fence=self.fence)
        return held.update(lease_until=None, **fields) == 1
