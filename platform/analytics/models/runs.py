"""The audit of SQL: what was to be run, what the gate said, and what came of it."""

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models.datasets import Dataset
from tenants.base import TenantForeignKey, TenantModel


class SqlRun(TenantModel):
    """One statement that was to run on a dataset, refused ones included. Rows are only added.

    Plain ids: it is kept when the question, the member or the key are gone.
    """

    class Origin(models.TextChoices):
        GENERATED = "generated", _("Written by the model")
        REPAIRED = "repaired", _("Repaired by the model")
        PAIR = "pair", _("Verified question")
        SAVED = "saved", _("Saved question")
        WRITTEN = "written", _("Written by hand")

    OK = "ok"

    dataset = TenantForeignKey(Dataset, models.CASCADE, related_name="runs", verbose_name=_("dataset"), db_index=False)
    question_id: Any = models.UUIDField(null=True)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin)
    sql_given = models.TextField(_("SQL as given"))
    # As the gate wrote it anew; empty where it refused.
    sql_run = models.TextField(_("SQL as run"), blank=True, default="")
    # "ok", the rule that refused it, or the code of the error.
    verdict = models.CharField(_("verdict"), max_length=60)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    elapsed_ms = models.PositiveIntegerField(_("duration in ms"), default=0)
    plan_cost = models.FloatField(_("estimated cost"), null=True)
    member_id: Any = models.UUIDField(null=True)
    key_id: Any = models.UUIDField(null=True)
    end_user_id: Any = models.UUIDField(null=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("run of SQL")
        verbose_name_plural = _("runs of SQL")
        indexes = [models.Index(fields=["tenant", "dataset", "-at"], name="sql_run_newest")]

    def __str__(self) -> str:
        return f"{self.origin}: {self.verdict}"
