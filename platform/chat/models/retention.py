"""How long a tenant keeps what people said, and the receipts of what was erased."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantModel, TenantQuerySet

LONGEST_DAYS = 3650


def days_field(verbose_name: Any, help_text: Any) -> Any:
    """A number of days; empty keeps for good."""
    return models.PositiveIntegerField(
        verbose_name,
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text=help_text,
    )


class RetentionPolicy(TenantModel):
    """One of a tenant. Without it everything is kept until somebody deletes it."""

    conversations_days = days_field(
        _("days that conversations are kept"), _("Since something was last said in them. Empty: for good.")
    )
    traces_days = days_field(
        _("days that traces of answers are kept"),
        _("Prompts' sections, passages and scores behind an answer; the answer itself stays. Empty: for good."),
    )
    # By the clock, so that it looks once a day.
    looked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("retention policy")
        verbose_name_plural = _("retention policy")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="retention_one_per_tenant")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class ErasureQuerySet(TenantQuerySet):
    def unfinished(self) -> Self:
        return self.filter(status__in=[Erasure.Status.QUEUED, Erasure.Status.RUNNING])


class Erasure(TenantModel):
    """What was erased, and the receipt that nothing of it is left. It names nobody.

    `found` and `left` are `{kind of thing: count}`, before and after. `person_digest` lets whoever knows the person's
    id find the receipt (`receipts.digest_of`).
    """

    class Origin(models.TextChoices):
        TENANT = "tenant", _("The business")
        VISITOR = "visitor", _("The visitor")
        POLICY = "policy", _("The retention policy")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    origin = models.CharField(_("asked for by"), max_length=10, choices=Origin)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    person_digest = models.CharField(_("digest of the id"), max_length=64, blank=True, default="")
    # Plain ids: what they name is about to go. All conversations of the person; or some, which were kept long enough.
    end_user_id: Any = models.UUIDField(null=True)
    conversation_ids = ArrayField(models.UUIDField(), default=list)
    done = models.PositiveIntegerField(default=0)
    found = models.JSONField(_("found"), default=dict)
    left = models.JSONField(_("left"), default=dict)
    signature = models.CharField(_("signature"), max_length=100, blank=True, default="")
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    requested_at = models.DateTimeField(_("asked for"), default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    objects: ClassVar[Any] = ErasureQuerySet.as_manager()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "end_user_id"],
                condition=models.Q(status__in=["queued", "running"]) & ~models.Q(end_user_id=None),
                name="erasure_one_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["tenant", "-requested_at"], name="erasure_newest")]

    def __str__(self) -> str:
        return f"{self.get_origin_display()} · {self.requested_at:%Y-%m-%d %H:%M}"
