"""What tables and columns mean to their people: metrics, joins, and questions whose SQL was found right."""

from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models.datasets import Dataset, DatasetColumn, DatasetTable
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.models import Member


class Approval(models.TextChoices):
    """What a profile or a model proposes counts once a person has approved it."""

    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")


class ApprovalQuerySet(TenantQuerySet):
    def approved(self) -> Self:
        return self.filter(status=Approval.APPROVED)


class Metric(TenantModel):
    """A name for an expression over the columns of one table, as "revenue" for `sum(amount)`."""

    dataset = TenantForeignKey(
        Dataset, models.CASCADE, related_name="metrics", verbose_name=_("dataset"), db_index=False
    )
    table = TenantForeignKey(DatasetTable, models.CASCADE, related_name="metrics", verbose_name=_("table"))
    name = models.CharField(_("name"), max_length=200)
    sql = models.TextField(_("SQL"))
    description = models.TextField(_("description"), blank=True, default="")
    synonyms = models.JSONField(_("synonyms"), default=list, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Approval, default=Approval.PROPOSED)

    objects: ClassVar[Any] = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        constraints = [models.UniqueConstraint(fields=["tenant", "dataset", "name"], name="metric_name")]

    def __str__(self) -> str:
        return self.name


class Join(TenantModel):
    """Two columns that name the same thing."""

    dataset = TenantForeignKey(Dataset, models.CASCADE, related_name="joins", verbose_name=_("dataset"), db_index=False)
    left_column = TenantForeignKey(DatasetColumn, models.CASCADE, related_name="+")
    right_column = TenantForeignKey(DatasetColumn, models.CASCADE, related_name="+")
    status = models.CharField(_("status"), max_length=10, choices=Approval, default=Approval.PROPOSED)

    objects: ClassVar[Any] = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("join")
        verbose_name_plural = _("joins")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "dataset", "left_column", "right_column"], name="join_once")
        ]


class VerifiedPair(TenantModel):
    """A question with SQL that answers it: an example for the model, and an answer where there is none."""

    class Origin(models.TextChoices):
        FEEDBACK = "feedback", _("Feedback")
        MEMBER = "member", _("Member")
        SEED = "seed", _("Demo")

    dataset = TenantForeignKey(Dataset, models.CASCADE, related_name="pairs", verbose_name=_("dataset"), db_index=False)
    question = models.TextField(_("question"))
    sql = models.TextField(_("SQL"))
    language = models.CharField(_("language"), max_length=10, default="en")
    # float32, as long as the space's dimension; empty until it is embedded.
    vector = models.BinaryField(default=bytes, editable=False)
    # The embedding model that made the vector.
    space = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=Approval, default=Approval.PROPOSED)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin)
    asked_by = TenantForeignKey(Member, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar[Any] = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("verified question")
        verbose_name_plural = _("verified questions")
        indexes = [models.Index(fields=["tenant", "dataset", "status"], name="verified_pair_of_dataset")]

    def __str__(self) -> str:
        return self.question
