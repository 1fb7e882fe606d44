"""Background work.

The row is the truth; the broker only carries "look at this job", and may be empty any time.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantModel, TenantQuerySet
from tenants.statements import Param, Select, Update

# A worker that says nothing for this long is taken for dead. Its heartbeat comes far more often.
LEASE = timedelta(seconds=60)


class Queue(models.TextChoices):
    INTERACTIVE = "interactive"
    EMBEDDING = "embedding"
    ANALYTICS = "analytics"
    MEMORY = "memory"
    WEBHOOKS = "webhooks"
    MAINTENANCE = "maintenance"


class JobQuerySet(TenantQuerySet):
    def unfinished(self) -> Self:
        return self.filter(status__in=[Job.Status.QUEUED, Job.Status.RUNNING])

    def in_flight(self) -> Self:
        """With the broker or with a worker."""
        return self.unfinished().exclude(published_at=None)

    def waiting(self, now: datetime | Param) -> Self:
        """In line, and may begin."""
        return self.filter(status=Job.Status.QUEUED, available_at__lte=now)

    def unsent(self) -> Self:
        return self.filter(published_at=None)

    def foremost(self, count: int, now: datetime) -> Self:
        """The first so many of each tenant in each queue: those in flight, then those that may begin, by age.

        A crowd of one tenant thus fills its own places and hides nobody else's.
        """
        lane = Window(
            RowNumber(),
            partition_by=["tenant_id", "queue"],
            order_by=[F("published_at").asc(nulls_last=True), "created_at"],
        )
        candidates = self.unfinished().filter(Q(published_at__isnull=False) | Q(available_at__lte=now))
        return candidates.annotate(place=lane).filter(place__lte=count)

    def abandoned(self, now: datetime) -> Self:
        return self.filter(status=Job.Status.RUNNING, lease_until__lt=now)

    def untold(self) -> Self:
        """Failed, and their subjects do not know."""
        return self.filter(status=Job.Status.FAILED, tries_to_tell__gt=0)

    def over_before(self, moment: datetime) -> Self:
        """Over for that long, and nothing is left to do about them."""
        return self.filter(status__in=[Job.Status.DONE, Job.Status.CANCELLED], finished_at__lt=moment)

    def superseded_by(self, others: Self) -> Self:
        """Of the same kind on the same subject as a later one of these."""
        later = others.filter(kind=OuterRef("kind"), subject_id=OuterRef("subject_id"))
        return self.filter(Exists(later.filter(created_at__gt=OuterRef("created_at"))))

    def claim(self, job_id: UUID, *, worker: str) -> "Job | None":
        """Take a queued job for this worker, or None if another one has it or it is over."""
        now = timezone.now()
        claimed = _CLAIM(id=job_id, now=now, worker=worker, lease_until=now + LEASE, started_at=now)
        return _ONE.first(id=job_id) if claimed else None


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
    # How often its subject may still be told that a failed job failed; 0 once it knows.
    tries_to_tell = models.PositiveSmallIntegerField(default=0)
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
            # For the relay's look at failures that nobody was told of: hardly ever any.
            models.Index(fields=["available_at"], condition=Q(tries_to_tell__gt=0), name="job_untold"),
            # For pruning.
            models.Index(fields=["finished_at"], condition=Q(status__in=["done", "cancelled"]), name="job_over"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts >= self.max_attempts

    @property
    def is_superseded(self) -> bool:
        """There is newer work of this kind on the same subject. Asks the database."""
        same = Job.objects.for_tenant(self.tenant_id).filter(kind=self.kind, subject_id=self.subject_id)
        return bool(same.filter(created_at__gt=self.created_at).exists())

    @property
    def can_run_again(self) -> bool:
        """It failed or was cancelled, and nothing was done about that since. Asks the database."""
        return self.status in (Job.Status.FAILED, Job.Status.CANCELLED) and not self.is_superseded

    def settle(self, **fields: Any) -> bool:
        """Write the outcome if the job is still as we know it. False: somebody else goes on with it."""
        held = {"id": self.pk, "was": self.status, "held": self.fence}
        return _settling(*fields)(**held, **fields) == 1


# Of every job.
_ONE: Select[Job] = Select(lambda: Job.objects.filter(id=Param("id")))
_CLAIM = Update(
    lambda: Job.objects.filter(id=Param("id"), status=Job.Status.QUEUED, available_at__lte=Param("now")),
    "worker", "lease_until", "started_at",
    status=Job.Status.RUNNING, attempts=F("attempts") + 1, fence=F("fence") + 1,
)  # fmt: skip


@cache
def _settling(*fields: str) -> Update:
    held = Q(id=Param("id"), status=Param("was"), fence=Param("held"))
    return Update(lambda: Job.objects.filter(held), *fields, lease_until=None)
